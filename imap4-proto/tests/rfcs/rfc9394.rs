//! RFC 9394: PARTIAL.

use imap4_proto::types::{Capabilities, Command, EsearchData, EsearchExtra, SystemFlags};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_1_results_from_the_end() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "UID SEARCH RETURN (PARTIAL -1:-100) UNDELETED UNKEYWORD $Junk",
        |s, c| {
            let Command::Search(search) = c else { panic!() };
            let range = search.window.partial.unwrap();
            assert_eq!(range.resolve(23_764), Some((23_665, 23_764)));
            let extra = [EsearchExtra::Partial(range, &[(900, 950), (960, 960)])];
            let mut data = EsearchData::default();
            (data.uid, data.extra) = (true, &extra);
            s.esearch(&data).unwrap();
            s.ok(None, "Completed.").unwrap();
        },
        "* ESEARCH (TAG \"$\") UID PARTIAL (-1:-100 900:950,960)
         $ OK Completed.",
    );
    assert!(heard[0].contains("from_end: true"), "{heard:?}");
}

#[test]
fn section_3_3_uid_fetch() {
    let mut duet = Duet::selected();
    duet.ask(
        "UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-3)",
        |s, c| {
            let Command::Fetch(fetch) = c else { panic!() };
            assert_eq!(fetch.partial.unwrap().resolve(10), Some((8, 10)));
            for (n, flags, uid) in [
                (12_888, SystemFlags::SEEN, 25_996),
                (12_889, SystemFlags::FLAGGED | SystemFlags::ANSWERED, 25_997),
                (12_890, SystemFlags::NONE, 26_600),
            ] {
                let mut row = s.fetch(n).unwrap();
                row.flags(flags, [""; 0]).uid(uid);
                row.finish();
            }
            s.ok(None, "FETCH completed").unwrap();
        },
        r"* 12888 FETCH (FLAGS (\Seen) UID 25996)
          * 12889 FETCH (FLAGS (\Answered \Flagged) UID 25997)
          * 12890 FETCH (FLAGS () UID 26600)
          $ OK FETCH completed",
    );
    duet.done("UID FETCH 25900:26600 (UID FLAGS) (PARTIAL 1:5)", |s, _| ok(s));
}

#[test]
fn section_3_4_partial_and_changedsince_in_any_order() {
    let mut duet = Duet::selected();
    for modifiers in ["PARTIAL -1:-30 CHANGEDSINCE 98305", "CHANGEDSINCE 98305 PARTIAL -1:-30"] {
        duet.done(&format!("UID FETCH 25900:26600 (UID FLAGS) ({modifiers})"), |s, c| {
            let Command::Fetch(fetch) = c else { panic!() };
            assert_eq!((fetch.changed_since, fetch.partial.unwrap().to.get()), (Some(98_305), 30));
            ok(s);
        });
    }
    duet.refused("FETCH 1 FLAGS (PARTIAL 1:2)", "BAD PARTIAL is for UID FETCH");
    duet.refused("UID FETCH 1 FLAGS (PARTIAL -1:2)", "BAD Both ends of a range count from the same side");
    duet.refused("UID FETCH 1 FLAGS (PARTIAL 1:-2)", "BAD A number is missing");
    off(Capabilities::PARTIAL, &[("UID FETCH 1 FLAGS (PARTIAL 1:2)", "BAD PARTIAL is not on")]);
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc9394.txt"));
}
