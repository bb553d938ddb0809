use super::{
    Parse,
    chars::eight,
    fault,
    keyword::short_word,
    octet,
    string::{ascii, atom, separated, take_while},
};
use crate::types::{Flag, FlagList, SystemFlags};

/// `flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension`
///
/// `flag-keyword = atom`, `flag-extension = "\" atom`
#[inline]
fn flag(i: &[u8]) -> Parse<'_, ()> {
    let name = match i {
        [b'\\', rest @ ..] => rest,
        _ => i,
    };
    match atom(name) {
        Ok((rest, _)) => Ok((rest, ())),
        Err(_) => fault("A flag is missing"),
    }
}

/// `flag *(SP flag)`
#[inline]
pub(crate) fn flags(i: &[u8]) -> Parse<'_, FlagList<'_>> {
    separated(i, flag).map(|(rest, list)| (rest, FlagList(list)))
}

/// `flag-list = "(" [flag *(SP flag)] ")"`
#[inline]
pub(crate) fn flag_list(i: &[u8]) -> Parse<'_, FlagList<'_>> {
    let i = octet(i, b'(', "A list of flags is missing")?;
    if let [b')', rest @ ..] = i {
        return Ok((rest, FlagList(&[])));
    }
    let (rest, list) = flags(i)?;
    Ok((octet(rest, b')', "A list of flags does not end")?, list))
}

/// Reads the flags of a list again, each in one pass: its end is looked for while its name is folded.
#[derive(Clone)]
pub(crate) struct Flags<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for Flags<'b> {
    type Item = Flag<'b>;

    #[inline]
    fn next(&mut self) -> Option<Flag<'b>> {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
        match self.0 {
            [] => None,
            [b'\\', name @ ..] => {
                let (folded, n) = folded(name);
                let system = match folded {
                    SEEN => SystemFlags::SEEN,
                    ANSWERED => SystemFlags::ANSWERED,
                    FLAGGED => SystemFlags::FLAGGED,
                    DELETED => SystemFlags::DELETED,
                    DRAFT => SystemFlags::DRAFT,
                    RECENT => SystemFlags::RECENT,
                    _ => SystemFlags::NONE,
                };
                let (start, rest) = name.split_at_checked(n)?;
                // No system flag's name is longer than what was folded.
                if !system.is_empty() && matches!(rest, [] | [b' ', ..]) {
                    self.0 = rest;
                    return Some(Flag::System(system));
                }
                let (rest, end) = take_while(rest, |b| b != b' ');
                self.0 = rest;
                let (name, _) = name.split_at_checked(start.len() + end.len())?;
                Some(Flag::Extension(ascii(name)))
            }
            _ => {
                let (rest, name) = take_while(self.0, |b| b != b' ');
                self.0 = rest;
                Some(Flag::Keyword(ascii(name)))
            }
        }
    }
}

/// The first word of `i` in lower case, as a number whose lowest octet is its first, and how long it is. Of a longer one than eight octets,
/// the first eight.
#[inline]
fn folded(i: &[u8]) -> (u64, usize) {
    let Some(octets) = i.first_chunk() else {
        let word = i.iter().take_while(|b| **b != b' ');
        return word.fold((0, 0), |(word, n), b| (word | u64::from(*b | 0x20) << (8 * n), n + 1));
    };
    let x = u64::from_le_bytes(*octets);
    let spaces = (x ^ eight(b' ')).wrapping_sub(eight(1)) & !x & eight(0x80);
    // A letter in lower case; what is no letter does not become one that is in a name below.
    let lower = x | eight(0x20);
    match spaces.trailing_zeros() / 8 {
        8.. => (lower, 8),
        n => (lower & ((1 << (8 * n)) - 1), usize::try_from(n).unwrap_or(0)),
    }
}

const SEEN: u64 = short_word(b"seen").swap_bytes() >> 32;
const ANSWERED: u64 = short_word(b"answered").swap_bytes();
const FLAGGED: u64 = short_word(b"flagged").swap_bytes() >> 8;
const DELETED: u64 = short_word(b"deleted").swap_bytes() >> 8;
const DRAFT: u64 = short_word(b"draft").swap_bytes() >> 24;
const RECENT: u64 = short_word(b"recent").swap_bytes() >> 16;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_name_is_compared_whole() {
        for (text, flag) in [
            ("\\aNSWERED", Flag::System(SystemFlags::ANSWERED)),
            ("\\Xanswered", Flag::Extension("Xanswered")),
            ("\\See", Flag::Extension("See")),
            ("\\Sees", Flag::Extension("Sees")),
            ("\\", Flag::Extension("")),
            ("Answered", Flag::Keyword("Answered")),
        ] {
            assert_eq!(Flags(text.as_bytes()).collect::<Vec<_>>(), [flag], "{text}");
        }
        assert_eq!(Flags(b"  a   \\Seen ").count(), 2);
    }

    #[test]
    fn flags_are_told_apart() {
        let (rest, list) = flag_list(br"(\Seen \DELETED $Forwarded \X Seen) x").unwrap();
        assert_eq!(rest, b" x");
        assert_eq!(
            list.iter().collect::<Vec<_>>(),
            [
                Flag::System(SystemFlags::SEEN),
                Flag::System(SystemFlags::DELETED),
                Flag::Keyword("$Forwarded"),
                Flag::Extension("X"),
                Flag::Keyword("Seen")
            ]
        );
        assert!(flag_list(b"()").unwrap().1.is_empty());
        for wire in [&b"("[..], b"( )", b"(a", b"(a )", b"(a  b)", b"(\\)", b"(\\*)", b"a", b"(\"a\")"] {
            assert!(flag_list(wire).is_err(), "{}", wire.escape_ascii());
        }
    }
}
