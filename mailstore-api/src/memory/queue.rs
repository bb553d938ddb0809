//! The queue: entries by number, each step under the store's one lock.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{MemoryBody, MemoryStore};
use crate::{
    AnyBody, AnyWatch, BoxFuture, ErrorKind, Interest, Lease, LocalHub, MailQueue, NewEntry, Next, Part,
    QueueEntry, QueueId, QueueStatus, QueuedRecipient, RecipientState, Result, Settlement, StoreError,
};

#[derive(Debug, Default)]
pub(super) struct Queue {
    last: u64,
    entries: BTreeMap<u64, (QueueEntry, Bytes)>,
}

/// The hub knows accounts; the queue's has this one.
const ACCOUNT: &str = "";

fn number(id: &QueueId) -> Result<u64> {
    let number = id.0.strip_prefix('q').and_then(|n| n.parse().ok());
    number.ok_or_else(|| ErrorKind::NotFound.into())
}

impl Queue {
    /// Makes the entry, after deliveries that were answered like this; without anybody in it there is none.
    pub(super) fn add<T>(
        &mut self,
        new: NewEntry,
        octets: Bytes,
        delivered: &[Result<T>],
    ) -> Option<QueueId> {
        let recipients: Vec<_> = (new.waiting(delivered).into_iter())
            .map(|(r, error)| QueuedRecipient {
                address: r.address.clone(),
                data: r.data.clone(),
                state: RecipientState::Waiting,
                error,
            })
            .collect();
        if recipients.is_empty() {
            return None;
        }
        self.last += 1;
        let entry = QueueEntry {
            id: QueueId(format!("q{}", self.last)),
            sender: new.sender,
            data: new.data,
            created: new.created,
            due: new.due,
            expires: new.expires,
            attempts: 0,
            leased: false,
            size: octets.len() as u64,
            recipients,
        };
        let id = entry.id.clone();
        self.entries.insert(self.last, (entry, octets));
        Some(id)
    }

    fn leased(&mut self, lease: &Lease) -> Result<&mut QueueEntry> {
        let entry = number(&lease.id).ok().and_then(|n| self.entries.get_mut(&n)).map(|(entry, _)| entry);
        entry.filter(|e| e.leased && e.attempts == lease.attempt).ok_or_else(|| ErrorKind::Gone.into())
    }

    /// Whether [`settle`](Self::settle) will succeed: asked before anything is changed.
    pub(super) fn check(&mut self, what: &Settlement) -> Result<()> {
        let entry = self.leased(&what.lease)?;
        match what.recipients.iter().all(|r| r.place < entry.recipients.len()) {
            true => Ok(()),
            false => Err(StoreError::new(ErrorKind::Internal, "the entry has no such recipient")),
        }
    }

    pub(super) fn settle(&mut self, what: &Settlement) -> Result<()> {
        self.check(what)?;
        let entry = self.leased(&what.lease)?;
        for update in &what.recipients {
            let Some(r) = entry.recipients.get_mut(update.place) else { continue };
            (r.state, r.error) = (update.state, update.error.clone());
            r.data = update.data.clone().unwrap_or_else(|| std::mem::take(&mut r.data));
        }
        entry.data = what.data.clone().unwrap_or_else(|| std::mem::take(&mut entry.data));
        match what.next {
            Next::At(due) => (entry.due, entry.leased) = (due, false),
            Next::Hold(until) => entry.due = until,
            Next::Remove => _ = self.entries.remove(&number(&what.lease.id)?),
        }
        Ok(())
    }

    fn entry(&mut self, id: &QueueId) -> Result<&mut (QueueEntry, Bytes)> {
        self.entries.get_mut(&number(id)?).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn take(&mut self, now: i64, until: i64, max: usize) -> Vec<QueueEntry> {
        let due = self.entries.iter().filter(|(_, (entry, _))| entry.due <= now);
        let mut due: Vec<(i64, u64)> = due.map(|(n, (entry, _))| (entry.due, *n)).collect();
        due.sort_unstable();
        due.truncate(max);
        let mut taken = Vec::new();
        for (_, n) in due {
            if let Some((entry, _)) = self.entries.get_mut(&n) {
                (entry.due, entry.leased) = (until, true);
                entry.attempts = entry.attempts.saturating_add(1);
                taken.push(entry.clone());
            }
        }
        taken
    }
}

/// Wakes whoever watches the queue.
pub(super) fn tell(hub: &LocalHub) {
    hub.hierarchy(ACCOUNT);
}

impl MemoryStore {
    fn queue_step<'a, T: Send + 'a>(
        &'a self,
        step: impl FnOnce(&mut Queue) -> Result<T> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move { step(&mut self.data().queue) })
    }
}

impl MailQueue for MemoryStore {
    fn take<'a>(&'a self, now: i64, until: i64, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        self.queue_step(move |q| Ok(q.take(now, until, max)))
    }

    fn settle<'a>(&'a self, what: &'a Settlement) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.data().queue.settle(what)?;
            tell(&self.shared.queue_hub);
            Ok(())
        })
    }

    fn list<'a>(&'a self, after: Option<&'a QueueId>, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        self.queue_step(move |q| {
            let first = after.map_or(Ok(0), |id| number(id).map(|n| n + 1))?;
            Ok(q.entries.range(first..).take(max).map(|(_, (entry, _))| entry.clone()).collect())
        })
    }

    fn get<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<QueueEntry>> {
        self.queue_step(|q| q.entry(id).map(|(entry, _)| entry.clone()))
    }

    fn body<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<AnyBody>> {
        self.queue_step(|q| {
            let octets = q.entry(id)?.1.clone();
            Ok(AnyBody::new(MemoryBody::new(octets, Part::Whole)))
        })
    }

    fn reschedule<'a>(&'a self, id: &'a QueueId, now: i64, due: i64) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            {
                let mut data = self.data();
                let (entry, _) = data.queue.entry(id)?;
                if entry.leased && entry.due > now {
                    return Err(ErrorKind::InUse.into());
                }
                // A lease that was over is so for good.
                (entry.due, entry.leased) = (due, false);
            }
            tell(&self.shared.queue_hub);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<()>> {
        self.queue_step(|q| {
            let gone = q.entries.remove(&number(id)?);
            gone.map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
        })
    }

    fn next_due<'a>(&'a self) -> BoxFuture<'a, Result<Option<i64>>> {
        self.queue_step(|q| Ok(q.entries.values().map(|(entry, _)| entry.due).min()))
    }

    fn status<'a>(&'a self) -> BoxFuture<'a, Result<QueueStatus>> {
        self.queue_step(|q| {
            let all = || q.entries.values().map(|(entry, _)| entry);
            Ok(QueueStatus {
                entries: q.entries.len() as u64,
                octets: all().map(|e| e.size).sum(),
                next_due: all().map(|e| e.due).min(),
            })
        })
    }

    fn watch<'a>(&'a self) -> BoxFuture<'a, Result<AnyWatch>> {
        let watch = self.shared.queue_hub.watch(ACCOUNT, Interest::Account);
        Box::pin(async move { Ok(AnyWatch::new(watch)) })
    }
}
