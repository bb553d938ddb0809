use core::fmt;

/// A password or token where it stands in the frame. Its `Debug` shows nothing of it.
///
/// It has no `Drop` of its own, so that an event can be held over a store call; whoever owns the
/// frame wipes it ([`Machine::frame_is_secret`](mail_wire::Machine::frame_is_secret)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// These octets as a secret.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub const fn expose(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
