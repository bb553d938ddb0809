//! RFC 2920: PIPELINING.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, open_config};

/// Section 4: a whole group at once.
#[test]
fn a_group_is_answered_in_order() {
    let mut host = Host::new(open_config());
    host.say("EHLO dbc.mtview.ca.us");
    host.feed(
        b"MAIL FROM:<mrose@dbc.mtview.ca.us>\r\nRCPT TO:<ned@innosoft.com>\r\nRCPT TO:<nobody@innosoft.com>\r\n\
          RCPT TO:<kvc@innosoft.com>\r\nDATA\r\n",
    );
    let codes: Vec<String> = host.sent().lines().map(|l| l[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "550", "250", "354"]);
    host.feed(b"first\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\nsecond\r\n.\r\nQUIT\r\n");
    let codes: Vec<String> = host.sent().lines().map(|l| l[..3].to_owned()).collect();
    assert_eq!(codes, ["250", "250", "250", "354", "250", "221"]);
    assert_eq!(host.messages, [&b"first\r\n"[..], b"second\r\n"]);
    host.on_client_but(&[]);
}

/// Section 3.1 and 3.2 (3): all recipients refused, DATA is refused too.
#[test]
fn without_recipients_data_is_refused() {
    let mut host = Host::new(open_config());
    host.say("EHLO me");
    host.feed(b"MAIL FROM:<a@b>\r\nRCPT TO:<nobody@b>\r\nRCPT TO:<nobody@b>\r\nDATA\r\nRSET\r\n");
    let sent = host.sent();
    let codes: Vec<&str> = sent.lines().map(|l| &l[..3]).collect();
    assert_eq!(codes, ["250", "550", "550", "554", "250"]);
    assert!(sent.contains("554 5.5.1 no valid recipients"));
    assert!(host.messages.is_empty());
    host.on_client_but(&[]);
}
