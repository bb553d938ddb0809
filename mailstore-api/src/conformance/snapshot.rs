use super::scene::{Scene, keyword, message};
use crate::{Account, ErrorKind, FlagOp, MailboxId, OpenMode, SystemFlags};

pub(super) async fn an_empty_mailbox_opens_empty(t: &Scene) {
    let s = t.inbox().await.snapshot;
    assert!(s.uids.is_empty() && s.first_unseen.is_none() && s.at.0 >= 1);
}

pub(super) async fn to_open_the_unknown_is_not_found(t: &Scene) {
    let id = MailboxId("no-such-mailbox".into());
    let answer = t.anna().await.open(&id, OpenMode::Select).await;
    assert_eq!(answer.map(|_| ()).map_err(|e| e.kind), Err(ErrorKind::NotFound));
}

pub(super) async fn a_snapshot_holds_all_that_was_committed_before(t: &Scene) {
    let folder = t.inbox().await;
    for n in 0..5 {
        let uid = folder.append(&message(n)).await;
        let s = t.inbox().await.snapshot;
        assert_eq!(s.uids.last(), Some(&uid), "opened after the append");
        assert_eq!(s.uid_next, uid.get() + 1);
        assert_eq!(folder.now().await.uids, s.uids);
    }
    let all = folder.now().await.uids;
    folder.expunge(&all[1..3]).await;
    let left = t.inbox().await.snapshot.uids;
    assert_eq!(left, [all[0], all[3], all[4]]);
}

pub(super) async fn a_snapshot_is_ascending(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(50).await;
    folder.copy(&uids[..10], &folder).await;
    let s = folder.now().await;
    assert_eq!(s.uids.len(), 60);
    assert!(s.uids.windows(2).all(|w| w[0] < w[1]));
}

pub(super) async fn the_first_unseen_is_the_least(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(4).await;
    assert_eq!(folder.now().await.first_unseen, Some(uids[0]));
    folder.add(&[uids[0], uids[1], uids[3]], SystemFlags::SEEN).await;
    assert_eq!(folder.now().await.first_unseen, Some(uids[2]));
    assert_eq!(t.inbox().await.snapshot.first_unseen, Some(uids[2]));
    folder.add(&uids, SystemFlags::SEEN).await;
    assert_eq!(folder.now().await.first_unseen, None);
}

pub(super) async fn keywords_in_use_are_in_the_snapshot(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(3).await;
    folder.store(&uids[..1], FlagOp::Add, keyword("$Forwarded")).await;
    folder.store(&uids[1..], FlagOp::Add, keyword("Rechnung")).await;
    let mut keywords = t.inbox().await.snapshot.keywords;
    keywords.sort();
    assert_eq!(keywords, ["$Forwarded", "Rechnung"]);
}

pub(super) async fn the_mode_is_in_the_snapshot(t: &Scene) {
    assert!(!t.inbox().await.snapshot.read_only);
    let examined = t.examined("INBOX").await;
    assert!(examined.snapshot.read_only && examined.now().await.read_only);
}

pub(super) async fn nothing_is_new_since_a_snapshot(t: &Scene) {
    let folder = t.inbox().await;
    let uids = folder.fill(5).await;
    folder.add(&uids[1..], SystemFlags::FLAGGED).await;
    folder.expunge(&uids[..2]).await;
    let opened = t.inbox().await;
    let c = opened.since(opened.snapshot.at).await;
    assert!(c.changed.is_empty() && c.vanished.is_empty(), "{c:?}");
    assert_eq!(c.upto, opened.snapshot.at);
    assert_eq!(folder.now().await.at, opened.snapshot.at);
}

pub(super) async fn to_open_changes_nothing(t: &Scene) {
    let folder = t.inbox().await;
    folder.fill(2).await;
    let before = folder.status().await;
    t.inbox().await;
    t.examined("INBOX").await;
    let after = folder.status().await;
    assert_eq!((after.highest_modseq, after.recent), (before.highest_modseq, before.recent));
}
