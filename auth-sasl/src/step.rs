use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::{any::Any, fmt};

use crate::{
    Secret,
    cram_md5::CramLogin,
    scram::{KeyRequest, StoredKeys},
};

/// What a mechanism wants next. The list is closed: a kind of step more would concern every host.
#[must_use]
#[derive(Debug)]
pub enum Step {
    /// Send these octets as a challenge; the client's response comes by
    /// [`respond`](crate::ServerExchange::respond). May be empty (RFC 4422 section 3).
    ///
    /// A mechanism whose last message is the server's sends it this way too, since none of the mail
    /// protocols carries data with its success reply (RFC 4422 section 5, 4(b)).
    Challenge(Vec<u8>),
    /// The host's turn: it answers by [`answer`](crate::ServerExchange::answer), now or later.
    Need(Request),
    /// The client is who it says.
    Done(Identity),
    /// The exchange is over without success.
    Failed(Failure),
}

/// What a mechanism cannot know by itself.
#[non_exhaustive]
pub enum Request {
    /// Is this password right, and may this user act as the identity asked for?
    Password(PasswordLogin),
    /// Is this token valid, and does it open this user's mailbox?
    Bearer(BearerLogin),
    /// This user's SCRAM keys: [`Answer::ScramKeys`], `None` for an unknown user, for one who may not
    /// log in, or one who tries too often: he is then treated as one with a wrong password.
    ScramKeys(KeyRequest),
    /// Is this CRAM-MD5 digest made with the user's password ([`CramLogin::verify`])?
    CramMd5(CramLogin),
    /// Whom does this certificate stand for, and may he act as the identity asked for?
    Certificate(CertificateLogin),
    /// May anybody in?
    Anonymous(AnonymousLogin),
    /// The client has proved to be this user. May he log in, and act as the identity asked for?
    Authorize(Authorization),
    /// What a mechanism from outside this crate needs; its documentation names the type.
    Other(Box<dyn Any + Send>),
}

impl Request {
    /// Whom the client wants to act as, where that is not himself.
    pub(crate) fn acts_as(&self) -> Option<&str> {
        let (authcid, authzid) = match self {
            Self::Password(login) => (Some(&login.authcid), &login.authzid),
            Self::Authorize(question) => (Some(&question.authcid), &question.authzid),
            // Whom the certificate stands for, the answer says.
            Self::Certificate(login) => (None, &login.authzid),
            // The mailbox a token is to open is no authorization identity: its host may call it otherwise.
            Self::Bearer(_) | Self::ScramKeys(_) | Self::CramMd5(_) | Self::Anonymous(_) | Self::Other(_) => {
                return None;
            }
        };
        authzid.as_deref().filter(|z| authcid.is_none_or(|authcid| authcid != z))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password(login) => login.fmt(f),
            Self::Bearer(login) => login.fmt(f),
            Self::ScramKeys(request) => request.fmt(f),
            Self::CramMd5(login) => login.fmt(f),
            Self::Certificate(login) => login.fmt(f),
            Self::Anonymous(login) => login.fmt(f),
            Self::Authorize(question) => question.fmt(f),
            Self::Other(_) => f.write_str("Other"),
        }
    }
}

/// A user name with a password to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordLogin {
    /// Whose password it is.
    pub authcid: String,
    /// Whom the user wants to act as; `None`: himself. It is honoured or the login refused.
    pub authzid: Option<String>,
    /// Any octets but NUL: prepared by SASLprep where it came as UTF-8, else as it came.
    pub password: Secret,
}

/// A bearer token (RFC 6750) to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BearerLogin {
    /// Whose mailbox is asked for; `None` leaves it to the token.
    pub user: Option<String>,
    /// The token; printable ASCII. Empty: OAUTHBEARER's way to ask which scope a token needs (RFC 7628
    /// section 4.3), to be refused with [`Answer::BearerRefused`].
    pub token: Secret,
    /// The server the client means to talk to (OAUTHBEARER, where it says so).
    pub host: Option<String>,
    /// The port it connected to.
    pub port: Option<u16>,
}

/// A client certificate (EXTERNAL). TLS has verified it and that the client has its key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateLogin {
    /// The end-entity certificate, DER.
    pub certificate: Box<[u8]>,
    /// Whom the client wants to act as; `None`: whom the certificate stands for. It is honoured or the
    /// login refused.
    pub authzid: Option<String>,
}

/// Somebody without a name (ANONYMOUS).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnonymousLogin {
    /// What he calls himself, for the log; nobody vouches for it. May be empty.
    pub trace: String,
}

/// A user who has proved to be himself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authorization {
    /// Who he is.
    pub authcid: String,
    /// Whom he wants to act as; `None`: himself. It is honoured or the login refused.
    pub authzid: Option<String>,
}

impl CertificateLogin {
    pub(crate) fn new(certificate: &[u8], authzid: Option<String>) -> Self {
        Self { certificate: certificate.into(), authzid }
    }
}

impl AnonymousLogin {
    pub(crate) const fn new(trace: String) -> Self {
        Self { trace }
    }
}

impl Authorization {
    /// For mechanisms from outside this crate.
    #[must_use]
    pub const fn new(authcid: String, authzid: Option<String>) -> Self {
        Self { authcid, authzid }
    }
}

impl PasswordLogin {
    /// For mechanisms from outside this crate.
    #[must_use]
    pub const fn new(authcid: String, authzid: Option<String>, password: Secret) -> Self {
        Self { authcid, authzid, password }
    }
}

impl BearerLogin {
    /// For mechanisms from outside this crate.
    #[must_use]
    pub const fn new(user: Option<String>, token: Secret) -> Self {
        Self { user, token, host: None, port: None }
    }
}

/// The host's answer to a [`Request`].
#[non_exhaustive]
pub enum Answer {
    /// The credential is right; this is whom it proves.
    Accepted(Identity),
    /// It is not, or it may not be used so.
    Refused(Failure),
    /// A token is refused, with what its client is told of it.
    BearerRefused(Failure, BearerError),
    /// What [`Request::ScramKeys`] asked for; `None`: there is no such user.
    ScramKeys(Option<StoredKeys>),
    /// What a mechanism from outside this crate asked for.
    Other(Box<dyn Any + Send>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(identity) => f.debug_tuple("Accepted").field(identity).finish(),
            Self::Refused(failure) => f.debug_tuple("Refused").field(failure).finish(),
            Self::BearerRefused(failure, error) => {
                f.debug_tuple("BearerRefused").field(failure).field(error).finish()
            }
            // Not even whether there are any.
            Self::ScramKeys(_) => f.write_str("ScramKeys"),
            Self::Other(_) => f.write_str("Other"),
        }
    }
}

/// What XOAUTH2 (and RFC 7628 section 3.2.2) tells a client whose token is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerError {
    /// `400`, `401`, or `invalid_token` and its like.
    pub status: Cow<'static, str>,
    /// The authentication schemes that would do: `bearer`.
    pub schemes: Cow<'static, str>,
    /// The scope a token needs; may be empty.
    pub scope: Cow<'static, str>,
    /// Where the token's issuer is described (OAUTHBEARER's `openid-configuration`), an https URL; may
    /// be empty.
    pub openid_configuration: Cow<'static, str>,
}

impl Default for BearerError {
    fn default() -> Self {
        Self {
            status: "401".into(),
            schemes: "bearer".into(),
            scope: "".into(),
            openid_configuration: "".into(),
        }
    }
}

/// Who a client has proved to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Whose credential it was.
    pub authcid: String,
    /// Whom he acts as, where that is somebody else.
    pub authzid: Option<String>,
}

impl Identity {
    /// Whether this is somebody who acts as `asked`, or is himself called so.
    pub(crate) fn is(&self, asked: &str) -> bool {
        self.authzid.as_deref() == Some(asked) || self.authcid == asked
    }

    /// The user, acting as `authzid`, or as himself.
    pub fn new(authcid: impl Into<String>, authzid: Option<String>) -> Self {
        Self { authcid: authcid.into(), authzid }
    }
}

/// Why an exchange ended without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// What the client sent is no message of this mechanism.
    #[error("the response is malformed")]
    Malformed,
    /// A message, a name or a password is longer than allowed, or the exchange does not end.
    #[error("the response is too long")]
    TooLong,
    /// The client cancelled.
    #[error("cancelled by the client")]
    Cancelled,
    /// Unknown user, wrong password, invalid token: nobody is told which.
    #[error("the credentials are not valid")]
    Credentials,
    /// The credential is right, but the user may not act as the identity asked for, or not log in.
    #[error("not authorized")]
    NotAuthorized,
    /// The client's channel binding is not this connection's, or the client was made to believe that
    /// the server cannot bind: somebody may sit between.
    #[error("the channel bindings do not match")]
    ChannelBinding,
    /// It could not be found out.
    #[error("temporarily unavailable")]
    Unavailable,
    /// The host cannot serve this mechanism's request.
    #[error("not supported")]
    Unsupported,
}
