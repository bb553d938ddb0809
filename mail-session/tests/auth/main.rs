//! Who may enter: every mechanism against an authority and over the sessions of all three protocols.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "../clients/mod.rs"]
mod clients;
mod host;
mod mechanisms;
mod memory;
mod own_mechanism;
mod splits;
mod tls;
