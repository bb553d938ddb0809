//! A shard: one database, its writer thread, and what is in memory of it.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use mailstore_api::{Derived, LocalHub, MailboxId, Meta, MetaItems, QuotaLimits, QuotaUsage, Result};
use rusqlite::{Connection, OptionalExtension};

use crate::{
    Options,
    at_hand::AtHand,
    error::{Res, closed},
    files::BodyFiles,
    index::{MailboxIndex, Packed, Registry},
    oneshot::{Receiver, channel, lock},
    ops::quota,
    pool::shard_path,
    queue::{Queue, Weight},
    schema::{self, Kind, Role},
    txn::{Job, Request, Txn},
};

pub(crate) struct Shard {
    pub(crate) number: usize,
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) queue: Queue<Box<dyn Job>>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) files: Arc<BodyFiles>,
    pub(crate) hub: LocalHub,
    /// Watches that exist, of all shards.
    pub(crate) watches: Arc<AtomicUsize>,
    later: Mutex<Later>,
    at_hand: Mutex<AtHand>,
    sentinel: Mutex<Sentinel>,
}

/// A connection for short questions, most of all whether anything was committed.
#[derive(Debug, Default)]
struct Sentinel {
    conn: Option<Connection>,
    /// How often it was opened: versions of different connections cannot be compared.
    opened: u64,
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What is written when there is time, and may be lost.
#[derive(Debug, Default)]
pub(crate) struct Later {
    /// By mailbox and UID.
    pub(crate) derived: HashMap<(i64, u32), Derived>,
    octets: usize,
    /// By mailbox, the first UID nobody was told of.
    pub(crate) recent: HashMap<i64, u32>,
    /// Tables of big mailboxes.
    pub(crate) packed: HashMap<i64, Packed>,
}

fn is_current(conn: &Connection, opened: u64, index: &MailboxIndex) -> Res<bool> {
    let version: u32 = conn.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))?;
    let version = opened << 32 | u64::from(version);
    if index.checked.load(Ordering::Acquire) == version {
        return Ok(true);
    }
    // Something was committed: mostly this process's own writes, which the index has or will have in a moment.
    let stored: Option<u64> = conn
        .prepare_cached("SELECT modseq FROM mailbox WHERE id = ?1 AND name IS NOT NULL")?
        .query_row([index.id], |r| r.get(0))
        .optional()?;
    let current = index.peek(|t| t.row.modseq) == stored;
    if current {
        index.checked.store(version, Ordering::Release);
    }
    Ok(current)
}

/// Packed tables that wait, at most: some megabytes each.
const LATER_PACKED: usize = 4;

const LATER_ROWS: usize = 4096;
const LATER_OCTETS: usize = 8 << 20;

impl Shard {
    pub(crate) fn new(
        number: usize,
        dir: PathBuf,
        options: Options,
        files: Arc<BodyFiles>,
        hub: LocalHub,
        watches: Arc<AtomicUsize>,
        at_hand: usize,
    ) -> Self {
        Self {
            number,
            dir,
            options,
            queue: Queue::new(),
            registry: Arc::default(),
            files,
            hub,
            watches,
            later: Mutex::default(),
            at_hand: Mutex::new(AtHand::new(at_hand)),
            sentinel: Mutex::default(),
        }
    }

    /// Has the writer thread do something, and waits until it is durable. Dropped before the request is in
    /// the queue, nothing is done; dropped later, it is done all the same.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        weight: Weight,
        op: impl FnOnce(&mut Txn<'_>) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.begin_write(weight, op).await?.await?
    }

    /// Leaves a request in the queue: the answer comes after its commit.
    pub(crate) async fn begin_write<T: Send + 'static>(
        &self,
        weight: Weight,
        op: impl FnOnce(&mut Txn<'_>) -> Res<T> + Send + 'static,
    ) -> Result<Receiver<Result<T>>> {
        let (to, answer) = channel();
        self.queue.push(weight, Box::new(Request { op: Some(op), outcome: None, to })).await?;
        Ok(answer)
    }

    pub(crate) fn mailbox_id(&self, id: i64) -> MailboxId {
        MailboxId(format!("m{}-{id}", self.number))
    }

    /// The row a mailbox's identity names; `None` for one that is of another shard, or none of ours.
    pub(crate) fn mailbox_number(&self, id: &MailboxId) -> Option<i64> {
        let (shard, number) = id.0.strip_prefix('m')?.split_once('-')?;
        let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        (plain(number) && shard.parse() == Ok(self.number)).then(|| number.parse().ok()).flatten()
    }

    /// EMAILID (RFC 8474): of the body, so that copies have the same.
    pub(crate) fn email_id(&self, body: i64) -> String {
        format!("e{}-{body}", self.number)
    }

    /// Whether an open mailbox's memory has all that is committed, also by other processes: some microseconds,
    /// so that it can be asked before each answer from memory.
    pub(crate) fn is_current(&self, index: &MailboxIndex) -> Res<bool> {
        self.ask(|conn, opened| is_current(conn, opened, index))
    }

    /// Whether an account has a mailbox: some microseconds.
    pub(crate) fn has_mailbox(&self, account: i64, mailbox: i64) -> Res<bool> {
        self.ask(|conn, _| {
            let mut read = conn.prepare_cached(
                "SELECT 1 FROM mailbox WHERE id = ?1 AND account = ?2 AND name IS NOT NULL",
            )?;
            Ok(read.exists([mailbox, account])?)
        })
    }

    /// What an account may keep, and keeps: some microseconds.
    pub(crate) fn quota(&self, account: i64) -> Res<(QuotaLimits, QuotaUsage)> {
        self.ask(|conn, _| Ok(quota::read(conn, account)?.unwrap_or_default()))
    }

    /// A question so short that the way to a reader thread would cost more.
    fn ask<T>(&self, question: impl FnOnce(&Connection, u64) -> Res<T>) -> Res<T> {
        let mut sentinel = lock(&self.sentinel);
        if sentinel.conn.is_none() {
            let path = shard_path(&self.dir, self.number);
            sentinel.conn = Some(schema::open(&path, Kind::Shard, Role::Reader, self.options.busy_timeout)?);
            sentinel.opened += 1;
        }
        let Some(conn) = &sentinel.conn else { return Err(closed().into()) };
        let answer = question(conn, sentinel.opened);
        if answer.is_err() {
            sentinel.conn = None;
        }
        answer
    }

    /// Whether anybody here would want to know of another process's changes.
    pub(crate) fn is_watched(&self) -> bool {
        self.watches.load(Ordering::Relaxed) > 0 || !self.registry.is_empty()
    }

    pub(crate) fn remember(&self, mailbox: i64, uid: u32, derived: Derived) {
        let octets = 128
            + derived.envelope.as_ref().map_or(0, |b| b.len())
            + derived.body_structure.as_ref().map_or(0, |b| b.len())
            + derived.preview.as_ref().map_or(0, String::len);
        let mut later = lock(&self.later);
        // Under load it is forgotten: the library derives it again.
        if later.derived.len() < LATER_ROWS && later.octets + octets <= LATER_OCTETS {
            later.octets += octets;
            merge(later.derived.entry((mailbox, uid)).or_default(), derived);
        }
    }

    /// Fills in what is in memory of what was derived. Whether that is all that is wanted.
    pub(crate) fn recall(&self, mailbox: i64, want: MetaItems, items: &mut [Meta]) -> bool {
        lock(&self.at_hand).recall(mailbox, want, items)
    }

    /// Keeps what was derived in memory.
    pub(crate) fn keep_at_hand(&self, mailbox: i64, uid: u32, derived: &Derived) {
        lock(&self.at_hand).keep(mailbox, uid, derived);
    }

    /// What was derived and is not written yet.
    pub(crate) fn unwritten_derived(&self, mailbox: i64, uid: u32) -> Option<Derived> {
        lock(&self.later).derived.get(&(mailbox, uid)).cloned()
    }

    /// Keeps a mailbox's table for its next opening.
    pub(crate) fn pack(&self, mailbox: i64, packed: Packed) {
        let mut later = lock(&self.later);
        if later.packed.len() < LATER_PACKED {
            later.packed.insert(mailbox, packed);
        }
    }

    pub(crate) fn claimed(&self, mailbox: i64, from: u32) {
        lock(&self.later).recent.insert(mailbox, from);
    }

    /// What is claimed and not written yet.
    pub(crate) fn unwritten_claim(&self, mailbox: i64) -> Option<u32> {
        lock(&self.later).recent.get(&mailbox).copied()
    }

    pub(crate) fn has_later(&self) -> bool {
        let later = lock(&self.later);
        !later.derived.is_empty() || !later.recent.is_empty() || !later.packed.is_empty()
    }

    /// Takes up to `rows` of what waits; packed tables only where there is time for all.
    pub(crate) fn take_later(&self, rows: usize) -> Later {
        let mut later = lock(&self.later);
        let keys: Vec<_> = later.derived.keys().take(rows).copied().collect();
        let derived = keys.iter().filter_map(|k| later.derived.remove_entry(k)).collect();
        if later.derived.is_empty() {
            later.octets = 0;
        }
        let packed = if rows == usize::MAX { std::mem::take(&mut later.packed) } else { HashMap::new() };
        Later { derived, octets: 0, recent: std::mem::take(&mut later.recent), packed }
    }
}

/// Fields that `new` does not have stay as they are.
fn merge(old: &mut Derived, new: Derived) {
    old.envelope = new.envelope.or_else(|| old.envelope.take());
    old.body_structure = new.body_structure.or_else(|| old.body_structure.take());
    old.preview = new.preview.or_else(|| old.preview.take());
    old.thread_id = new.thread_id.or_else(|| old.thread_id.take());
}
