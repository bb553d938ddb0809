//! Mailboxes that come back with their UIDs: what the call promises.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::num::NonZeroU32;

use common::{append, block_on, body_files, check, inbox, message, names};
use mailstore_api::{
    Account, AppendSpec, ErrorKind, Flags, Hint, Interest, InternalDate, MailStore, Mailbox, MailboxId,
    MailboxName, ModSeq, OpenMode, QuotaLimits, SpecialUse, Staged, Uid, UidValidity, Watch,
};
use mailstore_sqlite::{
    Options, Restore, RestoredFrom, RestoredMailbox, RestoredMessage, SqliteAccount, SqliteStore,
};

fn open(dir: &std::path::Path) -> (SqliteStore, SqliteAccount) {
    let store = SqliteStore::open(dir, Options { shards: Some(1), ..Options::default() }).unwrap();
    if store.account("anna").unwrap().is_none() {
        store.create_account("anna", None).unwrap();
    }
    let anna = block_on(store.open_account("anna")).unwrap();
    (store, anna)
}

fn spec(name: &str) -> RestoredMailbox {
    RestoredMailbox {
        name: MailboxName::new([name]).unwrap(),
        special_use: SpecialUse::ARCHIVE,
        uid_validity: UidValidity(NonZeroU32::new(77).unwrap()),
        uid_next: 100,
        highest_modseq: ModSeq(50),
    }
}

fn placed(uid: u32, from: RestoredFrom) -> RestoredMessage {
    let (uid, modseq) = (Uid::new(uid).unwrap(), ModSeq(40));
    RestoredMessage { uid, modseq, save_date: None, pop3_uidl: None, thread_id: None, from }
}

fn new(restore: &Restore, uid: u32, name: &str) -> RestoredMessage {
    let mut staged = restore.stage(AppendSpec::default()).unwrap();
    block_on(async {
        staged.write(&message(name)).await.unwrap();
        staged.finish().await.unwrap();
    });
    placed(uid, RestoredFrom::Staged(Box::new(staged)))
}

fn find(anna: &SqliteAccount, name: &str) -> Option<MailboxId> {
    block_on(anna.find(&MailboxName::new([name]).unwrap())).unwrap().and_then(|m| m.id)
}

#[test]
fn nothing_is_seen_before_all_is_and_then_uids_are_what_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let (store, anna) = open(dir.path());
    let restore = anna.restore("k1").unwrap();
    let id = block_on(restore.mailbox(&spec("Old"))).unwrap();
    block_on(restore.put(&id, vec![new(&restore, 7, "seven"), new(&restore, 9, "nine")])).unwrap();
    assert_eq!(block_on(anna.list()).unwrap().len(), 1);
    assert_eq!(find(&anna, "Old"), None);
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    // Another process goes on.
    drop((restore, anna, store));
    let (store, anna) = open(dir.path());
    let restore = anna.restore("k1").unwrap();
    let begun = block_on(restore.unfinished()).unwrap();
    assert_eq!((begun.len(), begun[0].uid_validity, begun[0].last), (1, 77, Uid::new(9)));
    assert_eq!(block_on(restore.mailbox(&spec("Old"))).unwrap_err().kind, ErrorKind::Exists);
    block_on(restore.put(&begun[0].id, vec![new(&restore, 12, "twelve")])).unwrap();
    let mut watch = block_on(anna.watch(Interest::Account)).unwrap();
    block_on(restore.publish()).unwrap();
    assert_eq!(block_on(watch.changed()).unwrap(), Hint::Hierarchy);
    let (snapshot, all) = block_on(names(&anna, &find(&anna, "Old").unwrap()));
    assert_eq!((snapshot.uid_validity.get(), snapshot.uid_next, snapshot.at), (77, 100, ModSeq(50)));
    let want = [(7, "seven"), (9, "nine"), (12, "twelve")].map(|(uid, name)| (uid, name.to_owned()));
    assert_eq!(all, want.into());
    assert!(!block_on(anna.has_unfinished_restore()).unwrap());
    // It goes on as any mailbox: a new UID and modseq, and the history before is not made up.
    block_on(async {
        let id = find(&anna, "Old").unwrap();
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        assert_eq!(mailbox.changes(ModSeq(49), 10).await.unwrap_err().kind, ErrorKind::HistoryLost);
        let outcome = append(&anna, &id, &message("new")).await.unwrap();
        assert_eq!((outcome.uids[0].get(), outcome.at), (100, ModSeq(51)));
        assert_eq!(mailbox.changes(ModSeq(50), 10).await.unwrap().changed.len(), 1);
        assert_eq!(mailbox.claim_recent().await.unwrap(), Uid::new(100));
    });
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    drop((anna, store));
    check(dir.path());
}

#[test]
fn what_is_out_of_place_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, anna) = open(dir.path());
    let inbox = block_on(inbox(&anna));
    for key in ["", "a b", "\u{1e}", "a\u{1f}b", &"x".repeat(101)] {
        assert_eq!(anna.restore(key).unwrap_err().kind, ErrorKind::Cannot);
    }
    let restore = anna.restore("k1").unwrap();
    let kind = |r: mailstore_api::Result<()>| r.map_err(|e| e.kind);
    let with = |change: fn(&mut RestoredMailbox)| {
        let mut spec = spec("Other");
        change(&mut spec);
        block_on(restore.mailbox(&spec)).map_err(|e| e.kind)
    };
    assert_eq!(with(|s| s.uid_next = 0), Err(ErrorKind::Cannot));
    assert_eq!(with(|s| s.highest_modseq = ModSeq(0)), Err(ErrorKind::Cannot));
    assert_eq!(with(|s| s.highest_modseq = ModSeq(u64::MAX)), Err(ErrorKind::Cannot));
    assert_eq!(with(|s| s.uid_validity = UidValidity(NonZeroU32::MAX)), Err(ErrorKind::Limit));
    let id = block_on(restore.mailbox(&spec("Old"))).unwrap();
    let put = |uids: &[u32]| {
        kind(block_on(restore.put(&id, uids.iter().map(|uid| new(&restore, *uid, "x")).collect())))
    };
    assert_eq!(put(&[5, 4]), Err(ErrorKind::Cannot));
    assert_eq!(put(&[5, 5]), Err(ErrorKind::Cannot));
    assert_eq!(put(&[100]), Err(ErrorKind::Cannot));
    assert_eq!(block_on(restore.unfinished()).unwrap()[0].last, None);
    assert_eq!(put(&[5, 6]), Ok(()));
    assert_eq!(put(&[6]), Err(ErrorKind::Cannot));
    // Not into what is seen, nor into another's.
    let one = || vec![new(&restore, 50, "x")];
    assert_eq!(kind(block_on(restore.put(&inbox, one()))), Err(ErrorKind::Cannot));
    let other = anna.restore("k2").unwrap();
    assert_eq!(kind(block_on(other.put(&id, one()))), Err(ErrorKind::Cannot));
    let copy = |uid: u32| RestoredFrom::CopyOf {
        mailbox: id.clone(),
        uid: Uid::new(uid).unwrap(),
        flags: Flags::default(),
        internal_date: InternalDate::default(),
    };
    assert_eq!(kind(block_on(restore.put(&id, vec![placed(50, copy(33))]))), Err(ErrorKind::NotFound));
    assert_eq!(kind(block_on(restore.put(&id, vec![placed(50, copy(6))]))), Ok(()));
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    // Given up, nothing stays.
    block_on(anna.abandon_restores()).unwrap();
    assert!(!block_on(anna.has_unfinished_restore()).unwrap());
    assert_eq!(kind(block_on(restore.put(&id, one()))), Err(ErrorKind::NotFound));
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_mailbox_of_the_name_is_replaced_and_its_messages_move() {
    let dir = tempfile::tempdir().unwrap();
    let (store, anna) = open(dir.path());
    let old = block_on(inbox(&anna));
    let restore = anna.restore("k1").unwrap();
    let id = block_on(restore.mailbox(&RestoredMailbox { name: MailboxName::inbox(), ..spec("x") })).unwrap();
    block_on(restore.put(&id, vec![new(&restore, 3, "restored")])).unwrap();
    block_on(append(&anna, &old, &message("arrived"))).unwrap();
    let (_, open_one) = block_on(anna.open(&old, OpenMode::Select)).unwrap();
    block_on(restore.publish()).unwrap();
    assert_eq!(block_on(open_one.snapshot()).unwrap_err().kind, ErrorKind::Gone);
    let (snapshot, all) = block_on(names(&anna, &block_on(inbox(&anna))));
    assert_eq!(all, [(3, "restored".to_owned()), (100, "arrived".to_owned())].into());
    assert_eq!((snapshot.uid_next, snapshot.at), (101, ModSeq(51)));
    // UIDVALIDITY given later is greater than what was taken over, also where that is of the future.
    let ahead = u32::try_from(InternalDate::now().seconds + 10_000).unwrap();
    let spec =
        RestoredMailbox { uid_validity: UidValidity(NonZeroU32::new(ahead).unwrap()), ..spec("Ahead") };
    block_on(restore.mailbox(&spec)).unwrap();
    block_on(restore.publish()).unwrap();
    block_on(async {
        anna.delete(&find(&anna, "Ahead").unwrap()).await.unwrap();
        let id = anna.create(&spec.name, SpecialUse::NONE).await.unwrap();
        let (snapshot, _) = anna.open(&id, OpenMode::Select).await.unwrap();
        assert!(snapshot.uid_validity.get() > ahead);
    });
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    drop((open_one, restore, anna, store));
    check(dir.path());
}

#[test]
fn what_is_restored_counts_and_is_refused_over_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let (store, anna) = open(dir.path());
    let restore = anna.restore("k1").unwrap();
    let id = block_on(restore.mailbox(&RestoredMailbox { name: MailboxName::inbox(), ..spec("x") })).unwrap();
    let limits = QuotaLimits { messages: Some(2), mailboxes: Some(2), ..QuotaLimits::default() };
    store.set_quota("anna", limits).unwrap();
    block_on(restore.put(&id, vec![new(&restore, 1, "one"), new(&restore, 2, "two")])).unwrap();
    let over = block_on(restore.put(&id, vec![new(&restore, 3, "three")]));
    assert_eq!(over.unwrap_err().kind, ErrorKind::OverQuota);
    // INBOX is replaced; another one would be one more.
    assert_eq!(block_on(restore.mailbox(&spec("Other"))).unwrap_err().kind, ErrorKind::OverQuota);
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    block_on(restore.publish()).unwrap();
    let (_, used) = store.quota("anna").unwrap();
    assert_eq!((used.messages, used.mailboxes), (2, 1));
    assert!(used.octets > 0);
    let id = block_on(restore.mailbox(&spec("Other"))).unwrap();
    let copy = RestoredFrom::CopyOf {
        mailbox: block_on(inbox(&anna)),
        uid: Uid::new(1).unwrap(),
        flags: Flags::default(),
        internal_date: InternalDate::default(),
    };
    let over = block_on(restore.put(&id, vec![placed(1, copy)]));
    assert_eq!(over.unwrap_err().kind, ErrorKind::OverQuota, "copies count");
    block_on(anna.abandon_restores()).unwrap();
    assert_eq!(store.quota("anna").unwrap().1, used);
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn an_account_takes_its_unfinished_restoration_along() {
    let dir = tempfile::tempdir().unwrap();
    let (store, anna) = open(dir.path());
    let restore = anna.restore("k1").unwrap();
    let id = block_on(restore.mailbox(&spec("Old"))).unwrap();
    block_on(restore.put(&id, (1..40).map(|uid| new(&restore, uid, &format!("m{uid}"))).collect())).unwrap();
    store.remove_account("anna").unwrap();
    for _ in 0..3000 {
        if store.check(&mut |_| {}).unwrap().messages == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.is_clean() && report.messages == 0, "{report:?}");
    drop((restore, anna, store));
    assert_eq!(body_files(dir.path()), 0);
}
