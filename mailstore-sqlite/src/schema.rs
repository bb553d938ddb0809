//! The databases: how they are opened, what is in them, and how older ones are brought up to date.

use std::{
    fs::{self, OpenOptions},
    path::Path,
    time::Duration,
};

use mailstore_api::ErrorKind;
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::error::{Fault, Res, damaged, refused};

/// Which kind of database a file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Control,
    Shard,
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Writer,
    Reader,
}

/// Each entry brings a database from the version of its place to the next, in one transaction.
const CONTROL: &[&str] = &["
    CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE account(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL COLLATE NOCASE UNIQUE,
        password TEXT,
        shard INTEGER NOT NULL,
        created INTEGER NOT NULL);
    -- Accounts that are gone, and whose shard still has to be told.
    CREATE TABLE removed(id INTEGER PRIMARY KEY, shard INTEGER NOT NULL);
"];

const SHARD: &[&str] = &["
    CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE account(
        id INTEGER PRIMARY KEY,
        quota_octets INTEGER,
        quota_messages INTEGER);
    -- name: the parts joined by U+001F; NULL: deleted, and its rows go in small steps.
    -- recent: the first UID nobody was told of. tombstones: rows in expunged.
    CREATE TABLE mailbox(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account INTEGER NOT NULL,
        name TEXT,
        uses INTEGER NOT NULL,
        uidvalidity INTEGER NOT NULL,
        uidnext INTEGER NOT NULL DEFAULT 1,
        modseq INTEGER NOT NULL DEFAULT 1,
        expunged_floor INTEGER NOT NULL DEFAULT 0,
        messages INTEGER NOT NULL DEFAULT 0,
        unseen INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER NOT NULL DEFAULT 0,
        octets INTEGER NOT NULL DEFAULT 0,
        tombstones INTEGER NOT NULL DEFAULT 0,
        recent INTEGER NOT NULL DEFAULT 1);
    CREATE UNIQUE INDEX mailbox_name ON mailbox(account, name);
    CREATE INDEX mailbox_deleted ON mailbox(id) WHERE name IS NULL;
    CREATE TABLE subscription(account INTEGER, name TEXT, PRIMARY KEY(account, name)) WITHOUT ROWID;
    CREATE TABLE keyword(mailbox INTEGER, id INTEGER, name TEXT NOT NULL, PRIMARY KEY(mailbox, id)) WITHOUT ROWID;
    -- flags: see bits.rs. keywords: those beyond the bits, as 16-bit numbers. size: with the prefix.
    -- arrived: see date.rs. saved: seconds.
    CREATE TABLE msg(
        mailbox INTEGER,
        uid INTEGER,
        flags INTEGER NOT NULL,
        modseq INTEGER NOT NULL,
        size INTEGER NOT NULL,
        arrived INTEGER NOT NULL,
        body INTEGER NOT NULL,
        saved INTEGER NOT NULL,
        keywords BLOB,
        prefix BLOB,
        pop3_uidl TEXT,
        PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;
    CREATE INDEX msg_modseq ON msg(mailbox, modseq);
    -- Ranges of UIDs; below mailbox.expunged_floor history is lost.
    CREATE TABLE expunged(
        mailbox INTEGER, modseq INTEGER, first INTEGER, last INTEGER NOT NULL,
        PRIMARY KEY(mailbox, modseq, first)) WITHOUT ROWID;
    -- A copy of a big mailbox's messages at one modseq, to open it faster; see index/pack.rs. Whoever changes rows of
    -- msg by other means than this program deletes the mailbox's row here.
    CREATE TABLE packed(
        mailbox INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);
    -- Octets: in data, or in the file bodies/path. data last, so that the others are read without it.
    CREATE TABLE body(
        id INTEGER PRIMARY KEY,
        size INTEGER NOT NULL,
        header INTEGER NOT NULL,
        crc INTEGER NOT NULL,
        path TEXT,
        data BLOB);
    -- References to a body beyond the first: copies cost one small row, appends none.
    CREATE TABLE shared(body INTEGER PRIMARY KEY, more INTEGER NOT NULL);
    -- Files whose last reference is gone: unlinked after the commit that put them here.
    CREATE TABLE unlink_later(path TEXT PRIMARY KEY) WITHOUT ROWID;
    -- What sessions derived from a body, for one account's messages of it: another account's are not copies.
    -- prefix: a hash of the message's prefix, 0 for none.
    CREATE TABLE derived(
        body INTEGER NOT NULL, account INTEGER NOT NULL, prefix INTEGER NOT NULL,
        thread TEXT, preview TEXT, envelope BLOB, structure BLOB,
        PRIMARY KEY(body, account, prefix));
", "
    -- Messages to be handed on. due: while leased, the end of the lease. Each holds one reference to its body.
    CREATE TABLE queue(
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        due INTEGER NOT NULL,
        leased INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        size INTEGER NOT NULL,
        body INTEGER NOT NULL,
        sender TEXT NOT NULL,
        data BLOB NOT NULL);
    CREATE INDEX queue_due ON queue(due);
    -- state: 0 waiting, 1 done, 2 failed.
    CREATE TABLE queue_recipient(
        queue INTEGER, place INTEGER,
        state INTEGER NOT NULL,
        address TEXT NOT NULL,
        error TEXT,
        data BLOB NOT NULL,
        PRIMARY KEY(queue, place)) WITHOUT ROWID;
", "
    -- What an account may keep (NULL: no limit) and keeps: the sums of its mailboxes that are not deleted.
    ALTER TABLE account ADD COLUMN quota_mailboxes INTEGER;
    ALTER TABLE account ADD COLUMN used_octets INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE account ADD COLUMN used_messages INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE account ADD COLUMN used_mailboxes INTEGER NOT NULL DEFAULT 0;
    UPDATE account SET (used_octets, used_messages, used_mailboxes) =
        (SELECT coalesce(sum(b.octets), 0), coalesce(sum(b.messages), 0), count(*)
         FROM mailbox b WHERE b.account = account.id AND b.name IS NOT NULL);
    -- mailbox: 0 for those of the account itself. name: in lower case.
    CREATE TABLE annotation(
        account INTEGER NOT NULL, mailbox INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY(account, mailbox, name));
    CREATE TABLE acl(
        mailbox INTEGER, who TEXT, rights INTEGER NOT NULL,
        PRIMARY KEY(mailbox, who)) WITHOUT ROWID;
    -- What is shared with somebody.
    CREATE INDEX acl_who ON acl(who);
", "
    -- A message whose modseq is above mailbox.changed_floor came with that modseq, or is in a range that is noted under it
    -- here. Ranges may hold other messages too. See ops/changed.rs.
    CREATE TABLE changed(
        mailbox INTEGER, modseq INTEGER, first INTEGER, last INTEGER NOT NULL,
        PRIMARY KEY(mailbox, modseq, first)) WITHOUT ROWID;
    ALTER TABLE mailbox ADD COLUMN changed_floor INTEGER NOT NULL DEFAULT 0;
    UPDATE mailbox SET changed_floor = modseq;
    DROP INDEX msg_modseq;
"];

impl Kind {
    const fn migrations(self) -> &'static [&'static str] {
        match self {
            Self::Control => CONTROL,
            Self::Shard => SHARD,
        }
    }

    /// `PRAGMA application_id`: so that `file` and this program know what they see.
    const fn application(self) -> i32 {
        match self {
            Self::Control => 0x4d53_7463,
            Self::Shard => 0x4d53_7473,
        }
    }
}

/// Creates a database that is missing and brings an older one up to date. The caller holds the store's lock.
pub(crate) fn prepare(path: &Path, kind: Kind, busy: Duration) -> Res<()> {
    if !path.exists() {
        // SQLite would make it readable to all; its WAL takes the same mode.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        crate::files::private(&mut options);
        options.open(path)?;
    }
    let mut conn = open_raw(path, busy)?;
    let application: i32 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let version: usize = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let newest = kind.migrations().len();
    if version == 0 {
        // Both take effect only before the first table.
        conn.pragma_update(None, "page_size", 4096)?;
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    } else if application != kind.application() {
        return Err(damaged(format!("{} is no database of a mail store", path.display())));
    }
    if version > newest {
        return Err(refused(
            ErrorKind::Unsupported,
            format!(
                "{} was written by a newer program (its format is {version}, this program knows {newest})",
                path.display()
            ),
        ));
    }
    tune(&conn, Role::Writer)?;
    for (n, step) in kind.migrations().iter().enumerate().skip(version) {
        let tx = conn.transaction()?;
        tx.execute_batch(step)?;
        tx.pragma_update(None, "application_id", kind.application())?;
        tx.pragma_update(None, "user_version", n + 1)?;
        tx.commit()?;
    }
    Ok(())
}

/// A connection to a database that [`prepare`] has seen.
pub(crate) fn open(path: &Path, kind: Kind, role: Role, busy: Duration) -> Res<Connection> {
    let conn = open_raw(path, busy)?;
    tune(&conn, role)?;
    check_version(&conn, kind)?;
    Ok(conn)
}

/// Refuses a database that another version of the program has brought up to its own.
pub(crate) fn check_version(conn: &Connection, kind: Kind) -> Res<()> {
    let version: usize = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    match version == kind.migrations().len() {
        true => Ok(()),
        false => {
            Err(refused(ErrorKind::Unavailable, "the store was changed by another version of the program"))
        }
    }
}

fn open_raw(path: &Path, busy: Duration) -> Res<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(busy)?;
    Ok(conn)
}

fn tune(conn: &Connection, role: Role) -> Res<()> {
    let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |r| r.get(0))?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Durability rests on these two: with NORMAL, a power cut loses acknowledged messages.
    let synchronous: i64 = conn.pragma_query_value(None, "synchronous", |r| r.get(0))?;
    if synchronous != 2 || !mode.eq_ignore_ascii_case("wal") {
        return Err(Fault::Refused(mailstore_api::StoreError::new(
            ErrorKind::Internal,
            format!("the database does not give durability (journal_mode {mode}, synchronous {synchronous})"),
        )));
    }
    conn.pragma_update(None, "mmap_size", 0)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.set_prepared_statement_cache_capacity(64);
    // Else statements are planned anew for the values they are given: at every step, of some of those that join tables.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match role {
        Role::Writer => {
            conn.pragma_update(None, "wal_autocheckpoint", 4096)?;
            conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
            conn.pragma_update(None, "cache_size", -16_384)?;
        }
        Role::Reader => {
            conn.pragma_update(None, "wal_autocheckpoint", 0)?;
            conn.pragma_update(None, "cache_size", -4_096)?;
            conn.pragma_update(None, "query_only", true)?;
        }
    }
    Ok(())
}

/// Makes what was created in a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Res<()> {
    // Where a directory cannot be opened as a file (not Unix), there is nothing to do.
    if cfg!(unix) {
        fs::File::open(path)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_refused_politely_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let busy = Duration::from_secs(1);
        prepare(&path, Kind::Shard, busy).unwrap();
        prepare(&path, Kind::Shard, busy).unwrap();
        assert!(prepare(&path, Kind::Control, busy).is_err(), "a shard is no control database");
        let conn = open(&path, Kind::Shard, Role::Writer, busy).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
        drop(conn);
        let Err(Fault::Refused(e)) = prepare(&path, Kind::Shard, busy) else { panic!("it was accepted") };
        assert_eq!(e.kind, ErrorKind::Unsupported);
        assert!(e.to_string().contains("newer program"), "{e}");
    }

    #[test]
    fn a_reader_cannot_write_and_all_are_durable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let busy = Duration::from_secs(1);
        prepare(&path, Kind::Control, busy).unwrap();
        let reader = open(&path, Kind::Control, Role::Reader, busy).unwrap();
        assert!(reader.execute("INSERT INTO meta VALUES ('a', 1)", []).is_err());
        for (pragma, value) in [("page_size", 4096), ("auto_vacuum", 2), ("synchronous", 2), ("mmap_size", 0)]
        {
            let found: i64 = reader.pragma_query_value(None, pragma, |r| r.get(0)).unwrap();
            assert_eq!(found, value, "{pragma}");
        }
    }
}
