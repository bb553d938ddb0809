use alloc::borrow::Cow;

use super::AString;
use crate::mutf7;

/// A mailbox name as a client wrote it: octets, and the encoding the connection uses for names.
///
/// Modified UTF-7 (RFC 3501 section 5.1.3), or UTF-8 once the client has enabled IMAP4rev2 or
/// UTF8=ACCEPT (RFC 9051 section 5.1, RFC 6855 section 3). A malformed name is carried: its octets
/// are at hand, and the session decides what to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxArg<'b> {
    name: AString<'b>,
    utf8: bool,
}

/// The name is not valid in the encoding the connection uses (answer `NO [CANNOT]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mailbox name is not valid {}", if *utf8 { "UTF-8" } else { "modified UTF-7" })]
#[non_exhaustive]
pub struct MalformedName {
    /// Whether it should have been UTF-8.
    pub utf8: bool,
}

impl<'b> MailboxArg<'b> {
    /// A name in the connection's encoding.
    #[must_use]
    pub const fn new(name: AString<'b>, utf8: bool) -> Self {
        Self { name, utf8 }
    }

    /// The octets as they came (escapes undone).
    #[must_use]
    pub fn bytes(&self) -> Cow<'b, [u8]> {
        self.name.bytes()
    }

    /// The string as it stood on the wire.
    #[must_use]
    pub const fn as_astring(&self) -> AString<'b> {
        self.name
    }

    /// Whether the connection's names are in UTF-8.
    #[must_use]
    pub const fn is_utf8(&self) -> bool {
        self.utf8
    }

    /// Whether it is INBOX, in any case (RFC 9051 section 5.1).
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"INBOX")
    }

    /// Whether it is the empty string, as in `LIST "" ""`.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.name.is_empty()
    }

    /// The name as text. Wildcards of a LIST pattern stay what they are.
    ///
    /// # Errors
    /// [`MalformedName`] where the octets are not valid in the connection's encoding.
    pub fn decode(&self) -> Result<Cow<'b, str>, MalformedName> {
        let malformed = MalformedName { utf8: self.utf8 };
        if self.utf8 {
            return self.name.to_str().ok_or(malformed);
        }
        match self.name.bytes() {
            Cow::Borrowed(b) => mutf7::decode(b).ok_or(malformed),
            Cow::Owned(b) => mutf7::decode(&b).map(|s| Cow::Owned(s.into_owned())).ok_or(malformed),
        }
    }
}
