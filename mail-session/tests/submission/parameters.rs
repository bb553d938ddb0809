//! MAIL's and RCPT's parameters, and BDAT, from the wire to the mailbox and the queue.

use mail_session::outbound::{Content, Deadline, Envelope, Wishes};
use smtp_submit_proto::{ByMode, Notify, Ret};

use crate::support::*;

const MESSAGE: &[u8] = b"From: alice@example.test\r\nDate: x\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n";

#[tokio::test]
async fn what_is_offered_depends_on_the_queue() {
    let mut client = Client::alice().await;
    let without = client.say("EHLO x", "250").await;
    for word in
        ["SIZE 8388608", "8BITMIME", "CHUNKING", "BINARYMIME", "DSN", "SMTPUTF8", "LIMITS RCPTMAX=1000"]
    {
        assert!(without.contains(&format!("250-{word}\r\n")), "{word} in {without}");
    }
    for word in ["DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "REQUIRETLS"] {
        assert!(!without.contains(word), "{word} in {without}");
    }
    client.say("MAIL FROM:<alice@example.test> HOLDFOR=60", "555").await;
    let mut config = config();
    config.smtp.mt_priority = Some("".into());
    let mut client = Client::queueing(config).await;
    let with = client.say("EHLO x", "250").await;
    for word in ["DELIVERBY 60", "FUTURERELEASE 2592000 20", "MT-PRIORITY\r\n"] {
        assert!(with.contains(&format!("250-{word}")), "{word} in {with}");
    }
    assert!(!with.contains("REQUIRETLS"), "not in the clear: {with}");
}

#[tokio::test]
async fn bdat_brings_the_same_message_in_any_number_of_chunks() {
    for pieces in [1, 2, 3, 7, MESSAGE.len()] {
        let mut client = Client::alice().await;
        client.say("MAIL FROM:<alice@example.test> BODY=8BITMIME", "250").await;
        client.say("RCPT TO:<bob@example.test>", "250").await;
        for piece in MESSAGE.chunks(MESSAGE.len().div_ceil(pieces)) {
            client.send(format!("BDAT {}\r\n", piece.len()).as_bytes()).await;
            client.send(piece).await;
            client.answer("250 2.0.0").await;
        }
        client.say("BDAT 0 LAST", "250 2.0.0 kept as").await;
        assert!(client.inbox("bob").await.remove(0).ends_with(MESSAGE));
    }
}

#[tokio::test]
async fn a_refused_chunk_is_drained_and_never_becomes_commands() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.send(b"BDAT 22\r\nSubject: POISON\r\n\r\nQUI").await;
    client.send(b"BDAT 6 LAST\r\nQUIT\r\n").await;
    client.answer("451 4.3.0").await;
    client.answer("503").await;
    client.send(b"BDAT 6\r\nQUIT\r\nNOOP\r\n").await;
    client.answer("503").await;
    client.answer("250").await;
    assert!(client.inbox("bob").await.is_empty());
}

#[tokio::test]
async fn binary_octets_are_kept_as_they_are() {
    let binary: Vec<u8> = b"From: alice@example.test\r\n\r\n".iter().copied().chain(0..=255).collect();
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test> BODY=BINARYMIME", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("DATA", "503").await;
    client.send(format!("BDAT {} LAST\r\n", binary.len()).as_bytes()).await;
    client.send(&binary).await;
    client.answer("250").await;
    assert!(client.inbox("bob").await.remove(0).ends_with(&binary));
    client.say("NOOP", "250").await;
}

#[tokio::test]
async fn every_parameter_reaches_the_queue() {
    let mut config = config();
    config.smtp.mt_priority = Some("".into());
    let mut client = Client::queueing(config).await;
    let before = now();
    client
        .say("MAIL FROM:<alice@example.test> SIZE=70 RET=HDRS ENVID=a+3Db BY=3600;NT HOLDFOR=600 MT-PRIORITY=4", "250")
        .await;
    client.say("RCPT TO:<carol@far.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;c+2B@x.test", "250").await;
    client.say("RCPT TO:<bob@example.test> NOTIFY=NEVER", "250").await;
    client.say("RCPT TO:<carol@far.example>", "250").await;
    client.say("DATA", "354").await;
    client.send(&[MESSAGE, b".\r\n"].concat()).await;
    client.answer("250 2.0.0 kept as").await;
    let [entry] = &client.queue().await[..] else { panic!() };
    let envelope = Envelope::of(entry);
    let Some(Deadline { at, mode: ByMode::Notify, trace: true, told: false }) = envelope.deliver_by else {
        panic!()
    };
    assert!((before + 3600..=before + 3610).contains(&at));
    assert!((before + 600..before + 610).contains(&entry.due) && entry.expires >= entry.due + 86_400);
    assert_eq!(
        (envelope.ret, envelope.envid.as_deref(), envelope.priority),
        (Some(Ret::Headers), Some("a+3Db"), 4)
    );
    assert_eq!((entry.sender.as_str(), envelope.content), ("alice@example.test", Content::SevenBit));
    // Held back, nobody has it yet; who is named twice is in it once.
    assert!(client.inbox("bob").await.is_empty());
    let [carol, bob] = &entry.recipients[..] else { panic!("{:?}", entry.recipients) };
    assert_eq!((carol.address.as_str(), bob.address.as_str()), ("carol@far.example", "bob@example.test"));
    let mut wishes = Wishes::default();
    wishes.notify = Some(Notify { success: true, failure: false, delay: true });
    wishes.original = Some(("rfc822".into(), "c+2B@x.test".into()));
    assert_eq!(Wishes::of(carol), wishes);
    assert!(Wishes::of(bob).never());
}

#[tokio::test]
async fn who_is_here_is_served_at_once_and_who_is_elsewhere_is_queued() {
    let mut client = Client::queueing(config()).await;
    client.say("MAIL FROM:<alice@example.test> BODY=8BITMIME", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("RCPT TO:<carol@far.example>", "250").await;
    client.say("RCPT TO:<stranger@example.test>", "250").await;
    client.say("DATA", "354").await;
    client.send(b"From: alice@example.test\r\n\r\n\xe4\r\n.\r\n").await;
    client.answer("250").await;
    assert_eq!(client.inbox("bob").await.len(), 1);
    let [entry] = &client.queue().await[..] else { panic!() };
    let names: Vec<_> = entry.recipients.iter().map(|r| &*r.address).collect();
    assert_eq!(names, ["carol@far.example", "stranger@example.test"]);
    assert_eq!(Envelope::of(entry).content, Content::EightBit);
    assert!(entry.recipients[1].error.is_some());
    // Nobody left, nothing queued.
    client.envelope(&["bob@example.test"]).await;
    client.send(&[MESSAGE, b".\r\n"].concat()).await;
    client.answer("250").await;
    assert_eq!(client.queue().await.len(), 1);
}

#[tokio::test]
async fn without_a_queue_nothing_relays() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<carol@far.example>", "550 5.7.1 relaying denied").await;
}

#[tokio::test]
async fn limits_come_before_the_data() {
    let mut config = config();
    config.smtp.limits.recipients = 2;
    config.smtp.limits.transactions = 2;
    let mut client = Client::queueing(config).await;
    assert!(client.say("EHLO x", "250").await.contains("LIMITS RCPTMAX=2 MAILMAX=2"));
    client.say("MAIL FROM:<alice@example.test> SIZE=99999999", "552 5.3.4").await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("RCPT TO:<alice@example.test>", "250").await;
    client.say("RCPT TO:<busy@example.test>", "452 4.5.3").await;
    client.say("RSET", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "452 4.5.3").await;
}

#[tokio::test]
async fn internationalised_mail_says_so_in_received() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test> SMTPUTF8", "250").await;
    client.say("RCPT TO:<jörg@example.test>", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("RSET", "250").await;
    client.say("MAIL FROM:<alice@example.test> SMTPUTF8", "250").await;
    client.say("RCPT TO:<bob@example.test>", "250").await;
    client.say("DATA", "354").await;
    client.send("From: Jörg <alice@example.test>\r\nSubject: ü\r\n\r\n.\r\n".as_bytes()).await;
    client.answer("250").await;
    let kept = String::from_utf8(client.inbox("bob").await.remove(0)).unwrap();
    assert!(kept.contains("with UTF8SMTPA id "), "{kept}");
}

#[tokio::test]
async fn a_delivery_is_reported_to_who_asked_for_it() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test> ENVID=X1 RET=FULL", "250").await;
    client
        .say("RCPT TO:<bob@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bob@example.test", "250")
        .await;
    client.say("DATA", "354").await;
    client.send(&[MESSAGE, b".\r\n"].concat()).await;
    client.answer("250").await;
    let report = String::from_utf8(client.inbox("alice").await.remove(0)).unwrap();
    for line in [
        "Return-Path: <>",
        "To: <alice@example.test>",
        "Original-Envelope-Id: X1",
        "Original-Recipient: rfc822; Bob@example.test",
        "Final-Recipient: rfc822; bob@example.test",
        "Action: delivered",
        "Status: 2.0.0",
        "Content-Type: text/rfc822-headers",
        "Message-ID: <1@x>",
    ] {
        assert!(report.contains(&format!("{line}\r\n")), "{line} in {report}");
    }
    assert!(!report.contains("body\r\n"), "the header alone: {report}");
    client.say("MAIL FROM:<>", "250").await;
    client.say("RCPT TO:<bob@example.test> NOTIFY=SUCCESS", "250").await;
    client.say("DATA", "354").await;
    client.send(&[MESSAGE, b".\r\n"].concat()).await;
    client.answer("250").await;
    assert_eq!(client.inbox("alice").await.len(), 1, "nobody is told of a report");
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
