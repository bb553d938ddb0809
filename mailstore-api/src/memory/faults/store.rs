//! The store in memory behind a switch: [`Fault`] says in which way it is broken.

use std::{collections::HashMap, thread, time::Duration};

use bytes::Bytes;

use super::{Broken, Fault, reuse_uids};
use crate::memory::{
    MemoryAccount, MemoryBody, MemoryDelivery, MemoryMailbox, MemoryStaged, MemoryStore, folder::Folder,
};
use crate::{
    Account, Acl, AppendOutcome, AppendSpec, Body, BoxFuture, Changes, CopyOutcome, Delivery, Derived,
    ErrorKind, ExpungeOutcome, FlagOp, FlagOutcome, Flags, Hint, Interest, InternalDate, LocalHub,
    LocalWatch, MailQueue, MailStore, Mailbox, MailboxId, MailboxInfo, MailboxName, MaildropLock, MetaBatch,
    MetaItems, Metadata, ModSeq, OpenMode, Part, Quota, Recipient, Replaces, Result, Snapshot, SpecialUse,
    Staged, Status, StatusItems, Submission, Submitted, Uid, UidSet, Watch, conformance::block_on,
};

/// Gives others time to come between.
pub(super) fn pause() {
    thread::sleep(Duration::from_micros(100));
}

fn fault<T>(kind: ErrorKind) -> Result<T> {
    Err(kind.into())
}

pub(super) struct FaultyStore {
    pub(super) inner: MemoryStore,
    pub(super) broken: Broken,
}

impl MailStore for FaultyStore {
    type Account = FaultyAccount;
    type Delivery = FaultyDelivery;

    async fn open_account(&self, who: &str) -> Result<FaultyAccount> {
        Ok(FaultyAccount { inner: self.inner.open_account(who).await?, broken: self.broken.clone() })
    }
    async fn deliver(&self, spec: AppendSpec) -> Result<FaultyDelivery> {
        Ok(FaultyDelivery {
            inner: self.inner.deliver(spec).await?,
            store: self.inner.clone(),
            broken: self.broken.clone(),
        })
    }
    fn queue(&self) -> Option<&dyn MailQueue> {
        Some(self)
    }
}

pub(super) struct FaultyDelivery {
    inner: MemoryDelivery,
    store: MemoryStore,
    broken: Broken,
}

impl Delivery for FaultyDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.inner.write(chunk).await
    }
    async fn commit(self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        let mut to = to.to_vec();
        if self.broken.is(Fault::PrefixForAll) {
            let first = to[0].prefix.clone();
            to.iter_mut().for_each(|r| r.prefix = first.clone());
        }
        if self.broken.is(Fault::DeliveryStops) {
            for r in &to {
                if self.store.open_account(&r.account).await.is_err() {
                    return to.iter().map(|_| fault(ErrorKind::NotFound)).collect();
                }
            }
        }
        if self.broken.is(Fault::QuotaNotForDeliveries) {
            let account =
                FaultyAccount { inner: self.store.open_account("anna").await.unwrap(), broken: self.broken };
            return account.without_limits(self.inner.commit(&to)).await;
        }
        self.inner.commit(&to).await
    }
    async fn submit(self, to: &[Recipient], mut what: Submission) -> Submitted {
        if self.broken.is(Fault::ServedAndQueued) {
            what.entry.iter_mut().flat_map(|e| &mut e.recipients).for_each(|r| r.unless_delivered = None);
        }
        let cause = if self.broken.is(Fault::SplitReport) { what.settle.take() } else { None };
        let mut done = self.inner.submit(to, what).await;
        if let Some(cause) = cause
            && let Err(e) = self.store.settle(&cause).await
        {
            done.queued = Err(e);
        }
        done
    }
}

#[derive(Clone)]
pub(super) struct FaultyAccount {
    pub(super) inner: MemoryAccount,
    pub(super) broken: Broken,
}

impl FaultyAccount {
    pub(super) fn is(&self, fault: Fault) -> bool {
        self.broken.is(fault)
    }
    fn early_hint(&self, id: &MailboxId) {
        if self.is(Fault::EarlyHint) {
            self.broken.shared.hub.notify(&self.inner.who, id);
            pause();
        }
    }
}

impl Account for FaultyAccount {
    type Mailbox = FaultyMailbox;
    type Watch = FaultyWatch;
    type Staged = FaultyStaged;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.inner.list().await
    }

    async fn create(&self, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        let id = match self.is(Fault::QuotaNotForMailboxes) {
            true => self.without_limits(self.inner.create(name, uses)).await?,
            false => self.inner.create(name, uses).await?,
        };
        let old = self.broken.shared.annotations.lock().unwrap().get(name).cloned();
        if let Some(old) = old.filter(|_| self.is(Fault::InheritedAnnotations)) {
            self.inner.step(|s| {
                s.account()?.folder(&id, ErrorKind::NotFound)?.annotations = old;
                Ok(())
            })?;
        }
        let old = self.broken.shared.validities.lock().unwrap().get(name).copied();
        if let Some(old) = old.filter(|_| self.is(Fault::ReusedValidity)) {
            self.inner.step(|s| {
                s.account()?.folder(&id, ErrorKind::NotFound)?.validity = old;
                Ok(())
            })?;
        }
        Ok(id)
    }

    async fn delete(&self, id: &MailboxId) -> Result<()> {
        let info = self.inner.list().await?.into_iter().find(|m| m.id.as_ref() == Some(id));
        let status = self.inner.status(std::slice::from_ref(id), StatusItems::NONE).await?;
        let annotations =
            self.inner.step(|s| Ok(s.account()?.folder(id, ErrorKind::NotFound)?.annotations.clone()));
        self.inner.delete(id).await?;
        let (Some(info), Some(status)) = (info, status.first()) else { return Ok(()) };
        self.broken.shared.validities.lock().unwrap().insert(info.name.clone(), status.uid_validity);
        self.broken
            .shared
            .annotations
            .lock()
            .unwrap()
            .insert(info.name.clone(), annotations.unwrap_or_default());
        if self.is(Fault::DeleteUnsubscribes) {
            self.inner.subscribe(&info.name, false).await?;
        }
        if self.is(Fault::DeleteTakesChildren) {
            for below in self.inner.list().await?.iter().filter(|m| m.name.is_below(&info.name)) {
                if let Some(id) = &below.id {
                    self.inner.delete(id).await?;
                }
            }
        }
        Ok(())
    }

    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        if self.is(Fault::RenameLeavesChildren) {
            return self.inner.step(|s| s.account()?.mailboxes.rename_alone(id, to));
        }
        self.inner.rename(id, to).await?;
        if self.is(Fault::BareRename) {
            self.inner.step(|s| {
                s.account()?.mailboxes.iter_mut().for_each(|(_, f)| f.acl.clear());
                Ok(())
            })?;
        }
        Ok(())
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.inner.subscribe(name, on).await
    }

    async fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> Result<()> {
        self.inner.set_special_use(id, uses).await
    }

    async fn status(&self, ids: &[MailboxId], items: StatusItems) -> Result<Vec<Status>> {
        let mut all = self.inner.status(ids, items).await?;
        if self.is(Fault::WrongStatus) {
            all.iter_mut().for_each(|s| s.unseen = s.messages);
        }
        Ok(all)
    }

    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, FaultyMailbox)> {
        let mode = if self.is(Fault::ExamineChanges) { OpenMode::Select } else { mode };
        let (mut snapshot, inner) = self.inner.open(id, mode).await?;
        if self.is(Fault::StaleSnapshot) {
            let mut cache = self.broken.shared.snapshots.lock().unwrap();
            snapshot = cache.entry(id.clone()).or_insert(snapshot).clone();
        }
        if self.is(Fault::TornSnapshot) {
            pause();
            snapshot.at = inner.snapshot().await?.at;
        }
        Ok((snapshot, FaultyMailbox { account: self.clone(), inner }))
    }

    fn append_limit(&self, id: Option<&MailboxId>) -> Option<u64> {
        self.inner.append_limit(id)
    }

    async fn stage(&self, id: &MailboxId, mut spec: AppendSpec) -> Result<FaultyStaged> {
        if self.is(Fault::DateLost) {
            spec.internal_date = Some(InternalDate::now());
        }
        let inner = Some(self.inner.stage(id, spec).await?);
        let mut staged = self.broken.shared.staged.lock().unwrap();
        *staged += 1;
        Ok(FaultyStaged { inner, account: self.clone(), id: id.clone(), nth: *staged, len: 0 })
    }

    async fn commit(
        &self,
        id: &MailboxId,
        mut staged: Vec<FaultyStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.early_hint(id);
        let (total, largest, count) = (
            staged.iter().map(|s| s.len).sum(),
            staged.iter().map(|s| s.len).max().unwrap_or(0),
            staged.len() as u64,
        );
        if self.is(Fault::QuotaForBoth) {
            self.room_for(total, count)?;
        }
        if self.is(Fault::DisorderedAppend) {
            staged.sort_by_key(|s| s.nth);
        }
        let replaces = replaces.filter(|_| !self.is(Fault::ReplaceKeepsOld));
        let mut inner: Vec<MemoryStaged> = staged.iter_mut().filter_map(|s| s.inner.take()).collect();
        if self.is(Fault::SplitAppend) {
            let last = inner.pop();
            let mut uids = Vec::new();
            for one in inner {
                uids.extend(self.inner.commit(id, vec![one], None).await?.uids);
                pause();
            }
            let mut outcome = self.inner.commit(id, last.into_iter().collect(), replaces).await?;
            uids.append(&mut outcome.uids);
            return Ok(AppendOutcome { uids, ..outcome });
        }
        if self.is(Fault::SplitReplace) {
            let outcome = self.inner.commit(id, inner, None).await?;
            pause();
            self.inner.commit(id, Vec::new(), replaces).await?;
            return Ok(outcome);
        }
        let commit = self.inner.commit(id, inner, replaces);
        match self.broken.fault {
            Fault::QuotaByMessage => self.commit_by_message(count, largest, commit).await,
            Fault::QuotaBeforeTheStep => self.commit_late(total, count, commit).await,
            _ => commit.await,
        }
    }

    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        if self.is(Fault::QuotaNotForCopies) {
            return self.without_limits(self.inner.copy(from, uids, to)).await;
        }
        let (_, source) =
            self.inner.open(from, OpenMode::Examine).await.or_else(|_| fault(ErrorKind::Gone))?;
        let present: Vec<Uid> = uids.select(&source.snapshot().await?.uids).collect();
        if self.is(Fault::StrictCopy) && present.len() as u64 != uids.len() {
            return fault(ErrorKind::Gone);
        }
        if self.is(Fault::HalfCopy) && present.len() > 1 {
            let half = present.iter().take(present.len() / 2).copied().collect();
            return self.inner.copy(from, &half, to).await;
        }
        if self.is(Fault::SplitCopy) {
            let mut outcome = self.inner.copy(from, &UidSet::new(), to).await?;
            for uid in present {
                outcome.pairs.extend(self.inner.copy(from, &uid.into(), to).await?.pairs);
                pause();
            }
            return Ok(outcome);
        }
        let outcome = self.inner.copy(from, uids, to).await?;
        if self.is(Fault::BareCopy) {
            let copies = outcome.pairs.iter().map(|(_, copy)| *copy).collect();
            let (_, target) = self.inner.open(to, OpenMode::Select).await?;
            target.set_flags(&copies, FlagOp::Replace, &Flags::default(), None).await?;
        }
        Ok(outcome)
    }

    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        if self.is(Fault::QuotaForMoves) {
            self.room_for_copies(from, uids).await?;
        }
        if self.is(Fault::RelocateLeavesSource) {
            return self.inner.copy(from, uids, to).await;
        }
        if self.is(Fault::SplitRelocate) {
            let mut outcome = self.inner.copy(from, uids, to).await?;
            pause();
            let (_, source) = self.inner.open(from, OpenMode::Select).await?;
            outcome.source_at = source.expunge(Some(uids), false).await?.at;
            return Ok(outcome);
        }
        if self.is(Fault::HalfCopy) {
            return self.copy(from, uids, to).await;
        }
        self.inner.relocate(from, uids, to).await
    }

    async fn watch(&self, what: Interest) -> Result<FaultyWatch> {
        let inner = match self.broken.fault {
            Fault::MissingHint => LocalHub::new().watch("nobody", what),
            Fault::EarlyHint => self.broken.shared.hub.watch(&self.inner.who, what),
            _ => self.inner.watch(what).await?,
        };
        Ok(FaultyWatch { inner, broken: self.broken.clone() })
    }

    fn quota(&self) -> Option<&dyn Quota> {
        self.inner.quota()
    }

    fn acl(&self) -> Option<&dyn Acl> {
        Some(self)
    }

    fn metadata(&self) -> Option<&dyn Metadata> {
        Some(self)
    }

    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        if self.is(Fault::OpenMaildrop) { Some(self) } else { self.inner.maildrop() }
    }
}

impl MaildropLock for FaultyAccount {
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>> {
        Box::pin(async { Ok(Box::new(()) as Box<dyn Send>) })
    }
}

pub(super) struct FaultyWatch {
    inner: LocalWatch,
    broken: Broken,
}

impl Watch for FaultyWatch {
    async fn changed(&mut self) -> Result<Hint> {
        if self.broken.is(Fault::DroppedHint)
            && let Some(hint) = self.inner.try_changed()
        {
            let mut first = true;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::take(&mut first) { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
            })
            .await;
            return Ok(hint);
        }
        self.inner.changed().await
    }
}

pub(super) struct FaultyStaged {
    inner: Option<MemoryStaged>,
    account: FaultyAccount,
    id: MailboxId,
    nth: u64,
    len: u64,
}

impl Staged for FaultyStaged {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        let Some(inner) = &mut self.inner else { return fault(ErrorKind::Internal) };
        self.len += chunk.len() as u64;
        if self.account.is(Fault::MendedLines) {
            let mut mended = Vec::new();
            for b in chunk {
                if *b == b'\n' && mended.last() != Some(&b'\r') {
                    mended.push(b'\r');
                }
                mended.push(*b);
            }
            return inner.write(&mended).await;
        }
        inner.write(chunk).await
    }
    async fn finish(&mut self) -> Result<u64> {
        match &mut self.inner {
            Some(inner) => inner.finish().await,
            None => fault(ErrorKind::Internal),
        }
    }
}

impl Drop for FaultyStaged {
    fn drop(&mut self) {
        if let Some(mut staged) = self.inner.take().filter(|_| self.account.is(Fault::DroppedStageVisible)) {
            block_on(async {
                let _ = staged.finish().await;
                let _ = self.account.inner.commit(&self.id, vec![staged], None).await;
            });
        }
    }
}

pub(super) struct FaultyMailbox {
    account: FaultyAccount,
    inner: MemoryMailbox,
}

impl FaultyMailbox {
    fn is(&self, fault: Fault) -> bool {
        self.account.is(fault)
    }

    fn folder<T>(&self, change: impl FnOnce(&mut Folder) -> T) -> Result<T> {
        self.account.inner.step(|s| Ok(change(s.account()?.folder(&self.inner.id, ErrorKind::Gone)?)))
    }

    /// Gives messages another modseq than they have.
    fn restamp(&self, changed: &[Uid], with: impl Fn(Uid) -> ModSeq) -> Result<()> {
        self.folder(|f| {
            let f: &mut crate::Index<_> = f;
            for uid in changed {
                let Some(m) = f.messages.get_mut(uid) else { continue };
                f.by_modseq.remove(&(m.modseq, *uid));
                m.modseq = with(*uid);
                f.by_modseq.insert((m.modseq, *uid));
            }
        })
    }

    async fn stamps(&self, uids: &UidSet) -> Result<HashMap<Uid, (ModSeq, Flags)>> {
        let batch = self.inner.meta(uids, MetaItems::FLAGS, None, usize::MAX).await?;
        Ok(batch.items.into_iter().map(|m| (m.uid, (m.modseq, m.flags))).collect())
    }
}

impl Mailbox for FaultyMailbox {
    type Body = FaultyBody;

    async fn changes(&self, mut after: ModSeq, limit: usize) -> Result<Changes> {
        if self.is(Fault::ConsumedChanges) {
            let told = self.account.broken.shared.told.lock().unwrap().get(&self.inner.id).copied();
            after = after.max(told.unwrap_or_default());
        }
        let mut cut = match self.inner.changes(after, limit).await {
            Err(e) if e.kind == ErrorKind::HistoryLost && self.is(Fault::GuessedHistory) => {
                let now = self.inner.snapshot().await?;
                Changes { uid_next: now.uid_next, upto: now.at, ..Changes::default() }
            }
            answer => answer?,
        };
        match self.account.broken.fault {
            Fault::ConsumedChanges => {
                _ = self.account.broken.shared.told.lock().unwrap().insert(self.inner.id.clone(), cut.upto);
            }
            Fault::VanishedLost => cut.vanished = UidSet::new(),
            Fault::VanishedLiving if !cut.vanished.is_empty() => {
                let last = cut.vanished.last().map_or(1, Uid::get);
                cut.vanished = UidSet::from_ranges([(1, last)]);
            }
            Fault::FastCursor => cut.upto = ModSeq(cut.upto.0 + 1),
            Fault::CutBatch if cut.more => (cut.more, cut.upto) = (false, self.inner.snapshot().await?.at),
            _ => {}
        }
        Ok(cut)
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        self.inner.snapshot().await
    }

    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.inner.vanished_since(since, known).await
    }

    async fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        mut since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        if self.is(Fault::InclusiveSince) {
            since = since.map(|s| ModSeq(s.0.saturating_sub(1)));
        }
        let mut batch = self.inner.meta(uids, want, since, limit).await?;
        if self.is(Fault::SkippingPage) {
            batch.resume_after = batch.resume_after.and_then(|uid| Uid::new(uid.get() + 1));
        }
        Ok(batch)
    }

    async fn body(&self, uid: Uid, part: Part) -> Result<FaultyBody> {
        Ok(FaultyBody { inner: self.inner.body(uid, part).await?, broken: self.account.broken.clone() })
    }

    async fn remember(&self, uid: Uid, derived: Derived) {
        self.inner.remember(uid, derived.clone()).await;
        if self.is(Fault::MixedMemory) {
            let _ = self.folder(|f| {
                let all: Vec<Uid> = f.messages.keys().copied().collect();
                all.into_iter().for_each(|uid| f.remember(uid, derived.clone()));
            });
        }
    }

    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        mut unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        let mut flags = flags.clone();
        match self.account.broken.fault {
            Fault::LowerCaseKeywords => flags.keywords.iter_mut().for_each(|k| k.make_ascii_lowercase()),
            Fault::UnchangedSinceIgnored => unchanged_since = None,
            Fault::UnchangedSinceEarly => {
                if let Some(since) = unchanged_since.take() {
                    let stamps = self.stamps(uids).await?;
                    pause();
                    let (old, new): (Vec<_>, Vec<_>) =
                        stamps.into_iter().partition(|(_, (m, _))| *m <= since);
                    let old: UidSet = old.into_iter().map(|(uid, _)| uid).collect();
                    let mut outcome = self.inner.set_flags(&old, op, &flags, None).await?;
                    outcome.conflicted = new.into_iter().map(|(uid, _)| uid).collect();
                    return Ok(outcome);
                }
            }
            Fault::LostUpdate if op == FlagOp::Add && unchanged_since.is_none() => {
                let mut outcome = FlagOutcome::default();
                for (uid, (_, mut old)) in self.stamps(uids).await? {
                    pause();
                    old.add(&flags);
                    let one = self.inner.set_flags(&uid.into(), FlagOp::Replace, &old, None).await?;
                    outcome.changed.extend(one.changed);
                    outcome.at = one.at;
                }
                outcome.changed.sort_by_key(|c| c.uid);
                return Ok(outcome);
            }
            Fault::LateModseq => {
                let taken = self.folder(|f| {
                    f.modseq = ModSeq(f.modseq.0 + 1);
                    f.modseq
                })?;
                pause();
                let before = self.stamps(uids).await?;
                let mut outcome = self.inner.set_flags(uids, op, &flags, unchanged_since).await?;
                let changed =
                    outcome.changed.iter().filter(|c| before.get(&c.uid).is_none_or(|b| b.0 != c.modseq));
                let changed: Vec<Uid> = changed.map(|c| c.uid).collect();
                self.restamp(&changed, |_| taken)?;
                outcome
                    .changed
                    .iter_mut()
                    .filter(|c| changed.contains(&c.uid))
                    .for_each(|c| c.modseq = taken);
                return Ok(outcome);
            }
            Fault::ModseqNotRaised => {
                let (before, at) = (self.stamps(uids).await?, self.inner.snapshot().await?.at);
                let mut outcome = self.inner.set_flags(uids, op, &flags, unchanged_since).await?;
                let changed: Vec<Uid> = outcome.changed.iter().map(|c| c.uid).collect();
                let old = |uid: Uid| before.get(&uid).map_or(at, |b| b.0);
                self.restamp(&changed, old)?;
                self.folder(|f| f.modseq = at)?;
                outcome.changed.iter_mut().for_each(|c| c.modseq = old(c.uid));
                outcome.at = at;
                return Ok(outcome);
            }
            Fault::ModseqRaisedByNothing => {
                let mut outcome = self.inner.set_flags(uids, op, &flags, unchanged_since).await?;
                let changed: Vec<Uid> = outcome.changed.iter().map(|c| c.uid).collect();
                let at = self.folder(|f| {
                    f.modseq = ModSeq(f.modseq.0 + 1);
                    f.modseq
                })?;
                self.restamp(&changed, |_| at)?;
                outcome.changed.iter_mut().for_each(|c| c.modseq = at);
                outcome.at = at;
                return Ok(outcome);
            }
            _ => {}
        }
        self.inner.set_flags(uids, op, &flags, unchanged_since).await
    }

    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        let uids = uids.filter(|_| !(only_deleted && self.is(Fault::ExpungeIgnoresSet)));
        let outcome = self.inner.expunge(uids, only_deleted).await?;
        if self.is(Fault::ReusedUid) {
            self.folder(reuse_uids)?;
        }
        Ok(outcome)
    }

    async fn claim_recent(&self) -> Result<Option<Uid>> {
        match self.is(Fault::RecentTwice) {
            true => self.folder(|f| f.claim_recent(false)),
            false => self.inner.claim_recent().await,
        }
    }
}

pub(super) struct FaultyBody {
    inner: MemoryBody,
    broken: Broken,
}

impl Body for FaultyBody {
    fn len(&self) -> u64 {
        self.inner.len() + u64::from(self.broken.is(Fault::WrongLength))
    }
    async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes> {
        let mut octets = self.inner.read_at(offset, max).await?;
        if self.broken.is(Fault::ShortBody) && offset + octets.len() as u64 == self.inner.len() {
            octets.truncate(octets.len().saturating_sub(1));
        }
        Ok(octets)
    }
}
