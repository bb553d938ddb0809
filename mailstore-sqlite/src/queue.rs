//! The bounded queue before a writer thread: its bound is the back-pressure.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::{Duration, Instant},
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

/// How long a group waits for companions, at most; and of the last commit's time, which part.
const GATHER: Duration = Duration::from_millis(8);
const GATHER_PART: u32 = 4;

/// Groups that wait for nobody after one that waited in vain, at first and at most.
const SKIP: u32 = 8;
const SKIP_MOST: u32 = 1024;

#[derive(Debug)]
struct State<J> {
    jobs: VecDeque<(Weight, J)>,
    bytes: usize,
    closed: bool,
    waiting: Vec<Waker>,
    /// The writer thread sleeps until so many jobs are there: it is not woken for less.
    wanted: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    filled: Condvar,
}

/// Whether it is worth waiting for those who were just answered. They come back one by one, and the first
/// would have a sync of its own while all others wait for theirs.
///
/// It costs a fraction of a commit's time, and nothing where one request at a time is made, or where
/// those answered did not come back.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Jobs of the last group and those that waited when it was done.
    crowd: usize,
    took: Duration,
    skip: u32,
    skipping: u32,
}

impl Gather {
    /// A group was committed.
    pub(crate) fn committed(&mut self, jobs: usize, waiting: usize, took: Duration) {
        (self.crowd, self.took) = (jobs + waiting, took);
    }

    /// How many jobs to wait for, and how long.
    fn wish(&mut self, there: usize) -> Option<(usize, Duration)> {
        let wanted = self.crowd.min(GROUP_JOBS);
        if there >= wanted || wanted < 2 {
            return None;
        }
        if self.skipping > 0 {
            self.skipping -= 1;
            return None;
        }
        Some((wanted, (self.took / GATHER_PART).min(GATHER)))
    }

    fn waited(&mut self, wanted: usize, before: usize, there: usize) {
        // Half of them is worth it.
        if there - before >= (wanted - before).div_ceil(2) {
            self.skip = 0;
        } else {
            self.skip = (self.skip * 2).clamp(SKIP, SKIP_MOST);
            self.skipping = self.skip;
        }
    }
}

/// What [`Queue::take`] found.
pub(crate) enum Taken<J> {
    Group(Vec<J>),
    Idle,
    Closed,
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        let state =
            State { jobs: VecDeque::new(), bytes: 0, closed: false, waiting: Vec::new(), wanted: None };
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
                if state.wanted.is_some_and(|n| state.jobs.len() >= n || state.bytes >= GROUP_BYTES) {
                    state.wanted = None;
                    self.filled.notify_one();
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// How many jobs wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    /// The next group: whatever waits, within the bounds of a group, after at most `patience`.
    pub(crate) fn take(&self, patience: Duration, gather: &mut Gather) -> Taken<J> {
        let mut state = lock(&self.state);
        if state.jobs.is_empty() && !patience.is_zero() {
            // Those who were just answered, else anybody.
            if let Some((wanted, at_most)) = gather.wish(0) {
                state = self.sleep(state, wanted, at_most.min(patience));
                gather.waited(wanted, 0, state.jobs.len());
            }
            if state.jobs.is_empty() {
                state = self.sleep(state, 1, patience);
            }
        } else if let Some((wanted, at_most)) = gather.wish(state.jobs.len()) {
            let before = state.jobs.len();
            state = self.sleep(state, wanted, at_most);
            gather.waited(wanted, before, state.jobs.len());
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

    /// Sleeps until so many jobs are there, or a group's fill of octets.
    fn sleep<'s>(
        &self,
        mut state: MutexGuard<'s, State<J>>,
        wanted: usize,
        at_most: Duration,
    ) -> MutexGuard<'s, State<J>> {
        let until = Instant::now() + at_most;
        state.wanted = Some(wanted);
        while state.wanted.is_some() && !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.wanted = None;
        state
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
        match queue.take(Duration::ZERO, &mut Gather::default()) {
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
        assert!(matches!(queue.take(Duration::from_secs(9), &mut Gather::default()), Taken::Closed));
    }

    #[test]
    fn a_group_waits_for_those_just_answered_and_not_for_those_who_stay_away() {
        let ms = Duration::from_millis;
        let mut gather = Gather::default();
        assert_eq!(gather.wish(0), None, "nobody was answered yet");
        gather.committed(1, 0, ms(10));
        assert_eq!(gather.wish(0), None, "one alone waits for nobody");
        gather.committed(8, 2, ms(2));
        assert_eq!(gather.wish(3), Some((10, Duration::from_micros(500))), "a quarter of a commit's time");
        gather.committed(8, 2, ms(400));
        assert_eq!(gather.wish(3), Some((10, GATHER)), "and never longer than this");
        assert_eq!(gather.wish(10), None, "all are there");
        gather.waited(10, 3, 7);
        assert!(gather.wish(0).is_some(), "it was worth it");
        gather.waited(10, 0, 4);
        assert_eq!((0..SKIP).filter_map(|_| gather.wish(0)).count(), 0, "they stayed away");
        assert!(gather.wish(0).is_some(), "they may be back");
        gather.waited(10, 0, 0);
        assert_eq!((0..2 * SKIP).filter_map(|_| gather.wish(0)).count(), 0, "less and less often");
    }

    #[test]
    fn whoever_comes_back_in_time_is_in_the_group() {
        let queue = Queue::new();
        let mut gather = Gather::default();
        gather.committed(3, 0, Duration::from_secs(1));
        let push = |n| block_on(queue.push(Weight { rows: 1, bytes: 1 }, n)).unwrap();
        std::thread::scope(|s| {
            s.spawn(|| [1, 2, 3].map(push));
            let mut all = 0;
            while all < 3 {
                if let Taken::Group(jobs) = queue.take(Duration::from_secs(9), &mut gather) {
                    all += jobs.len();
                }
            }
        });
        // And nobody waits where there is nobody: an idle queue is idle after its patience.
        assert!(matches!(queue.take(Duration::from_millis(1), &mut gather), Taken::Idle));
    }
}
