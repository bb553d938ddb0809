//! What a server that logs all it can never logs: passwords, tokens, proofs, in whatever form a client sent them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use support::{
    ALICE, Client, Server, base64,
    sasl::{Over, PROTOCOLS, Protocol, connect, good, leave, listed, login, with},
    tokens::{TOKENS, token},
};

const USER: &str = "alice@example.test";
/// What somebody mistyped, who will type the right one next.
const WRONG: &str = "xipjTanstaafWrong77";

/// So that refusals take less of the test's time.
const LIMITS: &str =
    "[limits]\nwrong_login_ms = 10\nfailed_logins_per_mailbox = 1000\nfailed_logins_per_address = 1000\n";

/// The words that a client sent which are no commands, no names, and long enough to be told from others by chance.
fn telling(sent: &str) -> impl Iterator<Item = &str> {
    let keyword = |w: &str| w.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
    sent.split_whitespace()
        .map(|w| w.trim_matches(['"', '=', '<', '>']))
        .filter(move |w| w.len() >= 8 && !keyword(w) && !w.ends_with("example.test"))
}

/// The secret as it may stand in a log: as text, as numbers, in base64 behind any other octets.
fn forms(secret: &str) -> Vec<String> {
    let numbers = format!("{:?}", &secret.as_bytes()[..4]);
    let hex: String = secret.bytes().take(6).map(|b| format!("{b:02x}")).collect();
    let mut all = vec![secret.to_owned(), numbers.trim_matches(['[', ']']).to_owned(), hex];
    for before in 0..3 {
        let coded = base64(format!("{}{secret}", &"\0\0\0"[..before]));
        // Without what other octets before or behind would change.
        let whole = coded.trim_end_matches('=');
        all.push(whole[4..whole.len() - 2].to_owned());
    }
    all
}

fn log_hides(log: &str, what: &str, secrets: &[&str], sent: &str) {
    let forms = secrets.iter().flat_map(|s| forms(s));
    for word in forms.chain(telling(sent).map(str::to_owned)) {
        if log.contains(&word) {
            panic!("{what}: {word:?} is in {:?}", log.lines().find(|l| l.contains(&word)));
        }
    }
}

#[test]
fn no_mechanism_leaves_a_credential_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!("cram_md5 = true\n{LIMITS}{TOKENS}");
    let config = support::configure(dir.path(), "always", &more);
    token(&config, &["keygen"]);
    let bearer = token(&config, &["issue", USER]);
    // Somebody else's, or too old: refused, and a secret all the same.
    let spoilt = format!("{}AAAA{}", &bearer[..bearer.len() - 8], "xipj");
    let server = Server::start(dir.path(), "always", &more);
    let mut sent = String::new();
    for protocol in PROTOCOLS {
        let over = Over::StartTls;
        let names = listed(&mut connect(&server, protocol, over), protocol);
        assert_eq!(names.len(), 11, "{names:?}");
        for mechanism in names {
            for right in [true, false] {
                let secret = match (mechanism.contains("OAUTH"), right) {
                    (true, true) => &bearer,
                    (true, false) => &spoilt,
                    (false, true) => ALICE,
                    (false, false) => WRONG,
                };
                let mut c = connect(&server, protocol, over);
                let (_, last) = login(&mut c, protocol, &mechanism, &with(&mechanism, USER, secret));
                assert_eq!(good(&last), right, "{mechanism} {protocol:?}: {last}");
                sent.push_str(&c.sent);
                leave(&mut c, protocol, &last);
            }
        }
    }
    let (_, _, log) = server.stop();
    assert!(log.contains("TRACE") && log.contains(USER), "the log is as long as it can be");
    assert!(telling(&sent).count() > 100);
    log_hides(&log, "SASL", &[ALICE, WRONG, &bearer, &spoilt], &sent);
    // No part of a token that says anything, and not its signature.
    for part in bearer.split('.') {
        assert!(!log.contains(part), "{part}");
    }
}

/// A connection of the protocol, in the clear: what is written before and after a login.
fn tried(server: &Server, protocol: Protocol, lines: &[String]) -> String {
    let mut c = connect(server, protocol, Over::Plain);
    c.sent.clear();
    for line in lines {
        c.write(line.as_bytes());
        c.write(b"\r\n");
    }
    let bye = match protocol {
        Protocol::Imap4 => "bye LOGOUT\r\n",
        _ => "QUIT\r\n",
    };
    c.write(bye.as_bytes());
    while c.line().is_some() {}
    c.sent
}

#[test]
fn no_command_leaves_a_password_in_the_log_be_it_well_formed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", &format!("cram_md5 = true\n{LIMITS}"));
    let plain = |secret: &str| base64(format!("\0{USER}\0{secret}"));
    for secret in [ALICE, WRONG] {
        let n = secret.len();
        let coded = base64(secret);
        let lines = |texts: &[String]| texts.to_vec();
        for (protocol, sent) in [
            (Protocol::Imap4, lines(&[format!("a LOGIN {USER} {secret}")])),
            (Protocol::Imap4, lines(&[format!("a LOGIN {USER} \"{secret}\"")])),
            (Protocol::Imap4, lines(&[format!("a LOGIN {USER} {{{n}+}}"), secret.to_owned()])),
            (
                Protocol::Imap4,
                lines(&[
                    format!("a LOGIN {{{}+}}", USER.len()),
                    format!("{USER} {{{n}+}}"),
                    secret.to_owned(),
                ]),
            ),
            (Protocol::Imap4, lines(&["a AUTHENTICATE PLAIN".to_owned(), plain(secret)])),
            (Protocol::Imap4, lines(&["a AUTHENTICATE LOGIN".to_owned(), base64(USER), coded.clone()])),
            // Malformed: one word too many, a mechanism that is not there, no base64, a password for a user name.
            (Protocol::Imap4, lines(&[format!("a LOGIN {USER} {secret} {secret}")])),
            (Protocol::Imap4, lines(&[format!("a LOGIN {secret}")])),
            (Protocol::Imap4, lines(&[format!("a LOGIN {secret} {secret}")])),
            (Protocol::Imap4, lines(&[format!("a AUTHENTICATE NTLM {}", plain(secret))])),
            (Protocol::Imap4, lines(&[format!("a AUTHENTICATE PLAIN {secret}*")])),
            (Protocol::Imap4, lines(&["a AUTHENTICATE PLAIN".to_owned(), format!("{secret}*")])),
            // In the wrong place: the exchange is refused, and the client goes on all the same.
            (Protocol::Imap4, lines(&["a AUTHENTICATE NTLM".to_owned(), plain(secret)])),
            (Protocol::Imap4, lines(&[secret.to_owned(), format!("a {secret}"), coded.clone()])),
            (Protocol::Pop3, lines(&[format!("USER {USER}"), format!("PASS {secret}")])),
            (Protocol::Pop3, lines(&[format!("PASS {secret}")])),
            (Protocol::Pop3, lines(&[format!("USER {secret}"), format!("PASS {secret}")])),
            (Protocol::Pop3, lines(&[format!("pass: {secret}"), format!("{secret} x"), coded.clone()])),
            (Protocol::Pop3, lines(&[format!("APOP {USER} {secret}")])),
            (Protocol::Pop3, lines(&["AUTH PLAIN".to_owned(), plain(secret)])),
            (Protocol::Pop3, lines(&[format!("AUTH NTLM {}", plain(secret))])),
            (Protocol::Pop3, lines(&["AUTH LOGIN".to_owned(), base64(USER), coded.clone()])),
            (Protocol::Pop3, lines(&["AUTH PLAIN".to_owned(), format!("{secret}*")])),
            (Protocol::Submission, lines(&[format!("AUTH PLAIN {}", plain(secret))])),
            (Protocol::Submission, lines(&["AUTH PLAIN".to_owned(), plain(secret)])),
            (Protocol::Submission, lines(&["AUTH LOGIN".to_owned(), base64(USER), coded.clone()])),
            (Protocol::Submission, lines(&[format!("AUTH NTLM {}", plain(secret)), plain(secret)])),
            (Protocol::Submission, lines(&[format!("AUTH PLAIN {secret}*"), format!("AUTH {secret}")])),
            (Protocol::Submission, lines(&[secret.to_owned(), coded.clone(), format!("PASS {secret}")])),
        ] {
            let (before, first) = (server.log().len(), sent[0].clone());
            let sent = tried(&server, protocol, &sent);
            server.logged(before, "{session=");
            // What the clients sent in the clear is a secret only where it is none of the commands.
            log_hides(&server.log()[before..], &format!("{protocol:?} {first:?}"), &[secret], &sent);
        }
    }
    // APOP's digest, right and wrong.
    for secret in [ALICE, WRONG] {
        let mut c: Client = server.connect("pop3");
        let greeting = c.line().unwrap();
        let timestamp = &greeting[greeting.find('<').unwrap()..=greeting.find('>').unwrap()];
        let digest = auth_sasl::apop::digest(timestamp.as_bytes(), secret.as_bytes());
        let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(c.pop3(&format!("APOP {USER} {hex}")).starts_with("+OK"), secret == ALICE);
        let before = c.sent.clone();
        c.pop3("QUIT");
        while c.line().is_some() {}
        log_hides(&server.log(), "APOP", &[secret], &before);
    }
    let (_, _, log) = server.stop();
    assert!(log.contains("TRACE"));
    log_hides(&log, "all", &[ALICE, WRONG], "");
}
