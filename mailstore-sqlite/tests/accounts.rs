//! Many accounts in one store cost nothing while nobody uses them. `MAILSTORE_ACCOUNTS` says how many.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use common::{append, block_on, inbox, message};
use mailstore_api::{Account, ErrorKind, MailStore, MailboxName, OpenMode, SpecialUse};
use mailstore_sqlite::{DefaultMailbox, Options, SqliteStore};

const FEW: usize = 20;

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(2), ..Options::default() }).unwrap()
}

fn create(store: &SqliteStore, from: usize, to: usize) {
    let defaults = [("Drafts", SpecialUse::DRAFTS), ("Sent", SpecialUse::SENT), ("Trash", SpecialUse::TRASH)];
    let defaults = defaults.map(|(name, special_use)| DefaultMailbox {
        name: MailboxName::new([name]).unwrap(),
        special_use,
        subscribed: true,
    });
    for n in from..to {
        store.create_account_with(&format!("user{n}@example.org"), Some("hash"), &defaults).unwrap();
    }
}

/// Opens so many accounts' INBOX, with a new message each, one after the other.
fn visit(store: &SqliteStore, accounts: usize) {
    for n in 0..accounts {
        block_on(async {
            let account = store.open_account(&format!("user{n}@example.org")).await.unwrap();
            let id = inbox(&account).await;
            append(&account, &id, &message("hello")).await.unwrap();
            let (snapshot, _mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
            assert!(!snapshot.uids.is_empty());
        });
    }
}

/// Descriptors, threads, and resident memory in KiB; `None` where the system does not tell.
fn usage() -> Option<(usize, usize, u64)> {
    let count = |dir| Some(std::fs::read_dir(dir).ok()?.count());
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?.split_whitespace().next()?;
    Some((count("/proc/self/fd")?, count("/proc/self/task")?, resident.parse().ok()?))
}

#[test]
fn ten_thousand_accounts_open_in_a_second_and_take_no_more_than_few() {
    let accounts: usize = std::env::var("MAILSTORE_ACCOUNTS").map_or(300, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    create(&store, 0, FEW);
    visit(&store, FEW);
    let few = usage();
    let begin = Instant::now();
    create(&store, FEW, accounts);
    let created = begin.elapsed();
    drop(store);

    let begin = Instant::now();
    let store = open(dir.path());
    assert!(block_on(store.open_account("user7@example.org")).is_ok());
    let opened = begin.elapsed();
    let idle = usage();
    visit(&store, accounts);
    let visited = usage();
    let begin = Instant::now();
    assert_eq!(store.accounts().unwrap().len(), accounts);
    println!(
        "{accounts} accounts of 4 mailboxes: made in {created:?} ({:?} each), store opened in {opened:?}, all listed in {:?}",
        created / u32::try_from(accounts - FEW).unwrap(),
        begin.elapsed()
    );
    println!(
        "descriptors, threads, KiB: {few:?} with {FEW} accounts, {idle:?} after opening, {visited:?} after a visit to all"
    );
    assert!(opened < Duration::from_secs(1), "{opened:?}");
    if let (Some(few), Some(idle), Some(visited)) = (few, idle, visited) {
        // Those of two shards and all reader threads, which open theirs when first needed.
        assert!(idle.0 < 48 && visited.0 < 48 && visited.1 <= few.1);
        // Pages that SQLite keeps, up to a limit for each connection; nothing for each account.
        assert!(visited.2 < few.2 + 64 * 1024, "{few:?} {visited:?}");
        assert!(idle.2 < few.2 + 8 * 1024, "{few:?} {idle:?}");
    }
}

#[test]
fn an_account_keeps_its_mail_and_its_sessions_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    create(&store, 0, 2);
    let mail = |store: &SqliteStore, name: &str| {
        block_on(async {
            let account = store.open_account(name).await?;
            let id = inbox(&account).await;
            let (snapshot, _mailbox) = account.open(&id, OpenMode::Select).await?;
            mailstore_api::Result::Ok(snapshot.uids.iter().count())
        })
    };
    visit(&store, 1);
    let session = block_on(store.open_account("user0@example.org")).unwrap();
    store.rename_account("user0@example.org", "j\u{f6}rg@example.org").unwrap();
    assert_eq!(mail(&store, "j\u{f6}rg@example.org").unwrap(), 1);
    assert_eq!(mail(&store, "user0@example.org").unwrap_err().kind, ErrorKind::NotFound);
    block_on(async {
        let id = inbox(&session).await;
        append(&session, &id, &message("later")).await.unwrap();
    });
    assert_eq!(mail(&store, "j\u{f6}rg@example.org").unwrap(), 2);
    // Another case of the same letters is no other name, and may be what is changed.
    store.rename_account("USER1@example.org", "User1@Example.Org").unwrap();
    assert_eq!(store.account("user1@example.org").unwrap().unwrap().name, "User1@Example.Org");
    for (name, new, kind) in [
        ("j\u{f6}rg@example.org", "user1@EXAMPLE.org", ErrorKind::Exists),
        ("nobody", "somebody", ErrorKind::NotFound),
        ("user1@example.org", "", ErrorKind::Cannot),
        ("user1@example.org", "a\nb", ErrorKind::Cannot),
    ] {
        assert_eq!(store.rename_account(name, new).unwrap_err().kind, kind, "{name} {new:?}");
    }
    store.close();
    drop(store);
    assert_eq!(mail(&open(dir.path()), "j\u{f6}rg@example.org").unwrap(), 2);
}
