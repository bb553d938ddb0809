//! The store beside plain Maildir writers, all durable, in the same run and on the same disk.
//!
//! `cargo bench -p mail-benches --bench store`. `MAIL_BENCH_DIR` is where (by default below target/, since a temporary
//! directory may be in memory), `MAIL_BENCH_MESSAGES` how many messages the big mailbox has (100,000; 2,000 in a test).
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a bench that is wrong should stop, and it prints"
)]

mod appends;
mod maildir;
mod measure;
mod ours;
mod turns;

use std::{cell::LazyCell, hint::black_box, path::PathBuf, sync::OnceLock, time::Duration};

use criterion::{Criterion, Throughput, criterion_group};
use mailstore_api::{
    Body, FlagOp, Flags, Mailbox, MetaItems, Part, Query, Snapshot, SystemFlags, Uid, UidSet,
    conformance::block_on,
};
use mailstore_sqlite::{SqliteBody, SqliteMailbox};
use measure::peak;
use ours::Inbox;

/// Where all is that is written. It goes at the end of the run and not before: ext4 looks long for an inode that it did not
/// free a short while ago, which would slow down the Maildirs that come later.
static ROOT: OnceLock<PathBuf> = OnceLock::new();

fn dir(name: &str) -> PathBuf {
    let dir = ROOT.get().unwrap().join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// Not when it is only tried, as `cargo test --benches` does.
fn is_measured() -> bool {
    std::env::args().any(|a| a == "--bench")
}

fn messages() -> usize {
    let usual = if is_measured() { 100_000 } else { 2_000 };
    std::env::var("MAIL_BENCH_MESSAGES").map_or(usual, |n| n.parse().unwrap())
}

fn message(size: usize) -> Vec<u8> {
    let mut octets = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\n".to_vec();
    while octets.len() + 2 < size {
        octets.extend_from_slice(b"All work and no play makes Jack a dull boy.\r\n");
    }
    octets.truncate(size - 2);
    octets.extend_from_slice(b"\r\n");
    octets
}

/// A mailbox of many messages, opened.
struct Filled {
    inbox: Inbox,
    snapshot: Snapshot,
    mailbox: SqliteMailbox,
}

impl Filled {
    fn new(n: usize) -> Self {
        let inbox = Inbox::new(&dir("many"), n, &message(1024));
        // The first opening packs the table, in a moment.
        drop(inbox.open());
        std::thread::sleep(Duration::from_secs(1));
        let (snapshot, mailbox) = inbox.open();
        let octets = mailbox.index_octets().unwrap();
        println!("memory of the index: {:.1} octets a message (at most 26)\n", octets as f64 / n as f64);
        Self { inbox, snapshot, mailbox }
    }
}

fn big_mailbox(c: &mut Criterion) {
    let n = messages();
    // Made by the first bench that runs at all.
    let filled = LazyCell::new(|| Filled::new(n));
    let mut group = c.benchmark_group(format!("{n} messages"));
    group.sample_size(10);
    group.bench_function("open, warm (at most 30 ms)", |b| b.iter(|| filled.inbox.open()));

    let seen = Flags::system(SystemFlags::SEEN);
    group.bench_function("ten changes (at most 50 us)", |b| {
        let Filled { snapshot, mailbox, .. } = &*filled;
        let ten: UidSet = (0..10).map(|i| snapshot.uids[i * (n / 10)]).collect();
        block_on(mailbox.set_flags(&ten, FlagOp::Add, &seen, None)).unwrap();
        b.iter(|| {
            let changes = block_on(mailbox.changes(snapshot.at, 1000)).unwrap();
            assert_eq!(changes.changed.len(), 10);
        });
    });

    let all_of = MetaItems::FLAGS | MetaItems::SIZE | MetaItems::INTERNAL_DATE;
    group.bench_function("flags, sizes and dates of all, 500 at once", |b| {
        b.iter(|| {
            let (mut next, mut seen) = (1, 0);
            loop {
                let set = UidSet::from_ranges([(next, u32::MAX)]);
                let batch = block_on(filled.mailbox.meta(&set, all_of, None, 500)).unwrap();
                seen += batch.items.len();
                let Some(uid) = batch.resume_after else { break };
                next = uid.get() + 1;
            }
            assert_eq!(seen, n);
        });
    });
    let unseen = Query::Not(Box::new(Query::Flags(SystemFlags::SEEN)));
    let query = Query::And(vec![unseen, Query::Larger(100)]);
    group.bench_function("search UNSEEN LARGER 100", |b| {
        b.iter(|| block_on(filled.mailbox.search(&query)).unwrap());
    });

    let (mut on, flagged) = (false, Flags::system(SystemFlags::FLAGGED));
    let many = (n / 2).min(10_000);
    group.bench_function(format!("a flag on {many} (at most 50 ms)"), |b| {
        let last = filled.snapshot.uids[n / 2];
        let first = filled.snapshot.uids[n / 2 + 1 - many];
        let many = UidSet::from_ranges([(first.get(), last.get())]);
        b.iter(|| {
            on = !on;
            let op = if on { FlagOp::Add } else { FlagOp::Remove };
            block_on(filled.mailbox.set_flags(&many, op, &flagged, None)).unwrap()
        });
    });
    group.finish();
}

/// A message that is not held in memory as it is written and read, opened.
struct Long {
    uid: Uid,
    mailbox: SqliteMailbox,
    _inbox: Inbox,
}

impl Long {
    const SIZE: u64 = 50_000_000;

    fn new() -> Self {
        let inbox = Inbox::new(&dir("long"), 0, b"");
        let octets = message(usize::try_from(Self::SIZE).unwrap());
        let ((), writing) = peak(|| block_on(inbox.append(&octets)));
        drop(octets);
        let (snapshot, mailbox) = inbox.open();
        let long = Self { uid: snapshot.uids[0], mailbox, _inbox: inbox };
        let ((), reading) = peak(|| long.read());
        println!(
            "\na message of 50 MB takes at most {writing} KiB of memory to write, {reading} KiB to read\n"
        );
        assert!(reading < 8 * 1024 && writing < 8 * 1024, "it is held in memory");
        long
    }

    fn body(&self) -> SqliteBody {
        block_on(self.mailbox.body(self.uid, Part::Whole)).unwrap()
    }

    fn read(&self) {
        let (mut body, mut at) = (self.body(), 0);
        while at < body.len() {
            at += black_box(block_on(body.read_at(at, 64 * 1024)).unwrap()).len() as u64;
        }
        assert_eq!(at, Self::SIZE);
    }
}

fn big_message(c: &mut Criterion) {
    let long = LazyCell::new(Long::new);
    let mut group = c.benchmark_group("a message of 50 MB");
    group.sample_size(10).throughput(Throughput::Bytes(Long::SIZE));
    group.bench_function("read by offset, 64 KiB at once", |b| b.iter(|| long.read()));
    group.bench_function("the last 64 KiB", |b| {
        b.iter(|| block_on(long.body().read_at(Long::SIZE - 65_536, 65_536)).unwrap());
    });
    group.finish();
}

criterion_group!(benches, appends::to_empty, appends::to_full, big_mailbox, big_message);

fn main() {
    let base = std::env::var_os("MAIL_BENCH_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")), PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    let root = tempfile::Builder::new().prefix("store-bench").tempdir_in(base).unwrap();
    ROOT.set(root.path().to_owned()).unwrap();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
