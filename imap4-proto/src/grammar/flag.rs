use super::{
    Parse, fault,
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
                let mut folded = 0;
                let mut n = 0;
                for b in name.iter().take_while(|b| **b != b' ') {
                    // A letter in lower case; what is no letter does not become one that is in a name below.
                    folded = folded << 8 | u64::from(*b | 0x20);
                    n += 1;
                }
                let (name, rest) = name.split_at_checked(n)?;
                self.0 = rest;
                Some(match folded {
                    // No system flag's name is longer than what was folded.
                    _ if n > 8 => Flag::Extension(ascii(name)),
                    SEEN => Flag::System(SystemFlags::SEEN),
                    ANSWERED => Flag::System(SystemFlags::ANSWERED),
                    FLAGGED => Flag::System(SystemFlags::FLAGGED),
                    DELETED => Flag::System(SystemFlags::DELETED),
                    DRAFT => Flag::System(SystemFlags::DRAFT),
                    RECENT => Flag::System(SystemFlags::RECENT),
                    _ => Flag::Extension(ascii(name)),
                })
            }
            _ => {
                let (rest, name) = take_while(self.0, |b| b != b' ');
                self.0 = rest;
                Some(Flag::Keyword(ascii(name)))
            }
        }
    }
}

const SEEN: u64 = short_word(b"seen");
const ANSWERED: u64 = short_word(b"answered");
const FLAGGED: u64 = short_word(b"flagged");
const DELETED: u64 = short_word(b"deleted");
const DRAFT: u64 = short_word(b"draft");
const RECENT: u64 = short_word(b"recent");

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
