//! IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) with their extensions: grammar, encoder and
//! sans-IO state machines.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod encode;
mod grammar;
pub mod mutf7;
pub mod server;
pub mod types;
