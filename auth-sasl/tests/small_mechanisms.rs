//! CRAM-MD5 (RFC 2195), ANONYMOUS (RFC 4505), EXTERNAL (RFC 4422 appendix A): the RFCs' examples, and what
//! is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::field_reassign_with_default,
    reason = "a test may fail; a non-exhaustive value is filled in"
)]

use auth_sasl::{
    Answer, Channel, ClientLogin, ClientMethod, ClientPolicy, Credential, Failure, Identity, Mechanism,
    Offer, Request, Secret, Step, choose,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[test]
fn rfc_2195_section_2_client() {
    let mut policy = ClientPolicy::default();
    policy.cram_md5 = true;
    let login = ClientLogin::password("tim", Secret::new(b"tanstaaftanstaaf"));
    let mut client =
        choose(ClientMethod::BEST_FIRST, ["CRAM-MD5"], &login, &Channel::default(), &policy).unwrap();
    assert_eq!(client.initial().unwrap(), None);
    let challenge = STANDARD.decode("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+").unwrap();
    let response = client.step(&challenge).unwrap();
    assert_eq!(STANDARD.encode(response.expose()), "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw");
    assert_eq!(client.success(None), Ok(()));
}

#[test]
fn a_cram_challenge_is_a_message_id_of_random_octets() {
    let mut channel = Channel::default();
    let mut poor = Mechanism::CRAM_MD5.begin(&channel);
    assert!(matches!(poor.start(None).unwrap(), Step::Failed(Failure::Unavailable)));
    channel.random = Some(b"0123456789abcdefgh");
    channel.host = Some("mail.example");
    let Step::Challenge(challenge) = Mechanism::CRAM_MD5.begin(&channel).start(None).unwrap() else {
        panic!()
    };
    assert_eq!(challenge, b"<303132333435363738396162636465666768@mail.example>");
    // The server speaks first.
    let mut early = Mechanism::CRAM_MD5.begin(&channel);
    assert!(matches!(early.start(Some(b"tim 00")).unwrap(), Step::Failed(Failure::Malformed)));
}

#[test]
fn what_is_off_unless_asked_for_is_not_listed() {
    let every = [Credential::CramMd5, Credential::Anonymous, Credential::Certificate, Credential::Password];
    let names: Vec<_> =
        Offer::new(Mechanism::BEST_FIRST).serves(&every).clear_passwords(true).names().collect();
    assert_eq!(names, ["EXTERNAL", "PLAIN", "LOGIN"]);
    // Listed and not served is not offered either.
    assert_eq!(Offer::new(&[Mechanism::ANONYMOUS]).serves(&[Credential::Password]).names().count(), 0);
}

#[test]
fn rfc_4505_section_4_example() {
    let mut client = choose(
        ClientMethod::BEST_FIRST,
        ["DIGEST-MD5", "ANONYMOUS"],
        &ClientLogin::anonymous("sirhc"),
        &Channel::default(),
        &ClientPolicy::default(),
    )
    .unwrap();
    let message = client.step(b"").unwrap();
    assert_eq!(STANDARD.encode(message.expose()), "c2lyaGM=");
    let mut server = Mechanism::ANONYMOUS.begin(&Channel::default());
    assert!(matches!(server.start(None).unwrap(), Step::Challenge(c) if c.is_empty()));
    let Step::Need(Request::Anonymous(login)) = server.respond(message.expose()).unwrap() else { panic!() };
    assert_eq!(login.trace, "sirhc");
    let end = server.answer(Answer::Accepted(Identity::new("anonymous", None))).unwrap();
    assert!(matches!(end, Step::Done(_)));
}

#[test]
fn a_trace_is_short_printable_text() {
    let long = "a".repeat(256);
    for (trace, failure) in [
        ("", None),
        ("sirhc@example.com", None),
        ("\u{f6}\u{1f600}", None),
        (&long[..255], None),
        (&long, Some(Failure::TooLong)),
        ("a\r\nb", Some(Failure::Malformed)),
        ("a\u{202e}b", Some(Failure::Malformed)),
        ("\u{627}1", Some(Failure::Malformed)),
    ] {
        let mut server = Mechanism::ANONYMOUS.begin(&Channel::default());
        match (server.start(Some(trace.as_bytes())).unwrap(), failure) {
            (Step::Need(_), None) => {}
            (Step::Failed(is), Some(failure)) => assert_eq!(is, failure, "{trace:?}"),
            (step, _) => panic!("{trace:?} {step:?}"),
        }
    }
    let mut server = Mechanism::ANONYMOUS.begin(&Channel::default());
    assert!(matches!(server.start(Some(b"\xff")).unwrap(), Step::Failed(Failure::Malformed)));
}

#[test]
fn external_wants_a_certificate_and_an_empty_message_is_one() {
    let mut server = Mechanism::EXTERNAL.begin(&Channel::default());
    assert!(matches!(server.start(Some(b"")).unwrap(), Step::Failed(Failure::Credentials)));
    let mut channel = Channel::default();
    channel.client_certificate = Some(b"DER");
    for (message, authzid) in [(&b""[..], None), (b"fred@example.com", Some("fred@example.com"))] {
        for initial in [true, false] {
            let mut server = Mechanism::EXTERNAL.begin(&channel);
            let step = if initial {
                server.start(Some(message)).unwrap()
            } else {
                assert!(matches!(server.start(None).unwrap(), Step::Challenge(c) if c.is_empty()));
                server.respond(message).unwrap()
            };
            let Step::Need(Request::Certificate(login)) = step else { panic!() };
            assert_eq!((&*login.certificate, login.authzid.as_deref()), (&b"DER"[..], authzid));
        }
    }
    for message in [&b"a\0b"[..], b"\xff"] {
        let mut server = Mechanism::EXTERNAL.begin(&channel);
        assert!(matches!(server.start(Some(message)).unwrap(), Step::Failed(Failure::Malformed)));
    }
}
