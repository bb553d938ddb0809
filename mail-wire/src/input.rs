use alloc::vec::Vec;
use zeroize::Zeroize;

/// Received octets that are not consumed yet. Whoever drives a machine owns one.
///
/// It holds no memory when it is empty, never more than its bound, and leaves no copy of secret octets
/// behind: what it moves, outgrows or still holds when dropped is overwritten.
pub struct InputBuffer {
    buf: Vec<u8>,
    /// So many octets of `buf` are consumed.
    head: usize,
    bound: usize,
}

impl core::fmt::Debug for InputBuffer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Not the octets: they may be a password.
        f.debug_struct("InputBuffer").field("len", &self.len()).field("bound", &self.bound).finish()
    }
}

impl InputBuffer {
    /// An empty buffer that never holds more than `bound` octets.
    #[must_use]
    pub const fn new(bound: usize) -> Self {
        Self { buf: Vec::new(), head: 0, bound }
    }

    /// What was received and not consumed.
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        self.buf.get(self.head..).unwrap_or(&[])
    }

    /// The octets of [`filled`](Self::filled).
    #[must_use]
    pub const fn len(&self) -> usize {
        self.buf.len() - self.head
    }

    /// Whether nothing is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many octets [`extend`](Self::extend) would take.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.bound.saturating_sub(self.len())
    }

    /// The octets of memory held.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// Appends as much of `received` as the bound permits, and says how much that was.
    #[must_use]
    pub fn extend(&mut self, received: &[u8]) -> usize {
        let taken = received.get(..self.room()).unwrap_or(received);
        if self.buf.capacity() - self.buf.len() < taken.len() {
            self.make_room(taken.len());
        }
        self.buf.extend_from_slice(taken);
        taken.len()
    }

    fn make_room(&mut self, more: usize) {
        let len = self.len();
        let wanted = len + more;
        if wanted <= self.buf.capacity() && self.head > len {
            self.move_down();
            return;
        }
        // Doubling keeps the copying linear. An empty buffer takes what came and no more.
        let capacity = if len == 0 { wanted } else { wanted.max(self.buf.capacity().saturating_mul(2)) };
        let mut grown = Vec::with_capacity(capacity.min(self.bound));
        grown.extend_from_slice(self.filled());
        self.buf.zeroize();
        self.buf = grown;
        self.head = 0;
    }

    fn move_down(&mut self) {
        let len = self.len();
        self.buf.copy_within(self.head.., 0);
        if let Some(moved_from) = self.buf.get_mut(len..) {
            moved_from.zeroize();
        }
        self.buf.truncate(len);
        self.head = 0;
    }

    /// Drops the first `n` octets (all of them, where there are fewer).
    pub fn consume(&mut self, n: usize) {
        self.head += n.min(self.len());
        if self.head == self.buf.len() {
            self.buf = Vec::new();
            self.head = 0;
        }
        // Else the rest stays where it is until room is wanted: mostly it is consumed before.
    }

    /// Overwrites the first `n` octets, then drops them.
    pub fn consume_secret(&mut self, n: usize) {
        let end = self.head + n.min(self.len());
        if let Some(secret) = self.buf.get_mut(self.head..end) {
            secret.zeroize();
        }
        self.consume(n);
    }
}

impl Drop for InputBuffer {
    fn drop(&mut self) {
        self.buf.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All memory the buffer holds, spare capacity included as far as it was ever written.
    fn holds(buffer: &InputBuffer, secret: &[u8]) -> bool {
        buffer.buf.windows(secret.len()).any(|w| w == secret)
    }

    #[test]
    fn memory_is_given_back_when_empty() {
        let mut buffer = InputBuffer::new(100);
        assert_eq!(buffer.extend(b"abcdef"), 6);
        buffer.consume(2);
        assert_eq!(buffer.filled(), b"cdef");
        buffer.consume(9);
        assert_eq!((buffer.len(), buffer.capacity()), (0, 0));
    }

    #[test]
    fn the_bound_holds() {
        let mut buffer = InputBuffer::new(5);
        assert_eq!(buffer.extend(b"abc"), 3);
        assert_eq!(buffer.extend(b"defg"), 2);
        assert_eq!((buffer.room(), buffer.filled()), (0, &b"abcde"[..]));
        assert!(buffer.capacity() <= 5);
        buffer.consume(3);
        assert_eq!(buffer.extend(b"fghij"), 3);
        assert_eq!(buffer.filled(), b"defgh");
        assert!(buffer.capacity() <= 5);
    }

    #[test]
    fn secrets_are_overwritten_in_place_and_where_they_were_moved_from() {
        let mut buffer = InputBuffer::new(100_000);
        let _ = buffer.extend(&[b'x'; 7000]);
        let _ = buffer.extend(b"secret\r\nNOOP\r\n");
        buffer.consume(7000);
        let more = buffer.capacity() - 7014 - 10;
        let _ = buffer.extend(&alloc::vec![b'y'; more]);
        assert_eq!(buffer.head, 7000, "it stays where it is");
        let _ = buffer.extend(b"more than that"); // moves down
        assert_eq!(buffer.head, 0);
        let written = buffer.buf.len();
        assert_eq!(written, buffer.len());
        buffer.consume_secret(8);
        assert!(buffer.filled().starts_with(b"NOOP\r\nyy"));
        assert!(!holds(&buffer, b"sec"));
    }

    #[test]
    fn any_order_of_operations_is_as_a_model_says() {
        let (mut buffer, mut model, mut dice) = (InputBuffer::new(20_000), Vec::new(), 7u32);
        for _ in 0..20_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = usize::try_from(dice >> 8).unwrap_or(0) % if dice & 16 == 0 { 50 } else { 9000 };
            let data = alloc::vec![dice.to_be_bytes()[0]; n];
            match dice >> 30 {
                0 | 1 => {
                    let taken = buffer.extend(&data);
                    assert_eq!(taken, n.min(20_000 - model.len()));
                    model.extend_from_slice(&data[..taken]);
                }
                2 => {
                    buffer.consume(n);
                    model.drain(..n.min(model.len()));
                }
                _ => {
                    buffer.consume_secret(n);
                    model.drain(..n.min(model.len()));
                }
            }
            assert_eq!(buffer.filled(), model);
            assert_eq!(buffer.is_empty(), model.is_empty());
            assert!(buffer.capacity() <= 20_000);
        }
    }
}
