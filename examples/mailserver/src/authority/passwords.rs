//! Passwords against the Argon2id hashes in the store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use auth_sasl::Secret;
use mail_session::auth::{AuthError, AuthErrorKind};
use mailstore_sqlite::AccountInfo;
use tokio::{task::spawn_blocking, time::timeout};

use super::turns::{Source, Turn, Turns};
use crate::{
    fault::Result,
    password,
    remembered::{Remembered, Tag},
    stored::Stored,
};

/// Hashed at once, at most. Each takes a core and 19 MiB.
const MOST_AT_ONCE: usize = 4;
/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Verifies passwords, a few at a time.
#[derive(Debug)]
pub(super) struct Passwords {
    remembered: Remembered,
    turns: Arc<Turns>,
    /// What an unknown user's password is compared with, so that it takes as long.
    nobody: Arc<str>,
    hashed: Arc<Hashed>,
}

/// Hashes computed, and the milliseconds the last login waited for its turn.
#[derive(Debug, Default)]
struct Hashed {
    number: AtomicU64,
    waited: AtomicU64,
}

/// A password that has to be hashed, and whose turn it is.
pub(super) struct Due<'p> {
    of: &'p Passwords,
    turn: Turn,
    hash: Arc<str>,
    tag: Option<Tag>,
}

/// What is known of a password without hashing it.
pub(super) enum Known<'p> {
    /// It was right a short while ago.
    Right,
    /// Nothing, but it may be found out now.
    Not(Due<'p>),
}

impl Passwords {
    pub(super) fn new() -> Result<Self> {
        // Half of the machine at most, so that it serves others meanwhile.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            remembered: Remembered::new()?,
            turns: Turns::new((cores / 2).clamp(1, MOST_AT_ONCE)),
            nobody: password::hash(password::readable()?.as_bytes())?.into(),
            hashed: Arc::default(),
        })
    }

    /// Whether it is known that the password is the account's; where it is not, waits for a turn to find it out, and with no
    /// account as long. `known`: a right login came from this source before.
    pub(super) async fn look(
        &self,
        account: Option<&AccountInfo>,
        given: &[u8],
        source: Source,
        known: bool,
    ) -> std::result::Result<Known<'_>, AuthError> {
        let stored = account.and_then(|a| a.password_hash.as_deref()).map(|text| Stored::new(text).hash());
        let tag = account.zip(stored).map(|(a, stored)| self.remembered.tag(a.id, stored, given));
        if let Some(tag) = &tag
            && self.remembered.knows(tag, Instant::now())
        {
            return Ok(Known::Right);
        }
        let hash = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let begun = Instant::now();
        let Ok(Ok(turn)) = timeout(PATIENCE, self.turns.turn(source, known)).await else {
            return Err(AuthError::new(AuthErrorKind::Unavailable, "too many logins at once"));
        };
        let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.hashed.waited.store(waited, Ordering::Relaxed);
        Ok(Known::Not(Due { of: self, turn, hash, tag }))
    }

    /// How long those who are not held back wait for their turn at present.
    pub(super) fn waiting(&self) -> Duration {
        Duration::from_millis(self.hashed.waited.load(Ordering::Relaxed)).min(PATIENCE)
    }

    /// Hashes computed so far: what the tests compare, and not times.
    #[cfg(test)]
    pub(super) fn hashed(&self) -> u64 {
        self.hashed.number.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn set_waiting(&self, waited: Duration) {
        self.hashed.waited.store(u64::try_from(waited.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

impl Due<'_> {
    /// Whether the password is right. The turn lasts until it is dropped, and as long as the work, also when nobody waits
    /// for that any more.
    pub(super) async fn verify(self, given: &[u8]) -> std::result::Result<(bool, Turn), AuthError> {
        let Self { of, turn, hash, tag } = self;
        let (given, hashed) = (Secret::new(given), Arc::clone(&of.hashed));
        let work = spawn_blocking(move || {
            let right = password::verify(given.expose(), &hash);
            hashed.number.fetch_add(1, Ordering::Relaxed);
            (right, turn)
        });
        let (right, turn) =
            work.await.map_err(|e| AuthError::new(AuthErrorKind::Unavailable, e.to_string()))?;
        // Without a tag there is no account.
        let right = right && tag.is_some();
        if let Some(tag) = tag.filter(|_| right) {
            of.remembered.learn(tag, Instant::now());
        }
        Ok((right, turn))
    }
}
