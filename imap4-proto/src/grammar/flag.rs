use super::{
    Parse, fault, octet,
    string::{ascii, atom, separated},
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

/// Which flag a text that [`flag`] has read is.
#[inline]
pub(crate) fn classify(text: &[u8]) -> Flag<'_> {
    let [b'\\', name @ ..] = text else { return Flag::Keyword(ascii(text)) };
    for (known, flag) in [
        (&b"seen"[..], SystemFlags::SEEN),
        (b"deleted", SystemFlags::DELETED),
        (b"answered", SystemFlags::ANSWERED),
        (b"flagged", SystemFlags::FLAGGED),
        (b"draft", SystemFlags::DRAFT),
        (b"recent", SystemFlags::RECENT),
    ] {
        if name.eq_ignore_ascii_case(known) {
            return Flag::System(flag);
        }
    }
    Flag::Extension(ascii(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

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
