//! CRAM-MD5 (RFC 2195): what both sides compute. Obsolete (RFC 6331 explains of its kin why): a
//! server lists it only if told to, a client uses it only if told to.

use alloc::{boxed::Box, string::String};
use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha2::digest::common::Key;
use zeroize::Zeroize as _;

use crate::secret::same;

/// A user with a digest made of his password and the server's challenge.
#[derive(Clone, Eq)]
#[non_exhaustive]
pub struct CramLogin {
    /// Whose password it is made with.
    pub authcid: String,
    challenge: Box<[u8]>,
    digest: [u8; 16],
}

impl CramLogin {
    /// Whether the digest is made with this password; in constant time. For an unknown user, call it
    /// with any password and refuse.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        same(&keyed_md5(password, &self.challenge), &self.digest).into()
    }

    /// Reads `user SP digest`, the digest in lower-case hexadecimal.
    pub(crate) fn read(challenge: &[u8], response: &[u8]) -> Option<Self> {
        let response = core::str::from_utf8(response).ok()?;
        let (user, hex) = response.rsplit_once(' ')?;
        if user.is_empty() || user.contains('\0') || hex.len() != 32 {
            return None;
        }
        let mut digest = [0; 16];
        for (octet, pair) in digest.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *octet = pair.iter().try_fold(0_u8, |value, digit| match digit {
                b'0'..=b'9' => Some(value << 4 | (digit - b'0')),
                b'a'..=b'f' => Some(value << 4 | (digit - b'a' + 10)),
                _ => None,
            })?;
        }
        Some(Self { authcid: user.into(), challenge: challenge.into(), digest })
    }
}

impl PartialEq for CramLogin {
    fn eq(&self, other: &Self) -> bool {
        (&self.authcid, &self.challenge) == (&other.authcid, &other.challenge)
            && bool::from(same(&self.digest, &other.digest))
    }
}

impl fmt::Debug for CramLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CramLogin").field("authcid", &self.authcid).finish_non_exhaustive()
    }
}

/// `HMAC-MD5(password, challenge)` (RFC 2104).
pub(crate) fn keyed_md5(password: &[u8], challenge: &[u8]) -> [u8; 16] {
    let mut block = Key::<Hmac<Md5>>::default();
    if password.len() > 64 {
        for (to, from) in block.iter_mut().zip(Md5::digest(password)) {
            *to = from;
        }
    } else {
        for (to, from) in block.iter_mut().zip(password) {
            *to = *from;
        }
    }
    let mut mac = Hmac::<Md5>::new(&block);
    block.as_mut_slice().zeroize();
    mac.update(challenge);
    mac.finalize().into_bytes().into()
}
