//! All mechanisms over all three protocols, over TCP, STARTTLS and TLS, by the client side of `auth-sasl`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::path::Path;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use support::{
    ALICE, Server,
    sasl::{OVERS, Over, PROTOCOLS, Protocol, connect, connect_with, good, leave, listed, login, with},
    tokens::{TOKENS, token},
};

/// An authority, and a certificate of alice's it signed; and one of alice's that nobody signed.
fn certificates(dir: &Path) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let signed = ca.self_signed(&ca_key).unwrap();
    std::fs::write(dir.join("ca.pem"), signed.pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let mut own = CertificateParams::new(Vec::new()).unwrap();
    own.subject_alt_names.push(SanType::Rfc822Name("alice@example.test".try_into().unwrap()));
    std::fs::write(dir.join("alice.pem"), own.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(dir.join("alice.key"), key.serialize_pem()).unwrap();
}

#[test]
fn every_mechanism_opens_every_protocol_over_every_kind_of_connection() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let more = format!(
        "cram_md5 = true\n[tls]\nclient_ca = \"ca.pem\"\n[access]\nanonymous = \"bob@example.test\"\n{TOKENS}"
    );
    let config = support::configure(dir.path(), "always", &more);
    token(&config, &["keygen"]);
    let bearer = token(&config, &["issue", "alice@example.test"]);
    let server = Server::start(dir.path(), "always", &more);
    let shown = (dir.path().join("alice.pem"), dir.path().join("alice.key"));
    for protocol in PROTOCOLS {
        for over in OVERS {
            let shown = Some((shown.0.as_path(), shown.1.as_path()));
            let mut names = listed(&mut connect_with(&server, protocol, over, shown), protocol);
            assert_eq!(names.contains(&"EXTERNAL".to_owned()), over != Over::Plain, "{protocol:?} {over:?}");
            if over == Over::Plain {
                names.retain(|n| !n.ends_with("-PLUS")); // listed, and to be used under TLS
                assert_eq!(names.len(), 9, "{names:?}");
            } else {
                assert_eq!(names.len(), 13, "{names:?}");
            }
            for mechanism in &names {
                let case = format!("{mechanism} {protocol:?} {over:?}");
                let secret = if mechanism.contains("OAUTH") { &bearer } else { ALICE };
                let login = |user: &str, secret: &str| {
                    let mut c = connect_with(&server, protocol, over, shown);
                    let answer = login(&mut c, protocol, mechanism, &with(mechanism, user, secret));
                    leave(&mut c, protocol, &answer.1);
                    answer
                };
                let (_, last) = login("alice@example.test", secret);
                if mechanism == "ANONYMOUS" && protocol == Protocol::Submission {
                    assert!(!good(&last), "nobody sends mail without a name: {case}");
                    continue;
                }
                assert!(good(&last), "{case}: {last}");
                if !matches!(mechanism.as_str(), "ANONYMOUS" | "EXTERNAL") && over == Over::StartTls {
                    let (challenges, last) = login("alice@example.test", "wrong");
                    assert!(!good(&last), "{case}: {last}");
                    // The failure exchanges of RFC 7628 section 3.2.2 and of the vendors.
                    let told = challenges.last().is_some_and(|c| c.starts_with("{\"status\":"));
                    assert_eq!(told, mechanism.contains("OAUTH"), "{case}: {challenges:?}");
                }
            }
        }
    }
}

#[test]
fn a_certificate_stands_for_the_address_in_it_or_opens_nothing() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let own = tempfile::tempdir().unwrap();
    certificates(own.path());
    let more = "[tls]\nclient_ca = \"ca.pem\"\n";
    let server = Server::start(dir.path(), "tls-only", more);
    let (pem, key) = (dir.path().join("alice.pem"), dir.path().join("alice.key"));
    let shown = Some((pem.as_path(), key.as_path()));
    for (authzid, answer) in [
        (None, "t OK"),
        (Some("alice@example.test"), "t OK"),
        (Some("bob@example.test"), "t NO [AUTHORIZATIONFAILED]"),
    ] {
        let mut c = connect_with(&server, Protocol::Imap4, Over::Tls, shown);
        let mut who = auth_sasl::ClientLogin::external();
        who.authzid = authzid.map(str::to_owned);
        let (_, last) = login(&mut c, Protocol::Imap4, "EXTERNAL", &who);
        assert!(last.starts_with(answer), "{authzid:?}: {last}");
    }
    let mut c = connect(&server, Protocol::Imap4, Over::Tls);
    assert!(!listed(&mut c, Protocol::Imap4).contains(&"EXTERNAL".to_owned()), "none was shown");
    assert!(c.imap("AUTHENTICATE EXTERNAL =").starts_with("t NO"));
    // A certificate of another authority ends the handshake.
    let mut c = server.connect_plain("imaps");
    c.upgrade_with(Some((&own.path().join("alice.pem"), &own.path().join("alice.key"))));
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| c.line()));
    assert!(refused.is_err() || refused.is_ok_and(|line| line.is_none()));
}

#[test]
fn apop_and_cram_md5_are_off_unless_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "");
    for protocol in PROTOCOLS {
        let names = listed(&mut connect(&server, protocol, Over::Tls), protocol);
        assert!(!names.iter().any(|n| n == "CRAM-MD5" || n == "ANONYMOUS"), "{names:?}");
    }
}

/// What follows the mark in the challenge, up to the next comma.
fn field<'c>(challenge: &'c str, mark: &str) -> &'c str {
    challenge.split(',').find_map(|f| f.strip_prefix(mark)).unwrap()
}

#[test]
fn a_recorded_login_opens_nothing_again_and_each_challenge_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "always", "cram_md5 = true\n");
    for protocol in PROTOCOLS {
        for mechanism in ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "CRAM-MD5"] {
            let mut c = connect(&server, protocol, Over::Plain);
            let who = with(mechanism, "alice@example.test", ALICE);
            let (challenges, last) = login(&mut c, protocol, mechanism, &who);
            assert!(good(&last), "{last}");
            // All that this client sent, line by line, to a connection of its own: the client's nonce is the same.
            let at = c.sent.find(mechanism).unwrap();
            let from = c.sent[..at].rfind("\r\n").unwrap() + 2;
            let recorded: Vec<_> = c.sent[from..].lines().map(str::to_owned).collect();
            if protocol == Protocol::Pop3 {
                c.pop3("QUIT");
                while c.line().is_some() {}
            }
            let mut seen = vec![challenges[0].clone()];
            let mut c = connect(&server, protocol, Over::Plain);
            for _ in 0..3 {
                let mut lines = recorded.iter();
                let mut answer = c.ask(lines.next().unwrap(), |_| true);
                while let Some(challenge) = answer.trim_end().strip_prefix(match protocol {
                    Protocol::Submission => "334 ",
                    _ => "+ ",
                }) {
                    let text = base64::engine::general_purpose::STANDARD.decode(challenge).unwrap();
                    if !text.is_empty() {
                        seen.push(String::from_utf8(text).unwrap());
                    }
                    answer = c.ask(lines.next().unwrap(), |_| true);
                }
                assert!(!good(&answer), "{mechanism} {protocol:?}: {answer}");
            }
            assert_eq!(seen.len(), 4, "{mechanism} {protocol:?}: {seen:?}");
            let of_server = |challenge: &str| match mechanism {
                "CRAM-MD5" => challenge.to_owned(),
                _ => {
                    // The client's part is the same each time, 24 characters of base64.
                    let nonce = field(challenge, "r=");
                    assert_eq!(nonce[..16], field(&challenges[0], "r=")[..16]);
                    nonce[nonce.len() - 24..].to_owned()
                }
            };
            let fresh: std::collections::BTreeSet<_> = seen.iter().map(|c| of_server(c)).collect();
            assert_eq!(fresh.len(), 4, "{mechanism} {protocol:?}: {seen:?}");
        }
    }
    // APOP: each greeting has a timestamp of its own, and the digest of one is none for another.
    let greeting = |c: &mut support::Client| {
        let line = c.line().unwrap();
        line[line.find('<').unwrap()..=line.find('>').unwrap()].to_owned()
    };
    let (mut one, mut other) = (server.connect("pop3"), server.connect("pop3"));
    let (first, second) = (greeting(&mut one), greeting(&mut other));
    assert_ne!(first, second);
    let digest = auth_sasl::apop::digest(first.as_bytes(), ALICE.as_bytes());
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let apop = format!("APOP alice@example.test {hex}");
    assert!(other.pop3(&apop).starts_with("-ERR [AUTH]"));
    assert!(one.pop3(&apop).starts_with("+OK"));
}

#[test]
fn a_password_that_was_changed_opens_nothing_by_any_mechanism() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", "cram_md5 = true\n");
    assert!(server.user(&["passwd", "alice@example.test"], "another\n").status.success());
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "CRAM-MD5", "PLAIN"] {
        for (password, right) in [(ALICE, false), ("another", mechanism != "CRAM-MD5")] {
            let mut c = connect(&server, Protocol::Imap4, Over::Tls);
            let (_, last) =
                login(&mut c, Protocol::Imap4, mechanism, &with(mechanism, "alice@example.test", password));
            assert_eq!(good(&last), right, "{mechanism} {password}: {last}");
        }
    }
}
