//! RFC 6851: MOVE.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::{Capabilities, Code, Command},
};

#[test]
fn section_3_the_example() {
    let mut talk = Talk::logged_in(config(), true);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Move { uid, set, mailbox }) => {
            assert_eq!((uid, set.as_bytes(), mailbox.bytes().as_ref()), (true, &b"42:69"[..], &b"foo"[..]));
            let code = Code::CopyUid { uid_validity: 432_432, from: &[(42, 69)], to: &[(1202, 1229)] };
            s.untagged_ok(Some(code), "Moved").unwrap();
            s.expunge(22).unwrap();
            s.vanished(false, [(43, 69)]).unwrap();
            s.ok(None, "Done").unwrap();
        }
        other => panic!("{other:?}"),
    };
    talk.play(
        "
        C: a UID MOVE 42:69 foo
        S: * OK [COPYUID 432432 42:69 1202:1229] Moved
        S: * 22 EXPUNGE
        S: * VANISHED 43:69
        S: a OK Done
        ",
        &mut host,
    );
}

#[test]
fn move_is_taken_only_where_it_is_on() {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::logged_in(config, true);
    assert_eq!(
        talk.send(b"a MOVE 1 x\r\nb UID MOVE 1 x\r\n", &mut |_, _| {}),
        "a BAD MOVE is not on\r\nb BAD MOVE is not on\r\n"
    );
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc6851.txt"));
}
