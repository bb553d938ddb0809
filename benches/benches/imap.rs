//! IMAP: a client's commands and a server's answers, long ones and deep ones, beside imap-codec and imap-proto.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use mail_benches::{cases, timed::time};

fn all(criterion: &mut Criterion) {
    time(criterion, cases::all(), &["IMAP"]);
}

criterion_group!(benches, all);
criterion_main!(benches);
