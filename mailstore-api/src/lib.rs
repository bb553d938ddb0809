//! The storage traits a mail server is written against.
//!
//! Implement [`MailStore`], [`Account`], [`Mailbox`] and their small companions, and the session
//! layer serves the messages over IMAP4, POP3 and SMTP submission.
//!
//! # The contract in seven rules
//! 1. **The store speaks UIDs only**: no sequence number, no `*`, no modified UTF-7, no delimiter.
//! 2. **One cut.** [`Account::open`] returns a [`Snapshot`] and the modseq at which it is true;
//!    [`Mailbox::changes`] returns all that came later, in one consistent, monotone cut.
//! 3. **Notifications are hints**: they may be lost, merged, spurious. Every hint is followed by
//!    `changes`.
//! 4. **History may be lost, correctness may not**: [`ErrorKind::HistoryLost`] makes the library
//!    compare a fresh snapshot with its view.
//! 5. **No lock spans a write to a client.** Batches are bounded; copy and move are calls on the
//!    account, so that the store alone chooses the order of its locks.
//! 6. **Nothing is materialised by range**: sets are ranges, a body is an exact length and
//!    [`Body::read_at`].
//! 7. **Visible = committed**: `stage` then `commit`; a staged message dropped is a message that
//!    never was. Bytes out = bytes in.
//!
//! No type of an async runtime appears here. An implementor writes plain `async fn`; the [`guide`] goes through
//! it, [`MemoryStore`] shows it, and `conformance` (feature `conformance`) checks it.
//!
//! ```
//! use mailstore_api::*;
//!
//! /// Puts a message into INBOX and reads its first line back; works with any store.
//! async fn example<S: MailStore>(store: &S) -> Result<Vec<u8>> {
//!     let anna = store.open_account("anna").await?;
//!     let inbox = anna.find(&MailboxName::inbox()).await?.and_then(|m| m.id).ok_or(ErrorKind::NotFound)?;
//!     let (snapshot, mailbox) = anna.open(&inbox, OpenMode::Select).await?;
//!
//!     let mut staged = anna.stage(&inbox, AppendSpec::default()).await?;
//!     staged.write(b"Subject: hello\r\n\r\nworld\r\n").await?;
//!     staged.finish().await?;
//!     anna.commit(&inbox, vec![staged], None).await?; // only now it can be seen
//!
//!     let news = mailbox.changes(snapshot.at, 100).await?;
//!     let mut body = mailbox.body(news.changed[0].uid, Part::Whole).await?;
//!     Ok(body.read_at(0, 14).await?.to_vec())
//! }
//!
//! let store = MemoryStore::new();
//! store.create_account("anna")?;
//! # #[cfg(feature = "conformance")]
//! assert_eq!(conformance::block_on(example(&store))?, b"Subject: hello");
//! # Ok::<(), StoreError>(())
//! ```
#![forbid(unsafe_code)]

mod any;
#[cfg(feature = "conformance")]
pub mod conformance;
mod data;
mod error;
mod flags;
#[doc = include_str!("../GUIDE.md")]
pub mod guide {}
mod hierarchy;
mod hub;
mod index;
pub mod memory;
mod name;
mod optional;
mod parts;
mod query;
mod queue;
mod split;
mod traits;
mod uid;

pub use any::{AnyAccount, AnyBody, AnyDelivery, AnyMailbox, AnyStaged, AnyStore, AnyWatch};
pub use data::{
    AppendOutcome, AppendSpec, Change, Changes, CopyOutcome, Derived, ExpungeOutcome, FlagOp, FlagOutcome,
    Hint, Interest, InternalDate, MailboxInfo, Meta, MetaBatch, MetaItems, OpenMode, Part, Recipient,
    Replaces, Snapshot, Status, StatusItems,
};
pub use error::{ErrorKind, Result, StoreError};
pub use flags::{Flags, Rights, SpecialUse, SystemFlags};
pub use hierarchy::Hierarchy;
pub use hub::{LocalHub, LocalWatch};
pub use index::{Index, IndexLimits, IndexRow};
pub use memory::{MemoryOptions, MemoryStore};
pub use name::{MailboxId, MailboxName, NameError};
pub use optional::{
    Acl, Annotation, BoxFuture, MaildropLock, Metadata, MetadataLimits, Quota, QuotaLimits, QuotaUsage,
    QuotaUse, annotation_matches, check_annotation, check_identifier,
};
pub use parts::{Buffered, BufferedDelivery, BytesBody};
pub use query::{Query, SearchOutcome};
pub use queue::{
    Lease, MailQueue, NewEntry, NewRecipient, Next, QueueEntry, QueueId, QueueStatus, QueuedRecipient,
    RecipientState, RecipientUpdate, Settlement, Submission, Submitted,
};
pub use split::HeaderScan;
pub use traits::{Account, Body, Delivery, MailStore, Mailbox, Staged, Watch};
pub use uid::{ModSeq, Uid, UidSet, UidValidity};
