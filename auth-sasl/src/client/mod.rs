//! The initiating side of each mechanism.

mod bearer;
mod choose;
mod password;
mod without_secret;

use alloc::{boxed::Box, string::String};
use core::fmt;

pub use choose::{ChooseError, ClientMethod, ClientPolicy, ClientSetup, choose};

use crate::{BearerError, MAX_ROUNDS, Secret};

/// What the client does next. The list is closed.
#[must_use]
#[derive(Debug)]
pub enum ClientStep {
    /// Send these octets. The server is not done: success is not to be believed yet.
    Respond(Secret),
    /// Send these octets. The client has said all, and whatever the server owed it is verified: a
    /// success that follows is one.
    Last(Secret),
}

/// Why a login cannot go on. The client cancels (`*`), or, where the server already said yes, drops the
/// connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// What the server sent is no message of this mechanism.
    #[error("the server's message is malformed")]
    Malformed,
    /// A challenge where the mechanism has none, or a step after the end.
    #[error("the server's message has no place in the exchange")]
    Unexpected,
    /// The server says that the login succeeded before the mechanism was done: before it proved
    /// itself, or after it refused a token.
    #[error("the server claims a success it has not earned")]
    NotProven,
    /// The server does not have the user's keys.
    #[error("the server is not the one that knows the password")]
    FalseServer,
    /// The server refused, by a message of the mechanism.
    #[error("the server refused the login")]
    Refused,
    /// The server wants this many iterations: too few to be safe, or too many to be honest.
    #[error("{0} iterations are not within the policy's bounds")]
    Iterations(u32),
    /// The mechanism cannot be begun with this login on this channel: no password, no token, no random
    /// octets, a NUL in a name, a password SASLprep forbids.
    #[error("the mechanism cannot use this login")]
    Unusable,
}

/// One login by one mechanism, client side: a value stepped with the server's challenges.
///
/// Called through a [`ClientExchange`], which sees to it that no step follows an error, that there are
/// no more than [`MAX_ROUNDS`], and that a success is believed only after a [`ClientStep::Last`].
pub trait ClientMechanism: Send + fmt::Debug {
    /// Its registered name.
    fn name(&self) -> &'static str;

    /// Whether the client speaks first: then its first step takes an empty challenge, and what it
    /// gives may be sent as an initial response.
    fn client_first(&self) -> bool;

    /// The server's challenge, decoded; what to answer.
    ///
    /// # Errors
    /// [`ClientError`] when the exchange cannot go on.
    fn step(&mut self, challenge: &[u8]) -> Result<ClientStep, ClientError>;

    /// What the server told of a token it refused.
    fn bearer_error(&self) -> Option<&BearerError> {
        None
    }
}

/// A login under way: a mechanism with its order and bounds kept.
///
/// The protocol's client sends [`initial`](Self::initial) with the command if it may, gives each
/// challenge to [`step`](Self::step) and sends what it returns, and asks
/// [`success`](Self::success) before it believes the server's success.
#[derive(Debug)]
pub struct ClientExchange {
    mechanism: Box<dyn ClientMechanism>,
    state: State,
    rounds: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Satisfied,
    Over,
}

impl ClientExchange {
    /// A login by `mechanism`, not yet started.
    #[must_use]
    pub fn new(mechanism: Box<dyn ClientMechanism>) -> Self {
        Self { mechanism, state: State::Running, rounds: 0 }
    }

    /// The name for the AUTH or AUTHENTICATE command.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.mechanism.name()
    }

    /// The initial response, for a protocol that can carry one: at the start, once. `None`: the
    /// server speaks first. Where there is no room for it, don't ask: the server then sends an
    /// empty challenge, and [`step`](Self::step) gives the same.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn initial(&mut self) -> Result<Option<Secret>, ClientError> {
        if self.rounds > 0 {
            return Err(ClientError::Unexpected);
        }
        if self.mechanism.client_first() { self.step(b"").map(Some) } else { Ok(None) }
    }

    /// The response to the server's challenge; both without base64. May be empty: it is sent all the
    /// same.
    ///
    /// # Errors
    /// [`ClientError`]: cancel; the exchange is over.
    pub fn step(&mut self, challenge: &[u8]) -> Result<Secret, ClientError> {
        if self.state == State::Over || self.rounds >= MAX_ROUNDS {
            self.state = State::Over;
            return Err(ClientError::Unexpected);
        }
        self.rounds += 1;
        self.state = State::Over;
        match self.mechanism.step(challenge)? {
            ClientStep::Respond(response) => {
                self.state = State::Running;
                Ok(response)
            }
            ClientStep::Last(response) => {
                self.state = State::Satisfied;
                Ok(response)
            }
        }
    }

    /// The server says that the login succeeded. `data`: what came with it, in protocols that carry
    /// data there (none of the mail protocols does).
    ///
    /// # Errors
    /// [`ClientError::NotProven`] and others: the server cannot be believed. Drop the connection.
    pub fn success(&mut self, data: Option<&[u8]>) -> Result<(), ClientError> {
        if let Some(data) = data {
            // A response to it has no place any more; none of the mechanisms has one to send.
            let _ = self.step(data)?;
        }
        match core::mem::replace(&mut self.state, State::Over) {
            State::Satisfied => Ok(()),
            State::Running | State::Over => Err(ClientError::NotProven),
        }
    }

    /// What the server told of a token it refused, after it refused the login.
    #[must_use]
    pub fn bearer_error(&self) -> Option<&BearerError> {
        self.mechanism.bearer_error()
    }
}

/// Who wants to log in, and with what. What a mechanism has no use for it passes over.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClientLogin {
    /// The user's name; for a token, whose mailbox is to be opened.
    pub authcid: String,
    /// Whom the user wants to act as; `None`: himself.
    pub authzid: Option<String>,
    /// His password: UTF-8, or 8-bit octets.
    pub password: Option<Secret>,
    /// His OAuth 2 access token.
    pub token: Option<Secret>,
    /// He has shown a certificate that stands for him.
    pub external: bool,
    /// He wants to be nobody, with this for the server's log (it may be empty).
    pub anonymous: Option<String>,
    /// The server's name as he knows it, for OAUTHBEARER.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
}

impl ClientLogin {
    /// With a name and a password.
    pub fn password(authcid: impl Into<String>, password: Secret) -> Self {
        Self { authcid: authcid.into(), password: Some(password), ..Self::default() }
    }

    /// With an access token that opens the mailbox `user`.
    pub fn token(user: impl Into<String>, token: Secret) -> Self {
        Self { authcid: user.into(), token: Some(token), ..Self::default() }
    }

    /// With the certificate shown in the TLS handshake.
    #[must_use]
    pub fn external() -> Self {
        Self { external: true, ..Self::default() }
    }

    /// As nobody.
    pub fn anonymous(trace: impl Into<String>) -> Self {
        Self { anonymous: Some(trace.into()), ..Self::default() }
    }

    /// To act as somebody else. Mechanisms that cannot say so are not chosen.
    #[must_use]
    pub fn acting_as(self, authzid: impl Into<String>) -> Self {
        Self { authzid: Some(authzid.into()), ..self }
    }

    /// At this server.
    #[must_use]
    pub fn at(self, host: impl Into<String>, port: u16) -> Self {
        Self { host: Some(host.into()), port: Some(port), ..self }
    }
}

/// A name that can be sent: not empty, no NUL.
fn sendable(name: &str) -> Result<&str, ClientError> {
    if name.is_empty() || name.contains('\0') { Err(ClientError::Unusable) } else { Ok(name) }
}
