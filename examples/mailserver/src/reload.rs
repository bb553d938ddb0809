//! Changed settings: the configuration and the keys of tokens are read again on SIGHUP, and when their files change.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::Accounts,
    config::Config,
    fault::{Fault, Result},
    live::{Live, Settings},
    present::Present,
    workers::Workers,
};

/// How often the files are looked at. Looking works on every file system, and for files that are replaced by others.
const LOOK: Duration = Duration::from_secs(1);

/// Reads the settings again.
pub(crate) struct Reload {
    config: Config,
    accounts: Arc<Accounts>,
    live: Arc<Live>,
    present: Arc<Present>,
    workers: Workers,
}

/// What tells one state of a file from another.
type Seen = Option<(SystemTime, u64, u64)>;

impl Reload {
    pub(crate) fn new(
        config: Config,
        accounts: Arc<Accounts>,
        live: Arc<Live>,
        present: Arc<Present>,
        workers: Workers,
    ) -> Self {
        Self { config, accounts, live, present, workers }
    }

    /// Watches until the server stops. What is wrong with a new file is logged, and the old settings stay.
    pub(crate) fn watch(self, stopping: CancellationToken) -> Result<impl Future<Output = ()> + Send> {
        let mut hangup =
            signal(SignalKind::hangup()).map_err(|e| Fault::new(format!("cannot listen to signals: {e}")))?;
        let mut this = self;
        let mut seen = this.look();
        Ok(async move {
            let mut tick = interval(LOOK);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                let asked = tokio::select! {
                    () = stopping.cancelled() => return,
                    _ = hangup.recv() => true,
                    _ = tick.tick() => false,
                };
                let now = this.look();
                let (file, keys) = (now.0 != seen.0, now.1 != seen.1);
                seen = now;
                if !(asked || file || keys) {
                    continue;
                }
                // Reading, hashing and writing block.
                match spawn_blocking(move || {
                    this.read(asked || file, asked);
                    this
                })
                .await
                {
                    Ok(back) => this = back,
                    Err(e) => return tracing::error!("settings are not read again any more: {e}"),
                }
                // Which files are to be watched may be another.
                seen.1 = this.look().1;
            }
        })
    }

    fn look(&self) -> (Seen, Seen) {
        let keys = self.live.now().keys_file();
        (self.config.file.as_deref().and_then(state), keys.as_deref().and_then(state))
    }

    /// Reads the configuration, or only the keys.
    fn read(&mut self, whole: bool, asked: bool) {
        let read = match (whole, self.config.file.clone()) {
            (true, Some(file)) => self.configuration(&file, asked),
            _ => self.keys(),
        };
        if let Err(fault) = read {
            tracing::error!("the old settings stay in force: {fault}");
        }
    }

    fn keys(&self) -> Result<()> {
        let settings = self.live.now().with_keys_read_again(&self.config)?;
        self.live.replace(settings);
        tracing::info!("the keys of tokens are read again");
        Ok(())
    }

    fn configuration(&mut self, file: &Path, asked: bool) -> Result<()> {
        // A folder given by the command line stays.
        let new = Config::load(Some(file), Some(&self.config.data))?;
        let settings = Settings::new(&new)?;
        let workers = self.workers.others(&new, asked)?;
        self.accounts.apply(&new)?;
        self.live.replace(settings);
        if let Some(workers) = workers {
            self.workers.replace(workers);
        }
        let ended = self.present.review(&self.live.now().policy);
        tracing::info!(file = %file.display(), ended, "the configuration is read again");
        for what in later(&self.config, &new) {
            tracing::warn!("{what} changed: that takes effect at the next start");
        }
        // What was bound and opened at the start stays the measure of what is new.
        self.config.mailboxes = new.mailboxes;
        // These hold from now on, also when only the keys are read again.
        (self.config.imap, self.config.timeouts) = (new.imap, new.timeouts);
        Ok(())
    }
}

/// What cannot change while the server runs.
fn later(old: &Config, new: &Config) -> Vec<&'static str> {
    [
        ("hostname", old.hostname != new.hostname),
        ("[listen]", old.listen != new.listen),
        ("[tls]", old.tls != new.tls || old.client_ca != new.client_ca),
        ("[limits]", old.limits != new.limits),
        ("listen under [lmtp]", old.post.lmtp.listen != new.post.lmtp.listen),
    ]
    .into_iter()
    .filter_map(|(what, changed)| changed.then_some(what))
    .collect()
}

fn state(file: &Path) -> Seen {
    use std::os::unix::fs::MetadataExt as _;
    let meta = fs::metadata(file).ok()?;
    Some((meta.modified().ok()?, meta.len(), meta.ino()))
}
