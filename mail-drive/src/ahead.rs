use core::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};
use mail_wire::InputBuffer;
use std::{boxed::Box, io};

use crate::Limits;

/// Octets read ahead by all drivers of the process.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// Input taken from a peer that does not read its answers yet: it may be writing, and would read only when it has
/// written all. It is looked at when the answers are gone.
pub(crate) struct Ahead {
    held: Option<Box<InputBuffer>>,
    most: usize,
    most_of_all: usize,
    /// The stream had ended or failed: the next proper read will say so.
    ended: bool,
}

impl Ahead {
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self { held: None, most: limits.read_ahead, most_of_all: limits.read_ahead_of_all, ended: false }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    pub(crate) fn filled(&self) -> &[u8] {
        self.held.as_ref().map_or(&[], |held| held.filled())
    }

    /// Forgets what is held.
    pub(crate) fn clear(&mut self) {
        HELD.fetch_sub(self.filled().len(), Ordering::Relaxed);
        self.held = None;
    }

    /// Moves octets to where they are looked at; says how many.
    pub(crate) fn give(&mut self, most: usize, input: &mut InputBuffer) -> usize {
        let Some(held) = &mut self.held else { return 0 };
        let n = most.min(held.len());
        let given = input.extend(held.filled().get(..n).unwrap_or_default());
        // It may be a password.
        held.consume_secret(given);
        HELD.fetch_sub(given, Ordering::Relaxed);
        if held.is_empty() {
            self.held = None;
        }
        given
    }

    /// How many octets may be read now, at most `most`. They count as held until [`keep`](Self::keep) says how many came.
    pub(crate) fn grant(&self, most: usize) -> usize {
        let room = if self.ended { 0 } else { self.most.saturating_sub(self.filled().len()).min(most) };
        // Counted before it is read, so that the sum is never more.
        if room == 0 || HELD.fetch_add(room, Ordering::Relaxed) <= self.most_of_all.saturating_sub(room) {
            return room;
        }
        HELD.fetch_sub(room, Ordering::Relaxed);
        0
    }

    /// Keeps what was read into the `granted` octets. Whether there may be more at once.
    pub(crate) fn keep(&mut self, granted: &mut [u8], read: &Poll<io::Result<usize>>) -> bool {
        let n = match read {
            Poll::Ready(Ok(n)) => *n.min(&granted.len()),
            _ => 0,
        };
        HELD.fetch_sub(granted.len() - n, Ordering::Relaxed);
        // The next proper read will say so.
        self.ended = matches!(read, Poll::Ready(Ok(0) | Err(_)));
        let Some(received) = granted.get_mut(..n).filter(|r| !r.is_empty()) else { return false };
        let held = self.held.get_or_insert_with(|| Box::new(InputBuffer::new(self.most)));
        let taken = held.extend(received);
        debug_assert_eq!(taken, n, "no more is read than there is room for");
        received.fill(0);
        core::hint::black_box(received);
        true
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.clear();
    }
}
