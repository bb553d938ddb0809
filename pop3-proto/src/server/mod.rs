//! The machine of the accepting side.

mod answer;
mod config;
#[cfg(test)]
mod dots;
mod event;
mod handle;
mod machine;
mod state;

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use mail_wire::{
    DotEncoder, Instant, LineEnd, LineScanner, OutputQueue, Pace, PaceLimits, Stuffing, TlsInfo, Wait,
};

pub use config::{Config, Limits, Passwords, Timeouts, Timestamp};
pub use event::{Answered, Event};
pub use state::{ALLOWED, State, StateSet};

use crate::types::{CommandKind, LoginDelay, Retention};

/// A POP3 server's side of one connection.
///
/// ```text
///            greeting           USER            PASS, APOP, AUTH: logged_in
///   Start ─────────────► AUTHORIZATION ◄──► after USER ──────────► TRANSACTION ──QUIT──► UPDATE, ended
///                          │  ▲    │  ▲                                 │
///                    STLS  ▼  │    ▼  │ challenge / response           RETR, TOP: begin_body body* end_body
///                     handshake    SASL exchange                        LIST, UIDL: begin_list ...* end_list
/// ```
///
/// It is driven as [`Machine`](mail_wire::Machine) says; [`ALLOWED`] is the table of commands and states. What it can
/// answer without the host it answers: USER, NOOP, STLS, UTF8, QUIT before login, and whatever is
/// no command or has no place. The other commands are [`Event`]s, and each is answered by the
/// methods its documentation names. A method called out of order is [`Misuse`](mail_wire::Misuse), and
/// nothing is written.
///
/// An idle connection costs the size of this value and no heap but the name of USER.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq))]
pub struct Server {
    config: Arc<Config>,
    timestamp: Option<Timestamp>,
    state: State,
    pending: Pending,
    /// Why the connection ended, where it was not the client's QUIT.
    error: Option<Error>,
    scanner: LineScanner,
    /// Octets of the present over-long line that were dropped.
    skipped: usize,
    pace: Pace,
    login_by: Option<Instant>,
    dots: DotEncoder,
    out: OutputQueue,
    /// The name that USER gave.
    user: Vec<u8>,
    tls: Option<Box<TlsInfo>>,
    passwords: Passwords,
    utf8: bool,
    secret: bool,
    bad_commands: u16,
    failed_logins: u16,
    /// EXPIRE and LOGIN-DELAY for this user.
    expire: Option<Retention>,
    login_delay: Option<LoginDelay>,
}

/// What the host owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    /// Nothing: the next frame may come.
    Nothing,
    /// The answer to this command.
    Answer(CommandKind),
    /// The answer to LIST, UIDL or LANG without an argument.
    List(CommandKind),
    /// More lines of that answer, or its end.
    InList(CommandKind),
    /// More of a message, or its end.
    InBody,
}

impl Pending {
    const fn name(self, state: State) -> &'static str {
        match self {
            Self::Nothing => state.name(),
            Self::Answer(kind) => kind.keyword(),
            Self::List(_) => "list not begun",
            Self::InList(_) => "within a list",
            Self::InBody => "within a message",
        }
    }
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client was silent for too long, or did not log in. It is told nothing (RFC 1939 section 3).
    #[error("the client was too slow with {0}")]
    Timeout(Late),
    /// Too many lines that are no commands, or have no place.
    #[error("too many bad commands")]
    BadCommands,
    /// Too many refused logins.
    #[error("too many refused logins")]
    FailedLogins,
    /// An endless line.
    #[error("an endless line")]
    EndlessLine,
    /// Octets followed STLS before the handshake: perhaps somebody on the way put them there.
    #[error("plaintext after STLS")]
    PlaintextAfterStls,
}

/// What a client was too slow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Late {
    /// Logging in.
    Login,
    /// The next command.
    Command,
    /// The rest of a line.
    Line,
    /// The TLS handshake.
    Handshake,
}

impl core::fmt::Display for Late {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Login => "the login",
            Self::Command => "the next command",
            Self::Line => "the rest of a line",
            Self::Handshake => "the TLS handshake",
        })
    }
}

impl From<Wait> for Late {
    fn from(wait: Wait) -> Self {
        match wait {
            Wait::Frame => Self::Line,
            _ => Self::Command,
        }
    }
}

impl Server {
    /// A machine for a new connection. The greeting is queued at the first `poll`; where TLS was there
    /// from the start, `upgraded` comes before.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        let end = if config.tolerance.bare_lf { LineEnd::Lenient } else { LineEnd::Strict };
        let Timeouts { idle, line, .. } = config.timeouts;
        Self {
            timestamp: None,
            state: State::Start,
            pending: Pending::Nothing,
            error: None,
            scanner: LineScanner::new(end, config.limits.line),
            skipped: 0,
            pace: Pace::new(PaceLimits { idle, frame: line, ..PaceLimits::default() }),
            login_by: None,
            dots: DotEncoder::new(config.stuffing),
            out: OutputQueue::new(),
            user: Vec::new(),
            tls: None,
            passwords: config.passwords,
            utf8: false,
            secret: false,
            bad_commands: 0,
            failed_logins: 0,
            expire: None,
            login_delay: None,
            config,
        }
    }

    /// The same with APOP: `timestamp` stands in the greeting, and differs for every connection
    /// (RFC 1939 section 7). Before the first `poll`.
    #[must_use]
    pub fn with_apop(self, timestamp: Timestamp) -> Self {
        Self { timestamp: Some(timestamp), ..self }
    }

    /// The timestamp of the greeting.
    #[must_use]
    pub const fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    /// The name that USER gave, as long as PASS may follow or is being answered. Empty otherwise.
    #[must_use]
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// What is known of the TLS connection, where it is one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Changes where USER and PASS may be given, for this connection and from now on.
    pub const fn set_passwords(&mut self, passwords: Passwords) {
        self.passwords = passwords;
    }

    /// Whether the client is in UTF-8 mode (RFC 6856 section 2.1).
    #[must_use]
    pub const fn utf8(&self) -> bool {
        self.utf8
    }

    /// Where the session stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// How many octets the scanner has looked at.
    #[cfg(any(test, feature = "count"))]
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.scanner.looked()
    }

    /// Whether USER and PASS may be given now.
    const fn passwords_allowed(&self) -> bool {
        match self.passwords {
            Passwords::Never => false,
            Passwords::TlsOnly => self.tls.is_some(),
            Passwords::Always => true,
        }
    }

    /// Nothing is read from here on.
    fn end(&mut self, error: Option<Error>) {
        self.state = State::Ended;
        self.pending = Pending::Nothing;
        self.error = self.error.or(error);
        self.pace.frame();
        self.login_by = None;
        self.forget_user();
    }

    fn forget_user(&mut self) {
        self.user = Vec::new();
        if self.state == State::UserGiven {
            self.state = State::Authorization;
        }
    }

    /// What was learnt in the clear is forgotten (RFC 2595 section 4: "the server remains in
    /// AUTHORIZATION state").
    fn begin_anew(&mut self, tls: TlsInfo) {
        let fresh = Self::new(Arc::clone(&self.config));
        let out = core::mem::take(&mut self.out);
        *self = Self {
            timestamp: self.timestamp.take(),
            state: if self.state == State::Start { State::Start } else { State::Authorization },
            out,
            tls: Some(Box::new(tls)),
            passwords: self.passwords,
            bad_commands: self.bad_commands,
            failed_logins: self.failed_logins,
            ..fresh
        };
    }

    fn stuffing(&self) -> Stuffing {
        self.config.stuffing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail_wire::{Machine, Poll};

    #[test]
    fn the_scanner_looks_at_no_octet_twice() {
        let mut wire = b"CAPA\r\nUSER ".to_vec();
        wire.extend_from_slice(&[b'x'; 30_000]);
        wire.extend_from_slice(b"\r\nAUTH PLAIN ");
        wire.extend_from_slice(&[b'A'; 12_000]);
        wire.extend_from_slice(b"\r\nNOOP\r\nQUIT\r\n");
        for step in [1, 2, 7, 64, 1000, wire.len()] {
            let mut server = Server::new(Arc::new(Config::default()));
            let (mut from, mut to) = (0, 0);
            loop {
                match server.poll(&wire[from..to], Instant::ZERO).unwrap() {
                    Poll::Frame(n) => {
                        match server.event(&wire[from..from + n]) {
                            Event::Answered(_) => {}
                            _ => server.err(None, "no").unwrap(),
                        }
                        from += n;
                    }
                    Poll::Skip(n) => from += n,
                    Poll::NeedInput { .. } if to == wire.len() => break,
                    Poll::NeedInput { .. } => to = (to + step).min(wire.len()),
                    Poll::Close => break,
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(from, wire.len());
            assert!(server.looked() <= wire.len() as u64, "{} of {} in {step}", server.looked(), wire.len());
        }
    }

    #[test]
    fn an_idle_machine_is_small() {
        let size = size_of::<Server>();
        assert!(size <= 512, "{size}");
    }
}
