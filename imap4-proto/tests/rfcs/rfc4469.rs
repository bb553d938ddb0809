//! RFC 4469: CATENATE.

use bytes::Bytes;
use imap4_proto::{
    server::{Answered, Event, Server},
    types::{
        AString, AppendMessage, Capabilities, CatenatePart, CatenateUrl, Code, FlagList, ListOf, SystemFlags,
    },
};

use crate::{
    common::{Talk, config},
    duet::Duet,
};

fn take(part: &CatenatePart<'_>, built: &mut Vec<String>, s: &mut Server) {
    built.extend(part.urls.iter().map(|u| format!("<{}>", String::from_utf8_lossy(&u.0.bytes()))));
    if part.urls.iter().any(|u| u.0 == "bad") {
        return s.refuse_literal(Some(Code::BadUrl("bad")), "CATENATE append has failed").unwrap();
    }
    s.accept_literal().unwrap();
}

/// What a host does with the parts: it keeps the URLs' names and the texts, in their order.
fn host(built: &mut Vec<String>) -> impl FnMut(&mut Server, Event<'_>) + '_ {
    |s, event| match event {
        Event::AppendBegin(begin) => {
            built.push("begin".into());
            match &begin.message.catenate {
                Some(part) => take(part, built, s),
                None => s.accept_literal().unwrap(),
            }
        }
        Event::AppendPart(part) => {
            built.push("part".into());
            take(&part, built, s);
        }
        Event::AppendNext(message) => {
            built.push("next".into());
            match &message.catenate {
                Some(part) => take(part, built, s),
                None => s.accept_literal().unwrap(),
            }
        }
        Event::AppendChunk(octets) => {
            let text = octets.escape_ascii().to_string();
            match built.last_mut() {
                Some(last) if last.starts_with('=') => last.push_str(&text),
                _ => built.push(format!("={text}")),
            }
        }
        Event::AppendEnd => {
            built.push("end".into());
            s.ok(None, "catenate append completed").unwrap();
        }
        Event::AppendAbort => built.push("abort".into()),
        Event::Answered(answered) => built.push(format!("{answered:?}")),
        Event::Command(_) => s.ok(None, "done").unwrap(),
        other => panic!("{other:?}"),
    }
}

const BOUNDARY: &str = "\r\n--------------030308070208000400050907\r\n";
const END: &str = "\r\n--------------030308070208000400050907--\r\n";
const BASE: &str = "/Drafts;UIDVALIDITY=385759045/";

/// The first example of section 3, as the client sends it.
fn example() -> String {
    format!(
        "A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL \"{BASE};UID=20/;section=HEADER\" TEXT {{42}}\r\n\
         {BOUNDARY} URL \"{BASE};UID=20/;section=1.MIME\" URL \"{BASE};UID=20/;section=1\" TEXT {{42}}\r\n\
         {BOUNDARY} URL \"{BASE};UID=30\" TEXT {{44}}\r\n\
         {END})\r\n"
    )
}

fn built() -> Vec<String> {
    let text = |t: &str| format!("={}", t.escape_default().to_string().replace("\\u{d}", "\\r"));
    vec![
        "begin".into(),
        format!("<{BASE};UID=20/;section=HEADER>"),
        text(BOUNDARY),
        "part".into(),
        format!("<{BASE};UID=20/;section=1.MIME>"),
        format!("<{BASE};UID=20/;section=1>"),
        text(BOUNDARY),
        "part".into(),
        format!("<{BASE};UID=30>"),
        text(END),
        "end".into(),
    ]
}

#[test]
fn section_3_example_at_the_server() {
    for piece in [1, 7, 64, 10_000] {
        let mut talk = Talk::logged_in(config(), false);
        let mut parts = Vec::new();
        let mut said = String::new();
        for octets in example().as_bytes().chunks(piece) {
            said.push_str(&talk.send(octets, &mut host(&mut parts)));
        }
        assert_eq!(parts, built(), "in pieces of {piece}");
        assert_eq!(
            said,
            format!("{}A003 OK catenate append completed\r\n", "+ Ready for literal data\r\n".repeat(3))
        );
    }
}

#[test]
fn section_3_example_by_the_client() {
    let mut duet = Duet::selected();
    let mut parts = Vec::new();
    let name = |tail: &str| -> CatenateUrl<'static> {
        CatenateUrl(AString::new(Box::leak(format!("{BASE}{tail}").into_boxed_str()).as_bytes()))
    };
    let first = [name(";UID=20/;section=HEADER")];
    let mut message = AppendMessage::catenate(CatenatePart::new(ListOf::new(&first), Some(42)));
    message.flags = FlagList::parse(b"\\Seen \\Draft $MDNSent").unwrap();
    let mailbox = duet.peer.client.mailbox(b"Drafts");
    duet.peer.client.append(&mailbox, &message).unwrap();
    assert!(!duet.peer.client.append_ready(), "it waits for the server");
    duet.carry(&mut host(&mut parts));
    let steps = [
        (BOUNDARY, vec![name(";UID=20/;section=1.MIME"), name(";UID=20/;section=1")], Some(42)),
        (BOUNDARY, vec![name(";UID=30")], Some(44)),
    ];
    for (text, urls, next) in &steps {
        assert!(duet.peer.client.append_ready());
        assert!(
            duet.peer.client.append_part(&CatenatePart::new(ListOf::EMPTY, None)).is_err(),
            "octets are owed"
        );
        duet.peer.client.append_chunk(Bytes::from_static(text.as_bytes())).unwrap();
        duet.peer.client.append_part(&CatenatePart::new(ListOf::new(urls), *next)).unwrap();
        duet.carry(&mut host(&mut parts));
    }
    duet.peer.client.append_chunk(Bytes::from_static(END.as_bytes())).unwrap();
    duet.peer.client.append_end().unwrap();
    duet.carry(&mut host(&mut parts));
    assert_eq!(parts, built());
    assert!(duet.said.ends_with("OK catenate append completed\r\n"));
    assert!(duet.peer.heard.last().unwrap().starts_with("Done"));
    assert_eq!(message.flags.system(), SystemFlags::SEEN | SystemFlags::DRAFT);
}

#[test]
fn messages_of_urls_alone_and_several_in_one_command() {
    let mut duet = Duet::selected();
    let mut parts = Vec::new();
    let (a, b) = (
        [CatenateUrl(AString::new(b"a"))],
        [CatenateUrl(AString::new(b"b c")), CatenateUrl(AString::new(b"d"))],
    );
    let urls = |list| CatenatePart::new(ListOf::new(list), None);
    let mailbox = duet.peer.client.mailbox(b"x");
    let client = &mut duet.peer.client;
    client.append(&mailbox, &AppendMessage::catenate(urls(&a))).unwrap();
    assert!(client.append_part(&urls(&a)).is_err(), "the message is whole");
    client.append_next(&AppendMessage::catenate(urls(&b))).unwrap();
    client.append_next(&AppendMessage::new(2)).unwrap();
    duet.carry(&mut host(&mut parts));
    duet.peer.client.append_chunk(Bytes::from_static(b"hi")).unwrap();
    duet.peer
        .client
        .append_next(&AppendMessage::catenate(CatenatePart::new(ListOf::EMPTY, Some(1))))
        .unwrap();
    duet.carry(&mut host(&mut parts));
    duet.peer.client.append_chunk(Bytes::from_static(b"!")).unwrap();
    duet.peer.client.append_part(&urls(&a)).unwrap();
    duet.peer.client.append_end().unwrap();
    duet.carry(&mut host(&mut parts));
    assert_eq!(
        parts,
        ["begin", "<a>", "next", "<b c>", "<d>", "next", "=hi", "next", "=!", "part", "<a>", "end"],
        "{:?}",
        duet.said
    );
}

#[test]
fn a_bad_url_ends_the_command_and_nothing_of_it_becomes_a_command() {
    let ready = "+ Ready for literal data\r\n";
    let no = "a NO [BADURL bad] CATENATE append has failed\r\n";
    let ok = "b OK done\r\n";
    for (wire, answer, end) in [
        // A client that waits does not send what it waits for.
        ("a APPEND x CATENATE (URL bad TEXT {5}\r\nb NOOP\r\n", format!("{no}{ok}"), "<bad>"),
        (
            "a APPEND x CATENATE (URL bad TEXT {8+}\r\nb NOOP\r\n URL c)\r\nb NOOP\r\n",
            format!("{no}{ok}"),
            "<bad>",
        ),
        (
            "a APPEND x CATENATE (URL bad) (\\Seen) {8+}\r\nb NOOP\r\n\r\nb NOOP\r\n",
            format!("{no}{ok}"),
            "<bad>",
        ),
        ("a APPEND x CATENATE (URL bad)\r\nb NOOP\r\n", format!("{no}{ok}"), "<bad>"),
        (
            "a APPEND x CATENATE (TEXT {1}\r\n! URL bad TEXT {3}\r\nb NOOP\r\n",
            format!("{ready}{no}{ok}"),
            "<bad>",
        ),
    ] {
        let whole = {
            let mut talk = Talk::logged_in(config(), false);
            let mut parts = Vec::new();
            let said = talk.send(wire.as_bytes(), &mut host(&mut parts));
            assert_eq!(said, answer, "{wire}");
            assert_eq!(parts.last().map(String::as_str), Some(end), "{wire}");
            said
        };
        for cut in 1..wire.len() {
            let mut talk = Talk::logged_in(config(), false);
            let mut parts = Vec::new();
            let mut said = talk.send(&wire.as_bytes()[..cut], &mut host(&mut parts));
            said.push_str(&talk.send(&wire.as_bytes()[cut..], &mut host(&mut parts)));
            assert_eq!(said, whole, "{wire} cut at {cut}");
        }
    }
}

#[test]
fn what_has_no_place() {
    for (wire, why) in [
        ("APPEND x CATENATE ()", "A part of a message is TEXT or URL"),
        ("APPEND x CATENATE (FILE x)", "A part of a message is TEXT or URL"),
        ("APPEND x CATENATE (URL x", "The parts of a message do not end"),
        ("APPEND x CATENATE (URL x) y", "The message is missing"),
        ("APPEND x CATENATE (URL x )", "A part of a message is TEXT or URL"),
        ("APPEND x CATENATE URL x", "The message is missing"),
        ("APPEND CATENATE (URL x)", "A space is missing"),
        ("APPEND x (CATENATE (URL x))", "A flag is missing"),
    ] {
        let mut talk = Talk::logged_in(config(), false);
        let mut parts = Vec::new();
        let said = talk.send(format!("a {wire}\r\nb NOOP\r\n").as_bytes(), &mut host(&mut parts));
        assert_eq!(said, format!("a BAD {why}\r\nb OK done\r\n"), "{wire}");
    }
    let mut c = config();
    c.capabilities = c.capabilities.without(Capabilities::CATENATE);
    let mut talk = Talk::logged_in(c, false);
    let mut parts = Vec::new();
    let said = talk.send(b"a APPEND x CATENATE (URL x) {3+}\r\nabc\r\nb NOOP\r\n", &mut host(&mut parts));
    assert_eq!(said, "a BAD CATENATE is not on\r\nb OK done\r\n");
    // A mailbox may have that name.
    let mut talk = Talk::logged_in(config(), false);
    let said = talk.send(b"a APPEND CATENATE (\\Seen) {3+}\r\nabc\r\n", &mut host(&mut parts));
    assert_eq!(said, "a OK catenate append completed\r\n");
}

#[test]
fn the_texts_together_are_under_the_limit() {
    let mut c = config();
    c.append_limit = Some(5);
    let mut talk = Talk::logged_in(c, false);
    let mut parts = Vec::new();
    let said = talk.send(
        b"a APPEND x CATENATE (TEXT {3+}\r\nabc TEXT {3+}\r\ndef)\r\nb NOOP\r\n",
        &mut host(&mut parts),
    );
    assert_eq!(said, "a NO [TOOBIG] The message is too large\r\nb OK done\r\n");
    assert_eq!(parts, ["begin", "=abc", "abort"]);
    let said = talk.send(b"a APPEND x CATENATE (TEXT {6}\r\n", &mut host(&mut parts));
    assert_eq!(said, "a NO [TOOBIG] The message is too large\r\n");
    assert_eq!(parts.last(), Some(&format!("{:?}", Answered::TooBig)));
}

#[test]
fn texts_in_utf8() {
    // RFC 6855 section 4: `cat-part =/ utf8-literal`
    let mut talk = Talk::logged_in(config(), false);
    let mut parts = Vec::new();
    let said = talk.send(
        b"a APPEND x CATENATE (UTF8 (~{3+}\r\nabc) URL y UTF8 (~{1+}\r\nz))\r\nb NOOP\r\n",
        &mut host(&mut parts),
    );
    assert_eq!(said, "a OK catenate append completed\r\nb OK done\r\n");
    assert_eq!(parts, ["begin", "=abc", "part", "<y>", "=z", "part", "end"]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc4469.txt"));
}
