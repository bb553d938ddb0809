use std::{collections::BTreeSet, thread};

use bytes::Bytes;

use super::{
    block_on,
    scene::{Folder, Scene, message, set, uid},
};
use crate::{Derived, InternalDate, Mailbox, MetaItems, ModSeq, OpenMode, SystemFlags, Uid, UidSet};

pub(super) async fn it_is_ascending_and_complete(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(10).await;
    let all = folder.mailbox.meta(&UidSet::all(), MetaItems::SIZE, None, 100).await.unwrap();
    assert_eq!(all.items.iter().map(|m| m.uid).collect::<Vec<_>>(), m);
    assert_eq!(all.resume_after, None);
    for (n, item) in all.items.iter().enumerate() {
        assert_eq!(item.size, message(n).len() as u64);
    }
}

pub(super) async fn what_is_not_there_is_passed_over(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    folder.expunge(&m[1..2]).await;
    let some = set(&[m[1], m[2], uid(66_666)]);
    let all = folder.mailbox.meta(&some, MetaItems::FLAGS, None, 100).await.unwrap();
    assert_eq!(all.items.iter().map(|m| m.uid).collect::<Vec<_>>(), &m[2..]);
    assert!(folder.mailbox.meta(&UidSet::new(), MetaItems::FLAGS, None, 9).await.unwrap().items.is_empty());
}

pub(super) async fn pages_hold_each_message_once(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(25).await;
    for limit in [1, 4, 24, 25, 26] {
        let (mut rest, mut seen) = (UidSet::all(), Vec::new());
        loop {
            let page = folder.mailbox.meta(&rest, MetaItems::FLAGS, None, limit).await.unwrap();
            assert!(page.items.len() <= limit, "{} for {limit}", page.items.len());
            seen.extend(page.items.iter().map(|m| m.uid));
            let Some(after) = page.resume_after else { break };
            assert_eq!(seen.last(), Some(&after));
            rest = UidSet::from_ranges([(after.get() + 1, u32::MAX)]);
        }
        assert_eq!(seen, m, "by {limit}");
    }
}

pub(super) async fn a_limit_of_nothing_makes_progress(t: &Scene) {
    let folder = t.inbox().await;
    folder.fill(3).await;
    let page = folder.mailbox.meta(&UidSet::all(), MetaItems::FLAGS, None, 0).await.unwrap();
    assert!(!page.items.is_empty() || page.resume_after.is_none());
}

pub(super) async fn only_what_changed_since(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(6).await;
    let at = folder.now().await.at;
    folder.add(&[m[1], m[4]], SystemFlags::SEEN).await;
    let all = UidSet::all();
    let ask =
        async |since, limit| folder.mailbox.meta(&all, MetaItems::FLAGS, Some(since), limit).await.unwrap();
    assert_eq!(ask(at, 10).await.items.iter().map(|m| m.uid).collect::<Vec<_>>(), [m[1], m[4]]);
    assert_eq!(ask(at, 1).await.resume_after, Some(m[1]));
    assert_eq!(ask(ModSeq(0), 10).await.items.len(), 6);
    assert!(ask(folder.now().await.at, 10).await.items.is_empty());
}

pub(super) async fn an_email_id_is_that_of_the_message(t: &Scene) {
    let (folder, other) = (t.inbox().await, t.folder("Other").await);
    let m = folder.fill(3).await;
    let id = async |folder: &Folder, uid| {
        folder.meta(uid, MetaItems::OBJECT_IDS).await.unwrap().more.and_then(|d| d.email_id)
    };
    let Some(first) = id(&folder, m[0]).await else { return t.skip("no EMAILID") };
    assert!((1..=255).contains(&first.len()));
    assert!(first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{first}");
    assert_ne!(id(&folder, m[1]).await, Some(first.clone()), "other octets, another id");
    let copy = folder.copy(&m[..1], &other).await.pairs[0].1;
    assert_eq!(id(&other, copy).await, Some(first.clone()), "RFC 8474 section 5.1");
    let moved = other.relocate(&[copy], &folder).await.pairs[0].1;
    assert_eq!(id(&folder, moved).await, Some(first));
}

pub(super) async fn a_save_date_is_about_now(t: &Scene) {
    let (folder, other) = (t.inbox().await, t.folder("Other").await);
    let date = Some(InternalDate { seconds: 1000, zone_minutes: 0 });
    let spec = crate::AppendSpec { internal_date: date, ..Default::default() };
    let uid = folder.append_as(&message(1), spec).await;
    let copy = folder.copy(&[uid], &other).await.pairs[0].1;
    for (folder, uid) in [(&folder, uid), (&other, copy)] {
        let Some(saved) =
            folder.meta(uid, MetaItems::SAVE_DATE).await.unwrap().more.and_then(|d| d.save_date)
        else {
            return t.skip("no SAVEDATE");
        };
        assert!((saved.seconds - InternalDate::now().seconds).abs() < 300, "{saved:?}");
    }
}

const DERIVED: MetaItems = MetaItems::ENVELOPE.and(MetaItems::BODY_STRUCTURE).and(MetaItems::PREVIEW);

async fn derived(folder: &Folder, uid: Uid) -> Derived {
    let more = folder.meta(uid, DERIVED).await.unwrap().more.map(|d| *d).unwrap_or_default();
    Derived {
        envelope: more.envelope,
        body_structure: more.body_structure,
        preview: more.preview,
        ..Derived::default()
    }
}

pub(super) async fn what_is_remembered_comes_back_or_is_forgotten(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let mine = Derived {
        envelope: Some(Bytes::from_static(b"\0envelope\xff")),
        body_structure: Some(Bytes::from_static(b"structure")),
        preview: Some("Grüße".into()),
        ..Derived::default()
    };
    folder.mailbox.remember(m[0], mine.clone()).await;
    let back = derived(&folder, m[0]).await;
    assert!(back.envelope.is_none() || back.envelope == mine.envelope);
    assert!(back.body_structure.is_none() || back.body_structure == mine.body_structure);
    assert!(back.preview.is_none() || back.preview == mine.preview);
    assert_eq!(derived(&folder, m[1]).await, Derived::default(), "of one message only");
    // A later part leaves the earlier ones.
    let more = Derived { preview: Some("Later".into()), ..Derived::default() };
    folder.mailbox.remember(m[0], more).await;
    let back = derived(&folder, m[0]).await;
    assert!(back.envelope.is_none() || back.envelope == mine.envelope);
    assert!(back.preview.is_none_or(|p| p == "Later"));
}

pub(super) async fn to_remember_changes_nothing_else(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(1).await;
    let before = (folder.now().await, folder.modseq(m[0]).await);
    let derived = Derived { preview: Some("x".into()), ..Derived::default() };
    folder.mailbox.remember(m[0], derived.clone()).await;
    folder.mailbox.remember(uid(12_345), derived).await;
    assert_eq!((folder.now().await, folder.modseq(m[0]).await), before);
    assert!(folder.since(before.0.at).await.changed.is_empty());
}

pub(super) async fn recent_is_claimed_once(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let Some(first) = folder.mailbox.claim_recent().await.unwrap() else { return t.skip("no \\Recent") };
    assert!(first <= m[0], "{first} leaves out {}", m[0]);
    assert_eq!(folder.mailbox.claim_recent().await.unwrap(), None);
    assert_eq!(folder.status().await.recent, 0);
    let next = folder.append(&message(3)).await;
    assert_eq!(folder.status().await.recent, 1);
    assert_eq!(t.inbox().await.mailbox.claim_recent().await.unwrap(), Some(next));
    assert_eq!(folder.mailbox.claim_recent().await.unwrap(), None);
}

pub(super) async fn recent_is_not_claimed_by_examine(t: &Scene) {
    let folder = t.inbox().await;
    folder.fill(2).await;
    // RFC 9051 section 6.3.3: EXAMINE must not make messages lose \Recent.
    let seen = t.examined("INBOX").await.mailbox.claim_recent().await.unwrap();
    let claimed = folder.mailbox.claim_recent().await.unwrap();
    if claimed.is_none() {
        return t.skip("no \\Recent");
    }
    assert!(seen.is_none() || seen == claimed);
}

pub(super) async fn recent_is_told_to_one_of_many(t: &Scene) {
    let folder = t.inbox().await;
    for _ in 0..t.rounds(30) {
        folder.fill(1).await;
        let claims: Vec<Option<Uid>> = thread::scope(|s| {
            let all: Vec<_> = (0..4)
                .map(|_| {
                    let store = t.store();
                    s.spawn(move || {
                        block_on(async {
                            let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                            folder.mailbox.claim_recent().await.unwrap()
                        })
                    })
                })
                .collect();
            all.into_iter().map(|h| h.join().unwrap()).collect()
        });
        if claims.iter().all(Option::is_none) {
            return t.skip("no \\Recent");
        }
        assert_eq!(claims.iter().flatten().collect::<BTreeSet<_>>().len(), 1);
        assert_eq!(claims.iter().flatten().count(), 1, "{claims:?}");
    }
}
