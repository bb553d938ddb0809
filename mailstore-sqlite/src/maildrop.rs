//! The POP3 maildrop's lock: within the process by a set, between processes by a file lock, which ends with the
//! process that holds it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use mailstore_api::{BoxFuture, ErrorKind, MaildropLock, Result, StoreError};

use crate::{
    SqliteAccount,
    error::Res,
    files::{make_dir, private},
    oneshot::lock,
    store::Shared,
};

impl MaildropLock for SqliteAccount {
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>> {
        Box::pin(async move {
            if !lock(&self.shared.maildrops).insert(self.id) {
                return Err(in_use());
            }
            // From here on its drop takes the mark away, also when this future is dropped.
            let mut guard = Guard { shared: self.shared.clone(), account: self.id, file: None };
            let path = self.shared.dir.join("locks").join(format!("{}.lock", self.id));
            let file = self.shared.pool.files(move || lock_file(&path)).await?;
            guard.file = Some(file.ok_or_else(in_use)?);
            Ok(Box::new(guard) as Box<dyn Send>)
        })
    }
}

fn in_use() -> StoreError {
    StoreError::new(ErrorKind::InUse, "the maildrop is locked by another session")
}

struct Guard {
    shared: Arc<Shared>,
    account: i64,
    file: Option<Locked>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.file = None;
        lock(&self.shared.maildrops).remove(&self.account);
    }
}

/// A locked file, unlinked when dropped, so that their number is that of the open maildrops.
struct Locked {
    path: PathBuf,
    _file: File,
}

impl Drop for Locked {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// `None`: another process has it.
fn lock_file(path: &Path) -> Res<Option<Locked>> {
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        private(&mut options);
        let file = options.open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e.into()),
        }
        // Whoever had it may have unlinked it between the two steps: then this lock holds a file without a name.
        if is_named(&file, path)? {
            return Ok(Some(Locked { path: path.to_owned(), _file: file }));
        }
    }
}

fn is_named(file: &File, path: &Path) -> Res<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (mine, named) = (file.metadata()?, fs::metadata(path));
        Ok(named.is_ok_and(|named| named.ino() == mine.ino() && named.dev() == mine.dev()))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        Ok(path.exists())
    }
}
