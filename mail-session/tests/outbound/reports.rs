//! RFC 3461: who is told what, and when.

use mail_session::outbound::{Envelope, Wishes};
use smtp_submit_proto::{Notify, Ret};

use crate::support::*;

fn wishes(success: bool, failure: bool, delay: bool) -> Wishes {
    let mut wishes = Wishes::default();
    wishes.notify = Some(Notify { success, failure, delay });
    wishes
}

/// The reports alice gets, of a message to this recipient.
async fn told(envelope: &Envelope, address: &'static str, wishes: Wishes, offers: &[&str]) -> Vec<String> {
    let scene = Scene::new(offers);
    scene.put(envelope, &[(address, wishes)], MESSAGE).await;
    scene.run().await;
    scene.inbox("alice").await
}

#[tokio::test]
async fn failures_are_reported_unless_something_else_was_asked() {
    for (asked, reports) in [
        (Wishes::default(), 1),
        (wishes(false, true, false), 1),
        (wishes(true, false, true), 0),
        (wishes(false, false, false), 0),
    ] {
        let got = told(&envelope(), "never@far.test", asked.clone(), CAPABLE).await;
        assert_eq!(got.len(), reports, "{asked:?}");
    }
    let mut nobody = envelope();
    nobody.sender = None;
    assert!(told(&nobody, "never@far.test", wishes(true, true, true), CAPABLE).await.is_empty());
}

#[tokio::test]
async fn a_relay_is_reported_where_the_next_server_reports_nothing() {
    let without: &[&str] = &["PIPELINING", "8BITMIME"];
    let got = told(&envelope(), "carol@far.test", wishes(true, false, false), without).await;
    assert!(got[0].contains("Action: relayed\r\nStatus: 2.0.0\r\n"), "{got:?}");
    assert!(got[0].contains("text/rfc822-headers") && !got[0].contains(".body"));
    assert!(told(&envelope(), "carol@far.test", Wishes::default(), without).await.is_empty());
    assert!(told(&envelope(), "carol@far.test", wishes(true, false, false), CAPABLE).await.is_empty());
    let got = told(&envelope(), "bob@here.test", wishes(true, false, false), CAPABLE).await;
    assert!(got[0].contains("Action: delivered\r\n"), "{got:?}");
}

#[tokio::test]
async fn envid_orcpt_and_ret_are_honoured_here_and_passed_on() {
    let mut envelope = envelope();
    envelope.envid = Some("Q+2B1".to_owned());
    envelope.ret = Some(Ret::Headers);
    let mut asked = wishes(false, true, false);
    asked.original = Some(("rfc822".to_owned(), "N+2Bx@far.test".to_owned()));
    let report = told(&envelope, "never@far.test", asked.clone(), CAPABLE).await.remove(0);
    assert!(
        report.contains("Original-Envelope-Id: Q+1\r\n")
            && report.contains("Original-Recipient: rfc822; N+x@far.test\r\n")
    );
    assert!(!report.contains(".body"), "RET=HDRS: {report}");
    let scene = Scene::new(CAPABLE);
    scene.put(&envelope, &[("carol@far.test", asked)], MESSAGE).await;
    scene.run().await;
    let lines = scene.relayed().remove(0).0;
    assert_eq!(lines[0], "MAIL FROM:<alice@here.test> SIZE=45 RET=HDRS ENVID=Q+2B1");
    assert_eq!(lines[1], "RCPT TO:<carol@far.test> NOTIFY=FAILURE ORCPT=rfc822;N+2Bx@far.test");
}

#[tokio::test]
async fn a_delay_is_told_once_and_the_end_when_the_time_is_over() {
    let scene = Scene::new(CAPABLE);
    let created = now() - 5 * 3600;
    let recipients = [("later@far.test", Wishes::default()), ("later2@far.test", wishes(false, true, false))];
    scene.put_at(&envelope(), &recipients, MESSAGE, created, now() + 3600).await;
    for _ in 0..3 {
        scene.run().await;
        scene.hurry().await;
    }
    let [delayed] = &scene.inbox("alice").await[..] else { panic!("told once") };
    assert!(
        delayed.contains("Action: delayed\r\nStatus: 4.2.1\r\n") && delayed.contains("Will-Retry-Until: "),
        "{delayed}"
    );
    assert!(!delayed.contains("later2@"), "who did not ask for it");
    let scene = Scene::new(CAPABLE);
    scene.put_at(&envelope(), &plain(&["later@far.test"]), MESSAGE, created, now() - 1).await;
    scene.run().await;
    assert!(scene.queue().await.is_empty());
    let report = scene.inbox("alice").await.remove(0);
    assert!(
        report.contains("Action: failed\r\nStatus: 5.4.7\r\n") && report.contains("451 4.2.1 not now"),
        "{report}"
    );
}

#[tokio::test]
async fn a_report_to_somebody_elsewhere_is_queued_and_never_bounces() {
    let scene = Scene::new(CAPABLE);
    let mut from_far = envelope();
    from_far.sender = Some("never@far.test".to_owned());
    scene.put(&from_far, &plain(&["eve@here.test"]), MESSAGE).await;
    scene.run().await;
    scene.hurry().await;
    scene.run().await;
    assert!(scene.queue().await.is_empty(), "refused, and nobody is told");
    assert!(scene.relayed().is_empty());
    from_far.sender = Some("frank@far.test".to_owned());
    scene.put(&from_far, &plain(&["eve@here.test"]), MESSAGE).await;
    scene.run().await;
    let (lines, report) = scene.relayed().remove(0);
    assert!(lines[0].starts_with("MAIL FROM:<> ") && lines[1] == "RCPT TO:<frank@far.test>", "{lines:?}");
    assert!(String::from_utf8(report).unwrap().contains("Action: failed"));
}
