use core::num::{NonZeroU32, NonZeroU64};

use super::{Parse, fault};

/// `number64 = 1*DIGIT ; Unsigned 63-bit integer`
#[inline]
pub(crate) fn number64(i: &[u8]) -> Parse<'_, u64> {
    let mut n: u64 = 0;
    let mut rest = i;
    while let [b @ b'0'..=b'9', tail @ ..] = rest {
        // Before a digit is added n is below 2^63, so times ten it fits, or it is too large at once.
        n = n.saturating_mul(10).saturating_add(u64::from(b - b'0'));
        if n > i64::MAX.cast_unsigned() {
            return fault("A number is too large");
        }
        rest = tail;
    }
    if rest.len() == i.len() { fault("A number is missing") } else { Ok((rest, n)) }
}

/// `number = 1*DIGIT ; Unsigned 32-bit integer`
#[inline]
pub(crate) fn number(i: &[u8]) -> Parse<'_, u32> {
    let (mut n, mut len) = (0u32, 0);
    // Nine digits are less than 2^32: what they are is looked at once.
    for b in i.iter().take(9) {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        n = n * 10 + u32::from(digit);
        len += 1;
    }
    match i.split_at_checked(len) {
        Some((_, rest)) if matches!(len, 1..9) => Ok((rest, n)),
        _ => long_number(i),
    }
}

/// A number of many digits, whose first may be zeros; or of none.
#[cold]
#[inline(never)]
fn long_number(i: &[u8]) -> Parse<'_, u32> {
    let (rest, n) = number64(i)?;
    match u32::try_from(n) {
        Ok(n) => Ok((rest, n)),
        Err(_) => fault("A number is too large"),
    }
}

/// `nz-number = digit-nz *DIGIT`. Leading zeros are tolerated.
#[inline]
pub(crate) fn nz_number(i: &[u8]) -> Parse<'_, NonZeroU32> {
    let (rest, n) = number(i)?;
    match NonZeroU32::new(n) {
        Some(n) => Ok((rest, n)),
        None => fault("A number must not be 0"),
    }
}

/// `nz-number64 = digit-nz *DIGIT`
#[inline]
pub(crate) fn nz_number64(i: &[u8]) -> Parse<'_, NonZeroU64> {
    let (rest, n) = number64(i)?;
    match NonZeroU64::new(n) {
        Some(n) => Ok((rest, n)),
        None => fault("A number must not be 0"),
    }
}

/// A text that is a number and nothing else.
pub(crate) fn digits(i: &[u8]) -> Option<u32> {
    match number(i) {
        Ok(([], n)) => Some(n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_bounds() {
        for (wire, value) in [
            (&b"0"[..], Some(0)),
            (b"4294967295", Some(u32::MAX)),
            (b"4294967296", None),
            (b"99999999999999999999999", None),
            (b"", None),
            (b"-1", None),
            (b"00000000000000000000004294967295", Some(u32::MAX)),
            (b"00000000000000000000004294967296", None),
            (b"9999999999", None),
            (b"10000000000", None),
        ] {
            assert_eq!(number(wire).ok().map(|(_, n)| n), value, "{}", wire.escape_ascii());
        }
        assert_eq!(number64(b"9223372036854775807 ").unwrap(), (&b" "[..], 9_223_372_036_854_775_807));
        assert!(number64(b"9223372036854775808").is_err());
        assert!(number64(b"18446744073709551616000000").is_err());
        assert!(nz_number(b"0").is_err());
    }
}
