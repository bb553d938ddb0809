//! Bearer tokens: whether one is genuine, for us, in force, and what it opens.

mod claims;
mod introspection;
mod issue;
mod jwks;
mod provider;

use std::{path::Path, time::SystemTime};

use jsonwebtoken::Algorithm;
use mail_session::auth::{AuthError, AuthErrorKind, BearerError, Protocol};

use self::{claims::Grant, introspection::Endpoint};
pub(crate) use self::{issue::run, jwks::Jwks};
use crate::{
    config::{Source, Tokens},
    fault::Result,
};

/// The algorithm of this name, where a token may be signed with it.
pub(crate) fn algorithm(name: &str) -> Option<Algorithm> {
    provider::ALGORITHMS.iter().find(|(n, _)| *n == name).map(|(_, a)| *a)
}

/// The names of all of them.
pub(crate) fn algorithms() -> [&'static str; 9] {
    provider::ALGORITHMS.map(|(name, _)| name)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Verifies tokens, by keys or by asking.
#[derive(Debug)]
pub(crate) struct Verifier {
    wanted: Tokens,
    by: By,
}

#[derive(Debug)]
enum By {
    Keys(Jwks),
    Asking(Endpoint),
}

/// What a genuine token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bearer {
    /// Whose it is: a login name, not yet looked up.
    pub(crate) mailbox: String,
    pub(crate) issued_at: Option<u64>,
}

/// Why a token is not taken; the words are for the log, and hold nothing of the token's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    Invalid(String),
    /// It is genuine, and not for this protocol.
    Scope,
    Unavailable(String),
}

impl Verifier {
    /// Reads the keys, where there are some.
    pub(crate) fn new(wanted: &Tokens) -> Result<Self> {
        provider::install();
        let by = match &wanted.source {
            Source::Jwks(file) => By::Keys(Jwks::read(file)?),
            Source::Introspection(endpoint) => By::Asking(Endpoint::new(endpoint)?),
        };
        Ok(Self { wanted: wanted.clone(), by })
    }

    /// The file with the keys.
    pub(crate) fn keys_file(&self) -> Option<&Path> {
        match &self.wanted.source {
            Source::Jwks(file) => Some(file),
            Source::Introspection(_) => None,
        }
    }

    /// The same with the keys as they are in the file now.
    pub(crate) fn read_again(&self) -> Result<Self> {
        Self::new(&self.wanted)
    }

    /// Whether the token is genuine, for us, in force, and opens the protocol.
    pub(crate) async fn verify(
        &self,
        token: &[u8],
        protocol: Protocol,
    ) -> std::result::Result<Bearer, Refused> {
        let Grant { mailbox, issued_at, scopes } = match &self.by {
            By::Keys(keys) => keys.verify(token, &self.wanted)?,
            By::Asking(endpoint) => {
                let answer = endpoint.ask(token).await?;
                claims::check(&answer, &self.wanted, now())?;
                claims::grant(&answer, &self.wanted)?
            }
        };
        if !self.wanted.scopes.of(protocol).iter().any(|wanted| scopes.contains(wanted)) {
            return Err(Refused::Scope);
        }
        Ok(Bearer { mailbox, issued_at })
    }

    /// What the log and the client are told.
    pub(crate) fn refusal(&self, why: Refused, protocol: Protocol) -> AuthError {
        let (kind, status, detail) = match why {
            Refused::Invalid(why) => (AuthErrorKind::Wrong, "401", why),
            Refused::Scope => {
                (AuthErrorKind::NotAllowed, "403", "the token has no scope for this protocol".to_owned())
            }
            Refused::Unavailable(why) => return AuthError::new(AuthErrorKind::Unavailable, why),
        };
        AuthError::new(kind, format!("token: {detail}")).with_bearer(self.told(status, protocol))
    }

    /// What a client is told that has no token, or not the right one.
    pub(crate) fn told(&self, status: &'static str, protocol: Protocol) -> BearerError {
        BearerError {
            status: status.into(),
            schemes: "bearer".into(),
            scope: self.wanted.scopes.of(protocol).first().cloned().unwrap_or_default().into(),
            openid_configuration: self.wanted.openid_configuration.clone().into(),
        }
    }
}
