use alloc::string::String;
use core::time::Duration;

/// How a [`Client`](super::Client) behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// What it says in EHLO: its domain, or an address literal (RFC 5321 section 4.1.4).
    pub name: String,
    /// It speaks LMTP (RFC 2033).
    pub lmtp: bool,
    /// PIPELINING is used where it is offered. On by default.
    pub pipelining: bool,
    /// BDAT is used where CHUNKING is offered, but for LMTP. On by default.
    pub chunking: bool,
    /// AUTH may be given without TLS. Off by default.
    pub auth_in_clear: bool,
    /// The longest reply in octets, all lines together.
    pub reply_limit: usize,
    /// How long the server may take.
    pub timeouts: Timeouts,
}

impl Config {
    /// A client of this name, all else at its default.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            lmtp: false,
            pipelining: true,
            chunking: true,
            auth_in_clear: false,
            reply_limit: 64 << 10,
            timeouts: Timeouts::default(),
        }
    }
}

/// How long a server may take for its reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Timeouts {
    /// For the greeting.
    pub greeting: Duration,
    /// For the reply to a command.
    pub command: Duration,
    /// For 354.
    pub data: Duration,
    /// For the reply to a chunk.
    pub chunk: Duration,
    /// After the end of the content.
    pub end: Duration,
}

impl Default for Timeouts {
    /// RFC 5321 section 4.5.3.2: 5 minutes, 5 minutes, 2 minutes, 3 minutes, 10 minutes.
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(300),
            command: Duration::from_secs(300),
            data: Duration::from_secs(120),
            chunk: Duration::from_secs(180),
            end: Duration::from_secs(600),
        }
    }
}
