//! Whoever attacks the server from outside: over TCP, with the real program. Everywhere the same is held: it does not panic, its memory and its
//! descriptors stay within bounds and come back, and another client is served meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod compressed;
mod connections;
mod ground;
mod names;
mod nested;
mod numbers;
mod octets;
mod oversized;
mod plaintext;
mod slow;
#[path = "../support/mod.rs"]
mod support;
