//! IMAP sessions over in-memory pipes on the memory store: dialogues with one client and with several.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "tests"
)]
#[path = "../broken/mod.rs"]
mod broken;
mod commands;
mod concurrency;
mod condstore;
mod extended;
mod faults;
mod fetching;
mod limits;
mod nomodseq;
mod searching;
mod storm;
mod support;
