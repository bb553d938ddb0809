//! RFC 5957: SORT=DISPLAY.

use imap4_proto::types::{Capabilities, Command, SortKey};

use crate::duet::{Duet, off, ok};

#[test]
fn display_names_are_sort_keys() {
    let mut duet = Duet::selected();
    duet.done("SORT (DISPLAYFROM REVERSE DISPLAYTO) UTF-8 ALL", |s, c| {
        let Command::Sort(sort) = c else { panic!() };
        let keys: Vec<_> = sort.criteria.iter().map(|c| c.key).collect();
        assert_eq!(keys, [SortKey::DisplayFrom, SortKey::DisplayTo]);
        ok(s);
    });
    off(Capabilities::SORT_DISPLAY, &[("SORT (DISPLAYFROM) UTF-8 ALL", "BAD SORT=DISPLAY is not on")]);
}
