//! RFC 9051: what IMAP4rev2 does differently, and the extensions' syntax that the types carry already.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Server},
    types::{
        Capabilities, Command, EsearchData, FetchItem, ListData, MailboxAttributes, SearchReturn, StatusData,
        StatusItems, SystemFlags as S,
    },
};

fn rev2(selected: bool) -> Talk {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1 | Capabilities::IMAP4REV2;
    let mut talk = Talk::logged_in(config, selected);
    let answer = talk.send(b"e ENABLE IMAP4rev2\r\n", &mut |s, event| {
        assert!(matches!(event, Event::Command(Command::Enable(_))));
        s.enable(Capabilities::IMAP4REV2).unwrap();
        s.ok(None, "done").unwrap();
    });
    assert_eq!(answer, "* ENABLED IMAP4rev2\r\ne OK done\r\n");
    talk
}

#[test]
fn the_base_protocol_brings_its_extensions_with_it() {
    let mut talk = rev2(true);
    let mut seen = Vec::new();
    let wire = "a NAMESPACE\r\nb UNSELECT\r\n";
    talk.send(wire.as_bytes(), &mut |s, event| {
        seen.push(format!("{event:?}"));
        s.ok(None, "done").unwrap();
    });
    assert_eq!(seen, ["Command(NAMESPACE)", "Command(UNSELECT)"]);
    for command in [
        "UID EXPUNGE 1",
        "MOVE 1 x",
        "SEARCH RETURN (SAVE COUNT) ALL",
        "FETCH $ (BINARY.SIZE[1] BINARY.PEEK[2.1]<0.5>)",
        "STATUS x (SIZE DELETED)",
        "LIST (SUBSCRIBED) \"\" (a b) RETURN (STATUS (MESSAGES) CHILDREN SPECIAL-USE)",
        "IDLE",
    ] {
        assert!(Command::parse(command.as_bytes(), true).is_some(), "{command}");
        let mut talk = rev2(true);
        let mut taken = false;
        talk.send(format!("a {command}\r\n").as_bytes(), &mut |s, event| {
            taken = matches!(event, Event::Command(_));
            s.no(None, "x").unwrap_or(());
        });
        assert!(taken, "{command}");
    }
}

#[test]
fn no_recent_and_search_answers_as_esearch() {
    let mut talk = rev2(true);
    let answer = talk.send(b"A283 SEARCH RETURN (MIN COUNT) FLAGGED\r\n", &mut |s, event| {
        let Event::Command(Command::Search(search)) = event else { panic!("{event:?}") };
        assert_eq!(search.returns, Some(SearchReturn::MIN | SearchReturn::COUNT));
        s.recent(3).unwrap();
        s.flags(S::ALL | S::RECENT, [""; 0]).unwrap();
        s.fetch(2).unwrap().flags(S::SEEN | S::RECENT, [""; 0]);
        s.resume_fetch().unwrap().finish();
        let mut data = EsearchData::default();
        data.min = Some(2);
        data.count = Some(3);
        s.esearch(&data).unwrap();
        data.uid = true;
        data.all = Some(&[(2, 2), (10, 15)]);
        data.max = Some(15);
        data.modseq = Some(9);
        s.esearch(&data).unwrap();
        data = EsearchData::default();
        data.all = Some(&[]);
        s.esearch(&data).unwrap();
        s.ok(None, "SEARCH completed").unwrap();
    });
    assert_eq!(
        answer,
        concat!(
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n",
            "* 2 FETCH (FLAGS (\\Seen))\r\n",
            "* ESEARCH (TAG \"A283\") MIN 2 COUNT 3\r\n",
            "* ESEARCH (TAG \"A283\") UID MIN 2 MAX 15 ALL 2,10:15 COUNT 3 MODSEQ 9\r\n",
            "* ESEARCH (TAG \"A283\")\r\n",
            "A283 OK SEARCH completed\r\n"
        )
    );
}

#[test]
fn list_answers_have_extended_data() {
    let mut talk = rev2(false);
    let answer = talk.send(b"a LIST \"\" \"INBOX\"\r\n", &mut |s, _| {
        let mut data = ListData::new(MailboxAttributes::NON_EXISTENT, Some('/'), "x y");
        data.old_name = Some("\u{fc}");
        data.child_subscribed = true;
        s.list(&data).unwrap();
        let mut data = StatusData::default();
        data.deleted = Some(1);
        data.size = Some(1 << 40);
        data.append_limit = Some(None);
        s.status("INBOX", &data).unwrap();
        s.status("INBOX", &StatusData::default()).unwrap();
        s.ok(None, "done").unwrap();
    });
    assert_eq!(
        answer,
        "* LIST (\\NonExistent) \"/\" \"x y\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"\u{fc}\"))\r\n* STATUS INBOX (DELETED 1 SIZE 1099511627776 APPENDLIMIT NIL)\r\n* STATUS INBOX ()\r\na OK done\r\n"
    );
}

#[test]
fn what_is_not_on_is_no_command() {
    let mut config = config();
    config.capabilities = Capabilities::IMAP4REV1;
    for command in [
        "SEARCH RETURN () ALL",
        "SEARCH MODSEQ 5",
        "SEARCH $",
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 5)",
        "FETCH 1 BINARY[1]",
        "FETCH $ FLAGS",
        "STORE 1 (UNCHANGEDSINCE 5) FLAGS ()",
        "SELECT x (CONDSTORE)",
        "SELECT x (QRESYNC (1 2))",
        "STATUS x (SIZE)",
        "STATUS x (HIGHESTMODSEQ)",
        "STATUS x (DELETED)",
        "STATUS x (APPENDLIMIT)",
        "ENABLE CONDSTORE",
        "ID NIL",
        "NAMESPACE",
        "UNSELECT",
        "IDLE",
        "APPEND x ~{3}",
        "APPEND x UTF8 (~{3}",
    ] {
        let mut talk = Talk::logged_in(config.clone(), true);
        let answer = talk.send(format!("a {command}\r\n").as_bytes(), &mut |_, event| {
            assert!(matches!(event, Event::Answered(_)), "{command}: {event:?}");
        });
        assert!(answer.starts_with("a BAD ") && answer.ends_with(" is not on\r\n"), "{command}: {answer}");
    }
}

#[test]
fn condstore_and_qresync_arguments_are_read() {
    let read = |wire: &'static str| Command::parse(wire.as_bytes(), false);
    let Some(Command::Select(s)) =
        read("SELECT x (QRESYNC (67890007 20050715194045000 41,43:211 (1:3 41:45)) CONDSTORE)")
    else {
        panic!()
    };
    let q = s.qresync.unwrap();
    assert!(s.condstore && q.uid_validity == 67_890_007 && q.modseq == 20_050_715_194_045_000);
    assert_eq!(q.known_uids.unwrap().as_bytes(), b"41,43:211");
    assert_eq!(q.sequence_match.unwrap().1.as_bytes(), b"41:45");
    let Some(Command::Select(s)) = read("SELECT x (QRESYNC (1 2 (1 2)))") else { panic!() };
    assert!(s.qresync.unwrap().known_uids.is_none());
    let Some(Command::Fetch(f)) = read("UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)") else {
        panic!()
    };
    assert!(f.uid && f.vanished && f.changed_since == Some(12345) && f.items.iter().eq([FetchItem::Flags]));
    let Some(Command::Store(s)) = read("UID STORE 1 (UNCHANGEDSINCE 0) +FLAGS.SILENT (\\Seen)") else {
        panic!()
    };
    assert!(s.unchanged_since == Some(0));
    let Some(Command::Status { items, .. }) = read("STATUS x (HIGHESTMODSEQ APPENDLIMIT)") else { panic!() };
    assert_eq!(items, StatusItems::HIGHESTMODSEQ | StatusItems::APPENDLIMIT);
    for wire in [
        "SELECT x ()",
        "SELECT x (QRESYNC)",
        "SELECT x (QRESYNC (1))",
        "SELECT x (QRESYNC (0 1))",
        "SELECT x (QRESYNC (1 2 *))",
        "SELECT x (QRESYNC (1 2 3 (1)))",
        "FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)",
        "UID FETCH 1 FLAGS (VANISHED)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 0)",
        "UID FETCH 1 FLAGS ()",
        "SELECT x (CONDSTORE",
        "SELECT x CONDSTORE",
    ] {
        assert_eq!(read(wire), None, "{wire}");
    }
}

#[test]
fn utf_8_response_text_is_sent_to_those_who_read_it() {
    let mut talk = rev2(false);
    let mut host = |s: &mut Server, _: Event<'_>| s.ok(None, "schön\r\n* BYE").unwrap();
    assert_eq!(talk.send(b"a NOOP\r\n", &mut host), "a OK schön  * BYE\r\n");
    let mut talk = Talk::logged_in(config(), false);
    assert_eq!(talk.send(b"a NOOP\r\n", &mut host), "a OK sch?n  * BYE\r\n");
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc9051.txt"));
}
