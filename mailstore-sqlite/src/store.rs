use std::{
    collections::HashSet,
    fs::OpenOptions,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicUsize},
    thread::{self, JoinHandle},
    time::Duration,
};

use mailstore_api::{
    AppendSpec, ErrorKind, LocalHub, MailQueue, MailStore, QuotaLimits, QuotaUsage, Result, StoreError,
};

use crate::{
    AccountInfo, DefaultMailbox, Options, SqliteAccount,
    checkpoint::{Checkpoints, Log},
    control::{Control, Place},
    error::{Res, damaged, refused},
    files::{self, BodyFiles},
    oneshot::{block_on, lock},
    ops::{
        hierarchy::{self, Made, Validities},
        quota,
    },
    pool::{Pool, shard_path},
    queue::Weight,
    schema::{self, Kind},
    shard::Shard,
    stage::SqliteDelivery,
    sweep, writer,
};

/// A durable mail store in a directory. A clone is another handle on the same open store.
///
/// ```
/// use mailstore_api::{Account, MailStore, MailboxName};
/// use mailstore_sqlite::{Options, SqliteStore};
///
/// async fn example(store: SqliteStore) -> mailstore_api::Result<()> {
///     store.create_account("anna@example.org", None)?;
///     let anna = store.open_account("anna@example.org").await?;
///     assert!(anna.find(&MailboxName::inbox()).await?.is_some());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) control: Control,
    pub(crate) pool: Pool,
    pub(crate) shards: Vec<Arc<Shard>>,
    pub(crate) files: Arc<BodyFiles>,
    pub(crate) hub: LocalHub,
    pub(crate) watches: Arc<AtomicUsize>,
    /// Accounts whose maildrop is locked in this process.
    pub(crate) maildrops: Mutex<HashSet<i64>>,
    checkpoints: Arc<Checkpoints>,
    /// Where the next entry of the queue goes that has no recipient here.
    pub(crate) next_queued: AtomicUsize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    pub(crate) fn shard(&self, number: usize) -> Res<&Arc<Shard>> {
        self.shards.get(number).ok_or_else(|| damaged("an account is in a shard that does not exist"))
    }

    /// Refuses a message that is too big.
    pub(crate) fn check_size(&self, octets: u64) -> Result<()> {
        // Sizes are 32 bits wide in memory.
        let limit = self.options.append_limit.unwrap_or(u64::MAX).min(u64::from(u32::MAX - 1));
        if octets > limit {
            return Err(StoreError::new(ErrorKind::TooBig, format!("a message has at most {limit} octets")));
        }
        Ok(())
    }

    fn close(&self) {
        self.hub.close();
        self.shards.iter().for_each(|s| s.queue.close());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
        self.pool.close();
        self.checkpoints.close();
        let me = thread::current().id();
        // So that whoever opens the store next finds it at rest. The last handle may go on one of these threads.
        for thread in lock(&self.threads).drain(..).filter(|t| t.thread().id() != me) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

/// Accounts. These calls block for a read (some 20 microseconds) or one or two fsyncs, so that programs without
/// a runtime can call them; from an async task use the runtime's way of running blocking code. All of them
/// may be called in another process beside the running server.
impl SqliteStore {
    /// Opens the store in the directory `path`, and makes it where there is none. Several processes may have
    /// it open at the same time.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when a newer program made it, [`ErrorKind::Corrupt`] when it is no store or a
    /// part of it is missing, [`ErrorKind::Unavailable`] when it cannot be reached.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        Ok(open(path.as_ref(), options)?)
    }

    /// Makes an account with an empty INBOX.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`]; [`ErrorKind::Cannot`] when the name is empty, over 255 octets or has control characters.
    pub fn create_account(&self, name: &str, password_hash: Option<&str>) -> Result<AccountInfo> {
        self.create_account_with(name, password_hash, &[])
    }

    /// Makes an account with INBOX and these mailboxes (an entry for INBOX itself says whether it is subscribed).
    ///
    /// # Errors
    /// As [`create_account`](Self::create_account).
    pub fn create_account_with(
        &self,
        name: &str,
        password_hash: Option<&str>,
        mailboxes: &[DefaultMailbox],
    ) -> Result<AccountInfo> {
        check_name(name)?;
        let needed = hierarchy::validities_for(mailboxes);
        let fill = |place: Place, first: u32| {
            let mailboxes = mailboxes.to_vec();
            let op = move |txn: &mut crate::txn::Txn<'_>| {
                hierarchy::fill(txn, place.id, &mailboxes, Validities { first })
            };
            match block_on(self.shared.shard(place.shard)?.write(Weight { rows: 2, bytes: 0 }, op))? {
                Made::Done(()) => Ok(()),
                // The control database is locked, so only a clock that was set back explains it.
                Made::Stale => Err(refused(ErrorKind::Unavailable, "UIDVALIDITY is not ascending")),
            }
        };
        Ok(self.shared.control.create(name, password_hash, needed, fill)?)
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts(&self) -> Result<Vec<AccountInfo>> {
        Ok(self.shared.control.accounts()?)
    }

    /// The account of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn account(&self, name: &str) -> Result<Option<AccountInfo>> {
        Ok(self.shared.control.account(name)?)
    }

    /// Changes or takes away what verifies the account's password.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_password_hash(&self, name: &str, password_hash: Option<&str>) -> Result<()> {
        Ok(self.shared.control.set_password(name, password_hash)?)
    }

    /// Gives an account another name; its mail, its password and sessions that have it open are not touched. Names
    /// differ by more than the case of ASCII letters, which may be what is changed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Exists`], [`ErrorKind::Cannot`] as for [`create_account`](Self::create_account).
    pub fn rename_account(&self, name: &str, new: &str) -> Result<()> {
        check_name(new)?;
        Ok(self.shared.control.rename(name, new)?)
    }

    /// What an account may keep, and what it keeps.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn quota(&self, name: &str) -> Result<(QuotaLimits, QuotaUsage)> {
        let place = self.place(name)?;
        Ok(self.shared.shard(place.shard)?.quota(place.id)?)
    }

    /// Sets what an account may keep. One that keeps more already may still move, flag and expunge.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_quota(&self, name: &str, limits: QuotaLimits) -> Result<()> {
        let place = self.place(name)?;
        let op = move |txn: &mut crate::txn::Txn<'_>| quota::set(txn, place.id, &limits);
        block_on(self.shared.shard(place.shard)?.write(Weight { rows: 1, bytes: 0 }, op))
    }

    fn place(&self, name: &str) -> Result<Place> {
        self.shared.control.find(name)?.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Removes an account. It is gone at once; its messages are deleted in small steps afterwards, which a
    /// later process carries on with where this one ends.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn remove_account(&self, name: &str) -> Result<()> {
        let place = self.shared.control.remove(name)?;
        Ok(clear(&self.shared, place)?)
    }

    /// Ends every watch with [`Hint::Closed`](mailstore_api::Hint::Closed), and refuses writes from now on; those
    /// that were accepted are still carried out.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl MailStore for SqliteStore {
    type Account = SqliteAccount;
    type Delivery = SqliteDelivery;

    async fn open_account(&self, who: &str) -> Result<SqliteAccount> {
        // Some microseconds: the way to another thread would cost more.
        let place = self.shared.control.find(who)?.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
        Ok(SqliteAccount::new(self.shared.clone(), place)?)
    }

    async fn deliver(&self, spec: AppendSpec) -> Result<SqliteDelivery> {
        self.shared.check_size(spec.declared_len.unwrap_or(0))?;
        self.shared.files.reserve.admit()?;
        Ok(SqliteDelivery::new(self.shared.clone(), spec))
    }

    fn queue(&self) -> Option<&dyn MailQueue> {
        Some(self)
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(StoreError::new(ErrorKind::Cannot, "no name for an account"));
    }
    Ok(())
}

fn open(dir: &Path, options: Options) -> Res<SqliteStore> {
    let busy = options.busy_timeout;
    files::make_dir(dir)?;
    // One process at a time creates, migrates and sweeps.
    let mut lock_file = OpenOptions::new();
    lock_file.read(true).write(true).create(true).truncate(false);
    files::private(&mut lock_file);
    let lock_file = lock_file.open(dir.join("lock"))?;
    lock_file.lock()?;

    schema::prepare(&Control::path(dir), Kind::Control, busy)?;
    let shards = prepare_shards(dir, &options, busy)?;
    let files = Arc::new(BodyFiles::open(dir, options.reserve)?);
    sweep::sweep(dir, shards, busy)?;
    let control = Control::open(dir, busy, shards)?;
    let (pool, mut threads) = Pool::start(dir, shards, options.readers, busy)?;
    let (hub, watches) = (LocalHub::new(), Arc::new(AtomicUsize::new(0)));
    let at_hand = options.derived_in_memory / shards.max(1);
    let shards: Vec<Arc<Shard>> = (0..shards)
        .map(|n| {
            let (files, hub, watches) = (files.clone(), hub.clone(), watches.clone());
            Arc::new(Shard::new(n, dir.to_owned(), options.clone(), files, hub, watches, at_hand))
        })
        .collect();
    let checkpoints = Arc::new(Checkpoints::default());
    let (mine, path, n) = (checkpoints.clone(), dir.to_owned(), shards.len());
    let copying = thread::Builder::new().name("mailstore-log".to_owned());
    threads.push(copying.spawn(move || mine.run(path, n, busy))?);
    for shard in &shards {
        let (name, shard) = (format!("mailstore-write-{}", shard.number), shard.clone());
        let log = Log::new(shard.number, checkpoints.clone());
        threads.push(thread::Builder::new().name(name).spawn(move || writer::run(shard, log))?);
    }
    let shared = Arc::new(Shared {
        dir: dir.to_owned(),
        options,
        control,
        pool,
        shards,
        files,
        hub,
        watches,
        maildrops: Mutex::default(),
        checkpoints,
        next_queued: AtomicUsize::new(0),
        threads: Mutex::new(threads),
    });
    // What a removal that was cut short has left.
    for place in shared.control.removed()? {
        clear(&shared, place)?;
    }
    drop(lock_file);
    Ok(SqliteStore { shared })
}

/// Creates the shards of a new store, or checks those of an old one: how many there are.
fn prepare_shards(dir: &Path, options: &Options, busy: Duration) -> Res<usize> {
    if let Some(shards) = Control::shards(dir, busy)? {
        for path in (0..shards).map(|n| shard_path(dir, n)) {
            if !path.exists() {
                return Err(damaged(format!("{} is missing", path.display())));
            }
            schema::prepare(&path, Kind::Shard, busy)?;
        }
        return Ok(shards);
    }
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let shards = options.shards.unwrap_or_else(cores).clamp(1, 64);
    for n in 0..shards {
        schema::prepare(&shard_path(dir, n), Kind::Shard, busy)?;
    }
    schema::sync_dir(dir)?;
    Control::set_shards(dir, busy, shards)?;
    Ok(shards)
}

/// Has the shard delete what is left of an account.
fn clear(shared: &Shared, place: Place) -> Res<()> {
    let op = move |txn: &mut crate::txn::Txn<'_>| hierarchy::remove_account(txn, place.id);
    block_on(shared.shard(place.shard)?.write(Weight { rows: 2, bytes: 0 }, op))?;
    shared.control.forget(place.id)
}
