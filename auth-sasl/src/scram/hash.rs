use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::digest::{Digest as _, common::Key};
use subtle::Choice;
use zeroize::{Zeroize as _, Zeroizing};

use crate::secret;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1 (RFC 5802): still safe in this use, for servers that know no better.
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The mechanism's name without channel binding.
    #[must_use]
    pub const fn mechanism(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// The mechanism's name with channel binding.
    #[must_use]
    pub const fn mechanism_plus(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1-PLUS",
            Self::Sha256 => "SCRAM-SHA-256-PLUS",
            Self::Sha512 => "SCRAM-SHA-512-PLUS",
        }
    }

    /// Octets of its output.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The output of a hash: wiped when dropped, compared in constant time.
#[derive(Clone)]
pub(super) struct Digest {
    octets: Zeroizing<[u8; 64]>,
    size: usize,
}

impl Digest {
    fn zero(hash: Hash) -> Self {
        Self { octets: Zeroizing::new([0; 64]), size: hash.size() }
    }

    /// The digest `octets` are, if they are as many as this hash gives.
    pub(super) fn from_octets(hash: Hash, octets: &[u8]) -> Option<Self> {
        let mut digest = Self::zero(hash);
        if octets.len() != digest.size {
            return None;
        }
        digest.as_mut().copy_from_slice(octets);
        Some(digest)
    }

    pub(super) fn as_ref(&self) -> &[u8] {
        self.octets.get(..self.size).unwrap_or_default()
    }

    fn as_mut(&mut self) -> &mut [u8] {
        self.octets.get_mut(..self.size).unwrap_or_default()
    }

    pub(super) fn xor(mut self, other: &Self) -> Self {
        for (a, b) in self.as_mut().iter_mut().zip(other.as_ref()) {
            *a ^= b;
        }
        self
    }

    pub(super) fn same(&self, other: &Self) -> Choice {
        secret::same(self.as_ref(), other.as_ref())
    }
}

macro_rules! by_hash {
    ($hash:expr, $name:ident => $body:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $name = sha1::Sha1;
                $body
            }
            Hash::Sha256 => {
                type $name = sha2::Sha256;
                $body
            }
            Hash::Sha512 => {
                type $name = sha2::Sha512;
                $body
            }
        }
    };
}

/// `H(octets)`.
pub(super) fn digest(hash: Hash, octets: &[u8]) -> Digest {
    let mut out = Digest::zero(hash);
    by_hash!(hash, D => out.as_mut().copy_from_slice(&D::digest(octets)));
    out
}

/// `HMAC(key, parts...)`; `key` is a digest of the same hash, or at most 64 octets of it count.
pub(super) fn hmac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Digest {
    let mut out = Digest::zero(hash);
    by_hash!(hash, D => {
        // No digest here is longer than a block: padding is all a key needs (RFC 2104 section 2).
        let mut block = Key::<Hmac<D>>::default();
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        let mut mac = Hmac::<D>::new(&block);
        block.as_mut_slice().zeroize();
        for part in parts {
            mac.update(part);
        }
        out.as_mut().copy_from_slice(&mac.finalize().into_bytes());
    });
    out
}

/// `Hi(password, salt, iterations)` (RFC 5802 section 2.2).
pub(super) fn hi(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> Digest {
    let mut out = Digest::zero(hash);
    by_hash!(hash, D => pbkdf2::pbkdf2_hmac::<D>(password, salt, iterations, out.as_mut()));
    out
}
