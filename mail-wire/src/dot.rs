use memchr::memchr2;

/// What stands at the start of the input of [`DotDecoder::step`].
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dot {
    /// This many octets of content, at least 1.
    Payload(usize),
    /// This many octets to drop: a stuffed dot.
    Skip(usize),
    /// This many octets to drop, which end the data.
    End(usize),
    /// More input is wanted. Up to one octet may stay in the input undecided.
    Need,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// After CRLF, or at the start of the data.
    #[default]
    LineStart,
    Inside,
    /// After a CR that was given out.
    Cr,
    /// After a dot at the start of a line, which was dropped.
    Dot,
    /// After that dot, and a CR that stays in the input: it is content or part of the end.
    DotCr,
}

/// Reads dot-stuffed data: SMTP's DATA (RFC 5321 section 4.5.2), POP3's multi-line responses
/// (RFC 1939 section 3).
///
/// The end is exactly CRLF `.` CRLF, where the start of the data counts as after CRLF, and that first
/// CRLF belongs to the content. A bare CR or a bare LF is content, never a line end;
/// [`saw_bare`](Self::saw_bare) tells of it, and whoever asks decides.
///
/// ```
/// use mail_wire::{Dot, DotDecoder};
/// let (mut decoder, mut data, mut content) = (DotDecoder::new(), &b"..a\r\nb\r\n.\r\nQUIT\r\n"[..], vec![]);
/// loop {
///     match decoder.step(data) {
///         Dot::Payload(n) => { content.extend_from_slice(&data[..n]); data = &data[n..] }
///         Dot::Skip(n) => data = &data[n..],
///         Dot::End(n) => { data = &data[n..]; break }
///         _ => panic!("all input is there"),
///     }
/// }
/// assert_eq!((&content[..], data), (&b".a\r\nb\r\n"[..], &b"QUIT\r\n"[..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotDecoder {
    at: At,
    bare: bool,
    #[cfg(any(test, feature = "count"))]
    looked: u64,
}

impl DotDecoder {
    /// A decoder at the start of the data.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what to do with the start of `input`.
    ///
    /// After any answer but [`Dot::Need`], the next call passes what follows the octets it named; after
    /// `Need`, the same input with more at its end. After [`Dot::End`] the decoder stands at the start
    /// of new data.
    #[inline]
    pub fn step(&mut self, input: &[u8]) -> Dot {
        let answer = self.decide(input);
        #[cfg(any(test, feature = "count"))]
        {
            self.looked += match answer {
                Dot::Payload(n) | Dot::Skip(n) | Dot::End(n) => n as u64,
                Dot::Need => 0,
            };
        }
        answer
    }

    fn decide(&mut self, input: &[u8]) -> Dot {
        match (self.at, input) {
            (_, []) => Dot::Need,
            (At::LineStart, [b'.', b'\r', b'\n', ..]) => Dot::End(3),
            (At::LineStart, [b'.', ..]) => {
                self.at = At::Dot;
                Dot::Skip(1)
            }
            (At::Dot | At::DotCr, [b'\r']) => {
                self.at = At::DotCr;
                Dot::Need
            }
            (At::Dot | At::DotCr, [b'\r', b'\n', ..]) => {
                self.at = At::LineStart;
                Dot::End(2)
            }
            (At::Cr, [b'\n', b'.', ..]) => {
                self.at = At::LineStart;
                Dot::Payload(1)
            }
            (At::Cr, [b'\n', ..]) => Dot::Payload(self.content(input, 1)),
            (At::Cr, _) => {
                self.bare = true;
                Dot::Payload(self.content(input, 0))
            }
            _ => Dot::Payload(self.content(input, 0)),
        }
    }

    /// How far the content goes, where none of `input`'s first `from` octets needs a look.
    fn content(&mut self, input: &[u8], from: usize) -> usize {
        let mut n = from;
        // `from` is 1 where that octet ended a line.
        self.at = if from == 1 { At::LineStart } else { At::Inside };
        while let Some(rest) = input.get(n..) {
            let Some(at) = memchr2(b'\r', b'\n', rest) else {
                if !rest.is_empty() {
                    self.at = At::Inside;
                }
                break;
            };
            match rest.get(at..) {
                Some([b'\r', b'\n', b'.', ..]) => {
                    self.at = At::LineStart;
                    return n + at + 2;
                }
                Some([b'\r', b'\n', ..]) => {
                    self.at = At::LineStart;
                    n += at + 2;
                    // Where one line is as most are, others will be: now for many at once.
                    let plain = plain(input, n);
                    if plain > n {
                        self.at = At::Inside;
                        n = plain;
                    }
                }
                Some([b'\r']) => {
                    self.at = At::Cr;
                    break;
                }
                _ => {
                    self.at = At::Inside;
                    self.bare = true;
                    n += at + 1;
                }
            }
        }
        input.len()
    }

    /// Whether the content so far holds a CR not followed by LF, or an LF not preceded by CR.
    #[must_use]
    pub const fn saw_bare(&self) -> bool {
        self.bare
    }

    /// Goes back to the start of new data, and forgets [`saw_bare`](Self::saw_bare).
    pub const fn reset(&mut self) {
        self.at = At::LineStart;
        self.bare = false;
    }

    /// How many octets were decided in all.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.looked
    }
}

/// A block of octets that the compiler turns into vector instructions.
const BLOCK: usize = 256;

/// How far from `from` on nothing wants a closer look: every CR is one with its LF, and no dot follows.
///
/// This is what makes ordinary text cheap: nothing is done for each line.
fn plain(input: &[u8], from: usize) -> usize {
    // Before the first octet of the input stands what the state alone knows.
    let (Some(before), Some(this), Some(after)) =
        (from.checked_sub(1).and_then(|n| input.get(n..)), input.get(from..), input.get(from + 1..))
    else {
        return from;
    };
    let blocks = before.as_chunks::<BLOCK>().0.iter().zip(this.as_chunks::<BLOCK>().0);
    let n = blocks
        .zip(after.as_chunks::<BLOCK>().0)
        .take_while(|((before, this), after)| {
            let mut odd = false;
            for ((b, x), a) in before.iter().zip(this.iter()).zip(after.iter()) {
                let lf = *x == b'\n';
                odd |= (lf ^ (*b == b'\r')) | (lf & (*a == b'.'));
            }
            !odd
        })
        .count();
    if n == 0 {
        return from;
    }
    // What follows the blocks may be a line's end of which the CR is before: go back to it.
    let end = from + n * BLOCK;
    match input.get(end - 1) {
        Some(b'\r') => end - 1,
        _ => end,
    }
}
