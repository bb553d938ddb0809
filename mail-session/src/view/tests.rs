use std::num::NonZeroU32;

use mailstore_api::{Flags, SystemFlags};
use proptest::prelude::*;

use super::*;

fn u(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

fn snapshot(uids: &[u32], uid_next: u32, at: u64) -> Snapshot {
    Snapshot {
        uid_validity: UidValidity(NonZeroU32::MIN),
        uid_next,
        at: ModSeq(at),
        uids: uids.iter().map(|n| u(*n)).collect(),
        first_unseen: None,
        keywords: Vec::new(),
        new_keywords_ok: true,
        read_only: false,
        modseq_persistent: true,
    }
}

fn change(uid: u32, modseq: u64) -> Change {
    Change { uid: u(uid), modseq: ModSeq(modseq), flags: Flags::default() }
}

fn set(ranges: &[(u32, u32)]) -> UidSet {
    UidSet::from_ranges(ranges.iter().copied())
}

fn changes(changed: Vec<Change>, vanished: &[(u32, u32)], upto: u64) -> Changes {
    Changes { changed, vanished: set(vanished), uid_next: 100, upto: ModSeq(upto), more: false }
}

#[test]
fn an_expunge_is_withheld_and_sequence_numbers_hold() {
    let mut view = View::new(&snapshot(&[1, 3, 5, 7], 9, 10));
    view.absorb(changes(vec![change(9, 12)], &[(3, 3)], 12));
    let updates = view.drain(Expunges::Withheld);
    assert_eq!(updates.exists, Some(5), "the client still counts the withheld one");
    assert!(updates.expunged.is_empty());
    assert_eq!(view.uid_at(3), Some(u(5)));
    assert!(view.is_gone(u(3)) && view.any_gone(&set(&[(2, 4)])) && !view.any_gone(&set(&[(4, 9)])));
    let updates = view.drain(Expunges::Told);
    assert_eq!((updates.expunged, updates.exists), (vec![2], None));
    assert_eq!(view.uid_at(2), Some(u(5)));
}

#[test]
fn expunges_go_greatest_first_and_as_a_set() {
    let mut view = View::new(&snapshot(&[1, 3, 5, 7], 9, 10));
    view.absorb(changes(vec![], &[(1, 1), (5, 4_000_000_000)], 12));
    let updates = view.drain(Expunges::Told);
    assert_eq!(updates.expunged, [4, 3, 1]);
    assert_eq!(updates.vanished, [u(1), u(5), u(7)].into_iter().collect());
    assert_eq!(view.uids(), [u(3)]);
}

#[test]
fn an_own_change_is_not_echoed_but_a_later_one_is() {
    let mut view = View::new(&snapshot(&[1, 3], 4, 10));
    view.own_flags(&[change(3, 20)], false);
    view.absorb(changes(vec![change(3, 20)], &[], 20));
    assert!(view.drain(Expunges::Told).is_empty());
    view.absorb(changes(vec![change(3, 21)], &[], 21));
    assert_eq!(view.drain(Expunges::Told).flags, [(2, change(3, 21))]);
    assert!(view.told.is_empty());
}

#[test]
fn a_silent_store_on_top_of_somebody_elses_change_tells_the_result() {
    let mut view = View::new(&snapshot(&[1], 2, 10));
    view.absorb(changes(vec![change(1, 11)], &[], 11));
    view.own_flags(&[change(1, 12)], true);
    assert_eq!(view.drain(Expunges::Told).flags, [(1, change(1, 12))]);
}

#[test]
fn flags_told_by_a_fetch_are_not_told_again() {
    let mut view = View::new(&snapshot(&[1, 2], 3, 10));
    view.absorb(changes(vec![change(1, 11), change(2, 12)], &[], 12));
    view.told_flags([(u(1), ModSeq(11)), (u(2), ModSeq(9))]);
    assert_eq!(view.drain(Expunges::Told).flags, [(2, change(2, 12))]);
}

#[test]
fn what_came_and_went_before_it_was_told_is_never_shown() {
    let mut view = View::new(&snapshot(&[1], 2, 10));
    view.absorb(changes(vec![change(2, 11)], &[], 11));
    view.absorb(changes(vec![], &[(2, 2)], 12));
    assert!(view.drain(Expunges::Told).is_empty());
    view.absorb(changes(vec![change(2, 11)], &[], 11));
    assert!(view.drain(Expunges::Told).is_empty(), "an older delta absorbed late");
}

#[test]
fn the_same_delta_twice_changes_nothing_and_the_cursor_never_goes_back() {
    let mut view = View::new(&snapshot(&[1, 3], 5, 10));
    let delta = || changes(vec![change(3, 11), change(9, 12)], &[(1, 1)], 12);
    view.absorb(delta());
    view.absorb(delta());
    let updates = view.drain(Expunges::Told);
    assert_eq!(
        (updates.expunged.as_slice(), updates.exists, updates.flags.len()),
        ([1].as_slice(), Some(2), 1)
    );
    view.absorb(delta());
    view.absorb(changes(vec![], &[], 3));
    assert!(view.drain(Expunges::Told).is_empty());
    assert_eq!(view.cursor(), ModSeq(12));
    assert_eq!(view.uids(), [u(3), u(9)]);
}

#[test]
fn a_later_batch_may_bring_a_smaller_new_uid() {
    let mut view = View::new(&snapshot(&[1], 2, 10));
    view.absorb(changes(vec![change(3, 12)], &[], 12));
    view.absorb(changes(vec![change(2, 13)], &[], 13));
    assert_eq!(view.drain(Expunges::Told).exists, Some(3));
    assert_eq!(view.uids(), [u(1), u(2), u(3)]);
}

#[test]
fn a_lost_history_is_made_good_by_a_snapshot() {
    let mut view = View::new(&snapshot(&[1, 2, 3], 4, 10));
    view.absorb(changes(vec![change(4, 11)], &[], 11));
    view.absorb(changes(vec![change(3, 30)], &[], 11));
    view.absorb_snapshot(&snapshot(&[1, 3, 7], 8, 30));
    let updates = view.drain(Expunges::Told);
    assert_eq!(updates.expunged, [2]);
    assert_eq!(updates.exists, Some(3));
    assert_eq!(updates.flags, [(2, change(3, 30))]);
    assert_eq!((view.uids(), view.cursor()), ([u(1), u(3), u(7)].as_slice(), ModSeq(30)));
}

#[test]
fn sequence_sets_resolve_against_the_view() {
    let view = View::new(&snapshot(&[2, 4, 6, 8], 9, 1));
    for (ranges, uids) in [
        (vec![(Some(1), Some(1))], Some(vec![(2, 2)])),
        (vec![(Some(2), None)], Some(vec![(4, 8)])),
        (vec![(None, Some(3))], Some(vec![(6, 8)])),
        (vec![(None, None)], Some(vec![(8, 8)])),
        (vec![(Some(3), Some(1)), (Some(2), Some(2))], Some(vec![(2, 6)])),
        (vec![(Some(4), Some(5))], None),
        (vec![(Some(5), None)], None),
    ] {
        assert_eq!(view.by_seq(ranges.clone()).ok(), uids.map(|r| set(&r)), "{ranges:?}");
    }
    let empty = View::new(&snapshot(&[], 9, 1));
    assert_eq!(empty.by_seq([(None, None)]), Err(NoSuchSequence));
    assert_eq!(empty.by_seq([(Some(1), None)]), Err(NoSuchSequence));
}

#[test]
fn uid_sets_resolve_against_what_the_client_was_told() {
    let mut view = View::new(&snapshot(&[2, 4, 6], 7, 1));
    view.absorb(changes(vec![change(9, 5)], &[], 5));
    for (ranges, uids) in [
        (vec![(Some(1), Some(u32::MAX))], vec![(1, 6)]),
        (vec![(Some(4), None)], vec![(4, 6)]),
        // RFC 9051 section 6.4.9: `559:*` always has the last message.
        (vec![(Some(559), None)], vec![(6, 6)]),
        (vec![(None, None)], vec![(6, 6)]),
        (vec![(Some(9), Some(9))], vec![]),
    ] {
        assert_eq!(view.by_uid(ranges.clone()), set(&uids), "{ranges:?}");
    }
    assert!(View::new(&snapshot(&[], 7, 1)).by_uid([(Some(1), None)]).is_empty());
}

#[test]
fn recent_counts_this_sessions_own() {
    let mut view = View::new(&snapshot(&[1, 2, 3], 4, 1));
    view.add_recent(u(2));
    assert_eq!(view.tell_recent(), 2);
    view.absorb(changes(vec![change(4, 2), change(5, 3)], &[(3, 3)], 3));
    view.add_recent(u(5));
    let updates = view.drain(Expunges::Told);
    assert_eq!((updates.exists, updates.recent), (Some(4), None), "one recent went, one came");
    assert!(view.is_recent(u(2)) && !view.is_recent(u(4)) && view.is_recent(u(5)));
}

#[test]
fn a_hundred_thousand_expunges_take_one_pass() {
    let all: Vec<u32> = (1..=200_000).collect();
    let mut view = View::new(&snapshot(&all, 200_001, 1));
    let odd: UidSet = all.iter().filter(|n| *n % 2 == 1).map(|n| u(*n)).collect();
    view.vanish(&odd);
    let updates = view.drain(Expunges::Told);
    assert_eq!(updates.expunged.len(), 100_000);
    assert_eq!((updates.expunged.first(), updates.expunged.last()), (Some(&199_999), Some(&1)));
    assert_eq!(view.exists(), 100_000);
}

/// A mailbox as a store keeps it, with its whole history.
#[derive(Default)]
struct Store {
    messages: BTreeMap<u32, (u64, u8)>,
    gone: Vec<(u64, u32)>,
    modseq: u64,
    uid_next: u32,
}

impl Store {
    fn changes(&self, after: u64, limit: usize) -> Changes {
        let mut changed: Vec<(u64, u32, u8)> = self
            .messages
            .iter()
            .filter(|(_, (at, _))| *at > after)
            .map(|(uid, (at, flags))| (*at, *uid, *flags))
            .collect();
        changed.sort_unstable();
        let more = changed.len() > limit;
        changed.truncate(limit);
        let upto = if more { changed.last().map_or(after, |c| c.0) } else { self.modseq };
        let mut changed: Vec<Change> = changed
            .into_iter()
            .map(|(at, uid, flags)| Change {
                uid: u(uid),
                modseq: ModSeq(at),
                flags: Flags::system(SystemFlags::from_bits(flags)),
            })
            .collect();
        changed.sort_by_key(|c| c.uid);
        let vanished = self.gone.iter().filter(|(at, _)| *at > after && *at <= upto).map(|(_, n)| (*n, *n));
        Changes {
            changed,
            vanished: UidSet::from_ranges(vanished),
            uid_next: self.uid_next,
            upto: ModSeq(upto),
            more,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let uids: Vec<u32> = self.messages.keys().copied().collect();
        snapshot(&uids, self.uid_next, self.modseq)
    }

    fn nth(&self, n: u8) -> Option<u32> {
        self.messages.keys().copied().nth(usize::from(n) % self.messages.len().max(1))
    }

    fn set(&mut self, uid: u32, flags: u8) -> Change {
        self.modseq += 1;
        self.messages.insert(uid, (self.modseq, flags));
        Change {
            uid: u(uid),
            modseq: ModSeq(self.modseq),
            flags: Flags::system(SystemFlags::from_bits(flags)),
        }
    }

    fn expunge(&mut self, uid: u32) {
        self.modseq += 1;
        self.messages.remove(&uid);
        self.gone.push((self.modseq, uid));
    }
}

/// What a client makes of the responses, as RFC 9051 section 7.5.1 tells it to.
#[derive(Default)]
struct Client {
    messages: Vec<Option<(u32, u8)>>,
}

impl Client {
    fn hear(&mut self, updates: &Updates, view: &View, store: &Store, expunges_ok: bool) {
        assert!(expunges_ok || updates.expunged.is_empty(), "EXPUNGE where it may not be");
        for seq in &updates.expunged {
            self.messages.remove(*seq as usize - 1);
        }
        if let Some(n) = updates.exists {
            assert!(n as usize >= self.messages.len(), "EXISTS fell without EXPUNGE");
            self.messages.resize(n as usize, None);
        }
        for (seq, change) in &updates.flags {
            let (uid, flags) = self.messages[*seq as usize - 1].as_mut().unwrap();
            assert_eq!(*uid, change.uid.get(), "the sequence number names another message");
            *flags = change.flags.system.bits();
        }
        // It fetches what is new.
        for (i, m) in self.messages.iter_mut().enumerate() {
            if m.is_none() {
                let uid = view.uids()[i].get();
                *m = Some((uid, store.messages.get(&uid).map_or(0, |m| m.1)));
            }
        }
        let uids: Vec<u32> = self.messages.iter().map(|m| m.unwrap().0).collect();
        assert_eq!(uids, view.uids().iter().map(|u| u.get()).collect::<Vec<_>>());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append,
    Flag(u8, u8),
    Expunge(u8),
    OwnFlag(u8, u8, bool),
    OwnExpunge(u8),
    Absorb { limit: usize, back: u64 },
    HistoryLost,
    Drain(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Append),
        3 => (any::<u8>(), 0..32_u8).prop_map(|(n, f)| Step::Flag(n, f)),
        3 => any::<u8>().prop_map(Step::Expunge),
        2 => (any::<u8>(), 0..32_u8, any::<bool>()).prop_map(|(n, f, s)| Step::OwnFlag(n, f, s)),
        1 => any::<u8>().prop_map(Step::OwnExpunge),
        4 => (1..4_usize, 0..4_u64).prop_map(|(limit, back)| Step::Absorb { limit, back }),
        1 => Just(Step::HistoryLost),
        4 => any::<bool>().prop_map(Step::Drain),
    ]
}

/// All that came after `after`, in batches, as the session does.
fn absorb(view: &mut View, store: &Store, mut after: u64, limit: usize) {
    loop {
        let changes = store.changes(after, limit);
        after = changes.upto.0;
        let more = changes.more;
        view.absorb(changes);
        if !more {
            break;
        }
    }
}

fn lose_history(view: &mut View, store: &Store) {
    let mut flags = store.changes(view.cursor().0, usize::MAX);
    flags.vanished = UidSet::new();
    flags.upto = view.cursor();
    view.absorb(flags);
    view.absorb_snapshot(&store.snapshot());
}

proptest! {
    #[test]
    fn any_order_of_steps_keeps_the_clients_model_right(
        start in 0..5_u8,
        steps in proptest::collection::vec(step(), 0..60),
    ) {
        let mut store = Store { uid_next: 1, ..Store::default() };
        let append = |store: &mut Store| { let n = store.uid_next; store.uid_next += 1; store.set(n, 0); };
        for _ in 0..start { append(&mut store); }
        let mut view = View::new(&store.snapshot());
        let mut client = Client {
            messages: store.messages.iter().map(|(uid, m)| Some((*uid, m.1))).collect(),
        };
        for s in steps {
            match s {
                Step::Append => append(&mut store),
                Step::Flag(n, flags) => if let Some(uid) = store.nth(n) { store.set(uid, flags); },
                Step::Expunge(n) => if let Some(uid) = store.nth(n) { store.expunge(uid); },
                Step::OwnFlag(n, flags, silent) => {
                    // What the client does not know, it cannot name.
                    if let Some(uid) = store.nth(n) && let Some(seq) = view.seq_of(u(uid)) {
                        let change = store.set(uid, flags);
                        view.own_flags(&[change], silent);
                        client.messages[seq as usize - 1] = Some((uid, flags));
                    }
                }
                Step::OwnExpunge(n) => if let Some(uid) = store.nth(n) {
                    store.expunge(uid);
                    view.vanish(&UidSet::from(u(uid)));
                },
                Step::Absorb { limit, back } => {
                    let after = view.cursor().0.saturating_sub(back);
                    absorb(&mut view, &store, after, limit);
                }
                Step::HistoryLost => lose_history(&mut view, &store),
                Step::Drain(told) => {
                    let updates = view.drain(if told { Expunges::Told } else { Expunges::Withheld });
                    client.hear(&updates, &view, &store, told);
                }
            }
        }
        let after = view.cursor().0;
        absorb(&mut view, &store, after, 2);
        let updates = view.drain(Expunges::Told);
        client.hear(&updates, &view, &store, true);
        let known: Vec<(u32, u8)> = client.messages.iter().map(|m| m.unwrap()).collect();
        let truth: Vec<(u32, u8)> = store.messages.iter().map(|(uid, m)| (*uid, m.1)).collect();
        prop_assert_eq!(known, truth);
        prop_assert!(view.drain(Expunges::Told).is_empty());
        prop_assert!(view.told.is_empty(), "own changes are remembered no longer than needed");
    }
}

#[test]
fn flags_read_past_the_cursor_are_told_once() {
    let mut view = View::new(&snapshot(&[1, 2], 3, 10));
    // As a comparison reads them, where the history was lost.
    view.absorb(changes(vec![change(1, 15)], &[], 12));
    assert_eq!(view.drain(Expunges::Told).flags.len(), 1);
    view.absorb(changes(vec![change(1, 15), change(2, 16)], &[], 16));
    let told: Vec<u32> = view.drain(Expunges::Told).flags.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(told, [2]);
}
