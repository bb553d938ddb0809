//! What a mail command means on a store.
//!
//! The protocol crates know grammar and order; [`mailstore_api`] knows messages. Here they meet: the
//! IMAP view engine and commands, the POP3 maildrop, the submission transaction, LMTP, what goes out to other
//! servers, reports of it, who may enter.
//! Async, and on no runtime.
#![forbid(unsafe_code)]

mod ahead;
pub mod auth;
mod connection;
pub mod imap;
pub mod lmtp;
pub mod mime;
mod network;
pub mod outbound;
pub mod policy;
pub mod pop3;
pub mod report;
pub mod search;
pub mod submission;
pub mod view;

pub use connection::{Connection, Encryption, Farewell, SessionError};
pub use network::{Network, NoNetwork};
