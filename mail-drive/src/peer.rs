use core::{future::poll_fn, task::Poll};
use mail_wire::Machine;

use crate::{DriveError, TimedOut, timer::Clock, transport::Drain};

/// An event, and the peer it came from.
#[derive(Debug)]
pub struct Turn<'a, M: Machine> {
    /// What the peer said. It borrows the input, not the machine, so it can be held while it is answered.
    pub event: M::Event<'a>,
    /// Where the answer goes.
    pub peer: Peer<'a, M>,
}

/// The machine to answer with, and the connection to its peer.
pub struct Peer<'a, M> {
    /// The protocol's machine: its methods are the answers.
    pub machine: &'a mut M,
    pub(crate) transport: &'a mut dyn Drain,
    pub(crate) clock: &'a dyn Clock,
}

impl<M: core::fmt::Debug> core::fmt::Debug for Peer<'_, M> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Peer").field("machine", &self.machine).finish_non_exhaustive()
    }
}

impl<M: Machine> Peer<'_, M> {
    /// Waits until at most `high_water` octets of output are unsent: the backpressure for whoever produces
    /// a long answer. At once when that is so already. It can be dropped and called again.
    ///
    /// # Errors
    /// [`DriveError::Io`]; [`DriveError::TimedOut`] when the peer reads too little for too long
    /// ([`Limits::stall`](crate::Limits::stall)). The connection is of no use then.
    pub async fn drain(&mut self, high_water: usize) -> Result<(), DriveError<M::Error>> {
        if high_water > 0 && self.machine.output().len() <= high_water {
            return Ok(());
        }
        let (mut until, mut sleep) = (None, None);
        poll_fn(|cx| {
            let output = self.machine.output();
            if let Poll::Ready(done) =
                self.transport.poll_drain_ahead(cx, output, high_water, self.clock.time())
            {
                return Poll::Ready(done.map_err(DriveError::Io));
            }
            let deadline = self.transport.deadline();
            if deadline != until {
                until = deadline;
                sleep = deadline.map(|at| self.clock.sleep(at));
            }
            match &mut sleep {
                Some(sleep) => sleep.as_mut().poll(cx).map(|()| Err(DriveError::TimedOut(TimedOut::Output))),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Sends of the output what the stream takes at once, and waits for nothing: before the program does something slow, where
    /// [`Limits::gather`](crate::Limits::gather) lets answers wait.
    ///
    /// # Errors
    /// [`DriveError::Io`].
    pub async fn push(&mut self) -> Result<(), DriveError<M::Error>> {
        if self.machine.output().is_empty() {
            return Ok(());
        }
        poll_fn(|cx| {
            let sent = self.transport.poll_drain(cx, self.machine.output(), 0, self.clock.time());
            Poll::Ready(match sent {
                Poll::Ready(Err(error)) => Err(DriveError::Io(error)),
                Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
            })
        })
        .await
    }

    /// Waits until all output is sent (but for what waits behind a stop point): before the program does
    /// something slow, or waits for something else than this peer.
    ///
    /// # Errors
    /// As [`drain`](Self::drain).
    pub async fn flush(&mut self) -> Result<(), DriveError<M::Error>> {
        self.drain(0).await
    }
}
