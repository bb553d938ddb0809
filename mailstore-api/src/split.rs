/// Finds where a message's header ends, while the message is written: behind the first empty line.
///
/// A line ends with LF, with or without CR before it; an empty first line means an empty header. Without an
/// empty line, all of the message is header. All stores split with this, so that
/// [`Part::Header`](crate::Part::Header) and [`Part::Text`](crate::Part::Text) mean the same everywhere.
///
/// ```
/// let mut scan = mailstore_api::HeaderScan::new();
/// scan.push(b"Subject: x\r\n\r");
/// scan.push(b"\nText\r\n");
/// assert_eq!((scan.header_len(), scan.len(), scan.ends_with_crlf()), (14, 20, true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct HeaderScan {
    len: u64,
    end: Option<u64>,
    /// The present line holds something other than one CR.
    filled: bool,
    last: [u8; 2],
}

impl HeaderScan {
    /// Nothing written yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The header's length in a message that is there as a whole.
    #[must_use]
    pub fn split(message: &[u8]) -> usize {
        let mut scan = Self::new();
        scan.push(message);
        usize::try_from(scan.header_len()).unwrap_or(message.len()).min(message.len())
    }

    /// The next octets.
    pub fn push(&mut self, chunk: &[u8]) {
        let mut at = self.len;
        if self.end.is_none() {
            for &b in chunk {
                at += 1;
                match b {
                    b'\n' if !self.filled => {
                        self.end = Some(at);
                        break;
                    }
                    b'\n' => self.filled = false,
                    // A CR counts as nothing only as the first of its line.
                    b'\r' if !self.filled && (at == 1 || self.before(chunk, at) == b'\n') => {}
                    _ => self.filled = true,
                }
            }
        }
        self.len = self.len.saturating_add(chunk.len() as u64);
        self.last = match chunk {
            [] => self.last,
            [b] => [self.last[1], *b],
            [.., a, b] => [*a, *b],
        };
    }

    /// The octet before the `at`-th (counted from one).
    fn before(&self, chunk: &[u8], at: u64) -> u8 {
        match usize::try_from(at - self.len).ok().and_then(|n| n.checked_sub(2)) {
            Some(i) => chunk.get(i).copied().unwrap_or(0),
            None => self.last[1],
        }
    }

    /// Octets of the header with the empty line; all so far, while no empty line was seen.
    #[must_use]
    pub fn header_len(&self) -> u64 {
        self.end.unwrap_or(self.len)
    }

    /// Octets so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there was none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the last two octets are CRLF.
    #[must_use]
    pub const fn ends_with_crlf(&self) -> bool {
        self.len >= 2 && self.last[0] == b'\r' && self.last[1] == b'\n'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_ends_behind_the_first_empty_line_however_it_is_cut() {
        for (message, header) in [
            (&b""[..], 0),
            (b"\r\n", 2),
            (b"\r\nx", 2),
            (b"\nx", 1),
            (b"A: b\r\n", 6),
            (b"A: b\r\n\r\n", 8),
            (b"A: b\r\n\r\nx\r\n\r\n", 8),
            (b"A: b\n\nx", 6),
            (b"A: b\r\n\nx", 7),
            (b"A: b\r\n\r\r\n\r\nx", 11),
            (b"A: b\r\n \r\n\r\nx", 11),
            (b"A: b", 4),
        ] {
            assert_eq!(HeaderScan::split(message), header, "{message:?}");
            for cut in 0..=message.len() {
                let mut scan = HeaderScan::new();
                scan.push(&message[..cut]);
                scan.push(&message[cut..]);
                assert_eq!(scan.header_len(), header as u64, "{message:?} at {cut}");
                assert_eq!(scan.ends_with_crlf(), message.ends_with(b"\r\n"));
            }
        }
    }
}
