use super::{Context, Parse, before, fault, number::nz_number};
use crate::types::{Capabilities, SeqNumber, SeqRange, SequenceSet};

/// `seq-number = nz-number / "*"`
#[inline]
pub(super) fn seq_number(i: &[u8]) -> Parse<'_, SeqNumber> {
    match i {
        [b'*', rest @ ..] => Ok((rest, SeqNumber::Largest)),
        _ => nz_number(i).map(|(rest, n)| (rest, SeqNumber::Number(n))),
    }
}

/// `seq-number / seq-range`, with `seq-range = seq-number ":" seq-number`
#[inline]
fn seq_range(i: &[u8]) -> Parse<'_, SeqRange> {
    let (rest, from) = seq_number(i)?;
    match rest {
        [b':', rest @ ..] => seq_number(rest).map(|(rest, to)| (rest, SeqRange::new(from, to))),
        _ => Ok((rest, SeqRange::new(from, from))),
    }
}

/// `sequence-set = (seq-number / seq-range) ["," sequence-set]` and `sequence-set =/ "$"`
#[inline]
pub(crate) fn sequence_set(i: &[u8]) -> Parse<'_, SequenceSet<'_>> {
    if let [b'$', rest @ ..] = i {
        return Ok((rest, SequenceSet(before(i, rest))));
    }
    let (mut rest, _) = seq_range(i)?;
    while let [b',', tail @ ..] = rest {
        rest = seq_range(tail)?.0;
    }
    Ok((rest, SequenceSet(before(i, rest))))
}

/// A set where a command takes one: `$` only with SEARCHRES (RFC 5182).
#[inline]
pub(crate) fn command_set(i: &[u8], context: Context) -> Parse<'_, SequenceSet<'_>> {
    if i.first() == Some(&b'$') {
        context.needs(Capabilities::SEARCHRES, "SEARCHRES is not on")?;
    }
    sequence_set(i)
}

/// A set without `*` and `$`: `known-uids` and its kin (RFC 7162 section 7).
pub(crate) fn plain_set(i: &[u8]) -> Parse<'_, SequenceSet<'_>> {
    let (rest, set) = sequence_set(i)?;
    if set.has_largest() || set.is_saved() { fault("* and $ have no place here") } else { Ok((rest, set)) }
}

/// Reads again what [`sequence_set`] read.
#[derive(Clone)]
pub(crate) struct Ranges<'b>(&'b [u8]);

impl<'b> Ranges<'b> {
    pub(crate) const fn new(set: &'b [u8]) -> Self {
        Self(set)
    }
}

impl Iterator for Ranges<'_> {
    type Item = SeqRange;
    #[inline]
    fn next(&mut self) -> Option<SeqRange> {
        let (rest, range) = seq_range(self.0).ok()?;
        self.0 = rest.strip_prefix(b",").unwrap_or(rest);
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn sets_are_ranges_whatever_their_order() {
        for (wire, ranges) in [
            (&b"1"[..], &[(1, 1)][..]),
            (b"2:4,7,*:9", &[(2, 4), (7, 7), (9, 20)]),
            (b"*", &[(20, 20)]),
            (b"30:*", &[(20, 30)]),
            (b"4:2", &[(2, 4)]),
            (b"1:4294967295", &[(1, u32::MAX)]),
            (b"$", &[]),
        ] {
            let set = SequenceSet::parse(wire).unwrap();
            assert_eq!(set.resolve(20).collect::<Vec<_>>(), ranges, "{}", wire.escape_ascii());
            assert_eq!(set.is_saved(), wire == b"$");
        }
        for wire in [
            &b""[..],
            b"0",
            b"1,",
            b",1",
            b"1:",
            b":1",
            b"1:2:3",
            b"4294967296",
            b"1 2",
            b"$,1",
            b"1,$",
            b"-1",
            b"1,,2",
        ] {
            assert_eq!(SequenceSet::parse(wire), None, "{}", wire.escape_ascii());
        }
    }
}
