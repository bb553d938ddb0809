//! Keywords as numbers: up to 16 octets, folded to upper case, so that dispatch is one `match`.

use super::chars::folded_keyword_char;

/// A keyword as a number, for patterns.
pub(crate) const fn word(text: &[u8]) -> u128 {
    let mut n = 0;
    let mut i = 0;
    while i < text.len() {
        // `i` is below the length.
        #[allow(clippy::indexing_slicing)]
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
