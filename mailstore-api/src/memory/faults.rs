//! Stores that are broken on purpose, each in one way: the suite must find every one of them, by the case that
//! names the fault.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bytes::Bytes;

use super::{
    MemoryAccount, MemoryBody, MemoryDelivery, MemoryMailbox, MemoryOptions, MemoryStaged, MemoryStore,
    folder::Folder,
};
use crate::{
    Account, AnyStore, AppendOutcome, AppendSpec, Body, BoxFuture, Changes, CopyOutcome, Delivery, Derived,
    ErrorKind, ExpungeOutcome, FlagOp, FlagOutcome, Flags, Hint, Interest, InternalDate, LocalHub,
    LocalWatch, MailStore, Mailbox, MailboxId, MailboxInfo, MailboxName, MaildropLock, MetaBatch, MetaItems,
    ModSeq, OpenMode, Part, Recipient, Replaces, Result, Snapshot, SpecialUse, Staged, Status, StatusItems,
    Uid, UidSet, UidValidity, Watch,
    conformance::{ACCOUNTS, Fixture, Outcome, block_on, try_run},
};

macro_rules! faults {
    ($($(#[$doc:meta])* $test:ident: $fault:ident => $case:literal;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Fault {
            None,
            $($(#[$doc])* $fault,)*
        }
        $(#[test]
        fn $test() {
            found(Fault::$fault, $case);
        })*
    };
}

faults! {
    /// Flags are read, changed and written in three steps.
    lost_update: LostUpdate => "flags::two_who_add_different_flags_lose_none";
    /// The next UID follows from the messages that are there.
    reused_uid: ReusedUid => "uids::the_last_uid_is_not_given_again";
    /// Several messages are committed one by one.
    split_append: SplitAppend => "staging::several_appear_all_at_once";
    /// They get their UIDs as they were staged.
    disordered_append: DisorderedAppend => "staging::uids_follow_the_order_of_the_commit_not_of_the_staging";
    /// A modseq is taken before the change is made, so it becomes visible late.
    late_modseq: LateModseq => "order::a_cursor_misses_no_flag";
    /// Of a set, the first half is copied.
    half_copy: HalfCopy => "copy::every_message_of_the_set_is_copied";
    /// Messages are copied one by one.
    split_copy: SplitCopy => "copy::copies_appear_all_at_once";
    /// Copies have no flags.
    bare_copy: BareCopy => "copy::a_copy_has_octets_flags_and_date";
    /// A copy fails when one of the set is gone.
    strict_copy: StrictCopy => "copy::what_is_gone_is_passed_over";
    /// What is moved stays.
    relocate_leaves_source: RelocateLeavesSource => "relocate::the_message_is_there_and_no_longer_here";
    /// A move is a copy and then an expunge.
    split_relocate: SplitRelocate => "relocate::of_two_who_move_a_message_one_does";
    /// A message says it is longer than it is.
    wrong_length: WrongLength => "bytes::usual_sizes";
    /// The last octet cannot be read.
    short_body: ShortBody => "bytes::read_at_any_place";
    /// LF becomes CRLF.
    mended_lines: MendedLines => "bytes::line_ends_of_every_kind";
    /// No hint ever comes.
    missing_hint: MissingHint => "watch::an_append_is_hinted";
    /// The hint comes before the change can be seen.
    early_hint: EarlyHint => "watch::between_watch_and_change_nothing_is_lost";
    /// A hint is taken by a future that is dropped.
    dropped_hint: DroppedHint => "watch::a_dropped_future_loses_no_hint";
    /// `open` answers from a cache.
    stale_snapshot: StaleSnapshot => "snapshot::a_snapshot_holds_all_that_was_committed_before";
    /// The UIDs and the modseq of a snapshot are of two instants.
    torn_snapshot: TornSnapshot => "order::a_change_during_open_is_in_the_snapshot_or_after_it";
    /// A change is told once.
    consumed_changes: ConsumedChanges => "changes::asked_again_the_answer_is_the_same";
    /// Expunges are not told.
    vanished_lost: VanishedLost => "changes::the_expunged_vanish";
    /// Too many are told to have vanished.
    vanished_living: VanishedLiving => "changes::the_vanished_are_never_there";
    /// The cursor steps over the next change.
    fast_cursor: FastCursor => "changes::without_a_change_there_is_none";
    /// What does not fit into a batch is forgotten.
    cut_batch: CutBatch => "changes::batches_hold_together_what_one_answer_holds";
    /// Lost history is passed over.
    guessed_history: GuessedHistory => "changes::lost_history_is_said";
    /// UNCHANGEDSINCE is not looked at.
    unchanged_since_ignored: UnchangedSinceIgnored => "flags::unchanged_since_refuses_the_changed";
    /// UNCHANGEDSINCE is checked before, not together with, the change.
    unchanged_since_early: UnchangedSinceEarly => "flags::of_many_unchanged_since_one_wins";
    /// A flag change leaves the modseq.
    modseq_not_raised: ModseqNotRaised => "flags::a_change_raises_the_modseq";
    /// Setting a flag that is set raises the modseq.
    modseq_raised_by_nothing: ModseqRaisedByNothing => "flags::without_a_change_the_modseq_stays";
    /// Keywords lose their case.
    lower_case_keywords: LowerCaseKeywords => "flags::keywords_are_kept";
    /// An examined mailbox can be changed.
    examine_changes: ExamineChanges => "flags::an_examined_mailbox_is_not_changed";
    /// EXPUNGE of a set takes all that is deleted.
    expunge_ignores_set: ExpungeIgnoresSet => "expunge::of_a_set_only_the_deleted_go";
    /// A mailbox created again has the old UIDVALIDITY.
    reused_validity: ReusedValidity => "hierarchy::uidvalidity_grows_when_a_name_is_created_again";
    /// DELETE takes what is below.
    delete_takes_children: DeleteTakesChildren => "hierarchy::delete_keeps_what_is_below";
    /// DELETE ends the subscription.
    delete_unsubscribes: DeleteUnsubscribes => "hierarchy::subscriptions_outlive_delete_and_rename";
    /// RENAME leaves what is below.
    rename_leaves_children: RenameLeavesChildren => "hierarchy::rename_takes_along_what_is_below";
    /// UNSEEN counts all.
    wrong_status: WrongStatus => "status::figures_count_what_is_there";
    /// `\Recent` is told to everyone.
    recent_twice: RecentTwice => "meta::recent_is_claimed_once";
    /// A page begins one message too late.
    skipping_page: SkippingPage => "meta::pages_hold_each_message_once";
    /// CHANGEDSINCE includes its own modseq.
    inclusive_since: InclusiveSince => "meta::only_what_changed_since";
    /// What is remembered of one message is said of all.
    mixed_memory: MixedMemory => "meta::what_is_remembered_comes_back_or_is_forgotten";
    /// Everybody's copy has the first one's prefix.
    prefix_for_all: PrefixForAll => "deliver::a_prefix_stands_before_its_recipient_alone";
    /// After a failure, nobody else gets the message.
    delivery_stops: DeliveryStops => "deliver::one_failure_is_not_anothers";
    /// A dropped stage is committed.
    dropped_stage_visible: DroppedStageVisible => "staging::a_dropped_stage_leaves_nothing";
    /// The internal date is always now.
    date_lost: DateLost => "staging::dates_are_kept_from_end_to_end_of_time";
    /// REPLACE leaves the old message.
    replace_keeps_old: ReplaceKeepsOld => "staging::the_new_replaces_the_old";
    /// REPLACE is two steps.
    split_replace: SplitReplace => "staging::a_replacement_is_seen_in_one_step";
    /// Two can lock a maildrop.
    open_maildrop: OpenMaildrop => "optional::a_maildrop_is_locked_once";
    /// A restart forgets the next UID.
    restart_reuses_uids: RestartReusesUids => "durable::uids_are_not_given_again_after_a_restart";
    /// A restart forgets expunges, and does not say so.
    restart_forgets_expunges: RestartForgetsExpunges => "durable::changes_go_on_over_a_restart";
}

/// The case passes without the fault, and fails with it.
fn found(fault: Fault, case: &str) {
    let healthy = Faulty { fault: Fault::None, ..Faulty::default() };
    assert_eq!(try_run(case, healthy), Outcome::Passed);
    let broken = Faulty { fault, ..Faulty::default() };
    let run = catch_unwind(AssertUnwindSafe(|| try_run(case, broken)));
    assert!(run.is_err(), "{fault:?} is not found by {case}: {run:?}");
}

#[test]
fn the_model_finds_faults_it_was_not_written_for() {
    for fault in [
        Fault::ReusedUid,
        Fault::HalfCopy,
        Fault::RelocateLeavesSource,
        Fault::ConsumedChanges,
        Fault::VanishedLost,
        Fault::CutBatch,
        Fault::UnchangedSinceIgnored,
        Fault::ModseqNotRaised,
        Fault::ModseqRaisedByNothing,
        Fault::ExpungeIgnoresSet,
        Fault::WrongStatus,
        Fault::ReplaceKeepsOld,
    ] {
        let broken = Faulty { fault, ..Faulty::default() };
        let case = "model::several_mailboxes_with_several_views";
        let run = catch_unwind(AssertUnwindSafe(|| try_run(case, broken)));
        assert!(run.is_err(), "the model does not find {fault:?}");
    }
}

#[test]
fn what_fails_is_cut_down_to_few_steps() {
    let broken = Faulty { fault: Fault::HalfCopy, ..Faulty::default() };
    let run = catch_unwind(AssertUnwindSafe(|| try_run("model::one_mailbox", broken)));
    let why = *run.unwrap_err().downcast::<String>().unwrap();
    // Half of a set is missing where there are two messages and a copy.
    assert!(why.lines().count() <= 8, "{why}");
    assert!(why.contains("copy") || why.contains("move"), "{why}");
}

/// Gives others time to come between.
fn pause() {
    thread::sleep(Duration::from_micros(100));
}

fn fault<T>(kind: ErrorKind) -> Result<T> {
    Err(kind.into())
}

#[derive(Clone, Debug)]
struct Broken {
    fault: Fault,
    shared: Arc<Memory>,
}

/// What some faults remember.
#[derive(Debug, Default)]
struct Memory {
    hub: LocalHub,
    snapshots: Mutex<HashMap<MailboxId, Snapshot>>,
    validities: Mutex<HashMap<MailboxName, UidValidity>>,
    told: Mutex<HashMap<MailboxId, ModSeq>>,
    staged: Mutex<u64>,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

struct Faulty {
    fault: Fault,
    store: MemoryStore,
    memory: Arc<Memory>,
}

impl Default for Faulty {
    fn default() -> Self {
        Self { fault: Fault::None, store: MemoryStore::new(), memory: Arc::default() }
    }
}

impl Faulty {
    fn make(&mut self, options: MemoryOptions) -> AnyStore {
        (self.store, self.memory) = (MemoryStore::with_options(options), Arc::default());
        ACCOUNTS.iter().for_each(|account| self.store.create_account(account).unwrap());
        self.any()
    }
    fn any(&self) -> AnyStore {
        let broken = Broken { fault: self.fault, shared: self.memory.clone() };
        AnyStore::new(FaultyStore { inner: self.store.clone(), broken })
    }
}

impl Fixture for Faulty {
    fn fresh(&mut self) -> AnyStore {
        self.make(MemoryOptions::default())
    }
    fn reopen(&mut self) -> Option<AnyStore> {
        for account in self.store.data().accounts.values_mut() {
            for folder in account.folders.values_mut() {
                match self.fault {
                    Fault::RestartReusesUids => reuse_uids(folder),
                    Fault::RestartForgetsExpunges => folder.tombstones.clear(),
                    _ => {}
                }
            }
        }
        Some(self.any())
    }
    fn second(&mut self) -> Option<AnyStore> {
        Some(self.any())
    }
    fn forgetful(&mut self) -> Option<AnyStore> {
        Some(self.make(MemoryOptions { history: 10, ..MemoryOptions::default() }))
    }
    fn patience(&self) -> Duration {
        if self.fault == Fault::None { Duration::from_secs(10) } else { Duration::from_millis(300) }
    }
}

fn reuse_uids(folder: &mut Folder) {
    folder.uid_next = folder.messages.keys().next_back().map_or(1, |uid| uid.get() + 1);
}

struct FaultyStore {
    inner: MemoryStore,
    broken: Broken,
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
}

struct FaultyDelivery {
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
        self.inner.commit(&to).await
    }
}

#[derive(Clone)]
struct FaultyAccount {
    inner: MemoryAccount,
    broken: Broken,
}

impl FaultyAccount {
    fn is(&self, fault: Fault) -> bool {
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
        let id = self.inner.create(name, uses).await?;
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
        self.inner.delete(id).await?;
        let (Some(info), Some(status)) = (info, status.first()) else { return Ok(()) };
        self.broken.shared.validities.lock().unwrap().insert(info.name.clone(), status.uid_validity);
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
            return self.inner.step(|s| {
                s.account()?.folder(id, ErrorKind::NotFound)?.name = to.clone();
                Ok(())
            });
        }
        self.inner.rename(id, to).await
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
        Ok(FaultyStaged { inner, account: self.clone(), id: id.clone(), nth: *staged })
    }

    async fn commit(
        &self,
        id: &MailboxId,
        mut staged: Vec<FaultyStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.early_hint(id);
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
        self.inner.commit(id, inner, replaces).await
    }

    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        let (_, source) = self.inner.open(from, OpenMode::Examine).await.or(fault(ErrorKind::Gone))?;
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

    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        if self.is(Fault::OpenMaildrop) { Some(self) } else { self.inner.maildrop() }
    }
}

impl MaildropLock for FaultyAccount {
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>> {
        Box::pin(async { Ok(Box::new(()) as Box<dyn Send>) })
    }
}

struct FaultyWatch {
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

struct FaultyStaged {
    inner: Option<MemoryStaged>,
    account: FaultyAccount,
    id: MailboxId,
    nth: u64,
}

impl Staged for FaultyStaged {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        let Some(inner) = &mut self.inner else { return fault(ErrorKind::Internal) };
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

struct FaultyMailbox {
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
                let outcome = self.inner.set_flags(uids, op, &flags, unchanged_since).await?;
                let changed =
                    outcome.changed.iter().filter(|c| before.get(&c.uid).is_none_or(|b| b.0 != c.modseq));
                let changed: Vec<Uid> = changed.map(|c| c.uid).collect();
                self.restamp(&changed, |_| taken)?;
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

struct FaultyBody {
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
