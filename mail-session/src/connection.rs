use std::{fmt, sync::Arc};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, DriveError, Driver, Timer};
use mail_wire::{Machine, Misuse};
use mailstore_api::StoreError;

use crate::auth::LoginContext;

/// Octets of answers to pipelined commands that go out together: sessions push them before all that may take its time.
const GATHER: usize = 32 * 1024;

/// When TLS begins on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Encryption {
    /// Never: nothing offers it.
    #[default]
    None,
    /// When the client asks for it: STARTTLS, STLS.
    OnRequest,
    /// From the first octet (RFC 8314 section 3).
    Implicit,
}

/// A connection that was just accepted, as every session takes it.
#[non_exhaustive]
pub struct Connection<S, T, X> {
    /// The stream, plain still.
    pub stream: S,
    /// The runtime's clock and alarm.
    pub timer: T,
    /// Does the TLS handshake; [`NoTls`](mail_drive::NoTls) where there is none.
    pub acceptor: X,
    /// When it does.
    pub encryption: Encryption,
    /// The peer, the session's identifier in logs, and whether passwords may travel without TLS.
    pub context: LoginContext,
    /// What the driver grants the peer.
    pub limits: mail_drive::Limits,
}

impl<S, T> Connection<S, T, mail_drive::NoTls> {
    /// A connection without TLS.
    pub fn plain(stream: S, timer: T, context: LoginContext) -> Self {
        Self::new(stream, timer, mail_drive::NoTls, Encryption::None, context)
    }
}

impl<S, T, X> Connection<S, T, X> {
    /// A connection on which TLS begins as `encryption` says.
    pub fn new(stream: S, timer: T, acceptor: X, encryption: Encryption, context: LoginContext) -> Self {
        let context = LoginContext { encryption, ..context };
        Self { stream, timer, acceptor, encryption, context, limits: mail_drive::Limits::default() }
    }

    /// The same with other limits for the peer.
    #[must_use]
    pub fn with_limits(self, limits: mail_drive::Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same, and its clock and alarm for whoever else wants them.
    pub(crate) fn share_timer(self) -> (Connection<S, Arc<T>, X>, Arc<T>) {
        let Self { stream, timer, acceptor, encryption, context, limits } = self;
        let timer = Arc::new(timer);
        (Connection { stream, timer: Arc::clone(&timer), acceptor, encryption, context, limits }, timer)
    }

    /// Begins a session of this machine.
    pub(crate) fn drive<M>(self, machine: M) -> (Driver<M, S, T, X>, LoginContext)
    where
        M: Machine,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: Timer,
        X: Accept<S>,
    {
        let Self { stream, timer, acceptor, encryption, context, mut limits } = self;
        limits.gather = GATHER;
        let begin =
            if encryption == Encryption::Implicit { Driver::tls_with_limits } else { Driver::with_limits };
        (begin(machine, stream, timer, acceptor, limits), context)
    }
}

impl<S, T, X> fmt::Debug for Connection<S, T, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("encryption", &self.encryption)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// Why the host ends a session: what the `shutdown` future of each `serve` gives. One that gives `()` is
/// [`Stopping`](Self::Stopping).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Farewell {
    /// The server stops.
    #[default]
    Stopping,
    /// This session is not permitted any more: the access policy changed.
    NotPermitted,
}

impl Farewell {
    /// What the client reads.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Stopping => "The server is shutting down",
            Self::NotPermitted => "This session is no longer permitted",
        }
    }
}

impl From<()> for Farewell {
    fn from((): ()) -> Self {
        Self::Stopping
    }
}

/// Why a session ended otherwise than by its client's goodbye or disconnect, or the server's shutdown.
///
/// `E` is the error of the protocol's machine. For the log: the client was told what it should know.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError<E: core::error::Error + 'static> {
    /// The connection ended: see [`DriveError`].
    #[error(transparent)]
    Drive(#[from] DriveError<E>),
    /// The store failed in the middle of an answer that could not be taken back, so the connection was cut.
    #[error("the store failed within an answer: {0}")]
    Store(#[from] StoreError),
    /// The session called its machine out of order: a fault of this library.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}
