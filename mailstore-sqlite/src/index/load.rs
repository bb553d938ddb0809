use std::{collections::VecDeque, sync::Arc};

use mailstore_api::{InternalDate, Uid, UidSet};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Added, Effect, Flagged, MailboxRow,
    table::{Gone, Table},
};
use crate::{
    bits::{Bits, Keywords, from_blob},
    error::{Res, damaged},
};

/// Expunges loaded with a mailbox, so that a client that comes back soon costs no further read.
const RECENT_EXPUNGES: u32 = 512;

const COLUMNS: &str = "SELECT uid, flags, modseq, size, date, zone, keywords FROM msg WHERE mailbox = ?1";

fn message(r: &Row<'_>) -> rusqlite::Result<Added> {
    Ok(Added {
        uid: r.get(0)?,
        bits: Bits { bits: r.get(1)?, more: from_blob(r.get_ref(6)?.as_blob_or_null()?) },
        modseq: r.get(2)?,
        size: r.get(3)?,
        date: InternalDate { seconds: r.get(4)?, zone_minutes: r.get(5)? },
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

fn read_row(conn: &Connection, id: i64) -> Res<Option<MailboxRow>> {
    Ok(conn.prepare_cached(MailboxRow::SELECT)?.query_row([id], MailboxRow::from_row).optional()?)
}

impl Table {
    /// Reads a mailbox within the caller's read transaction; `None` when there is none.
    pub(super) fn load(conn: &Connection, id: i64) -> Res<Option<Self>> {
        let Some(row) = read_row(conn, id)? else { return Ok(None) };
        let keywords = Arc::new(read_keywords(conn, id)?);
        let mut table = Self::empty(row, keywords);
        table.reserve(usize::try_from(row.messages).unwrap_or(0));
        let mut read = conn.prepare_cached(COLUMNS)?;
        let mut rows = read.query([id])?;
        while let Some(r) = rows.next()? {
            table.push(&message(r)?)?;
        }
        table.block_maxima(0);
        let mut read = conn.prepare_cached(
            "SELECT modseq, first, last FROM expunged WHERE mailbox = ?1 ORDER BY modseq DESC LIMIT ?2",
        )?;
        let mut log: VecDeque<Gone> = VecDeque::new();
        let mut rows = read.query(params![id, RECENT_EXPUNGES])?;
        while let Some(r) = rows.next()? {
            log.push_front(Gone { modseq: r.get(0)?, first: r.get(1)?, last: r.get(2)? });
        }
        // Of the oldest modseq, not all may be here; when fewer came than asked for, these are all there are.
        let complete_from = match log.front() {
            Some(oldest) if log.len() >= RECENT_EXPUNGES as usize => oldest.modseq,
            _ => row.floor,
        };
        table.set_log(log, complete_from);
        Ok(Some(table))
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
            let Some(mut fresh) = Self::load(&tx, row.id)? else { return Ok(None) };
            fresh.row.recent = fresh.row.recent.max(recent);
            *self = fresh;
            return Ok(Some(true));
        }
        let mut effect = Effect { before: self.row.modseq, ..Effect::new(row) };
        effect.keywords = Some(Arc::new(read_keywords(&tx, row.id)?));
        let mut gone = Vec::new();
        let mut read = tx.prepare_cached(
            "SELECT modseq, first, last FROM expunged WHERE mailbox = ?1 AND modseq > ?2 ORDER BY modseq",
        )?;
        let mut rows = read.query(params![row.id, self.row.modseq])?;
        while let Some(r) = rows.next()? {
            gone.push(Gone { modseq: r.get(0)?, first: r.get(1)?, last: r.get(2)? });
        }
        effect.removed = UidSet::from_ranges(gone.iter().map(|g| (g.first, g.last)));
        let last = self.last_uid().map_or(0, Uid::get);
        let mut read = tx.prepare_cached(&format!("{COLUMNS} AND modseq > ?2"))?;
        let mut changed: Vec<Added> =
            read.query_map(params![row.id, self.row.modseq], message)?.collect::<Result<_, _>>()?;
        changed.sort_unstable_by_key(|m| m.uid);
        for m in changed {
            if m.uid > last {
                effect.added.push(m);
            } else {
                effect.flagged.push(Flagged { uid: m.uid, modseq: m.modseq, bits: m.bits });
            }
        }
        self.change(&effect, gone);
        if self.len() != usize::try_from(row.messages).unwrap_or(usize::MAX) {
            return Err(damaged(format!("mailbox {}: its count of messages is wrong", row.id)));
        }
        Ok(Some(true))
    }
}
