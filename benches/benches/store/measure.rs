//! What the clock does not tell: processor time, memory.

use std::{
    fmt, fs,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What one writer did in one round: appends, time on the clock, processor time of all threads.
#[derive(Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) appends: u64,
    pub(crate) clock: Duration,
    pub(crate) processor: Duration,
}

impl Round {
    pub(crate) fn rate(&self) -> f64 {
        self.appends as f64 / self.clock.as_secs_f64().max(1e-9)
    }

    pub(crate) fn processor_each(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / (self.appends as f64).max(1.0)
    }
}

/// What was seen of one thing: printed as `median (lowest to highest)`.
pub(crate) struct Spread {
    pub(crate) median: f64,
    lowest: f64,
    highest: f64,
}

impl Spread {
    /// Of one value at least.
    pub(crate) fn of(mut seen: Vec<f64>) -> Self {
        seen.sort_unstable_by(f64::total_cmp);
        let (lower, upper) = (seen[(seen.len() - 1) / 2], seen[seen.len() / 2]);
        Self { median: f64::midpoint(lower, upper), lowest: seen[0], highest: seen[seen.len() - 1] }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        let Self { median, lowest, highest } = self;
        let text = format!("{median:.digits$} ({lowest:.digits$} to {highest:.digits$})");
        write!(f, "{text:<width$}", width = f.width().unwrap_or(0))
    }
}

/// So many threads append until the time is over. They are there before the clock begins.
pub(crate) fn threads(appenders: usize, time: Duration, append: impl Fn() + Sync) -> Round {
    let (done, ready) = (AtomicU64::new(0), Barrier::new(appenders + 1));
    // Processor time of threads that are gone is seen no more.
    let gone = AtomicU64::new(0);
    let before = processor();
    let clock = thread::scope(|s| {
        for _ in 0..appenders {
            let (append, done, gone, ready) = (&append, &done, &gone, &ready);
            s.spawn(move || {
                ready.wait();
                let (begin, before) = (Instant::now(), of_thread());
                while begin.elapsed() < time {
                    append();
                    done.fetch_add(1, Ordering::Relaxed);
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
    let processor = processor().saturating_sub(before) + gone.into_inner();
    Round { appends: done.into_inner(), clock, processor: Duration::from_nanos(processor) }
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
