//! Whatever is too long: lines, literals, exchanges, lists, before login and after.

use crate::ground::{Ground, IMAP, POP3, SUBMISSION, times};

/// A megabyte of it.
fn megabyte(of: &str) -> Vec<u8> {
    of.as_bytes().iter().copied().cycle().take(1 << 20).collect()
}

/// Megabytes, and no line end.
#[test]
fn a_line_without_an_end_takes_no_memory() {
    let mut ground = Ground::new();
    for (service, begin) in [
        (IMAP, ""),
        (IMAP, "a LOGIN "),
        (IMAP, "a LOGIN \""),
        (POP3, ""),
        (POP3, "USER "),
        (SUBMISSION, ""),
        (SUBMISSION, "EHLO "),
        (SUBMISSION, "EHLO x\r\nAUTH PLAIN "),
        (IMAP, "a AUTHENTICATE PLAIN "),
        (IMAP, "a AUTHENTICATE PLAIN\r\n"),
        (POP3, "AUTH PLAIN\r\n"),
        (SUBMISSION, "EHLO x\r\nAUTH LOGIN\r\n"),
    ] {
        let mut raw = ground.raw(service);
        raw.send(begin);
        let piece = megabyte("A");
        for _ in 0..times(10) {
            if !raw.send(&piece) {
                break;
            }
        }
        assert!(ground.growth() < 24 * 1024, "{service} {begin:?}: {} KiB", ground.growth());
        raw.half_close();
        raw.end();
    }
    ground.serves();
    ground.held(24);
}

#[test]
fn a_huge_literal_before_login_is_refused_unread_or_ends_the_connection() {
    let mut ground = Ground::new();
    for n in [
        "4097",
        "1000000",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999999",
    ] {
        // A synchronizing one is refused, and the connection goes on.
        let mut raw = ground.raw(IMAP);
        raw.send(format!("a LOGIN {{{n}}}\r\nb NOOP\r\n"));
        assert!(raw.until_or_end(b"\r\na "), "{n}: {}", String::from_utf8_lossy(&raw.said));
        let said = String::from_utf8_lossy(&raw.said).into_owned();
        assert!(!said.contains("\r\n+ ") && !said.contains("a OK"), "{n}: {said}");
        // One that is sent anyway is never read as commands.
        let mut raw = ground.raw(IMAP);
        raw.send(format!("a LOGIN {{{n}+}}\r\n"));
        let piece = b"b CAPABILITY\r\n".repeat(5000);
        for _ in 0..16 {
            if !raw.send(&piece) {
                break;
            }
        }
        raw.half_close();
        let said = raw.end();
        // Up to a megabyte is read and dropped exactly; then comes what is a command.
        if n.len() > 7 {
            assert!(!said.contains("b OK"), "{n}: {said}");
        }
        // In a message, too.
        let mut raw = ground.alice(IMAP);
        raw.send(format!("a APPEND INBOX {{{n}}}\r\n"));
        if n.len() > 7 {
            assert!(raw.until_or_end(b"a "), "{n}");
            assert!(!raw.said.starts_with(b"+ "), "{n}");
        }
    }
    ground.serves();
    ground.held(24);
}

#[test]
fn lists_without_an_end_are_bounded() {
    let mut ground = Ground::new();
    // Recipients of one message.
    let mut raw = ground.alice(SUBMISSION);
    raw.send("MAIL FROM:<alice@example.test>\r\n");
    raw.send("RCPT TO:<bob@example.test>\r\n".repeat(5000));
    raw.send("RSET\r\nQUIT\r\n");
    let said = raw.end();
    let taken = said.matches("250 2.1.5").count();
    assert!(taken > 0 && taken <= 1000, "{taken} recipients");
    // Transactions that never end, commands that never come to anything.
    let mut raw = ground.alice(SUBMISSION);
    for _ in 0..2000 {
        if !raw.send("MAIL FROM:<alice@example.test>\r\nRSET\r\n") {
            break;
        }
    }
    raw.half_close();
    raw.end();
    // Flags, names of header fields, items, return options.
    let mut raw = ground.alice(IMAP);
    let words = |word: &str, n: usize| (0..n).map(|i| format!("{word}{i}")).collect::<Vec<_>>().join(" ");
    for command in [
        format!("a STORE 1:* FLAGS ({})", words("k", 8000)),
        format!("a APPEND INBOX ({}) {{1+}}\r\nx", words("k", 8000)),
        format!("a FETCH 1:* BODY[HEADER.FIELDS ({})]", words("x", 8000)),
        format!("a FETCH 1:* ({})", "BODYSTRUCTURE ".repeat(4000).trim_end()),
        format!("a LIST \"\" ({})", words("a%*", 8000)),
        format!("a SEARCH {}", "ALL ".repeat(15_000).trim_end()),
        format!("a ENABLE {}", words("X", 8000)),
        format!("a ID ({})", "\"a\" \"b\" ".repeat(7000).trim_end()),
    ] {
        assert!(raw.send(format!("{command}\r\n")), "the connection ended before {:.40}", command);
        assert!(raw.answered(b"a "), "{command:.40}");
        raw.said.clear();
        raw.send("z NOOP\r\n");
        assert!(raw.answered(b"z OK"));
        raw.said.clear();
    }
    drop(raw);
    // What is wrong, again and again, is not answered for ever.
    for service in [IMAP, POP3, SUBMISSION] {
        let mut raw = ground.raw(service);
        raw.send("XYZZY plugh\r\n".repeat(10_000));
        raw.half_close();
        let said = raw.end();
        assert!(said.lines().count() < 100, "{service}: {} lines", said.lines().count());
    }
    ground.serves();
    ground.held(32);
}

#[test]
fn a_message_of_one_line_or_of_one_header_is_taken_or_refused() {
    let mut ground = Ground::new();
    for content in [
        [b"Subject: x\r\n\r\n".to_vec(), megabyte("y").repeat(times(4))].concat(),
        [b"Subject: ".to_vec(), megabyte("y").repeat(times(1))].concat(),
        [b"To: ".to_vec(), megabyte("a@b, ").repeat(times(1))].concat(),
        megabyte("X: y\r\n").repeat(times(1)),
        megabyte("\r\n").repeat(times(1)),
        megabyte("."),
        megabyte("\0"),
    ] {
        let mut raw = ground.alice(SUBMISSION);
        raw.send("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
        raw.until(b"354");
        for piece in content.chunks(1 << 16) {
            if !raw.send(piece) {
                break;
            }
        }
        raw.send("\r\n.\r\nQUIT\r\n");
        raw.half_close();
        raw.end();
        let mut raw = ground.alice(IMAP);
        raw.send(format!("a APPEND INBOX {{{}+}}\r\n", content.len()));
        raw.send(&content);
        raw.send("\r\nb UID FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\nc LOGOUT\r\n");
        let said = raw.end();
        assert!(said.contains("a OK") && said.contains("b OK"), "{:.300}", said);
    }
    ground.serves();
    // Envelopes of what is four megabytes of addresses are as long; one at a time, and they are given back.
    ground.held(160);
}
