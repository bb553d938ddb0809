//! RFC 4959: the initial response of AUTHENTICATE.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod common;
#[path = "common/dialogue.rs"]
mod dialogue;

use common::{Talk, config};
use imap4_proto::{
    server::{Event, Mechanism, Server},
    types::Capabilities,
};

#[test]
fn section_5_the_examples() {
    let mut c = config();
    c.capabilities = Capabilities::IMAP4REV1 | Capabilities::SASL_IR;
    c.mechanisms = vec![Mechanism::new("PLAIN", false), Mechanism::new("EXTERNAL", false)];
    c.starttls = false;
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Auth { mechanism: "PLAIN", initial: Some(initial) } => {
            assert_eq!(initial.expose(), b"\0test\0test");
            s.authenticated("Success (tls protection)").unwrap();
        }
        Event::Auth { mechanism: "EXTERNAL", initial: Some(initial) } => {
            assert_eq!(initial.expose(), b"");
            s.authenticated("Success (tls protection)").unwrap();
        }
        Event::Answered(_) => {}
        other => panic!("{other:?}"),
    };
    for mechanism in ["PLAIN AHRlc3QAdGVzdA==", "EXTERNAL ="] {
        let mut talk = Talk::new(c.clone());
        talk.play(
            &format!(
                "
                C>
                S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=EXTERNAL] ready
                C: A01 AUTHENTICATE PLAIN AHRlc3QAdGVzdA
                S: A01 BAD The initial response is no base64
                C: A01 AUTHENTICATE PLAIN 
                S: A01 BAD The initial response is missing
                C: A01 AUTHENTICATE {mechanism}
                S: A01 OK [CAPABILITY IMAP4rev1 SASL-IR] Success (tls protection)
                "
            ),
            &mut host,
        );
        assert!(talk.secret_frames >= 2);
    }
    c.capabilities = Capabilities::IMAP4REV1;
    let mut talk = Talk::new(c);
    talk.send(b"", &mut host);
    assert_eq!(talk.send(b"a AUTHENTICATE EXTERNAL =\r\n", &mut host), "a BAD SASL-IR is not on\r\n");
}

#[test]
fn a_token_of_12_kilobytes_fits() {
    let mut talk = Talk::new(config());
    let mut len = 0;
    let mut host = |s: &mut Server, event: Event<'_>| match event {
        Event::Auth { initial: Some(initial), .. } => {
            len = initial.expose().len();
            s.challenge(b"").unwrap();
        }
        Event::AuthResponse(r) => {
            assert_eq!(r.expose().len(), 9000);
            s.no(None, "no").unwrap();
        }
        other => panic!("{other:?}"),
    };
    let token = "QUJD".repeat(3000);
    assert!(talk.send(format!("a AUTHENTICATE PLAIN {token}\r\n").as_bytes(), &mut host).ends_with("+ \r\n"));
    assert_eq!(talk.send(format!("{token}\r\n").as_bytes(), &mut host), "a NO no\r\n");
    assert_eq!(len, 9000);
}

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc4959.txt"));
}
