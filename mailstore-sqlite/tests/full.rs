//! Out of room, and out of descriptors: what cannot be done is refused, nothing acknowledged is lost, reading goes on, and
//! all works again without a restart when there is room.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{append, block_on, check, inbox, message, names};
use mailstore_api::{Account, ErrorKind, FlagOp, Flags, MailStore, Mailbox, OpenMode, SystemFlags, UidSet};
use mailstore_sqlite::{FindingKind, Options, SqliteAccount, SqliteStore};

const DIR: &str = "MAILSTORE_FULL_DIR";
const ENOUGH: &str = "MAILSTORE_FULL_DESCRIPTORS";

/// Runs the test `name` of this program in a process that `setting` makes, a shell's script.
fn run_in(name: &str, dir: &Path, variable: &str, shell: &[&str], setting: &str) {
    let script = format!("{setting} || exit 99; exec \"$@\"");
    let run = Command::new(shell[0])
        .args(&shell[1..])
        .args(["-c", &script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(variable, dir)
        .output();
    let Ok(run) = run else {
        println!("SKIPPED: there is no {}", shell[0]);
        return;
    };
    let said = String::from_utf8_lossy(&run.stdout);
    if run.status.success() {
        println!("{said}");
    } else if said.contains("running 1 test") {
        panic!("{said}{}", String::from_utf8_lossy(&run.stderr));
    } else {
        println!("SKIPPED: {setting}: {}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    // A file system of its own, that goes with the process: nothing to clean up.
    let mount = format!("mount -t tmpfs -o size=24m none '{}'", dir.path().display());
    run_in("full_disk", dir.path(), DIR, &["unshare", "--user", "--map-root-user", "--mount", "sh"], &mount);
}

#[test]
fn out_of_descriptors_refuses_loses_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    run_in("few_descriptors", dir.path(), ENOUGH, &["sh"], "ulimit -n 64");
}

/// What was acknowledged is there, whole, and nothing else.
fn holds(account: &SqliteAccount, told: &BTreeMap<u32, String>) {
    let found = block_on(async { names(account, &inbox(account).await).await.1 });
    assert_eq!(found, *told);
}

fn write(account: &SqliteAccount, name: &str) -> mailstore_api::Result<(u32, String)> {
    let id = block_on(inbox(account));
    Ok((block_on(append(account, &id, &message(name)))?.uids[0].get(), name.to_owned()))
}

/// Nothing is wrong. A commit that failed may have happened all the same, as long as nobody has looked after a crash: so the file of its
/// message stays, until the store is opened again.
fn is_whole(store: &SqliteStore) {
    let mut findings = store.check(&mut |_| {}).unwrap().findings;
    findings.retain(|f| !(f.kind == FindingKind::Orphan && f.text.contains("bodies/")));
    assert!(findings.is_empty(), "{findings:?}");
}

/// Refusals pass within a moment.
fn eventually<T>(what: &str, mut call: impl FnMut() -> mailstore_api::Result<T>) -> T {
    let begin = Instant::now();
    loop {
        match call() {
            Ok(value) => {
                println!("{what}: done after {:?}", begin.elapsed());
                return value;
            }
            Err(e) => assert!(begin.elapsed() < Duration::from_secs(60), "{what}: {e}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Not a test of its own: runs where the disk is small.
#[test]
fn full_disk() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let ballast = dir.join("ballast");
    File::create(&ballast).unwrap().write_all(&vec![b'b'; 6 << 20]).unwrap();
    let path = dir.join("store");
    let options = Options { shards: Some(1), reserve: 4 << 20, ..Options::default() };
    let store = SqliteStore::open(&path, options.clone()).unwrap();
    store.create_account("anna", None).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let (_, mailbox) =
        block_on(async { account.open(&inbox(&account).await, OpenMode::Select).await }).unwrap();

    let mut told: BTreeMap<u32, String> = BTreeMap::new();
    let mut refused = 0;
    thread::scope(|s| {
        let fill = |n: usize| {
            let (mut told, mut refused) = (Vec::new(), 0);
            for i in 0.. {
                match write(&account, &format!("full.{n}.{i}")) {
                    Ok(one) => told.push(one),
                    Err(e) => {
                        assert_eq!(e.kind, ErrorKind::Unavailable, "{e}");
                        assert!(e.to_string().contains("full"), "{e}");
                        refused += 1;
                    }
                }
                if refused == 10 {
                    break;
                }
            }
            (told, refused)
        };
        for done in [0, 1, 2, 3].map(|n| s.spawn(move || fill(n))) {
            let (more, no) = done.join().unwrap();
            told.extend(more);
            refused += no;
        }
    });
    println!("{} messages were written, {refused} refused", told.len());
    holds(&account, &told);
    is_whole(&store);

    // Deleting must be possible for people to help themselves: room was kept for it.
    let seen = Flags::system(SystemFlags::SEEN);
    eventually("flags", || block_on(mailbox.set_flags(&UidSet::all(), FlagOp::Add, &seen, None)));
    let first = *told.keys().next().unwrap();
    eventually("expunge", || block_on(mailbox.expunge(Some(&UidSet::from_ranges([(first, first)])), false)));
    told.remove(&first);
    holds(&account, &told);

    std::fs::remove_file(&ballast).unwrap();
    // On the same handles, as soon as the room for deleting is kept again.
    told.extend([eventually("append", || write(&account, "first"))]);
    for n in 0..20 {
        told.extend([write(&account, &format!("room.{n}")).unwrap()]);
    }
    block_on(mailbox.set_flags(&UidSet::all(), FlagOp::Add, &seen, None)).unwrap();
    let some = UidSet::from_ranges([(1, *told.keys().nth(9).unwrap())]);
    block_on(mailbox.expunge(Some(&some), false)).unwrap();
    told.retain(|uid, _| !some.ranges().iter().any(|(a, b)| (a..=b).contains(&uid)));
    holds(&account, &told);
    drop((mailbox, account));
    is_whole(&store);
    drop(store);
    check(&path);
    let store = SqliteStore::open(&path, options).unwrap();
    holds(&block_on(store.open_account("anna")).unwrap(), &told);
}

/// Not a test of its own: runs where few files can be open.
#[test]
fn few_descriptors() {
    let Some(dir) = std::env::var_os(ENOUGH).map(PathBuf::from) else { return };
    let path = dir.join("store");
    let store = SqliteStore::open(&path, Options { shards: Some(1), ..Options::default() }).unwrap();
    store.create_account("anna", None).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let mut told = BTreeMap::new();
    for n in 0..20 {
        told.extend([write(&account, &format!("before {n}")).unwrap()]);
    }
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    let mut refused = 0;
    for n in 0..60 {
        match write(&account, &format!("few {n}")) {
            Ok(one) => told.extend([one]),
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Unavailable, "{e}");
                refused += 1;
            }
        }
    }
    println!("{} messages were written, {refused} refused", told.len());
    assert!(refused > 0, "big messages need a file");
    drop(taken);
    for n in 0..20 {
        told.extend([write(&account, &format!("after {n}")).unwrap()]);
    }
    holds(&account, &told);
    drop(account);
    let report = store.check(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:?}", report.findings);
    drop(store);
    check(&path);
}
