//! A store chosen at run time.
//!
//! [`AnyStore`] implements the same traits as every store, so a session generic over [`MailStore`] takes it as it
//! takes the store itself. Behind it stand object-safe twins of the traits, private, with blanket
//! implementations for every store: `store.rs` for what is wide, `parts.rs` for what is small.

mod parts;
mod store;

use std::{fmt, sync::Arc};

use bytes::Bytes;

use self::{
    parts::{DynBody, DynDelivery, DynStaged, DynWatch},
    store::{DynAccount, DynMailbox, DynStore},
};
use crate::{
    Account, Acl, AppendOutcome, AppendSpec, Body, Changes, CopyOutcome, Delivery, Derived, ExpungeOutcome,
    FlagOp, FlagOutcome, Flags, Hint, Interest, MailQueue, MailStore, Mailbox, MailboxId, MailboxInfo,
    MailboxName, MaildropLock, MetaBatch, MetaItems, Metadata, ModSeq, OpenMode, Part, Query, Quota,
    Recipient, Replaces, Result, SearchOutcome, Snapshot, SpecialUse, Staged, Status, StatusItems,
    Submission, Submitted, Uid, UidSet, Watch,
};

/// Any [`MailStore`], behind one type. A clone is another handle on the same store.
///
/// ```
/// use mailstore_api::{AnyStore, MemoryStore};
///
/// fn choose(in_memory: bool) -> Option<AnyStore> {
///     in_memory.then(|| AnyStore::new(MemoryStore::new())) // or another kind of store
/// }
/// # assert!(choose(true).is_some());
/// ```
#[derive(Clone)]
pub struct AnyStore(Arc<dyn DynStore>);

impl AnyStore {
    /// Hides the store's type.
    pub fn new(store: impl MailStore) -> Self {
        Self(Arc::new(store))
    }
}

/// An account of an [`AnyStore`].
pub struct AnyAccount(Box<dyn DynAccount>);
/// A mailbox of an [`AnyStore`].
pub struct AnyMailbox(Box<dyn DynMailbox>);
/// A message of an [`AnyStore`].
pub struct AnyBody(Box<dyn DynBody>);

impl AnyBody {
    /// Hides the body's type, for what answers any store's: [`MailQueue::body`].
    pub fn new(body: impl Body) -> Self {
        Self(Box::new(body))
    }
}

/// A message on its way into an [`AnyStore`]. It can only be committed to the store it is of.
pub struct AnyStaged(Box<dyn DynStaged>);
/// A message on its way into several accounts of an [`AnyStore`].
pub struct AnyDelivery(Box<dyn DynDelivery>);
/// A source of hints of an [`AnyStore`].
pub struct AnyWatch(Box<dyn DynWatch>);

impl AnyWatch {
    /// Hides the watch's type, for what answers any store's: [`MailQueue::watch`].
    pub fn new(watch: impl Watch) -> Self {
        Self(Box::new(watch))
    }
}

macro_rules! opaque {
    ($($name:ident)*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        })*
    };
}
opaque!(AnyStore AnyAccount AnyMailbox AnyBody AnyStaged AnyDelivery AnyWatch);

impl MailStore for AnyStore {
    type Account = AnyAccount;
    type Delivery = AnyDelivery;

    async fn open_account(&self, who: &str) -> Result<AnyAccount> {
        self.0.open_account(who).await.map(AnyAccount)
    }
    async fn deliver(&self, spec: AppendSpec) -> Result<AnyDelivery> {
        self.0.deliver(spec).await.map(AnyDelivery)
    }
    fn queue(&self) -> Option<&dyn MailQueue> {
        self.0.queue()
    }
}

impl Account for AnyAccount {
    type Mailbox = AnyMailbox;
    type Watch = AnyWatch;
    type Staged = AnyStaged;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.0.list().await
    }
    async fn find(&self, name: &MailboxName) -> Result<Option<MailboxInfo>> {
        self.0.find(name).await
    }
    async fn create(&self, name: &MailboxName, special_use: SpecialUse) -> Result<MailboxId> {
        self.0.create(name, special_use).await
    }
    async fn delete(&self, id: &MailboxId) -> Result<()> {
        self.0.delete(id).await
    }
    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        self.0.rename(id, to).await
    }
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.0.subscribe(name, on).await
    }
    async fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> Result<()> {
        self.0.set_special_use(id, uses).await
    }
    async fn status(&self, ids: &[MailboxId], items: StatusItems) -> Result<Vec<Status>> {
        self.0.status(ids, items).await
    }
    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, AnyMailbox)> {
        let (snapshot, mailbox) = self.0.open(id, mode).await?;
        Ok((snapshot, AnyMailbox(mailbox)))
    }
    fn append_limit(&self, id: Option<&MailboxId>) -> Option<u64> {
        self.0.append_limit(id)
    }
    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<AnyStaged> {
        self.0.stage(id, spec).await.map(AnyStaged)
    }
    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<AnyStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.0.commit(id, staged.into_iter().map(|s| s.0).collect(), replaces).await
    }
    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.0.copy(from, uids, to).await
    }
    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.0.relocate(from, uids, to).await
    }
    async fn watch(&self, what: Interest) -> Result<AnyWatch> {
        self.0.watch(what).await.map(AnyWatch)
    }
    fn quota(&self) -> Option<&dyn Quota> {
        self.0.quota()
    }
    fn acl(&self) -> Option<&dyn Acl> {
        self.0.acl()
    }
    fn metadata(&self) -> Option<&dyn Metadata> {
        self.0.metadata()
    }
    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        self.0.maildrop()
    }
}

impl Mailbox for AnyMailbox {
    type Body = AnyBody;

    async fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        self.0.changes(after, limit).await
    }
    async fn snapshot(&self) -> Result<Snapshot> {
        self.0.snapshot().await
    }
    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.0.vanished_since(since, known).await
    }
    async fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        self.0.meta(uids, want, changed_since, limit).await
    }
    async fn body(&self, uid: Uid, part: Part) -> Result<AnyBody> {
        self.0.body(uid, part).await.map(AnyBody)
    }
    async fn bodies(&self, uids: &[Uid], part: Part) -> Result<Vec<(Uid, AnyBody)>> {
        let opened = self.0.bodies(uids, part).await?;
        Ok(opened.into_iter().map(|(uid, body)| (uid, AnyBody(body))).collect())
    }
    async fn remember(&self, uid: Uid, derived: Derived) {
        self.0.remember(uid, derived).await;
    }
    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        self.0.set_flags(uids, op, flags, unchanged_since).await
    }
    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        self.0.expunge(uids, only_deleted).await
    }
    async fn search(&self, query: &Query) -> Result<SearchOutcome> {
        self.0.search(query).await
    }
    async fn claim_recent(&self) -> Result<Option<Uid>> {
        self.0.claim_recent().await
    }
}

impl Body for AnyBody {
    fn len(&self) -> u64 {
        self.0.len()
    }
    async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes> {
        self.0.read_at(offset, max).await
    }
}

impl Staged for AnyStaged {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.0.write(chunk).await
    }
    async fn finish(&mut self) -> Result<u64> {
        self.0.finish().await
    }
}

impl Delivery for AnyDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.0.write(chunk).await
    }
    async fn commit(self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        self.0.commit(to).await
    }
    async fn submit(self, to: &[Recipient], what: Submission) -> Submitted {
        self.0.submit(to, what).await
    }
}

impl Watch for AnyWatch {
    async fn changed(&mut self) -> Result<Hint> {
        self.0.changed().await
    }
    fn poll_every(&self) -> Option<std::time::Duration> {
        self.0.poll_every()
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use crate::{
        Account, AnyStore, AppendSpec, Delivery, ErrorKind, MailStore, MailboxName, MemoryStore, Recipient,
        conformance::block_on,
    };

    #[test]
    fn a_stage_of_another_kind_of_store_is_refused() {
        // Erased twice, its stage is of another type.
        let store = MemoryStore::new();
        store.create_account("anna").unwrap();
        let (once, twice) =
            (AnyStore::new(store.clone()), AnyStore::new(AnyStore::new(AnyStore::new(store))));
        block_on(async {
            let (a, b) =
                (once.open_account("anna").await.unwrap(), twice.open_account("anna").await.unwrap());
            let id = a.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap();
            let foreign = b.stage(&id, AppendSpec::default()).await.unwrap();
            assert_eq!(a.commit(&id, vec![foreign], None).await.unwrap_err().kind, ErrorKind::Internal);
            // And what is erased several times still works.
            let mut delivery = twice.deliver(AppendSpec::default()).await.unwrap();
            delivery.write(b"x").await.unwrap();
            let to = Recipient { account: "anna".into(), mailbox: MailboxName::inbox(), prefix: Vec::new() };
            assert!(delivery.commit(&[to]).await[0].is_ok());
        });
    }
}
