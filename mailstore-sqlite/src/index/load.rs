use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use mailstore_api::{Uid, UidSet};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Added, Effect, Flagged, MailboxRow,
    table::{Gone, Table},
};
use crate::{
    bits::{self, Bits, Keywords, from_blob},
    date::from_stored,
    error::{Res, damaged},
    ops::changed,
};

/// Expunges loaded with a mailbox, so that a client that comes back soon costs no further read.
const RECENT_EXPUNGES: u32 = 512;

/// A mailbox of fewer messages is read as fast as its packed table.
const PACK_FROM: usize = 4096;

const COLUMNS: &str = "SELECT uid, flags, modseq, size, arrived FROM msg WHERE mailbox = ?1";

fn message(r: &Row<'_>) -> rusqlite::Result<Added> {
    Ok(Added {
        uid: r.get(0)?,
        // Those beyond the bits are read apart: almost no message has one.
        bits: Bits { bits: r.get(1)?, more: None },
        modseq: r.get(2)?,
        size: r.get(3)?,
        date: from_stored(r.get(4)?),
    })
}

pub(crate) fn read_keywords(conn: &Connection, mailbox: i64) -> Res<Keywords> {
    let mut keywords = Keywords::default();
    let mut read = conn.prepare_cached("SELECT id, name FROM keyword WHERE mailbox = ?1")?;
    let mut rows = read.query([mailbox])?;
    while let Some(r) = rows.next()? {
        keywords.put(r.get(0)?, r.get(1)?);
    }
    Ok(keywords)
}

/// Keywords beyond the bits.
fn read_more(conn: &Connection, mailbox: i64) -> Res<HashMap<u32, Arc<[u16]>>> {
    let mut read =
        conn.prepare_cached("SELECT uid, keywords FROM msg WHERE mailbox = ?1 AND keywords IS NOT NULL")?;
    let mut rows = read.query([mailbox])?;
    let mut more = HashMap::new();
    while let Some(r) = rows.next()? {
        if let Some(list) = from_blob(r.get_ref(1)?.as_blob_or_null()?) {
            more.insert(r.get(0)?, list);
        }
    }
    Ok(more)
}

fn read_row(conn: &Connection, id: i64) -> Res<Option<MailboxRow>> {
    Ok(conn.prepare_cached(MailboxRow::SELECT)?.query_row([id], MailboxRow::from_row).optional()?)
}

impl Table {
    /// Reads a mailbox within the caller's read transaction, and tells whether it would be worth to keep it
    /// [packed](Self::pack); `None` when there is none.
    pub(super) fn load(conn: &Connection, id: i64) -> Res<Option<(Self, bool)>> {
        let Some(row) = read_row(conn, id)? else { return Ok(None) };
        let messages = usize::try_from(row.messages).unwrap_or(usize::MAX);
        let (mut table, changed) = match Self::load_packed(conn, row)? {
            Some(found) => found,
            None => (Self::scan(conn, row)?, messages),
        };
        table.read_log(conn)?;
        let worth = messages >= PACK_FROM && changed > (messages / 8).max(PACK_FROM / 4);
        Ok(Some((table, worth)))
    }

    /// Reads every message.
    fn scan(conn: &Connection, row: MailboxRow) -> Res<Self> {
        let mut table = Self::empty(row, Arc::new(read_keywords(conn, row.id)?));
        table.reserve(usize::try_from(row.messages).unwrap_or(0));
        let mut read = conn.prepare_cached(COLUMNS)?;
        let mut rows = read.query([row.id])?;
        while let Some(r) = rows.next()? {
            table.push(&message(r)?)?;
        }
        table.block_maxima(0);
        if table.any_more() {
            table.more = read_more(conn, row.id)?;
        }
        Ok(table)
    }

    /// Reads the packed table and what changed since: how many messages did. `None` when there is none, or it
    /// is of no use.
    fn load_packed(conn: &Connection, row: MailboxRow) -> Res<Option<(Self, usize)>> {
        let mut read = conn.prepare_cached("SELECT modseq, crc, data FROM packed WHERE mailbox = ?1")?;
        let mut rows = read.query([row.id])?;
        let Some(r) = rows.next()? else { return Ok(None) };
        let modseq: u64 = r.get(0)?;
        let data = r.get_ref(2)?.as_blob_or_null()?.unwrap_or(&[]);
        if modseq > row.modseq || modseq < row.floor || crc32fast::hash(data) != r.get::<_, u32>(1)? {
            return Ok(None);
        }
        let then = MailboxRow { modseq, ..row };
        let Some(mut table) = Self::unpack(then, data) else { return Ok(None) };
        let mut changed = 0;
        if row.modseq == modseq {
            table.keywords = Arc::new(read_keywords(conn, row.id)?);
        } else {
            changed = table.catch_up(conn, row)?;
        }
        // Whatever may have gone wrong with the packed one, the messages themselves are the truth.
        if table.len() != usize::try_from(row.messages).unwrap_or(usize::MAX) {
            return Ok(None);
        }
        if table.any_more() {
            table.more = read_more(conn, row.id)?;
        }
        Ok(Some((table, changed)))
    }

    fn any_more(&self) -> bool {
        self.bits.iter().any(|b| b & bits::MORE != 0)
    }

    fn read_log(&mut self, conn: &Connection) -> Res<()> {
        let mut read = conn.prepare_cached(
            "SELECT modseq, first, last FROM expunged WHERE mailbox = ?1 ORDER BY modseq DESC LIMIT ?2",
        )?;
        let mut log: VecDeque<Gone> = VecDeque::new();
        let mut rows = read.query(params![self.row.id, RECENT_EXPUNGES])?;
        while let Some(r) = rows.next()? {
            log.push_front(Gone { modseq: r.get(0)?, first: r.get(1)?, last: r.get(2)? });
        }
        // Of the oldest modseq, not all may be here; when fewer came than asked for, these are all there are.
        let complete_from = match log.front() {
            Some(oldest) if log.len() >= RECENT_EXPUNGES as usize => oldest.modseq,
            _ => self.row.floor,
        };
        self.set_log(log, complete_from);
        Ok(())
    }

    /// Catches up with the database, which another process may have changed: whether anything changed; `None`
    /// when the mailbox is gone.
    pub(super) fn sync(&mut self, conn: &Connection) -> Res<Option<bool>> {
        let tx = conn.unchecked_transaction()?;
        let Some(row) = read_row(&tx, self.row.id)? else { return Ok(None) };
        if row.modseq == self.row.modseq {
            self.row = MailboxRow { recent: row.recent.max(self.row.recent), ..row };
            return Ok(Some(false));
        }
        if row.floor > self.row.modseq || row.modseq < self.row.modseq {
            let recent = self.row.recent;
            let Some((mut fresh, _)) = Self::load(&tx, row.id)? else { return Ok(None) };
            fresh.row.recent = fresh.row.recent.max(recent);
            *self = fresh;
            return Ok(Some(true));
        }
        self.catch_up(&tx, row)?;
        if self.len() != usize::try_from(row.messages).unwrap_or(usize::MAX) {
            return Err(damaged(format!("mailbox {}: its count of messages is wrong", row.id)));
        }
        Ok(Some(true))
    }

    /// Takes over what was changed since this table's modseq, within the caller's read transaction: how many
    /// messages were.
    fn catch_up(&mut self, conn: &Connection, row: MailboxRow) -> Res<usize> {
        let since = self.row.modseq;
        let mut effect = Effect { before: since, ..Effect::new(row) };
        effect.keywords = Some(Arc::new(read_keywords(conn, row.id)?));
        let mut gone = Vec::new();
        let mut read = conn.prepare_cached(
            "SELECT modseq, first, last FROM expunged WHERE mailbox = ?1 AND modseq > ?2 ORDER BY modseq",
        )?;
        let mut rows = read.query(params![row.id, since])?;
        while let Some(r) = rows.next()? {
            gone.push(Gone { modseq: r.get(0)?, first: r.get(1)?, last: r.get(2)? });
        }
        effect.removed = UidSet::from_ranges(gone.iter().map(|g| (g.first, g.last)));
        let last = self.last_uid().map_or(0, Uid::get);
        let (touched, known) = changed::since(conn, &row, since, last)?;
        let mut read = conn.prepare_cached(
            "SELECT uid, modseq, flags, keywords FROM msg WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 AND modseq > ?4",
        )?;
        for (first, last) in touched.ranges() {
            let mut rows = read.query(params![row.id, first, last, since])?;
            while let Some(r) = rows.next()? {
                let bits = Bits { bits: r.get(2)?, more: from_blob(r.get_ref(3)?.as_blob_or_null()?) };
                effect.flagged.push(Flagged { uid: r.get(0)?, modseq: r.get(1)?, bits });
            }
        }
        // Whatever is above what was known is new.
        let mut read = conn.prepare_cached(
            "SELECT uid, flags, modseq, size, arrived, keywords FROM msg WHERE mailbox = ?1 AND uid > ?2",
        )?;
        let mut rows = read.query(params![row.id, last])?;
        while let Some(r) = rows.next()? {
            let mut new = message(r)?;
            new.bits.more = from_blob(r.get_ref(5)?.as_blob_or_null()?);
            effect.added.push(new);
        }
        // Where all had to be read, it was as much work as if all had changed.
        let count = if known { effect.flagged.len() + effect.added.len() + gone.len() } else { self.len() };
        self.change(&effect, gone);
        Ok(count)
    }
}
