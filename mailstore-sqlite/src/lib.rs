//! placeholder
#![forbid(unsafe_code)]
mod options;
mod store;
pub use options::{AccountInfo, DefaultMailbox, Options};
pub use store::SqliteStore;
