//! Durable appends of 8 KiB to one mailbox, ours beside Maildir's.

use std::{path::PathBuf, time::Duration};

use criterion::{Criterion, SamplingMode, Throughput};
use mailstore_api::conformance::block_on;
use tokio::runtime::{Builder, Runtime};

use crate::{
    dir, is_measured,
    maildir::{Maildir, sync},
    measure::{Round, threads},
    message, messages,
    ours::Inbox,
    turns::{Turns, Writer},
};

const APPENDERS: [usize; 3] = [1, 16, 64];

/// Criterion's samples are of two turns each, which makes half a minute.
const SAMPLES: usize = 10;
const TURNS: u32 = 20;
const ROUND: Duration = Duration::from_millis(400);

/// The mailboxes to append to.
struct Mailboxes {
    dir: PathBuf,
    runtime: Runtime,
    octets: Vec<u8>,
    are_empty: bool,
    rounds: usize,
    plain: Maildir,
    listed: Maildir,
    inbox: Inbox,
}

impl Mailboxes {
    fn new(filled: usize) -> Self {
        let (dir, small) = (dir(&format!("appends to {filled}")), message(1024));
        let maildir = |name, with_uids| Maildir::new(dir.join(name), with_uids, filled, &small);
        Self {
            runtime: Builder::new_multi_thread().worker_threads(2).build().unwrap(),
            octets: message(8 * 1024),
            are_empty: filled == 0,
            rounds: 0,
            plain: maildir("plain", false),
            listed: maildir("listed", true),
            inbox: Inbox::new(&dir.join("store"), filled, &small),
            dir,
        }
    }

    /// An empty mailbox does not stay empty: each round has another.
    fn renew(&mut self, writer: Writer) {
        self.rounds += 1;
        let name = format!("round {}", self.rounds);
        let maildir = |with_uids| Maildir::new(self.dir.join(&name), with_uids, 0, b"");
        match writer {
            Writer::Plain => self.plain = maildir(false),
            Writer::Listed => self.listed = maildir(true),
            Writer::Threads | Writer::Tasks => self.inbox = self.inbox.beside(&name),
        }
    }

    fn round(&mut self, writer: Writer, appenders: usize) -> Round {
        if self.are_empty {
            self.renew(writer);
        }
        // What the writer before left to be written is not this one's.
        sync(&self.dir);
        let time = if is_measured() { ROUND } else { Duration::from_millis(1) };
        let octets = &self.octets;
        match writer {
            Writer::Plain => threads(appenders, time, || self.plain.append(octets)),
            Writer::Listed => threads(appenders, time, || self.listed.append(octets)),
            Writer::Threads => threads(appenders, time, || block_on(self.inbox.append(octets))),
            Writer::Tasks => self.inbox.tasks(&self.runtime, appenders, time, octets),
        }
    }
}

fn appends(c: &mut Criterion, filled: usize) {
    let mut group = c.benchmark_group(format!("append 8 KiB, durable, to {filled} messages"));
    group.sampling_mode(SamplingMode::Flat).sample_size(SAMPLES).throughput(Throughput::Elements(1));
    group.warm_up_time(Duration::from_nanos(1)).measurement_time(TURNS * 4 * ROUND);
    // Made by the first bench that runs at all.
    let mut mailboxes = None;
    for appenders in APPENDERS {
        let mut turns = Turns::default();
        group.bench_function(format!("{appenders} at once"), |b| {
            let mailboxes = mailboxes.get_or_insert_with(|| Mailboxes::new(filled));
            let mut turn = || turns.take(|writer| mailboxes.round(writer, appenders));
            b.iter_custom(|n| (0..n).map(|_| turn()).sum());
        });
        turns.print(&format!("8 KiB appended durably to {filled} messages, {appenders} at once"));
    }
    group.finish();
}

pub(crate) fn to_empty(c: &mut Criterion) {
    appends(c, 0);
}

pub(crate) fn to_full(c: &mut Criterion) {
    appends(c, messages());
}
