//! Numbers at their ends: what does not fit is refused, and never taken for another number.

use std::time::Instant;

use crate::ground::{Ground, IMAP, POP3, SUBMISSION};

const BEYOND: &[&str] = &[
    "4294967296",
    "4294967297",
    "4294967298",
    "18446744073709551615",
    "18446744073709551616",
    "18446744073709551617",
    "99999999999999999999999999",
];

fn fill(ground: &Ground, n: usize) {
    let mut raw = ground.alice(IMAP);
    for i in 0..n {
        raw.send(format!("a{i} APPEND INBOX {{12+}}\r\nA: b\r\n\r\n{i:04}\r\n"));
    }
    raw.send("z LOGOUT\r\n");
    let said = raw.end();
    assert_eq!(said.matches("APPENDUID").count(), n, "{said}");
}

#[test]
fn a_number_that_does_not_fit_is_not_another() {
    let ground = Ground::new();
    fill(&ground, 3);
    // 4294967297 is not 1.
    for n in BEYOND.iter().chain(&["0", "-1", "+1", "1x", ""]) {
        for command in [
            format!("FETCH {n} FLAGS"),
            format!("UID FETCH {n} FLAGS"),
            format!("STORE {n} +FLAGS (\\Deleted)"),
            format!("UID STORE 1:{n} +FLAGS (\\Deleted)"),
            format!("COPY {n} INBOX"),
            format!("UID MOVE {n} INBOX"),
            format!("UID EXPUNGE {n}"),
            format!("SEARCH UID {n}"),
            format!("SEARCH {n}"),
            format!("FETCH 1 BODY[{n}]"),
            format!("FETCH 1 BODY[1.{n}]"),
        ] {
            let mut raw = ground.alice(IMAP);
            raw.send(format!("t {command}\r\nu LOGOUT\r\n"));
            let said = raw.end();
            assert!(said.starts_with("t BAD") || said.contains("\r\nt BAD"), "{command}: {said}");
            if n.is_empty() || n.starts_with('-') {
                break; // the others are the same to the grammar
            }
        }
        let mut raw = ground.alice(POP3);
        for command in ["RETR", "DELE", "LIST", "UIDL"] {
            if n.is_empty() && command != "RETR" && command != "DELE" {
                continue;
            }
            raw.send(format!("{command} {n}\r\n"));
            raw.until(b"\r\n");
            assert!(raw.said.starts_with(b"-ERR"), "{command} {n}: {}", raw.said.escape_ascii());
            raw.said.clear();
        }
        raw.send(format!("TOP {n} 1\r\nQUIT\r\n"));
        let said = raw.end();
        assert!(said.starts_with("-ERR"), "TOP {n}: {said}");
        let mut raw = ground.alice(SUBMISSION);
        if *n != "0" && n.parse::<u32>().is_err() {
            raw.send(format!("MAIL FROM:<alice@example.test> SIZE={n}\r\nQUIT\r\n"));
            let said = raw.end();
            assert!(said.starts_with("55") || said.starts_with("50"), "SIZE={n}: {said}");
        }
    }
    // The last UID there can be is one; a range to it is answered at once.
    let mut raw = ground.alice(IMAP);
    let begun = Instant::now();
    raw.send("t UID FETCH 4294967295 FLAGS\r\nu UID FETCH 1:4294967295 FLAGS\r\nv UID SEARCH 2:4294967294\r\nw FETCH 4294967295 FLAGS\r\nx FETCH 1:4294967295 FLAGS\r\n");
    raw.send(
        "y FETCH 1 BODY[]<4294967296.4294967297>\r\nz FETCH 1 BODY[]<9223372036854775807.1>\r\nq LOGOUT\r\n",
    );
    let said = raw.end();
    assert!(said.contains("t OK") && said.contains("u OK") && said.contains("v OK"), "{said}");
    assert!(said.contains("w BAD") && said.contains("x BAD"), "{said}");
    assert!(begun.elapsed().as_secs() < 45, "{:?}", begun.elapsed());
    // All three are there, and no flag was set.
    let mut raw = ground.alice(IMAP);
    raw.send("t UID SEARCH UNDELETED\r\nu LOGOUT\r\n");
    let said = raw.end();
    assert!(said.contains("SEARCH 1 2 3"), "{said}");
    ground.held(16);
}

#[test]
fn ten_thousand_ranges_cost_what_the_messages_cost() {
    let mut ground = Ground::new();
    fill(&ground, 20);
    let mut raw = ground.alice(IMAP);
    // As many as a line of 64 KiB holds: overlapping, disjoint, descending.
    let overlapping = vec!["1:*"; 10_000].join(",");
    let disjoint = (1..9000).map(|i| (i * 2).to_string()).collect::<Vec<_>>().join(",");
    let descending = (1..5000).map(|i| format!("{}:{}", 10_000 - i, 1)).collect::<Vec<_>>().join(",");
    for set in [&overlapping, &disjoint, &descending] {
        for command in
            ["FETCH # FLAGS", "STORE # +FLAGS (x)", "SEARCH RETURN (COUNT) UID #", "COPY # box", "EXPUNGE #"]
        {
            let begun = Instant::now();
            assert!(
                raw.send(format!("a UID {}\r\n", command.replace('#', set)).replace("UID SEARCH", "SEARCH"))
            );
            assert!(raw.answered(b"a "), "{command}: {}", raw.said.escape_ascii());
            let lines = raw.said.iter().filter(|c| **c == b'\n').count();
            assert!(
                lines <= 45 && begun.elapsed().as_secs() < 45,
                "{command}: {lines} lines, {:?}",
                begun.elapsed()
            );
            raw.said.clear();
        }
    }
    // By sequence number, too.
    raw.send(format!("c FETCH {overlapping} FLAGS\r\n"));
    assert!(raw.answered(b"c OK"), "{}", raw.said.escape_ascii());
    let lines = raw.said.iter().filter(|c| **c == b'\n').count();
    assert!(lines <= 21, "{lines} lines");
    // And what goes over the line's limit is refused.
    raw.send(format!("b UID FETCH {} FLAGS\r\n", vec!["1:*"; 30_000].join(",")));
    assert!(raw.until_or_end(b"b BAD") || raw.said.starts_with(b"* BYE"), "{}", raw.said.escape_ascii());
    drop(raw);
    ground.serves();
    ground.held(24);
}
