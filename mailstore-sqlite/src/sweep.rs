//! What a process that was killed has left in the file system.
//!
//! A body's file gets its place below `bodies/` shortly before the commit that makes it known, and keeps its first name in its
//! process's part of `tmp/` until that commit is over: what a killed process may have placed without a commit is
//! there by name. Its part of `tmp/` has a lock file that is locked as long as the process lives, so that the
//! files of a process that is just placing some are never looked at. They are swept by whoever opens
//! the store next, under the store's lock, and the part of `tmp/` goes last: a sweep that is killed is done again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, params};

use crate::{
    error::Res,
    files::{LOCK, PER_DIRECTORY},
    pool::shard_path,
    schema::{self, Kind, Role},
};

/// Removes what processes that are gone have left, and no row of a database knows.
pub(crate) fn sweep(dir: &Path, shards: usize, busy: Duration) -> Res<()> {
    let mut buckets = None;
    for dead in dead(&dir.join("tmp"))? {
        for entry in fs::read_dir(&dead)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if name == LOCK {
                continue;
            }
            let buckets = match &buckets {
                Some(known) => known,
                None => buckets.insert(Buckets::of(dir, shards)?),
            };
            buckets.sweep(dir, &name, busy)?;
        }
        if let Err(e) = fs::remove_dir_all(&dead) {
            // The next opening tries again.
            tracing::warn!(error = %e, "what a process left was not removed");
        }
    }
    Ok(())
}

/// The parts of `tmp/` whose process is gone.
fn dead(tmp: &Path) -> Res<Vec<PathBuf>> {
    let mut dead = Vec::new();
    for entry in fs::read_dir(tmp)? {
        let path = entry?.path();
        // Without a lock file it is just being made, by a process that holds the store's lock: not now.
        if let Ok(lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
        {
            dead.push(path);
        }
    }
    Ok(dead)
}

/// The directories below `bodies/`, with their shards and the first of the numbers of their bodies.
struct Buckets(Vec<(String, usize, u64)>);

impl Buckets {
    fn of(dir: &Path, shards: usize) -> Res<Self> {
        let mut all = Vec::new();
        for entry in fs::read_dir(dir.join("bodies"))? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            let Some((shard, number)) = name.split_once('-') else { continue };
            if let (Ok(shard), Ok(number)) = (shard.parse(), u64::from_str_radix(number, 16))
                && shard < shards
            {
                all.push((name, shard, number.saturating_mul(PER_DIRECTORY)));
            }
        }
        Ok(Self(all))
    }

    /// Removes a file wherever it was placed and is not known. Its process is gone, so it will not be either.
    fn sweep(&self, dir: &Path, name: &str, busy: Duration) -> Res<()> {
        for (bucket, shard, first) in &self.0 {
            let file = dir.join("bodies").join(bucket).join(name);
            if !file.exists() {
                continue;
            }
            let conn = schema::open(&shard_path(dir, *shard), Kind::Shard, Role::Reader, busy)?;
            if !is_known(&conn, *first, &format!("{bucket}/{name}"))? {
                fs::remove_file(&file)?;
                tracing::info!(bucket, name, "a file that no message has was removed");
            }
        }
        Ok(())
    }
}

fn is_known(conn: &Connection, first: u64, path: &str) -> Res<bool> {
    let mut found = conn.prepare_cached("SELECT 1 FROM body WHERE id >= ?1 AND id < ?2 AND path = ?3")?;
    let (first, end) = (first, first.saturating_add(PER_DIRECTORY));
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(found.exists(params![signed(first), signed(end), path])?)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use mailstore_api::{
        Account, AppendSpec, ErrorKind, MailStore, MailboxId, MailboxName, OpenMode, Staged,
    };

    use super::*;
    use crate::{Options, SqliteAccount, SqliteStore, oneshot::block_on, ops::append, queue::Weight};

    const DIR: &str = "MAILSTORE_SWEEP_DIR";
    const WHEN: &str = "MAILSTORE_SWEEP_WHEN";

    fn open(dir: &Path) -> (SqliteStore, SqliteAccount, MailboxId) {
        let store = SqliteStore::open(dir, Options { shards: Some(1), ..Options::default() }).unwrap();
        if store.account("anna").unwrap().is_none() {
            store.create_account("anna", None).unwrap();
        }
        let anna = block_on(store.open_account("anna")).unwrap();
        let id = block_on(anna.find(&MailboxName::inbox())).unwrap().unwrap().id.unwrap();
        (store, anna, id)
    }

    fn staged(anna: &SqliteAccount, id: &MailboxId) -> crate::SqliteStaged {
        block_on(async {
            let mut staged = anna.stage(id, AppendSpec::default()).await.unwrap();
            staged.write(&[b'x'; 300_000]).await.unwrap();
            staged.finish().await.unwrap();
            staged
        })
    }

    fn files(dir: &Path) -> usize {
        let buckets = fs::read_dir(dir.join("bodies")).unwrap();
        buckets.map(|b| fs::read_dir(b.unwrap().path()).unwrap().count()).sum()
    }

    /// Appends a message in a file, and does something else when it is placed and not committed.
    fn append_and(
        anna: &SqliteAccount,
        id: &MailboxId,
        then: impl FnOnce() -> Res<()> + Send + 'static,
    ) -> mailstore_api::Result<()> {
        let message = staged(anna, id).into_message().unwrap();
        let (account, number) = (anna.id, anna.number(id, ErrorKind::NotFound).unwrap());
        let op = move |txn: &mut crate::txn::Txn<'_>| {
            append::append(txn, account, number, &[message], None)?;
            then()
        };
        block_on(anna.shard.write(Weight { rows: 1, bytes: 0 }, op))
    }

    /// Not a test: what dies between placing a file and its commit, or after it.
    #[test]
    fn child() {
        let (Some(dir), Ok(when)) = (std::env::var_os(DIR), std::env::var(WHEN)) else { return };
        let (_store, anna, id) = open(Path::new(&dir));
        append_and(&anna, &id, || Ok(())).unwrap();
        if when == "before" {
            let _ = append_and(&anna, &id, || std::process::abort());
        }
        std::process::abort();
    }

    fn die(dir: &Path, when: &str) {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["sweep::tests::child", "--exact"])
            .envs([(DIR, dir.as_os_str()), (WHEN, when.as_ref())])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success());
    }

    #[test]
    fn a_file_whose_commit_never_came_is_swept_and_a_committed_one_stays() {
        for (when, left, messages) in [("before", 2, 1), ("after", 1, 1)] {
            let dir = tempfile::tempdir().unwrap();
            die(dir.path(), when);
            assert_eq!(files(dir.path()), left, "{when}");
            let (store, anna, id) = open(dir.path());
            assert_eq!(files(dir.path()), 1, "{when}");
            assert!(store.check(&mut |_| {}).unwrap().is_clean());
            let (snapshot, _) = block_on(anna.open(&id, OpenMode::Select)).unwrap();
            assert_eq!(snapshot.uids.len(), messages);
            // That of the dead process is gone, this one's is there.
            assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_file_that_a_living_process_is_just_placing_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (store, anna, id) = open(dir.path());
        die(dir.path(), "before");
        assert_eq!(files(dir.path()), 2);
        let path = dir.path().to_owned();
        append_and(&anna, &id, move || {
            // In the middle of the transaction, another process comes.
            assert_eq!(files(&path), 3);
            let busy_timeout = Duration::from_millis(50);
            let other = SqliteStore::open(&path, Options { busy_timeout, ..Options::default() })?;
            assert_eq!(files(&path), 2, "that of the dead went, that of the living stays");
            drop(other);
            Ok(())
        })
        .unwrap();
        assert_eq!(files(dir.path()), 2);
        assert!(store.check(&mut |_| {}).unwrap().is_clean());
    }

    #[test]
    fn a_file_whose_commit_failed_is_swept_by_the_next_process() {
        let dir = tempfile::tempdir().unwrap();
        let (store, anna, id) = open(dir.path());
        let message = staged(&anna, &id).into_message().unwrap();
        let (account, number) = (anna.id, anna.number(&id, ErrorKind::NotFound).unwrap());
        let op = move |txn: &mut crate::txn::Txn<'_>| {
            append::append(txn, account, number, &[message], None)?;
            // A deferred constraint is checked by COMMIT alone.
            txn.conn.execute_batch(
                "CREATE TABLE p(a INTEGER PRIMARY KEY);
                 CREATE TABLE c(a INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED);
                 INSERT INTO c VALUES (7)",
            )?;
            Ok(())
        };
        assert!(block_on(anna.shard.write(Weight { rows: 1, bytes: 0 }, op)).is_err());
        // Whether it happened is not known here, so the file stays for now.
        assert_eq!(files(dir.path()), 1);
        drop((anna, store));
        let (store, ..) = open(dir.path());
        assert_eq!(files(dir.path()), 0);
        assert!(store.check(&mut |_| {}).unwrap().is_clean());
        drop(store);
        // Whoever ends well leaves nothing.
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
    }
}
