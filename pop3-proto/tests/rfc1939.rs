//! RFC 1939: Post Office Protocol, version 3.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};
use pop3_proto::{Config, Server, Timestamp};
use std::sync::Arc;

fn apop() -> Host {
    let timestamp = Timestamp::new("<1896.697170952@dbc.mtview.ca.us>").unwrap();
    Host::new(Server::new(Arc::new(Config::default())).with_apop(timestamp))
}

#[test]
fn section_10_example_session() {
    let host = play(
        || apop().messages(vec![dialogue::message(120), dialogue::message(200)]),
        "S= +OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>
         C: APOP mrose c4c9334bac560ecc979e58001b3e22fb
         S: +OK mrose's maildrop has 2 messages (320 octets)
         C: STAT
         S= +OK 2 320
         C: LIST
         S: +OK 2 messages (320 octets)
         S: 1 120
         S: 2 200
         S: .
         C: DELE 1
         S: +OK message 1 deleted
         C: DELE 2
         S: +OK message 2 deleted
         C: QUIT
         S: +OK dewey POP3 server signing off (maildrop empty)
         <close>",
    );
    host.on_client_but(&[]);
    assert_eq!(host.removed, 2);
}

#[test]
fn section_4_quit_before_login() {
    let host = play(Host::plain, "S: +OK\nC: QUIT\nS: +OK dewey POP3 server signing off\n<close>");
    host.on_client_but(&[]);
    assert_eq!(host.events, ["Answered(Done(Quit))"], "the host has nothing to do, and removes nothing");
}

#[test]
fn section_5_examples() {
    play(
        Host::plain,
        "S: +OK
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S: +OK
         C: LIST 2
         S= +OK 2 200
         C: LIST 3
         S: -ERR no such message, only 2 messages in maildrop
         C: DELE 1
         S: +OK message 1 deleted
         C: DELE 1
         S: -ERR message 1 already deleted
         C: RETR 1
         S: -ERR no such message
         C: LIST 1
         S: -ERR
         C: UIDL 1
         S: -ERR
         C: TOP 1 0
         S: -ERR
         C: STAT
         S= +OK 1 200
         C: LIST
         S: +OK
         S: 2 200
         S: .
         C: NOOP
         S= +OK
         C: RSET
         S: +OK maildrop has 2 messages (320 octets)
         C: STAT
         S= +OK 2 320",
    )
    .on_client_but(&[]);
}

#[test]
fn section_5_list_of_an_empty_maildrop_is_success() {
    play(
        || Host::plain().messages(vec![]),
        "S: +OK\nC: USER mrose\nS: +OK\nC: PASS tanstaaf\nS: +OK\nC: LIST\nS: +OK\nS: .\nC: STAT\nS= +OK 0 0
         C: UIDL\nS: +OK\nS: .\nC: QUIT\nS: +OK\n<close>",
    )
    .on_client_but(&[]);
}

#[test]
fn section_7_top_and_uidl() {
    play(
        || {
            Host::plain()
                .messages(vec![b"A: b\r\n\r\n.\r\n..two\r\nthree\r\n".to_vec(), b"X: y\r\n".to_vec()])
        },
        "S: +OK
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S: +OK
         C: TOP 1 0
         S: +OK
         S: A: b
         S: 
         S: .
         C: TOP 1 2
         S: +OK
         S: A: b
         S: 
         S: ..
         S: ...two
         S: .
         C: TOP 1 99
         S: +OK
         S: A: b
         S: 
         S: ..
         S: ...two
         S: three
         S: .
         C: TOP 100 3
         S: -ERR no such message
         C: TOP 1
         S= -ERR TOP needs an argument
         C: UIDL
         S: +OK
         S: 1 uid-1
         S: 2 uid-2
         S: .
         C: UIDL 2
         S= +OK 2 uid-2
         C: UIDL 3
         S: -ERR no such message, only 2 messages in maildrop",
    )
    .on_client_but(&["TOP 1"]);
}

#[test]
fn section_7_user_and_pass() {
    play(
        Host::plain,
        "S: +OK
         C: PASS tanstaaf
         S: -ERR USER comes first
         C: USER frated
         S: +OK no hint which names exist
         C: PASS secret
         S: -ERR [AUTH]
         C: PASS secret
         S: -ERR USER comes first, again
         C: USER mrose
         S: +OK mrose is a real hoopy frood
         C: PASS  tanstaaf
         S: -ERR [AUTH] the space belongs to the password
         C: USER mrose
         S: +OK mrose is a real hoopy frood
         C: PASS tanstaaf
         S: +OK mrose's maildrop has 2 messages (320 octets)
         C: USER mrose
         S: -ERR
         C: PASS tanstaaf
         S: -ERR",
    )
    .on_client_but(&["PASS tanstaaf", "PASS secret", "USER mrose", "PASS tanstaaf"]);
}

#[test]
fn section_7_apop_is_there_only_with_a_timestamp() {
    play(
        Host::plain,
        "S= +OK POP3 server ready\nC: APOP mrose c4c9334bac560ecc979e58001b3e22fb\nS: -ERR\nC: QUIT\nS: +OK",
    )
    .on_client_but(&[]);
    play(apop, "S: +OK\nC: APOP mrose 00c9334bac560ecc979e58001b3e22fb\nS: -ERR [AUTH] permission denied")
        .on_client_but(&[]);
    for bad in ["1896@dbc", "<1896>", "<a@b@c>", "<a b@c>", "<@>", "<a@b\r\n>", "<a<@b>"] {
        assert_eq!(Timestamp::new(bad), None, "{bad}");
    }
}

#[test]
fn commands_have_no_place_before_login_and_keywords_any_case() {
    let mut host = Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.limits.bad_commands = 100;
    });
    host.feed(b"");
    for c in ["STAT", "LIST", "LIST 1", "UIDL", "RETR 1", "TOP 1 1", "DELE 1", "NOOP", "RSET"] {
        assert_eq!(host.feed(format!("{c}\r\n").as_bytes()), b"-ERR log in first\r\n", "{c}");
    }
    host.feed(b"uSeR mrose\r\npass tanstaaf\r\n");
    assert_eq!(host.feed(b"sTaT\r\n"), b"+OK 2 320\r\n");
    assert_eq!(host.feed(b"XTND\r\n"), b"-ERR unknown command\r\n");
}

fn logged_in(messages: Vec<Vec<u8>>) -> Host {
    let mut host = Host::plain().messages(messages);
    host.feed(b"USER mrose\r\nPASS tanstaaf\r\n");
    host
}

#[test]
fn section_3_dots_are_doubled_and_sizes_are_the_octets_sent() {
    for (message, wire) in [
        (&b""[..], &b".\r\n"[..]),
        (b".", b"..\r\n.\r\n"),
        (b".first\r\n", b"..first\r\n.\r\n"),
        (b"a: b\r\n\r\n.\r\n", b"a: b\r\n\r\n..\r\n.\r\n"),
        (b"a: b\r\n\r\n..\r\n...", b"a: b\r\n\r\n...\r\n....\r\n.\r\n"),
        (b"no end", b"no end\r\n.\r\n"),
        (b"8bit \xff\xfe\0\r\n", b"8bit \xff\xfe\0\r\n.\r\n"),
    ] {
        let mut host = logged_in(vec![message.to_vec()]);
        let sent = host.feed(b"RETR 1\r\n");
        let body = sent.strip_prefix(b"+OK message follows\r\n").unwrap();
        assert_eq!(body.escape_ascii().to_string(), wire.escape_ascii().to_string());
        let dots = message.split(|b| *b == b'\n').filter(|l| l.starts_with(b".")).count();
        let octets = body.len() - b".\r\n".len() - dots;
        assert_eq!(host.feed(b"LIST 1\r\n"), format!("+OK 1 {octets}\r\n").into_bytes());
    }
}

#[test]
fn a_client_that_splits_at_lf_is_not_led_astray_by_a_message() {
    let mut host = logged_in(vec![b"a: b\r\n\r\nx\n.\n+OK forged\n".to_vec()]);
    let sent = host.feed(b"RETR 1\r\n");
    let ends = sent.split(|b| *b == b'\n').filter(|l| matches!(*l, b"." | b".\r")).count();
    assert_eq!(ends, 1, "{}", sent.escape_ascii());
}

#[test]
fn passwords_are_octets_with_all_their_spaces() {
    let mut host = Host::plain();
    host.feed(b"USER j\xc3\xb8rn\r\n");
    assert!(host.feed(b"PASS  \xffa  b \r\n").starts_with(b"+OK"));
}

#[test]
fn message_numbers_begin_at_1_and_end_at_32_bits() {
    let mut host = logged_in(vec![b"x: y\r\n".to_vec()]);
    for command in ["RETR", "DELE", "LIST", "UIDL"] {
        for (n, why) in [
            ("0", "message numbers begin at 1"),
            ("4294967296", "no such message: the number is too large"),
            ("-1", "not a number"),
            ("1.0", "not a number"),
        ] {
            let sent = host.feed(format!("{command} {n}\r\n").as_bytes());
            assert_eq!(String::from_utf8(sent).unwrap(), format!("-ERR {why}\r\n"), "{command} {n}");
        }
    }
    assert_eq!(host.feed(b"STAT\r\n"), b"+OK 1 6\r\n");
}

#[test]
fn section_6_only_quit_removes() {
    let mut host = logged_in(vec![b"x: y\r\n".to_vec()]);
    host.feed(b"DELE 1\r\nQUI");
    assert_eq!((host.removed, host.closed), (0, None), "half a QUIT is none");
    host.feed(b"T\r\n");
    assert_eq!((host.removed, host.closed), (1, Some(Ok(()))));
}

#[test]
fn section_3_the_autologout_says_nothing_and_is_not_before_10_minutes() {
    let mut host = logged_in(vec![]);
    host.wait(599);
    assert_eq!(host.closed, None);
    host.feed(b"NOOP\r\n");
    host.wait(599);
    assert_eq!(host.closed, None, "any command resets the timer");
    let sent = host.sent.len();
    host.wait(1);
    assert!(matches!(host.closed, Some(Err(pop3_proto::Error::Timeout(pop3_proto::Late::Command)))));
    assert_eq!((host.sent.len(), host.removed), (sent, 0));
}

#[test]
fn an_octet_now_and_then_is_no_progress() {
    let mut host = logged_in(vec![]);
    for octet in b"NOOP N" {
        host.wait(25);
        host.feed(&[*octet]);
    }
    assert!(matches!(host.closed, Some(Err(pop3_proto::Error::Timeout(pop3_proto::Late::Line)))));
    // Nor are whole commands a login.
    let mut host = Host::plain();
    host.feed(b"");
    for _ in 0..10 {
        host.feed(b"CAPA\r\n");
        host.wait(60);
    }
    assert!(matches!(host.closed, Some(Err(pop3_proto::Error::Timeout(pop3_proto::Late::Login)))));
}

#[test]
fn strictly_only_crlf_ends_a_line() {
    let mut strict = Host::with(|c| {
        c.passwords = pop3_proto::Passwords::Always;
        c.tolerance = pop3_proto::Tolerance::STRICT;
    });
    strict.feed(b"");
    assert_eq!(strict.feed(b"USER mrose\nPASS tanstaaf\n"), b"");
    assert_eq!(strict.feed(b"\r\n"), b"-ERR a control character in the command\r\n");
    assert_eq!(strict.feed(b"USER mrose\r\n"), b"+OK send PASS\r\n");
    assert!(strict.feed(b"CAPA\r\n").starts_with(b"+OK"));
    assert_eq!(
        strict.feed(b"PASS tanstaaf\r\n"),
        b"-ERR USER comes first\r\n",
        "PASS comes immediately after USER"
    );
    let mut tolerant = Host::plain();
    tolerant.feed(b"");
    assert!(
        tolerant.feed(b"USER mrose\nCAPA \nPASS tanstaaf\n").ends_with(b"+OK maildrop locked and ready\r\n")
    );
}

#[test]
fn every_answer_out_of_order_is_misuse_and_writes_nothing() {
    let mut host = Host::plain();
    host.feed(b"");
    let s = &mut host.server;
    assert!(s.ok("").is_err() && s.err(None, "").is_err() && s.logged_in("").is_err());
    assert!(s.challenge(b"").is_err() && s.capabilities(&[]).is_err() && s.mechanisms(&[]).is_err());
    assert!(s.drop_listing(0, 0).is_err() && s.begin_list("").is_err() && s.end_list().is_err());
    assert!(s.begin_body("").is_err() && s.body("x".into()).is_err() && s.end_body().is_err());
    let n = pop3_proto::MessageNumber::new(1).unwrap();
    assert!(s.scan_listing(n, 0).is_err() && s.unique_id_listing(n, "x").is_err());
    assert!(s.language_listing("en", "x").is_err());
    assert_eq!(host.feed(b""), b"");
}

#[test]
fn a_host_cannot_write_a_line_end_or_a_code_by_accident() {
    use mail_wire::{Machine, Poll};
    let mut host = logged_in(vec![]);
    let frame = b"RSET\r\n";
    assert_eq!(host.server.poll(frame, host.now), Ok(Poll::Frame(6)));
    let _ = host.server.event(frame);
    assert_eq!(host.server.poll(b"NOOP\r\n", host.now), Ok(Poll::Blocked), "not before the answer");
    host.server.ok(&format!("[IN-USE]\r\n+OK \u{e9}{}", "x".repeat(600))).unwrap();
    let sent = host.feed(b"");
    assert!(sent.starts_with(b"+OK (IN-USE]  +OK ?xxx") && sent.len() <= 512, "{}", sent.escape_ascii());
}

#[test]
fn a_message_cut_short_has_no_end() {
    use mail_wire::{Machine, Poll};
    let mut host = logged_in(vec![]);
    assert!(matches!(host.server.poll(b"RETR 1\r\n", host.now), Ok(Poll::Frame(8))));
    let _ = host.server.event(b"RETR 1\r\n");
    host.server.begin_body("").unwrap();
    host.server.body("half".into()).unwrap();
    host.server.close();
    assert_eq!(host.feed(b"NOOP\r\n"), b"+OK\r\nhalf");
    assert_eq!(host.closed, Some(Ok(())));
}
