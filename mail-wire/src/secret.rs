use alloc::vec::Vec;
use core::{fmt, hint::black_box};

use zeroize::Zeroizing;

/// Octets that no log may show and that are wiped when dropped: a decoded SASL challenge or response. Compared in
/// a time that depends on the lengths alone.
#[derive(Clone, Eq)]
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

impl PartialEq for SecretBuf {
    fn eq(&self, other: &Self) -> bool {
        let differ = self.0.iter().zip(other.0.iter()).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
        self.0.len() == other.0.len() && differ == 0
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

    #[test]
    fn secrets_are_equal_by_all_their_octets() {
        let of = |octets: &[u8]| SecretBuf::new(octets.to_vec());
        assert_eq!(of(b"hunter2"), of(b"hunter2"));
        assert_eq!(of(b""), of(b""));
        for other in [&b"gunter2"[..], b"hunter3", b"hunter", b"hunter22", b""] {
            assert_ne!(of(b"hunter2"), of(other));
        }
    }
}
