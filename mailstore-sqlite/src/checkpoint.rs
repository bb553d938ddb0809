//! Brings what a shard's log holds into its database, beside the writer thread.
//!
//! SQLite copies pages out of the log while others commit, but can begin the log anew only when all of it is copied, and
//! under load there is always a commit more. So one thread copies most of it, in passes that get shorter, and
//! the writer thread the rest, between two groups and after the answers.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicI32, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::{
    error::Res,
    oneshot::lock,
    pool::shard_path,
    room,
    schema::{self, Kind, Role},
};

/// Pages in the log over which it is copied, and over which the writer thread waits for nobody.
const BEGIN: i32 = 4096;
const TOO_MANY: i32 = 8 * BEGIN;

/// Pages in the log of a process that writes more than a little.
const BUSY: i32 = 64;

/// Passes of the thread, and pages left that are no work for the writer thread.
const PASSES: u32 = 4;
const FEW: i32 = 128;

/// After a failure: a full disk, mostly.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread's list of shards.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct State {
    wanted: VecDeque<Wanted>,
    closed: bool,
}

#[derive(Debug)]
enum Wanted {
    /// Copy the shard's log, and say so here.
    Copy(usize, Arc<AtomicU8>),
    /// Make room in it.
    Room(usize),
}

const IDLE: u8 = 0;
const ASKED: u8 = 1;
const COPIED: u8 = 2;
const FAILED: u8 = 3;

impl Checkpoints {
    fn ask(&self, wanted: Wanted) {
        lock(&self.state).wanted.push_back(wanted);
        self.filled.notify_one();
    }

    fn next(&self) -> Option<Wanted> {
        let mut state = lock(&self.state);
        while state.wanted.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // What waits at the end is done by whoever closes the database last.
        if state.closed { None } else { state.wanted.pop_front() }
    }

    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.filled.notify_all();
    }

    /// Serves all shards until closed.
    pub(crate) fn run(&self, dir: PathBuf, shards: usize, busy: Duration) {
        let mut connections: Vec<Option<Connection>> = (0..shards).map(|_| None).collect();
        while let Some(wanted) = self.next() {
            let (shard, stage) = match wanted {
                Wanted::Copy(shard, stage) => (shard, stage),
                Wanted::Room(shard) => {
                    make_room(&shard_path(&dir, shard));
                    continue;
                }
            };
            let Some(slot) = connections.get_mut(shard) else { continue };
            let done = connect(slot, &dir, shard, busy).and_then(copy);
            let next = match done {
                Ok(()) => COPIED,
                Err(fault) => {
                    tracing::debug!(shard, ?fault, "the log was not copied");
                    *slot = None;
                    FAILED
                }
            };
            stage.store(next, Ordering::Release);
        }
    }
}

fn make_room(database: &std::path::Path) {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    if let Err(error) = room::make(log.as_ref()) {
        tracing::debug!(%error, "the log was not lengthened");
    }
}

fn connect<'c>(
    slot: &'c mut Option<Connection>,
    dir: &std::path::Path,
    shard: usize,
    busy: Duration,
) -> Res<&'c Connection> {
    match slot {
        Some(conn) => Ok(conn),
        None => Ok(slot.insert(schema::open(&shard_path(dir, shard), Kind::Shard, Role::Writer, busy)?)),
    }
}

fn copy(conn: &Connection) -> Res<()> {
    let mut before = i32::MAX;
    for _ in 0..PASSES {
        let left = pass(conn)?;
        if left <= FEW || left >= before {
            break;
        }
        before = left;
    }
    Ok(())
}

/// Copies what can be copied without waiting for anybody; how many pages of the log are left.
fn pass(conn: &Connection) -> Res<i32> {
    let (log, copied): (i32, i32) = conn
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?
        .query_row([], |r| Ok((r.get(1)?, r.get(2)?)))?;
    Ok(log.saturating_sub(copied))
}

/// The writer thread's side: when to ask, and when to do the rest.
#[derive(Debug)]
pub(crate) struct Log {
    shard: usize,
    thread: Arc<Checkpoints>,
    stage: Arc<AtomicU8>,
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// Pages from which on it is worth asking: more when readers keep the log from beginning anew.
    from: i32,
    not_before: Instant,
    has_room: bool,
}

impl Log {
    pub(crate) fn new(shard: usize, thread: Arc<Checkpoints>) -> Self {
        Self {
            shard,
            thread,
            stage: Arc::new(AtomicU8::new(IDLE)),
            pages: Arc::default(),
            from: BEGIN,
            not_before: Instant::now(),
            has_room: false,
        }
    }

    /// Takes the place of SQLite's own checkpoint, which would be made by the writer thread before it answers.
    pub(crate) fn watch(&self, conn: &mut Connection) -> Res<()> {
        let pages = self.pages.clone();
        conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n: i32| {
            pages.store(n, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(())
    }

    /// To be called when all are answered.
    pub(crate) fn care(&mut self, conn: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages >= BUSY && !self.has_room {
            self.has_room = true;
            self.thread.ask(Wanted::Room(self.shard));
        }
        // It began anew.
        self.from = if pages < BEGIN { BEGIN } else { self.from };
        match self.stage.load(Ordering::Acquire) {
            COPIED => self.finish(conn, pages),
            FAILED => {
                self.stage.store(IDLE, Ordering::Relaxed);
                self.not_before = Instant::now() + AGAIN;
            }
            _ if pages >= self.from.saturating_add(TOO_MANY) => self.finish(conn, pages),
            IDLE if pages >= self.from && Instant::now() >= self.not_before => {
                self.stage.store(ASKED, Ordering::Relaxed);
                self.thread.ask(Wanted::Copy(self.shard, self.stage.clone()));
            }
            _ => {}
        }
    }

    /// Copies now what can be copied.
    pub(crate) fn hurry(&mut self, conn: &Connection) {
        self.finish(conn, self.pages.load(Ordering::Relaxed));
    }

    fn finish(&mut self, conn: &Connection, pages: i32) {
        match pass(conn) {
            Ok(_) => self.from = pages.saturating_add(BEGIN),
            Err(fault) => {
                tracing::debug!(shard = self.shard, ?fault, "the log was not copied");
                self.not_before = Instant::now() + AGAIN;
            }
        }
        // Where the thread is at work still, it says so once more.
        let _ = self.stage.compare_exchange(COPIED, IDLE, Ordering::Relaxed, Ordering::Relaxed);
    }
}
