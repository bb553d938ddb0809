use alloc::{boxed::Box, collections::VecDeque, sync::Arc, vec::Vec};
use core::fmt;

use mail_wire::{Instant, Misuse, OutputQueue, Pace, PaceLimits, TlsInfo};
use zeroize::Zeroizing;

use super::{config::Config, event::Tag, framer::Framer, known::ServerCapabilities, pending::Pending};
use crate::{
    server::{AppendOpen, State, allowed},
    types::{Capabilities, CommandKind, Reading},
};

/// What has the connection for itself.
pub(super) enum Turn {
    /// The server's first response is awaited.
    Greeting,
    /// Nothing: commands can be issued.
    Ready,
    /// AUTHENTICATE: whether the host has a challenge to answer, and the initial response that waits for the first one.
    Sasl {
        asked: bool,
        initial: Option<Zeroizing<Vec<u8>>>,
    },
    Append {
        tag: u32,
        step: AppendStep,
        /// What the message stands in.
        open: AppendOpen,
    },
    Idle {
        tag: u32,
        step: IdleStep,
    },
    /// STARTTLS is in flight.
    Tls,
    /// COMPRESS is in flight.
    Compress,
    /// The driver: TLS.
    Upgrading,
    /// The driver: the end.
    Closing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AppendStep {
    /// The server has not taken the message yet.
    Waiting,
    /// So many octets are owed.
    Sending(u64),
    /// The same, but the command is over: what is owed must be sent all the same.
    Owed(u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IdleStep {
    /// `+` has not come yet; whether DONE is to be sent at once then.
    Asked {
        done: bool,
    },
    Idling {
        until: Instant,
    },
    /// DONE is sent, and IDLE is to be begun anew.
    Renewing,
}

impl Turn {
    const fn name(&self) -> &'static str {
        match self {
            Self::Greeting => "before the greeting",
            Self::Ready => "this state has no such command",
            Self::Sasl { .. } => "AUTHENTICATE",
            Self::Append { .. } => "APPEND",
            Self::Idle { .. } => "IDLE",
            Self::Tls | Self::Upgrading => "STARTTLS",
            Self::Compress => "COMPRESS",
            Self::Closing => "closing",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed {
    None,
    Whole,
    Head,
    Chunk,
    Tail,
}

pub(super) struct InFlight {
    pub(super) tag: u32,
    pub(super) kind: CommandKind,
}

/// Why the connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fatal {
    /// A response is longer than the limits allow.
    #[error("a response is too long")]
    TooLong,
    /// Octets followed the answer to STARTTLS before the handshake: they could be an attacker's.
    #[error("plaintext followed the answer to STARTTLS")]
    PlaintextAfterStartTls,
    /// The server was silent, or slow, for too long.
    #[error("the server takes too long")]
    TimedOut,
}

/// The connecting side of one IMAP connection. See [the module](super) for how it is used.
pub struct Client {
    pub(super) config: Arc<Config>,
    pub(super) framer: Framer,
    pub(super) out: OutputQueue,
    pub(super) pace: Pace,
    pub(super) now: Instant,
    pub(super) state: State,
    pub(super) turn: Turn,
    pub(super) framed: Framed,
    /// The present FETCH response cannot be read: the rest of it is passed over.
    pub(super) dropping: bool,
    pub(super) timed_out: bool,
    pub(super) frame_is_secret: bool,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Commands behind one that waits for `+`.
    pub(super) pending: VecDeque<Pending>,
    /// The command that waits for `+`, and how many it waits for.
    pub(super) waiting: Option<(u32, usize)>,
    /// The octets of the message that APPEND announced last.
    pub(super) append_len: u64,
    next_tag: u32,
    pub(super) known: Option<Box<ServerCapabilities>>,
    /// The capabilities came after the login was sent.
    pub(super) fresh: bool,
    pub(super) enabled: Capabilities,
    pub(super) tls: Option<Box<TlsInfo>>,
    /// COMPRESS succeeded: the driver is to compress, and until it does nothing more is sent.
    pub(super) deflating: bool,
    /// Both directions are compressed.
    pub(super) compressed: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("state", &self.state)
            .field("turn", &self.turn.name())
            .field("in_flight", &self.in_flight.len())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A connection that was just made. Where TLS is there from the start, [`upgraded`](mail_wire::Machine::upgraded) comes
    /// before the first poll.
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let t = config.timeouts;
        Self {
            framer: Framer::new(config.limits),
            out: OutputQueue::new(),
            pace: Pace::new(PaceLimits {
                idle: t.response,
                frame: t.frame,
                grace: t.payload_grace,
                rate: t.payload_rate,
            }),
            now: Instant::ZERO,
            state: State::NotAuthenticated,
            turn: Turn::Greeting,
            framed: Framed::None,
            dropping: false,
            timed_out: false,
            frame_is_secret: false,
            in_flight: VecDeque::new(),
            pending: VecDeque::new(),
            waiting: None,
            append_len: 0,
            next_tag: 1,
            known: None,
            fresh: false,
            enabled: Capabilities::NONE,
            tls: None,
            deflating: false,
            compressed: false,
            config,
        }
    }

    /// Where the connection stands, by what the server has answered so far.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What the server has said it can do in this state; `None`: it has not, and
    /// [`Command::Capability`](crate::types::Command::Capability) asks.
    #[must_use]
    pub fn capabilities(&self) -> Option<&ServerCapabilities> {
        self.known.as_deref()
    }

    /// Whether the server has said that it has all of these.
    #[must_use]
    pub fn has(&self, capabilities: Capabilities) -> bool {
        self.known.as_ref().is_some_and(|k| k.set.contains(capabilities))
    }

    /// What is enabled (RFC 5161).
    #[must_use]
    pub const fn enabled(&self) -> Capabilities {
        self.enabled
    }

    /// Whether mailbox names are in UTF-8 (RFC 6855 section 3, RFC 9051 section 5.1).
    #[must_use]
    pub const fn utf8(&self) -> bool {
        self.enabled.intersects(Capabilities::IMAP4REV2.and(Capabilities::UTF8_ACCEPT))
    }

    /// The TLS connection, where there is one.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.tls.as_deref()
    }

    /// Whether both directions are compressed (RFC 4978).
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// How many commands are not complete.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// How many octets were looked at to find frames, ever; bodies are passed on unseen.
    #[cfg(feature = "count")]
    #[must_use]
    pub const fn octets_looked_at(&self) -> u64 {
        self.framer.looked
    }

    pub(super) fn reading(&self) -> Reading {
        let mut reading = Reading::STRICT.with_utf8(self.utf8());
        reading.quirks = self.config.quirks;
        reading
    }

    pub(super) const fn misuse<T>(&self, called: &'static str) -> Result<T, Misuse> {
        Err(Misuse { called, state: self.turn.name() })
    }

    /// A command of this kind can be issued: nothing has the connection for itself, and the commands in flight lead to a
    /// state in which it has a place.
    pub(super) fn may_issue(&self, kind: CommandKind) -> Result<(), Misuse> {
        let state = self.in_flight.iter().fold(self.state, |state, c| after(c.kind, state));
        if matches!(self.turn, Turn::Ready) && allowed(kind, state) {
            Ok(())
        } else {
            self.misuse(kind.name())
        }
    }

    /// Writes a command and sends it, or keeps it until the one before has all its literals away.
    pub(super) fn issue(&mut self, kind: CommandKind, ends: bool, write: impl FnOnce(&mut Vec<u8>)) -> Tag {
        self.issue_in(0, kind, ends, write)
    }

    /// The same for a command with a secret: `room` is what it takes at most, since a buffer that grows leaves its octets
    /// behind.
    pub(super) fn issue_in(
        &mut self,
        room: usize,
        kind: CommandKind,
        ends: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Tag {
        let tag = self.next_tag;
        self.next_tag = tag.wrapping_add(1);
        let mut wire = Vec::with_capacity(room);
        wire.push(b'A');
        crate::encode::number(&mut wire, tag);
        wire.push(b' ');
        write(&mut wire);
        if ends {
            wire.extend_from_slice(b"\r\n");
        }
        self.in_flight.push_back(InFlight { tag, kind });
        self.queue(tag, wire);
        Tag(tag)
    }

    pub(super) fn queue(&mut self, tag: u32, wire: Vec<u8>) {
        let unasked = self.known.as_ref().and_then(|k| k.unasked());
        let mut pending = Pending::new(tag, wire, unasked);
        pending.is_secret = self
            .in_flight
            .back()
            .is_some_and(|last| matches!(last.kind, CommandKind::Login | CommandKind::Authenticate));
        self.pending.push_back(pending);
        self.promote();
    }

    /// Sends the commands that nothing waits in front of.
    pub(super) fn promote(&mut self) {
        while self.waiting.is_none()
            && !self.deflating
            && let Some(next) = self.pending.pop_front()
        {
            next.put(&mut self.out);
            if next.waits() > 0 {
                self.waiting = Some((next.tag, next.waits()));
            }
        }
    }

    /// Whether anything of this command waits to be sent.
    pub(super) fn is_held(&self, tag: u32) -> bool {
        self.waiting.is_some_and(|(w, _)| w == tag) || self.pending.iter().any(|p| p.tag == tag)
    }
}

/// The state that a command leads to where it succeeds.
pub(super) const fn after(kind: CommandKind, state: State) -> State {
    match kind {
        CommandKind::Login | CommandKind::Authenticate => State::Authenticated,
        CommandKind::Select | CommandKind::Examine => State::Selected,
        CommandKind::Close | CommandKind::Unselect => State::Authenticated,
        CommandKind::Logout => State::Logout,
        CommandKind::Unauthenticate => State::NotAuthenticated,
        _ => state,
    }
}
