//! RFC 4616 (PLAIN): its two example exchanges, as a host outside the crate sees them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use auth_sasl::{Answer, Channel, Failure, Identity, Mechanism, Request, Step};

/// A host that knows Tim and Kurt, and that nobody may act as somebody else.
fn host(request: Request) -> Answer {
    let Request::Password(login) = request else { return Answer::Refused(Failure::Unsupported) };
    match (login.authcid.as_str(), login.password.expose(), login.authzid) {
        ("tim", b"tanstaaftanstaaf", None) => Answer::Accepted(Identity::new("tim", None)),
        ("Kurt", b"xipj3plmq", Some(_)) => Answer::Refused(Failure::NotAuthorized),
        _ => Answer::Refused(Failure::Credentials),
    }
}

#[test]
fn section_4_first_example_authenticates() {
    let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
    let Step::Challenge(challenge) = exchange.start(None).unwrap() else { panic!() };
    assert_eq!(challenge, b"");
    let Step::Need(request) = exchange.respond(b"\0tim\0tanstaaftanstaaf").unwrap() else { panic!() };
    let Step::Done(identity) = exchange.answer(host(request)).unwrap() else { panic!() };
    assert_eq!(identity, Identity::new("tim", None));
}

#[test]
fn section_4_second_example_is_not_authorized() {
    let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
    let Step::Need(request) = exchange.start(Some(b"Ursel\0Kurt\0xipj3plmq")).unwrap() else { panic!() };
    assert!(matches!(exchange.answer(host(request)), Ok(Step::Failed(Failure::NotAuthorized))));
}

#[test]
fn a_wrong_password_fails() {
    let mut exchange = Mechanism::PLAIN.begin(&Channel::default());
    let Step::Need(request) = exchange.start(Some(b"\0tim\0x")).unwrap() else { panic!() };
    assert!(matches!(exchange.answer(host(request)), Ok(Step::Failed(Failure::Credentials))));
}
