//! Reads: short transactions and file work, for all shards.
//!
//! A read of some microseconds is done on the caller's thread, on a connection kept for that, since the way to another thread and
//! back costs more than the read. What takes long goes to the reader threads: work that is said to, files, and everything for a
//! while after a read has shown that its pages are not in memory.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError, TryLockError,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mailstore_api::{ErrorKind, Result, StoreError};
use rusqlite::Connection;

use crate::{
    error::{Fault, Res, closed},
    oneshot::{channel, lock},
    schema::{self, Kind, Role},
};

type Work = Box<dyn FnOnce(&mut Connections) + Send>;

/// A reader thread's own connections, opened when first needed.
pub(crate) struct Connections {
    dir: PathBuf,
    busy: Duration,
    shards: Vec<Option<Connection>>,
}

impl Connections {
    fn with<T>(&mut self, shard: usize, work: impl FnOnce(&Connection) -> Res<T>) -> Res<T> {
        let path = shard_path(&self.dir, shard);
        let Some(slot) = self.shards.get_mut(shard) else {
            return Err(ErrorKind::NotFound.into());
        };
        if slot.is_none() {
            *slot = Some(schema::open(&path, Kind::Shard, Role::Reader, self.busy)?);
        }
        let Some(conn) = slot else { return Err(closed().into()) };
        let answer = work(conn);
        if matches!(answer, Err(Fault::Sql(_))) {
            // Whatever went wrong, the next reader begins with a fresh connection.
            *slot = None;
        }
        answer
    }
}

pub(crate) fn shard_path(dir: &std::path::Path, shard: usize) -> PathBuf {
    dir.join(format!("shard-{shard:02}.db"))
}

struct State {
    work: VecDeque<Work>,
    closed: bool,
}

struct Inner {
    state: Mutex<State>,
    filled: Condvar,
    /// For reads on the callers' threads, by shard.
    here: Vec<[Mutex<Connections>; HERE]>,
    /// How many reads in a row were slow.
    slow: AtomicU32,
    /// How many reads go to the threads before one is tried on the caller's again.
    cold: AtomicU32,
}

/// Connections of a shard for reads on the callers' threads: as many run at once.
const HERE: usize = 2;
/// How long such a read may take before it ends with what it has.
const TURN: Duration = Duration::from_micros(500);
/// One that took so long has waited: for the disk, or only for its turn on the processor.
const SLOW: Duration = Duration::from_millis(4);
/// After so many such in a row it is the disk.
const SURELY: u32 = 2;
/// So many reads then go to the threads.
const COLD: u32 = 32;

/// How much a read of several messages may take on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    until: Option<Instant>,
}

impl Budget {
    /// Whether the read has to end with what it has. A read goes on to its first result in any case.
    pub(crate) fn is_spent(self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Handed to whoever reads; the threads end when [`Pool::close`] is called.
#[derive(Clone)]
pub(crate) struct Pool {
    inner: Arc<Inner>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}

impl Pool {
    pub(crate) fn start(
        dir: &std::path::Path,
        shards: usize,
        threads: usize,
        busy: Duration,
    ) -> Res<(Self, Vec<JoinHandle<()>>)> {
        let state = Mutex::new(State { work: VecDeque::new(), closed: false });
        let own = || Connections { dir: dir.to_owned(), busy, shards: (0..shards).map(|_| None).collect() };
        let here = (0..shards).map(|_| std::array::from_fn(|_| Mutex::new(own()))).collect();
        let inner = Arc::new(Inner {
            state,
            filled: Condvar::new(),
            here,
            slow: AtomicU32::new(0),
            cold: AtomicU32::new(0),
        });
        let mut handles = Vec::new();
        for n in 0..threads.max(1) {
            let mine = inner.clone();
            let mut connections = own();
            let run = move || {
                while let Some(work) = mine.next() {
                    // A fault in one request must not take the thread from the others.
                    if catch_unwind(AssertUnwindSafe(|| work(&mut connections))).is_err() {
                        tracing::error!("a read request panicked");
                        connections.shards.iter_mut().for_each(|c| *c = None);
                    }
                }
            };
            handles.push(thread::Builder::new().name(format!("mailstore-read-{n}")).spawn(run)?);
        }
        Ok((Self { inner }, handles))
    }

    /// Reads in one short transaction, so that all of it is from one moment.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        shard: usize,
        work: impl FnOnce(&Connection) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.send(move |c| c.with(shard, |conn| in_transaction(conn, work))).await
    }

    /// As [`read`](Self::read), where the work is short or keeps to its budget: on the caller's thread, if that is to be expected
    /// to take microseconds.
    pub(crate) async fn read_soon<T: Send + 'static>(
        &self,
        shard: usize,
        work: impl FnOnce(&Connection, Budget) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        match self.here(shard, work) {
            Ok(answer) => answer.map_err(StoreError::from),
            Err(work) => self.read(shard, move |conn| work(conn, Budget { until: None })).await,
        }
    }

    /// Reads on this thread; gives the work back where it should go to another.
    fn here<T, F>(&self, shard: usize, work: F) -> std::result::Result<Res<T>, F>
    where
        F: FnOnce(&Connection, Budget) -> Res<T>,
    {
        let cold = &self.inner.cold;
        if cold.load(Ordering::Relaxed) > 0 {
            // Two at once may count one twice: it is a rough measure.
            cold.store(cold.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
            return Err(work);
        }
        let places = self.inner.here.get(shard).map_or(&[][..], |places| places);
        let free = places.iter().find_map(|place| match place.try_lock() {
            Ok(free) => Some(free),
            Err(TryLockError::Poisoned(left)) => Some(left.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        });
        let Some(mut connections) = free else { return Err(work) };
        let begun = Instant::now();
        let budget = Budget { until: Some(begun + TURN) };
        let read = || connections.with(shard, |conn| in_transaction(conn, |conn| work(conn, budget)));
        let answer = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
            tracing::error!("a read request panicked");
            // Its connection may be in the middle of something.
            connections.shards.iter_mut().for_each(|c| *c = None);
            Err(ErrorKind::Internal.into())
        });
        self.remember(begun.elapsed());
        Ok(answer)
    }

    /// A read on a caller's thread took so long.
    fn remember(&self, took: Duration) {
        let Inner { slow, cold, .. } = &*self.inner;
        if took <= SLOW {
            slow.store(0, Ordering::Relaxed);
        } else if slow.fetch_add(1, Ordering::Relaxed) + 1 >= SURELY {
            slow.store(0, Ordering::Relaxed);
            cold.store(COLD, Ordering::Relaxed);
        }
    }

    /// Reads without a transaction around it: the work makes its own.
    pub(crate) async fn read_by_itself<T: Send + 'static>(
        &self,
        shard: usize,
        work: impl FnOnce(&Connection) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.send(move |c| c.with(shard, work)).await
    }

    /// Does work on files, away from the caller's thread.
    pub(crate) async fn files<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.send(move |_| work()).await
    }

    /// As [`files`](Self::files), begun at once whether or not the answer is waited for.
    pub(crate) fn start_files<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Res<T> + Send + 'static,
    ) -> crate::oneshot::Receiver<Result<T>> {
        let (tx, rx) = channel();
        self.push(Box::new(move |_| tx.send(work().map_err(StoreError::from))));
        rx
    }

    async fn send<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connections) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        let (tx, rx) = channel();
        self.push(Box::new(move |c| tx.send(work(c).map_err(StoreError::from))));
        rx.await?
    }

    fn push(&self, work: Work) {
        let mut state = lock(&self.inner.state);
        if !state.closed {
            state.work.push_back(work);
            drop(state);
            self.inner.filled.notify_one();
        }
        // Else the work is dropped, and with it the sender: the receiver answers that the store is closed.
    }

    pub(crate) fn close(&self) {
        lock(&self.inner.state).closed = true;
        self.inner.filled.notify_all();
    }
}

fn in_transaction<T>(conn: &Connection, work: impl FnOnce(&Connection) -> Res<T>) -> Res<T> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let answer = work(conn);
    if conn.prepare_cached("COMMIT").and_then(|mut end| end.execute([])).is_err() {
        // Nothing was written; only the snapshot has to be let go.
        let _ = conn.execute_batch("ROLLBACK");
    }
    answer
}

impl Inner {
    fn next(&self) -> Option<Work> {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.work.pop_front() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{current, sleep};

    use super::*;
    use crate::{Options, SqliteStore, oneshot::block_on};

    fn pool(dir: &std::path::Path) -> Pool {
        drop(SqliteStore::open(dir, Options { shards: Some(1), reserve: 0, ..Options::default() }).unwrap());
        Pool::start(dir, 1, 1, Duration::from_secs(1)).unwrap().0
    }

    /// Whether a read is done on this thread.
    fn is_here(pool: &Pool) -> bool {
        block_on(pool.read_soon(0, |_: &Connection, _| Ok(current().id()))).unwrap() == current().id()
    }

    /// How long reads take is said here: on a busy machine a short one may take long.
    #[test]
    fn short_reads_stay_here_and_leave_after_two_that_were_slow() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(dir.path());
        let (slow, fast) = (SLOW + Duration::from_millis(2), SLOW);
        for took in [fast, slow, fast, slow, fast, slow] {
            pool.remember(took);
        }
        assert_eq!(pool.inner.cold.load(Ordering::Relaxed), 0, "never two in a row");
        pool.remember(slow);
        assert!((0..COLD).all(|_| !is_here(&pool)));
        assert!(is_here(&pool), "it is tried again");
        pool.close();
    }

    #[test]
    fn the_time_that_a_read_takes_here_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(dir.path());
        let takes_long = |_: &Connection, _| {
            sleep(SLOW + Duration::from_millis(1));
            Ok(())
        };
        for _ in 0..2 {
            block_on(pool.read_soon(0, takes_long)).unwrap();
        }
        assert!(!is_here(&pool));
        pool.close();
    }

    #[test]
    fn a_read_ends_with_its_budget_here_and_has_all_its_time_on_a_thread() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(dir.path());
        let spent = |_: &Connection, budget: Budget| {
            sleep(TURN);
            Ok(budget.is_spent())
        };
        assert!(block_on(pool.read_soon(0, spent)).unwrap());
        // On a busy machine the moment may be long enough, now and then.
        let at_once = |_: &Connection, budget: Budget| Ok(budget.is_spent());
        assert!((0..1000).any(|_| !block_on(pool.read_soon(0, at_once)).unwrap()));
        pool.inner.cold.store(1, Ordering::Relaxed);
        assert!(!block_on(pool.read_soon(0, spent)).unwrap());
        pool.close();
    }

    #[test]
    fn a_read_that_panics_takes_its_connection_with_it_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let pool = pool(dir.path());
        for _ in 0..=HERE {
            // The report of a panic takes its time.
            pool.inner.slow.store(0, Ordering::Relaxed);
            let broken = |_: &Connection, _| -> Res<()> { panic!("as if by a fault") };
            assert_eq!(block_on(pool.read_soon(0, broken)).unwrap_err().kind, ErrorKind::Internal);
        }
        pool.inner.slow.store(0, Ordering::Relaxed);
        let read = |conn: &Connection, _| Ok(conn.query_row("SELECT 7", [], |r| r.get::<_, i64>(0))?);
        assert_eq!(block_on(pool.read_soon(0, read)).unwrap(), 7);
        assert!(is_here(&pool));
        pool.close();
    }
}
