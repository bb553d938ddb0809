use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Poll, ready},
};
use futures_io::{AsyncRead, AsyncWrite};
use mail_wire::{Machine, TlsInfo};
use std::sync::Arc;

use crate::{
    Accept, DriveError, Limits, Peer, Timer, Turn, alarm::Alarm, connection::Core, transport::Stream,
};

/// Runs one machine over one stream.
///
/// The stream is any `futures-io` stream, `acceptor` does the TLS handshakes ([`NoTls`](crate::NoTls) where there
/// are none), and all upgrades happen inside [`next`](Self::next). See the [crate] for an example.
///
/// All methods may be dropped before they complete, and called again: no octet is lost.
pub struct Driver<M: Machine, S, T, A: Accept<S>> {
    core: Core<M, S, A>,
    timer: Arc<T>,
    alarm: Alarm,
    /// Which of the two `next_or` looks at first; they take turns, so that neither starves the other.
    other_first: bool,
}

/// What [`Driver::next_or`] came to.
pub enum Next<'a, M: Machine, O> {
    /// The peer said something.
    Turn(Turn<'a, M>),
    /// The other future is done; the peer is there to be told.
    Other(O, Peer<'a, M>),
    /// The connection has ended.
    End,
}

impl<'a, M: Machine<Event<'a>: core::fmt::Debug> + core::fmt::Debug, O: core::fmt::Debug> core::fmt::Debug
    for Next<'a, M, O>
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Turn(turn) => f.debug_tuple("Turn").field(turn).finish(),
            Self::Other(other, peer) => f.debug_tuple("Other").field(other).field(peer).finish(),
            Self::End => f.write_str("End"),
        }
    }
}

impl<M, S, T, A> core::fmt::Debug for Driver<M, S, T, A>
where
    M: Machine + core::fmt::Debug,
    A: Accept<S>,
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Driver").field("machine", &self.core.machine).finish_non_exhaustive()
    }
}

impl<M, S, T, A> Driver<M, S, T, A>
where
    M: Machine,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    A: Accept<S>,
{
    /// A driver over a plain stream, on which TLS may begin later (STARTTLS, STLS).
    #[must_use]
    pub fn new(machine: M, stream: S, timer: T, acceptor: A) -> Self {
        Self::with_limits(machine, stream, timer, acceptor, Limits::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(machine: M, stream: S, timer: T, acceptor: A, limits: Limits) -> Self {
        let core = Core::new(machine, stream, acceptor, limits);
        Self { core, timer: Arc::new(timer), alarm: Alarm::default(), other_first: false }
    }

    /// A driver over TLS from the start (implicit TLS, RFC 8314): the first [`next`](Self::next) does the
    /// handshake, before the machine is asked for anything.
    #[must_use]
    pub fn tls(machine: M, stream: S, timer: T, acceptor: A) -> Self {
        Self::tls_with_limits(machine, stream, timer, acceptor, Limits::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn tls_with_limits(machine: M, stream: S, timer: T, acceptor: A, limits: Limits) -> Self {
        let mut driver = Self::with_limits(machine, stream, timer, acceptor, limits);
        let started = driver.core.shake(driver.timer.now());
        debug_assert!(started.is_ok(), "a new transport is plain");
        driver
    }

    /// The next event, with all that lies before it: output is sent, TLS is begun, time is watched.
    /// `None` when the machine has closed the connection, or the peer has.
    ///
    /// # Errors
    /// See [`DriveError`]. After an error, or `None`, there is nothing more.
    pub async fn next(&mut self) -> Result<Option<Turn<'_, M>>, DriveError<M::Error>> {
        let frame = self.frame().await?;
        Ok(frame.map(|n| self.turn(n)))
    }

    /// The next event, or what `other` comes to, whichever is first: a change to tell a client in IDLE, a
    /// signal to stop. To keep `other` for the next call, pass `&mut other`.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_or<O>(
        &mut self,
        other: impl Future<Output = O>,
    ) -> Result<Next<'_, M, O>, DriveError<M::Error>> {
        self.other_first = !self.other_first;
        let other_first = self.other_first;
        let first = {
            let mut frame = pin!(self.frame());
            let mut other = pin!(other);
            poll_fn(|cx| {
                if other_first && let Poll::Ready(other) = other.as_mut().poll(cx) {
                    return Poll::Ready(Err(other));
                }
                if let Poll::Ready(frame) = frame.as_mut().poll(cx) {
                    return Poll::Ready(Ok(frame));
                }
                if other_first { Poll::Pending } else { other.as_mut().poll(cx).map(Err) }
            })
            .await
        };
        Ok(match first {
            Ok(frame) => frame?.map_or(Next::End, |n| Next::Turn(self.turn(n))),
            Err(other) => Next::Other(other, self.peer()),
        })
    }

    async fn frame(&mut self) -> Result<Option<usize>, DriveError<M::Error>> {
        let Self { core, timer, alarm, .. } = self;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(done) = core.poll_frame(cx, &**timer) {
                    return Poll::Ready(done);
                }
                ready!(alarm.poll(cx, timer, core.deadline()));
                core.late(timer.now())?;
            }
        })
        .await
    }

    fn turn(&mut self, n: usize) -> Turn<'_, M> {
        let Core { machine, input, transport, .. } = &mut self.core;
        let frame = input.filled();
        let event = machine.event(frame.get(..n).unwrap_or(frame));
        Turn { event, peer: Peer { machine, transport, clock: &*self.timer } }
    }

    /// The peer, outside of an event: to tell it something unasked.
    pub fn peer(&mut self) -> Peer<'_, M> {
        Peer { machine: &mut self.core.machine, transport: &mut self.core.transport, clock: &*self.timer }
    }

    /// Ends the connection from this side: sends the output there is (say goodbye with
    /// [`machine_mut`](Self::machine_mut) before) and closes, within [`Limits::close`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn shutdown(&mut self) -> Result<(), DriveError<M::Error>> {
        self.core.close(self.timer.now(), None);
        self.frame().await.map(|_| ())
    }

    /// The machine.
    pub const fn machine(&self) -> &M {
        &self.core.machine
    }

    /// The machine, to answer with or to change its settings.
    pub const fn machine_mut(&mut self) -> &mut M {
        &mut self.core.machine
    }

    /// What is known of the TLS connection, where it is one.
    pub fn tls_info(&self) -> Option<&TlsInfo> {
        match &self.core.transport.stream {
            Stream::Tls(tls) => Some(&tls.1),
            Stream::Plain(_) | Stream::Gone => None,
        }
    }

    /// Whether both directions are compressed (RFC 4978).
    pub const fn is_compressed(&self) -> bool {
        self.core.transport.is_compressed()
    }

    /// The octets of memory held for input.
    pub const fn input_capacity(&self) -> usize {
        self.core.input.capacity()
    }
}
