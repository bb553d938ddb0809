use core::fmt;

use super::{AString, MailboxArg, MailboxAttributes};
use crate::grammar::{self, response};

/// What a LIST or LSUB response says (RFC 9051 section 7.3.1), as a client reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed<'b> {
    /// The attributes that have a name here; others are dropped.
    pub attributes: MailboxAttributes,
    /// The hierarchy delimiter; `None`: the namespace is flat.
    pub delimiter: Option<char>,
    /// The name, in the connection's encoding.
    pub name: MailboxArg<'b>,
    /// `CHILDINFO` with `SUBSCRIBED` in it (RFC 5258 section 3.5).
    pub child_subscribed: bool,
    /// `OLDNAME` (RFC 9051 section 6.3.9.7)
    pub old_name: Option<MailboxArg<'b>>,
}

impl<'b> Listed<'b> {
    /// Without extended data.
    #[must_use]
    pub const fn new(attributes: MailboxAttributes, delimiter: Option<char>, name: MailboxArg<'b>) -> Self {
        Self { attributes, delimiter, name, child_subscribed: false, old_name: None }
    }
}

/// The numbers of a SEARCH response: validated text, read again by each iteration.
#[derive(Clone, Copy, Default)]
pub struct Numbers<'b>(pub(crate) &'b [u8]);

impl<'b> Numbers<'b> {
    /// Reads numbers with one space between them; `None` where they are none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        text.split(|b| *b == b' ')
            .all(|n| grammar::number::digits(n).is_some_and(|n| n > 0))
            .then_some(Self(text))
    }

    /// The numbers, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = u32> + Clone + 'b {
        self.0.split(|b| *b == b' ').filter_map(grammar::number::digits)
    }
}

impl PartialEq for Numbers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Numbers<'_> {}
impl fmt::Debug for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Namespaces of one kind (RFC 2342 section 6): validated text. NIL has none.
#[derive(Clone, Copy, Default)]
pub struct Namespaces<'b>(pub(crate) &'b [u8]);

impl<'b> Namespaces<'b> {
    /// Reads `NIL` or a list of namespaces in parentheses; `None` where it is neither.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match response::namespaces(text) {
            Ok(([], n)) => Some(n),
            _ => None,
        }
    }

    /// Prefix and delimiter of each, in the order they were written.
    pub fn iter(&self) -> impl Iterator<Item = (AString<'b>, Option<char>)> + Clone + 'b {
        response::Descriptions(self.0)
    }
}

impl PartialEq for Namespaces<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Namespaces<'_> {}
impl fmt::Debug for Namespaces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
