//! ENVELOPE, BODY and BODYSTRUCTURE as they are written, and every response code.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;

use std::borrow::Cow;

use common::{Talk, config};
use imap4_proto::types::{
    Address, BodyKind, BodyStructure, Code, Disposition, Envelope, Multipart, SinglePart, SystemFlags,
};

fn b(s: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(s.as_bytes())
}

fn text(lines: u64) -> SinglePart<'static> {
    let mut part = SinglePart::new(b("TEXT"), b("PLAIN"), b("7BIT"), 1152, BodyKind::Text(lines));
    part.parameters = vec![(b("CHARSET"), b("US-ASCII"))];
    part
}

fn written(body: &BodyStructure<'_>, extensible: bool) -> String {
    let mut out = Vec::new();
    body.encode(&mut out, extensible, false);
    String::from_utf8(out).unwrap()
}

#[test]
fn rfc_9051_section_7_5_2_body_structures() {
    assert_eq!(
        written(&BodyStructure::Single(text(23)), false),
        r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)"#
    );
    let mut second = text(73);
    second.parameters.push((b("NAME"), b("cc.diff")));
    second.id = Some(b("<960723163407.20117h@cac.washington.edu>"));
    second.description = Some(b("Compiler diff"));
    second.encoding = b("BASE64");
    second.octets = 4554;
    let multi =
        Multipart::new(b("MIXED"), vec![BodyStructure::Single(text(23)), BodyStructure::Single(second)]);
    assert_eq!(
        written(&BodyStructure::Multi(multi), false),
        r#"(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")"#
    );
}

#[test]
fn extension_data_stands_in_bodystructure_alone() {
    let mut image = SinglePart::new(b("IMAGE"), b("PNG"), b("BASE64"), 9, BodyKind::Basic);
    image.md5 = Some(b("Q2hlY2sgSW50ZWdyaXR5IQ=="));
    image.disposition = Some(Disposition::new(b("attachment"), vec![(b("filename"), b("a \"b\".png"))]));
    image.language = vec![b("en"), b("de")];
    image.location = Some(b("http://example.test/"));
    let mut message = SinglePart::new(
        b("MESSAGE"),
        b("RFC822"),
        b("7BIT"),
        99,
        BodyKind::Message {
            envelope: Box::default(),
            body: Box::new(BodyStructure::Single(image)),
            lines: 4,
        },
    );
    message.language = vec![b("fr")];
    let mut multi = Multipart::new(b("MIXED"), vec![BodyStructure::Single(message)]);
    multi.parameters = vec![(b("BOUNDARY"), b("--x"))];
    let body = BodyStructure::Multi(multi);
    let nils = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
    assert_eq!(
        written(&body, false),
        format!(
            r#"(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 99 {nils} ("IMAGE" "PNG" NIL NIL NIL "BASE64" 9) 4) "MIXED")"#
        )
    );
    assert_eq!(
        written(&body, true),
        format!(
            r#"(("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 99 {nils} ("IMAGE" "PNG" NIL NIL NIL "BASE64" 9 "Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" "a \"b\".png")) ("en" "de") "http://example.test/") 4 NIL NIL "fr" NIL) "MIXED" ("BOUNDARY" "--x") NIL NIL NIL)"#
        )
    );
}

#[test]
fn structures_of_some_depth_need_no_stack() {
    let mut body = BodyStructure::Single(text(1));
    for _ in 0..200 {
        body = BodyStructure::Multi(Multipart::new(b("MIXED"), vec![body]));
    }
    std::thread::scope(|scope| {
        let handle = std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn_scoped(scope, || written(&body, true).len())
            .unwrap();
        let inner = written(&BodyStructure::Single(text(1)), true).len();
        assert_eq!(handle.join().unwrap(), inner + 200 * r#"( "MIXED" NIL NIL NIL NIL)"#.len());
    });
}

#[test]
fn an_envelope_keeps_what_the_header_says() {
    let mut envelope = Envelope::default();
    envelope.subject = Some(b("=?utf-8?q?Gr=C3=BC=C3=9Fe?= \"quoted\\\""));
    let mut address = Address::default();
    address.name = Some(b("J\u{fc}rgen"));
    address.mailbox = Some(b("j"));
    address.host = Some(b("example.test"));
    envelope.from = vec![address.clone(), Address::default()];
    envelope.message_id = Some(b("<a@b>\r\nX: y"));
    let mut out = Vec::new();
    envelope.encode(&mut out, false);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "(NIL \"=?utf-8?q?Gr=C3=BC=C3=9Fe?= \\\"quoted\\\\\\\"\" (({7}\r\nJ\u{fc}rgen NIL \"j\" \"example.test\")(NIL NIL NIL NIL)) NIL NIL NIL NIL NIL NIL {11}\r\n<a@b>\r\nX: y)"
    );
    let mut out = Vec::new();
    address.encode(&mut out, true);
    assert_eq!(String::from_utf8(out).unwrap(), "(\"J\u{fc}rgen\" NIL \"j\" \"example.test\")");
}

#[test]
fn every_response_code_is_written() {
    let mut talk = Talk::logged_in(config(), true);
    let one: &[(u32, u32)] = &[(7, 7), (9, 12)];
    for (code, shown) in [
        (Code::Alert, "ALERT"),
        (Code::BadCharset(&[]), "BADCHARSET"),
        (Code::BadCharset(&["US-ASCII", "x y"]), "BADCHARSET (US-ASCII \"x y\")"),
        (Code::Parse, "PARSE"),
        (
            Code::PermanentFlags { system: SystemFlags::NONE, keywords: &["$X", "b"], new_keywords: true },
            "PERMANENTFLAGS ($X b \\*)",
        ),
        (
            Code::PermanentFlags { system: SystemFlags::NONE, keywords: &[], new_keywords: true },
            "PERMANENTFLAGS (\\*)",
        ),
        (
            Code::PermanentFlags { system: SystemFlags::NONE, keywords: &[], new_keywords: false },
            "PERMANENTFLAGS ()",
        ),
        (Code::ReadOnly, "READ-ONLY"),
        (Code::ReadWrite, "READ-WRITE"),
        (Code::TryCreate, "TRYCREATE"),
        (Code::UidNext(4_294_967_295), "UIDNEXT 4294967295"),
        (Code::UidValidity(100_000_000), "UIDVALIDITY 100000000"),
        (Code::Unseen(10), "UNSEEN 10"),
        (Code::AppendUid { uid_validity: 5, uids: one }, "APPENDUID 5 7,9:12"),
        (Code::CopyUid { uid_validity: 5, from: one, to: &[(1, 5)] }, "COPYUID 5 7,9:12 1:5"),
        (Code::UidNotSticky, "UIDNOTSTICKY"),
        (Code::HighestModSeq(9_223_372_036_854_775_807), "HIGHESTMODSEQ 9223372036854775807"),
        (Code::NoModSeq, "NOMODSEQ"),
        (Code::Modified(one), "MODIFIED 7,9:12"),
        (Code::Closed, "CLOSED"),
        (Code::Unavailable, "UNAVAILABLE"),
        (Code::AuthenticationFailed, "AUTHENTICATIONFAILED"),
        (Code::AuthorizationFailed, "AUTHORIZATIONFAILED"),
        (Code::Expired, "EXPIRED"),
        (Code::PrivacyRequired, "PRIVACYREQUIRED"),
        (Code::ContactAdmin, "CONTACTADMIN"),
        (Code::NoPerm, "NOPERM"),
        (Code::InUse, "INUSE"),
        (Code::ExpungeIssued, "EXPUNGEISSUED"),
        (Code::Corruption, "CORRUPTION"),
        (Code::ServerBug, "SERVERBUG"),
        (Code::ClientBug, "CLIENTBUG"),
        (Code::Cannot, "CANNOT"),
        (Code::Limit, "LIMIT"),
        (Code::OverQuota, "OVERQUOTA"),
        (Code::AlreadyExists, "ALREADYEXISTS"),
        (Code::NonExistent, "NONEXISTENT"),
        (Code::NotSaved, "NOTSAVED"),
        (Code::HasChildren, "HASCHILDREN"),
        (Code::UnknownCte, "UNKNOWN-CTE"),
        (Code::TooBig, "TOOBIG"),
        (Code::UseAttr, "USEATTR"),
        (Code::Other("X-FOO BAR", Some("a]\r\n* b")), "X-FOOBAR a* b"),
    ] {
        talk.server.untagged_ok(Some(code), "").unwrap();
        assert_eq!(talk.output(), format!("* OK [{shown}] -\r\n"));
    }
    talk.server.untagged_no(None, "[PARSE] x").unwrap();
    assert_eq!(talk.output(), "* NO  [PARSE] x\r\n");
}
