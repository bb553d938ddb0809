use alloc::{borrow::Cow, vec::Vec};
use core::{num::NonZeroU32, time::Duration};

use crate::types::Capabilities;

/// What holds for every connection of an IMAP service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What the greeting says after its capabilities.
    pub greeting: Cow<'static, str>,
    /// The extensions that are on: those that CAPABILITY shows and whose syntax is taken. What one brings with it
    /// ([`Capabilities::implied`]) is taken, too.
    pub capabilities: Capabilities,
    /// STARTTLS is offered on connections without TLS.
    pub starttls: bool,
    /// Where LOGIN may be used; elsewhere LOGINDISABLED is shown.
    pub passwords: Passwords,
    /// The SASL mechanisms.
    pub mechanisms: Vec<Mechanism>,
    /// The greatest message APPEND takes, in octets (RFC 7889). Greater ones are refused with TOOBIG.
    pub append_limit: Option<u64>,
    /// The most messages that one command deals with (RFC 9738), where MESSAGELIMIT is on. The host keeps to it.
    pub message_limit: Option<u32>,
    /// The most messages that COPY and MOVE deal with (RFC 9738), where SAVELIMIT is on. The host keeps to it.
    pub save_limit: Option<u32>,
    /// What `RIGHTS=` shows where ACL is on: `t`, `e`, `x` and `k`, and rights of the server's own (RFC 4314 section 2.2).
    pub new_rights: Cow<'static, str>,
    /// What a client may use.
    pub limits: Limits,
    /// How long a client may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    /// An IMAP4rev1 server with LITERAL+, SASL-IR, ID and ENABLE, that offers STARTTLS and no login without TLS.
    fn default() -> Self {
        Self {
            greeting: Cow::Borrowed("IMAP server ready"),
            capabilities: Capabilities::IMAP4REV1
                | Capabilities::LITERAL_PLUS
                | Capabilities::SASL_IR
                | Capabilities::ID
                | Capabilities::ENABLE,
            starttls: true,
            passwords: Passwords::TlsOnly,
            mechanisms: Vec::new(),
            append_limit: None,
            message_limit: None,
            save_limit: None,
            new_rights: Cow::Borrowed("texk"),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Where LOGIN, which shows a password, may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passwords {
    /// Nowhere: SASL alone.
    Never,
    /// Under TLS (RFC 8314 section 3).
    #[default]
    TlsOnly,
    /// Always: for loopback and tests.
    Always,
}

/// A SASL mechanism the service offers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mechanism {
    /// Its name, as `PLAIN`.
    pub name: Cow<'static, str>,
    /// It shows a secret, so it is offered under TLS alone.
    pub tls_only: bool,
    /// It is the client's certificate that logs in (EXTERNAL): offered where the client has shown one.
    pub certificate: bool,
}

impl Mechanism {
    /// A mechanism.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, tls_only: bool) -> Self {
        Self { name: name.into(), tls_only, certificate: false }
    }

    /// The same, offered only where the client has shown a certificate.
    #[must_use]
    pub fn with_certificate(self, certificate: bool) -> Self {
        Self { certificate, ..self }
    }
}

/// What a client may use of memory and patience. Octets include line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a command's lines together, without its literals. RFC 7162 section 4 wants 8192 at least; UID sets of
    /// real clients are longer.
    pub line: usize,
    /// The same before login, and of a SASL response. Tokens are long: 12,288 octets and their command.
    pub login_line: usize,
    /// Octets of all literals within one command, which are buffered with it. The payload of APPEND is not: it streams.
    pub literals: usize,
    /// The same before login.
    pub login_literals: usize,
    /// Octets of a refused non-synchronizing literal that are read and dropped; for a longer one the connection ends.
    pub dropped: u64,
    /// Commands that are none, or have no place, before the connection ends.
    pub bad_commands: u16,
    /// Refused logins before the connection ends.
    pub failed_logins: u16,
}

impl Default for Limits {
    /// 64 KiB a line, 16 KiB before login; 128 KiB of literals, 4 KiB before login; 1 MiB dropped; 20 bad commands,
    /// 6 refused logins.
    fn default() -> Self {
        Self {
            line: 65_536,
            login_line: 16_384,
            literals: 131_072,
            login_literals: 4096,
            dropped: 1 << 20,
            bad_commands: 20,
            failed_logins: 6,
        }
    }
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the greeting to the login, whatever the client sends meanwhile.
    pub login: Duration,
    /// Between an answer and the next command, and in IDLE. The autologout timer "MUST be at least 30 minutes"
    /// (RFC 9051 section 5.4).
    pub idle: Duration,
    /// From the first octet of a command to its last.
    pub command: Duration,
    /// How far a payload may fall behind `payload_rate`.
    pub payload_grace: Duration,
    /// The least octets per second of an APPEND payload, on the whole.
    pub payload_rate: NonZeroU32,
}

impl Default for Timeouts {
    /// 3 minutes to log in, 31 between commands, 2 for a command; a payload may fall 3 minutes behind 64 octets a second.
    fn default() -> Self {
        Self {
            login: Duration::from_secs(180),
            idle: Duration::from_secs(31 * 60),
            command: Duration::from_secs(120),
            payload_grace: Duration::from_secs(180),
            payload_rate: NonZeroU32::MIN.saturating_add(63),
        }
    }
}
