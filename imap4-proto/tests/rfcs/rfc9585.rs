//! RFC 9585: INPROGRESS.

use imap4_proto::types::{Code, Progress};

use crate::duet::{Duet, ok};

#[test]
fn section_4_examples() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "SEARCH TEXT \"this will be slow\"",
        |s, _| {
            for (done, text) in [(454, "Processed 45% of the items"), (999, "Processed 99% of the items")] {
                let progress = Progress::new(Some("A001"), Some(done), Some(1000));
                s.untagged_ok(Some(Code::InProgress(Some(progress))), text).unwrap();
            }
            let counting = Progress::new(None, Some(5), None);
            s.untagged_ok(Some(Code::InProgress(Some(counting))), "counting").unwrap();
            s.untagged_ok(Some(Code::InProgress(None)), "Hang in there...").unwrap();
            s.search([447, 735], None).unwrap();
            ok(s);
        },
        "* OK [INPROGRESS (\"A001\" 454 1000)] Processed 45% of the items
         * OK [INPROGRESS (\"A001\" 999 1000)] Processed 99% of the items
         * OK [INPROGRESS (NIL 5 NIL)] counting
         * OK [INPROGRESS] Hang in there...
         * SEARCH 447 735
         $ OK done",
    );
    assert!(
        heard[0].contains("Progress { tag: Some(\"A001\"), done: Some(454), goal: Some(1000) }"),
        "{heard:?}"
    );
    assert!(heard[2].contains("Progress { tag: None, done: Some(5), goal: None }"), "{heard:?}");
    assert!(heard[3].contains("InProgress(None)"), "{heard:?}");
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9585.txt"));
}
