//! Takes the fields of mbox programs out of a header while it streams past, and puts others in.

use memchr::memchr;

/// Fields that mbox programs take for their own; Dovecot hides the same.
const OWN: [&str; 7] =
    ["status", "x-status", "x-keywords", "content-length", "x-uid", "x-imap", "x-imapbase"];
/// Octets by which a line is known: the longest of those names with its colon.
const KNOWN_BY: usize = 16;
/// Octets kept of one value.
const VALUE_MAX: usize = 16 * 1024;
/// Fields kept.
const FIELDS_MAX: usize = 64;

#[derive(Debug, Default)]
enum Line {
    /// Its beginning is in `held`.
    #[default]
    Start,
    Keep,
    Drop,
}

/// Text with LF line ends goes through it; what it lets through is appended to `out`.
#[derive(Debug, Default)]
pub(super) struct HeaderFilter {
    held: Vec<u8>,
    line: Line,
    /// The field before was taken out: so are lines that continue it.
    dropped: bool,
    pub(super) ended: bool,
    /// Whether `out` ends with an unfinished line.
    open: bool,
    /// Put in at the end of the header.
    insert: Vec<u8>,
    /// What was taken out: the name in lower case, and the value.
    taken: Vec<(&'static str, Vec<u8>)>,
}

impl HeaderFilter {
    /// Puts these lines in at the end of the header.
    pub(super) fn inserting(insert: Vec<u8>) -> Self {
        Self { insert, ..Self::default() }
    }

    pub(super) fn push(&mut self, mut chunk: &[u8], out: &mut Vec<u8>) {
        while !chunk.is_empty() {
            if self.ended {
                out.extend_from_slice(chunk);
                return;
            }
            let mut n = memchr(b'\n', chunk).map_or(chunk.len(), |at| at + 1);
            if matches!(self.line, Line::Start) {
                n = n.min(KNOWN_BY - self.held.len());
            }
            let (piece, rest) = chunk.split_at(n);
            chunk = rest;
            match self.line {
                Line::Start => {
                    self.held.extend_from_slice(piece);
                    if self.held.len() >= KNOWN_BY || piece.ends_with(b"\n") {
                        self.decide(out);
                    }
                }
                Line::Keep => self.keep(piece, out),
                Line::Drop => self.take(piece),
            }
            if !matches!(self.line, Line::Start) && piece.ends_with(b"\n") {
                self.line = Line::Start;
            }
        }
    }

    /// What kind of line it is that `held` begins (or is).
    fn decide(&mut self, out: &mut Vec<u8>) {
        let held = std::mem::take(&mut self.held);
        if held == b"\n" {
            self.end_header(out);
            out.push(b'\n');
            return;
        }
        self.line = if self.dropped && held.first().is_some_and(|b| matches!(b, b' ' | b'\t')) {
            self.take(&held);
            Line::Drop
        } else {
            let (name, value) = match memchr(b':', &held).map(|at| held.split_at(at)) {
                Some((name, value)) => (name, value.strip_prefix(b":").unwrap_or(value)),
                None => (&[][..], &held[..]),
            };
            let name = name.trim_ascii_end();
            let own = OWN.iter().find(|own| name.eq_ignore_ascii_case(own.as_bytes()));
            self.dropped = own.is_some();
            match own {
                Some(own) => {
                    if self.taken.len() < FIELDS_MAX {
                        self.taken.push((own, Vec::new()));
                    }
                    self.take(value);
                    Line::Drop
                }
                None => {
                    self.keep(&held, out);
                    Line::Keep
                }
            }
        };
        if held.ends_with(b"\n") {
            self.line = Line::Start;
        }
    }

    fn keep(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(piece);
        self.open = !piece.ends_with(b"\n");
    }

    fn take(&mut self, piece: &[u8]) {
        if let Some((_, value)) = self.taken.last_mut() {
            let room = VALUE_MAX.saturating_sub(value.len()).min(piece.len());
            value.extend_from_slice(piece.get(..room).unwrap_or(&[]));
        }
    }

    fn end_header(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.open) && !self.insert.is_empty() {
            out.push(b'\n');
        }
        out.append(&mut self.insert);
        self.ended = true;
    }

    /// No more comes: a header that was not ended has its fields put in all the same.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.ended {
            if !self.held.is_empty() {
                self.decide(out);
            }
            self.end_header(out);
        }
    }

    /// All values of a field that was taken out, one after the other.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        let mut found = None;
        for (_, value) in self.taken.iter().filter(|(n, _)| *n == name) {
            let all: &mut String = found.get_or_insert_default();
            all.push(' ');
            all.push_str(&String::from_utf8_lossy(value));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_fields_go_and_others_stay_however_the_header_is_cut() {
        for (before, after) in [
            ("A: b\nStatus: RO\nC: d\n\nStatus: x\n", "A: b\nC: d\nNEW: 1\n\nStatus: x\n"),
            ("X-Keywords: a\n b\n\tc\nA: b\n c\n\n", "A: b\n c\nNEW: 1\n\n"),
            ("STATUS : R\n\n", "NEW: 1\n\n"),
            ("Status-Quo: x\nContent-Length2: y\n\n", "Status-Quo: x\nContent-Length2: y\nNEW: 1\n\n"),
            ("no header at all, and no end", "no header at all, and no end\nNEW: 1\n"),
            ("short", "short\nNEW: 1\n"),
            ("", "NEW: 1\n"),
            ("\nbody", "NEW: 1\n\nbody"),
            ("Status: R", "NEW: 1\n"),
        ] {
            for cut in 0..=before.len() {
                let mut filter = HeaderFilter::inserting(b"NEW: 1\n".to_vec());
                let mut out = Vec::new();
                filter.push(&before.as_bytes()[..cut], &mut out);
                filter.push(&before.as_bytes()[cut..], &mut out);
                filter.finish(&mut out);
                assert_eq!(String::from_utf8(out).unwrap(), after, "{before:?} at {cut}");
            }
        }
        let mut filter = HeaderFilter::default();
        filter.push(b"X-Keywords: a\n  b\nX-Keywords: c\n\n", &mut Vec::new());
        let words: Vec<String> =
            filter.value("x-keywords").unwrap().split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "b", "c"]);
    }
}
