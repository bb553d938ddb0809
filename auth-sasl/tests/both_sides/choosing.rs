//! Which mechanism a client takes.

use auth_sasl::{ChooseError, ClientLogin, ClientMethod, ClientPolicy, Mechanism, Secret, choose};

use crate::play::{ALL, PASSWORD, client_channel, policy};

#[test]
fn the_best_usable_mechanism_is_chosen() {
    let password = || ClientLogin::password("tim", Secret::new(PASSWORD));
    let token = || ClientLogin::token("tim", Secret::new(b"tok4711"));
    let plain_text = ClientPolicy::default();
    let encrypted = ClientPolicy::encrypted(true);
    let mut strict = encrypted;
    strict.require_binding = true;
    let mut no_sha1 = encrypted;
    no_sha1.sha1 = false;
    let everything: Vec<_> = ALL.iter().map(Mechanism::name).collect();
    for (offered, login, policy, chosen) in [
        (&everything[..], password(), encrypted, Ok("SCRAM-SHA-512-PLUS")),
        (&everything[..], password(), plain_text, Ok("SCRAM-SHA-512-PLUS")),
        (&["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"], password(), encrypted, Ok("SCRAM-SHA-1-PLUS")),
        (&["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256"], password(), no_sha1, Ok("SCRAM-SHA-256")),
        (&["LOGIN", "plain"], password(), encrypted, Ok("PLAIN")),
        (&["LOGIN", "PLAIN"], password(), plain_text, Err(ChooseError::WantsEncryption)),
        (&["SCRAM-SHA-256", "PLAIN"], password(), strict, Err(ChooseError::NoneUsable)),
        (&["SCRAM-SHA-256-PLUS"], password(), strict, Ok("SCRAM-SHA-256-PLUS")),
        (&["CRAM-MD5", "LOGIN"], password(), encrypted, Ok("LOGIN")),
        (&["CRAM-MD5"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&["ANONYMOUS", "EXTERNAL", "XOAUTH2"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&everything[..], token(), encrypted, Ok("OAUTHBEARER")),
        (&["XOAUTH2"], token(), plain_text, Err(ChooseError::WantsEncryption)),
        (&everything[..], ClientLogin::external(), encrypted, Ok("EXTERNAL")),
        (&everything[..], ClientLogin::anonymous(""), plain_text, Ok("ANONYMOUS")),
        (&["GSSAPI"], password(), encrypted, Err(ChooseError::NoneUsable)),
        (&[], password(), encrypted, Err(ChooseError::NoneUsable)),
    ] {
        let got =
            choose(ClientMethod::BEST_FIRST, offered.iter().copied(), &login, &client_channel(), &policy);
        assert_eq!(got.map(|c| c.name()), chosen, "{offered:?} {login:?}");
    }
}

#[test]
fn what_cannot_be_sent_is_not_begun() {
    for (name, login) in [
        ("PLAIN", ClientLogin::password("", Secret::new(b"p"))),
        ("PLAIN", ClientLogin::password("a\0b", Secret::new(b"p"))),
        ("PLAIN", ClientLogin::password("a", Secret::new(b"p\0"))),
        ("PLAIN", ClientLogin::password("a", Secret::new(b""))),
        ("LOGIN", ClientLogin::password("a", Secret::new(b"p\r\n"))),
        ("SCRAM-SHA-1", ClientLogin::password("a\x07", Secret::new(b"p"))),
        ("SCRAM-SHA-1", ClientLogin::password("a", Secret::new(b"\x07"))),
        ("SCRAM-SHA-1-PLUS", ClientLogin::password("", Secret::new(b"p"))),
        ("XOAUTH2", ClientLogin::token("a\x01auth=Bearer x", Secret::new(b"t"))),
        ("XOAUTH2", ClientLogin::token("a", Secret::new(b"t\x01"))),
        ("OAUTHBEARER", ClientLogin::token("a", Secret::new(b"t")).at("h\x01x", 1)),
        ("ANONYMOUS", ClientLogin::anonymous("a\n")),
        ("ANONYMOUS", ClientLogin::anonymous("a".repeat(256))),
    ] {
        let got = choose(ClientMethod::BEST_FIRST, [name], &login, &client_channel(), &policy());
        assert_eq!(got.unwrap_err(), ChooseError::NoneUsable, "{name} {login:?}");
    }
}
