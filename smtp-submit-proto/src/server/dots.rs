//! Smuggling: for every string over {CR, LF, `.`, `a`} of up to 8 octets in every split, the end of the content is where RFC 5321
//! section 4.1.1.4 has it and nowhere else, whatever the policy for a CR or LF that stands alone.

use mail_wire::every_split;

use super::*;

/// A server that is given content, and what its host and its client have seen.
#[derive(Clone, PartialEq)]
struct Receiver {
    server: Server,
    /// What was not taken yet.
    input: Vec<u8>,
    incoming: Vec<u8>,
    messages: Vec<Vec<u8>>,
    refused: usize,
    sent: Vec<u8>,
}

impl Receiver {
    /// After 354.
    fn new(bare_newlines: BareNewlines) -> Self {
        let mut config = Config::new("x");
        config.auth_required = false;
        config.bare_newlines = bare_newlines;
        let mut receiver = Self {
            server: Server::new(config),
            input: Vec::new(),
            incoming: Vec::new(),
            messages: Vec::new(),
            refused: 0,
            sent: Vec::new(),
        };
        receiver.feed(b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
        assert!(receiver.sent.ends_with(b"354 end data with <CR><LF>.<CR><LF>\r\n"));
        receiver.sent.clear();
        receiver
    }

    fn feed(&mut self, piece: &[u8]) {
        self.input.extend_from_slice(piece);
        let (server, mut rest) = (&mut self.server, &self.input[..]);
        loop {
            let n = match server.poll(rest, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    match server.event(&rest[..n]) {
                        Event::Mail { .. } => server.accept_mail().unwrap(),
                        Event::Rcpt { .. } => server.accept_rcpt().unwrap(),
                        Event::DataBegin => server.accept_data().unwrap(),
                        Event::DataChunk(octets) => self.incoming.extend_from_slice(octets),
                        Event::DataEnd { octets, bare_newline } => {
                            assert_eq!(octets, self.incoming.len() as u64);
                            assert_eq!(bare_newline, has_bare(&self.incoming));
                            self.messages.push(core::mem::take(&mut self.incoming));
                            server.end_accepted("kept").unwrap();
                        }
                        Event::DataRefused(_) => self.refused += 1,
                        _ => {}
                    }
                    n
                }
                Poll::Skip(n) => n,
                _ => break,
            };
            rest = &rest[n..];
        }
        self.input = rest.to_vec();
        // How much of it was seen before it was refused depends on how it came.
        if server.content.is_refused() || self.refused > 0 {
            self.incoming.clear();
        }
        let out = server.output();
        self.sent.extend(out.segments().flatten());
        out.advance(out.len());
    }
}

/// The naive reading: the content with its stuffed dots, and what follows its end.
fn cut_at_the_end(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(rest) = text.strip_prefix(b".\r\n") {
        return Some((b"", rest));
    }
    let at = text.windows(5).position(|w| w == b"\r\n.\r\n")?;
    Some((&text[..at + 2], &text[at + 5..]))
}

fn unstuffed(text: &[u8]) -> Vec<u8> {
    let follows_line = |i: usize| i == 0 || text[..i].ends_with(b"\r\n");
    (0..text.len()).filter(|i| !(text[*i] == b'.' && follows_line(*i))).map(|i| text[i]).collect()
}

fn has_bare(content: &[u8]) -> bool {
    (0..content.len()).any(|i| match content[i] {
        b'\r' => content.get(i + 1) != Some(&b'\n'),
        b'\n' => i == 0 || content[i - 1] != b'\r',
        _ => false,
    })
}

/// Commands in `rest`, all of which are faulty.
fn faults(rest: &[u8]) -> usize {
    rest.windows(2).filter(|w| w == b"\r\n").count()
}

fn every_short_content(policy: BareNewlines) {
    let mut ended = 0;
    let strings = every_split(Receiver::new(policy), b"\r\n.a", 8, Receiver::feed, |text, got| {
        let sent = core::str::from_utf8(&got.sent).unwrap();
        let shown = text.escape_ascii();
        let Some((stuffed, rest)) = cut_at_the_end(text) else {
            assert!(got.messages.is_empty() && got.refused == 0 && sent.is_empty(), "{shown}: {sent}");
            return;
        };
        ended += 1;
        let content = unstuffed(stuffed);
        if has_bare(&content) && policy == BareNewlines::Refuse {
            assert!(got.messages.is_empty() && got.refused == 1, "{shown}");
            assert!(sent.starts_with("554 5.6.0 "), "{shown}: {sent}");
        } else {
            assert_eq!((&got.messages[..], got.refused), (&[content][..], 0), "{shown}");
            assert!(sent.starts_with("250 2.0.0 kept\r\n"), "{shown}: {sent}");
        }
        assert_eq!(sent.lines().filter(|l| l.starts_with("500 ")).count(), faults(rest), "{shown}: {sent}");
        assert_eq!(sent.lines().count(), 1 + faults(rest), "{shown}: {sent}");
    });
    assert_eq!(strings, (0..=8).map(|n| 4_usize.pow(n)).sum());
    assert!(ended > 1000, "{ended}");
}

#[test]
fn the_end_is_nowhere_else_where_bare_newlines_are_refused() {
    every_short_content(BareNewlines::Refuse);
}

#[test]
fn the_end_is_nowhere_else_where_bare_newlines_are_kept() {
    every_short_content(BareNewlines::Keep);
}
