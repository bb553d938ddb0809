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
//! No type of an async runtime appears here. An implementor writes plain `async fn`.
#![forbid(unsafe_code)]

mod any;
#[cfg(feature = "conformance")]
pub mod conformance;
mod data;
mod error;
mod flags;
mod hub;
pub mod memory;
mod name;
mod optional;
mod query;
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
pub use hub::{LocalHub, LocalWatch};
pub use memory::{MemoryOptions, MemoryStore};
pub use name::{MailboxId, MailboxName, NameError};
pub use optional::{Acl, Annotation, BoxFuture, MaildropLock, Metadata, Quota, QuotaUse};
pub use query::{Query, SearchOutcome};
pub use split::HeaderScan;
pub use traits::{Account, Body, Delivery, MailStore, Mailbox, Staged, Watch};
pub use uid::{ModSeq, Uid, UidSet, UidValidity};
