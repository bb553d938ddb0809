use super::parts::{DynBody, DynDelivery, DynStaged, DynWatch};
use crate::{
    Account, Acl, AppendOutcome, AppendSpec, BoxFuture, Changes, CopyOutcome, Derived, ErrorKind,
    ExpungeOutcome, FlagOp, FlagOutcome, Flags, Interest, MailQueue, MailStore, Mailbox, MailboxId,
    MailboxInfo, MailboxName, MaildropLock, MetaBatch, MetaItems, Metadata, ModSeq, OpenMode, Part, Query,
    Quota, Replaces, Result, SearchOutcome, Snapshot, SpecialUse, Status, StatusItems, StoreError, Uid,
    UidSet,
};

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

pub(super) trait DynStore: Send + Sync {
    fn open_account<'a>(&'a self, who: &'a str) -> Answer<'a, Box<dyn DynAccount>>;
    fn deliver<'a>(&'a self, spec: AppendSpec) -> Answer<'a, Box<dyn DynDelivery>>;
    fn queue(&self) -> Option<&dyn MailQueue>;
}

impl<T: MailStore> DynStore for T {
    fn open_account<'a>(&'a self, who: &'a str) -> Answer<'a, Box<dyn DynAccount>> {
        Box::pin(async move { Ok(Box::new(MailStore::open_account(self, who).await?) as _) })
    }
    fn deliver<'a>(&'a self, spec: AppendSpec) -> Answer<'a, Box<dyn DynDelivery>> {
        Box::pin(async move { Ok(Box::new(MailStore::deliver(self, spec).await?) as _) })
    }
    fn queue(&self) -> Option<&dyn MailQueue> {
        MailStore::queue(self)
    }
}

pub(super) trait DynAccount: Send + Sync {
    fn list<'a>(&'a self) -> Answer<'a, Vec<MailboxInfo>>;
    fn find<'a>(&'a self, name: &'a MailboxName) -> Answer<'a, Option<MailboxInfo>>;
    fn create<'a>(&'a self, name: &'a MailboxName, uses: SpecialUse) -> Answer<'a, MailboxId>;
    fn delete<'a>(&'a self, id: &'a MailboxId) -> Answer<'a, ()>;
    fn rename<'a>(&'a self, id: &'a MailboxId, to: &'a MailboxName) -> Answer<'a, ()>;
    fn subscribe<'a>(&'a self, name: &'a MailboxName, on: bool) -> Answer<'a, ()>;
    fn set_special_use<'a>(&'a self, id: &'a MailboxId, uses: SpecialUse) -> Answer<'a, ()>;
    fn status<'a>(&'a self, ids: &'a [MailboxId], items: StatusItems) -> Answer<'a, Vec<Status>>;
    fn open<'a>(&'a self, id: &'a MailboxId, mode: OpenMode) -> Answer<'a, (Snapshot, Box<dyn DynMailbox>)>;
    fn append_limit(&self, id: Option<&MailboxId>) -> Option<u64>;
    fn stage<'a>(&'a self, id: &'a MailboxId, spec: AppendSpec) -> Answer<'a, Box<dyn DynStaged>>;
    fn commit<'a>(
        &'a self,
        id: &'a MailboxId,
        staged: Vec<Box<dyn DynStaged>>,
        replaces: Option<Replaces>,
    ) -> Answer<'a, AppendOutcome>;
    fn copy<'a>(
        &'a self,
        from: &'a MailboxId,
        uids: &'a UidSet,
        to: &'a MailboxId,
    ) -> Answer<'a, CopyOutcome>;
    fn relocate<'a>(
        &'a self,
        from: &'a MailboxId,
        uids: &'a UidSet,
        to: &'a MailboxId,
    ) -> Answer<'a, CopyOutcome>;
    fn watch<'a>(&'a self, what: Interest) -> Answer<'a, Box<dyn DynWatch>>;
    fn quota(&self) -> Option<&dyn Quota>;
    fn acl(&self) -> Option<&dyn Acl>;
    fn metadata(&self) -> Option<&dyn Metadata>;
    fn maildrop(&self) -> Option<&dyn MaildropLock>;
}

impl<T: Account> DynAccount for T {
    fn list<'a>(&'a self) -> Answer<'a, Vec<MailboxInfo>> {
        Box::pin(Account::list(self))
    }
    fn find<'a>(&'a self, name: &'a MailboxName) -> Answer<'a, Option<MailboxInfo>> {
        Box::pin(Account::find(self, name))
    }
    fn create<'a>(&'a self, name: &'a MailboxName, uses: SpecialUse) -> Answer<'a, MailboxId> {
        Box::pin(Account::create(self, name, uses))
    }
    fn delete<'a>(&'a self, id: &'a MailboxId) -> Answer<'a, ()> {
        Box::pin(Account::delete(self, id))
    }
    fn rename<'a>(&'a self, id: &'a MailboxId, to: &'a MailboxName) -> Answer<'a, ()> {
        Box::pin(Account::rename(self, id, to))
    }
    fn subscribe<'a>(&'a self, name: &'a MailboxName, on: bool) -> Answer<'a, ()> {
        Box::pin(Account::subscribe(self, name, on))
    }
    fn set_special_use<'a>(&'a self, id: &'a MailboxId, uses: SpecialUse) -> Answer<'a, ()> {
        Box::pin(Account::set_special_use(self, id, uses))
    }
    fn status<'a>(&'a self, ids: &'a [MailboxId], items: StatusItems) -> Answer<'a, Vec<Status>> {
        Box::pin(Account::status(self, ids, items))
    }
    fn open<'a>(&'a self, id: &'a MailboxId, mode: OpenMode) -> Answer<'a, (Snapshot, Box<dyn DynMailbox>)> {
        Box::pin(async move {
            let (snapshot, mailbox) = Account::open(self, id, mode).await?;
            Ok((snapshot, Box::new(mailbox) as _))
        })
    }
    fn append_limit(&self, id: Option<&MailboxId>) -> Option<u64> {
        Account::append_limit(self, id)
    }
    fn stage<'a>(&'a self, id: &'a MailboxId, spec: AppendSpec) -> Answer<'a, Box<dyn DynStaged>> {
        Box::pin(async move { Ok(Box::new(Account::stage(self, id, spec).await?) as _) })
    }
    fn commit<'a>(
        &'a self,
        id: &'a MailboxId,
        staged: Vec<Box<dyn DynStaged>>,
        replaces: Option<Replaces>,
    ) -> Answer<'a, AppendOutcome> {
        Box::pin(async move {
            let foreign = |_| StoreError::new(ErrorKind::Internal, "commit of a message of another store");
            let own = staged.into_iter().map(|s| s.into_any().downcast::<T::Staged>().map(|s| *s));
            let own = own.collect::<std::result::Result<Vec<_>, _>>().map_err(foreign)?;
            Account::commit(self, id, own, replaces).await
        })
    }
    fn copy<'a>(
        &'a self,
        from: &'a MailboxId,
        uids: &'a UidSet,
        to: &'a MailboxId,
    ) -> Answer<'a, CopyOutcome> {
        Box::pin(Account::copy(self, from, uids, to))
    }
    fn relocate<'a>(
        &'a self,
        from: &'a MailboxId,
        uids: &'a UidSet,
        to: &'a MailboxId,
    ) -> Answer<'a, CopyOutcome> {
        Box::pin(Account::relocate(self, from, uids, to))
    }
    fn watch<'a>(&'a self, what: Interest) -> Answer<'a, Box<dyn DynWatch>> {
        Box::pin(async move { Ok(Box::new(Account::watch(self, what).await?) as _) })
    }
    fn quota(&self) -> Option<&dyn Quota> {
        Account::quota(self)
    }
    fn acl(&self) -> Option<&dyn Acl> {
        Account::acl(self)
    }
    fn metadata(&self) -> Option<&dyn Metadata> {
        Account::metadata(self)
    }
    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        Account::maildrop(self)
    }
}

pub(super) trait DynMailbox: Send + Sync {
    fn changes<'a>(&'a self, after: ModSeq, limit: usize) -> Answer<'a, Changes>;
    fn snapshot<'a>(&'a self) -> Answer<'a, Snapshot>;
    fn vanished_since<'a>(&'a self, since: ModSeq, known: &'a UidSet) -> Answer<'a, UidSet>;
    fn meta<'a>(
        &'a self,
        uids: &'a UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Answer<'a, MetaBatch>;
    fn body<'a>(&'a self, uid: Uid, part: Part) -> Answer<'a, Box<dyn DynBody>>;
    fn bodies<'a>(&'a self, uids: &'a [Uid], part: Part) -> Answer<'a, Vec<(Uid, Box<dyn DynBody>)>>;
    fn remember<'a>(&'a self, uid: Uid, derived: Derived) -> BoxFuture<'a, ()>;
    fn set_flags<'a>(
        &'a self,
        uids: &'a UidSet,
        op: FlagOp,
        flags: &'a Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Answer<'a, FlagOutcome>;
    fn expunge<'a>(&'a self, uids: Option<&'a UidSet>, only_deleted: bool) -> Answer<'a, ExpungeOutcome>;
    fn search<'a>(&'a self, query: &'a Query) -> Answer<'a, SearchOutcome>;
    fn claim_recent<'a>(&'a self) -> Answer<'a, Option<Uid>>;
}

impl<T: Mailbox> DynMailbox for T {
    fn changes<'a>(&'a self, after: ModSeq, limit: usize) -> Answer<'a, Changes> {
        Box::pin(Mailbox::changes(self, after, limit))
    }
    fn snapshot<'a>(&'a self) -> Answer<'a, Snapshot> {
        Box::pin(Mailbox::snapshot(self))
    }
    fn vanished_since<'a>(&'a self, since: ModSeq, known: &'a UidSet) -> Answer<'a, UidSet> {
        Box::pin(Mailbox::vanished_since(self, since, known))
    }
    fn meta<'a>(
        &'a self,
        uids: &'a UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Answer<'a, MetaBatch> {
        Box::pin(Mailbox::meta(self, uids, want, changed_since, limit))
    }
    fn body<'a>(&'a self, uid: Uid, part: Part) -> Answer<'a, Box<dyn DynBody>> {
        Box::pin(async move { Ok(Box::new(Mailbox::body(self, uid, part).await?) as _) })
    }
    fn bodies<'a>(&'a self, uids: &'a [Uid], part: Part) -> Answer<'a, Vec<(Uid, Box<dyn DynBody>)>> {
        Box::pin(async move {
            let opened = Mailbox::bodies(self, uids, part).await?;
            Ok(opened.into_iter().map(|(uid, body)| (uid, Box::new(body) as Box<dyn DynBody>)).collect())
        })
    }
    fn remember<'a>(&'a self, uid: Uid, derived: Derived) -> BoxFuture<'a, ()> {
        Box::pin(Mailbox::remember(self, uid, derived))
    }
    fn set_flags<'a>(
        &'a self,
        uids: &'a UidSet,
        op: FlagOp,
        flags: &'a Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Answer<'a, FlagOutcome> {
        Box::pin(Mailbox::set_flags(self, uids, op, flags, unchanged_since))
    }
    fn expunge<'a>(&'a self, uids: Option<&'a UidSet>, only_deleted: bool) -> Answer<'a, ExpungeOutcome> {
        Box::pin(Mailbox::expunge(self, uids, only_deleted))
    }
    fn search<'a>(&'a self, query: &'a Query) -> Answer<'a, SearchOutcome> {
        Box::pin(Mailbox::search(self, query))
    }
    fn claim_recent<'a>(&'a self) -> Answer<'a, Option<Uid>> {
        Box::pin(Mailbox::claim_recent(self))
    }
}
