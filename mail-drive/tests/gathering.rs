//! How many writes a stream sees.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use common::toy::{Event, Toy};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Driver, Limits, NoTimer, NoTls, Turn};
use smol::future::block_on;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

/// Says all it has to say at once, and counts what it is written. It writes one piece at a time, as adapters do.
struct Counted {
    says: Vec<u8>,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = self.says.len().min(buf.len());
        for (to, octet) in buf.iter_mut().zip(self.says.drain(..n)) {
            *to = octet;
        }
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.heard.lock().unwrap().push(buf.to_vec());
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Serves what is said; gives the writes. A body comes in pieces of 1,000 octets. Before a password is answered, what waits is pushed.
fn writes(says: &str, gather: usize) -> Vec<Vec<u8>> {
    let heard = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let stream = Counted { says: says.into(), heard: heard.clone() };
    let mut limits = Limits::default();
    limits.gather = gather;
    let mut driver = Driver::with_limits(Toy::new(), stream, NoTimer, NoTls, limits);
    block_on(async {
        while let Some(Turn { event, mut peer }) = driver.next().await.unwrap() {
            match event {
                Event::Echo(text) => peer.machine.say(text),
                Event::Password(_) => {
                    peer.push().await.unwrap();
                    peer.machine.say(b"right");
                }
                Event::Body(n) => {
                    (0..n / 1000).for_each(|_| peer.machine.body(vec![b'x'; 1000].into()));
                    peer.machine.say(b"sent");
                }
                Event::Quit => peer.machine.quit(),
                _ => {}
            }
        }
    });
    let heard = heard.lock().unwrap();
    heard.clone()
}

#[test]
fn pieces_are_joined_for_a_stream_that_writes_them_one_by_one() {
    let heard = writes("BODY 60000\r\nQUIT\r\n", 0);
    assert!(heard.len() <= 10, "60 pieces in {} writes", heard.len());
    assert_eq!(heard.concat(), format!("hello\r\n{}sent\r\nbye\r\n", "x".repeat(60_000)).into_bytes());
}

#[test]
fn answers_of_pipelined_commands_go_out_together_where_they_may_wait() {
    let says = format!("{}QUIT\r\n", "ECHO answer\r\n".repeat(100));
    let answers = format!("hello\r\n{}bye\r\n", "answer\r\n".repeat(100));
    let (each, gathered) = (writes(&says, 0), writes(&says, 32 * 1024));
    assert_eq!(each.concat(), answers.as_bytes());
    assert_eq!(gathered.concat(), answers.as_bytes());
    assert!(each.len() > 100 && gathered.len() <= 2, "{} and {} writes", each.len(), gathered.len());
    // No more than was allowed waits.
    let heard = writes(&says, 80);
    assert!(heard.len() >= 8 && heard.iter().all(|w| w.len() <= 88), "{heard:?}");
}

#[test]
fn what_is_pushed_does_not_wait_for_the_next_answer() {
    let heard = writes("ECHO one\r\nPASS secret\r\nECHO two\r\nQUIT\r\n", 32 * 1024);
    assert_eq!(heard.last().unwrap(), b"right\r\ntwo\r\nbye\r\n");
    assert_eq!(heard.concat(), b"hello\r\none\r\nright\r\ntwo\r\nbye\r\n");
}
