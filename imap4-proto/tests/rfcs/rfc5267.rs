//! RFC 5267: ESORT, CONTEXT=SEARCH and CONTEXT=SORT.

use imap4_proto::{
    server::Server,
    types::{Capabilities, Code, Command, EsearchData, EsearchExtra, SearchReturn},
};

use crate::duet::{Duet, off, ok};

fn data<'a>(uid: bool, count: Option<u32>, extra: &'a [EsearchExtra<'a>]) -> EsearchData<'a> {
    let mut data = EsearchData::default();
    (data.uid, data.count, data.extra) = (uid, count, extra);
    data
}

#[test]
fn section_3_3_extended_sort() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "UID SORT RETURN () (REVERSE DATE) UTF-8 UNDELETED UNKEYWORD $Junk",
        |s, c| {
            let Command::Sort(sort) = c else { panic!() };
            assert_eq!(sort.search.returns, Some(SearchReturn::ALL));
            let mut data = data(true, None, &[]);
            data.all = Some(&[(23_765, 23_765), (23_764, 23_764), (23_763, 23_763), (23_761, 23_761)]);
            s.esearch(&data).unwrap();
            s.ok(None, "Sort completed").unwrap();
        },
        "* ESEARCH (TAG \"$\") UID ALL 23765,23764,23763,23761
         $ OK Sort completed",
    );
    assert!(heard[0].contains("all: Some(SequenceSet(23765,23764,23763,23761))"), "{heard:?}");
}

#[test]
fn section_4_contexts_and_their_updates() {
    let mut duet = Duet::selected();
    duet.ask(
        "SEARCH RETURN (CONTEXT COUNT) UNDELETED UNKEYWORD $Junk",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            assert_eq!(search.returns, Some(SearchReturn::CONTEXT | SearchReturn::COUNT));
            s.esearch(&data(false, Some(23_765), &[])).unwrap();
            s.ok(None, "Search completed.").unwrap();
        },
        "* ESEARCH (TAG \"$\") COUNT 23765
         $ OK Search completed.",
    );
    // The next command has the tag A3: its updates name it.
    duet.ask(
        "UID SEARCH RETURN (UPDATE COUNT) DELETED KEYWORD $Junk",
        |s, _| {
            s.esearch(&data(false, Some(74), &[])).unwrap();
            s.ok(None, "Search completed, will notify.").unwrap();
        },
        "* ESEARCH (TAG \"$\") COUNT 74
         $ OK Search completed, will notify.",
    );
    let heard = duet.ask(
        "UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 KEYWORD $Junk",
        |s, _| {
            s.esearch(&data(false, Some(74), &[])).unwrap();
            s.untagged_no(Some(Code::NoUpdate("B02")), "Too many contexts").unwrap();
            s.ok(None, "Search completed, will not notify.").unwrap();
        },
        "* ESEARCH (TAG \"$\") COUNT 74
         * NO [NOUPDATE \"B02\"] Too many contexts
         $ OK Search completed, will not notify.",
    );
    assert!(heard[1].contains("NoUpdate(\"B02\")"), "{heard:?}");
    // At any time, and so while no command is in progress.
    let tell = |duet: &mut Duet, extra: &[EsearchExtra<'_>], line: &str| -> String {
        let mut update = data(true, None, extra);
        update.tag = Some("C01");
        duet.talk.server.esearch(&update).unwrap();
        duet.carry(&mut |_, event| panic!("{event:?}"));
        duet.says(line);
        duet.peer.heard.pop().unwrap()
    };
    use EsearchExtra as X;
    let heard = tell(
        &mut duet,
        &[X::AddTo(0, &[(32_768, 32_769)])],
        "* ESEARCH (TAG \"C01\") UID ADDTO (0 32768:32769)",
    );
    assert!(
        heard.contains("more: [AddTo([ContextUpdate { position: 0, set: SequenceSet(32768:32769) }])]"),
        "{heard}"
    );
    tell(
        &mut duet,
        &[X::AddTo(1, &[(2733, 2733)]), X::AddTo(1, &[(2732, 2732)]), X::AddTo(1, &[(2731, 2731)])],
        "* ESEARCH (TAG \"C01\") UID ADDTO (1 2733 1 2732 1 2731)",
    );
    let heard = tell(
        &mut duet,
        &[X::RemoveFrom(0, &[(32_768, 32_768)]), X::AddTo(3, &[(7, 9)]), X::RemoveFrom(1, &[(5, 5)])],
        "* ESEARCH (TAG \"C01\") UID REMOVEFROM (0 32768) ADDTO (3 7:9) REMOVEFROM (1 5)",
    );
    let (first, second) = (heard.find("RemoveFrom").unwrap(), heard.find("AddTo").unwrap());
    assert!(first < second && heard.matches("RemoveFrom").count() == 2, "their order is kept: {heard}");
    // Two of a kind apart are read as they stand.
    duet.peer.server("* ESEARCH (TAG \"C01\") UID ADDTO (1 2733) ADDTO (1 2731:2732)\r\n");
    assert_eq!(duet.peer.heard.pop().unwrap().matches("AddTo").count(), 2);
    duet.ask(
        "CANCELUPDATE \"B01\" \"B02\"",
        |s, c| {
            let Command::CancelUpdate(tags) = c else { panic!() };
            assert!(tags.iter().eq(["B01", "B02"].map(|t| imap4_proto::types::AString::new(t.as_bytes()))));
            s.ok(None, "No further updates.").unwrap();
        },
        "$ OK No further updates.",
    );
}

#[test]
fn section_4_4_partial_results() {
    let mut duet = Duet::selected();
    for (range, found, shown) in [
        ("23500:24000", &[(5u32, 9u32), (11, 11)][..], "5:9,11"),
        ("1:500", &[(1, 500)], "1:500"),
        ("24000:24500", &[], "NIL"),
    ] {
        let heard = duet.ask(
            &format!("UID SEARCH RETURN (PARTIAL {range}) UNDELETED UNKEYWORD $Junk"),
            |s, c| {
                let Command::Search(search) = c else { panic!() };
                let range = search.window.partial.unwrap();
                s.esearch(&data(true, None, &[EsearchExtra::Partial(range, found)])).unwrap();
                s.ok(None, "Completed.").unwrap();
            },
            &format!("* ESEARCH (TAG \"$\") UID PARTIAL ({range} {shown})\n$ OK Completed."),
        );
        assert_eq!(heard[0].contains("found: None"), found.is_empty(), "{heard:?}");
    }
}

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    duet.refused("SEARCH RETURN (PARTIAL 1:2 ALL) ALL", "BAD PARTIAL and ALL exclude each other");
    duet.refused("SEARCH RETURN (PARTIAL 1:2 PARTIAL 1:2) ALL", "BAD There is one PARTIAL at most");
    duet.refused("SEARCH RETURN (PARTIAL 1:*) ALL", "BAD A number is missing");
    duet.refused("SEARCH RETURN (PARTIAL 0:1) ALL", "BAD A number must not be 0");
    duet.refused("SEARCH RETURN (PARTIAL 1) ALL", "BAD A range is first:last");
    duet.refused("SEARCH RETURN (PARTIAL) ALL", "BAD A space is missing");
    duet.refused("CANCELUPDATE", "BAD A space is missing");
    let contexts = Capabilities::CONTEXT_SEARCH | Capabilities::CONTEXT_SORT;
    off(
        contexts | Capabilities::ESORT | Capabilities::PARTIAL,
        &[
            ("SEARCH RETURN (CONTEXT) ALL", "BAD CONTEXT is not on"),
            ("SEARCH RETURN (UPDATE) ALL", "BAD CONTEXT is not on"),
            ("SEARCH RETURN (PARTIAL 1:2) ALL", "BAD PARTIAL is not on"),
            ("SORT RETURN (ALL) (DATE) x ALL", "BAD ESORT is not on"),
            ("CANCELUPDATE \"a\"", "BAD Unknown command"),
        ],
    );
    off(Capabilities::PARTIAL, &[("SEARCH RETURN (PARTIAL -1:-2) ALL", "BAD PARTIAL is not on")]);
    let mut duet = Duet::selected();
    duet.done("SORT RETURN (MIN MAX COUNT) (DATE) x ALL", |s: &mut Server, _| ok(s));
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc5267.txt"));
}
