//! RFC 5819: LIST-STATUS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/dialogue.rs"]
mod dialogue;

#[test]
fn its_examples_on_both_machines() {
    dialogue::file(include_str!("dialogues/rfc5819.txt"));
}
