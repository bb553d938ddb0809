//! The queue of a submission server: messages this host took responsibility for, and has not handed on yet.
//!
//! The store keeps entries, times, attempts and each recipient's state; what SMTP says about a message (DSN
//! parameters, BODY, SMTPUTF8, REQUIRETLS, priorities, the last reply) it keeps as octets it does not understand.
//!
//! # The life of an entry
//! 1. [`Delivery::submit`](crate::Delivery::submit) makes it, in one step with the local deliveries of the same message.
//! 2. A runner [takes](MailQueue::take) what is due: each entry for a time, as a [`Lease`]. Nobody else gets it meanwhile;
//!    when the runner does not come back (it crashed), the entry is due again once that time is over.
//! 3. The runner [settles](MailQueue::settle) its lease: what became of which recipients, and when to try again, or
//!    that the entry goes. What it sends because of it (a delivery report, a copy into a mailbox) can be
//!    submitted in the same step: [`Submission::settle`].
//!
//! Times are seconds since 1970-01-01T00:00:00Z and come from the caller.

use crate::{AnyBody, AnyWatch, AppendOutcome, BoxFuture, Result};

/// An entry's identity: letters, digits and `-`; never given to another entry. It can stand in a reply (`250 2.0.0 queued as`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QueueId(pub String);

/// What [`Delivery::submit`](crate::Delivery::submit) does besides the deliveries.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Submission {
    /// The message as an entry of the queue.
    pub entry: Option<NewEntry>,
    /// An entry that this message comes from: it is settled in the same step.
    pub settle: Option<Settlement>,
}

/// What became of a [`Submission`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Submitted {
    /// One answer for each recipient of the delivery, in their order, as from [`Delivery::commit`](crate::Delivery::commit).
    pub local: Vec<Result<AppendOutcome>>,
    /// The entry; `None` when none was asked for, or nobody was left to be in it.
    pub queued: Result<Option<QueueId>>,
}

/// A message to be queued. Its octets are those of the delivery, kept once for the queue and the mailboxes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewEntry {
    /// Who sends it, in words the runner understands (the reverse-path).
    pub sender: String,
    /// All else that concerns the whole message; opaque to the store.
    pub data: Vec<u8>,
    /// When it came, in seconds.
    pub created: i64,
    /// When it is to be tried first, in seconds: now, or later (RFC 4865 FUTURERELEASE).
    pub due: i64,
    /// When trying ends, in seconds. The store keeps it; the runner obeys it.
    pub expires: i64,
    /// Whom it is for.
    pub recipients: Vec<NewRecipient>,
}

/// A recipient of a [`NewEntry`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewRecipient {
    /// Who, in words the runner understands (the forward-path).
    pub address: String,
    /// All else that concerns this recipient; opaque to the store.
    pub data: Vec<u8>,
    /// It is also a recipient of the delivery, the one at this place: it gets into the entry only if that
    /// delivery failed, with the failure as its [`error`](QueuedRecipient::error). So whoever was named is served or queued,
    /// and never both.
    pub unless_delivered: Option<usize>,
}

impl NewEntry {
    /// Whom the entry is made for when the deliveries were answered like this, each with its first error. For
    /// stores: when nobody is left, they make none.
    pub fn waiting<T>(&self, delivered: &[Result<T>]) -> Vec<(&NewRecipient, Option<String>)> {
        let waiting = self.recipients.iter().filter_map(|r| match r.unless_delivered {
            None => Some((r, None)),
            Some(place) => match delivered.get(place) {
                Some(Ok(_)) => None,
                Some(Err(e)) => Some((r, Some(e.to_string()))),
                None => Some((r, Some("it was not delivered".to_owned()))),
            },
        });
        waiting.collect()
    }
}

/// What has become of one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RecipientState {
    /// Still to be tried.
    Waiting,
    /// Handed on.
    Done,
    /// Given up.
    Failed,
}

/// A recipient of a [`QueueEntry`]. Its place in the entry is its name in a [`RecipientUpdate`], and never changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedRecipient {
    /// As it was given.
    pub address: String,
    /// As it was given, or as it was last updated.
    pub data: Vec<u8>,
    /// What has become of it.
    pub state: RecipientState,
    /// What went wrong last, in words for a person.
    pub error: Option<String>,
}

/// A message that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueueEntry {
    /// Its identity.
    pub id: QueueId,
    /// As it was given.
    pub sender: String,
    /// As it was given, or as it was last updated.
    pub data: Vec<u8>,
    /// When it came, in seconds.
    pub created: i64,
    /// When it is due, in seconds; of one that is leased, when the lease ends.
    pub due: i64,
    /// When trying ends, in seconds.
    pub expires: i64,
    /// How often it was taken.
    pub attempts: u32,
    /// Whether a runner has it.
    pub leased: bool,
    /// Octets of the message.
    pub size: u64,
    /// Whom it is for: all, whatever became of them.
    pub recipients: Vec<QueuedRecipient>,
}

/// The right to work on one entry, for a time.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    /// The entry.
    pub id: QueueId,
    /// Which of its attempts: a later one ends this lease.
    pub attempt: u32,
}

impl QueueEntry {
    /// The lease of the runner that took this entry.
    #[must_use]
    pub fn lease(&self) -> Lease {
        Lease { id: self.id.clone(), attempt: self.attempts }
    }
}

/// What a runner found out about a recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipientUpdate {
    /// Its place in [`QueueEntry::recipients`].
    pub place: usize,
    /// What has become of it.
    pub state: RecipientState,
    /// New octets in place of the old; `None` leaves them.
    pub data: Option<Vec<u8>>,
    /// What went wrong, in words for a person; `None` forgets what was there.
    pub error: Option<String>,
}

/// What becomes of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Next {
    /// It is due again at this time, in seconds, and the lease ends.
    At(i64),
    /// The runner goes on: its lease ends at this time, in seconds.
    Hold(i64),
    /// It goes, whatever the states of its recipients, and its octets with the last reference to them.
    Remove,
}

/// The end, or a prolongation, of a lease: all of it in one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settlement {
    /// The lease.
    pub lease: Lease,
    /// What has become of recipients; those left out stay as they are.
    pub recipients: Vec<RecipientUpdate>,
    /// New octets for the entry in place of the old; `None` leaves them.
    pub data: Option<Vec<u8>>,
    /// What becomes of the entry.
    pub next: Next,
}

/// How much waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QueueStatus {
    /// Entries.
    pub entries: u64,
    /// Octets of their messages; one that is also in a mailbox counts.
    pub octets: u64,
    /// As [`MailQueue::next_due`].
    pub next_due: Option<i64>,
}

/// The queue of a store that has one. Its calls keep the promises of [`MailStore`](crate::MailStore): each is one
/// step, durable when it is answered, and serves any number of tasks and, in a store for several processes,
/// of processes.
pub trait MailQueue: Send + Sync {
    /// Takes up to `max` entries that are due at `now`, those due first first, each until `until`. With its
    /// lease ended, an entry is due like any other. Of many who take at once, each entry is given to one.
    fn take<'a>(&'a self, now: i64, until: i64, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>>;

    /// Writes down what became of an entry.
    ///
    /// # Errors
    /// [`Gone`](crate::ErrorKind::Gone) when the entry was taken anew since, settled by this lease before, or removed: then
    /// nothing is changed. A lease that is over in time, but whose entry nobody took, still holds.
    fn settle<'a>(&'a self, what: &'a Settlement) -> BoxFuture<'a, Result<()>>;

    /// The entries after `after` in the order of their identities as the store sorts them, `max` at most. All, when
    /// called again with the last one until it answers none.
    fn list<'a>(&'a self, after: Option<&'a QueueId>, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>>;

    /// One entry.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn get<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<QueueEntry>>;

    /// Opens the message: the octets that were written, without a delivery's prefix. It stays readable while
    /// it is held.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), [`Corrupt`](crate::ErrorKind::Corrupt).
    fn body<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<AnyBody>>;

    /// Makes an entry due at another time: now, to try it at once; far away, to hold it back.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound); [`InUse`](crate::ErrorKind::InUse) while a runner has it, whose lease
    /// has not ended at `now`.
    fn reschedule<'a>(&'a self, id: &'a QueueId, now: i64, due: i64) -> BoxFuture<'a, Result<()>>;

    /// Removes an entry, also one that a runner has (which finds its lease [`Gone`](crate::ErrorKind::Gone)).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound).
    fn remove<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<()>>;

    /// When the next entry is due or the next lease ends, in seconds; `None` in an empty queue. Cheap, so that a
    /// runner can ask after each hint.
    fn next_due<'a>(&'a self) -> BoxFuture<'a, Result<Option<i64>>>;

    /// How much waits: for people and monitors.
    fn status<'a>(&'a self) -> BoxFuture<'a, Result<QueueStatus>>;

    /// Begins to watch. Any hint says: something may be due earlier than [`next_due`](Self::next_due) said before.
    /// A submission or a change of time that is answered after this returned leads to one, by another process within the watch's
    /// [`poll_every`](crate::Watch::poll_every) or the store's own period. A runner sleeps until a hint or `next_due`; it watches first, then asks.
    fn watch<'a>(&'a self) -> BoxFuture<'a, Result<AnyWatch>>;
}
