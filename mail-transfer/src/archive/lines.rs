//! The lines of `.jsonl` members.

use mailstore_api::{Annotation, Flags, Rights, SpecialUse, SystemFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::format::{AccessList, Digest};

pub(super) const FORMAT: &str = "mail-archive";
pub(super) const MANIFEST: &str = "manifest.jsonl";
pub(super) const END: &str = "end.jsonl";

pub(super) fn mailbox_path(mailbox: u64) -> String {
    format!("mailboxes/{mailbox:05}/mailbox.jsonl")
}

pub(super) fn index_path(mailbox: u64, index: u64) -> String {
    format!("mailboxes/{mailbox:05}/{index:06}.jsonl")
}

pub(super) fn message_path(mailbox: u64, uid: u32) -> String {
    format!("mailboxes/{mailbox:05}/{uid:010}.eml")
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct ManifestLine {
    pub(super) format: String,
    pub(super) version: u32,
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) account: String,
    #[serde(default)]
    pub(super) created: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) subscriptions: Vec<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<AnnotationLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) quota: Vec<QuotaLine>,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct QuotaLine {
    #[serde(default)]
    pub(super) root: String,
    pub(super) resource: String,
    pub(super) limit: u64,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct MailboxLine {
    pub(super) name: Vec<String>,
    #[serde(default)]
    pub(super) id: String,
    pub(super) uid_validity: u32,
    pub(super) uid_next: u32,
    pub(super) highest_modseq: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) special_use: Vec<String>,
    #[serde(default)]
    pub(super) subscribed: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keywords: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) annotations: Vec<AnnotationLine>,
    /// Identifiers and their rights, as RFC 4314 writes these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) acl: Vec<(String, String)>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub(super) struct MessageLine {
    pub(super) uid: u32,
    pub(super) size: u64,
    pub(super) sha256: String,
    pub(super) modseq: u64,
    pub(super) flags: Vec<String>,
    pub(super) date: i64,
    pub(super) zone: i16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) saved: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pop3_uidl: Option<String>,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct EndLine {
    pub(super) mailboxes: u64,
    pub(super) messages: u64,
    pub(super) octets: u64,
    pub(super) chain: String,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct SumLine {
    pub(super) sha256: String,
}

#[derive(Serialize, Deserialize, Debug)]
pub(super) struct AnnotationLine {
    entry: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

impl AnnotationLine {
    pub(super) fn new((entry, value): &Annotation) -> Self {
        let entry = entry.clone();
        match std::str::from_utf8(value) {
            Ok(text) => Self { entry, value: Some(text.to_owned()), hex: None },
            Err(_) => Self { entry, value: None, hex: Some(hex(value)) },
        }
    }

    pub(super) fn annotation(self) -> Option<Annotation> {
        let value = match (self.value, self.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(digits)) => unhex(&digits)?,
            _ => return None,
        };
        Some((self.entry, value))
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let octet = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(octet).collect() } else { None }
}

pub(super) fn digest(digits: &str) -> Option<Digest> {
    unhex(digits)?.try_into().ok()
}

pub(super) fn sha256(octets: &[u8]) -> String {
    hex(&Sha256::digest(octets))
}

/// RFC 4314 section 2.1.
const RIGHTS: [(char, Rights); 11] = [
    ('l', Rights::LOOKUP),
    ('r', Rights::READ),
    ('s', Rights::SEEN),
    ('w', Rights::WRITE),
    ('i', Rights::INSERT),
    ('p', Rights::POST),
    ('k', Rights::CREATE),
    ('x', Rights::DELETE_MAILBOX),
    ('t', Rights::DELETE_MESSAGE),
    ('e', Rights::EXPUNGE),
    ('a', Rights::ADMIN),
];

pub(super) fn write_acl(list: &AccessList) -> Vec<(String, String)> {
    let text = |rights: Rights| RIGHTS.iter().filter(|(_, r)| rights.contains(*r)).map(|(c, _)| *c).collect();
    list.iter().map(|(who, rights)| (who.clone(), text(*rights))).collect()
}

/// A right that is not known is passed over: less is granted, and never more. What takes rights away, all of which have
/// to be known, takes all where one is not.
pub(super) fn read_acl(lines: Vec<(String, String)>) -> AccessList {
    let rights = |text: &str, unknown: Rights| {
        let of = |c: char| RIGHTS.iter().find(|(known, _)| *known == c).map_or(unknown, |(_, right)| *right);
        text.chars().map(of).fold(Rights::NONE, |all, right| all | right)
    };
    let read = |(who, text): (String, String)| {
        let unknown = if who.starts_with('-') { Rights::OWNER } else { Rights::NONE };
        let rights = rights(&text, unknown);
        (who, rights)
    };
    lines.into_iter().map(read).collect()
}

const SYSTEM: [(&str, SystemFlags); 5] = [
    ("\\Seen", SystemFlags::SEEN),
    ("\\Answered", SystemFlags::ANSWERED),
    ("\\Flagged", SystemFlags::FLAGGED),
    ("\\Deleted", SystemFlags::DELETED),
    ("\\Draft", SystemFlags::DRAFT),
];

const USES: [(&str, SpecialUse); 8] = [
    ("\\All", SpecialUse::ALL),
    ("\\Archive", SpecialUse::ARCHIVE),
    ("\\Drafts", SpecialUse::DRAFTS),
    ("\\Flagged", SpecialUse::FLAGGED),
    ("\\Junk", SpecialUse::JUNK),
    ("\\Sent", SpecialUse::SENT),
    ("\\Trash", SpecialUse::TRASH),
    ("\\Important", SpecialUse::IMPORTANT),
];

pub(super) fn write_flags(flags: &Flags) -> Vec<String> {
    let system = SYSTEM.iter().filter(|(_, flag)| flags.system.contains(*flag));
    system.map(|(name, _)| (*name).to_owned()).chain(flags.keywords.iter().cloned()).collect()
}

/// The flags, and how many words are none.
pub(super) fn read_flags(words: &[String]) -> (Flags, usize) {
    let mut flags = Flags::default();
    let mut bad = 0;
    for word in words {
        match SYSTEM.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            Some((_, flag)) => flags.system |= *flag,
            None if !crate::names::is_keyword(word) => bad += 1,
            None if !flags.has_keyword(word) => flags.keywords.push(word.clone()),
            None => {}
        }
    }
    (flags, bad)
}

pub(super) fn write_uses(uses: SpecialUse) -> Vec<String> {
    USES.iter().filter(|(_, bit)| uses.contains(*bit)).map(|(name, _)| (*name).to_owned()).collect()
}

/// Uses that are not known are left out.
pub(super) fn read_uses(words: &[String]) -> SpecialUse {
    let known = |word: &String| USES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    words.iter().filter_map(known).fold(SpecialUse::NONE, |all, (_, bit)| all | *bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_uses_and_annotations_come_back() {
        let mut flags = Flags::system(SystemFlags::from_bits(0x1f));
        flags.keywords = vec!["$Forwarded".into(), "x".into()];
        assert_eq!(read_flags(&write_flags(&flags)), (flags, 0));
        assert_eq!(read_flags(&["\\Recent".into(), "a b".into()]).1, 2);
        let uses = SpecialUse::from_bits(u16::MAX);
        assert_eq!(read_uses(&write_uses(uses)), uses);
        for value in [&b"text"[..], b"", b"\xff\x00"] {
            let annotation = ("/shared/comment".to_owned(), value.to_vec());
            let line = serde_json::to_string(&AnnotationLine::new(&annotation)).unwrap();
            let back: AnnotationLine = serde_json::from_str(&line).unwrap();
            assert_eq!(back.annotation(), Some(annotation), "{line}");
        }
        assert_eq!(digest("ab"), None);
        assert_eq!(unhex("zz"), None);
    }
}
