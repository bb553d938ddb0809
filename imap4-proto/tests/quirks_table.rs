//! Every deviation of the collection that the project keeps of public issue threads, with the policy that reads it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]
#![allow(clippy::print_stdout, reason = "tells what is absent")]

#[path = "common/client.rs"]
mod client;

use std::path::PathBuf;

use client::Peer;
use imap4_proto::{
    client::Config,
    types::{Attribute, Capabilities, Quirks, Reading, Response},
};

/// What makes of a deviation something that is read.
enum By {
    /// This policy: with it the response is read, without it not.
    Policy(Quirks),
    /// The grammar: it only looks wrong, and is read strictly.
    Grammar,
    /// A policy of the client machine, with a test of its own below.
    Machine(Quirks),
    /// Another crate: it concerns SMTP.
    Smtp,
}
use By::{Grammar, Machine, Policy, Smtp};

const FIELDS: &str = r#"NIL NIL "7BIT" 1 1"#;

/// Where it was reported, the like of it on the wire (`%` is a text part's fields), and what reads it.
const TABLE: &[(&str, &str, By)] = &[
    (
        "javamail#278",
        r#"* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL %) "mixed" ("boundary" "x") "S/MIME Encrypted Message" NIL))"#,
        Policy(Quirks::DISPOSITION_STRING),
    ),
    (
        "MailKit#919",
        r#"* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" NIL % NIL "inline" NIL NIL))"#,
        Policy(Quirks::DISPOSITION_STRING),
    ),
    (
        "MailKit#371",
        r#"* 1 FETCH (BODYSTRUCTURE ("RELATED" NIL ("ATTACHMENT" NIL) NIL))"#,
        Policy(Quirks::EMPTY_MULTIPART),
    ),
    (
        "go-imap#659",
        r#"* 1 FETCH (BODYSTRUCTURE ("APPLICATION" "PDF" NIL NIL """" "base64" 65322 NIL NIL NIL))"#,
        Policy(Quirks::DOUBLED_QUOTE),
    ),
    (
        "MailKit#823",
        r#"* 1 FETCH (BODYSTRUCTURE ("multipart" "appledouble" ("boundary" "x") NIL NIL "7BIT" -1 NIL NIL NIL NIL))"#,
        Policy(Quirks::NEGATIVE_NUMBER),
    ),
    (
        "MailKit#991",
        r#"* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL ((NIL NIL "a" "b")NIL) NIL NIL NIL NIL))"#,
        Policy(Quirks::NIL_ADDRESS),
    ),
    (
        "MailKit#943",
        r#"* 2 FETCH (UID 14935 (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)) BODYSTRUCTURE ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0 NIL))"#,
        Policy(Quirks::ITEM_IN_PARENTHESES),
    ),
    (
        "MailKit#669",
        r#"* 1 FETCH (ENVELOPE ("d" "s" NIL NIL NIL NIL NIL NIL "<r>"))"#,
        Policy(Quirks::SHORT_ENVELOPE),
    ),
    (
        "rust-imap#166",
        r#"* 1 FETCH (ENVELOPE ("d" "s" NIL NIL NIL () () () NIL NIL))"#,
        Policy(Quirks::EMPTY_LIST),
    ),
    (
        "himalaya#649",
        r#"* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL %) "alternative" ("boundary" NIL)))"#,
        Policy(Quirks::NIL_PARAMETER),
    ),
    ("himalaya#649", "A1 OK", Policy(Quirks::NO_TEXT)),
    ("MailKit#1708", "* 1 FETCH (BODY[2] UID 7)", Policy(Quirks::MISSING_BODY)),
    ("MailKit#1430", "* 1 FETCH (UID 7 BODY[2]<0>)", Policy(Quirks::MISSING_BODY)),
    ("Mailspring#967", r#"* XLIST (\HasNoChildren \) "." "Argos""#, Policy(Quirks::EMPTY_FLAG)),
    ("Eden-PHP/Mail#63", r#"* LIST (\Marked \NoInferiors) "|" INBOX"#, Grammar),
    ("defects#15", "* STATUS x ()", Grammar),
    ("defects#7", "+", Policy(Quirks::BARE_CONTINUATION)),
    ("defects#18", "", Machine(Quirks::CAPABILITY_DURING_LOGIN)),
    ("email-oauth2-proxy#109", "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADIAAA==]", Grammar),
    ("MailKit#233", "+ VXNlciBOYW1lAA==", Grammar),
    // smtp_submit_proto::Tolerances::space_after_colon
    ("defects#14", "", Smtp),
    // smtp_submit_proto's reply lines: a code alone is one (RFC 5321 section 4.2).
    ("sope#68", "", Smtp),
    // Greetings.
    ("Greetings seen", "* OK IMAPrev1", Grammar),
    ("Greetings seen", "* OK GroupWise IMAP4rev1 Server Ready", Grammar),
    (
        "Greetings seen",
        "* OK [CAPABILITY IMAP4rev1 THREAD=REFERENCES SORT ACL2=UNION STARTTLS UTF8=ACCEPT] Courier-IMAP ready. See COPYING",
        Grammar,
    ),
    (
        "Greetings seen",
        "* OK [CAPABILITY IMAP4 IMAP4rev1 XAPPLEPUSHSERVICE ID AUTH=LOGIN] QQMail ready",
        Grammar,
    ),
    // The order of a SELECT's answers.
    ("hMailServer SELECT", r"* FLAGS (\Deleted \Seen \Draft \Answered \Flagged)", Grammar),
    ("hMailServer SELECT", "* OK [UIDVALIDITY 1769578134] current uidvalidity", Grammar),
];

fn wire(row: &str) -> String {
    format!("{}\r\n", row.replace('%', &format!("NIL {FIELDS}").replacen("NIL ", "", 1)))
}

fn is_read(wire: &str, quirks: Quirks) -> bool {
    let mut reading = Reading::STRICT;
    reading.quirks = quirks;
    match Response::parse(wire.as_bytes(), reading) {
        Ok(Response::Fetch(f)) => !f.items.iter().any(|a| matches!(a, Attribute::Malformed { .. })),
        Ok(Response::Other(_)) | Err(_) => false,
        Ok(_) => true,
    }
}

#[test]
fn each_deviation_is_read_by_its_policy_and_by_it_alone() {
    for (from, row, by) in TABLE {
        let wire = wire(row);
        match by {
            Policy(quirk) => {
                assert!(is_read(&wire, *quirk), "{from}: {wire}");
                assert!(!is_read(&wire, Quirks::ALL.without(*quirk)), "{from}: {wire}");
            }
            Grammar => assert!(is_read(&wire, Quirks::NONE), "{from}: {wire}"),
            Machine(_) | Smtp => assert!(row.is_empty()),
        }
    }
}

/// Each entry of the collection names its issues; each has a row here.
#[test]
fn the_collection_has_nothing_that_the_table_lacks() {
    let shared = std::env::var_os("MAIL_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("transcripts/quirks-from-issues/QUIRKS.md")) else {
        println!("no collection at {}: set MAIL_SHARED", shared.display());
        return;
    };
    let mut entries = 0;
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty()) {
        entries += 1;
        assert!(TABLE.iter().any(|(from, ..)| line.contains(from)), "no row for {line}");
    }
    for (from, ..) in TABLE {
        assert!(text.contains(from), "{from} is not in the collection");
    }
    assert!(entries >= 20, "{entries} entries");
}

#[test]
fn capabilities_shown_during_a_login_hold_after_it_by_policy() {
    for on in [true, false] {
        let mut config = Config::default();
        if !on {
            config.quirks = Quirks::ALL.without(Quirks::CAPABILITY_DURING_LOGIN);
        }
        let mut peer = Peer::with(config);
        peer.server("* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n");
        peer.client.login("a", "b").unwrap();
        peer.server("* CAPABILITY IMAP4rev1 MOVE\r\nA1 OK in\r\n");
        assert_eq!(peer.client.has(Capabilities::MOVE), on);
        assert!(!peer.client.has(Capabilities::IDLE));
        // In the OK itself they always do.
        peer.client.command(&imap4_proto::types::Command::Capability).unwrap();
        peer.server("* CAPABILITY IMAP4rev1 QUOTA\r\nA2 OK done\r\n");
        assert!(peer.client.capabilities().is_some());
    }
}

#[test]
fn a_challenge_without_its_padding_is_read_by_policy() {
    for on in [true, false] {
        let mut config = Config::default();
        if !on {
            config.quirks = Quirks::ALL.without(Quirks::UNPADDED_BASE64);
        }
        let mut peer = Peer::with(config);
        peer.server("* OK ready\r\n");
        peer.client.authenticate("LOGIN", None).unwrap();
        peer.server("+ VXNlciBOYW1lAA\r\n");
        assert_eq!(peer.heard.last().unwrap() == "challenge User Name\\x00", on, "{:?}", peer.heard);
        assert_eq!(peer.heard.last().unwrap() == "BadChallenge", !on);
    }
}

/// Each policy that is not in the collection, and what reads by it.
#[test]
fn the_policies_beside_the_collection_are_tested_too() {
    let named = TABLE.iter().fold(Quirks::NONE, |all, (_, _, by)| match by {
        Policy(q) | Machine(q) => all | *q,
        _ => all,
    });
    let beside = [
        (Quirks::EXTRA_SPACE, "* 3 EXISTS \r\n"),
        (Quirks::BARE_LF, "* 3 EXISTS\n"),
        (
            Quirks::SHORT_STRUCTURE,
            "* 1 FETCH (BODYSTRUCTURE (\"A\" \"B\" NIL NIL NIL \"7BIT\" 1 NIL (\"inline\")))\r\n",
        ),
        (Quirks::NIL_STRING, "* 1 FETCH (BODYSTRUCTURE (\"A\" \"B\" NIL NIL NIL NIL 1))\r\n"),
    ];
    let mut all = named | Quirks::UNPADDED_BASE64;
    for (quirk, wire) in beside {
        assert!(is_read(wire, quirk) && !is_read(wire, Quirks::ALL.without(quirk)), "{wire}");
        all |= quirk;
    }
    assert_eq!(all, Quirks::ALL, "a policy has no row and no test");
}
