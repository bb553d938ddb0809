use std::thread;

use super::{
    block_on,
    scene::{Folder, Scene, keyword, kind, message, set, system, uid},
};
use crate::{
    AnyStore, ErrorKind, FlagOp, Flags, Mailbox, MetaItems, ModSeq, OpenMode, SystemFlags as F, UidSet,
};

pub(super) async fn add_remove_and_replace(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    for (op, flags, then) in [
        (FlagOp::Add, F::SEEN, F::SEEN),
        (FlagOp::Add, F::FLAGGED.and(F::DRAFT), F::SEEN.and(F::FLAGGED).and(F::DRAFT)),
        (FlagOp::Remove, F::SEEN.and(F::ANSWERED), F::FLAGGED.and(F::DRAFT)),
        (FlagOp::Replace, F::DELETED, F::DELETED),
        (FlagOp::Replace, F::NONE, F::NONE),
    ] {
        let outcome = folder.store(&m, op, system(flags)).await;
        assert_eq!(outcome.changed[0].flags.system, then, "{op:?} {flags:?}");
        assert_eq!(folder.flags(m[0]).await.system, then);
    }
}

pub(super) async fn every_system_flag_is_kept_by_itself(t: &Scene) {
    let folder = t.inbox().await;
    for flag in [F::SEEN, F::ANSWERED, F::FLAGGED, F::DELETED, F::DRAFT] {
        let m = folder.append_flagged(&message(1), system(flag)).await;
        assert_eq!(folder.flags(m).await, system(flag));
    }
}

pub(super) async fn first_flags_are_those_of_the_append(t: &Scene) {
    let folder = t.inbox().await;
    let mut flags = keyword("$Label1");
    flags.system = F::SEEN | F::FLAGGED;
    let m = folder.append_flagged(&message(1), flags.clone()).await;
    assert!(folder.flags(m).await.same_as(&flags));
    let bare = folder.append(&message(2)).await;
    assert_eq!(folder.flags(bare).await, Flags::default());
}

pub(super) async fn keywords_are_kept(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    let words = ["$Forwarded", "NonJunk", "a", "x.y-z_1", "$MDNSent"];
    for word in words {
        folder.store(&m, FlagOp::Add, keyword(word)).await;
    }
    let flags = folder.flags(m[0]).await;
    assert!(words.iter().all(|w| flags.keywords.iter().any(|k| k == w)), "{flags:?}");
    assert_eq!(flags.keywords.len(), words.len());
    folder.store(&m, FlagOp::Remove, keyword("NonJunk")).await;
    assert!(!folder.flags(m[0]).await.has_keyword("NonJunk"));
}

pub(super) async fn keywords_compare_without_case(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    folder.store(&m, FlagOp::Add, keyword("$Forwarded")).await;
    let again = folder.store(&m, FlagOp::Add, keyword("$FORWARDED")).await;
    assert_eq!(again.changed[0].flags.keywords, ["$Forwarded"]);
    folder.store(&m, FlagOp::Remove, keyword("$forwarded")).await;
    assert!(folder.flags(m[0]).await.keywords.is_empty());
}

pub(super) async fn many_keywords_are_kept(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    let flags = Flags { keywords: (0..60).map(|n| format!("word{n}")).collect(), ..Flags::default() };
    folder.store(&m, FlagOp::Add, flags.clone()).await;
    assert!(folder.flags(m[0]).await.same_as(&flags));
}

pub(super) async fn a_change_raises_the_modseq(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    for flag in [F::SEEN, F::FLAGGED] {
        let (before, highest) = (folder.modseq(m[0]).await, folder.now().await.at);
        let outcome = folder.add(&m, flag).await;
        assert!(outcome.changed[0].modseq > before);
        assert!(outcome.changed[0].modseq > highest, "greater than all that was seen");
        assert_eq!(outcome.at, outcome.changed[0].modseq);
        assert_eq!(folder.modseq(m[0]).await, outcome.at);
    }
}

pub(super) async fn without_a_change_the_modseq_stays(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    folder.add(&m, F::SEEN).await;
    folder.store(&m, FlagOp::Add, keyword("k")).await;
    let (before, at) = (folder.modseq(m[0]).await, folder.now().await.at);
    let mut same = keyword("K");
    same.system = F::SEEN;
    for (op, flags) in [
        (FlagOp::Add, system(F::SEEN)),
        (FlagOp::Remove, system(F::DRAFT)),
        (FlagOp::Replace, same),
        (FlagOp::Add, Flags::default()),
    ] {
        let outcome = folder.store(&m, op, flags).await;
        assert_eq!((outcome.changed[0].modseq, outcome.at), (before, at), "{op:?}");
    }
    assert_eq!(folder.now().await.at, at);
}

pub(super) async fn the_outcome_lists_every_message_of_the_set(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(5).await;
    folder.add(&m[..2], F::SEEN).await;
    let outcome = folder.add(&m, F::SEEN).await;
    assert_eq!(outcome.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), m);
    assert!(outcome.conflicted.is_empty());
    assert!(outcome.changed[..2].iter().all(|c| c.modseq < outcome.at));
    assert!(outcome.changed[2..].iter().all(|c| c.modseq <= outcome.at));
}

pub(super) async fn what_is_not_there_is_passed_over(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    folder.expunge(&m[1..2]).await;
    let outcome = folder.add(&[m[0], m[1], m[2], uid(4_000_000)], F::SEEN).await;
    assert_eq!(outcome.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), [m[0], m[2]]);
    let none = folder.add(&[m[1]], F::SEEN).await;
    assert!(none.changed.is_empty() && none.conflicted.is_empty());
    assert_eq!(none.at, outcome.at);
}

pub(super) async fn the_whole_range_is_cheap(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let all = UidSet::all();
    let outcome = folder.mailbox.set_flags(&all, FlagOp::Add, &system(F::SEEN), None).await.unwrap();
    assert_eq!(outcome.changed.len(), m.len());
    assert!(folder.mailbox.set_flags(&UidSet::new(), FlagOp::Add, &system(F::SEEN), None).await.is_ok());
}

pub(super) async fn thousands_change_in_one_step(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2000).await;
    let at = folder.now().await.at;
    folder.add(&m, F::SEEN).await;
    assert_eq!(folder.since_by(at, 100).await.changed.len(), 2000);
    assert_eq!(folder.status().await.unseen, 0);
}

pub(super) async fn changes_of_many_appear_all_at_once(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(40).await;
    let rounds = t.rounds(60);
    thread::scope(|s| {
        let store = t.store();
        let m = &m;
        let writer = s.spawn(move || {
            block_on(async {
                let folder = Folder::of(&store, "anna", "INBOX", OpenMode::Select).await;
                for n in 0..rounds {
                    let op = if n % 2 == 0 { FlagOp::Add } else { FlagOp::Remove };
                    folder.store(m, op, system(F::FLAGGED)).await;
                }
            });
        });
        block_on(async {
            while !writer.is_finished() {
                let all = folder.mailbox.meta(&set(m), MetaItems::FLAGS, None, 100).await.unwrap().items;
                let flagged = all.iter().filter(|m| m.flags.system.contains(F::FLAGGED)).count();
                assert!(flagged == 0 || flagged == 40, "{flagged} of 40 are flagged");
            }
        });
    });
}

async fn since(folder: &Folder, m: &[crate::Uid], unchanged: ModSeq) -> crate::FlagOutcome {
    folder.mailbox.set_flags(&set(m), FlagOp::Add, &system(F::FLAGGED), Some(unchanged)).await.unwrap()
}

pub(super) async fn unchanged_since_lets_the_unchanged_pass(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    let outcome = since(&folder, &m, folder.modseq(m[0]).await).await;
    assert!(outcome.conflicted.is_empty());
    assert_eq!(outcome.changed[0].flags.system, F::FLAGGED);
}

pub(super) async fn unchanged_since_refuses_the_changed(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(3).await;
    let at = folder.now().await.at;
    folder.add(&m[1..2], F::SEEN).await;
    let outcome = since(&folder, &m, at).await;
    assert_eq!(outcome.conflicted, set(&m[1..2]));
    assert_eq!(outcome.changed.iter().map(|c| c.uid).collect::<Vec<_>>(), [m[0], m[2]]);
    assert_eq!(folder.flags(m[1]).await.system, F::SEEN);
    assert_eq!(folder.flags(m[2]).await.system, F::FLAGGED);
}

pub(super) async fn unchanged_since_zero_refuses_all(t: &Scene) {
    let folder = t.inbox().await;
    let m = folder.fill(2).await;
    let before = folder.now().await.at;
    let outcome = since(&folder, &m, ModSeq(0)).await;
    assert_eq!((outcome.conflicted, outcome.changed.len(), outcome.at), (set(&m), 0, before));
    assert_eq!(folder.flags(m[0]).await.system, F::NONE);
}

pub(super) async fn unchanged_since_refuses_also_what_would_not_change(t: &Scene) {
    let folder = t.inbox().await;
    let m = [folder.append(&message(1)).await];
    let at = folder.now().await.at;
    folder.add(&m, F::FLAGGED).await;
    assert_eq!(since(&folder, &m, at).await.conflicted, set(&m));
}

/// Threads that all do the same to message 1 of INBOX.
fn together(t: &Scene, threads: usize, run: impl Fn(usize, &Folder) + Sync) {
    thread::scope(|s| {
        for who in 0..threads {
            let (store, run): (AnyStore, _) = (t.store(), &run);
            s.spawn(move || run(who, &block_on(Folder::of(&store, "anna", "INBOX", OpenMode::Select))));
        }
    });
}

pub(super) async fn two_who_add_different_flags_lose_none(t: &Scene) {
    let folder = t.inbox().await;
    let flags = [F::SEEN, F::ANSWERED, F::FLAGGED, F::DRAFT];
    for round in 0..t.rounds(40) {
        let m = [folder.append(&message(round)).await];
        together(t, 4, |who, folder| {
            block_on(folder.add(&m, flags[who]));
            block_on(folder.store(&m, FlagOp::Add, keyword(&format!("k{who}"))));
        });
        let now = folder.flags(m[0]).await;
        assert!(flags.iter().all(|f| now.system.contains(*f)), "{now:?}");
        assert_eq!(now.keywords.len(), 4, "{now:?}");
    }
}

pub(super) async fn of_many_unchanged_since_one_wins(t: &Scene) {
    let folder = t.inbox().await;
    for round in 0..t.rounds(40) {
        let m = [folder.append(&message(round)).await];
        let at = folder.modseq(m[0]).await;
        let won = std::sync::atomic::AtomicUsize::new(0);
        together(t, 4, |who, folder| {
            let word = keyword(&format!("owner{who}"));
            let outcome = block_on(folder.mailbox.set_flags(&set(&m), FlagOp::Add, &word, Some(at))).unwrap();
            won.fetch_add(outcome.changed.len(), std::sync::atomic::Ordering::SeqCst);
        });
        assert_eq!(won.into_inner(), 1);
        assert_eq!(folder.flags(m[0]).await.keywords.len(), 1);
    }
}

pub(super) async fn an_examined_mailbox_is_not_changed(t: &Scene) {
    let m = t.inbox().await.append(&message(1)).await;
    let examined = t.examined("INBOX").await;
    let answer = examined.mailbox.set_flags(&m.into(), FlagOp::Add, &system(F::SEEN), None).await;
    assert_eq!(kind(answer), Err(ErrorKind::NoPerm));
    assert_eq!(examined.flags(m).await, Flags::default());
}

pub(super) async fn to_flag_in_a_deleted_mailbox_is_gone(t: &Scene) {
    let folder = t.folder("Work").await;
    let m = folder.append(&message(1)).await;
    crate::Account::delete(&folder.account, &folder.id).await.unwrap();
    let answer = folder.mailbox.set_flags(&m.into(), FlagOp::Add, &system(F::SEEN), None).await;
    assert_eq!(kind(answer), Err(ErrorKind::Gone));
}
