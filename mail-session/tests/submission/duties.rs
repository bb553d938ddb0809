//! RFC 6409 section 8 and section 6.1: what a submission server does to a message, and for whom.

use std::future::pending;

use mail_session::{
    Encryption,
    submission::{Config, HeaderFrom},
};

use crate::support::*;

async fn submit(config: Config, message: &str, answer: &str) -> Option<String> {
    let store = memory();
    let mut client = Client::over(store, config, Encryption::None, context(), pending()).await;
    client.say("EHLO client.example.test", "250").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(format!("{message}.\r\n").as_bytes()).await;
    client.answer(answer).await;
    let inbox = client.inbox("bob").await;
    inbox.into_iter().next().map(|octets| String::from_utf8(octets).unwrap())
}

#[tokio::test]
async fn a_missing_from_is_the_address_of_mail() {
    let kept = submit(config(), "Subject: x\r\n\r\nbody\r\n", "250").await.unwrap();
    assert!(kept.contains("\r\nFrom: <alice@example.test>\r\nDate: "), "{kept}");
}

#[tokio::test]
async fn a_foreign_from_is_named_refused_or_left_by_policy() {
    const FOREIGN: &str = "From: Eve <eve@else.test>\r\nSubject: x\r\n\r\nbody\r\n";
    let mut config = config();
    let kept = submit(config.clone(), FOREIGN, "250").await.unwrap();
    assert!(kept.contains("\r\nSender: <alice@example.test>\r\n") && kept.ends_with(FOREIGN), "{kept}");
    config.header_from = HeaderFrom::Any;
    assert!(!submit(config.clone(), FOREIGN, "250").await.unwrap().contains("Sender:"));
    config.header_from = HeaderFrom::Refuse;
    assert_eq!(submit(config.clone(), FOREIGN, "550 5.7.1 From: names somebody").await, None);
    // Within the header: its end is the message's end.
    assert_eq!(submit(config.clone(), "From: eve@else.test\r\n", "550 5.7.1").await, None);
    let own = "From: \"A\" <alice@example.test>\r\n\r\nbody\r\n";
    assert!(!submit(config.clone(), own, "250").await.unwrap().contains("Sender:"));
    config.header_limit = 100;
    let long = format!("X: {}\r\n{own}", "x".repeat(300));
    assert_eq!(submit(config, &long, "552 5.3.4 the header of the message is too long").await, None);
}

#[tokio::test]
async fn of_several_authors_the_sender_is_named() {
    let several = "From: alice@example.test, eve@else.test\r\n\r\nbody\r\n";
    let kept = submit(config(), several, "250").await.unwrap();
    assert!(kept.contains("\r\nSender: <alice@example.test>\r\n"), "{kept}");
    let named = "Sender: alice@example.test\r\nFrom: alice@example.test, eve@else.test\r\n\r\n";
    assert_eq!(submit(config(), named, "250").await.unwrap().matches("Sender:").count(), 1);
    let wrong = "Sender: eve@else.test\r\nFrom: eve@else.test\r\n\r\n";
    let kept = submit(config(), wrong, "250").await.unwrap();
    assert!(kept.contains("Sender: <alice@") && !kept.contains("Sender: eve"), "{kept}");
}

#[tokio::test]
async fn bcc_is_stripped_when_asked() {
    const HIDDEN: &str =
        "From: alice@example.test\r\nBcc: secret@else.test,\r\n other@else.test\r\nTo: bob\r\n\r\nBcc: x\r\n";
    assert!(submit(config(), HIDDEN, "250").await.unwrap().contains("secret@"));
    let mut config = config();
    config.repairs.strip_bcc = true;
    let kept = submit(config, HIDDEN, "250").await.unwrap();
    assert!(kept.ends_with("From: alice@example.test\r\nTo: bob\r\n\r\nBcc: x\r\n"), "{kept}");
}

#[tokio::test]
async fn a_trusted_front_end_speaks_for_others_and_nobody_else_does() {
    let mut config = config();
    let mut client = Client::over(memory(), config.clone(), Encryption::None, context(), pending()).await;
    client.say("XCLIENT ADDR=192.0.2.7 LOGIN=alice", "502").await;
    config.front_ends = vec!["127.0.0.0/8".parse().unwrap()];
    let mut client = Client::over(memory(), config, Encryption::None, context(), pending()).await;
    assert!(client.say("EHLO front.test", "250").await.contains("XCLIENT NAME ADDR PORT PROTO HELO LOGIN"));
    client.say("XCLIENT ADDR=192.0.2.7 PORT=99 NAME=pc.test HELO=pc", "220 mail.example.test").await;
    client.say("EHLO front.test", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "530").await;
    client.say("XCLIENT LOGIN=alice", "220").await;
    client.say("EHLO front.test", "250").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(b"From: alice@example.test\r\n\r\n.\r\n").await;
    client.answer("250").await;
    let kept = String::from_utf8(client.inbox("bob").await.remove(0)).unwrap();
    assert!(
        kept.contains("Received: from pc (pc.test [192.0.2.7])\r\n\tby mail.example.test with ESMTPA id"),
        "{kept}"
    );
    client.say("XCLIENT LOGIN=[UNAVAILABLE]", "220").await;
    client.say("EHLO front.test", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "530").await;
}

#[tokio::test]
async fn bare_line_ends_are_refused_or_kept_by_policy_and_never_end_anything() {
    const ODD: [&[u8]; 4] = [b"a\nb\r\n", b"a\rb\r\n", b"a\n.\nb\r\n", b"a\r\n.\rQUIT\r\n"];
    for odd in ODD {
        let mut client = Client::alice().await;
        client.envelope(&["bob@example.test"]).await;
        client.send(&[b"From: alice@example.test\r\n\r\n", odd, b".\r\n"].concat()).await;
        client.answer("554 5.6.0").await;
        assert!(client.inbox("bob").await.is_empty());
        client.say("NOOP", "250").await;
        let mut config = config();
        config.smtp.bare_newlines = smtp_submit_proto::BareNewlines::Keep;
        let mut client = Client::over(memory(), config, Encryption::None, context(), pending()).await;
        client.say("EHLO x", "250").await;
        client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
        client.envelope(&["bob@example.test"]).await;
        client.send(&[b"From: alice@example.test\r\n\r\n", odd, b".\r\n"].concat()).await;
        client.answer("250").await;
        let kept = client.inbox("bob").await.remove(0);
        // The dot at the start of a line was stuffed, by whoever sent it.
        let unstuffed = if odd.starts_with(b"a\r\n.") { b"a\r\n\rQUIT\r\n".as_slice() } else { odd };
        assert!(kept.ends_with(unstuffed), "{}", kept.escape_ascii());
    }
}

#[tokio::test]
async fn vrfy_expn_and_help_say_nothing_unless_they_are_asked_to() {
    let mut client = Client::alice().await;
    client.say("VRFY bob", "252 2.2.5 cannot verify").await;
    client.say("EXPN list", "502").await;
    client.say("HELP", "214").await;
    let mut config = config();
    config.smtp.ask_vrfy = true;
    let mut client = Client::over(memory(), config, Encryption::None, context(), pending()).await;
    client.say("EHLO x", "250").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.say("VRFY bob", "250 2.0.0 Bob <bob@example.test>").await;
    client.say("VRFY eve", "550 5.1.1").await;
    client.say("EXPN list", "502 5.5.1").await;
}

#[tokio::test]
async fn a_message_that_goes_round_in_circles_is_refused_by_submission_and_by_lmtp() {
    let message = |n: usize| {
        format!("{}From: alice@example.test\r\n\r\nbody\r\n", "Received: from a by b;\r\n\tnow\r\n".repeat(n))
    };
    assert!(submit(config(), &message(100), "250").await.is_some(), "RFC 5321 section 6.3: at least 100");
    assert_eq!(submit(config(), &message(101), "554 5.4.6").await, None);
    let mut config = mail_session::lmtp::Config::new("mail.example.test");
    config.hops = 3;
    for (n, answer) in [(3, "250"), (4, "554 5.4.6")] {
        let mut client = Client::lmtp(config.clone(), "127.0.0.1:9").await;
        client.answer("220").await;
        client.say("LHLO mx.test", "250").await;
        client.say("MAIL FROM:<mta@far.test>", "250").await;
        client.say("RCPT TO:<bob@example.test>", "250").await;
        client.say("RCPT TO:<alice@example.test>", "250").await;
        client.say("DATA", "354").await;
        client.send(format!("{}.\r\n", message(n)).as_bytes()).await;
        client.answer(answer).await;
        // A reply each, of what is refused too (RFC 2033 section 4.2).
        client.answer(answer).await;
        assert_eq!(client.inbox("bob").await.len(), usize::from(n == 3));
        client.say("NOOP", "250").await;
    }
}

/// RFC 6409 section 4.2.
#[tokio::test]
async fn nothing_leaves_from_or_to_a_domain_that_is_not_fully_qualified() {
    let mut client = Client::queueing(config()).await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<bob@sales>", "554 5.1.2").await;
    client.say("RCPT TO:<bob@far.example>", "250").await;
    client.say("RCPT TO:<Postmaster>", "250").await;
    let mut tolerant = config();
    tolerant.qualified_domains = false;
    let mut client = Client::queueing(tolerant).await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<bob@sales>", "250").await;
}
