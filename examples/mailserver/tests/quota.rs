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

#[test]
fn an_import_brings_limits_to_who_has_none_and_changes_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    let more = "[[mailbox]]\naddress = \"carol@example.test\"\npassword = \"tanstaaftanstaaf\"\n";
    let server = Server::start(dir.path(), "tls-only", more);
    let mut client = server.connect("imaps");
    client.line().unwrap();
    assert!(client.imap(&format!("LOGIN alice \"{ALICE}\"")).contains("t OK"));
    assert!(client.imap("APPEND INBOX {3+}\r\nabc").contains("t OK"));
    quota(&server, &["set", "alice@example.test", "--storage", "4K", "--messages", "5"]).unwrap();
    quota(&server, &["set", "bob@example.test", "--messages", "9"]).unwrap();
    let run = |args: &[&str]| {
        let out = binary().args(args).arg("--config").arg(&server.config).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    };
    let archive = dir.path().join("alice.tar");
    let archive = archive.to_str().unwrap();
    run(&["export", "alice@example.test", archive]);

    run(&["import", "carol@example.test", archive, "--dry-run"]);
    let shown = quota(&server, &["show", "carol@example.test"]).unwrap();
    assert!(shown.contains("carol@example.test  0 octets  0 messages"), "{shown}");
    run(&["import", "carol@example.test", archive]);
    let shown = quota(&server, &["show", "carol@example.test"]).unwrap();
    assert!(shown.contains("3 of 4096 octets  1 of 5 messages"), "{shown}");
    // Bob has his own, though not for octets: they stay as an administrator set them.
    run(&["import", "bob@example.test", archive]);
    let shown = quota(&server, &["show", "bob@example.test"]).unwrap();
    assert!(shown.contains("3 octets  1 of 9 messages"), "{shown}");

    // And they hold at once, in the server that runs.
    let mut client = server.connect("imaps");
    client.line().unwrap();
    assert!(client.imap(&format!("LOGIN carol \"{ALICE}\"")).contains("t OK"));
    let answer = client.imap(&format!("APPEND INBOX {{4096+}}\r\n{}", "x".repeat(4096)));
    assert!(answer.contains("t NO [OVERQUOTA]"), "{answer}");
}
