//! Kill -9 in the middle of appending, copying, moving, flagging and expunging: nothing acknowledged is lost, nothing
//! half is seen, no UID is given twice.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use common::{append, block_on, check, inbox, message, names};
use mailstore_api::{
    Account, FlagOp, Flags, MailStore, Mailbox, MailboxName, OpenMode, SpecialUse, SystemFlags, UidSet,
};
use mailstore_sqlite::{Options, SqliteStore};

const DIR: &str = "MAILSTORE_CRASH_DIR";
const ROUND: &str = "MAILSTORE_CRASH_ROUND";
const APPENDERS: usize = 4;

fn options() -> Options {
    Options { shards: Some(1), ..Options::default() }
}

/// Not a test: what the parent kills.
#[test]
fn child() {
    let (Some(dir), Ok(round)) = (std::env::var_os(DIR), std::env::var(ROUND)) else { return };
    let store = SqliteStore::open(dir, options()).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let say = move |line: String| {
        let mut out = out.lock().unwrap();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    thread::scope(|s| {
        for n in 0..APPENDERS {
            let (account, say, round) = (account.clone(), say.clone(), round.clone());
            s.spawn(move || {
                block_on(async {
                    let id = inbox(&account).await;
                    for i in 0.. {
                        let name = format!("{round}.{n}.{i}");
                        let uid = append(&account, &id, &message(&name)).await.unwrap().uids[0];
                        say(format!("appended {uid} {name}"));
                    }
                });
            });
        }
        // Messages that wander from one mailbox to another, are flagged, copied and expunged.
        let (account, say) = (account.clone(), say.clone());
        s.spawn(move || {
            block_on(async {
                let here =
                    account.find(&MailboxName::new(["Here"]).unwrap()).await.unwrap().unwrap().id.unwrap();
                let there =
                    account.find(&MailboxName::new(["There"]).unwrap()).await.unwrap().unwrap().id.unwrap();
                let bin =
                    account.find(&MailboxName::new(["Bin"]).unwrap()).await.unwrap().unwrap().id.unwrap();
                for i in 0.. {
                    let name = format!("{round}.w.{i}");
                    append(&account, &here, &message(&name)).await.unwrap();
                    say(format!("wanders 0 {name}"));
                    let (mut from, mut to) = (&here, &there);
                    for _ in 0..3 {
                        account.relocate(from, &UidSet::all(), to).await.unwrap();
                        std::mem::swap(&mut from, &mut to);
                    }
                    account.copy(from, &UidSet::all(), &bin).await.unwrap();
                    let (_, mailbox) = account.open(&bin, OpenMode::Select).await.unwrap();
                    let deleted = Flags::system(SystemFlags::DELETED);
                    mailbox.set_flags(&UidSet::all(), FlagOp::Add, &deleted, None).await.unwrap();
                    mailbox.expunge(None, true).await.unwrap();
                }
            });
        });
    });
}

#[test]
fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let rounds: usize = std::env::var("MAILSTORE_CRASH_ROUNDS").map_or(5, |n| n.parse().unwrap());
    {
        let store = SqliteStore::open(&dir, options()).unwrap();
        store.create_account("anna", None).unwrap();
        let account = block_on(store.open_account("anna")).unwrap();
        for name in ["Here", "There", "Bin"] {
            block_on(account.create(&MailboxName::new([name]).unwrap(), SpecialUse::NONE)).unwrap();
        }
    }
    let mut appended: BTreeMap<u32, String> = BTreeMap::new();
    let mut wandering: BTreeSet<String> = BTreeSet::new();
    let mut validity = None;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || out.lines().map_while(Result::ok).collect::<Vec<_>>());
        // Another moment each time, so that it hits different places.
        thread::sleep(Duration::from_millis(300 + (round as u64 * 137) % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut told = 0;
        for line in reader.join().unwrap() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["appended", uid, name] => {
                    told += 1;
                    let before = appended.insert(uid.parse().unwrap(), name.to_owned());
                    assert_eq!(before, None, "UID {uid} was given twice");
                }
                ["wanders", _, name] => assert!(wandering.insert(name.to_owned())),
                _ => {}
            }
        }
        println!("round {round}: {told} appended, then killed");

        let store = SqliteStore::open(&dir, options()).unwrap();
        let account = block_on(store.open_account("anna")).unwrap();
        let (snapshot, found) = block_on(async { names(&account, &inbox(&account).await).await });
        assert_eq!(*validity.get_or_insert(snapshot.uid_validity), snapshot.uid_validity);
        for (uid, name) in &appended {
            assert_eq!(found.get(uid), Some(name), "UID {uid}");
        }
        // What was not acknowledged may be there: once, and whole (`names` looks).
        assert_eq!(found.values().collect::<BTreeSet<_>>().len(), found.len());
        appended = found;
        let mut places = Vec::new();
        for name in ["Here", "There"] {
            let id = block_on(account.find(&MailboxName::new([name]).unwrap())).unwrap().unwrap().id.unwrap();
            places.extend(block_on(names(&account, &id)).1.into_values());
        }
        let once: BTreeSet<String> = places.iter().cloned().collect();
        assert_eq!(once.len(), places.len(), "a message is in two places");
        assert!(once.is_superset(&wandering), "a message is in no place");
        wandering = once;
        drop((account, store));
        check(dir.path());
    }
    assert!(appended.len() > rounds, "hardly anything was appended");
}
