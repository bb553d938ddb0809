use std::{future::Future, pin::Pin};

use crate::{ErrorKind, MailboxId, Result, Rights};

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

/// What an account may keep; `None`: no limit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct QuotaLimits {
    /// Octets of all messages; each copy counts.
    pub octets: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
    /// Mailboxes, INBOX included.
    pub mailboxes: Option<u64>,
}

/// What an account keeps, or would keep more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct QuotaUsage {
    /// Octets of all messages.
    pub octets: u64,
    /// Messages.
    pub messages: u64,
    /// Mailboxes.
    pub mailboxes: u64,
}

impl QuotaLimits {
    /// The one quota root of a store that counts by account.
    pub const ROOT: &'static str = "";

    /// Octets in a unit of `STORAGE` (RFC 9208 section 5.1).
    pub const UNIT: u64 = 1024;

    /// Whether `more` may be added to what is used. Who is over a limit may still do what adds nothing to it: move,
    /// expunge, set flags.
    ///
    /// # Errors
    /// [`ErrorKind::OverQuota`].
    pub fn check(&self, used: &QuotaUsage, more: &QuotaUsage) -> Result<()> {
        let room = |limit: Option<u64>, used: u64, more: u64| {
            more == 0 || limit.is_none_or(|limit| used.saturating_add(more) <= limit)
        };
        let all = room(self.octets, used.octets, more.octets)
            && room(self.messages, used.messages, more.messages)
            && room(self.mailboxes, used.mailboxes, more.mailboxes);
        if all { Ok(()) } else { Err(ErrorKind::OverQuota.into()) }
    }

    /// As the [`Quota`] trait answers it: a resource without a limit is not listed (RFC 9208 section 3.2).
    #[must_use]
    pub fn uses(&self, used: &QuotaUsage) -> Vec<QuotaUse> {
        let resources = [
            ("STORAGE", used.octets.div_ceil(Self::UNIT), self.octets.map(|n| n / Self::UNIT)),
            ("MESSAGE", used.messages, self.messages),
            ("MAILBOX", used.mailboxes, self.mailboxes),
        ];
        let limited = resources.into_iter().filter_map(|(resource, used, limit)| {
            Some(QuotaUse { root: Self::ROOT.to_owned(), resource: resource.to_owned(), used, limit: limit? })
        });
        limited.collect()
    }
}

/// Quota (RFC 9208). The store itself refuses what would exceed a limit, with [`ErrorKind::OverQuota`], in the step that
/// would do it: append, copy and delivery count octets and messages, create and rename count mailboxes, also the
/// parents they make. What moves within the account does not count, and REPLACE counts the difference.
pub trait Quota: Send + Sync {
    /// The roots that hold for a mailbox, with their use: one entry for each resource that has a limit; none
    /// without any.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    fn roots<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<QuotaUse>>>;
    /// The use of one root by name, as [`roots`](Self::roots).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] without such a root.
    fn root<'a>(&'a self, root: &'a str) -> BoxFuture<'a, Result<Vec<QuotaUse>>>;
    /// Sets a root's limits, as (resource, limit); those left out have none from now on (RFC 9208 section 4.1.3).
    /// It changes what the account's owner may do, so stores that are given their limits by an administrator refuse
    /// it.
    ///
    /// # Errors
    /// [`ErrorKind::NoPerm`], [`ErrorKind::NotFound`], [`ErrorKind::Unsupported`] for a resource the store does not count.
    fn set<'a>(&'a self, root: &'a str, limits: &'a [(String, u64)]) -> BoxFuture<'a, Result<()>>;
}

/// Access lists (RFC 4314): which the store keeps, over a rename too, and deletes with the mailbox. An identifier is the
/// name of an account, `anyone`, or one of these with `-` before it: the rights it takes away (RFC 4314 section 2).
/// [`Rights::granted`] computes what a list comes to. The account that has the mailbox is its owner: it has all
/// rights whatever the list says, and is listed first.
pub trait Acl: Send + Sync {
    /// The list of a mailbox, as (identifier, rights): the owner first, the others by identifier.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>>;
    /// Sets one identifier's rights; `None` and no rights at all remove it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Cannot`] for the owner, and for an identifier that is empty, `-`, or has a
    /// control character; [`ErrorKind::Limit`] for too many, or one that is too long.
    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>>;
    /// The account's own rights.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    fn mine<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Rights>>;
}

/// An annotation's name and value.
pub type Annotation = (String, Vec<u8>);

/// How much a store keeps of annotations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct MetadataLimits {
    /// Octets of one value (`MAXSIZE`, RFC 5464 section 4.3).
    pub value: u64,
    /// Entries of one mailbox, and of the account itself (`TOOMANY`).
    pub entries: u64,
}

impl MetadataLimits {
    /// These limits.
    #[must_use]
    pub const fn new(value: u64, entries: u64) -> Self {
        Self { value, entries }
    }
}

/// Annotations of mailboxes and of the account (RFC 5464): kept over a rename, deleted with the mailbox. Names of
/// entries are compared without the case of ASCII letters, and answered in lower case; those below `/private` are the
/// account's own. They lead to no hint.
pub trait Metadata: Send + Sync {
    /// Entries at and `depth` levels below each of `entries` (`u8::MAX`: any depth), by name and each once; of the
    /// account where `id` is `None`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>>;
    /// Sets entries, all or none; `None` removes. A value may be empty.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::TooBig`] for a value over [`limits`](Self::limits), [`ErrorKind::Limit`] for too
    /// many entries or a name of more than 1,024 octets; [`ErrorKind::Cannot`] for a name that does not begin with `/`.
    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>>;
    /// What it keeps at most.
    fn limits(&self) -> MetadataLimits {
        MetadataLimits::new(u64::MAX, u64::MAX)
    }
}

/// Whether an entry's name lies at `entry` or at most `depth` levels below it (`u8::MAX`: any depth): for stores.
#[must_use]
pub fn annotation_matches(name: &str, entry: &str, depth: u8) -> bool {
    let Some((head, below)) = name.split_at_checked(entry.len()) else { return false };
    let levels = below.matches('/').count();
    head.eq_ignore_ascii_case(entry)
        && (below.is_empty() || below.starts_with('/'))
        && (depth == u8::MAX || levels <= usize::from(depth))
}

/// What may be set of an annotation, by itself: for stores. Answers the name as it is kept.
///
/// # Errors
/// As [`Metadata::set`].
pub fn check_annotation(name: &str, value: Option<&[u8]>, limits: &MetadataLimits) -> Result<String> {
    if !name.starts_with('/') || name.chars().any(char::is_control) {
        return Err(ErrorKind::Cannot.into());
    }
    if name.len() > 1024 {
        return Err(ErrorKind::Limit.into());
    }
    if value.is_some_and(|v| v.len() as u64 > limits.value) {
        return Err(ErrorKind::TooBig.into());
    }
    Ok(name.to_ascii_lowercase())
}

/// What may be set in the access list of a mailbox of `owner`, by itself: for stores.
///
/// # Errors
/// As [`Acl::set`].
pub fn check_identifier(who: &str, owner: &str) -> Result<()> {
    let named = who.strip_prefix('-').unwrap_or(who);
    if named.is_empty() || named == owner || who.chars().any(char::is_control) {
        return Err(ErrorKind::Cannot.into());
    }
    if who.len() > 255 {
        return Err(ErrorKind::Limit.into());
    }
    Ok(())
}

/// The POP3 maildrop's exclusive lock (RFC 1939 section 4). IMAP sessions go on meanwhile.
pub trait MaildropLock: Send + Sync {
    /// Locks; the guard's drop unlocks. [`ErrorKind::InUse`] when locked.
    fn try_lock<'a>(&'a self) -> BoxFuture<'a, Result<Box<dyn Send>>>;
}
