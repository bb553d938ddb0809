//! RFC 6531: SMTPUTF8.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config};
use smtp_submit_proto::{Command, Rules};

#[test]
fn addresses_in_utf8_want_the_parameter() {
    let mut config = open_config();
    config.smtp_utf8 = true;
    let mut host = Host::new(config);
    assert!(host.say("EHLO x").contains("250-SMTPUTF8\r\n"));
    host.expect("MAIL FROM:<дерек@пример.рф>", "553 5.6.7");
    host.expect("MAIL FROM:<a@b> SMTPUTF8=yes", "501");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("RCPT TO:<дерек@пример.рф>", "553 5.6.7");
    host.expect("RSET", "250");
    host.expect("MAIL FROM:<дерек@пример.рф> SMTPUTF8 BODY=8BITMIME", "250");
    host.expect("RCPT TO:<дерек@пример.рф>", "250");
    host.feed("DATA\r\nSubject: ü\r\n\r\nя\r\n.\r\n".as_bytes());
    assert_eq!(host.messages, ["Subject: ü\r\n\r\nя\r\n".as_bytes()]);
    // The next transaction has not said it.
    host.sent();
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("RCPT TO:<д@b>", "553 5.6.7");
    host.on_client_but(&[
        "MAIL FROM:<дерек@пример.рф>",
        "MAIL FROM:<a@b> SMTPUTF8=yes",
        "RCPT TO:<дерек@пример.рф>",
        "RCPT TO:<д@b>",
    ]);
}

/// Section 3.7.4.2.
#[test]
fn vrfy_may_end_in_smtputf8() {
    let read = |line: &'static [u8], rules: &Rules| Command::parse(line, rules).unwrap();
    assert_eq!(read(b"VRFY fred SMTPUTF8\r\n", &Rules::all()), Command::Vrfy("fred"));
    assert_eq!(read(b"EXPN list smtputf8\r\n", &Rules::all()), Command::Expn("list"));
    assert_eq!(read(b"VRFY SMTPUTF8\r\n", &Rules::all()), Command::Vrfy("SMTPUTF8"));
    assert_eq!(read(b"VRFY fred SMTPUTF8\r\n", &Rules::default()), Command::Vrfy("fred SMTPUTF8"));
}

#[test]
fn it_is_off_by_default() {
    let mut host = Host::new(open_config());
    host.say("EHLO x");
    host.expect("MAIL FROM:<a@b> SMTPUTF8", "555");
    host.feed(b"MAIL FROM:<\xd0\xb4@b>\r\n");
    assert!(host.sent().starts_with("553 5.6.7"));
    host.on_client_but(&["MAIL FROM:<a@b> SMTPUTF8", "MAIL FROM:<д@b>"]);
}

/// RFC 6533 section 3.
#[test]
fn an_original_recipient_in_utf8() {
    let wire = "RCPT TO:<д@b> ORCPT=utf-8;д@b\r\n".as_bytes();
    let command = Command::parse(wire, &Rules::all()).unwrap();
    let Command::Rcpt(_, p) = command else { panic!() };
    assert_eq!((p.orcpt.unwrap().encoded(), p.orcpt.unwrap().address()), ("д@b", None));
    let mut out = vec![];
    command.encode(&mut out).unwrap();
    assert_eq!(out, wire);
}
