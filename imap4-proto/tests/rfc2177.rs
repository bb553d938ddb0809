//! RFC 2177: IDLE.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use std::time::Duration;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::{Capabilities, Command},
};
use mail_wire::Machine;

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::Command(Command::Idle) => s.accept_idle().unwrap(),
        Event::IdleDone => s.ok(None, "IDLE terminated").unwrap(),
        Event::Command(Command::Noop) => s.ok(None, "NOOP completed").unwrap(),
        Event::IdleAbort | Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn section_3_the_example() {
    let mut talk = Talk::logged_in(config(), true);
    talk.play("C: A002 IDLE\nS: + idling", &mut host);
    // Time passes; a message comes, one goes.
    talk.server.exists(4).unwrap();
    talk.server.expunge(3).unwrap();
    talk.server.fetch(2).unwrap().flags(imap4_proto::types::SystemFlags::SEEN, [""; 0]);
    talk.server.resume_fetch().unwrap().finish();
    assert_eq!(talk.output(), "* 4 EXISTS\r\n* 3 EXPUNGE\r\n* 2 FETCH (FLAGS (\\Seen))\r\n");
    talk.play(
        "
        C: DONE
        S: A002 OK IDLE terminated
        C: A003 IDLE
        S: + idling
        C: done
        S: A003 OK IDLE terminated
        C: A004 IDLE
        S: + idling
        C: A005 NOOP
        S: A004 BAD Expected DONE
        C: A006 NOOP
        S: A006 OK NOOP completed
        ",
        &mut host,
    );
    // Between commands numbers must not move.
    talk.server.expunge(1).unwrap_err();
    talk.server.exists(5).unwrap();
}

#[test]
fn done_may_be_pipelined_and_split() {
    let mut talk = Talk::logged_in(config(), true);
    assert_eq!(
        talk.send(b"a IDLE\r\nDONE\r\nb NOOP\r\n", &mut host),
        "+ idling\r\na OK IDLE terminated\r\nb OK NOOP completed\r\n"
    );
    assert_eq!(talk.send(b"c IDLE\r\nDO", &mut host), "+ idling\r\n");
    assert_eq!(talk.send(b"NE\r\n", &mut host), "c OK IDLE terminated\r\n");
}

#[test]
fn idle_lasts_longer_than_29_minutes() {
    let mut talk = Talk::logged_in(config(), true);
    talk.send(b"a IDLE\r\n", &mut host);
    let deadline = talk.server.deadline().unwrap();
    assert!(deadline.saturating_since(talk.now) > Duration::from_secs(30 * 60));
    talk.wait(Duration::from_secs(29 * 60));
    talk.server.handle_timeout(talk.now);
    assert_eq!(talk.send(b"DONE\r\n", &mut host), "a OK IDLE terminated\r\n");
    talk.send(b"b IDLE\r\n", &mut host);
    talk.wait(Duration::from_secs(32 * 60));
    talk.server.handle_timeout(talk.now);
    assert_eq!(talk.send(b"", &mut host), "* BYE Autologout; idle for too long\r\n");
    assert!(talk.closed);
}

#[test]
fn idle_is_taken_only_where_it_is_on() {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::logged_in(config, true);
    assert_eq!(talk.send(b"a IDLE\r\n", &mut host), "a BAD IDLE is not on\r\n");
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc2177.txt"));
}
