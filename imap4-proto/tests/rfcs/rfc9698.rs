//! RFC 9698: JMAPACCESS.

use imap4_proto::types::{Capabilities, Command};

use crate::duet::{Duet, off};

#[test]
fn section_5_example() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "GETJMAPACCESS",
        |s, c| {
            assert_eq!(c, Command::GetJmapAccess);
            s.jmap_access("https://example.com/jmap").unwrap();
            s.ok(None, "done").unwrap();
        },
        "* JMAPACCESS \"https://example.com/jmap\"
         $ OK done",
    );
    assert_eq!(heard[0], "Response(JmapAccess(Quoted(\"https://example.com/jmap\")))");
    duet.ask(
        "GETJMAPACCESS",
        |s, _| s.bad(None, "No JMAP server is known").unwrap(),
        "$ BAD No JMAP server is known",
    );
    off(Capabilities::JMAPACCESS, &[("GETJMAPACCESS", "BAD Unknown command")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9698.txt"));
}
