//! RFC 3691: UNSELECT.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server, State},
    types::Command,
};

#[test]
fn section_2_the_example() {
    let mut talk = Talk::logged_in(config(), true);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Unselect) => s.closed("Unselect completed").unwrap(),
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    talk.play(
        "
        C: A202 UNSELECT
        S: A202 OK Unselect completed
        C: A203 UNSELECT
        S: A203 BAD Select a mailbox first
        ",
        &mut host,
    );
    assert_eq!(talk.server.state(), State::Authenticated);
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc3691.txt"));
}
