//! Parts a store need not have: skipped where it returns none.

use std::time::Duration;

use super::{
    block_on, block_on_for,
    scene::{Folder, Scene, keyword, kind, message, name, set, stage, system},
};
use crate::{
    Account, AppendSpec, ErrorKind, Mailbox, ModSeq, OpenMode, Query, Rights, SearchOutcome, SpecialUse,
    SystemFlags as F, UidSet,
};

pub(super) async fn a_maildrop_is_locked_once(t: &Scene) {
    let (one, two) = (t.anna().await, t.anna().await);
    let (Some(one), Some(two)) = (one.maildrop(), two.maildrop()) else { return t.skip("no maildrop lock") };
    let guard = one.try_lock().await.unwrap();
    assert_eq!(kind(two.try_lock().await), Err(ErrorKind::InUse));
    assert_eq!(kind(one.try_lock().await), Err(ErrorKind::InUse));
    drop(guard);
    let again = two.try_lock().await.unwrap();
    assert_eq!(kind(one.try_lock().await), Err(ErrorKind::InUse));
    drop(again);
}

pub(super) async fn a_maildrop_lock_is_of_its_account(t: &Scene) {
    let (anna, bert) = (t.anna().await, t.account("bert").await);
    let (Some(a), Some(b)) = (anna.maildrop(), bert.maildrop()) else { return t.skip("no maildrop lock") };
    let _one = a.try_lock().await.unwrap();
    let _two = b.try_lock().await.unwrap();
}

pub(super) async fn a_locked_maildrop_does_not_stop_others(t: &Scene) {
    let folder = t.inbox().await;
    let Some(lock) = folder.account.maildrop() else { return t.skip("no maildrop lock") };
    let guard = lock.try_lock().await.unwrap();
    // RFC 1939 section 4 locks other POP3 sessions out, not delivery and not IMAP.
    let answer = block_on_for(Duration::from_secs(20), async {
        let m = folder.append(&message(1)).await;
        folder.add(&[m], F::SEEN).await;
        folder.expunge(&[m]).await
    });
    assert!(answer.is_some(), "a store call waits for the maildrop's lock");
    drop(guard);
}

pub(super) async fn a_maildrop_guard_outlives_its_account_handle(t: &Scene) {
    let guard = {
        let anna = t.anna().await;
        let Some(lock) = anna.maildrop() else { return t.skip("no maildrop lock") };
        lock.try_lock().await.unwrap()
    };
    let anna = t.anna().await;
    let lock = anna.maildrop().unwrap();
    assert_eq!(kind(lock.try_lock().await), Err(ErrorKind::InUse));
    drop(guard);
    lock.try_lock().await.unwrap();
}

/// The root and the limit set on it, in units of 1,024 octets.
async fn limited_to(folder: &Folder, resource: &str, limit: u64) -> bool {
    let Some(quota) = folder.account.quota() else { return false };
    let roots = quota.roots(&folder.id).await.unwrap();
    let Some(root) = roots.first().map(|r| r.root.clone()) else { return false };
    quota.set(&root, &[(resource.to_owned(), limit)]).await.is_ok()
}

pub(super) async fn a_quota_counts_what_is_there(t: &Scene) {
    let folder = t.inbox().await;
    if !limited_to(&folder, "STORAGE", 1000).await {
        return t.skip("no quota that can be set");
    }
    let quota = folder.account.quota().unwrap();
    let used = async || {
        let all = quota.roots(&folder.id).await.unwrap();
        let storage = all.iter().find(|r| r.resource == "STORAGE").unwrap();
        assert_eq!(storage.limit, 1000);
        storage.used
    };
    assert_eq!(used().await, 0);
    let m = folder.append(&vec![b'x'; 100 * 1024]).await;
    assert!((100..=110).contains(&used().await));
    folder.expunge(&[m]).await;
    assert_eq!(used().await, 0);
}

pub(super) async fn over_quota_nothing_is_appended(t: &Scene) {
    let folder = t.inbox().await;
    if !limited_to(&folder, "STORAGE", 100).await {
        return t.skip("no quota that can be set");
    }
    folder.append(&vec![b'x'; 60 * 1024]).await;
    let before = folder.now().await;
    let large = AppendSpec { declared_len: Some(60 * 1024), ..AppendSpec::default() };
    assert_eq!(kind(folder.account.stage(&folder.id, large).await), Err(ErrorKind::OverQuota));
    let mut staged = Vec::new();
    for _ in 0..3 {
        staged.push(stage(&folder.account, &folder.id, AppendSpec::default(), &vec![b'y'; 20 * 1024]).await);
    }
    assert_eq!(kind(folder.account.commit(&folder.id, staged, None).await), Err(ErrorKind::OverQuota));
    assert_eq!(folder.now().await, before);
}

pub(super) async fn over_quota_nothing_is_copied(t: &Scene) {
    let (folder, to) = (t.inbox().await, t.folder("To").await);
    let mut m = Vec::new();
    for _ in 0..3 {
        m.push(folder.append(&vec![b'x'; 20 * 1024]).await);
    }
    if !limited_to(&folder, "STORAGE", 100).await {
        return t.skip("no quota that can be set");
    }
    let answer = folder.account.copy(&folder.id, &set(&m), &to.id).await;
    assert_eq!(kind(answer), Err(ErrorKind::OverQuota));
    assert_eq!(to.now().await, to.snapshot);
    assert_eq!(folder.relocate(&m, &to).await.pairs.len(), 3, "a move needs no more room");
}

pub(super) async fn an_owner_has_all_rights(t: &Scene) {
    let folder = t.folder("Mine").await;
    let Some(acl) = folder.account.acl() else { return t.skip("no access lists") };
    assert_eq!(acl.mine(&folder.id).await.unwrap(), Rights::OWNER);
    let info = super::scene::find(&folder.account, "Mine").await.unwrap();
    assert_eq!(info.rights, Rights::OWNER);
}

pub(super) async fn an_access_list_is_kept(t: &Scene) {
    let folder = t.folder("Mine").await;
    let Some(acl) = folder.account.acl() else { return t.skip("no access lists") };
    let rights = Rights::LOOKUP | Rights::READ;
    acl.set(&folder.id, "bert", Some(rights)).await.unwrap();
    assert!(acl.get(&folder.id).await.unwrap().contains(&("bert".to_owned(), rights)));
    acl.set(&folder.id, "bert", None).await.unwrap();
    assert!(acl.get(&folder.id).await.unwrap().iter().all(|(who, _)| who != "bert"));
}

pub(super) async fn annotations_are_kept(t: &Scene) {
    let folder = t.folder("Work").await;
    let Some(metadata) = folder.account.metadata() else { return t.skip("no annotations") };
    let name = "/private/comment".to_owned();
    let value = b"Gr\xc3\xbc\xc3\x9fe\0\r\n".to_vec();
    for id in [Some(&folder.id), None] {
        metadata.set(id, &[(name.clone(), Some(value.clone()))]).await.unwrap();
        let got = metadata.get(id, std::slice::from_ref(&name), 0).await.unwrap();
        assert_eq!(got, [(name.clone(), value.clone())]);
    }
    metadata.set(Some(&folder.id), &[(name.clone(), None)]).await.unwrap();
    assert!(metadata.get(Some(&folder.id), std::slice::from_ref(&name), 0).await.unwrap().is_empty());
    assert_eq!(metadata.get(None, &[name], 0).await.unwrap().len(), 1, "the account's own stays");
}

pub(super) async fn annotations_are_found_by_depth(t: &Scene) {
    let folder = t.folder("Work").await;
    let Some(metadata) = folder.account.metadata() else { return t.skip("no annotations") };
    let names = ["/private/a", "/private/a/b", "/private/a/b/c", "/private/ab"];
    let all: Vec<_> = names.iter().map(|n| ((*n).to_owned(), Some(b"x".to_vec()))).collect();
    metadata.set(Some(&folder.id), &all).await.unwrap();
    for (depth, count) in [(0, 1), (1, 2), (u8::MAX, 3)] {
        let got = metadata.get(Some(&folder.id), &["/private/a".to_owned()], depth).await.unwrap();
        assert_eq!(got.len(), count, "depth {depth}: {got:?}");
    }
}

/// A query, and which of twenty messages match it.
type Expected = (Query, fn(usize) -> bool);

/// What the store says to a query must be what matches.
async fn searched(t: &Scene, queries: Vec<Expected>) {
    let folder = t.inbox().await;
    let mut m = Vec::new();
    for n in 0..20 {
        let mut flags = keyword(if n % 3 == 0 { "$Three" } else { "other" });
        flags.system = if n % 2 == 0 { F::SEEN } else { F::FLAGGED };
        m.push(folder.append_flagged(&vec![b'x'; n * 100], flags).await);
    }
    for (query, matches) in queries {
        let expected: UidSet = m.iter().enumerate().filter(|(n, _)| matches(*n)).map(|(_, u)| *u).collect();
        match folder.mailbox.search(&query).await.unwrap() {
            SearchOutcome::Exact(found) => assert_eq!(found, expected, "{query:?}"),
            SearchOutcome::Candidates { superset, .. } => {
                assert!(expected.difference(&superset).is_empty(), "{query:?} leaves out what matches");
            }
            SearchOutcome::Declined => t.skip("the store does not search"),
        }
    }
}

pub(super) async fn a_search_by_flags(t: &Scene) {
    searched(
        t,
        vec![
            (Query::All, |_| true),
            (Query::Flags(F::SEEN), |n| n % 2 == 0),
            (Query::Flags(F::SEEN | F::FLAGGED), |_| false),
            (Query::Keyword("$three".into()), |n| n % 3 == 0),
            (Query::Not(Box::new(Query::Flags(F::SEEN))), |n| n % 2 == 1),
        ],
    )
    .await;
}

pub(super) async fn a_search_by_size_and_modseq(t: &Scene) {
    searched(
        t,
        vec![
            (Query::Larger(1000), |n| n > 10),
            (Query::Smaller(1000), |n| n < 10),
            (Query::ModSeqAtLeast(ModSeq(0)), |_| true),
            (Query::Uids(UidSet::all()), |_| true),
            (Query::Uids(UidSet::new()), |_| false),
        ],
    )
    .await;
}

pub(super) async fn a_search_of_several_conditions(t: &Scene) {
    let seen = || Query::Flags(F::SEEN);
    let three = || Query::Keyword("$Three".into());
    searched(
        t,
        vec![
            (Query::And(vec![seen(), three()]), |n| n % 6 == 0),
            (Query::Or(vec![seen(), three()]), |n| n % 2 == 0 || n % 3 == 0),
            (Query::And(vec![]), |_| true),
            (Query::Or(vec![]), |_| false),
            (Query::Not(Box::new(Query::Or(vec![seen(), three()]))), |n| n % 2 == 1 && n % 3 > 0),
        ],
    )
    .await;
}

pub(super) async fn accounts_work_beside_each_other(t: &Scene) {
    let rounds = t.rounds(40);
    std::thread::scope(|s| {
        for who in super::ACCOUNTS {
            let store = t.store();
            s.spawn(move || {
                block_on(async {
                    let folder = Folder::of(&store, who, "INBOX", OpenMode::Select).await;
                    folder.account.create(&name("Other"), SpecialUse::NONE).await.unwrap();
                    for n in 0..rounds {
                        let m = folder.append(format!("{who} {n}\r\n").as_bytes()).await;
                        assert_eq!(folder.read(m).await, format!("{who} {n}\r\n").as_bytes());
                        folder.store(&[m], crate::FlagOp::Replace, system(F::SEEN)).await;
                    }
                    assert_eq!(folder.now().await.uids.len(), rounds as usize);
                });
            });
        }
    });
}
