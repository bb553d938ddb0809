use super::scene::{Scene, kind, message, set, uid};
use crate::{ErrorKind, FlagOp, Flags, Mailbox, ModSeq, SystemFlags, UidSet};

pub(super) async fn without_a_change_there_is_none(t: &Scene) {
    let folder = t.inbox().await;
    let c = folder.since(folder.snapshot.at).await;
    assert!(c.changed.is_empty() && c.vanished.is_empty());
    assert_eq!((c.upto, c.uid_next), (folder.snapshot.at, folder.snapshot.uid_next));
}

pub(super) async fn new_messages_come_with_flags(t: &Scene) {
    let folder = t.inbox().await;
    let a = folder.append(&message(1)).await;
    let b = folder.append_flagged(&message(2), Flags::system(SystemFlags::DRAFT)).await;
    let c = folder.since(folder.snapshot.at).await;
    assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), [a, b]);
    assert_eq!(c.changed[1].flags.system, SystemFlags::DRAFT);
    assert!(c.changed[0].modseq < c.changed[1].modseq, "two commits, two modseqs");
    assert_eq!(c.uid_next, b.get() + 1);
}

pub(super) async fn changed_flags_come(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(5).await;
    let at = folder.now().await.at;
    folder.add(&uids[1..3], SystemFlags::SEEN).await;
    let c = folder.since(at).await;
    assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), &uids[1..3]);
    assert!(c.changed.iter().all(|c| c.flags.system == SystemFlags::SEEN && c.modseq > at));
}

pub(super) async fn the_expunged_vanish(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(5).await;
    let at = folder.now().await.at;
    folder.expunge(&[uids[1], uids[4]]).await;
    let c = folder.since(at).await;
    assert!(c.changed.is_empty());
    let known = set(&uids);
    assert_eq!(c.vanished.intersection(&known), set(&[uids[1], uids[4]]));
}

pub(super) async fn the_vanished_are_never_there(t: &Scene) {
    let folder = t.inbox().await;
    let mut gone = Vec::new();
    for n in 0..20 {
        let uids = folder.commit_many(3, n * 3).await.uids;
        folder.expunge(&uids[n as usize % 3..=n as usize % 3]).await;
        gone.push(uids[n as usize % 3]);
    }
    let there = set(&folder.now().await.uids);
    for after in folder.snapshot.at.0..folder.now().await.at.0 {
        let c = folder.since(ModSeq(after)).await;
        assert!(c.vanished.intersection(&there).is_empty(), "after {after}: {:?}", c.vanished);
    }
    let all = folder.since(folder.snapshot.at).await.vanished;
    assert!(gone.iter().all(|u| all.contains(*u)));
}

pub(super) async fn asked_again_the_answer_is_the_same(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(5).await;
    folder.add(&uids[2..], SystemFlags::FLAGGED).await;
    folder.expunge(&uids[..1]).await;
    let first = folder.mailbox.changes(folder.snapshot.at, 100).await.unwrap();
    for _ in 0..3 {
        assert_eq!(folder.mailbox.changes(folder.snapshot.at, 100).await.unwrap(), first);
    }
    assert_eq!(t.inbox().await.mailbox.changes(folder.snapshot.at, 100).await.unwrap(), first);
}

pub(super) async fn from_every_cursor_just_what_came_later(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(4).await;
    let mut steps = vec![folder.now().await.at];
    for uid in &uids {
        steps.push(folder.add(&[*uid], SystemFlags::SEEN).await.at);
    }
    for (n, at) in steps.iter().enumerate() {
        let later: Vec<_> = folder.since(*at).await.changed.iter().map(|c| c.uid).collect();
        assert_eq!(later, &uids[n..], "after step {n}");
    }
}

pub(super) async fn what_changed_twice_comes_once(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(2).await;
    let at = folder.now().await.at;
    folder.add(&uids[..1], SystemFlags::SEEN).await;
    folder.add(&uids[..1], SystemFlags::FLAGGED).await;
    let last = folder.store(&uids[..1], FlagOp::Remove, Flags::system(SystemFlags::SEEN)).await.at;
    let c = folder.since(at).await;
    assert_eq!((c.changed.len(), c.changed[0].modseq, c.upto), (1, last, last));
    assert_eq!(c.changed[0].flags.system, SystemFlags::FLAGGED);
}

pub(super) async fn what_came_and_went_is_not_there(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(3).await;
    folder.add(&uids[..2], SystemFlags::SEEN).await;
    folder.expunge(&uids[..2]).await;
    let c = folder.since(folder.snapshot.at).await;
    assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), &uids[2..]);
    assert_eq!(c.uid_next, uids[2].get() + 1);
}

pub(super) async fn batches_hold_together_what_one_answer_holds(t: &Scene) {
    let folder = t.inbox().await;
    let mut uids = Vec::new();
    for n in 0..20 {
        uids.extend(folder.commit_many(1 + n % 3, n * 10).await.uids);
    }
    for (n, uid) in uids.iter().enumerate().filter(|(n, _)| n % 4 == 0) {
        folder.add(&[*uid], if n % 8 == 0 { SystemFlags::SEEN } else { SystemFlags::FLAGGED }).await;
    }
    folder.expunge(&uids[5..9]).await;
    folder.expunge(&uids[30..31]).await;
    let whole = folder.since(folder.snapshot.at).await;
    for limit in [1, 2, 3, 7, 36, 1000] {
        let parts = folder.since_by(folder.snapshot.at, limit).await;
        assert_eq!(parts.changed, whole.changed, "by {limit}");
        assert_eq!((parts.upto, parts.uid_next), (whole.upto, whole.uid_next));
        assert_eq!(parts.vanished, whole.vanished, "by {limit}");
    }
}

pub(super) async fn a_batch_is_about_as_long_as_asked(t: &Scene) {
    let folder = t.inbox().await;
    for n in 0..30 {
        folder.append(&message(n)).await;
    }
    let part = folder.mailbox.changes(folder.snapshot.at, 5).await.unwrap();
    assert!(part.more && (1..=15).contains(&part.changed.len()), "{}", part.changed.len());
    assert!(part.upto > folder.snapshot.at);
}

pub(super) async fn answers_are_ascending_and_within_their_cursors(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(10).await;
    for n in [7, 2, 9, 4] {
        folder.add(&uids[n..=n], SystemFlags::SEEN).await;
    }
    let at = folder.snapshot.at;
    let c = folder.since(at).await;
    assert!(c.changed.windows(2).all(|w| w[0].uid < w[1].uid));
    assert!(c.changed.iter().all(|c| c.modseq > at && c.modseq <= c.modseq.max(at)));
    assert_eq!(c.changed.iter().map(|c| c.modseq).max(), Some(c.upto));
}

pub(super) async fn from_zero_everything_comes(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(3).await;
    let c = folder.since(ModSeq(0)).await;
    assert_eq!(c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), uids);
}

pub(super) async fn a_cursor_from_the_future_gives_nothing(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(1).await;
    for future in [folder.now().await.at.0 + 1_000_000, i64::MAX as u64] {
        let c = folder.mailbox.changes(ModSeq(future), 100).await.unwrap();
        assert!(c.changed.is_empty() && !c.more, "{c:?}");
        assert!(!c.vanished.contains(uids[0]));
    }
}

pub(super) async fn modseqs_agree_between_changes_and_meta(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(4).await;
    folder.add(&uids[1..2], SystemFlags::SEEN).await;
    for c in folder.since(folder.snapshot.at).await.changed {
        assert_eq!(folder.modseq(c.uid).await, c.modseq);
        assert!(folder.flags(c.uid).await.same_as(&c.flags));
    }
}

pub(super) async fn vanished_since_answers_within_the_known(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(6).await;
    let at = folder.now().await.at;
    let first = folder.expunge(&uids[..2]).await.at;
    folder.expunge(&uids[4..5]).await;
    let ask = async |since, known: &UidSet| folder.mailbox.vanished_since(since, known).await.unwrap();
    assert_eq!(ask(at, &set(&uids)).await, set(&[uids[0], uids[1], uids[4]]));
    assert_eq!(ask(at, &set(&uids[1..4])).await, set(&uids[1..2]));
    assert_eq!(ask(first, &set(&uids)).await, set(&uids[4..5]));
    assert!(ask(folder.now().await.at, &UidSet::all()).await.is_empty());
    assert!(ask(at, &UidSet::new()).await.is_empty());
}

pub(super) async fn vanished_since_never_names_the_living(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(9).await;
    let at = folder.now().await.at;
    folder.expunge(&[uids[0], uids[2], uids[4], uids[6]]).await;
    let gone = folder.mailbox.vanished_since(at, &UidSet::all()).await.unwrap();
    assert!(gone.intersection(&set(&folder.now().await.uids)).is_empty());
    assert!([0, 2, 4, 6].iter().all(|n: &usize| gone.contains(uids[*n])));
}

pub(super) async fn lost_history_is_said(t: &Scene) {
    if !t.forgetful() {
        return;
    }
    let folder = t.inbox().await;
    let kept = folder.append(&message(0)).await;
    let at = folder.now().await.at;
    for n in 0..80 {
        let uid = folder.append(&message(n)).await;
        folder.expunge(&[uid]).await;
    }
    assert_eq!(kind(folder.mailbox.changes(at, 10).await), Err(ErrorKind::HistoryLost));
    assert_eq!(kind(folder.mailbox.vanished_since(at, &UidSet::all()).await), Err(ErrorKind::HistoryLost));
    let fresh = folder.now().await;
    assert_eq!(fresh.uids, [kept]);
    let c = folder.mailbox.changes(fresh.at, 10).await.unwrap();
    assert!(c.changed.is_empty() && c.vanished.is_empty());
    let next = folder.append(&message(1)).await;
    assert_eq!(folder.since(fresh.at).await.changed[0].uid, next);
    folder.expunge(&[next]).await;
    assert!(folder.since(fresh.at).await.vanished.contains(next));
    assert!(next > uid(80));
}
