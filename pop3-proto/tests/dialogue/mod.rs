//! Replays dialogues of `C:` and `S:` lines against the server machine with a small maildrop behind it.
//!
//! - `C: line` is sent with CRLF.
//! - `S: line` must be answered. Of a status line only the status and a response code count, as "any
//!   text occurring after this reply may be ignored by the client" (RFC 1939 section 9); every other
//!   line counts whole. `S= line` counts whole always.
//! - `<TLS>` stands where the machine asks for the handshake, `<close>` where it closes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]
#![allow(dead_code, unreachable_pub, reason = "every test uses a part")]

mod on_client;

use std::{sync::Arc, time::Duration};

use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgrade, Upgraded};
use on_client::Turn;
use pop3_proto::{Config, Error, Event, RespCode, Server};

/// A host with a few messages and the users of the RFCs' examples.
pub struct Host {
    pub server: Server,
    pub now: Instant,
    pub input: Vec<u8>,
    /// All that was sent.
    pub sent: Vec<u8>,
    /// Events as `Debug` shows them.
    pub events: Vec<String>,
    pub messages: Vec<Vec<u8>>,
    pub deleted: Vec<bool>,
    /// Removed by QUIT.
    pub removed: usize,
    pub closed: Option<Result<(), Error>>,
    /// Where in `sent` handshakes took place.
    pub handshakes: Vec<usize>,
    pub mechanisms: Vec<&'static str>,
    /// What the host answers to any right login, instead of letting in.
    pub refuse: Option<(Option<RespCode>, &'static str)>,
    challenges: Vec<&'static str>,
    /// All that was heard and answered.
    turns: Vec<Turn>,
    /// What it answers to CAPA after the greeting.
    capabilities: Vec<u8>,
}

pub fn message(octets: usize) -> Vec<u8> {
    let mut m = b"Subject: x\r\n\r\n".to_vec();
    while m.len() + 22 < octets {
        m.extend_from_slice(b"aaaaaaaaaaaaaaaaaaaa\r\n");
    }
    m.resize(octets - 2, b'b');
    m.extend_from_slice(b"\r\n");
    m
}

const DIGEST_CHALLENGES: [&str; 2] =
    ["realm=\"elwood.innosoft.com\"", "rspauth=0b971462cef5e8f930db9a33b02fc9a0"];

impl Host {
    pub fn new(server: Server) -> Self {
        Self {
            server,
            now: Instant::ZERO,
            input: vec![],
            sent: vec![],
            events: vec![],
            messages: vec![message(120), message(200)],
            deleted: vec![false; 2],
            removed: 0,
            closed: None,
            handshakes: vec![],
            mechanisms: vec!["PLAIN", "DIGEST-MD5"],
            refuse: None,
            challenges: vec![],
            turns: vec![],
            capabilities: vec![],
        }
    }

    pub fn plain() -> Self {
        Self::with(|c| c.passwords = pop3_proto::Passwords::Always)
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        Self::new(Server::new(Arc::new(config)))
    }

    pub fn messages(mut self, messages: Vec<Vec<u8>>) -> Self {
        self.deleted = vec![false; messages.len()];
        self.messages = messages;
        self
    }

    fn flush(&mut self) {
        let all: Vec<u8> = self.server.output().segments().flatten().copied().collect();
        self.server.output().advance(all.len());
        self.sent.extend_from_slice(&all);
        if !all.is_empty() {
            self.turns.push(Turn::Answer(all));
        }
    }

    /// All of the conversation can be had with our client machine, but for these lines.
    #[track_caller]
    pub fn on_client_but(&self, unsaid: &[&str]) {
        let got = on_client::on_client(&self.turns, &self.capabilities);
        assert_eq!(got.unsaid, unsaid, "{} were said", got.said);
        assert!(got.said > 0);
    }

    /// Gives the machine more input and runs it until it wants more. Gives what was sent.
    pub fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        let from = self.sent.len();
        self.input.extend_from_slice(octets);
        while self.closed.is_none() {
            match self.server.poll(&self.input, self.now) {
                Ok(Poll::Frame(n)) => {
                    self.flush();
                    let frame: Vec<u8> = self.input.drain(..n).collect();
                    self.turns.push(Turn::Line(frame.clone()));
                    let event = self.server.event(&frame);
                    self.events.push(format!("{event:?}"));
                    self.answer(event);
                }
                Ok(Poll::Skip(n)) => drop(self.input.drain(..n)),
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0);
                    break;
                }
                Ok(Poll::Upgrade(Upgrade::Tls)) => {
                    self.flush();
                    self.handshakes.push(self.sent.len());
                    self.turns.push(Turn::Tls);
                    self.server.upgraded(Upgraded::Tls(TlsInfo::default()));
                }
                Ok(Poll::Close) => self.closed = Some(Ok(())),
                Err(e) => self.closed = Some(Err(e)),
                other => panic!("{other:?}"),
            }
        }
        self.flush();
        self.sent[from..].to_vec()
    }

    pub fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
        if self.server.deadline().is_some_and(|at| at <= self.now) {
            self.server.handle_timeout(self.now);
        }
        self.feed(b"");
    }

    fn login(&mut self, right: bool) {
        let answered = match (right, self.refuse) {
            (false, _) => self.server.err(Some(RespCode::Auth), "wrong name or password"),
            (true, Some((code, text))) => self.server.err(code, text),
            (true, None) => self.server.logged_in("maildrop locked and ready"),
        };
        answered.unwrap();
    }

    fn size(&self, i: usize) -> u64 {
        let m = &self.messages[i];
        (m.len() + if m.is_empty() || m.ends_with(b"\r\n") { 0 } else { 2 }) as u64
    }

    fn left(&self) -> Vec<usize> {
        (0..self.messages.len()).filter(|i| !self.deleted[*i]).collect()
    }

    fn body(&mut self, octets: Vec<u8>) {
        self.server.begin_body("message follows").unwrap();
        for part in octets.chunks(7) {
            self.server.body(part.to_vec().into()).unwrap();
        }
        self.server.end_body().unwrap();
    }

    fn answer(&mut self, event: Event<'_>) {
        let gone = (None, "no such message");
        let exists = |n: pop3_proto::MessageNumber| self.deleted.get(n.index()) == Some(&false);
        match event {
            Event::Pass(p) => {
                let right =
                    [(&b"mrose"[..], &b"tanstaaf"[..]), (b"j\xc3\xb8rn", b" \xffa  b "), (b"test", b"test")]
                        .contains(&(self.server.user(), p.expose()));
                self.login(right);
            }
            Event::Apop { name, digest } => {
                // MD5 of "<1896.697170952@dbc.mtview.ca.us>tanstaaf", RFC 1939 section 7
                let right = name == b"mrose" && digest.expose()[..4] == [0xc4, 0xc9, 0x33, 0x4b];
                self.login(right);
            }
            Event::Auth { mechanism: "PLAIN", initial: None } => self.server.challenge(b"").unwrap(),
            Event::Auth { mechanism: "PLAIN", initial: Some(r) } => {
                self.login(r.expose() == b"test\0test\0test")
            }
            Event::Auth { mechanism: "DIGEST-MD5", initial: None } => {
                self.challenges = DIGEST_CHALLENGES[1..].to_vec();
                self.server.challenge(DIGEST_CHALLENGES[0].as_bytes()).unwrap();
            }
            Event::Auth { .. } => self.server.err(None, "no such mechanism").unwrap(),
            Event::AuthResponse(r) => match self.challenges.pop() {
                Some(c) => self.server.challenge(c.as_bytes()).unwrap(),
                None => self.login(r.expose() == b"test\0test\0test" || r.expose().is_empty()),
            },
            Event::AuthCancel => self.challenges.clear(),
            Event::AuthList => self.server.mechanisms(&self.mechanisms.clone()).unwrap(),
            Event::Capa => self.server.capabilities(&self.mechanisms.clone()).unwrap(),
            Event::Stat => {
                let left = self.left();
                let octets = left.iter().map(|i| self.size(*i)).sum();
                self.server.drop_listing(left.len() as u32, octets).unwrap();
            }
            Event::List(None) => {
                self.server.begin_list("").unwrap();
                for i in self.left() {
                    let n = pop3_proto::MessageNumber::new(i as u32 + 1).unwrap();
                    let octets = self.size(i);
                    self.server.scan_listing(n, octets).unwrap();
                }
                self.server.end_list().unwrap();
            }
            Event::Uidl(None) => {
                self.server.begin_list("").unwrap();
                for i in self.left() {
                    let n = pop3_proto::MessageNumber::new(i as u32 + 1).unwrap();
                    self.server.unique_id_listing(n, &format!("uid-{n}")).unwrap();
                }
                self.server.end_list().unwrap();
            }
            Event::List(Some(n))
            | Event::Uidl(Some(n))
            | Event::Retr(n)
            | Event::Top(n, _)
            | Event::Dele(n)
                if !exists(n) =>
            {
                self.server.err(gone.0, gone.1).unwrap();
            }
            Event::List(Some(n)) => {
                let octets = self.size(n.index());
                self.server.scan_listing(n, octets).unwrap();
            }
            Event::Uidl(Some(n)) => self.server.unique_id_listing(n, &format!("uid-{n}")).unwrap(),
            Event::Retr(n) => self.body(self.messages[n.index()].clone()),
            Event::Top(n, lines) => {
                let m = &self.messages[n.index()];
                let header = m.windows(4).position(|w| w == b"\r\n\r\n").map_or(m.len(), |at| at + 4);
                let lines = m[header..].split_inclusive(|b| *b == b'\n').take(lines as usize);
                self.body([m[..header].to_vec(), lines.flatten().copied().collect()].concat());
            }
            Event::Dele(n) => {
                self.deleted[n.index()] = true;
                self.server.ok("message deleted").unwrap();
            }
            Event::Rset => {
                self.deleted.fill(false);
                self.server.ok("").unwrap();
            }
            Event::Quit => {
                self.removed = self.deleted.iter().filter(|d| **d).count();
                self.server.ok("signing off").unwrap();
            }
            Event::Lang(None) => {
                self.server.begin_list("").unwrap();
                self.server.language_listing("en", "English").unwrap();
                self.server.language_listing("es", "Español").unwrap();
                self.server.end_list().unwrap();
            }
            Event::Lang(Some("es")) => self.server.ok("es Idioma cambiado").unwrap(),
            Event::Lang(Some("*")) => self.server.ok("en Language changed").unwrap(),
            Event::Lang(Some(_)) => self.server.err(None, "invalid language").unwrap(),
            Event::Answered(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

enum Step {
    Client(Vec<u8>),
    Server { line: Vec<u8>, whole: bool },
    Tls,
    Close,
}

fn steps(dialogue: &str) -> Vec<Step> {
    dialogue
        .lines()
        .map(|l| l.trim_start())
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| match l {
            "<TLS>" => Step::Tls,
            "<close>" => Step::Close,
            _ => {
                let text = l.get(3..).unwrap_or_default().as_bytes();
                match l.get(..2).unwrap_or_default() {
                    "C:" => Step::Client([text, b"\r\n"].concat()),
                    "S:" => Step::Server { line: text.to_vec(), whole: false },
                    "S=" => Step::Server { line: text.to_vec(), whole: true },
                    _ => panic!("not a line of a dialogue: {l}"),
                }
            }
        })
        .collect()
}

/// Of a status line the status and the response code, of another line all.
fn significant(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let Some(rest) = text.strip_prefix("+OK").or_else(|| text.strip_prefix("-ERR")) else {
        return line.to_vec();
    };
    let status = &text[..text.len() - rest.len()];
    match rest.trim_start().strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((code, _)) => format!("{status} [{code}]").into_bytes(),
        None => status.as_bytes().to_vec(),
    }
}

/// Plays a dialogue in three ways: a line at a time, an octet at a time, and everything at once as far
/// as TLS permits (pipelining).
pub fn play(make: impl Fn() -> Host, dialogue: &str) -> Host {
    let steps = steps(dialogue);
    let mut last = None;
    for chunk in [usize::MAX, 1, 3] {
        let mut host = make();
        let mut received = host.feed(b"");
        let mut handshakes = 0;
        for step in &steps {
            match step {
                Step::Client(line) => {
                    assert_eq!(
                        received.escape_ascii().to_string(),
                        "",
                        "unexpected, before {}",
                        line.escape_ascii()
                    );
                    for part in line.chunks(chunk.min(line.len())) {
                        received.extend(host.feed(part));
                    }
                }
                Step::Server { line, whole } => {
                    let end = received.windows(2).position(|w| w == b"\r\n");
                    let end = end.unwrap_or_else(|| panic!("no answer, expected {}", line.escape_ascii()));
                    let got: Vec<u8> = received.drain(..end + 2).take(end).collect();
                    let same = if *whole { got == *line } else { significant(&got) == significant(line) };
                    assert!(same, "expected {}\n     got {}", line.escape_ascii(), got.escape_ascii());
                }
                Step::Tls => {
                    handshakes += 1;
                    assert_eq!(host.handshakes.len(), handshakes, "no handshake");
                }
                Step::Close => assert_eq!(host.closed, Some(Ok(()))),
            }
        }
        assert_eq!(received.escape_ascii().to_string(), "", "unexpected at the end");
        last = Some(host);
    }
    let mut line_by_line = last.unwrap();
    let mut other = make();
    other.feed(b"");
    line_by_line.capabilities = other.feed(b"CAPA\r\n");
    if !dialogue.contains("<TLS>") {
        let all: Vec<u8> = steps
            .iter()
            .filter_map(|s| if let Step::Client(line) = s { Some(line.clone()) } else { None })
            .flatten()
            .collect();
        let mut host = make();
        host.feed(&all);
        assert_eq!(
            host.sent.escape_ascii().to_string(),
            line_by_line.sent.escape_ascii().to_string(),
            "pipelined"
        );
        assert_eq!(host.events, line_by_line.events, "pipelined");
    }
    line_by_line
}
