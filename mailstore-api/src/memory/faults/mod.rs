//! Stores that are broken on purpose, each in one way: the suite must find every one of them, by the case that
//! names the fault.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

mod parts;
mod queue;
mod store;

use std::{
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use self::store::FaultyStore;
use super::{MemoryOptions, MemoryStore, folder::Folder};
use crate::{
    AnyStore, LocalHub, MailboxId, MailboxName, ModSeq, QuotaLimits, Snapshot, UidValidity,
    conformance::{ACCOUNTS, Fixture, Outcome, try_run},
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
    late_modseq: LateModseq => "order::a_modseq_is_visible_before_any_greater_one";
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
    /// Quota is looked at for each message by itself.
    quota_by_message: QuotaByMessage => "quota::over_quota_nothing_is_appended";
    /// COPY does not look at the quota.
    quota_not_for_copies: QuotaNotForCopies => "quota::over_quota_nothing_is_copied";
    /// MOVE is refused where there is no room for a copy.
    quota_for_moves: QuotaForMoves => "quota::over_quota_nothing_is_copied";
    /// A delivery does not look at the quota.
    quota_not_for_deliveries: QuotaNotForDeliveries => "quota::who_is_full_gets_no_delivery_and_others_do";
    /// REPLACE needs room for both messages.
    quota_for_both: QuotaForBoth => "quota::a_replacement_counts_the_difference";
    /// Mailboxes are not counted.
    quota_not_for_mailboxes: QuotaNotForMailboxes => "quota::mailboxes_are_limited";
    /// Whether there is room is asked before, not in, the step.
    quota_before_the_step: QuotaBeforeTheStep => "quota::of_many_who_append_no_more_succeed_than_there_is_room";
    /// A restart forgets limits.
    restart_forgets_limits: RestartForgetsLimits => "quota::limits_and_use_are_there_after_a_restart";
    /// Rights cannot be taken away.
    rights_stay: RightsStay => "acl::an_access_list_is_kept";
    /// `-bert` is `bert`.
    negative_rights: NegativeRights => "acl::an_access_list_is_kept";
    /// RENAME forgets the access list and the annotations.
    bare_rename: BareRename => "acl::it_is_kept_over_a_rename";
    /// A mailbox of the same name has those of the one before.
    inherited_annotations: InheritedAnnotations => "metadata::they_go_with_the_mailbox";
    /// `/a` finds `/ab`.
    loose_entries: LooseEntries => "metadata::annotations_are_found_by_depth";
    /// Annotations are set one by one.
    split_annotations: SplitAnnotations => "metadata::several_are_set_all_or_none";
    /// An empty value removes.
    empty_is_none: EmptyIsNone => "metadata::annotations_are_kept";
    /// Its limits are not those it says.
    boundless_annotations: BoundlessAnnotations => "metadata::limits_are_kept";
    /// An entry is given to many.
    taken_by_many: TakenByMany => "queue::of_many_takers_each_entry_has_one";
    /// An entry is given before it is due.
    taken_early: TakenEarly => "queue::what_is_due_is_taken_and_nothing_else";
    /// A runner that lost its lease may still settle it.
    lease_for_ever: LeaseForEver => "queue::a_lease_that_ends_comes_back";
    /// What became of recipients is forgotten.
    outcomes_lost: OutcomesLost => "queue::what_became_of_recipients_is_kept";
    /// An entry that is being worked on can be made due.
    rescheduled_in_use: RescheduledInUse => "queue::an_entry_can_be_rescheduled";
    /// Nobody hears of a new entry.
    silent_queue: SilentQueue => "queue::a_new_entry_is_hinted";
    /// Who was served is queued as well.
    served_and_queued: ServedAndQueued => "queue::who_was_not_served_is_queued_and_nobody_else";
    /// A report is queued, and then its cause settled.
    split_report: SplitReport => "queue::a_report_and_its_cause_are_one_step";
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
    limits: Mutex<QuotaLimits>,
    annotations: Mutex<HashMap<MailboxName, BTreeMap<String, Vec<u8>>>>,
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
            if self.fault == Fault::RestartForgetsLimits {
                account.limits = QuotaLimits::default();
            }
            for (_, folder) in account.mailboxes.iter_mut() {
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
    fn limit(&mut self, account: &str, limits: QuotaLimits) -> bool {
        self.store.set_quota(account, limits).is_ok()
    }
    fn patience(&self) -> Duration {
        if self.fault == Fault::None { Duration::from_secs(10) } else { Duration::from_millis(300) }
    }
}

fn reuse_uids(folder: &mut Folder) {
    folder.uid_next = folder.messages.keys().next_back().map_or(1, |uid| uid.get() + 1);
}
