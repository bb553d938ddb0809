//! The peers: a message is a file, synced, and so is the directory that has its name.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

pub(crate) struct Maildir {
    dir: PathBuf,
    next: AtomicU64,
    /// With UIDs: the last one, and the file that says which message has which.
    list: Option<Mutex<(u32, File)>>,
}

impl Maildir {
    /// Of so many messages, which are not synced one by one.
    pub(crate) fn new(dir: PathBuf, with_uids: bool, filled: usize, octets: &[u8]) -> Self {
        for sub in ["tmp", "new", "cur"] {
            fs::create_dir_all(dir.join(sub)).unwrap();
        }
        for n in 0..filled {
            fs::write(dir.join("cur").join(format!("old{n}:2,S")), octets).unwrap();
        }
        let list = with_uids.then(|| Mutex::new((0, File::create(dir.join("uidlist")).unwrap())));
        let maildir = Self { dir, next: AtomicU64::new(0), list };
        sync(&maildir.dir.join("cur"));
        maildir
    }

    pub(crate) fn append(&self, octets: &[u8]) {
        let name = format!("{}.host", self.next.fetch_add(1, Ordering::Relaxed));
        let tmp = self.dir.join("tmp").join(&name);
        let mut file = File::create(&tmp).unwrap();
        file.write_all(octets).unwrap();
        file.sync_all().unwrap();
        match &self.list {
            None => fs::rename(&tmp, self.dir.join("new").join(&name)).unwrap(),
            Some(list) => {
                // As an IMAP server must: a UID is given, and noted for good, before the next one sees the message.
                let mut list = list.lock().unwrap();
                list.0 += 1;
                let line = format!("{} :{name}\n", list.0);
                list.1.write_all(line.as_bytes()).unwrap();
                list.1.sync_data().unwrap();
                fs::rename(&tmp, self.dir.join("new").join(&name)).unwrap();
            }
        }
        sync(&self.dir.join("new"));
    }
}

/// Also what else the file system has not written yet: names and lengths go through one journal.
pub(crate) fn sync(dir: &Path) {
    File::open(dir).unwrap().sync_all().unwrap();
}
