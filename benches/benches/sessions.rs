//! Whole sessions on the store in memory: small commands, much in, much out, and what is as bad as a client may make it.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use mail_benches::{cases, timed::time};

fn all(criterion: &mut Criterion) {
    time(criterion, cases::of_sessions(), &["IMAP", "POP3", "Submission"]);
}

criterion_group!(benches, all);
criterion_main!(benches);
