//! RFC 5464: METADATA.

use imap4_proto::types::{
    AString, Capabilities, Code, Command, MetadataDepth, MetadataEntry, Reading, Response,
};

use crate::duet::{Duet, off, ok};

const fn entry<'a>(name: &'a str, value: Option<&'a [u8]>) -> MetadataEntry<'a> {
    let value = match value {
        Some(v) => Some(AString::new(v)),
        None => None,
    };
    MetadataEntry::new(AString::new(name.as_bytes()), value)
}

#[test]
fn section_4_2_getmetadata() {
    let mut duet = Duet::selected();
    duet.ask(
        "GETMETADATA \"\" /shared/comment",
        |s, c| {
            let Command::GetMetadata(get) = c else { panic!() };
            assert!(get.mailbox.is_empty());
            s.metadata("", &[entry("/shared/comment", Some(b"Shared comment"))]).unwrap();
            s.ok(None, "GETMETADATA complete").unwrap();
        },
        "* METADATA \"\" (/shared/comment \"Shared comment\")
         $ OK GETMETADATA complete",
    );
    let heard = duet.ask(
        "GETMETADATA \"INBOX\" (/shared/comment /private/comment)",
        |s, c| {
            let Command::GetMetadata(get) = c else { panic!() };
            assert!(
                get.entries
                    .iter()
                    .eq(["/shared/comment", "/private/comment"].map(|e| AString::new(e.as_bytes())))
            );
            let entries =
                [entry("/shared/comment", Some(b"Shared comment")), entry("/private/comment", None)];
            s.metadata("INBOX", &entries).unwrap();
            s.ok(None, "GETMETADATA complete").unwrap();
        },
        "* METADATA INBOX (/shared/comment \"Shared comment\" /private/comment NIL)
         $ OK GETMETADATA complete",
    );
    assert!(heard[0].contains("value: None"), "{heard:?}");
    // The options where the grammar has them, and where the examples have them.
    for line in [
        "GETMETADATA (MAXSIZE 1024 DEPTH 1) INBOX (/shared/comment /private/comment)",
        "GETMETADATA INBOX (MAXSIZE 1024 DEPTH 1) (/shared/comment /private/comment)",
    ] {
        let heard = duet.ask(
            line,
            |s, c| {
                let Command::GetMetadata(get) = c else { panic!() };
                assert_eq!((get.max_size, get.depth), (Some(1024), MetadataDepth::One));
                s.metadata("INBOX", &[entry("/private/comment", Some(b"My own comment"))]).unwrap();
                s.ok(Some(Code::MetadataLongEntries(2199)), "GETMETADATA complete").unwrap();
            },
            "* METADATA INBOX (/private/comment \"My own comment\")
             $ OK [METADATA LONGENTRIES 2199] GETMETADATA complete",
        );
        assert!(heard[1].contains("MetadataLongEntries(2199)"), "{heard:?}");
    }
    duet.ask(
        "GETMETADATA (DEPTH infinity) INBOX (/private/filters/values)",
        |s, _| {
            let entries = [
                entry("/private/filters/values/small", Some(b"SMALLER 5000")),
                entry("/private/filters/values/boss", Some(b"FROM \"boss@example.com\"")),
            ];
            s.metadata("INBOX", &entries).unwrap();
            s.ok(None, "GETMETADATA complete").unwrap();
        },
        r#"* METADATA INBOX (/private/filters/values/small "SMALLER 5000" /private/filters/values/boss "FROM \"boss@example.com\"")
           $ OK GETMETADATA complete"#,
    );
}

#[test]
fn section_4_3_setmetadata() {
    let mut duet = Duet::selected();
    // A value across two lines is a literal, for which the client waits.
    duet.done("SETMETADATA INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines.)", |s, c| {
        let Command::SetMetadata { entries, .. } = c else { panic!() };
        assert_eq!(
            entries.first(),
            Some(entry("/private/comment", Some(b"My new comment across\r\ntwo lines.")))
        );
        ok(s);
    });
    // NUL is for a literal8.
    duet.done("SETMETADATA INBOX (/private/x ~{3}\r\na\0b /private/comment NIL)", |s, c| {
        let Command::SetMetadata { entries, .. } = c else { panic!() };
        assert!(entries.iter().eq([entry("/private/x", Some(b"a\0b")), entry("/private/comment", None)]));
        ok(s);
    });
    duet.ask(
        "SETMETADATA INBOX (/private/comment \"My new comment\")",
        |s, _| s.no(Some(Code::MetadataTooMany), "SETMETADATA failed").unwrap(),
        "$ NO [METADATA TOOMANY] SETMETADATA failed",
    );
    for (code, shown) in [
        (Code::MetadataMaxSize(1024), "METADATA MAXSIZE 1024"),
        (Code::MetadataNoPrivate, "METADATA NOPRIVATE"),
    ] {
        duet.ask(
            "SETMETADATA \"\" (/shared/comment \"x\")",
            |s, _| s.no(Some(code), "failed").unwrap(),
            &format!("$ NO [{shown}] failed"),
        );
    }
}

#[test]
fn section_4_4_2_news() {
    let mut duet = Duet::selected();
    let names = ["/shared/comment", "/private/comment"].map(|n| AString::new(n.as_bytes()));
    let heard = duet.ask(
        "NOOP",
        |s, _| {
            s.metadata_changed("", &names[..1]).unwrap();
            s.metadata_changed("INBOX", &names).unwrap();
            s.ok(None, "NOOP complete").unwrap();
        },
        "* METADATA \"\" /shared/comment
         * METADATA INBOX /shared/comment /private/comment
         $ OK NOOP complete",
    );
    assert!(
        heard[1].contains("Changed([Atom(\"/shared/comment\"), Atom(\"/private/comment\")])"),
        "{heard:?}"
    );
    duet.ask(
        "ENABLE METADATA",
        |s, c| {
            let Command::Enable(list) = c else { panic!() };
            s.enable(list.known()).unwrap();
            ok(s);
        },
        "* ENABLED METADATA
         $ OK done",
    );
    assert!(duet.peer.client.enabled().contains(Capabilities::METADATA));
    assert!(Response::parse(b"* METADATA x\r\n", Reading::TOLERANT).is_err());
}

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    for line in [
        "GETMETADATA INBOX shared",
        "GETMETADATA INBOX /shared/*",
        "GETMETADATA INBOX /shared/%",
        "GETMETADATA INBOX /shared/",
        "GETMETADATA INBOX /shared//x",
        "SETMETADATA INBOX (comment NIL)",
    ] {
        duet.refused(line, "BAD This is no name of an entry");
    }
    duet.refused("GETMETADATA (DEPTH 2) INBOX /x", "BAD DEPTH is 0, 1 or infinity");
    duet.refused("GETMETADATA (DEEP 1) INBOX /x", "BAD Unknown option");
    duet.refused("SETMETADATA INBOX ()", "BAD A string is missing");
    off(
        Capabilities::METADATA | Capabilities::METADATA_SERVER,
        &[("GETMETADATA x /y", "BAD Unknown command"), ("SETMETADATA x (/y NIL)", "BAD Unknown command")],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc5464.txt"));
}
