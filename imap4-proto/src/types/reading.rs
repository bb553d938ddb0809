use super::bits;

bits! {
    /// Deviations of real servers that are read nevertheless. Each is one policy, on or off at run time.
    ///
    /// None of them changes how a response that follows the grammar is read.
    Quirks(u32) {
        /// A Content-Disposition that is a mere string: `"inline"` for `("inline" NIL)` (Exchange).
        DISPOSITION_STRING = 1;
        /// A multipart without parts: `("RELATED" NIL ...)` (Gmail).
        EMPTY_MULTIPART = 1 << 1;
        /// A quote within a quoted string doubled or left bare before another: `""""` (163.com). The string keeps both.
        DOUBLED_QUOTE = 1 << 2;
        /// A size of -1 is 0 (MailKit's issue 823).
        NEGATIVE_NUMBER = 1 << 3;
        /// `NIL` among the addresses of an envelope is no address (SmarterMail).
        NIL_ADDRESS = 1 << 4;
        /// Parentheses round an item of FETCH and its value (Domino).
        ITEM_IN_PARENTHESES = 1 << 5;
        /// An ENVELOPE of fewer than ten fields: the missing ones are NIL.
        SHORT_ENVELOPE = 1 << 6;
        /// `()` for NIL where the grammar wants a list of at least one (hydroxide).
        EMPTY_LIST = 1 << 7;
        /// The value of a parameter is NIL: it is empty (mail.ru).
        NIL_PARAMETER = 1 << 8;
        /// A status response without any text (mail.ru).
        NO_TEXT = 1 << 9;
        /// A body section without its value: it is NIL (Yandex, Gmail).
        MISSING_BODY = 1 << 10;
        /// An attribute of LIST or a flag that is a mere backslash (IdeaImapServer).
        EMPTY_FLAG = 1 << 11;
        /// `+` and nothing else, not even the space (public-inbox).
        BARE_CONTINUATION = 1 << 12;
        /// Spaces at the end of a response, and more than one between its elements.
        EXTRA_SPACE = 1 << 13;
        /// Lines that end in a bare LF.
        BARE_LF = 1 << 14;
        /// Fields of a body structure that end too early: what the part's type adds, or the extension data.
        SHORT_STRUCTURE = 1 << 15;
        /// NIL where a string must be, as for a media type or an encoding: it is empty.
        NIL_STRING = 1 << 16;
        /// A CAPABILITY response during a login, in place of a code in its OK, shows what holds after it (Gmail). Off, it is
        /// forgotten with all that was said before the login.
        CAPABILITY_DURING_LOGIN = 1 << 17;
        /// A SASL challenge in base64 without its padding.
        UNPADDED_BASE64 = 1 << 18;
    }
}

impl Quirks {
    /// All of them.
    pub const ALL: Self = Self::from_bits(u32::MAX);
}

/// How responses are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Mailbox names are in UTF-8.
    pub utf8: bool,
    /// What is tolerated.
    pub quirks: Quirks,
}

impl Reading {
    /// Nothing but the grammar.
    pub const STRICT: Self = Self { utf8: false, quirks: Quirks::NONE };
    /// Everything that servers are known to send.
    pub const TOLERANT: Self = Self { utf8: false, quirks: Quirks::ALL };

    /// The same, with names in UTF-8 or modified UTF-7.
    #[must_use]
    pub const fn with_utf8(self, utf8: bool) -> Self {
        Self { utf8, ..self }
    }

    #[inline]
    pub(crate) const fn may(self, quirk: Quirks) -> bool {
        self.quirks.contains(quirk)
    }
}
