use alloc::boxed::Box;
use core::fmt;

use crate::{Login, Plain, ServerExchange, ServerMechanism, XOAuth2};

/// What a mechanism needs its host to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// Whether a password is right.
    Password,
    /// Whether a bearer token is right.
    Bearer,
    /// Something a mechanism from outside this crate needs, by a name of its own.
    Other(&'static str),
}

/// What a mechanism may know of the connection it runs on. Randomness and channel bindings come in
/// here, for mechanisms that need them.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Channel<'a> {
    /// The `tls-exporter` channel binding (RFC 9266).
    pub tls_exporter: Option<&'a [u8]>,
    /// The `tls-server-end-point` channel binding (RFC 5929 section 4).
    pub tls_server_end_point: Option<&'a [u8]>,
    /// The client's verified certificate, DER.
    pub client_certificate: Option<&'a [u8]>,
    /// Fresh random octets for nonces.
    pub random: Option<&'a [u8]>,
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
    pub const PLAIN: Self = Self::new("PLAIN", Credential::Password, true, |_| Box::new(Plain::default()));
    /// LOGIN (draft-murchison-sasl-login): obsolete, and what several mail programs try first.
    pub const LOGIN: Self = Self::new("LOGIN", Credential::Password, true, |_| Box::new(Login::default()));
    /// XOAUTH2 (Google, Microsoft).
    pub const XOAUTH2: Self =
        Self::new("XOAUTH2", Credential::Bearer, true, |_| Box::new(XOAuth2::default()));

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

    /// A new exchange, server side.
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
}

impl<'a> Offer<'a> {
    /// Of these mechanisms, in this order. Nothing is served and nothing allowed in the clear until
    /// said.
    #[must_use]
    pub const fn new(mechanisms: &'a [Mechanism]) -> Self {
        Self { mechanisms, serves: &[], clear: false }
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

    /// What is offered, in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a Mechanism> + use<'a> {
        let Self { mechanisms, serves, clear } = *self;
        mechanisms.iter().filter(move |m| serves.contains(&m.credential) && (clear || !m.clear_password))
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
    fn a_mechanism_held_back_for_want_of_tls_is_told_from_an_unknown_one() {
        let offer = Offer::new(ALL).serves(&[Credential::Password]);
        assert!(offer.wants_encryption("Plain"));
        assert!(!offer.wants_encryption("XOAUTH2"));
        assert!(!offer.wants_encryption("GSSAPI"));
        assert!(!offer.clear_passwords(true).wants_encryption("PLAIN"));
    }
}
