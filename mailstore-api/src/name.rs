use std::fmt;

/// A mailbox's opaque identity: immutable over rename, never reused; doubles as MAILBOXID
/// (RFC 8474), so it holds only letters, digits, `-` and `_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxId(pub String);

/// A mailbox's name as parts of the hierarchy, in UTF-8 as the user reads it. It has at least one
/// part, no part is empty, and no part holds a control character, a line separator or a paragraph separator.
///
/// No delimiter, no modified UTF-7: those are the protocol's. `INBOX` as the first part is upper case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxName {
    parts: Vec<String>,
}

/// Why parts make no [`MailboxName`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No part at all, or one of them is empty.
    #[error("an empty mailbox name, or one with an empty part")]
    Empty,
    /// A part holds a control character.
    #[error("a control character in the mailbox name")]
    Control,
    /// More than 1,000 octets in all, or more than 100 parts.
    #[error("the mailbox name is too long")]
    TooLong,
}

/// What no mailbox name holds (RFC 6855 section 3): controls, line and paragraph separators.
fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

impl MailboxName {
    /// Octets in all parts together, at most.
    pub const MAX_OCTETS: usize = 1000;
    /// Parts, at most.
    pub const MAX_DEPTH: usize = 100;

    /// The name with these parts; a first part `inbox` in any case becomes `INBOX`.
    ///
    /// # Errors
    /// When the parts make no name; see [`NameError`].
    pub fn new(parts: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, NameError> {
        let mut parts: Vec<String> = parts.into_iter().map(Into::into).collect();
        if parts.is_empty() || parts.iter().any(String::is_empty) {
            return Err(NameError::Empty);
        }
        if parts.iter().flat_map(|p| p.chars()).any(is_forbidden) {
            return Err(NameError::Control);
        }
        if parts.len() > Self::MAX_DEPTH || parts.iter().map(String::len).sum::<usize>() > Self::MAX_OCTETS {
            return Err(NameError::TooLong);
        }
        if let Some(first) = parts.first_mut()
            && first.eq_ignore_ascii_case("INBOX")
        {
            first.make_ascii_uppercase();
        }
        Ok(Self { parts })
    }

    /// INBOX.
    #[must_use]
    pub fn inbox() -> Self {
        Self { parts: vec!["INBOX".to_owned()] }
    }

    /// Whether this is INBOX itself.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        matches!(self.parts.as_slice(), [p] if p == "INBOX")
    }

    /// The parts, outermost first.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The names above it, the nearest first.
    pub fn parents(&self) -> impl Iterator<Item = Self> + use<> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// The name one level up; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        match self.parts.split_last() {
            Some((_, rest)) if !rest.is_empty() => Some(Self { parts: rest.to_vec() }),
            _ => None,
        }
    }

    /// Whether this lies below `other`, at any depth.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.parts.len() > other.parts.len() && self.parts.starts_with(&other.parts)
    }

    /// The same name with the leading `from` replaced by `to`; `None` when it does not lie at or below `from`.
    #[must_use]
    pub fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        let rest = self.parts.strip_prefix(from.parts.as_slice())?;
        Some(Self { parts: to.parts.iter().chain(rest).cloned().collect() })
    }
}

impl fmt::Display for MailboxName {
    /// The parts joined by `/`: for people and logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("/"))
    }
}
