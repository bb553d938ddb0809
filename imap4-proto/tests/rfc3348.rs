//! RFC 3348: CHILDREN.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

#[path = "common/dialogue.rs"]
mod dialogue;

#[test]
fn section_3_the_examples() {
    dialogue::authenticated(
        r#"
        C: A001 LIST "" "*"
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * LIST (\HasChildren) "/" ITEM_1
        S: * LIST (\HasNoChildren) "/" ITEM_1/ITEM_1_A
        S: * LIST (\HasNoChildren) "/" TOP_TIER
        S: A001 OK LIST Completed
        "#,
    )
    .replay()
    .commands(&["Command(List"])
    .heard(&["Response(List", "Done { tag: Tag(1), kind: List, status: Ok"]);
}
