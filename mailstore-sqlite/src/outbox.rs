//! The queue of messages to be handed on: each entry in one shard, that of a recipient of its message where there is
//! one, so that both come in one transaction.

use std::sync::Arc;

use mailstore_api::{
    AnyBody, AnyWatch, BoxFuture, ErrorKind, Interest, MailQueue, QueueEntry, QueueId, QueueStatus, Result,
    Settlement, StoreError,
};
use rusqlite::Connection;

use crate::{
    SqliteStore, SqliteWatch, body, error::Res, ops::outbox as ops, queue::Weight, shard::Shard,
    store::Shared, txn::Txn,
};

/// What the queue is called among the accounts that are watched, whose names are numbers.
pub(crate) const WATCHED: &str = "queue";

/// Entries taken in one transaction, and so kept in memory.
const TAKEN: usize = 500;

pub(crate) fn queue_id(shard: usize, number: i64) -> QueueId {
    QueueId(format!("q{shard}-{number}"))
}

/// Shard and number of an identity; `None` for one that is none of ours.
pub(crate) fn place_of(id: &QueueId) -> Option<(usize, i64)> {
    let (shard, number) = id.0.strip_prefix('q')?.split_once('-')?;
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !plain(shard) || !plain(number) {
        return None;
    }
    Some((shard.parse().ok()?, number.parse().ok()?))
}

fn weight(rows: usize) -> Weight {
    Weight { rows: rows as u64, bytes: 0 }
}

impl Shared {
    /// The shard and number of an entry.
    pub(crate) fn queued(&self, id: &QueueId, otherwise: ErrorKind) -> Result<(Arc<Shard>, i64)> {
        let found = place_of(id).and_then(|(shard, number)| Some((self.shards.get(shard)?.clone(), number)));
        found.ok_or_else(|| otherwise.into())
    }
}

impl SqliteStore {
    async fn read_queued<T: Send + 'static>(
        &self,
        id: &QueueId,
        read: impl FnOnce(&Connection, usize, i64) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        let (shard, number) = self.shared.queued(id, ErrorKind::NotFound)?;
        let shard = shard.number;
        self.shared.pool.read(shard, move |conn| read(conn, shard, number)).await
    }

    async fn write_queued<T: Send + 'static>(
        &self,
        id: &QueueId,
        otherwise: ErrorKind,
        op: impl FnOnce(&mut Txn<'_>, i64) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        let (shard, number) = self.shared.queued(id, otherwise)?;
        shard.write(weight(1), move |txn| op(txn, number)).await
    }

    /// What is due in all shards, those due first first.
    async fn due(&self, now: i64, max: usize) -> Result<Vec<(i64, usize, i64)>> {
        let mut all = Vec::new();
        for shard in 0..self.shared.shards.len() {
            let due = self.shared.pool.read(shard, move |conn| ops::due(conn, now, max)).await?;
            all.extend(due.into_iter().map(|(due, id)| (due, shard, id)));
        }
        all.sort_unstable();
        all.truncate(max);
        Ok(all)
    }

    async fn take_due(&self, now: i64, until: i64, max: usize) -> Result<Vec<QueueEntry>> {
        let max = max.min(TAKEN);
        loop {
            let due = self.due(now, max).await?;
            let mut taken = Vec::new();
            for shard in &self.shared.shards {
                let number = shard.number;
                let ids: Vec<i64> =
                    due.iter().filter(|(_, s, _)| *s == number).map(|(_, _, id)| *id).collect();
                if !ids.is_empty() {
                    let rows = weight(ids.len());
                    let op = move |txn: &mut Txn<'_>| ops::take(txn, &ids, now, until, number);
                    taken.extend(shard.write(rows, op).await?);
                }
            }
            // Others may have been faster with all of them, and more may be due.
            if !taken.is_empty() || due.is_empty() {
                taken.sort_by_cached_key(|entry| {
                    let place = place_of(&entry.id);
                    due.iter().position(|(_, shard, id)| place == Some((*shard, *id)))
                });
                return Ok(taken);
            }
        }
    }

    async fn page(&self, after: Option<&QueueId>, max: usize) -> Result<Vec<QueueEntry>> {
        let none = || StoreError::from(ErrorKind::NotFound);
        let (first, mut after) = after.map_or(Ok((0, 0)), |id| place_of(id).ok_or_else(none))?;
        let mut found = Vec::new();
        for shard in first..self.shared.shards.len() {
            let left = max - found.len();
            if left == 0 {
                break;
            }
            let page = move |conn: &Connection| ops::page(conn, after, left, shard);
            found.extend(self.shared.pool.read(shard, page).await?);
            after = 0;
        }
        Ok(found)
    }

    async fn queued_body(&self, id: &QueueId) -> Result<AnyBody> {
        let shared = self.shared.clone();
        let open =
            move |conn: &Connection, _, number| body::open_queued(conn, &shared.files, &shared.pool, number);
        // Removed, committed and unlinked since the first reading began? A second one tells.
        for _ in 0..2 {
            if let Some(body) = self.read_queued(id, open.clone()).await? {
                return Ok(AnyBody::new(body));
            }
        }
        Err(StoreError::new(ErrorKind::Corrupt, "a message's file is missing"))
    }

    async fn queue_status(&self) -> Result<QueueStatus> {
        let mut all = QueueStatus::default();
        for shard in 0..self.shared.shards.len() {
            let read = |conn: &Connection| {
                let mut figures =
                    conn.prepare_cached("SELECT count(*), coalesce(sum(size), 0), min(due) FROM queue")?;
                Ok(figures.query_row([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?)
            };
            let (entries, octets, due): (u64, u64, Option<i64>) = self.shared.pool.read(shard, read).await?;
            all.entries += entries;
            all.octets += octets;
            all.next_due = all.next_due.into_iter().chain(due).min();
        }
        Ok(all)
    }
}

impl MailQueue for SqliteStore {
    fn take<'a>(&'a self, now: i64, until: i64, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        Box::pin(self.take_due(now, until, max))
    }

    fn settle<'a>(&'a self, what: &'a Settlement) -> BoxFuture<'a, Result<()>> {
        let whole = what.clone();
        Box::pin(
            self.write_queued(&what.lease.id, ErrorKind::Gone, move |txn, id| ops::settle(txn, id, &whole)),
        )
    }

    fn list<'a>(&'a self, after: Option<&'a QueueId>, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        Box::pin(self.page(after, max))
    }

    fn get<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<QueueEntry>> {
        Box::pin(async move {
            let found = self.read_queued(id, |conn, shard, number| ops::entry(conn, number, shard)).await?;
            found.ok_or_else(|| ErrorKind::NotFound.into())
        })
    }

    fn body<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<AnyBody>> {
        Box::pin(self.queued_body(id))
    }

    fn reschedule<'a>(&'a self, id: &'a QueueId, now: i64, due: i64) -> BoxFuture<'a, Result<()>> {
        Box::pin(
            self.write_queued(id, ErrorKind::NotFound, move |txn, id| ops::reschedule(txn, id, now, due)),
        )
    }

    fn remove<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write_queued(id, ErrorKind::NotFound, ops::remove))
    }

    fn next_due<'a>(&'a self) -> BoxFuture<'a, Result<Option<i64>>> {
        Box::pin(async move {
            let mut first: Option<i64> = None;
            for shard in 0..self.shared.shards.len() {
                let read = |conn: &Connection| {
                    let mut next = conn.prepare_cached("SELECT min(due) FROM queue")?;
                    Ok(next.query_row([], |r| r.get::<_, Option<i64>>(0))?)
                };
                let next = self.shared.pool.read(shard, read).await?;
                first = first.into_iter().chain(next).min();
            }
            Ok(first)
        })
    }

    fn status<'a>(&'a self) -> BoxFuture<'a, Result<QueueStatus>> {
        Box::pin(self.queue_status())
    }

    fn watch<'a>(&'a self) -> BoxFuture<'a, Result<AnyWatch>> {
        let watch = SqliteWatch::new(&self.shared, WATCHED, Interest::Account);
        Box::pin(async move { Ok(AnyWatch::new(watch)) })
    }
}
