use alloc::vec::Vec;
use core::fmt;

use crate::grammar::thread;

/// What a THREAD response says (RFC 5256 section 4): validated text, read again by each iteration.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Threads<'b>(pub(crate) &'b [u8]);

/// A piece of a THREAD response: the text itself is these, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadToken {
    /// `(`: a thread, or a branch of one, begins.
    Open,
    /// A message number or UID: the child of the one before it in the same parentheses.
    Message(u32),
    /// `)`
    Close,
}

/// A message and its place in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ThreadMessage {
    /// Its message number or UID.
    pub number: u32,
    /// The message it answers; `None` for one that answers none, or none in the mailbox.
    pub parent: Option<u32>,
    /// How many messages are above it.
    pub depth: u32,
    /// Whether it begins a thread of its own: a top-level `(` stands before it.
    pub first: bool,
}

impl<'b> Threads<'b> {
    /// How deep branches may nest when they come from the wire. A thread without branches is one level however long.
    pub const MAX_DEPTH: usize = 128;

    /// Reads `1*thread-list`; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(text));
        }
        match thread::threads(text) {
            Ok(([], threads)) => Some(threads),
            _ => None,
        }
    }

    /// Its text.
    #[must_use]
    pub const fn as_bytes(&self) -> &'b [u8] {
        self.0
    }

    /// Parentheses and numbers, as they were written.
    #[must_use]
    pub const fn tokens(&self) -> Tokens<'b> {
        Tokens(self.0)
    }

    /// The messages, each after the one it answers.
    #[must_use]
    pub const fn messages(&self) -> ThreadMessages<'b> {
        ThreadMessages { tokens: self.tokens(), open: Vec::new(), last: (None, 0), first: false }
    }
}

impl fmt::Debug for Threads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Threads({})", self.0.escape_ascii())
    }
}

/// The pieces of a THREAD response.
#[derive(Clone, Debug)]
pub struct Tokens<'b>(&'b [u8]);

impl Iterator for Tokens<'_> {
    type Item = ThreadToken;
    fn next(&mut self) -> Option<ThreadToken> {
        let (rest, token) = thread::token(self.0).ok()?;
        self.0 = rest;
        Some(token)
    }
}

/// The messages of a THREAD response.
#[derive(Clone, Debug)]
pub struct ThreadMessages<'b> {
    tokens: Tokens<'b>,
    /// What stood before each open parenthesis; at most [`Threads::MAX_DEPTH`].
    open: Vec<(Option<u32>, u32)>,
    /// The message before, and how many are above the next one.
    last: (Option<u32>, u32),
    first: bool,
}

impl Iterator for ThreadMessages<'_> {
    type Item = ThreadMessage;
    fn next(&mut self) -> Option<ThreadMessage> {
        loop {
            match self.tokens.next()? {
                ThreadToken::Open => {
                    if self.open.is_empty() {
                        self.first = true;
                        self.last = (None, 0);
                    }
                    self.open.push(self.last);
                }
                ThreadToken::Close => self.last = self.open.pop().unwrap_or_default(),
                ThreadToken::Message(number) => {
                    let (parent, depth) = self.last;
                    self.last = (Some(number), depth + 1);
                    let first = core::mem::take(&mut self.first);
                    return Some(ThreadMessage { number, parent, depth, first });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_know_whom_they_answer() {
        // RFC 5256 section 4: 3 and its child 6, whose children are 4 (with 23) and 44 (with 7 and 96).
        let threads = Threads::parse(b"(2)(3 6 (4 23)(44 7 96))((8)(9 10))").unwrap();
        let all: Vec<_> =
            threads.messages().map(|m| (m.number, m.parent.unwrap_or(0), m.depth, m.first)).collect();
        assert_eq!(
            all,
            [
                (2, 0, 0, true),
                (3, 0, 0, true),
                (6, 3, 1, false),
                (4, 6, 2, false),
                (23, 4, 3, false),
                (44, 6, 2, false),
                (7, 44, 3, false),
                (96, 7, 4, false),
                (8, 0, 0, true),
                (9, 0, 0, false),
                (10, 9, 1, false)
            ]
        );
        for wire in
            [&b"(1"[..], b"1", b"()", b"(1 )", b"(1)(", b"(1))", b"(0)", b"((1))", b"(1 (2))", b"(1 2(3)(4))"]
        {
            assert!(Threads::parse(wire).is_none(), "{}", wire.escape_ascii());
        }
    }
}
