use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use futures_io::{AsyncRead, AsyncWrite};
use mail_wire::{InputBuffer, Instant, OutputQueue, Pace, TlsInfo, Wait};
use std::{
    boxed::Box,
    io::{self, IoSlice},
};

#[cfg(feature = "deflate")]
use crate::deflate::Deflate;
use crate::{
    Limits,
    ahead::Ahead,
    scratch::{READ, lend},
};

/// Reads ahead before other tasks get their turn.
const AHEAD_TURNS: usize = 16;
/// Segments written at once.
const SEGMENTS: usize = 64;
/// Octets put together for a stream that takes one segment at a time.
const JOINED: usize = 16 * 1024;
/// After so many writes that ended with the first of several segments, the stream is taken for such a one.
const ONE_BY_ONE: u8 = 2;

/// The stream before and after the upgrade.
pub(crate) enum Stream<S, X> {
    Plain(S),
    Tls(Box<(X, TlsInfo)>),
    /// In the handshake, or closed.
    Gone,
}

/// The stream, and what is known of the peer's reading.
pub(crate) struct Transport<S, X> {
    pub(crate) stream: Stream<S, X>,
    /// Both directions are compressed (COMPRESS=DEFLATE).
    #[cfg(feature = "deflate")]
    deflate: Option<Box<Deflate>>,
    /// When the memory of the compressor is given back, where nothing is written until then.
    rest_at: Option<Instant>,
    #[cfg(feature = "deflate")]
    rest_after: core::time::Duration,
    #[cfg(feature = "deflate")]
    compressors: usize,
    /// What was read while the peer did not.
    pub(crate) ahead: Ahead,
    /// Written since the last flush.
    dirty: bool,
    /// How often in a row only the first of several segments was written.
    first_only: u8,
    /// How fast the peer reads.
    pace: Pace,
}

/// Calls a method of the stream, by way of the compression where there is one.
macro_rules! on {
    ($this:expr, $method:ident($($argument:expr),*)) => {
        match &mut $this.stream {
            Stream::Plain(stream) => on!($this, Pin::new(stream), $method($($argument),*)),
            Stream::Tls(tls) => on!($this, Pin::new(&mut tls.0), $method($($argument),*)),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    };
    ($this:expr, $stream:expr, $method:ident($($argument:expr),*)) => {{
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &mut $this.deflate {
            deflate.$method($stream, $($argument),*)
        } else {
            $stream.$method($($argument),*)
        }
        #[cfg(not(feature = "deflate"))]
        $stream.$method($($argument),*)
    }};
}

impl<S, X> Transport<S, X>
where
    S: AsyncRead + AsyncWrite + Unpin,
    X: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) const fn new(stream: S, pace: Pace, limits: &Limits) -> Self {
        Self {
            stream: Stream::Plain(stream),
            #[cfg(feature = "deflate")]
            deflate: None,
            rest_at: None,
            #[cfg(feature = "deflate")]
            rest_after: limits.compressor_rest,
            #[cfg(feature = "deflate")]
            compressors: limits.compressors,
            ahead: Ahead::new(limits),
            dirty: false,
            first_only: 0,
            pace,
        }
    }

    /// Compresses from here on. All output is sent; `early` came behind what asked for it, and is compressed already. Whether
    /// it could be done, and was not done before.
    pub(crate) fn compress(&mut self, early: &[u8]) -> bool {
        #[cfg(feature = "deflate")]
        if self.deflate.is_none() {
            self.deflate = Some(Box::new(Deflate::new(early, self.compressors)));
            return true;
        }
        _ = early;
        false
    }

    pub(crate) const fn is_compressed(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflate.is_some();
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// When [`rest`](Self::rest) is to be called.
    pub(crate) const fn rest_at(&self) -> Option<Instant> {
        self.rest_at
    }

    /// Nothing was written for a while: gives the compressor's memory back.
    pub(crate) fn rest(&mut self, now: Instant) {
        if self.rest_at.is_some_and(|at| at <= now) {
            self.rest_at = None;
            #[cfg(feature = "deflate")]
            if let Some(deflate) = &mut self.deflate {
                deflate.rest();
            }
        }
    }

    /// Reads once. While nothing is there no buffer is held: the scratch is the thread's.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut InputBuffer,
    ) -> Poll<io::Result<usize>> {
        let room = input.room().min(READ);
        let given = self.ahead.give(room, input);
        if given > 0 {
            return Poll::Ready(Ok(given));
        }
        lend(|scratch| {
            let (scratch, _) = scratch.split_at_mut(room);
            let n = match ready!(on!(self, poll_read(cx, scratch))) {
                // TLS ended without its close_notify, as many do. The protocols tell their end by
                // themselves; what is cut off is a frame that never becomes one.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                other => other?,
            };
            if let Some(received) = scratch.get_mut(..n) {
                let taken = input.extend(received);
                debug_assert_eq!(taken, n, "no more is read than there is room for");
                // It may have been a password.
                received.fill(0);
                core::hint::black_box(received);
            }
            Poll::Ready(Ok(n))
        })
    }

    /// Takes in what a peer writes that does not read.
    fn read_ahead(&mut self, cx: &mut Context<'_>) {
        for _ in 0..AHEAD_TURNS {
            let granted = self.ahead.grant(READ);
            if granted == 0 {
                return;
            }
            let more = lend(|scratch| {
                let (scratch, _) = scratch.split_at_mut(granted);
                let read = on!(self, poll_read(cx, scratch));
                self.ahead.keep(scratch, &read)
            });
            if !more {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    /// Reads and forgets. `Ok(0)` is the end.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        lend(|scratch| {
            let read = on!(self, poll_read(cx, scratch));
            scratch.fill(0);
            core::hint::black_box(&*scratch);
            read
        })
    }

    /// Writes once.
    fn poll_write(&mut self, cx: &mut Context<'_>, output: &OutputQueue) -> Poll<io::Result<usize>> {
        let mut segments = output.segments();
        match (segments.next(), segments.next()) {
            (None, _) => Poll::Ready(Ok(0)),
            (Some(one), None) => on!(self, poll_write(cx, one)),
            (Some(first), Some(_)) if self.first_only >= ONE_BY_ONE && first.len() < JOINED => {
                self.poll_write_joined(cx, output)
            }
            (Some(first), Some(_)) => {
                let n = ready!(self.poll_write_several(cx, output))?;
                // Adapters without this method of their own pass on the first segment alone: a system call, and
                // without Nagle's algorithm a packet, for each.
                self.first_only = if n == first.len() { self.first_only.saturating_add(1) } else { 0 };
                Poll::Ready(Ok(n))
            }
        }
    }

    fn poll_write_several(&mut self, cx: &mut Context<'_>, output: &OutputQueue) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SEGMENTS];
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(output.segments()) {
            *slice = IoSlice::new(segment);
            count += 1;
        }
        let slices = slices.get(..count).unwrap_or_default();
        on!(self, poll_write_vectored(cx, slices))
    }

    /// Writes once, as much of the first segments as fits into one piece.
    fn poll_write_joined(&mut self, cx: &mut Context<'_>, output: &OutputQueue) -> Poll<io::Result<usize>> {
        let mut joined = [0; JOINED];
        let mut filled = 0;
        for segment in output.segments() {
            let room = joined.get_mut(filled..).unwrap_or_default();
            let n = segment.len().min(room.len());
            let (Some(room), Some(piece)) = (room.get_mut(..n), segment.get(..n)) else { break };
            room.copy_from_slice(piece);
            filled += n;
            if n < segment.len() {
                break;
            }
        }
        let joined = joined.get_mut(..filled).unwrap_or_default();
        let written = on!(self, poll_write(cx, joined));
        // It may have been a password.
        joined.fill(0);
        core::hint::black_box(joined);
        written
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, poll_close(cx))
    }
}

/// A [`Transport`] behind a pointer, so that [`Peer`](crate::Peer) need not name its streams.
pub(crate) trait Drain: Send {
    /// Writes until at most `low` octets wait; with `low` 0, until the stream holds none back either.
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut OutputQueue,
        low: usize,
        now: Instant,
    ) -> Poll<io::Result<()>>;

    /// The same for a peer that may be writing before it reads: meanwhile what it writes is taken in.
    fn poll_drain_ahead(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut OutputQueue,
        low: usize,
        now: Instant,
    ) -> Poll<io::Result<()>>;

    /// When the peer has read too little.
    fn deadline(&self) -> Option<Instant>;
}

impl<S, X> Drain for Transport<S, X>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    X: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut OutputQueue,
        low: usize,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        while output.len() > low {
            let Poll::Ready(written) = self.poll_write(cx, output) else {
                self.pace.wait(now, Wait::Payload);
                return Poll::Pending;
            };
            let n = written?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.dirty = true;
            output.advance(n);
            self.pace.payload(now, n);
        }
        if low > 0 {
            return Poll::Ready(Ok(()));
        }
        if self.dirty {
            let Poll::Ready(flushed) = on!(self, poll_flush(cx)) else {
                self.pace.wait(now, Wait::Payload);
                return Poll::Pending;
            };
            flushed?;
            self.dirty = false;
            self.pace.frame();
            #[cfg(feature = "deflate")]
            if self.deflate.as_ref().is_some_and(|deflate| deflate.is_awake()) {
                self.rest_at = Some(now + self.rest_after);
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_drain_ahead(
        &mut self,
        cx: &mut Context<'_>,
        output: &mut OutputQueue,
        low: usize,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        let drained = self.poll_drain(cx, output, low, now);
        if drained.is_pending() {
            self.read_ahead(cx);
        }
        drained
    }

    fn deadline(&self) -> Option<Instant> {
        self.pace.deadline()
    }
}
