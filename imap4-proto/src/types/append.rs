use super::{CatenatePart, DateTime, FlagList};

/// What precedes one message of APPEND (RFC 9051 section 6.3.12) or MULTIAPPEND (RFC 3502).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendMessage<'b> {
    /// The flags it gets.
    pub flags: FlagList<'b>,
    /// Its internal date; `None`: now.
    pub date: Option<DateTime>,
    /// The octets announced; of CATENATE those of its first text. Zero is allowed, and in MULTIAPPEND cancels the whole command (RFC 3502 section 6.3.11).
    pub len: u64,
    /// A literal8 (RFC 3516 section 4.4): NUL is allowed in it.
    pub binary: bool,
    /// `UTF8 (~{n}`: the header is in UTF-8 (RFC 6855 section 4); of CATENATE, its first text is such a literal.
    pub utf8: bool,
    /// Whether the client waits for `+` before it sends.
    pub synchronizing: bool,
    /// `CATENATE (`: the message is put together from parts, of which these are the first (RFC 4469).
    pub catenate: Option<CatenatePart<'b>>,
}

impl<'b> AppendMessage<'b> {
    /// A message of `len` octets without flags and date.
    #[must_use]
    pub const fn new(len: u64) -> Self {
        Self {
            flags: FlagList(&[]),
            date: None,
            len,
            binary: false,
            utf8: false,
            synchronizing: true,
            catenate: None,
        }
    }

    /// A message put together from parts, of which these are the first, without flags and date.
    #[must_use]
    pub const fn catenate(part: CatenatePart<'b>) -> Self {
        let mut message = Self::new(match part.text {
            Some(len) => len,
            None => 0,
        });
        message.utf8 = part.utf8;
        message.synchronizing = part.synchronizing;
        message.catenate = Some(part);
        message
    }
}
