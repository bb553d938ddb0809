//! Parts a store need not have: skipped where it returns none.

use std::time::Duration;

use super::{
    block_on, block_on_for,
    scene::{Folder, Scene, keyword, kind, message, name, system},
};
use crate::{
    Account, ErrorKind, Mailbox, ModSeq, OpenMode, Query, SearchOutcome, SpecialUse, SystemFlags as F, UidSet,
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
