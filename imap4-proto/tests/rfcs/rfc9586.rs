//! RFC 9586: UIDONLY.

use bytes::Bytes;
use imap4_proto::{
    server::{Answered, Event},
    types::{Capabilities, Code, Command, FetchItem, Section, SystemFlags},
};

use crate::duet::{Duet, ok};

fn enabled() -> Duet {
    let mut duet = Duet::selected();
    assert!(duet.talk.server.uid_fetch(1).is_err(), "only where it is enabled");
    duet.ask(
        "ENABLE UIDONLY",
        |s, c| {
            let Command::Enable(list) = c else { panic!() };
            s.enable(list.known()).unwrap();
            s.ok(None, "ENABLE completed").unwrap();
        },
        "* ENABLED UIDONLY
         $ OK ENABLE completed",
    );
    duet
}

#[test]
fn section_3_message_numbers_are_refused() {
    let mut duet = enabled();
    for line in [
        "FETCH 10000:14589 (UID FLAGS)",
        "STORE 1 FLAGS ()",
        "SEARCH ALL",
        "COPY 1 x",
        "MOVE 1 x",
        "SORT (DATE) x ALL",
        "THREAD REFERENCES x ALL",
        "UID SEARCH 1:5",
        "UID SEARCH NOT (SEEN OR FUZZY 5 ALL)",
        "UID SORT (DATE) x 1",
        "UID THREAD REFERENCES x 1",
        "SELECT x (QRESYNC (1 2 3 (1 2)))",
        "REPLACE 4 Drafts {3}",
    ] {
        let said = duet.talk.send(format!("07 {line}\r\n").as_bytes(), &mut |_, event| {
            assert!(matches!(event, Event::Answered(Answered::UidRequired(_))), "{event:?}");
        });
        assert_eq!(
            said, "07 BAD [UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled\r\n",
            "{line}"
        );
    }
    duet.peer.server("* BAD [UIDREQUIRED] Message numbers are not allowed once UIDONLY is enabled\r\n");
    assert!(duet.peer.heard.pop().unwrap().contains("UidRequired"));
    for line in ["UID SEARCH UID 1:5 $", "UID COPY 1 x", "UID SORT (DATE) x ALL"] {
        duet.done(line, |s, _| ok(s));
    }
}

#[test]
fn section_3_3_uidfetch() {
    let mut duet = enabled();
    let heard = duet.ask(
        "UID FETCH 25900:26600 (FLAGS)",
        |s, _| {
            assert!(s.fetch(1).is_err(), "there are no message numbers");
            for (uid, flags) in [
                (25_996, SystemFlags::SEEN),
                (25_997, SystemFlags::FLAGGED | SystemFlags::ANSWERED),
                (26_600, SystemFlags::NONE),
            ] {
                let mut row = s.uid_fetch(uid).unwrap();
                row.flags(flags, [""; 0]);
                row.finish();
            }
            s.ok(None, "FETCH completed").unwrap();
        },
        r"* 25996 UIDFETCH (FLAGS (\Seen))
          * 25997 UIDFETCH (FLAGS (\Answered \Flagged))
          * 26600 UIDFETCH (FLAGS ())
          $ OK FETCH completed",
    );
    assert!(heard[0].starts_with("Response(UidFetch(Fetched { number: 25996"), "{heard:?}");
}

#[test]
fn bodies_of_uidfetch_stream() {
    let mut duet = enabled();
    let heard = duet.ask(
        "UID FETCH 7 (BODY.PEEK[] FLAGS)",
        |s, _| {
            let body = FetchItem::BodySection {
                section: Section::new(Default::default(), None),
                peek: true,
                partial: None,
            };
            s.uid_fetch(7).unwrap().begin_literal(&body, 5);
            s.literal(Bytes::from_static(b"hello")).unwrap();
            let mut row = s.resume_fetch().unwrap();
            row.flags(SystemFlags::SEEN, [""; 0]);
            row.finish();
            ok(s);
        },
        "* 7 UIDFETCH (BODY[] {5}
         hello FLAGS (\\Seen))
         $ OK done",
    );
    assert!(heard[0].starts_with("UidFetchBegin { uid: 7"), "{heard:?}");
    assert_eq!(heard[1], "chunk hello");
    assert!(heard[2].starts_with("FetchEnd"), "{heard:?}");
}

#[test]
fn sections_3_4_and_3_6_vanished() {
    let mut duet = enabled();
    duet.ask(
        "EXPUNGE",
        |s, _| {
            assert!(s.expunge(1).is_err());
            s.vanished(false, [(405, 405), (407, 407), (410, 410), (425, 425)]).unwrap();
            s.ok(None, "expunged").unwrap();
        },
        "* VANISHED 405,407,410,425
         $ OK expunged",
    );
    duet.ask(
        "UID MOVE 597 \"Archives/2023/2023-05\"",
        |s, _| {
            let code = Code::CopyUid { uid_validity: 1_685_977_201, from: &[(597, 597)], to: &[(2, 2)] };
            s.untagged_ok(Some(code), "UID MOVE").unwrap();
            s.vanished(false, [(597, 597)]).unwrap();
            s.ok(None, "UID MOVE Completed").unwrap();
        },
        "* OK [COPYUID 1685977201 597 2] UID MOVE
         * VANISHED 597
         $ OK UID MOVE Completed",
    );
    assert!(duet.peer.client.enabled().contains(Capabilities::UIDONLY));
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9586.txt"));
}
