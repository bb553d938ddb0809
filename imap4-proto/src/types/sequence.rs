use core::{fmt, num::NonZeroU32};

use crate::grammar;

/// One end of a range: `seq-number` (RFC 9051 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SeqNumber {
    /// A number.
    Number(NonZeroU32),
    /// `*`: the largest in use.
    Largest,
}

/// `seq-number` or `seq-range`, in the order it was written; a single number is a range from itself to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SeqRange {
    /// The end written first.
    pub from: SeqNumber,
    /// The end written last.
    pub to: SeqNumber,
}

impl SeqRange {
    /// A range.
    #[must_use]
    pub const fn new(from: SeqNumber, to: SeqNumber) -> Self {
        Self { from, to }
    }

    /// The range in ascending order, with `*` standing for `largest`.
    #[must_use]
    pub fn resolve(self, largest: u32) -> (u32, u32) {
        let number = |n| match n {
            SeqNumber::Number(n) => n.get(),
            SeqNumber::Largest => largest,
        };
        let (a, b) = (number(self.from), number(self.to));
        (a.min(b), a.max(b))
    }
}

/// A `sequence-set` (RFC 9051 section 9): message numbers or UIDs, as ranges that are never expanded.
///
/// It is the validated text; iterating reads it again and allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SequenceSet<'b>(pub(crate) &'b [u8]);

impl<'b> SequenceSet<'b> {
    /// Reads a whole `sequence-set`; `None` where it is none. `$` is one.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match grammar::sequence::sequence_set(text) {
            Ok(([], set)) => Some(set),
            _ => None,
        }
    }

    /// Whether it is `$`, the saved result of the last search (RFC 5182). Such a set has no ranges.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.0 == b"$"
    }

    /// Its text.
    #[must_use]
    pub const fn as_bytes(&self) -> &'b [u8] {
        self.0
    }

    /// The ranges, in the order they were written.
    pub fn ranges(&self) -> impl Iterator<Item = SeqRange> + Clone + 'b {
        grammar::sequence::Ranges::new(self.0)
    }

    /// The ranges, each in ascending order, with `*` standing for `largest`.
    pub fn resolve(&self, largest: u32) -> impl Iterator<Item = (u32, u32)> + Clone + 'b {
        self.ranges().map(move |r| r.resolve(largest))
    }

    /// Whether `*` is in it.
    #[must_use]
    pub fn has_largest(&self) -> bool {
        self.0.contains(&b'*')
    }
}

impl fmt::Debug for SequenceSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequenceSet({})", self.0.escape_ascii())
    }
}
