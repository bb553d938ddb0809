//! What the fuzz targets found: each was wrong once.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use imap4_proto::{
    client::{Client, Config},
    server::{self, Server, State},
    types::{
        Attribute, BodyStructure, Capabilities, Code, Command, CommandKind, Multipart, Reading, Response,
        ResponseCode, Select, WireStructure,
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

/// What is read of `wire` is written so that it reads and is written as the same: also strictly, where it was read tolerantly.
fn rewritten_as_the_same(wire: &str) {
    let write = |response: Response<'_>| {
        let mut out = Vec::new();
        response.encode(&mut out);
        String::from_utf8(out).unwrap()
    };
    for reading in [Reading::STRICT, Reading::TOLERANT] {
        let first = write(Response::parse(wire.as_bytes(), reading).unwrap());
        for again in [Reading::STRICT, reading] {
            assert_eq!(write(Response::parse(first.as_bytes(), again).unwrap()), first, "{wire}");
        }
    }
}

#[test]
fn a_body_item_whose_value_is_of_another_form_is_malformed_and_not_without_a_value() {
    for item in ["BODY[1.HEADER]<5>", "BINARY[2]", "RFC822.TEXT"] {
        for value in
            ["(NIL NIL ~{2}\r\n\0b)", "(A)", " (A)", "  (A)", " {3}ANSWERED 9", " \"open", " 7", " )", " \\x"]
        {
            let wire = format!("* 2 FETCH ({item}{value} UID 5)\r\n");
            let Ok(Response::Fetch(fetched)) = Response::parse(wire.as_bytes(), Reading::TOLERANT) else {
                panic!("{wire}")
            };
            let first = fetched.items.iter().next();
            assert!(matches!(first, Some(Attribute::Malformed { .. })), "{wire}: {first:?}");
            rewritten_as_the_same(&wire);
        }
        for rest in ["", " ", " UID 5", "  UID 5", " FLAGS (\\Seen)"] {
            let wire = format!("* 2 FETCH ({item}{rest})\r\n");
            let Ok(Response::Fetch(fetched)) = Response::parse(wire.as_bytes(), Reading::TOLERANT) else {
                panic!("{wire}")
            };
            let first = fetched.items.iter().next();
            assert!(matches!(first, Some(Attribute::Body { value: None, .. })), "{wire}: {first:?}");
            rewritten_as_the_same(&wire);
        }
    }
    rewritten_as_the_same("* 2 FETCH (BODY[1.HEADER]<5> {3}ANSWEREDD 9 BINARY[2](NIL NIL ~{2}\r\n\0b)\r\n");
}

/// Leaves these octets where the next call has its stack.
#[inline(never)]
fn scribble(octet: u8) {
    std::hint::black_box(&mut [octet; 8192]);
}

/// What the server answers to `wire` in these pieces; everything is taken.
fn answers(wire: &[u8], piece: usize, octet: u8) -> String {
    let mut config = server::Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    let mut server = Server::preauthenticated(config);
    let mut input = Vec::new();
    for part in wire.chunks(piece) {
        input.extend_from_slice(part);
        loop {
            match server.poll(&input, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = input.drain(..n).collect();
                    scribble(octet);
                    match server.event(&frame) {
                        server::Event::AppendBegin(_)
                        | server::Event::AppendPart(_)
                        | server::Event::AppendNext(_) => server.accept_literal().unwrap(),
                        server::Event::AppendEnd => server.ok(None, "done").unwrap(),
                        server::Event::Command(command) if command.kind() == CommandKind::Idle => {
                            server.accept_idle().unwrap();
                        }
                        server::Event::Command(_) => {
                            server.set_enabled(Capabilities::UTF8_ACCEPT);
                            server.ok(None, "done").unwrap();
                        }
                        _ => {}
                    }
                }
                Poll::Skip(n) => drop(input.drain(..n)),
                _ => break,
            }
        }
    }
    let out: Vec<u8> = server.output().segments().flatten().copied().collect();
    let out = String::from_utf8(out).unwrap();
    out.replace("+ Ready for literal data\r\n", "").split_once("ready\r\n").unwrap().1.to_owned()
}

#[test]
fn a_message_of_append_ends_as_its_own_head_says() {
    let bad = "a BAD A space is missing\r\n";
    for (wire, wanted) in [
        ("a APPEND x (\\Seen) {9}\r\n12345abcj\r\n", "a OK done\r\n"),
        ("a APPEND x (\\Seen) {9}\r\n12345abcj)\r\n", bad),
        ("a APPEND x {1+}\r\na {1+}\r\nb\r\n", "a OK done\r\n"),
        ("a APPEND x {1+}\r\na {1+}\r\nb)\r\n", bad),
        ("a APPEND x UTF8 (~{4+}\r\nabcd)\r\n", "a OK done\r\n"),
        ("a APPEND x UTF8 (~{4+}\r\nij)\r\n", bad),
        ("a APPEND x UTF8 (~{1+}\r\na) {1+}\r\nb)\r\n", bad),
        ("a APPEND x {1+}\r\na UTF8 (~{1+}\r\nb)\r\n", "a OK done\r\n"),
        ("a APPEND x CATENATE (TEXT {1+}\r\na)\r\n", "a OK done\r\n"),
        ("a APPEND x CATENATE (UTF8 (~{1+}\r\na))\r\n", "a OK done\r\n"),
        ("a APPEND x CATENATE (UTF8 (~{1+}\r\na) URL b TEXT {1+}\r\na)\r\n", "a OK done\r\n"),
        ("a APPEND x CATENATE (URL b)\r\n", "a OK done\r\n"),
    ] {
        let wire = format!("e ENABLE UTF8=ACCEPT\r\n{wire}b NOOP\r\n");
        let wanted = format!("e OK done\r\n{wanted}b OK done\r\n");
        for piece in 1..=wire.len() {
            for octet in [0, 1] {
                assert_eq!(answers(wire.as_bytes(), piece, octet), wanted, "{wire} in pieces of {piece}");
            }
        }
    }
}

#[test]
fn a_flag_that_is_a_mere_backslash_is_read_by_policy_and_not_written() {
    for (wire, written) in [
        ("* FLAGS (\\ $a)\r\n", "* FLAGS ($a)\r\n"),
        ("* FLAGS (\\Seen \\)\r\n", "* FLAGS (\\Seen)\r\n"),
        ("* FLAGS (\\)\r\n", "* FLAGS ()\r\n"),
        ("* OK [PERMANENTFLAGS (\\ \\*)] a\r\n", "* OK [PERMANENTFLAGS (\\*)] a\r\n"),
        ("* 1 FETCH (FLAGS (a \\ b))\r\n", "* 1 FETCH (FLAGS (a b))\r\n"),
    ] {
        let mut out = Vec::new();
        Response::parse(wire.as_bytes(), Reading::TOLERANT).unwrap().encode(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), written);
        Response::parse(written.as_bytes(), Reading::STRICT).unwrap();
    }
}

#[test]
fn a_line_that_is_no_command_has_no_literal_however_long_it_is_and_however_it_comes() {
    let long = format!("a IDLE\r\n{}{{3+}}\r\nb NOOP\r\nc NOOP\r\n", "x".repeat(20_000));
    let whole = answers(long.as_bytes(), long.len(), 0);
    assert!(whole.ends_with("b OK done\r\nc OK done\r\n"), "{whole}");
    for piece in [1, 2, 3, 100, 5_000, 9_000, 20_010, 20_020] {
        assert_eq!(answers(long.as_bytes(), piece, 0), whole, "in pieces of {piece}");
    }
}

#[test]
fn a_string_with_bare_quotes_holds_no_octet_that_a_quoted_string_must_not() {
    for octet in ["\0", "\r", "\n"] {
        for s in [format!("a\"\"b{octet}c"), format!("a{octet}\"\"b"), format!("\"\"{octet}")] {
            let wire = format!("* 1 FETCH (ENVELOPE (NIL \"{s}\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n");
            let Ok(Response::Fetch(fetched)) = Response::parse(wire.as_bytes(), Reading::TOLERANT) else {
                continue;
            };
            assert!(!matches!(fetched.items.iter().next(), Some(Attribute::Envelope(_))), "{wire:?}");
        }
    }
}
