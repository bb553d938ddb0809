//! The guide's example passes the suite.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test; the cases say what they are about")]

use mailstore_api::{
    AnyStore,
    conformance::{ACCOUNTS, Fixture},
};

#[allow(dead_code, unreachable_pub, reason = "an example with a main of its own")]
#[path = "../examples/key_value.rs"]
mod key_value;

#[derive(Default)]
struct KeyValue {
    store: key_value::KvStore,
}

impl Fixture for KeyValue {
    fn fresh(&mut self) -> AnyStore {
        self.store = key_value::KvStore::default();
        for account in ACCOUNTS {
            self.store.create_account(account).unwrap();
        }
        AnyStore::new(self.store.clone())
    }
    fn reopen(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.store.clone()))
    }
    fn second(&mut self) -> Option<AnyStore> {
        Some(AnyStore::new(self.store.clone()))
    }
    fn rounds(&self, usual: u32) -> u32 {
        // Every look at a mailbox copies its rows: an example is to be read.
        usual / 4
    }
}

mailstore_api::conformance!(KeyValue::default());
