//! RFC 2033: a reply for each recipient.

use mail_session::{lmtp::Config, submission::OverQuota};

use crate::support::*;

async fn open(config: Config) -> Client {
    let mut client = Client::lmtp(config, "127.0.0.1:9").await;
    client.answer("220 mail.example.test LMTP").await;
    let offers = client.say("LHLO mx.test", "250").await;
    assert!(!offers.contains("AUTH") && !offers.contains("DSN"), "{offers}");
    client
}

#[tokio::test]
async fn each_recipient_has_its_own_reply() {
    let mut client = open(Config::new("mail.example.test")).await;
    client.say("MAIL FROM:<sender@anywhere.test>", "250").await;
    for (recipient, answer) in [
        ("bob@example.test", "250"),
        ("nobody@example.test", "550 5.1.1"),
        ("full@example.test", "250"),
        ("busy@example.test", "250"),
        ("bob@example.test", "250"),
        ("x@far.example", "550 5.7.1"),
    ] {
        client.say(&format!("RCPT TO:<{recipient}>"), answer).await;
    }
    client.say("DATA", "354").await;
    client.send(b"Subject: x\r\n\r\nbody\r\n.\r\n").await;
    for answer in ["250 2.0.0 <bob@", "452 4.2.2", "450 4.2.1", "250 2.0.0 <bob@"] {
        client.answer(answer).await;
    }
    let [message] = &client.inbox("bob").await[..] else { panic!("one copy") };
    let message = String::from_utf8(message.clone()).unwrap();
    assert!(
        message.starts_with("Return-Path: <sender@anywhere.test>\r\nX-Own: 1\r\nReceived: from mx.test"),
        "{message}"
    );
    assert!(
        message.contains("with LMTP id ") && message.ends_with("\r\nSubject: x\r\n\r\nbody\r\n"),
        "{message}"
    );
    assert!(!message.contains("Message-ID"), "what an MTA hands over is not mended");
    client.say("EHLO x", "500").await;
    client.say("QUIT", "221").await;
}

#[tokio::test]
async fn a_full_mailbox_refuses_by_policy_and_bdat_works() {
    let mut config = Config::new("mail.example.test");
    config.over_quota = OverQuota::Permanent;
    let mut client = open(config).await;
    client.say("MAIL FROM:<>", "250").await;
    client.say("RCPT TO:<full@example.test>", "250").await;
    client.say("RCPT TO:<alice@example.test>", "250").await;
    client.send(b"BDAT 4\r\nA: b").await;
    client.answer("250").await;
    client.send(b"BDAT 2 LAST\r\n\r\n").await;
    client.answer("552 5.2.2").await;
    client.answer("250").await;
    let message = String::from_utf8(client.inbox("alice").await.remove(0)).unwrap();
    assert!(message.starts_with("Return-Path: <>\r\n") && message.ends_with("\r\nA: b\r\n"), "{message}");
}

#[tokio::test]
async fn a_failing_store_is_said_to_each() {
    let mut client = open(Config::new("mail.example.test")).await;
    client.say("MAIL FROM:<a@b.test>", "250").await;
    client.say("RCPT TO:<alice@example.test>", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("DATA", "354").await;
    client.send(b"Subject: POISON\r\n\r\nbody\r\n.\r\n").await;
    client.answer("451").await;
    client.answer("451").await;
    client.say("NOOP", "250").await;
}

#[tokio::test]
async fn strangers_stay_outside_and_sockets_without_address_come_in() {
    let mut client = Client::lmtp(Config::new("mail.example.test"), "192.0.2.1:9").await;
    client.answer("554 mail.example.test").await;
    let mut client = Client::lmtp(Config::new("mail.example.test"), "unix").await;
    client.answer("220").await;
}
