//! The store in memory passes the suite.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test; the cases say what they are about")]

use mailstore_api::{
    AnyStore, MemoryOptions, MemoryStore, QuotaLimits,
    conformance::{ACCOUNTS, Fixture},
};

#[derive(Default)]
struct Memory {
    store: MemoryStore,
}

impl Memory {
    fn make(&mut self, options: MemoryOptions) -> AnyStore {
        self.store = MemoryStore::with_options(options);
        for account in ACCOUNTS {
            self.store.create_account(account).unwrap();
        }
        AnyStore::new(self.store.clone())
    }
}

impl Fixture for Memory {
    fn fresh(&mut self) -> AnyStore {
        self.make(MemoryOptions::default())
    }
    fn reopen(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.store.clone()))
    }
    fn second(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.store.clone()))
    }
    fn forgetful(&mut self) -> Option<AnyStore> {
        Some(self.make(MemoryOptions { history: 10, ..MemoryOptions::default() }))
    }
    fn limit(&mut self, account: &str, limits: QuotaLimits) -> bool {
        self.store.set_quota(account, limits).is_ok()
    }
    fn limited(&mut self) -> Option<AnyStore> {
        Some(self.make(MemoryOptions { append_limit: Some(100_000), ..MemoryOptions::default() }))
    }
}

mailstore_api::conformance!(Memory::default());
