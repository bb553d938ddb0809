//! RFC 9590: LIST-METADATA.

use imap4_proto::types::{
    AString, Capabilities, Command, ListData, ListOf, MailboxAttributes, MetadataEntry,
};

use crate::duet::{Duet, off};

const COLOR: &str = "/shared/vendor/cmu/cyrus-imapd/color";

#[test]
fn section_4_examples() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "LIST \"\" % RETURN (METADATA (\"/shared/vendor/cmu/cyrus-imapd/color\"))",
        |s, c| {
            let Command::List(list) = c else { panic!() };
            assert_eq!(list.metadata, Some(ListOf::new(&[AString::new(COLOR.as_bytes())])));
            for (name, value) in [("INBOX", Some("#b71c1c")), ("foo", None)] {
                s.list(&ListData::new(MailboxAttributes::NONE, Some('.'), name)).unwrap();
                let value = value.map(|v: &str| AString::new(v.as_bytes()));
                s.metadata(name, &[MetadataEntry::new(AString::new(COLOR.as_bytes()), value)]).unwrap();
            }
            s.list(&ListData::new(MailboxAttributes::NON_EXISTENT, Some('.'), "bar")).unwrap();
            s.ok(None, "List completed.").unwrap();
        },
        "* LIST () \".\" INBOX
         * METADATA INBOX (/shared/vendor/cmu/cyrus-imapd/color \"#b71c1c\")
         * LIST () \".\" foo
         * METADATA foo (/shared/vendor/cmu/cyrus-imapd/color NIL)
         * LIST (\\NonExistent) \".\" bar
         $ OK List completed.",
    );
    assert!(heard[3].contains("value: None"), "{heard:?}");
    duet.refused("LIST \"\" % RETURN (METADATA ())", "BAD A string is missing");
    off(
        Capabilities::LIST_METADATA,
        &[("LIST \"\" % RETURN (METADATA (/x))", "BAD LIST-METADATA is not on")],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9590.txt"));
}
