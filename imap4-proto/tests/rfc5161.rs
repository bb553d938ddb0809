//! RFC 5161: ENABLE.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::{Capabilities, Command, ListData, MailboxAttributes},
};

fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::Command(Command::Enable(wanted)) => {
            s.enable(wanted.known()).unwrap();
            s.ok(None, "done").unwrap();
        }
        Event::Command(Command::List(_)) => {
            s.list(&ListData::new(MailboxAttributes::NONE, Some('/'), "Entw\u{fc}rfe")).unwrap();
            s.ok(None, "done").unwrap();
        }
        Event::Command(Command::Delete(m)) => {
            let text = m.decode().map_or_else(|e| e.to_string(), |name| name.into_owned());
            s.no(None, &text).unwrap();
        }
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn section_3_enables_what_is_known_and_says_so_once() {
    let mut c = config();
    c.capabilities = Capabilities::IMAP4REV1 | Capabilities::ENABLE | Capabilities::QRESYNC;
    let mut talk = Talk::logged_in(c, false);
    talk.play(
        "
        C: a ENABLE CONDSTORE X-GOOD-IDEA
        S: * ENABLED CONDSTORE
        S: a OK done
        C: b ENABLE CONDSTORE
        S: * ENABLED
        S: b OK done
        C: c enable qresync imap4rev2 idle
        S: * ENABLED QRESYNC
        S: c OK done
        ",
        &mut host,
    );
    assert_eq!(talk.server.enabled(), Capabilities::CONDSTORE | Capabilities::QRESYNC);
    assert!(talk.send(b"d ENABLE\r\n", &mut |_, _| {}).starts_with("d BAD"));
}

#[test]
fn names_are_in_utf_8_once_it_is_enabled() {
    for capability in ["UTF8=ACCEPT", "IMAP4rev2"] {
        let mut talk = Talk::logged_in(config(), false);
        talk.play(
            &format!(
                "
                C: a LIST \"\" *
                S: * LIST () \"/\" Entw&APw-rfe
                S: a OK done
                C: b DELETE Entw&APw-rfe
                S: b NO Entw?rfe
                C: b DELETE \"Entw\u{fc}rfe\"
                S: b NO the mailbox name is not valid modified UTF-7
                C: c ENABLE {capability}
                S: * ENABLED {capability}
                S: c OK done
                C: d LIST \"\" *
                S: * LIST () \"/\" \"Entw\u{fc}rfe\"
                S: d OK done
                C: e DELETE Entw&APw-rfe
                S: e NO Entw&APw-rfe
                C: f DELETE \"Entw\u{fc}rfe\"
                S: f NO Entw\u{fc}rfe
                "
            ),
            &mut host,
        );
        assert_eq!(
            talk.send(b"g DELETE \"\xfc\"\r\n", &mut host),
            "g BAD What stands in quotes is not valid UTF-8\r\n"
        );
    }
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc5161.txt"));
}
