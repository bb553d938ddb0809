//! Commands of extensions that the crate does not know.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/client.rs"]
mod client;

use client::Peer;
use imap4_proto::{server::State, types::Command};

#[test]
fn an_unknown_command_is_sent_and_its_untyped_answer_is_heard() {
    let mut peer = Peer::authenticated("X-MOOD");
    let mood = peer.client.raw(b"X-MOOD SET {6}\r\na\r\nb\xff\0 ~{1}\r\n\0 now").unwrap();
    peer.client.command(&Command::Noop).unwrap();
    peer.said("A1 X-MOOD SET {6}\r\n");
    peer.server("+ go\r\n");
    assert_eq!(peer.output(), "a\r\nb\u{fffd}\0 ~{1}\r\n");
    peer.server("+ go\r\n");
    peer.said("\0 now\r\nA2 NOOP\r\n");
    peer.server("* X-MOOD (fine {3}\r\na)b 7)\r\n* 3 X-MOOD\r\nA1 OK [X-MOODY 9] set\r\nA2 OK\r\n");
    let other = |text: &str| format!("Response(Other({:?}))", text.as_bytes());
    peer.heard(&[
        "Continued",
        "Continued",
        &other("X-MOOD (fine {3}\r\na)b 7)"),
        &other("3 X-MOOD"),
        "Done { tag: Tag(1), kind: Raw, status: Ok, text: [Plain(Other(\"X-MOODY\", Some(\"9\")))] set }",
        "Done { tag: Tag(2), kind: Noop",
    ]);
    assert_eq!(mood.to_string(), "A1");
    assert_eq!(peer.client.state(), State::Authenticated);
}

#[test]
fn its_literals_do_not_wait_where_the_server_takes_them_at_once() {
    let mut peer = Peer::authenticated("LITERAL-");
    peer.client.raw(b"X-MOOD {2}\r\nab").unwrap();
    peer.said("A1 X-MOOD {2+}\r\nab\r\n");
}

#[test]
fn a_continuation_that_no_literal_waits_for_can_be_answered() {
    let mut peer = Peer::authenticated("");
    assert!(peer.client.raw_line(b"x").is_err());
    peer.client.raw(b"X-ASK").unwrap();
    peer.server("+ what is it?\r\n");
    peer.heard(&["Continue(what is it?)"]);
    assert!(peer.client.raw_line(b"x\r\nA9 LOGOUT").is_err());
    peer.client.raw_line(b"it").unwrap();
    peer.said("A1 X-ASK\r\nit\r\n");
    peer.server("A1 OK\r\n");
    assert!(peer.client.raw_line(b"x").is_err());
}

#[test]
fn a_known_command_in_raw_keeps_its_place_and_its_meaning() {
    let mut peer = Peer::authenticated("");
    assert!(peer.client.raw(b"EXPUNGE").is_err());
    peer.client.raw(b"select INBOX (X-OPTION)").unwrap();
    // It leads to a state in which this has its place.
    peer.client.raw(b"expunge").unwrap();
    peer.server("A1 OK [READ-WRITE] in\r\nA2 OK\r\n");
    peer.heard(&["Done { tag: Tag(1), kind: Select", "Done { tag: Tag(2), kind: Expunge"]);
    assert_eq!(peer.client.state(), State::Selected);
}

#[test]
fn what_would_be_two_commands_or_takes_the_connection_is_refused() {
    let mut peer = Peer::selected("");
    for text in [
        &b""[..],
        b" X",
        b"X-A\r\nA9 LOGOUT",
        b"X-A\r\n",
        b"X-A {3}\r\nabc\r\nA9 LOGOUT",
        b"X-A {3}\r\nab",
        b"X-A \0",
        b"starttls",
        b"AUTHENTICATE PLAIN",
        b"append x {1}\r\na",
        b"IDLE",
    ] {
        assert!(peer.client.raw(text).is_err(), "{}", text.escape_ascii());
    }
    peer.said("");
    peer.client.idle().unwrap();
    assert!(peer.client.raw(b"X-A").is_err());
}
