use std::fmt;

/// What a store call answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store call failed, in the terms the protocols can express (RFC 5530, RFC 3463).
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
