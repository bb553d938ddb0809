//! Quota, access lists and annotations where this store does more than any store must.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{append, block_on, check, inbox};
use mailstore_api::{
    Account, AppendSpec, ErrorKind, MailStore, MailboxName, ModSeq, QuotaLimits, QuotaUsage, Rights,
    SpecialUse, Staged, Uid, UidValidity,
};
use mailstore_sqlite::{Options, RestoredFrom, RestoredMailbox, RestoredMessage, SqliteStore};

fn open(dir: impl AsRef<std::path::Path>) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(1), ..Options::default() }).unwrap()
}

fn name(name: &str) -> MailboxName {
    MailboxName::new(name.split('/')).unwrap()
}

#[test]
fn a_restored_mailbox_is_counted_and_keeps_what_its_predecessor_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.create_account("anna", None).unwrap();
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let work = anna.create(&name("Work"), SpecialUse::NONE).await.unwrap();
        append(&anna, &work, &[b'x'; 100]).await.unwrap();
        anna.acl().unwrap().set(&work, "ben", Some(Rights::READ)).await.unwrap();
        let entry = ("/private/comment".to_owned(), Some(b"mine".to_vec()));
        anna.metadata().unwrap().set(Some(&work), std::slice::from_ref(&entry)).await.unwrap();
        store
            .set_quota("anna", QuotaLimits { octets: Some(150), messages: Some(2), mailboxes: Some(2) })
            .unwrap();
        let restore = anna.restore("1").unwrap();
        let mailbox = RestoredMailbox {
            name: name("Work"),
            special_use: SpecialUse::NONE,
            uid_validity: UidValidity(7.try_into().unwrap()),
            uid_next: 5,
            highest_modseq: ModSeq(9),
        };
        let id = restore.mailbox(&mailbox).await.unwrap();
        let mut staged = restore.stage(AppendSpec::default()).unwrap();
        staged.write(&[b'y'; 50]).await.unwrap();
        staged.finish().await.unwrap();
        let message = RestoredMessage {
            uid: Uid::new(2).unwrap(),
            modseq: ModSeq(3),
            save_date: None,
            pop3_uidl: None,
            thread_id: None,
            from: RestoredFrom::Staged(Box::new(staged)),
        };
        restore.put(&id, vec![message]).await.unwrap();
        let used = store.quota("anna").unwrap().1;
        assert_eq!(used, QuotaUsage { octets: 150, messages: 2, mailboxes: 3 });
        assert!(store.check(&mut |_| {}).unwrap().is_clean());
        restore.publish().await.unwrap();
        let used = store.quota("anna").unwrap().1;
        assert_eq!(used, QuotaUsage { octets: 150, messages: 2, mailboxes: 2 });
        assert_eq!(anna.acl().unwrap().get(&id).await.unwrap().len(), 2);
        let kept = anna.metadata().unwrap().get(Some(&id), &["/private".into()], u8::MAX).await.unwrap();
        assert_eq!(kept, [("/private/comment".to_owned(), b"mine".to_vec())]);

        let other = RestoredMailbox { name: name("Other"), ..mailbox };
        let abandoned = anna.restore("2").unwrap();
        assert_eq!(abandoned.mailbox(&other).await.unwrap_err().kind, ErrorKind::OverQuota);
        store.set_quota("anna", QuotaLimits::default()).unwrap();
        abandoned.mailbox(&other).await.unwrap();
        assert_eq!(store.quota("anna").unwrap().1.mailboxes, 3);
        anna.abandon_restores().await.unwrap();
        assert_eq!(store.quota("anna").unwrap().1.mailboxes, 2);
    });
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    drop(store);
    check(dir.path());
}

#[test]
fn an_account_made_again_has_nothing_of_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let limits = QuotaLimits { messages: Some(1), ..QuotaLimits::default() };
    for _ in 0..2 {
        store.create_account("anna", None).unwrap();
        assert_eq!(store.quota("anna").unwrap().0, QuotaLimits::default());
        assert_eq!(store.quota("ANNA").unwrap().1, QuotaUsage { mailboxes: 1, ..QuotaUsage::default() });
        block_on(async {
            let anna = store.open_account("anna").await.unwrap();
            let metadata = anna.metadata().unwrap();
            assert!(metadata.get(None, &["/private".into()], u8::MAX).await.unwrap().is_empty());
            let entry = ("/private/x".to_owned(), Some(Vec::new()));
            metadata.set(None, std::slice::from_ref(&entry)).await.unwrap();
            store.set_quota("anna", limits).unwrap();
            let id = inbox(&anna).await;
            append(&anna, &id, b"one").await.unwrap();
            assert_eq!(append(&anna, &id, b"two").await.unwrap_err().kind, ErrorKind::OverQuota);
            store.remove_account("anna").unwrap();
            assert_eq!(metadata.set(None, &[entry]).await.unwrap_err().kind, ErrorKind::NotFound);
        });
        assert_eq!(store.quota("anna").unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(store.set_quota("anna", limits).unwrap_err().kind, ErrorKind::NotFound);
        assert!(store.check(&mut |_| {}).unwrap().is_clean());
    }
}
