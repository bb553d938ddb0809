use std::{fmt, io};

use mailstore_api::{ErrorKind, StoreError};

/// What kind of fault a [`TransferError`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TransferErrorKind {
    /// What is read is malformed, cut off, or not of the format it should be.
    Malformed,
    /// One message does not have its checksum; the next can be read.
    Damaged,
    /// A file cannot be read or written.
    Io,
    /// The store refused.
    Store(ErrorKind),
    /// The rules forbid it: the account has mail already, the target has something in it.
    Refused,
}

/// Why an export or import ended, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransferError {
    /// What kind of fault.
    pub kind: TransferErrorKind,
    /// Where: a file, a message, an offset; may be empty.
    pub at: String,
    /// What is wrong, for a person.
    pub text: String,
}

/// What a transfer answers.
pub type Result<T> = std::result::Result<T, TransferError>;

impl TransferError {
    pub(crate) fn malformed(at: impl fmt::Display, text: impl Into<String>) -> Self {
        Self { kind: TransferErrorKind::Malformed, at: at.to_string(), text: text.into() }
    }

    pub(crate) fn refused(text: impl Into<String>) -> Self {
        Self { kind: TransferErrorKind::Refused, at: String::new(), text: text.into() }
    }

    pub(crate) fn io(at: impl fmt::Display, e: &io::Error) -> Self {
        Self { kind: TransferErrorKind::Io, at: at.to_string(), text: e.to_string() }
    }

    pub(crate) fn store(at: impl fmt::Display, e: &StoreError) -> Self {
        Self { kind: TransferErrorKind::Store(e.kind), at: at.to_string(), text: e.to_string() }
    }

    /// Which error of the store it is, if one.
    #[must_use]
    pub const fn store_kind(&self) -> Option<ErrorKind> {
        match self.kind {
            TransferErrorKind::Store(kind) => Some(kind),
            _ => None,
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", self.at, self.text) }
    }
}

impl std::error::Error for TransferError {}
