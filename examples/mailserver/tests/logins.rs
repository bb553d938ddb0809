//! Every protocol, every kind of encryption, every mechanism: who may enter and who not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use support::{ALICE, Client, Server, base64, last_of_reply};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Plain,
    StartTls,
    Tls,
}
const ALL: [Over; 3] = [Over::Plain, Over::StartTls, Over::Tls];

fn imap(server: &Server, over: Over) -> Client {
    let mut c = server.connect(if over == Over::Tls { "imaps" } else { "imap" });
    assert!(c.line().unwrap().starts_with("* OK"));
    if over == Over::StartTls {
        assert!(c.imap("STARTTLS").contains("t OK"));
        c.upgrade();
    }
    c
}

fn pop3(server: &Server, over: Over) -> Client {
    let mut c = server.connect(if over == Over::Tls { "pop3s" } else { "pop3" });
    assert!(c.line().unwrap().starts_with("+OK"));
    if over == Over::StartTls {
        assert!(c.pop3("STLS").starts_with("+OK"));
        c.upgrade();
    }
    c
}

fn submission(server: &Server, over: Over) -> Client {
    let mut c = server.connect(if over == Over::Tls { "submissions" } else { "submission" });
    assert!(c.read_to(last_of_reply).starts_with("220 "));
    if over == Over::StartTls {
        assert!(c.smtp("EHLO c.example.test").contains("STARTTLS"));
        assert!(c.smtp("STARTTLS").starts_with("220"));
        c.upgrade();
    }
    assert!(c.smtp("EHLO c.example.test").starts_with("250"));
    c
}

#[test]
fn the_right_password_opens_by_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let plain = base64(format!("\0alice@example.test\0{ALICE}"));
    for over in ALL {
        for user in ["alice", "alice@example.test", "Alice@Example.TEST"] {
            let r = imap(&server, over).imap(&format!("LOGIN {user} {ALICE}"));
            assert!(r.contains("t OK"), "{over:?} {user}: {r}");
            let mut c = pop3(&server, over);
            assert!(c.pop3(&format!("USER {user}")).starts_with("+OK"));
            assert!(c.pop3(&format!("PASS {ALICE}")).starts_with("+OK"), "{over:?} {user}");
            // The maildrop is free for the next when this connection has ended.
            assert!(c.pop3("QUIT").starts_with("+OK"));
            while c.line().is_some() {}
        }
        let r = imap(&server, over).imap(&format!("AUTHENTICATE PLAIN {plain}"));
        assert!(r.contains("t OK"), "{over:?}: {r}");
        let mut c = imap(&server, over);
        assert!(c.ask("t AUTHENTICATE PLAIN", |_| true).starts_with("+ "));
        assert!(c.ask(&plain, |l| l.starts_with("t ")).contains("t OK"));
        let mut c = pop3(&server, over);
        assert!(c.pop3(&format!("AUTH PLAIN {plain}")).starts_with("+OK"));
        assert!(c.pop3("QUIT").starts_with("+OK"));
        while c.line().is_some() {}
        assert!(submission(&server, over).smtp(&format!("AUTH PLAIN {plain}")).starts_with("235 2.7.0"));
        let mut c = submission(&server, over);
        assert_eq!(c.smtp("AUTH LOGIN").trim_end(), "334 VXNlcm5hbWU6");
        assert_eq!(c.smtp(&base64("alice")).trim_end(), "334 UGFzc3dvcmQ6");
        assert!(c.smtp(&base64(ALICE)).starts_with("235 2.7.0"));
        let mut c = submission(&server, over);
        assert_eq!(c.smtp(&format!("AUTH LOGIN {}", base64("alice"))).trim_end(), "334 UGFzc3dvcmQ6");
        assert!(c.smtp(&base64(ALICE)).starts_with("235 2.7.0"));
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_read_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut answers = Vec::new();
    for user in ["alice", "nobody", "nobody@example.test"] {
        let wrong = base64(format!("\0{user}\0wrong"));
        let mut p = pop3(&server, Over::Plain);
        assert!(p.pop3(&format!("USER {user}")).starts_with("+OK"));
        answers.push([
            imap(&server, Over::Plain).imap(&format!("LOGIN {user} wrong")),
            imap(&server, Over::Plain).imap(&format!("AUTHENTICATE PLAIN {wrong}")),
            p.pop3("PASS wrong"),
            pop3(&server, Over::Plain).pop3(&format!("AUTH PLAIN {wrong}")),
            submission(&server, Over::Plain).smtp(&format!("AUTH PLAIN {wrong}")),
        ]);
    }
    assert!(answers[0][0].starts_with("t NO [AUTHENTICATIONFAILED]"), "{answers:?}");
    assert!(answers[0][2].starts_with("-ERR [AUTH]"), "{answers:?}");
    assert!(answers[0][4].starts_with("535 5.7.8"), "{answers:?}");
    assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
}

#[test]
fn an_authorization_identity_is_honoured_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    for (authzid, password, answer) in [
        ("alice@example.test", ALICE, "t OK"),
        ("alice", ALICE, "t OK"),
        ("bob@example.test", ALICE, "t NO [AUTHORIZATIONFAILED]"),
        ("nobody", ALICE, "t NO [AUTHORIZATIONFAILED]"),
        ("bob@example.test", "wrong", "t NO [AUTHENTICATIONFAILED]"),
    ] {
        let message = base64(format!("{authzid}\0alice\0{password}"));
        let r = imap(&server, Over::Plain).imap(&format!("AUTHENTICATE PLAIN {message}"));
        assert!(r.contains(answer), "{authzid}: {r}");
    }
}

#[test]
fn an_exchange_can_be_cancelled_and_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let mut c = imap(&server, Over::Plain);
    assert!(c.ask("t AUTHENTICATE LOGIN", |_| true).starts_with("+ "));
    assert!(c.ask("*", |_| true).starts_with("t BAD"));
    assert!(c.imap(&format!("LOGIN alice {ALICE}")).contains("t OK"));
    let mut c = pop3(&server, Over::Plain);
    assert!(c.pop3("AUTH PLAIN").starts_with("+ "));
    assert!(c.pop3("*").starts_with("-ERR"));
    assert!(c.pop3(&format!("AUTH PLAIN {}", base64(format!("\0alice\0{ALICE}")))).starts_with("+OK"));
    let mut c = submission(&server, Over::Plain);
    assert!(c.smtp("AUTH PLAIN").starts_with("334"));
    assert!(c.smtp("*").starts_with("501"));
    assert!(c.smtp(&format!("AUTH PLAIN {}", base64(format!("\0alice\0{ALICE}")))).starts_with("235"));
}

#[test]
fn no_password_is_taken_before_tls_unless_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "");
    let plain = base64(format!("\0alice\0{ALICE}"));
    let mut c = imap(&server, Over::Plain);
    let capabilities = c.imap("CAPABILITY");
    assert!(capabilities.contains("LOGINDISABLED"), "{capabilities}");
    // What shows no password is offered, and -PLUS too, so that it is seen when somebody takes it from the list.
    assert!(capabilities.contains("AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-1-PLUS"), "{capabilities}");
    assert!(!capabilities.contains("AUTH=PLAIN") && !capabilities.contains("AUTH=LOGIN"), "{capabilities}");
    assert!(c.imap(&format!("LOGIN alice {ALICE}")).contains("t NO [PRIVACYREQUIRED]"));
    assert!(c.imap(&format!("AUTHENTICATE PLAIN {plain}")).contains("t NO [PRIVACYREQUIRED]"));
    let mut c = pop3(&server, Over::Plain);
    let capabilities = c.ask("CAPA", |l| l == ".");
    let has_user = capabilities.lines().any(|l| l == "USER");
    assert!(!has_user && !capabilities.contains("PLAIN"), "{capabilities}");
    assert!(capabilities.contains("SASL SCRAM-SHA-512-PLUS"), "{capabilities}");
    assert!(c.pop3("USER alice").starts_with("-ERR"));
    assert!(c.pop3(&format!("AUTH PLAIN {plain}")).starts_with("-ERR"));
    let mut c = submission(&server, Over::Plain);
    let capabilities = c.smtp("EHLO c.example.test");
    assert!(
        capabilities.contains("AUTH SCRAM-SHA-512-PLUS") && !capabilities.contains("PLAIN"),
        "{capabilities}"
    );
    let r = c.smtp(&format!("AUTH PLAIN {plain}"));
    assert!(r.starts_with("538") || r.starts_with("530"), "{r}");
    for over in [Over::StartTls, Over::Tls] {
        assert!(imap(&server, over).imap("CAPABILITY").contains("AUTH=PLAIN"));
        assert!(imap(&server, over).imap(&format!("LOGIN alice {ALICE}")).contains("t OK"));
        assert!(pop3(&server, over).ask("CAPA", |l| l == ".").contains("SCRAM-SHA-1 PLAIN LOGIN"));
        assert!(submission(&server, over).smtp("EHLO c.example.test").contains("SCRAM-SHA-1 PLAIN LOGIN"));
    }
}

#[test]
fn the_log_names_the_session_and_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    let wrong = "aBadGuess77";
    for over in ALL {
        imap(&server, over).imap(&format!("LOGIN alice {ALICE}"));
        imap(&server, over).imap(&format!("AUTHENTICATE PLAIN {}", base64(format!("\0alice\0{wrong}"))));
        let mut c = pop3(&server, over);
        c.pop3("USER alice");
        c.pop3(&format!("PASS {wrong}"));
        submission(&server, over).smtp(&format!("AUTH PLAIN {}", base64(format!("\0alice\0{ALICE}"))));
    }
    let (_, _, log) = server.stop();
    assert!(log.contains("{session="), "{log}");
    assert!(log.contains("alice@example.test"), "{log}");
    for secret in [ALICE, wrong] {
        assert!(!log.contains(secret), "{log}");
        for before in ["", "\0alice\0"] {
            let coded = base64(format!("{before}{secret}"));
            assert!(!log.contains(coded.trim_end_matches('=')), "{log}");
        }
    }
}
