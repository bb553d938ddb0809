use super::{
    Context, Parse, fault, flag,
    keyword::{keyword, word},
    number::number64,
    octet,
    sequence::command_set,
    sp,
};
use crate::types::{Capabilities, Store, StoreMode};

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags`, with
/// `store-modifiers = SP "(" store-modifier *(SP store-modifier) ")"` (RFC 4466) and
/// `store-modifier =/ "UNCHANGEDSINCE" SP mod-sequence-valzer` (RFC 7162 section 7); after the name.
pub(super) fn store(i: &[u8], uid: bool, context: Context) -> Parse<'_, Store<'_>> {
    let (i, set) = command_set(sp(i)?.0, context)?;
    let (mut i, ()) = sp(i)?;
    let mut unchanged_since = None;
    if let [b'(', rest @ ..] = i {
        let (rest, name) = keyword(rest);
        if name != word(b"UNCHANGEDSINCE") {
            return fault("Unknown store modifier");
        }
        context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?;
        let (rest, modseq) = number64(sp(rest)?.0)?;
        unchanged_since = Some(modseq);
        (i, ()) = sp(octet(rest, b')', "Store modifiers do not end")?)?;
    }
    let (i, (mode, silent, flags)) = store_att_flags(i)?;
    let mut store = Store::new(uid, set, mode, flags);
    store.silent = silent;
    store.unchanged_since = unchanged_since;
    Ok((i, store))
}

/// `store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))`
fn store_att_flags(i: &[u8]) -> Parse<'_, (StoreMode, bool, crate::types::FlagList<'_>)> {
    let (mode, i) = match i {
        [b'+', rest @ ..] => (StoreMode::Add, rest),
        [b'-', rest @ ..] => (StoreMode::Remove, rest),
        _ => (StoreMode::Replace, i),
    };
    let (i, name) = keyword(i);
    let silent = match name {
        n if n == word(b"FLAGS") => false,
        n if n == word(b"FLAGS.SILENT") => true,
        _ => return fault("Unknown store item"),
    };
    let (i, ()) = sp(i)?;
    let (i, flags) = if i.first() == Some(&b'(') { flag::flag_list(i)? } else { flag::flags(i)? };
    Ok((i, (mode, silent, flags)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_is_read() {
        for (wire, mode, silent, since, flags) in [
            (" 1 FLAGS ()", StoreMode::Replace, false, None, 0),
            (" 1:2 +flags.silent \\Seen $X", StoreMode::Add, true, None, 2),
            (" * (UNCHANGEDSINCE 0) -FLAGS (\\Deleted)", StoreMode::Remove, false, Some(0), 1),
        ] {
            let (rest, s) = store(wire.as_bytes(), true, Context::ALL).expect(wire);
            assert!(rest.is_empty());
            assert_eq!(
                (s.mode, s.silent, s.unchanged_since, s.flags.iter().count()),
                (mode, silent, since, flags),
                "{wire}"
            );
        }
        for wire in [
            " 1 FLAGS",
            " 1 FLAGS ",
            " 1 FLAG (a)",
            " 1 ++FLAGS (a)",
            " 1 () FLAGS (a)",
            " 1 (UNCHANGEDSINCE x) FLAGS (a)",
            " FLAGS (a)",
        ] {
            assert!(!matches!(store(wire.as_bytes(), false, Context::ALL), Ok(([], _))), "{wire}");
        }
    }
}
