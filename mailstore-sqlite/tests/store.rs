//! What this store does beyond the contract: files for big bodies, administration, what is left on the disk.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod common;

use std::{
    future::Future,
    path::Path,
    pin::pin,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use common::{append, block_on, body_files, check, inbox, read};
use mailstore_api::{
    Account, AppendSpec, Body, Delivery, Derived, ErrorKind, FlagOp, Flags, Hint, Interest, MailStore,
    Mailbox, MailboxName, MetaItems, OpenMode, Part, Recipient, SpecialUse, Staged, UidSet, Watch,
};
use mailstore_sqlite::{DefaultMailbox, Options, SqliteAccount, SqliteStore};

fn open(dir: &Path) -> SqliteStore {
    let options = Options { shards: Some(2), poll_every: Duration::from_millis(50), ..Options::default() };
    SqliteStore::open(dir, options).unwrap()
}

fn account(store: &SqliteStore, name: &str) -> SqliteAccount {
    if store.account(name).unwrap().is_none() {
        store.create_account(name, None).unwrap();
    }
    block_on(store.open_account(name)).unwrap()
}

fn wait_until(what: &str, mut test: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !test() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_big_body_is_a_file_that_goes_with_its_last_message() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = account(&store, "anna");
    let octets: Vec<u8> = (0..50 * 1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    block_on(async {
        let id = inbox(&anna).await;
        let uid = append(&anna, &id, &octets).await.unwrap().uids[0];
        assert_eq!(body_files(dir.path()), 1);
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
        for at in [0, 1, 131_072, 40_000_000, octets.len() - 1] {
            let chunk = body.read_at(at as u64, 70_000).await.unwrap();
            assert!(!chunk.is_empty() && octets[at..].starts_with(&chunk));
        }
        assert!(body.read_at(octets.len() as u64, 9).await.unwrap().is_empty());
        let other = anna.create(&MailboxName::new(["Other"]).unwrap(), SpecialUse::NONE).await.unwrap();
        anna.copy(&id, &UidSet::all(), &other).await.unwrap();
        mailbox.expunge(None, false).await.unwrap();
        assert_eq!(body_files(dir.path()), 1, "the copy needs it");
        let (_, copies) = anna.open(&other, OpenMode::Select).await.unwrap();
        copies.expunge(None, false).await.unwrap();
        assert_eq!(body_files(dir.path()), 0);
        let chunk = body.read_at(20_000_000, 100).await.unwrap();
        assert!(octets[20_000_000..].starts_with(&chunk), "an open body stays readable");
    });
    drop((anna, store));
    check(dir.path());
}

#[test]
fn what_is_dropped_before_its_commit_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = account(&store, "anna");
    let temporary = || {
        let runs = std::fs::read_dir(dir.path().join("tmp")).unwrap();
        runs.map(|r| std::fs::read_dir(r.unwrap().path()).unwrap().count() - 1).sum::<usize>()
    };
    block_on(async {
        let id = inbox(&anna).await;
        for finish in [false, true] {
            let mut staged = anna.stage(&id, AppendSpec::default()).await.unwrap();
            for _ in 0..10 {
                staged.write(&[b'x'; 100_000]).await.unwrap();
            }
            if finish {
                staged.finish().await.unwrap();
                assert_eq!(temporary(), 1);
            }
        }
    });
    wait_until("temporary files are left", || temporary() == 0);
    assert_eq!(body_files(dir.path()), 0);
    drop((anna, store));
    assert_eq!(std::fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_finish_that_was_dropped_half_way_can_be_called_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = account(&store, "anna");
    block_on(async {
        let id = inbox(&anna).await;
        let octets = vec![b'y'; 300_000];
        let mut staged = anna.stage(&id, AppendSpec::default()).await.unwrap();
        staged.write(&octets).await.unwrap();
        for _ in 0..3 {
            // Polled once and dropped.
            let _ = pin!(staged.finish()).poll(&mut Context::from_waker(Waker::noop()));
        }
        assert_eq!(staged.finish().await.unwrap(), 300_000);
        let uid = anna.commit(&id, vec![staged], None).await.unwrap().uids[0];
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        assert!(read(&mailbox, uid).await == octets);
    });
}

#[test]
fn one_delivery_reaches_accounts_in_all_shards_with_one_body_each_shard() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let accounts: Vec<_> = (0..6).map(|n| account(&store, &format!("a{n}"))).collect();
    for size in [1_000, 400_000] {
        let octets = vec![b'z'; size];
        block_on(async {
            let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
            delivery.write(&octets).await.unwrap();
            let to = |n: usize| Recipient {
                account: format!("A{n}"),
                mailbox: MailboxName::inbox(),
                prefix: format!("Delivered-To: a{n}\r\n").into_bytes(),
            };
            let to: Vec<_> = (0..8).map(to).collect();
            let answers = delivery.commit(&to).await;
            for (n, answer) in answers.iter().enumerate() {
                if n >= accounts.len() {
                    assert_eq!(answer.as_ref().unwrap_err().kind, ErrorKind::NotFound);
                    continue;
                }
                let uid = answer.as_ref().unwrap().uids[0];
                let id = inbox(&accounts[n]).await;
                let (_, mailbox) = accounts[n].open(&id, OpenMode::Select).await.unwrap();
                let whole = [to[n].prefix.clone(), octets.clone()].concat();
                assert!(read(&mailbox, uid).await == whole);
                let meta = mailbox.meta(&UidSet::from(uid), MetaItems::SIZE, None, 1).await.unwrap();
                assert_eq!(meta.items[0].size, whole.len() as u64);
                let mut header = mailbox.body(uid, Part::Header).await.unwrap();
                assert_eq!(header.len(), whole.len() as u64, "no empty line: all is header");
                assert!(whole.starts_with(&header.read_at(5, 10).await.unwrap()[..0]));
                assert_eq!(mailbox.body(uid, Part::Text).await.unwrap().len(), 0);
            }
        });
    }
    assert_eq!(body_files(dir.path()), 2);
    drop((accounts, store));
    check(dir.path());
}

#[test]
fn derived_data_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = account(&store, "anna");
    let derived = Derived {
        envelope: Some(b"e"[..].into()),
        preview: Some("p".into()),
        thread_id: Some("T1".into()),
        pop3_uidl: Some("u1".into()),
        ..Derived::default()
    };
    let uid = block_on(async {
        let id = inbox(&anna).await;
        let uid = append(&anna, &id, b"x").await.unwrap().uids[0];
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        mailbox.remember(uid, derived.clone()).await;
        uid
    });
    drop((anna, store));
    let store = open(dir.path());
    let anna = account(&store, "anna");
    block_on(async {
        let id = inbox(&anna).await;
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        let want = MetaItems::ENVELOPE | MetaItems::PREVIEW | MetaItems::OBJECT_IDS | MetaItems::POP3_UIDL;
        let more =
            *mailbox.meta(&UidSet::from(uid), want, None, 1).await.unwrap().items[0].more.clone().unwrap();
        assert!(more.email_id.is_some());
        assert_eq!(Derived { email_id: None, ..more }, derived);
        assert_eq!(mailbox.claim_recent().await.unwrap(), Some(uid));
    });
    drop((anna, store));
    let store = open(dir.path());
    let anna = account(&store, "anna");
    block_on(async {
        let (_, mailbox) = anna.open(&inbox(&anna).await, OpenMode::Select).await.unwrap();
        assert_eq!(mailbox.claim_recent().await.unwrap(), None, "claimed before the restart");
    });
}

#[test]
fn accounts_are_made_listed_changed_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let extra = |name: &str, special_use, subscribed| DefaultMailbox {
        name: MailboxName::new(name.split('/')).unwrap(),
        special_use,
        subscribed,
    };
    let mailboxes = [
        extra("INBOX", SpecialUse::NONE, true),
        extra("Sent", SpecialUse::SENT, true),
        extra("Lists/Rust", SpecialUse::NONE, false),
    ];
    let made = store.create_account_with("Anna@example.org", Some("secret-hash"), &mailboxes).unwrap();
    assert_eq!(store.create_account("anna@EXAMPLE.org", None).unwrap_err().kind, ErrorKind::Exists);
    for bad in ["", "a\nb", &"x".repeat(256)] {
        assert_eq!(store.create_account(bad, None).unwrap_err().kind, ErrorKind::Cannot, "{bad:?}");
    }
    assert_eq!(store.accounts().unwrap(), std::slice::from_ref(&made));
    assert!(!format!("{made:?}").contains("secret-hash"));
    store.set_password_hash("anna@example.org", None).unwrap();
    assert_eq!(store.account("anna@example.org").unwrap().unwrap().password_hash, None);
    assert_eq!(store.set_password_hash("nobody", None).unwrap_err().kind, ErrorKind::NotFound);
    let anna = account(&store, "anna@example.org");
    let mut list = block_on(anna.list()).unwrap();
    list.sort_by_key(|m| m.name.to_string());
    let list: Vec<_> = list.iter().map(|m| (m.name.to_string(), m.special_use, m.subscribed)).collect();
    assert_eq!(
        list,
        [
            ("INBOX".to_owned(), SpecialUse::NONE, true),
            ("Lists".to_owned(), SpecialUse::NONE, false),
            ("Lists/Rust".to_owned(), SpecialUse::NONE, false),
            ("Sent".to_owned(), SpecialUse::SENT, true),
        ]
    );
    let (old, validity) = block_on(async {
        let id = inbox(&anna).await;
        for n in 0..3 {
            append(&anna, &id, &vec![b'x'; 100_000 * n]).await.unwrap();
        }
        let (snapshot, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        (mailbox, snapshot.uid_validity)
    });
    store.remove_account("Anna@example.org").unwrap();
    assert_eq!(store.remove_account("Anna@example.org").unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(block_on(old.snapshot()).unwrap_err().kind, ErrorKind::Gone);
    assert_eq!(
        block_on(anna.create(&MailboxName::new(["New"]).unwrap(), SpecialUse::NONE)).unwrap_err().kind,
        ErrorKind::NotFound
    );
    wait_until("the octets are still there", || {
        let db = |n| rusqlite::Connection::open(dir.path().join(format!("shard-0{n}.db"))).unwrap();
        (0..2).all(|n| {
            db(n).query_row("SELECT count(*) FROM mailbox", [], |r| r.get::<_, i64>(0)).unwrap() == 0
        })
    });
    assert_eq!(body_files(dir.path()), 0);
    let again = store.create_account("anna@example.org", None).unwrap();
    assert!(again.id > made.id);
    let anna = account(&store, "anna@example.org");
    let (snapshot, _) = block_on(async { anna.open(&inbox(&anna).await, OpenMode::Select).await }).unwrap();
    assert!(snapshot.uids.is_empty() && snapshot.uid_validity > validity);
    drop((old, anna, store));
    check(dir.path());
}

#[test]
fn a_closed_store_tells_watches_and_refuses_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let anna = account(&store, "anna");
    block_on(async {
        let id = inbox(&anna).await;
        let mut watch = anna.watch(Interest::Account).await.unwrap();
        store.close();
        assert_eq!(watch.changed().await.unwrap(), Hint::Closed);
        assert_eq!(append(&anna, &id, b"x").await.unwrap_err().kind, ErrorKind::Unavailable);
    });
}

#[test]
fn a_missing_shard_and_a_foreign_directory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    std::fs::remove_file(dir.path().join("shard-01.db")).unwrap();
    let refused = SqliteStore::open(&dir, Options::default()).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Corrupt);
    assert!(refused.to_string().contains("shard-01.db is missing"), "{refused}");
    let other = tempfile::tempdir().unwrap();
    let db = rusqlite::Connection::open(other.path().join("control.db")).unwrap();
    db.execute_batch("CREATE TABLE t(a); PRAGMA user_version = 1").unwrap();
    drop(db);
    assert_eq!(SqliteStore::open(&other, Options::default()).unwrap_err().kind, ErrorKind::Corrupt);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let store = open(&path);
    let anna = account(&store, "anna");
    block_on(async { append(&anna, &inbox(&anna).await, &[b'x'; 200_000]).await }).unwrap();
    let guard = block_on(anna.maildrop().unwrap().try_lock()).unwrap();
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        let meta = path.metadata().unwrap();
        assert_eq!(meta.permissions().mode() & 0o077, 0, "{}", path.display());
        if meta.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        }
    }
    drop(guard);
    assert_eq!(std::fs::read_dir(dir.path().join("data/locks")).unwrap().count(), 0);
}

#[test]
fn a_big_mailbox_is_the_same_by_its_packed_table_and_by_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let shard = || rusqlite::Connection::open(dir.path().join("shard-00.db")).unwrap();
    let options = Options { shards: Some(1), poll_every: Duration::from_millis(50), ..Options::default() };
    let open = || SqliteStore::open(&dir, options.clone()).unwrap();
    let all = |store: &SqliteStore| {
        let anna = account(store, "anna");
        block_on(async {
            let (snapshot, mailbox) = anna.open(&inbox(&anna).await, OpenMode::Select).await.unwrap();
            let want = MetaItems::FLAGS | MetaItems::SIZE | MetaItems::INTERNAL_DATE;
            let meta = mailbox.meta(&UidSet::all(), want, None, usize::MAX).await.unwrap();
            let changes = mailbox.changes(mailstore_api::ModSeq(3), usize::MAX).await.unwrap();
            (snapshot, meta, changes)
        })
    };
    let packed_at = || {
        let at = shard().query_row("SELECT modseq FROM packed", [], |r| r.get::<_, i64>(0));
        rusqlite::OptionalExtension::optional(at).unwrap()
    };
    let store = open();
    let anna = account(&store, "anna");
    let id = block_on(inbox(&anna));
    let keywords: Vec<String> = (0..30).map(|n| format!("k{n}")).collect();
    block_on(async {
        for n in 0..10 {
            let mut staged = Vec::new();
            for i in 0..600 {
                let flags = Flags { keywords: keywords[n * 3..n * 3 + 2].to_vec(), ..Flags::default() };
                let mut one = anna.stage(&id, AppendSpec { flags, ..AppendSpec::default() }).await.unwrap();
                one.write(&vec![b'x'; i % 50]).await.unwrap();
                one.finish().await.unwrap();
                staged.push(one);
            }
            anna.commit(&id, staged, None).await.unwrap();
        }
    });
    drop((anna, store));
    let store = open();
    let by_rows = all(&store);
    assert_eq!(by_rows.0.uids.len(), 6_000);
    wait_until("nothing was packed", || packed_at().is_some());
    drop(store);
    let store = open();
    assert_eq!(all(&store), by_rows);
    // Changed behind its back: flags, keywords, expunges, appends.
    let anna = account(&store, "anna");
    block_on(async {
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        let some = UidSet::from_ranges([(10, 20), (5_000, 5_100)]);
        let flags = Flags { keywords: vec!["k29".into(), "new".into()], ..Flags::default() };
        mailbox.set_flags(&some, FlagOp::Add, &flags, None).await.unwrap();
        mailbox.expunge(Some(&UidSet::from_ranges([(15, 40), (5_990, 6_000)])), false).await.unwrap();
        append(&anna, &id, b"one more").await.unwrap();
    });
    drop((anna, store));
    let old = packed_at();
    let by_packed = all(&open());
    assert_eq!(packed_at(), old, "few changes are not worth packing again");
    shard().execute("UPDATE packed SET data = zeroblob(length(data))", []).unwrap();
    assert_eq!(all(&open()), by_packed, "a damaged one is not used");
    shard().execute("DELETE FROM packed", []).unwrap();
    assert_eq!(all(&open()), by_packed);
    assert!(by_packed.0.uids.len() < 6_000 && by_packed.0.keywords.contains(&"new".to_owned()));
    check(dir.path());
}
