use std::{collections::BTreeSet, thread};

use super::{
    block_on,
    scene::{Folder, Scene, message},
    view::View,
};
use crate::{OpenMode, Uid};

pub(super) async fn uids_ascend(t: &Scene) {
    let folder = t.inbox().await;
    let mut last = 0;
    for n in 0..20 {
        let uid = folder.append(&message(n)).await.get();
        assert!(uid > last, "{uid} after {last}");
        last = uid;
    }
}

pub(super) async fn a_uid_names_the_message_it_was_given_for(t: &Scene) {
    let folder = t.inbox().await;
    let mut given = Vec::new();
    for n in 0..10 {
        given.push((folder.append(&message(n)).await, n));
    }
    for (uid, n) in given {
        assert_eq!(folder.read(uid).await, message(n));
    }
}

pub(super) async fn several_at_once_have_consecutive_uids(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(10).await;
    assert_eq!(uids.len(), 10);
    assert!(uids.windows(2).all(|w| w[0].get() + 1 == w[1].get()), "{uids:?}");
    for (n, uid) in uids.iter().enumerate() {
        assert_eq!(folder.read(*uid).await, message(n));
    }
}

pub(super) async fn uids_are_no_less_than_the_uid_next_seen(t: &Scene) {
    let folder = t.inbox().await;
    for _ in 0..3 {
        let next = folder.now().await.uid_next;
        assert!(folder.append(&message(0)).await.get() >= next);
    }
}

pub(super) async fn the_last_uid_is_not_given_again(t: &Scene) {
    let folder = t.inbox().await;
    let mut seen = BTreeSet::new();
    for n in 0..5 {
        let uid = folder.append(&message(n)).await;
        assert!(seen.insert(uid), "{uid} was given twice");
        folder.expunge(&[uid]).await;
    }
}

pub(super) async fn uid_next_never_falls(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(3).await;
    let before = folder.now().await.uid_next;
    folder.expunge(&uids).await;
    assert_eq!(folder.now().await.uid_next, before);
    assert_eq!(folder.status().await.uid_next, before);
}

pub(super) async fn each_mailbox_counts_for_itself(t: &Scene) {
    let (a, b) = (t.folder("A").await, t.folder("B").await);
    a.fill(5).await;
    let before = b.now().await.uid_next;
    assert_eq!(before, b.snapshot.uid_next);
    assert_eq!(b.append(&message(1)).await.get(), before);
}

/// Threads append at once; what each was told must be true.
async fn appenders(t: &Scene, threads: u32, rounds: u32, together: u32) -> Vec<(Vec<Uid>, u32)> {
    let mut told: Vec<(Vec<Uid>, u32)> = Vec::new();
    thread::scope(|s| {
        let handles: Vec<_> = (0..threads)
            .map(|who| {
                let store = t.store();
                s.spawn(move || {
                    block_on(async {
                        let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        let mut mine = Vec::new();
                        for round in 0..rounds {
                            let first = who * 100_000 + round * together;
                            mine.push((folder.commit_many(together, first).await.uids, first));
                        }
                        mine
                    })
                })
            })
            .collect();
        handles.into_iter().for_each(|h| told.extend(h.join().unwrap()));
    });
    told
}

pub(super) async fn appenders_at_once_get_different_uids(t: &Scene) {
    let folder = t.inbox().await;
    let rounds = t.rounds(50);
    let told = appenders(t, 8, rounds, 1).await;
    let all: BTreeSet<Uid> = told.iter().flat_map(|(uids, _)| uids).copied().collect();
    assert_eq!(all.len(), 8 * rounds as usize);
    assert_eq!(folder.now().await.uids, all.into_iter().collect::<Vec<_>>());
    for (uids, n) in told {
        assert_eq!(folder.read(uids[0]).await, message(n), "{uids:?}");
    }
}

pub(super) async fn appenders_of_several_at_once_stay_consecutive(t: &Scene) {
    let folder = t.inbox().await;
    for (uids, first) in appenders(t, 4, t.rounds(15), 5).await {
        assert!(uids.windows(2).all(|w| w[0].get() + 1 == w[1].get()), "{uids:?}");
        assert_eq!(folder.read(uids[4]).await, message(first + 4));
    }
}

pub(super) async fn no_uid_appears_below_one_that_was_seen(t: &Scene) {
    let folder = t.inbox().await;
    let mut view = View::open(&folder).await;
    let rounds = t.rounds(100);
    thread::scope(|s| {
        let writers: Vec<_> = (0..3)
            .map(|who| {
                let store = t.store();
                s.spawn(move || {
                    block_on(async {
                        let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        for n in 0..rounds {
                            folder.commit_many(1 + n % 3, who * 1000 + n).await;
                        }
                    });
                })
            })
            .collect();
        block_on(async {
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                view.pull(&folder, 7).await.unwrap();
            }
        });
    });
    view.pull(&folder, 7).await.unwrap();
    view.check(&folder).await.unwrap();
}
