//! Cases under criterion: a group for each job, in which the sides stand one below the other.

use criterion::{Criterion, Throughput};

use crate::case::Case;

/// Times the cases whose job begins with one of these words. Each side was seen to be right when it was made.
pub fn time(criterion: &mut Criterion, cases: Vec<Case>, beginnings: &[&str]) {
    let wanted = |case: &Case| beginnings.iter().any(|b| case.job.starts_with(b));
    let mut cases: Vec<Case> = cases.into_iter().filter(wanted).collect();
    for sides in cases.chunk_by_mut(|a, b| a.job == b.job) {
        let Some(Case { job, unit, units, .. }) = sides.first() else { continue };
        let mut group = criterion.benchmark_group(*job);
        group.throughput(match *unit {
            "octet" => Throughput::Bytes(*units),
            _ => Throughput::Elements(*units),
        });
        for case in sides {
            group.bench_function(case.side, |b| b.iter(|| (case.run)()));
        }
        group.finish();
    }
}
