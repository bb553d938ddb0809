//! SMTP: a client's commands, content with dots and without, long lines and replies, beside smtp-proto.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use mail_benches::{cases, timed::time};

fn all(criterion: &mut Criterion) {
    time(criterion, cases::all(), &["SMTP", "DATA"]);
}

criterion_group!(benches, all);
criterion_main!(benches);
