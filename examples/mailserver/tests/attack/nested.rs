//! Whatever can stand in itself.

use std::time::Instant;

use crate::ground::{Ground, IMAP, times};

#[test]
fn commands_in_themselves_exhaust_no_stack() {
    let mut ground = Ground::new();
    let mut raw = ground.alice(IMAP);
    for command in [
        format!("SEARCH {}ALL", "NOT ".repeat(15_000)),
        format!("SEARCH {}ALL{}", "(".repeat(30_000), ")".repeat(30_000)),
        format!("SEARCH {}ALL{}", "(".repeat(30_000), ")".repeat(20_000)),
        format!("SEARCH {}", "(".repeat(60_000)),
        format!("SEARCH {}ALL", "OR ALL ".repeat(9000)),
        format!("SEARCH {}{}", "OR ".repeat(7000), "ALL ".repeat(7001).trim_end()),
        format!("SEARCH {}ALL", "NOT (OR SEEN ".repeat(4000)),
        format!("{}SEARCH ALL", "UID ".repeat(15_000)),
        format!("FETCH 1 {}FLAGS", "(".repeat(60_000)),
        format!("LIST {}", "(".repeat(60_000)),
        format!("STORE 1 FLAGS {}", "(".repeat(60_000)),
        format!("FETCH 1 BODY[{}1]", "1.".repeat(30_000)),
        format!("ID {}", "(".repeat(60_000)),
        format!("STATUS INBOX {}", "(".repeat(60_000)),
        format!("{}NOOP", "(".repeat(60_000)),
    ] {
        let begun = Instant::now();
        if !raw.send(format!("a {command}\r\n")) || !raw.answered(b"a ") {
            raw = ground.alice(IMAP);
        }
        assert!(begun.elapsed().as_secs() < 45, "{command:.30}: {:?}", begun.elapsed());
        raw.said.clear();
    }
    drop(raw);
    ground.serves();
    ground.held(24);
}

/// Multiparts in multiparts, messages in messages, comments in comments: `kind` of them, `n` deep.
fn deep(n: usize) -> Vec<String> {
    let multiparts: String =
        (0..n).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")).collect();
    let same: String = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(n);
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(n);
    let both =
        "Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\n"
            .repeat(n);
    let wide = format!(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
        "--b\r\n\r\nx\r\n".repeat(n * 4)
    );
    let comments = format!("From: {}x{} <a@b>\r\n\r\n", "(".repeat(n * 20), ")".repeat(n * 20));
    let groups = format!("To: {}\r\n\r\n", "g: a@b, ".repeat(n * 10));
    let parameters = format!(
        "Content-Type: text/plain; {}\r\n\r\nx",
        (0..n * 5).map(|i| format!("a*{i}*=%41;")).collect::<String>()
    );
    let words = format!("Subject: {}\r\n\r\n", "=?utf-8?q?=C3?= ".repeat(n * 5));
    [multiparts, same, messages, both, wide, comments, groups, parameters, words]
        .map(|m| m + "end\r\n")
        .into()
}

#[test]
fn messages_in_themselves_are_told_and_exhaust_no_stack() {
    let mut ground = Ground::new();
    let mut raw = ground.alice(IMAP);
    for message in deep(times(1000)) {
        let begun = Instant::now();
        raw.send(format!("a APPEND INBOX {{{}+}}\r\n{message}\r\n", message.len()));
        assert!(raw.answered(b"a OK"));
        raw.said.clear();
        raw.send("b FETCH * (ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[1.1.1.1.1] BODY.PEEK[1.MIME] BODY.PEEK[HEADER])\r\nc SEARCH TEXT end FROM x SUBJECT y\r\nd NOOP\r\n");
        assert!(raw.answered(b"d OK"));
        let said = String::from_utf8_lossy(&raw.said).into_owned();
        assert!(
            said.contains("BODYSTRUCTURE (") && said.contains("\r\nb OK"),
            "{message:.60}: {:.200}",
            said
        );
        assert!(begun.elapsed().as_secs() < 45, "{message:.60}: {:?}", begun.elapsed());
        raw.said.clear();
    }
    drop(raw);
    ground.serves();
    ground.held(96);
}
