#![doc = include_str!("../../ARCHIVE.md")]

mod lines;
mod read;
#[cfg(feature = "sqlite")]
mod restore;
mod tar_io;
mod write;

pub use read::{ArchiveEntry, ArchiveReader, ArchivedMailbox, ArchivedMessage, Manifest};
#[cfg(feature = "sqlite")]
pub use restore::{RestoreOptions, restore};
pub use write::{ArchiveWriter, PartialFile};

/// The version of the format that is written, and the newest that is read.
pub const VERSION: u32 = 1;
