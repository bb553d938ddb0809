//! For every string over {CR, LF, `.`, `a`} of up to 8 octets in every split, a message ends where RFC 1939 section 3 has it and
//! nowhere else.

use mail_wire::every_split;

use super::*;
use crate::types::Secret;

/// A client that reads a message, and what its host has seen.
#[derive(Clone, PartialEq)]
struct Reader {
    client: Client,
    /// What was not taken yet.
    input: Vec<u8>,
    content: Vec<u8>,
    /// The message has ended, and so many octets stood after it.
    ended: Option<bool>,
    error: Option<Error>,
}

impl Reader {
    /// After RETR's `+OK`.
    fn new() -> Self {
        let client = Client::new(Config { login_in_clear: true, ..Config::default() });
        let mut reader = Self { client, input: Vec::new(), content: Vec::new(), ended: None, error: None };
        reader.feed(b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n");
        assert_eq!(reader.client.reading, Reading::Body);
        let n = reader.client.output().len();
        reader.client.output().advance(n);
        reader
    }

    fn feed(&mut self, piece: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.input.extend_from_slice(piece);
        let (client, mut rest) = (&mut self.client, &self.input[..]);
        loop {
            let n = match client.poll(rest, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    match client.event(&rest[..n]) {
                        Event::Greeting { .. } => client.user(b"a").unwrap(),
                        Event::Ok { .. } => client.pass(Secret::new(b"b")).unwrap(),
                        Event::LoggedIn(_) => client.retr(MessageNumber::new(1).unwrap()).unwrap(),
                        Event::BodyChunk(octets) => self.content.extend_from_slice(octets),
                        Event::BodyEnd { bare_newline } => {
                            assert!(self.ended.is_none(), "it ends once");
                            self.ended = Some(bare_newline);
                        }
                        _ => {}
                    }
                    n
                }
                Ok(Poll::Skip(n)) => n,
                Ok(_) => break,
                Err(error) => {
                    self.error = Some(error);
                    rest.len()
                }
            };
            rest = &rest[n..];
            if self.error.is_some() {
                break;
            }
        }
        self.input = rest.to_vec();
    }
}

#[test]
fn a_message_ends_at_crlf_dot_crlf_alone() {
    let mut ends = 0;
    let strings = every_split(Reader::new(), b"\r\n.a", 8, Reader::feed, |text, got| {
        let shown = text.escape_ascii();
        let (stuffed, rest) = if let Some(rest) = text.strip_prefix(b".\r\n") {
            (&b""[..], rest)
        } else if let Some(at) = text.windows(5).position(|w| w == b"\r\n.\r\n") {
            (&text[..at + 2], &text[at + 5..])
        } else {
            assert_eq!((got.ended, got.error), (None, None), "{shown}");
            return;
        };
        ends += 1;
        let starts_line = |i: usize| i == 0 || stuffed[..i].ends_with(b"\r\n");
        let content: Vec<u8> = (0..stuffed.len())
            .filter(|i| !(stuffed[*i] == b'.' && starts_line(*i)))
            .map(|i| stuffed[i])
            .collect();
        let bare = (0..content.len()).any(|i| match content[i] {
            b'\r' => content.get(i + 1) != Some(&b'\n'),
            b'\n' => i == 0 || content[i - 1] != b'\r',
            _ => false,
        });
        assert_eq!((&got.content, got.ended), (&content, Some(bare)), "{shown}");
        // Nothing was asked, so that a line is one too many.
        let line = rest.windows(2).any(|w| w == b"\r\n");
        assert_eq!(got.error, line.then_some(Error::Unexpected), "{shown}");
    });
    assert_eq!(strings, (0..=8).map(|n| 4_usize.pow(n)).sum());
    assert!(ends > 1000, "{ends}");
}
