//! Passwords verified a short while ago: a client that comes back often costs one HMAC, not one Argon2id.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use ring::hmac;

use crate::{fault::Result, password};

const FOR: Duration = Duration::from_secs(10 * 60);
/// Entries, at most: some 100 octets each.
const MOST: usize = 10_000;

/// A set of keyed hashes over account, stored hash and password. The key is this process's own, so
/// a memory image without it tells nothing; and a password that was changed has another stored hash,
/// so its entry is not found any more.
pub(crate) struct Remembered {
    key: hmac::Key,
    entries: Mutex<HashMap<Tag, Instant>>,
}

/// The keyed hash of one right login.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tag([u8; 32]);

impl std::fmt::Debug for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tag")
    }
}

impl Remembered {
    pub(crate) fn new() -> Result<Self> {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        password::fill(&mut *key)?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*key), entries: Mutex::default() })
    }

    /// The tag of a login. Each part is preceded by its length: no two logins look alike.
    pub(crate) fn tag(&self, account: u64, stored: &str, password: &[u8]) -> Tag {
        let mut mac = hmac::Context::with_key(&self.key);
        for part in [&account.to_be_bytes()[..], stored.as_bytes(), password] {
            mac.update(&part.len().to_be_bytes());
            mac.update(part);
        }
        let mut tag = [0; 32];
        for (to, from) in tag.iter_mut().zip(mac.sign().as_ref()) {
            *to = *from;
        }
        Tag(tag)
    }

    /// Whether this login was right within the last minutes.
    pub(crate) fn knows(&self, tag: &Tag, now: Instant) -> bool {
        self.lock().get(tag).is_some_and(|until| now < *until)
    }

    /// This login was right.
    pub(crate) fn learn(&self, tag: Tag, now: Instant) {
        let mut entries = self.lock();
        if entries.len() >= MOST && !entries.contains_key(&tag) {
            entries.retain(|_, until| now < *until);
            if entries.len() >= MOST {
                // All at once, so that the cost of making room is spread over as many logins.
                entries.clear();
            }
        }
        entries.insert(tag, now + FOR);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Tag, Instant>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Remembered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_login_is_known_and_not_for_ever() {
        let r = Remembered::new().unwrap();
        let now = Instant::now();
        let tag = r.tag(1, "$argon2id$a", b"secret");
        assert!(!r.knows(&tag, now));
        r.learn(tag, now);
        assert!(r.knows(&r.tag(1, "$argon2id$a", b"secret"), now));
        assert!(!r.knows(&r.tag(1, "$argon2id$a", b"secreT"), now));
        assert!(!r.knows(&r.tag(2, "$argon2id$a", b"secret"), now));
        assert!(!r.knows(&r.tag(1, "$argon2id$b", b"secret"), now), "the password was changed");
        assert!(!r.knows(&r.tag(1, "$argon2id$as", b"ecret"), now));
        assert!(!r.knows(&tag, now + FOR));
    }

    #[test]
    fn its_size_is_bounded() {
        let r = Remembered::new().unwrap();
        let now = Instant::now();
        for n in 0..MOST as u64 + 10 {
            r.learn(r.tag(n, "", b""), now);
        }
        assert!(r.lock().len() <= MOST);
        assert!(r.knows(&r.tag(MOST as u64 + 9, "", b""), now), "the newest is kept");
    }
}
