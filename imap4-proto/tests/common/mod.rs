//! Dialogues of `C:` and `S:` lines against a server machine and a host that the test brings.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use std::time::Duration;

use imap4_proto::{
    server::{Config, Event, Mechanism, Passwords, Server},
    types::Capabilities,
};
use mail_wire::{Instant, Machine, Poll};

/// Everything on, logins allowed.
pub fn config() -> Config {
    let mut config = Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    config.passwords = Passwords::Always;
    config.mechanisms = vec![Mechanism::new("PLAIN", false), Mechanism::new("LOGIN", true)];
    config.greeting = "ready".into();
    config
}

pub type Host<'h> = &'h mut dyn FnMut(&mut Server, Event<'_>);

/// A connection between a test's client and the machine.
pub struct Talk {
    pub server: Server,
    pub input: Vec<u8>,
    pub now: Instant,
    pub closed: bool,
    pub upgrade: bool,
    pub fatal: bool,
    pub secret_frames: usize,
}

impl Talk {
    pub fn new(config: Config) -> Self {
        Self::with(Server::new(config))
    }

    pub fn with(server: Server) -> Self {
        Self {
            server,
            input: Vec::new(),
            now: Instant::ZERO,
            closed: false,
            upgrade: false,
            fatal: false,
            secret_frames: 0,
        }
    }

    /// A connection past its greeting, its login and, with `selected`, a SELECT.
    pub fn logged_in(config: Config, selected: bool) -> Self {
        let mut talk = Self::new(config);
        let mut host = |server: &mut Server, event: Event<'_>| match event {
            Event::Command(imap4_proto::types::Command::Login { .. }) => server.authenticated("in").unwrap(),
            Event::Command(imap4_proto::types::Command::Select(_)) => {
                server.selected(false, "selected").unwrap()
            }
            other => panic!("{other:?}"),
        };
        talk.send(b"l LOGIN u p\r\n", &mut host);
        if selected {
            talk.send(b"s SELECT INBOX\r\n", &mut host);
        }
        talk
    }

    /// Hands octets to the machine as long as it wants them, and events to the host. Returns what was sent.
    pub fn send(&mut self, octets: &[u8], host: Host<'_>) -> String {
        self.input.extend_from_slice(octets);
        loop {
            match self.server.poll(&self.input, self.now) {
                Ok(Poll::Frame(n)) => {
                    let frame: Vec<u8> = self.input.drain(..n).collect();
                    let event = self.server.event(&frame);
                    host(&mut self.server, event);
                    self.secret_frames += usize::from(self.server.frame_is_secret());
                }
                Ok(Poll::Skip(n)) => {
                    assert!(n > 0);
                    self.input.drain(..n);
                }
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0);
                    break;
                }
                Ok(Poll::Blocked) => panic!("the host has not answered"),
                Ok(Poll::Upgrade(_)) => {
                    self.upgrade = true;
                    break;
                }
                Ok(Poll::Close) => {
                    self.closed = true;
                    break;
                }
                Ok(other) => panic!("{other:?}"),
                Err(_) => {
                    self.fatal = true;
                    break;
                }
            }
        }
        self.output()
    }

    /// What is waiting to be sent.
    pub fn output(&mut self) -> String {
        let out: Vec<u8> = self.server.output().segments().flatten().copied().collect();
        let n = out.len();
        self.server.output().advance(n);
        String::from_utf8_lossy(&out).into_owned()
    }

    pub fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Plays a script: after each run of `C:` lines the output must be just the `S:` lines that follow. A line `C> ` has no CRLF
    /// of its own; `#` begins a remark.
    pub fn play(&mut self, script: &str, host: Host<'_>) {
        let mut wanted = String::new();
        let mut got = String::new();
        for line in script.lines().map(str::trim_start).chain(["C>"]) {
            if let Some(line) = line.strip_prefix("S: ") {
                wanted.push_str(line);
                wanted.push_str("\r\n");
                continue;
            }
            let Some(rest) = line.strip_prefix('C') else {
                assert!(line.is_empty() || line.starts_with('#'), "{line}");
                continue;
            };
            if !wanted.is_empty() || !got.is_empty() {
                assert_eq!(got, wanted, "before {line:?}");
                wanted.clear();
                got.clear();
            }
            let mut octets = rest.get(2..).unwrap_or("").as_bytes().to_vec();
            if rest.starts_with(':') {
                octets.extend_from_slice(b"\r\n");
            }
            got.push_str(&self.send(&octets, host));
        }
    }
}

/// The answers and events that `wire` leads to, when it comes in pieces.
pub fn trace(make: &dyn Fn() -> Talk, wire: &[u8], cuts: &[usize], host: Host<'_>) -> (Vec<String>, String) {
    let mut talk = make();
    let mut events: Vec<String> = Vec::new();
    let mut output = String::new();
    let mut last = 0;
    for cut in cuts.iter().copied().chain([wire.len()]) {
        let piece = &wire[last..cut];
        last = cut;
        output.push_str(&talk.send(piece, &mut |server, event| {
            // Chunks are cut where the input was.
            match (&event, events.last_mut()) {
                (Event::AppendChunk(octets), Some(before)) if before.starts_with("chunk ") => {
                    before.push_str(&octets.escape_ascii().to_string());
                }
                (Event::AppendChunk(octets), _) => events.push(format!("chunk {}", octets.escape_ascii())),
                _ => events.push(format!("{event:?}")),
            }
            host(server, event);
        }));
    }
    (events, output)
}
