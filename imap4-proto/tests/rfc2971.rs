//! RFC 2971: ID.
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
fn section_3_the_examples() {
    let mut talk = Talk::new(config());
    let mut seen = Vec::new();
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Id(fields)) => {
            seen = fields
                .iter()
                .map(|(n, v)| (n.to_str().unwrap().into_owned(), v.map(|v| v.to_str().unwrap().into_owned())))
                .collect();
            if seen.is_empty() {
                s.id(&[]).unwrap();
            } else {
                s.id(&[("name", Some("Cyrus")), ("support-url", None)]).unwrap();
            }
            s.ok(None, "ID completed").unwrap();
        }
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    talk.send(b"", &mut host);
    talk.play(
        r#"
        C: a023 ID ("name" "sodr" "version" {5+}
        C: 19.34 "vendor" NIL)
        S: * ID ("name" "Cyrus" "support-url" NIL)
        S: a023 OK ID completed
        "#,
        &mut host,
    );
    let own = |s: &str| Some(s.to_string());
    assert_eq!(
        seen,
        [
            ("name".to_string(), own("sodr")),
            ("version".to_string(), own("19.34")),
            ("vendor".to_string(), None)
        ]
    );
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::Id(fields)) => {
            assert!(fields.iter().next().is_none());
            s.id(&[]).unwrap();
            s.ok(None, "ID completed").unwrap();
        }
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    talk.play(
        r#"
        C: a042 ID NIL
        S: * ID NIL
        S: a042 OK ID completed
        C: a043 ID ()
        S: * ID NIL
        S: a043 OK ID completed
        C: a044 ID ("name")
        S: a044 BAD A space is missing
        C: a045 ID (name x)
        S: a045 BAD A string is missing
        C: a046 ID
        S: a046 BAD A space is missing
        "#,
        &mut host,
    );
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc2971.txt"));
}
