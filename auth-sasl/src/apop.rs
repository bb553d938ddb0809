//! APOP (RFC 1939 section 7): no SASL mechanism, but POP3's own login by a shared secret. Obsolete: MD5 of the
//! secret as it is lets whoever reads the line, or plays the server, find it out.

use md5::{Digest as _, Md5};

use crate::secret::same;

/// The digest of the greeting's timestamp (with its angle brackets) and the shared secret.
///
/// ```
/// // The example of RFC 1939 section 7.
/// let digest = auth_sasl::apop::digest(b"<1896.697170952@dbc.mtview.ca.us>", b"tanstaaf");
/// assert_eq!(digest[..4], [0xc4, 0xc9, 0x33, 0x4b]);
/// ```
#[must_use]
pub fn digest(timestamp: &[u8], secret: &[u8]) -> [u8; 16] {
    Md5::new().chain_update(timestamp).chain_update(secret).finalize().into()
}

/// Whether `given` is the digest made with this secret; in constant time. For an unknown user, call it with any
/// secret and refuse.
#[must_use]
pub fn verify(timestamp: &[u8], secret: &[u8], given: &[u8; 16]) -> bool {
    same(&digest(timestamp, secret), given).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1939_is_verified() {
        let timestamp = b"<1896.697170952@dbc.mtview.ca.us>";
        let given = 0xc4c9_334b_ac56_0ecc_979e_5800_1b3e_22fb_u128.to_be_bytes();
        assert!(verify(timestamp, b"tanstaaf", &given));
        assert!(!verify(timestamp, b"tanstaag", &given));
        assert!(!verify(b"<1@h>", b"tanstaaf", &given));
    }
}
