//! RFC 7628 (OAUTHBEARER) section 4, both sides.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use auth_sasl::{
    Answer, BearerError, Channel, ClientError, ClientLogin, ClientMethod, ClientPolicy, Failure, Identity,
    Mechanism, Request, Secret, Step, choose,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

const TOKEN: &str = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
const REFUSAL_4_3: &str = "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0=";
const IMAP: &str = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
const SMTP: &str = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";

#[test]
fn section_4_1_both_messages_are_written_and_read() {
    for (wire, port) in [(IMAP, 143), (SMTP, 587)] {
        let wire = STANDARD.decode(wire).unwrap();
        let login = ClientLogin::token("user@example.com", Secret::new(TOKEN.as_bytes()))
            .at("server.example.com", port);
        let mut client = choose(
            ClientMethod::BEST_FIRST,
            ["LOGIN", "PLAIN", "OAUTHBEARER"],
            &login,
            &Channel::default(),
            &ClientPolicy::encrypted(true),
        )
        .unwrap();
        assert_eq!(client.initial().unwrap().unwrap().expose(), wire);

        let mut server = Mechanism::OAUTHBEARER.begin(&Channel::default());
        let Step::Need(Request::Bearer(read)) = server.start(Some(&wire)).unwrap() else { panic!() };
        assert_eq!(read.user.as_deref(), Some("user@example.com"));
        assert_eq!((read.host.as_deref(), read.port), (Some("server.example.com"), Some(port)));
        assert_eq!(read.token.expose(), TOKEN.as_bytes());
        let end = server.answer(Answer::Accepted(Identity::new("user@example.com", None))).unwrap();
        assert!(matches!(end, Step::Done(_)));
        assert_eq!(client.success(None), Ok(()));
    }
}

#[test]
fn section_4_3_an_empty_token_asks_for_the_scope() {
    let first = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE=";
    let mut server = Mechanism::OAUTHBEARER.begin(&Channel::default());
    let step = server.start(Some(&STANDARD.decode(first).unwrap())).unwrap();
    let Step::Need(Request::Bearer(read)) = step else { panic!("{step:?}") };
    assert_eq!(read.token.expose(), b"");
    let error = BearerError {
        scope: "example_scope".into(),
        openid_configuration: "https://example.com/.well-known/openid-configuration".into(),
        ..BearerError::default()
    };
    let Step::Challenge(json) = server.answer(Answer::BearerRefused(Failure::Credentials, error)).unwrap()
    else {
        panic!()
    };
    assert_eq!(STANDARD.encode(json), REFUSAL_4_3);
    let step = server.respond(&STANDARD.decode("AQ==").unwrap()).unwrap();
    assert!(matches!(step, Step::Failed(Failure::Credentials)));
}

#[test]
fn the_rfcs_refusals_are_read_and_answered() {
    for (challenge, scope) in [
        // Section 4.3.
        (REFUSAL_4_3, "example_scope"),
        // Section 4.4.
        (
            "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NoZW1lcyI6ImJlYXJlciBtYWMiLCJzY29wZSI6Imh0dHBzOi8vbWFpbC5leGFtcGxlLmNvbS8ifQ==",
            "https://mail.example.com/",
        ),
    ] {
        let login = ClientLogin::token("user@example.com", Secret::new(TOKEN.as_bytes()));
        let mut client = choose(
            ClientMethod::BEST_FIRST,
            ["OAUTHBEARER"],
            &login,
            &Channel::default(),
            &ClientPolicy::encrypted(true),
        )
        .unwrap();
        let _ = client.initial().unwrap();
        assert_eq!(client.step(&STANDARD.decode(challenge).unwrap()).unwrap().expose(), b"\x01");
        let error = client.bearer_error().unwrap();
        assert_eq!((&*error.status, &*error.scope), ("invalid_token", scope));
        assert_eq!(client.success(None), Err(ClientError::NotProven));
    }
}
