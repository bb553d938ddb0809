use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use mailstore_api::ErrorKind;
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use super::{Progress, begin_read, open_control, open_shard, pin};
use crate::{
    control::Control,
    error::{Res, refused},
    files::{LOCK, make_dir, private},
    pool::shard_path,
    schema::sync_dir,
    store::Shared,
};

/// Pages copied, or given back, in one step.
const PAGES: i32 = 1024;

/// Between the making of a folder and that of its lock file there is less time than this.
const JUST_MADE: Duration = Duration::from_secs(60);

/// Removes a half-made backup.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn backup(shared: &Shared, to: &Path, progress: &mut dyn FnMut(Progress)) -> Res<()> {
    if to.is_file() || fs::read_dir(to).is_ok_and(|mut found| found.next().is_some()) {
        return Err(refused(ErrorKind::Exists, format!("{} has something in it", to.display())));
    }
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut name = OsString::from(".");
    name.push(to.file_name().ok_or_else(|| refused(ErrorKind::Cannot, "no name for a folder"))?);
    name.push(format!(".{}.partial", std::process::id()));
    make_dir(parent)?;
    sweep(parent)?;
    let partial = Partial(parent.join(name));
    fs::create_dir(&partial.0)?;
    let mut lease = OpenOptions::new();
    lease.write(true).create_new(true);
    private(&mut lease);
    let lease = lease.open(partial.0.join(LOCK))?;
    lease.lock()?;
    make_dir(&partial.0.join("bodies"))?;
    fill(shared, &partial.0, progress)?;
    sync_tree(&partial.0)?;
    fs::rename(&partial.0, to)?;
    sync_dir(parent)
}

/// Removes half-made backups in a folder whose process was killed. One that lives holds the lock on its lock file.
fn sweep(parent: &Path) -> Res<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if !name.to_str().is_some_and(is_partial) || !entry.file_type()?.is_dir() {
            continue;
        }
        let dead = match File::open(path.join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // Just being made, or killed while it was.
            Err(_) => entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > JUST_MADE),
        };
        if dead {
            tracing::info!(path = %path.display(), "a backup that was not finished is removed");
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Whether a name is `.NAME.PID.partial`.
fn is_partial(name: &str) -> bool {
    let pid =
        name.strip_prefix('.').and_then(|n| n.strip_suffix(".partial")).and_then(|n| n.rsplit_once('.'));
    pid.is_some_and(|(name, pid)| {
        !name.is_empty() && !pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())
    })
}

fn fill(shared: &Shared, to: &Path, progress: &mut dyn FnMut(Progress)) -> Res<()> {
    let busy = shared.options.busy_timeout;
    let dir = &shared.dir;
    // Most files before anything is locked.
    for n in 0..shared.shards.len() {
        link_bodies(shared, &open_shard(dir, n, busy)?, to, false)?;
    }
    // Accounts come and go by control.db: with it locked, all shards are pinned in agreement with it.
    let (lock, control) = (open_control(dir, busy)?, open_control(dir, busy)?);
    lock.execute_batch("BEGIN IMMEDIATE")?;
    begin_read(&control)?;
    let mut shards = Vec::new();
    for n in 0..shared.shards.len() {
        // No file is unlinked before the commit that forgets it, and nobody commits now.
        let (conn, ()) = pin(dir, n, busy, |conn| link_bodies(shared, conn, to, true))?;
        shards.push(conn);
    }
    lock.execute_batch("ROLLBACK")?;
    drop(lock);
    copy(&control, &Control::path(to), 0, progress)?;
    drop(control);
    for (n, conn) in shards.into_iter().enumerate() {
        copy(&conn, &shard_path(to, n), n, progress)?;
    }
    Ok(())
}

/// Links or copies every file a shard's database knows. A file that is missing is left out: the check of
/// the store says so, and so will that of the backup.
fn link_bodies(shared: &Shared, conn: &Connection, to: &Path, locked: bool) -> Res<()> {
    let mut all = conn.prepare("SELECT path FROM body WHERE path IS NOT NULL ORDER BY path")?;
    let mut rows = all.query([])?;
    while let Some(r) = rows.next()? {
        let path: String = r.get(0)?;
        let Some(from) = shared.files.resolve(&path) else { continue };
        let target = to.join("bodies").join(&path);
        if target.exists() {
            continue;
        }
        if let Some(bucket) = target.parent() {
            make_dir(bucket)?;
        }
        if fs::hard_link(&from, &target).is_ok() {
            continue;
        }
        match copy_file(&from, &target) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if locked {
                    tracing::warn!(path, "a message's file is missing, also in the backup");
                }
            }
            other => other?,
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = File::open(from)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    let mut to = options.open(to)?;
    io::copy(&mut from, &mut to)?;
    to.sync_all()
}

/// Copies a database as its pinned connection sees it.
fn copy(from: &Connection, to: &Path, shard: usize, progress: &mut dyn FnMut(Progress)) -> Res<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    drop(options.open(to)?);
    let mut target = Connection::open(to)?;
    let backup = Backup::new(from, &mut target)?;
    loop {
        let step = backup.step(PAGES)?;
        let at = backup.progress();
        let total = u64::try_from(at.pagecount).unwrap_or(0);
        let left = u64::try_from(at.remaining).unwrap_or(0);
        progress(Progress { done: total.saturating_sub(left), total, shard });
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    drop(backup);
    target.close().map_err(|(_, e)| e)?;
    File::open(to)?.sync_all()?;
    Ok(())
}

fn sync_tree(dir: &Path) -> Res<()> {
    let bodies = dir.join("bodies");
    for bucket in fs::read_dir(&bodies)? {
        sync_dir(&bucket?.path())?;
    }
    sync_dir(&bodies)?;
    sync_dir(dir)
}

pub(super) fn vacuum(shared: &Shared, progress: &mut dyn FnMut(Progress)) -> Res<u64> {
    let busy = shared.options.busy_timeout;
    let mut freed = shrink(&open_control(&shared.dir, busy)?, 0, progress)?;
    for n in 0..shared.shards.len() {
        freed += shrink(&open_shard(&shared.dir, n, busy)?, n, progress)?;
    }
    Ok(freed)
}

fn shrink(conn: &Connection, shard: usize, progress: &mut dyn FnMut(Progress)) -> Res<u64> {
    let value = |pragma| conn.pragma_query_value(None, pragma, |r| r.get::<_, u64>(0));
    let (page, total) = (value("page_size")?, value("freelist_count")?);
    let mut left = total;
    while left > 0 {
        conn.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let now = value("freelist_count")?;
        // Somebody frees as fast as this gives back: enough.
        if now >= left {
            break;
        }
        left = now;
        progress(Progress { done: total.saturating_sub(left), total, shard });
    }
    // The file gets shorter by the checkpoint. One that is kept from it by readers is done by the next writer.
    conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(total.saturating_sub(left) * page)
}
