//! RFC 2034 and RFC 3463: enhanced status codes where they belong, agreeing with the reply code.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, submission_config};

#[test]
fn every_reply_has_one_but_the_greeting_ehlo_and_intermediate_ones() {
    let mut host = Host::tls(submission_config());
    host.feed(b"");
    assert_eq!(host.sent(), "220 mail.example.test ESMTP\r\n");
    for line in ["EHLO me", "HELO me", "EHLO", "HELO a b"] {
        for reply in host.say(line).lines() {
            assert!(!has_enhanced(reply), "{line}: {reply}");
        }
    }
    for (line, enhanced) in [
        ("MAIL FROM:<a@b>", true),
        ("AUTH NTLM", true),
        ("AUTH PLAIN", false),
        ("AGEAYg==", true),
        ("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", true),
        ("HELP", true),
        ("NOOP", true),
        ("VRFY x", true),
        ("EXPN x", true),
        ("XYZZY", true),
        ("BDAT 1", true),
        ("STARTTLS", true),
        ("MAIL FROM:<ä@b>", true),
        ("MAIL FROM:<a@b> X", true),
        ("MAIL FROM:<a@b>", true),
        ("RCPT TO:<nobody@b>", true),
        ("DATA", true),
        ("RCPT TO:<a@b>", true),
        ("DATA", false),
        (".", true),
        ("RSET", true),
        ("QUIT", true),
    ] {
        let replies = host.say(line);
        assert!(!replies.is_empty(), "{line}");
        for reply in replies.lines() {
            assert_eq!(has_enhanced(reply), enhanced, "{line}: {reply}");
        }
    }
    host.on_client_but(&[
        "HELO me",
        "EHLO",
        "HELO a b",
        "AUTH NTLM",
        "XYZZY",
        "BDAT 1",
        "STARTTLS",
        "MAIL FROM:<ä@b>",
        "MAIL FROM:<a@b> X",
    ]);
}

/// Whether `reply` has an enhanced code; where it has, its class must be the reply code's.
fn has_enhanced(reply: &str) -> bool {
    let word = reply.get(4..).and_then(|t| t.split(' ').next()).unwrap_or("");
    let parts: Vec<&str> = word.split('.').collect();
    let is = parts.len() == 3
        && parts.iter().all(|p| (1..=3).contains(&p.len()) && p.bytes().all(|c| c.is_ascii_digit()));
    assert!(!is || reply.starts_with(parts.first().copied().unwrap_or("x")), "the class disagrees: {reply}");
    is
}
