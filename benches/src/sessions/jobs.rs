//! What sessions are timed with: many small commands, much in, much out, and what is as bad as a client may make it.

use std::{hint::black_box, sync::Arc};

use mailstore_api::MemoryStore;

use super::{Session, store};
use crate::{body, case::Job};

/// A message of about `kilobytes`, the `i`th.
fn message(i: usize, kilobytes: usize) -> Vec<u8> {
    let header = format!(
        "Date: Tue, 14 Jul 2026 09:{:02}:{:02} +0200\r\nFrom: Alice <alice@example.test>\r\nTo: Bob <bob@example.test>\r\n\
         Subject: The minutes of week {i}\r\nMessage-ID: <{i}@example.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n",
        i / 60 % 60,
        i % 60
    );
    [header.into_bytes(), body(kilobytes * 1024 / 76, false)].concat()
}

/// `n` messages in INBOX.
fn filled(n: usize, kilobytes: usize) -> Arc<MemoryStore> {
    let store = store();
    let mut session = Session::imap(&store);
    for i in 0..n {
        let said = session.says(&append(&message(i, kilobytes)));
        assert!(said.contains("a OK"), "{said}");
    }
    store
}

fn append(message: &[u8]) -> Vec<u8> {
    [format!("a APPEND INBOX {{{}+}}\r\n", message.len()).as_bytes(), message, b"\r\n"].concat()
}

/// How often the answer to `wire` has `word`.
fn count(session: &mut Session, wire: &[u8], word: &str) -> usize {
    session.hears(black_box(wire));
    session.goes_on();
    session.answer(|said| memchr::memmem::find_iter(said, word.as_bytes()).count())
}

/// How long the answer to `wire` is, once it is seen to end with these words.
fn length(session: &mut Session, wire: &[u8], end: &str) -> usize {
    session.hears(black_box(wire));
    session.goes_on();
    session.answer(|said| if said.ends_with(end.as_bytes()) { said.len() } else { 0 })
}

fn selected(store: &Arc<MemoryStore>) -> Session {
    let mut session = Session::imap(store);
    let said = session.says(b"a SELECT INBOX\r\n");
    assert!(said.contains("a OK"), "{said}");
    session
}

/// Commands of a client that looks at a mailbox of 1,000, each of which is OK.
const SMALL: &[&str] = &[
    "NOOP",
    "CAPABILITY",
    "STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)",
    "LIST \"\" \"*\"",
    "UID FETCH 990:* (FLAGS)",
    "FETCH 1000 (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "UID FETCH 500 BODY.PEEK[HEADER.FIELDS (Date From To Subject)]",
    "UID FETCH 500 BODY.PEEK[]<0.65536>",
    "UID STORE 500 +FLAGS.SILENT (\\Seen)",
    "UID STORE 500 -FLAGS.SILENT (\\Seen)",
    "UID SEARCH UNSEEN SINCE 1-Feb-2024 NOT DELETED",
    "CHECK",
];

fn imap_small(store: &Arc<MemoryStore>) -> Job {
    let mut session = selected(store);
    let wire: String = SMALL.iter().map(|c| format!("~ {c}\r\n")).collect();
    Job::new("IMAP session, small commands", "command", SMALL.len()).side(
        "mail-session, store in memory",
        &SMALL.len(),
        move || {
            count(&mut session, wire.as_bytes(), "\r\n~ OK")
                + usize::from(session.answer(|s| s.starts_with(b"~ OK")))
        },
    )
}

fn imap_command(
    store: &Arc<MemoryStore>,
    name: &'static str,
    units: (&'static str, usize),
    command: &str,
    (word, times): (&'static str, usize),
) -> Job {
    let mut session = selected(store);
    let wire = format!("~ {command}\r\n");
    Job::new(name, units.0, units.1)
        .side("mail-session, store in memory", &times, move || count(&mut session, wire.as_bytes(), word))
}

/// A message of a megabyte is appended, marked and expunged, so that the store stays as it is.
fn imap_in() -> Job {
    let message = message(1, 1024);
    let mut session = selected(&store());
    let octets = message.len();
    let wire = [&append(&message)[..], b"a STORE * +FLAGS.SILENT (\\Deleted)\r\na EXPUNGE\r\n"].concat();
    Job::new("IMAP session, APPEND of 1 MB, and EXPUNGE", "octet", octets).side(
        "mail-session, store in memory",
        &3,
        move || count(&mut session, &wire, "a OK"),
    )
}

fn imap_out() -> Job {
    let message = message(1, 1024);
    let store = store();
    let mut session = selected(&store);
    let said = session.says(&append(&message));
    assert!(said.contains("a OK"), "{said}");
    let answer = format!("* 1 FETCH (BODY[] {{{}}}\r\n)\r\n~ OK FETCH completed\r\n", message.len()).len()
        + message.len();
    Job::new("IMAP session, FETCH of 1 MB", "octet", message.len()).side(
        "mail-session, store in memory",
        &answer,
        move || length(&mut session, b"~ FETCH 1 BODY.PEEK[]\r\n", "~ OK FETCH completed\r\n"),
    )
}

fn pop3(store: &Arc<MemoryStore>) -> [Job; 3] {
    let side = "mail-session, store in memory";
    // A maildrop is opened by one at a time: the three share the session.
    let session = std::rc::Rc::new(std::cell::RefCell::new(Session::pop3(store)));
    let retrieved: String = (1..=100).map(|n| format!("RETR {n}\r\n")).collect();
    let octets: usize = (0..100).map(|i| message(i, 4).len()).sum();
    let [of_list, of_small] = [0; 2].map(|_| std::rc::Rc::clone(&session));
    [
        Job::new("POP3 session, UIDL of 1,000", "message", 1000)
            .side(side, &1002, move || count(&mut of_list.borrow_mut(), b"UIDL\r\n", "\r\n")),
        Job::new("POP3 session, small commands", "command", 6).side(side, &6, move || {
            count(
                &mut of_small.borrow_mut(),
                b"STAT\r\nLIST 17\r\nUIDL 17\r\nDELE 17\r\nRSET\r\nNOOP\r\n",
                "+OK",
            )
        }),
        Job::new("POP3 session, RETR of 100 messages of 4 KB", "octet", octets)
            .side(side, &100, move || count(&mut session.borrow_mut(), retrieved.as_bytes(), "\r\n.\r\n")),
    ]
}

/// A login and messages of `kilobytes`, into a store that is new each time.
fn submission(name: &'static str, messages: usize, kilobytes: usize, worst: bool) -> Job {
    let mut text = message(1, kilobytes);
    if worst {
        text.extend_from_slice(&body(kilobytes * 1024 / 76, true));
    }
    let octets = messages * text.len();
    let wire = [
        b"MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n".to_vec(),
        text,
        b".\r\n".to_vec(),
    ]
    .concat()
    .repeat(messages);
    Job::new(name, "octet", octets).side("mail-session, store in memory", &messages, move || {
        count(&mut Session::submission(&store()), &wire, "250 2.0.0 kept")
    })
}

/// All of them.
#[must_use]
pub fn jobs() -> Vec<Job> {
    let thousand = filled(1000, 4);
    let ranges = vec!["1:*"; 10_000].join(",");
    let mut all = vec![
        imap_small(&thousand),
        imap_command(
            &thousand,
            "IMAP session, UID FETCH 1:* (FLAGS UID RFC822.SIZE)",
            ("message", 1000),
            "UID FETCH 1:* (FLAGS UID RFC822.SIZE)",
            ("FETCH (", 1000),
        ),
        imap_command(
            &thousand,
            "IMAP session, ENVELOPE and BODYSTRUCTURE, warm",
            ("message", 1000),
            "FETCH 1:* (ENVELOPE BODYSTRUCTURE)",
            ("BODYSTRUCTURE (", 1000),
        ),
        imap_command(
            &thousand,
            "IMAP session, SEARCH of 1,000 bodies of 4 KB in vain",
            ("message", 1000),
            "SEARCH RETURN (COUNT) BODY \"nowhere to be found\"",
            ("COUNT 0", 1),
        ),
        imap_in(),
        imap_out(),
        imap_command(
            &thousand,
            "IMAP session, a set of 10,000 ranges, each of all",
            ("range", 10_000),
            &format!("SEARCH RETURN (COUNT) {ranges}"),
            ("COUNT 1000", 1),
        ),
        imap_command(
            &thousand,
            "IMAP session, 5,000 keys in a SEARCH",
            ("key", 5000),
            &format!("SEARCH RETURN (COUNT) {}", vec!["UNSEEN"; 5000].join(" ")),
            ("COUNT 1000", 1),
        ),
    ];
    all.extend(pop3(&thousand));
    all.push(submission("Submission session, 10 messages of 8 KB", 10, 8, false));
    all.push(submission("Submission session, a message of 1 MB", 1, 1024, false));
    all.push(submission("Submission session, 1 MB, half of it with a dot on every line", 1, 512, true));
    all
}
