//! The client machine: pipelines, literals, and what has the connection for itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/client.rs"]
mod client;

use std::time::Duration;

use bytes::Bytes;
use client::Peer;
use imap4_proto::{
    client::Config,
    server::State,
    types::{AString, AppendMessage, Capabilities, Command, Quirks},
};
use mail_wire::{Instant, Machine, Poll};

#[test]
fn nothing_is_said_before_the_greeting() {
    let mut peer = Peer::with(Config::default());
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.server("* OK hello\r\n");
    peer.heard(&["Greeting { status: Ok, text: hello }"]);
    peer.client.command(&Command::Noop).unwrap();
    assert!(peer.client.command(&Command::Check).is_err());
    peer.said("A1 NOOP\r\n");
}

#[test]
fn commands_in_flight_are_matched_by_tag_and_may_be_planned_ahead() {
    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1] ready");
    let login = peer.client.login("fred", "secret").unwrap();
    // SELECT has its place once LOGIN is done.
    let list = Command::Namespace;
    let namespace = peer.client.command(&list).unwrap();
    let noop = peer.client.command(&Command::Noop).unwrap();
    peer.said("A1 LOGIN \"fred\" \"secret\"\r\nA2 NAMESPACE\r\nA3 NOOP\r\n".replace('"', "").as_str());
    assert_eq!(
        (login.to_string(), namespace.to_string(), noop.to_string()),
        ("A1".into(), "A2".into(), "A3".into())
    );
    peer.server("A1 OK in\r\nA3 OK done\r\nA9 OK whose\r\nA2 BAD what\r\n");
    peer.heard(&[
        "Done { tag: Tag(1), kind: Login, status: Ok",
        "Done { tag: Tag(3), kind: Noop",
        "Invalid { reason: \"No command",
        "Done { tag: Tag(2), kind: Namespace, status: Bad",
    ]);
    assert_eq!((peer.client.state(), peer.client.in_flight()), (State::Authenticated, 0));
}

#[test]
fn a_literal_waits_and_what_follows_it_waits_too() {
    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1] ready");
    peer.client.login("fr\u{e9}d", "se\u{e9}").unwrap();
    peer.client.command(&Command::Noop).unwrap();
    peer.said("A1 LOGIN {5}\r\n");
    peer.server("* OK still here\r\n+ go\r\n");
    peer.said("fr\u{e9}d {4}\r\n");
    peer.server("+\r\n");
    peer.said("se\u{e9}\r\nA2 NOOP\r\n");
    peer.heard(&["Response(Condition", "Continued", "Continued"]);
    peer.server("A1 OK in\r\nA2 OK done\r\n");
}

#[test]
fn a_refused_literal_takes_only_its_own_command_along() {
    let mut peer = Peer::authenticated("");
    for name in [&b"\xff"[..], b"x", b"\r"] {
        peer.client.command(&Command::Delete(peer.client.mailbox(name))).unwrap();
    }
    peer.said("A1 DELETE {1}\r\n");
    peer.server("A1 NO no such name\r\n");
    peer.said("A2 DELETE x\r\nA3 DELETE {1}\r\n");
    peer.server("A2 OK\r\n+ go\r\n");
    peer.said("\r\r\n");
    peer.heard(&["Done { tag: Tag(1), kind: Delete, status: No", "Done { tag: Tag(2)", "Continued"]);
}

#[test]
fn literals_do_not_wait_where_the_server_takes_them_at_once() {
    for (capability, long_waits) in [("LITERAL+", false), ("LITERAL-", true), ("IMAP4rev2", true)] {
        let mut peer = Peer::new(&format!("* OK [CAPABILITY {capability}] ready"));
        peer.client.login("fr\u{e9}d", &"\u{e9}".repeat(2048)).unwrap();
        peer.said(&format!("A1 LOGIN {{5+}}\r\nfr\u{e9}d {{4096+}}\r\n{}\r\n", "\u{e9}".repeat(2048)));
        peer.server("A1 NO no\r\n");
        peer.client.login("x", &"\u{e9}".repeat(2049)).unwrap();
        let said = peer.output();
        assert_eq!(said.ends_with("{4098}\r\n"), long_waits, "{capability}");
    }
}

#[test]
fn bodies_stream_in_any_split_to_the_same_events() {
    let wire = b"* 3 FETCH (UID 7 BODY[] {8}\r\na)\r\nb\r\n) FLAGS (\\Seen) BINARY[1] ~{2}\r\n\0x RFC822.SIZE 5)\r\n* 4 FETCH (ENVELOPE (NIL {2}\r\nab NIL NIL NIL NIL NIL NIL NIL NIL) BODY[TEXT]<0> \"q\")\r\n* 5 FETCH (BODY[1] {0}\r\n)\r\n* 6 EXISTS\r\n";
    let mut whole = Peer::selected("");
    whole.server_octets(wire);
    let mut shown = whole.heard.clone();
    whole.heard(&[
        "FetchBegin { number: 3, items: [Uid(7)], literal: BodyLiteral { name: Section { section: Section { part: , text: None }, offset: None }, len: 8, binary: false } }",
        r"chunk a)\r\nb\r\n)",
        "FetchNext { items: [Flags([SystemFlags(1)])], literal: BodyLiteral { name: Binary { part: 1, offset: None }, len: 2, binary: true } }",
        r"chunk \x00x",
        "FetchEnd { items: [Rfc822Size(5)] }",
        "Response(Fetch(Fetched { number: 4, items: [Envelope(",
        "FetchBegin { number: 5",
        "FetchEnd { items: [] }",
        "Response(Exists(6))",
    ]);
    for piece in 1..wire.len() {
        let mut split = Peer::selected("");
        for part in wire.chunks(piece) {
            split.server_octets(part);
        }
        assert_eq!(split.heard, shown, "{piece}");
    }
    // An item that has no name is passed over with its literal.
    let mut peer = Peer::selected("");
    peer.server("* 3 FETCH (\"x\" {3}\r\nabc UID 4)\r\n* 6 EXISTS\r\n");
    peer.heard(&["Invalid", "Response(Exists(6))"]);
    shown.clear();
}

#[test]
fn octets_that_come_one_by_one_do_not_move_the_deadline() {
    let line = b"* 3 FETCH (UID 7 FLAGS (\\Seen))\r";
    let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
    let mut peer = Peer::selected("");
    let mut until = None;
    for n in 1..=line.len() {
        let poll = peer.client.poll(&line[..n], at(n as u64)).unwrap();
        assert_eq!(poll, Poll::NeedInput { hint: 1 });
        until = until.or_else(|| peer.client.deadline());
        assert_eq!(peer.client.deadline(), until, "{n}");
    }
    peer.client.handle_timeout(until.unwrap());
    assert!(peer.client.poll(&[&line[..], b"x"].concat(), at(999)).is_err());
}

#[test]
fn starttls_forgets_what_was_said_in_the_clear_and_refuses_what_follows_it() {
    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready");
    assert!(peer.client.login("a", "b").is_err());
    peer.client.command(&Command::Capability).unwrap();
    assert!(peer.client.start_tls().is_err());
    peer.server("A1 OK done\r\n");
    peer.client.start_tls().unwrap();
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.said("A1 CAPABILITY\r\nA2 STARTTLS\r\n");
    peer.server("A2 OK begin\r\n");
    assert!(peer.upgrade && peer.fatal.is_none());
    peer.upgraded();
    assert!(peer.client.capabilities().is_none());
    peer.said("A3 CAPABILITY\r\n");
    peer.client.login("a", "b").unwrap();
    peer.said("A4 LOGIN a b\r\n");
    assert!(peer.client.start_tls().is_err());

    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready");
    peer.client.start_tls().unwrap();
    peer.server("A1 OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n");
    assert!(!peer.upgrade);
    assert_eq!(peer.fatal.as_deref(), Some("plaintext followed the answer to STARTTLS"));

    let mut peer = Peer::new("* OK ready");
    peer.client.start_tls().unwrap();
    peer.server("A1 BAD what\r\n");
    peer.client.command(&Command::Noop).unwrap();
}

#[test]
fn sasl_with_and_without_an_initial_response() {
    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready");
    assert!(peer.client.capabilities().unwrap().offers("plain"));
    peer.client.authenticate("PLAIN", Some(b"\0a\0b")).unwrap();
    peer.said("A1 AUTHENTICATE PLAIN AGEAYg==\r\n");
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.server("A1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    assert!(peer.client.has(Capabilities::IDLE));

    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready");
    peer.client.authenticate("PLAIN", Some(b"\0a\0b")).unwrap();
    peer.said("A1 AUTHENTICATE PLAIN\r\n");
    peer.server("+ \r\n");
    peer.said("AGEAYg==\r\n");
    peer.server("A1 OK in\r\n");
    assert!(peer.client.capabilities().is_none());

    // QQ ends its prompts with NUL; that is no matter of the codec's.
    let mut peer = Peer::new("* OK ready");
    peer.client.authenticate("LOGIN", None).unwrap();
    peer.server("+ VXNlciBOYW1lAA==\r\n");
    assert!(peer.client.respond(b"fred").is_ok() && peer.client.respond(b"fred").is_err());
    peer.server("+ UGFzc3dvcmQA\r\n");
    peer.client.cancel().unwrap();
    peer.said("A1 AUTHENTICATE LOGIN\r\nZnJlZA==\r\n*\r\n");
    peer.server("A1 BAD cancelled\r\n");
    peer.heard(&[
        "challenge User Name\\x00",
        "challenge Password\\x00",
        "Done { tag: Tag(1), kind: Authenticate, status: Bad",
    ]);
    peer.client.authenticate("LOGIN", None).unwrap();
    peer.server("+ not base64!\r\n");
    peer.said("A2 AUTHENTICATE LOGIN\r\n*\r\n");
    peer.heard(&["BadChallenge"]);
    assert!(peer.client.authenticate("A B", None).is_err());
}

#[test]
fn capabilities_that_come_untagged_during_login_are_those_after_it() {
    let mut peer = Peer::new("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready");
    peer.client.login("a", "b").unwrap();
    peer.server("* CAPABILITY IMAP4rev1 MOVE\r\nA1 OK in\r\n");
    assert!(peer.client.has(Capabilities::MOVE));
}

#[test]
fn append_sends_when_the_server_takes_it() {
    let mut peer = Peer::authenticated("MULTIAPPEND");
    let sent = peer.client.mailbox(b"Sent Mail");
    peer.client.append(&sent, &AppendMessage::new(5)).unwrap();
    peer.said("A1 APPEND \"Sent Mail\" {5}\r\n");
    assert!(!peer.client.append_ready());
    assert!(peer.client.append_chunk(Bytes::from_static(b"abc")).is_err());
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.server("+ go\r\n");
    peer.heard(&["AppendReady"]);
    peer.client.append_chunk(Bytes::from_static(b"abc")).unwrap();
    assert!(peer.client.append_end().is_err());
    assert!(peer.client.append_chunk(Bytes::from_static(b"def")).is_err());
    peer.client.append_chunk(Bytes::from_static(b"de")).unwrap();
    peer.client.append_next(&AppendMessage::new(1)).unwrap();
    peer.said("abcde {1}\r\n");
    peer.server("+ go\r\n");
    peer.client.append_chunk(Bytes::from_static(b"f")).unwrap();
    peer.client.append_end().unwrap();
    peer.said("f\r\n");
    peer.server("A1 OK [APPENDUID 1 2:3] stored\r\n");
    peer.heard(&["AppendReady", "Done { tag: Tag(1), kind: Append, status: Ok, text: [AppendUid { uid_validity: 1, uids: SequenceSet(2:3) }] stored"]);

    // Refused before it was sent.
    peer.client.append(&sent, &AppendMessage::new(5)).unwrap();
    peer.server("A2 NO [OVERQUOTA] full\r\n");
    peer.client.command(&Command::Noop).unwrap();
    peer.said("A2 APPEND \"Sent Mail\" {5}\r\nA3 NOOP\r\n");

    // Not waited for, and refused while it was on its way: the rest is owed.
    let mut peer = Peer::authenticated("LITERAL+");
    peer.client.append(&sent, &AppendMessage::new(5)).unwrap();
    assert!(peer.client.append_ready());
    peer.client.append_chunk(Bytes::from_static(b"abc")).unwrap();
    peer.server("A1 NO full\r\n");
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.client.append_chunk(Bytes::from_static(b"de")).unwrap();
    peer.client.append_end().unwrap();
    peer.said("A1 APPEND \"Sent Mail\" {5+}\r\nabcde\r\n");
    peer.client.command(&Command::Noop).unwrap();
}

#[test]
fn idle_ends_when_asked_and_is_begun_anew_in_time() {
    let mut peer = Peer::authenticated("IDLE");
    peer.client.idle().unwrap();
    assert!(peer.client.command(&Command::Noop).is_err());
    peer.server("+ idling\r\n* 4 EXISTS\r\n");
    peer.said("A1 IDLE\r\n");
    peer.heard(&["Idling", "Response(Exists(4))"]);
    let until = peer.client.deadline().unwrap();
    assert_eq!(until, Instant::from_start(Duration::from_secs(29 * 60)));
    peer.now = until;
    peer.client.handle_timeout(until);
    peer.said("DONE\r\n");
    peer.server("A1 OK done\r\n");
    peer.said("A2 IDLE\r\n");
    peer.server("+ idling\r\n");
    peer.heard(&["IdleRenewed(Tag(2))", "Idling"]);
    peer.client.idle_done().unwrap();
    peer.client.command(&Command::Noop).unwrap();
    peer.said("DONE\r\nA3 NOOP\r\n");
    peer.server("A2 OK done\r\n");
    peer.heard(&["Done { tag: Tag(2), kind: Idle"]);
    assert!(peer.client.idle_done().is_err());

    // Ended before it began, and refused.
    peer.client.idle().unwrap();
    peer.client.idle_done().unwrap();
    peer.said("A4 IDLE\r\n");
    peer.server("+\r\n");
    peer.said("DONE\r\n");
    peer.client.idle().unwrap();
    peer.server("A5 NO not now\r\n");
    assert!(peer.client.idle_done().is_err());
}

#[test]
fn bye_preauth_and_silence() {
    let mut peer = Peer::with(Config::default());
    peer.server("* BYE busy\r\n");
    assert!(peer.closed);
    let mut peer = Peer::authenticated("");
    assert_eq!(peer.client.state(), State::Authenticated);
    assert!(peer.client.login("a", "b").is_err());
    peer.client.command(&Command::Logout).unwrap();
    peer.server("* BYE so long\r\n");
    assert!(!peer.closed);
    peer.server("A1 OK done\r\n");
    assert!(peer.closed);

    let mut peer = Peer::authenticated("");
    assert_eq!(peer.client.deadline(), None);
    peer.client.command(&Command::Noop).unwrap();
    peer.server("");
    let late = peer.client.deadline().unwrap();
    peer.now = late;
    peer.client.handle_timeout(late);
    peer.server("");
    assert_eq!(peer.fatal.as_deref(), Some("the server takes too long"));
}

#[test]
fn memory_is_bounded() {
    let mut config = Config::default();
    config.limits.line = 100;
    config.limits.literals = 10;
    for (wire, fatal) in [
        (format!("* OK {}", "x".repeat(100)), true),
        (format!("* OK {}\r\n", "x".repeat(80)), false),
        ("* LIST () \"/\" {11}\r\n".to_string(), true),
        ("* 1 FETCH (BODY[] {1000000000000}\r\n".to_string(), false),
        ("* 1 FETCH (ENVELOPE ({1000000000000}\r\n".to_string(), true),
        ("* 1 FETCH (BODY[] {99999999999999999999999}\r\n".to_string(), false),
    ] {
        let mut peer = Peer::with(config.clone());
        peer.server("* PREAUTH hi\r\n");
        peer.server(&wire);
        assert_eq!(peer.fatal.is_some(), fatal, "{wire}");
    }
}

#[test]
fn a_strict_client_reads_no_quirks() {
    let mut config = Config::default();
    config.quirks = Quirks::NONE;
    let mut peer = Peer::with(config);
    peer.server("* PREAUTH hi\r\n");
    peer.server("* 1 EXISTS \r\n* 1 EXISTS\r\n");
    peer.heard(&["Greeting", "Invalid", "Response(Exists(1))"]);
}

#[test]
fn names_are_in_the_connection_s_encoding() {
    let mut peer = Peer::authenticated("ENABLE UTF8=ACCEPT");
    let name = peer.client.encode_name("Entw\u{fc}rfe").into_owned();
    peer.client.command(&Command::Delete(peer.client.mailbox(&name))).unwrap();
    peer.client
        .command(&Command::Enable(imap4_proto::types::CapabilityList::parse(b"UTF8=ACCEPT").unwrap()))
        .unwrap();
    peer.server("* ENABLED UTF8=ACCEPT\r\nA2 OK done\r\n");
    let name = peer.client.encode_name("Entw\u{fc}rfe").into_owned();
    peer.client.command(&Command::Delete(peer.client.mailbox(&name))).unwrap();
    peer.said("A1 DELETE Entw&APw-rfe\r\nA2 ENABLE UTF8=ACCEPT\r\nA3 DELETE \"Entw\u{fc}rfe\"\r\n");
    let _ = AString::new(b"");
}
