use alloc::{borrow::Cow, string::String, vec::Vec};
use core::time::Duration;

use mail_wire::PaceLimits;

use crate::Tolerances;

/// How a [`Server`](crate::Server) behaves. Make one, change its fields, share it between connections
/// in an `Arc`.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// CHUNKING: BDAT (RFC 3030). Off by default, as all that follows.
    pub chunking: bool,
    /// BINARYMIME (RFC 3030 section 3); without [`chunking`](Self::chunking) it means nothing.
    pub binary_mime: bool,
    /// DSN (RFC 3461): somebody must send the reports.
    pub dsn: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtp_utf8: bool,
    /// LIMITS (RFC 9422): the bounds of [`limits`](Self::limits) on recipients and transactions are told.
    pub tell_limits: bool,
    /// REQUIRETLS (RFC 8689), under TLS alone.
    pub require_tls: bool,
    /// DELIVERBY (RFC 2852).
    pub deliver_by: Option<DeliverByOffer>,
    /// FUTURERELEASE (RFC 4865).
    pub future_release: Option<FutureReleaseOffer>,
    /// MT-PRIORITY (RFC 6710), with the name of the profile, which may be empty.
    pub mt_priority: Option<Cow<'static, str>>,
    /// LMTP (RFC 2033): LHLO instead of EHLO, and a reply for each recipient after the content.
    pub lmtp: bool,
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
            chunking: false,
            binary_mime: false,
            dsn: false,
            smtp_utf8: false,
            tell_limits: false,
            require_tls: false,
            deliver_by: None,
            future_release: None,
            mt_priority: None,
            lmtp: false,
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

/// DELIVERBY as a server offers it (RFC 2852 section 3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeliverByOffer {
    /// The least time in seconds with which a message may be returned; a shorter one is refused.
    pub least: Option<u32>,
}

/// FUTURERELEASE as a server offers it (RFC 4865 section 4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FutureReleaseOffer {
    /// The longest time in seconds, from 1 to 9 digits.
    pub longest: u32,
    /// The latest time, as `2007-04-12T15:46:17Z`.
    pub latest: String,
}

/// A SASL mechanism the server lists.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Mechanism {
    /// Its registered name, upper case.
    pub name: Cow<'static, str>,
    /// It is neither listed nor accepted before TLS (RFC 4954 section 4): it shows a password.
    pub needs_tls: bool,
    /// It is neither listed nor accepted before the client has shown a certificate (EXTERNAL).
    pub needs_certificate: bool,
}

impl Mechanism {
    /// A mechanism.
    pub fn new(name: impl Into<Cow<'static, str>>, needs_tls: bool) -> Self {
        Self { name: name.into(), needs_tls, needs_certificate: false }
    }

    /// The same, offered only where the client has shown a certificate.
    #[must_use]
    pub fn with_certificate(self, needed: bool) -> Self {
        Self { needs_certificate: needed, ..self }
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
    /// MAIL commands of one connection (RFC 9422 section 4.1, MAILMAX); 0: no bound.
    pub transactions: u32,
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
            transactions: 0,
            bad_commands: 20,
            auth_failures: 5,
            drained: 256 << 20,
        }
    }
}
