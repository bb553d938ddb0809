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

/// Octets read at once.
const READ: usize = 16 * 1024;
/// Segments written at once.
const SEGMENTS: usize = 32;

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
    /// Written since the last flush.
    dirty: bool,
    /// How fast the peer reads.
    pace: Pace,
}

macro_rules! on {
    ($this:expr, $stream:ident => $call:expr) => {
        match &mut $this.stream {
            Stream::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Stream::Tls(tls) => {
                let $stream = Pin::new(&mut tls.0);
                $call
            }
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    };
}

impl<S, X> Transport<S, X>
where
    S: AsyncRead + AsyncWrite + Unpin,
    X: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) const fn new(stream: S, pace: Pace) -> Self {
        Self { stream: Stream::Plain(stream), dirty: false, pace }
    }

    /// Reads once. While nothing is there no buffer is held: the scratch is on the stack.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        input: &mut InputBuffer,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = [0; READ];
        let room = input.room().min(READ);
        let (scratch, _) = scratch.split_at_mut(room);
        let n = match ready!(on!(self, s => s.poll_read(cx, scratch))) {
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
    }

    /// Reads and forgets. `Ok(0)` is the end.
    pub(crate) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut scratch = [0; READ];
        on!(self, s => s.poll_read(cx, &mut scratch))
    }

    /// Writes once.
    fn poll_write(&mut self, cx: &mut Context<'_>, output: &OutputQueue) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); SEGMENTS];
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(output.segments()) {
            *slice = IoSlice::new(segment);
            count += 1;
        }
        match slices.get(..count) {
            Some([one]) => on!(self, s => s.poll_write(cx, one)),
            Some(several) => on!(self, s => s.poll_write_vectored(cx, several)),
            None => Poll::Ready(Ok(0)),
        }
    }

    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on!(self, s => s.poll_close(cx))
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
            let Poll::Ready(flushed) = on!(self, s => s.poll_flush(cx)) else {
                self.pace.wait(now, Wait::Payload);
                return Poll::Pending;
            };
            flushed?;
            self.dirty = false;
            self.pace.frame();
        }
        Poll::Ready(Ok(()))
    }

    fn deadline(&self) -> Option<Instant> {
        self.pace.deadline()
    }
}
