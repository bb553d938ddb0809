use std::io;

use mailstore_api::{ErrorKind, StoreError};
use rusqlite::ErrorCode;

/// What goes wrong inside; becomes a [`StoreError`] where it leaves the crate.
#[derive(Debug)]
pub(crate) enum Fault {
    /// An answer of the contract; the data are well.
    Refused(StoreError),
    Sql(rusqlite::Error),
    Io(io::Error),
}

pub(crate) type Res<T> = Result<T, Fault>;

impl From<StoreError> for Fault {
    fn from(e: StoreError) -> Self {
        Self::Refused(e)
    }
}
impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Self {
        Self::Refused(kind.into())
    }
}
impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Self {
        Self::Sql(e)
    }
}
impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(e: rusqlite::types::FromSqlError) -> Self {
        Self::Sql(e.into())
    }
}
impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused(e) => e,
            Fault::Sql(e) => sql(&e),
            Fault::Io(e) => disk(&e),
        }
    }
}

pub(crate) fn refused(kind: ErrorKind, text: impl Into<String>) -> Fault {
    Fault::Refused(StoreError::new(kind, text))
}

/// Stored data that cannot be.
pub(crate) fn damaged(what: impl Into<String>) -> Fault {
    refused(ErrorKind::Corrupt, what)
}

fn sql(e: &rusqlite::Error) -> StoreError {
    let code = e.sqlite_error_code();
    tracing::warn!(error = %e, ?code, "the database refused");
    match code {
        Some(ErrorCode::DiskFull) => full(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::new(ErrorKind::Unavailable, "the store is busy")
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => StoreError::new(ErrorKind::Unavailable, "the store's disk cannot be used at present"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::new(ErrorKind::Corrupt, e.to_string())
        }
        _ => StoreError::new(ErrorKind::Internal, e.to_string()),
    }
}

fn disk(e: &io::Error) -> StoreError {
    tracing::warn!(error = %e, "the file system refused");
    match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(),
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => {
            StoreError::new(ErrorKind::Corrupt, e.to_string())
        }
        _ => StoreError::new(ErrorKind::Unavailable, "the store's disk cannot be used at present"),
    }
}

pub(crate) fn full() -> StoreError {
    StoreError::new(ErrorKind::Unavailable, "the store's disk is full")
}

/// The answer to all who come after the end.
pub(crate) fn closed() -> StoreError {
    StoreError::new(ErrorKind::Unavailable, "the store is closed")
}
