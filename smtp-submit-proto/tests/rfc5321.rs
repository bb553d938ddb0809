//! RFC 5321: the scenarios of appendix D, order of commands, replies, limits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod common;

use common::{Host, open_config, replay};
use mail_wire::{Instant, Machine, Poll};
use smtp_submit_proto::{BareNewlines, Event, Server, status};
use std::time::Duration;

/// Appendix D.1: a typical transaction.
#[test]
fn a_typical_transaction() {
    let mut host = Host::new(open_config());
    replay(
        &mut host,
        "S: 220 mail.example.test ESMTP
         C: EHLO bar.com
         S: 250-mail.example.test greets bar.com
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<Smith@bar.com>
         S: 250 2.1.0 sender OK
         C: RCPT TO:<Jones@foo.com>
         S: 250 2.1.5 recipient OK
         C: RCPT TO:<nobody@foo.com>
         S: 550 5.1.1 no such user here
         C: RCPT TO:<Brown@foo.com>
         S: 250 2.1.5 recipient OK
         C: DATA
         S: 354 end data with <CR><LF>.<CR><LF>
         C: Blah blah blah...
         C: ...etc. etc. etc.
         C: .
         S: 250 2.0.0 kept
         C: QUIT
         S: 221 2.0.0 mail.example.test closing",
    );
    host.on_client_but(&[]);
    assert_eq!(host.messages, [b"Blah blah blah...\r\n..etc. etc. etc.\r\n"]);
    assert_eq!(host.ended.as_deref(), Some("closed"));
}

/// Appendix D.2: an aborted transaction.
#[test]
fn an_aborted_transaction() {
    let mut host = Host::new(open_config());
    replay(
        &mut host,
        "S: 220*
         C: EHLO bar.com
         S: 250-mail.example.test greets bar.com
         S: 250-PIPELINING
         S: 250-SIZE
         S: 250-8BITMIME
         S: 250 ENHANCEDSTATUSCODES
         C: MAIL FROM:<Smith@bar.com>
         S: 250*
         C: RCPT TO:<Jones@foo.com>
         S: 250*
         C: RCPT TO:<nobody@foo.com>
         S: 550*
         C: RSET
         S: 250 2.0.0 reset
         C: QUIT
         S: 221*",
    );
    host.on_client_but(&[]);
    assert!(host.messages.is_empty());
    assert!(host.log.iter().any(|e| e == "Reset"));
}

/// Appendix D.4: verifying and sending; section 3.5.
#[test]
fn vrfy_and_expn_by_policy() {
    let mut host = Host::new(open_config());
    replay(
        &mut host,
        "S: 220*
         C: EHLO me
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250 *
         C: VRFY Crispin
         S: 252 2.2.5*
         C: EXPN list
         S: 502 5.5.1*",
    );
    host.on_client_but(&[]);
    let mut config = open_config();
    config.ask_vrfy = true;
    let mut host = Host::new(config);
    replay(
        &mut host,
        "S: 220*
         C: EHLO me
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250 *
         C: VRFY Smith
         S: 250 2.2.1 Fred Smith <smith@example.test>
         C: EXPN list
         S: 250-2.2.1 <a@x>
         S: 250 2.2.1 <b@x>",
    );
    host.on_client_but(&[]);
}

/// Section 4.1.4.
#[test]
fn commands_have_an_order() {
    let mut host = Host::new(open_config());
    replay(
        &mut host,
        "S: 220*
         C: MAIL FROM:<a@b>
         S: 503 5.5.1 EHLO comes first
         C: RCPT TO:<a@b>
         S: 503 5.5.1*
         C: DATA
         S: 503 5.5.1*
         C: NOOP
         S: 250 2.0.0 OK
         C: RSET
         S: 250 2.0.0 reset
         C: HELP
         S: 214-2.0.0*
         S: 214 2.0.0*
         C: EHLO me
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250-*
         S: 250 *
         C: RCPT TO:<a@b>
         S: 503 5.5.1 MAIL comes first
         C: DATA
         S: 503 5.5.1 MAIL comes first
         C: MAIL FROM:<>
         S: 250 2.1.0*
         C: MAIL FROM:<a@b>
         S: 503 5.5.1 a transaction is open already*
         C: DATA
         S: 503 5.5.1 RCPT comes first
         C: RCPT TO:<nobody@b>
         S: 550 5.1.1*
         C: DATA
         S: 554 5.5.1 no valid recipients
         C: RCPT TO:<Postmaster>
         S: 250 2.1.5*
         C: HELO me
         S: 250 mail.example.test
         C: DATA
         S: 503 5.5.1 MAIL comes first
         C: MAIL FROM:<a@b>
         S: 250*",
    );
    host.on_client_but(&[
        "MAIL FROM:<a@b>",
        "RCPT TO:<a@b>",
        "DATA",
        "NOOP",
        "RSET",
        "HELP",
        "RCPT TO:<a@b>",
        "DATA",
        "MAIL FROM:<a@b>",
        "DATA",
        "HELO me",
        "MAIL FROM:<a@b>",
    ]);
    assert!(!host.server.is_extended());
    assert_eq!(host.server.client_name(), Some("me"));
}

#[test]
fn every_faulty_line_is_answered_and_too_many_end_the_connection() {
    let mut config = open_config();
    config.limits.bad_commands = 3;
    let mut host = Host::new(config);
    replay(
        &mut host,
        "S: 220*
         C: XYZZY
         S: 500 5.5.2*
         C:
         S: 500 5.5.2*
         C: EHLO
         S: 501 a domain or an address literal is wanted
         C: NOOP
         S: 250*
         C: DATA DATA
         S: 421 4.7.0 mail.example.test too many errors",
    );
    assert_eq!(host.ended.as_deref(), Some("closed"));
}

/// Section 2.3.8 and 4.1.1.4: a bare CR or LF ends no command.
#[test]
fn a_bare_line_feed_ends_no_command() {
    let mut host = Host::new(open_config());
    host.say("EHLO me");
    host.feed(b"NOOP\nMAIL FROM:<a@b>\rNOOP\n");
    assert_eq!(host.sent(), "");
    host.feed(b"\r\n");
    assert_eq!(host.sent(), "500 5.5.2 a control character in the command\r\n");
    assert!(!host.server.in_transaction());
}

/// Section 4.5.3.1.4.
#[test]
fn an_over_long_line_is_answered_once_and_skipped() {
    let mut host = Host::new(open_config());
    host.say("EHLO me");
    host.feed(&[b'x'; 3000]);
    assert_eq!(host.sent(), "500 5.5.2 the line is too long\r\n");
    host.feed(&[b'x'; 3000]);
    host.feed(b"\r\nNOOP\r\n");
    assert_eq!(host.sent(), "250 2.0.0 OK\r\n");
    let mut config = open_config();
    config.limits.drained = 10_000;
    let mut host = Host::new(config);
    for _ in 0..20 {
        host.feed(&[b'x'; 1000]);
    }
    assert_eq!(host.ended.as_deref(), Some("closed"));
    assert!(host.sent().ends_with("421 4.7.0 mail.example.test the line does not end\r\n"));
}

#[test]
fn a_line_at_the_limit_is_a_line() {
    let mut config = open_config();
    config.limits.command_line = 512;
    let mut host = Host::new(config);
    host.say("EHLO me");
    host.expect(&format!("NOOP {}", "x".repeat(512 - 7)), "250");
    host.expect(&format!("NOOP {}", "x".repeat(512 - 6)), "500");
    host.expect("NOOP", "250");
}

/// Section 4.5.3.1.8 and 4.5.3.1.10.
#[test]
fn too_many_recipients_are_refused_for_now() {
    let mut config = open_config();
    config.limits.recipients = 2;
    let mut host = Host::new(config);
    host.say("EHLO me");
    host.expect("MAIL FROM:<a@b>", "250");
    host.expect("RCPT TO:<a@b>", "250");
    host.expect("RCPT TO:<a@b>", "250");
    host.expect("RCPT TO:<a@b>", "452 4.5.3");
    host.expect("DATA", "354");
    host.expect(".", "250");
    assert_eq!(host.messages, [b""], "an empty message ends at once");
}

fn in_data(config: smtp_submit_proto::Config) -> Host {
    let mut host = Host::new(config);
    host.feed(b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
    host.sent();
    host
}

/// Section 4.5.2.
#[test]
fn dots_are_dropped_where_they_were_stuffed() {
    let mut host = in_data(open_config());
    host.feed(b"..x\r\n...\r\n..\r\na.b\r\n.");
    assert_eq!(host.sent(), "");
    host.feed(b"\r\n");
    assert_eq!(host.sent(), "250 2.0.0 kept\r\n");
    assert_eq!(host.messages, [b".x\r\n..\r\n.\r\na.b\r\n"]);
    assert!(!host.server.in_transaction());
    host.expect("MAIL FROM:<a@b>", "250");
}

#[test]
fn content_is_octets() {
    let all: Vec<u8> = (0..=255).filter(|c| !b"\r\n".contains(c)).collect();
    let mut host = in_data(open_config());
    host.feed(&all);
    host.feed(b"\r\n.\r\n");
    assert_eq!(host.messages, [[&all[..], b"\r\n"].concat()]);
}

/// Section 2.3.8: refused by default, kept by policy; neither is ever an end.
#[test]
fn bare_newlines_are_refused_after_the_real_end_or_kept() {
    let content = b"a\r\n\n.\nMAIL FROM:<evil@x>\r\n.\rb\r\n";
    let mut host = in_data(open_config());
    host.feed(content);
    assert_eq!(host.sent(), "");
    host.feed(b".\r\n");
    assert!(host.sent().starts_with("554 5.6.0 a CR or LF stands alone"));
    assert!(host.messages.is_empty());
    assert_eq!(host.log.last().unwrap(), "DataRefused(BareNewline)");
    host.expect("MAIL FROM:<a@b>", "250");

    let mut config = open_config();
    config.bare_newlines = BareNewlines::Keep;
    let mut host = in_data(config);
    host.feed(content);
    host.feed(b".\r\n");
    assert_eq!(host.messages, [b"a\r\n\n.\nMAIL FROM:<evil@x>\r\n\rb\r\n"]);
    assert!(host.log.last().unwrap().contains("bare_newline: true"));
}

#[test]
fn content_refused_by_the_host_is_drained_and_answered_after_its_end() {
    let mut host = in_data(open_config());
    host.refuse_after = Some(5);
    host.feed(b"12345");
    host.feed(b"67\r\nRSET\r\n");
    assert_eq!((host.sent().as_str(), host.incoming.len()), ("", 5));
    host.feed(b".\r\n");
    assert_eq!(host.sent(), "451 4.3.0 disk trouble\r\n");
    assert_eq!(host.log.last().unwrap(), "DataRefused(Host)");
    host.expect("RCPT TO:<a@b>", "503");
}

#[test]
fn refused_content_without_end_ends_the_connection() {
    let mut config = open_config();
    config.size_limit = Some(100);
    config.limits.drained = 1000;
    let mut host = in_data(config);
    for _ in 0..20 {
        host.feed(&[b'x'; 100]);
    }
    assert_eq!(host.ended.as_deref(), Some("closed"));
    assert!(host.sent().starts_with("552 5.3.4"));
}

/// Section 4.5.3.2: a client that sends an octet now and then holds no session open.
#[test]
fn only_whole_commands_are_progress() {
    let mut server = Server::new(open_config());
    let at = |s| Instant::from_start(Duration::from_secs(s));
    let _ = server.poll(b"", at(0)).unwrap();
    assert_eq!(server.deadline(), Some(at(300)));
    for (i, n) in (1..=4).zip([1, 100, 200, 299]) {
        let _ = server.poll(&b"NOOP\r\n"[..i], at(n)).unwrap();
    }
    assert_eq!(server.deadline(), Some(at(301)));
    server.handle_timeout(at(300));
    assert_eq!(server.deadline(), Some(at(301)), "too early changes nothing");
    server.handle_timeout(at(301));
    assert_eq!(server.poll(b"NOOP", at(301)), Ok(Poll::Close));
    let sent = server.output().segments().collect::<Vec<_>>().concat();
    assert!(sent.ends_with(b"421 4.4.2 mail.example.test timed out\r\n"));
}

#[test]
fn a_host_at_work_is_not_the_clients_delay() {
    let mut server = Server::new(open_config());
    let _ = server.poll(b"", Instant::ZERO).unwrap();
    for line in [&b"EHLO x\r\n"[..], b"MAIL FROM:<a@b>\r\n"] {
        assert_eq!(server.poll(line, Instant::ZERO), Ok(Poll::Frame(line.len())));
        let _ = server.event(line);
    }
    assert_eq!((server.poll(b"", Instant::ZERO), server.deadline()), (Ok(Poll::Blocked), None));
}

#[test]
fn a_wrong_answer_is_misuse_and_writes_nothing() {
    let mut server = Server::new(open_config());
    let _ = server.poll(b"", Instant::ZERO).unwrap();
    let greeted = server.output().len();
    assert!(server.accept_mail().is_err());
    assert!(server.accept_rcpt().is_err());
    assert!(server.accept_data().is_err());
    assert!(server.end_accepted("").is_err());
    assert!(server.challenge(b"").is_err());
    assert!(server.authenticated().is_err());
    assert!(server.reply(status::OK, "").is_err());
    assert!(server.refuse(status::LOCAL_ERROR, "").is_err());
    for line in [&b"EHLO x\r\n"[..], b"MAIL FROM:<a@b>\r\n"] {
        let _ = server.poll(line, Instant::ZERO).unwrap();
        let _ = server.event(line);
    }
    let before = server.output().len();
    assert!(before > greeted);
    assert!(server.accept_rcpt().is_err());
    assert!(server.refuse(status::OK, "").is_err());
    let misuse = server.end_accepted("").unwrap_err();
    assert_eq!((misuse.called, misuse.state), ("end_accepted", "MAIL waits for its answer"));
    assert_eq!(server.output().len(), before);
    assert!(server.accept_mail().is_ok());
}

#[test]
fn closing_is_said_with_421_at_any_time() {
    let mut server = Server::new(open_config());
    server.close(status::TOO_BUSY, "too many connections").unwrap();
    assert_eq!(server.poll(b"", Instant::ZERO), Ok(Poll::Close));
    let sent = server.output().segments().collect::<Vec<_>>().concat();
    assert_eq!(sent, b"421 mail.example.test too many connections\r\n");
    assert!(server.close(status::TOO_BUSY, "again").is_err());

    let mut host = in_data(open_config());
    host.server.close(status::SHUTTING_DOWN, "shutting down").unwrap();
    host.feed(b"");
    assert_eq!(host.sent(), "421 4.3.2 mail.example.test shutting down\r\n");
}

/// Section 3.3 and appendix C: source routes, and what Outlook writes.
#[test]
fn paths_as_clients_write_them() {
    let mut host = Host::new(open_config());
    host.say("EHLO me");
    host.expect("MAIL FROM: <a@b>", "250");
    host.expect("RCPT TO:<@r1,@r2:a@b>", "250");
    assert!(host.log.last().unwrap().contains("\"a@b\""), "{:?}", host.log);
    host.expect("RCPT TO:<\"a b\"@[127.0.0.1]>", "250");
    host.expect("RCPT TO:<a@b> X=1", "555 5.5.4");
    host.expect("RCPT TO:<ä@b>", "553 5.6.7");
    host.expect("RCPT TO:<a\0@b>", "500 5.5.2");
    host.expect("RCPT TO:a@b", "501 5.1.3");
    host.expect("RSET", "250");
    host.expect("MAIL FROM:a@b", "501 5.1.7");
}

#[test]
fn events_borrow_the_frame_and_not_the_machine() {
    let mut server = Server::new(open_config());
    let _ = server.poll(b"", Instant::ZERO).unwrap();
    let line = b"EHLO x\r\n";
    let _ = server.poll(line, Instant::ZERO).unwrap();
    let _ = server.event(line);
    let line = b"MAIL FROM:<a@b> SIZE=5\r\n";
    let _ = server.poll(line, Instant::ZERO).unwrap();
    let Event::Mail { reverse_path, params } = server.event(line) else { panic!() };
    server.accept_mail().unwrap();
    assert_eq!((reverse_path.to_string().as_str(), params.size), ("<a@b>", Some(5)));
}
