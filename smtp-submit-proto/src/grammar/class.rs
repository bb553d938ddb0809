//! Classes of octets, looked up in one table: grammar spends most of its time with them.

/// One class; an octet can be of several.
#[derive(Clone, Copy)]
pub(super) struct Class(u8);

/// ```abnf
/// atext = ALPHA / DIGIT / "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "/" / "=" / "?" /
///         "^" / "_" / "`" / "{" / "|" / "}" / "~"      ; RFC 5322 section 3.2.3
/// ```
pub(super) const ATEXT: Class = Class(1);
/// `atext =/ UTF8-non-ascii` (RFC 6531 section 3.3), before it is known to be UTF-8.
pub(super) const ATEXT_UTF8: Class = Class(2);
/// What a label of a domain, and a keyword of a parameter, is made of: `ALPHA / DIGIT / "-"`.
pub(super) const LDH: Class = Class(4);
/// The same of an internationalised domain.
pub(super) const LDH_UTF8: Class = Class(8);
/// `LDH` and `_`, which domains should not have.
pub(super) const LDH_UNDERSCORE: Class = Class(16);
/// All of these.
pub(super) const LDH_UTF8_UNDERSCORE: Class = Class(32);
/// `%d33-126`
pub(super) const GRAPHIC: Class = Class(64);
/// `%d33-126 / UTF8-non-ascii`
pub(super) const GRAPHIC_UTF8: Class = Class(128);

static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut c = 0_u8;
    loop {
        #[allow(clippy::indexing_slicing, reason = "every index is below 256, the length of the table")]
        {
            table[c as usize] = classes(c);
        }
        if c == u8::MAX {
            break;
        }
        c += 1;
    }
    table
};

/// What [`ATEXT`] is made of.
pub(super) const fn is_atext(c: u8) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^' | b'_' | b'`' | b'{'..=b'~'
        )
}

const fn classes(c: u8) -> u8 {
    let ldh = c.is_ascii_alphanumeric() || c == b'-';
    let atext = is_atext(c);
    let (high, underscore) = (c >= 0x80, c == b'_');
    let members = [
        (ATEXT, atext),
        (ATEXT_UTF8, atext || high),
        (LDH, ldh),
        (LDH_UTF8, ldh || high),
        (LDH_UNDERSCORE, ldh || underscore),
        (LDH_UTF8_UNDERSCORE, ldh || high || underscore),
        (GRAPHIC, c.is_ascii_graphic()),
        (GRAPHIC_UTF8, c.is_ascii_graphic() || high),
    ];
    let mut classes = 0;
    let mut rest: &[(Class, bool)] = &members;
    while let [(class, is_member), tail @ ..] = rest {
        if *is_member {
            classes |= class.0;
        }
        rest = tail;
    }
    classes
}

/// Whether the octet is of the class.
#[inline]
pub(super) fn is(c: u8, of: Class) -> bool {
    classes_of(c) & of.0 != 0
}

#[inline]
fn classes_of(c: u8) -> u8 {
    #[allow(
        clippy::indexing_slicing,
        reason = "a u8 is below 256, the length of the table; the bounds check goes away"
    )]
    CLASSES[usize::from(c)]
}

/// Whether all octets are of the class.
#[inline]
pub(super) fn are_all(octets: &[u8], of: Class) -> bool {
    // No way out before the end: looking at all is cheaper than asking after each.
    octets.iter().fold(of.0, |classes, c| classes & classes_of(*c)) != 0
}

/// How many octets at the start are of the class.
#[inline]
pub(super) fn run(input: &[u8], of: Class) -> usize {
    input.iter().position(|c| !is(*c, of)).unwrap_or(input.len())
}

/// The start of the input that is of these classes, and what follows it.
#[inline]
pub(super) fn while_all(input: &[u8], of: Class) -> (&[u8], &[u8]) {
    input.split_at_checked(run(input, of)).unwrap_or((input, &[]))
}

/// A word in upper case, to be compared with words of letters alone: only a letter becomes a letter by losing this bit.
#[inline]
pub(super) const fn folded(word: [u8; 4]) -> [u8; 4] {
    (u32::from_ne_bytes(word) & u32::from_ne_bytes([0xdf; 4])).to_ne_bytes()
}

/// Whether `text` is this word, in any case. That its length is known makes it cheap.
#[inline]
pub(super) fn is_word<const N: usize>(text: &[u8], word: &[u8; N]) -> bool {
    <&[u8; N]>::try_from(text).is_ok_and(|text| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atext_is_that_of_rfc_5322() {
        for c in 0..=255_u8 {
            let expected = c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
            assert_eq!(is(c, ATEXT), expected, "{c}");
            assert_eq!(is(c, GRAPHIC_UTF8), c > b' ' && c != 0x7f, "{c}");
            assert_eq!(is(c, LDH), c.is_ascii_alphanumeric() || c == b'-', "{c}");
        }
    }
}
