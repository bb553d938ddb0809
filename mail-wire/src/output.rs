use alloc::{collections::VecDeque, vec::Vec};
use bytes::Bytes;
use zeroize::Zeroizing;

/// Shared segments shorter than this are copied: a segment of its own costs more than the copy.
const COPY_BELOW: usize = 512;
/// An emptied buffer larger than this is given back.
const KEEP: usize = 256;
/// So is a list of segments with room for more than this.
const KEEP_SEGMENTS: usize = 8;

/// What a machine wants sent: owned bytes, shared payload segments, and stop points.
///
/// Small answers coalesce in one buffer. A payload is a shared [`Bytes`], never copied. A *stop
/// point* holds back all that comes after it until [`release`](Self::release): a client's
/// synchronizing literal waits there for the server's `+` (RFC 9051 section 4.3).
#[cfg_attr(any(test, feature = "count"), derive(Clone, PartialEq, Eq))]
pub struct OutputQueue {
    /// Owned bytes, in order; `start` of them are sent.
    owned: Vec<u8>,
    start: usize,
    /// What stands between owned bytes, by the offset in `owned` before which it stands.
    between: VecDeque<(usize, Between)>,
    /// Where in `owned` the first stop point stands; the greatest number where there is none.
    stop: usize,
    /// Shared bytes before it.
    shared: usize,
    /// Shared bytes after it.
    shared_held: usize,
}

/// Where a stop point stands that is none.
const NOWHERE: usize = usize::MAX;

#[cfg_attr(any(test, feature = "count"), derive(Clone, PartialEq, Eq))]
enum Between {
    Shared(Bytes),
    Stop,
}

impl core::fmt::Debug for OutputQueue {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not the bytes: a client's queue holds passwords.
        f.debug_struct("OutputQueue")
            .field("ready", &self.len())
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}

impl Default for OutputQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl OutputQueue {
    /// An empty queue. It allocates nothing until something is put.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            owned: Vec::new(),
            start: 0,
            between: VecDeque::new(),
            stop: NOWHERE,
            shared: 0,
            shared_held: 0,
        }
    }

    /// How many bytes can be sent now (those before the first stop point).
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.owned_end() - self.start + self.shared
    }

    /// How many of the owned bytes stand before the first stop point.
    #[inline]
    const fn owned_end(&self) -> usize {
        if self.stop < self.owned.len() { self.stop } else { self.owned.len() }
    }

    /// Whether nothing can be sent now.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.shared == 0
            && (self.owned.is_empty() || self.start == self.owned.len() || self.start == self.stop)
    }

    /// How many bytes wait behind a stop point.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.owned.len() - self.owned_end() + self.shared_held
    }

    /// Appends a copy of `bytes`.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.owned.extend_from_slice(bytes);
    }

    /// Lets `write` append to the owned buffer directly, which must only be extended.
    #[inline]
    pub fn write_with<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        write(&mut self.owned)
    }

    /// Appends a shared segment without copying it (short ones are copied).
    pub fn put_shared(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW {
            self.put(&bytes);
            return;
        }
        self.push_shared(bytes);
    }

    fn push_shared(&mut self, bytes: Bytes) {
        if self.stop == NOWHERE {
            self.shared += bytes.len();
        } else {
            self.shared_held += bytes.len();
        }
        self.between.push_back((self.owned.len(), Between::Shared(bytes)));
    }

    /// Appends a copy of `bytes` that is wiped as soon as it is sent or dropped: a password, a response of an
    /// exchange. It is a segment of its own, so what else is queued costs no more for it.
    pub fn put_secret(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.push_shared(Bytes::from_owner(Zeroizing::new(bytes.to_vec())));
        }
    }

    /// Sets a stop point: what is put from here on is not sent before [`release`](Self::release).
    pub fn stop(&mut self) {
        self.between.push_back((self.owned.len(), Between::Stop));
        self.stop = self.stop.min(self.owned.len());
    }

    /// Whether a stop point stands at the front: all before it is sent, something waits for the peer.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stop != NOWHERE && self.is_empty()
    }

    /// Takes the first stop point away. Returns whether there was one.
    pub fn release(&mut self) -> bool {
        let Some(at) = self.between.iter().position(|(_, b)| matches!(b, Between::Stop)) else {
            return false;
        };
        self.between.remove(at);
        self.stop = NOWHERE;
        for (place, b) in self.between.iter().skip(at) {
            match b {
                Between::Shared(s) => {
                    self.shared += s.len();
                    self.shared_held -= s.len();
                }
                Between::Stop => {
                    self.stop = *place;
                    break;
                }
            }
        }
        true
    }

    /// The segments that can be sent now, in order. None of them is empty.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let end = (self.owned.len(), None);
        let mut from = self.start;
        self.between
            .iter()
            .map(|(at, b)| (*at, Some(b)))
            .chain(core::iter::once(end))
            .map_while({
                let mut stopped = false;
                move |(at, b)| {
                    if stopped {
                        return None;
                    }
                    let owned = self.owned.get(from..at).unwrap_or(&[]);
                    from = at;
                    let shared: &[u8] = match b {
                        Some(Between::Shared(s)) => s,
                        Some(Between::Stop) => {
                            stopped = true;
                            &[]
                        }
                        None => &[],
                    };
                    Some([owned, shared])
                }
            })
            .flatten()
            .filter(|s| !s.is_empty())
    }

    /// Drops the first `n` bytes: they are sent. More than [`len`](Self::len) counts as all of it.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        if self.between.is_empty() && n >= self.owned.len() - self.start {
            // Mostly all of it is sent at once.
            self.emptied();
        } else {
            self.advance_in(n);
        }
    }

    /// Nothing is left.
    #[inline]
    fn emptied(&mut self) {
        self.start = 0;
        self.owned.clear();
        if self.owned.capacity() > KEEP || self.between.capacity() > KEEP_SEGMENTS {
            self.shrink();
        }
    }

    #[cold]
    fn shrink(&mut self) {
        if self.owned.capacity() > KEEP {
            self.owned = Vec::new();
        }
        if self.between.capacity() > KEEP_SEGMENTS {
            self.between = VecDeque::new();
        }
    }

    fn advance_in(&mut self, n: usize) {
        let mut n = n.min(self.len());
        while n > 0 {
            let upto = self.between.front().map_or(self.owned.len(), |(at, _)| *at);
            let owned = upto - self.start;
            if n < owned || self.between.is_empty() {
                self.start += n;
                break;
            }
            self.start = upto;
            n -= owned;
            match self.between.front_mut() {
                Some((_, Between::Shared(s))) if n < s.len() => {
                    bytes::Buf::advance(s, n);
                    self.shared -= n;
                    break;
                }
                Some((_, Between::Shared(s))) => {
                    n -= s.len();
                    self.shared -= s.len();
                    self.between.pop_front();
                }
                _ => break,
            }
        }
        if self.start == self.owned.len() && self.between.is_empty() {
            self.emptied();
        } else if self.start > 8192 && self.start > self.owned.len() / 2 {
            let by = self.start;
            self.owned.drain(..by);
            for (at, _) in &mut self.between {
                *at -= by;
            }
            if self.stop != NOWHERE {
                self.stop -= by;
            }
            self.start = 0;
        }
    }

    /// Drops all that waits behind stop points, and the stop points: the server refused.
    pub fn clear_held(&mut self) {
        let Some(at) = self.between.iter().position(|(_, b)| matches!(b, Between::Stop)) else {
            return;
        };
        if let Some((offset, _)) = self.between.get(at) {
            self.owned.truncate(*offset);
        }
        self.between.truncate(at);
        self.shared_held = 0;
        self.stop = NOWHERE;
    }
}

impl core::fmt::Write for OutputQueue {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        self.put(s.as_bytes());
        Ok(())
    }
}
