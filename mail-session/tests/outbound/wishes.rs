//! What a sender asks of the way: REQUIRETLS, DELIVERBY, MT-PRIORITY, SMTPUTF8.

use mail_session::outbound::{Content, Deadline, Envelope};
use smtp_submit_proto::ByMode;

use crate::support::*;

async fn sent(envelope: &Envelope, offers: &[&str]) -> (Vec<String>, Vec<String>) {
    let scene = Scene::new(offers);
    scene.put(envelope, &plain(&["carol@far.test"]), MESSAGE).await;
    scene.run().await;
    let lines = scene.relayed().into_iter().flat_map(|(lines, _)| lines).collect();
    (lines, scene.inbox("alice").await)
}

#[tokio::test]
async fn requiretls_goes_nowhere_without_tls() {
    let mut envelope = envelope();
    envelope.require_tls = true;
    // Offered, but not under TLS.
    for offers in [CAPABLE, &["REQUIRETLS"]] {
        let (lines, reports) = sent(&envelope, offers).await;
        assert!(lines.is_empty() && reports[0].contains("Status: 5.7.30\r\n"), "{lines:?} {reports:?}");
    }
}

#[tokio::test]
async fn deliverby_ends_or_tells() {
    let by = |seconds: i64, mode, trace| {
        let mut envelope = envelope();
        envelope.deliver_by = Some(Deadline { at: now() + seconds, mode, trace, told: false });
        envelope
    };
    let knows: &[&str] = &["DELIVERBY 60", "DSN"];
    let (lines, _) = sent(&by(3600, ByMode::Return, false), knows).await;
    assert!(lines[0].contains(" BY=3600;R") || lines[0].contains(" BY=3599;R"), "{lines:?}");
    for (envelope, offers, code) in [
        (by(3600, ByMode::Return, false), CAPABLE, "5.4.7"),
        (by(30, ByMode::Return, false), knows, "5.4.7"),
        (by(-1, ByMode::Return, false), knows, "5.4.7"),
    ] {
        let (lines, reports) = sent(&envelope, offers).await;
        assert!(lines.is_empty(), "{lines:?}");
        assert!(
            reports[0].contains(&format!("Status: {code}\r\n")) && reports[0].contains("Deliver-By-Date: ")
        );
    }
    let (lines, reports) = sent(&by(-5, ByMode::Notify, false), knows).await;
    assert!(lines[0].contains(" BY=-"), "{lines:?}");
    assert!(reports.is_empty());
    // RFC 2852 section 4.1.4.2
    let (lines, reports) = sent(&by(3600, ByMode::Notify, false), CAPABLE).await;
    assert!(lines[1].ends_with("NOTIFY=FAILURE,DELAY"), "{lines:?}");
    assert!(reports.is_empty());
    let (_, reports) = sent(&by(3600, ByMode::Notify, true), knows).await;
    assert!(reports[0].contains("Action: relayed"), "traced");
    let scene = Scene::new(knows);
    let mut late = by(-5, ByMode::Notify, false);
    late.priority = 1;
    scene.put(&late, &plain(&["later@far.test"]), MESSAGE).await;
    for _ in 0..2 {
        scene.run().await;
        scene.hurry().await;
    }
    let [told] = &scene.inbox("alice").await[..] else { panic!("told once") };
    assert!(told.contains("Action: delayed\r\nStatus: 4.4.7\r\n"), "{told}");
}

#[tokio::test]
async fn priorities_are_passed_on() {
    let mut envelope = envelope();
    envelope.priority = -2;
    let sent_lines = sent(&envelope, &["MT-PRIORITY"]).await;
    assert!(sent_lines.0[0].ends_with(" MT-PRIORITY=-2"), "{sent_lines:?}");
    assert!(!sent(&envelope, CAPABLE).await.0[0].contains("PRIORITY"));
}

#[tokio::test]
async fn internationalised_mail_goes_only_where_it_is_understood() {
    let mut envelope = envelope();
    envelope.smtp_utf8 = true;
    envelope.content = Content::EightBit;
    assert!(sent(&envelope, CAPABLE).await.0[0].ends_with("BODY=8BITMIME SMTPUTF8"));
    let (lines, reports) = sent(&envelope, &["8BITMIME"]).await;
    assert!(lines.is_empty() && reports[0].contains("Status: 5.6.7\r\n"), "{reports:?}");
    // Said of everything by some clients, and of no weight where all is ASCII.
    envelope.content = Content::SevenBit;
    assert_eq!(sent(&envelope, &["8BITMIME"]).await.0.len(), 2);
    envelope.smtp_utf8 = false;
    envelope.content = Content::EightBit;
    assert_eq!(sent(&envelope, &[]).await.0[0], "MAIL FROM:<alice@here.test>");
}
