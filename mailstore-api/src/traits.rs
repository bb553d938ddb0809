use std::{future::Future, time::Duration};

use bytes::Bytes;

use crate::{
    Acl, AppendOutcome, AppendSpec, Changes, CopyOutcome, Derived, ErrorKind, ExpungeOutcome, FlagOp,
    FlagOutcome, Flags, Hint, Interest, MailQueue, MailboxId, MailboxInfo, MailboxName, MaildropLock,
    MetaBatch, MetaItems, Metadata, ModSeq, OpenMode, Part, Query, Quota, Recipient, Replaces, Result,
    SearchOutcome, Snapshot, SpecialUse, Status, StatusItems, StoreError, Submission, Submitted, Uid, UidSet,
};

/// A store of many accounts. Who may open one was decided before.
///
/// # What holds for every call of every trait here
/// * **Atomic**: a call that changes something is one step. Nobody ever sees a part of it, in any session, and
///   after a crash it is done or not done. What a call answers with an error is not done.
/// * **Durable**: when a change is answered `Ok`, a crash does not undo it.
/// * **Visible**: a change answered `Ok` is seen by every call that begins later, through any handle, and
///   its modseq is greater than any modseq seen before in that mailbox. A reader whose cursor is `m` never
///   misses a change: modseqs become *visible* in ascending order.
/// * **Cancellation**: a future that is dropped leaves its operation wholly done or not done at all; whoever drops
///   it learns from the store which. No later call on the handle fails for it.
/// * **Errors**: [`ErrorKind::Unavailable`], [`ErrorKind::Corrupt`] and [`ErrorKind::Internal`] may come from
///   any call, [`ErrorKind::NotFound`] from any call on an account that was deleted meanwhile. The others are
///   named where they come.
/// * **Many callers**: handles are shared between tasks; calls run at once and the store orders them.
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
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`] by the declared length, [`ErrorKind::Limit`] for flags the store cannot keep.
    fn deliver(&self, spec: AppendSpec) -> impl Future<Output = Result<Self::Delivery>> + Send;

    /// The queue of messages to be handed on, where the store has one. Then its [`Delivery`] has
    /// [`submit`](Delivery::submit).
    fn queue(&self) -> Option<&dyn MailQueue> {
        None
    }
}

/// A message on its way to several accounts.
pub trait Delivery: Send + 'static {
    /// Appends octets. After an error, or when the future was dropped, the delivery can only be dropped.
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`].
    fn write(&mut self, chunk: &[u8]) -> impl Future<Output = Result<()>> + Send;

    /// Puts the message into every recipient's mailbox: one answer each, in their order. For each
    /// recipient it is durable when this answers `Ok`, or not there at all. One recipient's failure is not
    /// another's.
    ///
    /// # Errors
    /// For each recipient, [`ErrorKind::NotFound`] without such an account or mailbox,
    /// [`ErrorKind::OverQuota`], [`ErrorKind::TooBig`] (the prefix counts), [`ErrorKind::NoPerm`], [`ErrorKind::Limit`].
    fn commit(self, to: &[Recipient]) -> impl Future<Output = Vec<Result<AppendOutcome>>> + Send;

    /// As [`commit`](Self::commit), and in the same step makes an entry of the queue, settles one, or both: when
    /// this answers [`queued`](Submitted::queued) with `Ok`, all of it is durable, and after a crash before that, the entry is not
    /// there and the other is not settled. A store that is spread over several databases makes the entry in the last of its
    /// steps, so that a message is never queued and then submitted again because of the crash; and it
    /// keeps the promise of `commit` for each recipient.
    ///
    /// Where `queued` is an error, the sender is told to try again: recipients may have the message all the same.
    ///
    /// # Errors
    /// As [`commit`](Self::commit) and [`MailQueue::settle`]; [`ErrorKind::Unsupported`], and nothing done, by a store
    /// without a queue.
    fn submit(self, to: &[Recipient], what: Submission) -> impl Future<Output = Submitted> + Send
    where
        Self: Sized,
    {
        drop((self, what));
        let none = || StoreError::from(ErrorKind::Unsupported);
        let answer = Submitted { local: to.iter().map(|_| Err(none())).collect(), queued: Err(none()) };
        async { answer }
    }
}

/// One account: the hierarchy of its mailboxes, and what moves messages.
pub trait Account: Send + Sync + 'static {
    /// An open mailbox.
    type Mailbox: Mailbox;
    /// A source of hints.
    type Watch: Watch;
    /// A message written but not committed.
    type Staged: Staged;

    /// All mailboxes, and names that are only subscribed or only a parent of others. Each name once, in no
    /// particular order; all of one instant.
    fn list(&self) -> impl Future<Output = Result<Vec<MailboxInfo>>> + Send;

    /// The mailbox of this name, or the name that is only subscribed or only a parent of others; `None` when
    /// [`list`](Self::list) would not show it. A store that can look one up without listing all does.
    fn find(&self, name: &MailboxName) -> impl Future<Output = Result<Option<MailboxInfo>>> + Send {
        async move { Ok(self.list().await?.into_iter().find(|m| m.name == *name)) }
    }

    /// Creates a mailbox, and those above it that are missing. Its UIDVALIDITY is greater than that
    /// of any mailbox of this name before, its id was never given to another, its highest modseq is at least 1.
    /// A name that is only a parent or only subscribed can be created. Watches get [`Hint::Hierarchy`].
    ///
    /// # Errors
    /// [`ErrorKind::Exists`], [`ErrorKind::NoPerm`], [`ErrorKind::Limit`], [`ErrorKind::Cannot`] for a name the
    /// store cannot hold, [`ErrorKind::Unsupported`] for a use it cannot keep (and nothing is created).
    fn create(
        &self,
        name: &MailboxName,
        special_use: SpecialUse,
    ) -> impl Future<Output = Result<MailboxId>> + Send;

    /// Deletes a mailbox and its messages. Those below it stay, and its subscription stays. Open handles
    /// answer [`ErrorKind::Gone`] from now on; an open [`Body`] stays readable. Watches get a hint for the mailbox
    /// and [`Hint::Hierarchy`].
    ///
    /// # Errors
    /// [`ErrorKind::Cannot`] for INBOX, [`ErrorKind::NotFound`], [`ErrorKind::NoPerm`].
    fn delete(&self, id: &MailboxId) -> impl Future<Output = Result<()>> + Send;

    /// Renames a mailbox and all below it, creating missing parents; ids, UIDs, UIDVALIDITY, modseqs and open
    /// handles stay; subscriptions stay with the old names (RFC 9051 section 6.3.7). To its own name it is `Exists`. The *special case of INBOX* (RFC 9051 section 6.3.6) is the library's: it never renames it.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when the target, or a name below it that would be made, exists;
    /// [`ErrorKind::Cannot`] for INBOX, or when the target lies below the source.
    fn rename(&self, id: &MailboxId, to: &MailboxName) -> impl Future<Output = Result<()>> + Send;

    /// Subscribes to or unsubscribes from a name, which need not exist. Doing it twice is no error.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`].
    fn subscribe(&self, name: &MailboxName, on: bool) -> impl Future<Output = Result<()>> + Send;

    /// Sets what a mailbox is for; [`SpecialUse::NONE`] takes it away.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NoPerm`], [`ErrorKind::Unsupported`].
    fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> impl Future<Output = Result<()>> + Send {
        let _ = (id, uses);
        async { Err(ErrorKind::Unsupported.into()) }
    }

    /// Figures of mailboxes, in the order asked; those that are gone are left out. The figures of one mailbox
    /// are of one instant.
    fn status(
        &self,
        ids: &[MailboxId],
        items: StatusItems,
    ) -> impl Future<Output = Result<Vec<Status>>> + Send;

    /// Opens a mailbox. The handle and the snapshot belong together: nothing between the snapshot
    /// and the first `changes(snapshot.at)` is lost, and nothing in the snapshot is missing that was committed
    /// before the call. A handle of [`OpenMode::Examine`] changes nothing: [`Mailbox::set_flags`] and
    /// [`Mailbox::expunge`] answer [`ErrorKind::NoPerm`], and [`Mailbox::claim_recent`] claims nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NoPerm`].
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

    /// Begins a message for a mailbox. The declared length is a hint for early refusal: what counts is what is
    /// written.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::NoPerm`], [`ErrorKind::TooBig`] and [`ErrorKind::OverQuota`] by the
    /// declared length, [`ErrorKind::Limit`].
    fn stage(&self, id: &MailboxId, spec: AppendSpec) -> impl Future<Output = Result<Self::Staged>> + Send;

    /// Makes staged messages visible and durable, all or none, with consecutive UIDs in their order.
    /// `replaces` is expunged in the same step ([`ErrorKind::Gone`], and nothing done, if it is gone already).
    /// UIDs are at least the `uid_next` anybody saw. All have one modseq, or several that become visible together.
    /// `staged` are of this mailbox and finished; without any, and without `replaces`, nothing changes.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the mailbox is gone by now, [`ErrorKind::OverQuota`], [`ErrorKind::TooBig`],
    /// [`ErrorKind::NoPerm`], [`ErrorKind::Limit`]; [`ErrorKind::Internal`] for one that is not finished.
    fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<Self::Staged>,
        replaces: Option<Replaces>,
    ) -> impl Future<Output = Result<AppendOutcome>> + Send;

    /// Copies messages with flags and internal date, all or none; UIDs of the set that are gone
    /// are passed over. `from` and `to` may be the same. The copies have their own UIDs, ascending as their
    /// sources', and the same octets, EMAILID and POP3 unique-id. Two copies crossing each other never wait for
    /// each other for ever.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when `from` is gone, [`ErrorKind::NotFound`] when `to` is (the session says TRYCREATE),
    /// [`ErrorKind::OverQuota`], [`ErrorKind::NoPerm`], [`ErrorKind::Limit`].
    fn copy(
        &self,
        from: &MailboxId,
        uids: &UidSet,
        to: &MailboxId,
    ) -> impl Future<Output = Result<CopyOutcome>> + Send;

    /// Moves messages: as [`copy`](Self::copy), and the sources are expunged in the same step: at no instant
    /// is a message in both or in none. Within one mailbox, the messages get new UIDs.
    ///
    /// # Errors
    /// As [`copy`](Self::copy).
    fn relocate(
        &self,
        from: &MailboxId,
        uids: &UidSet,
        to: &MailboxId,
    ) -> impl Future<Output = Result<CopyOutcome>> + Send;

    /// Begins to watch. A change committed after this returned leads to a hint, whoever made it, also by another
    /// handle or, within the watch's [`poll_every`](Watch::poll_every), by another process. Watch first, then take the
    /// snapshot or ask for changes.
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
    /// Asked again with the same cursor it answers the same or more, never less: nothing is consumed. A batch
    /// with `more` is not yet a cut: it may hold a new message and not one before it. Whoever reads collects
    /// batches until `more` is false (applying `vanished` of each after what it collected), and only then
    /// shows them. `more` implies progress: `upto > after`. A message changed twice is there once, with its last
    /// modseq; one that came and went after `after` may be in `vanished` alone. A cursor from the future
    /// gives an empty cut.
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`] when expunges since then are no longer known, [`ErrorKind::Gone`].
    fn changes(&self, after: ModSeq, limit: usize) -> impl Future<Output = Result<Changes>> + Send;

    /// A fresh snapshot, for when history is lost. As consistent as that of [`Account::open`].
    fn snapshot(&self) -> impl Future<Output = Result<Snapshot>> + Send;

    /// Those expunged after `since` within `known` (QRESYNC, RFC 7162 section 3.2.6). Never one that is
    /// there.
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`]; the library then answers with all of `known` that is not there.
    fn vanished_since(&self, since: ModSeq, known: &UidSet) -> impl Future<Output = Result<UidSet>> + Send;

    /// What is known of messages without reading a body: at most `limit` of the set, ascending;
    /// with `changed_since`, only those with a greater modseq. UIDs that are not there are passed over, silently.
    /// A batch makes progress: with a limit of 0, at least one. Fields not asked for cost nothing.
    fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> impl Future<Output = Result<MetaBatch>> + Send;

    /// Opens a message's octets: exactly those that were written. All stores split header and text with
    /// [`HeaderScan`](crate::HeaderScan).
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when it is not there (any more), [`ErrorKind::Corrupt`].
    fn body(&self, uid: Uid, part: Part) -> impl Future<Output = Result<Self::Body>> + Send;

    /// Opens a part of several messages ahead, for whoever is about to ask for them one by one: at most as many
    /// as the store can open in one step and a moderate amount of memory, in the order asked. What is left
    /// out, and what is gone or damaged, is asked for by [`body`](Self::body). A store for which opening one
    /// message costs little does not implement this.
    fn bodies(
        &self,
        uids: &[Uid],
        part: Part,
    ) -> impl Future<Output = Result<Vec<(Uid, Self::Body)>>> + Send {
        let _ = (uids, part);
        async { Ok(Vec::new()) }
    }

    /// Keeps what the library derived from a message, so that [`meta`](Self::meta) gives it back.
    /// Fields that are `None` stay as they are. Changes no modseq, leads to no hint. A store may forget (better not the
    /// `pop3_uidl`), and never gives back anything but what was given for this message or its copies.
    fn remember(&self, uid: Uid, derived: Derived) -> impl Future<Output = ()> + Send {
        let _ = (uid, derived);
        async {}
    }

    /// Changes flags; with `unchanged_since`, only where the modseq is not greater (RFC 7162 section 3.1.3):
    /// check and change are one step for each message. UIDs that are not there are passed over. A message that
    /// changes gets a new modseq; one that does not keeps the old one, and without any change there is no
    /// hint. Two that change different flags of one message at once lose none.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when the mailbox is, [`ErrorKind::NoPerm`], [`ErrorKind::Limit`] for too many or too
    /// long keywords: then nothing is changed.
    fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> impl Future<Output = Result<FlagOutcome>> + Send;

    /// Expunges the set (all, where `None`), of it only what has `\Deleted` if `only_deleted`. One step, and
    /// with any message gone a new modseq; without, none, and no hint.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when the mailbox is, [`ErrorKind::NoPerm`].
    fn expunge(
        &self,
        uids: Option<&UidSet>,
        only_deleted: bool,
    ) -> impl Future<Output = Result<ExpungeOutcome>> + Send;

    /// Searches, or helps to: all in one cut. What it answers is what the library would find by itself.
    fn search(&self, query: &Query) -> impl Future<Output = Result<SearchOutcome>> + Send {
        let _ = query;
        async { Ok(SearchOutcome::Declined) }
    }

    /// Claims the messages nobody was told of yet: `\Recent` (RFC 3501 section 2.3.2) for those at or above
    /// the answered UID; the mark moves behind the last message, so of many sessions one is told of each message. Need
    /// not be durable. Through a handle of [`OpenMode::Examine`] the mark stays. `None`: there is none, or the
    /// store does not know.
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

    /// Octets from `offset`: at least one and at most `max`, unless `offset` is at or behind the end, or `max` is 0.
    /// Shared all the way to the socket. Any offset at any time: reading forward is the common case.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when fewer octets are left than [`len`](Self::len) said: never a short answer.
    fn read_at(&mut self, offset: u64, max: usize) -> impl Future<Output = Result<Bytes>> + Send;
}

/// A message written but not committed: invisible; dropping it aborts.
pub trait Staged: Send + 'static {
    /// Appends octets. After an error, or when the future was dropped, it can only be dropped.
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`], [`ErrorKind::OverQuota`].
    fn write(&mut self, chunk: &[u8]) -> impl Future<Output = Result<()>> + Send;

    /// All octets are written: returns how many. Nothing is written after it.
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`], [`ErrorKind::OverQuota`].
    fn finish(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// A source of hints.
pub trait Watch: Send + 'static {
    /// Waits for the next hint. Dropping the future loses none. After [`Hint::Closed`] it answers `Closed` at once.
    fn changed(&mut self) -> impl Future<Output = Result<Hint>> + Send;

    /// For stores that cannot push: the session asks for changes at this period.
    fn poll_every(&self) -> Option<Duration> {
        None
    }
}
