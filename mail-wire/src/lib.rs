//! What the sans-IO mail protocol machines share.
//!
//! A [`Machine`] is a protocol's state machine, server or client side. It does no IO, reads no
//! clock and allocates nothing for a simple command. Its caller owns the input buffer, looks for
//! the next frame with [`Machine::poll`], has it read by [`Machine::event`], and sends what
//! [`Machine::output`] holds.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod machine;
mod output;
mod time;

pub use machine::{Machine, Misuse, Poll, TlsInfo, Upgrade, Upgraded};
pub use output::OutputQueue;
pub use time::Instant;
