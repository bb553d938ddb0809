//! A durable, embedded mail store on SQLite for [`mailstore_api`].
//!
//! # What it promises
//! * What is acknowledged is on the disk: an answer comes after the `COMMIT` whose log was synced
//!   (`synchronous=FULL`, checked at start), a big message's file and directory before that.
//! * Each request is done wholly or not at all, also when the process is killed in the middle.
//! * **Several processes** may have one store open: a second server, or a command beside the running server.
//!   They do not corrupt each other; a process sees another's changes when it next writes to the same shard,
//!   and otherwise within [`Options::poll_every`].
//! * What a killed process has left half-way is cleared by whoever opens the store next: files without a message, the rest of a
//!   deletion, leases of the queue (at their own end).
//! * It needs no runtime: it has threads of its own, and its futures are woken by them.
//!
//! # How it is laid out
//! `control.db` knows the accounts and gives UIDVALIDITY; `shard-NN.db` hold mailboxes and messages, each account
//! wholly in one of them; `bodies/` has messages over 128 KiB as files, `tmp/` those that are just arriving. One
//! writer thread a shard commits in groups; a few reader threads serve all. An open mailbox has an index in
//! memory (UID, flags, modseq, size, date; 25 octets a message), so that most of IMAP reads no database.
//!
//! # What it has besides mailboxes
//! Quota by account ([`SqliteStore::set_quota`]), enforced in the transaction that would exceed it; access lists and annotations;
//! a queue of messages to be handed on ([`mailstore_api::MailQueue`]), each entry in the shard of a local recipient of its
//! message where there is one: those two are one transaction. Recipients in other shards are committed before it.
//!
//! # Looking after it
//! [`SqliteStore::check`] finds damage, [`repair`](SqliteStore::repair) mends what can be mended without loss of mail,
//! [`backup`](SqliteStore::backup) copies the store as it is at one moment, [`vacuum`](SqliteStore::vacuum) gives room
//! back. All of them work while the store is served.
//! [`SqliteAccount::restore`] brings mailboxes back with the UIDs they had.
//!
//! # A full disk
//! Messages are refused, and nothing else happens: reading goes on, and so does deleting, for which
//! [`Options::reserve`] keeps room. When there is room again, all works without a restart.
//!
//! # Speed
//! A group of requests shares one sync, so a store is fastest when many write at once. SQLite calls `fsync` unless it
//! is told otherwise; `fdatasync` is as durable and costs much less. In a program of your own put this into
//! `.cargo/config.toml`, as this repository does:
//!
//! ```toml
//! [env]
//! LIBSQLITE3_FLAGS = "-DHAVE_FDATASYNC=1 -DSQLITE_DEFAULT_MEMSTATUS=0"
//! ```
//!
//! # Memory and descriptors
//! Nothing is kept for an account that has no session: ten thousand are opened in some milliseconds. A message on its way in takes at most a few times 128
//! KiB, whatever its size.
#![forbid(unsafe_code)]

mod account;
mod at_hand;
mod bits;
mod body;
mod care;
mod checkpoint;
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
mod reserve;
mod restore;
mod room;
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
