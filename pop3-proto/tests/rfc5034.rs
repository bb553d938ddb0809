//! RFC 5034: SASL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod dialogue;

use dialogue::{Host, play};
use mail_wire::Machine;

#[test]
fn section_6_initial_response_under_tls() {
    play(
        || Host::with(|c| c.implementation = Some("BlurdyBlurp POP3 server".into())),
        "S: +OK pop.example.com BlurdyBlurp POP3 server ready
         C: STLS
         S: +OK Begin TLS negotiation now
         <TLS>
         C: CAPA
         S: +OK List of capabilities follows
         S: TOP
         S: UIDL
         S: RESP-CODES
         S: AUTH-RESP-CODE
         S: PIPELINING
         S: USER
         S: SASL PLAIN DIGEST-MD5
         S: IMPLEMENTATION BlurdyBlurp POP3 server
         S: .
         C: AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=
         S: +OK Maildrop locked and ready
         C: AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=
         S: -ERR after success no more AUTH",
    )
    .on_client_but(&["AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q="]);
}

#[test]
fn section_6_without_an_initial_response() {
    play(Host::plain, "S: +OK\nC: AUTH PLAIN\nS= + \nC: dGVzdAB0ZXN0AHRlc3Q=\nS: +OK\nC: STAT\nS= +OK 2 320")
        .on_client_but(&[]);
}

#[test]
fn section_6_the_server_begins_and_the_last_response_is_empty() {
    play(
        Host::plain,
        "S: +OK
         C: AUTH DIGEST-MD5
         S= + cmVhbG09ImVsd29vZC5pbm5vc29mdC5jb20i
         C: Y2hhcnNldD11dGYtOCx1c2VybmFtZT0iY2hyaXMi
         S= + cnNwYXV0aD0wYjk3MTQ2MmNlZjVlOGY5MzBkYjlhMzNiMDJmYzlhMA==
         C: 
         S: +OK Maildrop locked and ready",
    )
    .on_client_but(&[]);
}

#[test]
fn section_4_cancel_and_what_is_no_base64() {
    play(
        Host::plain,
        "S: +OK
         C: AUTH PLAIN
         S= + 
         C: *
         S: -ERR
         C: AUTH PLAIN
         S= + 
         C: =AAA
         S: -ERR
         C: AUTH PLAIN
         S= + 
         C: AAA=BBB=
         S: -ERR
         C: AUTH PLAIN
         S= + 
         C: AA AA
         S: -ERR
         C: AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q
         S: -ERR without its padding
         C: AUTH PLAIN =
         S: -ERR [AUTH] an empty response, which the host refuses
         C: auth GSSAPI
         S: -ERR
         # as if AUTH had not been given
         C: USER mrose
         S: +OK
         C: PASS tanstaaf
         S: +OK",
    )
    .on_client_but(&["AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q", "auth GSSAPI"]);
    let mut host = Host::plain();
    host.feed(b"AUTH PLAIN =\r\n");
    assert!(host.events[0].contains("initial: Some"), "`=` is a response: {}", host.events[0]);
}

#[test]
fn rfc_1734_habit_auth_alone_lists_the_mechanisms() {
    play(Host::plain, "S: +OK\nC: AUTH\nS: +OK\nS: PLAIN\nS: DIGEST-MD5\nS: .\nC: QUIT\nS: +OK\n<close>")
        .on_client_but(&["AUTH"]);
}

#[test]
fn long_tokens_fit_and_endless_ones_do_not() {
    let token = "QUJD".repeat(3000);
    let mut host = Host::plain();
    host.feed(b"");
    assert_eq!(
        host.feed(format!("AUTH PLAIN {token}\r\n").as_bytes()),
        b"-ERR [AUTH] wrong name or password\r\n"
    );
    assert_eq!(host.feed(b"AUTH PLAIN\r\n"), b"+ \r\n");
    assert_eq!(host.feed(format!("{token}\r\n").as_bytes()), b"-ERR [AUTH] wrong name or password\r\n");
    assert_eq!(host.feed(b"AUTH PLAIN\r\n"), b"+ \r\n");
    assert_eq!(
        host.feed(format!("{token}QUJDREVGR0hJSktM{token}\r\n").as_bytes()),
        b"-ERR the line is too long\r\n"
    );
    assert_eq!(host.feed(b"QUIT\r\n"), b"+OK goodbye\r\n", "the exchange is over");
}

#[test]
fn nothing_of_a_secret_is_shown_and_its_frame_is_marked() {
    let mut host = Host::plain();
    host.feed(b"");
    for (line, secret) in [
        (&b"USER mrose\r\n"[..], false),
        (b"PASS hunter2\r\n", true),
        (b"pass\r\n", true),
        (b"NOOP\r\n", false),
        (b"AUTH PLAIN aHVudGVyMg==\r\n", true),
        (b"AUTH PLAIN\r\n", true),
        (b"aHVudGVyMg==\r\n", true),
        (b"AUTH PLAIN hunter2?\r\n", true),
        (b"APOP mrose 6875 6875\r\n", true),
    ] {
        host.feed(line);
        assert_eq!(host.server.frame_is_secret(), secret, "{}", line.escape_ascii());
    }
    let shown = format!("{:?} {:?}", host.events, host.server);
    assert!(!shown.contains("hunter2") && !shown.contains("aHVu") && !shown.contains("104, 117"), "{shown}");
}
