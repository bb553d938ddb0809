use mail_wire::{Instant, Machine, OutputQueue, Poll, Scan, Upgrade, Upgraded, Wait, strip_line_end};

use super::{Error, Event, Late, Pending, Server, State};
use crate::{encode::Encoder, types::RespCode};

impl Machine for Server {
    type Event<'b> = Event<'b>;
    type Error = Error;

    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        // Within a line nothing is pending, and the line is waited for already.
        if self.state != State::Ended && self.scanner.is_one_more(input) {
            return Ok(Poll::NeedInput { hint: 1 });
        }
        match self.state {
            State::Start => self.greet(now),
            State::Ended => return self.error.map_or(Ok(Poll::Close), Err),
            State::StlsGiven => return self.begin_handshake(input, now),
            State::Handshake => return Ok(Poll::Upgrade(Upgrade::Tls)),
            _ => {}
        }
        if self.pending != Pending::Nothing {
            return Ok(Poll::Blocked);
        }
        if self.state != State::Transaction && self.login_by.is_none() {
            self.login_by = Some(now + self.config.timeouts.login);
        }
        self.scanner.set_limit(self.line_limit(input));
        loop {
            match self.scanner.scan(input) {
                Scan::Line(line) => {
                    self.skipped = 0;
                    self.pace.frame();
                    return Ok(Poll::Frame(line.len));
                }
                Scan::TooLong => self.too_long()?,
                Scan::Skip(n) => return self.skip(n),
                _ => {
                    let begun = !input.is_empty() || self.scanner.is_skipping();
                    self.pace.wait(now, if begun { Wait::Frame } else { Wait::Idle });
                    return Ok(Poll::NeedInput { hint: 1 });
                }
            }
        }
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        let line = strip_line_end(frame);
        match self.state {
            State::Exchange => self.response(line),
            _ => self.command(line),
        }
    }

    fn frame_is_secret(&self) -> bool {
        self.secret
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        if self.pending != Pending::Nothing {
            return None;
        }
        match (self.pace.deadline(), self.login_by) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// "When the timer expires, [...] the server should close the TCP connection without removing any
    /// messages or sending any response to the client" (RFC 1939 section 3).
    fn handle_timeout(&mut self, now: Instant) {
        let late = match self.state {
            State::Handshake => self.login_by.is_some_and(|by| by <= now).then_some(Late::Handshake),
            State::Ended => None,
            _ if self.login_by.is_some_and(|by| by <= now) => Some(Late::Login),
            _ => self.pace.expired(now).map(Late::from),
        };
        if late.is_some() && self.pending == Pending::Nothing {
            self.end(late.map(Error::Timeout));
        }
    }

    fn upgraded(&mut self, transport: Upgraded) {
        if let Upgraded::Tls(info) = transport {
            self.begin_anew(info);
        }
    }
}

impl Server {
    fn greet(&mut self, now: Instant) {
        let timestamp = self.timestamp.as_ref().map(super::Timestamp::as_str);
        self.out.write_with(|out| Encoder::new(out).greeting(&self.config.greeting, timestamp));
        self.state = State::Authorization;
        self.login_by = Some(now + self.config.timeouts.login);
    }

    /// "A TLS negotiation begins immediately after the CRLF at the end of the +OK response" (RFC 2595
    /// section 4), and the client "MUST NOT issue further commands" before: what follows STLS
    /// in the clear is never read, and not left for the time after the handshake either.
    fn begin_handshake(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        if !input.is_empty() {
            self.put_err(None, "commands after STLS before its answer");
            self.end(Some(Error::PlaintextAfterStls));
            return Err(Error::PlaintextAfterStls);
        }
        self.put_ok("begin TLS negotiation");
        self.state = State::Handshake;
        self.pace.frame();
        self.login_by = Some(now + self.config.timeouts.stls);
        Ok(Poll::Upgrade(Upgrade::Tls))
    }

    /// AUTH lines may be longer than others: tokens are.
    fn line_limit(&self, input: &[u8]) -> usize {
        let limits = &self.config.limits;
        if input.len() < limits.line.min(limits.auth_line) {
            return limits.line; // of which nothing is exceeded
        }
        let is_auth = self.state == State::Exchange
            || (self.state != State::Transaction
                && input.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH ")));
        if is_auth { limits.auth_line } else { limits.line }
    }

    fn too_long(&mut self) -> Result<(), Error> {
        if self.state == State::Exchange {
            self.state = State::Authorization;
        }
        self.bad_command("the line is too long");
        self.error.map_or(Ok(()), Err)
    }

    fn skip(&mut self, n: usize) -> Result<Poll, Error> {
        self.skipped = self.skipped.saturating_add(n);
        if self.skipped > self.config.limits.skipped {
            self.end(Some(Error::EndlessLine));
            return Err(Error::EndlessLine);
        }
        if !self.scanner.is_skipping() {
            self.skipped = 0;
            self.pace.frame();
        }
        Ok(Poll::Skip(n))
    }

    pub(super) fn put_ok(&mut self, text: &str) {
        let utf8 = self.utf8;
        self.out.write_with(|out| Encoder::new(out).ok(text, utf8));
    }

    pub(super) fn put_err(&mut self, code: Option<RespCode>, text: &str) {
        let utf8 = self.utf8;
        self.out.write_with(|out| Encoder::new(out).err(code, text, utf8));
    }

    /// Refuses what is no command or has no place; too many of them, and the connection ends.
    pub(super) fn bad_command(&mut self, text: &str) {
        self.put_err(None, text);
        self.bad_commands = self.bad_commands.saturating_add(1);
        if self.bad_commands >= self.config.limits.bad_commands {
            self.end(Some(Error::BadCommands));
        }
    }
}
