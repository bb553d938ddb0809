//! Each mechanism, client against server in memory: logins that succeed, that fail, that somebody in
//! the middle has touched.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::field_reassign_with_default,
    reason = "a test may fail"
)]

mod bearer;
mod choosing;
mod every;
mod names;
mod play;
mod scram;
mod tampering;
