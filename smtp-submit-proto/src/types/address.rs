use alloc::{
    borrow::Cow,
    boxed::Box,
    string::{String, ToString},
};
use core::fmt;

use crate::{AddressError, AddressRules, grammar};

/// A mailbox as SMTP knows it: `Local-part "@" ( Domain / address-literal )` (RFC 5321 section 4.1.2).
///
/// It is checked: no control character, no line end, no lone quote, within the lengths of
/// RFC 5321 section 4.5.3.1 (64 octets before the `@`, 255 after it).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mailbox<'b> {
    text: &'b str,
    at: usize,
}

impl<'b> Mailbox<'b> {
    /// Only for the grammar, which has checked that `text` is a mailbox with its `@` at `at`.
    pub(crate) const fn from_checked(text: &'b str, at: usize) -> Self {
        Self { text, at }
    }

    /// Reads a mailbox from text, by the rules of RFC 5321.
    ///
    /// # Errors
    /// When it is none; see [`AddressError`].
    pub fn parse(text: &'b str) -> Result<Self, AddressError> {
        grammar::mailbox(text.as_bytes(), AddressRules::default())
    }

    /// Reads a mailbox from text, in which RFC 6531 section 3.3 allows UTF-8.
    ///
    /// # Errors
    /// When it is none; see [`AddressError`].
    pub fn parse_utf8(text: &'b str) -> Result<Self, AddressError> {
        grammar::mailbox(text.as_bytes(), AddressRules { utf8: true, ..AddressRules::default() })
    }

    /// Reads a mailbox that a server accepted before, by whichever of its [tolerances](crate::Tolerances): as
    /// [`parse_utf8`](Self::parse_utf8), and with underscores in the domain. For what comes back from where it was kept: a queue.
    ///
    /// # Errors
    /// When it is none; see [`AddressError`].
    pub fn parse_accepted(text: &'b str) -> Result<Self, AddressError> {
        grammar::mailbox(text.as_bytes(), AddressRules { utf8: true, underscore: true })
    }

    /// The whole mailbox as it was written.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        self.text
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(self) -> LocalPart<'b> {
        LocalPart(self.text.get(..self.at).unwrap_or(""))
    }

    /// What stands after the `@`: a domain, or an address literal in brackets.
    #[must_use]
    pub fn domain(self) -> &'b str {
        self.text.get(self.at + 1..).unwrap_or("")
    }

    /// Whether the domain is an address literal (RFC 5321 section 4.1.3).
    #[must_use]
    pub fn is_address_literal(self) -> bool {
        self.domain().starts_with('[')
    }

    /// Whether SMTPUTF8 (RFC 6531) is needed to name it.
    #[must_use]
    pub const fn is_internationalised(self) -> bool {
        !self.text.is_ascii()
    }

    /// An owned copy.
    #[must_use]
    pub fn into_owned(self) -> MailboxBuf {
        MailboxBuf { text: self.text.into(), at: self.at }
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text, f)
    }
}

/// The part of a mailbox before the `@`, as written: a dot-string or a quoted string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LocalPart<'b>(&'b str);

impl<'b> LocalPart<'b> {
    /// As it was written, with its quotes.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        self.0
    }

    /// What it means, without quotes and backslashes: all quoted forms are equivalent
    /// (RFC 5321 section 4.1.2). Allocates only where a backslash has to go.
    #[must_use]
    pub fn unquoted(self) -> Cow<'b, str> {
        let Some(inner) = self.0.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
            return Cow::Borrowed(self.0);
        };
        if !inner.contains('\\') {
            return Cow::Borrowed(inner);
        }
        let mut out = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            out.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(out)
    }
}

/// An owned [`Mailbox`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailboxBuf {
    text: Box<str>,
    at: usize,
}

impl MailboxBuf {
    /// The same, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> Mailbox<'_> {
        Mailbox { text: &self.text, at: self.at }
    }
}

impl fmt::Display for MailboxBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for MailboxBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Where failures of a message go: MAIL's argument (RFC 5321 section 4.1.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReversePath<'b> {
    /// `<>`: nobody; the message is itself a report (RFC 5321 section 4.5.5).
    Null,
    /// A mailbox. A source route before it was dropped (RFC 5321 appendix C).
    Mailbox(Mailbox<'b>),
}

impl<'b> ReversePath<'b> {
    /// The mailbox, where there is one.
    #[must_use]
    pub const fn mailbox(self) -> Option<Mailbox<'b>> {
        match self {
            Self::Null => None,
            Self::Mailbox(m) => Some(m),
        }
    }
}

impl fmt::Display for ReversePath<'_> {
    /// With its angle brackets, as MAIL and `Return-Path:` have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(m) => write!(f, "<{m}>"),
        }
    }
}

/// Where a message goes: RCPT's argument (RFC 5321 section 4.1.1.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ForwardPath<'b> {
    /// `<Postmaster>`, in any case and without a domain: every server knows it (RFC 5321 section 4.5.1).
    Postmaster,
    /// A mailbox. A source route before it was dropped (RFC 5321 appendix C).
    Mailbox(Mailbox<'b>),
}

impl<'b> ForwardPath<'b> {
    /// The mailbox, where it names a domain.
    #[must_use]
    pub const fn mailbox(self) -> Option<Mailbox<'b>> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(m) => Some(m),
        }
    }

    /// The text between the angle brackets.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        match self {
            Self::Postmaster => "Postmaster",
            Self::Mailbox(m) => m.as_str(),
        }
    }
}

impl fmt::Display for ForwardPath<'_> {
    /// With its angle brackets, as RCPT has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}

impl From<Mailbox<'_>> for String {
    fn from(m: Mailbox<'_>) -> Self {
        m.text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_quoted_forms_mean_the_same() {
        for (written, means) in [
            ("a.b", "a.b"),
            ("\"a.b\"", "a.b"),
            ("\"a\\.b\"", "a.b"),
            ("\"Joe\\,Smith\"", "Joe,Smith"),
            ("\"\"", ""),
        ] {
            assert_eq!(LocalPart(written).unquoted(), means);
        }
    }

    #[test]
    fn a_mailbox_comes_apart_at_the_right_sign() {
        let m = Mailbox::parse("\"a@b\"@[IPv6:::1]").unwrap();
        assert_eq!((m.local_part().as_str(), m.domain()), ("\"a@b\"", "[IPv6:::1]"));
        assert!(m.is_address_literal());
        assert_eq!(m.into_owned().borrowed(), m);
    }
}
