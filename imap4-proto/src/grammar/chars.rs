//! Classes of octets, as one table.

const ATOM: u8 = 1;
const RESP_SPECIAL: u8 = 2;
const WILDCARD: u8 = 4;
const FLAG_TEXT: u8 = 8;

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0x20u8;
    while b < 0x7f {
        // Every index is below 256, the length of the table.
        #[allow(clippy::indexing_slicing)]
        {
            let flag = if matches!(b, b'(' | b')' | b'"') { 0 } else { FLAG_TEXT };
            table[b as usize] = flag
                | match b {
                    b' ' | b'(' | b')' | b'{' | b'"' | b'\\' => 0,
                    b'%' | b'*' => WILDCARD,
                    b']' => RESP_SPECIAL,
                    _ => ATOM,
                };
        }
        b += 1;
    }
    table
}

static CLASSES: [u8; 256] = classes();

#[inline]
fn class(b: u8) -> u8 {
    // A u8 is below 256, the length of the table; the bounds check goes away.
    #[allow(clippy::indexing_slicing)]
    CLASSES[usize::from(b)]
}

/// `ATOM-CHAR = <any CHAR except atom-specials>`
#[inline]
pub(crate) fn is_atom_char(b: u8) -> bool {
    class(b) & ATOM != 0
}

/// `ASTRING-CHAR = ATOM-CHAR / resp-specials`
#[inline]
pub(crate) fn is_astring_char(b: u8) -> bool {
    class(b) & (ATOM | RESP_SPECIAL) != 0
}

/// `list-char = ATOM-CHAR / list-wildcards / resp-specials`
#[inline]
pub(crate) fn is_list_char(b: u8) -> bool {
    class(b) & (ATOM | RESP_SPECIAL | WILDCARD) != 0
}

/// What the names of commands, items and search keys are made of, in upper case; 0 for what is no part of them.
#[inline]
pub(crate) fn folded_keyword_char(b: u8) -> u8 {
    // A u8 is below 256, the length of the table; the bounds check goes away.
    #[allow(clippy::indexing_slicing)]
    FOLDED[usize::from(b)]
}

/// What names are made of.
#[inline]
pub(crate) fn is_keyword_char(b: u8) -> bool {
    folded_keyword_char(b) != 0
}

static FOLDED: [u8; 256] = {
    let mut table = [0; 256];
    let mut b = 0u8;
    while b < 0x7f {
        if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-') {
            // Every index is below 256, the length of the table.
            #[allow(clippy::indexing_slicing)]
            {
                table[b as usize] = b.to_ascii_uppercase();
            }
        }
        b += 1;
    }
    table
};

/// One bit, the highest, of each octet of `x` that is below `limit`, itself below 0x80; above the lowest of them there may be
/// more.
#[inline]
const fn below(x: u64, limit: u8) -> u64 {
    x.wrapping_sub(u64::from_le_bytes([limit; 8])) & !x & u64::from_le_bytes([0x80; 8])
}

/// How many octets there are at the start of `i` that mean themselves in a quoted string: up to a quote, a backslash or a
/// control character. Eight at a time: the strings of a response are short, and many.
#[inline]
pub(crate) fn unquoted(i: &[u8]) -> usize {
    let mut n = 0;
    for eight in i.as_chunks::<8>().0 {
        let x = u64::from_le_bytes(*eight);
        let quote = below(x ^ u64::from_le_bytes([b'"'; 8]), 1);
        let backslash = below(x ^ u64::from_le_bytes([b'\\'; 8]), 1);
        let special = below(x, b' ') | quote | backslash;
        if special != 0 {
            return n + usize::try_from(special.trailing_zeros() / 8).unwrap_or(0);
        }
        n += 8;
    }
    n + unquoted_tail(i.get(n..).unwrap_or(&[]))
}

/// The same, one at a time: the end of the input is near.
#[cold]
#[inline(never)]
fn unquoted_tail(tail: &[u8]) -> usize {
    tail.iter().position(|b| *b < b' ' || matches!(b, b'"' | b'\\')).unwrap_or(tail.len())
}

/// Whether a list of flags may hold it, flags and spaces between them: all that prints but what ends it.
#[inline]
pub(crate) fn is_flag_text(b: u8) -> bool {
    class(b) & FLAG_TEXT != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_string_is_searched_to_its_first_special_octet() {
        for special in 0..=255u8 {
            for before in 0..20 {
                for after in 0..12 {
                    for plain in [b'a', b' ', 0x80, 0xff, b'!', b'#'] {
                        let mut text = alloc::vec![plain; before];
                        text.push(special);
                        text.resize(before + 1 + after, if after % 2 == 0 { plain } else { b'"' });
                        let is_special = special < b' ' || b"\"\\".contains(&special);
                        let later = if after % 2 == 1 { before + 1 } else { text.len() };
                        let expected = if is_special { before } else { later };
                        assert_eq!(unquoted(&text), expected, "{}", text.escape_ascii());
                    }
                }
            }
        }
    }

    #[test]
    fn the_classes_are_those_of_the_rfc() {
        for b in 0..=255u8 {
            let special = b" (){%*\"\\]".contains(&b) || !(0x20..0x7f).contains(&b);
            assert_eq!(is_atom_char(b), !special, "{b:#x}");
            assert_eq!(is_astring_char(b), !special || b == b']', "{b:#x}");
            assert_eq!(is_list_char(b), !special || b"]%*".contains(&b), "{b:#x}");
            assert_eq!(is_flag_text(b), (b' '..=b'~').contains(&b) && !b"()\"".contains(&b), "{b:#x}");
        }
    }
}
