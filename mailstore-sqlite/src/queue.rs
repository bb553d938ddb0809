//! The bounded queue before a writer thread: its bound is the back-pressure.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Condvar, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use mailstore_api::Result;

use crate::{error::closed, oneshot::lock};

/// What a request costs, as far as it is known before it runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Weight {
    pub(crate) rows: u64,
    pub(crate) bytes: usize,
}

/// Requests over this many rows have a transaction of their own.
const ROWS_ALONE: u64 = 500;
const GROUP_JOBS: usize = 128;
const GROUP_BYTES: usize = 8 << 20;
const WAITING_JOBS: usize = 1024;
const WAITING_BYTES: usize = 64 << 20;

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<(Weight, J)>,
    bytes: usize,
    closed: bool,
    waiting: Vec<Waker>,
}

#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    filled: Condvar,
}

/// What [`Queue::take`] found.
pub(crate) enum Taken<J> {
    Group(Vec<J>),
    Idle,
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        let state = State { jobs: VecDeque::new(), bytes: 0, closed: false, waiting: Vec::new() };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Waits for room, then leaves the job. Dropped before, the job was never there.
    pub(crate) async fn push(&self, weight: Weight, job: J) -> Result<()> {
        let mut job = Some(job);
        poll_fn(|cx| {
            let mut state = lock(&self.state);
            if state.closed {
                return Poll::Ready(Err(closed()));
            }
            if state.jobs.len() >= WAITING_JOBS || (state.bytes > WAITING_BYTES && !state.jobs.is_empty()) {
                state.waiting.push(cx.waker().clone());
                return Poll::Pending;
            }
            if let Some(job) = job.take() {
                state.bytes += weight.bytes;
                state.jobs.push_back((weight, job));
                self.filled.notify_one();
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// The next group: whatever waits, within the bounds of a group, after at most `patience`.
    pub(crate) fn take(&self, patience: Duration) -> Taken<J> {
        let mut state = lock(&self.state);
        if state.jobs.is_empty() && !state.closed && !patience.is_zero() {
            state = self.filled.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut group = Vec::new();
        let (mut rows, mut bytes) = (0, 0);
        while let Some((weight, _)) = state.jobs.front() {
            let more_rows = weight.rows.saturating_add(rows);
            let over =
                more_rows > ROWS_ALONE || group.len() >= GROUP_JOBS || weight.bytes + bytes > GROUP_BYTES;
            if over && !group.is_empty() {
                break;
            }
            (rows, bytes) = (more_rows, bytes + weight.bytes);
            state.bytes -= weight.bytes;
            if let Some((_, job)) = state.jobs.pop_front() {
                group.push(job);
            }
        }
        let is_closed = state.closed;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        match group.is_empty() {
            false => Taken::Group(group),
            true if is_closed => Taken::Closed,
            true => Taken::Idle,
        }
    }

    /// Refuses jobs from now on; those that wait are still taken.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = lock(&self.state);
            state.closed = true;
            self.filled.notify_all();
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oneshot::block_on;

    fn group(queue: &Queue<u32>) -> Vec<u32> {
        match queue.take(Duration::ZERO) {
            Taken::Group(jobs) => jobs,
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_group_is_what_waits_and_big_requests_go_alone() {
        let queue = Queue::new();
        let push = |rows, bytes, n| block_on(queue.push(Weight { rows, bytes }, n)).unwrap();
        push(1, 10, 1);
        push(1, 10, 2);
        push(501, 0, 3);
        push(u64::MAX, 0, 4);
        push(1, 9 << 20, 5);
        push(1, 1, 6);
        let groups: Vec<_> = std::iter::repeat_with(|| group(&queue)).take(6).collect();
        assert_eq!(groups, [vec![1, 2], vec![3], vec![4], vec![5], vec![6], vec![]]);
        for n in 0..200 {
            push(1, 0, n);
        }
        assert_eq!(group(&queue).len(), GROUP_JOBS);
        queue.close();
        assert!(block_on(queue.push(Weight::default(), 0)).is_err());
        assert_eq!(group(&queue).len(), 200 - GROUP_JOBS);
        assert!(matches!(queue.take(Duration::from_secs(9)), Taken::Closed));
    }
}
