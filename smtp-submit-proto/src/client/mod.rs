//! The connecting side.
//!
//! ```text
//!          greeting        hello                  mail          rcpt           data
//!   Start ─────────► (220) ──────► Ready ─────────────► Mail ───────► Rcpt ──────────► DataAsked
//!     ▲                              │ ▲                                                   │ 354, or all RCPT answered
//!     │ start_tls, handshake         │ └────── Ending ◄────────────────────────── Body ◄───┘
//!     └──────────────────────────────┘        Sent                     end_body    body*
//! ```

mod body;
mod command;
mod config;
#[cfg(test)]
mod dots;
mod event;
mod replies;

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};
use core::time::Duration;

use mail_wire::{
    DotEncoder, Instant, LineEnd, LineScanner, Machine, Misuse, OutputQueue, Poll, Scan, Upgrade, Upgraded,
};

use crate::{Capabilities, Reply, Verb, grammar};

pub use config::{Config, Timeouts};
pub use event::Event;

/// The client side of one SMTP or LMTP connection (RFC 5321, RFC 6409, RFC 2033).
///
/// Methods queue commands, and events are replies, in the order of the commands. Commands may be given
/// without waiting: with PIPELINING they go out together (RFC 2920), without it each waits in the output
/// for the reply to the one before. A method called out of order, or for what the server did not offer, is
/// [`Misuse`], and nothing is sent.
///
/// ```
/// use mail_wire::{Instant, Machine, Poll};
/// use smtp_submit_proto::{ForwardPath, MailParams, Mailbox, RcptParams, ReversePath, client};
///
/// let mut wire: &[u8] = b"220 mx.test\r\n250-mx.test\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n221 bye\r\n";
/// let mut client = client::Client::new(client::Config::new("me.test"));
/// let (me, you) = (Mailbox::parse("me@me.test")?, Mailbox::parse("you@mx.test")?);
/// client.hello()?;
/// loop {
///     match client.poll(wire, Instant::ZERO)? {
///         Poll::Frame(n) => {
///             let (frame, rest) = wire.split_at(n);
///             wire = rest;
///             match client.event(frame) {
///                 client::Event::Ready(_) => {
///                     client.mail(ReversePath::Mailbox(me), &MailParams::default())?;
///                     client.rcpt(ForwardPath::Mailbox(you), &RcptParams::default())?;
///                     client.data()?; // the three go out together
///                 }
///                 client::Event::BodyWanted => {
///                     client.body("Subject: hi\r\n\r\n.\r\n".into())?;
///                     client.end_body()?;
///                 }
///                 client::Event::Sent { reply, last: true, .. } => {
///                     assert_eq!(reply.code(), 250);
///                     client.quit()?;
///                 }
///                 _ => {}
///             }
///         }
///         Poll::Close => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// let sent = client.output().segments().collect::<Vec<_>>().concat();
/// assert!(sent.ends_with(b"DATA\r\nSubject: hi\r\n\r\n..\r\n.\r\nQUIT\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(test, derive(Clone, PartialEq))]
pub struct Client {
    config: Arc<Config>,
    out: OutputQueue,
    scanner: LineScanner,
    /// Octets of the present reply's lines that are whole.
    framed: usize,
    /// Its code.
    code: u16,
    mode: Mode,
    phase: Phase,
    frame: Frame,
    pending: VecDeque<Awaited>,
    deadline: Option<Instant>,
    late: bool,
    capabilities: Capabilities,
    encrypted: bool,
    /// EHLO is to be said once TLS is up.
    hello_waits: bool,
    authenticated: bool,
    /// Content is sent with BDAT.
    chunked: bool,
    dots: DotEncoder,
    /// MAIL said SMTPUTF8.
    utf8: bool,
    mail_refused: bool,
    /// RCPT commands of this transaction.
    recipients: u32,
    accepted: u32,
    /// With LMTP, who was accepted.
    accepted_indices: Vec<u32>,
    /// A chunk was refused.
    failed: bool,
}

impl core::fmt::Debug for Client {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Client")
            .field("mode", &self.mode)
            .field("phase", &self.phase)
            .field("pending", &self.pending)
            .field("encrypted", &self.encrypted)
            .field("authenticated", &self.authenticated)
            .finish_non_exhaustive()
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What the server sent is no reply.
    #[error("the server sent what is no reply")]
    Malformed,
    /// A reply longer than the limit.
    #[error("the server's reply is too long")]
    TooLong,
    /// A reply to nothing.
    #[error("the server sent a reply to no command")]
    Unexpected,
    /// Something followed the answer to STARTTLS in the clear: somebody may have put it there
    /// (RFC 3207 section 6).
    #[error("the server sent more in the clear after STARTTLS")]
    PlaintextAfterStartTls,
    /// The server was too slow.
    #[error("the server was too slow")]
    TimedOut,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Open,
    /// 220 to STARTTLS was read; nothing may follow it.
    TlsWanted,
    TlsReady,
    Closing,
}

/// Where the commands stand that were given; replies may be behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Before the answer to EHLO.
    Start,
    Ready,
    /// A challenge waits for its response.
    Challenged,
    /// An AUTH exchange is under way, and it is the server's turn.
    Auth,
    Mail,
    Rcpt,
    DataAsked,
    Body,
    Ending,
    /// QUIT was given.
    Over,
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Start => "EHLO is not answered yet",
            Self::Ready => "no transaction",
            Self::Challenged => "a challenge waits for its response",
            Self::Auth => "AUTH waits for the server",
            Self::Mail => "after MAIL",
            Self::Rcpt => "after RCPT",
            Self::DataAsked => "the content is not asked for yet",
            Self::Body => "within the content",
            Self::Ending => "the end of the content is not answered yet",
            Self::Over => "after QUIT",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Frame {
    None,
    Reply,
    /// No octets: all recipients are answered, and BDAT may begin.
    Go,
}

/// A reply that is to come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Awaited {
    what: Expect,
    /// The command waits behind a stop point in the output.
    stopped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expect {
    Greeting,
    Hello(Verb),
    StartTls,
    Auth,
    Mail,
    Rcpt(u32),
    Data,
    Chunk,
    End { recipient: Option<u32>, last: bool },
    Other(Verb),
    Quit,
}

impl Expect {
    /// Whether a command may follow in the same group (RFC 2920 section 3.1: "EHLO, DATA, VRFY, EXPN,
    /// TURN, QUIT, and NOOP can only appear as the last command in a group").
    const fn may_be_followed(self) -> bool {
        matches!(self, Self::Mail | Self::Rcpt(_) | Self::Chunk | Self::End { .. } | Self::Other(Verb::Rset))
    }

    const fn timeout(self, t: &Timeouts) -> Duration {
        match self {
            Self::Greeting => t.greeting,
            Self::Data => t.data,
            Self::Chunk => t.chunk,
            Self::End { .. } => t.end,
            _ => t.command,
        }
    }
}

impl Client {
    /// A connection that was just opened. Under implicit TLS, call [`upgraded`](Machine::upgraded) before
    /// the first [`poll`](Machine::poll).
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        Self {
            out: OutputQueue::new(),
            scanner: LineScanner::new(LineEnd::Strict, config.reply_limit),
            framed: 0,
            code: 0,
            mode: Mode::Open,
            phase: Phase::Start,
            frame: Frame::None,
            pending: VecDeque::from([Awaited { what: Expect::Greeting, stopped: false }]),
            deadline: None,
            late: false,
            capabilities: Capabilities::default(),
            encrypted: false,
            hello_waits: false,
            authenticated: false,
            chunked: false,
            dots: DotEncoder::default(),
            utf8: false,
            mail_refused: false,
            recipients: 0,
            accepted: 0,
            accepted_indices: Vec::new(),
            failed: false,
            config,
        }
    }

    /// What the server offers; nothing before [`Event::Ready`] and after STARTTLS.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether TLS is up.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether AUTH has succeeded.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// How many replies are to come.
    #[must_use]
    pub fn awaited(&self) -> usize {
        self.pending.len()
    }

    /// How many octets the scanner looked at.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.scanner.looked()
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
        self.mode = Mode::Closing;
        self.pending.clear();
        self.deadline = None;
    }

    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.out.clear_held();
        self.end();
        Err(error)
    }

    fn poll_reply(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        loop {
            let rest = input.get(self.framed..).unwrap_or(&[]);
            match self.scanner.scan(rest) {
                Scan::Line(line) => {
                    let text = line.len.checked_sub(line.end).and_then(|n| rest.get(..n)).unwrap_or(rest);
                    let Some((code, more, _)) = grammar::reply_line(text) else {
                        return self.fail(Error::Malformed);
                    };
                    if self.framed > 0 && code != self.code {
                        return self.fail(Error::Malformed);
                    }
                    self.code = code;
                    self.framed += line.len;
                    if self.framed > self.config.reply_limit {
                        return self.fail(Error::TooLong);
                    }
                    if !more {
                        self.frame = Frame::Reply;
                        self.deadline = None;
                        return Ok(Poll::Frame(core::mem::take(&mut self.framed)));
                    }
                }
                Scan::NeedInput => {
                    if self.deadline.is_none() {
                        let first = self.pending.front();
                        self.deadline = first.map(|a| now + a.what.timeout(&self.config.timeouts));
                    }
                    return Ok(Poll::NeedInput { hint: 1 });
                }
                _ => return self.fail(Error::TooLong),
            }
        }
    }
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
            Mode::TlsWanted if !input.is_empty() => self.fail(Error::PlaintextAfterStartTls),
            Mode::TlsWanted | Mode::TlsReady => {
                self.mode = Mode::TlsReady;
                Ok(Poll::Upgrade(Upgrade::Tls))
            }
            Mode::Open if self.phase == Phase::DataAsked && self.pending.is_empty() => {
                self.frame = Frame::Go;
                Ok(Poll::Frame(0))
            }
            Mode::Open if self.pending.is_empty() && self.framed == 0 && input.is_empty() => {
                Ok(Poll::NeedInput { hint: 1 })
            }
            Mode::Open => {
                let polled = self.poll_reply(input, now)?;
                // RFC 5321 section 3.8: 421 may come at any time, and nothing else may.
                if matches!(polled, Poll::Frame(_)) && self.pending.is_empty() && self.code != 421 {
                    return self.fail(Error::Unexpected);
                }
                Ok(polled)
            }
        }
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        match (core::mem::replace(&mut self.frame, Frame::None), Reply::parse(frame)) {
            (Frame::Reply, Some(reply)) => self.reply(reply),
            // Without a `poll` before it there is nothing to read.
            _ => self.go(),
        }
    }

    fn output(&mut self) -> &mut OutputQueue {
        &mut self.out
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.late = self.late || self.deadline.is_some_and(|at| at <= now);
    }

    fn upgraded(&mut self, transport: Upgraded) {
        let Upgraded::Tls(_) = transport else { return };
        self.encrypted = true;
        // RFC 3207 section 4.2: what was learnt in the clear is forgotten.
        self.capabilities = Capabilities::default();
        self.authenticated = false;
        self.phase = Phase::Start;
        self.mode = Mode::Open;
        if core::mem::take(&mut self.hello_waits) {
            // It can always be given here.
            let _ = self.hello();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scanner_looks_at_no_octet_twice() {
        let mut wire = b"220-".to_vec();
        wire.extend_from_slice(&[b'x'; 5000]);
        wire.extend_from_slice(b"\r\n220 y\r\n");
        wire.extend(b"250-EXT\r\n".repeat(500));
        wire.extend_from_slice(b"250 z\r\n421 bye\r\n");
        for step in [1, 2, 7, 64, 1000, wire.len()] {
            let mut client = Client::new(Config::new("me"));
            client.hello().unwrap();
            let (mut from, mut upto) = (0, 0);
            loop {
                match client.poll(&wire[from..upto], Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        let _ = client.event(&wire[from..from + n]);
                        from += n;
                    }
                    Poll::NeedInput { .. } => upto = (upto + step).min(wire.len()),
                    Poll::Close => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(from, wire.len());
            assert!(client.looked() <= wire.len() as u64, "{} of {}", client.looked(), wire.len());
        }
    }

    #[test]
    fn ehlo_given_after_starttls_waits_for_the_handshake() {
        let mut client = Client::new(Config::new("me"));
        client.hello().unwrap();
        for wire in [&b"220 x\r\n"[..], b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"] {
            let Poll::Frame(n) = client.poll(wire, Instant::ZERO).unwrap() else { panic!() };
            match client.event(&wire[..n]) {
                Event::Ready(_) => client.start_tls().unwrap(),
                Event::StartTls(_) => client.hello().unwrap(),
                _ => {}
            }
        }
        let sent = client.output().len();
        assert_eq!(client.poll(b"", Instant::ZERO), Ok(Poll::Upgrade(Upgrade::Tls)));
        assert_eq!(client.output().len(), sent, "nothing more in the clear");
        client.upgraded(Upgraded::Tls(mail_wire::TlsInfo::default()));
        let all = client.output().segments().collect::<Vec<_>>().concat();
        assert!(all.ends_with(b"STARTTLS\r\nEHLO me\r\n"));
    }

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Client>() <= 768, "{}", size_of::<Client>());
    }
}
