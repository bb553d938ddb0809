use std::borrow::Cow;

use encoding_rs::{CoderResult, Decoder as CharsetDecoder, Encoding, WINDOWS_1252};

use super::needle::fold;
use crate::mime::{self, Decoder, Part};

/// The text of a part that is too long to be held: its octets come in chunks, and each time as much of the folded text is
/// shown as a needle could be in that was not shown before.
pub(super) struct TextStream {
    transfer: Decoder,
    charset: Charset,
    window: String,
    /// Octets of the window that are shown again, since a needle may have begun in them.
    overlap: usize,
}

enum Charset {
    Named(Box<CharsetDecoder>),
    /// As [`mime::decode_charset`] guesses: UTF-8 as long as it is such, then windows-1252. These octets are the start of
    /// a character.
    Guessed(Vec<u8>),
}

impl TextStream {
    /// For needles of at most so many octets, folded.
    pub(super) fn new(part: &Part, longest: usize) -> Self {
        let label = part.content_type.parameter("charset").unwrap_or_default();
        let charset = match Encoding::for_label(label.trim_ascii()) {
            Some(encoding) if encoding != WINDOWS_1252 => {
                Charset::Named(Box::new(encoding.new_decoder_without_bom_handling()))
            }
            _ => Charset::Guessed(Vec::new()),
        };
        let transfer = Decoder::new(mime::transfer_encoding_of_part(part));
        Self { transfer, charset, window: String::new(), overlap: longest.saturating_sub(1) }
    }

    /// The next octets of the part.
    pub(super) fn feed(&mut self, octets: &[u8]) -> &str {
        let octets = self.transfer.feed(octets);
        self.show(&octets, false)
    }

    /// What remains at the part's end.
    pub(super) fn finish(mut self) -> String {
        let transfer = std::mem::replace(&mut self.transfer, Decoder::new(mime::Encoding::Identity));
        let octets = transfer.finish();
        self.show(&octets, true);
        self.window
    }

    fn show(&mut self, octets: &[u8], last: bool) -> &str {
        let mut from = self.window.len().saturating_sub(self.overlap);
        while !self.window.is_char_boundary(from) {
            from -= 1;
        }
        self.window.drain(..from);
        let text = self.charset.decode(octets, last);
        self.window.push_str(&fold(&text));
        &self.window
    }
}

impl Charset {
    fn decode<'a>(&mut self, octets: &'a [u8], last: bool) -> Cow<'a, str> {
        match self {
            Self::Named(decoder) => Cow::Owned(decode(decoder, octets, last)),
            Self::Guessed(held) => {
                let octets = if held.is_empty() {
                    Cow::Borrowed(octets)
                } else {
                    Cow::Owned([&std::mem::take(held)[..], octets].concat())
                };
                let Some(error) = std::str::from_utf8(&octets).err() else {
                    return match octets {
                        Cow::Borrowed(octets) => String::from_utf8_lossy(octets),
                        Cow::Owned(octets) => Cow::Owned(String::from_utf8_lossy(&octets).into_owned()),
                    };
                };
                let (valid, rest) = octets.split_at_checked(error.valid_up_to()).unwrap_or((&octets, &[]));
                let mut text = String::from_utf8_lossy(valid).into_owned();
                if error.error_len().is_none() && !last {
                    *held = rest.to_vec();
                } else {
                    let mut decoder = Box::new(WINDOWS_1252.new_decoder_without_bom_handling());
                    text.push_str(&decode(&mut decoder, rest, last));
                    *self = Self::Named(decoder);
                }
                Cow::Owned(text)
            }
        }
    }
}

fn decode(decoder: &mut CharsetDecoder, mut octets: &[u8], last: bool) -> String {
    let room = decoder.max_utf8_buffer_length(octets.len()).unwrap_or(octets.len());
    let mut text = String::with_capacity(room);
    loop {
        let (result, read, _) = decoder.decode_to_string(octets, &mut text, last);
        octets = octets.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return text;
        }
        text.reserve(octets.len().max(16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mime::scan, search::needle::Needle};

    #[test]
    fn a_text_in_chunks_of_any_size_holds_what_it_holds_whole() {
        for (head, body) in [
            ("text/plain", &b"ASCII only, \xc3\x84pfel und \xc3\x96l, then more"[..]),
            ("text/plain; charset=us-ascii", b"\xc3\x84pfel and \xd6l, which is no UTF-8"),
            ("text/plain; charset=iso-8859-1", b"\xc4pfel und \xd6l"),
            ("text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", b"w4RwZmVsIHVuZCDDlmw="),
            (
                "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
                b"=C3=84pf=\r\nel und =C3=96l",
            ),
            ("text/plain; charset=iso-2022-jp", b"\x1b$B$\"\x1b(B \x1b$B$$\x1b(B pfel"),
        ] {
            let message = [format!("Content-Type: {head}\r\n\r\n").as_bytes(), body].concat();
            let structure = scan(&message);
            let part = structure.part(0).unwrap();
            for word in ["\u{e4}PFEL", "\u{d6}l", "pfel", "\u{3042} \u{3044}", "not there"] {
                let needle = Needle::new(word);
                let whole = needle.is_in(&fold(&mime::text_of_part(part, body).unwrap()));
                for size in 1..=body.len() {
                    let mut stream = TextStream::new(part, needle.len());
                    let mut found = false;
                    for chunk in body.chunks(size) {
                        found |= needle.is_in(stream.feed(chunk));
                    }
                    found |= needle.is_in(&stream.finish());
                    // What is UTF-8 up to a point is read so, as long as the point is not reached.
                    assert!(found || !whole, "{word:?} in {head:?} by {size}");
                    assert!(whole || !found || head.contains("us-ascii"), "{word:?} in {head:?} by {size}");
                }
            }
        }
    }
}
