//! What every store must pass (feature `conformance`).
//!
//! Say how the suite gets your store, and let the macro make one `#[test]` of each case:
//!
//! ```
//! use mailstore_api::{AnyStore, MemoryStore, conformance::{ACCOUNTS, Fixture}};
//!
//! #[derive(Default)]
//! struct InMemory {
//!     store: MemoryStore,
//! }
//!
//! impl Fixture for InMemory {
//!     fn fresh(&mut self) -> AnyStore {
//!         self.store = MemoryStore::new();
//!         for account in ACCOUNTS {
//!             self.store.create_account(account).expect("the store is new");
//!         }
//!         AnyStore::new(self.store.clone())
//!     }
//!     fn second(&mut self) -> Option<AnyStore> {
//!         Some(AnyStore::new(self.store.clone()))
//!     }
//! }
//!
//! mailstore_api::conformance!(InMemory::default());
//! # fn main() {
//! #     assert!(mailstore_api::conformance::cases().len() >= 150);
//! #     mailstore_api::conformance::run("staging::a_dropped_stage_leaves_nothing", InMemory::default());
//! # }
//! ```
//!
//! The suite needs no async runtime: a store that wants one enters it in its fixture. A case about an optional part is
//! skipped when the store does not return the part, and says so on the standard output
//! (`cargo test -- --nocapture`).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test suite, which fails by panicking"
)]

mod acl;
mod bytes;
mod changes;
mod copy;
mod deliver;
mod durable;
mod expunge;
mod flags;
mod hierarchy;
mod meta;
mod metadata;
mod model;
mod optional;
mod order;
mod queue;
mod quota;
mod relocate;
mod run;
mod scene;
mod snapshot;
mod staging;
mod status;
mod uids;
mod view;
mod watch;

use std::time::Duration;

pub use run::{block_on, block_on_for};

use crate::{AnyStore, QuotaLimits};

/// The accounts a fresh store has, each with INBOX alone.
pub const ACCOUNTS: [&str; 3] = ["anna", "bert", "carl"];

/// How the suite gets a store. Each case has a fixture of its own, which lives as long as the case.
pub trait Fixture {
    /// An empty store with the [`ACCOUNTS`], each with an empty INBOX and nothing else. May be called again
    /// by a case: then everything before is forgotten.
    fn fresh(&mut self) -> AnyStore;

    /// The data of the last store, closed and opened again as after a restart. The suite has dropped all of its
    /// handles. `None` skips the cases of durability.
    fn reopen(&mut self) -> Option<AnyStore> {
        None
    }

    /// Another store on the data of the last one: another handle, or better what another process would open.
    /// `None` skips the cases of several handles.
    fn second(&mut self) -> Option<AnyStore> {
        None
    }

    /// As [`fresh`](Self::fresh), and each mailbox remembers at most 64 expunges.
    /// `None` skips the cases of lost history.
    fn forgetful(&mut self) -> Option<AnyStore> {
        None
    }

    /// As [`fresh`](Self::fresh), and with a limit of at most 1 MiB a message.
    /// `None` skips the cases of that limit.
    fn limited(&mut self) -> Option<AnyStore> {
        None
    }

    /// Gives an account of the last store these limits, where that is done by other means than
    /// [`Quota::set`](crate::Quota::set). `false` leaves it to that call.
    fn limit(&mut self, account: &str, limits: QuotaLimits) -> bool {
        let _ = (account, limits);
        false
    }

    /// How long a hint may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// How many rounds a race runs that usually runs `usual`: a store that takes milliseconds for each
    /// change may run fewer.
    fn rounds(&self, usual: u32) -> u32 {
        usual
    }
}

/// How a case ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The store does what the case claims.
    Passed,
    /// The store does not have what the case is about.
    Skipped(String),
}

/// Runs one case, named as in [`cases`], and prints if it was skipped.
///
/// # Panics
/// When the store fails it, or there is no such case.
pub fn run(case: &str, fixture: impl Fixture + 'static) {
    if let Outcome::Skipped(why) = try_run(case, fixture) {
        println!("skipped {case}: {why}");
    }
}

/// As [`run()`], and tells how it ended.
///
/// # Panics
/// When the store fails it, or there is no such case.
pub fn try_run(case: &str, fixture: impl Fixture + 'static) -> Outcome {
    let scene = scene::Scene::new(Box::new(fixture));
    assert!(dispatch(case, &scene), "there is no case {case}");
    scene.outcome()
}

/// The list of cases, once: handed to the macro that is named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __mailstore_cases {
    ($then:path; $($args:tt)*) => {
        $then! { ($($args)*)
            hierarchy {
                inbox_is_there_from_the_start
                an_unknown_account_is_not_found
                an_account_is_not_found_by_a_part_of_its_name
                accounts_do_not_see_each_other
                a_mailbox_of_another_account_cannot_be_opened_by_its_id
                a_created_mailbox_is_listed
                to_create_a_taken_name_is_exists
                create_makes_the_missing_parents
                mailboxes_can_stand_below_inbox
                names_come_back_as_they_went_in
                a_separator_inside_a_part_makes_no_hierarchy
                a_deep_hierarchy_is_kept
                find_agrees_with_list
                many_mailboxes_are_listed_once_each
                ids_are_object_ids
                a_deleted_mailbox_is_gone
                to_delete_inbox_is_refused
                delete_keeps_what_is_below
                a_deleted_parent_can_be_created_again
                open_handles_of_a_deleted_mailbox_answer_gone
                uidvalidity_grows_when_a_name_is_created_again
                uidvalidity_grows_when_a_renamed_name_is_created_again
                rename_keeps_identity_and_messages
                rename_takes_along_what_is_below
                rename_moves_up_and_down
                to_rename_to_a_taken_name_changes_nothing
                to_rename_onto_a_taken_child_changes_nothing
                to_rename_below_itself_is_refused
                to_rename_inbox_is_refused
                to_rename_the_unknown_is_not_found
                open_handles_outlive_a_rename
                a_subscription_is_listed
                a_name_without_mailbox_can_be_subscribed
                subscriptions_outlive_delete_and_rename
                a_special_use_is_kept
                a_special_use_can_be_set_and_taken_away
                of_two_who_create_one_name_one_does
            }
            status {
                an_empty_mailbox_has_zeros
                figures_count_what_is_there
                figures_fall_with_an_expunge
                answers_stand_in_the_order_asked
                status_agrees_with_the_snapshot
                every_change_raises_the_highest_modseq
                figures_of_one_mailbox_are_its_own
            }
            uids {
                uids_ascend
                a_uid_names_the_message_it_was_given_for
                several_at_once_have_consecutive_uids
                uids_are_no_less_than_the_uid_next_seen
                the_last_uid_is_not_given_again
                uid_next_never_falls
                each_mailbox_counts_for_itself
                appenders_at_once_get_different_uids
                appenders_of_several_at_once_stay_consecutive
                no_uid_appears_below_one_that_was_seen
            }
            snapshot {
                an_empty_mailbox_opens_empty
                to_open_the_unknown_is_not_found
                a_snapshot_holds_all_that_was_committed_before
                a_snapshot_is_ascending
                the_first_unseen_is_the_least
                keywords_in_use_are_in_the_snapshot
                the_mode_is_in_the_snapshot
                nothing_is_new_since_a_snapshot
                to_open_changes_nothing
            }
            changes {
                without_a_change_there_is_none
                new_messages_come_with_flags
                changed_flags_come
                the_expunged_vanish
                the_vanished_are_never_there
                asked_again_the_answer_is_the_same
                from_every_cursor_just_what_came_later
                what_changed_twice_comes_once
                what_came_and_went_is_not_there
                batches_hold_together_what_one_answer_holds
                a_batch_is_about_as_long_as_asked
                answers_are_ascending_and_within_their_cursors
                from_zero_everything_comes
                a_cursor_from_the_future_gives_nothing
                modseqs_agree_between_changes_and_meta
                vanished_since_answers_within_the_known
                vanished_since_never_names_the_living
                lost_history_is_said
            }
            flags {
                add_remove_and_replace
                every_system_flag_is_kept_by_itself
                first_flags_are_those_of_the_append
                keywords_are_kept
                keywords_compare_without_case
                many_keywords_are_kept
                a_change_raises_the_modseq
                without_a_change_the_modseq_stays
                the_outcome_lists_every_message_of_the_set
                what_is_not_there_is_passed_over
                the_whole_range_is_cheap
                thousands_change_in_one_step
                changes_of_many_appear_all_at_once
                unchanged_since_lets_the_unchanged_pass
                unchanged_since_refuses_the_changed
                unchanged_since_zero_refuses_all
                unchanged_since_refuses_also_what_would_not_change
                two_who_add_different_flags_lose_none
                of_many_unchanged_since_one_wins
                an_examined_mailbox_is_not_changed
                to_flag_in_a_deleted_mailbox_is_gone
            }
            expunge {
                only_the_deleted_go
                of_a_set_only_the_deleted_go
                a_set_goes_whatever_its_flags
                all_can_go
                what_is_not_there_does_not_vanish
                an_expunge_raises_the_modseq
                without_anything_to_go_nothing_changes
                the_expunged_cannot_be_opened
                an_open_body_stays_readable
                the_expunged_do_not_return
                each_message_vanishes_for_one_of_many
                an_examined_mailbox_is_not_expunged
            }
            copy {
                a_copy_has_octets_flags_and_date
                pairs_ascend_and_name_the_copies
                every_message_of_the_set_is_copied
                the_source_stays_as_it_is
                the_target_learns_of_copies_by_its_changes
                copies_stay_when_the_source_goes
                flags_of_copies_are_their_own
                into_the_same_mailbox
                what_is_gone_is_passed_over
                nothing_copied_is_nothing_changed
                a_missing_target_is_not_found_and_a_missing_source_gone
                copies_appear_all_at_once
                copies_that_cross_do_not_wait_for_each_other
            }
            relocate {
                the_message_is_there_and_no_longer_here
                flags_and_date_go_along
                both_sides_learn_by_their_changes
                within_one_mailbox_uids_are_new
                what_is_gone_is_passed_over
                without_a_target_nothing_leaves
                an_open_body_stays_readable
                of_two_who_move_a_message_one_does
                a_storm_of_moves_loses_and_doubles_none
            }
            bytes {
                no_octet_at_all
                one_octet
                line_ends_of_every_kind
                every_octet_there_is
                usual_sizes
                sizes_where_stores_change_their_ways
                however_it_is_cut
                read_at_any_place
                header_and_text
                several_open_at_once
                opened_ahead
                a_hundred_megabytes
                a_delivery_keeps_octets_too
            }
            staging {
                a_staged_message_is_invisible
                a_dropped_stage_leaves_nothing
                uids_follow_the_order_of_the_commit_not_of_the_staging
                the_outcome_is_true
                several_appear_all_at_once
                each_message_has_its_own_spec
                dates_are_kept_from_end_to_end_of_time
                without_a_date_it_is_now
                a_wrong_declared_length_does_no_harm
                an_unknown_mailbox_is_not_found
                a_mailbox_deleted_meanwhile_is_not_found
                nothing_committed_is_nothing_changed
                the_new_replaces_the_old
                the_new_replaces_one_of_another_mailbox
                to_replace_what_is_gone_changes_nothing
                a_replacement_is_seen_in_one_step
                too_large_a_message_is_refused
                a_dropped_future_has_done_all_or_nothing
            }
            meta {
                it_is_ascending_and_complete
                what_is_not_there_is_passed_over
                pages_hold_each_message_once
                a_limit_of_nothing_makes_progress
                only_what_changed_since
                an_email_id_is_that_of_the_message
                a_save_date_is_about_now
                what_is_remembered_comes_back_or_is_forgotten
                to_remember_changes_nothing_else
                recent_is_claimed_once
                recent_is_not_claimed_by_examine
                recent_is_told_to_one_of_many
            }
            deliver {
                to_one
                to_many
                a_prefix_stands_before_its_recipient_alone
                one_failure_is_not_anothers
                into_another_mailbox
                one_account_twice
                flags_and_date_are_those_given
                dropped_it_leaves_nothing
                to_nobody_is_nothing
                too_large_a_message_is_refused
            }
            watch {
                an_append_is_hinted
                a_flag_change_is_hinted
                an_expunge_is_hinted
                a_copy_is_hinted_to_its_target
                a_move_is_hinted_on_both_sides
                a_delivery_is_hinted
                a_deletion_is_hinted
                a_whole_account_is_watched
                the_hierarchy_is_hinted
                one_who_waits_is_woken
                a_dropped_future_loses_no_hint
                a_thousand_changes_are_found_behind_few_hints
                everyone_who_watches_is_hinted
                between_watch_and_change_nothing_is_lost
                a_change_through_a_second_handle_is_hinted
            }
            durable {
                messages_are_there_after_a_restart
                uids_are_not_given_again_after_a_restart
                modseqs_are_not_given_again_after_a_restart
                changes_go_on_over_a_restart
                the_hierarchy_is_there_after_a_restart
                uidvalidity_grows_over_a_restart
                what_was_not_committed_is_gone_after_a_restart
                a_move_is_whole_after_a_restart
                a_second_handle_sees_everything
                a_body_open_here_outlives_an_expunge_there
                two_handles_give_different_uids
                two_handles_lose_no_flags
            }
            order {
                each_new_modseq_is_greater_than_all_seen
                a_cursor_misses_no_append
                a_cursor_misses_no_flag
                a_modseq_is_visible_before_any_greater_one
                a_cursor_misses_no_expunge
                a_cursor_misses_no_copy_and_no_move
                a_cursor_misses_no_delivery
                a_change_during_open_is_in_the_snapshot_or_after_it
                a_session_that_sleeps_on_hints_ends_with_the_truth
            }
            optional {
                a_maildrop_is_locked_once
                a_maildrop_lock_is_of_its_account
                a_locked_maildrop_does_not_stop_others
                a_maildrop_guard_outlives_its_account_handle
                a_search_by_flags
                a_search_by_size_and_modseq
                a_search_of_several_conditions
                accounts_work_beside_each_other
            }
            quota {
                what_is_there_is_counted
                a_root_is_found_by_its_name
                over_quota_nothing_is_appended
                over_quota_nothing_is_copied
                messages_are_limited
                mailboxes_are_limited
                a_replacement_counts_the_difference
                who_is_over_may_still_tidy_up
                who_is_full_gets_no_delivery_and_others_do
                one_message_twice_in_a_delivery_counts_twice
                anothers_quota_is_not_mine
                of_many_who_append_no_more_succeed_than_there_is_room
                limits_and_use_are_there_after_a_restart
            }
            acl {
                an_owner_has_all_rights
                an_access_list_is_kept
                a_list_is_of_its_mailbox
                it_is_kept_over_a_rename
                it_goes_with_the_mailbox
                what_is_no_identifier_is_refused
                it_is_there_after_a_restart
            }
            metadata {
                annotations_are_kept
                annotations_are_found_by_depth
                names_compare_without_case
                several_are_set_all_or_none
                limits_are_kept
                they_are_kept_over_a_rename
                they_go_with_the_mailbox
                they_are_of_their_account
                they_are_there_after_a_restart
            }
            queue {
                an_entry_comes_back_as_it_was_made
                the_octets_are_those_written
                the_queue_keeps_what_mailboxes_lose
                an_open_body_stays_readable
                who_was_not_served_is_queued_and_nobody_else
                without_anybody_there_is_no_entry
                a_dropped_delivery_queues_nothing
                what_is_due_is_taken_and_nothing_else
                no_more_are_taken_than_asked
                a_lease_that_ends_comes_back
                a_lease_nobody_took_over_still_holds
                of_many_takers_each_entry_has_one
                what_became_of_recipients_is_kept
                a_report_and_its_cause_are_one_step
                an_entry_can_be_rescheduled
                a_removed_entry_is_gone
                a_list_in_pages_has_each_once
                a_new_entry_is_hinted
                a_second_handle_sees_and_hears_it
                it_is_there_after_a_restart
                submitters_and_runners_lose_and_double_none
            }
            model {
                one_mailbox
                one_mailbox_with_several_views
                several_mailboxes_with_several_views
                several_views_over_restarts
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __mailstore_tests {
    (($fixture:expr) $($group:ident { $($case:ident)* })*) => {
        $(mod $group {
            #[allow(unused_imports, reason = "the fixture's expression may need nothing of its module")]
            use super::*;
            $(#[test]
            fn $case() {
                $crate::conformance::run(concat!(stringify!($group), "::", stringify!($case)), $fixture);
            })*
        })*
    };
}

/// Makes a `#[test]` of every case of the suite, in one module a group. The expression is a
/// [fixture](crate::conformance::Fixture), evaluated anew in each.
#[macro_export]
macro_rules! conformance {
    ($fixture:expr) => {
        $crate::__mailstore_cases! { $crate::__mailstore_tests; $fixture }
    };
}

macro_rules! table {
    (() $($group:ident { $($case:ident)* })*) => {
        /// The names of all cases, as `group::case`.
        #[must_use]
        pub fn cases() -> &'static [&'static str] {
            &[$($(concat!(stringify!($group), "::", stringify!($case)),)*)*]
        }

        fn dispatch(case: &str, scene: &scene::Scene) -> bool {
            match case {
                $($(concat!(stringify!($group), "::", stringify!($case)) => block_on($group::$case(scene)),)*)*
                _ => return false,
            }
            true
        }
    };
}
__mailstore_cases! { table; }
