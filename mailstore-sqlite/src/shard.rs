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

use mailstore_api::{Derived, LocalHub, MailboxId, Result};

use crate::{
    Options,
    error::Res,
    files::BodyFiles,
    index::Registry,
    oneshot::{Receiver, channel, lock},
    queue::{Queue, Weight},
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
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What is written when there is time, and may be lost.
#[derive(Debug, Default)]
pub(crate) struct Later {
    pub(crate) derived: Vec<(i64, u32, Derived)>,
    octets: usize,
    /// By mailbox, the first UID nobody was told of.
    pub(crate) recent: HashMap<i64, u32>,
}

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
            later.derived.push((mailbox, uid, derived));
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
        !later.derived.is_empty() || !later.recent.is_empty()
    }

    /// Takes up to `rows` of what waits.
    pub(crate) fn take_later(&self, rows: usize) -> Later {
        let mut later = lock(&self.later);
        let keep = later.derived.len().saturating_sub(rows);
        let derived = later.derived.split_off(keep);
        if keep == 0 {
            later.octets = 0;
        }
        Later { derived, octets: 0, recent: std::mem::take(&mut later.recent) }
    }
}
