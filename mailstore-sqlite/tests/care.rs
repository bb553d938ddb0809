//! Checking, repairing, backing up and shrinking a store.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod common;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use common::{append, block_on, body_files, inbox, message, names};
use mailstore_api::{
    Account, AppendSpec, Delivery, ErrorKind, FlagOp, Flags, MailStore, Mailbox, MailboxName, NewEntry,
    NewRecipient, OpenMode, Recipient, Submission, SystemFlags, UidSet,
};
use mailstore_sqlite::{FindingKind, Options, SqliteStore};
use rusqlite::Connection;

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(2), ..Options::default() }).unwrap()
}

/// Two accounts in two shards, messages inline and in files, copies, and some that were expunged.
fn filled(dir: &Path) -> SqliteStore {
    let store = open(dir);
    for name in ["anna", "ben"] {
        store.create_account(name, None).unwrap();
        block_on(async {
            let account = store.open_account(name).await.unwrap();
            let id = inbox(&account).await;
            for n in 0..30 {
                append(&account, &id, &message(&format!("{name} {n}"))).await.unwrap();
            }
            append(&account, &id, &[b'x'; 200_000]).await.unwrap();
            let (snapshot, mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
            let some: UidSet = snapshot.uids.iter().copied().take(5).collect();
            account.copy(&id, &some, &id).await.unwrap();
            let one: UidSet = snapshot.uids.iter().copied().skip(5).take(1).collect();
            account.relocate(&id, &one, &id).await.unwrap();
            let few: UidSet = snapshot.uids.iter().copied().take(12).collect();
            mailbox.set_flags(&few, FlagOp::Add, &Flags::system(SystemFlags::FLAGGED), None).await.unwrap();
        });
    }
    queue(&store);
    store
}

/// Two entries of the queue in each shard: one shares its octets with a mailbox, the other does not.
fn queue(store: &SqliteStore) {
    for name in ["anna", "ben"] {
        for local in [true, false] {
            let recipient = NewRecipient { address: "a@b.test".into(), ..NewRecipient::default() };
            let entry = Some(NewEntry { recipients: vec![recipient], ..NewEntry::default() });
            let to = Recipient { account: name.into(), mailbox: MailboxName::inbox(), prefix: Vec::new() };
            block_on(async {
                let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
                delivery.write(&message(&format!("queued {name} {local}"))).await.unwrap();
                let to = if local { vec![to] } else { Vec::new() };
                let done = delivery.submit(&to, Submission { entry, settle: None }).await;
                assert!(done.queued.unwrap().is_some());
            });
        }
    }
}

fn kinds(store: &SqliteStore) -> Vec<FindingKind> {
    let report = store.check(&mut |_| {}).unwrap();
    report.findings.iter().for_each(|f| println!("{f}"));
    report.findings.iter().map(|f| f.kind).collect()
}

/// Damages a store at rest by SQL on its first shard.
fn damage(dir: &Path, sql: &str) -> usize {
    let db = Connection::open(dir.join("shard-00.db")).unwrap();
    db.execute(sql, []).unwrap()
}

#[test]
fn a_sound_store_is_clean_also_while_it_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let mut last = 0;
    let report = store.check(&mut |p| last = p.total).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    assert_eq!(report.messages, 2 * 37);
    assert_eq!(report.bodies, 2 * 33);
    assert!(last > 0);
    assert_eq!(store.repair().unwrap(), 0);
}

#[test]
fn damage_is_found_and_what_can_be_mended_is() {
    use FindingKind::{Changes, Checksum, Counter, Dangling, Orphan, Packed, Size};
    let cases: &[(&str, FindingKind)] = &[
        ("UPDATE mailbox SET messages = messages + 3", Counter),
        ("UPDATE mailbox SET unseen = 0", Counter),
        ("UPDATE mailbox SET octets = 1", Counter),
        ("UPDATE mailbox SET uidnext = 2", Counter),
        ("UPDATE mailbox SET modseq = 1", Counter),
        ("UPDATE mailbox SET tombstones = 77", Counter),
        ("UPDATE shared SET more = more + 1", Counter),
        ("DELETE FROM shared", Counter),
        ("INSERT INTO shared VALUES (1000, 1)", Counter),
        ("UPDATE meta SET value = 1 WHERE key = 'next_body'", Counter),
        ("INSERT INTO body VALUES (5, 3, 0, 0, NULL, 'abc') ON CONFLICT DO NOTHING", Orphan),
        ("INSERT INTO keyword VALUES (99, 0, 'k')", Orphan),
        ("INSERT INTO changed VALUES (99, 1, 1, 1)", Orphan),
        ("DELETE FROM changed", Changes),
        ("UPDATE changed SET last = 1", Changes),
        ("UPDATE changed SET modseq = modseq - 1", Changes),
        ("UPDATE mailbox SET changed_floor = modseq + 5", Changes),
        ("INSERT INTO expunged VALUES (99, 1, 1, 1)", Orphan),
        ("UPDATE account SET used_octets = 7", Counter),
        ("UPDATE account SET used_messages = used_messages + 1", Counter),
        ("UPDATE account SET used_mailboxes = 0", Counter),
        ("INSERT INTO acl VALUES (99, 'ben', 3)", Orphan),
        ("INSERT INTO annotation SELECT id, 99, '/private/x', 'x' FROM account", Orphan),
        ("INSERT INTO annotation VALUES (99, 0, '/private/x', 'x')", Orphan),
        ("INSERT INTO queue_recipient VALUES (99, 0, 0, 'a@b.test', NULL, '')", Orphan),
        ("INSERT INTO queue VALUES (9, 0, 0, 0, 0, 0, 3, 9999, 'a@b.test', '')", Dangling),
        ("UPDATE queue SET size = size + 1", Size),
        ("DELETE FROM queue_recipient", Dangling),
        ("DELETE FROM queue", Counter),
        ("INSERT INTO packed SELECT id, 1, 7, 'abc' FROM mailbox", Packed),
        ("UPDATE body SET data = zeroblob(length(data)) WHERE data IS NOT NULL", Checksum),
        ("UPDATE body SET size = size + 1 WHERE id = 1", Size),
        ("UPDATE msg SET size = size + 1 WHERE uid = 3", Size),
        ("DELETE FROM body WHERE id = 3", Dangling),
        ("INSERT INTO mailbox(account, name, uses, uidvalidity) VALUES (1, 'Lost', 0, 9)", Dangling),
        ("UPDATE mailbox SET name = 'Else' WHERE name = 'INBOX'", Dangling),
    ];
    let pristine = tempfile::tempdir().unwrap();
    let backup = pristine.path().join("backup");
    filled(&pristine.path().join("store")).backup(&backup, &mut |_| {}).unwrap();
    for (sql, kind) in cases {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("copy");
        open(&backup).backup(&here, &mut |_| {}).unwrap();
        if sql.contains("INTO body") {
            damage(&here, "UPDATE meta SET value = 6000 WHERE key = 'next_body'");
            assert_eq!(damage(&here, &sql.replace("(5,", "(5000,")), 1);
        } else {
            assert!(damage(&here, sql) > 0, "{sql}");
        }
        let store = open(&here);
        let found = kinds(&store);
        assert!(found.contains(kind), "{sql}: {found:?}");
        let before = count(&here);
        store.repair().unwrap();
        let left = kinds(&store);
        assert!(left.iter().all(|k| !k.is_mendable()), "{sql}: {left:?}");
        assert_eq!(left.contains(kind), !kind.is_mendable(), "{sql}: {left:?}");
        drop(store);
        assert_eq!(count(&here), before, "{sql}: no message may go");
    }
}

fn count(dir: &Path) -> i64 {
    let db = Connection::open(dir.join("shard-00.db")).unwrap();
    db.query_row("SELECT count(*) FROM msg", [], |r| r.get(0)).unwrap()
}

#[test]
fn files_that_are_missing_damaged_or_nobodys_are_found() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    let mut files = Vec::new();
    for bucket in fs::read_dir(dir.path().join("bodies")).unwrap() {
        files.extend(fs::read_dir(bucket.unwrap().path()).unwrap().map(|f| f.unwrap().path()));
    }
    files.sort();
    assert!(files.len() >= 2);
    let nobodys = files[0].parent().unwrap().join("nobodys");
    fs::copy(&files[0], &nobodys).unwrap();
    let octets = fs::read(&files[0]).unwrap();
    let store = open(dir.path());

    assert_eq!(kinds(&store), [FindingKind::Orphan]);
    assert_eq!(store.repair().unwrap(), 1);
    assert!(!nobodys.exists());
    assert!(kinds(&store).is_empty());

    fs::write(&files[0], &octets[1..]).unwrap();
    assert_eq!(kinds(&store), [FindingKind::Size]);
    let mut other = octets.clone();
    other[100] ^= 1;
    fs::write(&files[0], other).unwrap();
    assert_eq!(kinds(&store), [FindingKind::Checksum]);
    fs::remove_file(&files[0]).unwrap();
    assert_eq!(kinds(&store), [FindingKind::MissingFile]);
    assert_eq!(store.repair().unwrap(), 0);
    assert_eq!(kinds(&store), [FindingKind::MissingFile]);
    fs::write(&files[0], octets).unwrap();
    assert!(kinds(&store).is_empty());
}

#[test]
fn a_repaired_counter_is_seen_by_a_mailbox_that_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        let (before, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        for n in 0..2 {
            let db = Connection::open(dir.path().join(format!("shard-{n:02}.db"))).unwrap();
            db.execute("UPDATE mailbox SET messages = 0", []).unwrap();
        }
        assert!(store.repair().unwrap() >= 2);
        append(&anna, &id, b"one more").await.unwrap();
        assert_eq!(mailbox.snapshot().await.unwrap().uids.len(), before.uids.len() + 1);
    });
    assert!(kinds(&store).is_empty());
}

#[test]
fn a_backup_taken_while_others_write_is_a_sound_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("store"));
    store.create_account("anna", None).unwrap();
    store.create_account("ben", None).unwrap();
    let stop = AtomicBool::new(false);
    let copies = std::thread::scope(|scope| {
        for name in ["anna", "ben"] {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                block_on(async {
                    let account = store.open_account(name).await.unwrap();
                    let id = inbox(&account).await;
                    let (_, mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
                    let mut n = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let done = append(&account, &id, &message(&format!("{name} {n}"))).await.unwrap();
                        n += 1;
                        // So that files go while they are linked.
                        if n % 3 == 0 {
                            mailbox.expunge(Some(&done.uids.iter().copied().collect()), false).await.unwrap();
                        }
                    }
                });
            });
        }
        let copies: Vec<_> = (0..4).map(|n| dir.path().join(format!("backup {n}"))).collect();
        for to in &copies {
            store.backup(to, &mut |_| {}).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        copies
    });
    let mut seen = 0;
    for dir in &copies {
        let copy = open(dir);
        assert!(kinds(&copy).is_empty());
        block_on(async {
            for name in ["anna", "ben"] {
                let account = copy.open_account(name).await.unwrap();
                let id = inbox(&account).await;
                seen = seen.max(names(&account, &id).await.1.len());
                // It is a store like any other.
                append(&account, &id, b"more").await.unwrap();
            }
        });
        body_files(dir);
    }
    assert!(seen > 0);
    assert!(kinds(&store).is_empty());
}

#[test]
fn a_backup_overwrites_nothing_and_leaves_no_half() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir.path().join("store"));
    let to = dir.path().join("backup");
    fs::create_dir(&to).unwrap();
    store.backup(&to, &mut |_| {}).unwrap();
    assert_eq!(store.backup(&to, &mut |_| {}).unwrap_err().kind, ErrorKind::Exists);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    // What is deleted here stays there.
    store.remove_account("anna").unwrap();
    drop(store);
    let copy = open(&to);
    block_on(async {
        let anna = copy.open_account("anna").await.unwrap();
        assert!(anna.find(&MailboxName::inbox()).await.unwrap().is_some());
    });
    assert!(kinds(&copy).is_empty());
}

#[test]
fn a_backup_that_was_killed_is_swept_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir.path().join("store"));
    let here = dir.path().join("backups");
    let half = |name: &str, lock: bool| {
        let path = here.join(name);
        fs::create_dir_all(path.join("bodies/00-0000")).unwrap();
        fs::write(path.join("bodies/00-0000/x"), "half").unwrap();
        lock.then(|| fs::File::create(path.join("lock")).unwrap())
    };
    drop(half(".monday.123.partial", true));
    let living = half(".tuesday.124.partial", true).unwrap();
    living.lock().unwrap();
    // Not old enough to say that nobody is about to lock it.
    half(".sunday.125.partial", false);
    for others in [".partial", ".x.partial", ".x.y1.partial", "a.1.partial"] {
        half(others, false);
    }
    store.backup(here.join("wednesday"), &mut |_| {}).unwrap();
    let mut left: Vec<_> = fs::read_dir(&here).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    let expected = [
        ".partial",
        ".sunday.125.partial",
        ".tuesday.124.partial",
        ".x.partial",
        ".x.y1.partial",
        "a.1.partial",
        "wednesday",
    ];
    assert_eq!(left, expected);
    assert!(kinds(&open(&here.join("wednesday"))).is_empty());
}

#[test]
fn vacuum_gives_back_what_deletion_left() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create_account("anna", None).unwrap();
    block_on(async {
        let anna = store.open_account("anna").await.unwrap();
        let id = inbox(&anna).await;
        for _ in 0..20 {
            append(&anna, &id, &[b'x'; 100_000]).await.unwrap();
        }
        let (_, mailbox) = anna.open(&id, OpenMode::Select).await.unwrap();
        mailbox.expunge(None, false).await.unwrap();
    });
    assert!(store.vacuum(&mut |_| {}).unwrap() > 1_000_000);
    assert!(kinds(&store).is_empty());
}
