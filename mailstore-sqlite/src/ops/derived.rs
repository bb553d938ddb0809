use mailstore_api::Derived;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Res;

/// Tells prefixes apart: what is derived from a body may count octets from the prefix's beginning. 0: none.
pub(crate) fn prefix_key(prefix: Option<&[u8]>) -> i64 {
    let Some(prefix) = prefix else { return 0 };
    let len = u32::try_from(prefix.len()).unwrap_or(u32::MAX);
    i64::from(len >> 1) << 32 | i64::from(crc32fast::hash(prefix)) | 1 << 62
}

/// Keeps what a session derived from a message; what it left out stays as it was.
pub(crate) fn keep(conn: &Connection, mailbox: i64, uid: u32, derived: &Derived) -> Res<()> {
    let found: Option<(i64, i64, Option<Vec<u8>>)> = conn
        .prepare_cached(
            "SELECT m.body, b.account, m.prefix FROM msg m JOIN mailbox b ON b.id = m.mailbox \
             WHERE m.mailbox = ?1 AND m.uid = ?2",
        )?
        .query_row(params![mailbox, uid], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((body, account, prefix)) = found else { return Ok(()) };
    conn.prepare_cached(
        "INSERT INTO derived(body, account, prefix, thread, preview, envelope, structure) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(body, account, prefix) DO UPDATE SET \
         thread = coalesce(excluded.thread, thread), preview = coalesce(excluded.preview, preview), \
         envelope = coalesce(excluded.envelope, envelope), structure = coalesce(excluded.structure, structure)",
    )?
    .execute(params![
        body,
        account,
        prefix_key(prefix.as_deref()),
        derived.thread_id,
        derived.preview,
        derived.envelope.as_deref(),
        derived.body_structure.as_deref()
    ])?;
    Ok(())
}

/// Keeps the unique-id an earlier POP3 server gave a message.
pub(crate) fn keep_uidl(conn: &Connection, mailbox: i64, uid: u32, uidl: &str) -> Res<()> {
    conn.prepare_cached("UPDATE msg SET pop3_uidl = ?3 WHERE mailbox = ?1 AND uid = ?2")?
        .execute(params![mailbox, uid, uidl])?;
    Ok(())
}
