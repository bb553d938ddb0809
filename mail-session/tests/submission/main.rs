//! Submission sessions on the memory store, over a pipe in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod duties;
mod lmtp;
mod parameters;
mod support;

use std::future::pending;

use mail_drive::NoTimer;
use mail_session::{
    Connection, Encryption, SessionError,
    auth::{LoginContext, Plaintext, Protocol},
    submission::serve,
};
use support::*;
use tokio::io::AsyncReadExt;
use tokio_util::compat::TokioAsyncReadCompatExt;

const MESSAGE: &[u8] =
    b"From: <alice@example.test>\r\nDate: Mon, 02 Jan 2023 03:04:05 +0100\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\n.dot\r\n\xff8bit\r\n";
const STUFFED: &[u8] =
    b"From: <alice@example.test>\r\nDate: Mon, 02 Jan 2023 03:04:05 +0100\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\n..dot\r\n\xff8bit\r\n.\r\n";

#[tokio::test]
async fn a_message_is_kept_in_each_mailbox_and_nothing_of_it_is_changed() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test", "alice@example.test", "\"bob\"@example.test"]).await;
    client.send(STUFFED).await;
    client.answer("250 2.0.0 kept as ").await;
    for account in ["alice", "bob"] {
        let messages = client.inbox(account).await;
        let [message] = &messages[..] else { panic!("{} messages of {account}", messages.len()) };
        let added = message.strip_suffix(MESSAGE).unwrap();
        let added = std::str::from_utf8(added).unwrap();
        assert!(
            added.starts_with(
                "Return-Path: <alice@example.test>\r\nX-Own: 1\r\n\
                 Received: from client.example.test ([127.0.0.1])\r\n\tby mail.example.test with ESMTPA id "
            ),
            "{added}"
        );
        assert!(!added.contains("\tfor "), "two recipients are not told of each other: {added}");
        assert_eq!(added.lines().filter(|l| !l.starts_with('\t')).count(), 3, "{added}");
    }
    client.say("QUIT", "221").await;
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn what_is_missing_is_added() {
    let mut client = Client::alice().await;
    client.envelope(&["Postmaster"]).await;
    client.send(b"Subject: x\r\n\r\nbody\r\n.\r\n").await;
    client.answer("250").await;
    let message = client.inbox("alice").await.remove(0);
    let added =
        String::from_utf8(message.strip_suffix(b"Subject: x\r\n\r\nbody\r\n").unwrap().to_vec()).unwrap();
    assert!(added.contains("\tfor <Postmaster>;\r\n"), "{added}");
    assert!(added.contains("\r\nDate: ") && added.contains("\r\nMessage-ID: <"), "{added}");
    assert!(added.ends_with("@mail.example.test>\r\n"), "{added}");
}

#[tokio::test]
async fn who_may_send_what_is_the_routers_to_say() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<bob@example.test>", "550 5.7.1 not your address").await;
    client.say("MAIL FROM:<>", "250").await;
    client.say("RSET", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<nobody@example.test>", "550 5.1.1").await;
    client.say("RCPT TO:<x@elsewhere.example>", "550 5.7.1 relaying denied").await;
    client.say("DATA", "554 5.5.1 no valid recipients").await;
    client.say("VRFY bob", "252").await;
}

#[tokio::test]
async fn nobody_sends_before_login() {
    let mut client = Client::connect(Encryption::None, Plaintext::Always, pending()).await;
    assert!(client.say("EHLO me", "250").await.contains("250-AUTH PLAIN LOGIN\r\n"));
    client.say("MAIL FROM:<alice@example.test>", "530 5.7.0").await;
    client.say("AUTH PLAIN AGFsaWNlAHdyb25n", "535 5.7.8").await;
    client.say("AUTH LOGIN", "334 VXNlc").await;
    client.say("*", "501 5.7.0").await;
    client.say("AUTH PLAIN AGFsaWNl", "501 5.5.2").await;
    client.say("AUTH XOAUTH2", "504 5.5.4").await;
    client.say("AUTH LOGIN", "334 ").await;
    client.say("Ym9i", "334 ").await;
    client.say("c2VjcmV0", "235").await;
    client.say("MAIL FROM:<alice@example.test>", "550").await;
    client.say("MAIL FROM:<bob@example.test>", "250").await;
}

#[tokio::test]
async fn guessing_ends_the_connection() {
    let mut client = Client::connect(Encryption::None, Plaintext::Always, pending()).await;
    client.say("EHLO me", "250").await;
    for _ in 0..5 {
        client.say("AUTH PLAIN AGFsaWNlAHdyb25n", "535 5.7.8 Authentication failed").await;
    }
    client.answer("421 4.7.0").await;
    assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn starttls_comes_first_and_forgets() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::TlsOnly, pending()).await;
    let ehlo = client.say("EHLO me", "250").await;
    assert!(ehlo.contains("250-STARTTLS\r\n") && !ehlo.contains("AUTH"), "{ehlo}");
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "538 5.7.11").await;
    client.say("MAIL FROM:<alice@example.test>", "530 5.7.0 a STARTTLS command").await;
    client.say("STARTTLS", "220 2.0.0").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "503 5.5.1").await;
    let ehlo = client.say("EHLO me", "250").await;
    assert!(!ehlo.contains("STARTTLS") && ehlo.contains("250-AUTH PLAIN LOGIN\r\n"), "{ehlo}");
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(STUFFED).await;
    client.answer("250").await;
    let message = client.inbox("bob").await.remove(0);
    let text = String::from_utf8_lossy(&message).into_owned();
    assert!(text.contains("with ESMTPSA id ") && text.contains("\tfor <bob@example.test>;"), "{text}");
}

#[tokio::test]
async fn login_is_forgotten_at_starttls() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::Always, pending()).await;
    client.say("EHLO me", "250").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.say("STARTTLS", "220").await;
    client.say("EHLO me", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "530").await;
}

#[tokio::test]
async fn plaintext_behind_starttls_ends_the_connection() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::TlsOnly, pending()).await;
    client.send(b"STARTTLS\r\nEHLO evil\r\n").await;
    client.answer("421 4.7.0").await;
    assert!(matches!(client.end().await, Err(SessionError::Drive(_))));
}

#[tokio::test]
async fn implicit_tls_is_tls_from_the_start() {
    let mut client = Client::connect(Encryption::Implicit, Plaintext::TlsOnly, pending()).await;
    assert!(client.say("EHLO me", "250").await.contains("250-AUTH PLAIN LOGIN\r\n"));
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
}

#[tokio::test]
async fn a_lost_connection_keeps_nothing() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    client.send(&STUFFED[..STUFFED.len() - 2]).await;
    let store = client.store.clone();
    let _ = client.end().await;
    assert!(inbox(&store.0, "bob").await.is_empty());
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_kept() {
    for (recipients, answer) in [
        (&["alice", "busy"][..], "450-4.2.1"),
        (&["full", "alice"], "452-4.2.2"),
        (&["stranger", "alice"], "550-5.1.1"),
        (&["stranger", "busy"], "450-4.2.1"),
    ] {
        let mut client = Client::alice().await;
        let addresses: Vec<String> = recipients.iter().map(|r| format!("{r}@example.test")).collect();
        client.envelope(&addresses.iter().map(String::as_str).collect::<Vec<_>>()).await;
        client.send(STUFFED).await;
        let text = client.answer(answer).await;
        assert!(recipients.iter().all(|r| text.contains(&format!("<{r}@")) == (*r != "alice")), "{text}");
        client.say("MAIL FROM:<alice@example.test>", "250").await;
    }
}

#[tokio::test]
async fn a_store_that_fails_midway_is_answered_after_the_end() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    client.send(b"Subject: x\r\n\r\nPOISON\r\n").await;
    client.send(&vec![b'x'; 100_000]).await;
    client.send(b"\r\n.\r\n").await;
    client.answer("451 4.3.0").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(b"\r\n.\r\n").await;
    client.answer("250").await;
    assert_eq!(client.inbox("bob").await.len(), 1);
}

#[tokio::test]
async fn a_large_message_passes_unchanged() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    let mut message = b"Subject: large\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n".to_vec();
    let mut seed = 1_u32;
    while message.len() < 3 << 20 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let line: Vec<u8> =
            (0..seed >> 24).map(|i| b"abc.\t\xe4 "[(seed.wrapping_mul(i + 1) >> 16) as usize % 7]).collect();
        message.extend_from_slice(&line);
        message.extend_from_slice(b"\r\n");
    }
    let stuffed: Vec<u8> = message
        .split_inclusive(|c| *c == b'\n')
        .flat_map(|l| if l.starts_with(b".") { [b".", l].concat() } else { l.to_vec() })
        .collect();
    client.send(&stuffed).await;
    client.send(b".\r\n").await;
    client.answer("250").await;
    assert!(client.inbox("bob").await[0].ends_with(&message));
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_after_its_end() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test> SIZE=99999999", "552 5.3.4").await;
    client.envelope(&["bob@example.test"]).await;
    for _ in 0..9 {
        client.send(&vec![b'x'; 1 << 20]).await;
    }
    client.send(b"\r\n.\r\n").await;
    client.answer("552 5.3.4").await;
    assert!(client.inbox("bob").await.is_empty());
}

#[tokio::test]
async fn a_server_that_stops_says_421() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut client = Client::connect(Encryption::None, Plaintext::Always, async {
        let _ = stopped.await;
    })
    .await;
    client.say("EHLO me", "250").await;
    stop.send(()).unwrap();
    client.answer("421 4.3.2 mail.example.test shutting down").await;
    assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn an_over_long_line_is_answered_and_skipped() {
    let mut client = Client::alice().await;
    client.send(&[b'x'; 20_000]).await;
    client.answer("500 5.5.2").await;
    client.send(b"x\r\n").await;
    client.say("NOOP", "250").await;
}

#[tokio::test]
async fn pipelined_transactions_are_answered_in_order() {
    let mut client = Client::alice().await;
    client
        .send(
            b"MAIL FROM:<alice@example.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n\
              Subject: 1\r\n\r\n.\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nRSET\r\nQUIT\r\n",
        )
        .await;
    for code in ["250", "550", "250", "354", "250", "250", "250", "250", "221"] {
        client.answer(code).await;
    }
    assert_eq!(client.inbox("bob").await.len(), 1);
}

#[test]
fn an_idle_session_is_small() {
    let (_, far) = tokio::io::duplex(64);
    let context = LoginContext::new(Protocol::Submission, "peer", "s1");
    let (store, config) = (memory(), config());
    let connection = Connection::plain(far.compat(), NoTimer, context);
    let session = serve(&*store, &Users, &Domain, connection, &config, pending::<()>());
    let size = size_of_val(&session);
    println!("{size} octets");
    assert!(size < 4096, "{size} octets");
}
