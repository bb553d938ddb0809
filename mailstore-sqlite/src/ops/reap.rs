//! Deleted mailboxes go in small steps, so that a big one stops nobody's writes.

use rusqlite::{OptionalExtension, params};

use super::release;
use crate::{error::Res, txn::Txn};

const ROWS: usize = 500;

/// One step; whether there is more to do.
pub(crate) fn step(txn: &mut Txn<'_>) -> Res<bool> {
    let dead: Option<i64> = txn
        .conn
        .prepare_cached("SELECT id FROM mailbox WHERE name IS NULL LIMIT 1")?
        .query_row([], |r| r.get(0))
        .optional()?;
    let Some(mailbox) = dead else { return Ok(false) };
    let leaving: Vec<(u32, i64)> = txn
        .conn
        .prepare_cached("SELECT uid, body FROM msg WHERE mailbox = ?1 ORDER BY uid LIMIT ?2")?
        .query_map(params![mailbox, ROWS], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut delete = txn.conn.prepare_cached("DELETE FROM msg WHERE mailbox = ?1 AND uid = ?2")?;
    for (uid, body) in &leaving {
        delete.execute(params![mailbox, uid])?;
        txn.after.unlinks.extend(release(txn.conn, *body)?);
    }
    if leaving.len() == ROWS {
        return Ok(true);
    }
    let last: Option<(u64, u32)> = txn
        .conn
        .prepare_cached(
            "SELECT modseq, first FROM expunged WHERE mailbox = ?1 ORDER BY modseq, first LIMIT 1 OFFSET ?2",
        )?
        .query_row(params![mailbox, ROWS], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    if let Some((modseq, first)) = last {
        txn.conn
            .prepare_cached("DELETE FROM expunged WHERE mailbox = ?1 AND (modseq, first) < (?2, ?3)")?
            .execute(params![mailbox, modseq, first])?;
        return Ok(true);
    }
    txn.conn.prepare_cached("DELETE FROM expunged WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.conn.prepare_cached("DELETE FROM changed WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.conn.prepare_cached("DELETE FROM packed WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.conn.prepare_cached("DELETE FROM keyword WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.conn.prepare_cached("DELETE FROM acl WHERE mailbox = ?1")?.execute([mailbox])?;
    txn.conn
        .prepare_cached(
            "DELETE FROM annotation WHERE mailbox = ?1 AND account = (SELECT account FROM mailbox WHERE id = ?1)",
        )?
        .execute([mailbox])?;
    txn.conn.prepare_cached("DELETE FROM mailbox WHERE id = ?1")?.execute([mailbox])?;
    Ok(true)
}
