//! What real servers send beside the grammar: each tolerance is one policy, and off, the response is not read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use imap4_proto::types::{Attribute, BodyKind, BodyStructure, Quirks, Reading, Response};

fn reading(quirks: Quirks) -> Reading {
    let mut reading = Reading::STRICT;
    reading.quirks = quirks;
    reading
}

/// Whether the response is read whole: no item of a FETCH is malformed.
fn is_read(wire: &str, quirks: Quirks) -> bool {
    match Response::parse(wire.as_bytes(), reading(quirks)) {
        Ok(Response::Fetch(f)) => !f.items.iter().any(|a| matches!(a, Attribute::Malformed { .. })),
        Ok(_) => true,
        Err(_) => false,
    }
}

fn structure(wire: &str) -> BodyStructure<'_> {
    let Ok(Response::Fetch(f)) = Response::parse(wire.as_bytes(), Reading::TOLERANT) else {
        panic!("{wire}")
    };
    let Some(Attribute::Structure { body, .. }) = f.items.iter().next() else { panic!("{wire}") };
    body.to_structure()
}

#[test]
fn each_tolerance_is_one_policy() {
    let long = "\"a\" NIL NIL";
    let address = "((NIL NIL \"a\" \"b\"))";
    for (quirks, wire) in [
        (
            Quirks::DISPOSITION_STRING,
            r#"* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1 NIL "inline" NIL NIL) "mixed" ("boundary" "x") "S/MIME Encrypted Message" NIL))"#.to_string(),
        ),
        (
            Quirks::EMPTY_MULTIPART,
            r#"* 1 FETCH (BODYSTRUCTURE ("RELATED" NIL ("ATTACHMENT" NIL) NIL))"#.into(),
        ),
        (
            Quirks::DOUBLED_QUOTE,
            r#"* 1 FETCH (BODYSTRUCTURE ("APPLICATION" "PDF" NIL NIL """" "base64" 65322 NIL NIL NIL))"#.into(),
        ),
        (
            Quirks::NEGATIVE_NUMBER,
            r#"* 1 FETCH (BODYSTRUCTURE ("multipart" "appledouble" ("boundary" "x") NIL NIL "7BIT" -1 NIL NIL NIL NIL))"#.into(),
        ),
        (Quirks::NEGATIVE_NUMBER, "* 1 FETCH (RFC822.SIZE -1)".into()),
        (
            Quirks::NIL_ADDRESS,
            format!("* 1 FETCH (ENVELOPE ({long} NIL NIL ((NIL NIL \"a\" \"b\")NIL) NIL NIL NIL NIL))"),
        ),
        (
            Quirks::ITEM_IN_PARENTHESES,
            r#"* 2 FETCH (UID 14935 (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)) BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL))"#.into(),
        ),
        (Quirks::SHORT_ENVELOPE, format!("* 1 FETCH (ENVELOPE ({long} {address} {address} NIL NIL NIL NIL))")),
        (Quirks::SHORT_ENVELOPE, format!("* 1 FETCH (ENVELOPE ({long} {address} {address} NIL NIL \"<r>\" \"<i>\"))")),
        (Quirks::EMPTY_LIST, format!("* 1 FETCH (ENVELOPE ({long} NIL NIL () () () NIL NIL))")),
        (
            Quirks::NIL_PARAMETER,
            r#"* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1) "alternative" ("boundary" NIL)))"#.into(),
        ),
        (Quirks::NO_TEXT, "a OK".into()),
        (Quirks::NO_TEXT, "* OK".into()),
        (Quirks::MISSING_BODY, "* 1 FETCH (BODY[1] UID 3)".into()),
        (Quirks::MISSING_BODY, "* 1 FETCH (UID 3 BODY[1]<0>)".into()),
        (Quirks::EMPTY_FLAG, r#"* XLIST (\HasNoChildren \) "." "Argos""#.into()),
        (Quirks::BARE_CONTINUATION, "+".into()),
        (Quirks::EXTRA_SPACE, "* 3 EXISTS ".into()),
        (Quirks::EXTRA_SPACE, "* STATUS  x (MESSAGES 1 )".into()),
        (Quirks::SHORT_STRUCTURE, r#"* 1 FETCH (BODYSTRUCTURE ("A" "B" NIL NIL NIL "7BIT" 1 NIL ("inline")))"#.into()),
        (Quirks::NIL_STRING, r#"* 1 FETCH (BODYSTRUCTURE ("A" "B" NIL NIL NIL NIL 1))"#.into()),
    ] {
        let wire = format!("{wire}\r\n");
        assert!(is_read(&wire, quirks), "{wire}");
        assert!(is_read(&wire, Quirks::ALL), "{wire}");
        assert!(!is_read(&wire, Quirks::NONE), "{wire}");
        assert!(!is_read(&wire, Quirks::ALL.without(quirks)), "{wire}");
    }
    assert!(is_read("* 1 EXISTS\n", Quirks::BARE_LF) && !is_read("* 1 EXISTS\n", Quirks::NONE));
}

#[test]
fn what_is_read_in_place_of_what_is_missing() {
    let body = structure("* 1 FETCH (BODYSTRUCTURE (\"A\" \"B\" NIL NIL \"\"\"\" \"base64\" -1))\r\n");
    let BodyStructure::Single(part) = body else { panic!() };
    assert_eq!((part.description.as_deref(), part.octets), (Some(&b"\"\""[..]), 0));
    assert_eq!(part.kind, BodyKind::Basic);
    let body = structure("* 1 FETCH (BODYSTRUCTURE (\"RELATED\" NIL (\"ATTACHMENT\" NIL) NIL))\r\n");
    let BodyStructure::Multi(multi) = body else { panic!() };
    assert_eq!((multi.parts.len(), multi.media_subtype.as_ref()), (0, &b"RELATED"[..]));
    assert_eq!(multi.disposition.unwrap().kind.as_ref(), b"ATTACHMENT");

    // Bcc is left out, and what follows it is where it belongs.
    let wire = b"* 1 FETCH (ENVELOPE (NIL \"s\" NIL NIL NIL NIL NIL \"<r>\" \"<i>\") UID 7)\r\n";
    let Ok(Response::Fetch(f)) = Response::parse(wire, Reading::TOLERANT) else { panic!() };
    let Some(Attribute::Envelope(e)) = f.items.iter().next() else { panic!("{f:?}") };
    assert!(e.in_reply_to().unwrap() == "<r>" && e.message_id().unwrap() == "<i>");
    assert_eq!(f.items.uid(), Some(7));
}

#[test]
fn lines_that_only_look_wrong() {
    for (wire, shown) in [
        ("* OK IMAPrev1", "Condition { status: Ok, text: IMAPrev1 }"),
        (
            "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADIAAA==]",
            "Condition { status: Ok, text: The Microsoft Exchange IMAP4 service is ready. [RgBSADIAAA==] }",
        ),
        ("* OK [half a code", "Condition { status: Ok, text: [half a code }"),
        (
            "* LIST () \"|\" INBOX",
            "List(Listed { attributes: MailboxAttributes(0), delimiter: Some('|'), name: MailboxArg { name: Atom(\"INBOX\"), utf8: false }, child_subscribed: false, old_name: None })",
        ),
        ("+ VXNlciBOYW1lAA==", "Continue(VXNlciBOYW1lAA==)"),
        ("* 12 WHAT is this", "Other([49, 50, 32, 87, 72, 65, 84, 32, 105, 115, 32, 116, 104, 105, 115])"),
    ] {
        let wire = format!("{wire}\r\n");
        let response = Response::parse(wire.as_bytes(), Reading::STRICT).unwrap();
        assert_eq!(format!("{response:?}"), shown);
    }
    let wire = b"* STATUS x ()\r\n";
    assert!(Response::parse(wire, Reading::STRICT).is_ok());
}

#[test]
fn an_item_that_cannot_be_read_does_not_take_the_others_along() {
    let wire = b"* 1 FETCH (ENVELOPE (what \"is)\" (this)) UID 5 X-NEW (1 2) FLAGS (\\Seen))\r\n";
    let Ok(Response::Fetch(f)) = Response::parse(wire, Reading::TOLERANT) else { panic!() };
    let all: Vec<_> = f.items.iter().collect();
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(matches!(all[0], Attribute::Malformed { name: b"ENVELOPE", value: b"(what \"is)\" (this))" }));
    assert_eq!(all[1], Attribute::Uid(5));
    assert_eq!(all[2], Attribute::Other { name: b"X-NEW", value: b"(1 2)" });
}

#[test]
fn structures_nest_64_deep_and_10_000_are_an_error_on_a_small_stack() {
    let nested = |depth: usize| {
        let mut wire = String::from("* 1 FETCH (BODYSTRUCTURE ");
        wire.push_str(&"(".repeat(depth));
        wire.push_str("(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)");
        wire.push_str(&" \"MIXED\")".repeat(depth));
        wire.push_str(")\r\n");
        wire
    };
    std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(move || {
            assert!(is_read(&nested(64), Quirks::NONE));
            assert!(is_read(&nested(127), Quirks::NONE));
            assert!(!is_read(&nested(128), Quirks::NONE));
            // The tree is built, written and dropped as well.
            let (deep, mut again) = (nested(127), Vec::new());
            structure(&deep).encode(&mut again, false, false);
            assert!(deep.contains(std::str::from_utf8(&again).unwrap()));
            assert!(!is_read(&nested(10_000), Quirks::ALL));
            let message = |depth: usize| {
                let open = "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 1 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ";
                format!(
                    "* 1 FETCH (BODY {}(\"A\" \"B\" NIL NIL NIL \"7BIT\" 1){})\r\n",
                    open.repeat(depth),
                    " 3)".repeat(depth)
                )
            };
            assert!(is_read(&message(64), Quirks::NONE));
            assert!(!is_read(&message(10_000), Quirks::ALL));
        })
        .unwrap()
        .join()
        .unwrap();
}
