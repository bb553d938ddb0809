//! Classes of octets, as one table.

const ATOM: u8 = 1;
const RESP_SPECIAL: u8 = 2;
const WILDCARD: u8 = 4;
const KEYWORD: u8 = 8;

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0x21u8;
    while b < 0x7f {
        // Every index is below 256, the length of the table.
        #[allow(clippy::indexing_slicing)]
        {
            table[b as usize] = match b {
                b'(' | b')' | b'{' | b'"' | b'\\' => 0,
                b'%' | b'*' => WILDCARD,
                b']' => RESP_SPECIAL,
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => ATOM | KEYWORD,
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

/// What the names of commands, items and search keys are made of.
#[inline]
pub(crate) fn is_keyword_char(b: u8) -> bool {
    class(b) & KEYWORD != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_those_of_the_rfc() {
        for b in 0..=255u8 {
            let special = b" (){%*\"\\]".contains(&b) || !(0x20..0x7f).contains(&b);
            assert_eq!(is_atom_char(b), !special, "{b:#x}");
            assert_eq!(is_astring_char(b), !special || b == b']', "{b:#x}");
            assert_eq!(is_list_char(b), !special || b"]%*".contains(&b), "{b:#x}");
        }
    }
}
