//! RFC 4978: COMPRESS=DEFLATE, as far as the machines go. The octets are the driver's.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/client.rs"]
mod client;
mod common;

use bytes::Bytes;
use client::Peer;
use common::{Talk, config};
use imap4_proto::{
    server::{Config, Event, Server},
    types::{AppendMessage, Capabilities, Command},
};
use mail_wire::{Machine, Poll, Upgrade, Upgraded};

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::Command(Command::Noop) => s.ok(None, "NOOP completed").unwrap(),
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_server_compresses_once() {
    let mut talk = Talk::logged_in(config(), false);
    assert_eq!(talk.send(b"c compress deflate\r\n", &mut host), "c OK DEFLATE active\r\n");
    assert!(talk.upgrade && !talk.server.is_compressed());
    talk.upgrade = false;
    talk.server.upgraded(Upgraded::Deflate);
    assert!(talk.server.is_compressed());
    // The same state goes on, and COMPRESS is shown no more.
    let shown = talk.send(b"d NOOP\r\ne CAPABILITY\r\n", &mut host);
    assert!(shown.starts_with("d OK") && !shown.contains("COMPRESS"), "{shown}");
    assert_eq!(
        talk.send(b"f COMPRESS DEFLATE\r\ng NOOP\r\n", &mut host),
        "f BAD [COMPRESSIONACTIVE] DEFLATE is active already\r\ng OK NOOP completed\r\n"
    );
    assert!(!talk.upgrade);
}

#[test]
fn the_server_refuses_what_it_does_not_have_and_what_comes_too_early() {
    let mut talk = Talk::logged_in(config(), false);
    assert!(talk.send(b"c COMPRESS LZW\r\n", &mut host).starts_with("c BAD"));
    let mut talk = Talk::new(config());
    talk.send(b"", &mut host);
    // Before the login it has no place.
    assert!(talk.send(b"c COMPRESS DEFLATE\r\n", &mut host).starts_with("c BAD"));
    let mut plain = config();
    plain.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::logged_in(plain, false);
    assert!(talk.send(b"c COMPRESS DEFLATE\r\n", &mut host).starts_with("c BAD"));

    // "The client MUST NOT send any further commands until it has seen the result of COMPRESS."
    let mut talk = Talk::logged_in(config(), false);
    assert_eq!(talk.send(b"c COMPRESS DEFLATE\r\nd NOOP\r\n", &mut host), "c OK DEFLATE active\r\n");
    assert!(talk.fatal && !talk.upgrade);

    let shown = Talk::new(Config::default()).send(b"a CAPABILITY\r\n", &mut host);
    assert!(!shown.contains("COMPRESS"), "{shown}");
}

#[test]
fn the_client_sends_nothing_between_the_ok_and_the_compression() {
    let mut peer = Peer::authenticated("COMPRESS=DEFLATE IDLE LITERAL+");
    peer.client.compress().unwrap();
    peer.said("A1 COMPRESS DEFLATE\r\n");
    assert!(peer.client.command(&Command::Noop).is_err() && peer.client.compress().is_err());
    // What follows the OK is compressed: the machine does not look at it.
    peer.server_octets(b"A1 OK active\r\n\x00\xff\n");
    peer.heard(&["Done { tag: Tag(1), kind: Compress, status: Ok"]);
    assert!(peer.upgrade && peer.input == b"\x00\xff\n");
    peer.input.clear();
    // Commands wait for it, and IDLE does.
    peer.client.command(&Command::Noop).unwrap();
    peer.client.raw(b"X-A").unwrap();
    let inbox = peer.client.mailbox(b"INBOX");
    assert!(peer.client.append(&inbox, &AppendMessage::new(1)).is_err());
    peer.client.idle().unwrap();
    peer.said("");
    assert!(matches!(peer.client.poll(b"", peer.now), Ok(Poll::Upgrade(Upgrade::Deflate))));
    peer.client.upgraded(Upgraded::Deflate);
    assert!(peer.client.is_compressed());
    peer.said("A2 NOOP\r\nA3 X-A\r\nA4 IDLE\r\n");
    peer.server("A2 OK\r\nA3 OK\r\n+ idling\r\n* 4 EXISTS\r\n");
    peer.client.idle_done().unwrap();
    peer.server("A4 OK done\r\n");
    assert!(peer.client.compress().is_err());
    peer.client.append(&inbox, &AppendMessage::new(1)).unwrap();
    peer.client.append_chunk(Bytes::from_static(b"x")).unwrap();
    peer.client.append_end().unwrap();
    peer.said("DONE\r\nA5 APPEND INBOX {1+}\r\nx\r\n");
}

#[test]
fn a_refusal_leaves_the_client_as_it_was() {
    for answer in ["A1 NO [COMPRESSIONACTIVE] TLS does it\r\n", "A1 BAD what\r\n"] {
        let mut peer = Peer::authenticated("COMPRESS=DEFLATE");
        peer.client.compress().unwrap();
        peer.server(answer);
        assert!(!peer.upgrade && !peer.client.is_compressed());
        peer.client.command(&Command::Noop).unwrap();
        peer.said("A1 COMPRESS DEFLATE\r\nA2 NOOP\r\n");
    }
    assert!(Peer::authenticated("").client.compress().is_err());
}
