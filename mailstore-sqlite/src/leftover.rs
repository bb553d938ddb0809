//! Files of messages that a killed process had placed and not committed: whoever opens the store next removes them.
//!
//! A process gives its files names that begin with its own, which is also that of its folder in `tmp/`. Once that folder's
//! lock is free, nobody can commit them any more.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::ErrorKind,
    path::Path,
    time::{Duration, SystemTime},
};

use rusqlite::params;

use crate::{
    error::Res,
    files::PER_DIRECTORY,
    pool::shard_path,
    schema::{self, Kind, Role},
};

/// Folders whose time is this much before a process's beginning are looked at as well: clocks are coarse.
const MARGIN: Duration = Duration::from_secs(60);

/// A process that is gone, and when it began at the latest.
struct Dead {
    prefix: String,
    began: SystemTime,
}

/// Removes what dead processes placed in `bodies/` and no database knows. The caller holds the store's lock; the databases
/// are prepared; folders of the dead in `tmp/` are still there.
pub(crate) fn clear(dir: &Path, shards: usize, busy: Duration) -> Res<()> {
    let dead = dead(&dir.join("tmp"));
    let Some(earliest) = dead.iter().map(|d| d.began).min() else { return Ok(()) };
    let Ok(buckets) = fs::read_dir(dir.join("bodies")) else { return Ok(()) };
    for bucket in buckets {
        let bucket = bucket?;
        // A folder that did not change since has none of them.
        if bucket.metadata()?.modified()? + MARGIN < earliest {
            continue;
        }
        let Some(name) = bucket.file_name().to_str().map(str::to_owned) else { continue };
        let mut suspects = Vec::new();
        for file in fs::read_dir(bucket.path())? {
            let file = file?.file_name().into_string().unwrap_or_default();
            if dead.iter().any(|d| file.starts_with(&d.prefix)) {
                suspects.push(file);
            }
        }
        if suspects.is_empty() {
            continue;
        }
        let Some(known) = known(dir, &name, shards, busy)? else { continue };
        for file in suspects.iter().filter(|file| !known.contains(&format!("{name}/{file}"))) {
            match fs::remove_file(bucket.path().join(file)) {
                // Another process expunged the message meanwhile.
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                other => other?,
            }
            tracing::info!(file, "a message's file that was never committed is removed");
        }
    }
    Ok(())
}

fn dead(tmp: &Path) -> Vec<Dead> {
    let Ok(entries) = fs::read_dir(tmp) else { return Vec::new() };
    let mut all = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let Ok(run) = entry.file_name().into_string() else { continue };
        let Ok(lock) = File::open(entry.path().join("lock")) else { continue };
        let began = lock.metadata().and_then(|m| m.modified());
        if let (Ok(()), Ok(began)) = (lock.try_lock(), began) {
            all.push(Dead { prefix: format!("{run}-"), began });
        }
    }
    all
}

/// The paths a database has of a folder's files; `None` for a folder this crate does not make.
fn known(dir: &Path, bucket: &str, shards: usize, busy: Duration) -> Res<Option<HashSet<String>>> {
    let numbers = bucket.split_once('-');
    let numbers =
        numbers.and_then(|(shard, n)| Some((shard.parse().ok()?, i64::from_str_radix(n, 16).ok()?)));
    let Some((shard, bucket)) = numbers.filter(|(shard, _)| *shard < shards) else { return Ok(None) };
    let conn = schema::open(&shard_path(dir, shard), Kind::Shard, Role::Reader, busy)?;
    let each = i64::try_from(PER_DIRECTORY).unwrap_or(i64::MAX);
    let first = bucket.saturating_mul(each);
    let mut read = conn.prepare("SELECT path FROM body WHERE id BETWEEN ?1 AND ?2 AND path IS NOT NULL")?;
    let paths = read.query_map(params![first, first.saturating_add(each - 1)], |r| r.get(0))?;
    let mut all: HashSet<String> = paths.collect::<Result<_, _>>()?;
    // The writer unlinks these after its commit, and forgets them then.
    let mut read = conn.prepare("SELECT path FROM unlink_later")?;
    all.extend(read.query_map([], |r| r.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?);
    Ok(Some(all))
}
