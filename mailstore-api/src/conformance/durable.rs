//! What a restart leaves, and what a second handle on the same data sees.

use std::{collections::BTreeSet, thread};

use super::{
    block_on,
    scene::{Folder, Scene, find, keyword, kind, message, name, set, stage},
    view::View,
};
use crate::{
    Account, AppendSpec, Body, ErrorKind, FlagOp, Flags, InternalDate, MailStore, Mailbox, MetaItems,
    OpenMode, Part, SpecialUse, SystemFlags, Uid,
};

pub(super) async fn messages_are_there_after_a_restart(t: &Scene) {
    let large: Vec<u8> = (0..400_000_u32).map(|n| (n % 253) as u8).collect();
    let date = InternalDate { seconds: 77, zone_minutes: 60 };
    let mut flags = keyword("$Forwarded");
    flags.system = SystemFlags::ANSWERED;
    let spec = AppendSpec { flags: flags.clone(), internal_date: Some(date), declared_len: None };
    let (snapshot, id, a, b) = {
        let folder = t.inbox().await;
        let (a, b) = (folder.append_as(&message(1), spec).await, folder.append(&large).await);
        (folder.now().await, folder.id.clone(), a, b)
    };
    if !t.reopen() {
        return;
    }
    let folder = t.inbox().await;
    assert_eq!((&folder.snapshot, &folder.id), (&snapshot, &id));
    assert!(folder.read(a).await == message(1) && folder.read(b).await == large);
    let meta = folder.meta(a, MetaItems::FLAGS | MetaItems::INTERNAL_DATE).await.unwrap();
    assert!(meta.flags.same_as(&flags) && meta.internal_date == date);
}

pub(super) async fn uids_are_not_given_again_after_a_restart(t: &Scene) {
    let mut seen = BTreeSet::new();
    for n in 0..4 {
        {
            let folder = t.inbox().await;
            let m = folder.commit_many(3, n * 3).await.uids;
            m.iter().for_each(|uid| assert!(seen.insert(*uid), "{uid} was given twice"));
            folder.expunge(&m[n as usize % 2..]).await;
        }
        if !t.reopen() {
            return;
        }
    }
}

pub(super) async fn modseqs_are_not_given_again_after_a_restart(t: &Scene) {
    let (at, m) = {
        let folder = t.inbox().await;
        let m = folder.fill(2).await;
        folder.add(&m[..1], SystemFlags::SEEN).await;
        (folder.expunge(&m[1..]).await.at, m[0])
    };
    if !t.reopen() {
        return;
    }
    let folder = t.inbox().await;
    assert_eq!(folder.snapshot.at, at);
    assert!(folder.add(&[m], SystemFlags::FLAGGED).await.at > at);
}

pub(super) async fn changes_go_on_over_a_restart(t: &Scene) {
    let (at, m) = {
        let folder = t.inbox().await;
        let m = folder.fill(4).await;
        let at = folder.now().await.at;
        folder.add(&m[..1], SystemFlags::SEEN).await;
        folder.expunge(&m[1..2]).await;
        (at, m)
    };
    if !t.reopen() {
        return;
    }
    let folder = t.inbox().await;
    match folder.mailbox.changes(at, 100).await {
        Err(e) => assert_eq!(e.kind, ErrorKind::HistoryLost),
        Ok(c) => {
            assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), &m[..1]);
            assert_eq!(c.vanished.intersection(&set(&m)), set(&m[1..2]));
        }
    }
}

pub(super) async fn the_hierarchy_is_there_after_a_restart(t: &Scene) {
    let before = {
        let anna = t.anna().await;
        anna.create(&name("A/B"), SpecialUse::NONE).await.unwrap();
        let id = anna.create(&name("C"), SpecialUse::NONE).await.unwrap();
        anna.rename(&id, &name("Ä/d")).await.unwrap();
        anna.subscribe(&name("Only"), true).await.unwrap();
        anna.subscribe(&name("A/B"), true).await.unwrap();
        anna.delete(&find(&anna, "A").await.unwrap().id.unwrap()).await.unwrap();
        let _ = anna.create(&name("Sent"), SpecialUse::SENT).await;
        let mut all = anna.list().await.unwrap();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    };
    if !t.reopen() {
        return;
    }
    let mut after = t.anna().await.list().await.unwrap();
    after.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(after, before);
}

pub(super) async fn uidvalidity_grows_over_a_restart(t: &Scene) {
    let (mut last, mut ids) = (0, BTreeSet::new());
    for _ in 0..3 {
        {
            let folder = t.folder("Again").await;
            assert!(folder.snapshot.uid_validity.get() > last);
            assert!(ids.insert(folder.id.clone()), "an id was given twice");
            last = folder.snapshot.uid_validity.get();
            folder.account.delete(&folder.id).await.unwrap();
        }
        if !t.reopen() {
            return;
        }
    }
}

pub(super) async fn what_was_not_committed_is_gone_after_a_restart(t: &Scene) {
    let before = {
        let folder = t.inbox().await;
        folder.fill(1).await;
        let mut open = folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap();
        crate::Staged::write(&mut open, &[b'x'; 300_000]).await.unwrap();
        let finished = stage(&folder.account, &folder.id, AppendSpec::default(), &message(5)).await;
        let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
        crate::Delivery::write(&mut delivery, &message(6)).await.unwrap();
        // As a crash would, as far as the language allows: nothing of them runs its destructor.
        std::mem::forget((open, finished, delivery));
        folder.now().await
    };
    if !t.reopen() {
        return;
    }
    let folder = t.inbox().await;
    assert_eq!((&folder.snapshot.uids, folder.snapshot.at), (&before.uids, before.at));
    assert!(folder.append(&message(7)).await.get() >= before.uid_next);
}

pub(super) async fn a_move_is_whole_after_a_restart(t: &Scene) {
    {
        let (from, to) = (t.inbox().await, t.folder("To").await);
        let m = from.fill(10).await;
        from.relocate(&m[3..7], &to).await;
    }
    if !t.reopen() {
        return;
    }
    let (from, to) = (t.inbox().await, t.folder("To").await);
    assert_eq!((from.snapshot.uids.len(), to.snapshot.uids.len()), (6, 4));
    assert_eq!(to.read(to.snapshot.uids[3]).await, message(6));
}

pub(super) async fn a_second_handle_sees_everything(t: &Scene) {
    let one = t.folder("Work").await;
    let Some(second) = t.second() else { return };
    let two = Folder::of(&second, "anna", "Work", OpenMode::Select).await;
    assert_eq!((&two.id, &two.snapshot), (&one.id, &one.snapshot));
    let m = one.fill(3).await;
    assert_eq!(two.now().await.uids, m);
    two.add(&m[..1], SystemFlags::SEEN).await;
    assert_eq!(one.flags(m[0]).await.system, SystemFlags::SEEN);
    two.expunge(&m[1..2]).await;
    assert_eq!(one.now().await.uids, [m[0], m[2]]);
    assert_eq!(two.read(m[2]).await, message(2));
    let at = one.now().await.at;
    assert_eq!(two.now().await.at, at);
    two.account.rename(&two.id, &name("New")).await.unwrap();
    assert_eq!(find(&one.account, "New").await.unwrap().id, Some(one.id.clone()));
    two.account.delete(&two.id).await.unwrap();
    assert_eq!(kind(one.mailbox.snapshot().await), Err(ErrorKind::Gone));
}

pub(super) async fn a_body_open_here_outlives_an_expunge_there(t: &Scene) {
    let one = t.inbox().await;
    let Some(second) = t.second() else { return };
    let octets: Vec<u8> = (0..500_000_u32).map(|n| (n % 249) as u8).collect();
    let m = one.append(&octets).await;
    let mut body = one.mailbox.body(m, Part::Whole).await.unwrap();
    Folder::of(&second, "anna", "INBOX", OpenMode::Select).await.expunge(&[m]).await;
    let mut at = 0;
    while at < octets.len() {
        let chunk = body.read_at(at as u64, 100_000).await.unwrap();
        assert!(!chunk.is_empty() && chunk == octets[at..at + chunk.len()]);
        at += chunk.len();
    }
}

pub(super) async fn two_handles_give_different_uids(t: &Scene) {
    let one = t.inbox().await;
    let Some(second) = t.second() else { return };
    let mut view = View::open(&one).await;
    let rounds = t.rounds(60);
    let told: Vec<Uid> = thread::scope(|s| {
        let all: Vec<_> = [t.store(), second.clone(), t.store(), second.clone()]
            .into_iter()
            .map(|store| {
                s.spawn(move || {
                    block_on(async {
                        let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        let mut mine = Vec::new();
                        for n in 0..rounds {
                            mine.extend(folder.commit_many(2, n).await.uids);
                        }
                        mine
                    })
                })
            })
            .collect();
        while !all.iter().all(thread::ScopedJoinHandle::is_finished) {
            block_on(view.pull(&one, 9)).unwrap();
        }
        all.into_iter().flat_map(|h| h.join().unwrap()).collect()
    });
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
    view.pull(&one, 9).await.unwrap();
    view.check(&one).await.unwrap();
    assert_eq!(view.messages.len(), told.len());
}

pub(super) async fn two_handles_lose_no_flags(t: &Scene) {
    let one = t.inbox().await;
    let Some(second) = t.second() else { return };
    let flags = [SystemFlags::SEEN, SystemFlags::FLAGGED];
    for round in 0..t.rounds(40) {
        let m = [one.append(&message(round)).await];
        thread::scope(|s| {
            for (store, flag) in [t.store(), second.clone()].into_iter().zip(flags) {
                let m = &m;
                s.spawn(move || {
                    block_on(async {
                        let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        folder.store(m, FlagOp::Add, Flags::system(flag)).await;
                    });
                });
            }
        });
        assert_eq!(one.flags(m[0]).await.system, SystemFlags::SEEN | SystemFlags::FLAGGED);
    }
}
