//! Mail in and out of any store that implements [`mailstore_api`].
//!
//! | format | for | keeps |
//! |---|---|---|
//! | [`archive`] | moving an account, or keeping it | everything: octets, UIDs, flags, dates, subscriptions |
//! | [`mbox`] | other programs; one file a mailbox | messages, flags, keywords, dates |
//! | [`maildir`] | Dovecot, mutt, and others; one file a message | messages, flags, 26 keywords a mailbox, dates, UIDs for Dovecot |
//!
//! [`export()`] writes an account to a [`format::Sink`]: an [`archive::ArchiveWriter`], [`mbox::MboxFolder`] or
//! [`maildir::MaildirFolder`]. [`import()`] adds what a [`format::Source`] has to an account, with new UIDs; with the feature
//! `sqlite`, [`archive::restore`] brings an archive back into a `mailstore-sqlite` account with the UIDs it had.
//!
//! Both hold some dozens of messages of at most 128 KiB in memory, whatever the sizes; bigger ones stream. An
//! import commits messages in groups, wholly or not at all, and can go on where it was cut short.
//!
//! The futures wait for the store; files are read and written by blocking calls. So they belong on a thread of
//! their own, under any executor.
//!
//! ```
//! use mail_transfer::{ExportOptions, ImportOptions, archive::{ArchiveReader, ArchiveWriter}, export, import};
//! use mailstore_api::{MailStore, MemoryStore};
//!
//! /// Copies an account from one store to another.
//! async fn move_house(old: &MemoryStore, new: &MemoryStore) -> Result<u64, Box<dyn std::error::Error>> {
//!     let mut archive = ArchiveWriter::new(Vec::new());
//!     let anna = old.open_account("anna").await?;
//!     export(&anna, "anna", &ExportOptions::default(), &mut archive, &mut |_| {}).await?;
//!
//!     let octets = archive.into_inner();
//!     let mut archive = ArchiveReader::new(octets.as_slice(), "anna.tar", None)?;
//!     let anna = new.open_account("anna").await?;
//!     Ok(import(&anna, &mut archive, &ImportOptions::default(), &mut |_| {}).await?.messages)
//! }
//! # let (old, new) = (MemoryStore::new(), MemoryStore::new());
//! # old.create_account("anna")?;
//! # new.create_account("anna")?;
//! # mailstore_api::conformance::block_on(move_house(&old, &new)).unwrap();
//! # Ok::<(), mailstore_api::StoreError>(())
//! ```
#![forbid(unsafe_code)]

pub mod archive;
mod date;
mod error;
mod export;
mod files;
pub mod format;
mod import;
mod lines;
pub mod maildir;
pub mod mbox;
mod names;
mod report;

pub use error::{Result, TransferError, TransferErrorKind};
pub use export::{ExportOptions, export};
pub use import::{ImportOptions, import};
pub use names::Patterns;
pub use report::{Progress, Report};
