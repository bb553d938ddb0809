//! Two processes on one store: they see each other's changes, and damage nothing.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::BTreeSet,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{append, block_on, check, inbox, message, names};
use mailstore_api::{
    Account, ErrorKind, FlagOp, Flags, Interest, MailStore, Mailbox, ModSeq, OpenMode, SystemFlags, UidSet,
    Watch, conformance::block_on_for,
};
use mailstore_sqlite::{Options, SqliteStore};

const DIR: &str = "MAILSTORE_OTHER_DIR";
const WHAT: &str = "MAILSTORE_OTHER_WHAT";
const MESSAGES: usize = 40;

fn options() -> Options {
    Options { shards: Some(2), poll_every: Duration::from_millis(100), ..Options::default() }
}

/// Not a test: the other process.
#[test]
fn other() {
    let (Some(dir), Ok(what)) = (std::env::var_os(DIR), std::env::var(WHAT)) else { return };
    let store = SqliteStore::open(dir, options()).unwrap();
    match &*what {
        "work" => block_on(work(&store, "b")),
        "create" => _ = store.create_account("bert", Some("hash")).unwrap(),
        "remove" => store.remove_account("anna").unwrap(),
        _ => {}
    }
}

fn other_process(dir: &Path, what: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["other", "--exact"])
        .env(DIR, dir)
        .env(WHAT, what)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Appends, flags and expunges in INBOX, with an eye on a view that is brought up to date by changes alone.
async fn work(store: &SqliteStore, who: &str) {
    let account = store.open_account("anna").await.unwrap();
    let id = inbox(&account).await;
    let (snapshot, mailbox) = account.open(&id, OpenMode::Select).await.unwrap();
    let mut view: BTreeSet<u32> = snapshot.uids.iter().map(|u| u.get()).collect();
    let mut at = snapshot.at;
    for n in 0..MESSAGES {
        let uid = append(&account, &id, &message(&format!("{who}{n}"))).await.unwrap().uids[0];
        let doomed = append(&account, &id, &message(&format!("{who}x{n}"))).await.unwrap().uids[0];
        let flag = if who == "a" { SystemFlags::SEEN } else { SystemFlags::FLAGGED };
        mailbox.set_flags(&UidSet::all(), FlagOp::Add, &Flags::system(flag), None).await.unwrap();
        mailbox.expunge(Some(&UidSet::from(doomed)), false).await.unwrap();
        loop {
            let changes = mailbox.changes(at, 50).await.unwrap();
            assert!(changes.upto >= at);
            at = changes.upto;
            view.extend(changes.changed.iter().map(|c| c.uid.get()));
            view.retain(|u| !changes.vanished.contains(mailstore_api::Uid::new(*u).unwrap()));
            if !changes.more {
                break;
            }
        }
        assert!(view.contains(&uid.get()) && !view.contains(&doomed.get()));
    }
    let snapshot = mailbox.snapshot().await.unwrap();
    let changes = mailbox.changes(at, usize::MAX).await.unwrap();
    let mut now = view.clone();
    now.extend(changes.changed.iter().map(|c| c.uid.get()));
    now.retain(|u| !changes.vanished.contains(mailstore_api::Uid::new(*u).unwrap()));
    if changes.upto == snapshot.at {
        assert_eq!(now, snapshot.uids.iter().map(|u| u.get()).collect());
    }
}

#[test]
fn two_processes_work_in_one_mailbox() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir, options()).unwrap();
    store.create_account("anna", None).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let id = block_on(inbox(&account));
    let (_, mailbox) = block_on(account.open(&id, OpenMode::Select)).unwrap();
    let mut other = other_process(dir.path(), "work");
    block_on(work(&store, "a"));
    assert!(other.wait().unwrap().success(), "the other process failed");
    // Once more, so that both have flagged all.
    for flag in [SystemFlags::SEEN, SystemFlags::FLAGGED] {
        block_on(mailbox.set_flags(&UidSet::all(), FlagOp::Add, &Flags::system(flag), None)).unwrap();
    }
    let (snapshot, found) = block_on(names(&account, &id));
    let expected: BTreeSet<String> = (0..MESSAGES).flat_map(|n| [format!("a{n}"), format!("b{n}")]).collect();
    assert_eq!(found.into_values().collect::<BTreeSet<_>>(), expected);
    let all = block_on(mailbox.changes(ModSeq(0), usize::MAX)).unwrap();
    assert!(all.changed.iter().all(|c| c.flags.system == SystemFlags::SEEN | SystemFlags::FLAGGED));
    assert_eq!(all.upto, snapshot.at);
    drop((mailbox, account, store));
    check(dir.path());
}

#[test]
fn a_watch_is_hinted_of_another_process() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir, options()).unwrap();
    store.create_account("anna", None).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let id = block_on(inbox(&account));
    let mut watch = block_on(account.watch(Interest::Mailboxes(vec![id]))).unwrap();
    let mut other = other_process(dir.path(), "work");
    assert!(block_on_for(Duration::from_secs(60), watch.changed()).is_some(), "no hint came");
    assert!(other.wait().unwrap().success());
}

#[test]
fn accounts_can_be_administered_beside_the_running_server() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir, options()).unwrap();
    store.create_account("anna", None).unwrap();
    let anna = block_on(store.open_account("anna")).unwrap();
    let id = block_on(inbox(&anna));
    let (_, mailbox) = block_on(anna.open(&id, OpenMode::Select)).unwrap();
    assert!(other_process(dir.path(), "create").wait().unwrap().success());
    let bert = store.account("BERT").unwrap().unwrap();
    assert_eq!((bert.name.as_str(), bert.password_hash.as_deref()), ("bert", Some("hash")));
    block_on(async {
        let bert = store.open_account("bert").await.unwrap();
        append(&bert, &inbox(&bert).await, b"x").await.unwrap();
    });
    assert!(other_process(dir.path(), "remove").wait().unwrap().success());
    assert_eq!(block_on(store.open_account("anna")).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(block_on(mailbox.snapshot()).unwrap_err().kind, ErrorKind::Gone);
    assert_eq!(block_on(append(&anna, &id, b"x")).unwrap_err().kind, ErrorKind::NotFound);
    let begin = Instant::now();
    drop((mailbox, anna, store));
    assert!(begin.elapsed() < Duration::from_secs(30), "the store closes at once");
    check(dir.path());
}
