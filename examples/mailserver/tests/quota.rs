//! `mailserver quota` beside a running server, and what the protocols say to who is full.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use support::{ALICE, Server, binary};

fn quota(server: &Server, args: &[&str]) -> Result<String, String> {
    let out = binary().arg("quota").args(args).arg("--config").arg(&server.config).output().unwrap();
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}

#[test]
fn limits_are_set_and_shown_and_hold_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    let mut client = server.connect("imaps");
    client.line().unwrap();
    assert!(client.imap(&format!("LOGIN alice \"{ALICE}\"")).contains("t OK"));
    assert!(client.imap("APPEND INBOX {3+}\r\nabc").contains("t OK"));

    let shown = quota(&server, &["show", "Alice@example.test"]).unwrap();
    assert!(shown.contains("alice@example.test  3 octets  1 messages"), "{shown}");
    let shown = quota(&server, &["set", "alice@example.test", "--storage", "1K", "--messages", "2"]).unwrap();
    assert!(shown.contains("3 of 1024 octets  1 of 2 messages"), "{shown}");
    let long = "x".repeat(1100);
    // RFC 5530 section 3: OVERQUOTA.
    let answer = client.imap(&format!("APPEND INBOX {{1100+}}\r\n{long}"));
    assert!(answer.contains("t NO [OVERQUOTA]"), "{answer}");
    assert!(client.imap("APPEND INBOX {3+}\r\nabc").contains("t OK"));
    let answer = client.imap("APPEND INBOX {3+}\r\nabc");
    assert!(answer.contains("t NO [OVERQUOTA]"), "{answer}");

    // What is not named stays as it is.
    let shown = quota(&server, &["set", "alice@example.test", "--messages", "none"]).unwrap();
    assert!(shown.contains("6 of 1024 octets  2 messages"), "{shown}");
    assert!(client.imap("APPEND INBOX {3+}\r\nabc").contains("t OK"));

    let all = quota(&server, &["show"]).unwrap();
    assert_eq!(all.lines().count(), 2, "{all}");
    for (args, part) in [
        (&["show", "nobody@example.test"][..], "no mailbox nobody@example.test"),
        (&["set", "nobody@example.test", "--messages", "1"], "no mailbox nobody@example.test"),
        (&["set", "alice@example.test", "--storage", "much"], "use a number"),
        (&["set", "alice@example.test"], "required"),
    ] {
        let said = quota(&server, args).unwrap_err();
        assert!(said.contains(part), "{said}");
    }
}
