//! Modified UTF-7: mailbox names in IMAP4rev1 (RFC 3501 section 5.1.3).
//!
//! Printable ASCII stands for itself, `&` is `&-`, all else is UTF-16 in a base64 without padding
//! (with `,` for `/`) between `&` and `-`.

use alloc::{borrow::Cow, string::String, vec::Vec};

use memchr::memchr;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

const fn is_plain(b: u8) -> bool {
    matches!(b, 0x20..=0x7e)
}

/// The text that `name` means; `None` where it is not modified UTF-7.
///
/// What a well-behaved writer would have written shorter is read all the same: printable ASCII in base64, two
/// encoded runs in a row.
#[must_use]
pub fn decode(name: &[u8]) -> Option<Cow<'_, str>> {
    if !name.iter().all(|b| is_plain(*b)) {
        return None;
    }
    let text = core::str::from_utf8(name).ok()?;
    if !text.contains('&') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = name;
    while let Some(at) = memchr(b'&', rest) {
        let (plain, run) = rest.split_at_checked(at)?;
        out.push_str(core::str::from_utf8(plain).ok()?);
        let run = run.get(1..)?;
        let (run, after) = run.split_at_checked(memchr(b'-', run)?)?;
        rest = after.get(1..)?;
        if run.is_empty() {
            out.push('&');
        } else {
            decode_run(run, &mut out)?;
        }
    }
    out.push_str(core::str::from_utf8(rest).ok()?);
    Some(Cow::Owned(out))
}

fn decode_run(run: &[u8], out: &mut String) -> Option<()> {
    let mut units = Vec::with_capacity(run.len() / 2);
    let (mut bits, mut count) = (0u32, 0u32);
    for b in run {
        let six = match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b',' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(six)) & 0x003f_ffff;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count & 0xffff).ok()?);
        }
    }
    // What is left over are zero bits, fewer than one base64 character holds.
    if count >= 6 || bits & ((1 << count) - 1) != 0 {
        return None;
    }
    for c in char::decode_utf16(units) {
        match c.ok()? {
            // NUL can stand in no name: whatever reads it as the end of a string would see another mailbox.
            '\0' => return None,
            c => out.push(c),
        }
    }
    Some(())
}

/// `name` in modified UTF-7: borrowed where it is printable ASCII without `&`.
#[must_use]
pub fn encode(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| is_plain(b) && b != b'&') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() + 8);
    let mut run = Run::default();
    for c in name.chars() {
        match c {
            '&' => {
                run.end(&mut out);
                out.push_str("&-");
            }
            ' '..='~' => {
                run.end(&mut out);
                out.push(c);
            }
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    run.unit(*unit, &mut out);
                }
            }
        }
    }
    run.end(&mut out);
    Cow::Owned(out)
}

/// An encoded run that is being written.
#[derive(Default)]
struct Run {
    open: bool,
    bits: u32,
    count: u32,
}

impl Run {
    fn unit(&mut self, unit: u16, out: &mut String) {
        if !self.open {
            self.open = true;
            out.push('&');
        }
        self.bits = (self.bits << 16) | u32::from(unit);
        self.count += 16;
        while self.count >= 6 {
            self.count -= 6;
            out.push(six(self.bits >> self.count));
        }
        self.bits &= (1 << self.count) - 1;
    }

    fn end(&mut self, out: &mut String) {
        if self.count > 0 {
            out.push(six(self.bits << (6 - self.count)));
        }
        if self.open {
            out.push('-');
        }
        *self = Self::default();
    }
}

fn six(bits: u32) -> char {
    usize::try_from(bits & 63).ok().and_then(|i| ALPHABET.get(i)).map_or('A', |b| char::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names_both_ways() {
        for (wire, text) in [
            ("INBOX", "INBOX"),
            ("", ""),
            ("&-", "&"),
            ("A&-B", "A&B"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}"),
            ("Entw&APw-rfe", "Entw\u{fc}rfe"),
            ("&2D3eAA-", "\u{1f600}"),
            ("&AAk-", "\t"),
            ("Gel&APY-scht&-&AOQ-", "Gel\u{f6}scht&\u{e4}"),
        ] {
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(text), "{wire}");
            assert_eq!(encode(text), wire);
        }
    }

    #[test]
    fn malformed_names_are_told() {
        for wire in [
            &b"&"[..],
            b"a&b",
            b"&Jjo",
            b"&Jjo!-",
            b"&A-",
            b"&AA-",
            b"&AAA-",
            b"&AAB-",
            b"&2D0-",
            b"&3gDYPQ-",
            b"\x80",
            b"\xc3\xa4",
            b"a\tb",
            b"&/AA-",
        ] {
            assert_eq!(decode(wire), None, "{}", wire.escape_ascii());
        }
        // Longer than it needs to be, but clear.
        for (wire, text) in [("&AGE-", "a"), ("&U,A-&Uxc-", "\u{53f0}\u{5317}")] {
            assert_eq!(decode(wire.as_bytes()).as_deref(), Some(text));
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "[^\\x00]*") {
            let wire = encode(&text);
            prop_assert!(wire.bytes().all(is_plain));
            let back = decode(wire.as_bytes());
            prop_assert_eq!(back.as_deref(), Some(text.as_str()));
        }
        #[test]
        fn octets_never_panic(wire in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode(&wire);
        }
        #[test]
        fn what_decodes_comes_back_equal(wire in "[&A-Za-z0-9+, -]{0,24}") {
            if let Some(text) = decode(wire.as_bytes()) {
                let again = encode(&text).into_owned();
                prop_assert_eq!(decode(again.as_bytes()), Some(text));
            }
        }
    }
}
