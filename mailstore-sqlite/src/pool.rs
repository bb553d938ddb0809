//! The reader threads: short read transactions and file work, for all shards.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use mailstore_api::{Result, StoreError};
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
            return Err(mailstore_api::ErrorKind::NotFound.into());
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
        let inner = Arc::new(Inner { state, filled: Condvar::new() });
        let mut handles = Vec::new();
        for n in 0..threads.max(1) {
            let mine = inner.clone();
            let mut connections =
                Connections { dir: dir.to_owned(), busy, shards: (0..shards).map(|_| None).collect() };
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
        let in_transaction = move |c: &mut Connections| {
            c.with(shard, |conn| {
                conn.prepare_cached("BEGIN")?.execute([])?;
                let answer = work(conn);
                if conn.prepare_cached("COMMIT").and_then(|mut end| end.execute([])).is_err() {
                    // Nothing was written; only the snapshot has to be let go.
                    let _ = conn.execute_batch("ROLLBACK");
                }
                answer
            })
        };
        self.send(in_transaction).await
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
