//! RFC 9738: MESSAGELIMIT.

use imap4_proto::types::{Capabilities, Code, Command, SearchKey};

use crate::{
    client::Peer,
    common::{Talk, config},
    duet::{Duet, off},
};

#[test]
fn section_3_1_examples() {
    let mut duet = Duet::selected();
    let limit = Code::MessageLimit { limit: 1000, uid: Some(23_221) };
    let heard = duet.ask(
        "UID SEARCH UID 22000:25000 UNDELETED",
        |s, _| {
            s.search([25_000, 24_998, 23_221], None).unwrap();
            s.ok(Some(limit), "SEARCH completed with 1000 partial results").unwrap();
        },
        "* SEARCH 25000 24998 23221
         $ OK [MESSAGELIMIT 1000 23221] SEARCH completed with 1000 partial results",
    );
    assert!(heard[1].contains("MessageLimit { limit: 1000, uid: Some(23221) }"), "{heard:?}");
    let heard = duet.ask(
        "UID FETCH 22000:25000 (UID FLAGS MODSEQ) (PARTIAL -1:-1500)",
        |s, _| {
            let code = Code::MessageLimit { limit: 1000, uid: None };
            s.no(Some(code), "FETCH exceeds the maximum 1000-message limit").unwrap();
        },
        "$ NO [MESSAGELIMIT 1000] FETCH exceeds the maximum 1000-message limit",
    );
    assert!(heard[0].contains("uid: None"), "{heard:?}");
}

#[test]
fn section_3_2_uidafter_and_uidbefore() {
    let mut duet = Duet::selected();
    duet.ask(
        "UID SEARCH UIDAFTER 25000 UNDELETED UIDBEFORE 30000",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            let SearchKey::And(keys) = search.key else { panic!() };
            assert_eq!((&keys[0], &keys[2]), (&SearchKey::UidAfter(25_000), &SearchKey::UidBefore(30_000)));
            s.search([27_800, 27_798, 25_001], None).unwrap();
            s.ok(None, "SEARCH completed").unwrap();
        },
        "* SEARCH 27800 27798 25001
         $ OK SEARCH completed",
    );
    off(Capabilities::MESSAGELIMIT, &[("UID SEARCH UIDAFTER 1", "BAD MESSAGELIMIT is not on")]);
}

#[test]
fn the_capability_has_its_limit_or_is_not_shown() {
    let mut c = config();
    c.capabilities = Capabilities::IMAP4REV1 | Capabilities::MESSAGELIMIT | Capabilities::SAVELIMIT;
    let said = Talk::logged_in(c.clone(), false).send(b"a CAPABILITY\r\n", &mut |_, _| {});
    assert_eq!(said, "* CAPABILITY IMAP4rev1\r\na OK CAPABILITY completed\r\n");
    (c.message_limit, c.save_limit) = (Some(1000), Some(500));
    let said = Talk::logged_in(c, false).send(b"a CAPABILITY\r\n", &mut |_, _| {});
    assert_eq!(
        said,
        "* CAPABILITY IMAP4rev1 MESSAGELIMIT=1000 SAVELIMIT=500\r\na OK CAPABILITY completed\r\n"
    );
    let peer = Peer::authenticated("MESSAGELIMIT=1000 SAVELIMIT=500");
    let known = peer.client.capabilities().unwrap();
    assert_eq!((known.message_limit, known.save_limit), (Some(1000), Some(500)));
    assert!(peer.client.has(Capabilities::MESSAGELIMIT));
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9738.txt"));
}
