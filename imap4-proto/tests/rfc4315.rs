//! RFC 4315: UIDPLUS.
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
fn sections_2_and_3_the_examples() {
    let mut talk = Talk::logged_in(config(), true);
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Command(Command::UidExpunge(set)) => {
            assert_eq!(set.resolve(9000).collect::<Vec<_>>(), [(3000, 3002)]);
            for _ in 0..3 {
                s.expunge(3).unwrap();
            }
            s.ok(None, "UID EXPUNGE completed").unwrap();
        }
        Event::AppendBegin(_) => s.accept_literal().unwrap(),
        Event::AppendChunk(_) => {}
        Event::AppendEnd => {
            s.ok(Some(Code::AppendUid { uid_validity: 38505, uids: &[(3955, 3955)] }), "APPEND completed")
                .unwrap();
        }
        Event::Command(Command::Copy { uid: false, .. }) => {
            s.ok(
                Some(Code::CopyUid {
                    uid_validity: 38505,
                    from: &[(304, 304), (319, 320)],
                    to: &[(3956, 3958)],
                }),
                "Done",
            )
            .unwrap();
        }
        Event::Command(Command::Copy { .. }) => s.no(Some(Code::TryCreate), "No such mailbox").unwrap(),
        other => panic!("{other:?}"),
    };
    talk.play(
        r"
        C: A003 UID EXPUNGE 3000:3002
        S: * 3 EXPUNGE
        S: * 3 EXPUNGE
        S: * 3 EXPUNGE
        S: A003 OK UID EXPUNGE completed
        C: A003 APPEND saved-messages (\Seen) {3+}
        C: abc
        S: A003 OK [APPENDUID 38505 3955] APPEND completed
        C: A004 COPY 2:4 meeting
        S: A004 OK [COPYUID 38505 304,319:320 3956:3958] Done
        C: A005 UID COPY 304,319:320 meeting
        S: A005 NO [TRYCREATE] No such mailbox
        ",
        &mut host,
    );
}

#[test]
fn uid_expunge_is_taken_only_where_it_is_on() {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::logged_in(config, true);
    assert_eq!(talk.send(b"a UID EXPUNGE 1\r\n", &mut |_, _| {}), "a BAD UIDPLUS is not on\r\n");
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc4315.txt"));
}
