//! The RFCs' own examples, heard by the client machine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/client.rs"]
mod client;

use client::Peer;
use imap4_proto::types::{
    Attribute, Command, Reading, Response, ResponseCode, Status, SystemFlags, WireBody, WireKind,
};

fn read(wire: &str) -> Response<'_> {
    Response::parse(wire.as_bytes(), Reading::STRICT).unwrap()
}

fn items(wire: &str) -> Vec<Attribute<'_>> {
    let Response::Fetch(f) = read(wire) else { panic!("{wire}") };
    f.items.iter().collect()
}

#[test]
fn rfc9051_section_8_sample_connection() {
    let mut peer = Peer::new(
        "* OK [CAPABILITY STARTTLS AUTH=SCRAM-SHA-256 LOGINDISABLED IMAP4rev2] IMAP4rev2 Service Ready",
    );
    assert!(peer.client.capabilities().unwrap().offers("SCRAM-SHA-256"));
    peer.client.start_tls().unwrap();
    peer.said("A1 STARTTLS\r\n");
    peer.server("A1 OK Proceed with TLS negotiation\r\n");
    peer.upgraded();
    peer.said("A2 CAPABILITY\r\n");
    peer.server("* CAPABILITY IMAP4rev2 AUTH=SCRAM-SHA-256\r\nA2 OK done\r\n");
    peer.client.authenticate("SCRAM-SHA-256", Some(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")).unwrap();
    // IMAP4rev2 has SASL-IR in it.
    peer.said("A3 AUTHENTICATE SCRAM-SHA-256 biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=\r\n");
    peer.server("+ cj1yT3ByTkdmd0ViZVJXZ2JORWtxTyVodllEcFdVYTJSYVRDQWZ1eEZJbGopaE5sRiRrMCxzPVcyMlphSjBTTlk3c29Fc1VFamI2Z1E9PSxpPTQwOTYK\r\n");
    peer.client.respond(b"c=biws").unwrap();
    peer.server("+ dj02cnJpVFJCaTIzV3BSUi93dHVwK21NaFVaVW4vZEI1bkxUSlJzamw5NUc0PQ==\r\n");
    peer.client.respond(b"").unwrap();
    peer.said("Yz1iaXdz\r\n\r\n");
    peer.server("A3 OK SCRAM-SHA-256 authentication successful\r\n");
    let select = imap4_proto::types::Select::new(peer.client.mailbox(b"inbox"), false);
    peer.client.command(&Command::Select(select)).unwrap();
    peer.said("A4 SELECT inbox\r\n");
    peer.heard.clear();
    peer.server("* 18 EXISTS\r\n* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n* OK [UIDVALIDITY 3857529045] UIDs valid\r\n* LIST () \"/\" INBOX ($TEST_EXT 1)\r\nA4 OK [READ-WRITE] SELECT completed\r\n");
    assert_eq!(peer.heard.len(), 5);
    let envelope = "* 12 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 ENVELOPE (\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \"<B27397-0100000@cac.washington.ed>\") BODYSTRUCTURE (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92 NIL NIL NIL NIL))\r\n";
    let all = items(envelope);
    let Attribute::Envelope(e) = &all[3] else { panic!("{all:?}") };
    let cc: Vec<_> = e.cc().iter().map(|a| a.mailbox.unwrap()).collect();
    assert!(cc.len() == 2 && cc[1] == "KLENSIN");
    let Attribute::Structure { extensible: true, body } = &all[4] else { panic!() };
    let WireBody::Single(part) = body.root().read() else { panic!() };
    assert!(part.octets == 3028 && matches!(part.kind, WireKind::Text(92)));
    peer.heard.clear();
    peer.server("* 12 FETCH (BODY[HEADER] {6}\r\nDate: )\r\n");
    peer.heard(&["FetchBegin { number: 12", "chunk Date: ", "FetchEnd"]);
}

#[test]
fn rfc3501_section_7_responses() {
    assert_eq!(
        read("* OK [ALERT] System shutdown in 10 minutes\r\n"),
        read("* ok [alert] System shutdown in 10 minutes\r\n")
    );
    let Response::Condition { status: Status::Bye, .. } = read("* BYE Autologout; idle for too long\r\n")
    else {
        panic!()
    };
    let Response::List(l) = read("* LIST (\\Noselect) \"/\" ~/Mail/foo\r\n") else { panic!() };
    assert_eq!((l.delimiter, l.name.decode().unwrap().as_ref()), (Some('/'), "~/Mail/foo"));
    let Response::Status { data, .. } = read("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)\r\n") else {
        panic!()
    };
    assert_eq!((data.messages, data.uid_next), (Some(231), Some(44_292)));
    let Response::Search { found, .. } = read("* SEARCH 2 3 6\r\n") else { panic!() };
    assert_eq!(found.iter().collect::<Vec<_>>(), [2, 3, 6]);
    assert_eq!(read("* 44 EXPUNGE\r\n"), Response::Expunge(44));
    let all = items("* 23 FETCH (FLAGS (\\Seen) RFC822.SIZE 44827)\r\n");
    let Attribute::Flags(f) = all[0] else { panic!() };
    assert_eq!(f.system(), SystemFlags::SEEN);
}

#[test]
fn rfc2177_idle() {
    let mut peer = Peer::authenticated("IDLE");
    peer.client.idle().unwrap();
    peer.server("+ idling\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n");
    peer.client.idle_done().unwrap();
    peer.server("A1 OK IDLE terminated\r\n");
    peer.heard(&[
        "Idling",
        "Response(Expunge(2))",
        "Response(Exists(3))",
        "Done { tag: Tag(1), kind: Idle, status: Ok",
    ]);
    peer.said("A1 IDLE\r\nDONE\r\n");
}

#[test]
fn rfc2342_2971_4315_4731_5161_7162() {
    let Response::Namespace { personal, other_users, shared } = read(
        "* NAMESPACE ((\"\" \"/\")) ((\"~\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) ((\"#shared/\" \"/\")(\"#public/\" NIL))\r\n",
    ) else {
        panic!()
    };
    assert_eq!((personal.iter().count(), other_users.iter().count(), shared.iter().count()), (1, 1, 2));
    let Response::Id(id) = read("* ID (\"name\" \"Cyrus\" \"version\" NIL)\r\n") else { panic!() };
    assert_eq!(id.iter().count(), 2);
    let Response::Tagged { text, .. } = read("A003 OK [COPYUID 38505 304,319:320 3956:3958] Done\r\n") else {
        panic!()
    };
    assert!(matches!(text.code, Some(ResponseCode::CopyUid { uid_validity: 38_505, .. })));
    let Response::Esearch(e) = read("* ESEARCH (TAG \"A282\") UID MIN 2 COUNT 3 ALL 2,10:11\r\n") else {
        panic!()
    };
    assert_eq!((e.uid, e.min, e.count, e.all.unwrap().ranges().count()), (true, Some(2), Some(3), 2));
    assert!(
        matches!(read("* ENABLED CONDSTORE X-GOOD-IDEA\r\n"), Response::Enabled(l) if l.names().count() == 2)
    );
    assert!(matches!(read("* VANISHED (EARLIER) 41,43:116\r\n"), Response::Vanished { earlier: true, .. }));
    assert_eq!(items("* 1 FETCH (MODSEQ (624140003))\r\n"), [Attribute::ModSeq(624_140_003)]);
    let Response::Search { modseq, .. } = read("* SEARCH 2 5 6 (MODSEQ 917162500)\r\n") else { panic!() };
    assert_eq!(modseq, Some(917_162_500));
}
