use alloc::boxed::Box;
use core::fmt;

use crate::{
    Anonymous, Bearer, CramMd5, External, Login, Plain, ServerExchange, ServerMechanism,
    scram::{self, Decoy, Hash},
};

/// What a mechanism needs its host to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// Whether a password is right.
    Password,
    /// Whether a bearer token is right.
    Bearer,
    /// A user's SCRAM keys for this hash.
    ScramKeys(Hash),
    /// A user's password in the clear, or whether a keyed MD5 is made with it.
    CramMd5,
    /// Whom this connection's client certificate stands for: to be served where there is one.
    Certificate,
    /// That anybody may in.
    Anonymous,
    /// Something a mechanism from outside this crate needs, by a name of its own.
    Other(&'static str),
}

/// What a mechanism may know of the connection it runs on. Randomness and channel bindings come in
/// here, for mechanisms that need them, on both sides.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Channel<'a> {
    /// The `tls-exporter` channel binding (RFC 9266).
    pub tls_exporter: Option<&'a [u8]>,
    /// The `tls-server-end-point` channel binding (RFC 5929 section 4).
    pub tls_server_end_point: Option<&'a [u8]>,
    /// The client's verified certificate, DER.
    pub client_certificate: Option<&'a [u8]>,
    /// Fresh random octets for nonces: [`scram::MIN_RANDOM`] of them, or up to 32.
    pub random: Option<&'a [u8]>,
    /// Server side: how unknown users are made to look like known ones. SCRAM needs it.
    pub decoy: Option<Decoy<'a>>,
    /// Server side: its host name, for challenges that name it.
    pub host: Option<&'a str>,
    /// Server side: whether a SCRAM mechanism with channel binding is among those listed; `None`: if
    /// there is a channel binding. [`Offer::begin`] sees to it.
    pub plus_listed: Option<bool>,
}

impl fmt::Debug for Channel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("tls_exporter", &self.tls_exporter.is_some())
            .field("tls_server_end_point", &self.tls_server_end_point.is_some())
            .field("client_certificate", &self.client_certificate.is_some())
            .finish_non_exhaustive()
    }
}

/// A mechanism by name: what it needs, and how an exchange of it begins.
#[derive(Clone, Copy)]
pub struct Mechanism {
    name: &'static str,
    credential: Credential,
    clear_password: bool,
    server: fn(&Channel<'_>) -> Box<dyn ServerMechanism>,
}

impl Mechanism {
    /// PLAIN (RFC 4616).
    pub const PLAIN: Self = Self::new("PLAIN", Credential::Password, true, |_| Box::new(Plain));
    /// LOGIN (draft-murchison-sasl-login): obsolete, and what several mail programs try first.
    pub const LOGIN: Self = Self::new("LOGIN", Credential::Password, true, |_| Box::new(Login::default()));
    /// XOAUTH2 (Google, Microsoft).
    pub const XOAUTH2: Self = Self::new("XOAUTH2", Credential::Bearer, true, |_| Box::new(Bearer::xoauth2()));

    /// OAUTHBEARER (RFC 7628).
    pub const OAUTHBEARER: Self =
        Self::new("OAUTHBEARER", Credential::Bearer, true, |_| Box::new(Bearer::oauthbearer()));
    /// EXTERNAL (RFC 4422 appendix A): the client certificate of the TLS connection.
    pub const EXTERNAL: Self =
        Self::new("EXTERNAL", Credential::Certificate, false, |c| Box::new(External::new(c)));
    /// ANONYMOUS (RFC 4505): not among the [`BEST_FIRST`](Self::BEST_FIRST).
    pub const ANONYMOUS: Self =
        Self::new("ANONYMOUS", Credential::Anonymous, false, |_| Box::new(Anonymous::default()));
    /// CRAM-MD5 (RFC 2195): obsolete, and it wants passwords kept in the clear. Not among the
    /// [`BEST_FIRST`](Self::BEST_FIRST).
    pub const CRAM_MD5: Self =
        Self::new("CRAM-MD5", Credential::CramMd5, false, |c| Box::new(CramMd5::new(c)));
    /// SCRAM-SHA-1 (RFC 5802).
    pub const SCRAM_SHA_1: Self =
        Self::scram(Hash::Sha1, false, |c| Box::new(scram::Server::new(Hash::Sha1, false, c)));
    /// SCRAM-SHA-1-PLUS (RFC 5802), bound to the TLS connection; listed before TLS too.
    pub const SCRAM_SHA_1_PLUS: Self =
        Self::scram(Hash::Sha1, true, |c| Box::new(scram::Server::new(Hash::Sha1, true, c)));
    /// SCRAM-SHA-256 (RFC 7677).
    pub const SCRAM_SHA_256: Self =
        Self::scram(Hash::Sha256, false, |c| Box::new(scram::Server::new(Hash::Sha256, false, c)));
    /// SCRAM-SHA-256-PLUS (RFC 7677), bound to the TLS connection; listed before TLS too.
    pub const SCRAM_SHA_256_PLUS: Self =
        Self::scram(Hash::Sha256, true, |c| Box::new(scram::Server::new(Hash::Sha256, true, c)));
    /// SCRAM-SHA-512 (as RFC 7677 with SHA-512).
    pub const SCRAM_SHA_512: Self =
        Self::scram(Hash::Sha512, false, |c| Box::new(scram::Server::new(Hash::Sha512, false, c)));
    /// SCRAM-SHA-512-PLUS (as RFC 7677 with SHA-512), bound to the TLS connection; listed before TLS too.
    pub const SCRAM_SHA_512_PLUS: Self =
        Self::scram(Hash::Sha512, true, |c| Box::new(scram::Server::new(Hash::Sha512, true, c)));

    /// All of this crate that a server may list without second thoughts, best first. What its host
    /// cannot serve, an [`Offer`] leaves out. Leave the -PLUS ones out where there is never TLS.
    pub const BEST_FIRST: &'static [Self] = match Self::ALL {
        [safe @ .., _, _] => safe,
        _ => &[],
    };

    /// All of this crate, best first: also CRAM-MD5 and ANONYMOUS, for hosts that serve what these need
    /// ([`Credential::CramMd5`], [`Credential::Anonymous`]) only where they are told to.
    pub const ALL: &'static [Self] = &[
        Self::EXTERNAL,
        Self::SCRAM_SHA_512_PLUS,
        Self::SCRAM_SHA_256_PLUS,
        Self::SCRAM_SHA_1_PLUS,
        Self::SCRAM_SHA_512,
        Self::SCRAM_SHA_256,
        Self::SCRAM_SHA_1,
        Self::OAUTHBEARER,
        Self::XOAUTH2,
        Self::PLAIN,
        Self::LOGIN,
        Self::CRAM_MD5,
        Self::ANONYMOUS,
    ];

    const fn scram(hash: Hash, plus: bool, server: fn(&Channel<'_>) -> Box<dyn ServerMechanism>) -> Self {
        let name = if plus { hash.mechanism_plus() } else { hash.mechanism() };
        Self::new(name, Credential::ScramKeys(hash), false, server)
    }

    /// A mechanism, of this crate or not. `clear_password`: it shows a password or a token to
    /// whoever reads the connection, so it wants TLS.
    #[must_use]
    pub const fn new(
        name: &'static str,
        credential: Credential,
        clear_password: bool,
        server: fn(&Channel<'_>) -> Box<dyn ServerMechanism>,
    ) -> Self {
        Self { name, credential, clear_password, server }
    }

    /// Its registered name (RFC 4422 section 3.1): upper case.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What it needs its host to know.
    #[must_use]
    pub const fn credential(&self) -> Credential {
        self.credential
    }

    /// Whether it shows a password or a token to whoever reads the connection.
    #[must_use]
    pub const fn clear_password(&self) -> bool {
        self.clear_password
    }

    /// Whether it is bound to the TLS connection: a -PLUS mechanism (RFC 5801 section 2).
    const fn binds(&self) -> bool {
        matches!(self.name.as_bytes(), [.., b'-', b'P', b'L', b'U', b'S'])
    }

    /// A new exchange, server side. [`Offer::begin`] tells it what else is listed.
    #[must_use]
    pub fn begin(&self, channel: &Channel<'_>) -> ServerExchange {
        ServerExchange::new((self.server)(channel))
    }
}

impl fmt::Debug for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What one connection offers now: of the mechanisms known, those whose credential the host can
/// verify and that may be used on this transport. Make a new one after TLS.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    mechanisms: &'a [Mechanism],
    serves: &'a [Credential],
    clear: bool,
    binds: bool,
}

impl<'a> Offer<'a> {
    /// Of these mechanisms, in this order. Nothing is served and nothing allowed in the clear until
    /// said.
    #[must_use]
    pub const fn new(mechanisms: &'a [Mechanism]) -> Self {
        Self { mechanisms, serves: &[], clear: false, binds: true }
    }

    /// What the host can verify.
    #[must_use]
    pub const fn serves(self, credentials: &'a [Credential]) -> Self {
        Self { serves: credentials, ..self }
    }

    /// Whether passwords and tokens may travel as they are: the connection is encrypted, or policy
    /// says so.
    #[must_use]
    pub const fn clear_passwords(self, allowed: bool) -> Self {
        Self { clear: allowed, ..self }
    }

    /// Whether there is, or can still be, TLS on this connection: without it the -PLUS mechanisms are left
    /// out. Where TLS comes later they are listed before it, so that a client sees who takes them from the list.
    #[must_use]
    pub const fn channel_bindings(self, possible: bool) -> Self {
        Self { binds: possible, ..self }
    }

    /// What is offered, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a Mechanism> + use<'a> {
        let Self { mechanisms, serves, clear, binds } = *self;
        mechanisms.iter().filter(move |m| {
            serves.contains(&m.credential) && (clear || !m.clear_password) && (binds || !m.binds())
        })
    }

    /// The names to list: IMAP `AUTH=`, POP3 `SASL`, SMTP `AUTH`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<'a> {
        self.iter().map(Mechanism::name)
    }

    /// The offered mechanism of this name, in any case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a Mechanism> {
        self.iter().find(|m| m.name.eq_ignore_ascii_case(name))
    }

    /// A new exchange of the offered mechanism of this name, in any case. A SCRAM mechanism is told
    /// whether the offer has one with channel binding, which shows it a downgrade (RFC 5802 section 6).
    #[must_use]
    pub fn begin(&self, name: &str, channel: &Channel<'_>) -> Option<ServerExchange> {
        let plus = self.iter().any(|m| m.name.starts_with("SCRAM-") && m.binds());
        Some(self.find(name)?.begin(&Channel { plus_listed: Some(plus), ..*channel }))
    }

    /// Whether `name` is not offered only because the connection is not encrypted.
    #[must_use]
    pub fn wants_encryption(&self, name: &str) -> bool {
        !self.clear && self.find(name).is_none() && self.clear_passwords(true).find(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const ALL: &[Mechanism] = &[Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2];

    #[test]
    fn only_what_can_be_served_and_is_allowed_is_offered() {
        use Credential::{Bearer, Password};
        for (serves, clear, names) in [
            (&[][..], true, &[][..]),
            (&[Password], false, &[]),
            (&[Password], true, &["PLAIN", "LOGIN"]),
            (&[Bearer], true, &["XOAUTH2"]),
            (&[Password, Bearer], true, &["PLAIN", "LOGIN", "XOAUTH2"]),
        ] {
            let offer = Offer::new(ALL).serves(serves).clear_passwords(clear);
            assert_eq!(offer.names().collect::<Vec<_>>(), names);
            assert_eq!(offer.find("plain").is_some(), names.contains(&"PLAIN"));
        }
    }

    #[test]
    fn what_wants_second_thoughts_is_not_listed_without_them() {
        let names = |of: &[Mechanism]| of.iter().map(Mechanism::name).collect::<Vec<_>>();
        let (all, best) = (names(Mechanism::ALL), names(Mechanism::BEST_FIRST));
        assert_eq!(all[..best.len()], best);
        assert_eq!(all[best.len()..], ["CRAM-MD5", "ANONYMOUS"]);
    }

    #[test]
    fn a_mechanism_bound_to_tls_is_listed_where_tls_can_be() {
        let offer = Offer::new(Mechanism::BEST_FIRST).serves(&[Credential::ScramKeys(Hash::Sha256)]);
        let names = |offer: Offer<'static>| offer.names().collect::<Vec<_>>();
        assert_eq!(names(offer), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        assert_eq!(names(offer.channel_bindings(false)), ["SCRAM-SHA-256"]);
    }

    #[test]
    fn a_mechanism_held_back_for_want_of_tls_is_told_from_an_unknown_one() {
        let offer = Offer::new(ALL).serves(&[Credential::Password]);
        assert!(offer.wants_encryption("Plain"));
        assert!(!offer.wants_encryption("XOAUTH2"));
        assert!(!offer.wants_encryption("GSSAPI"));
        assert!(!offer.clear_passwords(true).wants_encryption("PLAIN"));
    }
}
