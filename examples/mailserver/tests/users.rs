//! `mailserver user` beside a running server.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use support::Server;

fn login(server: &Server, user: &str, password: &str) -> String {
    let mut client = server.connect("imaps");
    client.line().unwrap();
    client.imap(&format!("LOGIN {user} \"{password}\""))
}

#[test]
fn mailboxes_come_change_and_go_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");

    let out = server.user(&["add", "Carol@other.test"], "pass one\n");
    assert!(out.status.success(), "{out:?}");
    for name in ["carol@other.test", "CAROL@OTHER.TEST", "carol"] {
        assert!(login(&server, name, "pass one").contains("t OK"), "{name}");
    }
    let list = String::from_utf8(server.user(&["list"], "").stdout).unwrap();
    assert_eq!(
        list.lines().collect::<Vec<_>>(),
        ["alice@example.test", "bob@example.test", "carol@other.test"]
    );

    // A password that was remembered is not, once it is changed.
    assert!(server.user(&["passwd", "carol@other.test"], "pass two").status.success());
    assert!(login(&server, "carol", "pass one").contains("t NO [AUTHENTICATIONFAILED]"));
    assert!(login(&server, "carol", "pass two").contains("t OK"));

    assert!(server.user(&["remove", "carol@other.test"], "").status.success());
    assert!(login(&server, "carol@other.test", "pass two").contains("t NO [AUTHENTICATIONFAILED]"));
}

#[test]
fn a_local_part_of_two_mailboxes_is_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    assert!(server.user(&["add", "alice@other.test"], "pass\n").status.success());
    // The list of domains is read again within seconds, and at once when a name is not known.
    assert!(login(&server, "nobody", "pass").contains("t NO"));
    assert!(login(&server, "alice", "pass").contains("t NO"));
    assert!(login(&server, "alice@other.test", "pass").contains("t OK"));
    assert!(login(&server, "alice@example.test", support::ALICE).contains("t OK"));
}

#[test]
fn what_cannot_be_done_is_said_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    for (args, line, part) in [
        (&["add", "alice@example.test"][..], "x\n", "exists already"),
        (&["add", "alice"], "x\n", "no mail address"),
        (&["add", "dave@example.test"], "\n", "empty"),
        (&["passwd", "dave@example.test"], "x\n", "no mailbox dave@example.test"),
        (&["remove", "dave@example.test"], "", "no mailbox dave@example.test"),
    ] {
        let out = server.user(args, line);
        let err = String::from_utf8(out.stderr).unwrap();
        assert!(!out.status.success(), "{args:?}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(err.contains(part), "{err}");
    }
}

#[test]
fn a_password_the_configuration_states_wins_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    let out = server.user(&["passwd", "alice@example.test"], "other\n");
    assert!(String::from_utf8(out.stdout).unwrap().contains("until the next start"));
    assert!(login(&server, "alice", "other").contains("t OK"));
    assert!(server.stop().0);
    let server = Server::start(dir.path(), "tls-only", "");
    assert!(login(&server, "alice", "other").contains("t NO"));
    assert!(login(&server, "alice", support::ALICE).contains("t OK"));
}
