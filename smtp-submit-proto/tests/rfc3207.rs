//! RFC 3207: STARTTLS.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, replay, submission_config};

/// Section 5.
#[test]
fn tls_comes_up_and_all_is_forgotten() {
    let mut config = submission_config();
    config.auth_required = false;
    let mut host = Host::new(config);
    replay(
        &mut host,
        "S: 220 mail.example.test ESMTP
         C: EHLO mail.example.com
         S: 250-mail.example.test greets mail.example.com
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-STARTTLS
         S: 250-AUTH CRAM-MD5
         S: 250 ENHANCEDSTATUSCODES
         C: AUTH CRAM-MD5 dGlt
         S: 235*
         C: STARTTLS
         S: 220 2.0.0 ready to start TLS
         The handshake; no second greeting.
         C: RCPT TO:<a@b>
         S: 503 5.5.1 EHLO comes first
         C: MAIL FROM:<a@b>
         S: 503 5.5.1 EHLO comes first
         C: EHLO mail.example.com
         S: 250-mail.example.test*
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-AUTH PLAIN LOGIN CRAM-MD5
         S: 250 ENHANCEDSTATUSCODES
         C: STARTTLS
         S: 503 5.5.1 TLS is active already",
    );
    host.on_client_but(&["RCPT TO:<a@b>", "MAIL FROM:<a@b>", "STARTTLS"]);
    assert_eq!(host.upgrades, 1);
    assert!(!host.server.is_authenticated());
    assert!(host.log.iter().any(|e| e == "StartTls"));
}

/// Section 4.2: the client may be in the middle of a transaction.
#[test]
fn a_transaction_is_void_with_tls() {
    let mut config = submission_config();
    config.auth_required = false;
    let mut host = Host::new(config);
    host.say("EHLO me");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("STARTTLS", "220");
    host.expect("RCPT TO:<a@b>", "503 5.5.1 EHLO comes first");
    host.expect("EHLO me", "250");
    host.expect("RCPT TO:<a@b>", "503 5.5.1 MAIL comes first");
}

/// Section 6: what somebody put into the clear after STARTTLS is never executed.
#[test]
fn plaintext_after_starttls_ends_the_connection() {
    for injected in ["R", "RSET\r\n", "MAIL FROM:<evil@x>\r\n"] {
        let mut host = Host::new(submission_config());
        host.say("EHLO me");
        host.feed(format!("STARTTLS\r\n{injected}").as_bytes());
        assert!(host.ended.as_deref().is_some_and(|e| e.contains("in the clear")));
        let sent = host.sent();
        assert!(sent.starts_with("421 4.7.0") && !sent.contains("220"), "{sent}");
        assert_eq!(host.upgrades, 0);
    }
}

#[test]
fn it_takes_no_argument_and_must_be_offered() {
    let mut host = Host::new(submission_config());
    host.say("EHLO me");
    host.expect("STARTTLS now", "501 5.5.4");
    let mut host = Host::new(common::open_config());
    assert!(!host.say("EHLO me").contains("STARTTLS"));
    host.expect("STARTTLS", "502 5.5.1");
}

#[test]
fn under_implicit_tls_it_is_not_offered() {
    let mut host = Host::tls(submission_config());
    host.feed(b"");
    assert!(host.sent().starts_with("220 "));
    assert!(!host.say("EHLO me").contains("STARTTLS"));
    host.expect("STARTTLS", "503 5.5.1");
}
