//! The client machine against the server machine, in memory, with the wire cut at random: login, list, select, fetch, append,
//! idle, logout.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use bytes::Bytes;
use imap4_proto::{
    client::{self, Client},
    server::{Config, Event, Passwords, Server},
    types::{
        Address, AppendMessage, Attribute, Capabilities, Code, Command, CommandKind, Envelope, Fetch,
        FetchItem, FetchItems, FlagList, List, ListData, MailboxAttributes, Patterns, Response, ResponseCode,
        Section, Select, SequenceSet, Status, SystemFlags,
    },
};
use mail_wire::{Instant, Machine, OutputQueue, Poll};
use proptest::prelude::*;

const MESSAGE: &[u8] = b"From: a@b\r\nSubject: {3}\r\n\r\n* 1 EXISTS\r\nA1 OK )\r\n";

/// One direction of the wire: what is sent and not yet received.
#[derive(Default)]
struct Wire(Vec<u8>);

impl Wire {
    fn take(&mut self, out: &mut OutputQueue) -> bool {
        let sent: Vec<u8> = out.segments().flatten().copied().collect();
        out.advance(sent.len());
        self.0.extend_from_slice(&sent);
        !sent.is_empty()
    }
}

/// What the host of the server does.
fn serve(server: &mut Server, event: Event<'_>, stored: &mut Vec<u8>) {
    match event {
        Event::Command(Command::Login { user, password }) => {
            assert!(user == "fr\u{e9}d" && password == "a\"b\\c");
            server.authenticated("in").unwrap();
        }
        Event::Command(Command::List(list)) => {
            assert!(!list.is_extended());
            server.list(&ListData::new(MailboxAttributes::HAS_NO_CHILDREN, Some('/'), "INBOX")).unwrap();
            server.list(&ListData::new(MailboxAttributes::SENT, Some('/'), "Gesendet & \u{e4}")).unwrap();
            server.ok(None, "listed").unwrap();
        }
        Event::Command(Command::Select(select)) => {
            assert_eq!(select.mailbox.decode().unwrap(), "Gesendet & \u{e4}");
            server.flags(SystemFlags::ALL, ["$Junk"]).unwrap();
            server.exists(1).unwrap();
            server.untagged_ok(Some(Code::UidValidity(9)), "").unwrap();
            server.selected(false, "selected").unwrap();
        }
        Event::Command(Command::Fetch(fetch)) => {
            assert!(fetch.uid);
            let mut r = server.fetch(1).unwrap();
            r.uid(7).flags(SystemFlags::SEEN, ["$Junk"]).rfc822_size(MESSAGE.len() as u64);
            let mut envelope = Envelope::default();
            envelope.subject = Some(b"{3}\r\n"[..].into());
            let mut from = Address::default();
            from.host = Some(b"b"[..].into());
            envelope.from.push(from);
            let mut text = Vec::new();
            envelope.encode(&mut text, false);
            r.raw(&FetchItem::Envelope, &text);
            let body = FetchItem::BodySection {
                section: Section::new(Default::default(), None),
                peek: true,
                partial: None,
            };
            r.begin_literal(&body, MESSAGE.len() as u64);
            server.literal(Bytes::from_static(MESSAGE)).unwrap();
            let mut r = server.resume_fetch().unwrap();
            r.modseq(5);
            r.finish();
            server.ok(None, "fetched").unwrap();
        }
        Event::AppendBegin(begin) => {
            assert_eq!(
                (begin.message.len, begin.message.flags.system()),
                (MESSAGE.len() as u64, SystemFlags::SEEN)
            );
            server.accept_literal().unwrap();
        }
        Event::AppendChunk(octets) => stored.extend_from_slice(octets),
        Event::AppendEnd => {
            let code = Code::AppendUid { uid_validity: 9, uids: &[(8, 8)] };
            server.ok(Some(code), "stored").unwrap();
        }
        Event::Command(Command::Idle) => {
            server.accept_idle().unwrap();
            server.exists(2).unwrap();
        }
        Event::IdleDone => server.ok(None, "idled").unwrap(),
        Event::Command(Command::Logout) => server.logout("bye").unwrap(),
        Event::Command(Command::Noop) => server.ok(None, "noop").unwrap(),
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    }
}

/// What the client's user has heard.
#[derive(Default, Debug, PartialEq, Eq)]
struct Heard {
    mailboxes: Vec<String>,
    uid: Option<u32>,
    subject: Option<Vec<u8>>,
    modseq: Option<u64>,
    body: Vec<u8>,
    exists: Vec<u32>,
    appended: bool,
    done: Vec<CommandKind>,
}

fn user(client: &mut Client, event: client::Event<'_>, heard: &mut Heard) {
    use client::Event as E;
    let mut items = |all: imap4_proto::types::Attributes<'_>| {
        for item in all.iter() {
            match item {
                Attribute::Uid(n) => heard.uid = Some(n),
                Attribute::Envelope(e) => heard.subject = e.subject().map(|s| s.bytes().into_owned()),
                Attribute::ModSeq(n) => heard.modseq = Some(n),
                Attribute::Flags(f) => assert_eq!(f.keywords().collect::<Vec<_>>(), ["$Junk"]),
                Attribute::Rfc822Size(n) => assert_eq!(n, MESSAGE.len() as u64),
                other => panic!("{other:?}"),
            }
        }
    };
    match event {
        E::Greeting { status, .. } => {
            assert_eq!(status, Status::Ok);
            client.login("fr\u{e9}d", "a\"b\\c").unwrap();
            let list = List::new(client.mailbox(b""), Patterns::parse(b"*", false).unwrap());
            client.command(&Command::List(list)).unwrap();
            let name = client.encode_name("Gesendet & \u{e4}").into_owned();
            let select = Select::new(client.mailbox(&name), false);
            client.command(&Command::Select(select)).unwrap();
            let set = SequenceSet::parse(b"1:*").unwrap();
            let what = FetchItems::parse(b"(UID FLAGS RFC822.SIZE ENVELOPE BODY.PEEK[] MODSEQ)").unwrap();
            client.command(&Command::Fetch(Fetch::new(true, set, what))).unwrap();
        }
        E::Response(Response::List(l)) => heard.mailboxes.push(l.name.decode().unwrap().into_owned()),
        E::Response(Response::Exists(n)) => {
            heard.exists.push(n);
            if n == 2 {
                client.idle_done().unwrap();
            }
        }
        E::FetchBegin { number, items: before, literal } => {
            assert_eq!((number, literal.len), (1, MESSAGE.len() as u64));
            items(before);
        }
        E::FetchChunk(octets) => heard.body.extend_from_slice(octets),
        E::FetchEnd { items: after } => items(after),
        E::Done { kind, status, text, .. } => {
            assert_eq!(status, Status::Ok, "{kind:?} {text:?}");
            heard.done.push(kind);
            match kind {
                CommandKind::UidFetch => {
                    let mut message = AppendMessage::new(MESSAGE.len() as u64);
                    message.flags = FlagList::parse(b"\\Seen").unwrap();
                    client.append(&client.mailbox(b"INBOX"), &message).unwrap();
                    send(client);
                }
                CommandKind::Append => {
                    heard.appended =
                        matches!(text.code, Some(ResponseCode::AppendUid { uid_validity: 9, .. }));
                    client.idle().unwrap();
                }
                CommandKind::Idle => {
                    client.command(&Command::Noop).unwrap();
                    client.command(&Command::Logout).unwrap();
                }
                _ => {}
            }
        }
        E::AppendReady => send(client),
        E::Response(_) | E::Continued | E::Idling => {}
        other => panic!("{other:?}"),
    }
}

fn send(client: &mut Client) {
    if client.append_ready() {
        for part in MESSAGE.chunks(7) {
            client.append_chunk(Bytes::from_static(part)).unwrap();
        }
        client.append_end().unwrap();
    }
}

fn dialogue(literals: Capabilities, cuts: &[usize]) {
    let mut config = Config::default();
    config.capabilities = Capabilities::IMAP4REV1
        | Capabilities::IDLE
        | Capabilities::UIDPLUS
        | Capabilities::CONDSTORE
        | literals;
    config.passwords = Passwords::Always;
    let mut server = Server::new(config);
    let mut client = Client::new(client::Config::default());
    let (mut to_server, mut to_client) = (Wire::default(), Wire::default());
    let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
    let (mut stored, mut heard) = (Vec::new(), Heard::default());
    let mut cuts = cuts.iter().copied().cycle();
    let mut closed = (false, false);
    while !(closed.0 && closed.1) {
        let n = cuts.next().unwrap().min(to_server.0.len());
        at_server.extend(to_server.0.drain(..n));
        while !closed.0 {
            match server.poll(&at_server, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = at_server.drain(..n).collect();
                    let event = server.event(&frame);
                    serve(&mut server, event, &mut stored);
                }
                Poll::Skip(n) => drop(at_server.drain(..n)),
                Poll::Close => closed.0 = true,
                Poll::NeedInput { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        let mut moved = to_client.take(server.output());
        let n = cuts.next().unwrap().min(to_client.0.len());
        at_client.extend(to_client.0.drain(..n));
        while !closed.1 {
            match client.poll(&at_client, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = at_client.drain(..n).collect();
                    let event = client.event(&frame);
                    user(&mut client, event, &mut heard);
                }
                Poll::Skip(n) => drop(at_client.drain(..n)),
                Poll::Close => closed.1 = true,
                Poll::NeedInput { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        moved |= to_server.take(client.output());
        assert!(
            moved || !to_server.0.is_empty() || !to_client.0.is_empty() || (closed.0 && closed.1),
            "{heard:?}"
        );
    }
    assert_eq!(stored, MESSAGE);
    use CommandKind as K;
    let wanted = Heard {
        mailboxes: vec!["INBOX".into(), "Gesendet & \u{e4}".into()],
        uid: Some(7),
        subject: Some(b"{3}\r\n".to_vec()),
        modseq: Some(5),
        body: MESSAGE.to_vec(),
        exists: vec![1, 2],
        appended: true,
        done: vec![K::Login, K::List, K::Select, K::UidFetch, K::Append, K::Idle, K::Noop, K::Logout],
    };
    assert_eq!(heard, wanted);
}

#[test]
fn a_dialogue_whole() {
    for literals in [Capabilities::NONE, Capabilities::LITERAL_PLUS, Capabilities::LITERAL_MINUS] {
        dialogue(literals, &[usize::MAX]);
        dialogue(literals, &[1]);
    }
}

/// Octets of a message are slices of what was received, and segments of what was given: at no time is there a copy of them.
#[test]
fn literals_pass_as_slices_in_all_four_directions() {
    let payload = Bytes::from(vec![b'x'; 5000]);
    let is_sent =
        |out: &OutputQueue| out.segments().any(|s| s.as_ptr() == payload.as_ptr() && s.len() == 5000);
    let mut server = Server::preauthenticated(Config::default());
    let mut wire = b"a APPEND x {5000}\r\n".to_vec();
    wire.extend_from_slice(&payload);
    let (mut at, mut passed) = (0, 0);
    while let Poll::Frame(n) = server.poll(&wire[at..], Instant::ZERO).unwrap() {
        let frame = &wire[at..at + n];
        match server.event(frame) {
            Event::AppendBegin(_) => server.accept_literal().unwrap(),
            Event::AppendChunk(octets) => {
                assert_eq!(octets.as_ptr_range(), frame.as_ptr_range());
                passed += octets.len();
            }
            other => panic!("{other:?}"),
        }
        at += n;
    }
    assert_eq!(passed, 5000);

    let mut server = Server::preauthenticated(Config::default());
    _ = server.poll(b"", Instant::ZERO);
    server.fetch(1).unwrap().begin_literal(&FetchItem::Rfc822, 5000);
    server.literal(payload.clone()).unwrap();
    assert!(is_sent(server.output()));

    let mut client = Client::new(client::Config::default());
    let mut wire = b"* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n* 1 FETCH (RFC822 {5000}\r\n".to_vec();
    wire.extend_from_slice(&payload);
    wire.extend_from_slice(b")\r\n+ go on\r\n");
    let (mut at, mut passed) = (0, 0);
    while let Poll::Frame(n) = client.poll(&wire[at..], Instant::ZERO).unwrap() {
        let frame = &wire[at..at + n];
        match client.event(frame) {
            client::Event::FetchChunk(octets) => {
                assert_eq!(octets.as_ptr_range(), frame.as_ptr_range());
                passed += octets.len();
            }
            client::Event::FetchEnd { .. } => {
                let inbox = client.mailbox(b"INBOX");
                client.append(&inbox, &AppendMessage::new(5000)).unwrap();
            }
            client::Event::AppendReady => client.append_chunk(payload.clone()).unwrap(),
            _ => {}
        }
        at += n;
    }
    assert_eq!(passed, 5000);
    assert!(is_sent(client.output()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_dialogue_in_pieces(plus in any::<bool>(), cuts in proptest::collection::vec(1usize..40, 1..20)) {
        dialogue(if plus { Capabilities::LITERAL_PLUS } else { Capabilities::NONE }, &cuts);
    }
}
