//! The store under measurement.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use mailstore_api::{
    Account, AppendSpec, MailStore, MailboxId, MailboxName, OpenMode, Snapshot, SpecialUse, Staged,
    conformance::block_on,
};
use mailstore_sqlite::{Options, SqliteAccount, SqliteMailbox, SqliteStore};

use crate::measure::{self, Round};

/// A mailbox in a store of its own.
#[derive(Clone)]
pub(crate) struct Inbox {
    account: SqliteAccount,
    id: MailboxId,
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

    pub(crate) fn open(&self) -> (Snapshot, SqliteMailbox) {
        block_on(self.account.open(&self.id, OpenMode::Select)).unwrap()
    }

    /// Another, empty one, of this name.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let name = MailboxName::new([name]).unwrap();
        let id = block_on(self.account.create(&name, SpecialUse::NONE)).unwrap();
        Self { id, ..self.clone() }
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
        time: Duration,
        octets: &[u8],
    ) -> Round {
        let (before, begin) = (measure::processor(), Instant::now());
        let appends = runtime.block_on(async {
            let appender = || {
                let (inbox, octets) = (self.clone(), octets.to_vec());
                async move {
                    let mut done = 0;
                    while begin.elapsed() < time {
                        inbox.append(&octets).await;
                        done += 1;
                    }
                    done
                }
            };
            let tasks: Vec<_> = (0..appenders).map(|_| runtime.spawn(appender())).collect();
            let mut appends = 0;
            for task in tasks {
                appends += task.await.unwrap();
            }
            appends
        });
        let clock = begin.elapsed();
        let processor = Duration::from_nanos(measure::processor().saturating_sub(before));
        Round { appends, clock, processor }
    }
}
