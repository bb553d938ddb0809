use alloc::{borrow::Cow, string::String, vec::Vec};
use core::time::Duration;

use mail_wire::PaceLimits;

use crate::Tolerances;

/// How a [`Server`](crate::Server) behaves. Make one, change its fields, share it between connections
/// in an `Arc`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The server's domain name, which begins the greeting, and every 221 and 421.
    pub hostname: String,
    /// What follows the name in the greeting.
    pub greeting: Cow<'static, str>,
    /// The largest message in octets (RFC 1870); `None`: no fixed limit.
    pub size_limit: Option<u64>,
    /// The SASL mechanisms there are, in the order they are listed.
    pub mechanisms: Vec<Mechanism>,
    /// MAIL, RCPT, DATA, VRFY and EXPN before AUTH are answered with 530 (RFC 6409 section 4.3). On by default.
    pub auth_required: bool,
    /// Whether STARTTLS is to be had (RFC 3207). Off by default: somebody must do the handshake.
    pub starttls: bool,
    /// What happens to content with a CR or an LF that stands alone.
    pub bare_newlines: BareNewlines,
    /// Whether VRFY and EXPN become events. Off by default: VRFY is answered with 252, EXPN with 502
    /// (RFC 5321 section 3.5.3 and 7.3).
    pub ask_vrfy: bool,
    /// What is accepted beyond the grammar.
    pub tolerances: Tolerances,
    /// Bounds.
    pub limits: Limits,
    /// How long a client may take.
    pub pace: PaceLimits,
}

impl Config {
    /// A submission server of this name: authentication required, no mechanism, no STARTTLS, no size
    /// limit, all else at its default.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            greeting: Cow::Borrowed("ESMTP"),
            size_limit: None,
            mechanisms: Vec::new(),
            auth_required: true,
            starttls: false,
            bare_newlines: BareNewlines::default(),
            ask_vrfy: false,
            tolerances: Tolerances::default(),
            limits: Limits::default(),
            // RFC 5321 section 4.5.3.2: 5 minutes between commands, 3 minutes for a data block.
            pace: PaceLimits {
                idle: Duration::from_secs(300),
                frame: Duration::from_secs(300),
                grace: Duration::from_secs(180),
                ..PaceLimits::default()
            },
        }
    }
}

/// A SASL mechanism the server lists.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Mechanism {
    /// Its registered name, upper case.
    pub name: Cow<'static, str>,
    /// It is neither listed nor accepted before TLS (RFC 4954 section 4): it shows a password.
    pub needs_tls: bool,
}

impl Mechanism {
    /// A mechanism.
    pub fn new(name: impl Into<Cow<'static, str>>, needs_tls: bool) -> Self {
        Self { name: name.into(), needs_tls }
    }
}

/// What happens to content in which a CR or an LF stands alone (RFC 5321 section 2.3.8). Whatever is
/// chosen, neither is ever a line end or a part of the end of data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum BareNewlines {
    /// The message is drained, and refused after its real end with 554 5.6.0.
    #[default]
    Refuse,
    /// They are content like any other octet.
    Keep,
}

/// Bounds on what a client may send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// A command line in octets, CRLF included. RFC 5321 section 4.5.3.1.4 wants 512, extensions of
    /// MAIL up to some 1,500 more.
    pub command_line: usize,
    /// A line of AUTH and its exchange in octets (RFC 4954 section 4).
    pub auth_line: usize,
    /// Recipients of one message (RFC 5321 section 4.5.3.1.8 wants 100).
    pub recipients: u32,
    /// Commands answered with 5yz for their form or order; the next is answered with 421.
    pub bad_commands: u32,
    /// Failed authentications; the last is followed by 421 (RFC 4954 section 9 wants 3).
    pub auth_failures: u32,
    /// Octets of refused content, or of an over-long line, that are read and dropped before the
    /// connection ends.
    pub drained: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 2048,
            auth_line: 12_288,
            recipients: 1000,
            bad_commands: 20,
            auth_failures: 5,
            drained: 256 << 20,
        }
    }
}
