//! RFC 8440: LIST-MYRIGHTS.

use imap4_proto::types::{Capabilities, Command, ListData, MailboxAttributes, Rights};

use crate::duet::{Duet, off};

#[test]
fn rights_come_with_the_list() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "LIST \"\" % RETURN (MYRIGHTS)",
        |s, c| {
            let Command::List(list) = c else { panic!() };
            assert!(list.returns.my_rights && list.is_extended());
            for (name, rights) in [("INBOX", "lrswipkxtecda"), ("foo", "lrs")] {
                s.list(&ListData::new(MailboxAttributes::NONE, Some('.'), name)).unwrap();
                s.my_rights(name, Rights::parse(rights.as_bytes()).unwrap()).unwrap();
            }
            s.ok(None, "List completed.").unwrap();
        },
        "* LIST () \".\" INBOX
         * MYRIGHTS INBOX lrswipkxtecda
         * LIST () \".\" foo
         * MYRIGHTS foo lrs
         $ OK List completed.",
    );
    assert!(heard[1].contains("MyRights"), "{heard:?}");
    off(Capabilities::LIST_MYRIGHTS, &[("LIST \"\" % RETURN (MYRIGHTS)", "BAD LIST-MYRIGHTS is not on")]);
}
