use memchr::memchr2;

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineEnd {
    /// CRLF and nothing else. A bare CR or a bare LF is a part of the line, and [`Line::bare`] tells of it
    /// (RFC 5321 section 2.3.8: they "MUST NOT be recognized as line terminators").
    #[default]
    Strict,
    /// LF, with or without a CR before it. A CR that is not followed by LF is a part of the line, and
    /// [`Line::bare`] tells of it.
    Lenient,
}

/// A line that [`LineScanner::scan`] found at the start of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its length in octets, line end included.
    pub len: usize,
    /// The octets of its line end: 2 for CRLF, 1 for a lone LF.
    pub end: usize,
    /// A CR or LF stands in it that is no line end by the scanner's policy.
    pub bare: bool,
}

/// What [`LineScanner::scan`] found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scan {
    /// A whole line. The scanner starts anew at the line after it.
    Line(Line),
    /// No line end yet.
    NeedInput,
    /// The line is longer than the limit. Said once for a line, as soon as it is known, so that it can be
    /// answered at once; all of the line is then given as [`Skip`](Self::Skip).
    TooLong,
    /// Drop this many octets: they belong to an over-long line.
    Skip(usize),
}

/// Finds lines, looking at each octet once however the input was split.
///
/// ```
/// use mail_wire::{Line, LineEnd, LineScanner, Scan};
/// let mut scanner = LineScanner::new(LineEnd::Strict, 512);
/// assert_eq!(scanner.scan(b"NOO"), Scan::NeedInput);
/// assert_eq!(scanner.scan(b"NOOP\r\nQUIT"), Scan::Line(Line { len: 6, end: 2, bare: false }));
/// assert_eq!(scanner.scan(b"QUIT\r\n"), Scan::Line(Line { len: 6, end: 2, bare: false }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineScanner {
    end: LineEnd,
    /// In octets, line end included.
    limit: usize,
    /// How much of the input is searched.
    seen: usize,
    /// How long the input is when one octet more has come of a line that has begun, is within its limit, and has no CR at its
    /// end; [`NEVER`] where there is no such line.
    one_more: usize,
    /// The last octet searched was a CR.
    cr: bool,
    bare: bool,
    /// The rest of an over-long line is being dropped.
    skipping: bool,
    #[cfg(any(test, feature = "count"))]
    looked: u64,
}

/// No input is so long.
const NEVER: usize = usize::MAX;

impl LineScanner {
    /// A scanner at the start of a line. `limit` is the longest line in octets, line end included.
    #[must_use]
    pub const fn new(end: LineEnd, limit: usize) -> Self {
        Self {
            end,
            limit,
            seen: 0,
            one_more: NEVER,
            cr: false,
            bare: false,
            skipping: false,
            #[cfg(any(test, feature = "count"))]
            looked: 0,
        }
    }

    /// Looks for the end of the line that begins at the start of `input`.
    ///
    /// Until it has answered [`Scan::Line`] or [`Scan::Skip`], `input` may only grow at its end.
    pub fn scan(&mut self, input: &[u8]) -> Scan {
        if self.skipping {
            return self.skip(input);
        }
        let within = input.get(..self.limit).unwrap_or(input);
        if let Some((len, end)) = self.search(within) {
            let bare = self.bare;
            self.reset();
            return Scan::Line(Line { len, end, bare });
        }
        if input.len() < self.limit {
            self.expect_one_more();
            return Scan::NeedInput;
        }
        self.one_more = NEVER;
        self.skipping = true;
        Scan::TooLong
    }

    /// Whether nothing has come since the last [`scan`](Self::scan) but one octet of the line that does not end it, which is searched
    /// thereby: what comes octet by octet is answered at once. `false` says nothing; then `scan` is to be asked.
    #[inline]
    pub fn is_one_more(&mut self, input: &[u8]) -> bool {
        let Some(last) = input.last().filter(|_| input.len() == self.one_more) else { return false };
        // Other control characters are as rare as line ends.
        if *last > b'\r' {
            self.seen = self.one_more;
            self.one_more = if self.seen + 1 < self.limit { self.seen + 1 } else { NEVER };
        } else if *last == b'\r' {
            self.seen = self.one_more;
            self.one_more = NEVER;
            self.cr = true;
        } else {
            return false;
        }
        #[cfg(any(test, feature = "count"))]
        {
            self.looked += 1;
        }
        true
    }

    const fn expect_one_more(&mut self) {
        let calm = self.seen > 0 && !self.cr && self.seen + 1 < self.limit;
        self.one_more = if calm { self.seen + 1 } else { NEVER };
    }

    fn skip(&mut self, input: &[u8]) -> Scan {
        if let Some((len, _)) = self.search(input) {
            self.reset();
            return Scan::Skip(len);
        }
        self.seen = 0; // `cr` stays: the LF may come next
        if input.is_empty() { Scan::NeedInput } else { Scan::Skip(input.len()) }
    }

    /// Goes on searching where it stopped. Gives the length with and of the line end.
    fn search(&mut self, input: &[u8]) -> Option<(usize, usize)> {
        #[cfg(any(test, feature = "count"))]
        let from = self.seen;
        let found = self.search_on(input);
        #[cfg(any(test, feature = "count"))]
        {
            self.looked += self.seen.saturating_sub(from) as u64;
        }
        found
    }

    fn search_on(&mut self, input: &[u8]) -> Option<(usize, usize)> {
        loop {
            let rest = input.get(self.seen..).unwrap_or(&[]);
            let &first = rest.first()?;
            if core::mem::take(&mut self.cr) {
                if first == b'\n' {
                    self.seen += 1;
                    return Some((self.seen, self.seen.min(2)));
                }
                self.bare = true;
            }
            let at = match rest {
                // As a peer sends that does not buffer: not worth a search.
                [b'\r' | b'\n'] => Some(0),
                [_] => None,
                _ => memchr2(b'\r', b'\n', rest),
            };
            let Some(at) = at else {
                self.seen += rest.len();
                return None;
            };
            if let Some([b'\r', b'\n', ..]) = rest.get(at..) {
                self.seen += at + 2;
                return Some((self.seen, 2));
            }
            self.seen += at + 1;
            match (rest.get(at), self.end) {
                (Some(b'\r'), _) => self.cr = true,
                (_, LineEnd::Lenient) => return Some((self.seen, 1)),
                (_, LineEnd::Strict) => self.bare = true,
            }
        }
    }

    /// Whether the rest of an over-long line is being dropped.
    #[must_use]
    pub const fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Forgets what was searched: a line starts at the next input's first octet.
    pub const fn reset(&mut self) {
        self.seen = 0;
        self.one_more = NEVER;
        self.cr = false;
        self.bare = false;
        self.skipping = false;
    }

    /// Changes the limit (octets, line end included), for lines not yet searched.
    pub const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.one_more = NEVER;
    }

    /// How many octets were looked at in all.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.looked
    }
}

/// `line` without its CRLF or LF.
#[must_use]
pub const fn strip_line_end(line: &[u8]) -> &[u8] {
    match line {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => text,
        _ => line,
    }
}

/// Whether an ASCII control character is among the octets: no protocol's command line may hold one. Eight are looked at at a time.
#[must_use]
#[inline]
pub fn has_control(octets: &[u8]) -> bool {
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    const DELETES: u64 = u64::from_le_bytes([0x7f; 8]);
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let (eights, rest) = octets.as_chunks::<8>();
    // The high bit of an octet below 0x80 stays or becomes 1 where the octet is below a space, or is DEL.
    let found = eights.iter().fold(0, |found, eight| {
        let x = u64::from_le_bytes(*eight);
        found | ((x.wrapping_sub(SPACES) | (x ^ DELETES).wrapping_sub(ONES)) & !x & HIGH)
    });
    found != 0 || rest.iter().any(u8::is_ascii_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_found_wherever_they_stand() {
        for c in 0..=255u8 {
            for before in 0..17 {
                for after in 0..9 {
                    for plain in [b' ', b'~', 0x80, 0xff] {
                        let mut text = alloc::vec![plain; before];
                        text.push(c);
                        text.resize(before + 1 + after, plain);
                        assert_eq!(has_control(&text), c.is_ascii_control(), "{}", text.escape_ascii());
                    }
                }
            }
        }
    }
}
