//! Seen from outside, by strace: every acknowledgement comes after a completed sync of what it acknowledges.
//!
//! The writer's time is ours to check, not SQLite's promises: a child appends and says so, and the parent reads in the
//! trace which syncs were completed between the request and the answer.
#![allow(missing_docs, reason = "the cases say what they are about")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use common::{append, block_on, inbox};
use mailstore_api::MailStore;
use mailstore_sqlite::{Options, SqliteStore};

const DIR: &str = "MAILSTORE_SYNCED_DIR";
const APPENDERS: &str = "MAILSTORE_SYNCED_APPENDERS";
const SIZE: &str = "MAILSTORE_SYNCED_SIZE";
const EACH: usize = 6;

/// Not a test: what is traced. It writes `begin n` to a file before each append, and `end n` after it.
#[test]
fn child() {
    let (Some(dir), Ok(appenders)) = (std::env::var_os(DIR), std::env::var(APPENDERS)) else { return };
    let size: usize = std::env::var(SIZE).unwrap().parse().unwrap();
    let options = Options { shards: Some(1), ..Options::default() };
    let store = SqliteStore::open(Path::new(&dir).join("store"), options).unwrap();
    store.create_account("anna", None).unwrap();
    let mut marks = OpenOptions::new();
    let marks = marks.append(true).create(true).open(Path::new(&dir).join("marks")).unwrap();
    thread::scope(|s| {
        for n in 0..appenders.parse().unwrap() {
            let (store, marks) = (&store, &marks);
            s.spawn(move || {
                let account = block_on(store.open_account("anna")).unwrap();
                let id = block_on(inbox(&account));
                for i in 0..EACH {
                    mark(marks, &format!("begin {}", n * EACH + i));
                    block_on(append(&account, &id, &vec![b'x'; size])).unwrap();
                    mark(marks, &format!("end {}", n * EACH + i));
                }
            });
        }
    });
}

fn mark(mut file: &File, line: &str) {
    // One call, so that it is one line of the trace.
    file.write_all(line.as_bytes()).unwrap();
}

/// What a line of the trace says was completed, and when.
#[derive(Debug)]
enum Done {
    Begin(usize),
    End(usize),
    /// A sync that began after so many events, of this file.
    Synced {
        from: usize,
        path: String,
    },
    /// Octets written to this file.
    Wrote(String),
}

/// The calls of a trace in the order of their completion; `from` counts the events before a call began.
fn read_trace(trace: &str) -> Vec<Done> {
    let mut done = Vec::new();
    let mut begun: BTreeMap<&str, (usize, String)> = BTreeMap::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let (from, call) = if let Some(rest) = call.strip_prefix("<... ") {
            let Some((from, first)) = begun.remove(thread) else { continue };
            (from, format!("{first}{rest}"))
        } else if let Some(first) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, (done.len(), first.to_owned()));
            continue;
        } else {
            (done.len(), call.to_owned())
        };
        // `fdatasync(5</tmp/x/store/shard-00.db-wal>) = 0`
        let Some((name, rest)) = call.split_once('(') else { continue };
        let Some(path) = rest.split_once('<').and_then(|(_, p)| p.split_once('>')).map(|(p, _)| p.to_owned())
        else {
            continue;
        };
        let failed = call.contains("= -1");
        match name {
            _ if failed => {}
            "fsync" | "fdatasync" => done.push(Done::Synced { from, path }),
            "write" if path.ends_with("/marks") => {
                let text = rest.split('"').nth(1).unwrap();
                let (what, n) = text.split_once(' ').unwrap();
                let n = n.parse().unwrap();
                done.push(if what == "begin" { Done::Begin(n) } else { Done::End(n) });
            }
            "write" | "pwrite64" => done.push(Done::Wrote(path)),
            _ => {}
        }
    }
    done
}

fn trace(appenders: usize, size: usize) -> Option<Vec<Done>> {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("trace");
    let run = Command::new("strace")
        .args(["-f", "-y", "-s", "40", "-e", "trace=fsync,fdatasync,write,pwrite64", "-o"])
        .arg(&out)
        .arg(std::env::current_exe().unwrap())
        .args(["child", "--exact"])
        .env(DIR, dir.path())
        .env(APPENDERS, appenders.to_string())
        .env(SIZE, size.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output();
    let run = match run {
        Ok(run) => run,
        Err(e) => {
            println!("SKIPPED: no strace: {e}");
            return None;
        }
    };
    let said = String::from_utf8_lossy(&run.stderr);
    if said.contains("ptrace") || said.contains("PTRACE") {
        println!("SKIPPED: strace is not permitted here: {said}");
        return None;
    }
    assert!(run.status.success(), "{said}");
    Some(read_trace(&std::fs::read_to_string(out).unwrap()))
}

/// For each acknowledged append: the files that were synced by calls that began and ended between the two marks.
fn synced_between(events: &[Done]) -> Vec<BTreeSet<&str>> {
    let at = |want: &dyn Fn(&Done) -> bool| events.iter().position(want);
    let mut all = Vec::new();
    for n in 0.. {
        let Some(begin) = at(&|e| matches!(e, Done::Begin(m) if *m == n)) else { return all };
        let end = at(&|e| matches!(e, Done::End(m) if *m == n)).expect("every append is acknowledged");
        let synced = events[begin..end].iter().filter_map(|e| match e {
            Done::Synced { from, path } if *from > begin => Some(path.as_str()),
            _ => None,
        });
        all.push(synced.collect());
    }
    all
}

fn count(events: &[Done], of: &str) -> usize {
    events.iter().filter(|e| matches!(e, Done::Synced { path, .. } if path.ends_with(of))).count()
}

#[test]
fn no_append_is_acknowledged_before_the_log_is_synced() {
    for appenders in [1, 16] {
        let Some(events) = trace(appenders, 8 * 1024) else { return };
        let synced = synced_between(&events);
        assert_eq!(synced.len(), appenders * EACH);
        for (n, files) in synced.iter().enumerate() {
            assert!(
                files.iter().any(|f| f.ends_with("shard-00.db-wal")),
                "append {n}: only {files:?} was synced"
            );
        }
        let syncs = count(&events, "-wal");
        println!(
            "{appenders} appenders: {} appends acknowledged after {syncs} syncs of the log",
            synced.len()
        );
        assert!(appenders == 1 || syncs < synced.len(), "nothing was committed together");
    }
}

#[test]
fn no_big_message_is_acknowledged_before_its_file_and_directory_are_synced() {
    for appenders in [1, 4] {
        let Some(events) = trace(appenders, 300 * 1024) else { return };
        let synced = synced_between(&events);
        assert_eq!(synced.len(), appenders * EACH);
        let mut bodies: BTreeSet<&str> = BTreeSet::new();
        for (n, files) in synced.iter().enumerate() {
            let file = |is: &dyn Fn(&str) -> bool| files.iter().any(|f| is(f));
            assert!(file(&|f| f.ends_with("shard-00.db-wal")), "append {n}: only {files:?} was synced");
            assert!(file(&|f| f.contains("/bodies/")), "append {n}: its directory is not among {files:?}");
            bodies.extend(files.iter().filter(|f| f.contains("/store/tmp/")));
            if appenders == 1 {
                assert!(file(&|f| f.contains("/store/tmp/")), "append {n}: its file is not among {files:?}");
            }
        }
        // Each has a file of its own.
        assert_eq!(bodies.len(), synced.len());
        // Nothing is written to it after its sync.
        for path in bodies {
            let last = events.iter().rposition(|e| matches!(e, Done::Wrote(p) if p == path)).unwrap();
            assert!(
                events[last..]
                    .iter()
                    .any(|e| matches!(e, Done::Synced { from, path: p } if p == path && *from > last))
            );
        }
    }
}

#[test]
fn the_trace_is_read_as_it_happened() {
    let events = read_trace(
        "7 write(3</d/marks>, \"begin 0\", 7) = 7\n\
         8 fdatasync(5</d/a-wal> <unfinished ...>\n\
         7 write(3</d/marks>, \"end 0\", 5) = 5\n\
         8 <... fdatasync resumed>) = 0\n",
    );
    assert!(synced_between(&events)[0].is_empty(), "not completed before the answer: {events:?}");
    let events = read_trace(
        "8 fdatasync(5</d/a-wal> <unfinished ...>\n\
         7 write(3</d/marks>, \"begin 0\", 7) = 7\n\
         8 <... fdatasync resumed>) = 0\n\
         7 write(3</d/marks>, \"end 0\", 5) = 5\n",
    );
    assert!(synced_between(&events)[0].is_empty(), "begun before the request: {events:?}");
    let events = read_trace(
        "7 write(3</d/marks>, \"begin 0\", 7) = 7\n\
         8 fdatasync(5</d/a-wal>)  = 0\n\
         8 fsync(5</d/b>)  = -1 EIO\n\
         7 write(3</d/marks>, \"end 0\", 5) = 5\n",
    );
    assert_eq!(synced_between(&events), [BTreeSet::from(["/d/a-wal"])]);
}
