use core::fmt;

use super::bits;
use crate::grammar;

bits! {
    /// System flags (RFC 9051 section 2.3.2), and `\Recent` of RFC 3501.
    SystemFlags(u8) {
        /// `\Seen`
        SEEN = 1;
        /// `\Answered`
        ANSWERED = 2;
        /// `\Flagged`
        FLAGGED = 4;
        /// `\Deleted`
        DELETED = 8;
        /// `\Draft`
        DRAFT = 16;
        /// `\Recent` (RFC 3501 section 2.3.2): no client can set it, no IMAP4rev2 client is shown it.
        RECENT = 32;
    }
}

impl SystemFlags {
    /// The five flags a message keeps.
    pub const ALL: Self = Self(31);
}

/// One flag (RFC 9051 section 9, `flag`).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flag<'b> {
    /// One system flag: `\Seen`, `\Answered`, `\Flagged`, `\Deleted`, `\Draft` or `\Recent`.
    System(SystemFlags),
    /// `flag-keyword`: an atom.
    Keyword(&'b str),
    /// `flag-extension`: the atom after the backslash.
    Extension(&'b str),
}

impl fmt::Debug for Flag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(s) => write!(f, "{s:?}"),
            Self::Keyword(k) => f.write_str(k),
            Self::Extension(k) => write!(f, "\\{k}"),
        }
    }
}

/// A list of flags: validated text, read again by each iteration.
#[derive(Clone, Copy, Default)]
pub struct FlagList<'b>(pub(crate) &'b [u8]);

impl<'b> FlagList<'b> {
    /// Reads flags with one space between them, without parentheses; `None` where they are none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match grammar::flag::flags(text) {
            Ok(([], list)) => Some(list),
            _ => None,
        }
    }

    /// The flags, in the order they were written.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Flag<'b>> + Clone + 'b {
        grammar::flag::Flags(self.0)
    }

    /// All system flags among them.
    #[must_use]
    pub fn system(&self) -> SystemFlags {
        self.iter().fold(SystemFlags::NONE, |all, f| match f {
            Flag::System(s) => all | s,
            _ => all,
        })
    }

    /// The keywords among them.
    pub fn keywords(&self) -> impl Iterator<Item = &'b str> + Clone + 'b {
        self.iter().filter_map(|f| match f {
            Flag::Keyword(k) => Some(k),
            _ => None,
        })
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialEq for FlagList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for FlagList<'_> {}

impl fmt::Debug for FlagList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
