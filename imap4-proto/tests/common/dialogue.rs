//! Replays an RFC's example on the server machine and on the client machine, whole and octet by octet.
//!
//! ```text
//! dialogue::selected(
//!     "
//!     C: A282 SEARCH FLAGGED
//!     S: * SEARCH 2 84 882
//!     S: A282 OK SEARCH completed
//!     ",
//! )
//! .replay();
//! ```
//!
//! *Server*: it is sent the `C:` lines, must take each for a command, and a host answers with the `S:` lines, which pass the
//! grammar and the encoder; what it sends must mean the same. *Client*: its methods are called for the `C:` lines, and what it says
//! must mean the same; the `S:` lines must be read without a fault. Tags are the client's own.
//!
//! A line that begins with neither goes on with the one before, after a space. `C>` and `S>` have no CRLF. `#` begins a remark.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "dialogue_client.rs"]
mod client;
#[path = "dialogue_server.rs"]
mod server;

use imap4_proto::types::{Quirks, Reading, Response};

/// Where a dialogue begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Its first `S:` line is the greeting.
    Greeting,
    NotAuthenticated,
    Authenticated,
    Selected,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Client,
    Server,
}

pub struct Dialogue {
    /// What the sides say in turn.
    turns: Vec<(Side, Vec<u8>)>,
    start: Start,
    capabilities: String,
    unknown: bool,
    utf8: bool,
}

/// What the machines made of it.
#[derive(Debug)]
pub struct Replayed {
    /// The server machine's events, shown.
    pub commands: Vec<String>,
    /// The client machine's events, shown.
    pub heard: Vec<String>,
}

/// A dialogue that begins with the greeting.
pub fn greeted(script: &str) -> Dialogue {
    Dialogue::new(Start::Greeting, script)
}

/// A dialogue before the login.
pub fn not_authenticated(script: &str) -> Dialogue {
    Dialogue::new(Start::NotAuthenticated, script)
}

/// A dialogue after the login.
pub fn authenticated(script: &str) -> Dialogue {
    Dialogue::new(Start::Authenticated, script)
}

/// A dialogue in a selected mailbox.
pub fn selected(script: &str) -> Dialogue {
    Dialogue::new(Start::Selected, script)
}

/// Replays each dialogue of a file. Each begins with a line `== where it stands, how it begins`, with more after commas: `has` and
/// capabilities, `utf8`, `unknown`.
#[track_caller]
pub fn file(text: &str) {
    let mut failed = Vec::new();
    let mut all = 0;
    for part in text.split("\n== ").map(|part| part.trim_start_matches("== ")) {
        let (title, script) = part.split_once('\n').unwrap();
        let run = || {
            let mut words = title.split(", ");
            let _place = words.next();
            let start = match words.next() {
                Some("greeted") => Start::Greeting,
                Some("not_authenticated") => Start::NotAuthenticated,
                Some("authenticated") => Start::Authenticated,
                Some("selected") => Start::Selected,
                other => panic!("how does it begin? {other:?}"),
            };
            let mut dialogue = Dialogue::new(start, script);
            for word in words {
                dialogue = match word.split_once(' ').unwrap_or((word, "")) {
                    ("has", capabilities) => dialogue.has(capabilities),
                    ("utf8", "") => dialogue.utf8(),
                    ("unknown", "") => dialogue.with_unknown(),
                    other => panic!("{other:?}"),
                };
            }
            dialogue.replay();
        };
        all += 1;
        if std::panic::catch_unwind(run).is_err() {
            failed.push(title);
        }
    }
    assert!(failed.is_empty(), "{} of {all} dialogues fail: {failed:#?}", failed.len());
}

impl Dialogue {
    fn new(start: Start, script: &str) -> Self {
        let turns = turns(script);
        let mut capabilities = String::from("MULTIAPPEND");
        for (side, octets) in &turns {
            let said = String::from_utf8_lossy(octets).to_ascii_uppercase();
            if *side == Side::Client && said.contains("+}") && !capabilities.contains("LITERAL+") {
                capabilities.push_str(" LITERAL+");
            }
            let initial =
                |line: &str| line.split(' ').nth(1) == Some("AUTHENTICATE") && line.split(' ').count() > 3;
            if *side == Side::Client && said.lines().any(initial) {
                capabilities.push_str(" SASL-IR");
            }
        }
        Self { turns, start, capabilities, unknown: false, utf8: false }
    }

    /// What the client is told that the server can do, beside what the script shows.
    pub fn has(mut self, capabilities: &str) -> Self {
        self.capabilities.push(' ');
        self.capabilities.push_str(capabilities);
        self
    }

    /// Untagged responses and items of FETCH without a type of their own are no fault.
    pub fn with_unknown(mut self) -> Self {
        self.unknown = true;
        self
    }

    /// UTF8=ACCEPT is enabled before it begins.
    pub fn utf8(mut self) -> Self {
        self.utf8 = true;
        self
    }

    /// Plays it on both machines, in any split to the same events.
    pub fn replay(self) -> Replayed {
        let commands = server::serve(&self, usize::MAX);
        let heard = client::connect(&self, usize::MAX);
        for piece in [1, 7] {
            assert_eq!(server::serve(&self, piece), commands, "the server machine, in pieces of {piece}");
            assert_eq!(client::connect(&self, piece), heard, "the client machine, in pieces of {piece}");
        }
        Replayed { commands, heard }
    }
}

impl Replayed {
    /// The server machine has seen events that begin like these, among others, in this order.
    #[track_caller]
    pub fn commands(&self, wanted: &[&str]) -> &Self {
        in_order(&self.commands, wanted);
        self
    }

    /// The client machine has heard events that begin like these, among others, in this order.
    #[track_caller]
    pub fn heard(&self, wanted: &[&str]) -> &Self {
        in_order(&self.heard, wanted);
        self
    }
}

#[track_caller]
fn in_order(events: &[String], wanted: &[&str]) {
    let mut rest = events.iter();
    for w in wanted {
        assert!(rest.any(|e| e.starts_with(w)), "{w:?} is not among {events:#?}");
    }
}

fn turns(script: &str) -> Vec<(Side, Vec<u8>)> {
    let mut lines: Vec<(Side, String, bool)> = Vec::new();
    for line in script.lines().map(str::trim_start) {
        let side = match line.as_bytes() {
            [b'C', b':' | b'>', ..] => Side::Client,
            [b'S', b':' | b'>', ..] => Side::Server,
            [] | [b'#', ..] => continue,
            _ => {
                let last = &mut lines.last_mut().expect("a script begins with C: or S:").1;
                last.push(' ');
                last.push_str(line);
                continue;
            }
        };
        let text = line.get(3..).unwrap_or("").to_string();
        lines.push((side, text, line.as_bytes()[1] == b':'));
    }
    let mut turns: Vec<(Side, Vec<u8>)> = Vec::new();
    for (side, text, ends) in lines {
        if turns.last().is_none_or(|(last, _)| *last != side) {
            turns.push((side, Vec::new()));
        }
        let octets = &mut turns.last_mut().unwrap().1;
        octets.extend_from_slice(text.as_bytes());
        if ends {
            octets.extend_from_slice(b"\r\n");
        }
    }
    turns
}

/// The length of the command or response at the start: its lines and literals.
pub fn frame_len(octets: &[u8]) -> usize {
    frame_of(octets, usize::MAX)
}

/// The same, where octets follow only so many of the literals' headers: the next one is refused, and ends it.
pub fn frame_of(octets: &[u8], literals: usize) -> usize {
    let mut at = 0;
    for taken in 0.. {
        let Some(end) = octets[at..].windows(2).position(|w| w == b"\r\n") else { return octets.len() };
        let line = &octets[at..at + end];
        at += end + 2;
        let Some(n) = literal(line).filter(|_| taken < literals) else { return at };
        at += n;
        assert!(at <= octets.len(), "a literal is cut short: {}", octets.escape_ascii());
    }
    at
}

/// `{n}` or `{n+}` at the end of a line.
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let open = line.iter().rposition(|b| *b == b'{')?;
    std::str::from_utf8(&line[open + 1..]).ok()?.parse().ok()
}

pub fn frames(mut octets: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !octets.is_empty() {
        let (frame, rest) = octets.split_at(frame_len(octets));
        all.push(frame.to_vec());
        octets = rest;
    }
    all
}

/// Reads a response, strictly.
#[track_caller]
pub fn response(frame: &[u8], utf8: bool) -> Response<'_> {
    let reading = Reading::STRICT.with_utf8(utf8);
    assert_eq!(reading.quirks, Quirks::NONE);
    Response::parse(frame, reading).unwrap_or_else(|e| panic!("{e}: {}", frame.escape_ascii()))
}
