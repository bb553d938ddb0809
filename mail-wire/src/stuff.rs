use bytes::Bytes;

use crate::OutputQueue;

/// After what a dot is doubled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stuffing {
    /// After CRLF and at the start: exactly the rule (RFC 1939 section 3, RFC 5321 section 4.5.2), whose
    /// lines end in CRLF. [`DotDecoder`](crate::DotDecoder) gives back every octet.
    #[default]
    AfterCrlf,
    /// After every LF and at the start. A client that splits its input at LF (Python's poplib does) takes
    /// a lone dot after a *bare* LF for the end of the response, and the rest of the message, which a
    /// stranger wrote, for the server's next responses; with this it cannot. What a client that follows
    /// the rule pays is one dot more, in a message that holds LF `.` without a CR, which RFC 5322
    /// section 2.3 forbids. For messages whose lines end in CRLF there is no difference.
    AfterAnyLf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// After CRLF, or at the start.
    #[default]
    LineStart,
    /// After a bare LF.
    Lf,
    Cr,
    Inside,
}

/// Writes dot-stuffed data: POP3's multi-line responses (RFC 1939 section 3), SMTP's DATA
/// (RFC 5321 section 4.5.2).
///
/// The content goes into the queue in shared slices; only the dots are new.
///
/// ```
/// use mail_wire::{DotEncoder, OutputQueue, Stuffing};
/// let (mut encoder, mut out) = (DotEncoder::new(Stuffing::AfterCrlf), OutputQueue::new());
/// encoder.put(".a\r\n".into(), &mut out);
/// encoder.put("b".into(), &mut out);
/// encoder.finish(&mut out);
/// assert_eq!(out.segments().collect::<Vec<_>>().concat(), b"..a\r\nb\r\n.\r\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotEncoder {
    at: At,
    stuffing: Stuffing,
}

impl DotEncoder {
    /// An encoder at the start of the data.
    #[must_use]
    pub const fn new(stuffing: Stuffing) -> Self {
        Self { at: At::LineStart, stuffing }
    }

    /// Queues the next part of the content, doubling the dots that start a line.
    pub fn put(&mut self, mut content: Bytes, out: &mut OutputQueue) {
        while let Some(&first) = content.first() {
            if first == b'.' && self.at_line_start() {
                out.put(b".");
            }
            let upto = self.upto_dot(&content);
            out.put_shared(content.split_to(upto));
        }
    }

    fn at_line_start(&self) -> bool {
        self.at == At::LineStart || (self.at == At::Lf && self.stuffing == Stuffing::AfterAnyLf)
    }

    /// The octets before the next dot (not the first octet) that wants doubling.
    fn upto_dot(&mut self, content: &[u8]) -> usize {
        let mut from = 0;
        while let Some(lf) = next_lf_dot(content, from) {
            self.at = self.after(content, lf + 1);
            if self.at_line_start() {
                return lf + 1;
            }
            from = lf + 1;
        }
        self.at = self.after(content, content.len());
        content.len()
    }

    /// Where one is after the first `n` octets of `content`, at least one; `self.at` is where one was
    /// before them, or after any of them but the last.
    fn after(&self, content: &[u8], n: usize) -> At {
        match content.get(..n) {
            Some([.., b'\r', b'\n']) => At::LineStart,
            Some([b'\n']) if self.at == At::Cr => At::LineStart,
            Some([.., b'\n']) => At::Lf,
            Some([.., b'\r']) => At::Cr,
            _ => At::Inside,
        }
    }

    /// Queues the end: the final CRLF where the content lacks it, then `.` CRLF. The encoder stands at the
    /// start of new data.
    pub fn finish(&mut self, out: &mut OutputQueue) {
        out.put(if self.at == At::LineStart { b".\r\n" } else { b"\r\n.\r\n" });
        self.at = At::LineStart;
    }
}

/// A block of octets that the compiler turns into vector instructions.
const BLOCK: usize = 64;

/// The first LF at or after `from` that a dot follows.
fn next_lf_dot(content: &[u8], from: usize) -> Option<usize> {
    let (lfs, dots) = (content.get(from..)?, content.get(from + 1..)?);
    let blocks = lfs.as_chunks::<BLOCK>().0.iter().zip(dots.as_chunks::<BLOCK>().0);
    let plain = blocks
        .take_while(|(lfs, dots)| {
            let mut found = 0;
            for (lf, dot) in lfs.iter().zip(dots.iter()) {
                found |= u8::from(*lf == b'\n') & u8::from(*dot == b'.');
            }
            found == 0
        })
        .count();
    let from = from + plain * BLOCK;
    let at = content.get(from..)?.windows(2).position(|pair| pair == b"\n.")?;
    Some(from + at)
}
