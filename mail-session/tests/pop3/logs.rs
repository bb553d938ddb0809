//! What the log says, and what it never says.

use crate::harness::*;
use std::{
    cell::RefCell,
    fmt::{self, Write as _},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

thread_local! {
    /// What this thread logged.
    static LOG: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The subscriber of every thread, each with a log of its own. One set for this thread alone would
/// lose lines: a callsite that another test's thread, which has none, reaches first is kept as
/// one that nobody wants.
struct Log;

struct Fields;

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        LOG.with_borrow_mut(|log| write!(log, "{field}={value:?} ").unwrap());
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        LOG.with_borrow_mut(|log| write!(log, "\nspan {} ", span.metadata().name()).unwrap());
        span.record(&mut Fields);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Fields);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        LOG.with_borrow_mut(|log| log.push('\n'));
        event.record(&mut Fields);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn sessions_have_an_id_and_no_secret_is_logged() {
    tracing::subscriber::set_global_default(Log).unwrap();
    on(&[b"a: b\r\n\r\nprivate\r\n"], async |h, mut c| {
        c.ok("").await;
        c.ok("USER alice").await;
        c.err("PASS hunter2").await;
        c.err("PASS hunter2").await;
        c.err("AUTH PLAIN AGFsaWNlAGh1bnRlcjI=").await;
        c.err("AUTH PLAIN hunter2?").await;
        c.ok("USER alice").await;
        c.ok("PASS secret").await;
        c.ok("RETR 1").await;
        c.body().await;
        c.ok("QUIT").await;
        h.all_ended().await;
    });
    let log = LOG.take();
    for wanted in ["session=p1", "peer=192.0.2.1:1", "login=alice", "retrieved=1", "Wrong"] {
        assert!(log.contains(wanted), "{wanted} is missing in {log}");
    }
    for secret in ["hunter2", "secret", "AGFsaWNl", "private", "104, 117"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
