use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use futures_io::{AsyncRead, AsyncWrite};
use mail_wire::{InputBuffer, Instant, Machine, Pace, Poll as Wanted, TlsInfo, Upgrade, Upgraded};
use std::{boxed::Box, io};

use crate::{
    Accept, DriveError, Limits, TimedOut, Timer,
    transport::{Drain, Stream, Transport},
};

/// After so many steps without waiting, other tasks get their turn.
const STEPS: usize = 64;
/// How long to read on after the last word to a peer that may still be writing.
const LINGER: Duration = Duration::from_secs(2);

type Shake<X> = Pin<Box<dyn Future<Output = io::Result<(X, TlsInfo)>> + Send>>;

/// ```text
///              tls()                 new()
///                │                     │
///                ▼      done           ▼       Poll::Upgrade
///             Shaking ──────────────► Open ──────────────────► Sending
///                ▲                     │                          │
///                └─────────────────────┼──────────────────────────┘ all is sent
///                                      │ Poll::Close, end of input, fatal error, shutdown
///                                      ▼
///             Closing: Flush ────► Stream ────► Linger ────► Ended
/// ```
/// A failure of the stream leads to Ended from everywhere.
enum Phase<X, E> {
    Open,
    /// All output goes out, then TLS or compression begins.
    Sending(Upgrade),
    Shaking(Shake<X>, Instant),
    Closing(Box<Closing<E>>),
    Ended,
}

struct Closing<E> {
    step: Step,
    until: Instant,
    /// What `next` is to return when it is done.
    why: Option<DriveError<E>>,
    /// The peer may be writing still. A socket closed with input unread sends a reset, which would
    /// destroy the last answer on its way.
    linger: bool,
}

enum Step {
    Flush,
    Stream,
    Linger,
}

/// All of the driver but its timer, as a hand-written future: what waits is here and not in the futures of
/// `next`, so those are small and can be dropped at any time.
pub(crate) struct Core<M: Machine, S, A: Accept<S>> {
    pub(crate) machine: M,
    pub(crate) input: InputBuffer,
    /// The octets of the frame that was given out.
    used: usize,
    pub(crate) transport: Transport<S, A::Tls>,
    phase: Phase<A::Tls, M::Error>,
    acceptor: A,
    limits: Limits,
    /// The machine waits for input.
    reading: bool,
    /// The machine's deadline that was told to it as passed.
    told: Option<Instant>,
}

impl<M, S, A> Core<M, S, A>
where
    M: Machine,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Accept<S>,
{
    pub(crate) fn new(machine: M, stream: S, acceptor: A, limits: Limits) -> Self {
        Self {
            machine,
            input: InputBuffer::new(limits.input),
            used: 0,
            transport: Transport::new(stream, Pace::new(limits.output_pace()), &limits),
            phase: Phase::Open,
            acceptor,
            limits,
            reading: false,
            told: None,
        }
    }

    /// Does what can be done, up to the next frame. `None` is the end.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        timer: &impl Timer,
    ) -> Poll<Result<Option<usize>, DriveError<M::Error>>> {
        self.reading = false;
        // Nothing here waits: all of it is at one time.
        let now = timer.now();
        for _ in 0..STEPS {
            let stepped = match self.phase {
                Phase::Ended => return Poll::Ready(Ok(None)),
                Phase::Closing(_) => return self.poll_closing(cx, now).map_ok(|()| None),
                Phase::Shaking(..) => ready!(self.poll_shaking(cx)).map(|()| None),
                Phase::Sending(what) => ready!(self.poll_sending(cx, now, what)).map(|()| None),
                Phase::Open => ready!(self.poll_open(cx, now)),
            };
            match stepped {
                Ok(None) => {}
                Ok(frame) => return Poll::Ready(Ok(frame)),
                Err(error) => {
                    self.end();
                    return Poll::Ready(Err(error));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One step of the open connection: a frame, or something has changed. An error ends it at once.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<Option<usize>, DriveError<M::Error>>> {
        self.drop_frame();
        let high_water = self.limits.high_water;
        if self.machine.output().len() > high_water {
            // A peer that writes on while it does not read must not stop both.
            ready!(self.transport.poll_drain_ahead(cx, self.machine.output(), high_water, now))
                .map_err(DriveError::Io)?;
        }
        match self.machine.poll(self.input.filled(), now) {
            Ok(Wanted::Frame(n)) => {
                // What the program now does may take its time.
                if self.machine.output().len() > self.limits.gather
                    && let Poll::Ready(sent) = self.poll_drain(cx, 0, now)
                {
                    sent?;
                }
                self.used = n;
                return Poll::Ready(Ok(Some(n)));
            }
            // The rest of a line that was too long may be a password's or a token's.
            Ok(Wanted::Skip(n)) => self.input.consume_secret(n),
            Ok(Wanted::NeedInput { .. }) => return self.poll_need(cx, now).map_ok(|()| None),
            Ok(Wanted::Upgrade(what @ (Upgrade::Tls | Upgrade::Deflate))) => {
                self.phase = Phase::Sending(what)
            }
            Ok(Wanted::Upgrade(other)) => self.close(now, Some(DriveError::Unsupported(other))),
            Ok(Wanted::Close) => self.close(now, None),
            Ok(Wanted::Blocked) => return Poll::Ready(Err(DriveError::Blocked)),
            Ok(other) => {
                debug_assert!(false, "the machine wants what this driver does not know: {other:?}");
                return Poll::Ready(Err(DriveError::Blocked));
            }
            Err(error) => self.close(now, Some(DriveError::Machine(error))),
        }
        Poll::Ready(Ok(None))
    }

    /// Sends and reads side by side: a peer that writes on while it does not read must not stop both.
    fn poll_need(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<(), DriveError<M::Error>>> {
        if let Poll::Ready(sent) = self.poll_drain(cx, 0, now) {
            sent?;
        }
        if self.input.room() == 0 {
            return Poll::Ready(Err(DriveError::FrameTooLong));
        }
        let Poll::Ready(read) = self.transport.poll_read(cx, &mut self.input) else {
            self.reading = true;
            return Poll::Pending;
        };
        if read.map_err(DriveError::Io)? == 0 {
            self.close(now, None);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        low: usize,
        now: Instant,
    ) -> Poll<Result<(), DriveError<M::Error>>> {
        self.transport.poll_drain(cx, self.machine.output(), low, now).map_err(DriveError::Io)
    }

    /// Drops the frame that was given out, now that it is answered.
    fn drop_frame(&mut self) {
        let n = core::mem::take(&mut self.used);
        if n == 0 {
            return;
        }
        if self.machine.frame_is_secret() {
            self.input.consume_secret(n);
        } else {
            self.input.consume(n);
        }
    }

    fn poll_sending(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        what: Upgrade,
    ) -> Poll<Result<(), DriveError<M::Error>>> {
        // What the peer sent before TLS was up could come from anybody.
        if what == Upgrade::Tls && !(self.input.is_empty() && self.transport.ahead.is_empty()) {
            return Poll::Ready(Err(DriveError::PlaintextBeforeTls));
        }
        ready!(self.poll_drain(cx, 0, now))?;
        Poll::Ready(if what == Upgrade::Tls { self.shake(now) } else { self.compress() })
    }

    /// Begins compression: what follows in the input is compressed already (RFC 4978 section 3).
    fn compress(&mut self) -> Result<(), DriveError<M::Error>> {
        let early = [self.input.filled(), self.transport.ahead.filled()].concat();
        if !self.transport.compress(&early) {
            return Err(DriveError::Unsupported(Upgrade::Deflate));
        }
        self.transport.ahead.clear();
        self.input.consume(self.input.len());
        self.phase = Phase::Open;
        self.machine.upgraded(Upgraded::Deflate);
        Ok(())
    }

    /// Begins the TLS handshake.
    pub(crate) fn shake(&mut self, now: Instant) -> Result<(), DriveError<M::Error>> {
        // Compression comes before encryption (RFC 4978 section 3): it has to begin after it.
        if self.transport.is_compressed() {
            return Err(DriveError::Unsupported(Upgrade::Tls));
        }
        let Stream::Plain(stream) = core::mem::replace(&mut self.transport.stream, Stream::Gone) else {
            return Err(DriveError::Unsupported(Upgrade::Tls));
        };
        let acceptor = self.acceptor.clone();
        let shake = Box::pin(async move { acceptor.accept(stream).await });
        self.phase = Phase::Shaking(shake, now + self.limits.handshake);
        Ok(())
    }

    fn poll_shaking(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), DriveError<M::Error>>> {
        let Phase::Shaking(shake, _) = &mut self.phase else { return Poll::Ready(Ok(())) };
        let (stream, info) = ready!(shake.as_mut().poll(cx)).map_err(DriveError::Handshake)?;
        self.phase = Phase::Open;
        self.transport.stream = Stream::Tls(Box::new((stream, info.clone())));
        self.machine.upgraded(Upgraded::Tls(info));
        Poll::Ready(Ok(()))
    }

    /// Sends the rest of the output and closes; then `next` returns `why`.
    pub(crate) fn close(&mut self, now: Instant, why: Option<DriveError<M::Error>>) {
        if matches!(self.phase, Phase::Closing(_) | Phase::Ended) {
            return;
        }
        if matches!(self.phase, Phase::Shaking(..)) {
            self.end();
            return;
        }
        self.drop_frame();
        let linger = why.is_some() || !self.input.is_empty() || !self.transport.ahead.is_empty();
        let until = now + self.limits.close;
        self.phase = Phase::Closing(Box::new(Closing { step: Step::Flush, until, why, linger }));
    }

    fn poll_closing(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<(), DriveError<M::Error>>> {
        let Phase::Closing(closing) = &mut self.phase else { return Poll::Ready(Ok(())) };
        let mut reads = 0;
        loop {
            match closing.step {
                Step::Flush => {
                    let sent = ready!(self.transport.poll_drain(cx, self.machine.output(), 0, now));
                    // Where the peer is gone, nobody waits for the last word.
                    if let Err(error) = sent {
                        let gone = matches!(
                            error.kind(),
                            io::ErrorKind::BrokenPipe
                                | io::ErrorKind::ConnectionReset
                                | io::ErrorKind::ConnectionAborted
                                | io::ErrorKind::NotConnected
                        );
                        if closing.why.is_none() && !gone {
                            closing.why = Some(DriveError::Io(error));
                        }
                        break;
                    }
                    closing.step = Step::Stream;
                }
                Step::Stream => {
                    let closed = ready!(self.transport.poll_close(cx));
                    if closed.is_err() || !closing.linger {
                        break;
                    }
                    closing.step = Step::Linger;
                    closing.until = closing.until.min(now + LINGER);
                }
                // A pipelining client comes to an end; for others there is the deadline.
                Step::Linger if reads == STEPS => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Linger => match ready!(self.transport.poll_discard(cx)) {
                    Ok(1..) if now < closing.until => reads += 1,
                    _ => break,
                },
            }
        }
        Poll::Ready(self.end().map_or(Ok(()), Err))
    }

    /// Lets the stream go. Gives back what [`close`](Self::close) was told.
    fn end(&mut self) -> Option<DriveError<M::Error>> {
        self.transport.stream = Stream::Gone;
        self.reading = false;
        match core::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Closing(closing) => closing.why,
            _ => None,
        }
    }

    /// Until when what is being waited for may take.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Ended => None,
            Phase::Shaking(_, until) => Some(*until),
            Phase::Closing(closing) => Some(closing.until),
            Phase::Sending(_) | Phase::Open => {
                let machine = self.machine.deadline().filter(|_| self.reading);
                let output = self.transport.deadline();
                machine.into_iter().chain(output).chain(self.transport.rest_at()).min()
            }
        }
    }

    /// The deadline has passed.
    pub(crate) fn late(&mut self, now: Instant) -> Result<(), DriveError<M::Error>> {
        let what = match &self.phase {
            Phase::Ended => return Ok(()),
            Phase::Shaking(..) => TimedOut::Handshake,
            Phase::Closing(closing) => {
                if closing.why.is_some() || matches!(closing.step, Step::Linger) {
                    return self.end().map_or(Ok(()), Err);
                }
                TimedOut::Close
            }
            Phase::Sending(_) | Phase::Open => {
                self.transport.rest(now);
                let deadline = self.machine.deadline().filter(|at| *at <= now && self.reading);
                if self.transport.deadline().is_some_and(|at| at <= now) {
                    TimedOut::Output
                } else if deadline.is_none() {
                    return Ok(()); // woken too early
                } else if deadline == self.told {
                    TimedOut::Input
                } else {
                    self.told = deadline;
                    self.machine.handle_timeout(now);
                    return Ok(());
                }
            }
        };
        self.end();
        Err(DriveError::TimedOut(what))
    }
}
