//! Flags as header fields: Status, X-Status, X-Keywords.

use mailstore_api::{Flags, SystemFlags};

use super::header::HeaderFilter;
use crate::names::is_keyword;

const X_STATUS: [(char, SystemFlags); 4] = [
    ('A', SystemFlags::ANSWERED),
    ('F', SystemFlags::FLAGGED),
    ('T', SystemFlags::DRAFT),
    ('D', SystemFlags::DELETED),
];

/// The fields, with LF.
pub(super) fn write(flags: &Flags) -> Vec<u8> {
    let mut text =
        String::from(if flags.system.contains(SystemFlags::SEEN) { "Status: RO\n" } else { "Status: O\n" });
    let letters: String =
        X_STATUS.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| letter).collect();
    if !letters.is_empty() {
        text.push_str(&format!("X-Status: {letters}\n"));
    }
    if !flags.keywords.is_empty() {
        text.push_str(&format!("X-Keywords: {}\n", flags.keywords.join(" ")));
    }
    text.into_bytes()
}

/// The flags the fields stand for; how many keywords are none.
pub(super) fn read(header: &HeaderFilter) -> (Flags, usize) {
    let mut flags = Flags::default();
    if header.value("status").is_some_and(|v| v.contains('R')) {
        flags.system |= SystemFlags::SEEN;
    }
    let letters = header.value("x-status").unwrap_or_default();
    for (letter, flag) in X_STATUS {
        if letters.contains(letter) {
            flags.system |= flag;
        }
    }
    let mut bad = 0;
    for word in header.value("x-keywords").unwrap_or_default().split_ascii_whitespace() {
        if !is_keyword(word) {
            bad += 1;
        } else if !flags.has_keyword(word) {
            flags.keywords.push(word.to_owned());
        }
    }
    (flags, bad)
}
