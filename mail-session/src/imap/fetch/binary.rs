//! A part's content as BINARY gives it: without its transfer encoding, and text with the line ends of the Internet
//! (RFC 3516 section 4.2, RFC 9051 section 7.5.2).

use std::borrow::Cow;

use bytes::Bytes;

use crate::mime::{self, Decoder, Encoding, Part};

/// What makes a part's content of its octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Decoding {
    encoding: Encoding,
    /// "servers MUST ensure that textual line-oriented sections are always transmitted using the IMAP CRLF line
    /// termination syntax" (RFC 9051 section 7.5.2): senders encode text with a bare LF.
    lines: bool,
}

impl Decoding {
    /// `None` for a transfer encoding that is not known.
    pub(super) fn of(part: &Part) -> Option<Self> {
        let encoding = mime::encoding_of_part(part)?;
        Some(Self { encoding, lines: encoding != Encoding::Identity && has_lines(part) })
    }

    /// Whether the octets are the content.
    pub(super) fn is_none(self) -> bool {
        self.encoding == Encoding::Identity
    }

    /// The content of all of its octets.
    pub(super) fn all(self, octets: &[u8]) -> Bytes {
        let content = self.encoding.decode(octets);
        let content = if self.lines { with_crlf(content, &mut false) } else { content };
        content.into_owned().into()
    }

    /// The content of octets that come in pieces.
    pub(super) const fn begin(self) -> Decoded {
        Decoded { decoder: Decoder::new(self.encoding), lines: self.lines, after_cr: false }
    }
}

/// Whether a LF in the part ends a line of text: not in UTF-16, where it can be half of a character.
fn has_lines(part: &Part) -> bool {
    let charset = part.content_type.parameter("charset").unwrap_or_default();
    part.content_type.is("text", "")
        && (charset.is_empty()
            || encoding_rs::Encoding::for_label(charset.trim_ascii())
                .is_some_and(|known| known.is_ascii_compatible() || known == encoding_rs::ISO_2022_JP))
}

/// Makes a content piece by piece.
#[derive(Debug)]
pub(super) struct Decoded {
    decoder: Decoder,
    lines: bool,
    after_cr: bool,
}

impl Decoded {
    /// What follows from the next octets.
    pub(super) fn feed<'o>(&mut self, octets: &'o [u8]) -> Cow<'o, [u8]> {
        let content = self.decoder.feed(octets);
        if self.lines { with_crlf(content, &mut self.after_cr) } else { content }
    }

    /// What follows from the end.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let rest = self.decoder.finish();
        if self.lines { with_crlf(Cow::Owned(rest), &mut self.after_cr).into_owned() } else { rest }
    }
}

/// Puts a CR before each LF that has none; `after_cr`: whether a CR stands before the text, and then behind it.
fn with_crlf<'t>(text: Cow<'t, [u8]>, after_cr: &mut bool) -> Cow<'t, [u8]> {
    let before = *after_cr;
    *after_cr = text.last().map_or(before, |last| *last == b'\r');
    let bare = |at: &usize| match at.checked_sub(1) {
        None => !before,
        Some(at) => text.get(at) != Some(&b'\r'),
    };
    let mut places = memchr::memchr_iter(b'\n', &text).filter(bare).peekable();
    if places.peek().is_none() {
        return text;
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 16);
    let mut from = 0;
    for at in places {
        out.extend_from_slice(text.get(from..at).unwrap_or_default());
        out.push(b'\r');
        from = at;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_lf_gets_its_cr_wherever_the_text_is_cut() {
        let text = b"\na\nb\r\n\r\n\n\rc\r\n\r\r\nd\n";
        let whole = b"\r\na\r\nb\r\n\r\n\r\n\rc\r\n\r\r\nd\r\n";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let mut after_cr = false;
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let made = pieces.map(|piece| with_crlf(Cow::Borrowed(piece), &mut after_cr)).concat();
                assert_eq!(made, whole, "{first} {second}");
            }
        }
    }
}
