//! Who may enter: passwords against the Argon2id hashes in the store.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_sasl::Secret;
use mail_session::auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext};
use mailstore_sqlite::AccountInfo;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    accounts::Accounts,
    fault::{Fault, Result},
    password,
    remembered::Remembered,
};

/// Passwords hashed at once. Each takes a core and 19 MiB.
const AT_ONCE: usize = 2;
/// How long a login waits for its turn.
const PATIENCE: Duration = Duration::from_secs(20);

/// The mailboxes of the store and their passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    accounts: Arc<Accounts>,
    remembered: Remembered,
    hashing: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    pub(crate) fn new(accounts: Arc<Accounts>) -> Result<Self> {
        Ok(Self {
            accounts,
            remembered: Remembered::new()?,
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: password::hash(password::readable()?.as_bytes())?.into(),
        })
    }

    /// Runs a call that blocks for a short while.
    async fn look_up<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Accounts) -> mailstore_api::Result<T> + Send + 'static,
    ) -> std::result::Result<T, AuthError> {
        let accounts = Arc::clone(&self.accounts);
        match spawn_blocking(move || call(&accounts)).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(e)) => Err(AuthError::new(AuthErrorKind::Unavailable, format!("the store: {e}"))),
            Err(e) => Err(AuthError::new(AuthErrorKind::Unavailable, e.to_string())),
        }
    }

    /// Whether the password is the account's: the same work when there is no account.
    async fn right(
        &self,
        account: Option<&AccountInfo>,
        given: &[u8],
    ) -> std::result::Result<bool, AuthError> {
        let stored = account.and_then(|a| a.password_hash.as_deref());
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

impl Authority for Passwords {
    async fn password(
        &self,
        _context: &LoginContext,
        user: &str,
        authzid: Option<&str>,
        given: &[u8],
    ) -> std::result::Result<Identity, AuthError> {
        let name = user.to_owned();
        let account = self.look_up(move |a| a.by_login(&name)).await?;
        let right = self.right(account.as_ref(), given).await?;
        let account = match account {
            Some(account) if right => account,
            // For the log. A name nobody has is not repeated: it may be a password in the wrong field.
            Some(account) => {
                let detail = format!("not the password of {}", account.name);
                return Err(AuthError::new(AuthErrorKind::Wrong, detail));
            }
            None => return Err(AuthError::new(AuthErrorKind::Wrong, "nobody has this name")),
        };
        let Some(authzid) = authzid else { return Ok(Identity::new(account.name)) };
        // Another spelling of the own name is honoured, somebody else's never.
        let name = authzid.to_owned();
        match self.look_up(move |a| a.by_login(&name)).await? {
            Some(other) if other.id == account.id => {
                Ok(Identity::acting(account.name.clone(), account.name, authzid))
            }
            _ => Err(AuthError::new(AuthErrorKind::NotAllowed, format!("to act as {authzid:?}"))),
        }
    }
}

/// A password from standard input: one line, its end not counted. A terminal does not show it.
pub(crate) fn read_from_stdin(address: &crate::address::Address) -> Result<Secret> {
    use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
    let stdin = std::io::stdin();
    let fault = |e: std::io::Error| Fault::new(format!("cannot read the password: {e}"));
    let hidden = stdin.is_terminal().then(|| Hidden::new(&stdin)).flatten();
    if hidden.is_some() {
        // A prompt that cannot be shown is no fault.
        let _ = write!(std::io::stderr(), "Password for {address}: ");
    }
    let mut line = zeroize::Zeroizing::new(Vec::new());
    stdin.lock().take(4096).read_until(b'\n', &mut line).map_err(fault)?;
    if hidden.is_some() {
        let _ = writeln!(std::io::stderr());
    }
    let password = line.strip_suffix(b"\n").unwrap_or(&line);
    let password = password.strip_suffix(b"\r").unwrap_or(password);
    password::acceptable(password)
        .map_err(|what| Fault::new(format!("{what} (one line on standard input)")))?;
    Ok(Secret::new(password))
}

/// A terminal that does not echo, until dropped.
struct Hidden<'a>(&'a std::io::Stdin, rustix::termios::Termios);

impl<'a> Hidden<'a> {
    fn new(stdin: &'a std::io::Stdin) -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(stdin).ok()?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO;
        tcsetattr(stdin, OptionalActions::Flush, &quiet).ok()?;
        Some(Self(stdin, before))
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = rustix::termios::tcsetattr(self.0, rustix::termios::OptionalActions::Now, &self.1);
    }
}
