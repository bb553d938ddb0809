use std::fmt;

/// What a store call answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store call failed, in the terms the protocols can express (RFC 5530, RFC 3463).
///
/// What each protocol says:
///
/// | kind | IMAP4 (RFC 5530, 7889) | POP3 (RFC 2449, 3206) | SMTP (RFC 5321, 3463) |
/// |---|---|---|---|
/// | `NotFound` | `NONEXISTENT`, and `TRYCREATE` for the target of APPEND and COPY | | 550 5.1.1 |
/// | `Exists` | `ALREADYEXISTS` | | 554 5.3.0 |
/// | `NoPerm` | `NOPERM` | | 550 5.7.1 |
/// | `OverQuota` | `OVERQUOTA` | `SYS/TEMP` | 452 4.2.2 |
/// | `TooBig` | `TOOBIG` | | 552 5.3.4 |
/// | `Limit` | `LIMIT` | `SYS/TEMP` | 452 4.2.0 |
/// | `InUse` | `INUSE` | `IN-USE` | 450 4.2.1 |
/// | `Unavailable` | `UNAVAILABLE` | `SYS/TEMP` | 451 4.3.0 |
/// | `Cannot` | `CANNOT` | | 554 5.3.0 |
/// | `Gone` | `EXPUNGEISSUED` | | 550 5.1.1 |
/// | `HistoryLost` | (never reaches a client) | `SYS/TEMP` | 451 4.3.0 |
/// | `Unsupported` | `CANNOT` | | 554 5.3.3 |
/// | `Corrupt` | `CORRUPTION` | `SYS/PERM` | 451 4.3.0 |
/// | `Internal` | `SERVERBUG` | `SYS/PERM` | 451 4.3.0 |
///
/// A fault of the server's own is temporary in SMTP: the sender keeps the message and tries again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such mailbox or account.
    NotFound,
    /// The mailbox name is taken.
    Exists,
    /// The account may not do this.
    NoPerm,
    /// A quota would be exceeded.
    OverQuota,
    /// The message is larger than the store takes.
    TooBig,
    /// A limit other than quota: too many mailboxes, keywords, messages at once.
    Limit,
    /// Locked by somebody else; trying again later may work.
    InUse,
    /// A temporary failure outside the request: database busy, disk full, backend away.
    Unavailable,
    /// The operation can never work on this object: INBOX deleted, a name that cannot be.
    Cannot,
    /// The message or mailbox was there and is expunged or deleted.
    Gone,
    /// The changes asked for are no longer known; take a fresh snapshot.
    HistoryLost,
    /// The store does not implement this.
    Unsupported,
    /// Stored data is damaged.
    Corrupt,
    /// A fault in the store itself.
    Internal,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: &'static [Self] = &[
        Self::NotFound,
        Self::Exists,
        Self::NoPerm,
        Self::OverQuota,
        Self::TooBig,
        Self::Limit,
        Self::InUse,
        Self::Unavailable,
        Self::Cannot,
        Self::Gone,
        Self::HistoryLost,
        Self::Unsupported,
        Self::Corrupt,
        Self::Internal,
    ];

    /// The table above, once.
    const fn codes(self) -> (Option<&'static str>, Option<&'static str>, (u16, &'static str)) {
        match self {
            Self::NotFound => (Some("NONEXISTENT"), None, (550, "5.1.1")),
            Self::Exists => (Some("ALREADYEXISTS"), None, (554, "5.3.0")),
            Self::NoPerm => (Some("NOPERM"), None, (550, "5.7.1")),
            Self::OverQuota => (Some("OVERQUOTA"), Some("SYS/TEMP"), (452, "4.2.2")),
            Self::TooBig => (Some("TOOBIG"), None, (552, "5.3.4")),
            Self::Limit => (Some("LIMIT"), Some("SYS/TEMP"), (452, "4.2.0")),
            Self::InUse => (Some("INUSE"), Some("IN-USE"), (450, "4.2.1")),
            Self::Unavailable => (Some("UNAVAILABLE"), Some("SYS/TEMP"), (451, "4.3.0")),
            Self::Cannot => (Some("CANNOT"), None, (554, "5.3.0")),
            Self::Gone => (Some("EXPUNGEISSUED"), None, (550, "5.1.1")),
            Self::HistoryLost => (None, Some("SYS/TEMP"), (451, "4.3.0")),
            Self::Unsupported => (Some("CANNOT"), None, (554, "5.3.3")),
            Self::Corrupt => (Some("CORRUPTION"), Some("SYS/PERM"), (451, "4.3.0")),
            Self::Internal => (Some("SERVERBUG"), Some("SYS/PERM"), (451, "4.3.0")),
        }
    }

    /// The response code of IMAP4 (RFC 5530 section 3, RFC 7889 section 4), without brackets.
    /// For the *target* of APPEND, COPY and MOVE, [`NotFound`](Self::NotFound) is `TRYCREATE` instead.
    #[must_use]
    pub const fn imap_code(self) -> Option<&'static str> {
        self.codes().0
    }

    /// The response code of POP3 (RFC 2449 section 8, RFC 3206 section 4), without brackets.
    #[must_use]
    pub const fn pop3_code(self) -> Option<&'static str> {
        self.codes().1
    }

    /// The reply code of SMTP (RFC 5321 section 4.2) and the enhanced status code (RFC 3463) for a delivery
    /// or a submission that failed.
    #[must_use]
    pub const fn smtp(self) -> (u16, &'static str) {
        self.codes().2
    }

    /// Whether a person may read [`StoreError::text`]; else it is for the log alone.
    #[must_use]
    pub const fn is_for_the_client(self) -> bool {
        !matches!(self, Self::Internal | Self::Corrupt)
    }
}

/// A failed store call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What kind of failure it is; the protocol's answer follows from it.
    pub kind: ErrorKind,
    /// Words for the log, and for the client where the kind is not [`ErrorKind::Internal`] or
    /// [`ErrorKind::Corrupt`].
    pub text: Option<String>,
}

impl StoreError {
    /// An error of this kind with words for a person.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: Some(text.into()) }
    }
}

impl From<ErrorKind> for StoreError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind, text: None }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.as_deref().unwrap_or(match self.kind {
            ErrorKind::NotFound => "it does not exist",
            ErrorKind::Exists => "it exists already",
            ErrorKind::NoPerm => "permission denied",
            ErrorKind::OverQuota => "over quota",
            ErrorKind::TooBig => "the message is too big",
            ErrorKind::Limit => "a limit is reached",
            ErrorKind::InUse => "it is in use",
            ErrorKind::Unavailable => "temporarily unavailable",
            ErrorKind::Cannot => "this cannot be done",
            ErrorKind::Gone => "it is gone",
            ErrorKind::HistoryLost => "the history is no longer known",
            ErrorKind::Unsupported => "not supported by this store",
            ErrorKind::Corrupt => "stored data is damaged",
            ErrorKind::Internal => "internal error",
        }))
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_codes_the_protocols_know() {
        for &kind in ErrorKind::ALL {
            let (basic, enhanced) = kind.smtp();
            assert_eq!(basic / 100, enhanced[..1].parse::<u16>().unwrap(), "{kind:?}");
            assert_eq!(enhanced.split('.').count(), 3);
            assert!(kind.imap_code().is_none_or(|c| c.bytes().all(|b| b.is_ascii_uppercase())));
            assert!(kind.pop3_code().is_none_or(|c| ["SYS/TEMP", "SYS/PERM", "IN-USE"].contains(&c)));
            assert!(!StoreError::from(kind).to_string().is_empty());
        }
    }
}
