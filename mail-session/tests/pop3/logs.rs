//! What the log says, and what it never says.

use crate::harness::*;
use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0.lock().unwrap(), "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write!(self.0.lock().unwrap(), "\nspan {} ", span.metadata().name()).unwrap();
        span.record(&mut self.clone());
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push('\n');
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn sessions_have_an_id_and_no_secret_is_logged() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
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
    });
    let log = log.0.lock().unwrap();
    for wanted in ["session=p1", "peer=192.0.2.1:1", "login=alice", "retrieved=1", "Wrong"] {
        assert!(log.contains(wanted), "{wanted} is missing in {log}");
    }
    for secret in ["hunter2", "secret", "AGFsaWNl", "private", "104, 117"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
}
