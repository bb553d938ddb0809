use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    grammar::{self, Status},
    types::{CommandKind, SecretBuf},
};

use super::{Capabilities, Client, Event, Expect, Mode, Phase, Reading};

/// A line of a list.
pub(super) fn listing(kind: CommandKind, line: &[u8]) -> Event<'_> {
    let found = match kind {
        CommandKind::List => {
            grammar::scan_listing(line).map(|(number, octets)| Event::ScanListing { number, octets })
        }
        CommandKind::Uidl => {
            grammar::unique_id_listing(line).map(|(number, unique_id)| Event::UniqueId { number, unique_id })
        }
        _ => None,
    };
    found.unwrap_or(Event::ListLine { command: kind, line })
}

impl Client {
    /// The response is whole: the next command may go out.
    pub(super) fn next(&mut self) {
        self.reading = Reading::Status;
        self.pending.pop_front();
        if let Some(next) = self.pending.front_mut().filter(|next| next.stopped) {
            next.stopped = false;
            self.out.release();
        }
    }

    pub(super) fn status<'b>(&mut self, line: &'b [u8]) -> Event<'b> {
        let Some(what) = self.pending.front().map(|awaited| awaited.what) else {
            return Event::ListLine { command: CommandKind::Noop, line };
        };
        match grammar::status(line) {
            Some(Status::Ok(text)) => self.ok(what, text),
            Some(Status::Continue(text)) if what == Expect::One(CommandKind::Auth) => self.challenge(text),
            Some(Status::Err(code, text)) => {
                let command = what.kind();
                self.next();
                match command {
                    None => self.end(),
                    Some(CommandKind::Quit) => {
                        self.end();
                        return Event::Closing { ok: false, text };
                    }
                    Some(CommandKind::Pass | CommandKind::Auth | CommandKind::Apop)
                        if self.phase != Phase::Over =>
                    {
                        self.phase = Phase::Authorization;
                        self.initial = None;
                    }
                    Some(CommandKind::Capa) => self.capabilities = Capabilities::default(),
                    _ => {}
                }
                Event::Err { command, code, text }
            }
            // `poll` has checked that it is a first line: a challenge where none has its place.
            _ => {
                self.end();
                Event::Err { command: what.kind(), code: None, text: line }
            }
        }
    }

    fn ok<'b>(&mut self, what: Expect, text: &'b [u8]) -> Event<'b> {
        match what {
            Expect::Body(_, number) => {
                self.dots.reset();
                self.reading = Reading::Body;
                return Event::BodyBegin(number);
            }
            Expect::List(kind) => {
                self.reading = Reading::List(kind);
                self.collected = Capabilities::default();
                return Event::ListBegin(kind);
            }
            Expect::Greeting => {
                self.next();
                if self.phase == Phase::Start {
                    self.phase = Phase::Authorization;
                }
                return Event::Greeting { text, timestamp: grammar::timestamp(text) };
            }
            Expect::One(_) => {}
        }
        self.next();
        let Expect::One(command) = what else { return Event::BodyChunk(&[]) };
        let plain = Event::Ok { command, text };
        match command {
            CommandKind::User => {
                self.advance(Phase::UserGiven);
                plain
            }
            CommandKind::Pass | CommandKind::Apop | CommandKind::Auth => {
                self.advance(Phase::Transaction);
                self.initial = None;
                Event::LoggedIn(text)
            }
            CommandKind::Stls => {
                self.mode = Mode::TlsWanted;
                plain
            }
            CommandKind::Quit => {
                self.end();
                Event::Closing { ok: true, text }
            }
            CommandKind::Stat => grammar::drop_listing(text)
                .map_or(plain, |(count, octets)| Event::DropListing { count, octets }),
            CommandKind::List | CommandKind::Uidl => match listing(command, text) {
                Event::ListLine { .. } => plain,
                found => found,
            },
            _ => plain,
        }
    }

    /// Nothing follows QUIT, which may have been given meanwhile.
    fn advance(&mut self, phase: Phase) {
        if self.phase != Phase::Over {
            self.phase = phase;
        }
    }

    fn challenge<'b>(&mut self, text: &[u8]) -> Event<'b> {
        self.secret = true;
        let Ok(octets) = STANDARD.decode(text.trim_ascii()) else {
            self.auth_line(b"*");
            return Event::ChallengeAnswered;
        };
        if let Some(initial) = self.initial.take() {
            self.auth_line(&initial);
            return Event::ChallengeAnswered;
        }
        self.phase = Phase::Challenged;
        Event::Challenge(SecretBuf::new(octets))
    }

    pub(super) fn list_end<'b>(&mut self) -> Event<'b> {
        let Reading::List(kind) = self.reading else { return Event::BodyChunk(&[]) };
        self.next();
        if kind == CommandKind::Capa {
            self.capabilities = core::mem::take(&mut self.collected);
            return Event::Capabilities;
        }
        Event::ListEnd(kind)
    }
}
