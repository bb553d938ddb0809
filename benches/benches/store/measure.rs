//! What the clock does not tell: processor time, memory.

use std::{
    fs,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Rounds of one bench together: appends, time on the clock, processor time of all threads.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) appends: u64,
    pub(crate) clock: Duration,
    pub(crate) processor: Duration,
}

impl Sum {
    pub(crate) fn add(&mut self, appends: u64, clock: Duration, nanoseconds: u64) {
        self.appends += appends;
        self.clock += clock;
        self.processor += Duration::from_nanos(nanoseconds);
    }

    pub(crate) fn rate(&self) -> f64 {
        self.appends as f64 / self.clock.as_secs_f64().max(1e-9)
    }

    pub(crate) fn processor_each(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / (self.appends as f64).max(1.0)
    }
}

/// `appends` calls by so many threads. The threads are there before the clock begins.
pub(crate) fn threads(
    appenders: usize,
    appends: u64,
    sum: &mut Sum,
    append: impl Fn(usize) + Sync,
) -> Duration {
    let (done, ready) = (AtomicU64::new(0), Barrier::new(appenders + 1));
    // Processor time of threads that are gone is seen no more.
    let gone = AtomicU64::new(0);
    let before = processor();
    let clock = thread::scope(|s| {
        for n in 0..appenders {
            let (append, done, gone, ready) = (&append, &done, &gone, &ready);
            s.spawn(move || {
                ready.wait();
                let before = of_thread();
                while done.fetch_add(1, Ordering::Relaxed) < appends {
                    append(n);
                }
                gone.fetch_add(of_thread().saturating_sub(before), Ordering::Relaxed);
                ready.wait();
            });
        }
        ready.wait();
        let begin = Instant::now();
        ready.wait();
        begin.elapsed()
    });
    sum.add(appends, clock, processor().saturating_sub(before) + gone.into_inner());
    clock
}

fn nanoseconds(schedstat: &str) -> u64 {
    schedstat.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn of_thread() -> u64 {
    nanoseconds(&fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default())
}

/// Nanoseconds that the threads which are there ran; 0 where the system does not tell.
pub(crate) fn processor() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks.map(|t| nanoseconds(&fs::read_to_string(t.path().join("schedstat")).unwrap_or_default())).sum()
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// KiB that `work` needs at its worst, beyond what there is.
pub(crate) fn peak<T>(work: impl FnOnce() -> T) -> (T, u64) {
    // Begins the peak anew (proc(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS:");
    let value = work();
    (value, status("VmHWM:").saturating_sub(before))
}
