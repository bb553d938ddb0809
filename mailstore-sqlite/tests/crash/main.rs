//! Kill -9 in the middle of everything: nothing acknowledged is lost, nothing half is seen, no UID, no modseq and no
//! UIDVALIDITY is given twice.
//!
//! A child process works with many threads and tells what was acknowledged, and what it is about to do, by a pipe; the
//! parent kills it, opens the store and holds it against what it was told. `MAILSTORE_CRASH_ROUNDS` says how often.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod child;
mod ledger;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use common::{append, block_on, check, message};
use ledger::Ledger;
use mailstore_api::{Account, MailStore, MailboxId, MailboxName, SpecialUse};
use mailstore_sqlite::{Options, SqliteAccount, SqliteStore};

const DIR: &str = "MAILSTORE_CRASH_DIR";
const ROUND: &str = "MAILSTORE_CRASH_ROUND";

/// Messages whose flags change all at once.
const FLAGGED: usize = 20;

fn options() -> Options {
    Options { shards: Some(1), ..Options::default() }
}

fn named(name: &str) -> MailboxName {
    MailboxName::new([name]).unwrap()
}

fn id_of(account: &SqliteAccount, name: &str) -> Option<MailboxId> {
    block_on(account.find(&named(name))).unwrap().and_then(|m| m.id)
}

/// Not a test: what the parent kills.
#[test]
fn child() {
    let (Some(dir), Ok(round)) = (std::env::var_os(DIR), std::env::var(ROUND)) else { return };
    child::run(Path::new(&dir), &round);
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let rounds: u64 = std::env::var("MAILSTORE_CRASH_ROUNDS").map_or(4, |n| n.parse().unwrap());
    {
        let store = SqliteStore::open(&dir, options()).unwrap();
        store.create_account("anna", None).unwrap();
        let account = block_on(store.open_account("anna")).unwrap();
        for name in ["Many", "Here", "There", "Bin", "Flags", "Box"] {
            block_on(account.create(&named(name), SpecialUse::NONE)).unwrap();
        }
        let flags = id_of(&account, "Flags").unwrap();
        for n in 0..FLAGGED {
            block_on(append(&account, &flags, &message(&format!("flagged {n}")))).unwrap();
        }
    }
    let mut ledger = Ledger::default();
    // More of them, where a busy machine did hardly anything in so many.
    let mut round = 0;
    while round < rounds || !ledger.is_worth_it() {
        assert!(round < rounds * 5, "hardly anything was done before it was killed: {}", ledger.summary());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.ends_with("ready")), "the child does not work");
        let reader = thread::spawn(move || lines.collect::<Vec<_>>());
        // Another moment each time, so that it hits different places.
        thread::sleep(Duration::from_millis(40 + (round * 137) % 600));
        assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        let told = reader.join().unwrap();
        told.iter().for_each(|line| ledger.told(line));
        println!("round {round}: {} lines, then killed", told.len());

        let store = SqliteStore::open(&dir, options()).unwrap();
        ledger.verify(&block_on(store.open_account("anna")).unwrap());
        let report = store.check(&mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        drop(store);
        check(dir.path());
        round += 1;
    }
    println!("{}", ledger.summary());
}
