//! RFC 7888: LITERAL+ and LITERAL-.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Config, Event, Server},
    types::{Capabilities, Command},
};

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::Command(Command::Login { user, password }) => {
            assert!(user == "FRED FOOBAR" && password == "fat man");
            s.authenticated("LOGIN completed").unwrap();
        }
        Event::Command(Command::Noop) => s.ok(None, "NOOP completed").unwrap(),
        Event::AppendBegin(_) | Event::AppendNext(_) => s.accept_literal().unwrap(),
        Event::AppendEnd => s.ok(None, "APPEND completed").unwrap(),
        Event::AppendChunk(_) | Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

fn with(capabilities: Capabilities) -> Config {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1 | capabilities;
    config.mechanisms.clear();
    config.starttls = false;
    config
}

#[test]
fn section_3_synchronizing_and_not() {
    let mut talk = Talk::new(with(Capabilities::LITERAL_PLUS));
    talk.play(
        "
        C>
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+] ready
        C: A001 LOGIN {11}
        S: + Ready for literal data
        C: FRED FOOBAR {7}
        S: + Ready for literal data
        C: fat man
        S: A001 OK [CAPABILITY IMAP4rev1 LITERAL+] LOGIN completed
        ",
        &mut host,
    );
    let mut talk = Talk::new(with(Capabilities::LITERAL_PLUS));
    talk.play(
        "
        C>
        S: * OK [CAPABILITY IMAP4rev1 LITERAL+] ready
        C: A001 LOGIN {11+}
        C: FRED FOOBAR {7+}
        C: fat man
        S: A001 OK [CAPABILITY IMAP4rev1 LITERAL+] LOGIN completed
        ",
        &mut host,
    );
}

#[test]
fn section_5_literal_minus_takes_4096_octets_and_no_more() {
    for (len, taken) in [(4096, true), (4097, false)] {
        let mut talk = Talk::logged_in(with(Capabilities::LITERAL_MINUS), false);
        let payload = "x".repeat(len);
        let answer =
            talk.send(format!("a APPEND x {{{len}+}}\r\n{payload}\r\nb NOOP\r\n").as_bytes(), &mut host);
        let first = if taken {
            "a OK APPEND completed\r\n"
        } else {
            "a BAD A non-synchronizing literal of this length is not allowed\r\n"
        };
        assert_eq!(answer, format!("{first}b OK NOOP completed\r\n"));
    }
}

#[test]
fn without_either_a_literal_that_does_not_wait_is_refused_and_dropped() {
    let mut talk = Talk::new(with(Capabilities::NONE));
    let answer = talk.send(b"a LOGIN {7+}\r\nb NOOP\n {3+}\r\nc X\r\nd NOOP\r\n", &mut host);
    assert_eq!(
        answer,
        "* OK [CAPABILITY IMAP4rev1] ready\r\na BAD A non-synchronizing literal of this length is not allowed\r\nd OK NOOP completed\r\n"
    );
}

#[test]
fn section_4_a_refused_literal_is_dropped_to_its_last_octet_or_ends_the_connection() {
    let mut config = with(Capabilities::LITERAL_PLUS);
    config.limits.login_literals = 100;
    config.limits.dropped = 1000;
    // It is full of commands that must not run.
    let commands = "z LOGOUT\r\n".repeat(100);
    let mut talk = Talk::new(config.clone());
    let answer = talk
        .send(format!("a LOGIN {{1000+}}\r\n{commands} {{3+}}\r\nabc\r\nb NOOP\r\n").as_bytes(), &mut host);
    assert!(
        answer.ends_with("] ready\r\na BAD The literal is too long\r\nb OK NOOP completed\r\n"),
        "{answer}"
    );

    let mut talk = Talk::new(config.clone());
    let answer = talk.send(b"a LOGIN {1001+}\r\nz LOGOUT\r\n", &mut host);
    assert!(
        answer.ends_with("] ready\r\na BAD The literal is too long\r\n* BYE The literal is too long\r\n"),
        "{answer}"
    );
    assert!(talk.fatal);

    // A client that waits has sent nothing, and does not.
    let mut talk = Talk::new(config);
    let answer = talk.send(b"a LOGIN {101}\r\nb NOOP\r\n", &mut host);
    assert!(answer.ends_with("a BAD The literal is too long\r\nb OK NOOP completed\r\n"), "{answer}");
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc7888.txt"));
}
