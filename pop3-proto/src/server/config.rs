use alloc::{borrow::Cow, string::String};
use core::time::Duration;

use mail_wire::Stuffing;

use crate::types::{LoginDelay, Retention, Tolerance};

/// What holds for every connection of a POP3 service.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What the greeting says after `+OK`.
    pub greeting: Cow<'static, str>,
    /// STLS is offered on connections without TLS (RFC 2595).
    pub stls: bool,
    /// Where USER and PASS may be given. Which SASL mechanisms may, is the host's to say
    /// ([`Server::capabilities`](super::Server::capabilities)).
    pub passwords: Passwords,
    /// IMPLEMENTATION (RFC 2449 section 6.9).
    pub implementation: Option<Cow<'static, str>>,
    /// EXPIRE, and whether it differs between users (RFC 2449 section 6.7).
    pub expire: Option<(Retention, bool)>,
    /// LOGIN-DELAY, and whether it differs between users (RFC 2449 section 6.5). Keeping it is the host's.
    pub login_delay: Option<(LoginDelay, bool)>,
    /// UTF8, and whether names and passwords may be UTF-8 (RFC 6856 section 2). What it means for
    /// messages is the host's: see [`Server::utf8`](super::Server::utf8).
    pub utf8: Option<bool>,
    /// LANG (RFC 6856 section 3): the host answers [`Event::Lang`](super::Event::Lang).
    pub lang: bool,
    /// What is taken beyond the RFCs.
    pub tolerance: Tolerance,
    /// After what a dot is doubled in message text.
    pub stuffing: Stuffing,
    /// What a client may use.
    pub limits: Limits,
    /// How long a client may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    /// A server that offers STLS and no login without TLS, with nothing optional announced.
    fn default() -> Self {
        Self {
            greeting: Cow::Borrowed("POP3 server ready"),
            stls: true,
            passwords: Passwords::TlsOnly,
            implementation: None,
            expire: None,
            login_delay: None,
            utf8: None,
            lang: false,
            tolerance: Tolerance::TOLERANT,
            stuffing: Stuffing::AfterAnyLf,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

/// Where USER and PASS, which show a password, may be given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Passwords {
    /// Nowhere: SASL or APOP alone.
    Never,
    /// Under TLS (RFC 8314 section 3).
    #[default]
    TlsOnly,
    /// Always: for loopback and tests.
    Always,
}

/// What a client may use of memory and patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a command line with its CRLF. RFC 2449 section 4 demands 255 at least.
    pub line: usize,
    /// Octets of an AUTH command and of a response in a SASL exchange, with CRLF. Tokens are long.
    pub auth_line: usize,
    /// Octets dropped of an over-long line before the connection ends.
    pub skipped: usize,
    /// Commands that are none, or have no place, before the connection ends: before login in all, after
    /// it one after the other.
    pub bad_commands: u16,
    /// Refused logins before the connection ends.
    pub failed_logins: u16,
}

impl Default for Limits {
    /// 1,024 octets a line, 12,288 for AUTH, 64 KiB dropped, 20 bad commands, 6 refused logins.
    fn default() -> Self {
        Self { line: 1024, auth_line: 12_288, skipped: 65_536, bad_commands: 20, failed_logins: 6 }
    }
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the greeting to the login, whatever the client sends meanwhile.
    pub login: Duration,
    /// Between an answer and the next command. The autologout timer "MUST be of at least 10 minutes'
    /// duration" (RFC 1939 section 3).
    pub idle: Duration,
    /// From the first octet of a line to its last.
    pub line: Duration,
    /// For the TLS handshake after STLS.
    pub stls: Duration,
}

impl Default for Timeouts {
    /// 10 minutes to log in and between commands, 2 for a line, 1 for a handshake.
    fn default() -> Self {
        Self {
            login: Duration::from_secs(600),
            idle: Duration::from_secs(600),
            line: Duration::from_secs(120),
            stls: Duration::from_secs(60),
        }
    }
}

/// The timestamp of a greeting, which APOP digests are made with: a `msg-id` with its angle brackets,
/// different for every connection (RFC 1939 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp(String);

impl Timestamp {
    /// The timestamp `<...@...>`; `None` where it has no such form, or more than 200 octets.
    #[must_use]
    pub fn new(timestamp: impl Into<String>) -> Option<Self> {
        let timestamp = timestamp.into();
        let inner = timestamp.strip_prefix('<')?.strip_suffix('>')?;
        let (left, right) = inner.split_once('@')?;
        let is_word =
            |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_graphic() && !b"<>@".contains(&b));
        (is_word(left) && is_word(right) && timestamp.len() <= 200).then_some(Self(timestamp))
    }

    /// With its angle brackets: what the digest begins with.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
