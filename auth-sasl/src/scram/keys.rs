use alloc::{boxed::Box, format, string::String};
use core::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::{Zeroize as _, Zeroizing};

use super::hash::{Digest, Hash, digest, hi, hmac};
use crate::{
    prepare,
    prepare::{Purpose, Unpreparable},
};

/// Iterations a key is derived with, at least (RFC 7677 section 4).
pub const MIN_ITERATIONS: u32 = 4096;
/// Iterations for new keys where nothing else is wanted: about what a PLAIN login may cost too.
pub const DEFAULT_ITERATIONS: u32 = 32_768;
/// Iterations of any key, at most.
pub const MAX_ITERATIONS: u32 = 10_000_000;
/// Octets of salt for new keys; also what a decoy shows.
pub const SALT_LEN: usize = 16;
/// Octets of salt, at most.
pub(super) const MAX_SALT: usize = 256;

/// What a server stores instead of a password (RFC 5802 section 3): with it alone nobody can log in,
/// unless he also reads an exchange.
///
/// As text: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in base64
/// (the form of RFC 5803).
#[derive(Clone)]
pub struct StoredKeys {
    hash: Hash,
    salt: Box<[u8]>,
    iterations: u32,
    stored_key: Digest,
    server_key: Digest,
}

/// Why there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The password has no prepared form.
    #[error(transparent)]
    Password(#[from] Unpreparable),
    /// The salt is empty or longer than 256 octets.
    #[error("the salt is empty or too long")]
    Salt,
    /// Fewer than [`MIN_ITERATIONS`] or more than [`MAX_ITERATIONS`].
    #[error("the iteration count is out of bounds")]
    Iterations,
    /// The text is not of the form [`StoredKeys::to_text`] writes.
    #[error("no SCRAM keys")]
    Text,
}

impl StoredKeys {
    /// The keys of a password, prepared by SASLprep as a stored string. The salt is random,
    /// [`SALT_LEN`] octets for a new key. It takes as long as `iterations` say.
    ///
    /// # Errors
    /// [`KeyError`] but `Text`.
    pub fn derive(hash: Hash, password: &[u8], salt: &[u8], iterations: u32) -> Result<Self, KeyError> {
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(KeyError::Iterations);
        }
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(KeyError::Salt);
        }
        let password = prepare::password(password, Purpose::Stored)?;
        let salted = hi(hash, password.expose(), salt, iterations);
        Ok(Self {
            hash,
            salt: salt.into(),
            iterations,
            stored_key: digest(hash, client_key(hash, &salted).as_ref()),
            server_key: server_key(hash, &salted),
        })
    }

    /// Whether these are this password's keys, for PLAIN and LOGIN beside SCRAM. Takes as long as
    /// [`derive`](Self::derive), in constant time otherwise.
    #[must_use]
    pub fn verify(&self, password: &[u8]) -> bool {
        let Ok(password) = prepare::password(password, Purpose::Query) else { return false };
        let salted = hi(self.hash, password.expose(), &self.salt, self.iterations);
        digest(self.hash, client_key(self.hash, &salted).as_ref()).same(&self.stored_key).into()
    }

    /// Keys nobody has, the same ones for the same name: an unknown user is answered with them.
    pub(super) fn decoy(hash: Hash, key: &[u8], user: &str, iterations: u32) -> Self {
        let key = digest(hash, key);
        let of = |what: &[u8]| {
            hmac(hash, key.as_ref(), &[what, hash.mechanism().as_bytes(), b"\0", user.as_bytes()])
        };
        let salt = of(b"salt");
        Self {
            hash,
            salt: salt.as_ref().get(..SALT_LEN).unwrap_or_default().into(),
            iterations,
            stored_key: of(b"stored"),
            server_key: of(b"server"),
        }
    }

    /// Keys of the same salt and iterations that nobody has: for a user who is known and may not log in now. A client
    /// is asked for the same proof as ever, and no proof is right; else whoever sees the salt change knows that there is
    /// such a user, and what became of him.
    #[must_use]
    pub fn barred(mut self, decoy: &super::Decoy<'_>) -> Self {
        let nobody = Self::decoy(self.hash, decoy.key, "", self.iterations);
        (self.stored_key, self.server_key) = (nobody.stored_key, nobody.server_key);
        self
    }

    /// The mechanism's hash.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The iteration count.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(super) const fn stored_key(&self) -> &Digest {
        &self.stored_key
    }

    pub(super) const fn server_key(&self) -> &Digest {
        &self.server_key
    }

    /// The text form, for storing. It is to be kept from others as a password hash is.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let [salt, stored, server] = [&*self.salt, self.stored_key.as_ref(), self.server_key.as_ref()]
            .map(|octets| Zeroizing::new(STANDARD.encode(octets)));
        Zeroizing::new(format!(
            "{}${}:{}${}:{}",
            self.hash.mechanism(),
            self.iterations,
            *salt,
            *stored,
            *server
        ))
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    /// [`KeyError::Text`], [`KeyError::Salt`], [`KeyError::Iterations`]
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.split('$');
        let (Some(scheme), Some(salting), Some(keys), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Text);
        };
        let hash = [Hash::Sha1, Hash::Sha256, Hash::Sha512]
            .into_iter()
            .find(|h| h.mechanism() == scheme)
            .ok_or(KeyError::Text)?;
        let (iterations, salt) = salting.split_once(':').ok_or(KeyError::Text)?;
        let (stored, server) = keys.split_once(':').ok_or(KeyError::Text)?;
        let iterations = super::message::number(iterations.as_bytes()).ok_or(KeyError::Text)?;
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(KeyError::Iterations);
        }
        let salt = STANDARD.decode(salt).map_err(|_| KeyError::Text)?;
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(KeyError::Salt);
        }
        let key = |text: &str| {
            let mut octets = STANDARD.decode(text).ok()?;
            let digest = Digest::from_octets(hash, &octets);
            octets.zeroize();
            digest
        };
        let (Some(stored_key), Some(server_key)) = (key(stored), key(server)) else {
            return Err(KeyError::Text);
        };
        Ok(Self { hash, salt: salt.into(), iterations, stored_key, server_key })
    }
}

/// RFC 5802 section 3: `ClientKey := HMAC(SaltedPassword, "Client Key")`.
pub(super) fn client_key(hash: Hash, salted: &Digest) -> Digest {
    hmac(hash, salted.as_ref(), &[b"Client Key"])
}

/// RFC 5802 section 3: `ServerKey := HMAC(SaltedPassword, "Server Key")`.
pub(super) fn server_key(hash: Hash, salted: &Digest) -> Digest {
    hmac(hash, salted.as_ref(), &[b"Server Key"])
}

impl PartialEq for StoredKeys {
    fn eq(&self, other: &Self) -> bool {
        (self.hash, &self.salt, self.iterations) == (other.hash, &other.salt, other.iterations)
            && bool::from(self.stored_key.same(&other.stored_key) & self.server_key.same(&other.server_key))
    }
}

impl Eq for StoredKeys {}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKeys")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text_form_and_show_nothing() {
        for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha512] {
            let keys = StoredKeys::derive(hash, b"pencil", b"0123456789abcdef", 4096).unwrap();
            assert_eq!(StoredKeys::from_text(&keys.to_text()), Ok(keys.clone()));
            assert!(keys.verify(b"pencil") && !keys.verify(b"pencil2") && !keys.verify(b"\x01"));
            let shown = format!("{keys:?}");
            assert!(!shown.contains("key") && !shown.contains("salt"), "{shown}");
        }
    }

    /// As another implementation stores the password of RFC 7677 section 3.
    #[test]
    fn the_text_form_is_the_usual_one() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let keys = StoredKeys::derive(Hash::Sha256, b"pencil", &salt, 4096).unwrap();
        assert_eq!(
            keys.to_text().as_str(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    /// As `doveadm pw -s SCRAM-SHA-256 -p pencil` writes keys: `iterations,salt,StoredKey,ServerKey`.
    #[test]
    fn another_server_derives_the_same_keys() {
        let theirs = "4096,bd9THU3h7N89EFsPe0M6Yw==,U737NEMFEESMnw3xXgNViGXn5gk1WjR7idS6W05g4Pg=,UHUcgw3JyOxmB/wD6VwkyF0l/ZAIszYxqk1/Df24laM=";
        let parts: alloc::vec::Vec<_> = theirs.split(',').collect();
        let text = format!("SCRAM-SHA-256${}:{}${}:{}", parts[0], parts[1], parts[2], parts[3]);
        let keys = StoredKeys::from_text(&text).unwrap();
        assert_eq!(StoredKeys::derive(Hash::Sha256, b"pencil", keys.salt(), 4096), Ok(keys));
    }

    #[test]
    fn bounds_are_kept() {
        let derive = |salt: &[u8], n| StoredKeys::derive(Hash::Sha1, b"p", salt, n).map(|_| ());
        assert_eq!(derive(b"s", 4095), Err(KeyError::Iterations));
        assert_eq!(derive(b"s", MAX_ITERATIONS + 1), Err(KeyError::Iterations));
        assert_eq!(derive(b"", 4096), Err(KeyError::Salt));
        assert_eq!(derive(&[0; 257], 4096), Err(KeyError::Salt));
        assert_eq!(
            StoredKeys::derive(Hash::Sha1, b"\x07", b"s", 4096).map(|_| ()),
            Err(KeyError::Password(Unpreparable))
        );
        for text in [
            "",
            "SCRAM-SHA-256",
            "SCRAM-MD5$4096:c2FsdA==$AA==:AA==",
            "SCRAM-SHA-256$4096:c2FsdA==$AA==:AA==",
            "SCRAM-SHA-256$04096:c2FsdA==$AA==:AA==",
            "SCRAM-SHA-1$4096:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAA=$",
        ] {
            assert_eq!(StoredKeys::from_text(text), Err(KeyError::Text), "{text}");
        }
    }

    #[test]
    fn a_decoy_is_stable_and_not_the_same_for_two_names_keys_or_hashes() {
        let of = |hash, key: &[u8], user: &str| StoredKeys::decoy(hash, key, user, 4096);
        let a = of(Hash::Sha256, b"k", "a");
        assert_eq!(a, of(Hash::Sha256, b"k", "a"));
        for other in [of(Hash::Sha256, b"k", "b"), of(Hash::Sha256, b"l", "a"), of(Hash::Sha512, b"k", "a")] {
            assert_ne!(a.salt(), other.salt());
        }
        assert_eq!(a.salt().len(), SALT_LEN);
        let decoy = super::super::Decoy { key: b"k", iterations: 4096 };
        assert_eq!(decoy.keys(Hash::Sha256, "a"), a);
        assert!(!a.verify(b"pencil"));
    }

    #[test]
    fn barred_keys_look_as_before_and_open_nothing() {
        let keys = StoredKeys::derive(Hash::Sha256, b"pencil", b"salt", 4096).unwrap();
        let decoy = super::super::Decoy { key: b"k", iterations: 5000 };
        let barred = keys.clone().barred(&decoy);
        assert_eq!((barred.salt(), barred.iterations()), (keys.salt(), keys.iterations()));
        assert!(keys.verify(b"pencil") && !barred.verify(b"pencil"));
        assert!(!bool::from(barred.server_key.same(&keys.server_key)), "nor does it prove the server");
    }
}
