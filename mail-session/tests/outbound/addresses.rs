//! Addresses that are hard to carry: through the queue, to the smart host, and into reports.

use mail_session::outbound::Wishes;

use crate::support::*;

/// What RFC 5321 and RFC 6531 allow, and the tolerance for underscores: on the wire as it came.
const WRITTEN: &[&str] = &[
    "\"two  spaces\"@far.test",
    "\"a@b\"@far.test",
    "\"quote\\\"d\\\\\"@far.test",
    "\"> NOTIFY=NEVER\"@far.test",
    "\"\"@far.test",
    "-f@far.test",
    "--@far.test",
    "`id`$|&'{}~@far.test",
    "\"; $(id) | x\"@far.test",
    "a.b+c=d@[192.0.2.1]",
    "a@[IPv6:2001:db8::1]",
    "jörg@bücher.test",
    "用户@例子.测试",
    "a@my_host.far.test",
    "postmaster@far.test",
];

/// What no server of ours accepts, but an embedder may put into his queue.
const NONE: &[&str] = &[
    "",
    "nobody",
    "@far.test",
    "a@",
    "a b@far.test",
    "a@far.test>\r\nRCPT TO:<eve@far.test",
    "a\r\nDATA\r\n@far.test",
    "\"a\r\n.\r\n\"@far.test",
    "a@far.test\n",
    "a@far.test\0",
    "<a@far.test>",
    "a@far.test NOTIFY=NEVER",
    "a@-far.test",
    "@relay.test:a@far.test",
];

async fn sent(address: &'static str) -> (Scene, Vec<String>) {
    let scene = Scene::new(CAPABLE);
    let recipients = [("carol@far.test", Wishes::default()), (address, Wishes::default())];
    scene.put(&envelope(), &recipients, MESSAGE).await;
    scene.run().await;
    let lines = scene.host.0.lock().unwrap().lines.clone();
    (scene, lines)
}

#[tokio::test]
async fn an_address_is_one_line_of_the_dialogue_and_as_it_was() {
    let longest =
        format!("{}@{}.test", "l".repeat(64), ["d".repeat(63), "e".repeat(63), "f".repeat(56)].join("."));
    assert_eq!(longest.len(), 254, "RFC 5321 section 4.5.3.1.3: 256 with the brackets");
    for address in WRITTEN.iter().copied().chain([&*longest.leak()]) {
        let (scene, lines) = sent(address).await;
        let [(envelope, content)] = &scene.relayed()[..] else { panic!("{address}") };
        assert_eq!(envelope[1..], ["RCPT TO:<carol@far.test>".to_owned(), format!("RCPT TO:<{address}>")]);
        assert_eq!(content, MESSAGE, "{address}");
        assert_eq!(lines.iter().filter(|l| l.starts_with("RCPT")).count(), 2, "{lines:?}");
        assert!(scene.queue().await.is_empty() && scene.inbox("alice").await.is_empty(), "{address}");
    }
}

#[tokio::test]
async fn what_is_no_address_is_said_to_nobody_and_reported_on_a_line_of_its_own() {
    for address in NONE {
        let (scene, lines) = sent(address).await;
        assert_eq!(scene.relayed().len(), 1, "{address:?}: the other recipient gets it");
        assert_eq!(lines.iter().filter(|l| l.starts_with("RCPT")).count(), 1, "{address:?}: {lines:?}");
        assert!(
            !lines.iter().any(|l| l.contains("eve@") || l.contains("ostmaster")),
            "{address:?}: {lines:?}"
        );
        let [report] = &scene.inbox("alice").await[..] else { panic!("{address:?}: one report") };
        assert!(report.contains("\r\nAction: failed\r\nStatus: 5.1.3\r\n"), "{report}");
        for (n, line) in report.split("\r\n").enumerate() {
            assert!(!line.contains(['\r', '\n', '\0']), "{address:?}: line {n} of {report:?}");
            assert!(!line.starts_with("RCPT") && line != "DATA" && line != ".", "{address:?}: {report}");
        }
        assert!(scene.queue().await.is_empty());
    }
}

#[tokio::test]
async fn postmaster_without_a_domain_is_himself() {
    let (scene, lines) = sent("Postmaster").await;
    assert_eq!(scene.relayed().len(), 1);
    assert!(lines.contains(&"RCPT TO:<Postmaster>".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn reports_name_hard_addresses_as_they_are_and_go_to_them() {
    for address in WRITTEN {
        let hard: &'static str = (if address.starts_with('"') {
            address.replacen('"', "\"never", 1)
        } else if address.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("never{address}")
        } else {
            continue;
        })
        .leak();
        let scene = Scene::new(CAPABLE);
        scene.host.0.lock().unwrap().replies.insert("RCPT", ["550 5.1.1 nobody"].into());
        scene.put(&envelope(), &[(hard, Wishes::default())], MESSAGE).await;
        scene.run().await;
        let [report] = &scene.inbox("alice").await[..] else { panic!("{hard}") };
        let kind = if hard.is_ascii() { "rfc822" } else { "utf-8" };
        assert!(
            report.contains(&format!("\r\nFinal-Recipient: {kind}; {hard}\r\nAction: failed\r\n")),
            "{report}"
        );
        assert!(report.contains(&format!("\r\n  <{hard}>\r\n")), "{report}");

        // And the other way: somebody of that name sends to nobody here.
        let scene = Scene::new(CAPABLE);
        let mut from = envelope();
        from.sender = Some((*address).to_owned());
        scene.put(&from, &plain(&["eve@here.test"]), MESSAGE).await;
        scene.run().await;
        scene.hurry().await;
        scene.run().await;
        let [(envelope, report)] = &scene.relayed()[..] else { panic!("{address}: the report goes out") };
        assert!(envelope[0].starts_with("MAIL FROM:<> "), "{envelope:?}");
        assert_eq!(envelope[1], format!("RCPT TO:<{address}>"));
        let report = String::from_utf8(report.clone()).unwrap();
        assert!(report.contains(&format!("\r\nTo: <{address}>\r\n")), "{report}");
    }
}

#[tokio::test]
async fn a_sender_that_is_no_address_is_told_nothing_and_adds_no_line_to_anything() {
    for sender in NONE.iter().copied().filter(|s| !s.is_empty()) {
        let scene = Scene::new(CAPABLE);
        let mut from = envelope();
        from.sender = Some(sender.to_owned());
        scene.put(&from, &plain(&["never@far.test", "carol@far.test"]), MESSAGE).await;
        scene.run().await;
        let lines = scene.host.0.lock().unwrap().lines.clone();
        assert!(!lines.iter().any(|l| l.contains("eve@")), "{lines:?}");
        let [(envelope, _)] = &scene.relayed()[..] else { panic!("{sender:?}") };
        assert!(envelope[0].starts_with("MAIL FROM:<> "), "{envelope:?}");
        assert!(scene.queue().await.is_empty(), "{sender:?}: there is nobody to report to");
        assert!(scene.inbox("alice").await.is_empty());
    }
}
