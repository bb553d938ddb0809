//! Every message over {CR, LF, `.`, `a`} of up to 8 octets, given in every split, is stuffed as RFC 1939 section 3 wants it; with
//! [`Stuffing::AfterAnyLf`] so that a reader that splits at LF sees no end before the end.

use mail_wire::{Machine as _, Poll, every_split};

use super::*;

/// A server that gives a message, and what it has sent of it.
#[derive(Clone, PartialEq)]
struct Giver {
    server: Server,
    sent: Vec<u8>,
}

impl Giver {
    /// After RETR's `+OK`.
    fn new(stuffing: Stuffing) -> Self {
        let mut config = Config { passwords: Passwords::Always, stuffing, ..Config::default() };
        config.greeting = "x".into();
        let mut server = Server::new(Arc::new(config));
        for line in [&b"USER a\r\n"[..], b"PASS b\r\n", b"RETR 1\r\n"] {
            assert_eq!(server.poll(line, Instant::ZERO), Ok(Poll::Frame(line.len())));
            match server.event(line) {
                Event::Pass(_) => server.logged_in("").unwrap(),
                Event::Retr(_) => server.begin_body("").unwrap(),
                _ => {}
            }
        }
        let n = server.output().len();
        server.output().advance(n);
        Self { server, sent: Vec::new() }
    }

    fn give(&mut self, piece: &[u8]) {
        self.server.body(piece.to_vec().into()).unwrap();
        self.collect();
    }

    fn collect(&mut self) {
        let out = self.server.output();
        self.sent.extend(out.segments().flatten());
        out.advance(out.len());
    }

    /// All that goes out for the message.
    fn ended(&self) -> Vec<u8> {
        let mut giver = self.clone();
        giver.server.end_body().unwrap();
        giver.collect();
        giver.sent
    }
}

#[test]
fn every_short_message_is_stuffed() {
    for (stuffing, line_end) in [(Stuffing::AfterCrlf, &b"\r\n"[..]), (Stuffing::AfterAnyLf, b"\n")] {
        every_split(Giver::new(stuffing), b"\r\n.a", 8, Giver::give, |message, giver| {
            let mut expected = Vec::new();
            for (i, c) in message.iter().enumerate() {
                if *c == b'.' && (i == 0 || message[..i].ends_with(line_end)) {
                    expected.push(b'.');
                }
                expected.push(*c);
            }
            let whole = expected.is_empty() || expected.ends_with(b"\r\n");
            expected.extend_from_slice(if whole { b".\r\n" } else { b"\r\n.\r\n" });
            let wire = giver.ended();
            assert_eq!(wire, expected, "{}", message.escape_ascii());
            if stuffing == Stuffing::AfterAnyLf {
                let is_end = |line: &[u8]| matches!(line, b".\n" | b".\r\n");
                let ends = wire.split_inclusive(|c| *c == b'\n').filter(|line| is_end(line)).count();
                assert_eq!(ends, 1, "{}", message.escape_ascii());
            }
        });
    }
}
