//! String preparation: SASLprep (RFC 4013) and the `trace` profile of ANONYMOUS (RFC 4505 section 3).

mod tables;

use alloc::string::String;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::Secret;

/// What a prepared string is for (RFC 3454 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be stored, or hashed: code points that Unicode 3.2 does not assign are prohibited.
    Stored,
    /// To be compared with what is stored: they may appear.
    Query,
}

/// A string has no prepared form: it holds a control character, mixes writing directions, is empty, or,
/// to be stored, holds a code point newer than Unicode 3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the string cannot be prepared by SASLprep")]
pub struct Unpreparable;

/// A name or password by SASLprep (RFC 4013 section 2). The result is wiped when dropped.
///
/// # Errors
/// [`Unpreparable`]; an empty result is one.
pub fn saslprep(text: &str, purpose: Purpose) -> Result<Zeroizing<String>, Unpreparable> {
    if is_prepared(text.as_bytes()) {
        return Ok(Zeroizing::new(text.into()));
    }
    // Room at once: a string that grows leaves its octets behind. NFKC makes three octets of one
    // code point into at most 33 (U+FDFA).
    let mut out = Zeroizing::new(String::with_capacity(text.len().saturating_mul(11)));
    out.extend(
        text.chars()
            .filter(|c| !listed(tables::TO_NOTHING, *c))
            .map(|c| if listed(tables::SPACES, c) { ' ' } else { c })
            .nfkc(),
    );
    let prohibited = |c| {
        listed(tables::SPACES, c)
            || listed(tables::PROHIBITED, c)
            || listed(tables::NOT_CANONICAL, c)
            || (purpose == Purpose::Stored && listed(tables::UNASSIGNED, c))
    };
    if out.is_empty() || out.chars().any(prohibited) || !directions_agree(&out) {
        return Err(Unpreparable);
    }
    Ok(out)
}

/// A password as verified and hashed: prepared where it is UTF-8; as it is where it is not, as older
/// programs send it.
///
/// # Errors
/// [`Unpreparable`]
pub fn password(octets: &[u8], purpose: Purpose) -> Result<Secret, Unpreparable> {
    if is_prepared(octets) {
        return Ok(Secret::new(octets));
    }
    match core::str::from_utf8(octets) {
        Ok(text) => Ok(Secret::new(saslprep(text, purpose)?.as_bytes())),
        Err(_) => Ok(Secret::new(octets)),
    }
}

/// Whether SASLprep leaves these octets alone, as it does most names: printable ASCII, not empty.
pub(crate) fn is_prepared(octets: &[u8]) -> bool {
    // No way out before the end: so the compiler makes vector instructions of it.
    !octets.is_empty() && octets.iter().fold(true, |plain, b| plain & matches!(b, b' '..=b'~'))
}

/// Whether the `trace` profile takes `text`; it maps nothing.
pub(crate) fn is_trace(text: &str) -> bool {
    !text.chars().any(|c| listed(tables::PROHIBITED, c)) && directions_agree(text)
}

/// RFC 3454 section 6.
fn directions_agree(text: &str) -> bool {
    let rtl = |c| listed(tables::RIGHT_TO_LEFT, c);
    if !text.chars().any(rtl) {
        return true;
    }
    !text.chars().any(|c| listed(tables::LEFT_TO_RIGHT, c))
        && text.chars().next().is_some_and(rtl)
        && text.chars().next_back().is_some_and(rtl)
}

fn listed(table: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let after = table.partition_point(|(first, _)| *first <= c);
    after.checked_sub(1).and_then(|i| table.get(i)).is_some_and(|(_, last)| c <= *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4013_section_3_examples() {
        for (input, output) in [
            ("I\u{ad}X", Some("IX")),
            ("user", Some("user")),
            ("USER", Some("USER")),
            ("\u{aa}", Some("a")),
            ("\u{2168}", Some("IX")),
            ("\u{7}", None),
            ("\u{627}\u{31}", None),
        ] {
            for purpose in [Purpose::Stored, Purpose::Query] {
                assert_eq!(saslprep(input, purpose).ok().as_deref().map(String::as_str), output, "{input:?}");
            }
        }
    }

    #[test]
    fn spaces_directions_and_prohibited_characters() {
        for (input, output) in [
            ("a\u{a0}b", Some("a b")),
            ("e\u{301}", Some("\u{e9}")),
            ("\u{627}\u{31}\u{628}", Some("\u{627}\u{31}\u{628}")),
            ("\u{627}a\u{628}", None),
            ("\u{ad}", None),
            ("", None),
            ("\u{7f}", None),
            ("\u{e000}", None),
            ("\u{fffd}", None),
            ("\u{e0041}", None),
            ("\u{2ff0}", None),
            ("\u{200e}", None),
        ] {
            assert_eq!(
                saslprep(input, Purpose::Query).ok().as_deref().map(String::as_str),
                output,
                "{input:?}"
            );
        }
    }

    #[test]
    fn code_points_newer_than_unicode_3_2_may_be_asked_for_and_not_stored() {
        assert_eq!(saslprep("\u{1f600}", Purpose::Stored), Err(Unpreparable));
        assert!(saslprep("\u{1f600}", Purpose::Query).is_ok());
    }

    #[test]
    fn octets_that_are_no_utf_8_pass_as_they_are() {
        assert_eq!(password(b"p\xe4\xff", Purpose::Query), Ok(Secret::new(b"p\xe4\xff")));
        assert_eq!(password("e\u{301}".as_bytes(), Purpose::Query), Ok(Secret::new("\u{e9}".as_bytes())));
        assert_eq!(password(b"\x01", Purpose::Query), Err(Unpreparable));
    }

    #[test]
    fn the_tables_are_in_order() {
        for table in [
            tables::UNASSIGNED,
            tables::TO_NOTHING,
            tables::SPACES,
            tables::PROHIBITED,
            tables::NOT_CANONICAL,
            tables::RIGHT_TO_LEFT,
            tables::LEFT_TO_RIGHT,
        ] {
            assert!(table.iter().all(|(first, last)| first <= last));
            assert!(table.windows(2).all(|w| w[0].1 + 1 < w[1].0));
        }
    }
}
