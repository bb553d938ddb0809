//! The store in memory: the file an implementor reads first.
//!
//! All data stand behind one lock, so that every call is one step: done or not done, and seen by nobody
//! half-way. What a durable store must work for (one transaction for `copy`, modseqs visible in the order of
//! commits, a snapshot in one cut) comes for nothing here; read it as the statement of *what* must hold.
//!
//! * this file: accounts, and the calls that touch several mailboxes
//! * `folder`: one mailbox. What the contract says of names is in [`Hierarchy`], what it says of
//!   messages, modseqs and tombstones in [`Index`], as plain synchronous code
//! * `optional`: quota, access lists, annotations
//! * `queue`: messages that wait to be handed on
//! * `handles`: what a caller holds: [`MemoryMailbox`], [`MemoryBody`], [`MemoryStaged`], [`MemoryDelivery`]

#[cfg(all(test, feature = "conformance"))]
mod faults;
mod folder;
mod handles;
mod optional;
mod queue;

use std::{
    collections::{BTreeMap, HashMap},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

pub use self::handles::{MemoryBody, MemoryDelivery, MemoryMailbox, MemoryStaged};
use self::{
    folder::{Folder, NewMessage},
    optional::usage_of,
};
use crate::{
    Account, Acl, AppendOutcome, AppendSpec, BoxFuture, CopyOutcome, ErrorKind, Hierarchy, Index,
    IndexLimits, Interest, LocalHub, LocalWatch, MailQueue, MailStore, MailboxId, MailboxInfo, MailboxName,
    MaildropLock, Metadata, MetadataLimits, OpenMode, Quota, QuotaLimits, QuotaUsage, Replaces, Result,
    Snapshot, SpecialUse, Status, StatusItems, StoreError, UidSet, UidValidity,
};

/// What a [`MemoryStore`] allows and keeps.
#[derive(Clone, Debug)]
pub struct MemoryOptions {
    /// Opening an unknown account, or delivering to it, makes it.
    pub auto_create: bool,
    /// Expunges each mailbox remembers; what is older answers [`ErrorKind::HistoryLost`].
    pub history: usize,
    /// The largest message, in octets.
    pub append_limit: Option<u64>,
    /// Different keywords in one mailbox.
    pub max_keywords: usize,
    /// What is kept of annotations.
    pub metadata: MetadataLimits,
    /// What mailboxes say of themselves: [`Snapshot::modseq_persistent`](crate::Snapshot::modseq_persistent). `false` is for
    /// tests of clients and sessions that meet a store whose modseqs are its own affair.
    pub modseq_persistent: bool,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            auto_create: false,
            history: 10_000,
            append_limit: None,
            max_keywords: 1_000,
            metadata: MetadataLimits::new(64 * 1024, 100),
            modseq_persistent: true,
        }
    }
}

/// A store that keeps everything in memory and forgets it when its last handle goes.
///
/// A clone is another handle on the same data.
///
/// ```
/// use mailstore_api::{Account, MailStore, MailboxName, MemoryStore};
///
/// async fn example() -> mailstore_api::Result<()> {
///     let store = MemoryStore::new();
///     store.create_account("anna")?;
///     let anna = store.open_account("anna").await?;
///     assert!(anna.find(&MailboxName::inbox()).await?.is_some());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: MemoryOptions,
    hub: LocalHub,
    queue_hub: LocalHub,
    data: Mutex<Data>,
}

#[derive(Debug)]
struct Data {
    accounts: HashMap<String, AccountData>,
    fresh: Fresh,
    queue: queue::Queue,
}

/// What new mailboxes are made of.
#[derive(Debug)]
struct Fresh {
    /// Of the whole store, and strictly ascending, so that no name ever meets the same one twice.
    last_validity: u32,
    limits: IndexLimits,
}

#[derive(Debug, Default)]
struct AccountData {
    mailboxes: Hierarchy<Folder>,
    limits: QuotaLimits,
    annotations: BTreeMap<String, Vec<u8>>,
    maildrop_locked: bool,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// A store without accounts.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// A store without accounts that behaves as the options say.
    #[must_use]
    pub fn with_options(options: MemoryOptions) -> Self {
        // From the clock, as RFC 3501 section 2.3.1.1 proposes: a client that cached mail of an earlier process
        // must not take this one's for the same.
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_secs());
        let data = Data {
            accounts: HashMap::new(),
            fresh: Fresh {
                last_validity: u32::try_from(seconds & 0x7fff_ffff).unwrap_or(1),
                limits: IndexLimits { history: options.history, keywords: options.max_keywords },
            },
            queue: queue::Queue::default(),
        };
        let (hub, queue_hub) = (LocalHub::new(), LocalHub::new());
        Self { shared: Arc::new(Shared { options, hub, queue_hub, data: Mutex::new(data) }) }
    }

    /// Makes an account with an empty INBOX.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`].
    pub fn create_account(&self, name: &str) -> Result<()> {
        let mut data = self.data();
        if data.accounts.contains_key(name) {
            return Err(ErrorKind::Exists.into());
        }
        data.create_account(name)
    }

    /// Removes an account and all of its mail.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn delete_account(&self, name: &str) -> Result<()> {
        self.data().accounts.remove(name).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Ends every watch with [`Hint::Closed`](crate::Hint::Closed).
    pub fn close(&self) {
        self.shared.hub.close();
        self.shared.queue_hub.close();
    }

    fn data(&self) -> MutexGuard<'_, Data> {
        self.shared.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, who: &str, changed: &Changed) {
        for id in &changed.mailboxes {
            self.shared.hub.notify(who, id);
        }
        if changed.hierarchy {
            self.shared.hub.hierarchy(who);
        }
    }

    fn check_size(&self, octets: u64) -> Result<()> {
        match self.shared.options.append_limit {
            Some(limit) if octets > limit => Err(ErrorKind::TooBig.into()),
            _ => Ok(()),
        }
    }

    fn ensure_account(&self, data: &mut Data, name: &str) -> Result<()> {
        match data.accounts.contains_key(name) {
            true => Ok(()),
            false if self.shared.options.auto_create => data.create_account(name),
            false => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl Data {
    fn create_account(&mut self, name: &str) -> Result<()> {
        let mut account = AccountData::default();
        account.mailboxes.create(&MailboxName::inbox(), SpecialUse::NONE, || self.fresh.mailbox())?;
        self.accounts.insert(name.to_owned(), account);
        Ok(())
    }

    fn account(&mut self, name: &str) -> Result<&mut AccountData> {
        self.accounts.get_mut(name).ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Fresh {
    fn mailbox(&mut self) -> Result<(MailboxId, Folder)> {
        let next = self.last_validity.checked_add(1).and_then(NonZeroU32::new);
        let next = next.ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
        self.last_validity = next.get();
        // The validity is never reused in this store, so it is an identity too.
        Ok((MailboxId(format!("m{next}")), Folder::new(Index::with_limits(UidValidity(next), self.limits))))
    }
}

impl AccountData {
    fn folder(&mut self, id: &MailboxId, otherwise: ErrorKind) -> Result<&mut Folder> {
        self.mailboxes.get_mut(id, otherwise)
    }

    /// Refuses mailboxes over the quota: the missing parents of this name, and so many more.
    fn check_mailboxes(&self, name: &MailboxName, more: u64) -> Result<()> {
        let mailboxes = self.mailboxes.missing_parents(name).len() as u64 + more;
        self.check_quota(&QuotaUsage { mailboxes, ..QuotaUsage::default() })
    }
}

impl MailStore for MemoryStore {
    type Account = MemoryAccount;
    type Delivery = MemoryDelivery;

    async fn open_account(&self, who: &str) -> Result<MemoryAccount> {
        self.ensure_account(&mut self.data(), who)?;
        Ok(MemoryAccount { store: self.clone(), who: who.into() })
    }

    async fn deliver(&self, spec: AppendSpec) -> Result<MemoryDelivery> {
        self.check_size(spec.declared_len.unwrap_or(0))?;
        Ok(MemoryDelivery::new(self.clone(), spec))
    }

    fn queue(&self) -> Option<&dyn MailQueue> {
        Some(self)
    }
}

/// An account of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct MemoryAccount {
    store: MemoryStore,
    who: Arc<str>,
}

impl MemoryAccount {
    /// One step on the account's data. Hints go out when the lock is free again.
    fn step<T>(&self, step: impl FnOnce(&mut Step<'_>) -> Result<T>) -> Result<T> {
        let mut changed = Changed::default();
        let answer = {
            let mut data = self.store.data();
            data.account(&self.who)?;
            step(&mut Step { data: &mut data, who: &self.who, changed: &mut changed })
        };
        self.store.tell(&self.who, &changed);
        answer
    }
}

/// The lock held, and what is to be told when it is not any more.
struct Step<'a> {
    data: &'a mut Data,
    who: &'a str,
    changed: &'a mut Changed,
}

#[derive(Default)]
struct Changed {
    mailboxes: Vec<MailboxId>,
    hierarchy: bool,
}

impl Step<'_> {
    fn account(&mut self) -> Result<&mut AccountData> {
        self.data.account(self.who)
    }

    /// The account, and what makes its mailboxes.
    fn account_and_fresh(&mut self) -> Result<(&mut AccountData, &mut Fresh)> {
        let account = self.data.accounts.get_mut(self.who);
        Ok((account.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?, &mut self.data.fresh))
    }
}

impl Account for MemoryAccount {
    type Mailbox = MemoryMailbox;
    type Watch = LocalWatch;
    type Staged = MemoryStaged;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.step(|s| Ok(s.account()?.mailboxes.list()))
    }

    async fn find(&self, name: &MailboxName) -> Result<Option<MailboxInfo>> {
        self.step(|s| Ok(s.account()?.mailboxes.info(name)))
    }

    async fn create(&self, name: &MailboxName, special_use: SpecialUse) -> Result<MailboxId> {
        self.step(|s| {
            let (account, fresh) = s.account_and_fresh()?;
            if account.mailboxes.find(name).is_none() {
                account.check_mailboxes(name, 1)?;
            }
            let id = account.mailboxes.create(name, special_use, || fresh.mailbox())?;
            s.changed.hierarchy = true;
            Ok(id)
        })
    }

    async fn delete(&self, id: &MailboxId) -> Result<()> {
        self.step(|s| {
            s.account()?.mailboxes.delete(id)?;
            s.changed.mailboxes.push(id.clone());
            s.changed.hierarchy = true;
            Ok(())
        })
    }

    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        self.step(|s| {
            let (account, fresh) = s.account_and_fresh()?;
            if account.mailboxes.find(to).is_none() {
                account.check_mailboxes(to, 0)?;
            }
            account.mailboxes.rename(id, to, || fresh.mailbox())?;
            s.changed.hierarchy = true;
            Ok(())
        })
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.step(|s| {
            s.changed.hierarchy = s.account()?.mailboxes.subscribe(name, on);
            Ok(())
        })
    }

    async fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> Result<()> {
        self.step(|s| {
            s.account()?.mailboxes.set_special_use(id, uses)?;
            s.changed.hierarchy = true;
            Ok(())
        })
    }

    async fn status(&self, ids: &[MailboxId], _: StatusItems) -> Result<Vec<Status>> {
        let persistent = self.store.shared.options.modseq_persistent;
        self.step(|s| {
            let account = s.account()?;
            let status = |id| Some(account.mailboxes.get(id, ErrorKind::Gone).ok()?.status(id, persistent));
            Ok(ids.iter().filter_map(status).collect())
        })
    }

    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, MemoryMailbox)> {
        let mailbox = MemoryMailbox { account: self.clone(), id: id.clone(), mode };
        let persistent = self.store.shared.options.modseq_persistent;
        let snapshot =
            self.step(|s| Ok(s.account()?.folder(id, ErrorKind::NotFound)?.snapshot(mode, persistent)))?;
        Ok((snapshot, mailbox))
    }

    fn append_limit(&self, _: Option<&MailboxId>) -> Option<u64> {
        self.store.shared.options.append_limit
    }

    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<MemoryStaged> {
        self.store.check_size(spec.declared_len.unwrap_or(0))?;
        self.step(|s| {
            s.account()?.folder(id, ErrorKind::NotFound)?;
            match spec.declared_len {
                Some(octets) => s.account()?.check_quota(&QuotaUsage { octets, messages: 1, mailboxes: 0 }),
                None => Ok(()),
            }
        })?;
        Ok(MemoryStaged::new(spec, self.store.shared.options.append_limit))
    }

    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<MemoryStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        let messages = staged.into_iter().map(MemoryStaged::into_row).collect::<Result<Vec<_>>>()?;
        self.step(|s| {
            let account = s.account()?;
            let folder = account.folder(id, ErrorKind::NotFound)?;
            folder.check_room(&messages)?;
            let mut more = usage_of(&messages);
            // What goes is checked before anything comes.
            if let Some(old) = &replaces {
                let source = account.folder(&old.mailbox, ErrorKind::Gone)?;
                let octets = source.octets(old.uid).ok_or_else(|| StoreError::from(ErrorKind::Gone))?;
                more.octets = more.octets.saturating_sub(octets.len() as u64);
                more.messages = more.messages.saturating_sub(1);
            }
            account.check_quota(&more)?;
            let outcome = account.folder(id, ErrorKind::NotFound)?.insert(messages)?;
            s.changed.mailboxes.push(id.clone());
            let Some(old) = replaces else { return Ok(outcome) };
            let source = s.account()?.folder(&old.mailbox, ErrorKind::Gone)?;
            let at = source.expunge(&UidSet::from(old.uid), false).at;
            s.changed.mailboxes.push(old.mailbox.clone());
            Ok(if old.mailbox == *id { AppendOutcome { at, ..outcome } } else { outcome })
        })
    }

    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.step(|s| copy(s, from, uids, to, true))
    }

    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.step(|s| {
            let mut outcome = copy(s, from, uids, to, false)?;
            if !outcome.pairs.is_empty() {
                let gone: UidSet = outcome.pairs.iter().map(|(source, _)| *source).collect();
                let source = s.account()?.folder(from, ErrorKind::Gone)?;
                outcome.source_at = source.expunge(&gone, false).at;
                s.changed.mailboxes.push(from.clone());
            }
            Ok(outcome)
        })
    }

    async fn watch(&self, what: Interest) -> Result<LocalWatch> {
        Ok(self.store.shared.hub.watch(&self.who, what))
    }

    fn quota(&self) -> Option<&dyn Quota> {
        Some(self)
    }
    fn acl(&self) -> Option<&dyn Acl> {
        Some(self)
    }
    fn metadata(&self) -> Option<&dyn Metadata> {
        Some(self)
    }
    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        Some(self)
    }
}

fn copy(
    s: &mut Step<'_>,
    from: &MailboxId,
    uids: &UidSet,
    to: &MailboxId,
    counts: bool,
) -> Result<CopyOutcome> {
    let account = s.account()?;
    let (sources, copies): (Vec<_>, Vec<NewMessage>) =
        account.folder(from, ErrorKind::Gone)?.copies(uids).into_iter().unzip();
    let target = account.folder(to, ErrorKind::NotFound)?;
    let dest_validity = target.validity;
    target.check_room(&copies)?;
    if counts {
        account.check_quota(&usage_of(&copies))?;
    }
    let target = account.folder(to, ErrorKind::NotFound)?;
    let mut pairs = Vec::new();
    if !copies.is_empty() {
        pairs = sources.into_iter().zip(target.insert(copies)?.uids).collect();
        s.changed.mailboxes.push(to.clone());
    }
    let source_at = s.account()?.folder(from, ErrorKind::Gone)?.modseq;
    Ok(CopyOutcome { dest_validity, pairs, source_at })
}

impl MaildropLock for MemoryAccount {
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>> {
        Box::pin(async move {
            self.step(|s| match std::mem::replace(&mut s.account()?.maildrop_locked, true) {
                true => Err(ErrorKind::InUse.into()),
                false => Ok(()),
            })?;
            Ok(Box::new(MaildropGuard(self.clone())) as Box<dyn Send>)
        })
    }
}

struct MaildropGuard(MemoryAccount);

impl Drop for MaildropGuard {
    fn drop(&mut self) {
        // An account deleted meanwhile has nothing to unlock.
        let _ = self.0.step(|s| s.account().map(|account| account.maildrop_locked = false));
    }
}
