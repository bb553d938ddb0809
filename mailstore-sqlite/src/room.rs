//! Room in a shard's log.
//!
//! Where the log has its full length already, a commit changes no length: syncing it writes its pages, and no journal of the file
//! system. SQLite lengthens the log commit by commit, once in the life of a process (it is deleted with the last connection), which
//! takes twice as long each time. So once there is something to do, the log is lengthened ahead, by zeros at its end.
//!
//! SQLite reads a log up to the first frame that is not one of its present round, as after each time it begins anew, and writes
//! frames where they belong, into the zeros. What is appended (`O_APPEND`) is at the end of the file at that moment, so it
//! overwrites nothing, whoever writes at the same time.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

/// What a log grows to before it is copied: see [`checkpoint`](crate::checkpoint).
const OCTETS: u64 = 24 << 20;
/// Appended between two syncs, so that a commit in between has not much to wait for.
const STEP: usize = 1 << 20;
/// The disk has to have so many times as much.
#[cfg(target_os = "linux")]
const SPARE: u64 = 64;

/// Lengthens a log that is there. On a disk without much room nothing is done.
pub(crate) fn make(log: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(log)?;
    if !is_spacious(&file)? {
        return Ok(());
    }
    let zeros = vec![0; STEP];
    while file.metadata()?.len() < OCTETS {
        file.write_all(&zeros)?;
        file.sync_data()?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn is_spacious(file: &File) -> io::Result<bool> {
    let disk = rustix::fs::fstatvfs(file)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize) / SPARE >= OCTETS)
}

#[cfg(not(target_os = "linux"))]
fn is_spacious(_: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use rusqlite::Connection;

    use super::*;
    use crate::schema::{self, Kind, Role};

    fn insert(conn: &Connection, n: i64) {
        conn.execute("INSERT INTO meta VALUES (?1, 7)", [format!("key {n}")]).unwrap();
    }

    fn count(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM meta WHERE key LIKE 'key %'", [], |r| r.get(0)).unwrap()
    }

    #[test]
    fn a_log_with_room_is_a_log_while_it_is_written_and_after_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let (path, busy) = (dir.path().join("x.db"), Duration::from_secs(9));
        let log = dir.path().join("x.db-wal");
        schema::prepare(&path, Kind::Control, busy).unwrap();
        let conn = schema::open(&path, Kind::Control, Role::Writer, busy).unwrap();
        (0..50).for_each(|n| insert(&conn, n));
        std::thread::scope(|s| {
            let making = s.spawn(|| make(&log));
            (50..300).for_each(|n| insert(&conn, n));
            making.join().unwrap().unwrap();
        });
        (300..350).for_each(|n| insert(&conn, n));
        if fs::metadata(&log).unwrap().len() < OCTETS {
            println!("skipped: the disk has not much room");
        }
        // As a crash leaves it: what another opens is what was committed.
        let crashed = dir.path().join("crashed.db");
        fs::copy(&path, &crashed).unwrap();
        fs::copy(&log, dir.path().join("crashed.db-wal")).unwrap();
        let other = schema::open(&crashed, Kind::Control, Role::Writer, busy).unwrap();
        assert_eq!(count(&other), 350);
        insert(&other, 350);
        assert_eq!(other.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
        // It begins anew, and keeps its room.
        let length = fs::metadata(&log).unwrap().len();
        conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        (350..400).for_each(|n| insert(&conn, n));
        assert_eq!(fs::metadata(&log).unwrap().len(), length);
        // A log that was cut to nothing, and lengthened before anything is in it.
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        make(&log).unwrap();
        let other = schema::open(&path, Kind::Control, Role::Reader, busy).unwrap();
        assert_eq!(count(&other), 400);
        insert(&conn, 400);
        assert_eq!(count(&other), 401);
        drop((other, conn));
        assert!(!log.exists(), "it goes with the last connection");
        assert!(make(&log).is_err(), "and is not made by this");
    }
}
