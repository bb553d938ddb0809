//! Looking after a store: checking, repairing, backing up and shrinking it, also while it is served, by this
//! process or another.

mod backup;
mod changes;
mod check;
mod repair;

use std::{fmt, path::Path, time::Duration};

use mailstore_api::Result;
use rusqlite::Connection;

use crate::{
    SqliteStore,
    control::Control,
    error::Res,
    pool::shard_path,
    schema::{self, Kind, Role},
};

/// Findings a report keeps; more are counted.
const FINDINGS_MAX: usize = 10_000;

/// What kind of fault a [`Finding`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FindingKind {
    /// SQLite finds the database itself damaged, or it cannot be read.
    Database,
    /// A counter does not agree with what it counts.
    Counter,
    /// Something nothing refers to: a body, a file, rows of a mailbox that is gone.
    Orphan,
    /// A message whose body or mailbox is not there, or an account without INBOX.
    Dangling,
    /// Octets are more or fewer than was written down.
    Size,
    /// Octets are not those that were stored.
    Checksum,
    /// A message's file is not there.
    MissingFile,
    /// The packed copy of a mailbox's index is damaged.
    Packed,
    /// The log of a mailbox's changes lacks one: a process that has the mailbox open may miss what another changed.
    Changes,
}

impl FindingKind {
    /// Whether [`SqliteStore::repair`] mends it. What it does not mend concerns mail that is damaged or cannot be
    /// reached: only a backup has it.
    #[must_use]
    pub const fn is_mendable(self) -> bool {
        matches!(self, Self::Counter | Self::Orphan | Self::Packed | Self::Changes)
    }
}

/// One fault that [`SqliteStore::check`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of fault.
    pub kind: FindingKind,
    /// The shard it is in; `None`: in `control.db`.
    pub shard: Option<usize>,
    /// What is wrong, in words.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard {
            Some(n) => write!(f, "shard-{n:02}: {}", self.text),
            None => write!(f, "control: {}", self.text),
        }
    }
}

/// What [`SqliteStore::check`] looked at, and what it found.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct CheckReport {
    /// The faults; at most 10,000.
    pub findings: Vec<Finding>,
    /// Faults beyond these.
    pub left_out: u64,
    /// Messages looked at.
    pub messages: u64,
    /// Bodies whose octets were read and compared with their checksum.
    pub bodies: u64,
}

impl CheckReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, kind: FindingKind, shard: Option<usize>, text: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { kind, shard, text: text.into() });
        } else {
            self.left_out += 1;
        }
    }
}

/// How far a long call is: steps done, and steps in all as far as they are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Steps done: bodies, files or pages.
    pub done: u64,
    /// Steps in all, of the shard that is worked on.
    pub total: u64,
    /// The shard that is worked on.
    pub shard: usize,
}

/// Looking after the store. These calls block, for minutes on a big store: they belong on a thread of their own. All
/// of them may run while the store is served, by this process or by another.
impl SqliteStore {
    /// Looks for faults, and changes nothing: SQLite's own check, counters, use of quota, orphans, sizes and checksums of every
    /// body, missing files, references that lead nowhere, damaged packed indexes, gaps in the logs of changes. Each shard is looked at as it
    /// was at one moment.
    ///
    /// # Errors
    /// When the store cannot be read at all; damage is no error, but in the report.
    pub fn check(&self, progress: &mut dyn FnMut(Progress)) -> Result<CheckReport> {
        Ok(check::check(&self.shared, progress)?)
    }

    /// Mends what can be mended without loss: counters are computed anew, orphans, damaged packed indexes and logs of changes with gaps go.
    /// Messages are never deleted or changed: what is damaged stays, and [`check`](Self::check) goes on
    /// reporting it. Returns how many faults were mended.
    ///
    /// # Errors
    /// When a database cannot be read or written; shards before it are repaired.
    pub fn repair(&self) -> Result<u64> {
        Ok(repair::repair(&self.shared)?)
    }

    /// Copies the store as it is at one moment into the folder `to`, which must not exist or be empty. The copy is a
    /// store. Messages in files are hard links where the file system can, else copies. Writers wait for
    /// milliseconds only. The folder appears when it is complete and on the disk. What waits in the queue is in it: serving the
    /// copy hands on once more what this store hands on from now.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`](mailstore_api::ErrorKind::Exists) when `to` has something in it; otherwise when
    /// reading or writing fails.
    pub fn backup(&self, to: impl AsRef<Path>, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        Ok(backup::backup(&self.shared, to.as_ref(), progress)?)
    }

    /// Gives free pages of the databases back to the file system, in small steps that let writers through.
    /// Returns how many octets.
    ///
    /// # Errors
    /// When a database cannot be written.
    pub fn vacuum(&self, progress: &mut dyn FnMut(Progress)) -> Result<u64> {
        Ok(backup::vacuum(&self.shared, progress)?)
    }
}

fn open_shard(dir: &Path, shard: usize, busy: Duration) -> Res<Connection> {
    schema::open(&shard_path(dir, shard), Kind::Shard, Role::Writer, busy)
}

fn open_control(dir: &Path, busy: Duration) -> Res<Connection> {
    schema::open(&Control::path(dir), Kind::Control, Role::Writer, busy)
}

/// A read transaction on a shard, begun while no other process or thread could write: `locked` sees files and
/// database agree, but for what the file system lost.
fn pin<T>(
    dir: &Path,
    shard: usize,
    busy: Duration,
    locked: impl FnOnce(&Connection) -> Res<T>,
) -> Res<(Connection, T)> {
    let (lock, conn) = (open_shard(dir, shard, busy)?, open_shard(dir, shard, busy)?);
    lock.execute_batch("BEGIN IMMEDIATE")?;
    begin_read(&conn)?;
    let value = locked(&conn)?;
    // Dropping the connection, on a fault, rolls back as well.
    lock.execute_batch("ROLLBACK")?;
    Ok((conn, value))
}

fn begin_read(conn: &Connection) -> Res<()> {
    conn.execute_batch("BEGIN")?;
    // BEGIN alone takes no snapshot.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

/// The files below `bodies/` that are of a shard, as the database writes their paths.
fn files_of(dir: &Path, shard: usize) -> Res<Vec<String>> {
    let mut found = Vec::new();
    let ours = format!("{shard:02}-");
    for bucket in std::fs::read_dir(dir.join("bodies"))? {
        let bucket = bucket?;
        let Ok(name) = bucket.file_name().into_string() else { continue };
        if !name.starts_with(&ours) {
            continue;
        }
        for file in std::fs::read_dir(bucket.path())? {
            found.extend(file?.file_name().into_string().map(|file| format!("{name}/{file}")));
        }
    }
    Ok(found)
}
