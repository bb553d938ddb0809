//! RFC 2595 section 4: STLS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};
use mail_wire::{Machine, Poll, TlsInfo, Upgrade, Upgraded};
use pop3_proto::{Error, Late};

#[test]
fn section_4_example() {
    let host = play(
        || Host::with(|_| ()),
        "S: +OK
         C: USER mrose
         S: -ERR no password in the clear
         C: STLS
         S= +OK begin TLS negotiation
         <TLS>
         C: STLS
         S: -ERR Command not permitted when TLS active
         C: CAPA
         S: +OK
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN DIGEST-MD5
         S: .
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S: +OK
         C: STLS
         S: -ERR only in AUTHORIZATION",
    );
    host.on_client_but(&["STLS", "STLS"]);
    assert_eq!(host.handshakes.len(), 1);
}

#[test]
fn what_follows_stls_in_the_clear_is_never_read() {
    let mut host = Host::plain();
    host.feed(b"");
    let sent = host.feed(b"STLS\r\nUSER mrose\r\nPASS tanstaaf\r\n");
    assert!(sent.starts_with(b"-ERR"), "{}", sent.escape_ascii());
    assert_eq!(host.closed, Some(Err(Error::PlaintextAfterStls)));
    assert_eq!((host.events.len(), host.handshakes.len()), (1, 0));
    // One octet is enough.
    let mut host = Host::plain();
    host.feed(b"STLS\r\n\0");
    assert_eq!(host.closed, Some(Err(Error::PlaintextAfterStls)));
}

#[test]
fn what_was_learnt_in_the_clear_is_forgotten() {
    let mut host = Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.utf8 = Some(false);
    });
    host.feed(b"USER mrose\r\nUTF8\r\nSTLS\r\n");
    assert_eq!(host.handshakes.len(), 1);
    assert_eq!(host.server.user(), b"");
    assert!(!host.server.utf8() && host.server.tls().is_some());
    assert_eq!(host.feed(b"PASS tanstaaf\r\n"), b"-ERR USER comes first\r\n");
}

#[test]
fn the_greeting_comes_once_and_after_the_handshake_of_implicit_tls() {
    let mut host = Host::with(|_| ());
    host.server.upgraded(Upgraded::Tls(TlsInfo::default()));
    assert_eq!(host.feed(b""), b"+OK POP3 server ready\r\n");
    let capa = String::from_utf8(host.feed(b"CAPA\r\n")).unwrap();
    assert!(capa.contains("\r\nUSER\r\n") && !capa.contains("STLS"));
    let mut host = Host::with(|_| ());
    host.feed(b"STLS\r\n");
    assert_eq!(host.sent, b"+OK POP3 server ready\r\n+OK begin TLS negotiation\r\n");
}

#[test]
fn a_handshake_has_a_deadline() {
    let mut host = Host::plain();
    host.feed(b"");
    let now = host.now;
    assert_eq!(host.server.poll(b"STLS\r\n", now), Ok(Poll::Frame(6)));
    let _ = host.server.event(b"STLS\r\n");
    assert_eq!(host.server.poll(b"", now), Ok(Poll::Upgrade(Upgrade::Tls)));
    assert_eq!(host.server.poll(b"", now), Ok(Poll::Upgrade(Upgrade::Tls)), "asked again, answered once");
    host.now = now + std::time::Duration::from_secs(60);
    assert!(host.server.deadline().is_some_and(|at| at <= host.now));
    host.server.handle_timeout(host.now);
    host.feed(b"");
    assert_eq!(host.closed, Some(Err(Error::Timeout(Late::Handshake))));
}
