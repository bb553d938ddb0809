use std::{fmt, num::NonZeroU32};

/// A message's unique identifier in its mailbox (RFC 9051 section 2.3.1.1): ascending, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Uid(pub NonZeroU32);

impl Uid {
    /// The UID with this number; `None` for 0.
    #[must_use]
    pub const fn new(n: u32) -> Option<Self> {
        match NonZeroU32::new(n) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A mailbox incarnation (RFC 9051 section 2.3.1.1): a mailbox deleted and created again under the same
/// name has a greater one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UidValidity(pub NonZeroU32);

impl UidValidity {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// A modification sequence, 63 bits (RFC 7162 section 3.1). Within a mailbox, modseqs become visible in
/// ascending order. 0 comes before every change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ModSeq(pub u64);

/// A set of UIDs as sorted, disjoint, non-adjacent, inclusive ranges. `1:4294967295` is two numbers.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

impl UidSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Every UID there can be.
    #[must_use]
    pub fn all() -> Self {
        Self { ranges: vec![(1, u32::MAX)] }
    }

    /// The set of these inclusive ranges, in any order and overlap; 0 is left out, a reversed range
    /// means the same as the ordered one.
    #[must_use]
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut v: Vec<(u32, u32)> =
            ranges.into_iter().map(|(a, b)| (a.min(b).max(1), a.max(b))).filter(|(a, b)| a <= b).collect();
        if !v.is_sorted() {
            v.sort_unstable();
        }
        // In place: most sets are a range or two.
        v.dedup_by(|(a, b), (_, end)| {
            let joins = *a <= end.saturating_add(1);
            if joins {
                *end = (*b).max(*end);
            }
            joins
        });
        if v.len() < v.capacity() / 4 && v.capacity() > 64 {
            v.shrink_to_fit();
        }
        Self { ranges: v }
    }

    /// Adds one UID; cheap when it is greater than all in the set.
    pub fn insert(&mut self, uid: Uid) {
        let n = uid.get();
        match self.ranges.last_mut() {
            Some((_, end)) if *end >= n => {
                if !self.contains(uid) {
                    let mut ranges = std::mem::take(&mut self.ranges);
                    ranges.push((n, n));
                    *self = Self::from_ranges(ranges);
                }
            }
            Some((_, end)) if *end + 1 == n => *end = n,
            _ => self.ranges.push((n, n)),
        }
    }

    /// Whether `uid` is in the set; logarithmic in the number of ranges.
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let n = uid.get();
        let i = self.ranges.partition_point(|(_, end)| *end < n);
        self.ranges.get(i).is_some_and(|(start, _)| *start <= n)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many UIDs are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|(a, b)| u64::from(b - a) + 1).sum()
    }

    /// The ranges, ascending, inclusive at both ends.
    #[must_use]
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// The least UID.
    #[must_use]
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().and_then(|r| Uid::new(r.0))
    }

    /// The greatest UID.
    #[must_use]
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().and_then(|r| Uid::new(r.1))
    }

    /// What is in this set or in `other`.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.ranges.iter().chain(&other.ranges).copied())
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            let (start, end) = (x.0.max(y.0), x.1.min(y.1));
            if start <= end {
                ranges.push((start, end));
            }
            if x.1 <= y.1 {
                a.next();
            } else {
                b.next();
            }
        }
        Self { ranges }
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let mut cut = other.ranges.iter().peekable();
        'ranges: for &(start, end) in &self.ranges {
            let mut from = start;
            while let Some(&&(a, b)) = cut.peek() {
                if b < from {
                    cut.next();
                    continue;
                }
                if a > end {
                    break;
                }
                if a > from {
                    ranges.push((from, a - 1));
                }
                if b >= end {
                    continue 'ranges;
                }
                from = b + 1;
            }
            ranges.push((from, end));
        }
        Self { ranges }
    }

    /// Those of the ascending `uids` that are in the set, as a slice iterator by ranges: linear in
    /// what it yields, logarithmic in what it skips.
    pub fn select<'a>(&'a self, uids: &'a [Uid]) -> impl Iterator<Item = Uid> + 'a {
        self.ranges.iter().flat_map(move |(a, b)| {
            let from = uids.partition_point(|u| u.get() < *a);
            let to = uids.partition_point(|u| u.get() <= *b);
            uids.get(from..to).unwrap_or(&[]).iter().copied()
        })
    }
}

impl From<Uid> for UidSet {
    fn from(uid: Uid) -> Self {
        Self { ranges: vec![(uid.get(), uid.get())] }
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        let mut rest = Vec::new();
        for uid in uids {
            if set.last().is_none_or(|l| l < uid) {
                set.insert(uid);
            } else {
                rest.push((uid.get(), uid.get()));
            }
        }
        if rest.is_empty() { set } else { set.union(&Self::from_ranges(rest)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_algebra_agrees_with_a_plain_set_of_numbers() {
        use std::collections::BTreeSet;
        let mut seed = 7_u32;
        let mut next = |n: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) % n
        };
        for _ in 0..2_000 {
            let mut make = || {
                let r: Vec<_> = (0..next(5)).map(|_| (next(30), next(30))).collect();
                let plain: BTreeSet<u32> =
                    r.iter().flat_map(|(a, b)| (*a.min(b)).max(1)..=*a.max(b)).collect();
                (UidSet::from_ranges(r), plain)
            };
            let ((a, pa), (b, pb)) = (make(), make());
            let plain = |s: &UidSet| s.ranges().iter().flat_map(|(x, y)| *x..=*y).collect::<BTreeSet<_>>();
            assert_eq!(plain(&a), pa);
            assert_eq!(plain(&a.union(&b)), pa.union(&pb).copied().collect());
            assert_eq!(plain(&a.intersection(&b)), pa.intersection(&pb).copied().collect());
            assert_eq!(plain(&a.difference(&b)), pa.difference(&pb).copied().collect());
            let uids: Vec<Uid> = pb.iter().filter_map(|n| Uid::new(*n)).collect();
            assert_eq!(
                a.select(&uids).map(Uid::get).collect::<BTreeSet<_>>(),
                pa.intersection(&pb).copied().collect()
            );
            assert_eq!(uids.iter().copied().collect::<UidSet>(), b);
        }
    }

    #[test]
    fn the_full_range_is_one_range() {
        let all = UidSet::from_ranges([(1, u32::MAX), (5, 9)]);
        assert_eq!(all.ranges(), [(1, u32::MAX)]);
        assert_eq!(all.len(), 4_294_967_295);
        assert!(all.difference(&UidSet::all()).is_empty());
    }
}
