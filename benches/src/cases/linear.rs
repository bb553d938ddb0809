//! Twice as much costs twice as much, whole and in pieces: SMTP and POP3, both sides.

use std::{hint::black_box, sync::Arc};

use mail_wire::Machine as _;
use pop3_proto::{MessageNumber, client as pop3_client};
use smtp_submit_proto::{Config, Event, Mechanism, Server, client};

use super::smtp::server as smtp_server;
use crate::{case::Job, run_in_pieces};

const SMALL: usize = 64;

/// A server that is told AUTH with so long an initial response, and refuses it.
fn smtp_line(server: &mut Server, wire: &[u8], piece: usize) -> usize {
    let mut seen = 0;
    run_in_pieces(server, wire, piece, |server, frame| {
        if matches!(server.event(frame), Event::Auth { .. }) {
            seen += frame.len();
            _ = server.refuse(smtp_submit_proto::status::TEMPORARY_AUTH_FAILURE, "later");
        }
    });
    seen
}

pub(super) fn smtp_lines(name: &'static str, octets: usize) -> Job {
    let wire: &'static str = format!("AUTH XOAUTH2 {}\r\n", "QUFB".repeat(octets / 4)).leak();
    let machine = || {
        let mut config = Config::new("mx.example.test");
        config.mechanisms = vec![Mechanism::new("XOAUTH2", false)];
        config.limits.auth_failures = u32::MAX;
        let mut server = Server::new(Arc::new(config));
        smtp_line(&mut server, b"EHLO x\r\n", usize::MAX);
        server
    };
    let (mut whole, mut pieces) = (machine(), machine());
    Job::new(name, "octet", wire.len())
        .side("smtp-submit-proto, whole", &wire.len(), move || {
            smtp_line(&mut whole, black_box(wire.as_bytes()), usize::MAX)
        })
        .side("smtp-submit-proto, in 64s", &wire.len(), move || {
            smtp_line(&mut pieces, black_box(wire.as_bytes()), SMALL)
        })
}

pub(super) fn smtp_data(name: &'static str, lines: usize) -> Job {
    let mut wire = crate::body(lines, true);
    let content = wire.len() - (lines - 1);
    wire.extend_from_slice(b".\r\n");
    let wire: &'static [u8] = wire.leak();
    let mut server = smtp_server();
    smtp_line(&mut server, b"EHLO x\r\n", usize::MAX);
    Job::new(name, "octet", wire.len()).side("smtp-submit-proto, in 64s", &content, move || {
        super::payload::receive_in(&mut server, black_box(wire), SMALL)
    })
}

/// A client that reads a reply of many lines to EHLO.
fn smtp_reply(name: &'static str, lines: usize) -> Job {
    let wire: &'static str =
        format!("220 mx\r\n250-mx\r\n{}250 OK\r\n", "250-XEXTENSION WITH WORDS\r\n".repeat(lines)).leak();
    let read = move |piece| {
        let mut config = client::Config::new("me");
        config.reply_limit = 1 << 20;
        let mut client = client::Client::new(config);
        let (mut ready, _) = (false, client.hello());
        run_in_pieces(&mut client, black_box(wire.as_bytes()), piece, |client, frame| {
            ready |= matches!(client.event(frame), client::Event::Ready(_));
        });
        ready
    };
    Job::new(name, "line", lines)
        .side("smtp-submit-proto, client, whole", &true, move || read(usize::MAX))
        .side("smtp-submit-proto, client, in 64s", &true, move || read(SMALL))
}

/// A POP3 client that fetches a message.
pub(super) fn pop3_message(name: &'static str, lines: usize) -> Job {
    let body = crate::body(lines, true);
    let content = body.len() - (lines - 1);
    let mut wire = b"+OK ready\r\n+OK\r\n+OK in\r\n+OK here\r\n".to_vec();
    wire.extend_from_slice(&body);
    wire.extend_from_slice(b".\r\n");
    let wire: &'static [u8] = wire.leak();
    let read = move |piece| {
        let mut config = pop3_client::Config::default();
        config.login_in_clear = true;
        let mut client = pop3_client::Client::new(config);
        let mut got = 0;
        run_in_pieces(&mut client, black_box(wire), piece, |client, frame| match client.event(frame) {
            pop3_client::Event::Greeting { .. } => _ = client.user(b"tim"),
            pop3_client::Event::Ok { .. } => _ = client.pass(pop3_proto::Secret::new(b"x")),
            pop3_client::Event::LoggedIn(_) => {
                _ = MessageNumber::new(1).map(|n| client.retr(n));
            }
            pop3_client::Event::BodyChunk(octets) => got += octets.len(),
            _ => {}
        });
        got
    };
    Job::new(name, "octet", wire.len())
        .side("pop3-proto, client, whole", &content, move || read(usize::MAX))
        .side("pop3-proto, client, in 64s", &content, move || read(SMALL))
}

/// A POP3 client that reads a list.
pub(super) fn pop3_list(name: &'static str, lines: usize) -> Job {
    let mut wire = b"+OK ready\r\n+OK\r\n+OK in\r\n+OK here\r\n".to_vec();
    for n in 1..=lines {
        wire.extend_from_slice(format!("{n} 0000000100000011\r\n").as_bytes());
    }
    wire.extend_from_slice(b".\r\n");
    let wire: &'static [u8] = wire.leak();
    let read = move |piece| {
        let mut config = pop3_client::Config::default();
        config.login_in_clear = true;
        let mut client = pop3_client::Client::new(config);
        let mut got = 0;
        run_in_pieces(&mut client, black_box(wire), piece, |client, frame| match client.event(frame) {
            pop3_client::Event::Greeting { .. } => _ = client.user(b"tim"),
            pop3_client::Event::Ok { .. } => _ = client.pass(pop3_proto::Secret::new(b"x")),
            pop3_client::Event::LoggedIn(_) => _ = client.uidl(None),
            pop3_client::Event::UniqueId { .. } => got += 1,
            _ => {}
        });
        got
    };
    Job::new(name, "line", lines).side("pop3-proto, client, whole", &lines, move || read(usize::MAX)).side(
        "pop3-proto, client, in 64s",
        &lines,
        move || read(SMALL),
    )
}

pub(super) fn jobs() -> Vec<Job> {
    vec![
        smtp_lines("SMTP, an AUTH line of 4 KB", 4000),
        smtp_lines("SMTP, an AUTH line of 8 KB", 8000),
        smtp_data("SMTP, DATA of 1,000 lines", 1000),
        smtp_data("SMTP, DATA of 2,000 lines", 2000),
        smtp_reply("SMTP, a reply of 500 lines", 500),
        smtp_reply("SMTP, a reply of 1,000 lines", 1000),
        pop3_message("POP3, a message of 1,000 lines", 1000),
        pop3_message("POP3, a message of 2,000 lines", 2000),
        pop3_list("POP3, UIDL of 1,000 messages", 1000),
        pop3_list("POP3, UIDL of 2,000 messages", 2000),
    ]
}
