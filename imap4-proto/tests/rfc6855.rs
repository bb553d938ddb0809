//! RFC 6855: UTF8=ACCEPT.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/dialogue.rs"]
mod dialogue;

#[test]
fn its_rules_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc6855.txt"));
}
