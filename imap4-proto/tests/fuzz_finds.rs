//! What the fuzz targets found: each was wrong once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use imap4_proto::{
    client::{Client, Config},
    server::State,
    types::{
        BodyStructure, Code, Command, Multipart, Reading, Response, ResponseCode, Select, WireStructure,
    },
};
use mail_wire::{Instant, Machine, Poll};

#[test]
fn a_multipart_without_parts_is_written_with_an_empty_one_that_says_as_much_as_the_others() {
    let body = BodyStructure::Multi(Multipart::new(b"mixed".as_slice().into(), Vec::new()));
    for extensible in [false, true] {
        let (mut wire, mut again) = (Vec::new(), Vec::new());
        body.encode(&mut wire, extensible, false);
        let read = WireStructure::parse(&wire, Reading::STRICT).unwrap().to_structure();
        read.encode(&mut again, extensible, false);
        assert_eq!(again.escape_ascii().to_string(), wire.escape_ascii().to_string());
    }
}

#[test]
fn a_code_that_is_not_known_may_hold_a_parenthesis_that_nothing_closes() {
    for (wire, arguments) in [
        ("* OK [X-FOO 1(1a] a\r\n", "1(1a"),
        ("* OK [X-FOO (] a) b\r\n", "("),
        ("* OK [X-FOO )(] a\r\n", ")("),
    ] {
        let Response::Condition { text, .. } = Response::parse(wire.as_bytes(), Reading::STRICT).unwrap()
        else {
            panic!()
        };
        assert_eq!(text.code, Some(ResponseCode::Plain(Code::Other("X-FOO", Some(arguments)))), "{wire}");
    }
}

#[test]
fn a_client_knows_that_a_mailbox_is_closed_when_the_next_select_is_bad() {
    let mut client = Client::new(Config::default());
    for (wire, state) in [
        ("* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", State::Authenticated),
        ("A1 OK [READ-WRITE] done\r\n", State::Selected),
        ("* OK [CLOSED] closed\r\nA2 BAD what\r\n", State::Authenticated),
        ("* OK [CLOSED] nothing was open\r\nA3 OK [READ-WRITE] done\r\n", State::Selected),
    ] {
        let mut input = wire.as_bytes();
        while let Poll::Frame(n) = client.poll(input, Instant::ZERO).unwrap() {
            let (frame, rest) = input.split_at(n);
            input = rest;
            client.event(frame);
        }
        assert_eq!(client.state(), state, "{wire}");
        client.command(&Command::Select(Select::new(client.mailbox(b"x"), false))).unwrap();
    }
}
