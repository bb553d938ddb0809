//! Slow clients waited for in earnest: `[timeouts]` sets one limit to a second, all others stay minutes long. Whoever is late in the phase that
//! it is for must be let go, though not before it is over: silent, and with an octet now and then, which is no progress.

use std::{
    io::Write as _,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    ground::{IMAP, POP3, Raw, SUBMISSION},
    support::{ALICE, PATIENCE, Server, base64},
};

/// The limit that is set.
const LIMIT: Duration = Duration::from_secs(1);
/// Between two octets of a client that is slow and not silent.
const NOW_AND_THEN: Duration = Duration::from_millis(100);

struct Late {
    service: &'static str,
    words: String,
    /// What it goes on saying.
    drip: &'static str,
    /// What it is told at the end.
    told: &'static str,
}

/// Silent, or with octets now and then, after these words.
fn late(service: &'static str, words: impl Into<String>, drips: &[&'static str]) -> Vec<Late> {
    let words = words.into();
    let told = match service {
        IMAP => "* BYE",
        SUBMISSION => "421 ",
        // POP3 ends without a word (RFC 1939 section 3), and where TLS has not begun there is none to say.
        _ => "",
    };
    drips.iter().map(|drip| Late { service, words: words.clone(), drip, told }).collect()
}

/// A login and more in one write: whoever waits for an answer in between would be late himself on a busy machine.
fn as_alice(service: &str, words: &str) -> String {
    match service {
        IMAP => format!("l LOGIN alice@example.test {ALICE}\r\nm SELECT INBOX\r\n{words}"),
        POP3 => format!("USER alice@example.test\r\nPASS {ALICE}\r\n{words}"),
        _ => format!("EHLO me\r\nAUTH PLAIN {}\r\n{words}", base64(format!("\0alice@example.test\0{ALICE}"))),
    }
}

const MAIL: &str = "MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\n";

/// All at once, each in its own connection.
fn all_are_let_go(key: &str, late: &[Late]) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_quietly(dir.path(), "always", &format!("[timeouts]\n{key} = 1\n"));
    thread::scope(|scope| {
        for one in late {
            let server = &server;
            scope.spawn(move || one.is_let_go(server));
        }
    });
    println!("{key}: {} clients were let go", late.len());
    let (well, _, log) = server.stop();
    assert!(well && !log.contains("panicked"), "{log}");
}

impl Late {
    fn is_let_go(&self, server: &Server) {
        let Self { service, words, drip, told } = self;
        let begun = Instant::now();
        let mut raw = Raw::connect(server, service);
        raw.send(words);
        let mut writer = raw.stream.try_clone().unwrap();
        let said = thread::scope(|scope| {
            if !drip.is_empty() {
                scope.spawn(move || {
                    while writer.write_all(drip.as_bytes()).is_ok() {
                        thread::sleep(NOW_AND_THEN);
                    }
                });
            }
            // Which fails after a minute: the other limits are longer.
            let said = raw.end();
            (begun.elapsed(), said)
        });
        let (waited, said) = said;
        assert!(waited >= LIMIT, "{service} {words:?} {drip:?}: let go after {waited:?}: {said}");
        assert!(said.contains(told), "{service} {words:?} {drip:?}: {said:?}");
        for word in ["APPENDUID", "250 2.0.0 kept"] {
            assert!(!said.contains(word), "{service} {words:?}: stored by halves: {said}");
        }
    }
}

#[test]
fn who_does_not_log_in_is_let_go_whatever_he_says_meanwhile() {
    let mut all = late(IMAP, "", &["", "a NOOP\r\n", "a"]);
    all.extend(late(IMAP, "a AUTHENTICATE PLAIN\r\n", &["", "A"]));
    all.extend(late(IMAP, "a LOGIN {500}\r\n", &["", "a"]));
    all.extend(late(POP3, "", &["", "CAPA\r\n", "C"]));
    all.extend(late(POP3, "USER alice@example.test\r\n", &[""]));
    all.extend(late(POP3, "AUTH PLAIN\r\n", &["", "A"]));
    all_are_let_go("login", &all);
}

#[test]
fn a_command_that_does_not_end_is_not_waited_for() {
    let mut all = Vec::new();
    for words in ["a", "a LOGIN al", "a LOGIN {500}\r\nal", "a LOGIN {500+}\r\n"] {
        all.extend(late(IMAP, words, &["", "x"]));
    }
    for words in ["a FETCH 1:* (", "a SEARCH TEXT {400}\r\nab", "a APPEND INB", "a IDLE\r\nDO"] {
        all.extend(late(IMAP, as_alice(IMAP, words), &[""]));
    }
    all.extend(late(IMAP, as_alice(IMAP, "a STORE "), &["1"]));
    all.extend(late(POP3, "US", &["", "x"]));
    all.extend(late(POP3, as_alice(POP3, "RE"), &["", "x"]));
    all.extend(late(SUBMISSION, "EH", &["", "x"]));
    all.extend(late(SUBMISSION, "EHLO me\r\nAUTH PLAIN\r\nAG", &["", "x"]));
    all.extend(late(SUBMISSION, as_alice(SUBMISSION, "MAIL FR"), &["", "x"]));
    all_are_let_go("command", &all);
}

#[test]
fn who_says_nothing_between_commands_is_let_go() {
    let mut all = Vec::new();
    for words in ["", "a IDLE\r\n", "a COMPRESS DEFLATE\r\n"] {
        all.extend(late(IMAP, as_alice(IMAP, words), &[""]));
    }
    // What it hears is compressed.
    all.last_mut().unwrap().told = "";
    all.extend(late(POP3, as_alice(POP3, ""), &[""]));
    for words in ["", "EHLO me\r\n", "EHLO me\r\nAUTH LOGIN\r\n", "EHLO me\r\nAUTH LOGIN\r\nYWxpY2U=\r\n"] {
        all.extend(late(SUBMISSION, words, &[""]));
    }
    for words in ["", "MAIL FROM:<alice@example.test>\r\n", MAIL] {
        all.extend(late(SUBMISSION, as_alice(SUBMISSION, words), &[""]));
    }
    all_are_let_go("idle", &all);
}

#[test]
fn a_message_that_comes_too_slowly_is_not_waited_for_and_not_kept() {
    let mut all = Vec::new();
    for words in
        ["a APPEND INBOX {1000}\r\n", "a APPEND INBOX {1000}\r\nSubject: x", "a APPEND INBOX {1000+}\r\n"]
    {
        all.extend(late(IMAP, as_alice(IMAP, words), &["", "x"]));
    }
    for words in ["DATA\r\n", "DATA\r\nSubject: x\r\n\r\nx\r\n.", "BDAT 1000\r\nx"] {
        all.extend(late(SUBMISSION, as_alice(SUBMISSION, &format!("{MAIL}{words}")), &["", "x"]));
    }
    all_are_let_go("payload", &all);
}

#[test]
fn a_handshake_that_does_not_end_is_not_waited_for() {
    // A record that says it is 512 octets long, with a hello of 508.
    const HELLO: &str = "\x16\x03\x01\x02\0\x01\0\x01";
    let mut all = Vec::new();
    for service in ["imaps", "pop3s", "submissions"] {
        all.extend(late(service, "", &[""]));
        all.extend(late(service, HELLO, &["", "\0"]));
    }
    for (service, words) in
        [(IMAP, "a STARTTLS\r\n"), (POP3, "STLS\r\n"), (SUBMISSION, "EHLO me\r\nSTARTTLS\r\n")]
    {
        all.extend(late(service, words, &[""]));
    }
    all.iter_mut().for_each(|one| one.told = "");
    all_are_let_go("handshake", &all);
}

/// A server, and the sockets it has without a connection.
fn start(dir: &Path, more: &str) -> (Server, usize) {
    let server = Server::start_logging(dir, "always", more, "info");
    // All that it opens for itself is open.
    server.logged(0, "serving");
    let sockets = server.sockets();
    (server, sockets)
}

/// The server lets go of all connections but so many sockets.
#[track_caller]
fn sockets_fall_to(server: &Server, n: usize) {
    let end = Instant::now() + PATIENCE;
    while server.sockets() > n {
        assert!(Instant::now() < end, "{} sockets, {n} wanted", server.sockets());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_does_not_read_a_long_answer_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let (server, before) = start(dir.path(), "[timeouts]\nstall = 1\n");
    let mut raw = Raw::connect(&server, IMAP);
    let message = "Subject: x\r\n\r\n".to_owned() + &"y".repeat(4_000_000);
    let append = format!("a APPEND INBOX {{{}+}}\r\n{message}\r\nb LOGOUT\r\n", message.len());
    raw.send(as_alice(IMAP, &append));
    assert!(raw.end().contains("a OK"));
    sockets_fall_to(&server, before);
    // 80 megabytes: more than what the system's buffers take.
    let fetch = as_alice(IMAP, &"b FETCH 1 BODY.PEEK[]\r\n".repeat(20));
    let retr = as_alice(POP3, &"RETR 1\r\n".repeat(20));
    for (service, words) in [(IMAP, &fetch), (POP3, &retr)] {
        let begun = Instant::now();
        let held: Vec<_> = (0..if service == IMAP { 3 } else { 1 })
            .map(|_| {
                let mut raw = Raw::connect(&server, service);
                raw.send(words);
                // It is at work.
                raw.until(b"yyyy");
                raw
            })
            .collect();
        sockets_fall_to(&server, before);
        let waited = begun.elapsed();
        assert!(waited >= LIMIT, "{service}: let go after {waited:?}");
        println!("stall: let go after {waited:?}");
        for raw in held {
            assert!(raw.end().len() < 80_000_000, "{service}: the whole answer was sent");
        }
    }
    let (well, _, log) = server.stop();
    assert!(well && !log.contains("panicked"), "{log}");
}

#[test]
fn who_does_not_hang_up_after_goodbye_holds_no_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (server, before) = start(dir.path(), "");
    let mut held = Vec::new();
    for (service, words) in [(IMAP, "a LOGOUT\r\n"), (POP3, "QUIT\r\n"), (SUBMISSION, "QUIT\r\n")] {
        for _ in 0..4 {
            let mut raw = Raw::connect(&server, service);
            raw.send(words);
            raw.until(b"\r\n");
            held.push(raw);
        }
    }
    sockets_fall_to(&server, before);
    drop(held);
    let (well, _, log) = server.stop();
    assert!(well && !log.contains("panicked"), "{log}");
}
