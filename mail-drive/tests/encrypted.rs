//! TLS from the start and in the middle, on both sides, over a pipe in memory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![cfg(feature = "rustls")]

mod common;

use common::{
    HandClock, ask,
    pipe::{Pipe, pipe},
    rest, serve,
    tls::{acceptor, client_config, connector, name, server_config},
    toy::{Event, Toy},
};
use core::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll as TaskPoll, Waker},
    time::Duration,
};
use mail_drive::{
    Acceptor, Connect, DriveError, Driver, Instant, Machine, NoTimer, NoTls, TimedOut, TlsInfo, Turn,
};
use mail_wire::{LineEnd, LineScanner, OutputQueue, Poll, Scan, Upgrade, Upgraded, strip_line_end};
use smol::{
    future::{block_on, zip},
    io::AsyncWriteExt,
};
use std::sync::Arc;

fn once<F: Future>(future: Pin<&mut F>) -> TaskPoll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn begin_tls(mut plain: Pipe) -> futures_rustls::client::TlsStream<Pipe> {
    ask(&mut plain, b"ECHO one\r\nSTARTTLS\r\n", "hello\r\none\r\ngo ahead\r\n").await;
    connector().connect(name(), plain).await.unwrap()
}

#[test]
fn starttls_then_the_same_dialogue_inside() {
    for most in [1, 100, usize::MAX] {
        let (client, server) = pipe(5000);
        let mut driver = Driver::new(Toy::new(), server.at_most(most).coy(), NoTimer, acceptor());
        let (served, ()) = block_on(zip(serve(&mut driver), async {
            let mut client = begin_tls(client).await;
            ask(&mut client, b"ECHO two\r\n", "tls two\r\n").await;
            let body = format!("{}sent\r\n", "x".repeat(40_000));
            ask(&mut client, b"BODY 40000\r\n", &body).await;
            client.write_all(b"QUIT\r\n").await.unwrap();
            client.flush().await.unwrap();
            // `read_to_end` fails without a close_notify.
            assert_eq!(rest(&mut client).await, "bye\r\n");
        }));
        served.unwrap();
    }
}

#[test]
fn implicit_tls_has_the_greeting_inside() {
    let (client, server) = pipe(5000);
    let mut driver = Driver::tls(Toy::new(), server.at_most(50).coy(), NoTimer, acceptor());
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = connector().connect(name(), client).await.unwrap();
        ask(&mut client, b"ECHO one\r\n", "hello\r\ntls one\r\n").await;
        client.close().await.unwrap();
        assert_eq!(rest(&mut client).await, "");
    }));
    served.unwrap();
}

/// Every `next` is polled once and dropped, the handshake's octets come one by one.
#[test]
fn a_handshake_survives_that_next_is_dropped() {
    let (client, server) = pipe(5000);
    let mut driver = Driver::new(Toy::new(), server.at_most(10).coy(), NoTimer, acceptor());
    let mut client = pin!(async {
        let mut client = begin_tls(client).await;
        ask(&mut client, b"ECHO two\r\n", "two\r\n").await;
        client.close().await.unwrap();
    });
    loop {
        let done = once(client.as_mut()).is_ready();
        match once(pin!(driver.next())) {
            TaskPoll::Ready(Ok(Some(Turn { event: Event::Echo(text), peer }))) => peer.machine.say(text),
            TaskPoll::Ready(Ok(Some(Turn { event: Event::StartTls, peer }))) => peer.machine.start_tls(),
            TaskPoll::Ready(other) => panic!("{:?}", other.map(|_| ())),
            TaskPoll::Pending => {}
        }
        if done {
            break;
        }
    }
    assert!(driver.tls_info().is_some());
}

#[test]
fn plaintext_behind_starttls_ends_the_connection_and_is_not_obeyed() {
    let (mut client, server) = pipe(5000);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, acceptor());
    block_on(client.write_all(b"STARTTLS\r\nECHO injected\r\n")).unwrap();
    let served = block_on(serve(&mut driver));
    assert!(matches!(served, Err(DriveError::PlaintextBeforeTls)), "{served:?}");
    let said = block_on(rest(&mut client)); // the end: the socket is closed
    assert!(!said.contains("injected"), "{said}");
    assert!(driver.machine().tls.is_none());
}

#[test]
fn plaintext_sent_later_instead_of_a_handshake_fails_and_closes() {
    let (mut client, server) = pipe(5000);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, acceptor());
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        ask(&mut client, b"STARTTLS\r\n", "hello\r\ngo ahead\r\n").await;
        client.write_all(b"ECHO not a client hello at all\r\n").await.unwrap();
        let mut alert = Vec::new();
        smol::io::AsyncReadExt::read_to_end(&mut client, &mut alert).await.unwrap();
        assert_eq!(alert.first(), Some(&21), "a TLS alert, then the end");
    }));
    assert!(matches!(served, Err(DriveError::Handshake(_))), "{served:?}");
    assert!(matches!(block_on(driver.next()), Ok(None)));
}

#[test]
fn a_handshake_has_a_deadline() {
    let clock = HandClock::default();
    let (mut client, server) = pipe(5000);
    let mut driver = Driver::tls(Toy::new(), server, clock.clone(), acceptor());
    let mut serving = pin!(serve(&mut driver));
    assert!(once(serving.as_mut()).is_pending());
    clock.advance(Duration::from_secs(29));
    block_on(client.write_all(&[22, 3, 1])).unwrap(); // octets are no progress
    assert!(once(serving.as_mut()).is_pending());
    clock.advance(Duration::from_secs(1));
    let served = once(serving.as_mut());
    assert!(matches!(served, TaskPoll::Ready(Err(DriveError::TimedOut(TimedOut::Handshake)))), "{served:?}");
    assert_eq!(block_on(rest(&mut client)), "");
}

#[test]
fn without_tls_a_request_for_it_ends_the_connection() {
    let (mut client, server) = pipe(5000);
    let mut driver = Driver::new(Toy::new(), server, NoTimer, NoTls);
    block_on(client.write_all(b"STARTTLS\r\n")).unwrap();
    assert!(matches!(block_on(serve(&mut driver)), Err(DriveError::Handshake(_))));
}

#[test]
fn tls_within_tls_is_refused() {
    let (client, server) = pipe(5000);
    let mut driver = Driver::tls(Toy::new(), server, NoTimer, acceptor());
    let (served, ()) = block_on(zip(serve(&mut driver), async {
        let mut client = connector().connect(name(), client).await.unwrap();
        client.write_all(b"STARTTLS\r\n").await.unwrap();
        client.flush().await.unwrap();
        let _ = smol::io::AsyncReadExt::read_to_end(&mut client, &mut Vec::new()).await;
    }));
    assert!(matches!(served, Err(DriveError::Unsupported(Upgrade::Tls))), "{served:?}");
}

/// The connecting side of the toy: lines go out, lines come in, and TLS begins at "go ahead".
#[derive(Debug)]
struct Client {
    out: OutputQueue,
    scanner: LineScanner,
    upgrade: bool,
    tls: Option<TlsInfo>,
}

impl Machine for Client {
    type Event<'b> = &'b [u8];
    type Error = core::convert::Infallible;
    fn poll(&mut self, input: &[u8], _: Instant) -> Result<Poll, Self::Error> {
        if self.upgrade {
            return Ok(Poll::Upgrade(Upgrade::Tls));
        }
        Ok(match self.scanner.scan(input) {
            Scan::Line(line) => Poll::Frame(line.len),
            _ => Poll::NeedInput { hint: 1 },
        })
    }
    fn event<'b>(&mut self, frame: &'b [u8]) -> &'b [u8] {
        let line = strip_line_end(frame);
        self.upgrade = line == b"go ahead";
        line
    }
    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn handle_timeout(&mut self, _: Instant) {}
    fn upgraded(&mut self, transport: Upgraded) {
        self.upgrade = false;
        self.out.put(b"ECHO inside\r\n");
        if let Upgraded::Tls(info) = transport {
            self.tls = Some(info);
        }
    }
}

fn client_machine(wire: &[u8]) -> Client {
    let mut out = OutputQueue::new();
    out.put(wire);
    Client { out, scanner: LineScanner::new(LineEnd::Lenient, 1000), upgrade: false, tls: None }
}

/// SHA-256 of the certificate, which is signed with it.
fn hashed() -> bytes::Bytes {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().unwrap().common.hash_provider.hash(&common::tls::certificate());
    bytes::Bytes::copy_from_slice(hash.as_ref())
}

#[test]
fn the_same_driver_connects_and_both_sides_know_the_same_of_the_connection() {
    for (versions, version, has_exporter) in [
        (&[&rustls::version::TLS13][..], "TLSv1.3", true),
        (&[&rustls::version::TLS12][..], "TLSv1.2", true),
        (&[&rustls::version::TLS12][..], "TLSv1.2", false),
    ] {
        let (client, server) = pipe(50_000);
        let mut config = server_config(versions);
        config.require_ems = has_exporter;
        let acceptor = Acceptor::new(Arc::new(config)).with_server_end_point(hashed());
        let mut server = Driver::new(Toy::new(), server, NoTimer, acceptor);
        let connect = Connect::from_config(client_config(), name());
        let mut client = Driver::new(client_machine(b"STARTTLS\r\n"), client, NoTimer, connect);
        let (served, ()) = block_on(zip(serve(&mut server), async {
            assert_eq!(client.next().await.unwrap().unwrap().event, b"hello");
            assert_eq!(client.next().await.unwrap().unwrap().event, b"go ahead");
            assert_eq!(client.next().await.unwrap().unwrap().event, b"tls inside");
            let info = client.tls_info().unwrap();
            assert_eq!(info.version, Some(version));
            assert_eq!(info.peer_certificate.as_deref(), Some(&*common::tls::certificate()));
            client.machine_mut().out.put(b"QUIT\r\n");
            assert_eq!(client.next().await.unwrap().unwrap().event, b"bye");
            assert!(client.next().await.unwrap().is_none());
        }));
        served.unwrap();
        let (ours, theirs) = (server.machine().tls.as_ref().unwrap(), client.machine().tls.as_ref().unwrap());
        assert_eq!(ours.version, Some(version));
        assert_eq!(ours.cipher_suite, theirs.cipher_suite);
        assert!(ours.cipher_suite.as_ref().unwrap().starts_with("TLS_"), "{:?}", ours.cipher_suite);
        assert_eq!(ours.server_name.as_deref(), Some("mail.test"));
        assert_eq!(theirs.server_name.as_deref(), Some("mail.test"));
        // RFC 5929 section 4.1, on either side from the certificate it sees.
        assert_eq!(ours.server_end_point, Some(hashed()));
        assert_eq!(theirs.server_end_point, Some(hashed()));
        assert_eq!(ours.exporter.is_some(), has_exporter);
        if version == "TLSv1.3" {
            assert_eq!(ours.exporter, theirs.exporter);
        }
    }
}
