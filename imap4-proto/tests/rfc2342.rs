//! RFC 2342: NAMESPACE.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::Command,
};

#[test]
fn section_5_the_examples() {
    let mut talk = Talk::logged_in(config(), false);
    let mut round = 0;
    let mut host = |s: &mut Server, event: Event<'_>| {
        assert!(matches!(event, Event::Command(Command::Namespace)), "{event:?}");
        round += 1;
        match round {
            1 => s.namespace(&[("", Some('/'))], &[], &[]),
            2 => s.namespace(&[], &[], &[("", Some('.'))]),
            3 => s.namespace(
                &[("", Some('/'))],
                &[("~", Some('/'))],
                &[
                    ("#shared/", Some('/')),
                    ("#public/", Some('/')),
                    ("#ftp/", Some('/')),
                    ("#news.", Some('.')),
                ],
            ),
            _ => s.namespace(&[("\u{fc}", None)], &[("", Some('\\'))], &[]),
        }
        .unwrap();
        s.ok(None, "NAMESPACE command completed").unwrap();
    };
    talk.play(
        r##"
        C: A001 NAMESPACE
        S: * NAMESPACE (("" "/")) NIL NIL
        S: A001 OK NAMESPACE command completed
        C: A001 NAMESPACE
        S: * NAMESPACE NIL NIL (("" "."))
        S: A001 OK NAMESPACE command completed
        C: A001 NAMESPACE
        S: * NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#public/" "/")("#ftp/" "/")("#news." "."))
        S: A001 OK NAMESPACE command completed
        C: A001 NAMESPACE
        S: * NAMESPACE (("&APw-" NIL)) (("" "\\")) NIL
        S: A001 OK NAMESPACE command completed
        "##,
        &mut host,
    );
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc2342.txt"));
}
