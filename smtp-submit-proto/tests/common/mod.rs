//! A scripted host, and a replayer of `C:` / `S:` dialogues.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

mod on_client;

pub use on_client::{OnClient, Turn};

use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgraded};
use smtp_submit_proto::{Config, Event, ForwardPath, Mechanism, Server, Status, status};

/// Plays the server's host: `b@`, `Postmaster` and most others exist, `nobody@` does not; user `tim`.
pub struct Host {
    pub server: Server,
    /// Every event as text; adjacent chunks as one.
    pub log: Vec<String>,
    /// Content of accepted messages.
    pub messages: Vec<Vec<u8>>,
    /// Content coming in.
    pub incoming: Vec<u8>,
    pub ended: Option<String>,
    pub upgrades: usize,
    /// Refuse content once so much has come.
    pub refuse_after: Option<usize>,
    pub secrets: Vec<Vec<u8>>,
    /// LMTP: what the first recipients are answered after the content; and whether these are all.
    pub per_recipient: Vec<(Status, &'static str)>,
    pub all_answered: bool,
    input: Vec<u8>,
    pub out: Vec<u8>,
    /// All that was heard and answered.
    turns: Vec<Turn>,
}

pub fn open_config() -> Config {
    let mut config = Config::new("mail.example.test");
    config.auth_required = false;
    config
}

pub fn submission_config() -> Config {
    let mut config = Config::new("mail.example.test");
    config.mechanisms =
        vec![Mechanism::new("PLAIN", true), Mechanism::new("LOGIN", true), Mechanism::new("CRAM-MD5", false)];
    config.starttls = true;
    config
}

impl Host {
    pub fn new(config: Config) -> Self {
        Self::shared(std::sync::Arc::new(config))
    }

    pub fn shared(config: std::sync::Arc<Config>) -> Self {
        Self {
            server: Server::new(config),
            log: vec![],
            messages: vec![],
            incoming: vec![],
            ended: None,
            upgrades: 0,
            refuse_after: None,
            secrets: vec![],
            per_recipient: vec![],
            all_answered: false,
            input: vec![],
            out: vec![],
            turns: vec![],
        }
    }

    pub fn tls(config: Config) -> Self {
        let mut host = Self::new(config);
        host.server.upgraded(Upgraded::Tls(TlsInfo::default()));
        host
    }

    /// Octets arrive; all that can be done is done.
    pub fn feed(&mut self, octets: &[u8]) {
        self.input.extend_from_slice(octets);
        loop {
            if self.ended.is_some() {
                break;
            }
            let input = std::mem::take(&mut self.input);
            let used = match self.server.poll(&input, Instant::ZERO) {
                Ok(Poll::Frame(n)) => {
                    self.collect();
                    let event = self.server.event(&input[..n]);
                    match event {
                        Event::DataChunk(octets) => self.turns.push(Turn::Content(octets.to_vec())),
                        // The end of a chunk is nothing that is said.
                        _ if n == 0 && self.server.in_transaction() => {}
                        Event::DataEnd { .. } | Event::DataRefused(_) => self.turns.push(Turn::EndOfContent),
                        _ => self.turns.push(Turn::Line(input[..n].to_vec())),
                    }
                    if self.server.frame_is_secret() {
                        self.secrets.push(input[..n].to_vec());
                    }
                    self.answer(event);
                    n
                }
                Ok(Poll::Skip(n)) => n,
                Ok(Poll::NeedInput { hint }) => {
                    assert!(hint > 0);
                    self.input = input;
                    break;
                }
                Ok(Poll::Upgrade(_)) => {
                    assert!(input.is_empty());
                    self.upgrades += 1;
                    self.collect();
                    self.turns.push(Turn::Tls);
                    self.server.upgraded(Upgraded::Tls(TlsInfo::default()));
                    0
                }
                Ok(Poll::Close) => {
                    self.ended = Some("closed".into());
                    input.len()
                }
                Ok(other) => panic!("{other:?}"),
                Err(e) => {
                    self.ended = Some(e.to_string());
                    input.len()
                }
            };
            self.input = input[used..].to_vec();
        }
        self.collect();
    }

    fn collect(&mut self) {
        let out = self.server.output();
        let sent: Vec<u8> = out.segments().flatten().copied().collect();
        out.advance(sent.len());
        self.out.extend_from_slice(&sent);
        if !sent.is_empty() {
            self.turns.push(Turn::Reply(sent));
        }
    }

    /// The same conversation with the client machine: how many lines it said, and which it would not.
    pub fn on_client(&self) -> OnClient {
        on_client::on_client(&self.turns)
    }

    /// All of the conversation can be had with our client, but for these lines.
    #[track_caller]
    pub fn on_client_but(&self, unsaid: &[&str]) {
        let got = self.on_client();
        assert_eq!(got.unsaid, unsaid, "{} were said", got.said);
        assert!(got.said > 0);
    }

    fn answer(&mut self, event: Event<'_>) {
        let server = &mut self.server;
        match event {
            Event::DataChunk(octets) => {
                self.incoming.extend_from_slice(octets);
                if self.refuse_after.is_some_and(|n| self.incoming.len() >= n) {
                    self.refuse_after = None;
                    server.refuse(status::LOCAL_ERROR, "disk trouble").unwrap();
                }
                return;
            }
            Event::Auth { mechanism, initial } => match initial {
                Some(data) => Self::password(server, &data.decode()),
                None if mechanism == "CRAM-MD5" => server.challenge(b"<1896.697170952@x>").unwrap(),
                None => server.challenge(b"").unwrap(),
            },
            Event::AuthResponse(data) => Self::password(server, &data.decode()),
            Event::Mail { .. } => server.accept_mail().unwrap(),
            Event::Rcpt { forward_path, .. } => match forward_path {
                ForwardPath::Mailbox(m) if m.local_part().unquoted() == "nobody" => {
                    server.refuse(status::NO_SUCH_MAILBOX, "no such user here").unwrap();
                }
                _ => server.accept_rcpt().unwrap(),
            },
            Event::DataBegin => server.accept_data().unwrap(),
            Event::DataEnd { .. } => {
                self.messages.push(std::mem::take(&mut self.incoming));
                for (status, text) in std::mem::take(&mut self.per_recipient) {
                    server.end_recipient(status, text).unwrap();
                }
                if !self.all_answered {
                    server.end_accepted("kept").unwrap();
                }
            }
            Event::DataRefused(_) => self.incoming.clear(),
            Event::Xclient(_) => server.accept_xclient(false).unwrap(),
            Event::Vrfy(_) => {
                server.reply(Status::new(250, 2, 1).unwrap(), "Fred Smith <smith@example.test>").unwrap();
            }
            Event::Expn(_) => server.reply(Status::new(250, 2, 1).unwrap(), "<a@x>\n<b@x>").unwrap(),
            _ => {}
        }
        self.log.push(format!("{event:?}"));
    }

    fn password(server: &mut Server, octets: &[u8]) {
        if octets == b"\0tim\0tanstaaftanstaaf" || octets == b"test\0test\x001234" || octets == b"tim" {
            server.authenticated().unwrap();
        } else {
            server.refuse(status::BAD_CREDENTIALS, "authentication failed").unwrap();
        }
    }

    pub fn sent(&mut self) -> String {
        String::from_utf8(std::mem::take(&mut self.out)).unwrap()
    }

    /// Feeds a line with its CRLF, and gives the answer.
    pub fn say(&mut self, line: &str) -> String {
        self.feed(line.as_bytes());
        self.feed(b"\r\n");
        self.sent()
    }

    /// As [`say`](Self::say), and the answer must begin like this.
    #[track_caller]
    pub fn expect(&mut self, line: &str, answer: &str) {
        let got = self.say(line);
        assert!(got.starts_with(answer), "{line:?} was answered {got:?}, not {answer:?}");
    }
}

/// Replays a dialogue: lines of `C: ` are sent, lines of `S: ` must be answered exactly; `S: 250*`
/// takes any reply line that begins so. Lines without either are remarks.
#[track_caller]
pub fn replay(host: &mut Host, dialogue: &str) {
    host.feed(b"");
    let mut waiting = host.sent();
    for line in dialogue.lines().map(str::trim_start) {
        if let Some(wire) =
            line.strip_prefix("C: ").or_else(|| line.strip_prefix("C:").filter(|l| l.is_empty()))
        {
            assert_eq!(waiting, "", "not expected before {line:?}");
            host.feed(wire.as_bytes());
            host.feed(b"\r\n");
            waiting = host.sent();
        } else if let Some(expected) = line.strip_prefix("S: ") {
            let (got, rest) =
                waiting.split_once("\r\n").unwrap_or_else(|| panic!("nothing was said, not {expected:?}"));
            match expected.strip_suffix('*') {
                Some(start) => assert!(got.starts_with(start), "{got:?} instead of {expected:?}"),
                None => assert_eq!(got, expected),
            }
            waiting = rest.to_owned();
        }
    }
    assert_eq!(waiting, "", "at the end");
}
