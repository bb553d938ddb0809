use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroize;

/// Octets nobody else should see: a password, a token. Wiped when dropped; its Debug shows nothing,
/// not even the length; compared in a time that depends on the lengths alone.
#[derive(Clone, Default)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// A copy of `octets`.
    #[must_use]
    pub fn new(octets: &[u8]) -> Self {
        Self(octets.into())
    }

    /// The octets. What is copied from here is no longer wiped.
    #[must_use]
    pub const fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Whether these are the same octets, in a time that depends on the lengths alone. All that is secret, or made with a
/// secret, is compared here and nowhere else; the benches count its instructions.
pub(crate) fn same(one: &[u8], other: &[u8]) -> Choice {
    one.ct_eq(other)
}

impl From<Vec<u8>> for Secret {
    fn from(mut octets: Vec<u8>) -> Self {
        // Shrinking might move the octets and leave the old place unwiped.
        let secret = Self::new(&octets);
        octets.zeroize();
        secret
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    #[test]
    fn debug_shows_nothing_of_a_secret() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2")), "Secret");
    }

    #[test]
    fn secrets_compare_by_their_octets() {
        assert_eq!(Secret::new(b"a"), Secret::from(vec![b'a']));
        assert_ne!(Secret::new(b"a"), Secret::new(b"b"));
        assert_ne!(Secret::new(b"a"), Secret::new(b"aa"));
    }
}
