//! Every content over {CR, LF, `.`, `a`} of up to 8 octets, given in every split, is stuffed as RFC 5321 section 4.5.2 wants it, and a
//! server of our own reads it back.

use mail_wire::every_split;

use super::*;
use crate::{BareNewlines, ForwardPath, MailParams, Mailbox, RcptParams, ReversePath, Server, server};

/// A client that gives content, and what it has sent of it.
#[derive(Clone, PartialEq)]
struct Sender {
    client: Client,
    sent: Vec<u8>,
}

impl Sender {
    /// After 354.
    fn new(lmtp: bool) -> Self {
        let mut config = Config::new("x");
        config.lmtp = lmtp;
        let mut client = Client::new(config);
        client.hello().unwrap();
        let mut replies = &b"220 x\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"[..];
        while !replies.is_empty() {
            let Poll::Frame(n) = client.poll(replies, Instant::ZERO).unwrap() else { panic!() };
            if let Event::Ready(_) = client.event(&replies[..n]) {
                client.mail(ReversePath::Null, &MailParams::default()).unwrap();
                let path = ForwardPath::Mailbox(Mailbox::parse("a@b").unwrap());
                client.rcpt(path, &RcptParams::default()).unwrap();
                client.data().unwrap();
            }
            replies = &replies[n..];
        }
        let n = client.output().len();
        client.output().advance(n);
        Self { client, sent: Vec::new() }
    }

    fn give(&mut self, piece: &[u8]) {
        self.client.body(piece.to_vec().into()).unwrap();
        self.collect();
    }

    fn collect(&mut self) {
        let out = self.client.output();
        self.sent.extend(out.segments().flatten());
        out.advance(out.len());
    }

    /// All that goes out for the content.
    fn ended(&self) -> Vec<u8> {
        let mut sender = self.clone();
        sender.client.end_body().unwrap();
        sender.collect();
        sender.sent
    }
}

/// The naive writing: a dot more where a line begins with one, the last line with its end, the end.
fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (i, c) in content.iter().enumerate() {
        if *c == b'.' && (i == 0 || content[..i].ends_with(b"\r\n")) {
            wire.push(b'.');
        }
        wire.push(*c);
    }
    wire.extend_from_slice(if wire.is_empty() || wire.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
    wire
}

/// A server after 354.
fn receiver() -> Server {
    let mut config = server::Config::new("x");
    config.auth_required = false;
    config.bare_newlines = BareNewlines::Keep;
    let mut server = Server::new(config);
    for line in [&b"EHLO x\r\n"[..], b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<a@b>\r\n", b"DATA\r\n"] {
        assert_eq!(server.poll(line, Instant::ZERO), Ok(Poll::Frame(line.len())));
        match server.event(line) {
            server::Event::Mail { .. } => server.accept_mail().unwrap(),
            server::Event::Rcpt { .. } => server.accept_rcpt().unwrap(),
            server::Event::DataBegin => server.accept_data().unwrap(),
            _ => {}
        }
    }
    server
}

/// What a server's host gets of this wire, all of which is content and its end.
fn received(mut server: Server, mut wire: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let n = match server.poll(wire, Instant::ZERO).unwrap() {
            Poll::Frame(n) => {
                match server.event(&wire[..n]) {
                    server::Event::DataChunk(octets) => content.extend_from_slice(octets),
                    server::Event::DataEnd { .. } => {
                        assert_eq!(n, wire.len(), "nothing follows the end");
                        return content;
                    }
                    other => panic!("{other:?}"),
                }
                n
            }
            Poll::Skip(n) => n,
            other => panic!("{other:?}"),
        };
        wire = &wire[n..];
    }
}

#[test]
fn every_short_content_is_stuffed_and_read_back() {
    let server = receiver();
    for lmtp in [false, true] {
        every_split(Sender::new(lmtp), b"\r\n.a", 8, Sender::give, |content, sender| {
            let wire = sender.ended();
            assert_eq!(wire, stuffed(content), "{}", content.escape_ascii());
            let mut expected = content.to_vec();
            if !(content.is_empty() || content.ends_with(b"\r\n")) {
                expected.extend_from_slice(b"\r\n");
            }
            assert_eq!(received(server.clone(), &wire), expected, "{}", content.escape_ascii());
        });
    }
}
