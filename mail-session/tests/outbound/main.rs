//! What becomes of the queue: a smart host that takes, refuses, stalls and dies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod addresses;
mod reports;
mod support;
mod trouble;
mod wishes;

use std::time::Duration;

use mailstore_api::MailStore;
use support::*;

#[tokio::test]
async fn each_recipient_is_relayed_delivered_put_off_or_given_up() {
    let scene = Scene::new(CAPABLE);
    let recipients =
        plain(&["carol@far.test", "never@far.test", "later@far.test", "bob@here.test", "eve@here.test"]);
    scene.put(&envelope(), &recipients, MESSAGE).await;
    assert_eq!(scene.run().await, 1);
    let [(lines, content)] = &scene.relayed()[..] else { panic!() };
    assert_eq!(lines, &["MAIL FROM:<alice@here.test> SIZE=45", "RCPT TO:<carol@far.test>"]);
    assert_eq!(content, MESSAGE);
    assert_eq!(
        scene.inbox("bob").await,
        [format!("Return-Path: <alice@here.test>\r\n{}", str::from_utf8(MESSAGE).unwrap())]
    );
    let [report] = &scene.inbox("alice").await[..] else { panic!("one report") };
    for part in [
        "Return-Path: <>\r\n",
        "Final-Recipient: rfc822; never@far.test\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; smart.test\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 nobody of that name\r\n",
        "Final-Recipient: rfc822; eve@here.test\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        "\r\nFrom: alice@here.test\r\nSubject: hi\r\n\r\n.body\r\n",
    ] {
        assert!(report.contains(part), "{part} in {report}");
    }
    assert!(!report.contains("carol@") && !report.contains("later@") && !report.contains("bob@"), "{report}");
    // The one that is put off is tried again, and nobody else.
    let [entry] = &scene.queue().await[..] else { panic!() };
    assert!(entry.due >= now() + 200 && entry.recipients[2].error.as_deref() == Some("451 4.2.1 not now"));
    scene.hurry().await;
    scene.run().await;
    assert_eq!(
        (scene.relayed().len(), scene.inbox("bob").await.len(), scene.inbox("alice").await.len()),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn several_messages_travel_over_one_link() {
    let scene = Scene::with(CAPABLE, |c| c.messages_per_link = 4);
    for _ in 0..10 {
        scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    }
    assert_eq!(scene.run().await, 10);
    assert_eq!((scene.relayed().len(), scene.host.0.lock().unwrap().connections), (10, 3));
    assert!(scene.queue().await.is_empty());
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_not_asked_again_at_once_and_nothing_is_lost() {
    let scene = Scene::with(CAPABLE, |c| c.host_pause = Duration::from_secs(60));
    for _ in 0..5 {
        scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    }
    scene.host.0.lock().unwrap().greetings.push_back(Some("554 5.3.2 closed"));
    scene.run().await;
    assert_eq!(scene.host.0.lock().unwrap().connections, 1, "the others did not try");
    assert_eq!(scene.queue().await.len(), 5);
    let error = scene.queue().await[4].recipients[0].error.clone().unwrap();
    assert!(error.contains("554 5.3.2 closed"), "{error}");
}

#[tokio::test]
async fn what_was_lost_on_the_way_travels_again() {
    let scene = Scene::new(CAPABLE);
    scene.host.0.lock().unwrap().lost = 1;
    scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    scene.run().await;
    assert!(scene.relayed().is_empty());
    scene.hurry().await;
    scene.run().await;
    assert_eq!(scene.relayed().len(), 1);
    assert!(scene.queue().await.is_empty());
    scene.host.0.lock().unwrap().unreachable = true;
    scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    scene.run().await;
    assert_eq!(scene.queue().await.len(), 1);
    scene.host.0.lock().unwrap().unreachable = false;
    scene.hurry().await;
    scene.run().await;
    assert_eq!(scene.relayed().len(), 2);
}

#[tokio::test]
async fn a_message_refused_after_its_end_is_put_off_or_given_up() {
    let scene = Scene::new(CAPABLE);
    scene.host.0.lock().unwrap().ends.extend(["450 4.7.1 greylisted", "554 5.7.1 spam"]);
    scene.put(&envelope(), &plain(&["carol@far.test", "dave@far.test"]), MESSAGE).await;
    scene.run().await;
    assert_eq!(scene.queue().await.len(), 1);
    scene.hurry().await;
    scene.run().await;
    assert!(scene.queue().await.is_empty() && scene.relayed().is_empty());
    let report = scene.inbox("alice").await.remove(0);
    assert_eq!(report.matches("Status: 5.7.1\r\n").count(), 2, "{report}");
}

#[tokio::test]
async fn chunks_carry_what_dots_cannot() {
    let scene = Scene::new(&["PIPELINING", "CHUNKING", "BINARYMIME", "8BITMIME"]);
    let mut binary = envelope();
    binary.content = mail_session::outbound::Content::Binary;
    let octets: Vec<u8> =
        b"Subject: b\r\n\r\n".iter().copied().chain((0..=255).cycle().take(200_000)).collect();
    scene.put(&binary, &plain(&["carol@far.test"]), &octets).await;
    scene.run().await;
    let [(lines, content)] = &scene.relayed()[..] else { panic!() };
    assert!(lines[0].contains("BODY=BINARYMIME") && *content == octets);
    let scene = Scene::new(CAPABLE);
    scene.put(&binary, &plain(&["carol@far.test"]), &octets).await;
    scene.run().await;
    let report = scene.inbox("alice").await.remove(0);
    assert!(report.contains("Status: 5.6.3\r\n") && report.contains("text/rfc822-headers"), "{report}");
    assert!(report.contains("\r\nSubject: b\r\n") && report.is_ascii(), "its header alone: {report}");
    scene.put(&binary, &plain(&["carol@far.test"]), &octets[14..]).await;
    scene.run().await;
    assert!(scene.inbox("alice").await[1].is_ascii(), "what has no header returns none");
}

#[tokio::test]
async fn those_of_higher_priority_go_first() {
    let scene = Scene::new(CAPABLE);
    for (priority, name) in [(0, "a@far.test"), (-3, "b@far.test"), (5, "c@far.test"), (0, "d@far.test")] {
        let mut envelope = envelope();
        envelope.priority = priority;
        scene.put(&envelope, &plain(&[name]), MESSAGE).await;
    }
    scene.run().await;
    let order: Vec<String> = scene.relayed().iter().map(|(lines, _)| lines[1].clone()).collect();
    assert_eq!(order, ["c", "a", "d", "b"].map(|n| format!("RCPT TO:<{n}@far.test>")));
}

#[tokio::test]
async fn a_worker_stops_when_told_and_gives_back_what_it_has_not_begun() {
    let scene = Scene::new(CAPABLE);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let outbound = scene.outbound.clone();
    let worker = tokio::spawn(async move { outbound.run(async { _ = stopped.await }).await });
    scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    while scene.relayed().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    worker.await.unwrap().unwrap();
    scene.put(&envelope(), &plain(&["carol@far.test"]), MESSAGE).await;
    let taken = scene.store.queue().unwrap().take(now(), now() + 600, 1).await.unwrap();
    assert_eq!(taken.len(), 1, "killed with it");
    assert_eq!(scene.run().await, 0);
    assert_eq!(scene.outbound.recover().await.unwrap(), 1);
    assert_eq!(scene.run().await, 1);
}
