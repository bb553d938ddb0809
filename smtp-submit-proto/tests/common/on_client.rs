//! What a host heard and answered, once more from the other side: our client says what the client said, as far as it would, and reads
//! the answers.

use mail_wire::{Instant, Machine, Poll, TlsInfo, Upgraded};
use smtp_submit_proto::{
    Command, Rules,
    client::{self, Client},
};

/// A step of a conversation, as the server's side saw it.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// A line of the client's, CRLF included.
    Line(Vec<u8>),
    /// Content of DATA, without stuffed dots.
    Content(Vec<u8>),
    /// Its end.
    EndOfContent,
    /// What the server answered to the line, or to the end of the content.
    Reply(Vec<u8>),
    /// The handshake.
    Tls,
}

/// What of a conversation the client machine said and heard.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct OnClient {
    /// Lines that it said as they were said.
    pub said: usize,
    /// Lines that it would not say: faulty, misplaced, not offered, or those of a client without EHLO.
    pub unsaid: Vec<String>,
}

struct Player {
    client: Client,
    lmtp: bool,
    name: String,
    /// A chunk that was said, and what there is of it.
    chunk: Option<(usize, Vec<u8>)>,
    input: Vec<u8>,
    in_content: bool,
    challenged: bool,
    closed: bool,
}

/// Plays the conversation. Every line that the client says must be the one that was said; every answer to it must be read
/// as one, and nothing else may be said.
pub fn on_client(turns: &[Turn]) -> OnClient {
    let mut player = Player::new(turns);
    let mut result = OnClient::default();
    let mut follows = true; // the greeting
    for turn in turns {
        match turn {
            Turn::Line(line) => {
                follows = player.say(line);
                if follows {
                    result.said += 1;
                } else {
                    result.unsaid.push(String::from_utf8_lossy(line).trim_end_matches("\r\n").to_owned());
                }
            }
            Turn::Content(octets) if player.chunk.is_some() => player.chunk_comes(octets),
            Turn::Content(octets) if player.in_content => {
                player.client.body(octets.clone().into()).unwrap();
                player.sent();
            }
            Turn::EndOfContent if player.in_content => {
                player.in_content = false;
                player.client.end_body().unwrap();
                assert!(player.sent().ends_with(b".\r\n"));
                follows = true;
            }
            Turn::Content(_) | Turn::EndOfContent => follows = false,
            Turn::Reply(octets) if follows && !player.closed => player.hear(octets),
            Turn::Reply(_) => {}
            Turn::Tls => {
                assert_eq!(
                    player.client.poll(b"", Instant::ZERO),
                    Ok(Poll::Upgrade(mail_wire::Upgrade::Tls))
                );
                player.client.upgraded(Upgraded::Tls(TlsInfo::default()));
            }
        }
    }
    result
}

impl Player {
    fn new(turns: &[Turn]) -> Self {
        let hello = |verb: &str| {
            turns.iter().find_map(|turn| match turn {
                Turn::Line(line) => {
                    let line = std::str::from_utf8(line).ok()?.trim_end();
                    let (word, name) = line.split_once(' ')?;
                    word.eq_ignore_ascii_case(verb).then(|| name.to_owned())
                }
                _ => None,
            })
        };
        let lmtp = hello("LHLO");
        let name = lmtp.clone().or_else(|| hello("EHLO")).unwrap_or_default();
        let mut config = client::Config::new(name.clone());
        config.lmtp = lmtp.is_some();
        config.auth_in_clear = true;
        config.chunking =
            turns.iter().any(|turn| matches!(turn, Turn::Line(line) if line.starts_with(b"BDAT")));
        Self {
            lmtp: config.lmtp,
            name,
            chunk: None,
            client: Client::new(config),
            input: vec![],
            in_content: false,
            challenged: false,
            closed: false,
        }
    }

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
        let mut rules = Rules::all();
        rules.lmtp = line.first_chunk::<4>().is_some_and(|w| w.eq_ignore_ascii_case(b"LHLO"));
        if std::mem::take(&mut self.challenged) {
            return self.respond(line);
        }
        let Ok(command) = Command::parse(line, &rules) else { return false };
        if let Command::Bdat { size, last } = command {
            return self.say_chunk(line, usize::try_from(size).unwrap(), last);
        }
        if self.give(&command).is_err() {
            assert_eq!(self.sent(), b"", "misuse writes nothing");
            return false;
        }
        let sent = self.sent();
        assert_eq!(Command::parse(&sent, &rules), Ok(command), "{}", line.escape_ascii());
        true
    }

    /// Our client ends the content with an empty chunk.
    fn say_chunk(&mut self, line: &[u8], size: usize, last: bool) -> bool {
        if !self.in_content && self.client.data().is_ok() {
            self.hear(b"");
        }
        if !self.in_content || (last && size > 0) {
            return false;
        }
        if last {
            self.in_content = false;
            self.client.end_body().unwrap();
            assert_eq!(self.sent(), line);
        } else {
            self.chunk = Some((size, vec![]));
        }
        true
    }

    fn chunk_comes(&mut self, octets: &[u8]) {
        let Some((size, mut chunk)) = self.chunk.take() else { return };
        chunk.extend_from_slice(octets);
        if chunk.len() < size {
            self.chunk = Some((size, chunk));
            return;
        }
        self.client.body(chunk.clone().into()).unwrap();
        assert_eq!(self.sent(), [format!("BDAT {size}\r\n").as_bytes(), &chunk].concat());
    }

    fn respond(&mut self, line: &[u8]) -> bool {
        let text = line.strip_suffix(b"\r\n").unwrap();
        let done = if text == b"*" {
            self.client.auth_cancel().is_ok()
        } else if let Some(data) = smtp_submit_proto::SaslData::from_base64(text) {
            self.client.auth_response(&data.decode()).is_ok()
        } else {
            // Of what is no base64 only the end of the exchange can be said.
            self.client.auth_cancel().unwrap();
            assert_eq!(self.sent(), b"*\r\n");
            return true;
        };
        assert!(done);
        assert_eq!(self.sent(), line);
        true
    }

    fn give(&mut self, command: &Command<'_>) -> Result<(), mail_wire::Misuse> {
        let client = &mut self.client;
        let foreign = Err(mail_wire::Misuse { called: "", state: "no client of ours says it" });
        match *command {
            Command::Ehlo(name) if !self.lmtp && name == self.name => client.hello(),
            Command::Lhlo(name) if self.lmtp && name == self.name => client.hello(),
            Command::Mail(path, ref params) => client.mail(path, params),
            Command::Rcpt(path, ref params) => client.rcpt(path, params).map(|_| ()),
            Command::Data => client.data(),
            Command::Rset => client.rset(),
            Command::Vrfy(text) => client.vrfy(text),
            Command::Expn(text) => client.expn(text),
            Command::Help(topic) => client.help(topic),
            Command::Noop(None) => client.noop(),
            Command::Quit => client.quit(),
            Command::Auth { mechanism, initial } => {
                client.auth(mechanism, initial.map(|data| data.decode().to_vec()).as_deref())
            }
            Command::StartTls => client.start_tls(),
            _ => foreign,
        }
    }

    /// The octets are replies, each of which is an event, one by one.
    fn hear(&mut self, octets: &[u8]) {
        for upto in 0..=octets.len() {
            self.input.extend(upto.checked_sub(1).map(|i| octets[i]));
            loop {
                match self.client.poll(&self.input, Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        let frame: Vec<u8> = self.input.drain(..n).collect();
                        match self.client.event(&frame) {
                            client::Event::BodyWanted => self.in_content = true,
                            client::Event::Challenge(_) => self.challenged = true,
                            _ => {}
                        }
                    }
                    Poll::Close => {
                        self.closed = true;
                        return;
                    }
                    _ => break,
                }
            }
        }
        assert_eq!(self.input, b"", "an answer that is none");
        // HELO after a refused EHLO, the end of a transaction without a recipient: said without being asked.
        self.sent();
    }
}
