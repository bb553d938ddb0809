//! Access lists and annotations.

use std::collections::BTreeMap;

use mailstore_api::{
    Annotation, ErrorKind, MetadataLimits, Rights, StoreError, annotation_matches, check_annotation,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{error::Res, txn::Txn};

/// Entries of an access list, at most.
const IDENTIFIERS: i64 = 1_000;

fn check_mailbox(conn: &Connection, account: i64, mailbox: i64) -> Res<()> {
    let mut read =
        conn.prepare_cached("SELECT 1 FROM mailbox WHERE id = ?1 AND account = ?2 AND name IS NOT NULL")?;
    match read.exists([mailbox, account])? {
        true => Ok(()),
        false => Err(ErrorKind::NotFound.into()),
    }
}

pub(crate) fn access_list(conn: &Connection, account: i64, mailbox: i64) -> Res<Vec<(String, Rights)>> {
    check_mailbox(conn, account, mailbox)?;
    let mut all = conn.prepare_cached("SELECT who, rights FROM acl WHERE mailbox = ?1 ORDER BY who")?;
    let all = all.query_map([mailbox], |r| Ok((r.get(0)?, Rights::from_bits(r.get(1)?))))?;
    Ok(all.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn set_access(
    txn: &mut Txn<'_>,
    account: i64,
    mailbox: i64,
    who: &str,
    rights: Option<Rights>,
) -> Res<()> {
    txn.mailbox(account, mailbox, ErrorKind::NotFound)?;
    let Some(rights) = rights.filter(|r| !r.is_empty()) else {
        txn.conn
            .prepare_cached("DELETE FROM acl WHERE mailbox = ?1 AND who = ?2")?
            .execute(params![mailbox, who])?;
        return Ok(());
    };
    txn.conn
        .prepare_cached("INSERT OR REPLACE INTO acl(mailbox, who, rights) VALUES (?1, ?2, ?3)")?
        .execute(params![mailbox, who, rights.bits()])?;
    let count: i64 = txn
        .conn
        .prepare_cached("SELECT count(*) FROM acl WHERE mailbox = ?1")?
        .query_row([mailbox], |r| r.get(0))?;
    if count > IDENTIFIERS {
        return Err(StoreError::new(ErrorKind::Limit, "the access list is too long").into());
    }
    Ok(())
}

/// The annotations of a mailbox, or of the account, that are asked for.
pub(crate) fn annotations(
    conn: &Connection,
    account: i64,
    mailbox: Option<i64>,
    entries: &[String],
    depth: u8,
) -> Res<Vec<Annotation>> {
    if let Some(mailbox) = mailbox {
        check_mailbox(conn, account, mailbox)?;
    }
    let mailbox = mailbox.unwrap_or(0);
    let mut found = BTreeMap::new();
    let mut names =
        conn.prepare_cached("SELECT name FROM annotation WHERE account = ?1 AND mailbox = ?2 ORDER BY name")?;
    let mut value = conn
        .prepare_cached("SELECT value FROM annotation WHERE account = ?1 AND mailbox = ?2 AND name = ?3")?;
    // There are few names, by the limit, and values may be big.
    let names = names.query_map([account, mailbox], |r| r.get::<_, String>(0))?;
    for name in names.collect::<rusqlite::Result<Vec<_>>>()? {
        if entries.iter().any(|entry| annotation_matches(&name, entry, depth)) {
            let value = value.query_row(params![account, mailbox, name], |r| r.get::<_, Vec<u8>>(0))?;
            found.insert(name, value);
        }
    }
    Ok(found.into_iter().collect())
}

pub(crate) fn annotate(
    txn: &mut Txn<'_>,
    account: i64,
    mailbox: Option<i64>,
    entries: &[(String, Option<Vec<u8>>)],
    limits: &MetadataLimits,
) -> Res<()> {
    match mailbox {
        Some(mailbox) => _ = txn.mailbox(account, mailbox, ErrorKind::NotFound)?,
        None => check_account(txn.conn, account)?,
    }
    let mailbox = mailbox.unwrap_or(0);
    let count = |txn: &Txn<'_>| -> Res<u64> {
        let mut count =
            txn.conn.prepare_cached("SELECT count(*) FROM annotation WHERE account = ?1 AND mailbox = ?2")?;
        Ok(count.query_row([account, mailbox], |r| r.get(0))?)
    };
    let before = count(txn)?;
    for (name, value) in entries {
        let name = check_annotation(name, value.as_deref(), limits)?;
        match value {
            Some(value) => txn
                .conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO annotation(account, mailbox, name, value) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![account, mailbox, name, value])?,
            None => txn
                .conn
                .prepare_cached("DELETE FROM annotation WHERE account = ?1 AND mailbox = ?2 AND name = ?3")?
                .execute(params![account, mailbox, name])?,
        };
    }
    let after = count(txn)?;
    // Who has too many since the limit was lowered may still change and remove them.
    if after > before && after > limits.entries {
        return Err(StoreError::new(ErrorKind::Limit, "too many annotations").into());
    }
    Ok(())
}

/// A mailbox takes the place of another of the same account: what it does not have itself, it takes over.
pub(crate) fn hand_over(txn: &Txn<'_>, old: i64, new: i64) -> Res<()> {
    txn.conn
        .prepare_cached("UPDATE OR IGNORE acl SET mailbox = ?2 WHERE mailbox = ?1")?
        .execute([old, new])?;
    txn.conn
        .prepare_cached("UPDATE OR IGNORE annotation SET mailbox = ?2 WHERE mailbox = ?1")?
        .execute([old, new])?;
    Ok(())
}

fn check_account(conn: &Connection, account: i64) -> Res<()> {
    let found: Option<i64> = conn
        .prepare_cached("SELECT id FROM account WHERE id = ?1")?
        .query_row([account], |r| r.get(0))
        .optional()?;
    found.map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
}
