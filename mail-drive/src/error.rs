use mail_wire::Upgrade;
use std::io;

/// Why a connection ended before its machine closed it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriveError<E> {
    /// The machine gave up on the peer. What the peer should read of it was sent.
    #[error(transparent)]
    Machine(E),
    /// The stream failed.
    #[error("the connection failed: {0}")]
    Io(#[source] io::Error),
    /// The TLS handshake failed. The stream is closed.
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] io::Error),
    /// The peer was too slow.
    #[error("timed out: {0}")]
    TimedOut(TimedOut),
    /// The peer sent more after asking for TLS than the TLS handshake: a command that somebody between
    /// could have put there (RFC 3207 section 6, RFC 2595 section 2.1). Nothing of it was obeyed.
    #[error("plaintext was pipelined behind the request for TLS")]
    PlaintextBeforeTls,
    /// The machine asked for a transport that this driver cannot become.
    #[error("the transport cannot be upgraded to {0:?}")]
    Unsupported(Upgrade),
    /// The program asked for the next event and had not answered the last: its own mistake.
    #[error("the last event was not answered")]
    Blocked,
    /// The machine wants a frame longer than [`Limits::input`](crate::Limits::input): the program set a
    /// limit of the machine above that of the driver.
    #[error("a frame is longer than the driver's input buffer may be")]
    FrameTooLong,
}

/// What a peer was too slow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimedOut {
    /// The TLS handshake.
    #[error("the TLS handshake took too long")]
    Handshake,
    /// Reading what was sent to it.
    #[error("the peer does not read what is sent to it")]
    Output,
    /// Reading the last of what was sent to it, at the end.
    #[error("the peer did not read the last of what was sent to it")]
    Close,
    /// The machine's deadline passed, and the machine neither closed nor set another.
    #[error("the peer was silent for too long")]
    Input,
}

impl<E: core::error::Error + Send + Sync + 'static> From<DriveError<E>> for io::Error {
    fn from(error: DriveError<E>) -> Self {
        let kind = match &error {
            DriveError::Io(error) | DriveError::Handshake(error) => error.kind(),
            DriveError::TimedOut(_) => io::ErrorKind::TimedOut,
            DriveError::Unsupported(_) => io::ErrorKind::Unsupported,
            DriveError::Machine(_) | DriveError::PlaintextBeforeTls => io::ErrorKind::InvalidData,
            DriveError::Blocked | DriveError::FrameTooLong => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
