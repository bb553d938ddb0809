//! The store under measurement.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use mailstore_api::{Account, AppendSpec, MailStore, MailboxId, MailboxName, Staged, conformance::block_on};
use mailstore_sqlite::{Options, SqliteAccount, SqliteStore};

use crate::measure::{self, Sum};

/// One account of a store of its own, with INBOX.
pub(crate) struct Inbox {
    pub(crate) account: SqliteAccount,
    pub(crate) id: MailboxId,
    _store: SqliteStore,
}

impl Inbox {
    pub(crate) fn new(dir: &Path, filled: usize, octets: &[u8]) -> Self {
        // One mailbox is in one shard, whatever their number.
        let store = SqliteStore::open(dir, Options::default()).unwrap();
        store.create_account("anna", None).unwrap();
        let account = block_on(store.open_account("anna")).unwrap();
        let id = block_on(account.find(&MailboxName::inbox())).unwrap().unwrap().id.unwrap();
        let inbox = Self { account, id, _store: store };
        for from in (0..filled).step_by(500) {
            block_on(async {
                let mut staged = Vec::new();
                for _ in from..filled.min(from + 500) {
                    staged.push(inbox.staged(octets).await);
                }
                inbox.account.commit(&inbox.id, staged, None).await.unwrap();
            });
        }
        inbox
    }

    async fn staged(&self, octets: &[u8]) -> <SqliteAccount as Account>::Staged {
        let mut staged = self.account.stage(&self.id, AppendSpec::default()).await.unwrap();
        for chunk in octets.chunks(64 * 1024) {
            staged.write(chunk).await.unwrap();
        }
        staged.finish().await.unwrap();
        staged
    }

    pub(crate) async fn append(&self, octets: &[u8]) {
        let staged = self.staged(octets).await;
        self.account.commit(&self.id, vec![staged], None).await.unwrap();
    }

    /// As a server on a runtime does it: appenders are tasks, not threads.
    pub(crate) fn tasks(
        &self,
        runtime: &tokio::runtime::Runtime,
        appenders: usize,
        appends: u64,
        sum: &mut Sum,
        octets: &[u8],
    ) -> Duration {
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let (before, begin) = (measure::processor(), Instant::now());
        runtime.block_on(async {
            let tasks: Vec<_> = (0..appenders)
                .map(|_| {
                    let (account, id, octets) = (self.account.clone(), self.id.clone(), octets.to_vec());
                    let done = done.clone();
                    runtime.spawn(async move {
                        while done.fetch_add(1, Ordering::Relaxed) < appends {
                            let mut staged = account.stage(&id, AppendSpec::default()).await.unwrap();
                            staged.write(&octets).await.unwrap();
                            staged.finish().await.unwrap();
                            account.commit(&id, vec![staged], None).await.unwrap();
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let clock = begin.elapsed();
        sum.add(appends, clock, measure::processor().saturating_sub(before));
        clock
    }
}
