use core::{fmt, num::NonZeroU64};

use super::{AString, FlagList, PartialRange, SequenceSet};
use crate::grammar;

/// FETCH or UID FETCH (RFC 9051 section 6.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch<'b> {
    /// Whether `set` is of UIDs.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet<'b>,
    /// What of them.
    pub items: FetchItems<'b>,
    /// `(CHANGEDSINCE modseq)` (RFC 7162 section 3.1.4.1).
    pub changed_since: Option<u64>,
    /// `(... VANISHED)` (RFC 7162 section 3.2.6).
    pub vanished: bool,
    /// `(PARTIAL range)` (RFC 9394 section 3.3): only these of the messages that `set` has. Only with `uid`.
    pub partial: Option<PartialRange>,
}

impl<'b> Fetch<'b> {
    /// FETCH without modifiers.
    #[must_use]
    pub const fn new(uid: bool, set: SequenceSet<'b>, items: FetchItems<'b>) -> Self {
        Self { uid, set, items, changed_since: None, vanished: false, partial: None }
    }
}

/// What FETCH asks for: validated text, read again by each iteration. The macros ALL, FAST and FULL are expanded.
#[derive(Clone, Copy)]
pub struct FetchItems<'b>(pub(crate) &'b [u8]);

impl<'b> FetchItems<'b> {
    /// Reads a macro, an item, or a list of items in parentheses; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match grammar::fetch::items(text, grammar::Context::ALL) {
            Ok(([], items)) => Some(items),
            _ => None,
        }
    }

    /// The items, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = FetchItem<'b>> + Clone + 'b {
        grammar::fetch::Items(self.0)
    }
}

impl PartialEq for FetchItems<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for FetchItems<'_> {}
impl fmt::Debug for FetchItems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One `fetch-att` (RFC 9051 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchItem<'b> {
    /// `ENVELOPE`
    Envelope,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822`: the same as `BODY[]` but for its name in the answer (RFC 3501).
    Rfc822,
    /// `RFC822.HEADER`: `BODY.PEEK[HEADER]` but for its name (RFC 3501).
    Rfc822Header,
    /// `RFC822.TEXT`: `BODY[TEXT]` but for its name (RFC 3501).
    Rfc822Text,
    /// `RFC822.SIZE`
    Rfc822Size,
    /// `BODY`: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `UID`
    Uid,
    /// `MODSEQ` (RFC 7162 section 3.1.4.2)
    ModSeq,
    /// `SAVEDATE` (RFC 8514): when it came into this mailbox.
    SaveDate,
    /// `PREVIEW` (RFC 8970): the start of its text.
    Preview {
        /// `(LAZY)`: only where it need not be made first.
        lazy: bool,
    },
    /// `EMAILID` (RFC 8474 section 5.1)
    EmailId,
    /// `THREADID` (RFC 8474 section 5.2)
    ThreadId,
    /// `BODY[section]<partial>`
    BodySection {
        /// Which part of the message.
        section: Section<'b>,
        /// `BODY.PEEK`: `\Seen` stays as it is.
        peek: bool,
        /// Which octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY[part]<partial>` (RFC 3516): the part with its transfer encoding undone.
    Binary {
        /// Which part.
        part: PartPath<'b>,
        /// `BINARY.PEEK`
        peek: bool,
        /// Which octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[part]` (RFC 3516)
    BinarySize {
        /// Which part.
        part: PartPath<'b>,
    },
}

impl FetchItem<'_> {
    /// Whether fetching it sets `\Seen` (RFC 9051 section 6.4.5).
    #[must_use]
    pub const fn sets_seen(&self) -> bool {
        matches!(
            self,
            Self::Rfc822
                | Self::Rfc822Text
                | Self::BodySection { peek: false, .. }
                | Self::Binary { peek: false, .. }
        )
    }
}

/// `<offset.count>` (RFC 9051 section 6.4.5), in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partial {
    /// Octets to leave out.
    pub offset: u64,
    /// Octets at most.
    pub count: NonZeroU64,
}

impl Partial {
    /// Octets from `offset`, `count` at most.
    #[must_use]
    pub const fn new(offset: u64, count: NonZeroU64) -> Self {
        Self { offset, count }
    }
}

/// What stands in the brackets of `BODY[...]` (RFC 9051 section 6.4.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section<'b> {
    /// Which MIME part; empty for the message itself.
    pub part: PartPath<'b>,
    /// What of it; `None` is all of it.
    pub text: Option<SectionText<'b>>,
}

impl<'b> Section<'b> {
    /// A section.
    #[must_use]
    pub const fn new(part: PartPath<'b>, text: Option<SectionText<'b>>) -> Self {
        Self { part, text }
    }
}

/// What of a part (RFC 9051 section 9, `section-text`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SectionText<'b> {
    /// The message's header.
    Header,
    /// Only these fields of it.
    HeaderFields(HeaderList<'b>),
    /// All but these fields of it.
    HeaderFieldsNot(HeaderList<'b>),
    /// The message's body.
    Text,
    /// The MIME header of the part.
    Mime,
}

/// `section-part`: part numbers with dots, as validated text. Empty for the whole message.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PartPath<'b>(pub(crate) &'b [u8]);

impl<'b> PartPath<'b> {
    /// Reads `1.2.3`; `None` where it is no `section-part`. The empty text is the empty path.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(text));
        }
        match grammar::fetch::section_part(text) {
            Ok(([], path)) => Some(path),
            _ => None,
        }
    }

    /// The part numbers, from the outermost.
    pub fn iter(&self) -> impl Iterator<Item = u32> + Clone + 'b {
        self.0.split(|b| *b == b'.').filter_map(grammar::number::digits)
    }

    /// Whether it is the message itself.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for PartPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// `header-list` (RFC 9051 section 9), without its parentheses: validated text.
#[derive(Clone, Copy)]
pub struct HeaderList<'b>(pub(crate) &'b [u8]);

impl<'b> HeaderList<'b> {
    /// Reads field names with one space between them; `None` where they are none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match grammar::fetch::header_names(text) {
            Ok(([], list)) => Some(list),
            _ => None,
        }
    }

    /// The field names, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = AString<'b>> + Clone + 'b {
        grammar::string::AStrings(self.0)
    }
}

impl PartialEq for HeaderList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for HeaderList<'_> {}
impl fmt::Debug for HeaderList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// STORE or UID STORE (RFC 9051 section 6.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Store<'b> {
    /// Whether `set` is of UIDs.
    pub uid: bool,
    /// Which messages.
    pub set: SequenceSet<'b>,
    /// What is done with the flags.
    pub mode: StoreMode,
    /// `.SILENT`: the client wants no FETCH responses of its own change.
    pub silent: bool,
    /// The flags.
    pub flags: FlagList<'b>,
    /// `(UNCHANGEDSINCE modseq)` (RFC 7162 section 3.1.3). 0 matches nothing that exists.
    pub unchanged_since: Option<u64>,
}

impl<'b> Store<'b> {
    /// STORE without modifiers.
    #[must_use]
    pub const fn new(uid: bool, set: SequenceSet<'b>, mode: StoreMode, flags: FlagList<'b>) -> Self {
        Self { uid, set, mode, silent: false, flags, unchanged_since: None }
    }
}

/// What STORE does with the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}
