use alloc::{boxed::Box, vec::Vec};

use super::{AString, Date, EsearchExtra, SearchWindow, SequenceSet, SystemFlags, bits};

/// SEARCH or UID SEARCH (RFC 9051 section 6.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search<'b> {
    /// Whether the answer is in UIDs.
    pub uid: bool,
    /// `RETURN (...)` (RFC 4731, RFC 5182); `None`: the plain form.
    pub returns: Option<SearchReturn>,
    /// The arguments of return options: PARTIAL, and what UPDATE is to fetch. Where there are some, `returns` is `Some`.
    pub window: SearchWindow<'b>,
    /// `CHARSET`: the name. Strings in the key are in it, and are handed on as they are.
    pub charset: Option<AString<'b>>,
    /// What to search for.
    pub key: SearchKey<'b>,
}

impl<'b> Search<'b> {
    /// SEARCH in the plain form.
    #[must_use]
    pub const fn new(uid: bool, key: SearchKey<'b>) -> Self {
        let window = SearchWindow { partial: None, update_items: None };
        Self { uid, returns: None, window, charset: None, key }
    }
}

bits! {
    /// What SEARCH is to return. `RETURN ()` is [`ALL`](Self::ALL) (RFC 4731 section 3.1).
    SearchReturn(u8) {
        /// `MIN`: the lowest.
        MIN = 1;
        /// `MAX`: the highest.
        MAX = 2;
        /// `ALL`: all of them.
        ALL = 4;
        /// `COUNT`: how many.
        COUNT = 8;
        /// `SAVE`: keep it for `$` (RFC 5182).
        SAVE = 16;
        /// `CONTEXT`: the same search will come again (RFC 5267 section 4.2).
        CONTEXT = 32;
        /// `UPDATE`: tell what changes (RFC 5267 section 4.3).
        UPDATE = 64;
        /// `RELEVANCY`: how well each matches (RFC 6203 section 4).
        RELEVANCY = 128;
    }
}

/// One `search-key` (RFC 9051 section 6.4.4).
///
/// It nests at most [`MAX_DEPTH`](Self::MAX_DEPTH) levels when it comes from the wire; a chain of OR is one level.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchKey<'b> {
    /// `ALL`
    All,
    /// `ANSWERED`, `DELETED`, `DRAFT`, `FLAGGED`, `SEEN`, `RECENT`: the flag is set.
    Flag(SystemFlags),
    /// `UNANSWERED` ..., `OLD`: the flag is not set.
    NotFlag(SystemFlags),
    /// `NEW` (RFC 3501): recent and not seen.
    New,
    /// `KEYWORD`
    Keyword(&'b str),
    /// `UNKEYWORD`
    NotKeyword(&'b str),
    /// `BCC`
    Bcc(AString<'b>),
    /// `CC`
    Cc(AString<'b>),
    /// `FROM`
    From(AString<'b>),
    /// `TO`
    To(AString<'b>),
    /// `SUBJECT`
    Subject(AString<'b>),
    /// `BODY`
    Body(AString<'b>),
    /// `TEXT`
    Text(AString<'b>),
    /// `HEADER name text`. An empty text matches every message with the field.
    Header(AString<'b>, AString<'b>),
    /// `BEFORE`: the internal date is earlier.
    Before(Date),
    /// `ON`
    On(Date),
    /// `SINCE`: the internal date is not earlier.
    Since(Date),
    /// `SENTBEFORE`
    SentBefore(Date),
    /// `SENTON`
    SentOn(Date),
    /// `SENTSINCE`
    SentSince(Date),
    /// `LARGER`, in octets.
    Larger(u64),
    /// `SMALLER`, in octets.
    Smaller(u64),
    /// A set of message numbers, or `$`.
    Sequence(SequenceSet<'b>),
    /// `UID` and a set of UIDs, or `$`.
    Uid(SequenceSet<'b>),
    /// `MODSEQ [entry] n` (RFC 7162 section 3.1.5).
    ModSeq(u64, Option<ModSeqEntry<'b>>),
    /// `OLDER`: the internal date is so many seconds ago, or more (RFC 5032).
    Older(u32),
    /// `YOUNGER`: the internal date is less than so many seconds ago, or just so many (RFC 5032).
    Younger(u32),
    /// `SAVEDBEFORE`: it came into the mailbox earlier (RFC 8514 section 4.3).
    SavedBefore(Date),
    /// `SAVEDON`
    SavedOn(Date),
    /// `SAVEDSINCE`
    SavedSince(Date),
    /// `SAVEDATESUPPORTED`: the mailbox keeps save dates.
    SaveDateSupported,
    /// `EMAILID` (RFC 8474 section 6)
    EmailId(&'b str),
    /// `THREADID` (RFC 8474 section 6)
    ThreadId(&'b str),
    /// `UIDAFTER`: the UID is greater (RFC 9738 section 3.2).
    UidAfter(u32),
    /// `UIDBEFORE`: the UID is less (RFC 9738 section 3.2).
    UidBefore(u32),
    /// `FUZZY`: the key need not match exactly (RFC 6203 section 3).
    Fuzzy(Box<Self>),
    /// `NOT`
    Not(Box<Self>),
    /// Several keys: all of them.
    And(Vec<Self>),
    /// `OR`, two or more: a chain `OR a OR b c` is one.
    Or(Vec<Self>),
}

impl SearchKey<'_> {
    /// Whether it names messages by their numbers anywhere (not by UID): then UIDONLY forbids it (RFC 9586 section 3.5).
    #[must_use]
    pub fn has_numbers(&self) -> bool {
        let mut todo = alloc::vec![self];
        while let Some(key) = todo.pop() {
            match key {
                Self::Sequence(set) if !set.is_saved() => return true,
                Self::Not(inner) | Self::Fuzzy(inner) => todo.push(inner),
                Self::And(keys) | Self::Or(keys) => todo.extend(keys),
                _ => {}
            }
        }
        false
    }

    /// How deep NOT, FUZZY, OR and parentheses may nest.
    pub const MAX_DEPTH: usize = 128;
}

/// The entry of `MODSEQ`: a flag's metadata item and its type (RFC 7162 section 3.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModSeqEntry<'b> {
    /// `/flags/` and the flag.
    pub name: AString<'b>,
    /// `priv`, `shared` or `all`.
    pub kind: &'b str,
}

/// What an ESEARCH response says (RFC 9051 section 7.3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EsearchData<'a> {
    /// The tag of the search it belongs to: of one that is kept up to date (RFC 5267). `None`: the present command's.
    pub tag: Option<&'a str>,
    /// Where it was found (RFC 7377): the mailbox and its UIDVALIDITY.
    pub mailbox: Option<(&'a str, u32)>,
    /// Whether the numbers are UIDs.
    pub uid: bool,
    /// `MIN`: left out where nothing matches.
    pub min: Option<u32>,
    /// `MAX`: left out where nothing matches.
    pub max: Option<u32>,
    /// `COUNT`
    pub count: Option<u32>,
    /// `ALL`: inclusive ranges, in the order of the results; nothing is written where there are none.
    pub all: Option<&'a [(u32, u32)]>,
    /// `MODSEQ` (RFC 7162 section 3.1.10).
    pub modseq: Option<u64>,
    /// Return data of other extensions, written in this order after the others.
    pub extra: &'a [EsearchExtra<'a>],
}
