//! Room that is kept for deleting: when the disk is full it is given up, so that people can still delete mail, and
//! nothing new is accepted until the room could be kept again.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::PathBuf,
    sync::Mutex,
    time::{Duration, Instant},
};

use mailstore_api::Result;

use crate::{error::full, oneshot::lock};

/// How often it is tried to keep the room again.
const AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    octets: u64,
    /// Since when it is given up, as far as known.
    given_up: Mutex<Option<Instant>>,
}

impl Reserve {
    /// Keeps so many octets in the file at `path`; none with 0.
    pub(crate) fn new(path: PathBuf, octets: u64) -> Self {
        let reserve = Self { path, octets, given_up: Mutex::default() };
        if octets == 0 {
            let _ = fs::remove_file(&reserve.path);
        } else if let Err(e) = reserve.keep() {
            tracing::warn!(error = %e, "the disk has no room: only deleting is possible");
            *lock(&reserve.given_up) = Some(Instant::now());
        }
        reserve
    }

    fn keep(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|m| m.len() == self.octets) {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        crate::files::private(&mut options);
        let done = options.open(&self.path).and_then(|file| allocate(file, self.octets));
        if done.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        done
    }

    /// The disk is full. Answers whether that made room.
    pub(crate) fn give_up(&self) -> bool {
        if self.octets == 0 {
            return false;
        }
        let mut given_up = lock(&self.given_up);
        if given_up.is_none() {
            tracing::warn!("the disk is full: only deleting is possible until there is room");
        }
        *given_up = Some(Instant::now());
        fs::remove_file(&self.path).is_ok()
    }

    /// Refuses what would add something while the room cannot be kept.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](mailstore_api::ErrorKind::Unavailable): the disk is full.
    pub(crate) fn admit(&self) -> Result<()> {
        let mut given_up = lock(&self.given_up);
        let Some(since) = *given_up else { return Ok(()) };
        if since.elapsed() < AGAIN {
            return Err(full());
        }
        if self.keep().is_err() {
            *given_up = Some(Instant::now());
            return Err(full());
        }
        tracing::info!("the disk has room again");
        *given_up = None;
        Ok(())
    }
}

/// Blocks of the disk, not only a length.
fn allocate(mut file: File, octets: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::{fs::FallocateFlags, io::Errno};
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, octets) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            other => return Ok(other?),
        }
    }
    let zeros = vec![0; 64 * 1024];
    let mut left = octets;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..now).unwrap_or(&zeros))?;
        left -= now as u64;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_given_up_and_kept_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        let reserve = Reserve::new(path.clone(), 100_000);
        assert_eq!(path.metadata().unwrap().len(), 100_000);
        #[cfg(target_os = "linux")]
        assert!(std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap()) * 512 >= 100_000);
        assert!(reserve.admit().is_ok());
        assert!(reserve.give_up());
        assert!(!path.exists());
        assert!(reserve.admit().is_err(), "not in the same moment");
        assert!(!reserve.give_up());
        *lock(&reserve.given_up) = Some(Instant::now().checked_sub(AGAIN).unwrap());
        assert!(reserve.admit().is_ok());
        assert!(path.exists());
        drop(Reserve::new(path.clone(), 0));
        assert!(!path.exists());
    }
}
