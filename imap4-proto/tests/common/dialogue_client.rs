use std::collections::{HashMap, VecDeque};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use imap4_proto::{
    client::{Client, Config, Event},
    server,
    types::{
        AString, AppendMessage, Capabilities, CatenatePart, CatenateUrl, Command, DateTime, Flag, FlagList,
        ListOf, MailboxArg, Quirks, Replaced, Response, Select, SystemFlags,
    },
};
use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgrade, Upgraded};

use super::{Dialogue, Side, Start, frame_len, frame_of, frames, response};

/// What of APPEND is still to be done, once the server takes it.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Begin(Option<Replaced>, Vec<u8>, Message),
    Next(Message),
    /// The next parts of a message that is put together.
    Parts(Parts),
    Octets(Vec<u8>),
    End,
}

/// An [`AppendMessage`] of its own.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    flags: String,
    date: Option<DateTime>,
    len: u64,
    binary: bool,
    utf8: bool,
    parts: Option<Parts>,
}

/// A [`CatenatePart`] of its own.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    urls: Vec<Vec<u8>>,
    text: Option<u64>,
    utf8: bool,
}

impl Parts {
    fn new(part: &CatenatePart<'_>) -> Self {
        let urls = part.urls.iter().map(|url| url.0.bytes().into_owned()).collect();
        Self { urls, text: part.text, utf8: part.utf8 }
    }

    fn with(&self, f: impl FnOnce(&CatenatePart<'_>)) {
        let urls: Vec<_> = self.urls.iter().map(|url| CatenateUrl(AString::new(url))).collect();
        let mut part = CatenatePart::new(ListOf::new(&urls), self.text);
        part.utf8 = self.utf8;
        f(&part);
    }
}

impl Message {
    fn new(message: &AppendMessage<'_>) -> Self {
        let flags = message.flags.iter().map(name).collect::<Vec<_>>().join(" ");
        let parts = message.catenate.as_ref().map(Parts::new);
        Self {
            flags,
            date: message.date,
            len: message.len,
            binary: message.binary,
            utf8: message.utf8,
            parts,
        }
    }

    fn with(&self, f: impl FnOnce(&AppendMessage<'_>)) {
        match &self.parts {
            Some(parts) => parts.with(|part| self.filled(AppendMessage::catenate(*part), f)),
            None => self.filled(AppendMessage::new(self.len), f),
        }
    }

    fn filled<'b>(&'b self, mut message: AppendMessage<'b>, f: impl FnOnce(&AppendMessage<'_>)) {
        if !self.flags.is_empty() {
            message.flags = FlagList::parse(self.flags.as_bytes()).unwrap();
        }
        message.date = self.date;
        message.binary = self.binary;
        message.utf8 = self.utf8;
        f(&message);
    }
}

fn name(flag: Flag<'_>) -> String {
    match flag {
        Flag::System(SystemFlags::SEEN) => "\\Seen".into(),
        Flag::System(SystemFlags::ANSWERED) => "\\Answered".into(),
        Flag::System(SystemFlags::FLAGGED) => "\\Flagged".into(),
        Flag::System(SystemFlags::DELETED) => "\\Deleted".into(),
        Flag::System(SystemFlags::DRAFT) => "\\Draft".into(),
        other => format!("{other:?}"),
    }
}

struct Connected {
    client: Client,
    said: Vec<u8>,
    tags: HashMap<Vec<u8>, Vec<u8>>,
    steps: VecDeque<Step>,
    /// AUTHENTICATE is in progress; whether its challenge waits for an answer.
    sasl: Option<bool>,
    /// IDLE is in progress.
    idle: bool,
    heard: Vec<String>,
    piece: usize,
    unknown: bool,
    capabilities: String,
}

/// Calls the client's methods for the client's lines, and returns the machine's events.
pub fn connect(dialogue: &Dialogue, piece: usize) -> Vec<String> {
    let mut config = Config::default();
    config.quirks = Quirks::NONE;
    let mut c = Connected {
        client: Client::new(config),
        said: Vec::new(),
        tags: HashMap::new(),
        steps: VecDeque::new(),
        sasl: None,
        idle: false,
        heard: Vec::new(),
        piece,
        unknown: dialogue.unknown,
        capabilities: dialogue.capabilities.clone(),
    };
    c.start(dialogue);
    let script: Vec<u8> = dialogue
        .turns
        .iter()
        .filter(|(side, _)| *side == Side::Client)
        .flat_map(|(_, octets)| octets.iter().copied())
        .collect();
    let refused = refused(dialogue);
    let (mut at, mut due) = (0, 0);
    let mut units = Vec::new();
    for (side, octets) in &dialogue.turns {
        match side {
            Side::Client => {
                due += octets.len();
                while at < due {
                    let (n, literals) = unit(&script[at..], at, &refused);
                    let unit = &script[at..at + n];
                    c.say(unit);
                    units.push((unit, literals));
                    at += n;
                }
            }
            Side::Server => {
                for frame in frames(octets) {
                    c.listen(&frame);
                }
            }
        }
    }
    assert!(c.steps.is_empty(), "not sent: {:?}", c.steps);
    let utf8 = c.client.utf8();
    let mut said = &c.said[..];
    for (unit, literals) in units {
        assert!(!said.is_empty(), "not said: {}", unit.escape_ascii());
        let (part, rest) = said.split_at(frame_of(said, literals));
        said = rest;
        assert!(means_the_same(part, unit, utf8), "{} is not {}", part.escape_ascii(), unit.escape_ascii());
    }
    assert!(said.is_empty(), "too much is said: {}", said.escape_ascii());
    c.heard
}

/// Where the client has sent the header of a literal which the server then refuses.
fn refused(dialogue: &Dialogue) -> Vec<usize> {
    let mut at = 0;
    let mut all = Vec::new();
    for (i, (side, octets)) in dialogue.turns.iter().enumerate() {
        if *side == Side::Client {
            at += octets.len();
            let answer = dialogue.turns.get(i + 1).map_or(&b"+"[..], |(_, octets)| octets);
            if octets.ends_with(b"}\r\n") && !octets.ends_with(b"+}\r\n") && !answer.starts_with(b"+") {
                all.push(at);
            }
        }
    }
    all
}

/// The length of the command that begins here, `at` octets into the script, and how many of its literals are sent.
fn unit(script: &[u8], at: usize, refused: &[usize]) -> (usize, usize) {
    for literals in 0.. {
        let n = frame_of(script, literals);
        if refused.contains(&(at + n)) {
            return (n, literals);
        }
        if frame_of(script, literals + 1) == n {
            break;
        }
    }
    (frame_len(script), usize::MAX)
}

impl Connected {
    fn start(&mut self, dialogue: &Dialogue) {
        let capabilities = &dialogue.capabilities;
        match dialogue.start {
            Start::Greeting => {}
            Start::NotAuthenticated => {
                self.feed(format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n").as_bytes());
            }
            Start::Authenticated | Start::Selected => {
                self.feed(format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n").as_bytes());
            }
        }
        if dialogue.start == Start::Selected {
            let select = Select::new(self.client.mailbox(b"INBOX"), false);
            let tag = self.client.command(&Command::Select(select)).unwrap();
            self.feed(format!("{tag} OK [READ-WRITE] selected\r\n").as_bytes());
        }
        if dialogue.utf8 {
            self.feed(b"* ENABLED UTF8=ACCEPT\r\n");
        }
        self.said.clear();
        self.heard.clear();
    }

    /// Says this: a command, or a line of one.
    fn say(&mut self, unit: &[u8]) {
        let line = unit.strip_suffix(b"\r\n").unwrap_or(unit);
        if self.sasl == Some(true) {
            self.sasl = Some(false);
            match line {
                b"*" => self.client.cancel().unwrap(),
                _ => self.client.respond(&STANDARD.decode(line).unwrap()).unwrap(),
            }
        } else if self.idle {
            assert!(line.eq_ignore_ascii_case(b"DONE"), "{}", line.escape_ascii());
            self.idle = false;
            self.client.idle_done().unwrap();
        } else {
            self.command(line);
        }
        self.collect();
    }

    fn command(&mut self, line: &[u8]) {
        let space = line.iter().position(|b| *b == b' ').expect("a command has a tag");
        let (tag, rest) = (&line[..space], &line[space + 1..]);
        let utf8 = self.client.utf8();
        let issued = match Command::parse(rest, utf8) {
            Some(Command::Authenticate { mechanism, initial }) => {
                let initial = initial.map(|i| match i {
                    b"=" => Vec::new(),
                    text => STANDARD.decode(text).unwrap(),
                });
                self.sasl = Some(false);
                self.client.authenticate(mechanism, initial.as_deref())
            }
            Some(command) => {
                self.idle = command == Command::Idle;
                self.client.command(&command)
            }
            // An extension of somebody else's.
            None if ![&b"APPEND "[..], b"REPLACE ", b"UID REPLACE "]
                .iter()
                .any(|verb| rest.to_ascii_uppercase().starts_with(verb)) =>
            {
                self.client.raw(rest)
            }
            None => {
                self.steps = append_steps(line, utf8);
                match self.steps.pop_front() {
                    Some(Step::Begin(replaced, mailbox, message)) => {
                        let mut issued = None;
                        message.with(|m| {
                            let mailbox = self.client.mailbox(&mailbox);
                            issued = Some(match replaced {
                                Some(replaced) => self.client.replace(replaced, &mailbox, m),
                                None => self.client.append(&mailbox, m),
                            });
                        });
                        issued.unwrap()
                    }
                    _ => panic!("no command: {}", line.escape_ascii()),
                }
            }
        };
        let issued = issued.unwrap_or_else(|e| panic!("{e}: {}", line.escape_ascii()));
        self.tags.insert(tag.to_vec(), issued.to_string().into_bytes());
        self.go_on();
    }

    /// Goes on with APPEND.
    fn go_on(&mut self) {
        while self.client.append_ready() {
            match self.steps.pop_front() {
                Some(Step::Octets(octets)) => self.client.append_chunk(Bytes::from(octets)).unwrap(),
                Some(Step::Next(message)) => message.with(|m| self.client.append_next(m).unwrap()),
                Some(Step::Parts(parts)) => parts.with(|p| self.client.append_part(p).unwrap()),
                Some(Step::End) => self.client.append_end().unwrap(),
                other => panic!("{other:?}"),
            }
        }
        self.collect();
    }

    fn collect(&mut self) {
        let out: Vec<u8> = self.client.output().segments().flatten().copied().collect();
        self.client.output().advance(out.len());
        self.said.extend_from_slice(&out);
    }

    /// The server says this.
    fn listen(&mut self, frame: &[u8]) {
        self.collect();
        match response(frame, self.client.utf8()) {
            // It is for a literal which this client did not need.
            Response::Continue(_)
                if self.client.output().held() == 0
                    && self.steps.is_empty()
                    && self.sasl.is_none()
                    && !self.idle =>
            {
                return;
            }
            Response::Tagged { tag, .. } => {
                let own = self.tags.get(tag.as_bytes()).unwrap_or_else(|| panic!("whose is {tag}?")).clone();
                if !self.client.append_ready() {
                    self.steps.clear();
                }
                self.feed(&[&own, &frame[tag.len()..]].concat());
                return;
            }
            _ => {}
        }
        self.feed(frame);
    }

    fn feed(&mut self, octets: &[u8]) {
        let mut input = Vec::new();
        for part in octets.chunks(self.piece.min(octets.len())) {
            input.extend_from_slice(part);
            self.step(&mut input);
        }
        assert!(input.is_empty(), "not read: {}", input.escape_ascii());
        self.go_on();
    }

    fn step(&mut self, input: &mut Vec<u8>) {
        loop {
            match self.client.poll(input, Instant::ZERO).unwrap() {
                Poll::Frame(n) => {
                    let frame: Vec<u8> = input.drain(..n).collect();
                    let event = self.client.event(&frame);
                    let mut shown = format!("{event:?}");
                    assert!(!matches!(event, Event::Invalid { .. } | Event::Continue(_)), "{shown}");
                    assert!(!shown.contains("Malformed {"), "{shown}");
                    assert!(
                        self.unknown || !(shown.contains("(Other(") || shown.contains("Other { name")),
                        "{shown}"
                    );
                    match &event {
                        Event::Challenge(c) => {
                            self.sasl = Some(true);
                            shown = format!("challenge {}", c.expose().escape_ascii());
                        }
                        Event::Done { .. } => {
                            self.sasl = None;
                            self.idle = false;
                        }
                        Event::FetchChunk(octets) => {
                            let octets = octets.escape_ascii().to_string();
                            if let Some(last) = self.heard.last_mut().filter(|h| h.starts_with("chunk ")) {
                                last.push_str(&octets);
                                continue;
                            }
                            shown = format!("chunk {octets}");
                        }
                        _ => {}
                    }
                    self.heard.push(shown);
                }
                Poll::Skip(n) => drop(input.drain(..n)),
                Poll::Upgrade(Upgrade::Tls) => {
                    self.collect();
                    self.client.upgraded(Upgraded::Tls(TlsInfo::default()));
                    // It asks for CAPABILITY by itself; whether the script does, too, is no matter.
                    let n = self.said.len();
                    self.collect();
                    let asked = String::from_utf8(self.said.split_off(n)).unwrap();
                    let tag = asked.strip_suffix(" CAPABILITY\r\n").unwrap().to_string();
                    let heard = self.heard.len();
                    let capabilities = &self.capabilities;
                    let answer = format!("* CAPABILITY IMAP4rev1 {capabilities}\r\n{tag} OK done\r\n");
                    let mut answer = answer.into_bytes();
                    self.step(&mut answer);
                    self.heard.truncate(heard);
                }
                Poll::Upgrade(Upgrade::Deflate) => self.client.upgraded(Upgraded::Deflate),
                Poll::NeedInput { .. } | Poll::Close | Poll::Blocked => return,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// What the client has to do for an APPEND: the server machine's grammar reads it.
fn append_steps(command: &[u8], utf8: bool) -> VecDeque<Step> {
    let mut config = server::Config::default();
    config.capabilities = Capabilities::from_bits(u128::MAX).without(Capabilities::LITERAL_MINUS);
    config.append_limit = None;
    let mut server = server::Server::preauthenticated(config);
    if utf8 {
        server.set_enabled(Capabilities::UTF8_ACCEPT);
    }
    let mut input = [b"s SELECT INBOX\r\n", command, b"\r\n"].concat();
    let mut steps = VecDeque::new();
    while let Poll::Frame(n) = server.poll(&input, Instant::ZERO).unwrap() {
        let frame: Vec<u8> = input.drain(..n).collect();
        match server.event(&frame) {
            server::Event::AppendBegin(begin) => {
                let mailbox: MailboxArg<'_> = begin.mailbox;
                let message = Message::new(&begin.message);
                steps.push_back(Step::Begin(begin.replaces, mailbox.bytes().into_owned(), message));
                server.accept_literal().unwrap();
            }
            server::Event::AppendPart(part) => {
                steps.push_back(Step::Parts(Parts::new(&part)));
                server.accept_literal().unwrap();
            }
            server::Event::Command(Command::Select(_)) => server.selected(false, "selected").unwrap(),
            server::Event::AppendChunk(octets) => steps.push_back(Step::Octets(octets.to_vec())),
            server::Event::AppendNext(message) => {
                steps.push_back(Step::Next(Message::new(&message)));
                server.accept_literal().unwrap();
            }
            server::Event::AppendEnd => {
                steps.push_back(Step::End);
                break;
            }
            other => panic!("{other:?}: {}", command.escape_ascii()),
        }
    }
    steps
}

fn means_the_same(said: &[u8], wanted: &[u8], utf8: bool) -> bool {
    let line = |unit: &[u8]| unit.strip_suffix(b"\r\n").unwrap_or(unit).to_vec();
    let (said, wanted) = (line(said), line(wanted));
    if said.eq_ignore_ascii_case(&wanted) {
        return true;
    }
    let rest = |line: &[u8]| line.splitn(2, |b| *b == b' ').nth(1).map(<[u8]>::to_vec);
    let (Some(a), Some(b)) = (rest(&said), rest(&wanted)) else { return false };
    if a == b {
        return true;
    }
    match (Command::parse(&a, utf8), Command::parse(&b, utf8)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => append_steps(&said, utf8) == append_steps(&wanted, utf8),
        _ => false,
    }
}
