use std::borrow::Cow;

/// How a part's content is written (RFC 2045 section 6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encoding {
    /// 7bit, 8bit, binary: as it is. Also whatever is not known.
    Identity,
    /// base64.
    Base64,
    /// quoted-printable.
    QuotedPrintable,
}

impl Encoding {
    /// By its name, without case.
    #[must_use]
    pub const fn from_name(name: &[u8]) -> Self {
        if name.eq_ignore_ascii_case(b"base64") {
            Self::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Identity
        }
    }

    /// The content itself; what is damaged is passed over.
    #[must_use]
    pub fn decode(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Identity => Cow::Borrowed(text),
            Self::Base64 => Cow::Owned(decode_base64(text)),
            Self::QuotedPrintable => Cow::Owned(decode_quoted_printable(text)),
        }
    }
}

/// Decodes a content that comes in chunks, holding back no more than one unfinished unit.
#[derive(Clone, Debug)]
pub struct Decoder {
    encoding: Encoding,
    /// base64: the bits of a run that is not complete, and of how many letters.
    bits: u32,
    letters: u8,
    /// quoted-printable: an escape that is not complete.
    held: Vec<u8>,
}

impl Decoder {
    /// White space behind a soft line break's `=` that is waited for.
    const MAX_HELD: usize = 1000;

    /// At the start of a content.
    #[must_use]
    pub const fn new(encoding: Encoding) -> Self {
        Self { encoding, bits: 0, letters: 0, held: Vec::new() }
    }

    /// The octets that follow from the next chunk.
    #[must_use]
    pub fn feed<'a>(&mut self, chunk: &'a [u8]) -> Cow<'a, [u8]> {
        match self.encoding {
            Encoding::Identity => Cow::Borrowed(chunk),
            Encoding::Base64 => {
                let mut out = Vec::with_capacity(chunk.len() / 4 * 3 + 3);
                (self.bits, self.letters) = base64_run(chunk, self.bits, self.letters, &mut out);
                Cow::Owned(out)
            }
            Encoding::QuotedPrintable => {
                let mut all = std::mem::take(&mut self.held);
                all.extend_from_slice(chunk);
                let complete = match memchr::memrchr(b'=', &all) {
                    Some(at) if all.len() - at <= Self::MAX_HELD && is_unfinished(all.get(at + 1..)) => at,
                    _ => all.len(),
                };
                self.held = all.split_off(complete);
                if self.held.is_empty() {
                    return Cow::Owned(decode_quoted_printable(&all));
                }
                // What stands before the held `=` must not be taken for the end: a `=` that is no escape follows it.
                all.extend_from_slice(b"=!");
                let mut out = decode_quoted_printable(&all);
                out.truncate(out.len().saturating_sub(2));
                Cow::Owned(out)
            }
        }
    }

    /// The octets that follow from the end.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self.encoding {
            Encoding::Identity => Vec::new(),
            Encoding::Base64 => {
                let mut out = Vec::new();
                end_run(&mut out, self.bits, self.letters);
                out
            }
            Encoding::QuotedPrintable => decode_quoted_printable(&self.held),
        }
    }
}

/// Whether what stands behind the last `=` could become an escape or a soft line break.
fn is_unfinished(after: Option<&[u8]>) -> bool {
    let after = after.unwrap_or_default();
    match after {
        [] => true,
        [b] if hex(*b).is_some() => true,
        _ => {
            let spaces = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            matches!(after.get(spaces..), Some([] | [b'\r']))
        }
    }
}

/// The six bits of each letter; 64 for every other octet.
const SIX: [u8; 256] = {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [64_u8; 256];
    let mut value = 0_u8;
    while value < 64 {
        #[allow(clippy::indexing_slicing, reason = "checked when it is compiled")]
        {
            table[letters[value as usize] as usize] = value;
        }
        value += 1;
    }
    table
};

/// Decodes base64, passing over all that is none of its letters (RFC 2045 section 6.8). Padding ends a run,
/// and another may follow: parts of some digests are runs glued together.
#[must_use]
pub fn decode_base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (bits, letters) = base64_run(text, 0, 0, &mut out);
    end_run(&mut out, bits, letters);
    out
}

/// Decodes on from an unfinished run; returns the one that is unfinished then.
fn base64_run(text: &[u8], mut bits: u32, mut letters: u8, out: &mut Vec<u8>) -> (u32, u8) {
    for b in text {
        let six = SIX.get(usize::from(*b)).copied().unwrap_or(64);
        if six < 64 {
            bits = (bits << 6) | u32::from(six);
            letters += 1;
            if letters == 4 {
                let [_, x, y, z] = bits.to_be_bytes();
                out.extend_from_slice(&[x, y, z]);
                (bits, letters) = (0, 0);
            }
        } else if *b == b'=' {
            end_run(out, bits, letters);
            (bits, letters) = (0, 0);
        }
    }
    (bits, letters)
}

fn end_run(out: &mut Vec<u8>, bits: u32, letters: u8) {
    match letters {
        2 => out.extend((bits >> 4).to_be_bytes().last()),
        3 => out.extend_from_slice((bits >> 2).to_be_bytes().get(2..).unwrap_or_default()),
        _ => {}
    }
}

const fn hex(b: u8) -> Option<u8> {
    match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    }
}

/// Decodes quoted-printable (RFC 2045 section 6.7): what is no escape stays as it is.
#[must_use]
pub fn decode_quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'=', rest) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let after = escape.get(1..).unwrap_or_default();
        if let [a, b, tail @ ..] = after
            && let (Some(a), Some(b)) = (hex(*a), hex(*b))
        {
            out.push(a << 4 | b);
            rest = tail;
            continue;
        }
        // A soft line break, white space before its end allowed.
        let spaces = after.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        rest = match after.get(spaces..).unwrap_or_default() {
            [b'\r', b'\n', tail @ ..] | [b'\n', tail @ ..] => tail,
            [] => &[],
            _ => {
                out.push(b'=');
                after
            }
        };
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_whatever_stands_between() {
        for (text, out) in [
            ("", ""),
            ("aGVsbG8=", "hello"),
            ("aGVs\r\nbG8", "hello"),
            ("aGk=aGk=", "hihi"),
            ("!a G-k", "hi"),
            ("aA==", "h"),
            ("a", ""),
        ] {
            assert_eq!(decode_base64(text.as_bytes()), out.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn chunks_of_any_size_decode_to_the_same() {
        let base64 = b"aGVs\r\nbG8=aGk=\r\nd29ybGQ";
        let quoted = b"a=3Db=\r\nc= \t\r\nd=zz=c3=a4 ==3D=\n=e";
        for (encoding, text) in [
            (Encoding::Base64, &base64[..]),
            (Encoding::QuotedPrintable, quoted),
            (Encoding::Identity, quoted),
        ] {
            for size in 1..=text.len() {
                let mut decoder = Decoder::new(encoding);
                let mut out = Vec::new();
                for chunk in text.chunks(size) {
                    out.extend_from_slice(&decoder.feed(chunk));
                }
                out.extend(decoder.finish());
                assert_eq!(out, *encoding.decode(text), "{encoding:?} by {size}");
            }
        }
    }

    #[test]
    fn quoted_printable_is_decoded_and_what_is_none_stays() {
        for (text, out) in [
            ("a=3Db", "a=b"),
            ("a=\r\nb", "ab"),
            ("a= \nb", "ab"),
            ("a=zz", "a=zz"),
            ("a=", "a"),
            ("=c3=a4", "\u{e4}"),
            ("a=3", "a=3"),
        ] {
            assert_eq!(decode_quoted_printable(text.as_bytes()), out.as_bytes(), "{text:?}");
        }
    }
}
