use alloc::vec::Vec;
use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

/// What a client says in an AUTH exchange, still in base64 (RFC 4954 section 4).
///
/// It is checked to be strict base64: only the alphabet, padding at the end and nowhere else, no
/// stray bits. It may be a password: its Debug is blank, and what it decodes to is wiped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SaslData<'b>(&'b [u8]);

impl<'b> SaslData<'b> {
    /// No octets.
    pub const EMPTY: Self = Self(b"");

    /// Takes base64 as it stands on the wire; `None` where it is none.
    #[must_use]
    pub fn from_base64(text: &'b [u8]) -> Option<Self> {
        is_base64(text).then_some(Self(text))
    }

    /// The base64 as it stands on the wire.
    #[must_use]
    pub const fn as_base64(self) -> &'b [u8] {
        self.0
    }

    /// The octets.
    #[must_use]
    pub fn decode(self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(self.0.len() / 4 * 3 + 3));
        // It cannot fail: `is_base64` takes what the decoder takes (a test compares them).
        let _ = STANDARD.decode_vec(self.0, &mut out);
        out
    }
}

impl fmt::Debug for SaslData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaslData(..)")
    }
}

/// The value of a base64 character; 64 for others.
const fn sextet(c: u8) -> u8 {
    match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 64,
    }
}

/// RFC 4954 section 8, `base64`; and the bits that mean nothing are zero (RFC 4648 section 3.5).
fn is_base64(text: &[u8]) -> bool {
    let all = |t: &[u8]| t.iter().all(|c| sextet(*c) < 64);
    if !text.len().is_multiple_of(4) {
        return false;
    }
    match text {
        [head @ .., last, b'=', b'='] => all(head) && sextet(*last) < 64 && sextet(*last) & 0x0f == 0,
        [head @ .., last, b'='] => all(head) && sextet(*last) < 64 && sextet(*last) & 0x03 == 0,
        _ => all(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_agrees_with_the_decoder() {
        let alphabet = b"Ag+/9=*\n";
        for length in 0..=5_u32 {
            for n in 0..8_usize.pow(length) {
                let text: Vec<u8> =
                    (0..length).map(|i| alphabet[n / 8_usize.pow(i) % alphabet.len()]).collect();
                let decoded = STANDARD.decode(&text);
                assert_eq!(is_base64(&text), decoded.is_ok(), "{:?}", text.escape_ascii());
                if let Some(data) = SaslData::from_base64(&text) {
                    assert_eq!(*data.decode(), decoded.unwrap());
                }
            }
        }
        for bad in ["=AAA", "AAA=BBB=", "AA==AAAA", "A===", "====", "AAA", " AAA", "AB==", "AAB="] {
            assert_eq!(SaslData::from_base64(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn nothing_is_shown() {
        let data = SaslData::from_base64(b"c2VjcmV0").unwrap();
        assert_eq!(alloc::format!("{data:?}"), "SaslData(..)");
    }
}
