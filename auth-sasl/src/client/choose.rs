use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{
    ClientError, ClientExchange, ClientLogin, ClientMechanism,
    bearer::Bearer,
    password::{CramMd5, Login, Plain},
    without_secret::WithoutSecret,
};
use crate::{
    Channel,
    scram::{self, Hash, MIN_ITERATIONS},
};

/// What a client is willing to do. The default is careful: no password or token in the clear.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientPolicy {
    /// Passwords and tokens may be shown to the server: the connection is encrypted and the server's
    /// certificate verified, or the user insists. Default: no.
    pub clear_passwords: bool,
    /// SCRAM-SHA-1 is good enough. Default: yes; better ones are preferred anyway.
    pub sha1: bool,
    /// CRAM-MD5 is good enough. Default: no.
    pub cram_md5: bool,
    /// Nothing but mechanisms bound to the TLS connection: SCRAM with channel binding, a certificate.
    /// Default: no.
    pub require_binding: bool,
    /// SCRAM iterations, at least. Default: 4096.
    pub min_iterations: u32,
    /// SCRAM iterations, at most; each costs time. Default: a million.
    pub max_iterations: u32,
}

impl Default for ClientPolicy {
    fn default() -> Self {
        Self {
            clear_passwords: false,
            sha1: true,
            cram_md5: false,
            require_binding: false,
            min_iterations: MIN_ITERATIONS,
            max_iterations: 1_000_000,
        }
    }
}

impl ClientPolicy {
    /// The default on a connection that is, or is not, encrypted to a verified server.
    #[must_use]
    pub fn encrypted(encrypted: bool) -> Self {
        Self { clear_passwords: encrypted, ..Self::default() }
    }
}

/// What a mechanism may know when it is begun.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientSetup<'a> {
    /// Who, with what.
    pub login: &'a ClientLogin,
    /// On which connection: its random octets and channel bindings.
    pub channel: &'a Channel<'a>,
    /// What the client is willing to do.
    pub policy: &'a ClientPolicy,
    /// Whether the server lists a SCRAM mechanism with channel binding.
    pub plus_listed: bool,
}

type Begin = fn(&ClientSetup<'_>) -> Result<Box<dyn ClientMechanism>, ClientError>;

/// A mechanism a client knows, by name.
#[derive(Clone, Copy)]
pub struct ClientMethod {
    name: &'static str,
    clear_password: bool,
    begin: Begin,
}

impl fmt::Debug for ClientMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! scram {
    ($hash:ident, $plus:literal) => {
        Self::new(if $plus { Hash::$hash.mechanism_plus() } else { Hash::$hash.mechanism() }, false, |s| {
            scram(s, Hash::$hash, $plus)
        })
    };
}

impl ClientMethod {
    /// All of this crate, best first.
    pub const BEST_FIRST: &'static [Self] = &[
        Self::new("EXTERNAL", false, |s| match s.login.external {
            true => Ok(Box::new(WithoutSecret::external(s.login)?)),
            false => Err(ClientError::Unusable),
        }),
        scram!(Sha512, true),
        scram!(Sha256, true),
        scram!(Sha1, true),
        scram!(Sha512, false),
        scram!(Sha256, false),
        scram!(Sha1, false),
        Self::new("OAUTHBEARER", true, |s| {
            usable(s, s.login.authzid.is_none())?;
            Ok(Box::new(Bearer::oauthbearer(s.login)?))
        }),
        Self::new("XOAUTH2", true, |s| {
            usable(s, s.login.authzid.is_none())?;
            Ok(Box::new(Bearer::xoauth2(s.login)?))
        }),
        Self::new("CRAM-MD5", false, |s| {
            usable(s, s.policy.cram_md5 && s.login.authzid.is_none())?;
            Ok(Box::new(CramMd5::new(s.login)?))
        }),
        Self::new("PLAIN", true, |s| {
            usable(s, true)?;
            Ok(Box::new(Plain::new(s.login)?))
        }),
        Self::new("LOGIN", true, |s| {
            usable(s, s.login.authzid.is_none())?;
            Ok(Box::new(Login::new(s.login)?))
        }),
        Self::new("ANONYMOUS", false, |s| {
            usable(s, s.login.authzid.is_none())?;
            Ok(Box::new(WithoutSecret::anonymous(s.login)?))
        }),
    ];

    /// A mechanism, of this crate or not. `clear_password`: it shows a password or a token to
    /// whoever reads the connection. `begin` returns [`ClientError::Unusable`] where it cannot serve
    /// this login; the next one is then tried.
    #[must_use]
    pub const fn new(name: &'static str, clear_password: bool, begin: Begin) -> Self {
        Self { name, clear_password, begin }
    }

    /// Its registered name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// What binds to no channel: not where a channel binding is required.
const fn usable(setup: &ClientSetup<'_>, wanted: bool) -> Result<(), ClientError> {
    if wanted && !setup.policy.require_binding { Ok(()) } else { Err(ClientError::Unusable) }
}

fn scram(s: &ClientSetup<'_>, hash: Hash, plus: bool) -> Result<Box<dyn ClientMechanism>, ClientError> {
    if (hash == Hash::Sha1 && !s.policy.sha1) || (s.policy.require_binding && !plus) {
        return Err(ClientError::Unusable);
    }
    Ok(Box::new(scram::Client::new(hash, plus, s.login, s.channel, s.plus_listed, s.policy)?))
}

/// Why no mechanism was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChooseError {
    /// One would do on an encrypted connection.
    #[error("the server offers only mechanisms that want an encrypted connection")]
    WantsEncryption,
    /// The server offers none that this login and this policy can use.
    #[error("the server offers no mechanism that can be used")]
    NoneUsable,
}

/// Begins a login by the best mechanism: the first of `methods` that is among the names `offered` by
/// the server (in any case), can be used with this login, and is within the policy.
///
/// The channel's random octets are used up: fresh ones for each call.
///
/// # Errors
/// [`ChooseError`]
///
/// ```
/// use auth_sasl::{Channel, ClientLogin, ClientMethod, ClientPolicy, Secret, choose};
///
/// let login = ClientLogin::password("tim", Secret::new(b"tanstaaftanstaaf"));
/// let mut channel = Channel::default();
/// channel.random = Some(b"at least 18 random octets");
/// let policy = ClientPolicy::encrypted(true);
/// let offered = ["LOGIN", "PLAIN"]; // what the server lists
/// let mut exchange = choose(ClientMethod::BEST_FIRST, offered, &login, &channel, &policy)?;
/// assert_eq!(exchange.name(), "PLAIN");
/// assert_eq!(exchange.initial()?.expect("client first").expose(), b"\0tim\0tanstaaftanstaaf");
/// // The server says OK:
/// exchange.success(None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn choose<'n>(
    methods: &[ClientMethod],
    offered: impl IntoIterator<Item = &'n str>,
    login: &ClientLogin,
    channel: &Channel<'_>,
    policy: &ClientPolicy,
) -> Result<ClientExchange, ChooseError> {
    let offered: Vec<&str> = offered.into_iter().collect();
    let listed = |name: &str| offered.iter().any(|o| o.eq_ignore_ascii_case(name));
    let plus_listed = [Hash::Sha1, Hash::Sha256, Hash::Sha512].iter().any(|h| listed(h.mechanism_plus()));
    let setup = ClientSetup { login, channel, policy, plus_listed };
    let mut wants_encryption = false;
    for method in methods.iter().filter(|m| listed(m.name)) {
        if let Ok(mechanism) = (method.begin)(&setup) {
            if policy.clear_passwords || !method.clear_password {
                return Ok(ClientExchange::new(mechanism));
            }
            wants_encryption = true;
        }
    }
    Err(if wants_encryption { ChooseError::WantsEncryption } else { ChooseError::NoneUsable })
}
