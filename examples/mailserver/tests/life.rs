//! From the first start to the stop, and again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use support::{ALICE, BOB, Client, Server, base64, binary, last_of_reply};

fn imap(server: &Server, user: &str, password: &str) -> Client {
    let mut c = server.connect("imaps");
    c.line().unwrap();
    assert!(c.imap(&format!("LOGIN {user} {password}")).contains("t OK"));
    c
}

/// An authenticated submission connection of Alice's.
fn submission(server: &Server) -> Client {
    let mut c = server.connect("submissions");
    c.read_to(last_of_reply);
    c.smtp("EHLO c.example.test");
    assert!(c.smtp(&format!("AUTH PLAIN {}", base64(format!("\0alice\0{ALICE}")))).starts_with("235"));
    c
}

#[test]
fn the_first_start_without_configuration_makes_all_that_is_needed() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = binary();
        command.arg("--data").arg(dir.path().join("data"));
        Server::spawn(command, dir.path().join("mail.toml"))
    };
    let server = match start() {
        Ok(server) => server,
        Err(said) if said.contains("in use") => return println!("the default ports are in use: not tested"),
        Err(said) => panic!("{said}"),
    };
    for (service, port) in [
        ("imap", 1143),
        ("imaps", 1993),
        ("pop3", 1110),
        ("pop3s", 1995),
        ("submission", 1587),
        ("submissions", 1465),
    ] {
        assert_eq!(server.port(service), port);
    }
    let password = |user: &str| {
        let row = server.table.iter().map(|l| l.split_whitespace().collect::<Vec<_>>());
        row.filter(|w| w.len() == 6 && w[4] == user).map(|w| w[5].to_owned()).next().unwrap()
    };
    let (alice, bob) = (password("alice@example.test"), password("bob@example.test"));
    assert_ne!(alice, bob);
    assert_eq!(server.table.iter().filter(|l| l.contains("curl ")).count(), 2);
    let mode = |name: &str| {
        std::fs::metadata(dir.path().join("data").join(name)).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("key.pem")), (0o700, 0o600));
    imap(&server, "alice", &alice);
    imap(&server, "bob@example.test", &bob);
    assert!(server.stop().0);
    // A later start keeps all of it, and shows no password.
    let again = start().unwrap();
    assert!(!again.table.concat().contains(&alice));
    imap(&again, "alice", &alice);
}

#[test]
fn a_new_mailbox_has_its_folders() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut c = imap(&server, "alice", ALICE);
    let list = c.imap("LIST \"\" *");
    for (name, special) in [
        ("INBOX", ""),
        ("Sent", "\\Sent"),
        ("Drafts", "\\Drafts"),
        ("Trash", "\\Trash"),
        ("Junk", "\\Junk"),
        ("Archive", "\\Archive"),
    ] {
        let line = list.lines().find(|l| l.trim_end_matches('"').ends_with(name));
        assert!(line.is_some_and(|l| l.contains(special)), "{name} in {list}");
    }
    assert_eq!(c.imap("LSUB \"\" *").matches("* LSUB").count(), 6);
}

#[test]
fn submitted_mail_arrives_and_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut bob = imap(&server, "bob", BOB);
    assert!(bob.imap("SELECT INBOX").contains("* 0 EXISTS"));
    assert!(bob.ask("t IDLE", |_| true).starts_with("+ "));

    let mut c = submission(&server);
    assert!(c.smtp("MAIL FROM:<alice@example.test>").starts_with("250"));
    assert!(c.smtp("RCPT TO:<nobody@example.test>").starts_with("550 5.1.1"));
    assert!(c.smtp("RCPT TO:<someone@elsewhere.test>").starts_with("550 5.1.1"));
    assert!(c.smtp("RCPT TO:<Bob@Example.test>").starts_with("250"));
    assert!(c.smtp("DATA").starts_with("354"));
    c.write(b"From: alice@example.test\r\nTo: bob@example.test\r\nSubject: Hello\r\n\r\n..dot\r\n");
    assert!(c.smtp(".").starts_with("250"));

    bob.read_to(|l| l == "* 1 EXISTS");
    assert!(bob.ask("DONE", |l| l.starts_with("t ")).contains("t OK"));
    assert!(bob.imap("FETCH 1 BODY.PEEK[TEXT]").contains("\n.dot\n"));
    let validity = |r: &str| r.split("UIDVALIDITY ").nth(1).unwrap().split(']').next().unwrap().to_owned();
    let before = validity(&bob.imap("SELECT INBOX"));
    assert!(server.stop().0);

    let server = Server::start(dir.path(), "always", "");
    let selected = imap(&server, "bob", BOB).imap("SELECT INBOX");
    assert!(selected.contains("* 1 EXISTS"), "{selected}");
    assert_eq!(validity(&selected), before);
    let mut c = server.connect("pop3s");
    c.line().unwrap();
    c.pop3("USER bob");
    assert!(c.pop3(&format!("PASS {BOB}")).starts_with("+OK"));
    assert!(c.pop3("STAT").starts_with("+OK 1 "));
}

#[test]
fn nobody_sends_as_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut c = submission(&server);
    let r = c.smtp("MAIL FROM:<bob@example.test>");
    assert!(r.starts_with('5'), "{r}");
    assert!(c.smtp("MAIL FROM:<alice@example.test>").starts_with("250"));
}

#[test]
fn a_stop_is_told_to_everybody_and_takes_little_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut idle = imap(&server, "alice", ALICE);
    idle.imap("SELECT INBOX");
    assert!(idle.ask("t IDLE", |_| true).starts_with("+ "));
    let mut silent = server.connect("imap");
    assert!(silent.line().unwrap().starts_with("* OK"));
    let mut smtp = submission(&server);
    let mut pop3 = server.connect("pop3s");
    assert!(pop3.line().unwrap().starts_with("+OK"));
    let stopped = std::thread::spawn(move || server.stop());
    assert!(idle.read_to(|l| l.starts_with("* BYE")).contains("* BYE"));
    assert!(silent.line().unwrap().starts_with("* BYE"));
    assert!(smtp.read_to(last_of_reply).starts_with("421"));
    while pop3.line().is_some() {}
    let (well, took, log) = stopped.join().unwrap();
    assert!(well, "{log}");
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[test]
fn more_connections_than_allowed_are_turned_away() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "[limits]\nconnections = 2\n");
    let (mut a, mut b) = (server.connect("imap"), server.connect("submission"));
    a.line().unwrap();
    b.line().unwrap();
    assert!(server.connect("imap").line().unwrap().starts_with("* BYE"));
    assert!(server.connect("pop3").line().unwrap().starts_with("-ERR [SYS/TEMP]"));
    assert!(server.connect("submission").line().unwrap().starts_with("421 "));
    a.imap("LOGOUT");
    drop(a);
    // The place is free as soon as the server has seen the end.
    let begun = std::time::Instant::now();
    while !server.connect("imap").line().is_some_and(|l| l.starts_with("* OK")) {
        assert!(begun.elapsed() < support::PATIENCE);
        std::thread::yield_now();
    }
}
