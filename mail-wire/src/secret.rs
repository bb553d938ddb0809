use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

/// Octets that no log may show and that are wiped when dropped: a decoded SASL challenge or response.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBuf(Zeroizing<Vec<u8>>);

impl SecretBuf {
    /// Takes the octets into care.
    #[must_use]
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The octets.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBuf(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = SecretBuf::new(b"hunter2".to_vec());
        assert_eq!(alloc::format!("{secret:?}"), "SecretBuf(..)");
        assert_eq!(secret.expose(), b"hunter2");
    }
}
