use std::{future::Future, pin::Pin};

use crate::{MailboxId, Result, Rights};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What one resource of a quota root uses, and its limit (RFC 9208 section 5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaUse {
    /// The quota root's name.
    pub root: String,
    /// `STORAGE` (units of 1,024 octets), `MESSAGE`, `MAILBOX`.
    pub resource: String,
    /// Used units.
    pub used: u64,
    /// Units allowed.
    pub limit: u64,
}

/// Quota (RFC 9208).
pub trait Quota: Send + Sync {
    /// The roots that hold for a mailbox, with their use.
    fn roots<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<QuotaUse>>>;
    /// The use of one root by name.
    fn root<'a>(&'a self, root: &'a str) -> BoxFuture<'a, Result<Vec<QuotaUse>>>;
    /// Sets a root's limits, as (resource, limit).
    fn set<'a>(&'a self, root: &'a str, limits: &'a [(String, u64)]) -> BoxFuture<'a, Result<()>>;
}

/// Access lists (RFC 4314).
pub trait Acl: Send + Sync {
    /// The list of a mailbox, as (identifier, rights).
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>>;
    /// Sets one identifier's rights; `None` removes it.
    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>>;
    /// The account's own rights.
    fn mine<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Rights>>;
}

/// An annotation's name and value.
pub type Annotation = (String, Vec<u8>);

/// Annotations of mailboxes and of the account (RFC 5464).
pub trait Metadata: Send + Sync {
    /// Entries at and `depth` levels below each of `entries` (`u8::MAX`: any depth); of the account
    /// where `id` is `None`.
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>>;
    /// Sets entries, all or none; `None` removes.
    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>>;
}

/// The POP3 maildrop's exclusive lock (RFC 1939 section 4). IMAP sessions go on meanwhile.
pub trait MaildropLock: Send + Sync {
    /// Locks; the guard's drop unlocks. [`ErrorKind::InUse`](crate::ErrorKind::InUse) when locked.
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>>;
}
