use std::{
    future::Future,
    pin::pin,
    task::{Context, Waker},
    thread,
};

use super::{
    block_on,
    scene::{Folder, Scene, keyword, kind, message, stage, uid},
};
use crate::{
    Account, AppendSpec, ErrorKind, FlagOp, InternalDate, Mailbox, MailboxId, MetaItems, OpenMode, Replaces,
    Staged, SystemFlags, Uid,
};

pub(super) async fn a_staged_message_is_invisible(t: &Scene) {
    let folder = t.inbox().await;
    let staged = stage(&folder.account, &folder.id, AppendSpec::default(), &message(1)).await;
    assert!(folder.now().await.uids.is_empty());
    assert!(folder.since(folder.snapshot.at).await.changed.is_empty());
    let s = folder.status().await;
    assert_eq!((s.messages, s.size, s.recent), (0, 0, 0));
    folder.account.commit(&folder.id, vec![staged], None).await.unwrap();
    assert_eq!(folder.now().await.uids.len(), 1);
}

pub(super) async fn a_dropped_stage_leaves_nothing(t: &Scene) {
    let folder = t.inbox().await;
    folder.append(&message(0)).await;
    let before = folder.now().await;
    drop(folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap());
    let mut staged = folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap();
    staged.write(&[b'x'; 300_000]).await.unwrap();
    drop(staged);
    drop(stage(&folder.account, &folder.id, AppendSpec::default(), &message(1)).await);
    let after = folder.now().await;
    assert_eq!((after.uids, after.at), (before.uids, before.at));
    assert_eq!(folder.status().await.size, message(0).len() as u64);
}

pub(super) async fn uids_follow_the_order_of_the_commit_not_of_the_staging(t: &Scene) {
    let folder = t.inbox().await;
    let mut staged = Vec::new();
    for n in 0..3 {
        staged.push(stage(&folder.account, &folder.id, AppendSpec::default(), &message(n)).await);
    }
    staged.reverse();
    let uids = folder.account.commit(&folder.id, staged, None).await.unwrap().uids;
    for (uid, n) in uids.into_iter().zip([2, 1, 0]) {
        assert_eq!(folder.read(uid).await, message(n));
    }
}

pub(super) async fn the_outcome_is_true(t: &Scene) {
    let folder = t.inbox().await;
    let outcome = folder.commit_many(3, 0).await;
    assert_eq!(outcome.uid_validity, folder.snapshot.uid_validity);
    let now = folder.now().await;
    assert_eq!((now.uids, now.at), (outcome.uids, outcome.at));
    assert!(outcome.at > folder.snapshot.at);
}

pub(super) async fn several_appear_all_at_once(t: &Scene) {
    let folder = t.inbox().await;
    let rounds = t.rounds(60);
    thread::scope(|s| {
        let store = t.store();
        let writer = s.spawn(move || {
            block_on(async {
                let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                for n in 0..rounds {
                    folder.commit_many(10, n * 10).await;
                }
            });
        });
        block_on(async {
            while !writer.is_finished() {
                let n = folder.now().await.uids.len();
                assert!(n % 10 == 0, "{n} messages are no whole number of commits");
            }
        });
    });
}

pub(super) async fn each_message_has_its_own_spec(t: &Scene) {
    let folder = t.inbox().await;
    let mut staged = Vec::new();
    for n in 0..3_i64 {
        let spec = AppendSpec {
            flags: keyword(&format!("k{n}")),
            internal_date: Some(InternalDate { seconds: n * 1000, zone_minutes: 60 * n as i16 }),
            declared_len: Some(message(n).len() as u64),
        };
        staged.push(stage(&folder.account, &folder.id, spec, &message(n)).await);
    }
    let uids = folder.account.commit(&folder.id, staged, None).await.unwrap().uids;
    for (n, uid) in (0_i64..).zip(uids) {
        let meta = folder.meta(uid, MetaItems::FLAGS | MetaItems::INTERNAL_DATE).await.unwrap();
        assert!(meta.flags.has_keyword(&format!("k{n}")));
        assert_eq!((meta.internal_date.seconds, meta.internal_date.zone_minutes), (n * 1000, 60 * n as i16));
    }
}

pub(super) async fn dates_are_kept_from_end_to_end_of_time(t: &Scene) {
    let folder = t.inbox().await;
    for (seconds, zone_minutes) in [(0, 0), (-2_208_988_800, -720), (253_402_300_799, 840), (1, 1), (-1, -1)]
    {
        let date = InternalDate { seconds, zone_minutes };
        let spec = AppendSpec { internal_date: Some(date), ..AppendSpec::default() };
        let uid = folder.append_as(&message(1), spec).await;
        assert_eq!(folder.meta(uid, MetaItems::INTERNAL_DATE).await.unwrap().internal_date, date);
    }
}

pub(super) async fn without_a_date_it_is_now(t: &Scene) {
    let folder = t.inbox().await;
    let before = InternalDate::now().seconds;
    let uid = folder.append(&message(1)).await;
    let date = folder.meta(uid, MetaItems::INTERNAL_DATE).await.unwrap().internal_date;
    assert!((before - 60..=InternalDate::now().seconds + 60).contains(&date.seconds), "{date:?}");
}

pub(super) async fn a_wrong_declared_length_does_no_harm(t: &Scene) {
    let folder = t.inbox().await;
    for declared in [0, 5, 10_000] {
        let spec = AppendSpec { declared_len: Some(declared), ..AppendSpec::default() };
        let mut staged = folder.account.stage(&folder.id, spec).await.unwrap();
        // To refuse it is right; to keep other octets is not.
        if staged.write(&message(1)).await.is_err() || staged.finish().await.is_err() {
            continue;
        }
        if let Ok(outcome) = folder.account.commit(&folder.id, vec![staged], None).await {
            assert_eq!(folder.read(outcome.uids[0]).await, message(1));
        }
    }
}

pub(super) async fn an_unknown_mailbox_is_not_found(t: &Scene) {
    let anna = t.anna().await;
    let unknown = MailboxId("no-such-mailbox".into());
    assert_eq!(kind(anna.stage(&unknown, AppendSpec::default()).await), Err(ErrorKind::NotFound));
}

pub(super) async fn a_mailbox_deleted_meanwhile_is_not_found(t: &Scene) {
    let folder = t.folder("Work").await;
    let staged = stage(&folder.account, &folder.id, AppendSpec::default(), &message(1)).await;
    folder.account.delete(&folder.id).await.unwrap();
    assert_eq!(kind(folder.account.commit(&folder.id, vec![staged], None).await), Err(ErrorKind::NotFound));
}

pub(super) async fn nothing_committed_is_nothing_changed(t: &Scene) {
    let folder = t.inbox().await;
    let outcome = folder.account.commit(&folder.id, Vec::new(), None).await.unwrap();
    assert!(outcome.uids.is_empty());
    assert_eq!(folder.now().await, folder.snapshot);
}

async fn replace(folder: &Folder, mailbox: &Folder, uid: Uid, n: u32) -> crate::Result<crate::AppendOutcome> {
    let staged = stage(&folder.account, &folder.id, AppendSpec::default(), &message(n)).await;
    let old = Replaces { mailbox: mailbox.id.clone(), uid };
    folder.account.commit(&folder.id, vec![staged], Some(old)).await
}

pub(super) async fn the_new_replaces_the_old(t: &Scene) {
    let folder = t.inbox().await;
    let old = folder.fill(2).await;
    let at = folder.now().await.at;
    let outcome = replace(&folder, &folder, old[0], 7).await.unwrap();
    let now = folder.now().await;
    assert_eq!(now.uids, [old[1], outcome.uids[0]]);
    assert_eq!((now.at, folder.read(outcome.uids[0]).await), (outcome.at, message(7)));
    let c = folder.since(at).await;
    assert!(c.vanished.contains(old[0]));
    assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), outcome.uids);
}

pub(super) async fn the_new_replaces_one_of_another_mailbox(t: &Scene) {
    let (sent, drafts) = (t.folder("Sent").await, t.folder("Drafts").await);
    let draft = drafts.append(&message(1)).await;
    let outcome = replace(&sent, &drafts, draft, 2).await.unwrap();
    assert!(drafts.now().await.uids.is_empty());
    assert_eq!(sent.now().await.uids, outcome.uids);
    assert!(drafts.since(drafts.snapshot.at).await.vanished.contains(draft));
}

pub(super) async fn to_replace_what_is_gone_changes_nothing(t: &Scene) {
    let folder = t.inbox().await;
    let old = folder.append(&message(1)).await;
    folder.expunge(&[old]).await;
    let before = folder.now().await;
    for gone in [old, uid(77_777)] {
        assert_eq!(kind(replace(&folder, &folder, gone, 2).await), Err(ErrorKind::Gone));
    }
    assert_eq!(folder.now().await, before);
}

pub(super) async fn a_replacement_is_seen_in_one_step(t: &Scene) {
    let folder = t.inbox().await;
    let mut old = folder.append(&message(0)).await;
    let rounds = t.rounds(100);
    thread::scope(|s| {
        let store = t.store();
        let writer = s.spawn(move || {
            block_on(async {
                let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                for n in 0..rounds {
                    old = replace(&folder, &folder, old, n).await.unwrap().uids[0];
                }
            });
        });
        block_on(async {
            while !writer.is_finished() {
                assert_eq!(folder.now().await.uids.len(), 1);
            }
        });
    });
}

pub(super) async fn too_large_a_message_is_refused(t: &Scene) {
    if !t.limited() {
        return;
    }
    let folder = t.inbox().await;
    let Some(limit) = folder.account.append_limit(Some(&folder.id)) else {
        panic!("a limited store says its limit");
    };
    let declared = AppendSpec { declared_len: Some(limit + 1), ..AppendSpec::default() };
    assert_eq!(kind(folder.account.stage(&folder.id, declared).await), Err(ErrorKind::TooBig));
    let mut staged = folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap();
    let octets = vec![b'x'; limit as usize];
    let mut answer = staged.write(&octets).await;
    if answer.is_ok() {
        answer = staged.write(b"y").await;
    }
    let answer = if answer.is_ok() { staged.finish().await.map(|_| ()) } else { answer };
    assert_eq!(kind(answer), Err(ErrorKind::TooBig));
    let exact = folder.append(&octets).await;
    assert_eq!(folder.now().await.uids, [exact]);
}

pub(super) async fn a_dropped_future_has_done_all_or_nothing(t: &Scene) {
    let (folder, other) = (t.inbox().await, t.folder("Other").await);
    let waker = Waker::noop();
    for round in 0..t.rounds(40) {
        let (before, there) = (folder.now().await.uids.len(), other.now().await.uids.len());
        let mut staged = Vec::new();
        for n in 0..3 {
            staged.push(stage(&folder.account, &folder.id, AppendSpec::default(), &message(n)).await);
        }
        // Polled once or not at all, and dropped.
        {
            let mut commit = pin!(folder.account.commit(&folder.id, staged, None));
            if round % 4 > 0 {
                let _ = commit.as_mut().poll(&mut Context::from_waker(waker));
            }
        }
        let uids = folder.now().await.uids;
        {
            let set = uids.iter().copied().collect();
            let mut copy = pin!(folder.account.copy(&folder.id, &set, &other.id));
            let _ = copy.as_mut().poll(&mut Context::from_waker(waker));
        }
        {
            let (set, flags) = (uids.iter().copied().collect(), crate::Flags::system(SystemFlags::SEEN));
            let mut flag = pin!(folder.mailbox.set_flags(&set, FlagOp::Add, &flags, None));
            let _ = flag.as_mut().poll(&mut Context::from_waker(waker));
        }
        // What comes later finds each wholly done or not at all. What was begun may be done a little later,
        // so these wait for a change made after it.
        folder.append(&message(100)).await;
        other.append(&message(100)).await;
        let (now, copied) = (folder.now().await.uids.len(), other.now().await.uids.len() - 1 - there);
        assert!([before + 1, before + 4].contains(&now), "{before} became {now}");
        assert!(copied == 0 || copied == uids.len() || copied == before, "{copied} of {} copied", uids.len());
        folder.mailbox.expunge(None, false).await.unwrap();
    }
}
