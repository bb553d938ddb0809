//! What requests do inside a write transaction. Each is one savepoint: everything that can be refused is
//! checked before the first change, and a failure undoes what was begun.

pub(crate) mod append;
pub(crate) mod changed;
pub(crate) mod copy;
pub(crate) mod derived;
pub(crate) mod expunge;
pub(crate) mod flags;
pub(crate) mod hierarchy;
pub(crate) mod notes;
pub(crate) mod outbox;
pub(crate) mod quota;
pub(crate) mod reap;
pub(crate) mod restore;

use std::{collections::BTreeSet, sync::Arc};

use mailstore_api::{ErrorKind, Flags, InternalDate, Uid, UidSet};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bits::{self, Bits, Keywords, from_blob, keyword_bits, to_blob},
    date::to_stored,
    error::{Res, refused},
    index::{Added, Effect, MailboxRow},
    txn::Txn,
};

/// One change of a mailbox: all of it has one modseq, given when it is first needed.
fn modseq_of(effect: &mut Effect) -> u64 {
    if effect.row.modseq == effect.before {
        effect.row.modseq += 1;
    }
    effect.row.modseq
}

/// Refuses what would need more UIDs than are left.
fn check_uids(row: &MailboxRow, messages: usize) -> Res<()> {
    match u32::try_from(messages).ok().and_then(|n| row.uidnext.checked_add(n)) {
        Some(next) if next < u32::MAX => Ok(()),
        _ => Err(refused(ErrorKind::Limit, "the mailbox has no UIDs left")),
    }
}

/// A message about to get its place in a mailbox.
struct Incoming<'m> {
    bits: Bits,
    size: u64,
    date: InternalDate,
    body: i64,
    prefix: Option<&'m [u8]>,
    pop3_uidl: Option<&'m str>,
}

/// Gives a message the next UID.
fn insert(conn: &Connection, effect: &mut Effect, m: Incoming<'_>) -> Res<u32> {
    let modseq = modseq_of(effect);
    let uid = effect.row.uidnext;
    insert_as(conn, effect, &m, uid, modseq, InternalDate::now().seconds)?;
    effect.row.uidnext += 1;
    effect.added.push(Added { uid, modseq, bits: m.bits, size: m.size, date: m.date });
    Ok(uid)
}

/// Puts a message into its mailbox under a UID that is free, and counts it.
fn insert_as(
    conn: &Connection,
    effect: &mut Effect,
    m: &Incoming<'_>,
    uid: u32,
    modseq: u64,
    saved: i64,
) -> Res<()> {
    conn.prepare_cached(
        "INSERT INTO msg(mailbox, uid, flags, modseq, size, arrived, body, saved, keywords, prefix, \
         pop3_uidl) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        effect.row.id,
        uid,
        m.bits.bits,
        modseq,
        m.size,
        to_stored(m.date),
        m.body,
        saved,
        to_blob(m.bits.more.as_deref()),
        m.prefix,
        m.pop3_uidl
    ])?;
    let row = &mut effect.row;
    row.messages += 1;
    row.octets += m.size;
    row.unseen += u32::from(m.bits.bits & bits::SEEN == 0);
    row.deleted += u32::from(m.bits.bits & bits::DELETED != 0);
    Ok(())
}

/// The numbers of these flags' keywords in a mailbox, made where they are new.
fn ensure_keywords(txn: &mut Txn<'_>, effect: &mut Effect, flags: &[&Flags]) -> Res<Arc<Keywords>> {
    let mailbox = effect.row.id;
    let known = txn.keywords(mailbox)?;
    let mut new: Vec<&str> = Vec::new();
    for name in flags.iter().flat_map(|f| &f.keywords) {
        if known.number(name).is_none() && !new.iter().any(|n| n.eq_ignore_ascii_case(name)) {
            new.push(name);
        }
    }
    if new.is_empty() {
        return Ok(known);
    }
    let mut keywords = Keywords::clone(&known);
    let limit = txn.shard.options.max_keywords.min(usize::from(u16::MAX));
    let taken = |k: &Keywords| k.names.iter().flatten().count();
    if taken(&keywords) + new.len() > limit {
        forget_unused(txn, mailbox, &mut keywords)?;
        if taken(&keywords) + new.len() > limit {
            return Err(refused(ErrorKind::Limit, "the mailbox has too many keywords"));
        }
    }
    for name in new {
        let free = keywords.names.iter().position(Option::is_none).unwrap_or(keywords.names.len());
        let number = u16::try_from(free).map_err(|_| refused(ErrorKind::Limit, "too many keywords"))?;
        txn.conn
            .prepare_cached("INSERT INTO keyword(mailbox, id, name) VALUES (?1, ?2, ?3)")?
            .execute(params![mailbox, number, name])?;
        keywords.put(number, name.to_owned());
    }
    let keywords = Arc::new(keywords);
    txn.set_keywords(mailbox, keywords.clone());
    effect.keywords = Some(keywords.clone());
    Ok(keywords)
}

/// Frees the numbers of keywords no message has.
fn forget_unused(txn: &Txn<'_>, mailbox: i64, keywords: &mut Keywords) -> Res<()> {
    let mut all = 0;
    let mut used: BTreeSet<u16> = BTreeSet::new();
    let mut read = txn.conn.prepare_cached("SELECT flags, keywords FROM msg WHERE mailbox = ?1")?;
    let mut rows = read.query([mailbox])?;
    while let Some(r) = rows.next()? {
        all |= r.get::<_, u32>(0)?;
        used.extend(from_blob(r.get_ref(1)?.as_blob_or_null()?).iter().flat_map(|m| m.iter()));
    }
    used.extend(keyword_bits(all));
    for (number, slot) in keywords.names.iter_mut().enumerate() {
        let in_use = u16::try_from(number).is_ok_and(|n| used.contains(&n));
        if slot.is_some() && !in_use {
            txn.conn
                .prepare_cached("DELETE FROM keyword WHERE mailbox = ?1 AND id = ?2")?
                .execute(params![mailbox, number])?;
            *slot = None;
        }
    }
    Ok(())
}

/// One more reference to a body.
fn share(conn: &Connection, body: i64) -> Res<()> {
    conn.prepare_cached(
        "INSERT INTO shared(body, more) VALUES (?1, 1) ON CONFLICT(body) DO UPDATE SET more = more + 1",
    )?
    .execute([body])?;
    Ok(())
}

/// One reference less; with the last one, the body goes. Returns the file that is to be unlinked.
fn release(conn: &Connection, body: i64) -> Res<Option<String>> {
    let left: Option<i64> = conn
        .prepare_cached("UPDATE shared SET more = more - 1 WHERE body = ?1 RETURNING more")?
        .query_row([body], |r| r.get(0))
        .optional()?;
    match left {
        Some(0) => {
            conn.prepare_cached("DELETE FROM shared WHERE body = ?1")?.execute([body])?;
            Ok(None)
        }
        Some(_) => Ok(None),
        None => {
            conn.prepare_cached("DELETE FROM derived WHERE body = ?1")?.execute([body])?;
            let path: Option<Option<String>> = conn
                .prepare_cached("DELETE FROM body WHERE id = ?1 RETURNING path")?
                .query_row([body], |r| r.get(0))
                .optional()?;
            let path = path.flatten();
            if let Some(path) = &path {
                conn.prepare_cached("INSERT OR IGNORE INTO unlink_later(path) VALUES (?1)")?
                    .execute([path])?;
            }
            Ok(path)
        }
    }
}

/// A message that is to go.
struct Leaving {
    uid: u32,
    bits: u32,
    size: u64,
    /// `None`: another message took its reference over.
    body: Option<i64>,
}

/// Takes messages away, and remembers that they went.
fn remove(txn: &mut Txn<'_>, effect: &mut Effect, leaving: &[Leaving]) -> Res<UidSet> {
    let gone: UidSet = leaving.iter().filter_map(|m| Uid::new(m.uid)).collect();
    if leaving.is_empty() {
        return Ok(gone);
    }
    let modseq = modseq_of(effect);
    let mailbox = effect.row.id;
    let mut delete = txn.conn.prepare_cached("DELETE FROM msg WHERE mailbox = ?1 AND uid = ?2")?;
    for m in leaving {
        delete.execute(params![mailbox, m.uid])?;
        if let Some(body) = m.body {
            txn.after.unlinks.extend(release(txn.conn, body)?);
        }
        let row = &mut effect.row;
        row.messages = row.messages.saturating_sub(1);
        row.octets = row.octets.saturating_sub(m.size);
        row.unseen = row.unseen.saturating_sub(u32::from(m.bits & bits::SEEN == 0));
        row.deleted = row.deleted.saturating_sub(u32::from(m.bits & bits::DELETED != 0));
    }
    let mut bury = txn
        .conn
        .prepare_cached("INSERT INTO expunged(mailbox, modseq, first, last) VALUES (?1, ?2, ?3, ?4)")?;
    for (first, last) in gone.ranges() {
        bury.execute(params![mailbox, modseq, first, last])?;
        effect.row.tombstones += 1;
    }
    forget_old(txn.conn, effect, txn.shard.options.history)?;
    effect.removed = effect.removed.union(&gone);
    Ok(gone)
}

/// Forgets the oldest expunges when there are too many, and says from where on history is whole.
fn forget_old(conn: &Connection, effect: &mut Effect, history: usize) -> Res<()> {
    let row = &mut effect.row;
    let kept = u64::try_from(history).unwrap_or(u64::MAX);
    // Not with every expunge: counting back costs what is kept.
    if row.tombstones <= kept.saturating_add(kept / 16) {
        return Ok(());
    }
    let floor: Option<u64> = conn
        .prepare_cached(
            "SELECT modseq FROM expunged WHERE mailbox = ?1 ORDER BY modseq DESC, first DESC LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![row.id, kept], |r| r.get(0))
        .optional()?;
    if let Some(floor) = floor {
        let n = conn
            .prepare_cached("DELETE FROM expunged WHERE mailbox = ?1 AND modseq <= ?2")?
            .execute(params![row.id, floor])?;
        row.tombstones = row.tombstones.saturating_sub(n as u64);
        row.floor = row.floor.max(floor);
    }
    Ok(())
}
