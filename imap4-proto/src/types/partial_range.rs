use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::{Element, FetchItems, ListOf, Numbers, SequenceSet};
use crate::{encode, grammar::response};

/// `partial-range` (RFC 5267 section 4.4, RFC 9394 section 4): places in a list of results, the first being 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PartialRange {
    /// The end written first.
    pub from: NonZeroU32,
    /// The end written last.
    pub to: NonZeroU32,
    /// `-1:-100`: counted from the last result backwards (RFC 9394 section 3.1).
    pub from_end: bool,
}

impl PartialRange {
    /// A range; with `from_end` 1 is the last result.
    #[must_use]
    pub const fn new(from: NonZeroU32, to: NonZeroU32, from_end: bool) -> Self {
        Self { from, to, from_end }
    }

    /// The places among so many results, ascending and counted from 1; `None` where the range has none of them.
    #[must_use]
    pub fn resolve(self, results: u32) -> Option<(u32, u32)> {
        let (low, high) = (self.from.min(self.to).get(), self.from.max(self.to).get());
        if low > results {
            return None;
        }
        let high = high.min(results);
        Some(if self.from_end { (results - high + 1, results - low + 1) } else { (low, high) })
    }
}

/// What the results of a search that is kept up to date have got or lost (RFC 5267 sections 4.3.3 and 4.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContextUpdate<'b> {
    /// Where in the results, from 1; 0: in mailbox order.
    pub position: u32,
    /// Which messages.
    pub set: SequenceSet<'b>,
}

impl<'b> ContextUpdate<'b> {
    /// These messages at this place.
    #[must_use]
    pub const fn new(position: u32, set: SequenceSet<'b>) -> Self {
        Self { position, set }
    }
}

impl<'b> Element<'b> for ContextUpdate<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        response::update(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::number(out, self.position);
        out.push(b' ');
        out.extend_from_slice(self.set.as_bytes());
    }
}

/// Return data of ESEARCH beyond RFC 4731's, as a client reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EsearchItem<'b> {
    /// `PARTIAL` (RFC 5267 section 4.4, RFC 9394)
    Partial {
        /// The range that was asked for.
        range: PartialRange,
        /// What it has; `None`: nothing.
        found: Option<SequenceSet<'b>>,
    },
    /// `ADDTO` (RFC 5267 section 4.3.3): to be carried out in this order.
    AddTo(ListOf<'b, ContextUpdate<'b>>),
    /// `REMOVEFROM` (RFC 5267 section 4.3.4)
    RemoveFrom(ListOf<'b, ContextUpdate<'b>>),
    /// `RELEVANCY` (RFC 6203 section 4): from 1 to 100, one for each result.
    Relevancy(Numbers<'b>),
}

impl<'b> Element<'b> for EsearchItem<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        response::next_item(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::esearch_item(out, self);
    }
}

/// Return data of ESEARCH beyond RFC 4731's, as a server writes them: ranges in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EsearchExtra<'a> {
    /// `PARTIAL`: the range that was asked for, and what it has.
    Partial(PartialRange, &'a [(u32, u32)]),
    /// `ADDTO`: a place in the results, or 0, and the messages.
    AddTo(u32, &'a [(u32, u32)]),
    /// `REMOVEFROM`: a place in the results, or 0, and the messages.
    RemoveFrom(u32, &'a [(u32, u32)]),
    /// `RELEVANCY`: from 1 to 100, one for each result in their order.
    Relevancy(&'a [u8]),
}

/// The arguments of return options beyond RFC 4731's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchWindow<'b> {
    /// `PARTIAL range` (RFC 5267 section 4.4, RFC 9394)
    pub partial: Option<PartialRange>,
    /// `UPDATE (fetch-att ...)` (RFC 5465 section 7): what is to be fetched of messages that come to match.
    pub update_items: Option<FetchItems<'b>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_places_among_the_results() {
        let n = |n| NonZeroU32::new(n).unwrap();
        for (from, to, end, results, places) in [
            (1, 500, false, 23, Some((1, 23))),
            (500, 1, false, 700, Some((1, 500))),
            (24, 30, false, 23, None),
            (1, 100, true, 23764, Some((23665, 23764))),
            (3, 2, true, 2, Some((1, 1))),
            (3, 4, true, 2, None),
            (1, 1, true, 0, None),
            (1, u32::MAX, true, u32::MAX, Some((1, u32::MAX))),
        ] {
            assert_eq!(
                PartialRange::new(n(from), n(to), end).resolve(results),
                places,
                "{from}:{to} of {results}"
            );
        }
    }
}
