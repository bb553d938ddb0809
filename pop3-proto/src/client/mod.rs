//! The machine of the connecting side.

mod capabilities;
mod command;
#[cfg(test)]
mod dots;
mod event;
mod response;

use alloc::{collections::VecDeque, vec::Vec};
use core::time::Duration;

use mail_wire::{
    Dot, DotDecoder, Instant, LineEnd, LineScanner, Machine, Misuse, OutputQueue, Pace, PaceLimits, Poll,
    Scan, Upgrade, Upgraded, Wait,
};
use zeroize::Zeroizing;

pub use capabilities::Capabilities;
pub use event::Event;

use crate::types::{CommandKind, MessageNumber};

/// How a [`Client`] behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Commands go out together where PIPELINING is offered (RFC 2449 section 6.6). On by default.
    pub pipelining: bool,
    /// USER, PASS and AUTH may be given without TLS. Off by default.
    pub login_in_clear: bool,
    /// The longest line of a response in octets, CRLF included; not of a message.
    pub line: usize,
    /// How long the server may take for a line.
    pub reply: Duration,
    /// How slow a message may come: grace and rate.
    pub pace: PaceLimits,
}

impl Default for Config {
    /// 8 KiB a line (RFC 2449 has 512), 10 minutes for it.
    fn default() -> Self {
        Self {
            pipelining: true,
            login_in_clear: false,
            line: 8192,
            reply: Duration::from_secs(600),
            pace: PaceLimits::default(),
        }
    }
}

/// The client side of one POP3 connection (RFC 1939 and its extensions).
///
/// ```text
///   Start ──greeting──► AUTHORIZATION ──user──► (+OK) ──pass──► TRANSACTION ──quit──► closed
///                          │ ▲    │ apop, auth (challenge / response)  ▲
///                     stls ▼ │    └────────────────────────────────────┘
///                     handshake
/// ```
///
/// Methods queue commands, events are responses in the order of the commands. Commands may be given
/// without waiting: with PIPELINING they go out together, without it each waits in the output for the response
/// to the one before. A message comes as `BodyBegin`, `BodyChunk`s and `BodyEnd`; no more of it is held than was
/// read. A method out of order is [`Misuse`], and nothing is sent.
///
/// ```
/// use mail_wire::{Instant, Machine, Poll};
/// use pop3_proto::{MessageNumber, Secret, client::{Client, Config, Event}};
///
/// let mut config = Config::default();
/// config.login_in_clear = true; // for this example; the default wants TLS
/// let mut client = Client::new(config);
/// let mut wire: &[u8] = b"+OK ready\r\n+OK\r\n+OK welcome\r\n+OK 8 octets\r\n..\r\nab\r\n.\r\n+OK bye\r\n";
/// let mut message = Vec::new();
/// loop {
///     match client.poll(wire, Instant::ZERO)? {
///         Poll::Frame(n) => {
///             let (frame, rest) = wire.split_at(n);
///             wire = rest;
///             match client.event(frame) {
///                 Event::Greeting { .. } => client.user(b"tim")?,
///                 Event::Ok { .. } => client.pass(Secret::new(b"tan staaf"))?,
///                 Event::LoggedIn(_) => client.retr(MessageNumber::new(1).unwrap())?,
///                 Event::BodyChunk(octets) => message.extend_from_slice(octets),
///                 Event::BodyEnd { .. } => client.quit()?,
///                 _ => {}
///             }
///         }
///         Poll::Skip(n) => wire = &wire[n..],
///         Poll::Close => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// assert_eq!(message, b".\r\nab\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(test, derive(Clone, PartialEq))]
pub struct Client {
    config: Config,
    out: OutputQueue,
    scanner: LineScanner,
    dots: DotDecoder,
    pace: Pace,
    mode: Mode,
    /// CAPA is to be given after the handshake.
    capa_waits: bool,
    phase: Phase,
    reading: Reading,
    frame: Frame,
    pending: VecDeque<Awaited>,
    late: bool,
    encrypted: bool,
    capabilities: Capabilities,
    /// CAPA's lines so far.
    collected: Capabilities,
    /// An initial response that did not fit into AUTH's line.
    initial: Option<Zeroizing<Vec<u8>>>,
    /// The frame was a challenge.
    secret: bool,
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("mode", &self.mode)
            .field("phase", &self.phase)
            .field("pending", &self.pending)
            .field("encrypted", &self.encrypted)
            .finish_non_exhaustive()
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the server sent is no response.
    #[error("the server sent what is no response")]
    Malformed,
    /// A line of a response longer than the limit.
    #[error("the server's line is too long")]
    TooLong,
    /// A response to nothing.
    #[error("the server sent a response to no command")]
    Unexpected,
    /// Something followed the answer to STLS in the clear: perhaps somebody on the way put it there.
    #[error("the server sent more in the clear after STLS")]
    PlaintextAfterStls,
    /// The server was too slow.
    #[error("the server was too slow")]
    TimedOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    TlsWanted,
    TlsReady,
    Closing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Authorization,
    /// USER was accepted.
    UserGiven,
    /// An exchange is under way, and it is the server's turn.
    Exchange,
    /// A challenge waits for its response.
    Challenged,
    Transaction,
    /// QUIT was given.
    Over,
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "before the greeting",
            Self::Authorization => "before login",
            Self::UserGiven => "after USER",
            Self::Exchange => "AUTH waits for the server",
            Self::Challenged => "a challenge waits for its response",
            Self::Transaction => "after login",
            Self::Over => "after QUIT",
        }
    }
}

/// What the next octets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// A first line.
    Status,
    /// Lines up to the termination octet.
    List(CommandKind),
    Body,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    None,
    /// A line with so many octets of line end.
    Line(usize),
    ListEnd,
    Chunk,
    BodyEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Awaited {
    what: Expect,
    /// The command waits behind a stop point in the output.
    stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Greeting,
    One(CommandKind),
    List(CommandKind),
    Body(CommandKind, MessageNumber),
}

impl Expect {
    const fn kind(self) -> Option<CommandKind> {
        match self {
            Self::Greeting => None,
            Self::One(kind) | Self::List(kind) | Self::Body(kind, _) => Some(kind),
        }
    }
}

impl Client {
    /// A connection that was just opened. Under implicit TLS, call [`upgraded`](Machine::upgraded) before the
    /// first [`poll`](Machine::poll).
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            out: OutputQueue::new(),
            scanner: LineScanner::new(LineEnd::Strict, config.line),
            dots: DotDecoder::new(),
            pace: Pace::new(PaceLimits { idle: config.reply, frame: config.reply, ..config.pace }),
            mode: Mode::Open,
            capa_waits: false,
            phase: Phase::Start,
            reading: Reading::Status,
            frame: Frame::None,
            pending: VecDeque::from([Awaited { what: Expect::Greeting, stopped: false }]),
            late: false,
            encrypted: false,
            capabilities: Capabilities::default(),
            collected: Capabilities::default(),
            initial: None,
            secret: false,
            config,
        }
    }

    /// What the server answered to the last CAPA; nothing before it and after STLS.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether TLS is up.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// How many responses are to come.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.pending.len()
    }

    /// How many octets the scanners looked at.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.scanner.looked() + self.dots.looked()
    }

    const fn misuse<T>(&self, called: &'static str) -> Result<T, Misuse> {
        let state = match self.mode {
            Mode::Open => self.phase.name(),
            Mode::TlsWanted | Mode::TlsReady => "the TLS handshake is due",
            Mode::Closing => "the connection closes",
        };
        Err(Misuse { called, state })
    }

    fn end(&mut self) {
        self.out.clear_held();
        self.mode = Mode::Closing;
        self.pending.clear();
        self.pace.frame();
        self.initial = None;
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.end();
        Err(error)
    }

    fn found(&mut self, frame: Frame, len: usize) -> Poll {
        self.pace.frame();
        self.frame = frame;
        Poll::Frame(len)
    }

    fn poll_line(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        match self.scanner.scan(input) {
            Scan::Line(line) => {
                let text = line.len.checked_sub(line.end).and_then(|n| input.get(..n)).unwrap_or(input);
                match self.reading {
                    Reading::List(_) if text == b"." => Ok(self.found(Frame::ListEnd, line.len)),
                    Reading::List(CommandKind::Capa) => {
                        self.pace.frame();
                        self.collected.line(unstuffed(text));
                        Ok(Poll::Skip(line.len))
                    }
                    Reading::List(_) => Ok(self.found(Frame::Line(line.end), line.len)),
                    _ if self.pending.is_empty() => self.fail(Error::Unexpected),
                    _ if crate::grammar::status(text).is_none() => self.fail(Error::Malformed),
                    _ => Ok(self.found(Frame::Line(line.end), line.len)),
                }
            }
            Scan::NeedInput => {
                if !self.pending.is_empty() || self.reading != Reading::Status {
                    self.pace.wait(now, Wait::Frame);
                }
                Ok(Poll::NeedInput { hint: 1 })
            }
            _ => self.fail(Error::TooLong),
        }
    }

    /// RFC 1939 section 3: the end is CRLF.CRLF, and a dot at the start of a line is dropped.
    fn poll_body(&mut self, input: &[u8], now: Instant) -> Poll {
        match self.dots.step(input) {
            Dot::Payload(n) => {
                self.pace.payload(now, n);
                self.frame = Frame::Chunk;
                Poll::Frame(n)
            }
            Dot::Skip(n) => Poll::Skip(n),
            Dot::End(n) => self.found(Frame::BodyEnd, n),
            _ => {
                self.pace.wait(now, Wait::Payload);
                Poll::NeedInput { hint: 1 }
            }
        }
    }
}

/// A line of a list without the dot that was stuffed.
fn unstuffed(line: &[u8]) -> &[u8] {
    line.strip_prefix(b".").unwrap_or(line)
}

impl Machine for Client {
    type Event<'b> = Event<'b>;
    type Error = Error;

    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        if core::mem::take(&mut self.late) {
            return self.fail(Error::TimedOut);
        }
        match self.mode {
            Mode::Closing => Ok(Poll::Close),
            Mode::TlsWanted if !input.is_empty() => self.fail(Error::PlaintextAfterStls),
            Mode::TlsWanted | Mode::TlsReady => {
                self.mode = Mode::TlsReady;
                Ok(Poll::Upgrade(Upgrade::Tls))
            }
            Mode::Open if self.reading == Reading::Body => Ok(self.poll_body(input, now)),
            Mode::Open => self.poll_line(input, now),
        }
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.secret = false;
        match core::mem::replace(&mut self.frame, Frame::None) {
            Frame::Line(end) => {
                let line = frame.len().checked_sub(end).and_then(|n| frame.get(..n)).unwrap_or(frame);
                match self.reading {
                    Reading::List(kind) => response::listing(kind, unstuffed(line)),
                    _ => self.status(line),
                }
            }
            Frame::ListEnd => self.list_end(),
            Frame::Chunk => Event::BodyChunk(frame),
            Frame::BodyEnd => {
                let bare_newline = self.dots.saw_bare();
                self.next();
                Event::BodyEnd { bare_newline }
            }
            // Without a `poll` before it there is nothing to read.
            Frame::None => Event::BodyChunk(&[]),
        }
    }

    fn frame_is_secret(&self) -> bool {
        self.secret
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        self.pace.deadline()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.late = self.late || self.pace.expired(now).is_some();
    }

    fn upgraded(&mut self, transport: Upgraded) {
        let Upgraded::Tls(_) = transport else { return };
        self.encrypted = true;
        // RFC 2595 section 4: what was learnt in the clear is forgotten.
        self.capabilities = Capabilities::default();
        if self.phase != Phase::Start {
            self.phase = Phase::Authorization;
        }
        self.mode = Mode::Open;
        self.scanner.reset();
        if core::mem::take(&mut self.capa_waits) {
            // It cannot be out of order: nothing else is under way.
            let _ = self.capa();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Secret;

    #[test]
    fn the_scanners_look_at_no_octet_twice() {
        let mut wire = b"+OK ".to_vec();
        wire.extend_from_slice(&[b'x'; 5000]);
        wire.extend_from_slice(b"\r\n+OK\r\n+OK\r\n+OK\r\n");
        wire.extend(b"1 2\r\n".repeat(500));
        wire.extend_from_slice(b".\r\n+OK\r\n");
        wire.extend(b"..a\r\nb\r\n".repeat(500));
        wire.extend_from_slice(b".\r\n");
        for step in [1, 2, 7, 64, 1000, wire.len()] {
            let mut client = Client::new(Config { login_in_clear: true, ..Config::default() });
            let (mut from, mut upto) = (0, 0);
            loop {
                match client.poll(&wire[from..upto], Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        match client.event(&wire[from..from + n]) {
                            Event::Greeting { .. } => client.user(b"a").unwrap(),
                            Event::Ok { .. } => client.pass(Secret::new(b"b")).unwrap(),
                            Event::LoggedIn(_) => {
                                client.list(None).unwrap();
                                client.retr(MessageNumber::new(1).unwrap()).unwrap();
                            }
                            _ => {}
                        }
                        from += n;
                    }
                    Poll::Skip(n) => from += n,
                    Poll::NeedInput { .. } if upto == wire.len() => break,
                    Poll::NeedInput { .. } => upto = (upto + step).min(wire.len()),
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(from, wire.len());
            assert!(client.looked() <= wire.len() as u64, "{} of {}", client.looked(), wire.len());
        }
    }

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Client>() <= 768, "{}", size_of::<Client>());
    }
}
