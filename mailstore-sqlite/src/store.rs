use std::path::Path;

use mailstore_api::{ErrorKind, Result};

use crate::{AccountInfo, DefaultMailbox, Options};

/// A durable mail store in a directory. A clone is another handle on the same open store.
#[derive(Clone, Debug)]
pub struct SqliteStore {}

/// Accounts. These calls block for a read (some 20 microseconds) or one or two fsyncs, so that programs without
/// a runtime can call them; from an async task use the runtime's way of running blocking code. All of them
/// may be called in another process beside the running server.
impl SqliteStore {
    /// Opens the store in the directory `path`, and makes it where there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when a newer program made it, [`ErrorKind::Unavailable`] when it cannot be reached.
    pub fn open(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let _ = (path, options);
        Err(ErrorKind::Unsupported.into())
    }

    /// Makes an account with an empty INBOX.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`]; [`ErrorKind::Cannot`] when the name is empty, over 255 octets or has control characters.
    pub fn create_account(&self, name: &str, password_hash: Option<&str>) -> Result<AccountInfo> {
        self.create_account_with(name, password_hash, &[])
    }

    /// Makes an account with INBOX and these mailboxes (an entry for INBOX itself says whether it is subscribed).
    ///
    /// # Errors
    /// As [`create_account`](Self::create_account).
    pub fn create_account_with(
        &self,
        name: &str,
        password_hash: Option<&str>,
        mailboxes: &[DefaultMailbox],
    ) -> Result<AccountInfo> {
        let _ = (name, password_hash, mailboxes);
        Err(ErrorKind::Unsupported.into())
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn accounts(&self) -> Result<Vec<AccountInfo>> {
        Err(ErrorKind::Unsupported.into())
    }

    /// The account of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn account(&self, name: &str) -> Result<Option<AccountInfo>> {
        let _ = name;
        Err(ErrorKind::Unsupported.into())
    }

    /// Changes or takes away what verifies the account's password.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_password_hash(&self, name: &str, password_hash: Option<&str>) -> Result<()> {
        let _ = (name, password_hash);
        Err(ErrorKind::Unsupported.into())
    }

    /// Removes an account. It is gone at once; its messages are deleted in small steps afterwards, which a
    /// later process carries on with where this one ends.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn remove_account(&self, name: &str) -> Result<()> {
        let _ = name;
        Err(ErrorKind::Unsupported.into())
    }

    /// Ends every watch with [`Hint::Closed`](mailstore_api::Hint::Closed), and refuses writes from now on; those
    /// that were accepted are still carried out.
    pub fn close(&self) {}
}
