use std::{future::Future, time::Duration};

use bytes::Bytes;

use crate::{
    Acl, AppendOutcome, AppendSpec, Changes, CopyOutcome, Derived, ErrorKind, ExpungeOutcome, FlagOp,
    FlagOutcome, Flags, Hint, Interest, MailboxId, MailboxInfo, MailboxName, MaildropLock, MetaBatch,
    MetaItems, Metadata, ModSeq, OpenMode, Part, Query, Quota, Recipient, Replaces, Result, SearchOutcome,
    Snapshot, SpecialUse, Status, StatusItems, Uid, UidSet,
};

/// A store of many accounts. Who may open one was decided before.
///
/// Everywhere in these traits, a future that is dropped leaves its operation either wholly done or
/// not done at all.
pub trait MailStore: Send + Sync + 'static {
    /// One account, opened.
    type Account: Account;
    /// A message on its way to several accounts.
    type Delivery: Delivery;

    /// Opens the account of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    fn open_account(&self, who: &str) -> impl Future<Output = Result<Self::Account>> + Send;

    /// Begins a message for several accounts (mail delivery). Nothing is visible before
    /// [`Delivery::commit`]; dropping it aborts.
    fn deliver(&self, spec: AppendSpec) -> impl Future<Output = Result<Self::Delivery>> + Send;
}

/// A message on its way to several accounts.
pub trait Delivery: Send + 'static {
    /// Appends octets.
    fn write(&mut self, chunk: &[u8]) -> impl Future<Output = Result<()>> + Send;

    /// Puts the message into every recipient's mailbox: one answer each, in their order. For each
    /// recipient it is durable when this answers `Ok`, or not there at all.
    fn commit(self, to: &[Recipient]) -> impl Future<Output = Vec<Result<AppendOutcome>>> + Send;
}

/// One account: the hierarchy of its mailboxes, and what moves messages.
pub trait Account: Send + Sync + 'static {
    /// An open mailbox.
    type Mailbox: Mailbox;
    /// A source of hints.
    type Watch: Watch;
    /// A message written but not committed.
    type Staged: Staged;

    /// All mailboxes, and names that are only subscribed. In no particular order.
    fn list(&self) -> impl Future<Output = Result<Vec<MailboxInfo>>> + Send;

    /// The mailbox of this name, or the name that is only subscribed or only a parent of others; `None` when
    /// [`list`](Self::list) would not show it. A store that can look one up without listing all does.
    fn find(&self, name: &MailboxName) -> impl Future<Output = Result<Option<MailboxInfo>>> + Send {
        async move { Ok(self.list().await?.into_iter().find(|m| m.name == *name)) }
    }

    /// Creates a mailbox, and those above it that are missing. Its UIDVALIDITY is greater than that
    /// of any mailbox of this name before.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`].
    fn create(
        &self,
        name: &MailboxName,
        special_use: SpecialUse,
    ) -> impl Future<Output = Result<MailboxId>> + Send;

    /// Deletes a mailbox and its messages. Those below it stay, and its subscription stays.
    ///
    /// # Errors
    /// [`ErrorKind::Cannot`] for INBOX, [`ErrorKind::NotFound`].
    fn delete(&self, id: &MailboxId) -> impl Future<Output = Result<()>> + Send;

    /// Renames a mailbox and all below it, creating missing parents; ids, UIDs and UIDVALIDITY
    /// stay. The *special case of INBOX* (RFC 9051 section 6.3.6) is the library's: it never renames it.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when the target, or a name below it that would be made, exists;
    /// [`ErrorKind::Cannot`] for INBOX, or when the target lies below the source.
    fn rename(&self, id: &MailboxId, to: &MailboxName) -> impl Future<Output = Result<()>> + Send;

    /// Subscribes to or unsubscribes from a name, which need not exist.
    fn subscribe(&self, name: &MailboxName, on: bool) -> impl Future<Output = Result<()>> + Send;

    /// Sets what a mailbox is for.
    fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> impl Future<Output = Result<()>> + Send {
        let _ = (id, uses);
        async { Err(ErrorKind::Unsupported.into()) }
    }

    /// Figures of mailboxes, in the order asked; those that are gone are left out.
    fn status(
        &self,
        ids: &[MailboxId],
        items: StatusItems,
    ) -> impl Future<Output = Result<Vec<Status>>> + Send;

    /// Opens a mailbox. The handle and the snapshot belong together: nothing between the snapshot
    /// and the first `changes(snapshot.at)` is lost.
    fn open(
        &self,
        id: &MailboxId,
        mode: OpenMode,
    ) -> impl Future<Output = Result<(Snapshot, Self::Mailbox)>> + Send;

    /// The largest message the mailbox takes (of any mailbox, where `id` is `None`), in octets (RFC 7889).
    fn append_limit(&self, id: Option<&MailboxId>) -> Option<u64> {
        let _ = id;
        None
    }

    /// Begins a message for a mailbox.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::TooBig`] and [`ErrorKind::OverQuota`] by the declared length.
    fn stage(&self, id: &MailboxId, spec: AppendSpec) -> impl Future<Output = Result<Self::Staged>> + Send;

    /// Makes staged messages visible and durable, all or none, with consecutive UIDs in their order.
    /// `replaces` is expunged in the same step ([`ErrorKind::Gone`], and nothing done, if it is gone already).
    fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<Self::Staged>,
        replaces: Option<Replaces>,
    ) -> impl Future<Output = Result<AppendOutcome>> + Send;

    /// Copies messages with flags and internal date, all or none; UIDs of the set that are gone
    /// are passed over. `from` and `to` may be the same.
    fn copy(
        &self,
        from: &MailboxId,
        uids: &UidSet,
        to: &MailboxId,
    ) -> impl Future<Output = Result<CopyOutcome>> + Send;

    /// Moves messages: as [`copy`](Self::copy), and the sources are expunged in the same step.
    fn relocate(
        &self,
        from: &MailboxId,
        uids: &UidSet,
        to: &MailboxId,
    ) -> impl Future<Output = Result<CopyOutcome>> + Send;

    /// Begins to watch. A change committed after this returned leads to a hint.
    fn watch(&self, what: Interest) -> impl Future<Output = Result<Self::Watch>> + Send;

    /// Quota, where the store has it.
    fn quota(&self) -> Option<&dyn Quota> {
        None
    }
    /// Access lists, where the store has them.
    fn acl(&self) -> Option<&dyn Acl> {
        None
    }
    /// Annotations, where the store has them.
    fn metadata(&self) -> Option<&dyn Metadata> {
        None
    }
    /// The POP3 lock, where the store has it.
    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        None
    }
}

/// An open mailbox. Calls on it answer [`ErrorKind::Gone`] once the mailbox is deleted.
pub trait Mailbox: Send + Sync + 'static {
    /// An open message.
    type Body: Body;

    /// All that came after `after`: about `limit` messages, then [`Changes::more`].
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`] when expunges since then are no longer known.
    fn changes(&self, after: ModSeq, limit: usize) -> impl Future<Output = Result<Changes>> + Send;

    /// A fresh snapshot, for when history is lost.
    fn snapshot(&self) -> impl Future<Output = Result<Snapshot>> + Send;

    /// Those expunged after `since` within `known` (QRESYNC, RFC 7162 section 3.2.6).
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`].
    fn vanished_since(&self, since: ModSeq, known: &UidSet) -> impl Future<Output = Result<UidSet>> + Send;

    /// What is known of messages without reading a body: at most `limit` of the set, ascending;
    /// with `changed_since`, only those with a greater modseq.
    fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> impl Future<Output = Result<MetaBatch>> + Send;

    /// Opens a message's octets.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when it is expunged.
    fn body(&self, uid: Uid, part: Part) -> impl Future<Output = Result<Self::Body>> + Send;

    /// Keeps what the library derived from a message, so that [`meta`](Self::meta) gives it back.
    /// Changes no modseq. A store may forget.
    fn remember(&self, uid: Uid, derived: Derived) -> impl Future<Output = ()> + Send {
        let _ = (uid, derived);
        async {}
    }

    /// Changes flags; with `unchanged_since`, only where the modseq is not greater (RFC 7162 section 3.1.3).
    fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> impl Future<Output = Result<FlagOutcome>> + Send;

    /// Expunges the set (all, where `None`), of it only what has `\Deleted` if `only_deleted`. One step.
    fn expunge(
        &self,
        uids: Option<&UidSet>,
        only_deleted: bool,
    ) -> impl Future<Output = Result<ExpungeOutcome>> + Send;

    /// Searches, or helps to.
    fn search(&self, query: &Query) -> impl Future<Output = Result<SearchOutcome>> + Send {
        let _ = query;
        async { Ok(SearchOutcome::Declined) }
    }

    /// Claims the messages nobody was told of yet: `\Recent` (RFC 3501 section 2.3.2) for those at or above
    /// the answered UID; the mark moves behind the last message. Need not be durable.
    fn claim_recent(&self) -> impl Future<Output = Result<Option<Uid>>> + Send {
        async { Ok(None) }
    }
}

/// An open message: exact length, octets by offset.
///
/// It stays readable while it is held, also when the message is expunged meanwhile.
pub trait Body: Send + 'static {
    /// Octets; what the literal's header on the wire says.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets from `offset`: at least one and at most `max`, unless `offset` is at the end.
    /// Shared all the way to the socket.
    fn read_at(&mut self, offset: u64, max: usize) -> impl Future<Output = Result<Bytes>> + Send;
}

/// A message written but not committed: invisible; dropping it aborts.
pub trait Staged: Send + 'static {
    /// Appends octets.
    fn write(&mut self, chunk: &[u8]) -> impl Future<Output = Result<()>> + Send;

    /// All octets are written: returns how many.
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`], [`ErrorKind::OverQuota`].
    fn finish(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// A source of hints.
pub trait Watch: Send + 'static {
    /// Waits for the next hint. Dropping the future loses none.
    fn changed(&mut self) -> impl Future<Output = Result<Hint>> + Send;

    /// For stores that cannot push: the session asks for changes at this period.
    fn poll_every(&self) -> Option<Duration> {
        None
    }
}
