use alloc::{boxed::Box, sync::Arc, vec::Vec};
use core::fmt;

use mail_wire::{Instant, OutputQueue, Pace, PaceLimits, TlsInfo};

use super::{
    allowed::State,
    config::{Config, Mechanism, Passwords},
    fetch::FetchState,
    framer::{Bounds, Framer, Refusal},
    listing::Listing,
};
use crate::types::{AppendMessage, Capabilities, CatenatePart, Code, CommandKind};

/// What the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first poll.
    Greeting,
    /// The client: a command.
    Ready,
    /// The host: an answer.
    Answering,
    /// The host: whether it takes a message.
    Deciding,
    /// The client: octets of a message, or what follows it.
    Payload,
    /// The client: a SASL response.
    Sasl,
    /// The client: DONE.
    Idling,
    /// The driver: TLS.
    Upgrading,
    /// The driver: DEFLATE.
    Deflating,
    /// The driver: the end.
    Closing,
}

impl Turn {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "before the greeting",
            Self::Ready => "no command in progress",
            Self::Answering => "a command in progress",
            Self::Deciding => "a message waits for a decision",
            Self::Payload => "reading a message",
            Self::Sasl => "waiting for a SASL response",
            Self::Idling => "IDLE",
            Self::Upgrading => "STARTTLS",
            Self::Deflating => "COMPRESS",
            Self::Closing => "closing",
        }
    }
}

/// What the frame that `poll` found is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    None,
    Line,
    Head,
    /// It ends with the parenthesis that closes CATENATE.
    Closed,
    Chunk,
    Refused(Refusal),
}

/// The parentheses that are open around a message of APPEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AppendOpen {
    /// `CATENATE (` (RFC 4469)
    pub(crate) catenate: bool,
    /// `UTF8 (` (RFC 6855)
    pub(crate) utf8: bool,
}

impl AppendOpen {
    pub(crate) const NONE: Self = Self { catenate: false, utf8: false };

    /// What closes them.
    pub(crate) const fn close(self) -> &'static [u8] {
        match (self.utf8, self.catenate) {
            (false, false) => b"",
            (true, true) => b"))",
            _ => b")",
        }
    }

    /// After the head of a message.
    pub(crate) const fn of(message: &AppendMessage<'_>) -> Self {
        // The head's own word, where there are parts too: see its `utf8`.
        Self { catenate: matches!(&message.catenate, Some(part) if part.text.is_some()), utf8: message.utf8 }
    }

    /// After a part of a message.
    pub(crate) const fn of_part(part: &CatenatePart<'_>) -> Self {
        Self { catenate: part.text.is_some(), utf8: part.utf8 }
    }
}

/// A command's tag, of up to 64 octets.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    octets: [u8; Self::MOST],
    len: u8,
}

impl Tag {
    const MOST: usize = 64;
    pub(super) const NONE: Self = Self { octets: [b'*'; Self::MOST], len: 1 };

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or(b"*")
    }

    /// The tag that these octets begin with, of this length.
    #[inline]
    pub(super) fn set(&mut self, frame: &[u8], len: usize) -> Option<()> {
        // Mostly it is short, and a copy of constant size is one move.
        match (self.octets.first_chunk_mut::<8>(), frame.first_chunk::<8>()) {
            (Some(to), Some(octets)) if len <= 8 => *to = *octets,
            _ => self.octets.get_mut(..len)?.copy_from_slice(frame.get(..len)?),
        }
        self.len = u8::try_from(len).ok()?;
        Some(())
    }

    #[inline]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self.octets.first_chunk::<8>() {
            Some(octets) if self.len <= 8 => {
                out.extend_from_slice(octets);
                out.truncate(out.len() - octets.len() + usize::from(self.len));
            }
            _ => out.extend_from_slice(self.as_bytes()),
        }
    }
}

/// What there is no more once the connection is compressed.
pub(super) const COMPRESSED: Capabilities = Capabilities::COMPRESS_DEFLATE.and(Capabilities::UNAUTHENTICATE);

/// Why the connection cannot go on. BYE is in the output already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fatal {
    /// The client sent more of a refused non-synchronizing literal than is read and dropped.
    #[error("a refused literal is too long to be dropped")]
    LiteralTooLong,
    /// Octets followed STARTTLS before the handshake: they could be an attacker's.
    #[error("plaintext followed STARTTLS")]
    PlaintextAfterStartTls,
    /// Octets followed COMPRESS before its answer (RFC 4978 section 3): they are not compressed.
    #[error("plaintext followed COMPRESS")]
    PlaintextAfterCompress,
}

/// The accepting side of one IMAP connection. See [the module](super) for its states.
///
/// [`poll`](mail_wire::Machine::poll) and [`event`](mail_wire::Machine::event) read; the other methods write answers. The machine itself answers
/// CAPABILITY and STARTTLS, commands that are none, and those that have no place in the present state.
pub struct Server {
    pub(super) config: Arc<Config>,
    /// Mechanisms that replace the configured ones.
    mechanisms: Option<Arc<[Mechanism]>>,
    pub(super) framer: Framer,
    pub(super) out: OutputQueue,
    pub(super) pace: Pace,
    pub(super) login_until: Option<Instant>,
    pub(super) state: State,
    pub(super) turn: Turn,
    pub(super) fetch: FetchState,
    pub(super) framed: Framed,
    pub(super) frame_is_secret: bool,
    /// DONE has come: IDLE waits for its end.
    pub(super) idle_done: bool,
    /// What the present message of APPEND stands in.
    pub(super) append_open: AppendOpen,
    /// The octets of its texts so far, where it is put together from parts.
    pub(super) append_total: u64,
    /// CAPABILITY names no limit: it depends on the mailbox (RFC 7889 section 2).
    pub(super) append_limit_varies: bool,
    /// Both directions are compressed.
    pub(super) compressed: bool,
    /// EXPUNGE may be written at any time (RFC 5465 section 5.3); and whether it may once the present NOTIFY is answered.
    pub(super) expunges_at_once: (bool, bool),
    /// The extensions that are on, with what they imply.
    pub(super) on: Capabilities,
    pub(super) kind: Option<CommandKind>,
    pub(super) tag: Tag,
    pub(super) enabled: Capabilities,
    pub(super) bad_commands: u16,
    pub(super) failed_logins: u16,
    pub(super) tls: Option<Box<TlsInfo>>,
    pub(super) greeting: Greeting,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Greeting {
    Ok,
    PreAuth,
    Bye,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("state", &self.state)
            .field("turn", &self.turn)
            .field("command", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A connection that was just accepted. The greeting is written at the first poll; where TLS is there from the start,
    /// [`upgraded`](mail_wire::Machine::upgraded) comes before.
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self::with(config.into(), State::NotAuthenticated, Greeting::Ok)
    }

    /// A connection whose client is known by other means: greeted with PREAUTH (RFC 9051 section 7.1.4).
    #[must_use]
    pub fn preauthenticated(config: impl Into<Arc<Config>>) -> Self {
        Self::with(config.into(), State::Authenticated, Greeting::PreAuth)
    }

    /// A connection that is refused: greeted with BYE and the configured greeting's text, then closed.
    #[must_use]
    pub fn refused(config: impl Into<Arc<Config>>) -> Self {
        Self::with(config.into(), State::Logout, Greeting::Bye)
    }

    fn with(config: Arc<Config>, state: State, greeting: Greeting) -> Self {
        let t = config.timeouts;
        let limits =
            PaceLimits { idle: t.idle, frame: t.command, grace: t.payload_grace, rate: t.payload_rate };
        let mut server = Self {
            mechanisms: None,
            framer: Framer::new(Bounds { line: 0, literals: 0, dropped: 0, unasked: None }),
            out: OutputQueue::new(),
            pace: Pace::new(limits),
            login_until: None,
            state,
            turn: Turn::Greeting,
            fetch: FetchState::Closed,
            framed: Framed::None,
            frame_is_secret: false,
            idle_done: false,
            append_open: AppendOpen::NONE,
            append_total: 0,
            append_limit_varies: false,
            compressed: false,
            expunges_at_once: (false, false),
            on: config.capabilities.implied(),
            kind: None,
            tag: Tag::NONE,
            enabled: Capabilities::NONE,
            bad_commands: 0,
            failed_logins: 0,
            tls: None,
            greeting,
            config,
        };
        server.apply_limits();
        server
    }

    /// The limits of the present state.
    pub(super) fn apply_limits(&mut self) {
        let l = &self.config.limits;
        let on = self.on;
        let unasked = if on.contains(Capabilities::LITERAL_PLUS) {
            Some(u64::MAX)
        } else if on.contains(Capabilities::LITERAL_MINUS) {
            // RFC 7888 section 5.
            Some(4096)
        } else {
            None
        };
        let (line, literals) = match self.state {
            State::NotAuthenticated => (l.login_line, l.login_literals),
            _ => (l.line, l.literals),
        };
        self.framer.set_bounds(Bounds { line, literals, dropped: l.dropped, unasked });
    }

    /// Offers these mechanisms from here on instead of the configured ones: a policy changed, or depends on the peer.
    pub fn set_mechanisms(&mut self, mechanisms: impl Into<Arc<[Mechanism]>>) {
        self.mechanisms = Some(mechanisms.into());
    }

    /// Whether TLS has the client's certificate.
    pub(super) fn has_certificate(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.peer_certificate.is_some())
    }

    pub(super) fn mechanisms(&self) -> &[Mechanism] {
        self.mechanisms.as_deref().unwrap_or(&self.config.mechanisms)
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The TLS connection, where there is one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// What the client has enabled.
    #[must_use]
    pub const fn enabled(&self) -> Capabilities {
        self.enabled
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The present command, from its event to its tagged answer.
    #[must_use]
    pub const fn command(&self) -> Option<CommandKind> {
        self.kind
    }

    /// Whether mailbox names, and strings at large, are in UTF-8 (RFC 6855 section 3, RFC 9051 section 5.1).
    #[must_use]
    pub const fn utf8(&self) -> bool {
        self.enabled.intersects(Capabilities::IMAP4REV2.and(Capabilities::UTF8_ACCEPT))
    }

    /// How many octets were looked at to find frames, ever; payloads are passed on unseen.
    #[cfg(feature = "count")]
    #[must_use]
    pub const fn octets_looked_at(&self) -> u64 {
        self.framer.looked
    }

    /// Whether LOGIN may be used now.
    pub(super) fn login_allowed(&self) -> bool {
        match self.config.passwords {
            Passwords::Always => true,
            Passwords::TlsOnly => self.tls.is_some(),
            Passwords::Never => false,
        }
    }

    /// The configured capabilities but for those that have no place yet, or none any more.
    pub(super) fn offered(&self) -> Capabilities {
        if self.compressed {
            // Compression is there once (RFC 4978 section 3), and no layer below ends it (RFC 8437 section 4.1).
            self.config.capabilities.without(COMPRESSED)
        } else if self.state == State::NotAuthenticated {
            self.config.capabilities.without(Capabilities::COMPRESS_DEFLATE)
        } else {
            self.config.capabilities
        }
    }

    /// Whether both directions are compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// The listing, where the code needs it.
    pub(super) fn listing_for(&self, code: &Code<'_>) -> Option<Box<Listing>> {
        matches!(code, Code::Capability).then(|| Box::new(self.listing()))
    }

    /// What `capability-data` says now.
    pub(super) fn listing(&self) -> Listing {
        let open = self.state == State::NotAuthenticated;
        let mut mechanisms = Vec::new();
        if open {
            let certificate = self.has_certificate();
            for m in self.mechanisms() {
                if (self.tls.is_some() || !m.tls_only) && (certificate || !m.certificate) {
                    mechanisms.push(m.name.clone());
                }
            }
        }
        Listing {
            capabilities: self.offered(),
            append_limit: self.config.append_limit.filter(|_| !self.append_limit_varies),
            message_limit: self.config.message_limit,
            save_limit: self.config.save_limit,
            new_rights: self.config.new_rights.clone(),
            starttls: open && self.config.starttls && self.tls.is_none(),
            login_disabled: open && !self.login_allowed(),
            mechanisms,
        }
    }
}
