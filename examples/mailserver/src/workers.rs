//! The queue's workers. They can be changed for others while the server runs.

use std::sync::Arc;

use mail_session::outbound::{self, Outbound};
use mailstore_sqlite::SqliteStore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Config, Relay},
    fault::{Fault, Result},
    relay::SmartHost,
    router::Routes,
    session::Clock,
};

/// The workers, and what it takes to make others.
pub(crate) struct Workers {
    store: SqliteStore,
    routes: Routes,
    clock: Clock,
    tracker: TaskTracker,
    stopping: CancellationToken,
    /// Ends those that work now.
    now: CancellationToken,
    relay: Option<Relay>,
}

/// Workers that are ready to begin.
pub(crate) struct Ready {
    outbound: Arc<Outbound<SqliteStore, Routes, SmartHost, Clock>>,
    count: usize,
    relay: Option<Relay>,
}

impl Workers {
    pub(crate) fn new(
        store: SqliteStore,
        routes: Routes,
        clock: Clock,
        tracker: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        let now = stopping.child_token();
        Self { store, routes, clock, tracker, stopping, now, relay: None }
    }

    /// They work also without a smart host: on what waits for mailboxes here, and on reports.
    pub(crate) fn ready(&self, config: &Config) -> Result<Ready> {
        let mut settings = outbound::Config::new(&config.hostname);
        let relay = config.post.relay.clone();
        let count = relay.as_ref().map_or(1, |relay| relay.concurrency);
        if let Some(relay) = &relay {
            settings.retry_first = relay.retry_first;
            settings.retry_longest = relay.retry_longest;
            settings.delay_notice = relay.delay_notice;
            settings.retention = relay.expires;
        }
        let host = relay.clone().map(|relay| SmartHost::new(relay, config.hostname.clone())).transpose()?;
        let outbound = Outbound::new(self.store.clone(), self.routes.clone(), host, self.clock, settings);
        Ok(Ready { outbound: Arc::new(outbound), count, relay })
    }

    /// At the start: what a killed server had under way is due again.
    pub(crate) async fn start(&mut self, ready: Ready) -> Result<()> {
        let fault = |e| Fault::new(format!("cannot read the queue in the store: {e}"));
        let recovered = ready.outbound.recover().await.map_err(fault)?;
        if recovered > 0 {
            tracing::info!(recovered, "the queue has messages that were under way");
        }
        self.begin(ready);
        Ok(())
    }

    /// Others, where `config` has another smart host, or when it is asked for (a certificate's file may have changed).
    pub(crate) fn others(&self, config: &Config, asked: bool) -> Result<Option<Ready>> {
        (asked || config.post.relay != self.relay).then(|| self.ready(config)).transpose()
    }

    /// Those that work finish the message they have, say goodbye to the smart host, and give back what they have not begun.
    pub(crate) fn replace(&mut self, ready: Ready) {
        self.now.cancel();
        self.now = self.stopping.child_token();
        self.begin(ready);
    }

    fn begin(&mut self, ready: Ready) {
        for _ in 0..ready.count {
            let (outbound, until) = (Arc::clone(&ready.outbound), self.now.clone());
            self.tracker.spawn(async move {
                if let Err(error) = outbound.run(until.cancelled()).await {
                    tracing::error!(%error, "the queue is not worked off");
                }
            });
        }
        self.relay = ready.relay;
    }
}
