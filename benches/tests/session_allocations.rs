//! How often whole sessions ask the allocator for memory while they carry out simple commands: driver, machine, session and the store in
//! memory together, on a connection that is warm. The machine's part of all of them is none (`allocations.rs`); what is left is the session's and
//! the store's, and is said here by command, as it is reached, so that nobody adds to it unseen.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests may panic")]

use allocation_counter::measure;
use mail_benches::sessions::{Session, store};

/// What is answered, and how many allocations that took.
fn says(session: &mut Session, command: &str) -> (String, u64) {
    session.hears(command.as_bytes());
    let counted = measure(|| session.goes_on());
    (session.answer(|said| String::from_utf8(said.to_vec()).unwrap()), counted.count_total)
}

/// Holds each command to its number of allocations: what it takes once more, among others that came together. (A connection that waited
/// gave its two buffers back, and the first command takes them again.)
fn hold(session: &mut Session, what: &str, commands: &[(&str, &str, u64)]) {
    const MORE: u64 = 10;
    let mut wrong = Vec::new();
    for (command, answer, most) in commands {
        let many = command.repeat(1 + usize::try_from(MORE).unwrap());
        says(session, &many);
        let (once, (said, all)) = (says(session, command).1, says(session, &many));
        assert_eq!(
            said.matches(answer).count(),
            1 + usize::try_from(MORE).unwrap(),
            "{what} {command:?}: {said}"
        );
        // Less than one is the room for all the answers together, which grows by doubling.
        let each = all.saturating_sub(once) / MORE;
        println!("{what} {:48} {each} allocations, {most} at most; {once} alone", command.escape_debug());
        if each > *most {
            wrong.push(format!("{what} {command:?}: {each} allocations, {most} at most"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn simple_commands_of_imap_allocate_no_more_than_is_said_here() {
    let store = store();
    let mut session = Session::imap(&store);
    for i in 0..20 {
        let message = format!("Subject: {i}\r\n\r\nx\r\n");
        let (said, _) =
            says(&mut session, &format!("a APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()));
        assert!(said.contains("a OK"), "{said}");
    }
    assert!(says(&mut session, "a SELECT INBOX\r\n").0.contains("a OK"));
    hold(
        &mut session,
        "IMAP",
        &[
            ("a CAPABILITY\r\n", "a OK", 0),
            ("a NOOP\r\n", "a OK", 1),
            ("a CHECK\r\n", "a OK", 1),
            ("a FETCH 1 FLAGS\r\n", "a OK", 3),
            ("a FETCH 1:* FLAGS\r\n", "* 20 FETCH", 3),
            ("a UID FETCH 1:* (UID FLAGS)\r\n", "* 20 FETCH", 3),
            ("a STORE 1 +FLAGS (\\Seen)\r\n", "* 1 FETCH", 5),
            ("a STORE 1:* -FLAGS.SILENT (\\Seen)\r\n", "a OK", 5),
            ("a UID STORE 1:* FLAGS (\\Answered)\r\n", "a OK", 12),
            ("a LIST \"\" INBOX\r\n", "* LIST", 14),
            ("a LIST \"\" *\r\n", "* LIST", 13),
            ("a STATUS INBOX (MESSAGES UNSEEN)\r\n", "MESSAGES 20", 10),
            ("a IDLE\r\nDONE\r\n", "a OK", 10),
        ],
    );
}

#[test]
fn simple_commands_of_pop3_allocate_no_more_than_is_said_here() {
    let store = store();
    let mut session = Session::imap(&store);
    for _ in 0..3 {
        assert!(says(&mut session, "a APPEND INBOX {5+}\r\na\r\nb\r\n").0.contains("a OK"));
    }
    drop(session);
    let mut session = Session::pop3(&store);
    hold(
        &mut session,
        "POP3",
        &[
            ("CAPA\r\n", "\r\nUIDL\r\n", 0),
            ("NOOP\r\n", "+OK", 0),
            ("STAT\r\n", "+OK 3 ", 0),
            ("LIST\r\n", "\r\n3 ", 1),
            ("LIST 2\r\n", "+OK 2 ", 0),
            ("UIDL\r\n", "\r\n3 ", 0),
            ("UIDL 2\r\n", "+OK 2 ", 0),
            ("RETR 2\r\n", "\r\n.\r\n", 1),
            ("DELE 1\r\nRSET\r\n", "deleted", 1),
        ],
    );
}

#[test]
fn simple_commands_of_submission_allocate_no_more_than_is_said_here() {
    let mut session = Session::submission(&store());
    hold(
        &mut session,
        "SMTP",
        &[
            ("NOOP\r\n", "250 2.0.0", 0),
            ("RSET\r\n", "250 2.0.0", 0),
            ("EHLO me\r\n", "250-PIPELINING", 2),
            ("MAIL FROM:<alice@example.test>\r\nRSET\r\n", "250 2.1.0", 4),
            ("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nRSET\r\n", "250 2.1.5", 12),
        ],
    );
}
