//! RFC 6203: SEARCH=FUZZY.

use imap4_proto::types::{Capabilities, Command, EsearchData, EsearchExtra, SearchKey, SearchReturn};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_examples() {
    let mut duet = Duet::selected();
    duet.ask(
        "SEARCH FUZZY (SUBJECT \"IMAP break\")",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            let SearchKey::Fuzzy(inner) = search.key else { panic!() };
            assert!(matches!(*inner, SearchKey::Subject(_)));
            s.search([1, 5, 10], None).unwrap();
            ok(s);
        },
        "* SEARCH 1 5 10
         $ OK done",
    );
    duet.done("SEARCH FUZZY SUBJECT work FROM user@example.com", |s, c| {
        let Command::Search(search) = c else { panic!() };
        let SearchKey::And(keys) = search.key else { panic!() };
        assert!(matches!((&keys[0], &keys[1]), (SearchKey::Fuzzy(_), SearchKey::From(_))));
        ok(s);
    });
    duet.done("SEARCH NOT FUZZY FUZZY OR BODY a (TEXT b SEEN)", |s, _| ok(s));
}

#[test]
fn sections_4_and_5_relevancy() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT \"Helo\"",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            assert_eq!(search.returns, Some(SearchReturn::RELEVANCY | SearchReturn::ALL));
            let mut data = EsearchData::default();
            data.all = Some(&[(1, 1), (5, 5), (10, 10)]);
            data.extra = &[EsearchExtra::Relevancy(&[4, 99, 42])];
            s.esearch(&data).unwrap();
            s.ok(None, "Search completed.").unwrap();
        },
        "* ESEARCH (TAG \"$\") ALL 1,5,10 RELEVANCY (4 99 42)
         $ OK Search completed.",
    );
    assert!(heard[0].contains("more: [Relevancy([4, 99, 42])]"), "{heard:?}");
    duet.ask(
        "SORT (RELEVANCY) UTF-8 FUZZY SUBJECT \"Helo\"",
        |s, _| {
            s.sort([5, 10, 1], None).unwrap();
            s.ok(None, "Sort completed.").unwrap();
        },
        "* SORT 5 10 1
         $ OK Sort completed.",
    );
    duet.ask(
        "SORT RETURN (PARTIAL 1:10) (RELEVANCY) UTF-8 FUZZY TEXT \"World\"",
        |s, c| {
            let Command::Sort(sort) = c else { panic!() };
            let found = [42, 9, 34, 13, 15, 4, 2, 7, 23, 82].map(|n| (n, n));
            let extra = [EsearchExtra::Partial(sort.search.window.partial.unwrap(), &found)];
            let mut data = EsearchData::default();
            data.extra = &extra;
            s.esearch(&data).unwrap();
            s.ok(None, "Sort completed.").unwrap();
        },
        "* ESEARCH (TAG \"$\") PARTIAL (1:10 42,9,34,13,15,4,2,7,23,82)
         $ OK Sort completed.",
    );
    off(
        Capabilities::SEARCH_FUZZY,
        &[
            ("SEARCH FUZZY ALL", "BAD SEARCH=FUZZY is not on"),
            ("SEARCH RETURN (RELEVANCY) ALL", "BAD SEARCH=FUZZY is not on"),
            ("SORT (RELEVANCY) x ALL", "BAD SEARCH=FUZZY is not on"),
        ],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc6203.txt"));
}
