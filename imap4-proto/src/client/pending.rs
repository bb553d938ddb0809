use alloc::vec::Vec;

use mail_wire::OutputQueue;
use memchr::{memchr, memchr2};
use zeroize::Zeroizing;

use crate::encode;

/// A command on its way: its octets, and where among them the server's `+` is waited for.
pub(super) struct Pending {
    pub(super) tag: u32,
    /// It holds a password or a token: its octets in the queue are wiped too.
    pub(super) is_secret: bool,
    wire: Zeroizing<Vec<u8>>,
    stops: Vec<usize>,
}

impl Pending {
    /// A command whose literals all wait, as the encoder writes them; those that need not wait are marked so.
    pub(super) fn new(tag: u32, wire: Vec<u8>, unasked: Option<u64>) -> Self {
        let mut stops = Vec::new();
        let wire = Zeroizing::new(wire);
        // Room at once, so that none of it is left behind: LOGIN has two literals, and each may get a `+`.
        let mut marked = Zeroizing::new(Vec::with_capacity(wire.len() + 2));
        let mut rest: &[u8] = &wire;
        // Quoted strings have no line ends: each one that is not the last ends a literal's header.
        while let Some(at) = memchr(b'\n', rest).filter(|at| at + 1 < rest.len() || is_header(rest)) {
            let Some((line, after)) = rest.split_at_checked(at + 1) else { break };
            let Some((front, len)) = header(line) else { break };
            marked.extend_from_slice(front);
            encode::number64(&mut marked, len);
            if unasked.is_some_and(|most| len <= most) {
                marked.extend_from_slice(b"+}\r\n");
            } else {
                marked.extend_from_slice(b"}\r\n");
                stops.push(marked.len());
            }
            let len = usize::try_from(len).unwrap_or(usize::MAX).min(after.len());
            let (octets, after) = after.split_at_checked(len).unwrap_or((after, &[]));
            marked.extend_from_slice(octets);
            rest = after;
        }
        marked.extend_from_slice(rest);
        Self { tag, is_secret: false, wire: marked, stops }
    }

    /// How many times `+` is waited for.
    pub(super) const fn waits(&self) -> usize {
        self.stops.len()
    }

    /// Puts the command into the queue, with its stop points.
    pub(super) fn put(&self, out: &mut OutputQueue) {
        let put = if self.is_secret { OutputQueue::put_secret } else { OutputQueue::put };
        let mut from = 0;
        for stop in &self.stops {
            put(out, self.wire.get(from..*stop).unwrap_or(&[]));
            out.stop();
            from = *stop;
        }
        put(out, self.wire.get(from..).unwrap_or(&[]));
    }
}

/// Whether a command is one line but for its literals: no line end stands outside of them, and the last literal is whole.
pub(super) fn is_one_line(mut wire: &[u8]) -> bool {
    while let Some(lf) = memchr(b'\n', wire) {
        let Some((line, after)) = wire.split_at_checked(lf + 1) else { return false };
        let Some((front, len)) = header(line) else { return false };
        if memchr2(b'\r', 0, front).is_some() {
            return false;
        }
        let Some(after) = usize::try_from(len).ok().and_then(|len| after.get(len..)) else { return false };
        wire = after;
    }
    memchr2(b'\r', 0, wire).is_none()
}

fn is_header(line: &[u8]) -> bool {
    header(line).is_some()
}

/// A line that ends with a literal's header: what stands before its number, and the number.
fn header(line: &[u8]) -> Option<(&[u8], u64)> {
    let front = line.strip_suffix(b"}\r\n")?;
    let at = front.iter().rposition(|b| *b == b'{')?;
    let digits = core::str::from_utf8(front.get(at + 1..)?).ok()?;
    Some((front.get(..=at)?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_have_no_place_outside_of_literals() {
        for (wire, is) in [
            (&b"XFOO bar"[..], true),
            (b"XFOO {3}\r\na\r\n", true),
            (b"XFOO {3}\r\na\r\n ~{1}\r\n\0 x", true),
            (b"XFOO\r\nA9 LOGOUT", false),
            (b"XFOO {3}\r\nabc\r\nA9 LOGOUT", false),
            (b"XFOO {3}\r\nab", false),
            (b"XFOO \r", false),
            (b"XFOO \n", false),
            (b"XFOO\r {1}\r\nx", false),
            (b"XFOO \0", false),
            (b"XFOO {99999999999999999999}\r\nx", false),
        ] {
            assert_eq!(is_one_line(wire), is, "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn literals_wait_unless_the_server_takes_them_at_once() {
        let wire = b"A1 LOGIN {3}\r\na\r\n {5}\r\n{1}\r\n\r\n";
        for (unasked, waits, shown) in [
            (None, 2, &wire[..]),
            (Some(3), 1, b"A1 LOGIN {3+}\r\na\r\n {5}\r\n{1}\r\n\r\n"),
            (Some(9), 0, b"A1 LOGIN {3+}\r\na\r\n {5+}\r\n{1}\r\n\r\n"),
        ] {
            let pending = Pending::new(1, wire.to_vec(), unasked);
            assert_eq!((pending.waits(), &pending.wire[..]), (waits, shown));
        }
        let append = Pending::new(1, b"A1 APPEND x {5}\r\n".to_vec(), None);
        assert_eq!((append.waits(), append.stops[0]), (1, 17));
        assert_eq!(Pending::new(1, b"A1 NOOP {x}\r\n".to_vec(), None).waits(), 0);
    }
}
