//! Bodies too big for a database row, as files; and the files they are while they arrive.

use std::{
    collections::hash_map::RandomState,
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    hash::{BuildHasher, Hasher},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use crate::{error::Res, reserve::Reserve, schema::sync_dir};

/// Bodies of more octets than this are files (measured: 1.8 times faster inline at this size, and 3 times
/// slower at 1 MiB).
pub(crate) const INLINE_MAX: usize = 128 * 1024;

/// Files in one directory, about.
pub(crate) const PER_DIRECTORY: u64 = 1024;

/// Locked by the process that a part of `tmp/` belongs to, as long as it lives.
pub(crate) const LOCK: &str = "lock";

/// The directories `bodies/` and `tmp/`, the latter with a directory of this process.
///
/// A process holds a lock on its directory's lock file for as long as it lives; whoever opens the store
/// [sweeps](crate::sweep) the directories whose lock is free: nothing that a crash leaves behind stays.
#[derive(Debug)]
pub(crate) struct BodyFiles {
    bodies: PathBuf,
    mine: PathBuf,
    run: String,
    next: AtomicU64,
    pub(crate) reserve: Reserve,
    /// Something is left for whoever opens the store next.
    in_doubt: AtomicBool,
    _lock: File,
}

/// A file in this process's part of `tmp/`, unlinked when dropped.
#[derive(Debug)]
pub(crate) struct TempFile {
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    name: String,
    kept: AtomicBool,
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        if let Err(e) = fs::remove_file(&self.path) {
            tracing::debug!(error = %e, "a temporary file was not removed");
        }
    }
}

/// A body's file in its final place, not yet known to a database.
#[derive(Debug)]
pub(crate) struct Placed {
    /// As the database keeps it: below `bodies/`, with `/`.
    pub(crate) path: String,
    pub(crate) full: PathBuf,
}

impl BodyFiles {
    pub(crate) fn open(dir: &Path, reserve: u64) -> Res<Self> {
        let (bodies, tmp) = (dir.join("bodies"), dir.join("tmp"));
        make_dir(&bodies)?;
        make_dir(&tmp)?;
        let run = random_name();
        let mine = tmp.join(&run);
        make_dir(&mine)?;
        let lock = create(&mine.join(LOCK))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::Error(e) => e,
            TryLockError::WouldBlock => io::Error::from(io::ErrorKind::WouldBlock),
        })?;
        let reserve = Reserve::new(dir.join("reserve"), reserve);
        let in_doubt = AtomicBool::new(false);
        Ok(Self { bodies, mine, run, next: AtomicU64::new(0), reserve, in_doubt, _lock: lock })
    }

    pub(crate) fn temp(&self) -> Res<TempFile> {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{n:x}", self.run);
        let path = self.mine.join(&name);
        let file = create(&path)?;
        Ok(TempFile { path, file, name, kept: AtomicBool::new(false) })
    }

    /// Gives a written and synced file its name below `bodies/`; near `number` in the same directory, so that
    /// what is committed together needs one directory fsync. The caller does that.
    pub(crate) fn place(&self, temp: &TempFile, shard: usize, number: i64) -> Res<Placed> {
        let bucket = format!("{shard:02}-{:04x}", number.unsigned_abs() / PER_DIRECTORY);
        let dir = self.bodies.join(&bucket);
        if !dir.is_dir() {
            make_dir(&dir)?;
            sync_dir(&self.bodies)?;
        }
        let path = format!("{bucket}/{}", temp.name);
        let full = dir.join(&temp.name);
        // A second name, so that a message for several shards is written once.
        if fs::hard_link(&temp.path, &full).is_err() {
            let copied = fs::copy(&temp.path, &full).and_then(|_| File::open(&full)?.sync_all());
            if let Err(e) = copied {
                // Half of it, perhaps, which nobody would ever look for.
                let _ = fs::remove_file(&full);
                return Err(e.into());
            }
        }
        Ok(Placed { path, full })
    }

    /// Nobody knows whether the commit that this file was placed for happened: it keeps its first name, by which
    /// the next process finds it.
    pub(crate) fn keep(&self, temp: &TempFile) {
        temp.kept.store(true, Ordering::Relaxed);
        self.in_doubt.store(true, Ordering::Relaxed);
    }

    /// The file of a stored path; `None` for a path this crate does not write.
    pub(crate) fn resolve(&self, path: &str) -> Option<PathBuf> {
        let (bucket, name) = path.split_once('/')?;
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (plain(bucket) && plain(name)).then(|| self.bodies.join(bucket).join(name))
    }
}

impl Drop for BodyFiles {
    fn drop(&mut self) {
        // Temporary files of handles that are still held go with it: there is no store to commit them to.
        if !self.in_doubt.load(Ordering::Relaxed) {
            let _ = fs::remove_dir_all(&self.mine);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    private(&mut options);
    options.open(path)
}

/// For the owner alone.
pub(crate) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Makes a directory for the owner alone, and those above it, where they are missing.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// A name no other process takes.
fn random_name() -> String {
    // Each RandomState begins with keys from the system's randomness.
    let number = || RandomState::new().build_hasher().finish();
    format!("{:08x}{:016x}", std::process::id(), number())
}

/// Reads at an offset without moving a cursor that others share.
pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, buf, offset);
    #[cfg(not(unix))]
    {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = file;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placed_file_stays_when_the_temporary_one_goes() {
        let dir = tempfile::tempdir().unwrap();
        let living = BodyFiles::open(dir.path(), 0).unwrap();
        let temp = living.temp().unwrap();
        let other = BodyFiles::open(dir.path(), 0).unwrap();
        assert!(temp.path.exists());
        let placed = other.place(&temp, 0, 5000).unwrap();
        assert_eq!(other.resolve(&placed.path).unwrap(), placed.full);
        drop(temp);
        assert!(placed.full.exists());
        for bad in ["../x", "a/../b", "/etc", "a", "a/", "a/b/c"] {
            assert!(other.resolve(bad).is_none(), "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_and_directories_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let files = BodyFiles::open(&dir.path().join("a"), 0).unwrap();
        let temp = files.temp().unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&temp.path), mode(&files.bodies), mode(&files.mine)), (0o600, 0o700, 0o700));
    }
}
