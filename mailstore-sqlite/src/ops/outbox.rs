//! The queue of messages to be handed on, within a write transaction.

use mailstore_api::{
    AppendOutcome, ErrorKind, Lease, NewEntry, Next, QueueEntry, QueuedRecipient, RecipientState, Result,
    Settlement, StoreError,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    append::{NewBody, refer},
    release,
};
use crate::{
    error::{Res, damaged},
    outbox::queue_id,
    txn::{Notice, Txn},
};

const fn stored(state: RecipientState) -> i64 {
    match state {
        RecipientState::Done => 1,
        RecipientState::Failed => 2,
        _ => 0,
    }
}

fn state(stored: i64) -> Res<RecipientState> {
    match stored {
        0 => Ok(RecipientState::Waiting),
        1 => Ok(RecipientState::Done),
        2 => Ok(RecipientState::Failed),
        _ => Err(damaged("a recipient in the queue has no state we know")),
    }
}

/// Makes an entry, after deliveries that were answered like this. Without anybody in it there is none.
pub(crate) fn add(
    txn: &mut Txn<'_>,
    new: &NewEntry,
    delivered: &[Result<AppendOutcome>],
    octets: &NewBody,
    body: &mut Option<i64>,
) -> Res<Option<i64>> {
    let waiting = new.waiting(delivered);
    if waiting.is_empty() {
        return Ok(None);
    }
    let body = refer(txn, octets, body)?;
    txn.conn
        .prepare_cached(
            "INSERT INTO queue(due, created, expires, size, body, sender, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![new.due, new.created, new.expires, octets.size, body, new.sender, new.data])?;
    let id = txn.conn.last_insert_rowid();
    let mut insert = txn.conn.prepare_cached(
        "INSERT INTO queue_recipient(queue, place, state, address, error, data) VALUES (?1, ?2, 0, ?3, ?4, ?5)",
    )?;
    for (place, (r, error)) in waiting.into_iter().enumerate() {
        insert.execute(params![id, place, r.address, error, r.data])?;
    }
    txn.after.notices.push(Notice::Queue);
    Ok(Some(id))
}

/// Whether somebody holds the lease of this entry.
pub(crate) fn check_lease(conn: &Connection, id: i64, lease: &Lease) -> Res<()> {
    let attempt: Option<u32> = conn
        .prepare_cached("SELECT attempts FROM queue WHERE id = ?1 AND leased = 1")?
        .query_row([id], |r| r.get(0))
        .optional()?;
    match attempt {
        Some(attempt) if attempt == lease.attempt => Ok(()),
        _ => Err(StoreError::new(ErrorKind::Gone, "the lease is over").into()),
    }
}

pub(crate) fn settle(txn: &mut Txn<'_>, id: i64, what: &Settlement) -> Res<()> {
    check_lease(txn.conn, id, &what.lease)?;
    if what.next == Next::Remove {
        return remove(txn, id);
    }
    let mut update = txn.conn.prepare_cached(
        "UPDATE queue_recipient SET state = ?3, error = ?4, data = coalesce(?5, data) \
         WHERE queue = ?1 AND place = ?2",
    )?;
    for r in &what.recipients {
        if update.execute(params![id, r.place, stored(r.state), r.error, r.data])? == 0 {
            return Err(StoreError::new(ErrorKind::Internal, "the entry has no such recipient").into());
        }
    }
    let (due, leased) = match what.next {
        Next::At(due) => (due, false),
        Next::Hold(until) => (until, true),
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    txn.conn
        .prepare_cached("UPDATE queue SET due = ?2, leased = ?3, data = coalesce(?4, data) WHERE id = ?1")?
        .execute(params![id, due, leased, what.data])?;
    txn.after.notices.push(Notice::Queue);
    Ok(())
}

/// Takes of these entries those that are still due.
pub(crate) fn take(
    txn: &mut Txn<'_>,
    ids: &[i64],
    now: i64,
    until: i64,
    shard: usize,
) -> Res<Vec<QueueEntry>> {
    let mut taken = Vec::with_capacity(ids.len());
    for id in ids {
        let mut take = txn.conn.prepare_cached(
            "UPDATE queue SET due = ?3, leased = 1, attempts = attempts + 1 WHERE id = ?1 AND due <= ?2",
        )?;
        if take.execute(params![id, now, until])? > 0 {
            taken.extend(entry(txn.conn, *id, shard)?);
        }
    }
    Ok(taken)
}

pub(crate) fn reschedule(txn: &mut Txn<'_>, id: i64, now: i64, due: i64) -> Res<()> {
    let leased: Option<bool> = txn
        .conn
        .prepare_cached("SELECT leased AND due > ?2 FROM queue WHERE id = ?1")?
        .query_row(params![id, now], |r| r.get(0))
        .optional()?;
    match leased {
        None => return Err(ErrorKind::NotFound.into()),
        Some(true) => return Err(StoreError::new(ErrorKind::InUse, "it is being worked on").into()),
        Some(false) => {}
    }
    txn.conn
        .prepare_cached("UPDATE queue SET due = ?2, leased = 0 WHERE id = ?1")?
        .execute(params![id, due])?;
    txn.after.notices.push(Notice::Queue);
    Ok(())
}

pub(crate) fn remove(txn: &mut Txn<'_>, id: i64) -> Res<()> {
    let body: Option<i64> = txn
        .conn
        .prepare_cached("DELETE FROM queue WHERE id = ?1 RETURNING body")?
        .query_row([id], |r| r.get(0))
        .optional()?;
    let body = body.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
    txn.conn.prepare_cached("DELETE FROM queue_recipient WHERE queue = ?1")?.execute([id])?;
    txn.after.unlinks.extend(release(txn.conn, body)?);
    Ok(())
}

const ENTRY: &str = "SELECT id, due, leased, attempts, created, expires, size, sender, data FROM queue";

fn read(r: &Row<'_>, shard: usize) -> rusqlite::Result<(i64, QueueEntry)> {
    let id = r.get(0)?;
    let entry = QueueEntry {
        id: queue_id(shard, id),
        due: r.get(1)?,
        leased: r.get(2)?,
        attempts: r.get(3)?,
        created: r.get(4)?,
        expires: r.get(5)?,
        size: r.get(6)?,
        sender: r.get(7)?,
        data: r.get(8)?,
        recipients: Vec::new(),
    };
    Ok((id, entry))
}

fn with_recipients(conn: &Connection, (id, mut entry): (i64, QueueEntry)) -> Res<QueueEntry> {
    let mut all = conn.prepare_cached(
        "SELECT state, address, error, data FROM queue_recipient WHERE queue = ?1 ORDER BY place",
    )?;
    let mut rows = all.query([id])?;
    while let Some(r) = rows.next()? {
        entry.recipients.push(QueuedRecipient {
            state: state(r.get(0)?)?,
            address: r.get(1)?,
            error: r.get(2)?,
            data: r.get(3)?,
        });
    }
    Ok(entry)
}

/// One entry.
pub(crate) fn entry(conn: &Connection, id: i64, shard: usize) -> Res<Option<QueueEntry>> {
    let mut one = conn.prepare_cached(&format!("{ENTRY} WHERE id = ?1"))?;
    let found = one.query_row([id], |r| read(r, shard)).optional()?;
    found.map(|e| with_recipients(conn, e)).transpose()
}

/// Entries with a greater number.
pub(crate) fn page(conn: &Connection, after: i64, max: usize, shard: usize) -> Res<Vec<QueueEntry>> {
    let mut all = conn.prepare_cached(&format!("{ENTRY} WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut rows = all.query(params![after, max])?;
    let mut found = Vec::new();
    while let Some(r) = rows.next()? {
        found.push(with_recipients(conn, read(r, shard)?)?);
    }
    Ok(found)
}

/// What is due: when, and which.
pub(crate) fn due(conn: &Connection, now: i64, max: usize) -> Res<Vec<(i64, i64)>> {
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let mut due =
        conn.prepare_cached("SELECT due, id FROM queue WHERE due <= ?1 ORDER BY due, id LIMIT ?2")?;
    let found = due.query_map(params![now, max], |r| Ok((r.get(0)?, r.get(1)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
