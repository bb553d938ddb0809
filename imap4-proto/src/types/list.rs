use core::fmt;

use super::{AString, ListOf, MailboxArg, StatusItems, bits};
use crate::grammar;

/// CREATE (RFC 9051 section 6.3.4) with the special uses of RFC 6154 section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Create<'b> {
    /// The new mailbox. A hierarchy delimiter at its end announces children.
    pub mailbox: MailboxArg<'b>,
    /// `(USE (...))`: the uses that are known.
    pub special_use: MailboxAttributes,
    /// Whether a use was asked for that is not known (answer `NO [USEATTR]`).
    pub unknown_use: bool,
}

impl<'b> Create<'b> {
    /// CREATE without parameters.
    #[must_use]
    pub const fn new(mailbox: MailboxArg<'b>) -> Self {
        Self { mailbox, special_use: MailboxAttributes::NONE, unknown_use: false }
    }
}

/// LIST (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct List<'b> {
    /// Selection options.
    pub select: ListSelect,
    /// The reference name.
    pub reference: MailboxArg<'b>,
    /// One pattern, or several in parentheses.
    pub patterns: Patterns<'b>,
    /// Return options.
    pub returns: ListReturn,
    /// The return option `METADATA (...)` (RFC 9590): a METADATA response of these entries for each mailbox.
    pub metadata: Option<ListOf<'b, AString<'b>>>,
}

impl<'b> List<'b> {
    /// LIST without options.
    #[must_use]
    pub const fn new(reference: MailboxArg<'b>, patterns: Patterns<'b>) -> Self {
        Self { select: ListSelect::NONE, reference, patterns, returns: ListReturn::NONE, metadata: None }
    }

    /// Whether it uses the extended syntax; then an empty pattern lists nothing special, and `\NonExistent`
    /// may be answered (RFC 5258 section 3).
    #[must_use]
    pub fn is_extended(&self) -> bool {
        !self.select.is_empty() || self.returns != ListReturn::NONE || self.patterns.in_parentheses
    }
}

bits! {
    /// Selection options of LIST (RFC 9051 section 6.3.9.1).
    ListSelect(u8) {
        /// `SUBSCRIBED`: subscribed names instead of existing mailboxes.
        SUBSCRIBED = 1;
        /// `REMOTE`
        REMOTE = 2;
        /// `RECURSIVEMATCH`: also parents of what matches.
        RECURSIVEMATCH = 4;
        /// `SPECIAL-USE`: only mailboxes with a special use (RFC 6154 section 2).
        SPECIAL_USE = 8;
        /// `()` was written: the extended syntax without options.
        EXTENDED = 16;
    }
}

/// Return options of LIST (RFC 9051 section 6.3.9.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListReturn {
    /// `SUBSCRIBED`
    pub subscribed: bool,
    /// `CHILDREN`
    pub children: bool,
    /// `SPECIAL-USE` (RFC 6154)
    pub special_use: bool,
    /// `STATUS (...)` (RFC 5819): a STATUS response for each mailbox.
    pub status: Option<StatusItems>,
    /// `MYRIGHTS` (RFC 8440): a MYRIGHTS response for each mailbox.
    pub my_rights: bool,
    /// `RETURN` was written, perhaps with nothing in it.
    pub given: bool,
}

impl ListReturn {
    /// No return options.
    pub const NONE: Self = Self {
        subscribed: false,
        children: false,
        special_use: false,
        status: None,
        my_rights: false,
        given: false,
    };
}

/// `mbox-or-pat` (RFC 9051 section 9): validated text.
#[derive(Clone, Copy)]
pub struct Patterns<'b> {
    pub(crate) wire: &'b [u8],
    pub(crate) utf8: bool,
    pub(crate) in_parentheses: bool,
}

impl<'b> Patterns<'b> {
    /// Reads one pattern, or several in parentheses; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'b [u8], utf8: bool) -> Option<Self> {
        match grammar::list::patterns(text, utf8) {
            Ok(([], p)) => Some(p),
            _ => None,
        }
    }

    /// The patterns; `*` and `%` in them are wildcards.
    pub fn iter(&self) -> impl Iterator<Item = MailboxArg<'b>> + Clone + 'b {
        let utf8 = self.utf8;
        grammar::list::ListMailboxes(self.wire).map(move |s| MailboxArg::new(s, utf8))
    }
}

impl PartialEq for Patterns<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl Eq for Patterns<'_> {}
impl fmt::Debug for Patterns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The attributes of a mailbox with, for each, its name.
macro_rules! attributes {
    ($($(#[$doc:meta])* $const:ident = $bit:literal, $name:literal;)*) => {
        bits! {
            /// Attributes of a mailbox in LIST (RFC 9051 section 7.3.1, RFC 6154 section 2, RFC 8457).
            MailboxAttributes(u32) {
                $($(#[$doc])* $const = 1u32 << $bit;)*
            }
        }
        impl MailboxAttributes {
            /// Each attribute's name.
            pub(crate) const NAMES: &'static [(Self, &'static str)] = &[$((Self::$const, $name)),*];
        }
    };
}

attributes! {
    /// It does not exist.
    NON_EXISTENT = 0, "\\NonExistent";
    /// It cannot be selected.
    NO_SELECT = 1, "\\Noselect";
    /// It has no children and can get none.
    NO_INFERIORS = 2, "\\Noinferiors";
    /// It has children.
    HAS_CHILDREN = 3, "\\HasChildren";
    /// It has no children.
    HAS_NO_CHILDREN = 4, "\\HasNoChildren";
    /// The server thinks it interesting.
    MARKED = 5, "\\Marked";
    /// It has no new messages.
    UNMARKED = 6, "\\Unmarked";
    /// The user subscribes to it.
    SUBSCRIBED = 7, "\\Subscribed";
    /// It is on another server.
    REMOTE = 8, "\\Remote";
    /// The user lacks a right that NOTIFY needs (RFC 5465 section 3.1).
    NO_ACCESS = 9, "\\NoAccess";
    /// All messages.
    ALL = 16, "\\All";
    /// Archived messages.
    ARCHIVE = 17, "\\Archive";
    /// Drafts.
    DRAFTS = 18, "\\Drafts";
    /// Flagged messages.
    FLAGGED = 19, "\\Flagged";
    /// Junk mail.
    JUNK = 20, "\\Junk";
    /// Sent messages.
    SENT = 21, "\\Sent";
    /// Deleted messages.
    TRASH = 22, "\\Trash";
    /// Important messages (RFC 8457).
    IMPORTANT = 23, "\\Important";
}

impl MailboxAttributes {
    /// The special uses (RFC 6154 section 2, RFC 8457).
    pub const SPECIAL_USE: Self = Self(0xff << 16);

    /// The attribute of this name (with its backslash), in any case.
    #[must_use]
    pub fn by_name(name: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| n.as_bytes().eq_ignore_ascii_case(name)).map(|(c, _)| *c)
    }

    /// The names of those in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(c, _)| self.contains(*c)).map(|(_, n)| *n)
    }
}

/// What a LIST response says (RFC 9051 section 7.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListData<'a> {
    /// The attributes.
    pub attributes: MailboxAttributes,
    /// The hierarchy delimiter; `None`: the namespace is flat.
    pub delimiter: Option<char>,
    /// The name as text; it is written in the connection's encoding.
    pub name: &'a str,
    /// `CHILDINFO ("SUBSCRIBED")`: a child matches the selection although this name may not.
    pub child_subscribed: bool,
    /// `OLDNAME (name)`: what it was called before.
    pub old_name: Option<&'a str>,
}

impl<'a> ListData<'a> {
    /// Without extended data.
    #[must_use]
    pub const fn new(attributes: MailboxAttributes, delimiter: Option<char>, name: &'a str) -> Self {
        Self { attributes, delimiter, name, child_subscribed: false, old_name: None }
    }
}
