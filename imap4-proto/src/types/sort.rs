use alloc::vec::Vec;

use super::{AString, Element, ListOf, MailboxFilter, Search};
use crate::grammar::sort;

/// The keys of SORT with, for each, its name.
macro_rules! keys {
    ($($(#[$doc:meta])* $key:ident = $name:literal;)*) => {
        /// What messages are sorted by (RFC 5256 section 3).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SortKey {
            $($(#[$doc])* $key,)*
        }
        impl SortKey {
            /// All of them, in the order of their declaration.
            pub const EACH: &'static [Self] = &[$(Self::$key),*];

            /// Its name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$key => $name,)* }
            }
        }
    };
}

keys! {
    /// The internal date and time.
    Arrival = "ARRIVAL";
    /// The local part of the first address in Cc.
    Cc = "CC";
    /// The sent date and time, in UTC.
    Date = "DATE";
    /// The local part of the first address in From.
    From = "FROM";
    /// The size in octets.
    Size = "SIZE";
    /// The base subject (RFC 5256 section 2.1).
    Subject = "SUBJECT";
    /// The local part of the first address in To.
    To = "TO";
    /// The display name of the first address in From (RFC 5957).
    DisplayFrom = "DISPLAYFROM";
    /// The display name of the first address in To (RFC 5957).
    DisplayTo = "DISPLAYTO";
    /// How well it matches a fuzzy search, best first (RFC 6203 section 5).
    Relevancy = "RELEVANCY";
}

/// `sort-criterion = ["REVERSE" SP] sort-key` (RFC 5256 section 5)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SortCriterion {
    /// From the greatest to the least.
    pub reverse: bool,
    /// By what.
    pub key: SortKey,
}

impl SortCriterion {
    /// By this key, perhaps in reverse.
    #[must_use]
    pub const fn new(key: SortKey, reverse: bool) -> Self {
        Self { reverse, key }
    }
}

impl<'b> Element<'b> for SortCriterion {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        sort::sort_criterion(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        if self.reverse {
            out.extend_from_slice(b"REVERSE ");
        }
        out.extend_from_slice(self.key.name().as_bytes());
    }
}

/// SORT or UID SORT (RFC 5256 section 3), with the return options of RFC 5267 section 3.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sort<'b> {
    /// The criteria, the most significant first; at least one.
    pub criteria: ListOf<'b, SortCriterion>,
    /// What to search for, whether in UIDs, and what to return. Its charset is required: `None` is written as US-ASCII.
    pub search: Search<'b>,
}

impl<'b> Sort<'b> {
    /// SORT by these criteria of what the search finds, with strings in this charset.
    #[must_use]
    pub const fn new(
        criteria: ListOf<'b, SortCriterion>,
        charset: AString<'b>,
        mut search: Search<'b>,
    ) -> Self {
        search.charset = Some(charset);
        Self { criteria, search }
    }
}

/// How THREAD finds what belongs together (RFC 5256 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadAlgorithm<'b> {
    /// `ORDEREDSUBJECT`: by base subject, then by date.
    OrderedSubject,
    /// `REFERENCES`: by the identifiers in References and In-Reply-To.
    References,
    /// Another one; answer BAD where it is not known.
    Other(&'b str),
}

/// THREAD or UID THREAD (RFC 5256 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Thread<'b> {
    /// By which algorithm.
    pub algorithm: ThreadAlgorithm<'b>,
    /// What to search for, and whether in UIDs. It has no return options; its charset is required: `None` is written as US-ASCII.
    pub search: Search<'b>,
}

impl<'b> Thread<'b> {
    /// THREAD of what the search finds, with strings in this charset.
    #[must_use]
    pub const fn new(algorithm: ThreadAlgorithm<'b>, charset: AString<'b>, mut search: Search<'b>) -> Self {
        search.charset = Some(charset);
        Self { algorithm, search }
    }
}

/// ESEARCH (RFC 7377): a search of several mailboxes. Its answers are in UIDs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MultiSearch<'b> {
    /// `IN (...)`: which mailboxes; `None`: the selected one.
    pub sources: Option<ListOf<'b, MailboxFilter<'b>>>,
    /// What to search for and what to return; its `uid` is set.
    pub search: Search<'b>,
}

impl<'b> MultiSearch<'b> {
    /// ESEARCH in these mailboxes.
    #[must_use]
    pub const fn new(sources: Option<ListOf<'b, MailboxFilter<'b>>>, mut search: Search<'b>) -> Self {
        search.uid = true;
        Self { sources, search }
    }

    /// Whether the selected mailbox is among the sources: then one must be selected (RFC 7377 section 2.2).
    #[must_use]
    pub fn needs_selected(&self) -> bool {
        self.sources.is_none_or(|all| all.iter().any(|s| s == MailboxFilter::Selected))
    }
}
