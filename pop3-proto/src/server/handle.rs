//! What a line means.

use alloc::string::ToString;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroize;

use super::{Answered, Event, Passwords, Pending, Server, State, state::allowed};
use crate::{
    grammar,
    types::{Command, CommandKind, Secret, SecretBuf},
};

impl Server {
    /// A command in AUTHORIZATION or TRANSACTION.
    pub(super) fn command<'b>(&mut self, line: &'b [u8]) -> Event<'b> {
        // Also where it is no command, or has no place: the client means a password by it.
        self.secret = line
            .first_chunk::<4>()
            .is_some_and(|word| [b"PASS", b"AUTH", b"APOP"].iter().any(|w| word.eq_ignore_ascii_case(*w)));
        let parsed = grammar::command(line, self.config.tolerance);
        let is_pass = matches!(parsed, Ok(Command::Pass(_)));
        if self.state == State::UserGiven && !is_pass && !self.config.tolerance.loose_order {
            self.forget_user();
        }
        let command = match parsed {
            Ok(command) => command,
            Err(error) => {
                self.bad_command(&error.to_string());
                return Event::Answered(Answered::Syntax(error));
            }
        };
        let late_utf8 = matches!(command, Command::Utf8)
            && self.state == State::Transaction
            && self.config.tolerance.late_utf8;
        if !late_utf8 && !allowed(command.kind(), self.state) {
            return self.out_of_place(command.kind());
        }
        if self.state == State::Transaction {
            self.bad_commands = 0;
        }
        match command {
            Command::User(name) => self.give_user(name),
            Command::Pass(password) => self.ask(CommandKind::Pass, Event::Pass(password)),
            Command::Apop { name, digest } if self.timestamp.is_some() => {
                self.forget_user();
                self.ask(CommandKind::Apop, Event::Apop { name, digest })
            }
            Command::Auth { mechanism, initial } => self.auth(mechanism, initial),
            Command::AuthList => self.ask_list(CommandKind::Auth, Event::AuthList),
            Command::Capa => self.ask(CommandKind::Capa, Event::Capa),
            Command::Stls => self.stls(),
            Command::Stat => self.ask(CommandKind::Stat, Event::Stat),
            Command::List(None) => self.ask_list(CommandKind::List, Event::List(None)),
            Command::List(n) => self.ask(CommandKind::List, Event::List(n)),
            Command::Uidl(None) => self.ask_list(CommandKind::Uidl, Event::Uidl(None)),
            Command::Uidl(n) => self.ask(CommandKind::Uidl, Event::Uidl(n)),
            Command::Retr(n) => self.ask(CommandKind::Retr, Event::Retr(n)),
            Command::Top(n, lines) => self.ask(CommandKind::Top, Event::Top(n, lines)),
            Command::Dele(n) => self.ask(CommandKind::Dele, Event::Dele(n)),
            Command::Rset => self.ask(CommandKind::Rset, Event::Rset),
            Command::Quit if self.state == State::Transaction => self.ask(CommandKind::Quit, Event::Quit),
            Command::Quit => {
                let event = self.done(CommandKind::Quit, "goodbye");
                self.end(None);
                event
            }
            Command::Noop => self.done(CommandKind::Noop, ""),
            Command::Utf8 if self.config.utf8.is_some() => {
                self.utf8 = true;
                self.done(CommandKind::Utf8, "UTF-8 mode")
            }
            Command::Lang(None) if self.config.lang => self.ask_list(CommandKind::Lang, Event::Lang(None)),
            Command::Lang(range) if self.config.lang => self.ask(CommandKind::Lang, Event::Lang(range)),
            Command::Apop { .. } | Command::Utf8 | Command::Lang(_) => self.not_offered(command.kind()),
        }
    }

    fn ask<'b>(&mut self, kind: CommandKind, event: Event<'b>) -> Event<'b> {
        self.pending = Pending::Answer(kind);
        event
    }

    fn ask_list<'b>(&mut self, kind: CommandKind, event: Event<'b>) -> Event<'b> {
        self.pending = Pending::List(kind);
        event
    }

    fn done(&mut self, kind: CommandKind, text: &str) -> Event<'static> {
        self.put_ok(text);
        Event::Answered(Answered::Done(kind))
    }

    fn out_of_place(&mut self, kind: CommandKind) -> Event<'static> {
        let text = match (self.state, kind) {
            (State::Transaction, _) => "you are logged in already",
            (_, CommandKind::Pass) => "USER comes first",
            _ => "log in first",
        };
        self.bad_command(text);
        Event::Answered(Answered::OutOfPlace(kind))
    }

    fn not_offered(&mut self, kind: CommandKind) -> Event<'static> {
        self.bad_command("not supported here");
        Event::Answered(Answered::NotOffered(kind))
    }

    /// The answer does not depend on the name: "servers that answer -ERR to the USER command are giving
    /// potential attackers clues about which names are valid" (RFC 1939 section 13).
    fn give_user(&mut self, name: &[u8]) -> Event<'static> {
        self.forget_user();
        if !self.passwords_allowed() {
            if self.passwords == Passwords::Never {
                return self.not_offered(CommandKind::User);
            }
            self.put_err(None, "encryption required: use STLS first");
            return Event::Answered(Answered::EncryptionRequired);
        }
        self.user = name.to_vec();
        self.state = State::UserGiven;
        self.done(CommandKind::User, "send PASS")
    }

    fn auth<'b>(&mut self, mechanism: &'b str, initial: Option<Secret<'_>>) -> Event<'b> {
        self.forget_user();
        let initial = match initial.map(initial_response).transpose() {
            Ok(initial) => initial,
            Err(NoBase64) => {
                self.put_err(None, "the initial response is not base64");
                return Event::Answered(Answered::Base64);
            }
        };
        self.ask(CommandKind::Auth, Event::Auth { mechanism, initial })
    }

    /// RFC 2595 section 4: "A -ERR response MAY result if a security layer is already active."
    fn stls(&mut self) -> Event<'static> {
        self.forget_user();
        if self.tls.is_some() {
            self.bad_command("command not permitted when TLS is active");
            return Event::Answered(Answered::OutOfPlace(CommandKind::Stls));
        }
        if !self.config.stls {
            return self.not_offered(CommandKind::Stls);
        }
        // Answered when it is known that nothing follows in the clear.
        self.state = State::StlsGiven;
        Event::Answered(Answered::Done(CommandKind::Stls))
    }

    /// A line of a SASL exchange: `[base64]`, or `*` to cancel (RFC 5034 section 4).
    pub(super) fn response(&mut self, line: &[u8]) -> Event<'static> {
        self.secret = true;
        self.state = State::Authorization;
        let line = if self.config.tolerance.extra_spaces { line.trim_ascii_end() } else { line };
        if line == b"*" {
            self.put_err(None, "authentication cancelled");
            return Event::AuthCancel;
        }
        match base64(line) {
            Ok(response) => self.ask(CommandKind::Auth, Event::AuthResponse(response)),
            Err(NoBase64) => {
                self.put_err(None, "the response is not base64");
                Event::AuthCancel
            }
        }
    }
}

struct NoBase64;

/// `initial-response = base64 / "="`, where `=` is an empty one (RFC 5034 section 5).
fn initial_response(initial: Secret<'_>) -> Result<SecretBuf, NoBase64> {
    match initial.expose() {
        b"=" => Ok(SecretBuf::new(alloc::vec::Vec::new())),
        octets => base64(octets),
    }
}

/// Strictly: servers "MUST reject (and not ignore) any character not explicitly allowed" and any `=`
/// that is not at the end (RFC 5034 section 4).
fn base64(octets: &[u8]) -> Result<SecretBuf, NoBase64> {
    let mut decoded = alloc::vec![0; octets.len().div_ceil(4) * 3];
    match STANDARD.decode_slice(octets, &mut decoded) {
        Ok(n) => {
            decoded.truncate(n);
            Ok(SecretBuf::new(decoded))
        }
        Err(_) => {
            decoded.zeroize();
            Err(NoBase64)
        }
    }
}
