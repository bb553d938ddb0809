//! The writer thread of a shard: the only one that changes its database in this process.
//!
//! A group is whatever waits, without artificial delay; every request in it has a savepoint of its own; nobody
//! is answered before the commit, and a failed commit fails them all and the connection with them, since
//! after a failed fsync nobody knows what the disk holds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use mailstore_api::{ErrorKind, Result, StoreError};
use rusqlite::{Connection, params};

use crate::{
    checkpoint::Log,
    error::{Res, full},
    ops, outbox,
    pool::shard_path,
    queue::{Gather, Taken},
    schema::{self, Kind, Role},
    shard::Shard,
    txn::{Aftermath, BodyNumbers, Job, Notice, Txn},
};

/// How soon after the last request what may be lost is written.
const LATER: Duration = Duration::from_millis(50);

/// Of it, what rides along with a group.
const LATER_IN_GROUP: usize = 64;

/// Groups between two steps of deletion when there is always work.
const GROUPS_A_STEP: u32 = 16;

/// Free pages over which the file is shrunk, and pages a step.
const FREE_PAGES: i64 = 4096;
const PAGES_A_STEP: i64 = 256;

struct Writer {
    shard: Arc<Shard>,
    conn: Option<Connection>,
    /// `PRAGMA data_version`: changes when another connection, so another process, has committed.
    version: i64,
    looked: Instant,
    unlinked: Vec<String>,
    reap: bool,
    vacuum: bool,
    groups: u32,
    gather: Gather,
    log: Log,
    numbers: BodyNumbers,
}

/// Serves the shard's queue until it is closed and empty.
pub(crate) fn run(shard: Arc<Shard>, log: Log) {
    let mut writer = Writer {
        shard,
        conn: None,
        version: 0,
        looked: Instant::now(),
        unlinked: Vec::new(),
        // What an earlier process left half-way.
        reap: true,
        vacuum: true,
        groups: 0,
        gather: Gather::default(),
        log,
        numbers: BodyNumbers::default(),
    };
    writer.unlink_left_over();
    loop {
        let patience = writer.patience();
        match writer.shard.queue.take(patience, &mut writer.gather) {
            Taken::Group(jobs) => {
                writer.group(jobs);
                writer.groups += 1;
                if writer.reap && writer.groups >= GROUPS_A_STEP {
                    writer.reap_step();
                }
            }
            Taken::Idle => writer.idle(),
            Taken::Closed => break,
        }
    }
    writer.flush_later();
    writer.forget_unlinked();
}

impl Writer {
    fn patience(&self) -> Duration {
        let poll =
            self.shard.options.poll_every.saturating_sub(self.looked.elapsed()).max(Duration::from_millis(1));
        if self.reap {
            Duration::ZERO
        } else if self.shard.has_later() || !self.unlinked.is_empty() || self.vacuum {
            LATER.min(poll)
        } else {
            poll
        }
    }

    fn connect(&mut self) -> Res<()> {
        if self.conn.is_some() {
            return Ok(());
        }
        let path = shard_path(&self.shard.dir, self.shard.number);
        let mut conn = schema::open(&path, Kind::Shard, Role::Writer, self.shard.options.busy_timeout)?;
        self.log.watch(&mut conn)?;
        self.version = data_version(&conn)?;
        // Whatever was in doubt before is read anew; and another process may have written since somebody watches.
        sync_all(&conn, &self.shard);
        self.shard.hub.everything();
        self.conn = Some(conn);
        Ok(())
    }

    fn group(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let begun = Instant::now();
        let committed = self.transaction(|txn, conn| {
            for job in &mut jobs {
                job.run(txn);
                if conn.is_autocommit() {
                    // The request met a full disk, and SQLite ended the transaction: all of the group is undone.
                    return Err(full().into());
                }
            }
            flush_later(txn, LATER_IN_GROUP);
            Ok(())
        });
        self.gather.committed(jobs.len(), self.shard.queue.len(), begun.elapsed());
        for job in jobs {
            job.answer(committed.clone());
        }
        self.care_for_log();
    }

    fn care_for_log(&mut self) {
        if let Some(conn) = &self.conn {
            self.log.care(conn);
        }
    }

    /// Runs a transaction to its commit, and does what follows it.
    fn transaction(&mut self, work: impl FnOnce(&mut Txn<'_>, &Connection) -> Res<()>) -> Result<()> {
        self.connect()?;
        let shard = self.shard.clone();
        let Some(conn) = self.conn.take() else { return Err(ErrorKind::Unavailable.into()) };
        let (version, numbers) = (self.version, self.numbers);
        // A panic in a request must not take the thread from all others; its transaction is rolled back.
        let done = catch_unwind(AssertUnwindSafe(|| transaction(&conn, &shard, version, numbers, work)));
        match done {
            Ok(Ok(committed)) => {
                (self.version, self.numbers) = (committed.version, committed.numbers);
                self.publish(&conn, committed.after, committed.foreign);
                self.conn = Some(conn);
                Ok(())
            }
            Ok(Err(fault)) => {
                self.distrust(conn);
                let e = StoreError::from(fault);
                if e == full() {
                    self.make_room();
                }
                Err(e)
            }
            Err(_) => {
                tracing::error!(shard = shard.number, "a write request panicked");
                self.distrust(conn);
                Err(ErrorKind::Internal.into())
            }
        }
    }

    /// The connection is not used again. What the disk holds is read by the next one.
    fn distrust(&mut self, conn: Connection) {
        self.numbers = BodyNumbers::default();
        if !conn.is_autocommit() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        drop(conn);
        if let Err(fault) = self.connect() {
            tracing::error!(shard = self.shard.number, error = %StoreError::from(fault), "the shard cannot be opened");
        }
    }

    /// So that deleting is possible: what waits in the log has to go into the database first.
    fn make_room(&mut self) {
        if self.shard.files.reserve.give_up()
            && let Some(conn) = &self.conn
        {
            self.log.hurry(conn);
        }
    }

    /// Indexes first, then hints: who is woken asks at once. Answers come after both.
    fn publish(&mut self, conn: &Connection, after: Aftermath, foreign: bool) {
        let shard = &self.shard;
        if foreign {
            sync_all(conn, shard);
            shard.hub.everything();
        }
        for effect in &after.effects {
            if let Some(index) = shard.registry.get(effect.row.id)
                && !index.apply(effect)
                && let Err(fault) = index.sync(conn)
            {
                tracing::warn!(error = %StoreError::from(fault), "an open mailbox could not catch up");
            }
        }
        let mut notices = after.notices;
        notices.sort_unstable();
        notices.dedup();
        for notice in notices {
            match notice {
                Notice::Mailbox { account, id } => {
                    shard.hub.notify(&account.to_string(), &shard.mailbox_id(id));
                }
                Notice::Hierarchy { account } => shard.hub.hierarchy(&account.to_string()),
                Notice::Queue => shard.hub.hierarchy(outbox::WATCHED),
            }
        }
        self.reap |= after.reap;
        for path in after.unlinks {
            unlink(shard, &path);
            self.unlinked.push(path);
        }
    }

    fn idle(&mut self) {
        if self.shard.has_later() {
            self.flush_later();
        }
        if !self.unlinked.is_empty() {
            self.forget_unlinked();
        }
        if self.reap {
            self.reap_step();
        } else if self.vacuum {
            self.vacuum_step();
        }
        self.care_for_log();
        if self.looked.elapsed() >= self.shard.options.poll_every {
            self.look();
        }
    }

    /// Looks whether another process has changed something.
    fn look(&mut self) {
        self.looked = Instant::now();
        if !self.shard.is_watched() || self.connect().is_err() {
            return;
        }
        let Some(conn) = &self.conn else { return };
        match data_version(conn) {
            Ok(version) if version != self.version => {
                self.version = version;
                sync_all(conn, &self.shard);
                self.shard.hub.everything();
                self.reap = true;
            }
            Ok(_) => {}
            Err(fault) => tracing::warn!(error = %StoreError::from(fault), "the shard cannot be read"),
        }
    }

    fn flush_later(&mut self) {
        let _ = self.transaction(|txn, _| {
            flush_later(txn, usize::MAX);
            Ok(())
        });
    }

    fn reap_step(&mut self) {
        self.groups = 0;
        let mut more = false;
        let done = self.transaction(|txn, _| {
            more = txn.step(ops::reap::step)?;
            Ok(())
        });
        if let Err(e) = &done {
            tracing::warn!(error = %e, "deletion waits");
        }
        self.reap = more && done.is_ok();
        self.vacuum = true;
    }

    /// Gives a few free pages back to the file system.
    fn vacuum_step(&mut self) {
        self.vacuum = false;
        if self.connect().is_err() {
            return;
        }
        let Some(conn) = &self.conn else { return };
        let free = conn.pragma_query_value(None, "freelist_count", |r| r.get::<_, i64>(0)).unwrap_or(0);
        if free > FREE_PAGES {
            let shrunk = conn.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES_A_STEP})"));
            self.vacuum = shrunk.is_ok();
        }
    }

    /// Unlinks what an earlier process had no time for.
    fn unlink_left_over(&mut self) {
        if self.connect().is_err() {
            return;
        }
        let Some(conn) = &self.conn else { return };
        let found = conn.prepare("SELECT path FROM unlink_later").and_then(|mut all| {
            all.query_map([], |r| r.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        });
        for path in found.unwrap_or_default() {
            unlink(&self.shard, &path);
            self.unlinked.push(path);
        }
    }

    fn forget_unlinked(&mut self) {
        let paths = std::mem::take(&mut self.unlinked);
        if paths.is_empty() {
            return;
        }
        let done = self.transaction(|txn, conn| {
            let mut forget = conn.prepare_cached("DELETE FROM unlink_later WHERE path = ?1")?;
            for path in &paths {
                forget.execute([path])?;
            }
            let _ = txn;
            Ok(())
        });
        if done.is_err() {
            // The next process tries again.
            tracing::debug!("unlinked files stay noted");
        }
    }
}

struct Committed {
    after: Aftermath,
    foreign: bool,
    version: i64,
    numbers: BodyNumbers,
}

fn transaction(
    conn: &Connection,
    shard: &Shard,
    version: i64,
    numbers: BodyNumbers,
    work: impl FnOnce(&mut Txn<'_>, &Connection) -> Res<()>,
) -> Res<Committed> {
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let now = data_version(conn)?;
    if now != version {
        // Somebody else wrote: perhaps a newer program, whose tables this one does not know.
        if let Err(fault) = schema::check_version(conn, Kind::Shard) {
            let _ = conn.execute_batch("ROLLBACK");
            return Err(fault);
        }
    }
    let mut txn = Txn::new(conn, shard, numbers);
    if let Err(fault) = work(&mut txn, conn).and_then(|()| txn.finish()) {
        // Rolled back here, before files are taken away that a commit would need.
        let _ = conn.execute_batch("ROLLBACK");
        txn.abandon();
        return Err(fault);
    }
    if let Err(e) = conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])) {
        txn.doubt();
        return Err(e.into());
    }
    Ok(Committed { after: txn.after, foreign: now != version, version: now, numbers: txn.numbers })
}

fn data_version(conn: &Connection) -> Res<i64> {
    Ok(conn.prepare_cached("PRAGMA data_version")?.query_row([], |r| r.get(0))?)
}

fn sync_all(conn: &Connection, shard: &Shard) {
    for index in shard.registry.all() {
        if let Err(fault) = index.sync(conn) {
            tracing::warn!(error = %StoreError::from(fault), "an open mailbox could not catch up");
        }
    }
}

fn unlink(shard: &Shard, path: &str) {
    let Some(full) = shard.files.resolve(path) else { return };
    remove(&full);
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(error = %e, "a message's file was not removed");
        }
        _ => {}
    }
}

/// Writes what may be lost. Its failure is nobody's.
fn flush_later(txn: &mut Txn<'_>, rows: usize) {
    if !txn.shard.has_later() {
        return;
    }
    let later = txn.shard.take_later(rows);
    let done = txn.step(|txn| {
        for (mailbox, from) in &later.recent {
            txn.conn
                .prepare_cached("UPDATE mailbox SET recent = ?2 WHERE id = ?1 AND recent < ?2")?
                .execute(params![mailbox, from])?;
        }
        for ((mailbox, uid), derived) in &later.derived {
            ops::derived::keep(txn.conn, *mailbox, *uid, derived)?;
        }
        for (mailbox, packed) in &later.packed {
            // Not of a mailbox that is deleted meanwhile: nobody would take it away again.
            txn.conn
                .prepare_cached(
                    "INSERT OR REPLACE INTO packed(mailbox, modseq, crc, data) SELECT id, ?2, ?3, ?4 FROM mailbox \
                     WHERE id = ?1 AND name IS NOT NULL",
                )?
                .execute(params![mailbox, packed.modseq, crc32fast::hash(&packed.data), packed.data])?;
        }
        Ok(())
    });
    if done.is_err() {
        tracing::debug!("derived data were not kept");
    }
}

#[cfg(test)]
mod tests {
    use mailstore_api::{
        Account, AppendOutcome, AppendSpec, Body, MailStore, Mailbox, MailboxId, MailboxName, OpenMode, Part,
        Staged, UidSet,
    };

    use crate::{Options, SqliteAccount, SqliteStore, error::Fault, oneshot::block_on, queue::Weight};

    use super::*;

    fn open(dir: &Path) -> (SqliteStore, SqliteAccount, MailboxId) {
        let options = Options { shards: Some(1), reserve: 0, ..Options::default() };
        let store = SqliteStore::open(dir, options).unwrap();
        store.create_account("anna", None).unwrap();
        let anna = block_on(store.open_account("anna")).unwrap();
        let id = block_on(anna.find(&MailboxName::inbox())).unwrap().unwrap().id.unwrap();
        (store, anna, id)
    }

    fn append(account: &SqliteAccount, id: &MailboxId, size: usize) -> Result<AppendOutcome> {
        block_on(async {
            let mut staged = account.stage(id, AppendSpec::default()).await?;
            staged.write(&vec![b'x'; size]).await?;
            staged.finish().await?;
            account.commit(id, vec![staged], None).await
        })
    }

    /// Has the writer thread run `op`, and answers as it does.
    fn run<T: Send + 'static>(
        account: &SqliteAccount,
        op: impl FnOnce(&mut Txn<'_>) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        block_on(account.shard.write(Weight { rows: 1, bytes: 0 }, op))
    }

    #[test]
    fn a_full_database_refuses_and_goes_on_without_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let (store, anna, id) = open(dir.path());
        let (_, mailbox) = block_on(anna.open(&id, OpenMode::Select)).unwrap();
        let mut told = Vec::new();
        told.extend(append(&anna, &id, 8_000).unwrap().uids);
        run(&anna, |txn| {
            let pages: i64 = txn.conn.pragma_query_value(None, "page_count", |r| r.get(0))?;
            // As a full disk: SQLite ends the transaction with SQLITE_FULL.
            txn.conn.query_row(&format!("PRAGMA max_page_count = {}", pages + 30), [], |_| Ok(()))?;
            Ok(())
        })
        .unwrap();
        let mut refused = 0;
        for _ in 0..40 {
            match append(&anna, &id, 8_000) {
                Ok(outcome) => told.extend(outcome.uids),
                Err(e) => {
                    assert_eq!(e.kind, ErrorKind::Unavailable);
                    assert!(e.to_string().contains("full"), "{e}");
                    refused += 1;
                }
            }
        }
        // The connection was replaced, and the new one knows no bound.
        assert_eq!(refused, 1);
        assert_eq!(block_on(mailbox.snapshot()).unwrap().uids, told);
        drop((mailbox, anna, store));
        let store = SqliteStore::open(dir.path(), Options::default()).unwrap();
        let anna = block_on(store.open_account("anna")).unwrap();
        assert_eq!(block_on(anna.open(&id, OpenMode::Select)).unwrap().0.uids, told);
    }

    #[test]
    fn a_commit_that_fails_answers_nobody_ok() {
        let dir = tempfile::tempdir().unwrap();
        let (_store, anna, id) = open(dir.path());
        let (before, mailbox) = block_on(anna.open(&id, OpenMode::Select)).unwrap();
        // A deferred constraint (the bundled SQLite checks them) is checked by COMMIT alone.
        let failed = run(&anna, |txn| {
            txn.conn.execute_batch(
                "CREATE TABLE p(a INTEGER PRIMARY KEY);
                 CREATE TABLE c(a INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);
                 INSERT INTO c VALUES (7)",
            )?;
            Ok(())
        });
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(append(&anna, &id, 10).unwrap().uids.len(), 1);
        assert_eq!(block_on(mailbox.snapshot()).unwrap().uids.len(), before.uids.len() + 1);
        let tables: i64 = run(&anna, |txn| {
            Ok(txn.conn.query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name IN ('p', 'c')",
                [],
                |r| r.get(0),
            )?)
        })
        .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn one_request_that_fails_or_panics_harms_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (_store, anna, id) = open(dir.path());
        let (_, mailbox) = block_on(anna.open(&id, OpenMode::Select)).unwrap();
        let first = append(&anna, &id, 200_000).unwrap().uids;
        let account = anna.id;
        // Changes a mailbox, then fails: nothing of it stays.
        let failed = run(&anna, move |txn| -> Res<()> {
            let row = txn.mailbox(account, 1, ErrorKind::NotFound)?;
            ops::expunge::expunge(txn, account, row.id, &UidSet::all(), false)?;
            Err(Fault::Refused(ErrorKind::Limit.into()))
        });
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Limit);
        let panicked = run(&anna, |_| -> Res<()> { panic!("a fault in a request, on purpose") });
        assert_eq!(panicked.unwrap_err().kind, ErrorKind::Internal);
        let second = append(&anna, &id, 10).unwrap().uids;
        assert_eq!(block_on(mailbox.snapshot()).unwrap().uids, [first, second].concat());
        let uid = block_on(mailbox.snapshot()).unwrap().uids[0];
        let body = block_on(mailbox.body(uid, Part::Whole)).unwrap();
        assert_eq!(body.len(), 200_000, "its file was not taken away");
    }
}
