//! A store that an older program made is brought up to date by opening it.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{append, block_on, check, inbox};
use mailstore_api::{
    Account, AppendSpec, Body, Delivery, ErrorKind, FlagOp, Flags, MailStore, Mailbox, MailboxName,
    MetaItems, ModSeq, NewEntry, NewRecipient, OpenMode, Part, QuotaLimits, QuotaUsage, SpecialUse,
    Submission, SystemFlags, UidSet,
};
use mailstore_sqlite::{Options, SqliteStore};
use rusqlite::Connection;

fn version_1(dir: &Path) {
    make(dir, include_str!("version1/control.sql"), include_str!("version1/shard-00.sql"));
}

fn version_3(dir: &Path) {
    make(dir, include_str!("version3/control.sql"), include_str!("version3/shard-00.sql"));
}

fn make(dir: &Path, control: &str, shard: &str) {
    for (file, sql) in [("control.db", control), ("shard-00.db", shard)] {
        Connection::open(dir.join(file)).unwrap().execute_batch(sql).unwrap();
    }
}

fn version(dir: &Path, file: &str) -> i64 {
    Connection::open(dir.join(file)).unwrap().pragma_query_value(None, "user_version", |r| r.get(0)).unwrap()
}

#[test]
fn a_store_of_version_1_is_upgraded_and_all_of_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    version_1(dir.path());
    assert_eq!(version(dir.path(), "shard-00.db"), 1);
    let store = SqliteStore::open(dir.path(), Options::default()).unwrap();
    assert!(version(dir.path(), "shard-00.db") > 1);
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!((report.messages, report.bodies), (7, 5));
    // What the new version counts was counted.
    let (limits, used) = store.quota("anna").unwrap();
    assert_eq!(limits, QuotaLimits::default());
    assert_eq!(used, QuotaUsage { octets: 7 * 25, messages: 7, mailboxes: 3 });

    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let work = anna.find(&MailboxName::new(["Work", "Gr\u{fc}n"]).unwrap()).await.unwrap().unwrap();
        assert_eq!(work.special_use, SpecialUse::ARCHIVE);
        let id = inbox(&anna).await;
        let (snapshot, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        assert_eq!(snapshot.uids.iter().map(|u| u.get()).collect::<Vec<_>>(), [1, 2, 5, 6]);
        let meta =
            mailbox.meta(&UidSet::all(), MetaItems::FLAGS | MetaItems::PREVIEW, None, 10).await.unwrap();
        let five = meta.items.iter().find(|m| m.uid.get() == 5).unwrap();
        assert!(five.flags.system.contains(SystemFlags::SEEN | SystemFlags::FLAGGED));
        assert!(five.flags.has_keyword("$Label1"));
        assert_eq!(five.more.as_ref().unwrap().preview.as_deref(), Some("Text"));
        let mut body = mailbox.body(five.uid, Part::Whole).await.unwrap();
        assert_eq!(body.read_at(0, 100).await.unwrap(), b"Subject: 4\r\n\r\nText of 4\r\n"[..]);
        assert_eq!(append(&anna, &id, b"new").await.unwrap().uids.first().unwrap().get(), 7);

        // And what it did not know before works.
        let recipient = NewRecipient { address: "a@b.test".into(), ..NewRecipient::default() };
        let entry = Some(NewEntry { recipients: vec![recipient], ..NewEntry::default() });
        let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
        delivery.write(b"queued").await.unwrap();
        let done = delivery.submit(&[], Submission { entry, settle: None }).await;
        assert!(done.queued.unwrap().is_some());
        store.set_quota("anna", QuotaLimits { messages: Some(8), ..QuotaLimits::default() }).unwrap();
        assert_eq!(append(&anna, &id, b"new").await.unwrap_err().kind, ErrorKind::OverQuota);
    });
    drop(store);
    check(dir.path());
    // The second opening finds nothing to do.
    let store = SqliteStore::open(dir.path(), Options::default()).unwrap();
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
}

#[test]
fn a_store_of_version_3_is_upgraded_and_what_changed_before_is_still_found() {
    let dir = tempfile::tempdir().unwrap();
    version_3(dir.path());
    let open = || SqliteStore::open(dir.path(), Options::default()).unwrap();
    let store = open();
    assert!(version(dir.path(), "shard-00.db") > 3);
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    let (limits, used) = store.quota("anna").unwrap();
    assert_eq!((limits.messages, used), (Some(8), QuotaUsage { octets: 7 * 25, messages: 7, mailboxes: 3 }));
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        // As of a modseq that the old program gave.
        let changes = mailbox.changes(ModSeq(6), 10).await.unwrap();
        assert_eq!(changes.changed.iter().map(|c| c.uid.get()).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(changes.vanished.ranges(), [(3, 4)]);
        let other = open();
        let anna = other.open_account("anna").await.unwrap();
        let (snapshot, there) = anna.open(&id, OpenMode::Select).await.unwrap();
        let flagged = Flags::system(SystemFlags::FLAGGED);
        mailbox
            .set_flags(&snapshot.uids.iter().copied().take(1).collect(), FlagOp::Add, &flagged, None)
            .await
            .unwrap();
        let changes = there.changes(snapshot.at, 10).await.unwrap();
        assert_eq!(changes.changed.iter().map(|c| c.uid.get()).collect::<Vec<_>>(), [1]);
    });
    assert!(store.check(&mut |_| {}).unwrap().is_clean());
    drop(store);
    check(dir.path());
}

#[test]
fn a_process_whose_store_a_newer_program_upgraded_writes_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), Options { shards: Some(1), ..Options::default() }).unwrap();
    store.create_account("anna", None).unwrap();
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        append(&anna, &id, b"one").await.unwrap();
        let newer = Connection::open(dir.path().join("shard-00.db")).unwrap();
        let known = version(dir.path(), "shard-00.db");
        newer.pragma_update(None, "user_version", known + 1).unwrap();
        for _ in 0..2 {
            let refused = append(&anna, &id, b"two").await.unwrap_err();
            assert_eq!(refused.kind, ErrorKind::Unavailable);
            assert!(refused.to_string().contains("another version"), "{refused}");
        }
        newer.pragma_update(None, "user_version", known).unwrap();
        assert_eq!(append(&anna, &id, b"three").await.unwrap().uids.first().unwrap().get(), 2);
    });
}
