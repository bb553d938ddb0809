use std::{fmt, time::Duration};

use mailstore_api::{InternalDate, MailboxName, MetadataLimits, SpecialUse};

/// How a [`SqliteStore`](crate::SqliteStore) behaves. All of it may differ from one opening to the next, but
/// for [`shards`](Self::shards), which counts only when the store is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// Databases the accounts are spread over; `None`: as many as there are processors. Each has one
    /// writer thread, and writes of different shards do not share an fsync.
    pub shards: Option<usize>,
    /// Reader threads, for all shards together.
    pub readers: usize,
    /// How soon a change of another process is seen at the latest, where something is open or watched.
    pub poll_every: Duration,
    /// The largest message, in octets.
    pub append_limit: Option<u64>,
    /// Expunges each mailbox remembers, as ranges of UIDs; what is older answers
    /// [`HistoryLost`](mailstore_api::ErrorKind::HistoryLost).
    pub history: usize,
    /// Different keywords in one mailbox.
    pub max_keywords: usize,
    /// Octets of the disk that are kept for deleting, 0 for none. When the disk is full they are given up: messages can
    /// still be expunged, moved and flagged, and new ones are refused until there is room to keep them again.
    pub reserve: u64,
    /// Octets of memory for what sessions derived from messages (ENVELOPE, BODYSTRUCTURE): what was asked for lately is there
    /// without a read.
    pub derived_in_memory: usize,
    /// What is kept of annotations.
    pub metadata: MetadataLimits,
    /// How long a write waits for another process that writes.
    pub busy_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shards: None,
            readers: 3,
            poll_every: Duration::from_secs(1),
            append_limit: Some(256 * 1024 * 1024),
            history: 100_000,
            max_keywords: 1_000,
            reserve: 16 * 1024 * 1024,
            derived_in_memory: 32 * 1024 * 1024,
            metadata: MetadataLimits::new(64 * 1024, 100),
            busy_timeout: Duration::from_secs(30),
        }
    }
}

/// An account as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its number: never used again for another account.
    pub id: u64,
    /// Its name. Names are compared without the case of ASCII letters.
    pub name: String,
    /// What verifies its password, as the server wrote it; opaque to the store. `None`: no password opens it.
    pub password_hash: Option<String>,
    /// When it was made.
    pub created: InternalDate,
}

impl fmt::Debug for AccountInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hash lets a password be guessed offline, so it stays out of logs.
        f.debug_struct("AccountInfo").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A mailbox a new account begins with, besides INBOX.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DefaultMailbox {
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: SpecialUse,
    /// Whether the account subscribes to it.
    pub subscribed: bool,
}
