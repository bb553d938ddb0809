//! POP3: a client's commands, messages with dots and without, lists, beside pop3-codec.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use mail_benches::{cases, timed::time};

fn all(criterion: &mut Criterion) {
    time(criterion, cases::all(), &["POP3", "RETR"]);
}

criterion_group!(benches, all);
criterion_main!(benches);
