//! Grammars that nest: 64 levels are read, 10,000 are a clean fault, on a small stack; and twice the input costs twice the time.

use std::time::{Duration, Instant};

use imap4_proto::types::{Command, Reading, Response};

/// Runs on a thread with a stack of 256 KiB.
fn on_a_small_stack(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, test).unwrap();
        thread.join().unwrap();
    });
}

fn reads(command: &str) -> bool {
    Command::parse(command.as_bytes(), false).is_some()
}

#[test]
fn search_keys_of_every_searching_command() {
    on_a_small_stack(|| {
        for verb in [
            "SEARCH",
            "UID SORT (DATE) UTF-8",
            "THREAD REFERENCES UTF-8",
            "ESEARCH IN (personal)",
            "SEARCH RETURN (UPDATE PARTIAL 1:2)",
        ] {
            for (open, close) in [("(", ")"), ("NOT (", ")"), ("FUZZY (", ")"), ("OR SEEN (", ")")] {
                let key = |n: usize| format!("{verb} {}ALL{}", open.repeat(n), close.repeat(n));
                assert!(reads(&key(64)), "{verb} {open}");
                assert!(!reads(&key(10_000)), "{verb} {open}");
            }
            assert!(reads(&format!("{verb} {}ALL", "FUZZY ".repeat(10_000))), "it is one FUZZY");
            assert!(!reads(&format!("{verb} {}ALL", "NOT FUZZY ".repeat(10_000))));
        }
    });
}

#[test]
fn threads() {
    on_a_small_stack(|| {
        let nested = |n: usize| format!("* THREAD {}(1){}\r\n", "(".repeat(n), "(2))".repeat(n));
        let reads = |line: String| {
            let response = Response::parse(line.as_bytes(), Reading::TOLERANT);
            if let Ok(Response::Thread(threads)) = response {
                assert!(threads.messages().count() > 0);
                let mut again = Vec::new();
                Response::Thread(threads).encode(&mut again);
                assert_eq!(again, line.as_bytes());
            }
            response.is_ok()
        };
        assert!(reads(nested(64)));
        assert!(!reads(nested(10_000)));
        // A thread that does not branch is one level.
        let chain = (1..10_000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert!(reads(format!("* THREAD ({chain})\r\n")));
    });
}

#[test]
fn other_parentheses_do_not_nest() {
    on_a_small_stack(|| {
        let deep = |n: usize| ("(".repeat(n), ")".repeat(n));
        let (open, close) = deep(10_000);
        for command in [
            format!("NOTIFY SET {open}personal NONE{close}"),
            format!("NOTIFY SET (mailboxes {open}x{close} NONE)"),
            format!("GETMETADATA x {open}/a{close}"),
            format!("SETQUOTA x {open}STORAGE 1{close}"),
            format!("LIST \"\" % RETURN (METADATA {open}/a{close})"),
            format!("ESEARCH IN {open}personal{close} ALL"),
            format!("SORT {open}DATE{close} x ALL"),
        ] {
            assert!(!reads(&command));
        }
        for line in ["QUOTA x", "ESEARCH ADDTO", "ESEARCH PARTIAL", "METADATA x"] {
            let line = format!("* {line} {open}1{close}\r\n");
            assert!(Response::parse(line.as_bytes(), Reading::TOLERANT).is_err());
        }
    });
}

/// The best of some runs, each of them well within one slice of a busy machine's time.
fn time(run: impl Fn()) -> Duration {
    (0..50)
        .map(|_| {
            let from = Instant::now();
            run();
            from.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
fn twice_the_input_costs_twice_the_time() {
    let threads = |n: usize| format!("* THREAD {}\r\n", "(1 (2)(3 4))(5)".repeat(n));
    let updates =
        |n: usize| format!("* ESEARCH (TAG \"a\") UID ADDTO (1 2{}) PARTIAL (1:2 3)\r\n", " 1 2:3".repeat(n));
    let metadata = |n: usize| format!("* METADATA x (/a \"b\"{})\r\n", " /a {3}\r\nabc".repeat(n));
    let acl = |n: usize| format!("* ACL x{}\r\n", " fred lrs".repeat(n));
    let lines: [(&str, &dyn Fn(usize) -> String); 4] =
        [("THREAD", &threads), ("ESEARCH", &updates), ("METADATA", &metadata), ("ACL", &acl)];
    for (name, line) in lines {
        let cost = |n: usize| {
            let line = line(n);
            time(|| match Response::parse(line.as_bytes(), Reading::STRICT).unwrap() {
                Response::Thread(t) => assert!(t.messages().count() >= n),
                Response::Esearch(e) => assert_eq!(e.more.iter().count(), 2),
                Response::Acl { entries, .. } => assert_eq!(entries.iter().count(), n),
                Response::Metadata { .. } => {}
                other => panic!("{other:?}"),
            })
        };
        // The clock is no judge of a factor; one of sixteen for eight times the input is far from linear.
        let (small, large) = (cost(200), cost(1_600));
        assert!(large < small * 16, "{name}: {small:?}, {large:?}");
    }
}
