//! The examples of the extensions' RFCs, one file each, played by the client machine against the server machine; and as the
//! RFCs print them, on each of the two. In one program, so
//! that they are linked once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "../common/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/dialogue.rs"]
mod dialogue;
mod duet;

mod nesting;
mod rfc2087;
mod rfc4314;
mod rfc4467;
mod rfc4469;
mod rfc4978;
mod rfc5032;
mod rfc5256;
mod rfc5267;
mod rfc5464;
mod rfc5465;
mod rfc5957;
mod rfc6203;
mod rfc7377;
mod rfc8437;
mod rfc8440;
mod rfc8474;
mod rfc8508;
mod rfc8514;
mod rfc8970;
mod rfc9208;
mod rfc9394;
mod rfc9585;
mod rfc9586;
mod rfc9590;
mod rfc9698;
mod rfc9738;
mod splits;
