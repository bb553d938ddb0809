use std::fmt;

use mail_wire::TlsInfo;

use crate::Encryption;

/// What a client wants to enter by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Protocol {
    /// POP3.
    Pop3,
    /// IMAP4.
    Imap4,
    /// SMTP submission.
    Submission,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pop3 => "pop3",
            Self::Imap4 => "imap4",
            Self::Submission => "submission",
        })
    }
}

/// Whether passwords and tokens may travel without TLS.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Plaintext {
    /// Only under TLS (RFC 8314 section 3).
    #[default]
    TlsOnly,
    /// Always: for loopback and tests.
    Always,
}

/// The connection a login comes over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginContext {
    /// The protocol.
    pub protocol: Protocol,
    /// The TLS connection, where it is one. The session sets it when TLS comes up.
    pub tls: Option<TlsInfo>,
    /// When TLS begins on it: [`Connection::new`](crate::Connection::new) says so. Where never, no mechanism
    /// is listed that is bound to TLS.
    pub encryption: Encryption,
    /// The client's address, for logs and limits.
    pub peer: String,
    /// The session's identifier in logs.
    pub session: String,
    /// Whether passwords may travel without TLS.
    pub plaintext: Plaintext,
}

impl LoginContext {
    /// A connection without TLS, on which no password may travel.
    pub fn new(protocol: Protocol, peer: impl Into<String>, session: impl Into<String>) -> Self {
        Self {
            protocol,
            tls: None,
            encryption: Encryption::None,
            peer: peer.into(),
            session: session.into(),
            plaintext: Plaintext::TlsOnly,
        }
    }

    /// The same with another rule for passwords without TLS.
    #[must_use]
    pub fn with_plaintext(self, plaintext: Plaintext) -> Self {
        Self { plaintext, ..self }
    }

    /// Whether there is TLS, or can still be.
    #[must_use]
    pub const fn tls_possible(&self) -> bool {
        self.tls.is_some() || !matches!(self.encryption, Encryption::None)
    }

    /// Whether the client showed a certificate, which TLS verified.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.peer_certificate.is_some())
    }

    /// Whether a password may be sent on this connection as it is now. Where not, IMAP lists
    /// LOGINDISABLED (RFC 9051 section 6.2.3) and POP3 does not list USER.
    #[must_use]
    pub const fn password_allowed(&self) -> bool {
        self.tls.is_some() || matches!(self.plaintext, Plaintext::Always)
    }
}
