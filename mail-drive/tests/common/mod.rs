//! A toy protocol, a pipe in memory and a clock that is set by hand.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod pipe;
#[cfg(feature = "rustls")]
pub(crate) mod tls;
pub(crate) mod toy;

use core::{future::Future, time::Duration};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, DriveError, Driver, Instant, Timer, Turn};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use toy::{Event, Toy, ToyError};

pub(crate) const HIGH_WATER: usize = 64 * 1024;

/// A clock that stands until it is told.
#[derive(Clone, Default)]
pub(crate) struct HandClock(Arc<Mutex<(Duration, Vec<Waker>)>>);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        let mut clock = self.0.lock().unwrap();
        clock.0 += by;
        clock.1.drain(..).for_each(Waker::wake);
    }
}

impl Timer for HandClock {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.lock().unwrap().0)
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        core::future::poll_fn(move |cx| {
            let mut clock = self.0.lock().unwrap();
            if clock.0 >= at.since_start() {
                return Poll::Ready(());
            }
            clock.1.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

#[derive(Clone, Copy)]
pub(crate) struct TokioTimer(pub(crate) tokio::time::Instant);
impl Timer for TokioTimer {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        tokio::time::sleep_until(self.0 + at.since_start())
    }
}

#[derive(Clone, Copy)]
pub(crate) struct SmolTimer(pub(crate) std::time::Instant);
impl Timer for SmolTimer {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }
    async fn sleep_until(&self, at: Instant) {
        smol::Timer::at(self.0 + at.since_start()).await;
    }
}

/// The toy's session, as a session on the real machines looks. Gives the octets that were put.
pub(crate) async fn serve<S, T, A>(driver: &mut Driver<Toy, S, T, A>) -> Result<Vec<u8>, DriveError<ToyError>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    A: Accept<S>,
{
    let mut stored = Vec::new();
    while let Some(Turn { event, mut peer }) = driver.next().await? {
        match event {
            Event::Echo(text) => {
                let inside: &[u8] = if peer.machine.tls.is_some() { b"tls " } else { b"" };
                peer.machine.say(&[inside, text].concat());
            }
            Event::Password(secret) => peer.machine.say(format!("{} octets", secret.len()).as_bytes()),
            Event::Body(n) => {
                let chunk = bytes::Bytes::from(vec![b'x'; 32 * 1024]);
                let mut left = n;
                while left > 0 {
                    let part = chunk.slice(..left.min(chunk.len()));
                    left -= part.len();
                    peer.machine.body(part);
                    peer.drain(HIGH_WATER).await?;
                }
                peer.machine.say(b"sent");
            }
            Event::Put => peer.machine.accept_data(),
            Event::Chunk(chunk) => stored.extend_from_slice(chunk),
            Event::PutEnd => {
                let text = format!("stored {}", stored.len());
                peer.machine.say(text.as_bytes());
            }
            Event::StartTls => peer.machine.start_tls(),
            Event::Compress => peer.machine.compress(),
            Event::Quit => peer.machine.quit(),
            Event::Ignored => {}
        }
    }
    Ok(stored)
}

/// Sends `wire`, then reads as much as `expected` has, and compares.
pub(crate) async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), wire: &[u8], expected: &str) {
    stream.write_all(wire).await.unwrap();
    stream.flush().await.unwrap();
    let mut got = vec![0; expected.len()];
    stream.read_exact(&mut got).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&got), expected);
}

/// Reads to the end.
pub(crate) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    String::from_utf8(got).unwrap()
}
