use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    block_on,
    scene::{Folder, Scene, kind, message, set, uid},
    view::View,
};
use crate::{Account, AppendSpec, ErrorKind, InternalDate, MailboxId, MetaItems, OpenMode, SystemFlags as F};

pub(super) async fn the_message_is_there_and_no_longer_here(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(4).await;
    let outcome = from.relocate(&m[1..3], &to).await;
    assert_eq!(outcome.pairs.iter().map(|p| p.0).collect::<Vec<_>>(), &m[1..3]);
    assert_eq!(from.now().await.uids, [m[0], m[3]]);
    assert_eq!(to.now().await.uids, outcome.pairs.iter().map(|p| p.1).collect::<Vec<_>>());
    assert_eq!(to.read(outcome.pairs[1].1).await, message(2));
    assert_eq!(outcome.dest_validity, to.snapshot.uid_validity);
}

pub(super) async fn flags_and_date_go_along(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let date = InternalDate { seconds: 86_400, zone_minutes: 90 };
    let m =
        from.append_as(&message(1), AppendSpec { internal_date: Some(date), ..AppendSpec::default() }).await;
    from.add(&[m], F::ANSWERED).await;
    let new = from.relocate(&[m], &to).await.pairs[0].1;
    let meta = to.meta(new, MetaItems::FLAGS | MetaItems::INTERNAL_DATE).await.unwrap();
    assert_eq!((meta.flags.system, meta.internal_date), (F::ANSWERED, date));
}

pub(super) async fn both_sides_learn_by_their_changes(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(2).await;
    let at = from.now().await.at;
    let outcome = from.relocate(&m[..1], &to).await;
    let c = from.since(at).await;
    assert!(c.vanished.contains(m[0]) && !c.vanished.contains(m[1]));
    assert!(outcome.source_at > at);
    assert_eq!(c.upto, outcome.source_at);
    assert_eq!(to.since(to.snapshot.at).await.changed[0].uid, outcome.pairs[0].1);
}

pub(super) async fn within_one_mailbox_uids_are_new(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let at = folder.now().await.at;
    let outcome = folder.relocate(&m[..2], &folder).await;
    assert!(outcome.pairs.iter().all(|(_, new)| *new > m[2]));
    assert_eq!(folder.now().await.uids, [m[2], outcome.pairs[0].1, outcome.pairs[1].1]);
    let c = folder.since(at).await;
    assert_eq!(c.changed.len(), 2);
    assert!(c.vanished.contains(m[0]) && c.vanished.contains(m[1]));
    assert_eq!(folder.read(outcome.pairs[0].1).await, message(0));
}

pub(super) async fn what_is_gone_is_passed_over(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(2).await;
    from.expunge(&m[..1]).await;
    let outcome = from.relocate(&[m[0], m[1], uid(800_000)], &to).await;
    assert_eq!(outcome.pairs.len(), 1);
    let before = (from.now().await, to.now().await);
    assert!(from.relocate(&m, &to).await.pairs.is_empty());
    assert_eq!((from.now().await, to.now().await), before);
}

pub(super) async fn without_a_target_nothing_leaves(t: &Scene) {
    let from = t.inbox().await;
    let m = from.fill(2).await;
    let before = from.now().await;
    let unknown = MailboxId("no-such-mailbox".into());
    assert_eq!(kind(from.account.relocate(&from.id, &set(&m), &unknown).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(from.account.relocate(&unknown, &set(&m), &from.id).await), Err(ErrorKind::Gone));
    assert_eq!(from.now().await, before);
    assert_eq!(from.read(m[1]).await, message(1));
}

pub(super) async fn an_open_body_stays_readable(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.append(&message(3)).await;
    let mut body = crate::Mailbox::body(&from.mailbox, m, crate::Part::Whole).await.unwrap();
    from.relocate(&[m], &to).await;
    assert_eq!(crate::Body::read_at(&mut body, 0, 10_000).await.unwrap(), message(3));
}

pub(super) async fn of_two_who_move_a_message_one_does(t: &Scene) {
    let (from, b, c) = (t.inbox().await, t.folder("B").await, t.folder("C").await);
    for round in 0..t.rounds(40) {
        let m = [from.append(&message(round)).await];
        let moved = AtomicUsize::new(0);
        thread::scope(|s| {
            for target in ["B", "C", "B", "C"] {
                let (store, moved, m) = (t.store(), &moved, &m);
                s.spawn(move || {
                    block_on(async {
                        let from = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        let to = Folder::of(&store, "anna", target, OpenMode::Select).await;
                        moved.fetch_add(from.relocate(m, &to).await.pairs.len(), Ordering::SeqCst);
                    });
                });
            }
        });
        assert_eq!(moved.into_inner(), 1);
        assert!(from.now().await.uids.is_empty());
        assert_eq!(b.now().await.uids.len() + c.now().await.uids.len(), round as usize + 1);
    }
}

pub(super) async fn a_storm_of_moves_loses_and_doubles_none(t: &Scene) {
    let names = ["A", "B", "C"];
    let mut folders = Vec::new();
    for name in names {
        folders.push(t.folder(name).await);
    }
    folders[0].fill(30).await;
    let mut view = View::open(&folders[1]).await;
    let rounds = t.rounds(80);
    thread::scope(|s| {
        let movers: Vec<_> = [(0, 1), (1, 0), (1, 2), (2, 0), (0, 0)]
            .into_iter()
            .map(|(from, to)| {
                let store = t.store();
                s.spawn(move || {
                    block_on(async {
                        let from = Folder::of(&store, "anna", names[from], OpenMode::Select).await;
                        let to = Folder::of(&store, "anna", names[to], OpenMode::Select).await;
                        for n in 0..rounds as usize {
                            let uids = from.now().await.uids;
                            let some: Vec<_> = uids.iter().skip(n % 3).step_by(2).copied().collect();
                            from.relocate(&some, &to).await;
                        }
                    });
                })
            })
            .collect();
        block_on(async {
            while !movers.iter().all(thread::ScopedJoinHandle::is_finished) {
                view.pull(&folders[1], 5).await.unwrap();
            }
        });
    });
    view.pull(&folders[1], 5).await.unwrap();
    view.check(&folders[1]).await.unwrap();
    let mut texts = Vec::new();
    for folder in &folders {
        for uid in folder.now().await.uids {
            texts.push(folder.read(uid).await);
        }
    }
    texts.sort();
    let mut all: Vec<_> = (0..30).map(message).collect();
    all.sort();
    assert_eq!(texts, all);
}
