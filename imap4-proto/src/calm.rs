/// What a framer makes of input that comes octet by octet, as from a peer that does not buffer: while a line has begun and has no end, most
/// octets change nothing, and are only counted.
///
/// It holds from one answer `Need(1)`, given for input that is not empty and was seen to its end, to the next call that finds more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calm {
    /// The length of the input with one octet more than was seen; none of the following holds where it is 0.
    next: usize,
    /// So many octets may be seen without a refusal.
    most: usize,
    /// An octet that changes something.
    stop: u8,
}

impl Calm {
    pub(crate) const NONE: Self = Self { next: 0, most: 0, stop: b'\n' };

    /// `seen` octets are all that there are, one at least.
    pub(crate) const fn new(seen: usize, most: usize, stop: u8) -> Self {
        Self { next: seen + 1, most, stop }
    }

    /// Takes the input where it is one octet more than was seen, which changes nothing: it is `Need(1)` again. What `changes` something is told
    /// by the octet and the one that this was made with.
    #[inline]
    pub(crate) fn takes(&mut self, input: &[u8], changes: impl Fn(u8, u8) -> bool) -> bool {
        match input {
            [.., last]
                if input.len() == self.next && self.next <= self.most && !changes(*last, self.stop) =>
            {
                self.next += 1;
                true
            }
            _ => false,
        }
    }

    #[inline]
    pub(crate) const fn holds(&self) -> bool {
        self.next != 0
    }

    /// It is over: what was seen, where it held.
    #[inline]
    pub(crate) const fn end(&mut self) -> Option<usize> {
        let seen = self.next.checked_sub(1);
        *self = Self::NONE;
        seen
    }
}
