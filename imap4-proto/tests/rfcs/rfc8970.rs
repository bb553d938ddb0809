//! RFC 8970: PREVIEW.

use imap4_proto::types::{Capabilities, Command, FetchItem};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_example() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "FETCH 1 (PREVIEW)",
        |s, _| {
            let mut row = s.fetch(1).unwrap();
            row.preview(Some("Preview text!"));
            row.finish();
            s.ok(None, "FETCH complete.").unwrap();
        },
        "* 1 FETCH (PREVIEW \"Preview text!\")
         $ OK FETCH complete.",
    );
    assert!(heard[0].contains("Preview(Some(Quoted(\"Preview text!\")))"), "{heard:?}");
}

#[test]
fn section_4_lazy() {
    let mut duet = Duet::selected();
    duet.ask(
        "FETCH 1:4 (UID PREVIEW (LAZY) FLAGS)",
        |s, c| {
            let Command::Fetch(fetch) = c else { panic!() };
            assert!(fetch.items.iter().eq([
                FetchItem::Uid,
                FetchItem::Preview { lazy: true },
                FetchItem::Flags
            ]));
            for (n, text) in [(1, Some("Preview text for message 1.")), (2, Some("")), (3, None)] {
                let mut row = s.fetch(n).unwrap();
                row.preview(text);
                row.finish();
            }
            s.ok(None, "FETCH completed.").unwrap();
        },
        "* 1 FETCH (PREVIEW \"Preview text for message 1.\")
         * 2 FETCH (PREVIEW \"\")
         * 3 FETCH (PREVIEW NIL)
         $ OK FETCH completed.",
    );
    // Not in parentheses; and where modifiers of FETCH follow.
    duet.done("FETCH 1 PREVIEW (LAZY)", |s, _| ok(s));
    duet.done("FETCH 1 PREVIEW (CHANGEDSINCE 5)", |s, c| {
        let Command::Fetch(fetch) = c else { panic!() };
        assert_eq!(fetch.changed_since, Some(5));
        ok(s);
    });
    duet.refused("FETCH 1 (PREVIEW (EAGER))", "BAD Unknown fetch item");
    off(Capabilities::PREVIEW, &[("FETCH 1 PREVIEW", "BAD PREVIEW is not on")]);
}

#[test]
fn a_preview_that_is_a_literal_streams() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "FETCH 2 (RFC822.SIZE PREVIEW)",
        |s, _| {
            let mut row = s.fetch(2).unwrap();
            row.rfc822_size(5647).preview(Some("Lorem\r\nipsum"));
            row.finish();
            ok(s);
        },
        "* 2 FETCH (RFC822.SIZE 5647 PREVIEW {12}
         Lorem
         ipsum)
         $ OK done",
    );
    assert!(heard[0].starts_with("FetchBegin { number: 2"), "{heard:?}");
    assert!(heard[0].contains("BodyLiteral { name: Preview, len: 12"), "{heard:?}");
    assert_eq!(heard[1], r"chunk Lorem\r\nipsum");
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc8970.txt"));
}
