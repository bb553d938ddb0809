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

use super::turns::{Source, Turns};
use crate::{fault::Result, password, remembered::Remembered, stored::Stored};

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
    /// Turns taken, and hashes computed in them.
    taken: AtomicU64,
    hashed: Arc<AtomicU64>,
}

/// Against what a password is checked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Against<'a> {
    /// The account's hash.
    Account(&'a AccountInfo),
    /// Nobody's: it is wrong whatever it is.
    Nobody,
    /// Nothing: too many were wrong. The turn is taken all the same, so that it is answered when others would be.
    Nothing,
}

impl Passwords {
    pub(super) fn new() -> Result<Self> {
        // Half of the machine at most, so that it serves others meanwhile.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            remembered: Remembered::new()?,
            turns: Turns::new((cores / 2).clamp(1, MOST_AT_ONCE)),
            nobody: password::hash(password::readable()?.as_bytes())?.into(),
            taken: AtomicU64::new(0),
            hashed: Arc::default(),
        })
    }

    /// Whether the password is the account's: the same work when there is no account. One that was right a short
    /// while ago waits for nothing. `known`: a right login came from this source before.
    pub(super) async fn right(
        &self,
        against: Against<'_>,
        given: &[u8],
        source: Source,
        known: bool,
    ) -> std::result::Result<bool, AuthError> {
        let account = match against {
            Against::Account(account) => Some(account),
            Against::Nobody | Against::Nothing => None,
        };
        let stored = account.and_then(|a| a.password_hash.as_deref()).map(|text| Stored::new(text).hash());
        let tag = account.zip(stored).map(|(a, stored)| self.remembered.tag(a.id, stored, given));
        if let Some(tag) = &tag
            && self.remembered.knows(tag, Instant::now())
        {
            return Ok(true);
        }
        let hash: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let turn = timeout(PATIENCE, self.turns.turn(source, known)).await;
        self.taken.fetch_add(1, Ordering::Relaxed);
        let turn = match (turn, against) {
            (_, Against::Nothing) => return Ok(false),
            (Ok(Ok(turn)), _) => turn,
            _ => return Err(AuthError::new(AuthErrorKind::Unavailable, "too many logins at once")),
        };
        let (given, hashed) = (Secret::new(given), Arc::clone(&self.hashed));
        let right = spawn_blocking(move || {
            let right = password::verify(given.expose(), &hash);
            hashed.fetch_add(1, Ordering::Relaxed);
            drop(turn); // with the work, also when nobody waits for it any more
            right
        })
        .await
        .map_err(|e| AuthError::new(AuthErrorKind::Unavailable, e.to_string()))?;
        match tag {
            Some(tag) if right => {
                self.remembered.learn(tag, Instant::now());
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Turns taken and hashes computed so far: what the tests compare, and not times.
    #[cfg(test)]
    pub(super) fn work(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.hashed.load(Ordering::Relaxed))
    }
}
