//! RFC 4954: AUTH.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, replay, submission_config};

const EHLO_TLS: &str = "C: EHLO client.example.com
         S: 250-mail.example.test greets client.example.com
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-AUTH PLAIN LOGIN CRAM-MD5
         S: 250 ENHANCEDSTATUSCODES\n";

/// Section 4.1, first example.
#[test]
fn plain_with_an_initial_response() {
    let mut host = Host::tls(submission_config());
    replay(
        &mut host,
        &[
            "S: 220*\n",
            EHLO_TLS,
            "C: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\nS: 235 2.7.0 authentication successful",
        ]
        .concat(),
    );
    host.on_client_but(&[]);
    assert!(host.server.is_authenticated());
    assert_eq!(host.secrets, [b"AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=\r\n"]);
    assert!(!format!("{:?}", host.log).contains("dGVzdAB0"), "{:?}", host.log);
}

/// Section 4.1, second example: a space follows 334.
#[test]
fn plain_without_an_initial_response() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    assert_eq!(host.say("AUTH PLAIN"), "334 \r\n");
    host.expect("dGVzdAB0ZXN0ADEyMzQ=", "235 2.7.0");
    assert_eq!(host.secrets.len(), 2);
    host.on_client_but(&[]);
}

/// Section 4.1, third example.
#[test]
fn a_mechanism_with_a_challenge() {
    let mut host = Host::new(submission_config());
    host.say("EHLO me");
    assert_eq!(host.say("AUTH CRAM-MD5"), "334 PDE4OTYuNjk3MTcwOTUyQHg+\r\n");
    host.expect("dGlt", "235");
    host.on_client_but(&[]);
}

/// Section 4.1, fourth example: `=` is a response of no octets.
#[test]
fn an_equals_sign_is_an_empty_response() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    host.expect("AUTH PLAIN =", "535 5.7.8");
    host.on_client_but(&[]);
}

#[test]
fn mail_before_auth_is_refused() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    for line in ["MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", "VRFY a", "EXPN a"] {
        host.expect(line, "530 5.7.0 authentication required");
    }
    for line in ["NOOP", "RSET", "HELO me", "EHLO me"] {
        host.expect(line, "250");
    }
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.expect("MAIL FROM:<a@b>", "250");
    host.on_client_but(&["RCPT TO:<a@b>", "DATA", "HELO me"]);
}

#[test]
fn auth_has_one_place() {
    let mut host = Host::tls(submission_config());
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "220");
    let mut host = Host::tls(submission_config());
    host.feed(b"");
    host.sent();
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503 5.5.1");
    host.expect("EHLO me", "250");
    host.expect("AUTH GSSAPI", "504 5.5.4");
    host.expect("AUTH plain AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503 5.5.1 already authenticated");
    // EHLO does not forget who the client is (PITFALLS).
    host.expect("EHLO me", "250");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503 5.5.1");

    let mut config = submission_config();
    config.auth_required = false;
    let mut host = Host::tls(config);
    host.say("EHLO me");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "503 5.5.1 AUTH has no place in a transaction");
    host.expect("RSET", "250");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.on_client_but(&["AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"]);
}

#[test]
fn no_password_in_the_clear() {
    let mut host = Host::new(submission_config());
    host.feed(b"");
    host.sent();
    let ehlo = host.say("EHLO me");
    assert!(ehlo.contains("250-AUTH CRAM-MD5\r\n") && ehlo.contains("250-STARTTLS\r\n"), "{ehlo}");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "538 5.7.11");
    assert_eq!(host.secrets.len(), 1, "wiped all the same");
    let mut config = submission_config();
    config.mechanisms.truncate(2);
    let mut host = Host::new(config);
    assert!(!host.say("EHLO me").contains("AUTH"));
    host.expect("MAIL FROM:<a@b>", "530 5.7.0 a STARTTLS command must be issued first");
    host.on_client_but(&[]);
}

#[test]
fn the_client_may_cancel() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    host.expect("AUTH LOGIN", "334 ");
    host.expect("*", "501 5.7.0");
    assert_eq!(host.log.last().unwrap(), "AuthCancelled");
    host.expect("NOOP", "250");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.on_client_but(&[]);
}

#[test]
fn what_is_not_base64_ends_the_exchange() {
    for line in ["=AAA", "AAA=BBB=", "AAA", "A B=", "dGlt\u{e4}", "NOOP\0"] {
        let mut host = Host::tls(submission_config());
        host.say("EHLO me");
        host.expect("AUTH LOGIN", "334 ");
        host.expect(line, "501 5.5.2");
        host.expect("NOOP", "250");
        host.expect(&format!("AUTH PLAIN {line}"), if line.contains(['\0']) { "500" } else { "501" });
    }
}

/// Section 4: lines of 12,288 octets, longer ones fail the command with 500 5.5.6.
#[test]
fn auth_lines_may_be_long() {
    let token = "AAAA".repeat(12_200 / 4);
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    host.expect(&format!("AUTH PLAIN {token}"), "535");
    host.expect("AUTH PLAIN", "334 ");
    host.expect(&token, "535");
    host.expect("AUTH PLAIN", "334 ");
    host.expect(&format!("{token}{token}"), "500 5.5.6");
    assert_eq!(host.log.last().unwrap(), "AuthCancelled");
    host.expect("NOOP", "250");
    host.expect(&format!("AUTH PLAIN {token}{token}"), "500 5.5.2");
    host.expect("NOOP", "250");
}

/// Section 9: not before the third failure.
#[test]
fn guessing_ends_the_connection() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    for _ in 0..4 {
        host.expect("AUTH PLAIN AGEAYg==", "535 5.7.8");
    }
    let last = host.say("AUTH PLAIN AGEAYg==");
    assert_eq!(last.lines().count(), 2, "{last}");
    assert!(last.contains("\r\n421 4.7.0"));
    assert_eq!(host.ended.as_deref(), Some("closed"));
    host.on_client_but(&[]);
}

/// Section 5: the parameter is parsed, and only where AUTH is offered.
#[test]
fn the_auth_parameter_of_mail() {
    let mut host = Host::tls(submission_config());
    host.say("EHLO me");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.expect("MAIL FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com", "250");
    host.expect("RSET", "250");
    host.expect("MAIL FROM:<john+@example.org> AUTH=<>", "250");
    host.expect("RSET", "250");
    host.expect("MAIL FROM:<john+@example.org> AUTH=x y", "501");
    let mut host = Host::new(common::open_config());
    host.say("EHLO me");
    host.expect("MAIL FROM:<a@b> AUTH=<>", "555");
    host.on_client_but(&["MAIL FROM:<a@b> AUTH=<>"]);
}
