//! The access policy on a running server: what is refused and why, what changes, who is sent away.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::time::{Duration, Instant};

use auth_sasl::{ClientLogin, Secret};
use support::{
    ALICE, BOB, PATIENCE, Server, base64, binary, configure, replace,
    sasl::{Over, PROTOCOLS, Protocol, connect, good, leave, listed, login, with},
    tokens::{TOKENS, token},
};

/// A login by SCRAM, or by what another mechanism wants.
fn enter(server: &Server, protocol: Protocol, mechanism: &str, user: &str, secret: &str) -> String {
    let mut c = connect(server, protocol, Over::Tls);
    let (_, last) = login(&mut c, protocol, mechanism, &with(mechanism, user, secret));
    leave(&mut c, protocol, &last);
    last
}

#[test]
fn the_rules_hold_on_every_protocol_and_the_log_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let more = "\
[[auth_policy]]
name = \"no passwords by imap\"
basic = [\"pop3\", \"submission\"]
[[organisation]]
domain = \"closed.test\"
pop3 = \"off\"
submission = \"off\"
[[mailbox]]
address = \"c@closed.test\"
password = \"tanstaaftanstaaf\"
submission = \"on\"
[[mailbox]]
address = \"d@closed.test\"
password = \"tanstaaftanstaaf\"
auth_policy = \"no passwords by imap\"
[[mailbox]]
address = \"admin@example.test\"
password = \"tanstaaftanstaaf\"
kind = \"administrator\"
";
    let server = Server::start(dir.path(), "tls-only", more);
    use Protocol::{Imap4, Pop3, Submission};
    for (user, protocol, rule) in [
        ("alice@example.test", Imap4, None),
        ("c@closed.test", Pop3, Some("organisation closed.test: pop3 is off")),
        ("c@closed.test", Imap4, None),
        ("c@closed.test", Submission, None),
        ("d@closed.test", Pop3, Some("organisation closed.test: pop3 is off")),
        ("d@closed.test", Imap4, Some("of mailbox d@closed.test: basic imap4 is off")),
        ("d@closed.test", Submission, Some("organisation closed.test: submission is off")),
        ("admin@example.test", Pop3, Some("is of kind administrator")),
        ("admin@example.test", Imap4, Some("is of kind administrator")),
        ("admin@example.test", Submission, None),
    ] {
        for mechanism in ["PLAIN", "SCRAM-SHA-256-PLUS"] {
            let before = server.log().len();
            let last = enter(&server, protocol, mechanism, user, ALICE);
            match rule {
                None => assert!(good(&last), "{user} {protocol:?} {mechanism}: {last}"),
                Some(rule) => {
                    // The client reads no more than that the login failed.
                    let wrong = enter(&server, protocol, mechanism, user, "wrong");
                    assert_eq!(last, wrong, "{user} {protocol:?} {mechanism}");
                    assert!(!good(&last));
                    server.logged(before, rule);
                }
            }
        }
        // And what an administrator is shown says the same.
        let out = binary().args(["policy", "show", user, "--config"]).arg(&server.config).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let name = match protocol {
            Imap4 => "imap4",
            Pop3 => "pop3",
            Submission => "submission",
        };
        let line = text.lines().find(|l| {
            let mut words = l.split_whitespace();
            words.next() == Some(name) && words.next() == Some("password")
        });
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(rule.unwrap_or("nothing stands against it")), "{line}");
        assert_eq!(line.split_whitespace().nth(2), Some(if rule.is_some() { "no" } else { "yes" }), "{line}");
    }
}

#[test]
fn a_shared_mailbox_is_opened_by_those_it_is_granted_to() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!(
        "{TOKENS}[[mailbox]]\naddress = \"office@example.test\"\nshared_with = [\"alice@example.test\"]\n"
    );
    let config = configure(dir.path(), "tls-only", &more);
    token(&config, &["keygen"]);
    let [alice, bob] = ["alice", "bob"].map(|u| token(&config, &["issue", &format!("{u}@example.test")]));
    let server = Server::start(dir.path(), "tls-only", &more);
    let office = "office@example.test";
    for protocol in PROTOCOLS {
        for (user, password, granted) in [("alice", ALICE, true), ("bob", BOB, false)] {
            for mechanism in ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-512-PLUS"] {
                let who =
                    ClientLogin::password(format!("{user}@example.test"), Secret::new(password.as_bytes()));
                let mut c = connect(&server, protocol, Over::Tls);
                let (_, last) = login(&mut c, protocol, mechanism, &who.acting_as(office));
                assert_eq!(good(&last), granted, "{user} {protocol:?} {mechanism}: {last}");
                leave(&mut c, protocol, &last);
                if !granted && protocol == Protocol::Imap4 {
                    assert!(last.contains("[AUTHORIZATIONFAILED]"), "{last}");
                }
            }
        }
        for (token, granted) in [(&alice, true), (&bob, false)] {
            for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
                let last = enter(&server, protocol, mechanism, office, token);
                assert_eq!(good(&last), granted, "{protocol:?} {mechanism}: {last}");
            }
        }
    }
    // It is really the other's: what one files there the other does not see in his own.
    let mut c = connect(&server, Protocol::Imap4, Over::Tls);
    let (_, last) = login(&mut c, Protocol::Imap4, "XOAUTH2", &with("XOAUTH2", office, &alice));
    assert!(good(&last));
    c.imap("CREATE Here");
    let mut own = connect(&server, Protocol::Imap4, Over::Tls);
    login(&mut own, Protocol::Imap4, "XOAUTH2", &with("XOAUTH2", "alice@example.test", &alice));
    assert!(c.imap("LIST \"\" *").contains("Here") && !own.imap("LIST \"\" *").contains("Here"));
}

#[test]
fn a_changed_file_takes_effect_at_once_and_a_faulty_one_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", TOKENS_OFF);
    let alice = |protocol| {
        let mut c = connect(&server, protocol, Over::Tls);
        let (_, last) = login(&mut c, protocol, "SCRAM-SHA-256", &with("", "alice@example.test", ALICE));
        assert!(good(&last), "{last}");
        c
    };
    let (mut imap, mut submission) = (alice(Protocol::Imap4), alice(Protocol::Submission));
    assert!(imap.imap("SELECT INBOX").contains("t OK"));
    // Somebody who idles hears of it too.
    let mut idle = alice(Protocol::Imap4);
    assert!(idle.imap("SELECT INBOX").contains("t OK"));
    assert!(idle.ask("t IDLE", |_| true).starts_with("+ "));
    let mut bob = connect(&server, Protocol::Imap4, Over::Tls);
    let (_, last) = login(&mut bob, Protocol::Imap4, "PLAIN", &with("", "bob@example.test", BOB));
    assert!(good(&last));

    // A fault: named with its line, and nothing changes.
    for fault in ["[access]\nsecurity_default = true\n", "[access]\nauth_policy = \"none\"\n"] {
        let before = server.log().len();
        configure(dir.path(), "tls-only", fault);
        server.logged(before, "the old settings stay in force");
        let log = server.log();
        let line = log[before..].lines().find(|l| l.contains("the old settings")).unwrap().to_owned();
        assert!(line.contains("mail.toml line 12"), "{line}");
        assert!(imap.imap("NOOP").contains("t OK"));
        alice(Protocol::Imap4);
    }

    // By the file alone: alice's IMAP is off, from now on and for the sessions she has.
    let before = server.log().len();
    let off = "[[auth_policy]]\nname = \"x\"\nbasic = [\"submission\"]\n[access]\nauth_policy = \"x\"\n[[organisation]]\ndomain = \"example.test\"\nimap4 = \"off\"\n[[mailbox]]\naddress = \"eve@example.test\"\npassword = \"a new mailbox\"\n";
    configure(dir.path(), "tls-only", off);
    server.logged(before, "the configuration is read again");
    let begun = Instant::now();
    for c in [&mut imap, &mut idle, &mut bob] {
        assert_eq!(c.line().as_deref(), Some("* BYE This session is no longer permitted"));
        assert_eq!(c.line(), None);
    }
    assert!(begun.elapsed() < PATIENCE);
    assert!(!good(&enter(&server, Protocol::Imap4, "PLAIN", "alice@example.test", ALICE)));
    // Who may stay is not disturbed.
    assert!(submission.smtp("NOOP").starts_with("250"));
    assert!(good(&enter(&server, Protocol::Submission, "PLAIN", "eve@example.test", "a new mailbox")));

    // By a signal: passwords are off altogether, and no mechanism for them is listed.
    let before = server.log().len();
    configure(dir.path(), "tls-only", "[access]\nsecurity_defaults = true\n");
    server.hang_up();
    server.logged(before, "the configuration is read again");
    let last = submission.read_to(|_| true);
    assert!(last.starts_with("421 4.7.0") && last.contains("This session is no longer permitted"), "{last}");
    assert_eq!(submission.line(), None);
    for protocol in PROTOCOLS {
        assert_eq!(listed(&mut connect(&server, protocol, Over::Tls), protocol), Vec::<String>::new());
    }
    let mut c = connect(&server, Protocol::Imap4, Over::Tls);
    assert!(c.imap("CAPABILITY").contains("LOGINDISABLED"));
    assert!(!c.imap(&format!("LOGIN alice {ALICE}")).contains("t OK"));
    let plain = base64(format!("\0alice@example.test\0{ALICE}"));
    assert!(!c.imap(&format!("AUTHENTICATE PLAIN {plain}")).contains("t OK"));
}

/// Nothing: the file as the others begin.
const TOKENS_OFF: &str = "";

#[test]
fn valid_from_ends_sessions_and_the_next_login_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let config = configure(dir.path(), "tls-only", TOKENS);
    token(&config, &["keygen"]);
    let old = token(&config, &["issue", "alice@example.test"]);
    let server = Server::start(dir.path(), "tls-only", TOKENS);
    let mut pop3 = connect(&server, Protocol::Pop3, Over::Tls);
    assert!(good(
        &login(&mut pop3, Protocol::Pop3, "XOAUTH2", &with("XOAUTH2", "alice@example.test", &old)).1
    ));
    // The next second: what was before is not valid any more.
    std::thread::sleep(Duration::from_millis(1100));
    let now = time::OffsetDateTime::now_utc();
    let stamp = now.format(&time::format_description::well_known::Rfc3339).unwrap();
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace(
        "address = \"alice@example.test\"\n",
        &format!("address = \"alice@example.test\"\nvalid_from = {stamp}\n"),
    );
    let before = server.log().len();
    replace(&config, &text);
    server.logged(before, "the configuration is read again");
    assert_eq!(pop3.line().as_deref(), Some("-ERR [SYS/TEMP] This session is no longer permitted"));
    assert_eq!(pop3.line(), None);
    let last = enter(&server, Protocol::Pop3, "XOAUTH2", "alice@example.test", &old);
    assert!(last.starts_with("-ERR [AUTH]"), "{last}");
    std::thread::sleep(Duration::from_millis(1100));
    let new = token(&config, &["issue", "alice@example.test"]);
    assert!(good(&enter(&server, Protocol::Pop3, "XOAUTH2", "alice@example.test", &new)));
    assert!(good(&enter(&server, Protocol::Imap4, "PLAIN", "alice@example.test", ALICE)));
}
