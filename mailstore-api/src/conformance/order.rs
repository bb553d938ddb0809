//! Modseqs become visible in the order of commits: a cursor never steps over a change.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use super::{
    block_on,
    scene::{Folder, Scene, message, stage, system},
    view::View,
};
use crate::{
    Account, AnyStore, AppendSpec, Delivery, FlagOp, Interest, MailStore, Mailbox, MailboxName, ModSeq,
    OpenMode, Recipient, SystemFlags as F, Uid,
};

async fn inbox(store: &AnyStore) -> Folder {
    Folder::of(store, "anna", "INBOX", OpenMode::Select).await
}

/// Runs writers, and readers that pull all the while; in the end each reader's view must be the mailbox.
fn storm(t: &Scene, writers: &[&(dyn Fn(&AnyStore) + Sync)]) {
    thread::scope(|s| {
        let store = t.store();
        let mut views: Vec<(Folder, View, usize)> = Vec::new();
        for limit in [1, 5, usize::MAX] {
            let folder = block_on(inbox(&store));
            let view = block_on(View::open(&folder));
            views.push((folder, view, limit));
        }
        let running: Vec<_> = (writers.iter().copied())
            .map(|writer| {
                let store = t.store();
                s.spawn(move || writer(&store))
            })
            .collect();
        while !running.iter().all(thread::ScopedJoinHandle::is_finished) {
            for (folder, view, limit) in &mut views {
                block_on(view.pull(folder, *limit)).unwrap();
            }
        }
        for h in running {
            h.join().unwrap();
        }
        for (folder, view, limit) in &mut views {
            block_on(view.pull(folder, *limit)).unwrap();
            if let Err(lost) = block_on(view.check(folder)) {
                panic!("by {limit}: {lost}");
            }
        }
    });
}

pub(super) async fn each_new_modseq_is_greater_than_all_seen(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let mut last = folder.now().await.at;
    for n in 0..20 {
        let outcome = folder.add(&m[n % 3..=n % 3], if n < 10 { F::SEEN } else { F::FLAGGED }).await;
        let c = &outcome.changed[0];
        assert_eq!(c.modseq > last, outcome.at > last, "{c:?} after {last:?}");
        assert_eq!(folder.since(last).await.changed.len(), usize::from(outcome.at > last));
        last = outcome.at;
    }
}

pub(super) async fn a_cursor_misses_no_append(t: &Scene) {
    let rounds = t.rounds(80);
    let append = |store: &AnyStore| {
        block_on(async {
            let folder = inbox(store).await;
            for n in 0..rounds {
                folder.commit_many(1 + n % 4, n * 10).await;
            }
        });
    };
    storm(t, &[&append, &append, &append]);
}

pub(super) async fn a_cursor_misses_no_flag(t: &Scene) {
    t.inbox().await.fill(20).await;
    let rounds = t.rounds(120);
    let flag = |flag: F| {
        move |store: &AnyStore| {
            block_on(async {
                let folder = inbox(store).await;
                for n in 0..rounds as usize {
                    let some: Vec<Uid> =
                        folder.snapshot.uids.iter().skip(n % 5).step_by(n % 3 + 1).copied().collect();
                    let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
                    folder.store(&some, op, system(flag)).await;
                }
            });
        }
    };
    storm(t, &[&flag(F::SEEN), &flag(F::FLAGGED), &flag(F::DRAFT)]);
}

/// What one pull answered: from this cursor, everything up to that one.
struct Cut {
    after: ModSeq,
    upto: ModSeq,
    changed: BTreeMap<Uid, ModSeq>,
}

/// A modseq that a change was answered with belongs to every cut around it: one that is taken early and becomes
/// visible late falls into a cut that was made already.
pub(super) async fn a_modseq_is_visible_before_any_greater_one(t: &Scene) {
    t.inbox().await.fill(8).await;
    let (rounds, told) = (t.rounds(150), Mutex::new(Vec::<(Uid, ModSeq)>::new()));
    let mut cuts = Vec::new();
    thread::scope(|s| {
        let writers: Vec<_> = (0..3_usize)
            .map(|who| {
                let (store, told) = (t.store(), &told);
                s.spawn(move || {
                    block_on(async {
                        let folder = inbox(&store).await;
                        for n in 0..rounds as usize {
                            let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
                            let some = &folder.snapshot.uids[who * 2..who * 2 + 2 + n % 2];
                            let outcome = folder.store(some, op, system(F::FLAGGED)).await;
                            told.lock().unwrap().extend(outcome.changed.iter().map(|c| (c.uid, c.modseq)));
                        }
                    });
                })
            })
            .collect();
        let folder = block_on(t.inbox());
        let mut after = folder.snapshot.at;
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let c = block_on(folder.since(after));
            let changed = c.changed.iter().map(|c| (c.uid, c.modseq)).collect();
            if c.upto > after {
                cuts.push(Cut { after, upto: c.upto, changed });
                after = c.upto;
            }
        }
    });
    for (uid, modseq) in told.into_inner().unwrap() {
        let Some(cut) = cuts.iter().find(|cut| cut.after < modseq && modseq <= cut.upto) else { continue };
        let seen = cut.changed.get(&uid);
        assert!(
            seen.is_some_and(|seen| *seen >= modseq),
            "{uid} changed at {modseq:?}, and the cut from {:?} to {:?} has {seen:?}",
            cut.after,
            cut.upto
        );
    }
}

pub(super) async fn a_cursor_misses_no_expunge(t: &Scene) {
    let rounds = t.rounds(80);
    let append = |store: &AnyStore| {
        block_on(async {
            let folder = inbox(store).await;
            for n in 0..rounds {
                folder.commit_many(3, n).await;
            }
        });
    };
    let expunge = |store: &AnyStore| {
        block_on(async {
            let folder = inbox(store).await;
            for n in 0..rounds as usize {
                let uids = folder.now().await.uids;
                let some: Vec<Uid> = uids.iter().skip(n % 4).step_by(3).copied().collect();
                folder.expunge(&some).await;
            }
        });
    };
    storm(t, &[&append, &expunge, &expunge]);
}

pub(super) async fn a_cursor_misses_no_copy_and_no_move(t: &Scene) {
    t.folder("Other").await.fill(10).await;
    t.inbox().await.fill(10).await;
    let rounds = t.rounds(60);
    let mover = |into: bool, moves: bool| {
        move |store: &AnyStore| {
            block_on(async {
                let (a, b) = (inbox(store).await, Folder::of(store, "anna", "Other", OpenMode::Select).await);
                let (from, to) = if into { (&b, &a) } else { (&a, &b) };
                for n in 0..rounds as usize {
                    let uids: Vec<Uid> = from.now().await.uids.into_iter().skip(n % 3).take(4).collect();
                    if moves {
                        from.relocate(&uids, to).await;
                    } else if n % 8 == 0 {
                        from.copy(&uids, to).await;
                    }
                }
            });
        }
    };
    storm(t, &[&mover(true, true), &mover(false, true), &mover(true, false)]);
}

pub(super) async fn a_cursor_misses_no_delivery(t: &Scene) {
    let rounds = t.rounds(80);
    let deliver = |store: &AnyStore| {
        block_on(async {
            let to = ["anna", "bert", "anna"].map(|who| Recipient {
                account: who.into(),
                mailbox: MailboxName::inbox(),
                prefix: Vec::new(),
            });
            for n in 0..rounds {
                let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
                delivery.write(&message(n)).await.unwrap();
                assert!(delivery.commit(&to).await.iter().all(Result::is_ok));
            }
        });
    };
    let replace = |store: &AnyStore| {
        block_on(async {
            let folder = inbox(store).await;
            for n in 0..rounds {
                let Some(old) = folder.now().await.uids.last().copied() else { continue };
                let octets = message(n);
                let staged = stage(&folder.account, &folder.id, AppendSpec::default(), &octets).await;
                let old = crate::Replaces { mailbox: folder.id.clone(), uid: old };
                // Another may have replaced it: that is Gone, and nothing done.
                let _ = folder.account.commit(&folder.id, vec![staged], Some(old)).await;
            }
        });
    };
    storm(t, &[&deliver, &deliver, &replace]);
}

/// Where two threads meet again and again; when one fails, the other does not wait for it for ever.
#[derive(Default)]
struct Meeting {
    arrived: AtomicU32,
    over: AtomicBool,
}

impl Meeting {
    /// Waits for the other's `nth` arrival, from 1. False when there is none any more.
    fn meet(&self, nth: u32) -> bool {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        loop {
            // Read in this order: who has left arrived before.
            let over = self.over.load(Ordering::SeqCst);
            if self.arrived.load(Ordering::SeqCst) >= 2 * nth {
                return true;
            }
            if over {
                return false;
            }
            thread::yield_now();
        }
    }
}

struct Leaving<'a>(&'a Meeting);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::SeqCst);
    }
}

/// What somebody did while another opened the mailbox.
#[derive(Clone, Copy)]
enum Done {
    Appended(Uid, ModSeq),
    Flagged(Uid, ModSeq),
    Expunged(Uid, ModSeq),
}

/// Ten thousand times, a change falls somewhere into the opening of the mailbox: it is in the snapshot or in the
/// changes after it, never in neither.
pub(super) async fn a_change_during_open_is_in_the_snapshot_or_after_it(t: &Scene) {
    let rounds = t.rounds(10_000);
    let folder = t.inbox().await;
    let target = folder.fill(2).await[1];
    let (meeting, done) = (Meeting::default(), Mutex::new(None));
    thread::scope(|s| {
        let (store, meeting, done) = (t.store(), &meeting, &done);
        let _leaving = Leaving(meeting);
        s.spawn(move || {
            let _leaving = Leaving(meeting);
            let folder = block_on(inbox(&store));
            let mut last = None;
            for n in 0..rounds {
                if !meeting.meet(2 * n + 1) {
                    return;
                }
                let what = block_on(async {
                    match (n % 3, last.take()) {
                        (0, _) | (_, None) => {
                            let outcome = folder.commit_many(1, n).await;
                            last = Some(outcome.uids[0]);
                            Done::Appended(outcome.uids[0], outcome.at)
                        }
                        (1, Some(keep)) => {
                            last = Some(keep);
                            let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
                            Done::Flagged(target, folder.store(&[target], op, system(F::FLAGGED)).await.at)
                        }
                        (_, Some(uid)) => Done::Expunged(uid, folder.expunge(&[uid]).await.at),
                    }
                });
                *done.lock().unwrap() = Some(what);
                meeting.meet(2 * n + 2);
            }
        });
        let anna = block_on(t.anna());
        for round in 0..rounds {
            assert!(meeting.meet(2 * round + 1), "the other thread failed");
            let (snapshot, mailbox) = block_on(anna.open(&folder.id, OpenMode::Select)).unwrap();
            assert!(meeting.meet(2 * round + 2), "the other thread failed");
            let c = block_on(mailbox.changes(snapshot.at, usize::MAX)).unwrap();
            let what = done.lock().unwrap().take().unwrap();
            let (in_snapshot, later, at) = match what {
                Done::Appended(uid, at) => {
                    (snapshot.uids.contains(&uid), c.changed.iter().any(|c| c.uid == uid), at)
                }
                Done::Flagged(uid, at) => (at <= snapshot.at, c.changed.iter().any(|c| c.uid == uid), at),
                Done::Expunged(uid, at) => (!snapshot.uids.contains(&uid), c.vanished.contains(uid), at),
            };
            assert_eq!(in_snapshot, at <= snapshot.at, "round {round}: the snapshot is not of its modseq");
            assert_eq!(
                later,
                at > snapshot.at,
                "round {round}: {at:?} and the snapshot at {:?}",
                snapshot.at
            );
        }
    });
}

pub(super) async fn a_session_that_sleeps_on_hints_ends_with_the_truth(t: &Scene) {
    let folder = t.inbox().await;
    let mut watch = folder.account.watch(Interest::Mailboxes(vec![folder.id.clone()])).await.unwrap();
    let mut view = View::open(&folder).await;
    let rounds = t.rounds(100);
    thread::scope(|s| {
        let writers: Vec<_> = (0..2)
            .map(|who| {
                let store = t.store();
                s.spawn(move || {
                    block_on(async {
                        let folder = inbox(&store).await;
                        for n in 0..rounds {
                            let m = folder.commit_many(2, who * 1000 + n).await.uids;
                            folder.add(&m[..1], F::SEEN).await;
                            folder.expunge(&m[1..]).await;
                        }
                        folder.append(b"the end\r\n").await;
                    });
                })
            })
            .collect();
        let whole = 2 * (rounds as usize + 1);
        while view.messages.len() < whole || !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            if view.messages.len() < whole {
                t.expect_hint(&mut watch, &folder.id);
            }
            block_on(view.pull(&folder, 10)).unwrap();
        }
    });
    view.pull(&folder, 10).await.unwrap();
    view.check(&folder).await.unwrap();
}
