//! What the sans-IO mail protocol machines share.
//!
//! A [`Machine`] is a protocol's state machine, server or client side. It does no IO, reads no
//! clock and allocates nothing for a simple command. Its caller owns the input buffer, looks for
//! the next frame with [`Machine::poll`], has it read by [`Machine::event`], and sends what
//! [`Machine::output`] holds.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod dot;
#[cfg(any(test, feature = "count"))]
mod every;
mod input;
mod line;
mod machine;
mod output;
mod pace;
mod secret;
mod stuff;
mod time;

pub use dot::{Dot, DotDecoder};
#[cfg(any(test, feature = "count"))]
pub use every::every_split;
pub use input::InputBuffer;
pub use line::{Line, LineEnd, LineScanner, Scan, has_control, strip_line_end};
pub use machine::{Machine, Misuse, Poll, TlsInfo, Upgrade, Upgraded};
pub use output::OutputQueue;
pub use pace::{Pace, PaceLimits, Wait};
pub use secret::SecretBuf;
pub use stuff::{DotEncoder, Stuffing};
pub use time::Instant;
