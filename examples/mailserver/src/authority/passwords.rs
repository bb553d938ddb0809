//! Passwords against the Argon2id hashes in the store.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_sasl::Secret;
use mail_session::auth::{AuthError, AuthErrorKind};
use mailstore_sqlite::AccountInfo;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{fault::Result, password, remembered::Remembered, stored::Stored};

/// Passwords hashed at once. Each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// Verifies passwords, a few at a time.
#[derive(Debug)]
pub(super) struct Passwords {
    remembered: Remembered,
    hashing: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            remembered: Remembered::new()?,
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: password::hash(password::readable()?.as_bytes())?.into(),
        })
    }

    /// Whether the password is the account's: the same work when there is no account.
    pub(super) async fn right(
        &self,
        account: Option<&AccountInfo>,
        given: &[u8],
    ) -> std::result::Result<bool, AuthError> {
        let stored = account.and_then(|a| a.password_hash.as_deref()).map(|text| Stored::new(text).hash());
        let tag = account.zip(stored).map(|(a, stored)| self.remembered.tag(a.id, stored, given));
        if let Some(tag) = &tag
            && self.remembered.knows(tag, Instant::now())
        {
            return Ok(true);
        }
        let hash: Arc<str> = stored.map_or_else(|| Arc::clone(&self.nobody), Arc::from);
        let Ok(Ok(turn)) = timeout(PATIENCE, Arc::clone(&self.hashing).acquire_owned()).await else {
            return Err(AuthError::new(AuthErrorKind::Unavailable, "too many logins at once"));
        };
        let given = Secret::new(given);
        let right = spawn_blocking(move || {
            let right = password::verify(given.expose(), &hash);
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
}
