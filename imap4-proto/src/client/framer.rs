//! Finds the parts of responses in the input. LF is looked for once; only where a line ends with a literal's header is it
//! looked at again, once, for what the literal belongs to.

use memchr::memchr;

use crate::calm::Calm;

use super::config::Limits;

/// What the input begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing whole; so many octets are wanted at least.
    Need(usize),
    /// `n` octets are a response.
    Whole(usize),
    /// `n` octets of a FETCH response end with the header of a body literal.
    Head(usize),
    /// `n` octets of a body literal.
    Chunk(usize),
    /// `n` octets end a FETCH response after a body literal.
    Tail(usize),
    TooLong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A response of which no line is whole yet.
    New,
    /// A response in which literals are buffered.
    Plain,
    /// FETCH: body literals at the top level stream.
    Fetch,
}

#[derive(Clone, Debug)]
pub(super) struct Framer {
    /// Octets of the present part in which LF was looked for, or that belong to a literal.
    seen: usize,
    /// Those that belong to literals.
    nested: usize,
    /// Where the line that is being looked at begins.
    line: usize,
    kind: Kind,
    /// A part of this response was given out already.
    begun: bool,
    /// Open parentheses and brackets, where the kind is `Fetch`.
    depth: u32,
    /// What is left of a body literal.
    payload: Option<u64>,
    calm: Calm,
    limits: Limits,
    #[cfg(any(test, feature = "count"))]
    pub(super) looked: u64,
}

impl Framer {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            seen: 0,
            nested: 0,
            line: 0,
            kind: Kind::New,
            begun: false,
            depth: 0,
            payload: None,
            calm: Calm::NONE,
            limits,
            #[cfg(any(test, feature = "count"))]
            looked: 0,
        }
    }

    const fn look(&mut self, _n: usize) {
        #[cfg(any(test, feature = "count"))]
        {
            self.looked += _n as u64;
        }
    }

    /// Whether octets of a body come next.
    pub(super) const fn in_payload(&self) -> bool {
        self.payload.is_some()
    }

    /// Takes the one octet that has come since the last answer, where the answer is the same again.
    #[inline]
    pub(super) fn takes(&mut self, input: &[u8]) -> bool {
        self.calm.takes(input, |last, stop| last == stop)
    }

    /// Octets have come, or time has passed, that may change something.
    #[inline]
    pub(super) const fn wake(&mut self) {
        if let Some(seen) = self.calm.end() {
            self.look(seen - self.seen);
            self.seen = seen;
        }
    }

    pub(super) fn poll(&mut self, input: &[u8]) -> Part {
        self.wake();
        match self.payload {
            Some(0) => self.payload = None,
            Some(left) => {
                let n = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                if n == 0 {
                    return Part::Need(usize::try_from(left).map_or(65_536, |left| left.min(65_536)));
                }
                self.payload = Some(left - u64::try_from(n).unwrap_or(left));
                return Part::Chunk(n);
            }
            None => {}
        }
        while let Some(tail) = input.get(self.seen..).filter(|tail| !tail.is_empty()) {
            let lf = match tail {
                // As a server sends that does not buffer: not worth a search.
                [b'\n'] => Some(0),
                [_] => None,
                _ => memchr(b'\n', tail),
            };
            let Some(lf) = lf else {
                self.look(tail.len());
                self.seen = input.len();
                break;
            };
            self.look(lf + 1);
            self.seen += lf + 1;
            if self.too_long(self.seen) {
                return Part::TooLong;
            }
            let line = input.get(self.line..self.seen).unwrap_or(&[]);
            if let Some(part) = self.line_end(line) {
                return part;
            }
        }
        if self.too_long(self.seen.min(input.len())) {
            return Part::TooLong;
        }
        if self.seen == input.len() && self.seen > 0 {
            self.calm = Calm::new(self.seen, self.limits.line.saturating_add(self.nested), b'\n');
        }
        Part::Need(self.seen.saturating_sub(input.len()).max(1))
    }

    const fn too_long(&self, n: usize) -> bool {
        n.saturating_sub(self.nested) > self.limits.line
    }

    /// A line has ended, and with it a part, unless a literal that is buffered follows.
    fn line_end(&mut self, line: &[u8]) -> Option<Part> {
        let header = literal(line);
        if header.is_some() && self.kind == Kind::New {
            self.kind = kind(line);
        }
        let Some(len) = header.filter(|_| self.kind != Kind::New) else {
            return Some(self.end());
        };
        if self.kind == Kind::Fetch {
            self.look(line.len());
            self.depth = depth(line, self.depth);
            if self.depth == 1 {
                let n = self.seen;
                self.start(true);
                self.payload = Some(len);
                return Some(Part::Head(n));
            }
        }
        let room = self.limits.literals.saturating_sub(self.nested);
        match usize::try_from(len) {
            Ok(len) if len <= room => {
                self.nested += len;
                self.seen += len;
                self.line = self.seen;
                None
            }
            _ => Some(Part::TooLong),
        }
    }

    const fn end(&mut self) -> Part {
        let n = self.seen;
        let begun = self.begun;
        self.start(false);
        self.kind = Kind::New;
        self.depth = 0;
        if begun { Part::Tail(n) } else { Part::Whole(n) }
    }

    const fn start(&mut self, begun: bool) {
        self.seen = 0;
        self.nested = 0;
        self.line = 0;
        self.begun = begun;
    }
}

/// The length that a literal's header at the end of the line announces: `{n}`, also `{n+}`.
fn literal(line: &[u8]) -> Option<u64> {
    let ([front @ .., b'}', b'\r', b'\n'] | [front @ .., b'}', b'\n']) = line else { return None };
    let front = front.strip_suffix(b"+").unwrap_or(front);
    let open = front.iter().rposition(|b| !b.is_ascii_digit())?;
    let digits = front.get(open + 1..)?;
    if front.get(open) != Some(&b'{') || digits.is_empty() {
        return None;
    }
    Some(digits.iter().fold(0u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
}

/// What a response is that begins with this line. `New`: one whose end is text, which may look like a header.
fn kind(line: &[u8]) -> Kind {
    let Some(rest) = line.strip_prefix(b"* ") else { return Kind::New };
    let mut words = rest.split(|b| *b == b' ').filter(|w| !w.is_empty());
    let first = words.next().unwrap_or(&[]);
    if [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|w| first.eq_ignore_ascii_case(w)) {
        Kind::New
    } else if first.iter().all(u8::is_ascii_digit)
        && words.next().is_some_and(|w| {
            let w = if w.get(..3).is_some_and(|w| w.eq_ignore_ascii_case(b"UID")) {
                w.get(3..).unwrap_or(w)
            } else {
                w
            };
            w.get(..5).is_some_and(|w| w.eq_ignore_ascii_case(b"FETCH"))
        })
    {
        Kind::Fetch
    } else {
        Kind::Plain
    }
}

/// How many parentheses and brackets are open at the end of the line, where `depth` were at its start.
fn depth(line: &[u8], mut depth: u32) -> u32 {
    let mut octets = line.iter();
    while let Some(b) = octets.next() {
        match b {
            b'(' | b'[' => depth = depth.saturating_add(1),
            b')' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(b) = octets.next() {
                    match b {
                        b'\\' => _ = octets.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    depth
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    fn parts(wire: &[u8], piece: usize) -> (Vec<(Part, Vec<u8>)>, u64) {
        let mut framer = Framer::new(Limits::default());
        let mut all: Vec<(Part, Vec<u8>)> = vec![];
        let mut at = 0;
        let mut end = 0;
        while end < wire.len() {
            end = (end + piece).min(wire.len());
            loop {
                match framer.poll(&wire[at..end]) {
                    Part::Need(_) => break,
                    Part::TooLong => panic!(),
                    Part::Chunk(n) => {
                        let octets = &wire[at..at + n];
                        match all.last_mut() {
                            Some((Part::Chunk(_), before)) => before.extend_from_slice(octets),
                            _ => all.push((Part::Chunk(0), octets.to_vec())),
                        }
                        at += n;
                    }
                    part @ (Part::Whole(n) | Part::Head(n) | Part::Tail(n)) => {
                        all.push((part, wire[at..at + n].to_vec()));
                        at += n;
                    }
                }
            }
        }
        assert_eq!(at, wire.len());
        (all, framer.looked)
    }

    #[test]
    fn body_literals_stream_and_nested_ones_do_not() {
        let wire = b"* OK not a {3}\r\n* 1 FETCH (ENVELOPE (NIL {3}\r\n(\r\n NIL) BODY[HEADER.FIELDS ({2}\r\nTo)] {5}\r\na\r\n)\" UID 3 BODY[\"] {0}\r\n FLAGS ())\r\n* LIST () \"/\" {3}\r\nabc\r\nA1 OK {9}\r\n+ {4}\r\n";
        let (whole, _) = parts(wire, wire.len());
        let kinds: Vec<_> = whole
            .iter()
            .map(|(p, _)| match p {
                Part::Whole(_) => 'w',
                Part::Head(_) => 'h',
                Part::Chunk(_) => 'c',
                Part::Tail(_) => 't',
                _ => '?',
            })
            .collect();
        // The quoted bracket of the second item is no literal of the top level, so it is buffered.
        assert_eq!(kinds, ['w', 'h', 'c', 't', 'w', 'w', 'w'], "{whole:?}");
        assert_eq!(whole[2].1, b"a\r\n)\"");
        for piece in 1..40 {
            let (split, looked) = parts(wire, piece);
            assert_eq!(split, whole, "{piece}");
            assert!(looked <= 2 * wire.len() as u64);
        }
    }
}
