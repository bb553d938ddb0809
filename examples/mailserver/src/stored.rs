//! What the store keeps in place of a password: an Argon2id hash, and SCRAM keys beside it.
//!
//! One line each, the hash first. A text of one line is what earlier versions wrote, and hashes stated in the
//! configuration: such a mailbox has no SCRAM until its password is set anew.

use auth_sasl::scram::{DEFAULT_ITERATIONS, Hash, SALT_LEN, StoredKeys};
use zeroize::Zeroizing;

use crate::{
    fault::{Fault, Result},
    password,
};

/// The hashes keys are derived for.
pub(crate) const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha512, Hash::Sha1];

/// What verifies one mailbox's password.
#[derive(Clone, Debug)]
pub(crate) struct Stored<'t>(&'t str);

impl<'t> Stored<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self(text)
    }

    /// The Argon2id hash.
    pub(crate) fn hash(&self) -> &'t str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The SCRAM keys for this hash.
    pub(crate) fn keys(&self, hash: Hash) -> Option<StoredKeys> {
        self.0.lines().skip(1).filter_map(|line| StoredKeys::from_text(line).ok()).find(|k| k.hash() == hash)
    }

    /// Whether SCRAM serves it.
    pub(crate) fn has_keys(&self) -> bool {
        HASHES.iter().all(|hash| self.keys(*hash).is_some())
    }
}

/// What is to be stored for a password; with SCRAM keys where they are wanted. Takes as long as a login of each
/// kind.
pub(crate) fn derive(given: &[u8], scram: bool) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(password::hash(given)?);
    // What SASLprep forbids can be typed by LOGIN commands alone, which have no SCRAM.
    let preparable = auth_sasl::prepare::password(given, auth_sasl::prepare::Purpose::Stored).is_ok();
    for hash in HASHES.into_iter().filter(|_| scram && preparable) {
        let mut salt = [0; SALT_LEN];
        password::fill(&mut salt)?;
        let keys = StoredKeys::derive(hash, given, &salt, DEFAULT_ITERATIONS)
            .map_err(|e| Fault::new(format!("cannot derive SCRAM keys: {e}")))?;
        text.push('\n');
        text.push_str(&keys.to_text());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_a_hash_and_keys_and_verified_by_each() {
        let text = derive("p\u{e4}ncil".as_bytes(), true).unwrap();
        let stored = Stored::new(&text);
        assert!(password::verify("p\u{e4}ncil".as_bytes(), stored.hash()));
        assert!(stored.has_keys());
        for hash in HASHES {
            assert!(stored.keys(hash).unwrap().verify("p\u{e4}ncil".as_bytes()));
        }
        assert!(!text.contains("ncil"));
    }

    #[test]
    fn a_hash_alone_has_no_keys() {
        for text in [derive(b"pencil", false).unwrap(), derive(b"\x07", true).unwrap()] {
            let stored = Stored::new(&text);
            assert_eq!(stored.hash(), &**text);
            assert!(!stored.has_keys() && stored.keys(Hash::Sha256).is_none());
        }
    }
}
