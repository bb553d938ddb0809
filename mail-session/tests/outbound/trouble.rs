//! A smart host that fails at each step: nothing is lost, nothing is told twice, and nothing goes out in the clear.

use std::time::Duration;

use mail_session::outbound::Wishes;
use mailstore_api::RecipientState;

use crate::support::*;

/// The steps of a transaction that a smart host can answer.
const STEPS: &[&str] = &["EHLO", "MAIL", "RCPT", "DATA"];

async fn put(scene: &Scene, recipients: &[&'static str]) {
    scene.put(&envelope(), &plain(recipients), MESSAGE).await;
}

/// One attempt after another, until nothing waits; how many there were.
async fn until_empty(scene: &Scene) -> usize {
    for attempt in 1..10 {
        scene.hurry().await;
        scene.run().await;
        if scene.queue().await.is_empty() {
            return attempt;
        }
    }
    panic!("it waits for ever: {:?}", scene.queue().await);
}

#[tokio::test]
async fn what_is_answered_4yz_at_any_step_waits_and_arrives_once() {
    for capabilities in [CAPABLE, &["SIZE 1000000"]] {
        for step in STEPS {
            for reply in ["451 4.3.0 later", "421 4.3.2 closing", ""] {
                let scene = Scene::new(capabilities);
                // HELO comes after an EHLO that is refused.
                let told = if *step == "EHLO" { &["EHLO", "HELO"][..] } else { std::slice::from_ref(step) };
                for verb in told {
                    scene.host.0.lock().unwrap().replies.insert(verb, [reply].into());
                }
                put(&scene, &["carol@far.test"]).await;
                scene.run().await;
                let case = format!("{step} {reply:?} {}", capabilities.len());
                assert!(scene.relayed().is_empty(), "{case}");
                let [entry] = &scene.queue().await[..] else { panic!("{case}: it does not wait") };
                assert_eq!(entry.recipients[0].state, RecipientState::Waiting, "{case}");
                assert!(entry.recipients[0].error.is_some(), "{case}");
                assert!(entry.due > now() + 200, "{case}: not at once");
                until_empty(&scene).await;
                assert_eq!(scene.relayed().len(), 1, "{case}");
                assert!(scene.inbox("alice").await.is_empty(), "{case}: nothing to report");
            }
        }
    }
}

#[tokio::test]
async fn what_is_answered_5yz_in_a_transaction_is_reported_once() {
    for step in ["MAIL", "RCPT", "DATA"] {
        let scene = Scene::new(CAPABLE);
        scene.host.0.lock().unwrap().replies.insert(step, ["554 5.7.0 never"; 2].into());
        put(&scene, &["carol@far.test", "dave@far.test"]).await;
        scene.run().await;
        assert!(scene.queue().await.is_empty() && scene.relayed().is_empty(), "{step}");
        let [report] = &scene.inbox("alice").await[..] else { panic!("{step}: one report") };
        assert_eq!(report.matches("Action: failed\r\nStatus: 5.7.0\r\n").count(), 2, "{step}: {report}");
        // The link is of use for the next message.
        scene.host.0.lock().unwrap().replies.clear();
        put(&scene, &["carol@far.test"]).await;
        scene.run().await;
        assert_eq!(scene.relayed().len(), 1, "{step}");
    }
}

#[tokio::test]
async fn a_host_that_does_not_serve_us_at_all_is_tried_until_the_time_is_over() {
    // 5yz to EHLO is about us and not about the message.
    for step in [&["EHLO", "HELO"][..], &["STARTTLS"]] {
        let scene = Scene::new(&["STARTTLS", "PIPELINING"]);
        scene.host.0.lock().unwrap().starttls = step == ["STARTTLS"];
        for verb in step {
            scene.host.0.lock().unwrap().replies.insert(verb, ["554 5.7.0 not you"; 9].into());
        }
        let recipients = plain(&["carol@far.test"]);
        scene.put_at(&envelope(), &recipients, MESSAGE, now(), now() + 3600).await;
        scene.run().await;
        assert_eq!(scene.queue().await.len(), 1);
        assert!(scene.inbox("alice").await.is_empty());
        scene.put_at(&envelope(), &recipients, MESSAGE, now() - 4000, now() - 1).await;
        scene.run().await;
        let [report] = &scene.inbox("alice").await[..] else { panic!("one report") };
        assert!(report.contains("Status: 5.4.7\r\n") && report.contains("554 5.7.0 not you"), "{report}");
    }
}

#[tokio::test]
async fn a_host_that_drops_starttls_gets_nothing_in_the_clear() {
    for (offers, reply) in [
        // It is not offered any more; it is put off; the connection is lost; the handshake fails.
        (&["PIPELINING"][..], None),
        (&["STARTTLS"], Some("454 4.7.0 no TLS now")),
        (&["STARTTLS"], Some("")),
        (&["STARTTLS"], Some("220 2.0.0 go\r\n250 smuggled")),
        (&["STARTTLS"], Some("220 2.0.0 go")),
    ] {
        let scene = Scene::new(offers);
        {
            let mut host = scene.host.0.lock().unwrap();
            host.starttls = true;
            host.replies.insert("STARTTLS", reply.into_iter().collect());
        }
        put(&scene, &["carol@far.test"]).await;
        scene.run().await;
        {
            let host = scene.host.0.lock().unwrap();
            let lines = &host.lines;
            assert!(
                lines.iter().all(|l| l.starts_with("EHLO") || l.starts_with("STARTTLS")),
                "{reply:?}: {lines:?}"
            );
            assert!(host.connections > 0 && host.messages.is_empty());
        }
        let [entry] = &scene.queue().await[..] else { panic!("{reply:?}: it does not wait") };
        assert_eq!(entry.recipients[0].state, RecipientState::Waiting);
    }
}

#[tokio::test]
async fn a_host_that_dies_within_the_content_gets_it_again_and_whole() {
    let long: Vec<u8> = [MESSAGE, &b"....+....1....+....2....+....3\r\n.\r\n".repeat(20_000)].concat();
    for within in [1, 1000, 300_000, long.len()] {
        let scene = Scene::new(CAPABLE);
        scene.host.0.lock().unwrap().lost_within = Some(within);
        scene.put(&envelope(), &plain(&["carol@far.test", "dave@far.test"]), &long).await;
        scene.run().await;
        assert!(scene.relayed().is_empty());
        assert_eq!(scene.queue().await.len(), 1, "{within}");
        assert_eq!(until_empty(&scene).await, 1, "{within}");
        let [(lines, content)] = &scene.relayed()[..] else { panic!("{within}") };
        assert!(lines.len() == 3 && *content == long, "{within}");
        assert!(scene.inbox("alice").await.is_empty());
    }
}

#[tokio::test]
async fn who_was_refused_before_the_connection_was_lost_is_not_asked_for_again() {
    let scene = Scene::new(CAPABLE);
    scene.host.0.lock().unwrap().lost = 1;
    put(&scene, &["never@far.test", "carol@far.test", "later@far.test", "bob@here.test"]).await;
    scene.run().await;
    let states =
        |entry: &mailstore_api::QueueEntry| entry.recipients.iter().map(|r| r.state).collect::<Vec<_>>();
    let [entry] = &scene.queue().await[..] else { panic!() };
    use RecipientState::{Done, Failed, Waiting};
    assert_eq!(states(entry), [Failed, Waiting, Waiting, Done]);
    let [report] = &scene.inbox("alice").await[..] else { panic!("one report") };
    assert!(report.contains("never@far.test") && !report.contains("carol@"), "{report}");
    scene.host.0.lock().unwrap().lines.clear();
    scene.hurry().await;
    scene.run().await;
    let asked = scene.host.0.lock().unwrap().lines.clone();
    assert!(asked.contains(&"RCPT TO:<carol@far.test>".to_owned()), "{asked:?}");
    assert!(!asked.iter().any(|l| l.contains("never@")), "{asked:?}");
    assert_eq!(
        (scene.relayed().len(), scene.inbox("bob").await.len(), scene.inbox("alice").await.len()),
        (1, 1, 1)
    );
}

/// RFC 9422: `RCPTMAX` of one transaction, `MAILMAX` of one connection.
#[tokio::test]
async fn the_hosts_limits_are_kept_and_the_rest_goes_over_another_connection() {
    let scene = Scene::new(&["PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=2"]);
    let far = ["a", "b", "c", "d", "e", "f", "g"].map(|n| &*format!("{n}@far.test").leak());
    put(&scene, &far).await;
    put(&scene, &["carol@far.test"]).await;
    scene.run().await;
    let sizes: Vec<usize> = scene.relayed().iter().map(|(lines, _)| lines.len() - 1).collect();
    assert_eq!(sizes, [2, 2, 2, 1, 1]);
    let host = scene.host.0.lock().unwrap();
    let said = host.lines.iter().filter_map(|l| l.split([' ', ':']).next()).collect::<Vec<_>>();
    let links: Vec<usize> = said
        .split(|verb| *verb == "EHLO")
        .skip(1)
        .map(|link| link.iter().filter(|v| **v == "MAIL").count())
        .collect();
    assert_eq!(links, [2, 2, 1]);
}

#[tokio::test]
async fn by_lmtp_each_recipient_has_a_fate_of_his_own() {
    let scene = Scene::new(&["PIPELINING", "8BITMIME"]);
    {
        let mut host = scene.host.0.lock().unwrap();
        host.lmtp = true;
        host.ends.extend(["250 2.1.5 kept", "452 4.2.2 full", "550 5.2.1 closed"]);
    }
    put(&scene, &["never@far.test", "carol@far.test", "dave@far.test", "erin@far.test"]).await;
    scene.run().await;
    let [report] = &scene.inbox("alice").await[..] else { panic!("one report") };
    for part in [
        "never@far.test\r\nAction: failed\r\nStatus: 5.1.1",
        "erin@far.test\r\nAction: failed\r\nStatus: 5.2.1",
    ] {
        assert!(report.contains(part), "{report}");
    }
    assert!(!report.contains("carol@") && !report.contains("dave@"), "{report}");
    scene.host.0.lock().unwrap().lines.clear();
    scene.hurry().await;
    scene.run().await;
    let asked = scene.host.0.lock().unwrap().lines.clone();
    let asked: Vec<_> = asked.iter().filter(|l| l.starts_with("RCPT")).collect();
    assert_eq!(asked, ["RCPT TO:<dave@far.test>"]);
    assert!(scene.queue().await.is_empty());
}

#[tokio::test]
async fn a_report_that_cannot_be_delivered_ends_in_silence() {
    // Refused for good, lost with its time, or to nobody: nobody is told of a report (RFC 5321 section 6.1).
    let mut report = envelope();
    report.sender = None;
    let mut wishes = Wishes::default();
    wishes.notify = Some(smtp_submit_proto::Notify { success: true, failure: true, delay: true });
    let scene = Scene::with(CAPABLE, |c| c.delay_notice = Duration::ZERO);
    let recipients =
        [("never@far.test", wishes.clone()), ("later@far.test", wishes.clone()), ("eve@here.test", wishes)];
    scene.put_at(&report, &recipients, MESSAGE, now() - 10_000, now() - 1).await;
    scene.run().await;
    assert!(scene.queue().await.is_empty() && scene.relayed().is_empty());
    for account in ["alice", "bob"] {
        assert!(scene.inbox(account).await.is_empty());
    }
}

#[tokio::test]
async fn two_servers_that_refuse_each_others_reports_do_not_go_on_for_ever() {
    // The sender elsewhere refuses the report, whose own sender is nobody: it ends there.
    let scene = Scene::new(CAPABLE);
    let mut from_far = envelope();
    from_far.sender = Some("never@far.test".to_owned());
    for _ in 0..3 {
        scene.put(&from_far, &plain(&["eve@here.test"]), MESSAGE).await;
    }
    let mut handled = 0;
    for _ in 0..5 {
        scene.hurry().await;
        handled += scene.run().await;
    }
    assert_eq!(handled, 6, "three messages, and a report each");
    assert!(scene.queue().await.is_empty() && scene.relayed().is_empty());
}
