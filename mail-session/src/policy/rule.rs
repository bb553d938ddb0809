use std::fmt;

use super::{MailboxKind, Proof};
use crate::auth::{AuthError, AuthErrorKind, Protocol};

/// Where a setting stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Level {
    /// With the mailbox of this name.
    Mailbox(String),
    /// With the organisation of this domain.
    Organisation(String),
    /// With the server.
    Server,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mailbox(name) => write!(f, "mailbox {name}"),
            Self::Organisation(name) => write!(f, "organisation {name}"),
            Self::Server => f.write_str("the server"),
        }
    }
}

/// The rule that decided; its `Display` is for the log and for administrators.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// Nothing stands against it.
    Permitted,
    /// Granted by the opened mailbox.
    Shared(String),
    /// The mailbox's kind has no business with the protocol.
    Kind(String, MailboxKind, Protocol),
    /// The protocol is off.
    Off(Level, Protocol),
    /// A password would travel without TLS.
    Unencrypted,
    /// Security defaults: no passwords.
    SecurityDefaults(Level),
    /// An authentication policy.
    AuthPolicy {
        /// Its name.
        name: String,
        /// Who names it.
        of: Level,
        /// For which protocol.
        protocol: Protocol,
        /// Passwords; else tokens and certificates.
        basic: bool,
    },
    /// An authentication policy that does not exist.
    NoSuchAuthPolicy(String),
    /// The token was issued, or the login made, before the mailbox's valid-from (both in seconds since 1970;
    /// `None`: the token does not say when).
    ValidFrom(String, u64, Option<u64>),
    /// Nobody may in here.
    NoAnonymous,
    /// The mailbox is not shared with the one who logs in.
    NotShared(String, String),
}

impl Rule {
    /// Whether the refusal concerns only what was asked for beyond the own mailbox, so that the client is told so
    /// when his credential is right.
    #[must_use]
    pub const fn is_of_sharing(&self) -> bool {
        matches!(self, Self::NotShared(..))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permitted => f.write_str("nothing stands against it"),
            Self::Shared(mailbox) => write!(f, "mailbox {mailbox} is shared with it"),
            Self::Kind(mailbox, kind, protocol) => {
                write!(f, "mailbox {mailbox} is of kind {kind}, which has no {protocol}")
            }
            Self::Off(level, protocol) => write!(f, "{level}: {protocol} is off"),
            Self::Unencrypted => f.write_str("passwords travel only under TLS"),
            Self::SecurityDefaults(level) => write!(f, "security defaults of {level}: passwords are off"),
            Self::AuthPolicy { name, of, protocol, basic } => {
                let kind = if *basic { "basic" } else { "modern" };
                write!(f, "authentication policy {name:?} of {of}: {kind} {protocol} is off")
            }
            Self::NoSuchAuthPolicy(name) => write!(f, "there is no authentication policy {name:?}"),
            Self::ValidFrom(mailbox, from, Some(at)) => {
                write!(f, "mailbox {mailbox}: valid from {from}, and this is of {at}")
            }
            Self::ValidFrom(mailbox, from, None) => {
                write!(f, "mailbox {mailbox}: valid from {from}, and this says not of when it is")
            }
            Self::NoAnonymous => f.write_str("no mailbox is open to anybody"),
            Self::NotShared(mailbox, login) => write!(f, "mailbox {mailbox} is not shared with {login}"),
        }
    }
}

impl fmt::Display for MailboxKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Administrator => "administrator",
            Self::Guest => "guest",
            Self::Anonymous => "anonymous",
        })
    }
}

/// What the policy says, and which rule said so.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Decision {
    /// Whether the login, or the session, is permitted.
    pub permitted: bool,
    /// The rule.
    pub rule: Rule,
}

impl Decision {
    pub(super) const fn of(permitted: bool, rule: Rule) -> Self {
        Self { permitted, rule }
    }

    /// The refusal of a login: the rule for the log; for the client, what he may know.
    ///
    /// Who shows a password learns nothing of the policy, not even whether the password is right: a host refuses
    /// him in the same words and after the same time as one whose password is wrong. Who has proved to be himself
    /// by a token or a certificate is told that he may not, but a token that was revoked is an invalid one.
    #[must_use]
    pub fn refusal(&self, proof: Proof) -> AuthError {
        let kind = match (&self.rule, proof) {
            (Rule::Unencrypted, _) => AuthErrorKind::EncryptionRequired,
            (Rule::NotShared(..), _) => AuthErrorKind::NotAllowed,
            (Rule::ValidFrom(..), _) => AuthErrorKind::Wrong,
            (_, Proof::Bearer { .. } | Proof::Certificate | Proof::Anonymous) => AuthErrorKind::NotAllowed,
            _ => AuthErrorKind::Wrong,
        };
        AuthError::new(kind, format!("policy: {}", self.rule))
    }
}
