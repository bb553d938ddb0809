use std::{borrow::Cow, fmt};

use auth_sasl::{BearerError, Failure};

/// Why a login failed, in the terms the protocols can express.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// Unknown user, wrong password, invalid token.
    Wrong,
    /// Too many attempts. The client is told the same as with [`Wrong`](Self::Wrong).
    Throttled,
    /// The credential is right, but this login is not permitted: the authorization identity is not
    /// granted, the protocol is off for the mailbox.
    NotAllowed,
    /// The channel bindings of client and server differ, or somebody took the -PLUS mechanisms from the
    /// list on the way: somebody may sit between (RFC 5802 section 6).
    ChannelBinding,
    /// It cannot be found out now; the same login may work later.
    Unavailable,
    /// No password before TLS.
    EncryptionRequired,
    /// No such mechanism, or not offered.
    Unsupported,
    /// The client's message is no message of the mechanism.
    Malformed,
    /// The client cancelled the exchange.
    Cancelled,
}

/// A failed login.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthError {
    /// What kind of failure it is; the protocol's answer follows from it.
    pub kind: AuthErrorKind,
    /// Words for the log. The client reads [`text`](Self::text).
    pub detail: Option<Cow<'static, str>>,
    /// What a client with a bearer token is told.
    pub bearer: Option<Box<BearerError>>,
}

/// How IMAP refuses: tagged NO or BAD, and the response code (RFC 5530).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ImapRefusal {
    /// BAD, not NO (RFC 9051 section 6.2.2: a cancelled or invalid response).
    pub bad: bool,
    /// The response code's name.
    pub code: Option<&'static str>,
}

/// How SMTP refuses: reply code and enhanced status code (RFC 4954 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SmtpRefusal {
    /// The reply code.
    pub code: u16,
    /// The enhanced status code (RFC 3463).
    pub enhanced: (u8, u8, u8),
}

impl AuthError {
    /// An error of this kind with words for the log.
    pub fn new(kind: AuthErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: Some(detail.into()), bearer: None }
    }

    /// The same with what a client with a bearer token is told.
    #[must_use]
    pub fn with_bearer(self, error: BearerError) -> Self {
        Self { bearer: Some(Box::new(error)), ..self }
    }

    /// Words for the client: by the kind alone, so that nothing is betrayed.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self.kind {
            AuthErrorKind::Wrong | AuthErrorKind::Throttled => "Authentication failed",
            AuthErrorKind::NotAllowed => "Not authorized",
            AuthErrorKind::ChannelBinding => "Channel binding failed",
            AuthErrorKind::Unavailable => "Temporary authentication failure, try again later",
            AuthErrorKind::EncryptionRequired => "Encryption required: use TLS first",
            AuthErrorKind::Unsupported => "Authentication mechanism not supported",
            AuthErrorKind::Malformed => "Malformed authentication response",
            AuthErrorKind::Cancelled => "Authentication cancelled",
        }
    }

    /// The one table of kinds: how each protocol refuses.
    const fn table(&self) -> (ImapRefusal, Option<&'static str>, SmtpRefusal) {
        const fn row(
            bad: bool,
            imap: Option<&'static str>,
            pop3: Option<&'static str>,
            code: u16,
            enhanced: (u8, u8, u8),
        ) -> (ImapRefusal, Option<&'static str>, SmtpRefusal) {
            (ImapRefusal { bad, code: imap }, pop3, SmtpRefusal { code, enhanced })
        }
        match self.kind {
            // The same for both: who is throttled shall not learn whether the password was right.
            AuthErrorKind::Wrong | AuthErrorKind::Throttled | AuthErrorKind::ChannelBinding => {
                row(false, Some("AUTHENTICATIONFAILED"), Some("AUTH"), 535, (5, 7, 8))
            }
            AuthErrorKind::NotAllowed => {
                row(false, Some("AUTHORIZATIONFAILED"), Some("AUTH"), 535, (5, 7, 8))
            }
            AuthErrorKind::Unavailable => row(false, Some("UNAVAILABLE"), Some("SYS/TEMP"), 454, (4, 7, 0)),
            AuthErrorKind::EncryptionRequired => row(false, Some("PRIVACYREQUIRED"), None, 538, (5, 7, 11)),
            AuthErrorKind::Unsupported => row(false, None, None, 504, (5, 5, 4)),
            AuthErrorKind::Malformed => row(true, None, None, 501, (5, 5, 2)),
            AuthErrorKind::Cancelled => row(true, None, None, 501, (5, 7, 0)),
        }
    }

    /// How IMAP refuses.
    #[must_use]
    pub const fn imap(&self) -> ImapRefusal {
        self.table().0
    }

    /// The response code of POP3's `-ERR` (RFC 2449 section 6.3, RFC 3206), without brackets.
    #[must_use]
    pub const fn pop3_code(&self) -> Option<&'static str> {
        self.table().1
    }

    /// How SMTP refuses.
    #[must_use]
    pub const fn smtp(&self) -> SmtpRefusal {
        self.table().2
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self { kind, detail: None, bearer: None }
    }
}

impl From<Failure> for AuthErrorKind {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Malformed | Failure::TooLong => Self::Malformed,
            Failure::Cancelled => Self::Cancelled,
            Failure::NotAuthorized => Self::NotAllowed,
            Failure::ChannelBinding => Self::ChannelBinding,
            Failure::Unavailable => Self::Unavailable,
            Failure::Unsupported => Self::Unsupported,
            _ => Self::Wrong,
        }
    }
}

impl fmt::Display for AuthError {
    /// For the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            Some(detail) => write!(f, "{:?}: {detail}", self.kind),
            None => write!(f, "{:?}", self.kind),
        }
    }
}

impl std::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_answer_in_each_protocol() {
        use AuthErrorKind::*;
        for (kind, bad, imap, pop3, smtp) in [
            (Wrong, false, Some("AUTHENTICATIONFAILED"), Some("AUTH"), 535),
            (Throttled, false, Some("AUTHENTICATIONFAILED"), Some("AUTH"), 535),
            (ChannelBinding, false, Some("AUTHENTICATIONFAILED"), Some("AUTH"), 535),
            (NotAllowed, false, Some("AUTHORIZATIONFAILED"), Some("AUTH"), 535),
            (Unavailable, false, Some("UNAVAILABLE"), Some("SYS/TEMP"), 454),
            (EncryptionRequired, false, Some("PRIVACYREQUIRED"), None, 538),
            (Unsupported, false, None, None, 504),
            (Malformed, true, None, None, 501),
            (Cancelled, true, None, None, 501),
        ] {
            let error = AuthError::from(kind);
            assert_eq!(error.imap(), ImapRefusal { bad, code: imap });
            assert_eq!(error.pop3_code(), pop3);
            assert_eq!(error.smtp().code, smtp);
            assert_eq!(u16::from(error.smtp().enhanced.0), smtp / 100, "the classes agree");
        }
    }

    #[test]
    fn a_throttled_client_reads_what_a_wrong_password_gets() {
        let (wrong, throttled) =
            (AuthError::from(AuthErrorKind::Wrong), AuthError::new(AuthErrorKind::Throttled, "8 of 5"));
        assert_eq!(wrong.text(), throttled.text());
        assert_eq!(wrong.table(), throttled.table());
    }
}
