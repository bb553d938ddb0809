//! Classes of octets, as one table.

const ATOM: u8 = 1;
const RESP_SPECIAL: u8 = 2;
const WILDCARD: u8 = 4;
const FLAG_TEXT: u8 = 8;

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut b = 0x20u8;
    while b < 0x7f {
        #[allow(clippy::indexing_slicing, reason = "every index is below 256, the length of the table")]
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
    #[allow(
        clippy::indexing_slicing,
        reason = "a u8 is below 256, the length of the table; the bounds check goes away"
    )]
    CLASSES[usize::from(b)]
}

/// `ATOM-CHAR = <any CHAR except atom-specials>`
#[inline]
pub(crate) fn is_atom_char(b: u8) -> bool {
    class(b) & ATOM != 0
}

/// Whether all of them are `ATOM-CHAR`. Without a branch for each: mostly they are.
#[inline]
pub(crate) fn are_atom_chars(text: &[u8]) -> bool {
    text.iter().fold(ATOM, |all, b| all & class(*b)) != 0
}

/// Whether all of them are those `ATOM-CHAR` that keywords are mostly made of: `$`, and all from `+` to `[` and from `^` to `z`.
/// A few comparisons of 16 octets each, where the machine has vectors.
#[inline]
pub(crate) fn are_plain(some: &[u8; 8], more: &[u8; 8]) -> bool {
    some.iter().zip(more).fold(true, |all, (a, b)| all & is_plain(*a) & is_plain(*b))
}

#[inline]
const fn is_plain(b: u8) -> bool {
    // `\` and `]` differ in the lowest bit.
    b.wrapping_sub(b'+') <= b'z' - b'+' && b | 1 != b']' || b == b'$'
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
    #[allow(
        clippy::indexing_slicing,
        reason = "a u8 is below 256, the length of the table; the bounds check goes away"
    )]
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
            #[allow(clippy::indexing_slicing, reason = "every index is below 256, the length of the table")]
            {
                table[b as usize] = b.to_ascii_uppercase();
            }
        }
        b += 1;
    }
    table
};

/// Eight times the same octet.
pub(crate) const fn eight(b: u8) -> u64 {
    u64::from_le_bytes([b; 8])
}

/// The highest bit of each of these eight octets that does not mean itself in a quoted string: a quote, a backslash or a control
/// character. Above the lowest such octet there may be bits too many.
#[inline]
const fn special(x: u64) -> u64 {
    maybe_special(x) & !x
}

/// The same, and perhaps of octets that are not ASCII.
#[inline]
const fn maybe_special(x: u64) -> u64 {
    // With this bit turned a quote stands right above the control characters: one comparison finds them all.
    let quote_or_control = (x ^ eight(b'"' ^ b' ')).wrapping_sub(eight(b' ' + 1));
    let backslash = (x ^ eight(b'\\')).wrapping_sub(eight(1));
    (quote_or_control | backslash) & eight(0x80)
}

/// How many digits these octets begin with.
#[inline]
pub(crate) fn digits_of(octets: &[u8; 8]) -> usize {
    let x = u64::from_le_bytes(*octets);
    // A digit becomes its value; the highest bit says what does not.
    let values = x ^ eight(b'0');
    let others = (values.wrapping_add(eight(0x80 - 10)) | values) & eight(0x80);
    usize::try_from(others.trailing_zeros() / 8).unwrap_or(0)
}

/// What follows the quoted string whose text this begins with, where no escape and no control character is in it, and eight octets at least
/// begin with its quote.
#[inline]
pub(crate) fn after_quote(mut i: &[u8]) -> Option<&[u8]> {
    while let Some((octets, rest)) = i.split_first_chunk() {
        let x = u64::from_le_bytes(*octets);
        // Of what is not ASCII there may be bits too many.
        let perhaps = maybe_special(x);
        if perhaps != 0
            && let special = perhaps & !x
            && special != 0
        {
            let n = usize::try_from(special.trailing_zeros() / 8).unwrap_or(0);
            return match i.get(n..) {
                Some([b'"', rest @ ..]) => Some(rest),
                _ => None,
            };
        }
        i = rest;
    }
    None
}

/// How many octets there are at the start of `i` that mean themselves in a quoted string: up to a quote, a backslash or a
/// control character. Eight at a time: the strings of a response are short, and many.
#[inline]
pub(crate) fn unquoted(i: &[u8]) -> usize {
    up_to(i, special, |b| b < b' ' || matches!(b, b'"' | b'\\'))
}

/// How many octets there are at the start of `i` that a list of flags may hold, flags and spaces between them: all that prints but
/// parentheses and quotes.
#[inline]
pub(crate) fn flag_text(i: &[u8]) -> usize {
    up_to(i, no_flag_text, |b| !is_flag_text(b))
}

/// The highest bit of each of these eight octets that no list of flags holds; above the lowest of them there may be bits too many.
#[inline]
const fn no_flag_text(x: u64) -> u64 {
    let quote_or_control = (x ^ eight(b'"' ^ b' ')).wrapping_sub(eight(b' ' + 1));
    let parenthesis = ((x | eight(1)) ^ eight(b')')).wrapping_sub(eight(1));
    // DEL, and what is not ASCII.
    let beyond = x.wrapping_add(eight(1)) | x;
    ((quote_or_control | parenthesis) & !x | beyond) & eight(0x80)
}

/// How many octets there are before the first that stops, eight at a time: the highest bit of each that does.
#[inline]
fn up_to(i: &[u8], stops: impl Fn(u64) -> u64, stop: impl Fn(u8) -> bool) -> usize {
    let mut n = 0;
    for octets in i.as_chunks::<8>().0 {
        let stops = stops(u64::from_le_bytes(*octets));
        if stops != 0 {
            return n + usize::try_from(stops.trailing_zeros() / 8).unwrap_or(0);
        }
        n += 8;
    }
    // The end of the input is near.
    let tail = i.get(n..).unwrap_or(&[]);
    n + tail.iter().position(|b| stop(*b)).unwrap_or(tail.len())
}

/// Whether a list of flags may hold it.
#[inline]
pub(crate) fn is_flag_text(b: u8) -> bool {
    class(b) & FLAG_TEXT != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_searched_to_their_first_special_octet() {
        for special in 0..=255u8 {
            for before in 0..20 {
                for after in 0..12 {
                    for plain in [b'a', b' ', 0x80, 0xff, b'!', b'#', b'*', b'}'] {
                        let mut text = alloc::vec![plain; before];
                        text.push(special);
                        text.resize(before + 1 + after, if after % 2 == 0 { plain } else { b'"' });
                        let is_special = special < b' ' || b"\"\\".contains(&special);
                        let later = if after % 2 == 1 { before + 1 } else { text.len() };
                        let expected = if is_special { before } else { later };
                        assert_eq!(unquoted(&text), expected, "{}", text.escape_ascii());
                        let flags = text.iter().position(|b| !is_flag_text(*b)).unwrap_or(text.len());
                        assert_eq!(flag_text(&text), flags, "{}", text.escape_ascii());
                    }
                }
            }
        }
    }

    #[test]
    fn digits_are_counted() {
        for b in 0..=255u8 {
            for at in 0..8 {
                let mut octets = *b"09876543";
                octets[at] = b;
                let n = octets.iter().position(|b| !b.is_ascii_digit()).unwrap_or(8);
                assert_eq!(digits_of(&octets), n, "{}", octets.escape_ascii());
            }
        }
    }

    #[test]
    fn plain_octets_are_atom_chars() {
        for b in 0..=255u8 {
            let plain = matches!(b, b'$' | b'+'..=b'[' | b'^'..=b'z');
            assert!(is_atom_char(b) || !plain);
            for at in 0..8 {
                for other in *b"$+[^zA0" {
                    let mut octets = [other; 8];
                    octets[at] = b;
                    assert_eq!(are_plain(&octets, b"$Forward"), plain, "{}", octets.escape_ascii());
                    assert_eq!(are_plain(b"$Forward", &octets), plain, "{}", octets.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_string_is_passed_over_where_nothing_special_is_in_it() {
        for special in 0..=255u8 {
            for before in 0..20 {
                let mut text = alloc::vec![0xe4; before];
                text.push(special);
                text.extend_from_slice(b"abc\"and so on ....");
                let rest = match special {
                    b'"' => Some(&b"abc\"and so on ...."[..]),
                    0..b' ' | b'\\' => None,
                    _ => Some(&b"and so on ...."[..]),
                };
                assert_eq!(after_quote(&text), rest, "{}", text.escape_ascii());
            }
        }
        assert_eq!(after_quote(b"abc\""), None);
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
