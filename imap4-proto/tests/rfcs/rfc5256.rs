//! RFC 5256: SORT and THREAD.

use imap4_proto::types::{Capabilities, Command, SortKey, ThreadAlgorithm, ThreadToken, Threads};

use crate::duet::{Duet, off, ok};

#[test]
fn section_3_sort() {
    let mut duet = Duet::selected();
    let heard = duet.ask(
        "SORT (SUBJECT) UTF-8 SINCE 1-Feb-1994",
        |s, _| {
            s.sort([2, 84, 882], None).unwrap();
            s.ok(None, "SORT completed").unwrap();
        },
        "* SORT 2 84 882
         $ OK SORT completed",
    );
    assert_eq!(heard[0], "Response(Sort { found: [2, 84, 882], modseq: None })");
    duet.ask(
        "SORT (SUBJECT REVERSE DATE) UTF-8 ALL",
        |s, c| {
            let Command::Sort(sort) = c else { panic!() };
            let shown: Vec<_> = sort.criteria.iter().map(|c| (c.reverse, c.key)).collect();
            assert_eq!(shown, [(false, SortKey::Subject), (true, SortKey::Date)]);
            assert_eq!(sort.search.charset.unwrap(), "UTF-8");
            s.sort([5, 3, 4, 1, 2], None).unwrap();
            s.ok(None, "SORT completed").unwrap();
        },
        "* SORT 5 3 4 1 2
         $ OK SORT completed",
    );
    duet.ask(
        "SORT (SUBJECT) US-ASCII TEXT \"not in mailbox\"",
        |s, _| {
            s.sort([], None).unwrap();
            s.ok(None, "SORT completed").unwrap();
        },
        "* SORT
         $ OK SORT completed",
    );
    // RFC 7162 section 3.1.6
    duet.ask(
        "UID SORT (ARRIVAL CC FROM SIZE TO) US-ASCII MODSEQ 1",
        |s, _| {
            s.sort([9], Some(7)).unwrap();
            ok(s);
        },
        "* SORT 9 (MODSEQ 7)
         $ OK done",
    );
}

/// The response of THREAD ORDEREDSUBJECT in section 3, in one line.
const ORDERED: &str = "(166)(167)(168)(169)(172)(170)(171)(173)(174 (175)(176)(178)(181)(180))(179)(177 (183)(182)(188)(184)(185)(186)(187)(189))(190)(191)(192)(193)(194 195)(196 (197)(198))(199)(200 202)(201)(203)(204)(205)(206 207)(208)";
const REFERENCES: &str = "(166)(167)(168)(169)(172)((170)(179))(171)(173)((174)(175)(176)(178)(181)(180))((177)(183)(182)(188 (184)(189))(185 186)(187))(190)(191)(192)(193)((194)(195 196))(197 198)(199)(200 202)(201)(203)(204)(205 206 207)(208)";

#[test]
fn section_3_thread() {
    let mut duet = Duet::selected();
    for (command, algorithm, text) in [
        ("THREAD ORDEREDSUBJECT UTF-8 SINCE 5-Mar-2000", ThreadAlgorithm::OrderedSubject, ORDERED),
        ("UID THREAD REFERENCES UTF-8 SINCE 5-Mar-2000", ThreadAlgorithm::References, REFERENCES),
    ] {
        let threads = Threads::parse(text.as_bytes()).unwrap();
        let heard = duet.ask(
            command,
            |s, c| {
                let Command::Thread(thread) = c else { panic!() };
                assert_eq!(thread.algorithm, algorithm);
                s.thread(threads.tokens()).unwrap();
                s.ok(None, "THREAD completed").unwrap();
            },
            &format!("* THREAD {text}\n$ OK THREAD completed"),
        );
        assert_eq!(heard[0], format!("Response(Thread(Threads({text})))"));
    }
    duet.ask(
        "THREAD ORDEREDSUBJECT US-ASCII TEXT \"gewp\"",
        |s, _| {
            s.thread([]).unwrap();
            s.ok(None, "THREAD completed").unwrap();
        },
        "* THREAD
         $ OK THREAD completed",
    );
    let threads = Threads::parse(REFERENCES.as_bytes()).unwrap();
    let of_188: Vec<_> = threads.messages().filter(|m| m.parent == Some(188)).map(|m| m.number).collect();
    assert_eq!(of_188, [184, 189]);
    assert_eq!(threads.messages().filter(|m| m.first).count(), TOP_LEVEL);
    assert_eq!(threads.tokens().filter(|t| matches!(t, ThreadToken::Message(_))).count(), 43);
}

/// Parentheses at the top of [`REFERENCES`].
const TOP_LEVEL: usize = 23;

#[test]
fn what_has_no_place() {
    let mut duet = Duet::selected();
    for (line, why) in [
        ("SORT () UTF-8 ALL", "Unknown sort key"),
        ("SORT (DATE) ALL", "A space is missing"),
        ("SORT (REVERSE) UTF-8 ALL", "A space is missing"),
        ("SORT (REVERSE REVERSE DATE) UTF-8 ALL", "Unknown sort key"),
        ("SORT DATE UTF-8 ALL", "A list in parentheses is missing"),
        ("SORT (DATE UTF-8 ALL", "Unknown sort key"),
        ("THREAD REFERENCES UTF-8", "A space is missing"),
    ] {
        duet.refused(line, &format!("BAD {why}"));
    }
    // RFC 5256 section 3: no EXPUNGE during SORT and THREAD, but during UID SORT and UID THREAD.
    for (line, may) in
        [("SORT (DATE) x ALL", false), ("UID SORT (DATE) x ALL", true), ("THREAD REFERENCES x ALL", false)]
    {
        let expunge = |s: &mut imap4_proto::server::Server, _: Command<'_>| {
            assert_eq!(s.expunge(1).is_ok(), may, "{line}");
            ok(s);
        };
        duet.ask(line, expunge, if may { "* 1 EXPUNGE\n$ OK done" } else { "$ OK done" });
    }
    off(
        // CONTEXT=SORT would bring SORT with it (RFC 5267 section 4.1).
        Capabilities::SORT | Capabilities::CONTEXT_SORT | Capabilities::THREAD_REFERENCES,
        &[
            ("SORT (DATE) x ALL", "BAD Unknown command"),
            ("UID SORT (DATE) x ALL", "BAD Unknown UID command"),
            ("THREAD REFERENCES x ALL", "BAD THREAD=REFERENCES is not on"),
        ],
    );
    off(
        Capabilities::THREAD_ORDEREDSUBJECT | Capabilities::THREAD_REFERENCES,
        &[
            ("THREAD REFERENCES x ALL", "BAD Unknown command"),
            ("UID THREAD X x ALL", "BAD Unknown UID command"),
        ],
    );
}

#[test]
fn its_examples_on_both_machines() {
    crate::dialogue::file(include_str!("../dialogues/rfc5256.txt"));
}
