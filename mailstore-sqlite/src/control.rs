//! `control.db`: who has an account, in which shard, and where UIDVALIDITY comes from.

use std::{path::Path, sync::Mutex, time::Duration};

use mailstore_api::{ErrorKind, InternalDate, StoreError};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, TransactionBehavior, params};

use crate::{
    AccountInfo,
    error::{Res, refused},
    oneshot::lock,
    schema::{self, Kind, Role},
};

#[derive(Debug)]
pub(crate) struct Control {
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    shards: usize,
}

/// An account's number and shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) id: i64,
    pub(crate) shard: usize,
}

const INFO: &str = "SELECT id, name, password, created FROM account";

impl Control {
    pub(crate) fn path(dir: &Path) -> std::path::PathBuf {
        dir.join("control.db")
    }

    /// How many shards the store has; `None` when it was never finished.
    pub(crate) fn shards(dir: &Path, busy: Duration) -> Res<Option<usize>> {
        let conn = schema::open(&Self::path(dir), Kind::Control, Role::Reader, busy)?;
        Ok(conn.query_row("SELECT value FROM meta WHERE key = 'shards'", [], |r| r.get(0)).optional()?)
    }

    pub(crate) fn set_shards(dir: &Path, busy: Duration, shards: usize) -> Res<()> {
        let conn = schema::open(&Self::path(dir), Kind::Control, Role::Writer, busy)?;
        conn.execute("INSERT INTO meta VALUES ('shards', ?1)", [shards])?;
        Ok(())
    }

    pub(crate) fn open(dir: &Path, busy: Duration, shards: usize) -> Res<Self> {
        let open = |role| schema::open(&Self::path(dir), Kind::Control, role, busy).map(Mutex::new);
        Ok(Self { writer: open(Role::Writer)?, reader: open(Role::Reader)?, shards })
    }

    pub(crate) fn find(&self, name: &str) -> Res<Option<Place>> {
        let conn = lock(&self.reader);
        let mut found = conn.prepare_cached("SELECT id, shard FROM account WHERE name = ?1")?;
        Ok(found.query_row([name], place).optional()?)
    }

    /// The name of an account.
    pub(crate) fn name(&self, id: i64) -> Res<Option<String>> {
        let conn = lock(&self.reader);
        let mut found = conn.prepare_cached("SELECT name FROM account WHERE id = ?1")?;
        Ok(found.query_row([id], |r| r.get(0)).optional()?)
    }

    pub(crate) fn account(&self, name: &str) -> Res<Option<AccountInfo>> {
        let conn = lock(&self.reader);
        let mut found = conn.prepare_cached(&format!("{INFO} WHERE name = ?1"))?;
        Ok(found.query_row([name], info).optional()?)
    }

    pub(crate) fn accounts(&self) -> Res<Vec<AccountInfo>> {
        let conn = lock(&self.reader);
        let mut all = conn.prepare_cached(&format!("{INFO} ORDER BY name"))?;
        let all = all.query_map([], info)?.collect::<Result<_, _>>()?;
        Ok(all)
    }

    /// Makes an account. `fill` puts its first mailboxes into its shard, with that many UIDVALIDITY values; it
    /// is called before the account is visible, so that nobody sees it without INBOX. When the last step
    /// fails, the shard has rows of an account that never was: the number is given again, and whoever gets it
    /// clears them first.
    pub(crate) fn create(
        &self,
        name: &str,
        password: Option<&str>,
        mailboxes: u32,
        fill: impl FnOnce(Place, u32) -> Res<()>,
    ) -> Res<AccountInfo> {
        let mut conn = lock(&self.writer);
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let created = InternalDate::now();
        let inserted = tx.execute(
            "INSERT INTO account(name, password, shard, created) VALUES (?1, ?2, 0, ?3)",
            params![name, password, created.seconds],
        );
        match inserted {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return Err(refused(ErrorKind::Exists, "there is an account of this name"));
            }
            other => other?,
        };
        let id = tx.last_insert_rowid();
        let shard = usize::try_from(id).unwrap_or(0) % self.shards.max(1);
        tx.execute("UPDATE account SET shard = ?2 WHERE id = ?1", params![id, shard])?;
        let first = next_validities(&tx, mailboxes)?;
        fill(Place { id, shard }, first)?;
        tx.commit()?;
        Ok(AccountInfo {
            id: id.unsigned_abs(),
            name: name.to_owned(),
            password_hash: password.map(str::to_owned),
            created,
        })
    }

    pub(crate) fn set_password(&self, name: &str, password: Option<&str>) -> Res<()> {
        let conn = lock(&self.writer);
        match conn.execute("UPDATE account SET password = ?2 WHERE name = ?1", params![name, password])? {
            0 => Err(ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    /// Gives an account another name.
    pub(crate) fn rename(&self, name: &str, new: &str) -> Res<()> {
        let conn = lock(&self.writer);
        match conn.execute("UPDATE account SET name = ?2 WHERE name = ?1", params![name, new]) {
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Err(refused(ErrorKind::Exists, "there is an account of this name"))
            }
            Ok(0) => Err(ErrorKind::NotFound.into()),
            changed => changed.map(|_| ()).map_err(Into::into),
        }
    }

    /// Takes the account away, and keeps a note until [`forget`](Self::forget) that its shard must follow.
    pub(crate) fn remove(&self, name: &str) -> Res<Place> {
        let mut conn = lock(&self.writer);
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = tx
            .query_row("DELETE FROM account WHERE name = ?1 RETURNING id, shard", [name], place)
            .optional()?
            .ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
        tx.execute("INSERT INTO removed(id, shard) VALUES (?1, ?2)", params![found.id, found.shard])?;
        tx.commit()?;
        Ok(found)
    }

    pub(crate) fn removed(&self) -> Res<Vec<Place>> {
        let conn = lock(&self.reader);
        let mut all = conn.prepare_cached("SELECT id, shard FROM removed")?;
        let all = all.query_map([], place)?.collect::<Result<_, _>>()?;
        Ok(all)
    }

    pub(crate) fn forget(&self, id: i64) -> Res<()> {
        lock(&self.writer).execute("DELETE FROM removed WHERE id = ?1", [id])?;
        Ok(())
    }

    /// The first of `n` UIDVALIDITY values, each greater than any that was given before, by any process.
    pub(crate) fn validities(&self, n: u32) -> Res<u32> {
        let mut conn = lock(&self.writer);
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let first = next_validities(&tx, n)?;
        tx.commit()?;
        Ok(first)
    }

    /// Sees to it that values given from now on are greater than one that is taken over from elsewhere.
    pub(crate) fn raise_validity(&self, to: u32) -> Res<()> {
        // One far beyond the clock would use up the values of every account.
        let bound = InternalDate::now().seconds.saturating_add(YEAR);
        if i64::from(to) > bound {
            return Err(refused(ErrorKind::Limit, format!("UIDVALIDITY {to} is too far in the future")));
        }
        lock(&self.writer).execute(
            "INSERT INTO meta VALUES ('uidvalidity', ?1) \
             ON CONFLICT(key) DO UPDATE SET value = max(value, excluded.value)",
            [to],
        )?;
        Ok(())
    }
}

/// Seconds.
const YEAR: i64 = 366 * 24 * 3600;

fn next_validities(tx: &Connection, n: u32) -> Res<u32> {
    // Begun at the clock (RFC 3501 section 2.3.1.1), so that even a store made anew is ahead of its predecessor.
    let now = u32::try_from(InternalDate::now().seconds).unwrap_or(1).max(1);
    let last: Option<u32> =
        tx.query_row("SELECT value FROM meta WHERE key = 'uidvalidity'", [], |r| r.get(0)).optional()?;
    let first = last.unwrap_or(0).saturating_add(1).max(now);
    let Some(last) = first.checked_add(n) else {
        return Err(refused(ErrorKind::Limit, "no UIDVALIDITY is left"));
    };
    tx.execute("INSERT OR REPLACE INTO meta VALUES ('uidvalidity', ?1)", [last])?;
    Ok(first)
}

fn place(r: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { id: r.get(0)?, shard: r.get(1)? })
}

fn info(r: &Row<'_>) -> rusqlite::Result<AccountInfo> {
    Ok(AccountInfo {
        id: r.get(0)?,
        name: r.get(1)?,
        password_hash: r.get(2)?,
        created: InternalDate { seconds: r.get(3)?, zone_minutes: 0 },
    })
}
