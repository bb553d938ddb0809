use super::{DateTime, FlagList};

/// What precedes one message of APPEND (RFC 9051 section 6.3.12) or MULTIAPPEND (RFC 3502).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendMessage<'b> {
    /// The flags it gets.
    pub flags: FlagList<'b>,
    /// Its internal date; `None`: now.
    pub date: Option<DateTime>,
    /// The octets announced. Zero is allowed, and in MULTIAPPEND cancels the whole command (RFC 3502 section 6.3.11).
    pub len: u64,
    /// A literal8 (RFC 3516 section 4.4): NUL is allowed in it.
    pub binary: bool,
    /// `UTF8 (~{n}`: the header is in UTF-8 (RFC 6855 section 4).
    pub utf8: bool,
    /// Whether the client waits for `+` before it sends.
    pub synchronizing: bool,
}

impl AppendMessage<'_> {
    /// A message of `len` octets without flags and date.
    #[must_use]
    pub const fn new(len: u64) -> Self {
        Self { flags: FlagList(&[]), date: None, len, binary: false, utf8: false, synchronizing: true }
    }
}
