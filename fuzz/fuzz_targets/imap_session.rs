//! Raw octets into whole IMAP sessions on the memory store: two clients on one account, whose turns the octets choose. What the clients are
//! told is held against a model of each client's view, every response against the grammar, and at rest both know what the store has.
//!
//! The input is lines. A line's first octet chooses the client and whether the line gets a tag of its own: with one, its answer is checked.
#![no_main]
use std::{
    collections::VecDeque,
    future::{Future, pending},
    pin::Pin,
    sync::LazyLock,
};

use imap4_proto::types::Capabilities;
use libfuzzer_sys::fuzz_target;
use mail_fuzz::{
    model::Model,
    pipe::{self, Everybody, Pipe, Still, step},
};
use mail_session::{
    Connection,
    auth::{LoginContext, Plaintext, Protocol},
    imap,
};
use mailstore_api::{MemoryOptions, MemoryStore};

/// The conversation, where the environment has `FUZZ_TRACE`.
fn trace(who: &str, line: &[u8]) {
    if *TRACE {
        println!("{who}: {}", line.escape_ascii());
    }
}
static TRACE: LazyLock<bool> = LazyLock::new(|| std::env::var_os("FUZZ_TRACE").is_some());

struct Client<'s> {
    pipe: Pipe,
    session: Pin<Box<dyn Future<Output = bool> + 's>>,
    ended: bool,
    /// What was sent and not answered, by tag.
    waiting: VecDeque<(String, String)>,
    heard: Vec<u8>,
    lines: Vec<Vec<u8>>,
    model: Model,
    tags: u32,
}

impl<'s> Client<'s> {
    fn new(store: &'s MemoryStore, config: &'s imap::Config) -> Self {
        let pipe = Pipe::default();
        let context = LoginContext::new(Protocol::Imap4, "pipe", "t").with_plaintext(Plaintext::Always);
        let connection = Connection::plain(pipe.clone(), Still, context);
        let served = async move {
            imap::serve(store, &Everybody, connection, config, pending::<mail_session::Farewell>())
                .await
                .is_ok()
        };
        Self {
            pipe,
            session: Box::pin(served),
            ended: false,
            waiting: VecDeque::new(),
            heard: Vec::new(),
            lines: Vec::new(),
            model: Model::default(),
            tags: 0,
        }
    }

    fn send(&mut self, line: &[u8], tagged: bool) {
        trace("C", line);
        if tagged {
            self.tags += 1;
            let tag = format!("~{}", self.tags);
            self.pipe.send(format!("{tag} ").as_bytes());
            let text = String::from_utf8_lossy(line).to_ascii_uppercase();
            self.waiting.push_back((tag, text.trim_end().to_owned()));
        }
        self.pipe.send(line);
    }

    fn go_on(&mut self) {
        if !self.ended {
            self.ended = step(self.session.as_mut()).is_some();
        }
        self.heard.extend(self.pipe.take());
        while let Some(n) = whole_line(&self.heard) {
            let line: Vec<u8> = self.heard.drain(..n).collect();
            trace("S", &line);
            self.hear(line);
        }
    }

    fn hear(&mut self, line: Vec<u8>) {
        let answered =
            self.waiting.iter().position(|(tag, _)| line.starts_with(format!("{tag} ").as_bytes()));
        self.lines.push(line);
        if let Some(at) = answered {
            let (_, command) = self.waiting.drain(..=at).next_back().expect("one");
            self.model.hear(&command, &std::mem::take(&mut self.lines));
        }
    }

    /// The UIDs the client counts, once it has asked for all; `None` where it has no mailbox open or its answer is not over.
    fn settled(&mut self) -> Option<Vec<u32>> {
        if self.ended || !self.waiting.is_empty() {
            return None;
        }
        for line in [&b"NOOP\r\n"[..], b"UID FETCH 1:* (UID)\r\n"] {
            self.send(line, true);
            self.go_on();
            // It was the literal of a line that was refused before it came.
            if !self.waiting.is_empty() {
                return None;
            }
        }
        let uids =
            self.model.messages.as_ref().map(|all| all.iter().map(|m| m.uid).collect::<Option<Vec<_>>>());
        uids.map(|all| all.expect("each message has a UID"))
            .filter(|_| self.waiting.is_empty() && !self.ended)
    }
}

/// The length of the first line with its literals, where it is whole.
fn whole_line(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += octets.get(at..)?.windows(2).position(|w| w == b"\r\n")? + 2;
        let line = &octets[..at - 2];
        let literal = line.strip_suffix(b"}").and_then(|l| {
            let open = l.iter().rposition(|c| *c == b'{')?;
            str::from_utf8(&l[open + 1..]).ok()?.parse::<usize>().ok()
        });
        // Words for people may end so, too.
        let text = octets.starts_with(b"+ ")
            || [&b" OK "[..], b" NO ", b" BAD "]
                .iter()
                .any(|w| octets[..at].windows(w.len()).take(12).any(|x| x == *w));
        match literal.filter(|_| !text) {
            Some(n) => at += n,
            None => return (at <= octets.len()).then_some(at),
        }
    }
}

const BEGIN: &[&str] = &[
    "LOGIN anna p\r\n",
    "APPEND INBOX {24+}\r\nSubject: 1\r\n\r\nhello 1\r\n.\r\n",
    "APPEND INBOX (\\Seen) {11+}\r\nA: b\r\n\r\ntwo\r\n",
    "SELECT INBOX\r\n",
    "UID FETCH 1:* (UID FLAGS)\r\n",
];

fuzz_target!(|input: &[u8]| {
    let Some((&[options, start], mut rest)) = input.split_first_chunk::<2>() else { return };
    let history = if options & 1 == 0 { 2 } else { 100_000 };
    let store = MemoryStore::with_options(MemoryOptions { history, ..MemoryOptions::default() });
    store.create_account("anna").expect("a store without accounts");
    let mut config = imap::Config::new("test");
    // The octets of a compressed stream would say nothing to the model.
    config.protocol.capabilities = imap::Config::CAPABILITIES.without(Capabilities::COMPRESS_DEFLATE);
    config.protocol.limits.bad_commands = 1000;
    let mut clients = [Client::new(&store, &config), Client::new(&store, &config)];
    for client in &mut clients {
        client.go_on();
        for line in BEGIN.iter().take(usize::from(start) % (BEGIN.len() + 1)) {
            client.send(line.as_bytes(), true);
            client.go_on();
        }
        if options & 2 != 0 {
            client.send(b"ENABLE QRESYNC\r\n", true);
            client.go_on();
        }
    }
    let mut raw = false;
    while let Some((how, after)) = rest.split_first() {
        let end = after.iter().position(|c| *c == b'\n').map_or(after.len(), |at| at + 1);
        let (line, more) = after.split_at(end);
        rest = more;
        let client = &mut clients[usize::from(how & 1)];
        // What has no tag of ours may have any, or be in the middle of something: then nothing more is known of that client.
        raw |= how & 0xe0 == 0xe0;
        client.send(line, how & 0xe0 != 0xe0);
        for client in &mut clients {
            client.go_on();
        }
    }
    if raw {
        return;
    }
    // At rest a client knows what the store has.
    let there = pipe::inbox(&store);
    for client in &mut clients {
        if let Some(known) = client.settled().filter(|_| client.model.mailbox == "INBOX") {
            assert_eq!(known, there, "the client's view, and the store's");
        }
    }
});
