//! Runs the sans-IO mail machines over `futures-io` streams.
#![forbid(unsafe_code)]

mod accept;
mod connection;
mod driver;
mod error;
mod limits;
mod peer;
mod timer;
#[cfg(feature = "rustls")]
mod tls;
mod transport;

pub use accept::{Accept, Never, NoTls};
pub use driver::{Driver, Next};
pub use error::{DriveError, TimedOut};
pub use limits::Limits;
pub use mail_wire::{Instant, Machine, TlsInfo};
pub use peer::{Peer, Turn};
pub use timer::{NoTimer, Timer};
#[cfg(feature = "rustls")]
pub use tls::{Acceptor, Connect};
