//! RFC 1870: SIZE.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop where they fail")]

mod common;

use common::{Host, open_config};

fn host(limit: u64) -> Host {
    let mut config = open_config();
    config.size_limit = Some(limit);
    let mut host = Host::new(config);
    assert!(host.say("EHLO ymir.claremont.edu").contains(&format!("250-SIZE {limit}\r\n")));
    host
}

/// Section 6.1.
#[test]
fn a_declared_size_over_the_limit_is_refused_at_once() {
    let mut host = host(1_000_000);
    host.expect("MAIL FROM:<ned@thor.innosoft.com> SIZE=1000001", "552 5.3.4");
    host.expect("RCPT TO:<a@b>", "503");
    host.expect("MAIL FROM:<ned@thor.innosoft.com> SIZE=99999999999999999999", "552 5.3.4");
    host.expect("MAIL FROM:<ned@thor.innosoft.com> SIZE=500000", "250");
    host.on_client_but(&["RCPT TO:<a@b>"]);
}

/// Section 6.3: the real size counts, declared or not, and is answered after the end.
#[test]
fn a_real_size_over_the_limit_is_drained_and_refused() {
    for declared in ["", " SIZE=5"] {
        let mut host = host(10);
        host.expect(&format!("MAIL FROM:<a@b>{declared}"), "250");
        host.expect("RCPT TO:<a@b>", "250");
        host.expect("DATA", "354");
        host.feed(b"12345678\r\nQUIT\r\n..\r\n");
        assert_eq!(host.sent(), "");
        host.feed(b".\r\n");
        assert!(host.sent().starts_with("552 5.3.4"));
        assert_eq!(host.log.last().unwrap(), "DataRefused(TooBig)");
        host.expect("MAIL FROM:<a@b>", "250");
    }
}

/// Section 5: stuffed dots and the end do not count.
#[test]
fn a_message_at_the_limit_passes() {
    let mut host = host(9);
    host.say("MAIL FROM:<a@b> SIZE=9");
    host.say("RCPT TO:<a@b>");
    host.say("DATA");
    host.feed(b"..345678\r\n.\r\n");
    assert!(host.sent().starts_with("250"));
    assert_eq!(host.messages, [b".345678\r\n"]);
    host.on_client_but(&[]);
}

/// A find of the fuzz target `smtp_server`: it is too big however it comes, also where a CR alone was seen first.
#[test]
fn too_big_is_too_big_whatever_else_it_is() {
    let content = [b"1\r2\r\n".as_slice(), &[b'x'; 20], b"\r\n.\r\n"].concat();
    for piece in 1..=content.len() {
        let mut host = host(10);
        host.expect("MAIL FROM:<a@b>", "250");
        host.expect("RCPT TO:<a@b>", "250");
        host.expect("DATA", "354");
        content.chunks(piece).for_each(|part| host.feed(part));
        let sent = host.sent();
        assert!(sent.starts_with("552 5.3.4"), "in pieces of {piece}: {sent}");
    }
}
