use alloc::vec::Vec;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::Misuse;
use zeroize::Zeroizing;

use crate::{
    encode::Encoder,
    types::{Command, CommandKind, Digest, MessageNumber, Secret},
};

use super::{Awaited, Client, Expect, Mode, Phase};

type Given = Result<(), Misuse>;

/// With an initial response, AUTH may be no longer (RFC 5034 section 4: "255 octets").
const AUTH_LINE: usize = 255;

const BEFORE_LOGIN: [Phase; 2] = [Phase::Authorization, Phase::UserGiven];

impl Client {
    fn allow(&self, called: &'static str, phases: &[Phase]) -> Given {
        if self.mode == Mode::Open && phases.contains(&self.phase) { Ok(()) } else { self.misuse(called) }
    }

    fn in_transaction(&self, called: &'static str) -> Given {
        self.allow(called, &[Phase::Transaction])
    }

    /// Logging in: nothing else is under way, and a password needs TLS.
    fn login(&self, called: &'static str, phases: &[Phase], shows_password: bool) -> Given {
        self.allow(called, phases)?;
        if shows_password && !self.encrypted && !self.config.login_in_clear {
            return Err(Misuse { called, state: "TLS is not up" });
        }
        self.alone(called)
    }

    fn alone(&self, called: &'static str) -> Given {
        if self.pending.is_empty() {
            Ok(())
        } else {
            Err(Misuse { called, state: "other responses are to come" })
        }
    }

    fn give(&mut self, called: &'static str, what: Expect, command: &Command<'_>) -> Given {
        // Room at once: a buffer that grows leaves its octets behind.
        let room = match command {
            Command::Pass(password) => password.expose().len() + 16,
            Command::Auth { .. } => AUTH_LINE,
            _ => 0,
        };
        let mut line = Zeroizing::new(Vec::with_capacity(room));
        Encoder::new(&mut line).command(command);
        let text = line.strip_suffix(b"\r\n").unwrap_or(&line);
        if text.iter().any(|c| matches!(c, b'\r' | b'\n' | 0)) {
            return Err(Misuse { called, state: "the argument cannot be written as a command" });
        }
        let pipelined = self.config.pipelining && self.capabilities.pipelining;
        let stopped = match self.pending.back() {
            None => false,
            Some(last) => !pipelined || last.what == Expect::Greeting,
        };
        if stopped {
            self.out.stop();
        }
        self.pending.push_back(Awaited { what, stopped });
        if matches!(command, Command::Pass(_) | Command::Apop { .. } | Command::Auth { .. }) {
            self.out.put_secret(&line);
        } else {
            self.out.put(&line);
        }
        Ok(())
    }

    /// CAPA (RFC 2449 section 5). What is offered may change with TLS and with the login. It may be given as soon as STLS
    /// is answered: then it waits for the handshake.
    ///
    /// # Errors
    /// [`Misuse`] before the greeting, during AUTH, and after QUIT.
    pub fn capa(&mut self) -> Given {
        if matches!(self.mode, Mode::TlsWanted | Mode::TlsReady) {
            self.capa_waits = true;
            return Ok(());
        }
        self.allow("capa", &[Phase::Authorization, Phase::UserGiven, Phase::Transaction])?;
        self.give("capa", Expect::List(CommandKind::Capa), &Command::Capa)
    }

    /// STLS (RFC 2595 section 4). After the handshake nothing is known of the server; CAPA is to be given again.
    ///
    /// # Errors
    /// [`Misuse`] where CAPA did not offer it, TLS is up, after login, and while responses are to come.
    pub fn stls(&mut self) -> Given {
        self.allow("stls", &BEFORE_LOGIN)?;
        if self.encrypted || !self.capabilities.stls {
            return Err(Misuse { called: "stls", state: "STLS is not offered" });
        }
        self.alone("stls")?;
        self.give("stls", Expect::One(CommandKind::Stls), &Command::Stls)
    }

    /// USER; PASS follows its `+OK`.
    ///
    /// # Errors
    /// [`Misuse`] without TLS unless [`login_in_clear`](super::Config::login_in_clear), after login, and while
    /// responses are to come; where the name is empty or holds a line end.
    pub fn user(&mut self, name: &[u8]) -> Given {
        self.login("user", &BEFORE_LOGIN, true)?;
        if name.is_empty() {
            return Err(Misuse { called: "user", state: "the argument cannot be written as a command" });
        }
        self.phase = Phase::Authorization;
        self.give("user", Expect::One(CommandKind::User), &Command::User(name))
    }

    /// PASS, with every space in it.
    ///
    /// # Errors
    /// [`Misuse`] but after USER's `+OK`; where the password holds a line end.
    pub fn pass(&mut self, password: Secret<'_>) -> Given {
        self.login("pass", &[Phase::UserGiven], true)?;
        self.give("pass", Expect::One(CommandKind::Pass), &Command::Pass(password))
    }

    /// APOP: the digest is the MD5 of the greeting's timestamp and the shared secret (RFC 1939 section 7).
    ///
    /// # Errors
    /// [`Misuse`] after login and while responses are to come.
    pub fn apop(&mut self, name: &[u8], digest: Digest) -> Given {
        self.login("apop", &BEFORE_LOGIN, false)?;
        self.give("apop", Expect::One(CommandKind::Apop), &Command::Apop { name, digest })
    }

    /// AUTH (RFC 5034): the mechanism's name and its first octets, where it begins with the client. Where the
    /// line would be too long, they go out after the server's first, empty challenge.
    ///
    /// # Errors
    /// [`Misuse`] where CAPA did not offer the mechanism, and as with [`user`](Self::user).
    pub fn auth(&mut self, mechanism: &str, initial: Option<&[u8]>) -> Given {
        self.login("auth", &BEFORE_LOGIN, true)?;
        if !self.capabilities.sasl.iter().any(|m| m.eq_ignore_ascii_case(mechanism)) {
            return Err(Misuse { called: "auth", state: "the mechanism is not offered" });
        }
        let text = initial.map(|octets| match octets {
            [] => Zeroizing::new(b"=".to_vec()),
            _ => Zeroizing::new(STANDARD.encode(octets).into_bytes()),
        });
        let fits = |t: &Zeroizing<Vec<u8>>| t.len() + mechanism.len() + b"AUTH  \r\n".len() <= AUTH_LINE;
        let inline = text.as_ref().filter(|t| fits(t)).map(|t| Secret::new(t));
        let command = Command::Auth { mechanism, initial: inline };
        self.give("auth", Expect::One(CommandKind::Auth), &command)?;
        self.initial = text.filter(|t| !fits(t));
        self.phase = Phase::Exchange;
        Ok(())
    }

    /// The response to a challenge.
    ///
    /// # Errors
    /// [`Misuse`] where no challenge waits.
    pub fn auth_response(&mut self, octets: &[u8]) -> Given {
        self.allow("auth_response", &[Phase::Challenged])?;
        self.auth_line(Zeroizing::new(STANDARD.encode(octets)).as_bytes());
        Ok(())
    }

    /// Breaks the exchange off; `-ERR` follows.
    ///
    /// # Errors
    /// [`Misuse`] where no challenge waits.
    pub fn auth_cancel(&mut self) -> Given {
        self.allow("auth_cancel", &[Phase::Challenged])?;
        self.auth_line(b"*");
        Ok(())
    }

    /// The response to AUTH is awaited still.
    pub(super) fn auth_line(&mut self, text: &[u8]) {
        self.phase = Phase::Exchange;
        self.out.put_secret(text);
        self.out.put(b"\r\n");
    }

    /// UTF8 (RFC 6856 section 2.1).
    ///
    /// # Errors
    /// [`Misuse`] where CAPA did not offer it, and after login.
    pub fn utf8(&mut self) -> Given {
        self.allow("utf8", &BEFORE_LOGIN)?;
        if self.capabilities.utf8.is_none() {
            return Err(Misuse { called: "utf8", state: "UTF8 is not offered" });
        }
        self.give("utf8", Expect::One(CommandKind::Utf8), &Command::Utf8)
    }

    /// LANG with a language range, or without one for the list (RFC 6856 section 3).
    ///
    /// # Errors
    /// [`Misuse`] where CAPA did not offer it.
    pub fn lang(&mut self, range: Option<&str>) -> Given {
        self.allow("lang", &[Phase::Authorization, Phase::UserGiven, Phase::Transaction])?;
        if !self.capabilities.lang {
            return Err(Misuse { called: "lang", state: "LANG is not offered" });
        }
        self.give("lang", one_or_list(CommandKind::Lang, range.is_some()), &Command::Lang(range))
    }

    /// STAT
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn stat(&mut self) -> Given {
        self.in_transaction("stat")?;
        self.give("stat", Expect::One(CommandKind::Stat), &Command::Stat)
    }

    /// LIST of one message or of all.
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn list(&mut self, number: Option<MessageNumber>) -> Given {
        self.in_transaction("list")?;
        self.give("list", one_or_list(CommandKind::List, number.is_some()), &Command::List(number))
    }

    /// UIDL of one message or of all.
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn uidl(&mut self, number: Option<MessageNumber>) -> Given {
        self.in_transaction("uidl")?;
        self.give("uidl", one_or_list(CommandKind::Uidl, number.is_some()), &Command::Uidl(number))
    }

    /// RETR
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn retr(&mut self, number: MessageNumber) -> Given {
        self.in_transaction("retr")?;
        self.give("retr", Expect::Body(CommandKind::Retr, number), &Command::Retr(number))
    }

    /// TOP: the header and so many lines of the body.
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn top(&mut self, number: MessageNumber, lines: u64) -> Given {
        self.in_transaction("top")?;
        self.give("top", Expect::Body(CommandKind::Top, number), &Command::Top(number, lines))
    }

    /// DELE: the message goes at QUIT.
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn dele(&mut self, number: MessageNumber) -> Given {
        self.in_transaction("dele")?;
        self.give("dele", Expect::One(CommandKind::Dele), &Command::Dele(number))
    }

    /// NOOP
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn noop(&mut self) -> Given {
        self.in_transaction("noop")?;
        self.give("noop", Expect::One(CommandKind::Noop), &Command::Noop)
    }

    /// RSET: no message is marked as deleted any more.
    ///
    /// # Errors
    /// [`Misuse`] but after login.
    pub fn rset(&mut self) -> Given {
        self.in_transaction("rset")?;
        self.give("rset", Expect::One(CommandKind::Rset), &Command::Rset)
    }

    /// QUIT: what is marked as deleted is removed, and the connection closes.
    ///
    /// # Errors
    /// [`Misuse`] before the greeting, during AUTH, and when it was given already.
    pub fn quit(&mut self) -> Given {
        self.allow("quit", &[Phase::Authorization, Phase::UserGiven, Phase::Transaction])?;
        self.give("quit", Expect::One(CommandKind::Quit), &Command::Quit)?;
        self.phase = Phase::Over;
        Ok(())
    }
}

const fn one_or_list(kind: CommandKind, one: bool) -> Expect {
    if one { Expect::One(kind) } else { Expect::List(kind) }
}
