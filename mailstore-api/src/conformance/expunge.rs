use std::{collections::BTreeMap, sync::Mutex, thread};

use super::{
    block_on,
    scene::{Folder, Scene, kind, message, set, uid},
};
use crate::{Body, ErrorKind, Mailbox, MetaItems, OpenMode, Part, SystemFlags as F, Uid, UidSet};

pub(super) async fn only_the_deleted_go(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(4).await;
    folder.add(&[m[1], m[3]], F::DELETED).await;
    let outcome = folder.mailbox.expunge(None, true).await.unwrap();
    assert_eq!(outcome.vanished, set(&[m[1], m[3]]));
    assert_eq!(folder.now().await.uids, [m[0], m[2]]);
}

pub(super) async fn of_a_set_only_the_deleted_go(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(5).await;
    folder.add(&m[..3], F::DELETED).await;
    let outcome = folder.mailbox.expunge(Some(&set(&m[2..])), true).await.unwrap();
    assert_eq!(outcome.vanished, set(&m[2..3]));
    assert_eq!(folder.now().await.uids, [m[0], m[1], m[3], m[4]]);
}

pub(super) async fn a_set_goes_whatever_its_flags(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let outcome = folder.expunge(&[m[0], m[2]]).await;
    assert_eq!(outcome.vanished, set(&[m[0], m[2]]));
    assert_eq!(folder.now().await.uids, &m[1..2]);
}

pub(super) async fn all_can_go(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(100).await;
    assert_eq!(folder.mailbox.expunge(None, false).await.unwrap().vanished, set(&m));
    assert!(folder.now().await.uids.is_empty());
}

pub(super) async fn what_is_not_there_does_not_vanish(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let outcome = folder.expunge(&[m[0], uid(5_000_000)]).await;
    assert_eq!(outcome.vanished, set(&m[..1]));
    let all = folder.mailbox.expunge(Some(&UidSet::all()), false).await.unwrap();
    assert_eq!(all.vanished, set(&m[1..]));
}

pub(super) async fn an_expunge_raises_the_modseq(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let before = folder.now().await.at;
    let outcome = folder.expunge(&m[..1]).await;
    assert!(outcome.at > before);
    assert_eq!(folder.now().await.at, outcome.at);
    assert!(folder.modseq(m[1]).await <= before, "those that stay keep theirs");
}

pub(super) async fn without_anything_to_go_nothing_changes(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let before = folder.now().await.at;
    for outcome in [
        folder.mailbox.expunge(None, true).await.unwrap(),
        folder.expunge(&[]).await,
        folder.expunge(&[uid(m[1].get() + 10)]).await,
    ] {
        assert!(outcome.vanished.is_empty());
        assert_eq!(outcome.at, before);
    }
    assert_eq!(folder.now().await.at, before);
}

pub(super) async fn the_expunged_cannot_be_opened(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    folder.expunge(&m[..1]).await;
    for part in [Part::Whole, Part::Header, Part::Text] {
        assert_eq!(kind(folder.mailbox.body(m[0], part).await), Err(ErrorKind::Gone));
    }
    assert!(folder.meta(m[0], MetaItems::FLAGS).await.is_none());
    assert_eq!(folder.read(m[1]).await, message(1));
}

pub(super) async fn an_open_body_stays_readable(t: &Scene) {
    let folder = t.inbox().await;
    let octets: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    let m = folder.append(&octets).await;
    let mut body = folder.mailbox.body(m, Part::Whole).await.unwrap();
    let first = body.read_at(0, 1000).await.unwrap();
    assert_eq!(first, octets[..first.len()]);
    folder.expunge(&[m]).await;
    let mut at = 0;
    while at < octets.len() {
        let chunk = body.read_at(at as u64, 65_536).await.unwrap();
        assert!(!chunk.is_empty());
        assert_eq!(chunk, octets[at..at + chunk.len()]);
        at += chunk.len();
    }
}

pub(super) async fn the_expunged_do_not_return(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    folder.expunge(&m[1..2]).await;
    folder.add(&m, F::FLAGGED).await;
    folder.append(&message(9)).await;
    let now = folder.now().await.uids;
    assert!(!now.contains(&m[1]));
    assert_eq!(now.len(), 3);
}

pub(super) async fn each_message_vanishes_for_one_of_many(t: &Scene) {
    let folder = t.inbox().await;
    for _ in 0..t.rounds(20) {
        let m = folder.fill(20).await;
        let count: Mutex<BTreeMap<Uid, u32>> = Mutex::default();
        thread::scope(|s| {
            for who in 0..4_usize {
                let (store, m, count) = (t.store(), &m, &count);
                s.spawn(move || {
                    block_on(async {
                        let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                        for part in 0..4 {
                            let from = (who + part) % 4 * 5;
                            let gone = folder.expunge(&m[from..from + 5]).await.vanished;
                            m.iter()
                                .filter(|u| gone.contains(**u))
                                .for_each(|u| *count.lock().unwrap().entry(*u).or_default() += 1);
                        }
                    });
                });
            }
        });
        let count = count.into_inner().unwrap();
        assert_eq!(count.len(), 20);
        assert!(count.values().all(|n| *n == 1), "{count:?}");
    }
}

pub(super) async fn an_examined_mailbox_is_not_expunged(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    folder.add(&m, F::DELETED).await;
    let examined = t.examined("INBOX").await;
    assert_eq!(kind(examined.mailbox.expunge(None, true).await), Err(ErrorKind::NoPerm));
    assert_eq!(folder.now().await.uids, m);
}
