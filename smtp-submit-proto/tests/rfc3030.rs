//! RFC 3030: CHUNKING and BINARYMIME.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, replay};
use smtp_submit_proto::{BareNewlines, Config};

fn config() -> Config {
    let mut config = open_config();
    config.chunking = true;
    config.binary_mime = true;
    config
}

fn in_transaction(config: Config) -> Host {
    let mut host = Host::new(config);
    host.feed(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    host.sent();
    host
}

/// Section 4.1: simple chunking.
#[test]
fn simple_chunking() {
    let mut host = Host::new(config());
    replay(
        &mut host,
        "S: 220*
         C: EHLO ymir.claremont.edu
         S: 250-mail.example.test greets ymir.claremont.edu
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250-CHUNKING
         S: 250-BINARYMIME
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<Sam@Random.com>
         S: 250*
         C: RCPT TO:<Susan@Random.com>
         S: 250*",
    );
    host.on_client_but(&[]);
    host.feed(b"BDAT 86 LAST\r\n");
    assert_eq!(host.sent(), "", "no reply before the chunk is there");
    host.feed(&[b'x'; 84]);
    host.feed(b"\r\n");
    assert_eq!(host.sent(), "250 2.0.0 kept\r\n");
    assert_eq!(host.messages[0].len(), 86);
    host.expect("QUIT", "221");
}

/// Section 4.2: pipelining BINARYMIME.
#[test]
fn pipelined_binary_chunks() {
    let mut host = Host::new(config());
    host.feed(b"EHLO ymir.claremont.edu\r\n");
    host.sent();
    let mut wire =
        b"MAIL FROM:<ned@ymir.claremont.edu> BODY=BINARYMIME\r\nRCPT TO:<gvaudre@cnri.reston.va.us>\r\n\
        RCPT TO:<jstewart@cnri.reston.va.us>\r\nBDAT 10000\r\n"
            .to_vec();
    wire.extend_from_slice(&[b'\n'; 10_000]);
    wire.extend_from_slice(b"BDAT 324\r\n");
    wire.extend_from_slice(&[b'\r'; 324]);
    wire.extend_from_slice(b"BDAT 0 LAST\r\n");
    host.feed(&wire);
    let replies = host.sent();
    assert!(
        replies.ends_with(
            "250 2.0.0 10000 octets received\r\n250 2.0.0 324 octets received\r\n250 2.0.0 kept\r\n"
        ),
        "{replies}"
    );
    assert_eq!(replies.lines().count(), 6);
    assert_eq!(host.messages[0].len(), 10_324);
    host.on_client_but(&[]);
}

#[test]
fn dots_are_content() {
    let mut host = in_transaction(config());
    host.feed(b"BDAT 5\r\n\r\n.\r\nBDAT 7 LAST\r\n..\r\nx\r\n");
    assert_eq!(host.messages, [b"\r\n.\r\n..\r\nx\r\n"]);
}

/// Section 2: "the state resulting from this error is indeterminate": nothing but a new transaction.
#[test]
fn a_refused_chunk_is_read_to_its_end_and_no_further() {
    let mut host = in_transaction(config());
    host.refuse_after = Some(3);
    host.feed(b"BDAT 21\r\nQUIT\r\nQUIT\r\nQUIT\r\n\r\n");
    // The first octets are one chunk event; all of it was there at once.
    assert_eq!(host.sent(), "");
    host.feed(b"QQ");
    assert_eq!(host.sent(), "451 4.3.0 disk trouble\r\n");
    host.feed(b"\r\n");
    host.sent();
    host.feed(b"BDAT 6 LAST\r\nQUIT\r\n");
    assert_eq!(host.sent(), "503 5.5.1 MAIL comes first\r\n");
    host.expect("RSET", "250");
    host.expect("MAIL FROM:<a@b>", "250");
    assert!(host.ended.is_none() && host.messages.is_empty());
}

#[test]
fn a_chunk_out_of_place_is_drained() {
    let mut host = Host::new(config());
    host.feed(b"BDAT 6\r\nQUIT\r\n");
    assert!(host.sent().ends_with("503 5.5.1 EHLO comes first\r\n"));
    host.feed(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@d>\r\nBDAT 6 LAST\r\nQUIT\r\n");
    assert!(host.sent().ends_with("554 5.5.1 no valid recipients\r\n"));
    let mut config = config();
    config.auth_required = true;
    let mut host = Host::new(config);
    host.feed(b"EHLO x\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    assert!(host.sent().ends_with("530 5.7.0 authentication required\r\n250 2.0.0 OK\r\n"));
}

/// Section 2: "a message cannot be sent with DATA and BDAT".
#[test]
fn bdat_and_data_do_not_mix() {
    let mut host = in_transaction(config());
    host.feed(b"BDAT 2\r\nab");
    host.sent();
    host.expect("DATA", "503 5.5.1");
    host.expect("RCPT TO:<x@y>", "503 5.5.1");
    host.expect("MAIL FROM:<x@y>", "503 5.5.1");
    host.feed(b"BDAT 2 LAST\r\ncd");
    assert_eq!(host.messages, [b"abcd"]);
    host.feed(b"MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\n");
    host.sent();
    host.expect("DATA", "503 5.5.1 BINARYMIME wants BDAT");
}

#[test]
fn rset_ends_it_between_chunks() {
    let mut host = in_transaction(config());
    host.feed(b"BDAT 2\r\nabRSET\r\n");
    assert_eq!(host.sent(), "250 2.0.0 2 octets received\r\n250 2.0.0 reset\r\n");
    assert_eq!(host.log.last().unwrap(), "Reset");
}

#[test]
fn the_size_holds_over_all_chunks() {
    let mut c = config();
    c.size_limit = Some(10);
    let mut host = in_transaction(c.clone());
    host.feed(b"BDAT 8\r\n12345678");
    assert_eq!(host.sent(), "250 2.0.0 8 octets received\r\n");
    host.feed(b"BDAT 3 LAST\r\nQ\r\n");
    assert_eq!(host.sent(), "552 5.3.4 the message is larger than the size limit\r\n");
    let mut host = in_transaction(c.clone());
    host.feed(b"BDAT 99999999999\r\n");
    assert!(host.ended.is_some() && host.sent().contains("421 "));
    c.limits.drained = 5;
    let mut host = in_transaction(c);
    host.feed(b"BDAT 15\r\nQUIT\r\nQUIT\r\nQUI");
    assert_eq!(host.sent(), "552 5.3.4 the message is larger than the size limit\r\n");
}

#[test]
fn without_its_size_a_chunk_ends_the_connection() {
    for line in ["BDAT", "BDAT x", "BDAT 5 FIRST", "BDAT -1"] {
        let mut host = in_transaction(config());
        host.expect(line, "501 5.5.4");
        assert!(host.ended.is_some());
    }
    let mut host = in_transaction(open_config());
    host.expect("BDAT 5 LAST", "502 5.5.1");
    host.expect("MAIL FROM:<a@b> BODY=BINARYMIME", "501");
}

#[test]
fn bare_newlines_are_refused_where_the_content_is_text() {
    for (content, bare) in [("a\rb\r\n", true), ("a\nb\r\n", true), ("a\r\n\r\n", false), ("ab\r\nc\r", true)]
    {
        for cut in 0..=content.len() {
            let wire = format!(
                "BDAT {cut}\r\n{}BDAT {} LAST\r\n{}",
                &content[..cut],
                content.len() - cut,
                &content[cut..]
            );
            let mut host = in_transaction(config());
            host.feed(wire.as_bytes());
            let sent = host.sent();
            assert_eq!(sent.contains("554 5.6.0"), bare, "{content:?} {cut} {sent}");
            assert_eq!(host.messages.is_empty(), bare);
            let mut keeping = config();
            keeping.bare_newlines = BareNewlines::Keep;
            let mut host = in_transaction(keeping);
            host.feed(wire.as_bytes());
            assert_eq!(host.messages, [content.as_bytes()]);
        }
    }
}
