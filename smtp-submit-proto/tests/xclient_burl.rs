//! XCLIENT, as Postfix has it; and RFC 4468's BURL, which is grammar alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, submission_config};
use smtp_submit_proto::{Command, Reported, Rules, XclientAttribute};

#[test]
fn a_front_end_speaks_for_its_client() {
    let mut host = Host::tls(submission_config());
    host.server.trust_front_end();
    assert!(
        host.say("EHLO front").contains("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n")
    );
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.expect("XCLIENT NAME=spike.porcupine.org ADDR=168.100.189.2", "220 mail.example.test ESMTP");
    assert!(!host.server.is_authenticated() && host.server.client_name().is_none());
    host.expect("MAIL FROM:<a@b>", "530");
    // Still under TLS, and EHLO comes again.
    assert!(!host.say("EHLO x").contains("STARTTLS"));
    host.expect("XCLIENT FOO=x", "501");
    host.expect("XCLIENT", "501");
    host.expect("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "235");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("XCLIENT NAME=[UNAVAILABLE]", "503");
}

#[test]
fn others_cannot() {
    let mut host = Host::new(open_config());
    assert!(!host.say("EHLO x").contains("XCLIENT"));
    host.expect("XCLIENT ADDR=1.2.3.4", "502");
}

#[test]
fn its_attributes_have_types() {
    let wire = b"XCLIENT ADDR=IPv6:2001:db8::1 PORT=4711 LOGIN=a+2Bb PROTO=smtp NAME=[TEMPUNAVAIL]\r\n";
    let command = Command::parse(wire, &Rules::all()).unwrap();
    let Command::Xclient(client) = command else { panic!() };
    let all: Vec<_> = client.attributes().collect();
    assert_eq!(all[0], XclientAttribute::Addr(Reported::Known("2001:db8::1".parse().unwrap())));
    assert_eq!(all[1], XclientAttribute::Port(Reported::Known(4711)));
    assert_eq!(all[3], XclientAttribute::Extended(false));
    assert_eq!(all[4], XclientAttribute::Name(Reported::TemporarilyUnavailable));
    let mut out = vec![];
    command.encode(&mut out).unwrap();
    assert_eq!(out, wire);
}

/// RFC 4468 section 3.3.
#[test]
fn burl_is_read_and_written() {
    let wire = b"BURL imap://harry@gryffindor.example.com/outbox;uidvalidity=1078863300/;uid=25;urlauth=submit+harry:internal:91354a473744909de610943775f92038 LAST\r\n";
    let command = Command::parse(wire, &Rules::all()).unwrap();
    assert!(matches!(command, Command::Burl { last: true, url } if url.starts_with("imap://harry@")));
    let mut out = vec![];
    command.encode(&mut out).unwrap();
    assert_eq!(out, wire);
    assert!(Command::parse(wire, &Rules::default()).is_err());
    let mut host = Host::new(open_config());
    host.say("EHLO x");
    host.expect("BURL imap://x/y LAST", "502");
}
