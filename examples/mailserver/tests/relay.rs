//! Out to a smart host over TLS: REQUIRETLS, tokens that change, and a way out that changes while the server runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use support::{ALICE, BOB, Client, PATIENCE, Server, base64, configure, last_of_reply, smarthost::SmartHost};

fn submission(server: &Server) -> Client {
    let mut c = server.connect("submissions");
    c.read_to(last_of_reply);
    c.smtp("EHLO c.example.test");
    assert!(c.smtp(&format!("AUTH PLAIN {}", base64(format!("\0alice\0{ALICE}")))).starts_with("235"));
    c
}

/// What RCPT is answered with; where that is 250, the message is sent.
fn submit(server: &Server, to: &str, mail: &str, subject: &str) -> String {
    let mut c = submission(server);
    assert!(c.smtp(&format!("MAIL FROM:<alice@example.test>{mail}")).starts_with("250"));
    let answer = c.smtp(&format!("RCPT TO:<{to}>"));
    if answer.starts_with("250") {
        assert!(c.smtp("DATA").starts_with("354"));
        c.write(
            format!("From: alice@example.test\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nbody\r\n").as_bytes(),
        );
        assert!(c.smtp(".").starts_with("250"));
    }
    answer
}

/// Waits for a message of Alice's with all of these words.
fn alice_gets(server: &Server, words: &[&str]) {
    let mut c = server.connect("imaps");
    c.line().unwrap();
    assert!(c.imap(&format!("LOGIN alice {ALICE}")).contains("t OK"));
    let end = Instant::now() + PATIENCE;
    loop {
        c.imap("SELECT INBOX");
        let all = c.imap("FETCH 1:* BODY.PEEK[]");
        if words.iter().all(|w| all.contains(w)) {
            return;
        }
        assert!(Instant::now() < end, "{words:?} in {all}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Another configuration, for a server that runs.
fn reload(server: &Server, dir: &Path, more: &str) {
    let from = server.log().len();
    configure(dir, "always", more);
    server.hang_up();
    server.logged(from, "the configuration is read again");
}

#[test]
fn requiretls_goes_out_over_tls_where_it_is_offered_and_else_comes_back() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let host = SmartHost::start(dir.path(), true, &[]);
    let server = Server::start(dir.path(), "always", &host.relay(""));
    submit(&server, "carol@far.test", " REQUIRETLS", "careful");
    host.sees("MAIL REQUIRETLS");
    host.sees("content of ");

    // The same smart host without the extension, as far as the server can tell.
    let careless = SmartHost::start(other.path(), false, &[]);
    let ca = other.path().join("ca.pem");
    let relay = careless.relay("").replace("\"ca.pem\"", &format!("{:?}", ca.display().to_string()));
    reload(&server, dir.path(), &relay);
    submit(&server, "carol@far.test", "", "careless");
    careless.sees("content of ");
    submit(&server, "carol@far.test", " REQUIRETLS", "too careful");
    // RFC 8689 section 4.2.1 and 5
    alice_gets(&server, &["Status: 5.7.30", "Subject: too careful", "Action: failed"]);
    assert_eq!(careless.seen().iter().filter(|l| l.starts_with("MAIL")).count(), 1, "{:?}", careless.seen());
}

#[test]
fn a_token_is_read_at_each_login_and_a_refused_one_is_tried_again_later() {
    for (mechanism, key, response) in [
        ("XOAUTH2", "token_file = \"token\"", "\"\""),
        ("OAUTHBEARER", "token_command = [\"cat\", \"{dir}/token\"]", "\"\\u{1}\""),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        std::fs::write(&token, "expired\n").unwrap();
        let host = SmartHost::start(dir.path(), false, &[mechanism]);
        "fresh".clone_into(&mut host.token.lock().unwrap());
        let key = key.replace("{dir}", &dir.path().display().to_string());
        let server =
            Server::start(dir.path(), "always", &host.relay(&format!("username = \"us@far.test\"\n{key}\n")));
        submit(&server, "carol@far.test", "", "by token");
        host.sees("wrong");
        // The client answers the server's explanation, which ends the exchange (RFC 7628 section 3.2.3).
        host.sees(&format!("response {response}"));
        assert!(!host.seen().iter().any(|l| l.starts_with("MAIL")));
        std::fs::write(&token, "fresh\n").unwrap();
        host.sees(&format!("AUTH {mechanism} good"));
        host.sees("content of ");
        let (_, _, log) = server.stop();
        assert!(log.contains("AUTH: 535") && !log.contains("expired\x01"), "{log}");
    }
}

#[test]
fn relay_submission_pop3_and_lmtp_change_while_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let host = SmartHost::start(dir.path(), false, &[]);
    let server = Server::start(dir.path(), "always", "");
    assert!(submit(&server, "carol@far.test", "", "nowhere").starts_with("550"));
    let more = format!(
        "{}[submission]\nrecipients = 1\n[pop3]\nexpire_days = 7\n[lmtp]\nlisten = [\"unix:lmtp.sock\"]\nplus_addressing = true\n",
        host.relay("")
    );
    let from = server.log().len();
    reload(&server, dir.path(), &more);
    server.logged(from, "listen under [lmtp] changed: that takes effect at the next start");
    assert!(submit(&server, "carol@far.test", "", "out").starts_with("250"));
    host.sees("RCPT carol@far.test");
    let mut c = submission(&server);
    assert!(c.smtp("EHLO again").contains("RCPTMAX=1\n"));
    c.smtp("MAIL FROM:<alice@example.test>");
    assert!(c.smtp("RCPT TO:<bob+news@example.test>").starts_with("250"), "plus_addressing holds");
    assert!(c.smtp("RCPT TO:<bob@example.test>").starts_with("452"));
    let mut c = server.connect("pop3s");
    c.line().unwrap();
    assert!(c.ask("CAPA", |l| l == ".").contains("EXPIRE 7\n"));

    // A file with a fault changes nothing.
    let from = server.log().len();
    configure(dir.path(), "always", &host.relay("username = \"u\"\n"));
    server.hang_up();
    server.logged(from, "the old settings stay in force");
    assert!(submit(&server, "carol@far.test", "", "still").starts_with("250"));

    reload(&server, dir.path(), "");
    assert!(submit(&server, "carol@far.test", "", "nowhere again").starts_with("550"));
    let mut c = server.connect("pop3s");
    c.line().unwrap();
    c.pop3("USER bob");
    assert!(c.pop3(&format!("PASS {BOB}")).starts_with("+OK"));
}
