//! RFC 6152: 8BITMIME.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, open_config};

/// Section 3.
#[test]
fn eight_bit_content_passes_unchanged() {
    let mut host = Host::new(open_config());
    assert!(host.say("EHLO dbc.mtview.ca.us").contains("250-8BITMIME\r\n"));
    host.expect("MAIL FROM:<ned@ymir.claremont.edu> BODY=8BITMIME", "250");
    assert!(host.log.last().unwrap().contains("EightBitMime"));
    host.expect("RCPT TO:<mrose@dbc.mtview.ca.us>", "250");
    host.expect("DATA", "354");
    host.feed(b"Gr\xc3\xbc\xdfe\xff\x00\r\n.\r\n");
    assert_eq!(host.messages, [b"Gr\xc3\xbc\xdfe\xff\x00\r\n"]);
    host.on_client_but(&[]);
}

#[test]
fn body_takes_two_values() {
    let mut host = Host::new(open_config());
    host.say("EHLO me");
    host.expect("MAIL FROM:<a@b> body=7bit", "250");
    host.say("RSET");
    for wrong in ["BODY", "BODY=", "BODY=9BIT", "BODY=BINARYMIME", "BODY=7BIT BODY=7BIT"] {
        host.expect(&format!("MAIL FROM:<a@b> {wrong}"), "501 5.5.4");
    }
    host.on_client_but(&[
        "MAIL FROM:<a@b> BODY",
        "MAIL FROM:<a@b> BODY=",
        "MAIL FROM:<a@b> BODY=9BIT",
        "MAIL FROM:<a@b> BODY=BINARYMIME",
        "MAIL FROM:<a@b> BODY=7BIT BODY=7BIT",
    ]);
}
