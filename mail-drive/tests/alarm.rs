//! How often a driver sets a timer, and that it rings in time all the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use common::{HandClock, pipe::pipe, rest, serve, toy::Toy};
use core::{
    future::Future,
    pin::{Pin, pin},
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};
use mail_drive::{Driver, Instant, NoTls, Timer};
use smol::{future::block_on, io::AsyncWriteExt};
use std::sync::Arc;

/// A clock that is set by hand, and counts the sleeps.
#[derive(Clone, Default)]
struct Counting {
    clock: HandClock,
    sleeps: Arc<AtomicUsize>,
}

impl Counting {
    fn sleeps(&self) -> usize {
        self.sleeps.load(Ordering::Relaxed)
    }
}

impl Timer for Counting {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        self.sleeps.fetch_add(1, Ordering::Relaxed);
        self.clock.sleep_until(at)
    }
}

fn once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn many_waits_set_one_alarm_and_the_last_deadline_holds() {
    let timer = Counting::default();
    let (mut client, server) = pipe(1000);
    let mut driver = Driver::new(Toy::new(), server, timer.clone(), NoTls);
    let mut serving = pin!(serve(&mut driver));
    // 100 seconds are granted from each command on.
    for _ in 0..90 {
        assert!(once(serving.as_mut()).is_pending());
        timer.clock.advance(Duration::from_secs(1));
        block_on(client.write_all(b"ECHO x\r\n")).unwrap();
    }
    assert!(once(serving.as_mut()).is_pending());
    assert_eq!(timer.sleeps(), 1);
    for _ in 0..99 {
        timer.clock.advance(Duration::from_secs(1));
        assert!(once(serving.as_mut()).is_pending());
    }
    assert_eq!(timer.sleeps(), 2, "the first rang early, and another was set");
    timer.clock.advance(Duration::from_secs(1));
    let _ = once(serving.as_mut());
    assert!(block_on(rest(&mut client)).ends_with("too late\r\n"));
}

#[test]
fn a_deadline_that_is_nearer_sets_it_anew() {
    let timer = Counting::default();
    let (mut client, server) = pipe(1000);
    let mut driver = Driver::new(Toy::new(), server, timer.clone(), NoTls);
    let mut serving = pin!(serve(&mut driver));
    for _ in 0..20 {
        assert!(once(serving.as_mut()).is_pending());
        // Ten seconds for the content; then 100 for the next command.
        block_on(client.write_all(b"PUT\r\n")).unwrap();
        assert!(once(serving.as_mut()).is_pending());
        block_on(client.write_all(b"abc\r\n.\r\n")).unwrap();
    }
    block_on(client.write_all(b"PUT\r\n")).unwrap();
    assert!(once(serving.as_mut()).is_pending());
    assert_eq!(timer.sleeps(), 2);
    for _ in 0..9 {
        timer.clock.advance(Duration::from_secs(1));
        assert!(once(serving.as_mut()).is_pending());
    }
    timer.clock.advance(Duration::from_secs(1));
    let _ = once(serving.as_mut());
    assert!(block_on(rest(&mut client)).ends_with("too late\r\n"));
}
