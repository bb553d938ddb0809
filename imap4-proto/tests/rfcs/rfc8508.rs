//! RFC 8508: REPLACE.

use bytes::Bytes;
use imap4_proto::{
    server::{Answered, Event, Server},
    types::{
        AString, AppendMessage, Capabilities, CatenatePart, CatenateUrl, Code, CommandKind, FlagList, ListOf,
        Replaced, SeqNumber,
    },
};

use crate::{
    common::{Talk, config},
    duet::Duet,
};

const MESSAGE: &[u8] = b"Date: Thu, 1 Jan 2015 00:05:00 -0500 (EST)\r\nSubject: happy new year !!\r\n\r\nJust saw the best fireworks show.\r\n";

/// Stores the message in the place of message 4.
fn host(s: &mut Server, event: Event<'_>) {
    match event {
        Event::AppendBegin(begin) => {
            let replaced = begin.replaces.unwrap();
            assert!(begin.mailbox.bytes().as_ref() == b"Drafts" && replaced.number != SeqNumber::Largest);
            s.accept_literal().unwrap();
        }
        Event::AppendPart(_) => s.accept_literal().unwrap(),
        Event::AppendChunk(_) => {}
        Event::AppendEnd => {
            let code = Code::AppendUid { uid_validity: 1, uids: &[(2000, 2000)] };
            s.untagged_ok(Some(code), "Replacement Message ready").unwrap();
            s.exists(5).unwrap();
            s.expunge(4).unwrap();
            s.ok(None, "Replace completed").unwrap();
        }
        Event::AppendAbort | Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn section_3_examples() {
    for uid in [false, true] {
        let mut duet = Duet::selected();
        let mut message = AppendMessage::new(MESSAGE.len() as u64);
        message.flags = FlagList::parse(b"\\Seen \\Draft").unwrap();
        let mailbox = duet.peer.client.mailbox(b"Drafts");
        let replaced = Replaced::new(uid, SeqNumber::Number(4.try_into().unwrap()));
        let tag = duet.peer.client.replace(replaced, &mailbox, &message).unwrap();
        let wire = duet.peer.output();
        let verb = if uid { "UID REPLACE" } else { "REPLACE" };
        assert_eq!(wire, format!("{tag} {verb} 4 Drafts (\\Seen \\Draft) {{{}}}\r\n", MESSAGE.len()));
        duet.said = duet.talk.send(wire.as_bytes(), &mut host);
        duet.says("+ Ready for literal data");
        duet.peer.server("+ Ready for literal data\r\n");
        assert!(duet.peer.heard.last().unwrap() == "AppendReady");
        assert!(duet.peer.client.append_next(&message).is_err(), "REPLACE has one message");
        duet.peer.client.append_chunk(Bytes::from_static(MESSAGE)).unwrap();
        assert!(duet.peer.client.append_next(&message).is_err(), "REPLACE has one message");
        duet.peer.client.append_end().unwrap();
        duet.carry(&mut host);
        duet.says(&format!(
            "* OK [APPENDUID 1 2000] Replacement Message ready
             * 5 EXISTS
             * 4 EXPUNGE
             {tag} OK Replace completed"
        ));
        let kind = if uid { "kind: UidReplace" } else { "kind: Replace" };
        assert!(duet.peer.heard.last().unwrap().contains(kind), "{:?}", duet.peer.heard);
    }
}

#[test]
fn section_3_5_with_catenate() {
    let mut duet = Duet::selected();
    let text = b"To: Mitzy <miss.mitzy@example.org>\r\nSubject: My view of the fireworks\r\n\r\n";
    let urls = [CatenateUrl(AString::new(b"/Drafts/;UID=3002"))];
    let message = AppendMessage::catenate(CatenatePart::new(ListOf::EMPTY, Some(text.len() as u64)));
    let mailbox = duet.peer.client.mailbox(b"Drafts");
    let replaced = Replaced::new(true, SeqNumber::Number(3002.try_into().unwrap()));
    let tag = duet.peer.client.replace(replaced, &mailbox, &message).unwrap();
    duet.carry(&mut host);
    duet.peer.client.append_chunk(Bytes::from_static(text)).unwrap();
    duet.peer.client.append_part(&CatenatePart::new(ListOf::new(&urls), None)).unwrap();
    duet.peer.client.append_end().unwrap();
    let wire = duet.peer.output();
    assert!(wire.ends_with(" URL \"/Drafts/;UID=3002\")\r\n"), "{wire}");
    let said = duet.talk.send(wire.as_bytes(), &mut host);
    assert!(said.ends_with(&format!("{tag} OK Replace completed\r\n")), "{said}");
}

#[test]
fn one_message_alone_and_in_a_selected_mailbox() {
    let mut talk = Talk::logged_in(config(), true);
    let said = talk.send(b"a REPLACE 4 Drafts {1+}\r\nx {1+}\r\ny\r\n", &mut host);
    assert_eq!(said, "a BAD Something follows the message\r\n");
    let said = talk.send(b"a REPLACE 4:5 Drafts {1+}\r\nx\r\n", &mut host);
    assert_eq!(said, "a BAD A space is missing\r\n");
    let said = talk.send(b"a REPLACE 4 Drafts\r\n", &mut host);
    assert_eq!(said, "a BAD A space is missing\r\n");
    let mut talk = Talk::logged_in(config(), false);
    for verb in ["REPLACE", "UID REPLACE"] {
        let said = talk.send(format!("a {verb} 4 Drafts {{1}}\r\n").as_bytes(), &mut |_, event| {
            assert!(matches!(
                event,
                Event::Answered(Answered::OutOfPlace(CommandKind::Replace | CommandKind::UidReplace))
            ));
        });
        assert_eq!(said, "a BAD Select a mailbox first\r\n");
    }
    let mut c = config();
    c.capabilities = c.capabilities.without(Capabilities::REPLACE);
    let mut talk = Talk::logged_in(c, true);
    assert_eq!(talk.send(b"a REPLACE 4 Drafts {1+}\r\nx\r\n", &mut host), "a BAD Unknown command\r\n");
    assert_eq!(talk.send(b"a UID REPLACE 4 Drafts {1}\r\n", &mut host), "a BAD Unknown UID command\r\n");
}

#[test]
fn a_refused_replacement_leaves_everything_as_it_was() {
    let mut talk = Talk::logged_in(config(), true);
    let mut refusing = |s: &mut Server, event: Event<'_>| match event {
        Event::AppendBegin(_) => s.no(Some(Code::TryCreate), "no such mailbox").unwrap(),
        Event::Command(_) => s.ok(None, "done").unwrap(),
        other => panic!("{other:?}"),
    };
    let said = talk.send(b"a REPLACE 4 Drafts {8+}\r\nb NOOP\r\n\r\nc NOOP\r\n", &mut refusing);
    assert_eq!(said, "a NO [TRYCREATE] no such mailbox\r\nc OK done\r\n");
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc8508.txt"));
}
