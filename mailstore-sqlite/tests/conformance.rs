//! The store passes the suite every store must pass.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use mailstore_api::{
    AnyStore, QuotaLimits,
    conformance::{ACCOUNTS, Fixture},
};
use mailstore_sqlite::{Options, SqliteStore};
use tempfile::TempDir;

#[derive(Default)]
struct OnDisk {
    dir: Option<TempDir>,
    options: Options,
}

impl OnDisk {
    fn make(&mut self, options: Options) -> AnyStore {
        self.options = Options { shards: Some(2), ..options };
        // What survives a power cut is not asked here: where there is a file system in memory, it is faster.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        self.dir = Some(dir.unwrap());
        let store = self.open();
        for account in ACCOUNTS {
            store.create_account(account, None).unwrap();
        }
        AnyStore::new(store)
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.dir.as_ref().unwrap(), self.options.clone()).unwrap()
    }
}

impl Fixture for OnDisk {
    fn fresh(&mut self) -> AnyStore {
        self.make(Options::default())
    }
    fn reopen(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.open()))
    }
    /// With connections, threads and memory of its own: what another process would open.
    fn second(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.open()))
    }
    fn forgetful(&mut self) -> Option<AnyStore> {
        Some(self.make(Options { history: 10, ..Options::default() }))
    }
    fn limited(&mut self) -> Option<AnyStore> {
        Some(self.make(Options { append_limit: Some(100_000), ..Options::default() }))
    }
    /// As an administrator's command beside the server would.
    fn limit(&mut self, account: &str, limits: QuotaLimits) -> bool {
        self.open().set_quota(account, limits).is_ok()
    }
    fn rounds(&self, usual: u32) -> u32 {
        (usual / 10).max(3)
    }
}

mailstore_api::conformance!(OnDisk::default());
