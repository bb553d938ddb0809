//! What accounts may keep, and keep.

use mailstore_api::{ErrorKind, QuotaLimits, QuotaUsage};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::{Res, refused},
    txn::Txn,
};

pub(crate) fn read(conn: &Connection, account: i64) -> Res<Option<(QuotaLimits, QuotaUsage)>> {
    let mut read = conn.prepare_cached(
        "SELECT quota_octets, quota_messages, quota_mailboxes, used_octets, used_messages, used_mailboxes \
         FROM account WHERE id = ?1",
    )?;
    let found = read.query_row([account], |r| {
        let limits = QuotaLimits { octets: r.get(0)?, messages: r.get(1)?, mailboxes: r.get(2)? };
        Ok((limits, QuotaUsage { octets: r.get(3)?, messages: r.get(4)?, mailboxes: r.get(5)? }))
    });
    Ok(found.optional()?)
}

/// Adds to what an account keeps. Never below zero, whatever was counted wrongly before.
pub(crate) fn count(conn: &Connection, account: i64, [octets, messages, mailboxes]: [i64; 3]) -> Res<()> {
    if (octets, messages, mailboxes) != (0, 0, 0) {
        conn.prepare_cached(
            "UPDATE account SET used_octets = max(0, used_octets + ?2), \
             used_messages = max(0, used_messages + ?3), used_mailboxes = max(0, used_mailboxes + ?4) WHERE id = ?1",
        )?
        .execute(params![account, octets, messages, mailboxes])?;
    }
    Ok(())
}

pub(crate) fn set(txn: &mut Txn<'_>, account: i64, limits: &QuotaLimits) -> Res<()> {
    // SQLite's integers have a sign; nobody keeps 8 EiB.
    let stored = |n: Option<u64>| n.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let changed = txn
        .conn
        .prepare_cached(
            "UPDATE account SET quota_octets = ?2, quota_messages = ?3, quota_mailboxes = ?4 WHERE id = ?1",
        )?
        .execute(params![
            account,
            stored(limits.octets),
            stored(limits.messages),
            stored(limits.mailboxes)
        ])?;
    txn.forget_limits(account);
    match changed {
        0 => Err(refused(ErrorKind::NotFound, "the account is gone")),
        _ => Ok(()),
    }
}
