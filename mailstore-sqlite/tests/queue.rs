//! Kill -9 while messages are submitted, taken and settled: nothing acknowledged is lost, nothing half is seen.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use common::{block_on, check, inbox, message, name_of, names};
use mailstore_api::{
    AnyBody, AppendSpec, Body, Delivery, MailQueue, MailStore, MailboxName, NewEntry, NewRecipient, Next,
    QueueId, Recipient, Settlement, Submission, Submitted,
};
use mailstore_sqlite::{Options, SqliteStore};

const DIR: &str = "MAILSTORE_QUEUE_DIR";
const ROUND: &str = "MAILSTORE_QUEUE_ROUND";
const ACCOUNTS: [&str; 2] = ["anna", "ben"];

fn open(dir: impl AsRef<std::path::Path>) -> SqliteStore {
    SqliteStore::open(dir, Options { shards: Some(2), ..Options::default() }).unwrap()
}

fn to(account: &str) -> Recipient {
    Recipient { account: account.into(), mailbox: MailboxName::inbox(), prefix: Vec::new() }
}

async fn submit(store: &SqliteStore, name: &str, to: &[Recipient], what: Submission) -> Submitted {
    let mut delivery = store.deliver(AppendSpec::default()).await.unwrap();
    for chunk in message(name).chunks(50_000) {
        delivery.write(chunk).await.unwrap();
    }
    delivery.submit(to, what).await
}

fn entry(name: &str) -> NewEntry {
    NewEntry {
        sender: name.to_owned(),
        recipients: vec![NewRecipient { address: "a@b.test".into(), ..NewRecipient::default() }],
        ..NewEntry::default()
    }
}

async fn read(mut body: AnyBody) -> Vec<u8> {
    let mut octets = Vec::new();
    while (octets.len() as u64) < body.len() {
        octets.extend_from_slice(&body.read_at(octets.len() as u64, 1 << 20).await.unwrap());
    }
    octets
}

/// Not a test: what the parent kills. Three submit; two take, and answer each second entry with a report in the
/// step that removes it.
#[test]
fn child() {
    let (Some(dir), Ok(round)) = (std::env::var_os(DIR), std::env::var(ROUND)) else { return };
    let store = open(dir);
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let say = move |line: String| {
        let mut out = out.lock().unwrap();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    thread::scope(|s| {
        for n in 0..3 {
            let (store, say, round) = (store.clone(), say.clone(), round.clone());
            s.spawn(move || {
                for i in 0.. {
                    let name = format!("{round}.{n}.{i}");
                    let local: Vec<_> = ACCOUNTS.iter().take(i % 3).map(|a| to(a)).collect();
                    let what = Submission { entry: Some(entry(&name)), settle: None };
                    let done = block_on(submit(&store, &name, &local, what));
                    assert!(done.local.iter().all(Result::is_ok));
                    say(format!("queued {} {name} {}", done.queued.unwrap().unwrap().0, local.len()));
                }
            });
        }
        for n in 0..2 {
            let (store, say, round) = (store.clone(), say.clone(), round.clone());
            s.spawn(move || {
                for i in 0.. {
                    // Each round is an hour later: what a killed runner had comes back.
                    let now = 3600 * (round.parse::<i64>().unwrap() + 1);
                    for taken in block_on(store.take(now, now + 1800, 3)).unwrap() {
                        say(format!("settling {}", taken.id.0));
                        let settle = Settlement {
                            lease: taken.lease(),
                            recipients: Vec::new(),
                            data: None,
                            next: Next::Remove,
                        };
                        if i % 2 == 0 {
                            block_on(store.settle(&settle)).unwrap();
                            say(format!("removed {}", taken.id.0));
                        } else {
                            let name = format!("{round}.report.{n}.{}", taken.id.0);
                            let new = NewEntry { due: i64::MAX, ..entry(&name) };
                            let what = Submission { entry: Some(new), settle: Some(settle) };
                            let done = block_on(submit(&store, &name, &[to("anna")], what));
                            say(format!("removed {}", taken.id.0));
                            say(format!("queued {} {name} 1", done.queued.unwrap().unwrap().0));
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn killed_at_any_moment_nothing_accepted_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let rounds: u64 = std::env::var("MAILSTORE_CRASH_ROUNDS").map_or(4, |n| n.parse().unwrap());
    {
        let store = open(&dir);
        ACCOUNTS.iter().for_each(|name| _ = store.create_account(name, None).unwrap());
    }
    let mut accepted: BTreeMap<QueueId, (String, usize)> = BTreeMap::new();
    let (mut settling, mut removed) = (BTreeSet::new(), BTreeSet::new());
    // More of them, where a busy machine did hardly anything in so many.
    let mut round = 0;
    while round < rounds || accepted.len() as u64 <= rounds || removed.len() as u64 <= rounds {
        assert!(round < rounds * 5, "hardly anything happened");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(DIR, dir.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let reader = thread::spawn(move || out.lines().map_while(Result::ok).collect::<Vec<_>>());
        thread::sleep(Duration::from_millis(300 + (round * 137) % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut told = (0, 0);
        for line in reader.join().unwrap() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["queued", id, name, local] => {
                    told.0 += 1;
                    let new = (name.to_owned(), local.parse().unwrap());
                    let before = accepted.insert(QueueId(id.to_owned()), new);
                    assert_eq!(before, None, "{id} was given twice");
                }
                ["settling", id] => _ = settling.insert(QueueId(id.to_owned())),
                ["removed", id] => {
                    told.1 += 1;
                    removed.insert(QueueId(id.to_owned()));
                }
                _ => {}
            }
        }

        let store = open(&dir);
        let report = store.check(&mut |_| {}).unwrap();
        assert!(report.is_clean(), "{:?}", report.findings);
        let entries = block_on(store.list(None, usize::MAX)).unwrap();
        println!("round {round}: {} queued, {} removed, then killed; {} wait", told.0, told.1, entries.len());
        let waiting: BTreeMap<QueueId, String> = entries.into_iter().map(|e| (e.id, e.sender)).collect();
        for (id, name) in &waiting {
            assert_eq!(name_of(&block_on(async { read(store.body(id).await.unwrap()).await })), *name);
            assert!(!removed.contains(id), "{id:?} came back");
        }
        let mut delivered: BTreeMap<String, usize> = BTreeMap::new();
        for account in ACCOUNTS {
            block_on(async {
                let account = store.open_account(account).await.unwrap();
                let (_, found) = names(&account, &inbox(&account).await).await;
                let once: BTreeSet<&String> = found.values().collect();
                assert_eq!(once.len(), found.len(), "a message was delivered twice");
                once.into_iter().for_each(|name| *delivered.entry(name.clone()).or_default() += 1);
            });
        }
        for (id, (name, local)) in &accepted {
            assert!(waiting.contains_key(id) || settling.contains(id), "{id:?} is lost");
            assert_eq!(delivered.get(name).copied().unwrap_or(0), *local, "{name} is not with all it is for");
        }
        // A report that is there had its cause removed, whether that was told or not.
        let reports = waiting.values().filter(|name| name.contains(".report."));
        for cause in reports.filter_map(|name| name.rsplit_once('.')).map(|(_, id)| QueueId(id.to_owned())) {
            assert!(!waiting.contains_key(&cause), "{cause:?} was reported and is still there");
        }
        drop(store);
        check(dir.path());
        round += 1;
    }
}

#[test]
fn a_delivery_to_several_shards_and_the_queue_answers_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    ACCOUNTS.iter().for_each(|name| _ = store.create_account(name, None).unwrap());
    let recipients = [to("ben"), to("nobody"), to("anna"), to("ben")];
    let mut new = entry("m");
    new.recipients.extend((0..4).map(|place| NewRecipient {
        address: format!("{place}@here.test"),
        unless_delivered: Some(place),
        ..NewRecipient::default()
    }));
    let what = Submission { entry: Some(new), settle: None };
    let done = block_on(submit(&store, "m", &recipients, what));
    assert_eq!(done.local.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    let waiting = block_on(store.get(&done.queued.unwrap().unwrap())).unwrap();
    let who: Vec<_> = waiting.recipients.iter().map(|r| &*r.address).collect();
    assert_eq!(who, ["a@b.test", "1@here.test"]);
    // Once in each shard, whatever the number of recipients: the octets of the queue are those of a mailbox.
    assert_eq!(store.check(&mut |_| {}).unwrap().bodies, 2);
}
