//! What a host heard and answered, once more from the other side: our client says what the client said, as far as it would, and reads
//! the answers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::{Instant, Machine, Misuse, Poll, TlsInfo, Upgrade, Upgraded};
use pop3_proto::{
    Command, Tolerance,
    client::{Client, Config, Event},
};

/// A step of a conversation, as the server's side saw it.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// A line of the client's, with its line end.
    Line(Vec<u8>),
    /// What the server answered to it.
    Answer(Vec<u8>),
    /// The handshake.
    Tls,
}

/// What of a conversation the client machine said and heard.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OnClient {
    /// Lines that it said as they were said.
    pub said: usize,
    /// Lines that it would not say: faulty, misplaced, not offered.
    pub unsaid: Vec<String>,
}

struct Player {
    client: Client,
    input: Vec<u8>,
    challenged: bool,
    closed: bool,
}

/// Plays the conversation. Every line that the client says must be the one that was said, but for the case of its letters;
/// every answer to it must be read to its end, and nothing else may be said. Before all, our client asks for the capabilities, as it must
/// before it uses one.
pub fn on_client(turns: &[Turn], capabilities: &[u8]) -> OnClient {
    let mut config = Config::default();
    config.login_in_clear = true;
    let mut player = Player { client: Client::new(config), input: vec![], challenged: false, closed: false };
    let mut result = OnClient::default();
    let (mut follows, mut greeted) = (true, false);
    for turn in turns {
        match turn {
            Turn::Line(line) => {
                follows = player.say(line);
                if follows {
                    result.said += 1;
                } else {
                    result
                        .unsaid
                        .push(String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned());
                }
            }
            Turn::Answer(octets) if follows => {
                player.hear(octets);
                if !std::mem::replace(&mut greeted, true) {
                    player.client.capa().unwrap();
                    assert_eq!(player.sent(), b"CAPA\r\n");
                    player.hear(capabilities);
                }
            }
            Turn::Answer(_) => {}
            Turn::Tls => {
                assert_eq!(player.client.poll(b"", Instant::ZERO), Ok(Poll::Upgrade(Upgrade::Tls)));
                player.client.upgraded(Upgraded::Tls(TlsInfo::default()));
            }
        }
    }
    result
}

impl Player {
    fn sent(&mut self) -> Vec<u8> {
        let out = self.client.output();
        let sent = out.segments().collect::<Vec<_>>().concat();
        out.advance(sent.len());
        sent
    }

    /// Says the line, or does not.
    fn say(&mut self, line: &[u8]) -> bool {
        if self.closed {
            return false;
        }
        if std::mem::take(&mut self.challenged) {
            return self.respond(line);
        }
        let Ok(command) = Command::parse(line, Tolerance::STRICT) else { return false };
        if self.give(&command).is_err() {
            assert_eq!(self.sent(), b"", "misuse writes nothing");
            return false;
        }
        let sent = self.sent();
        assert_eq!(Command::parse(&sent, Tolerance::STRICT), Ok(command), "{}", line.escape_ascii());
        true
    }

    fn respond(&mut self, line: &[u8]) -> bool {
        let text = line.strip_suffix(b"\r\n").unwrap();
        if let Ok(octets) = STANDARD.decode(text) {
            self.client.auth_response(&octets).unwrap();
            assert_eq!(self.sent(), line);
        } else {
            // Of what is no base64 only the end of the exchange can be said.
            self.client.auth_cancel().unwrap();
            assert_eq!(self.sent(), b"*\r\n");
        }
        true
    }

    fn give(&mut self, command: &Command<'_>) -> Result<(), Misuse> {
        let client = &mut self.client;
        match *command {
            Command::User(name) => client.user(name),
            Command::Pass(password) => client.pass(password),
            Command::Apop { name, digest } => client.apop(name, digest),
            Command::Auth { mechanism, initial: None } => client.auth(mechanism, None),
            Command::Auth { mechanism, initial: Some(text) } => {
                // RFC 5034 section 4: `=` is a response of no octets.
                let octets = if text.expose() == b"=" { Ok(vec![]) } else { STANDARD.decode(text.expose()) };
                octets.map_or(Err(Misuse { called: "", state: "no base64" }), |o| {
                    client.auth(mechanism, Some(&o))
                })
            }
            Command::Capa => client.capa(),
            Command::Stls => client.stls(),
            Command::Stat => client.stat(),
            Command::Noop => client.noop(),
            Command::Rset => client.rset(),
            Command::Quit => client.quit(),
            Command::Utf8 => client.utf8(),
            Command::List(number) => client.list(number),
            Command::Uidl(number) => client.uidl(number),
            Command::Retr(number) => client.retr(number),
            Command::Top(number, lines) => client.top(number, lines),
            Command::Dele(number) => client.dele(number),
            Command::Lang(range) => client.lang(range),
            _ => Err(Misuse { called: "", state: "no client of ours says it" }),
        }
    }

    /// The octets are one answer, which comes octet by octet.
    fn hear(&mut self, octets: &[u8]) {
        for octet in octets {
            assert!(!self.closed, "nothing follows the end");
            self.input.push(*octet);
            loop {
                match self.client.poll(&self.input, Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        let frame: Vec<u8> = self.input.drain(..n).collect();
                        self.challenged |= matches!(self.client.event(&frame), Event::Challenge(_));
                    }
                    Poll::Skip(n) => drop(self.input.drain(..n)),
                    Poll::Close => {
                        self.closed = true;
                        break;
                    }
                    _ => break,
                }
            }
        }
        assert_eq!(self.input, b"", "an answer that is none");
        assert_eq!(self.client.awaited(), usize::from(self.challenged), "it is answered");
        assert_eq!(self.sent(), b"", "nothing is said without being asked");
    }
}
