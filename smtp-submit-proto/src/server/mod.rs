//! The accepting side.
//!
//! ```text
//!            EHLO            MAIL             RCPT              DATA          CRLF.CRLF
//!   Start ─────────► Ready ─────────► Mail ─────────► Rcpt ──────────► (content) ─────► Ready
//!     ▲               │ ▲              │ RSET, EHLO     │  ▲ RCPT                        (250 or not)
//!     │ STARTTLS      │ └──────────────┴────────────────┘──┘
//!     └───────────────┤ AUTH
//!                     └──────► (exchange) ─► Ready
//! ```

mod answer;
mod chunk;
mod command;
mod config;
mod data;
#[cfg(test)]
mod dots;
mod event;
mod offer;
mod state;

use alloc::{boxed::Box, string::String, sync::Arc, vec::Vec};

use mail_wire::{
    DotDecoder, Instant, LineEnd, LineScanner, Machine, OutputQueue, Pace, Poll, Scan, TlsInfo, Upgrade,
    Upgraded, Wait,
};

use crate::{Rules, encode::ReplyWriter, status};

pub use config::{BareNewlines, Config, DeliverByOffer, FutureReleaseOffer, Limits, Mechanism};
pub use event::{Answered, DataRefusal, Event};

use chunk::Chunk;
use command::is_auth;
use data::Content;
use state::{Frame, Mode, Pending, Phase};

/// The server side of one SMTP submission connection (RFC 6409, RFC 5321).
///
/// It answers by itself all that needs no decision: EHLO, HELO, NOOP, RSET, HELP, QUIT, STARTTLS, faulty
/// and misplaced commands, sizes over the limit. What needs one is an [`Event`], to be answered by
/// exactly one of the answering methods; a wrong one is [`Misuse`](mail_wire::Misuse), and nothing is written.
///
/// | event | answers |
/// |---|---|
/// | `Auth`, `AuthResponse` | [`challenge`](Self::challenge), [`authenticated`](Self::authenticated), [`refuse`](Self::refuse) |
/// | `Mail` | [`accept_mail`](Self::accept_mail), `refuse` |
/// | `Rcpt` | [`accept_rcpt`](Self::accept_rcpt), `refuse` |
/// | `DataBegin` | [`accept_data`](Self::accept_data), `refuse` |
/// | `DataChunk` | none wanted; `refuse` has the rest drained |
/// | `DataEnd` | [`end_accepted`](Self::end_accepted), `refuse`, with LMTP [`end_recipient`](Self::end_recipient) |
/// | `Vrfy`, `Expn` | [`reply`](Self::reply), `refuse` |
/// | `Xclient` | [`accept_xclient`](Self::accept_xclient), `refuse` |
///
/// [`close`](Self::close) is allowed at any time but during the handshake.
#[cfg_attr(test, derive(Clone, PartialEq))]
pub struct Server {
    config: Arc<Config>,
    rules: Rules,
    out: OutputQueue,
    scanner: LineScanner,
    dots: DotDecoder,
    pace: Pace,
    mode: Mode,
    phase: Phase,
    pending: Pending,
    frame: Frame,
    /// What EHLO or HELO said; empty before.
    client: String,
    extended: bool,
    tls: Option<Box<TlsInfo>>,
    authenticated: bool,
    /// The last frame was an AUTH line.
    secret: bool,
    recipients: u32,
    /// A recipient was refused in this transaction.
    refused_recipient: bool,
    bad_commands: u32,
    auth_failures: u32,
    skipped: u64,
    content: Content,
    chunk: Chunk,
    /// `BODY=BINARYMIME` holds for this transaction.
    binary: bool,
    /// `SMTPUTF8` does.
    utf8: bool,
    /// MAIL commands so far.
    transactions: u32,
    /// Recipients whose reply after the content was given (LMTP).
    replied: u32,
}

impl core::fmt::Debug for Server {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Server")
            .field("mode", &self.mode)
            .field("phase", &self.phase)
            .field("pending", &self.pending)
            .field("tls", &self.tls.is_some())
            .field("authenticated", &self.authenticated)
            .finish_non_exhaustive()
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Commands followed STARTTLS in the clear: somebody may have put them there (RFC 3207 section 6).
    #[error("the client sent more in the clear after STARTTLS")]
    PlaintextAfterStartTls,
}

impl Server {
    /// A connection that was just opened. Under implicit TLS, call
    /// [`upgraded`](Machine::upgraded) before the first [`poll`](Machine::poll).
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        Self {
            rules: Rules {
                auth: !config.mechanisms.is_empty(),
                tolerances: config.tolerances,
                chunking: config.chunking,
                binary_mime: config.chunking && config.binary_mime,
                dsn: config.dsn,
                smtp_utf8: config.smtp_utf8,
                deliver_by: config.deliver_by.is_some(),
                future_release: config.future_release.is_some(),
                mt_priority: config.mt_priority.is_some(),
                lmtp: config.lmtp,
                ..Rules::default()
            },
            out: OutputQueue::new(),
            scanner: LineScanner::new(LineEnd::Strict, config.limits.command_line),
            dots: DotDecoder::new(),
            pace: Pace::new(config.pace),
            mode: Mode::Greeting,
            phase: Phase::Start,
            pending: Pending::Nothing,
            frame: Frame::None,
            client: String::new(),
            extended: false,
            tls: None,
            authenticated: false,
            secret: false,
            recipients: 0,
            refused_recipient: false,
            bad_commands: 0,
            auth_failures: 0,
            skipped: 0,
            content: Content::default(),
            chunk: Chunk::default(),
            binary: false,
            utf8: false,
            transactions: 0,
            replied: 0,
            config,
        }
    }

    /// Changes the mechanisms of this connection alone: they may depend on who connects, or on TLS.
    pub fn set_mechanisms(&mut self, mechanisms: Vec<Mechanism>) {
        self.rules.auth = !mechanisms.is_empty();
        Arc::make_mut(&mut self.config).mechanisms = mechanisms;
    }

    /// The peer is a trusted front end, and may speak for others with XCLIENT: before the first
    /// [`poll`](Machine::poll).
    pub const fn trust_front_end(&mut self) {
        self.rules.xclient = true;
    }

    /// What the client called itself in EHLO or HELO; `None` before. Printable ASCII without spaces, and
    /// not otherwise to be trusted.
    #[must_use]
    pub fn client_name(&self) -> Option<&str> {
        (!self.client.is_empty()).then_some(&*self.client)
    }

    /// Whether the client said EHLO: ESMTP, not SMTP.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.extended
    }

    /// What is known of the TLS connection; `None` where it is not one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether TLS is up.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether TLS has the client's certificate.
    pub(crate) fn has_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.peer_certificate.is_some())
    }

    /// Whether AUTH has succeeded.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// Whether a transaction is open.
    #[must_use]
    pub const fn in_transaction(&self) -> bool {
        matches!(self.phase, Phase::Mail | Phase::Rcpt | Phase::Chunks)
    }

    /// How many octets the scanners looked at.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.scanner.looked() + self.dots.looked()
    }

    const fn writer(&mut self) -> ReplyWriter<'_> {
        ReplyWriter::new(&mut self.out)
    }

    /// `Greeting = "220 " (Domain / address-literal) [ SP textstring ] CRLF` (RFC 5321 section 4.2)
    fn greet(&mut self) {
        let config = &self.config;
        let parts = [config.hostname.as_bytes(), b" ", config.greeting.as_bytes()];
        ReplyWriter::new(&mut self.out).line(220, b' ', &parts);
        self.mode = Mode::Command;
    }

    /// 421 with the server's name, as RFC 5321 section 4.2.2 wants it, and the end.
    fn closing(&mut self, status: crate::Status, text: &str) {
        let text = alloc::format!("{} {text}", self.config.hostname);
        if self.mode == Mode::Greeting {
            self.writer().plain(status.code(), &text);
        } else {
            self.writer().reply(status, &text);
        }
        self.mode = Mode::Closing;
        self.pending = Pending::Nothing;
        self.pace.frame();
    }

    /// The transaction is over, however it went.
    const fn end_transaction(&mut self) {
        if self.in_transaction() {
            self.phase = Phase::Ready;
        }
        self.recipients = 0;
        self.refused_recipient = false;
        self.replied = 0;
        self.binary = false;
        self.utf8 = false;
        self.chunk.active = false;
    }

    /// The replies that the end of the content still wants (RFC 2033 section 4.2).
    const fn replies_due(&self) -> u32 {
        if self.config_is_lmtp() { self.recipients.saturating_sub(self.replied) } else { 1 }
    }

    const fn config_is_lmtp(&self) -> bool {
        self.rules.lmtp
    }

    fn poll_line(&mut self, input: &[u8], now: Instant) -> Poll {
        if input.is_empty() && !self.scanner.is_skipping() {
            self.pace.wait(now, Wait::Idle);
            return Poll::NeedInput { hint: 1 };
        }
        let limits = &self.config.limits;
        // Which limit it is matters to what exceeds the lesser one.
        let of_auth = input.len() >= limits.command_line.min(limits.auth_line)
            && (self.mode == Mode::AuthResponse || is_auth(input));
        self.scanner.set_limit(if of_auth { limits.auth_line } else { limits.command_line });
        let skipping = self.scanner.is_skipping();
        match self.scanner.scan(input) {
            Scan::Line(line) => self.found(Frame::Line(line.end), line.len),
            Scan::TooLong => self.found(Frame::TooLong, 0),
            Scan::Skip(n) => {
                self.skipped = self.skipped.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
                if self.skipped > self.config.limits.drained {
                    self.closing(status::TOO_MANY_ERRORS, "the line does not end");
                    return Poll::Close;
                }
                if !self.scanner.is_skipping() {
                    self.pace.frame();
                }
                Poll::Skip(n)
            }
            _ => {
                let begun = skipping || !input.is_empty();
                self.pace.wait(now, if begun { Wait::Frame } else { Wait::Idle });
                Poll::NeedInput { hint: 1 }
            }
        }
    }

    /// Where more has come than an octet within a line.
    fn poll_anew(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        if self.mode == Mode::Greeting {
            self.greet();
        }
        if self.pending != Pending::Nothing {
            return Ok(Poll::Blocked);
        }
        Ok(match self.mode {
            Mode::Greeting | Mode::Command | Mode::AuthResponse => self.poll_line(input, now),
            Mode::Data => self.poll_data(input, now),
            Mode::Chunk => self.poll_chunk(input, now),
            Mode::TlsWanted if input.is_empty() => {
                self.writer().reply(status::READY_FOR_TLS, "ready to start TLS");
                self.mode = Mode::TlsReady;
                Poll::Upgrade(Upgrade::Tls)
            }
            Mode::TlsWanted => {
                self.closing(status::TOO_MANY_ERRORS, "STARTTLS must be the last command in the clear");
                return Err(Error::PlaintextAfterStartTls);
            }
            Mode::TlsReady => Poll::Upgrade(Upgrade::Tls),
            Mode::Closing => Poll::Close,
        })
    }

    const fn found(&mut self, frame: Frame, len: usize) -> Poll {
        self.pace.frame();
        self.frame = frame;
        Poll::Frame(len)
    }
}

impl Machine for Server {
    type Event<'b> = Event<'b>;
    type Error = Error;

    #[inline]
    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Error> {
        // Within a line nothing is pending, and the line is waited for already.
        if matches!(self.mode, Mode::Command | Mode::AuthResponse) && self.scanner.is_one_more(input) {
            return Ok(Poll::NeedInput { hint: 1 });
        }
        self.poll_anew(input, now)
    }

    fn event<'b>(&mut self, frame: &'b [u8]) -> Event<'b> {
        self.secret = false;
        match core::mem::replace(&mut self.frame, Frame::None) {
            Frame::Line(end) => {
                let line = frame.len().checked_sub(end).and_then(|n| frame.get(..n)).unwrap_or(frame);
                if self.mode == Mode::AuthResponse { self.auth_line(line) } else { self.command(line) }
            }
            Frame::TooLong => self.too_long(),
            Frame::Chunk => Event::DataChunk(frame),
            Frame::EndOfData => self.end_of_data(),
            Frame::EndOfChunk => self.end_of_chunk(),
            // Without a `poll` before it there is nothing to read.
            Frame::None => Event::Answered(Answered { command: None, code: 0 }),
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
        if self.pace.expired(now).is_some() {
            self.closing(status::TIMED_OUT, "timed out");
        }
    }

    fn upgraded(&mut self, transport: Upgraded) {
        let Upgraded::Tls(info) = transport else { return };
        // RFC 3207 section 4.2: all that was learnt in the clear is forgotten.
        self.tls = Some(Box::new(info));
        self.authenticated = false;
        self.extended = false;
        self.client = String::new();
        self.phase = Phase::Start;
        self.recipients = 0;
        self.refused_recipient = false;
        self.pending = Pending::Nothing;
        self.content = Content::default();
        self.chunk = Chunk::default();
        self.rules.require_tls = self.config.require_tls;
        self.scanner.reset();
        if self.mode != Mode::Greeting {
            self.mode = Mode::Command;
        }
    }
}

/// A refusal to be sent after the end of the content.
type Refusal = Box<(crate::Status, String)>;

#[cfg(test)]
mod tests {
    use super::*;

    /// DESIGN: for any split, the scanner sees each octet at most once.
    #[test]
    fn each_octet_is_looked_at_once() {
        let mut wire = Vec::new();
        wire.extend_from_slice(b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
        for _ in 0..200 {
            wire.extend_from_slice(b"a line of text, not very long\r\n..dots\r\n\r\n.\n");
        }
        wire.extend_from_slice(b"\r\n.\r\nNOOP ");
        wire.resize(wire.len() + 5000, b'x');
        wire.extend_from_slice(b"\r\nAUTH PLAIN AAAA\r\nQUIT\r\n");
        for piece in [1, 2, 3, 7, 64, 1000, wire.len()] {
            let mut config = Config::new("x");
            config.auth_required = false;
            let mut server = Server::new(config);
            let (mut from, mut upto) = (0, 0);
            while upto < wire.len() || from < upto {
                match server.poll(&wire[from..upto], Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        match server.event(&wire[from..from + n]) {
                            Event::Mail { .. } => server.accept_mail().unwrap(),
                            Event::Rcpt { .. } => server.accept_rcpt().unwrap(),
                            Event::DataBegin => server.accept_data().unwrap(),
                            Event::DataEnd { .. } => server.end_accepted("").unwrap(),
                            _ => {}
                        }
                        from += n;
                    }
                    Poll::Skip(n) => from += n,
                    Poll::Close => break,
                    _ => upto = (upto + piece).min(wire.len()),
                }
            }
            assert_eq!(from, wire.len());
            assert!(server.looked() <= wire.len() as u64, "{} of {}", server.looked(), wire.len());
        }
    }

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<Server>() <= 512, "{}", size_of::<Server>());
    }
}
