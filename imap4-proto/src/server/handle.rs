//! What the machine reads: frames, and what they do to the state.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mail_wire::{Instant, Machine, OutputQueue, Poll, Upgrade, Upgraded, Wait};
use zeroize::Zeroizing;

use super::{
    allowed::{State, allowed},
    append::fits,
    event::{Answered, Event},
    framer::{Part, Refusal},
    machine::{Fatal, Framed, Greeting, Server, Tag, Turn},
};
use crate::{
    grammar::{self, Context},
    types::{Capabilities, Code, Command, CommandKind, SecretBuf},
};

impl Machine for Server {
    type Event<'b> = Event<'b>;
    type Error = Fatal;

    #[inline]
    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Fatal> {
        // While nothing is awaited but the rest of a line, not even the deadline changes. It stands alone here: with all else in one
        // function, what that needs of the stack would be paid for each octet.
        if self.turn == Turn::Ready && self.framer.takes(input) {
            return Ok(Poll::NeedInput { hint: 1 });
        }
        self.poll_line(input, now)
    }

    #[inline]
    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.frame_is_secret = false;
        let framed = mem::replace(&mut self.framed, Framed::None);
        if framed == Framed::Line && self.turn == Turn::Ready {
            return self.command_frame(frame, framed);
        }
        match (framed, self.turn) {
            (Framed::Chunk, _) => Event::AppendChunk(frame),
            (Framed::Refused(why), turn) => self.refuse_frame(frame, why, turn),
            (_, Turn::Sasl) => self.sasl_response(frame),
            (_, Turn::Idling) => self.idle_line(frame),
            (framed, Turn::Payload) => self.append_goes_on(frame, framed),
            (framed, _) => self.command_frame(frame, framed),
        }
    }

    fn frame_is_secret(&self) -> bool {
        self.frame_is_secret
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        let pace = self.pace.deadline()?;
        match self.login_until {
            Some(login) if self.state == State::NotAuthenticated => Some(pace.min(login)),
            _ => Some(pace),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.turn != Turn::Closing && self.deadline().is_some_and(|d| d <= now) {
            self.pace.frame();
            // RFC 9051 section 5.4: the autologout timer.
            self.shutdown("Autologout; idle for too long");
        }
    }

    fn upgraded(&mut self, transport: Upgraded) {
        let info = match transport {
            Upgraded::Tls(info) => info,
            Upgraded::Deflate => return self.deflated(),
            _ => return,
        };
        self.tls = Some(Box::new(info));
        if self.turn == Turn::Upgrading {
            // RFC 9051 section 6.2.1: nothing learnt in the clear is kept.
            self.turn = Turn::Ready;
            self.state = State::NotAuthenticated;
            self.enabled = Capabilities::NONE;
            self.apply_limits();
        }
    }
}

impl Server {
    /// What [`poll`](Machine::poll) does with an octet of a command's name, and with a command that is one line.
    #[inline(never)]
    fn poll_line(&mut self, input: &[u8], now: Instant) -> Result<Poll, Fatal> {
        if self.turn == Turn::Ready {
            if self.framer.takes_name(input) {
                return Ok(Poll::NeedInput { hint: 1 });
            }
            if let Some(n) = self.framer.plain_line(input) {
                self.framed = Framed::Line;
                self.pace.frame();
                return Ok(Poll::Frame(n));
            }
        }
        self.poll_on(input, now)
    }

    /// What it does with all else.
    fn poll_on(&mut self, input: &[u8], now: Instant) -> Result<Poll, Fatal> {
        match self.turn {
            Turn::Ready | Turn::Payload | Turn::Sasl | Turn::Idling => {}
            Turn::Answering | Turn::Deciding => return Ok(Poll::Blocked),
            Turn::Closing => return Ok(Poll::Close),
            Turn::Upgrading if input.is_empty() => return Ok(Poll::Upgrade(Upgrade::Tls)),
            Turn::Deflating if input.is_empty() => return Ok(Poll::Upgrade(Upgrade::Deflate)),
            Turn::Deflating => {
                // No BYE: what the client reads next is compressed.
                self.close();
                return Err(Fatal::PlaintextAfterCompress);
            }
            Turn::Upgrading => {
                // No BYE: the handshake is what the client reads next.
                self.close();
                return Err(Fatal::PlaintextAfterStartTls);
            }
            Turn::Greeting => {
                self.greet(now);
                if self.turn == Turn::Closing {
                    return Ok(Poll::Close);
                }
            }
        }
        let (framed, n) = loop {
            match self.framer.poll(input) {
                Part::Line(n) => break (Framed::Line, n),
                Part::Head(n) => break (Framed::Head, n),
                Part::Closed(n) => break (Framed::Closed, n),
                Part::Refuse(n, why) => break (Framed::Refused(why), n),
                Part::Chunk(n) => {
                    self.framed = Framed::Chunk;
                    self.pace.payload(now, n);
                    return Ok(Poll::Frame(n));
                }
                Part::Skip(n) => return Ok(Poll::Skip(n)),
                Part::GoAhead => self.out.put(b"+ Ready for literal data\r\n"),
                Part::Need(hint) => {
                    let wait = if self.framer.in_payload() {
                        Wait::Payload
                    } else if input.is_empty() {
                        Wait::Idle
                    } else {
                        Wait::Frame
                    };
                    self.pace.wait(now, wait);
                    if self.login_until.is_none() {
                        // After UNAUTHENTICATE, anew.
                        self.login_until = Some(now + self.config.timeouts.login);
                    }
                    return Ok(Poll::NeedInput { hint });
                }
                Part::Fatal => {
                    self.bye("The literal is too long");
                    return Err(Fatal::LiteralTooLong);
                }
            }
        };
        self.framed = framed;
        self.pace.frame();
        Ok(Poll::Frame(n))
    }

    /// `greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF`
    #[cold]
    fn greet(&mut self, now: Instant) {
        let config = self.config.clone();
        self.login_until = Some(now + config.timeouts.login);
        self.turn = Turn::Ready;
        match self.greeting {
            Greeting::Ok => self.condition(b" OK ", Some(Code::Capability), &config.greeting),
            Greeting::PreAuth => self.condition(b" PREAUTH ", Some(Code::Capability), &config.greeting),
            Greeting::Bye => self.bye(&config.greeting),
        }
    }

    /// Both directions are compressed from here (RFC 4978).
    fn deflated(&mut self) {
        if self.turn == Turn::Deflating {
            self.turn = Turn::Ready;
            self.compressed = true;
            self.on = self.on.without(Capabilities::UNAUTHENTICATE);
        }
    }

    pub(super) fn context(&self) -> Context {
        Context { on: self.on, utf8: self.utf8() }
    }

    /// A frame that begins with a tag.
    #[inline]
    fn command_frame<'b>(&mut self, frame: &'b [u8], framed: Framed) -> Event<'b> {
        let is_head = framed != Framed::Line;
        let Ok((rest, tag)) = grammar::tag(frame) else {
            return self.reject_untagged("A tag is missing", is_head);
        };
        if self.tag.set(frame, tag.len()).is_none() {
            return self.reject_untagged("The tag is too long", is_head);
        }
        if self.utf8() && !grammar::string::quoted_is_utf8(frame) {
            return self.reject("What stands in quotes is not valid UTF-8", is_head);
        }
        let [b' ', rest @ ..] = rest else { return self.reject("A command is missing", is_head) };
        if is_head {
            return self.command_head(rest, framed);
        }
        match grammar::command(rest, self.context()) {
            Ok((rest, command)) => match grammar::line_end(rest) {
                Ok(_) => self.command_event(command),
                Err(e) => self.reject(reason(&e), false),
            },
            Err(e) => self.reject(reason(&e), false),
        }
    }

    /// A command that begins a message, after its tag.
    #[inline(never)]
    fn command_head<'b>(&mut self, rest: &'b [u8], framed: Framed) -> Event<'b> {
        match grammar::head(rest, self.context()) {
            Ok(([], (replaces, mailbox, message))) if fits(message.catenate.as_ref(), framed) => {
                self.append_begins(replaces, mailbox, message)
            }
            Ok(_) => self.reject("A literal has no place here", true),
            Err(e) => self.reject(reason(&e), true),
        }
    }

    /// A command that is well formed.
    #[inline]
    fn command_event<'b>(&mut self, command: Command<'b>) -> Event<'b> {
        let kind = command.kind();
        self.frame_is_secret = matches!(kind, CommandKind::Login | CommandKind::Authenticate);
        if !allowed(kind, self.state) {
            return self.out_of_place(kind);
        }
        if self.enabled.contains(Capabilities::UIDONLY) && needs_numbers(&command) {
            return self.uid_required(kind);
        }
        self.bad_commands = 0;
        self.kind = Some(kind);
        self.idle_done = false;
        self.turn = Turn::Answering;
        match command {
            Command::Capability => {
                let listing = self.listing();
                self.out.write_with(|out| {
                    out.extend_from_slice(b"* ");
                    listing.write(out);
                    out.extend_from_slice(b"\r\n");
                });
                self.tagged(b" OK ", None, "CAPABILITY completed");
                Event::Answered(Answered::Done(kind))
            }
            Command::StartTls => self.start_tls(),
            Command::Compress if self.compressed => {
                // RFC 4978 section 3: BAD, where COMPRESS is active.
                self.tagged(b" BAD ", Some(Code::CompressionActive), "DEFLATE is active already");
                Event::Answered(Answered::OutOfPlace(kind))
            }
            Command::Compress => {
                self.tagged(b" OK ", None, "DEFLATE active");
                self.turn = Turn::Deflating;
                Event::Answered(Answered::Done(kind))
            }
            Command::MultiSearch(search) if self.state != State::Selected && search.needs_selected() => {
                self.out_of_place(kind)
            }
            Command::Notify(notify) => {
                self.expunges_at_once.1 = notify.expunges_at_once();
                Event::Command(command)
            }
            Command::Login { .. } if !self.login_allowed() => self.encryption_required(),
            Command::Authenticate { mechanism, initial } => self.authenticate(mechanism, initial),
            Command::Select(_) => {
                if self.state == State::Selected {
                    // RFC 9051 section 6.3.2: the mailbox selected before is deselected whatever becomes of the new one.
                    self.state = State::Authenticated;
                    self.condition(b" OK ", Some(Code::Closed), "Previous mailbox is now closed");
                }
                Event::Command(command)
            }
            _ => Event::Command(command),
        }
    }

    fn start_tls<'b>(&mut self) -> Event<'b> {
        if self.tls.is_some() || !self.config.starttls {
            return self.out_of_place(CommandKind::StartTls);
        }
        self.tagged(b" OK ", None, "Begin TLS negotiation now");
        self.turn = Turn::Upgrading;
        Event::Answered(Answered::Done(CommandKind::StartTls))
    }

    /// RFC 9051 section 11.7: refused even if the password is right.
    fn encryption_required<'b>(&mut self) -> Event<'b> {
        self.tagged(b" NO ", Some(Code::PrivacyRequired), "Plaintext logins are disabled here");
        Event::Answered(Answered::EncryptionRequired)
    }

    fn authenticate<'b>(&mut self, mechanism: &'b str, initial: Option<&'b [u8]>) -> Event<'b> {
        let certificate = self.has_certificate();
        let mut known = self.mechanisms().iter().filter(|m| certificate || !m.certificate);
        match known.find(|m| m.name.eq_ignore_ascii_case(mechanism)) {
            None => {
                self.tagged(b" NO ", Some(Code::Cannot), "This mechanism is not offered");
                return Event::Answered(Answered::MechanismNotOffered);
            }
            Some(m) if m.tls_only && self.tls.is_none() => return self.encryption_required(),
            Some(_) => {}
        }
        let initial = match initial {
            None => None,
            // RFC 4959 section 3: "=" is an empty response.
            Some(b"=") => Some(SecretBuf::new(Vec::new())),
            Some(text) => match decoded(text) {
                Some(octets) => Some(octets),
                None => return self.reject("The initial response is no base64", false),
            },
        };
        Event::Auth { mechanism, initial }
    }

    /// `base64 CRLF`, or `*` to cancel (RFC 9051 section 6.2.2).
    fn sasl_response<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.frame_is_secret = true;
        self.turn = Turn::Answering;
        let text = strip_line_end(frame);
        if text == b"*" {
            self.tagged(b" BAD ", None, "Authentication cancelled");
            return Event::AuthCancel;
        }
        match decoded(text) {
            Some(octets) => Event::AuthResponse(octets),
            None => {
                self.reject("The response is no base64", false);
                Event::AuthCancel
            }
        }
    }

    /// `"DONE" CRLF` (RFC 9051 section 6.3.13)
    fn idle_line<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.turn = Turn::Answering;
        if strip_line_end(frame).eq_ignore_ascii_case(b"DONE") {
            self.idle_done = true;
            Event::IdleDone
        } else {
            self.reject("Expected DONE", false);
            Event::IdleAbort
        }
    }

    /// A frame over a limit, or with a literal that is not allowed.
    #[cold]
    fn refuse_frame<'b>(&mut self, frame: &'b [u8], why: Refusal, turn: Turn) -> Event<'b> {
        let why = match why {
            Refusal::LineTooLong => "The line is too long",
            Refusal::LiteralTooLong => "The literal is too long",
            Refusal::NotSynchronizing => "A non-synchronizing literal of this length is not allowed",
        };
        match turn {
            Turn::Payload => {
                self.reject(why, false);
                Event::AppendAbort
            }
            Turn::Sasl => {
                self.frame_is_secret = true;
                self.reject(why, false);
                Event::AuthCancel
            }
            Turn::Idling => {
                self.reject(why, false);
                Event::IdleAbort
            }
            _ => {
                // It may be a password that is too long.
                self.frame_is_secret = self.state == State::NotAuthenticated;
                match grammar::tag(frame) {
                    Ok((_, tag)) if self.tag.set(frame, tag.len()).is_some() => self.reject(why, false),
                    _ => self.reject_untagged(why, false),
                }
            }
        }
    }

    fn reject_untagged<'b>(&mut self, why: &'static str, is_head: bool) -> Event<'b> {
        self.tag = Tag::NONE;
        self.reject(why, is_head)
    }

    /// Answers BAD, and ends the connection after too many.
    #[cold]
    pub(super) fn reject<'b>(&mut self, why: &'static str, is_head: bool) -> Event<'b> {
        if is_head {
            self.framer.refuse();
        }
        self.tagged(b" BAD ", None, why);
        self.count_bad();
        Event::Answered(Answered::Syntax(why))
    }

    #[cold]
    pub(super) fn out_of_place<'b>(&mut self, kind: CommandKind) -> Event<'b> {
        let why = match self.state {
            _ if kind == CommandKind::StartTls => "STARTTLS is not offered here",
            State::NotAuthenticated => "Log in first",
            State::Authenticated if allowed(kind, State::Selected) => "Select a mailbox first",
            _ => "Already logged in",
        };
        self.tagged(b" BAD ", None, why);
        self.count_bad();
        Event::Answered(Answered::OutOfPlace(kind))
    }

    /// RFC 9586 section 3
    #[cold]
    pub(super) fn uid_required<'b>(&mut self, kind: CommandKind) -> Event<'b> {
        self.tagged(
            b" BAD ",
            Some(Code::UidRequired),
            "Message numbers are not allowed once UIDONLY is enabled",
        );
        self.count_bad();
        Event::Answered(Answered::UidRequired(kind))
    }

    fn count_bad(&mut self) {
        self.bad_commands = self.bad_commands.saturating_add(1);
        if self.bad_commands >= self.config.limits.bad_commands {
            self.bye("Too many bad commands");
        }
    }
}

/// Whether a command has message numbers in it, or answers with them (RFC 9586 section 3).
#[cold]
fn needs_numbers(command: &Command<'_>) -> bool {
    match command {
        Command::Fetch(f) => !f.uid,
        Command::Store(s) => !s.uid,
        Command::Copy { uid, .. } | Command::Move { uid, .. } => !uid,
        Command::Search(s) => !s.uid || s.key.has_numbers(),
        Command::Sort(s) => !s.search.uid || s.search.key.has_numbers(),
        Command::Thread(t) => !t.search.uid || t.search.key.has_numbers(),
        Command::MultiSearch(m) => m.search.key.has_numbers(),
        Command::Select(s) => s.qresync.is_some_and(|q| q.sequence_match.is_some()),
        _ => false,
    }
}

/// Base64 as it stands on the wire. What was decoded before a fault is wiped.
fn decoded(text: &[u8]) -> Option<SecretBuf> {
    let mut octets = Zeroizing::new(Vec::with_capacity(text.len() + 4));
    STANDARD.decode_vec(text, &mut octets).ok()?;
    Some(SecretBuf::new(mem::take(&mut *octets)))
}

/// The line without CRLF or LF.
fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

pub(super) const fn reason(e: &nom::Err<grammar::Fault>) -> &'static str {
    match e {
        nom::Err::Error(f) | nom::Err::Failure(f) => f.0,
        nom::Err::Incomplete(_) => "The command is cut short",
    }
}
