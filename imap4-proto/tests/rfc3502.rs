//! RFC 3502: MULTIAPPEND, with the literals of RFC 3516 and RFC 6855, and how APPEND fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config, trace};
use imap4_proto::{
    server::{Event, Server},
    types::{Capabilities, Code, Command, DateTime, SystemFlags as S},
};

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::AppendBegin(_) | Event::AppendNext(_) => s.accept_literal().unwrap(),
        Event::AppendEnd => s.ok(None, "APPEND completed").unwrap(),
        Event::Command(Command::Noop) => s.ok(None, "NOOP completed").unwrap(),
        Event::AppendChunk(_) | Event::AppendAbort | Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn section_6_3_11_the_example() {
    let mut talk = Talk::logged_in(config(), false);
    type Message = (S, Option<DateTime>, u64, bool, Vec<u8>);
    let mut messages: Vec<Message> = Vec::new();
    let mut host = |s: &mut Server, event: Event<'_>| {
        let message = match &event {
            Event::AppendBegin(begin) => Some(begin.message),
            Event::AppendNext(message) => Some(*message),
            _ => None,
        };
        if let Some(m) = message {
            messages.push((m.flags.system(), m.date, m.len, m.synchronizing, Vec::new()));
        }
        if let Event::AppendChunk(octets) = &event {
            messages.last_mut().unwrap().4.extend_from_slice(octets);
        }
        host(s, event);
    };
    talk.play(
        r#"
        C: A003 APPEND saved-messages (\Seen) {5}
        S: + Ready for literal data
        C: hello (\Seen) " 7-Feb-1994 22:43:04 -0800" {6}
        S: + Ready for literal data
        C: world! {0+}
        C: 
        S: A003 OK APPEND completed
        C: b NOOP
        S: b OK NOOP completed
        "#,
        &mut host,
    );
    assert_eq!(
        messages,
        [
            (S::SEEN, None, 5, true, b"hello".to_vec()),
            (S::SEEN, Some(DateTime::new(760_689_784, -480)), 6, true, b"world!".to_vec()),
            (S::NONE, None, 0, false, Vec::new()),
        ]
    );
}

#[test]
fn literal8_and_utf8_literals() {
    let mut talk = Talk::logged_in(config(), false);
    let mut shapes = Vec::new();
    let mut host = |s: &mut Server, event: Event<'_>| {
        if let Event::AppendBegin(begin) = &event {
            shapes.push((begin.message.binary, begin.message.utf8));
        }
        if let Event::AppendNext(message) = &event {
            shapes.push((message.binary, message.utf8));
        }
        host(s, event);
    };
    talk.play(
        "
        C: a APPEND x ~{3+}
        C: a\0b
        S: a OK APPEND completed
        C: b APPEND x UTF8 (~{3}
        S: + Ready for literal data
        C: abc) UTF8 (~{1+}
        C: x) {1+}
        C: y
        S: b OK APPEND completed
        C: c APPEND x UTF8 (~{3+}
        C: abc
        S: c BAD A space is missing
        C: d APPEND x (~{3+}
        C: abc)
        S: d BAD A list of flags does not end
        C: e NOOP
        S: e OK NOOP completed
        ",
        &mut host,
    );
    assert_eq!(shapes, [(true, false), (true, true), (true, true), (false, false), (true, true)]);
}

#[test]
fn refusals() {
    let mut config = config();
    config.append_limit = Some(1000);
    config.limits.dropped = 100;
    let mut talk = Talk::logged_in(config, false);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::AppendBegin(b) if b.mailbox.bytes().as_ref() == b"none" => {
            s.refuse_literal(Some(Code::TryCreate), "No such mailbox").unwrap();
        }
        Event::AppendNext(m) if m.len == 7 => s.no(Some(Code::OverQuota), "Full").unwrap(),
        event => host(s, event),
    };
    talk.play(
        "
        C: a APPEND none {9}
        S: a NO [TRYCREATE] No such mailbox
        # It does not send; the next line is a command.
        C: b NOOP
        S: b OK NOOP completed
        # It has sent; all of it is dropped, with the rest of the command.
        C: c APPEND none {9+}
        S: c NO [TRYCREATE] No such mailbox
        C: z LOGOUT (\\Seen) {5+}
        C: z X
        C: 
        C: d NOOP
        S: d OK NOOP completed
        C: e APPEND x {3+}
        C: abc {7+}
        S: e NO [OVERQUOTA] Full
        C: z CLOSE
        C: f NOOP
        S: f OK NOOP completed
        C: g APPEND x {1001}
        S: g NO [TOOBIG] The message is too large
        C: h APPEND x {3+}
        C: abc {1001}
        S: h NO [TOOBIG] The message is too large
        C: i APPEND x {3+}
        C: abcz LOGOUT
        S: i BAD A space is missing
        C: j NOOP
        S: j OK NOOP completed
        ",
        &mut host,
    );
    let answer = talk.send(b"k APPEND none {101+}\r\nz LOGOUT\r\n", &mut host);
    assert_eq!(answer, "k NO [TRYCREATE] No such mailbox\r\n* BYE The literal is too long\r\n");
    assert!(talk.fatal);
}

#[test]
fn storing_may_fail_half_way() {
    let mut talk = Talk::logged_in(config(), false);
    let mut chunks = 0;
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::AppendChunk(_) => {
            chunks += 1;
            s.refuse_literal(Some(Code::OverQuota), "disk full").unwrap();
        }
        event => host(s, event),
    };
    assert_eq!(talk.send(b"a APPEND x {20}\r\n", &mut host), "+ Ready for literal data\r\n");
    assert_eq!(talk.send(b"01234", &mut host), "a NO [OVERQUOTA] disk full\r\n");
    assert_eq!(talk.send(b"56789z LOGOUT\r\n", &mut host), "");
    assert_eq!(talk.send(b"\r\nb NOOP\r\n", &mut host), "b OK NOOP completed\r\n");
    assert_eq!(chunks, 1);
}

#[test]
fn one_message_alone_where_multiappend_is_off() {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1 | Capabilities::LITERAL_PLUS;
    let mut talk = Talk::logged_in(config, false);
    assert_eq!(
        talk.send(b"a APPEND x {1+}\r\ny {6+}\r\nz NOOP\r\nb NOOP\r\n", &mut host),
        "a BAD Something follows the message\r\nb OK NOOP completed\r\n"
    );
}

#[test]
fn every_split_gives_the_same_events() {
    let wire = b"a APPEND INBOX (\\Seen) {5}\r\nhello (\\Draft) ~{3+}\r\n\0ab\r\nb NOOP\r\nc APPEND {1}\r\nx {2+}\r\nhi!\r\nd UNKNOWN {3+}\r\nabc\r\ne IDLE\r\nDONE\r\nf AUTHENTICATE x\r\n";
    let make = || Talk::logged_in(config(), false);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Idle) => s.accept_idle().unwrap(),
        Event::IdleDone => s.ok(None, "idled").unwrap(),
        event => host(s, event),
    };
    let whole = trace(&make, wire, &[], &mut host);
    assert_eq!(whole.0.len(), 13, "{:#?}", whole.0);
    for a in 0..=wire.len() {
        assert_eq!(trace(&make, wire, &[a], &mut host), whole, "{a}");
        for b in (a..=wire.len()).step_by(7) {
            assert_eq!(trace(&make, wire, &[a, b], &mut host), whole, "{a} {b}");
        }
    }
    assert_eq!(trace(&make, wire, &(1..wire.len()).collect::<Vec<_>>(), &mut host), whole);
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc3502.txt"));
}
