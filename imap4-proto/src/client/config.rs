use core::{num::NonZeroU32, time::Duration};

use crate::types::Quirks;

/// What a client tolerates and how patient it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Which deviations of the server are tolerated.
    pub quirks: Quirks,
    /// What a server may use of memory.
    pub limits: Limits,
    /// How long a server may take.
    pub timeouts: Timeouts,
}

impl Default for Config {
    /// Every tolerance on.
    fn default() -> Self {
        Self { quirks: Quirks::ALL, limits: Limits::default(), timeouts: Timeouts::default() }
    }
}

/// What a server may use of memory. Body literals at the top level of a FETCH count for neither: they stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a response's lines together. The answer to a SEARCH of a large mailbox is one line.
    pub line: usize,
    /// Octets of all literals within one response that are buffered with it.
    pub literals: usize,
}

impl Default for Limits {
    /// 4 MiB of lines, 1 MiB of literals.
    fn default() -> Self {
        Self { line: 4 << 20, literals: 1 << 20 }
    }
}

/// How long a server may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To say anything while a command is in flight, and to greet.
    pub response: Duration,
    /// From the first octet of a response to its last.
    pub frame: Duration,
    /// How far a body may fall behind `payload_rate`.
    pub payload_grace: Duration,
    /// The least octets per second of a body, on the whole.
    pub payload_rate: NonZeroU32,
    /// How long an IDLE lasts before it is made anew: "clients using IDLE are advised to terminate IDLE and reissue it
    /// at least every 29 minutes" (RFC 9051 section 6.3.13).
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 5 minutes to respond, 2 for a response; a body may fall 3 minutes behind 64 octets a second; 29 minutes of IDLE.
    fn default() -> Self {
        Self {
            response: Duration::from_secs(300),
            frame: Duration::from_secs(120),
            payload_grace: Duration::from_secs(180),
            payload_rate: NonZeroU32::MIN.saturating_add(63),
            idle: Duration::from_secs(29 * 60),
        }
    }
}
