use std::thread;

use super::{
    block_on,
    scene::{Folder, Scene, keyword, kind, message, set, uid},
};
use crate::{
    Account, AppendSpec, ErrorKind, InternalDate, MailboxId, MetaItems, OpenMode, SystemFlags as F, UidSet,
};

pub(super) async fn a_copy_has_octets_flags_and_date(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let mut flags = keyword("$Label1");
    flags.system = F::SEEN | F::DELETED;
    let date = InternalDate { seconds: 1_000_000_000, zone_minutes: -210 };
    let spec = AppendSpec { flags: flags.clone(), internal_date: Some(date), ..AppendSpec::default() };
    let m = from.append_as(b"a\r\n\r\nno end of line", spec).await;
    let copy = from.copy(&[m], &to).await.pairs[0].1;
    let meta = to.meta(copy, MetaItems::from_bits(u32::MAX)).await.unwrap();
    assert!(meta.flags.same_as(&flags), "{:?}", meta.flags);
    assert_eq!((meta.internal_date, meta.ends_with_crlf), (date, false));
    assert_eq!(to.read(copy).await, b"a\r\n\r\nno end of line");
}

pub(super) async fn pairs_ascend_and_name_the_copies(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    to.fill(3).await;
    let m = from.fill(6).await;
    let next = to.now().await.uid_next;
    let outcome = from.copy(&[m[4], m[0], m[2]], &to).await;
    assert_eq!(outcome.dest_validity, to.snapshot.uid_validity);
    assert_eq!(outcome.pairs.iter().map(|p| p.0).collect::<Vec<_>>(), [m[0], m[2], m[4]]);
    assert!(outcome.pairs.windows(2).all(|w| w[0].1 < w[1].1));
    assert!(outcome.pairs[0].1.get() >= next);
    for (n, (_, copy)) in [0, 2, 4].iter().zip(outcome.pairs) {
        assert_eq!(to.read(copy).await, message(n));
    }
}

pub(super) async fn every_message_of_the_set_is_copied(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(30).await;
    assert_eq!(from.copy(&m, &to).await.pairs.len(), 30);
    assert_eq!(to.now().await.uids.len(), 30);
    assert_eq!(to.status().await.size, from.status().await.size);
}

pub(super) async fn the_source_stays_as_it_is(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(3).await;
    let before = from.now().await;
    let outcome = from.copy(&m, &to).await;
    assert_eq!(from.now().await, before);
    assert_eq!(outcome.source_at, before.at);
}

pub(super) async fn the_target_learns_of_copies_by_its_changes(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(3).await;
    let outcome = from.copy(&m, &to).await;
    let c = to.since(to.snapshot.at).await;
    assert_eq!(
        c.changed.iter().map(|c| c.uid).collect::<Vec<_>>(),
        outcome.pairs.iter().map(|p| p.1).collect::<Vec<_>>()
    );
}

pub(super) async fn copies_stay_when_the_source_goes(t: &Scene) {
    let (from, to) = (t.folder("From").await, t.folder("To").await);
    let m = from.append(&message(7)).await;
    let copy = from.copy(&[m], &to).await.pairs[0].1;
    from.expunge(&[m]).await;
    assert_eq!(to.read(copy).await, message(7));
    from.account.delete(&from.id).await.unwrap();
    assert_eq!(to.read(copy).await, message(7));
    let second = to.copy(&[copy], &to).await.pairs[0].1;
    to.expunge(&[copy]).await;
    assert_eq!(to.read(second).await, message(7));
}

pub(super) async fn flags_of_copies_are_their_own(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.append(&message(1)).await;
    let copy = from.copy(&[m], &to).await.pairs[0].1;
    to.add(&[copy], F::SEEN).await;
    assert_eq!(from.flags(m).await.system, F::NONE);
    from.add(&[m], F::FLAGGED).await;
    assert_eq!(to.flags(copy).await.system, F::SEEN);
}

pub(super) async fn into_the_same_mailbox(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let outcome = folder.copy(&m[..2], &folder).await;
    assert_eq!(folder.now().await.uids.len(), 5);
    assert!(outcome.pairs.iter().all(|(_, copy)| *copy > m[2]));
    assert_eq!(folder.read(outcome.pairs[1].1).await, message(1));
}

pub(super) async fn what_is_gone_is_passed_over(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(3).await;
    from.expunge(&m[..1]).await;
    let outcome = from.copy(&[m[0], m[2], uid(9_000_000)], &to).await;
    assert_eq!(outcome.pairs.iter().map(|p| p.0).collect::<Vec<_>>(), [m[2]]);
    let all = from.account.copy(&from.id, &UidSet::all(), &to.id).await.unwrap();
    assert_eq!(all.pairs.len(), 2);
}

pub(super) async fn nothing_copied_is_nothing_changed(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let outcome = from.copy(&[uid(7)], &to).await;
    assert!(outcome.pairs.is_empty());
    assert_eq!(outcome.dest_validity, to.snapshot.uid_validity);
    assert_eq!(to.now().await, to.snapshot);
}

pub(super) async fn a_missing_target_is_not_found_and_a_missing_source_gone(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(1).await;
    let unknown = MailboxId("no-such-mailbox".into());
    assert_eq!(kind(from.account.copy(&from.id, &set(&m), &unknown).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(from.account.copy(&unknown, &set(&m), &to.id).await), Err(ErrorKind::Gone));
    assert!(to.now().await.uids.is_empty());
}

pub(super) async fn copies_appear_all_at_once(t: &Scene) {
    let (from, to) = (t.inbox().await, t.folder("To").await);
    let m = from.fill(25).await;
    let rounds = t.rounds(40);
    thread::scope(|s| {
        let (store, m) = (t.store(), &m);
        let writer = s.spawn(move || {
            block_on(async {
                let from = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                let to = Folder::of(&store, "anna", "To", OpenMode::Select).await;
                for _ in 0..rounds {
                    from.copy(m, &to).await;
                }
            });
        });
        block_on(async {
            while !writer.is_finished() {
                let n = to.now().await.uids.len();
                assert!(n % 25 == 0, "{n} messages are no whole number of copies");
            }
        });
    });
    assert_eq!(to.now().await.uids.len(), 25 * rounds as usize);
}

pub(super) async fn copies_that_cross_do_not_wait_for_each_other(t: &Scene) {
    let (a, b) = (t.folder("A").await, t.folder("B").await);
    let (ma, mb) = (a.fill(3).await, b.fill(3).await);
    let rounds = t.rounds(100);
    thread::scope(|s| {
        for (from, to, m) in [("A", "B", &ma), ("B", "A", &mb), ("A", "A", &ma)] {
            let store = t.store();
            s.spawn(move || {
                block_on(async {
                    let from = Folder::of(&store, "anna", from, OpenMode::Select).await;
                    let to = Folder::of(&store, "anna", to, OpenMode::Select).await;
                    for _ in 0..rounds {
                        assert_eq!(from.copy(m, &to).await.pairs.len(), 3);
                    }
                });
            });
        }
    });
    assert_eq!(a.now().await.uids.len(), 3 + 6 * rounds as usize);
    assert_eq!(b.now().await.uids.len(), 3 + 3 * rounds as usize);
}
