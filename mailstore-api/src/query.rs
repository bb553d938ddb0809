use crate::{ModSeq, SystemFlags, UidSet};

/// A search, in UIDs. Sequence numbers, `*` and `$` were resolved against the view before this is
/// built; text is in UTF-8, folded to no case.
///
/// Nesting is bounded by whoever builds it (the IMAP grammar's depth limit).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Query {
    /// Every message.
    All,
    /// These UIDs.
    Uids(UidSet),
    /// All of these system flags are set.
    Flags(SystemFlags),
    /// The keyword is set.
    Keyword(String),
    /// A header field of this name contains the text (any field of that name, when the text is empty).
    Header(String, String),
    /// The body contains the text.
    Body(String),
    /// Header or body contains the text.
    Text(String),
    /// More octets than this.
    Larger(u64),
    /// Fewer octets than this.
    Smaller(u64),
    /// The internal date, disregarding time and zone, in days since 1970-01-01, lies in this
    /// half-open range.
    InternalDay(i64, i64),
    /// The `Date:` header, disregarding time and zone, in days since 1970-01-01, lies in this half-open range.
    SentDay(i64, i64),
    /// The internal date lies at or after this many seconds since 1970 (WITHIN, RFC 5032).
    ArrivedSince(i64),
    /// The modseq is at least this (RFC 7162 section 3.1.5).
    ModSeqAtLeast(ModSeq),
    /// Not this.
    Not(Box<Self>),
    /// All of these.
    And(Vec<Self>),
    /// Any of these.
    Or(Vec<Self>),
}

/// What a store makes of a [`Query`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SearchOutcome {
    /// Just these match.
    Exact(UidSet),
    /// Only these can match; the library evaluates `residual` on each.
    Candidates {
        /// A superset of what matches.
        superset: UidSet,
        /// What is left to check.
        residual: Query,
    },
    /// The store does not search; the library does.
    Declined,
}
