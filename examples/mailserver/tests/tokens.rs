//! Bearer tokens: which are refused, and how the client learns it, on each protocol.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use std::{path::Path, sync::atomic::Ordering};

use serde_json::{Value, json};
use support::{
    Server, replace,
    sasl::{Over, PROTOCOLS, Protocol, connect, good, leave, login, with},
    tokens::{Endpoint, TOKENS, claims, now, signed, token},
};

/// A server that knows one key, and where that key is.
fn server(dir: &Path, more: &str) -> (Server, std::path::PathBuf) {
    let more = format!("{TOKENS}{more}");
    let config = support::configure(dir, "tls-only", &more);
    token(&config, &["keygen"]);
    (Server::start(dir, "tls-only", &more), dir.join("token-key.pem"))
}

fn enter(
    server: &Server,
    protocol: Protocol,
    mechanism: &str,
    user: &str,
    token: &str,
) -> (Vec<String>, String) {
    let mut c = connect(server, protocol, Over::Tls);
    let answer = login(&mut c, protocol, mechanism, &with(mechanism, user, token));
    leave(&mut c, protocol, &answer.1);
    answer
}

/// The mechanism's own refusal (RFC 7628 section 3.2.2, and the vendors' XOAUTH2), then the protocol's.
fn refused(answer: &(Vec<String>, String), protocol: Protocol, mechanism: &str, scope_is_wrong: bool) {
    let (challenges, last) = answer;
    let told: Value = serde_json::from_str(challenges.last().unwrap()).unwrap();
    let status = match (mechanism, scope_is_wrong) {
        ("OAUTHBEARER", false) => "invalid_token",
        ("OAUTHBEARER", true) => "insufficient_scope",
        (_, false) => "401",
        (_, true) => "403",
    };
    assert_eq!(told["status"], status, "{told}");
    assert!(told["scope"].as_str().is_some_and(|s| !s.is_empty()), "{told}");
    let answer = match (protocol, scope_is_wrong) {
        (Protocol::Imap4, false) => "t NO [AUTHENTICATIONFAILED]",
        (Protocol::Imap4, true) => "t NO [AUTHORIZATIONFAILED]",
        (Protocol::Pop3, _) => "-ERR [AUTH]",
        (Protocol::Submission, _) => "535 5.7.8",
    };
    assert!(last.starts_with(answer), "{last}");
}

#[test]
fn a_token_that_is_not_what_it_should_be_is_refused_on_every_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let valid_from = "[[mailbox]]\naddress = \"dora@example.test\"\nvalid_from = 2037-01-01T00:00:00Z\n";
    let (server, key) = server(dir.path(), valid_from);
    let other = tempfile::tempdir().unwrap();
    let (_, foreign) = (
        token(&support::configure(other.path(), "tls-only", TOKENS), &["keygen"]),
        other.path().join("token-key.pem"),
    );
    let es256 = || json!({"alg": "ES256", "typ": "JWT"});
    let with_claim = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(&es256(), &claims, &key)
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        signed(&es256(), &claims, &key)
    };
    let none = {
        let token = signed(&json!({"alg": "none"}), &claims(), &key);
        format!("{}.", token.rsplit_once('.').unwrap().0)
    };
    let altered = {
        let token = signed(&es256(), &claims(), &key);
        let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
        let mut claims = claims();
        claims["email"] = json!("bob@example.test");
        parts[1] = signed(&es256(), &claims, &key).split('.').nth(1).unwrap().to_owned();
        parts.join(".")
    };
    let good_one = signed(&es256(), &claims(), &key);
    let cases = [
        ("expired", with_claim("exp", json!(now() - 120)), false, "ExpiredSignature"),
        ("no expiry", without("exp"), false, "MissingRequiredClaim"),
        ("not yet", with_claim("nbf", json!(now() + 3600)), false, "ImmatureSignature"),
        ("audience", with_claim("aud", json!("calendar")), false, "InvalidAudience"),
        ("no audience", without("aud"), false, "MissingRequiredClaim"),
        ("issuer", with_claim("iss", json!("https://other.test")), false, "InvalidIssuer"),
        ("no issuer", without("iss"), false, "MissingRequiredClaim"),
        ("key", signed(&es256(), &claims(), &foreign), false, "no key of ours"),
        ("key id", signed(&json!({"alg": "ES256", "kid": "x"}), &claims(), &key), false, "no key of ours"),
        ("alg none", none, false, "no signed token"),
        ("alg", signed(&json!({"alg": "HS256"}), &claims(), &key), false, "algorithm HS256 is not allowed"),
        ("altered", altered, false, "no key of ours"),
        ("no mailbox", without("email"), false, "that names a mailbox"),
        ("nobody", with_claim("email", json!("nobody@example.test")), false, "nobody has this name"),
        // Whoever signs it may hold this for another's name.
        (
            "spelling",
            with_claim("email", json!("\u{ff41}lice@example.test")),
            false,
            "names a mailbox in another spelling",
        ),
        ("revoked", with_claim("email", json!("dora@example.test")), false, "valid from"),
        ("scope", with_claim("scope", json!("calendar.read")), true, "no scope"),
        ("no token", "abc".to_owned(), false, "no signed token"),
    ];
    for mechanism in ["OAUTHBEARER", "XOAUTH2"] {
        for protocol in PROTOCOLS {
            let (challenges, last) = enter(&server, protocol, mechanism, "alice@example.test", &good_one);
            assert!(good(&last) && challenges.is_empty(), "{last}");
            for (name, token, scope, logged) in &cases {
                let before = server.log().len();
                let user = if *name == "revoked" { "dora@example.test" } else { "alice@example.test" };
                let answer = enter(&server, protocol, mechanism, user, token);
                println!("{name} {mechanism} {protocol:?}");
                refused(&answer, protocol, mechanism, *scope);
                server.logged(before, logged);
            }
            // Alice's token opens alice's mailbox, not bob's.
            let (challenges, last) = enter(&server, protocol, mechanism, "bob@example.test", &good_one);
            assert!(challenges.last().unwrap().contains("status") && !good(&last), "{last}");
        }
    }
    let log = server.log();
    for token in cases.iter().map(|(_, token, ..)| token).chain([&good_one]).filter(|t| t.len() > 10) {
        assert!(!log.contains(token), "a token is in the log");
        assert!(!log.contains(token.rsplit('.').next().filter(|s| !s.is_empty()).unwrap_or(token)));
    }
}

#[test]
fn keys_are_read_again_when_their_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (server, key) = server(dir.path(), "");
    let old = signed(&json!({"alg": "ES256"}), &claims(), &key);
    let yes = |token: &str| good(&enter(&server, Protocol::Imap4, "XOAUTH2", "alice@example.test", token).1);
    assert!(yes(&old));
    // A second key: both are good.
    let before = server.log().len();
    token(&server.config, &["keygen"]);
    let new = token(&server.config, &["issue", "alice@example.test"]);
    server.logged(before, "the keys of tokens are read again");
    assert!(yes(&old) && yes(&new));
    // A faulty file changes nothing.
    let jwks = dir.path().join("jwks.json");
    let sound = std::fs::read_to_string(&jwks).unwrap();
    let before = server.log().len();
    replace(&jwks, "{\n \"keys\": [\n  x");
    server.logged(before, "the old settings stay in force");
    server.logged(before, "line 3");
    assert!(yes(&old) && yes(&new));
    // The old key goes.
    let mut set: Value = serde_json::from_str(&sound).unwrap();
    set["keys"].as_array_mut().unwrap().remove(0);
    let before = server.log().len();
    replace(&jwks, &set.to_string());
    server.logged(before, "the keys of tokens are read again");
    assert!(!yes(&old) && yes(&new));
}

#[test]
fn an_issuer_is_asked_over_https_and_believed_for_a_while() {
    let dir = tempfile::tempdir().unwrap();
    let (gives_up, given_up) = std::sync::mpsc::channel::<()>();
    let endpoint = Endpoint::start(dir.path(), move |token| {
        match token {
        "good" => (200, json!({"active": true, "username": "alice@example.test", "scope": "mail", "exp": now() + 600, "iat": now()}).to_string()),
        "short" => (200, json!({"active": true, "username": "alice@example.test", "scope": "mail", "exp": now()}).to_string()),
        "elsewhere" => (200, json!({"active": true, "username": "alice@example.test", "scope": "mail", "aud": "x"}).to_string()),
        "broken" => (200, "<html>".to_owned()),
        "busy" => (503, "{}".to_owned()),
        "endless" => (200, format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(64 << 20))),
        "silent" => {
            // Until the client has given up.
            let _ = given_up.recv();
            (200, String::new())
        }
        _ => (200, json!({"active": false}).to_string()),
    }
    });
    let more = |ca: &str| {
        format!(
            "[tokens]\nissuer = \"i\"\naudience = \"a\"\n[tokens.scopes]\nimap4 = [\"mail\"]\nsubmission = [\"mail\"]\npop3 = [\"pop\"]\n\
             [tokens.introspection]\nurl = \"https://localhost:{}/introspect\"\nclient_id = \"client\"\nclient_secret = \"a secret\"\n\
             timeout_seconds = 3\n{ca}",
            endpoint.address.port()
        )
    };
    let ca = format!("ca = \"{}\"\n", endpoint.certificate.display());
    let server = Server::start(dir.path(), "tls-only", &more(&ca));
    let asked = || endpoint.asked.load(Ordering::SeqCst);
    for n in 0..5 {
        let (_, last) = enter(&server, Protocol::Imap4, "OAUTHBEARER", "alice@example.test", "good");
        assert!(good(&last), "{last}");
        assert_eq!(asked(), 1, "login {n}");
    }
    assert!(good(&enter(&server, Protocol::Submission, "XOAUTH2", "alice@example.test", "good").1));
    refused(
        &enter(&server, Protocol::Pop3, "XOAUTH2", "alice@example.test", "good"),
        Protocol::Pop3,
        "XOAUTH2",
        true,
    );
    for token in ["bad", "elsewhere"] {
        let answer = enter(&server, Protocol::Imap4, "OAUTHBEARER", "alice@example.test", token);
        refused(&answer, Protocol::Imap4, "OAUTHBEARER", false);
    }
    let before = asked();
    for _ in 0..2 {
        // In force for the leeway still, and past its expiry not remembered.
        assert!(good(&enter(&server, Protocol::Imap4, "XOAUTH2", "alice@example.test", "short").1));
    }
    assert_eq!(asked(), before + 2);
    let memory = server.memory();
    for token in ["broken", "busy", "endless", "silent"] {
        let begun = std::time::Instant::now();
        let (_, last) = enter(&server, Protocol::Imap4, "XOAUTH2", "alice@example.test", token);
        assert!(last.starts_with("t NO [UNAVAILABLE]"), "{token}: {last}");
        println!("{token}: refused after {:?}", begun.elapsed());
    }
    gives_up.send(()).unwrap();
    assert!(server.memory() < memory + 16 * 1024, "an answer is read up to a bound");
    // At the level of trace, too: neither the client's secret nor a token that the endpoint was asked about.
    let log = server.log();
    for secret in ["a secret", "a%20secret", "Y2xpZW50OmElMjBzZWNyZXQ", "token=", "elsewhere"] {
        assert!(!log.contains(secret), "{secret}");
    }
    drop(server);
    // Without its authority, the endpoint's certificate is nobody's: it is not asked.
    let server = Server::start(dir.path(), "tls-only", &more(""));
    let before = asked();
    let (_, last) = enter(&server, Protocol::Imap4, "XOAUTH2", "alice@example.test", "good");
    assert!(last.starts_with("t NO [UNAVAILABLE]"), "{last}");
    assert_eq!(asked(), before);
}
