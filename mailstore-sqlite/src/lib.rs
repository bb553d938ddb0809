//! A durable, embedded mail store on SQLite for [`mailstore_api`].
//!
//! # What it promises
//! * What is acknowledged is on the disk: an answer comes after the `COMMIT` whose log was synced
//!   (`synchronous=FULL`, checked at start), a big message's file and directory before that.
//! * Each request is done wholly or not at all, also when the process is killed in the middle.
//! * **Several processes** may have one store open: a second server, or a command beside the running server.
//!   They do not corrupt each other; a process sees another's changes when it next writes to the same shard,
//!   and otherwise within [`Options::poll_every`].
//! * It needs no runtime: it has threads of its own, and its futures are woken by them.
//!
//! # How it is laid out
//! `control.db` knows the accounts and gives UIDVALIDITY; `shard-NN.db` hold mailboxes and messages, each account
//! wholly in one of them; `bodies/` has messages over 128 KiB as files, `tmp/` those that are just arriving. One
//! writer thread a shard commits in groups; a few reader threads serve all. An open mailbox has an index in
//! memory (UID, flags, modseq, size, date; 25 octets a message), so that most of IMAP reads no database.
//!
//! # Looking after it
//! [`SqliteStore::check`] finds damage, [`repair`](SqliteStore::repair) mends what can be mended without loss of mail,
//! [`backup`](SqliteStore::backup) copies the store as it is at one moment, [`vacuum`](SqliteStore::vacuum) gives room
//! back. All of them work while the store is served.
//! [`SqliteAccount::restore`] brings mailboxes back with the UIDs they had.
//!
//! # Memory and descriptors
//! Nothing is kept for an account that has no session. A message on its way in takes at most a few times 128
//! KiB, whatever its size.
#![forbid(unsafe_code)]

mod account;
mod bits;
mod body;
mod care;
mod control;
mod date;
mod error;
mod files;
mod index;
mod mailbox;
mod maildrop;
mod oneshot;
mod ops;
mod optional;
mod options;
mod outbox;
mod pool;
mod queue;
mod restore;
mod schema;
mod shard;
mod stage;
mod store;
mod sweep;
mod txn;
mod writer;

pub use account::{SqliteAccount, SqliteWatch};
pub use body::SqliteBody;
pub use care::{CheckReport, Finding, FindingKind, Progress};
pub use mailbox::SqliteMailbox;
pub use options::{AccountInfo, DefaultMailbox, Options};
pub use restore::{Restore, RestoredFrom, RestoredMailbox, RestoredMessage, Unfinished};
pub use stage::{SqliteDelivery, SqliteStaged};
pub use store::SqliteStore;
