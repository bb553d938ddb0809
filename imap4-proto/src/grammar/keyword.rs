//! Keywords as numbers: up to 16 octets, folded to upper case, so that dispatch is one `match`.

use super::chars::{eight, folded_keyword_char, is_keyword_char};

/// A keyword as a number, for patterns.
pub(crate) const fn word(text: &[u8]) -> u128 {
    let mut n = 0;
    let mut i = 0;
    while i < text.len() {
        #[allow(clippy::indexing_slicing, reason = "i is below the length")]
        let b = text[i];
        n = n << 8 | b as u128;
        i += 1;
    }
    n
}

/// A keyword of up to 8 octets as a number, for patterns.
pub(crate) const fn short_word(text: &[u8]) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = word(text).to_be_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The keyword at the start of `i`, folded, and what follows it; 0 where there is none. One of more than 16
/// octets is cut there, and what follows is no delimiter.
#[inline]
pub(crate) fn keyword(i: &[u8]) -> (&[u8], u128) {
    let Some(octets) = i.first_chunk() else { return any_keyword(i) };
    let n = i.iter().take(9).take_while(|b| is_keyword_char(**b)).count();
    let Some((_, rest)) = i.split_at_checked(n).filter(|_| n <= 8) else { return any_keyword(i) };
    let text = u64::from_be_bytes(*octets);
    // Of what names are made of, only letters have this bit.
    let upper = text & !((text & eight(0x40)) >> 1);
    // What follows the name goes.
    let bits = 64 - 8 * u32::try_from(n).unwrap_or(0);
    (rest, u128::from(upper.checked_shr(bits).unwrap_or(0)))
}

/// A long one, or one near the end.
fn any_keyword(i: &[u8]) -> (&[u8], u128) {
    let mut folded = [0u64; 2];
    let mut n = 0;
    'halves: for half in &mut folded {
        for b in i.get(n..).unwrap_or(&[]).iter().take(8) {
            let upper = folded_keyword_char(*b);
            if upper == 0 {
                break 'halves;
            }
            *half = *half << 8 | u64::from(upper);
            n += 1;
        }
    }
    let [high, low] = folded;
    (i.get(n..).unwrap_or(&[]), join(high, low, n))
}

#[inline]
const fn join(high: u64, low: u64, n: usize) -> u128 {
    if n <= 8 { high as u128 } else { (high as u128) << (8 * (n - 8)) | low as u128 }
}

/// Defines constants for patterns.
macro_rules! words {
    ($($name:ident = $text:literal;)*) => {
        $(const $name: u128 = $crate::grammar::keyword::word($text);)*
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_fold_and_end_at_their_delimiter() {
        for (text, folded, rest) in [
            (&b"fetch 1"[..], &b"FETCH"[..], &b" 1"[..]),
            (b"RFC822.SIZE)", b"RFC822.SIZE", b")"),
            (b"AuthEnticate", b"AUTHENTICATE", b""),
            (b"Expunges", b"EXPUNGES", b""),
            (b"Expunges9", b"EXPUNGES9", b""),
            (b"HEADER.FIELDS.NOT (", b"HEADER.FIELDS.NO", b"T ("),
            (b"", b"", b""),
            (b"(x", b"", b"(x"),
        ] {
            assert_eq!(keyword(text), (rest, word(folded)), "{}", text.escape_ascii());
        }
    }
}
