use super::scene::{Scene, message};
use crate::{Account, MailboxId, ModSeq, StatusItems, SystemFlags};

pub(super) async fn an_empty_mailbox_has_zeros(t: &Scene) {
    let s = t.inbox().await.status().await;
    assert_eq!((s.messages, s.unseen, s.deleted, s.recent, s.size), (0, 0, 0, 0, 0));
    assert!(s.uid_next >= 1);
    assert!(s.highest_modseq > ModSeq(0), "RFC 7162 section 7: a mod-sequence is positive");
}

pub(super) async fn figures_count_what_is_there(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(5).await;
    folder.add(&uids[..2], SystemFlags::SEEN).await;
    folder.add(&uids[1..4], SystemFlags::DELETED).await;
    let s = folder.status().await;
    assert_eq!((s.messages, s.unseen, s.deleted), (5, 3, 3));
    assert_eq!(s.size, (0..5).map(|n| message(n).len() as u64).sum::<u64>());
    assert_eq!(s.uid_next, uids[4].get() + 1);
}

pub(super) async fn figures_fall_with_an_expunge(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(3).await;
    folder.add(&uids, SystemFlags::SEEN.and(SystemFlags::DELETED)).await;
    folder.expunge(&uids[..2]).await;
    let s = folder.status().await;
    assert_eq!((s.messages, s.unseen, s.deleted, s.size), (1, 0, 1, message(2).len() as u64));
    assert_eq!(s.uid_next, uids[2].get() + 1);
}

pub(super) async fn answers_stand_in_the_order_asked(t: &Scene) {
    let (a, b) = (t.folder("A").await, t.folder("B").await);
    let unknown = MailboxId("no-such-mailbox".into());
    let ids = [b.id.clone(), unknown, a.id.clone(), b.id.clone()];
    let all = a.account.status(&ids, StatusItems::MESSAGES).await.unwrap();
    assert_eq!(all.iter().map(|s| &s.id).collect::<Vec<_>>(), [&b.id, &a.id, &b.id]);
    assert!(a.account.status(&[], StatusItems::MESSAGES).await.unwrap().is_empty());
}

pub(super) async fn status_agrees_with_the_snapshot(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(4).await;
    folder.add(&uids[1..2], SystemFlags::SEEN).await;
    folder.expunge(&uids[3..]).await;
    let (s, snapshot) = (folder.status().await, folder.now().await);
    assert_eq!(s.messages as usize, snapshot.uids.len());
    assert_eq!((s.uid_next, s.uid_validity), (snapshot.uid_next, snapshot.uid_validity));
    assert_eq!(s.highest_modseq, snapshot.at);
}

pub(super) async fn every_change_raises_the_highest_modseq(t: &Scene) {
    let folder = t.inbox().await;
    let mut last = folder.status().await.highest_modseq;
    let mut grown = |now: ModSeq, what: &str| {
        assert!(now > last, "{what}: {now:?} after {last:?}");
        last = now;
    };
    let uid = folder.append(&message(1)).await;
    grown(folder.status().await.highest_modseq, "append");
    folder.add(&[uid], SystemFlags::SEEN).await;
    grown(folder.status().await.highest_modseq, "flag");
    folder.copy(&[uid], &folder).await;
    grown(folder.status().await.highest_modseq, "copy");
    folder.expunge(&[uid]).await;
    grown(folder.status().await.highest_modseq, "expunge");
}

pub(super) async fn figures_of_one_mailbox_are_its_own(t: &Scene) {
    let (a, b) = (t.folder("A").await, t.folder("B").await);
    let before = b.status().await;
    a.fill(3).await;
    assert_eq!(b.status().await, before);
}
