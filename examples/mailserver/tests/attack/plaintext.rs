//! What is sent in the clear around STARTTLS is never carried out under TLS, and what was learnt in the clear is forgotten.

use std::io::{Read as _, Write as _};

use crate::{
    ground::{Ground, IMAP, POP3, SUBMISSION},
    support::ALICE,
};

/// What upgrades, how the server says yes, and what somebody in the middle adds.
fn added() -> [(&'static str, &'static str, &'static str, String); 3] {
    [
        (IMAP, "a STARTTLS\r\n", "a OK", format!("b LOGIN alice@example.test {ALICE}\r\nc LIST \"\" *\r\n")),
        (POP3, "STLS\r\n", "+OK begin", format!("USER alice@example.test\r\nPASS {ALICE}\r\nSTAT\r\n")),
        (
            SUBMISSION,
            "STARTTLS\r\n",
            "220 2.0.0",
            "EHLO evil\r\nMAIL FROM:<evil@example.test>\r\nRSET\r\n".to_owned(),
        ),
    ]
}

#[test]
fn what_is_pipelined_behind_the_command_ends_the_connection() {
    let ground = Ground::with("always", "");
    for (service, upgrade, _, more) in added() {
        let hello = if service == SUBMISSION { "EHLO me\r\n" } else { "" };
        // In one segment, and in two.
        for split in [false, true] {
            let mut raw = ground.raw(service);
            if split {
                raw.send(format!("{hello}{upgrade}"));
                raw.send(&more);
            } else {
                raw.send(format!("{hello}{upgrade}{more}"));
            }
            let said = raw.end();
            for word in ["b OK", "c OK", "* LIST", "+OK 0", "250 2.1.0", "logged in"] {
                assert!(!said.contains(word), "{service}: {said}");
            }
        }
    }
    ground.held(16);
}

#[test]
fn plaintext_in_place_of_a_handshake_ends_the_connection() {
    let ground = Ground::with("always", "");
    for (service, upgrade, yes, more) in added() {
        let mut raw = ground.raw(service);
        if service == SUBMISSION {
            raw.send("EHLO me\r\n");
            raw.until(b"\r\n250 ");
        }
        raw.send(upgrade);
        raw.until(yes.as_bytes());
        let before = raw.said.len();
        raw.send(&more);
        let said = raw.end();
        // A TLS alert, perhaps; no answer.
        assert!(
            !said[before.min(said.len())..].contains("OK") && !said.contains("250 2.1.0"),
            "{service}: {said}"
        );
    }
    // The same where TLS comes first.
    for service in ["imaps", "pop3s", "submissions"] {
        let mut raw = ground.raw(service);
        raw.send("a NOOP\r\nQUIT\r\n");
        let said = raw.end();
        assert!(!said.contains("OK") && !said.contains("220"), "{service}: {said}");
    }
    ground.held(16);
}

#[test]
fn what_was_said_in_the_clear_is_forgotten_under_tls() {
    let ground = Ground::with("tls-only", "");
    let server = &ground.server;
    let mut smtp = server.connect_plain(SUBMISSION);
    smtp.line().unwrap();
    smtp.smtp("EHLO in-the-clear");
    assert!(smtp.smtp("AUTH PLAIN AGEAYg==").starts_with("538 "));
    smtp.smtp("STARTTLS");
    smtp.upgrade();
    for command in ["AUTH PLAIN AGEAYg==", "MAIL FROM:<alice@example.test>"] {
        let reply = smtp.smtp(command);
        // 530: and AUTH before that.
        assert!(
            reply.starts_with("503 ") || reply.starts_with("530 "),
            "EHLO comes again before {command}: {reply}"
        );
    }

    let mut pop3 = server.connect_plain(POP3);
    pop3.line().unwrap();
    pop3.pop3("USER alice@example.test");
    assert!(pop3.pop3("STLS").starts_with("+OK"));
    pop3.upgrade();
    assert!(pop3.pop3(&format!("PASS {ALICE}")).starts_with("-ERR"), "USER comes again");

    let mut imap = server.connect_plain(IMAP);
    imap.line().unwrap();
    let refused = imap.imap(&format!("LOGIN alice@example.test {ALICE}"));
    assert!(refused.contains("t NO") || refused.contains("t BAD"), "{refused}");
    assert!(imap.imap("SELECT INBOX").contains("t BAD"));
    imap.imap("STARTTLS");
    imap.upgrade();
    assert!(imap.imap("SELECT INBOX").contains("t BAD"), "LOGIN comes first");
    assert!(imap.imap("STARTTLS").contains("t BAD"), "once");
    drop((smtp, pop3, imap));
    ground.held(16);
}

#[test]
fn what_is_pipelined_before_the_command_is_answered_in_the_clear_and_leaves_nothing_behind() {
    let ground = Ground::with("always", "");
    // All in one segment; what was begun by it (a user's name, a greeting, an empty transaction) is over under TLS.
    for (service, words, answers, after, refused) in [
        (IMAP, "t NOOP\r\nt LIST \"\" *\r\nt STARTTLS\r\n", 3, "t SELECT INBOX", "t BAD"),
        (POP3, "CAPA\r\nUSER alice@example.test\r\nSTLS\r\n", 3, &*format!("PASS {ALICE}"), "-ERR"),
        (SUBMISSION, "EHLO me\r\nNOOP\r\nSTARTTLS\r\n", 3, "AUTH PLAIN AGEAYg==", "503 "),
    ] {
        let mut c = ground.server.connect_plain(service);
        c.line().unwrap();
        c.write(words.as_bytes());
        let mut answered = Vec::new();
        while answered.len() < answers {
            let line = c.line().unwrap();
            let last = match service {
                IMAP => line.starts_with("t "),
                POP3 if answered.is_empty() => line == ".",
                POP3 => true,
                _ => crate::support::last_of_reply(&line),
            };
            if last {
                answered.push(line);
            }
        }
        let go_ahead = answered.last().unwrap();
        assert!(
            ["t OK", "+OK", "220 "].iter().any(|yes| go_ahead.starts_with(yes)),
            "{service}: {answered:?}"
        );
        // Nothing comes behind the go-ahead: `upgrade` looks.
        c.upgrade();
        let said = c.ask(after, |_| true);
        assert!(said.starts_with(refused), "{service}: {after} after TLS: {said}");
    }
    ground.held(16);
}

#[test]
fn plaintext_amid_tls_ends_the_connection() {
    let ground = Ground::with("always", "");
    for (service, upgrade, _, more) in added() {
        let mut c = ground.server.connect_plain(service);
        c.line().unwrap();
        if service == SUBMISSION {
            c.smtp("EHLO me");
        }
        let command = upgrade.trim_end();
        assert!(!c.ask(command, |_| true).contains("BAD"));
        let raw = c.raw();
        c.upgrade();
        // TLS is there, and somebody puts lines in between its records.
        c.ask(if service == SUBMISSION { "EHLO me" } else { "CAPA" }, |_| true);
        (&raw).write_all(more.as_bytes()).unwrap();
        let mut said = Vec::new();
        // A reset is an end, too.
        let _ = (&raw).read_to_end(&mut said);
        // Records of TLS, all of it: no line in the clear.
        for word in ["b OK", "c OK", "+OK", "250 "] {
            assert!(
                !said.windows(word.len()).any(|w| w == word.as_bytes()),
                "{service}: {}",
                said.escape_ascii()
            );
        }
    }
    ground.held(16);
}
