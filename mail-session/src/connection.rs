use mail_drive::DriveError;
use mail_wire::Misuse;
use mailstore_api::StoreError;

use crate::auth::LoginContext;

/// One client's connection, as a listener hands it to a session of any protocol.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connection<S, U> {
    /// The octets' way.
    pub stream: S,
    /// How TLS is done: a [`mail_drive::Accept`], [`mail_drive::NoTls`] where there is none.
    pub acceptor: U,
    /// TLS comes first (implicit TLS, RFC 8314), not when the client asks for it.
    pub implicit_tls: bool,
    /// Who connects, for the authority and the logs.
    pub context: LoginContext,
}

impl<S, U> Connection<S, U> {
    /// A connection that begins in the clear; TLS comes if the client asks for it.
    pub const fn plain(stream: S, acceptor: U, context: LoginContext) -> Self {
        Self { stream, acceptor, implicit_tls: false, context }
    }

    /// A connection that begins with the TLS handshake.
    pub const fn tls(stream: S, acceptor: U, context: LoginContext) -> Self {
        Self { stream, acceptor, implicit_tls: true, context }
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
