use bytes::Bytes;
use memchr::memchr;

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
#[derive(Clone, Debug, Default)]
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
        let mut n = 0;
        loop {
            let rest = content.get(n..).unwrap_or(&[]);
            let Some(at) = memchr(b'\n', rest) else {
                self.at = match rest.last() {
                    None => return content.len(),
                    Some(b'\r') => At::Cr,
                    Some(_) => At::Inside,
                };
                return content.len();
            };
            let after_cr = match at.checked_sub(1) {
                Some(before) => rest.get(before) == Some(&b'\r'),
                // n > 0 means that an LF stands before this one
                None => n == 0 && self.at == At::Cr,
            };
            n += at + 1;
            self.at = if after_cr { At::LineStart } else { At::Lf };
            if content.get(n) == Some(&b'.') && self.at_line_start() {
                return n;
            }
        }
    }

    /// Queues the end: the final CRLF where the content lacks it, then `.` CRLF. The encoder stands at the
    /// start of new data.
    pub fn finish(&mut self, out: &mut OutputQueue) {
        out.put(if self.at == At::LineStart { b".\r\n" } else { b"\r\n.\r\n" });
        self.at = At::LineStart;
    }
}
