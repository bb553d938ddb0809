use memchr::memchr;

/// Octets of a header as it mostly is.
const USUAL: usize = 2048;

/// A message's header while it comes in: held until its end is known.
pub(crate) struct Head {
    held: Vec<u8>,
    limit: usize,
    /// Where the present line begins.
    line: usize,
}

/// What was held, and what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Gathered {
    pub(crate) octets: Vec<u8>,
    pub(crate) found: Found,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// The header is so many octets, without the empty line.
    Header(usize),
    /// The message begins with no header at all.
    NoHeader,
    /// It is longer than the limit.
    TooLong,
}

impl Head {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { held: Vec::new(), limit, line: 0 }
    }

    /// The next octets. Once the header has ended, or is too long to wait for: what was held, and how many of these octets are
    /// in it; the others follow it. Nothing is to be pushed after that.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Option<(Gathered, usize)> {
        if self.held.is_empty() {
            self.held.reserve(chunk.len().min(USUAL));
        }
        let mut taken = 0;
        while let Some(rest) = chunk.get(taken..).filter(|rest| !rest.is_empty()) {
            let line_end = memchr(b'\n', rest);
            let line = line_end.and_then(|at| rest.get(..=at)).unwrap_or(rest);
            self.held.extend_from_slice(line);
            taken += line.len();
            let upto = self.held.len();
            let found = line_end.and_then(|_| self.look(upto));
            if let Some(found) = found.or_else(|| (upto > self.limit).then_some(Found::TooLong)) {
                return Some((self.give(found), taken));
            }
            self.line = if line_end.is_some() { upto } else { self.line };
        }
        None
    }

    /// The message has ended within its header.
    pub(crate) fn finish(&mut self) -> Gathered {
        let end = self.held.len();
        let found = self.look(end).unwrap_or(Found::Header(end));
        self.give(found)
    }

    fn give(&mut self, found: Found) -> Gathered {
        // However it was split.
        let found = match found {
            Found::Header(end) if end > self.limit => Found::TooLong,
            other => other,
        };
        Gathered { octets: core::mem::take(&mut self.held), found }
    }

    /// Looks at the line that ends at `upto`: whether the header ends with it or before it.
    fn look(&self, upto: usize) -> Option<Found> {
        let line = self.held.get(self.line..upto).unwrap_or(&[]);
        if matches!(line, b"\n" | b"\r\n") {
            return Some(Found::Header(self.line));
        }
        // The first line of a message from an mbox is no field either, but a header follows it.
        let odd = self.line == 0 && !line.is_empty() && !is_field(line) && !is_mbox_line(line);
        odd.then_some(Found::NoHeader)
    }
}

/// `field-name = 1*ftext`, before `:`; white space between is obsolete and read (RFC 5322 section 3.6.8, 4.5).
fn is_field(line: &[u8]) -> bool {
    let name = memchr(b':', line).and_then(|at| line.get(..at)).unwrap_or(&[]).trim_ascii_end();
    !name.is_empty() && name.iter().all(|c| matches!(c, 33..=126 | 0x80..))
}

fn is_mbox_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(message: &[u8], piece: usize, limit: usize) -> (Gathered, usize) {
        let mut head = Head::new(limit);
        for (i, chunk) in message.chunks(piece).enumerate() {
            if let Some((gathered, taken)) = head.push(chunk) {
                return (gathered, i * piece + taken);
            }
        }
        (head.finish(), message.len())
    }

    #[test]
    fn the_header_ends_where_it_ends_for_every_split() {
        for (message, limit, found) in [
            (&b"A: b\r\n\r\nbody"[..], 100, Found::Header(6)),
            (b"A: b\n\nbody\n", 100, Found::Header(5)),
            (b"A: b\r\nC: d\r\n", 100, Found::Header(12)),
            (b"A: b", 100, Found::Header(4)),
            (b"\r\nA: b\r\n", 100, Found::Header(0)),
            (b"", 100, Found::Header(0)),
            (b"Hello\r\nA: b\r\n", 100, Found::NoHeader),
            (b"Hello", 100, Found::NoHeader),
            (b"From a@b today\r\nA: b\r\n\r\n", 100, Found::Header(22)),
            (b"A: b\r\n folded\r\n\r\n", 100, Found::Header(15)),
            (b"A: 0123456789\r\n\r\n", 10, Found::TooLong),
        ] {
            for piece in [1, 2, 3, 5, 1000] {
                let (gathered, upto) = gather(message, piece, limit);
                assert_eq!(gathered.octets, message[..upto]);
                assert_eq!(gathered.found, found, "{} by {piece}", message.escape_ascii());
            }
        }
    }
}
