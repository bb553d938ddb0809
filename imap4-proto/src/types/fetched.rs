use core::fmt;

use super::{DateTime, FlagList, NString, PartPath, Reading, Section, WireEnvelope, WireStructure};
use crate::grammar::response;

/// A FETCH response (RFC 9051 section 7.5.2), as a client reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched<'b> {
    /// The message's number.
    pub number: u32,
    /// What is said of it.
    pub items: Attributes<'b>,
}

impl<'b> Fetched<'b> {
    /// A FETCH response.
    #[must_use]
    pub const fn new(number: u32, items: Attributes<'b>) -> Self {
        Self { number, items }
    }
}

/// The items of a FETCH response, or of a part of one: text that each iteration reads. A structure is built only where
/// the iteration comes to it, and one that cannot be read does not take the others along.
#[derive(Clone, Copy)]
pub struct Attributes<'b> {
    pub(crate) wire: &'b [u8],
    pub(crate) reading: Reading,
}

impl<'b> Attributes<'b> {
    /// Items with a space between them, without the parentheses round them all.
    #[must_use]
    pub const fn new(wire: &'b [u8], reading: Reading) -> Self {
        Self { wire, reading }
    }

    /// The items, in the order they were written.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Attribute<'b>> + Clone + 'b {
        response::AttributeIter(*self)
    }

    /// The message's UID, where it is among them.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.iter().find_map(|a| if let Attribute::Uid(n) = a { Some(n) } else { None })
    }

    /// The message's flags, where they are among them.
    #[must_use]
    pub fn flags(&self) -> Option<FlagList<'b>> {
        self.iter().find_map(|a| if let Attribute::Flags(f) = a { Some(f) } else { None })
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }
}

impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Attributes<'_> {}
impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One `msg-att` (RFC 9051 section 9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'b> {
    /// `UID`
    Uid(u32),
    /// `FLAGS`
    Flags(FlagList<'b>),
    /// `INTERNALDATE`
    InternalDate(DateTime),
    /// `RFC822.SIZE`
    Rfc822Size(u64),
    /// `MODSEQ` (RFC 7162)
    ModSeq(u64),
    /// `ENVELOPE`
    Envelope(WireEnvelope<'b>),
    /// `BODY` or `BODYSTRUCTURE`
    Structure {
        /// Whether it is BODYSTRUCTURE, with extension data.
        extensible: bool,
        /// The structure.
        body: WireStructure<'b>,
    },
    /// Octets of the message that came within the response. Those that came as a literal stream past instead.
    Body {
        /// Which octets.
        name: BodyName<'b>,
        /// The octets; `None` is NIL.
        value: NString<'b>,
    },
    /// `BINARY.SIZE` (RFC 3516)
    BinarySize {
        /// Which part.
        part: PartPath<'b>,
        /// Its octets, decoded.
        octets: u64,
    },
    /// `SAVEDATE` (RFC 8514); `None`: the mailbox keeps none.
    SaveDate(Option<DateTime>),
    /// `PREVIEW` (RFC 8970): UTF-8 text; NIL where it is not made yet. One that came as a literal streams past instead.
    Preview(NString<'b>),
    /// `EMAILID` (RFC 8474 section 5.1)
    EmailId(&'b str),
    /// `THREADID` (RFC 8474 section 5.2); `None`: the server knows no threads.
    ThreadId(Option<&'b str>),
    /// An item this crate has no type for.
    Other {
        /// Its name.
        name: &'b [u8],
        /// Its value's text.
        value: &'b [u8],
    },
    /// An item whose value cannot be read.
    Malformed {
        /// Its name.
        name: &'b [u8],
        /// Its value's text; where its end cannot be found, all that follows.
        value: &'b [u8],
    },
}

/// Which octets of a message an item of FETCH holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyName<'b> {
    /// `BODY[section]<offset>`
    Section {
        /// Which part of the message.
        section: Section<'b>,
        /// Where they begin, for a partial fetch.
        offset: Option<u64>,
    },
    /// `BINARY[part]<offset>` (RFC 3516)
    Binary {
        /// Which part.
        part: PartPath<'b>,
        /// Where they begin, for a partial fetch.
        offset: Option<u64>,
    },
    /// `RFC822` (RFC 3501)
    Rfc822,
    /// `RFC822.HEADER` (RFC 3501)
    Rfc822Header,
    /// `RFC822.TEXT` (RFC 3501)
    Rfc822Text,
    /// `PREVIEW` (RFC 8970)
    Preview,
    /// An item this crate has no type for, whose value is a literal.
    Other(&'b [u8]),
}

/// The header of a body literal at the top level of a FETCH response: its octets come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BodyLiteral<'b> {
    /// Which octets.
    pub name: BodyName<'b>,
    /// How many.
    pub len: u64,
    /// A literal8 (RFC 3516): NUL may be among them.
    pub binary: bool,
}
