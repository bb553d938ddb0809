//! Quick figures of the store beside a plain Maildir writer: `cargo run --release --example quick [directory]`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement, which ends where something fails"
)]

use std::{
    fs::{self, File},
    future::Future,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use mailstore_api::{
    Account, AppendSpec, FlagOp, Flags, MailStore, Mailbox, MailboxName, MetaItems, ModSeq, OpenMode, Query,
    SpecialUse, Staged, SystemFlags, Uid, UidSet,
};
use mailstore_sqlite::{Options, SqliteAccount, SqliteStore};

struct Unpark(Thread);
impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        thread::park();
    }
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

fn rate(appenders: usize, seconds: u64, append: impl Fn(usize) + Sync) -> (f64, f64) {
    let count = AtomicU64::new(0);
    let (begin, cpu_before) = (Instant::now(), cpu());
    let end = begin + Duration::from_secs(seconds);
    thread::scope(|s| {
        for n in 0..appenders {
            let (append, count) = (&append, &count);
            s.spawn(move || {
                while Instant::now() < end {
                    append(n);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                // This thread's time is not seen any more when it is gone.
                GONE.fetch_add(own_cpu(), Ordering::Relaxed);
            });
        }
    });
    let n = count.load(Ordering::Relaxed) as f64;
    (
        n / begin.elapsed().as_secs_f64(),
        (cpu() + GONE.swap(0, Ordering::Relaxed) - cpu_before) as f64 / n / 1e3,
    )
}

static GONE: AtomicU64 = AtomicU64::new(0);

fn own_cpu() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

static NEXT: AtomicU64 = AtomicU64::new(0);

fn maildir_append(dir: &Path, octets: &[u8]) {
    let name = format!("{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let tmp = dir.join("tmp").join(&name);
    let mut file = File::create(&tmp).unwrap();
    file.write_all(octets).unwrap();
    file.sync_all().unwrap();
    fs::rename(&tmp, dir.join("new").join(&name)).unwrap();
    File::open(dir.join("new")).unwrap().sync_all().unwrap();
}

async fn append_many(account: &SqliteAccount, name: &MailboxName, octets: &[u8], n: usize) {
    let id = account.find(name).await.unwrap().unwrap().id.unwrap();
    let mut staged = Vec::new();
    for _ in 0..n {
        let mut one = account.stage(&id, AppendSpec::default()).await.unwrap();
        one.write(octets).await.unwrap();
        one.finish().await.unwrap();
        staged.push(one);
    }
    account.commit(&id, staged, None).await.unwrap();
}

/// Prints the time on the clock, and the processor time of all threads: the latter also tells on a busy machine.
fn time<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let (cpu_before, begin) = (cpu(), Instant::now());
    let value = work();
    let (clock, cpu) = (begin.elapsed().as_secs_f64() * 1e6, (cpu() - cpu_before) as f64 / 1e3);
    println!("{what:<58} {clock:>10.1} us, {cpu:>10.1} us of processor");
    value
}

/// Nanoseconds all threads ran, where the system tells.
fn cpu() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |t: fs::DirEntry| {
        let stat = fs::read_to_string(t.path().join("schedstat")).unwrap_or_default();
        stat.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0)
    };
    tasks.map(of).sum()
}

fn main() {
    let base = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let base = base.join(format!("mailstore-quick-{}", std::process::id()));
    let octets = message(8 * 1024);
    let seconds = 3;

    for appenders in [1, 16] {
        let maildir = base.join(format!("maildir-{appenders}"));
        fs::create_dir_all(maildir.join("tmp")).unwrap();
        fs::create_dir_all(maildir.join("new")).unwrap();
        let plain = rate(appenders, seconds, |_| maildir_append(&maildir, &octets));
        for shards in [1, 2] {
            let options = Options { shards: Some(shards), ..Options::default() };
            let store = SqliteStore::open(base.join(format!("store-{appenders}-{shards}")), options).unwrap();
            let accounts: Vec<_> = (0..appenders)
                .map(|n| {
                    let name = format!("a{}", if shards == 1 { 0 } else { n });
                    let _ = store.create_account(&name, None);
                    let account = block_on(store.open_account(&name)).unwrap();
                    let id = block_on(account.find(&MailboxName::inbox())).unwrap().unwrap().id.unwrap();
                    (account, id)
                })
                .collect();
            let ours = rate(appenders, seconds, |n| {
                let (account, id) = &accounts[n];
                block_on(async {
                    let mut staged = account.stage(id, AppendSpec::default()).await.unwrap();
                    staged.write(&octets).await.unwrap();
                    staged.finish().await.unwrap();
                    account.commit(id, vec![staged], None).await.unwrap();
                });
            });
            println!(
                "append 8 KiB, {appenders:>2} appenders, {shards} shards: {:>6.0}/s ({:.0} us of processor), Maildir {:>6.0}/s \
                 ({:.0} us): {:.1} times",
                ours.0,
                ours.1,
                plain.0,
                plain.1,
                ours.0 / plain.0
            );
        }
    }

    let store = SqliteStore::open(base.join("big"), Options::default()).unwrap();
    store.create_account("big", None).unwrap();
    let account = block_on(store.open_account("big")).unwrap();
    let small = message(1024);
    let n = 100_000;
    block_on(async {
        for _ in 0..n / 500 {
            append_many(&account, &MailboxName::inbox(), &small, 500).await;
        }
        account.create(&MailboxName::new(["Other"]).unwrap(), SpecialUse::NONE).await.unwrap();
    });
    let id = block_on(account.find(&MailboxName::inbox())).unwrap().unwrap().id.unwrap();
    let to = block_on(account.find(&MailboxName::new(["Other"]).unwrap())).unwrap().unwrap().id.unwrap();
    drop(time("first open of 100,000", || block_on(account.open(&id, OpenMode::Select)).unwrap()));
    // Until it is packed.
    thread::sleep(Duration::from_secs(2));
    for _ in 0..3 {
        drop(time("open of 100,000", || block_on(account.open(&id, OpenMode::Select)).unwrap()));
    }
    let before = resident();
    let (snapshot, mailbox) = block_on(account.open(&id, OpenMode::Select)).unwrap();
    println!("resident memory for it: {} KiB (with a snapshot of {} KiB)", resident() - before, n * 4 / 1024);
    drop(time("open again while open", || block_on(account.open(&id, OpenMode::Select)).unwrap()));
    let uids = &snapshot.uids;
    let ten: UidSet = (0..10).map(|i| uids[i * 9_999]).collect();
    let seen = Flags::system(SystemFlags::SEEN);
    time("flag on 10", || block_on(mailbox.set_flags(&ten, FlagOp::Add, &seen, None)).unwrap());
    for _ in 0..3 {
        let changes =
            time("ten changes of 100,000", || block_on(mailbox.changes(snapshot.at, 1000)).unwrap());
        assert_eq!(changes.changed.len(), 10);
    }
    time("no changes", || block_on(mailbox.changes(ModSeq(u64::MAX >> 1), 1000)).unwrap());
    let ten_thousand = UidSet::from_ranges([(20_001, 30_000)]);
    let flagged = Flags::system(SystemFlags::FLAGGED);
    for op in [FlagOp::Add, FlagOp::Remove, FlagOp::Add] {
        time("flag on 10,000", || block_on(mailbox.set_flags(&ten_thousand, op, &flagged, None)).unwrap());
    }
    time("FETCH FLAGS of all, by 500", || fetch(&mailbox, MetaItems::FLAGS));
    time("FETCH UID FLAGS SIZE INTERNALDATE of all, by 500", || {
        fetch(&mailbox, MetaItems::FLAGS | MetaItems::SIZE | MetaItems::INTERNAL_DATE)
    });
    let query = Query::And(vec![Query::Not(Box::new(Query::Flags(SystemFlags::SEEN))), Query::Larger(100)]);
    time("search UNSEEN LARGER 100", || block_on(mailbox.search(&query)).unwrap());
    time("copy of 10,000", || block_on(account.copy(&id, &ten_thousand, &to)).unwrap());
    time("move of 10,000", || block_on(account.relocate(&id, &ten_thousand, &to)).unwrap());
    let some = UidSet::from_ranges([(1, 1_000)]);
    time("expunge of 1,000", || block_on(mailbox.expunge(Some(&some), false)).unwrap());
    time("expunge of one", || block_on(mailbox.expunge(Some(&UidSet::from(uids[5_000])), false)).unwrap());
    time("ten changes and 11,001 expunges", || block_on(mailbox.changes(snapshot.at, 100_000)).unwrap());
    let uid = uids[50_000];
    time("read a body of 1 KiB", || {
        block_on(async {
            use mailstore_api::{Body, Part};
            let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
            body.read_at(0, 1 << 20).await.unwrap()
        })
    });
    drop((mailbox, account, store));
    time("close and open the store with 100,000 messages", || {
        SqliteStore::open(base.join("big"), Options::default()).unwrap()
    });
    fs::remove_dir_all(&base).unwrap();
}

fn fetch(mailbox: &impl Mailbox, want: MetaItems) {
    let mut next = 1;
    loop {
        let set = UidSet::from_ranges([(next, u32::MAX)]);
        let batch = block_on(mailbox.meta(&set, want, None, 500)).unwrap();
        match batch.resume_after {
            Some(uid) => next = Uid::get(uid) + 1,
            None => break,
        }
    }
}

/// Resident memory in KiB, where the system tells.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0)
}
