use alloc::string::String;
use bytes::Bytes;

use crate::{Instant, OutputQueue};

/// One side of one protocol's connection, as a state machine without IO.
///
/// # How it is driven
///
/// ```text
///   loop:  poll(input) ─► Frame(n)      event(&input[..n]); answer it; drop n bytes
///                      ─► Skip(n)       drop n bytes
///                      ─► NeedInput     send all output, then read more (or let `deadline` pass)
///                      ─► Blocked       answer the last event first
///                      ─► Upgrade(u)    send all output, do the handshake, call `upgraded`
///                      ─► Close         send all output, close
///                      ─► Err(e)        send all output, close
/// ```
///
/// *Inputs* are `poll`, `event`, `handle_timeout`, `upgraded` and each machine's own answering
/// methods. *Outputs* are what `poll` and `event` return, [`output`](Self::output) and
/// [`deadline`](Self::deadline), which may have changed after every input.
///
/// An event borrows the frame and not the machine, so it can be held while it is answered.
/// A pipelined command is not framed before the previous one is answered.
pub trait Machine {
    /// What a frame says.
    type Event<'b>;
    /// Why the connection cannot go on. What the peer should read of it (`BYE`, `421`, `-ERR`) is in
    /// the output queue already.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Looks for the next frame at the start of `input`.
    ///
    /// `input` is all that was received and not yet dropped. Asked again with the same bytes and
    /// more at the end, it looks at no byte twice.
    ///
    /// # Errors
    /// When the connection cannot go on; send the output, then close.
    fn poll(&mut self, input: &[u8], now: Instant) -> Result<Poll, Self::Error>;

    /// Reads the frame that [`poll`](Self::poll) found, and moves the state on.
    ///
    /// `frame` is exactly the first `n` bytes of what `poll` saw when it answered `Frame(n)`.
    fn event<'b>(&mut self, frame: &'b [u8]) -> Self::Event<'b>;

    /// Whether the frame last passed to [`event`](Self::event) holds a secret (a password, a
    /// token): its buffer is to be wiped when it is dropped.
    fn frame_is_secret(&self) -> bool {
        false
    }

    /// What is to be sent.
    fn output(&mut self) -> &mut OutputQueue;

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, unless input comes before.
    fn deadline(&self) -> Option<Instant>;

    /// Time has come to (or past) the deadline.
    fn handle_timeout(&mut self, now: Instant);

    /// The transport has become what [`Poll::Upgrade`] asked for, or was TLS from the start (then
    /// this is called before the first `poll`). After TLS, what was learnt in the clear is
    /// forgotten.
    fn upgraded(&mut self, transport: Upgraded);
}

/// What a [`Machine`] wants next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Poll {
    /// Pass the first `n` bytes to [`Machine::event`], and drop them once that event is answered.
    Frame(usize),
    /// Drop `n` bytes without an event: a refused literal, the rest of an over-long line.
    Skip(usize),
    /// Nothing whole is there: send the output, read more. `hint` is how many more bytes are
    /// wanted at least; it is no promise, and bounded by the machine's limits.
    NeedInput {
        /// Bytes wanted beyond the present input, at least 1.
        hint: usize,
    },
    /// The last event is not answered yet.
    Blocked,
    /// Send all output, then change the transport.
    Upgrade(Upgrade),
    /// Send all output, then close the connection.
    Close,
}

/// A change of the transport in the middle of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upgrade {
    /// STARTTLS or STLS: a TLS handshake begins now.
    Tls,
    /// IMAP COMPRESS=DEFLATE (RFC 4978): both directions are compressed from here.
    Deflate,
}

/// What the transport has become.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Upgraded {
    /// TLS is up.
    Tls(TlsInfo),
    /// Both directions are compressed.
    Deflate,
}

/// What a machine and the session above it may know of a TLS connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol version, as `TLSv1.3`.
    pub version: Option<&'static str>,
    /// The cipher suite's IANA name.
    pub cipher_suite: Option<String>,
    /// The server name the client asked for (SNI).
    pub server_name: Option<String>,
    /// The peer's end-entity certificate in DER, where it sent one.
    pub peer_certificate: Option<Bytes>,
    /// The `tls-exporter` channel binding (RFC 9266), 32 octets.
    pub exporter: Option<[u8; 32]>,
    /// The `tls-server-end-point` channel binding (RFC 5929): the hash of the server's certificate.
    pub server_end_point: Option<Bytes>,
}

/// An answering method was called where the protocol has no place for it.
///
/// This is the calling program's mistake and nobody else's: nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{called}` has no place in the connection's present state ({state})")]
pub struct Misuse {
    /// The method.
    pub called: &'static str,
    /// The state the machine was in.
    pub state: &'static str,
}
