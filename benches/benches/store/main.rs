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

mod maildir;
mod measure;
mod ours;

use std::{hint::black_box, path::PathBuf, time::Duration};

use criterion::{
    BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use maildir::Maildir;
use mailstore_api::{
    Account, Body, FlagOp, Flags, Mailbox, MetaItems, OpenMode, Part, Query, SystemFlags, Uid, UidSet,
    conformance::block_on,
};
use measure::{Sum, peak, threads};
use ours::Inbox;

const APPENDERS: [usize; 3] = [1, 16, 64];

fn dir() -> tempfile::TempDir {
    let base = std::env::var_os("MAIL_BENCH_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")), PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    tempfile::Builder::new().prefix("store-bench").tempdir_in(base).unwrap()
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

/// One row: criterion's figures of it, and the sum of all its rounds.
fn row(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    mut round: impl FnMut(u64, &mut Sum) -> Duration,
) -> Sum {
    let mut sum = Sum::default();
    group.bench_function(name, |b| b.iter_custom(|n| round(n, &mut sum)));
    sum
}

/// Durable appends of 8 KiB to one mailbox, which has so many messages already.
fn appends(c: &mut Criterion, filled: usize) {
    let octets = message(8 * 1024);
    let small = message(1024);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut table = Vec::new();
    let mut group = c.benchmark_group(format!("append 8 KiB, durable, to {filled} messages"));
    group.sampling_mode(SamplingMode::Flat).sample_size(10).measurement_time(Duration::from_secs(4));
    group.throughput(Throughput::Elements(1));
    let dir = dir();
    let plain = Maildir::new(dir.path().join("plain"), false, filled, &small);
    let listed = Maildir::new(dir.path().join("listed"), true, filled, &small);
    let inbox = Inbox::new(&dir.path().join("store"), filled, &small);
    for n in APPENDERS {
        let rows = [
            (
                "Maildir, no UIDs",
                row(&mut group, &format!("{n} x Maildir, no UIDs"), |k, sum| {
                    threads(n, k, sum, |_| plain.append(&octets))
                }),
            ),
            (
                "Maildir, UIDs under one lock",
                row(&mut group, &format!("{n} x Maildir, UIDs under one lock"), |k, sum| {
                    threads(n, k, sum, |_| listed.append(&octets))
                }),
            ),
            (
                "mailstore-sqlite, threads",
                row(&mut group, &format!("{n} x mailstore-sqlite, threads"), |k, sum| {
                    threads(n, k, sum, |_| block_on(inbox.append(&octets)))
                }),
            ),
            (
                "mailstore-sqlite, tasks",
                row(&mut group, &format!("{n} x mailstore-sqlite, tasks"), |k, sum| {
                    inbox.tasks(&runtime, n, k, sum, &octets)
                }),
            ),
        ];
        table.extend(rows.map(|(name, sum)| (n, name, sum, rows[0].1.rate(), rows[1].1.rate())));
    }
    group.finish();
    println!(
        "\n8 KiB appended durably to a mailbox of {filled} messages. The first Maildir gives no UIDs and has no order:"
    );
    println!(
        "it is no IMAP mailbox yet. The second notes each UID in one list, under one lock, as an IMAP server on Maildir does."
    );
    println!(
        "appenders                                 a second  processor us each  x Maildir  x Maildir with UIDs"
    );
    for (n, name, sum, plain, listed) in table {
        let rate = sum.rate();
        let (plain, listed) = (rate / plain, rate / listed);
        println!(
            "{n:>3} {name:<32} {rate:>14.0} {:>18.0} {plain:>10.2} {listed:>20.2}",
            sum.processor_each()
        );
    }
    println!();
}

fn append_to_empty(c: &mut Criterion) {
    appends(c, 0);
}

fn append_to_full(c: &mut Criterion) {
    appends(c, messages());
}

fn big_mailbox(c: &mut Criterion) {
    let (dir, n) = (dir(), messages());
    let inbox = Inbox::new(&dir.path().join("store"), n, &message(1024));
    let open = || block_on(inbox.account.open(&inbox.id, OpenMode::Select)).unwrap();
    let mut group = c.benchmark_group(format!("{n} messages"));
    group.sample_size(10);
    // The first opening packs the table, in a moment.
    drop(open());
    std::thread::sleep(Duration::from_secs(1));
    group.bench_function("open, warm (at most 30 ms)", |b| b.iter(open));

    let (snapshot, mailbox) = open();
    let octets = mailbox.index_octets().unwrap();
    println!("memory of the index: {:.1} octets a message (at most 26)\n", octets as f64 / n as f64);

    let ten: UidSet = (0..10).map(|i| snapshot.uids[i * (n / 10)]).collect();
    let seen = Flags::system(SystemFlags::SEEN);
    block_on(mailbox.set_flags(&ten, FlagOp::Add, &seen, None)).unwrap();
    group.bench_function("ten changes (at most 50 us)", |b| {
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
                let batch = block_on(mailbox.meta(&set, all_of, None, 500)).unwrap();
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
        b.iter(|| block_on(mailbox.search(&query)).unwrap());
    });

    let last = snapshot.uids[n / 2].get();
    let many = UidSet::from_ranges([((last + 1).saturating_sub(10_000).max(1), last)]);
    let (mut on, flagged) = (false, Flags::system(SystemFlags::FLAGGED));
    group.bench_function(format!("a flag on {} (at most 50 ms)", many.len()), |b| {
        b.iter(|| {
            on = !on;
            let op = if on { FlagOp::Add } else { FlagOp::Remove };
            block_on(mailbox.set_flags(&many, op, &flagged, None)).unwrap()
        });
    });
    group.finish();
}

fn big_message(c: &mut Criterion) {
    const SIZE: u64 = 50_000_000;
    let dir = dir();
    let inbox = Inbox::new(&dir.path().join("store"), 0, b"");
    let octets = message(usize::try_from(SIZE).unwrap());
    let ((), writing) = peak(|| block_on(inbox.append(&octets)));
    drop(octets);
    let (snapshot, mailbox) = block_on(inbox.account.open(&inbox.id, OpenMode::Examine)).unwrap();
    let uid: Uid = snapshot.uids[0];
    let read = || {
        block_on(async {
            let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
            let mut at = 0;
            while at < body.len() {
                at += black_box(body.read_at(at, 64 * 1024).await.unwrap()).len() as u64;
            }
            assert_eq!(at, SIZE);
        });
    };
    let ((), reading) = peak(read);
    println!("\na message of 50 MB takes at most {writing} KiB of memory to write, {reading} KiB to read\n");
    assert!(reading < 8 * 1024 && writing < 8 * 1024, "it is held in memory");
    let mut group = c.benchmark_group("a message of 50 MB");
    group.sample_size(10).throughput(Throughput::Bytes(SIZE));
    group.bench_function("read by offset, 64 KiB at once", |b| b.iter(read));
    group.bench_function("the last 64 KiB", |b| {
        b.iter(|| {
            block_on(async {
                let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
                body.read_at(SIZE - 65_536, 65_536).await.unwrap()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, append_to_empty, append_to_full, big_mailbox, big_message);
criterion_main!(benches);
