//! RFC 8514: SAVEDATE.

use imap4_proto::types::{Capabilities, Command, DateTime, FetchItem, SearchKey};

use crate::duet::{Duet, off, ok};

#[test]
fn section_4_examples() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "FETCH 998 (SAVEDATE)",
        |s, c| {
            let Command::Fetch(fetch) = c else { panic!() };
            assert!(fetch.items.iter().eq([FetchItem::SaveDate]));
            let mut row = s.fetch(998).unwrap();
            row.save_date(Some(DateTime::new(1_420_134_653, 60)));
            row.finish();
            let mut row = s.fetch(999).unwrap();
            row.save_date(None);
            row.finish();
            s.ok(None, "Fetch completed.").unwrap();
        },
        "* 998 FETCH (SAVEDATE \"01-Jan-2015 18:50:53 +0100\")
         * 999 FETCH (SAVEDATE NIL)
         $ OK Fetch completed."
            .replace("01-Jan", " 1-Jan")
            .as_str(),
    );
    assert!(
        heard[0].contains("SaveDate(Some(DateTime { seconds: 1420134653, zone_minutes: 60 }))"),
        "{heard:?}"
    );
    assert!(heard[1].contains("SaveDate(None)"), "{heard:?}");
    for (line, found) in [
        ("SEARCH SAVEDON 28-Dec-2014", &[993u32, 994][..]),
        ("SEARCH SAVEDSINCE 28-Dec-2014", &[993, 994, 995, 996, 997, 998, 999, 1000, 1001]),
    ] {
        let shown: String = found.iter().map(|n| format!(" {n}")).collect();
        duet.ask(
            line,
            |s, _| {
                s.search(found.iter().copied(), None).unwrap();
                s.ok(None, "Search completed.").unwrap();
            },
            &format!("* SEARCH{shown}\n$ OK Search completed."),
        );
    }
    duet.done("SEARCH SAVEDBEFORE 1-Jan-2015 SAVEDATESUPPORTED", |s, c| {
        let Command::Search(search) = c else { panic!() };
        let SearchKey::And(keys) = search.key else { panic!() };
        assert_eq!(keys[1], SearchKey::SaveDateSupported);
        ok(s);
    });
    duet.refused("SEARCH SAVEDATESUPPORTEX", "BAD Unknown search key");
    off(
        Capabilities::SAVEDATE,
        &[
            ("FETCH 1 SAVEDATE", "BAD SAVEDATE is not on"),
            ("SEARCH SAVEDON 28-Dec-2014", "BAD SAVEDATE is not on"),
            ("SEARCH SAVEDATESUPPORTED", "BAD SAVEDATE is not on"),
        ],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc8514.txt"));
}
