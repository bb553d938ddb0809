//! Attempts to get in as somebody else, or to find out who there is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use auth_sasl::{ClientLogin, Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, IsCa, Issuer, KeyPair};
use serde_json::json;
use support::{
    ALICE, PATIENCE, Server, base64, configure,
    sasl::{Over, PROTOCOLS, Protocol, connect, connect_with, good, leave, login, with},
    tokens::{claims, signed, signed_text, token},
};

/// So that refusals take less of the test's time, and nobody is held back.
const PATIENT: &str =
    "[limits]\nwrong_login_ms = 10\nfailed_logins_per_mailbox = 1000\nfailed_logins_per_address = 10000\n";

/// The salt and the iterations that the server shows for a name.
fn salt(server: &Server, protocol: Protocol, hash: &str, user: &str) -> String {
    let mut c = connect(server, protocol, Over::Tls);
    let first = base64(format!("n,,n={user},r=eighteen.octets.or.more"));
    let (command, go_on) = match protocol {
        Protocol::Imap4 => ("t AUTHENTICATE", "+ "),
        Protocol::Pop3 => ("AUTH", "+ "),
        Protocol::Submission => ("AUTH", "334 "),
    };
    let answer = c.ask(&format!("{command} {hash} {first}"), |_| true);
    let challenge = STANDARD.decode(answer.trim_end().strip_prefix(go_on).unwrap()).unwrap();
    c.ask("*", |_| true);
    String::from_utf8(challenge).unwrap().split_once(",s=").unwrap().1.to_owned()
}

#[test]
fn what_scram_shows_of_a_name_does_not_tell_whether_there_is_such_a_mailbox() {
    let dir = tempfile::tempdir().unwrap();
    let more = "[limits]\nwrong_login_ms = 10\nfailed_logins_per_mailbox = 2\nfailed_logins_per_address = 10000\n\
                [[mailbox]]\naddress = \"shut@example.test\"\npassword = \"tanstaaftanstaaf\"\nimap4 = \"off\"\n";
    let server = Server::start(dir.path(), "tls-only", more);
    // The list of domains is read when a name without one is not known.
    salt(&server, Protocol::Imap4, "SCRAM-SHA-1", "nobody");
    for name in ["alice", "shut", "nobody"] {
        for hash in ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
            let before = salt(&server, Protocol::Imap4, hash, &format!("{name}@example.test"));
            // By whatever protocol (one of which is off for a mailbox) and in whatever spelling.
            for protocol in PROTOCOLS {
                for spelled in [
                    name.to_owned(),
                    format!("{name}@EXAMPLE.test"),
                    name.to_uppercase(),
                    format!("{}\u{ad}{}@example.test", &name[..2], &name[2..]),
                ] {
                    assert_eq!(salt(&server, protocol, hash, &spelled), before, "{hash} {spelled:?}");
                }
            }
        }
    }
    // After many guesses, which hold the mailbox back where there is one.
    let before = ["alice", "nobody"].map(|name| salt(&server, Protocol::Imap4, "SCRAM-SHA-256", name));
    for name in ["alice", "nobody"] {
        for _ in 0..4 {
            let mut c = connect(&server, Protocol::Imap4, Over::Tls);
            let (_, last) = login(&mut c, Protocol::Imap4, "SCRAM-SHA-256", &with("", name, "wrong"));
            assert!(last.starts_with("t NO [AUTHENTICATIONFAILED]"), "{last}");
        }
    }
    let mut c = connect(&server, Protocol::Imap4, Over::Tls);
    let (_, last) = login(&mut c, Protocol::Imap4, "SCRAM-SHA-256", &with("", "alice", ALICE));
    assert!(!good(&last), "she is held back");
    let after = ["alice", "nobody"].map(|name| salt(&server, Protocol::Imap4, "SCRAM-SHA-256", name));
    assert_eq!(before, after);
}

#[test]
fn an_authorization_identity_is_ones_own_in_any_spelling_or_nobody_elses() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", PATIENT);
    for protocol in PROTOCOLS {
        for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512-PLUS"] {
            for (authzid, own) in [
                ("alice@example.test", true),
                ("ALICE@EXAMPLE.TEST", true),
                ("alice", true),
                ("\u{ff41}lice@example.test", true),
                ("bob@example.test", false),
                ("bob", false),
                ("BOB@example.test", false),
                ("\u{ff42}ob@example.test", false),
                ("alice@example.test ", false),
                (" alice@example.test", false),
                ("alice@example.test.", false),
                ("alice@example.test,bob@example.test", false),
                ("alice@example.test@example.test", false),
                ("\u{430}lice@example.test", false),
                ("nobody", false),
                ("*", false),
                ("=2C", false),
            ] {
                let who = ClientLogin::password("alice@example.test", Secret::new(ALICE.as_bytes()));
                let mut c = connect(&server, protocol, Over::Tls);
                let (_, last) = login(&mut c, protocol, mechanism, &who.acting_as(authzid));
                assert_eq!(good(&last), own, "{authzid:?} {protocol:?} {mechanism}: {last}");
                leave(&mut c, protocol, &last);
            }
        }
    }
}

#[test]
fn a_nul_ends_no_name_and_no_password() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "tls-only", PATIENT);
    let name = "alice@example.test";
    for message in [
        format!("\0{name}\0{ALICE}\0"),
        format!("\0{name}\0{ALICE}\0wrong"),
        format!("\0{name}\0\0{ALICE}"),
        format!("\0\0{name}\0{ALICE}"),
        format!("{name}\0{name}\0{ALICE}\0{ALICE}"),
        format!("\0{name}\0"),
        format!("{name}\0{ALICE}"),
        "\0\0".to_owned(),
        String::new(),
    ] {
        for protocol in PROTOCOLS {
            let mut c = connect(&server, protocol, Over::Tls);
            let response = if message.is_empty() { "=".to_owned() } else { base64(&message) };
            let (line, answers) = match protocol {
                Protocol::Imap4 => (format!("t AUTHENTICATE PLAIN {response}"), ["t NO", "t BAD"]),
                Protocol::Pop3 => (format!("AUTH PLAIN {response}"), ["-ERR", "-ERR"]),
                Protocol::Submission => (format!("AUTH PLAIN {response}"), ["5", "5"]),
            };
            let answer = c.ask(&line, |_| true);
            assert!(answers.iter().any(|a| answer.starts_with(a)), "{message:?} {protocol:?}: {answer}");
            // And nothing is half done: the same connection takes the right one.
            let (_, last) = login(&mut c, protocol, "PLAIN", &with("PLAIN", name, ALICE));
            assert!(good(&last), "{message:?} {protocol:?}: {last}");
            leave(&mut c, protocol, &last);
        }
    }
}

const CLAIM: &str = "[tokens]\nissuer = \"https://issuer.test\"\naudience = \"mail\"\njwks = \"jwks.json\"\n\
                     signing_key = \"token-key.pem\"\nmailbox_claim = \"preferred_username\"\n";

#[test]
fn the_configured_claim_names_the_mailbox_and_no_other_does() {
    let dir = tempfile::tempdir().unwrap();
    let more = format!("{PATIENT}{CLAIM}");
    let config = configure(dir.path(), "tls-only", &more);
    token(&config, &["keygen"]);
    let (server, key) = (Server::start(dir.path(), "tls-only", &more), dir.path().join("token-key.pem"));
    let (alice, bob) = ("alice@example.test", "bob@example.test");
    let with_claims = |pairs: &[(&str, &str)]| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove("email");
        for (name, value) in pairs {
            claims[*name] = json!(value);
        }
        signed(&json!({"alg": "ES256"}), &claims, &key)
    };
    // RFC 7519 section 4: of two of one name, the last counts, or the token is refused.
    let twice = {
        let mut text = claims().to_string();
        text.pop();
        let text = format!("{text},\"preferred_username\":\"{alice}\",\"preferred_username\":\"{bob}\"}}");
        signed_text("{\"alg\":\"ES256\"}", &text, &key)
    };
    let issued = token(&config, &["issue", alice]);
    for (what, token, user, right) in [
        ("the claim", with_claims(&[("preferred_username", alice)]), alice, true),
        ("as it is issued here", issued, alice, true),
        ("both, of one", with_claims(&[("preferred_username", alice), ("email", alice)]), alice, true),
        ("both, of two", with_claims(&[("preferred_username", alice), ("email", bob)]), alice, true),
        ("the other of two", with_claims(&[("preferred_username", alice), ("email", bob)]), bob, false),
        ("another claim alone", with_claims(&[("email", alice)]), alice, false),
        ("the subject", with_claims(&[("sub", alice)]), alice, false),
        ("none", with_claims(&[]), alice, false),
        ("twice, the first", twice.clone(), alice, false),
        ("twice, the last", twice, bob, true),
    ] {
        for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
            for protocol in PROTOCOLS {
                let mut c = connect(&server, protocol, Over::Tls);
                let (told, last) = login(&mut c, protocol, mechanism, &with(mechanism, user, &token));
                assert_eq!(good(&last), right, "{what} {mechanism} {protocol:?}: {last}");
                assert_eq!(told.last().is_some_and(|t| t.contains("status")), !right, "{what}: {told:?}");
                leave(&mut c, protocol, &last);
            }
        }
    }
}

/// RFC 5280 section 4.2.1.6: a subject alternative name of mail addresses, in whatever octets.
fn alternative_names(names: &[&[u8]]) -> CustomExtension {
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let names: Vec<u8> = names.iter().flat_map(|name| element(0x81, name)).collect();
    CustomExtension::from_oid_content(&[2, 5, 29, 17], element(0x30, &names))
}

#[test]
fn a_certificate_that_spells_a_name_otherwise_stands_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(dir.path().join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(ca, ca_key);
    let server = Server::start(dir.path(), "tls-only", &format!("{PATIENT}[tls]\nclient_ca = \"ca.pem\"\n"));
    let (pem, path) = (dir.path().join("own.pem"), dir.path().join("own.key"));
    for (names, right) in [
        (&[&b"alice@example.test"[..]][..], true),
        (&[b"ALICE@example.test"], true),
        // The first that has a mailbox counts, and no more than that one.
        (&[b"nobody@example.test", b"alice@example.test"], true),
        (&["al\u{ad}ice@example.test".as_bytes()], false),
        (&["\u{ff41}lice@example.test".as_bytes()], false),
        (&["\u{430}lice@example.test".as_bytes()], false),
        (&[b"alice@example.test\0.evil.test"], false),
        (&[b"alice@example.test\0"], false),
        (&[b"alice@example.test@evil.test"], false),
        (&[b" alice@example.test"], false),
        (&[b"<alice@example.test>"], false),
        (&[b"\xff@example.test"], false),
        (&[b"alice"], false),
        (&[b""], false),
    ] {
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.custom_extensions.push(alternative_names(names));
        std::fs::write(&pem, own.signed_by(&key, &issuer).unwrap().pem()).unwrap();
        std::fs::write(&path, key.serialize_pem()).unwrap();
        let entered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut c = connect_with(&server, Protocol::Imap4, Over::Tls, Some((&pem, &path)));
            let last = login(&mut c, Protocol::Imap4, "EXTERNAL", &ClientLogin::external()).1;
            (last, c)
        }));
        match entered {
            Ok((last, mut c)) => {
                assert_eq!(good(&last), right, "{names:?}: {last}");
                if right {
                    assert!(c.imap("CREATE Here").contains("t "));
                }
            }
            // TLS itself does not take such a name.
            Err(_) => assert!(!right, "{names:?}"),
        }
    }
}

/// Logins of some clients while the policy goes on and off: whoever got in when it was on is out when it is off.
#[test]
fn a_policy_that_changes_while_many_log_in_leaves_nobody_in() {
    let dir = tempfile::tempdir().unwrap();
    let off = format!("{PATIENT}[[organisation]]\ndomain = \"example.test\"\nimap4 = \"off\"\n");
    let server = Server::start(dir.path(), "tls-only", PATIENT);
    let (entered, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for _ in 0..3 {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..4)
                .map(|n| {
                    let (server, stop, entered, refused) = (&server, &stop, &entered, &refused);
                    scope.spawn(move || {
                        let mut inside = Vec::new();
                        let mechanism = ["PLAIN", "SCRAM-SHA-256"][n % 2];
                        while !stop.load(Ordering::Relaxed) {
                            let mut c = connect(server, Protocol::Imap4, Over::Tls);
                            let who = with(mechanism, "alice@example.test", ALICE);
                            if good(&login(&mut c, Protocol::Imap4, mechanism, &who).1) {
                                entered.fetch_add(1, Ordering::Relaxed);
                                inside.push(c);
                            } else {
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        inside
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(200));
            let before = server.log().len();
            configure(dir.path(), "tls-only", &off);
            server.hang_up();
            server.logged(before, "the configuration is read again");
            std::thread::sleep(Duration::from_millis(200));
            stop.store(true, Ordering::Relaxed);
            let end = Instant::now() + PATIENCE;
            for mut c in clients.into_iter().flat_map(|client| client.join().unwrap()) {
                assert_eq!(c.line().as_deref(), Some("* BYE This session is no longer permitted"));
                assert_eq!(c.line(), None);
                assert!(Instant::now() < end);
            }
        });
        let before = server.log().len();
        configure(dir.path(), "tls-only", PATIENT);
        server.hang_up();
        server.logged(before, "the configuration is read again");
    }
    println!("{} entered, {} were refused", entered.into_inner(), refused.into_inner());
}
