//! RFC 5032: WITHIN.

use imap4_proto::types::{Capabilities, Command, SearchKey};

use crate::duet::{Duet, off, ok};

#[test]
fn section_4_example() {
    let mut duet = Duet::selected();
    duet.ask(
        "SEARCH UNSEEN YOUNGER 259200",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            let SearchKey::And(keys) = search.key else { panic!() };
            assert_eq!(keys[1], SearchKey::Younger(259_200));
            s.search([4, 8, 15, 16, 23, 42], None).unwrap();
            ok(s);
        },
        "* SEARCH 4 8 15 16 23 42
         $ OK done",
    );
    duet.ask("UID SEARCH OLDER 1", |s, _| ok(s), "$ OK done");
    duet.refused("SEARCH OLDER 0", "BAD A number must not be 0");
    duet.refused("SEARCH OLDER", "BAD A space is missing");
    off(Capabilities::WITHIN, &[("SEARCH YOUNGER 1", "BAD WITHIN is not on")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc5032.txt"));
}
