//! Which jobs are done without asking the allocator for memory.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests may panic")]

use allocation_counter::measure;
use mail_benches::cases;

/// What must not allocate, once its buffers are there. A SEARCH is among the commands of the IMAP trace: it keeps its keys.
const NONE: &[&str] = &[
    "IMAP, FETCH FLAGS line written: imap4-proto",
    "IMAP, FETCH (UID FLAGS) line read: imap4-proto, grammar",
    "IMAP, FETCH (UID FLAGS) line read: imap4-proto, machine",
    "IMAP, a command of 40 KB: imap4-proto, whole",
    "IMAP, a command of 40 KB: imap4-proto, in 64s",
    "IMAP, server's trace: imap4-proto, machine",
    "IMAP, a SEARCH answer of 140 KB: imap4-proto, machine",
    "SMTP, client's trace: smtp-submit-proto, grammar",
    "SMTP, client's trace: smtp-submit-proto, machine with answers",
    "SMTP, client's trace: smtp-submit-proto, machine, octet by octet",
    "DATA in, 1 MB of text: smtp-submit-proto, machine: slices",
    "DATA in, a dot on every line: smtp-submit-proto, machine: slices",
    "POP3, client's trace: pop3-proto, grammar",
];

#[test]
fn simple_commands_and_payloads_do_not_allocate() {
    let mut all = cases::all();
    for name in NONE {
        let case = all.iter_mut().find(|c| c.name() == *name).unwrap_or_else(|| panic!("no case {name}"));
        let count = measure(|| (case.run)()).count_total;
        assert_eq!(count, 0, "{name}");
    }
}

#[test]
fn the_imap_trace_allocates_for_its_search_and_no_more() {
    for case in cases::all().iter_mut().filter(|c| c.job.starts_with("IMAP, client's trace")) {
        if case.side.starts_with("imap4-proto") {
            let info = measure(|| (case.run)());
            assert!(info.count_total <= 6, "{}: {info:?}", case.name());
        }
    }
}

/// A payload reaches the host as slices of the input, and the peer as segments of the host: at no time is there a copy of it.
#[test]
fn a_payload_is_never_copied() {
    for case in cases::all().iter_mut().filter(|c| c.job.starts_with("DATA") || c.job.starts_with("RETR")) {
        if !case.side.starts_with("smtp-proto") {
            let info = measure(|| (case.run)());
            // Where a line begins with a dot, what leaves is cut there, and pieces as short as a line are copied.
            if case.job != "RETR out, a dot on every line" {
                assert!(info.bytes_max < 4096, "{}: {info:?}", case.name());
            }
        }
    }
}
