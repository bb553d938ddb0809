//! What a client hears.

use alloc::boxed::Box;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use mail_wire::{Instant, Machine, OutputQueue, Poll, Upgrade, Upgraded, Wait};

use super::{
    event::{Event, Tag},
    framer::Part,
    known::ServerCapabilities,
    machine::{AppendStep, Client, Fatal, Framed, IdleStep, Turn, after},
};
use crate::{
    encode::MalformedResponse,
    grammar::response::{Begun, counted_tag, head, tail},
    server::State,
    types::{
        Capabilities, CapabilityList, Code, CommandKind, Quirks, Response, ResponseCode, ResponseText,
        SecretBuf, Status,
    },
};

/// Of servers that leave the padding out.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Machine for Client {
    type Event<'b> = Event<'b>;
    type Error = Fatal;

    #[inline]
    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Fatal> {
        // Nothing is awaited but the rest of the line: not even the deadline changes.
        if self.framer.takes(input) {
            return Ok(Poll::NeedInput { hint: 1 });
        }
        self.poll_on(input, now)
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.frame_is_secret = false;
        match core::mem::replace(&mut self.framed, Framed::None) {
            Framed::Whole => self.response(frame),
            Framed::Head => match head(frame, self.reading()) {
                Ok((_, (Some(Begun { number, uid: false }), items, literal))) => {
                    Event::FetchBegin { number, items, literal }
                }
                Ok((_, (Some(Begun { number: uid, .. }), items, literal))) => {
                    Event::UidFetchBegin { uid, items, literal }
                }
                Ok((_, (None, items, literal))) => Event::FetchNext { items, literal },
                Err(_) => {
                    self.dropping = true;
                    Event::Invalid { reason: "A FETCH response cannot be read", frame }
                }
            },
            Framed::Chunk => Event::FetchChunk(frame),
            Framed::Tail => match tail(frame, self.reading()) {
                Ok(items) => Event::FetchEnd { items },
                Err(fault) => Event::Invalid { reason: fault.0, frame },
            },
            Framed::None => Event::Invalid { reason: "There was no such frame", frame },
        }
    }

    fn frame_is_secret(&self) -> bool {
        self.frame_is_secret
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        match self.turn {
            Turn::Idle { step: IdleStep::Idling { until }, .. } => {
                Some(self.pace.deadline().map_or(until, |d| d.min(until)))
            }
            _ => self.pace.deadline(),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.framer.wake();
        if let Turn::Idle { step, .. } = &mut self.turn
            && let IdleStep::Idling { until } = *step
            && until <= now
        {
            *step = IdleStep::Renewing;
            self.out.put(b"DONE\r\n");
            return;
        }
        self.timed_out |= self.pace.expired(now).is_some();
    }

    fn upgraded(&mut self, transport: Upgraded) {
        let info = match transport {
            Upgraded::Tls(info) => info,
            Upgraded::Deflate => return self.deflated(),
            _ => return,
        };
        self.tls = Some(Box::new(info));
        // RFC 9051 section 6.2.1: "the client MUST discard cached information about server capabilities".
        self.known = None;
        if matches!(self.turn, Turn::Upgrading) {
            self.turn = Turn::Ready;
            self.state = State::NotAuthenticated;
            self.enabled = Capabilities::NONE;
            // They are to be asked for anew (RFC 9051 section 6.2.1); the answer also tells the host that TLS is up.
            self.issue(CommandKind::Capability, true, |out| out.extend_from_slice(b"CAPABILITY"));
        }
    }
}

impl Client {
    /// What [`poll`](Machine::poll) does with more than one octet of a line.
    fn poll_on(&mut self, input: &[u8], now: Instant) -> Result<Poll, Fatal> {
        self.now = now;
        match self.turn {
            Turn::Closing => return Ok(Poll::Close),
            Turn::Upgrading if input.is_empty() => return Ok(Poll::Upgrade(Upgrade::Tls)),
            Turn::Upgrading => return Err(Fatal::PlaintextAfterStartTls),
            // What follows in the input is compressed: the driver hands it to the other side of DEFLATE.
            _ if self.deflating => return Ok(Poll::Upgrade(Upgrade::Deflate)),
            Turn::Sasl { asked: true, .. } => return Ok(Poll::Blocked),
            _ => {}
        }
        if self.timed_out {
            return Err(Fatal::TimedOut);
        }
        let part = self.framer.poll(input);
        let (framed, n) = match part {
            Part::Need(hint) => {
                self.wait(input.is_empty(), now);
                return Ok(Poll::NeedInput { hint });
            }
            Part::TooLong => return Err(Fatal::TooLong),
            Part::Whole(n) => (Framed::Whole, n),
            Part::Head(n) => (Framed::Head, n),
            Part::Tail(n) => (Framed::Tail, n),
            Part::Chunk(n) => (Framed::Chunk, n),
        };
        if framed == Framed::Chunk {
            self.pace.payload(now, n);
        } else {
            self.pace.frame();
        }
        if self.dropping && framed != Framed::Whole {
            self.dropping = framed != Framed::Tail;
            return Ok(Poll::Skip(n));
        }
        self.framed = framed;
        Ok(Poll::Frame(n))
    }

    /// Both directions are compressed from here (RFC 4978).
    fn deflated(&mut self) {
        if core::mem::take(&mut self.deflating) {
            self.compressed = true;
            self.promote();
        }
    }

    fn wait(&mut self, nothing: bool, now: Instant) {
        let sending = matches!(self.turn, Turn::Append { step: AppendStep::Sending(_), .. });
        let idling = matches!(self.turn, Turn::Idle { step: IdleStep::Idling { .. }, .. });
        let owed = !self.in_flight.is_empty() || matches!(self.turn, Turn::Greeting);
        if self.framer.in_payload() {
            self.pace.wait(now, Wait::Payload);
        } else if !nothing {
            self.pace.wait(now, Wait::Frame);
        } else if owed && !sending && !idling {
            self.pace.wait(now, Wait::Idle);
        } else {
            self.pace.frame();
        }
    }

    fn response<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        let response = match Response::parse(frame, self.reading()) {
            Ok(response) => response,
            Err(MalformedResponse(reason)) => return Event::Invalid { reason, frame },
        };
        match response {
            Response::Condition { status, text } if matches!(self.turn, Turn::Greeting) => {
                self.learn_from(&text);
                match status {
                    Status::PreAuth => self.state = State::Authenticated,
                    Status::Bye => self.state = State::Logout,
                    _ => {}
                }
                self.turn = if status == Status::Bye { Turn::Closing } else { Turn::Ready };
                Event::Greeting { status, text }
            }
            Response::Condition { status, text } => {
                self.learn_from(&text);
                // RFC 9051 section 7.1: closed for a SELECT, which may still fail, or by the server.
                if text.code == Some(ResponseCode::Plain(Code::Closed)) && self.state == State::Selected {
                    self.state = State::Authenticated;
                }
                if status == Status::Bye && !self.in_flight.iter().any(|c| c.kind == CommandKind::Logout) {
                    self.state = State::Logout;
                    self.turn = Turn::Closing;
                }
                Event::Response(response)
            }
            Response::Capability(list) => {
                self.learn(list);
                self.fresh = self.config.quirks.contains(Quirks::CAPABILITY_DURING_LOGIN);
                Event::Response(response)
            }
            Response::Enabled(list) => {
                self.enabled |= list.known();
                Event::Response(response)
            }
            Response::Continue(text) => self.continued(text),
            Response::Tagged { tag, status, text } => self.tagged(tag, status, text, frame),
            _ => Event::Response(response),
        }
    }

    fn learn(&mut self, list: CapabilityList<'_>) {
        self.known = Some(Box::new(ServerCapabilities::new(list)));
        self.fresh = true;
    }

    fn learn_from(&mut self, text: &ResponseText<'_>) {
        if let Some(ResponseCode::Capability(list)) = text.code {
            self.learn(list);
        }
    }

    /// `+`: for a literal, else for what has the connection for itself.
    fn continued<'b>(&mut self, text: ResponseText<'b>) -> Event<'b> {
        let unpadded = self.config.quirks.contains(Quirks::UNPADDED_BASE64);
        if let Some((tag, waits)) = self.waiting {
            self.out.release();
            self.waiting = if waits > 1 { Some((tag, waits - 1)) } else { None };
            self.promote();
            return self.append_goes_on().unwrap_or(Event::Continued);
        }
        match &mut self.turn {
            Turn::Sasl { asked, initial } => {
                self.frame_is_secret = true;
                if let Some(initial) = initial.take() {
                    self.sasl_line(&initial);
                    return Event::Continued;
                }
                let base64 = if unpadded { &UNPADDED } else { &STANDARD };
                match base64.decode(text.words) {
                    Ok(challenge) => {
                        *asked = true;
                        Event::Challenge(SecretBuf::new(challenge))
                    }
                    Err(_) => {
                        self.out.put(b"*\r\n");
                        Event::BadChallenge
                    }
                }
            }
            Turn::Idle { step: IdleStep::Asked { done: true }, .. } => {
                self.out.put(b"DONE\r\n");
                self.turn = Turn::Ready;
                Event::Continued
            }
            Turn::Idle { step, .. } if matches!(step, IdleStep::Asked { .. }) => {
                *step = IdleStep::Idling { until: self.now + self.config.timeouts.idle };
                Event::Idling
            }
            _ => Event::Continue(text),
        }
    }

    /// Where nothing of APPEND is held any more, its message can be sent.
    fn append_goes_on(&mut self) -> Option<Event<'static>> {
        let Turn::Append { tag, step: AppendStep::Waiting, .. } = self.turn else { return None };
        if self.is_held(tag) {
            return None;
        }
        let len = self.append_len;
        if let Turn::Append { step, .. } = &mut self.turn {
            *step = AppendStep::Sending(len);
        }
        Some(Event::AppendReady)
    }

    fn tagged<'b>(
        &mut self,
        tag: &str,
        status: Status,
        text: ResponseText<'b>,
        frame: &'b [u8],
    ) -> Event<'b> {
        let number = counted_tag(tag, b'A');
        let at = self.in_flight.iter().position(|c| Some(c.tag) == number);
        let Some(command) = at.and_then(|at| self.in_flight.remove(at)) else {
            return Event::Invalid { reason: "No command has this tag", frame };
        };
        self.learn_from(&text);
        if self.waiting.is_some_and(|(tag, _)| tag == command.tag) {
            // The server refused the literal: its octets, and what follows them, are not sent.
            self.out.clear_held();
            self.waiting = None;
            self.promote();
        }
        let renewed = self.over(command.tag, status);
        self.moves(command.kind, status);
        // What waited behind this command may have been the present APPEND: it is asked for by `append_ready`.
        _ = self.append_goes_on();
        if let Some(tag) = renewed {
            return Event::IdleRenewed(tag);
        }
        Event::Done { tag: Tag(command.tag), kind: command.kind, status, text }
    }

    /// A command is over that may have had the connection for itself. The tag of an IDLE that takes its place.
    fn over(&mut self, tag: u32, status: Status) -> Option<Tag> {
        match &mut self.turn {
            Turn::Sasl { .. } => self.turn = Turn::Ready,
            Turn::Tls => self.turn = if status == Status::Ok { Turn::Upgrading } else { Turn::Ready },
            Turn::Compress => {
                self.turn = Turn::Ready;
                self.deflating = status == Status::Ok;
            }
            Turn::Append { tag: append, step, .. } if *append == tag => match *step {
                AppendStep::Sending(left) | AppendStep::Owed(left) => *step = AppendStep::Owed(left),
                AppendStep::Waiting => self.turn = Turn::Ready,
            },
            Turn::Idle { tag: idle, step } if *idle == tag => {
                if *step == IdleStep::Renewing && status == Status::Ok {
                    return Some(self.begin_idle());
                }
                self.turn = Turn::Ready;
            }
            _ => {}
        }
        None
    }

    /// What a command's end does to the connection's state (RFC 9051 section 3).
    fn moves(&mut self, kind: CommandKind, status: Status) {
        match (kind, status) {
            // RFC 9051 section 6.3.2: a SELECT that fails leaves no mailbox selected.
            (CommandKind::Select | CommandKind::Examine, Status::No) => self.state = State::Authenticated,
            (CommandKind::Login | CommandKind::Authenticate, Status::Ok) => {
                self.state = State::Authenticated;
                if !self.fresh {
                    // RFC 9051 section 6.2.3: what the server can do may have changed.
                    self.known = None;
                }
            }
            (CommandKind::Logout, _) => {
                self.state = State::Logout;
                self.turn = Turn::Closing;
            }
            (CommandKind::Unauthenticate, Status::Ok) => {
                // RFC 8437 section 4: what was enabled is no more, and the capabilities are others.
                self.state = State::NotAuthenticated;
                self.enabled = Capabilities::NONE;
                self.known = None;
                self.fresh = false;
            }
            (kind, Status::Ok) => self.state = after(kind, self.state),
            _ => {}
        }
    }
}
