//! Dialogues of `C:` and `S:` lines against a client machine: what it says must be the `C:` lines.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use imap4_proto::client::{Client, Config, Event};
use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgraded};

/// A connection between a test's server and the machine.
pub struct Peer {
    pub client: Client,
    pub input: Vec<u8>,
    pub now: Instant,
    /// The events, shown.
    pub heard: Vec<String>,
    pub upgrade: bool,
    pub closed: bool,
    pub fatal: Option<String>,
}

impl Peer {
    /// A connection that was greeted with this line.
    pub fn new(greeting: &str) -> Self {
        let mut peer = Self::with(Config::default());
        peer.server(&format!("{greeting}\r\n"));
        peer.heard.clear();
        peer
    }

    pub fn with(config: Config) -> Self {
        Self {
            client: Client::new(config),
            input: Vec::new(),
            now: Instant::ZERO,
            heard: Vec::new(),
            upgrade: false,
            closed: false,
            fatal: None,
        }
    }

    /// Past PREAUTH, with these capabilities.
    pub fn authenticated(capabilities: &str) -> Self {
        Self::new(&format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] ready"))
    }

    /// In a selected mailbox, with these capabilities.
    pub fn selected(capabilities: &str) -> Self {
        let mut peer = Self::authenticated(capabilities);
        let mailbox = peer.client.mailbox(b"INBOX");
        let select = imap4_proto::types::Select::new(mailbox, false);
        peer.client.command(&imap4_proto::types::Command::Select(select)).unwrap();
        peer.said("A1 SELECT INBOX\r\n");
        peer.server("A1 OK [READ-WRITE] done\r\n");
        peer.heard.clear();
        peer
    }

    /// The server sends these octets.
    pub fn server(&mut self, octets: &str) {
        self.server_octets(octets.as_bytes());
    }

    pub fn server_octets(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        loop {
            match self.client.poll(&self.input, self.now) {
                Ok(Poll::Frame(n)) => {
                    let frame: Vec<u8> = self.input.drain(..n).collect();
                    let event = self.client.event(&frame);
                    match (&event, self.heard.last_mut()) {
                        (Event::FetchChunk(octets), Some(last)) if last.starts_with("chunk ") => {
                            last.push_str(&octets.escape_ascii().to_string());
                        }
                        (Event::FetchChunk(octets), _) => {
                            self.heard.push(format!("chunk {}", octets.escape_ascii()));
                        }
                        (Event::Challenge(c), _) => {
                            self.heard.push(format!("challenge {}", c.expose().escape_ascii()));
                        }
                        _ => self.heard.push(format!("{event:?}")),
                    }
                }
                Ok(Poll::Skip(n)) => drop(self.input.drain(..n)),
                Ok(Poll::Upgrade(_)) => {
                    self.upgrade = true;
                    return;
                }
                Ok(Poll::Close) => {
                    self.closed = true;
                    return;
                }
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0);
                    return;
                }
                Ok(Poll::Blocked) => return,
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    self.fatal = Some(error.to_string());
                    return;
                }
            }
        }
    }

    /// What waits to be sent, taken.
    pub fn output(&mut self) -> String {
        let out: Vec<u8> = self.client.output().segments().flatten().copied().collect();
        let n = out.len();
        self.client.output().advance(n);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// The client has said just this since the last look.
    pub fn said(&mut self, wanted: &str) {
        assert_eq!(self.output(), wanted);
    }

    /// The events since the last look begin like these.
    pub fn heard(&mut self, wanted: &[&str]) {
        let heard = std::mem::take(&mut self.heard);
        assert!(
            heard.len() == wanted.len() && heard.iter().zip(wanted).all(|(h, w)| h.starts_with(w)),
            "{heard:#?} are not {wanted:#?}"
        );
    }

    pub fn upgraded(&mut self) {
        self.upgrade = false;
        self.client.upgraded(Upgraded::Tls(TlsInfo::default()));
    }
}
