#![forbid(unsafe_code)]
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
