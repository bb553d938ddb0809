//! Finds the parts of commands in the input: one pass, a state of constant size, no octet looked at twice.
//!
//! At a literal's header it is decided, once, whether the literal is buffered within its command or streams as a payload.

mod arguments;
mod header;
#[cfg(test)]
mod tests;

use memchr::{memchr, memchr2};

use crate::calm::Calm;

use arguments::{Arguments, word};
use header::Header;

/// What the input begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing whole; so many octets are wanted at least.
    Need(usize),
    /// `n` octets are a command, or what follows the last payload of one.
    Line(usize),
    /// `n` octets end with the header of a payload.
    Head(usize),
    /// `n` octets end with the parenthesis that closes CATENATE: a message is whole, its command goes on.
    Closed(usize),
    /// `n` octets of a payload.
    Chunk(usize),
    /// A buffered synchronizing literal is within the limits: the client waits for `+`.
    GoAhead,
    /// `n` octets are (the start of) a command that cannot be taken. What the client sends of it yet comes as `Skip`.
    Refuse(usize, Refusal),
    /// `n` octets are to be dropped.
    Skip(usize),
    /// More is to be dropped than the limits allow.
    Fatal,
}

/// Why a command cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    LineTooLong,
    LiteralTooLong,
    /// A non-synchronizing literal where the server takes none, or none so long (RFC 7888 section 4).
    NotSynchronizing,
}

/// What a client may send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Octets of a command's lines.
    pub(super) line: usize,
    /// Octets of its buffered literals.
    pub(super) literals: usize,
    /// Octets of a literal that are read and dropped.
    pub(super) dropped: u64,
    /// Octets of a non-synchronizing literal; `None`: there is none.
    pub(super) unasked: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Before the first space.
    Tag,
    /// Between tag and arguments; the verb so far, and whether `UID` came before.
    Verb(u64, bool),
    /// In the arguments of a command without payloads.
    Plain,
    /// In the arguments of one with payloads, or between them.
    Arguments,
    /// A line that is no command: of a SASL exchange, or DONE.
    Raw,
    /// In a payload: what is left of it.
    Payload(u64),
    /// In a literal that is dropped.
    Drain(u64),
    /// In the rest of a command that was refused.
    Skip,
    /// In the rest of a line that is no command, which was refused: what looks like a literal's header at its end is none.
    SkipRaw,
    Fatal,
}

#[derive(Clone, Debug)]
pub(super) struct Framer {
    /// Octets of the present part that were looked at, or belong to a literal and need not be.
    seen: usize,
    /// Those that belong to literals.
    nested: usize,
    header: Header,
    arguments: Arguments,
    mode: Mode,
    bounds: Bounds,
    calm: Calm,
    /// Octets looked at, ever; for tests of linearity.
    #[cfg(any(test, feature = "count"))]
    pub(super) looked: u64,
}

impl Framer {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            seen: 0,
            nested: 0,
            header: Header::NONE,
            arguments: Arguments::new(0),
            mode: Mode::Tag,
            bounds,
            calm: Calm::NONE,
            #[cfg(any(test, feature = "count"))]
            looked: 0,
        }
    }

    pub(super) const fn set_bounds(&mut self, bounds: Bounds) {
        self.wake();
        self.bounds = bounds;
    }

    /// Takes the one octet that has come since the last answer, where the answer is the same again.
    #[inline]
    pub(super) fn takes(&mut self, input: &[u8]) -> bool {
        self.calm.takes(input, |last, stop| last <= b' ' && (last == b'\n' || last == stop) || last == b'{')
    }

    /// The same of an octet of tag or verb.
    #[inline]
    pub(super) fn takes_name(&mut self, input: &[u8]) -> bool {
        if !self.calm.holds() {
            return false;
        }
        self.wake();
        let Some((last, before)) = input.split_last() else { return false };
        if before.len() != self.seen
            || input.len() > self.most()
            || !matches!(self.mode, Mode::Tag | Mode::Verb(..))
        {
            return false;
        }
        let taken = self.name(core::slice::from_ref(last));
        self.look(taken);
        self.calm_down(self.seen);
        taken > 0
    }

    /// So much input there may be without a refusal.
    const fn most(&self) -> usize {
        self.bounds.line.saturating_add(self.nested)
    }

    /// All of the input is seen, and is so long.
    #[inline]
    const fn calm_down(&mut self, n: usize) {
        match self.mode {
            Mode::Tag => self.calm = Calm::new(n, self.most(), b' '),
            Mode::Plain => self.calm = Calm::new(n, self.most(), b'\n'),
            // Each octet may be the last of the name.
            Mode::Verb(..) => self.calm = Calm::new(n, 0, b' '),
            _ => {}
        }
    }

    /// Octets have come that may change something.
    #[inline]
    const fn wake(&mut self) {
        if let Some(seen) = self.calm.end() {
            self.look(seen - self.seen);
        }
    }

    /// Begins with a new command.
    #[inline]
    const fn reset(&mut self) {
        self.next_part();
        self.mode = Mode::Tag;
    }

    #[inline]
    const fn next_part(&mut self) {
        self.calm = Calm::NONE;
        self.seen = 0;
        self.nested = 0;
        self.header = Header::NONE;
    }

    /// The next line is no command: literals have no place in it.
    pub(super) const fn raw_line(&mut self) {
        self.next_part();
        self.mode = Mode::Raw;
    }

    /// Whether the present payload is wanted still.
    pub(super) const fn in_payload(&self) -> bool {
        matches!(self.mode, Mode::Payload(_))
    }

    /// Whether the client waits for `+` before it sends the payload whose header came last.
    pub(super) const fn is_synchronizing(&self) -> bool {
        self.header.synchronizing && self.in_payload()
    }

    /// The payload whose header came last is not wanted, or the rest of the command where none has come. A client that waits for `+` will not send it, and has ended its
    /// command; what another one sends is dropped.
    pub(super) const fn refuse(&mut self) {
        if self.is_synchronizing() { self.reset() } else { self.drop_payload(true) }
    }

    /// What is left of the payload, and of the command, is to be dropped: the client has begun to send.
    pub(super) const fn discard(&mut self) {
        self.drop_payload(false);
    }

    const fn drop_payload(&mut self, bounded: bool) {
        if let Mode::Payload(left) = self.mode {
            self.mode = if bounded && left > self.bounds.dropped { Mode::Fatal } else { Mode::Drain(left) };
        } else {
            // Between payloads: the rest of the line.
            self.next_part();
            self.mode = Mode::Skip;
        }
    }

    #[inline]
    const fn look(&mut self, n: usize) {
        self.seen += n;
        #[cfg(any(test, feature = "count"))]
        {
            self.looked += n as u64;
        }
    }

    /// Looks on for the end of the present part.
    pub(super) fn poll(&mut self, input: &[u8]) -> Part {
        self.wake();
        match self.mode {
            Mode::Payload(0) => {
                self.next_part();
                self.arguments.payload();
                self.mode = Mode::Arguments;
            }
            Mode::Payload(left) => {
                return match take(input, left) {
                    0 => Part::Need(wanted(left)),
                    n => {
                        self.mode = Mode::Payload(left - as_u64(n));
                        Part::Chunk(n)
                    }
                };
            }
            Mode::Drain(0) => {
                self.next_part();
                self.mode = Mode::Skip;
            }
            Mode::Drain(left) => {
                return match take(input, left) {
                    0 => Part::Need(wanted(left)),
                    n => {
                        self.mode = Mode::Drain(left - as_u64(n));
                        Part::Skip(n)
                    }
                };
            }
            Mode::Fatal => return Part::Fatal,
            _ => {}
        }
        while let Some(tail) = input.get(self.seen..)
            && !tail.is_empty()
        {
            if let Some(part) = self.step(tail) {
                return part;
            }
        }
        self.incomplete(input.len())
    }

    /// A command that is one line, which is there: what most are. Where it is something else, or may be, nothing changes but for what is known
    /// of it: that it has no payloads, and up to where there is no line end.
    #[inline]
    pub(super) fn plain_line(&mut self, input: &[u8]) -> Option<usize> {
        if self.calm.holds() || self.seen > 0 || !matches!(self.mode, Mode::Tag) {
            return None;
        }
        let tag = input.iter().take(16).position(|b| matches!(b, b' ' | b'\n' | b'{'))?;
        let rest = input.get(tag..)?;
        match rest {
            [b' ', b'U' | b'u', ..] => uid_line(rest)?,
            // APPEND and REPLACE have parts.
            [b' ', b'A' | b'a' | b'R' | b'r', ..] => return None,
            [b' ', b'A'..=b'z', ..] => {}
            _ => return None,
        }
        let at = memchr2(b'{', b'\n', rest);
        let len = tag + at.map_or(rest.len(), |at| at + 1);
        if len > self.bounds.line {
            return None;
        }
        if rest.get(at.unwrap_or(rest.len())) == Some(&b'\n') {
            #[cfg(any(test, feature = "count"))]
            {
                self.looked += as_u64(len);
            }
            return Some(len);
        }
        self.look(len - usize::from(at.is_some()));
        self.mode = Mode::Plain;
        None
    }

    /// Looks at some of the octets not seen yet, one at least.
    #[inline]
    fn step(&mut self, tail: &[u8]) -> Option<Part> {
        if let Mode::Raw | Mode::SkipRaw = self.mode {
            let n = memchr(b'\n', tail);
            self.look(n.map_or(tail.len(), |n| n + 1));
            return n.and_then(|_| self.line_end(false));
        }
        let mut skipped = 0;
        if self.header.is_outside() {
            match self.mode {
                Mode::Plain | Mode::Skip => {
                    let n = match tail {
                        // As a client sends that does not buffer: not worth a search.
                        [b'{' | b'\n'] => Some(0),
                        [_] => None,
                        _ => memchr2(b'{', b'\n', tail),
                    };
                    self.look(n.unwrap_or(tail.len()));
                    skipped = n?;
                }
                Mode::Tag | Mode::Verb(..) => {
                    let n = self.name(tail);
                    if n > 0 {
                        self.look(n);
                        return None;
                    }
                }
                _ => {}
            }
        }
        let b = *tail.get(skipped)?;
        self.look(1);
        let ended = self.header.octet(b);
        if let Mode::Arguments = self.mode {
            self.arguments.octet(b, !self.header.is_outside());
            // A mere parenthesis behind a text goes with what follows it.
            if b == b')' && self.arguments.closes_message() && self.seen > 1 {
                return Some(self.closed());
            }
        }
        ended.and_then(|is_header| self.line_end(is_header))
    }

    /// Tag and verb, in one tight loop: how many octets it took. It stops before LF and `{`.
    #[inline]
    fn name(&mut self, tail: &[u8]) -> usize {
        let mut rest = tail.iter();
        if let Mode::Tag = self.mode {
            for b in rest.by_ref() {
                match b {
                    b' ' => {
                        self.mode = Mode::Verb(0, false);
                        break;
                    }
                    b'\n' | b'{' => return tail.len() - rest.len() - 1,
                    _ => {}
                }
            }
        }
        if let Mode::Verb(mut verb, mut uid) = self.mode {
            for b in rest.by_ref() {
                match b {
                    b'\n' | b'{' => {
                        self.mode = Mode::Verb(verb, uid);
                        return tail.len() - rest.len() - 1;
                    }
                    b' ' => {
                        const APPEND: u64 = word(b"APPEND");
                        const REPLACE: u64 = word(b"REPLACE");
                        const UID: u64 = word(b"UID");
                        self.mode = match verb {
                            UID if !uid => {
                                (verb, uid) = (0, true);
                                continue;
                            }
                            APPEND if !uid => {
                                // The space before the mailbox is taken already.
                                self.arguments = Arguments::new(1);
                                Mode::Arguments
                            }
                            REPLACE => {
                                self.arguments = Arguments::new(2);
                                Mode::Arguments
                            }
                            _ => Mode::Plain,
                        };
                        return tail.len() - rest.len();
                    }
                    _ => {
                        verb = verb << 8 | u64::from(b.to_ascii_uppercase());
                        // No verb that matters begins otherwise; and none is as long as eight octets.
                        if !may_matter(verb) {
                            self.mode = Mode::Plain;
                            return tail.len() - rest.len();
                        }
                    }
                }
            }
            self.mode = Mode::Verb(verb, uid);
        }
        tail.len() - rest.len()
    }

    /// A message that was put together from parts is whole.
    #[cold]
    fn closed(&mut self) -> Part {
        let n = self.seen;
        if n - self.nested > self.bounds.line {
            self.next_part();
            self.mode = Mode::Skip;
            return Part::Refuse(n, Refusal::LineTooLong);
        }
        self.next_part();
        Part::Closed(n)
    }

    /// A line has ended; `seen` octets are looked at.
    fn line_end(&mut self, is_header: bool) -> Option<Part> {
        let n = self.seen;
        let Header { len, synchronizing, .. } = self.header;
        self.arguments.line_end();
        if let Mode::Skip | Mode::SkipRaw = self.mode {
            return Some(self.skipped(n, is_header));
        }
        let too_long = n - self.nested > self.bounds.line;
        if !is_header {
            self.reset();
            return Some(if too_long { Part::Refuse(n, Refusal::LineTooLong) } else { Part::Line(n) });
        }
        let streams = matches!(self.mode, Mode::Arguments) && self.arguments.is_message();
        let room = as_u64(self.bounds.literals.saturating_sub(self.nested));
        let refusal = if too_long {
            Some(Refusal::LineTooLong)
        } else if !synchronizing && self.bounds.unasked.is_none_or(|most| len > most) {
            Some(Refusal::NotSynchronizing)
        } else if !streams && len > room {
            Some(Refusal::LiteralTooLong)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.reset();
            if !synchronizing {
                self.mode = if len > self.bounds.dropped { Mode::Fatal } else { Mode::Drain(len) };
            }
            return Some(Part::Refuse(n, refusal));
        }
        if streams {
            self.seen = 0;
            self.nested = 0;
            self.mode = Mode::Payload(len);
            return Some(Part::Head(n));
        }
        // `len` is within the room, a usize.
        let len = usize::try_from(len).unwrap_or(0);
        self.nested += len;
        self.seen += len;
        if !matches!(self.mode, Mode::Arguments) {
            self.mode = Mode::Plain;
        }
        synchronizing.then_some(Part::GoAhead)
    }

    /// A line of a refused command has ended. At a synchronizing literal the client waits, and learns that it is refused; another
    /// one is dropped with what follows.
    const fn skipped(&mut self, n: usize, is_header: bool) -> Part {
        let Header { len, synchronizing, .. } = self.header;
        self.reset();
        if is_header && !synchronizing {
            self.mode = if len > self.bounds.dropped { Mode::Fatal } else { Mode::Drain(len) };
        }
        Part::Skip(n)
    }

    /// All of the input is seen, and the part does not end.
    fn incomplete(&mut self, n: usize) -> Part {
        if let Mode::Skip | Mode::SkipRaw = self.mode
            && n > 0
        {
            self.seen = 0;
            return Part::Skip(n);
        }
        if self.seen <= n && n - self.nested > self.bounds.line {
            self.seen = 0;
            self.nested = 0;
            // What is recognised of a header goes on.
            self.mode = if let Mode::Raw = self.mode { Mode::SkipRaw } else { Mode::Skip };
            return Part::Refuse(n, Refusal::LineTooLong);
        }
        if n > 0 && self.seen == n && self.header.is_outside() {
            self.calm_down(n);
        }
        Part::Need(self.seen.saturating_sub(n).max(1))
    }
}

/// Whether a line that begins so, after its tag, is another command than UID REPLACE.
#[inline]
const fn uid_line(i: &[u8]) -> Option<()> {
    match i {
        [
            _,
            _,
            b'I' | b'i',
            b'D' | b'd',
            b' ',
            b'C' | b'c' | b'E'..=b'F' | b'e'..=b'f' | b'M' | b'm' | b'S' | b's',
            ..,
        ] => Some(()),
        _ => None,
    }
}

/// Whether `verb`, as far as it is read, can become APPEND, REPLACE or UID. It is looked at after each octet, so it only sorts
/// out most others early.
#[inline]
const fn may_matter(verb: u64) -> bool {
    const A: u64 = b'A' as u64;
    const R: u64 = b'R' as u64;
    const U: u64 = b'U' as u64;
    match verb {
        A | R | U => true,
        0..=0xff => false,
        0x100..=0xffff => verb >> 8 != A || verb & 0xff == b'P' as u64,
        _ => verb >> 56 == 0,
    }
}

/// How many octets of the input belong to something of which `left` are left.
fn take(input: &[u8], left: u64) -> usize {
    usize::try_from(left).map_or(input.len(), |left| left.min(input.len()))
}

/// How many octets to wish for.
fn wanted(left: u64) -> usize {
    usize::try_from(left).map_or(65_536, |left| left.min(65_536))
}

/// A usize is no wider than 64 bits on any machine Rust knows.
fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
