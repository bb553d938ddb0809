//! Messages, in and out.

use std::hint::black_box;

use bytes::Bytes;
use mail_wire::{DotEncoder, Machine as _, OutputQueue};
use smtp_submit_proto::{Event, Server};

use super::smtp::server;
use crate::{body, case::Job, run_in_pieces};

/// As a socket gives it.
const READ: usize = 16 * 1024;

/// The octets of content of one message.
fn receive(server: &mut Server, wire: &[u8]) -> usize {
    receive_in(server, wire, READ)
}

/// The same, with so much at a time.
pub(super) fn receive_in(server: &mut Server, wire: &[u8], piece: usize) -> usize {
    run_in_pieces(
        server,
        b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n",
        piece,
        |server, frame| {
            _ = match server.event(frame) {
                Event::Mail { .. } => server.accept_mail(),
                Event::Rcpt { .. } => server.accept_rcpt(),
                Event::DataBegin => server.accept_data(),
                _ => Ok(()),
            };
        },
    );
    let mut content = 0;
    run_in_pieces(server, wire, piece, |server, frame| match server.event(frame) {
        Event::DataChunk(octets) => content += black_box(octets).len(),
        Event::DataEnd { octets, .. } => {
            assert_eq!(usize::try_from(octets), Ok(content), "the machine counts what it gives");
            _ = server.end_accepted("");
        }
        _ => {}
    });
    content
}

fn peer(wire: &[u8]) -> usize {
    let (mut receiver, mut message) = (smtp_proto::request::receiver::DataReceiver::new(), Vec::new());
    for chunk in wire.chunks(READ) {
        if receiver.ingest(&mut chunk.iter(), &mut message) {
            return message.len();
        }
    }
    0
}

fn data(name: &'static str, dots: bool) -> Job {
    let mut wire = body(13_000, dots);
    let content = wire.len() - if dots { 12_999 } else { 0 };
    wire.extend_from_slice(b".\r\n");
    let wire: &'static [u8] = wire.leak();
    let mut server = server();
    run_in_pieces(&mut server, b"EHLO client.example.test\r\n", READ, |server, frame| {
        server.event(frame);
    });
    Job::new(name, "octet", wire.len())
        .side("smtp-submit-proto, machine: slices", &content, move || receive(&mut server, black_box(wire)))
        .side("smtp-proto: copies", &content, || peer(black_box(wire)))
}

fn retr(name: &'static str, dots: bool) -> Job {
    let content = Bytes::from(body(13_000, dots));
    let len = content.len() + if dots { 12_999 } else { 0 } + b".\r\n".len();
    let mut out = OutputQueue::new();
    Job::new(name, "octet", content.len()).side("mail-wire: shared slices", &len, move || {
        let mut encoder = DotEncoder::default();
        encoder.put(black_box(content.clone()), &mut out);
        encoder.finish(&mut out);
        let n = out.len();
        out.advance(n);
        n
    })
}

pub(super) fn jobs() -> Vec<Job> {
    vec![
        data("DATA in, 1 MB of text", false),
        data("DATA in, a dot on every line", true),
        retr("RETR out, 1 MB of text", false),
        retr("RETR out, a dot on every line", true),
    ]
}
