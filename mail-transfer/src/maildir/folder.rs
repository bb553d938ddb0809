//! Mailbox names as Maildir++ folders.

use imap4_proto::mutf7;
use mailstore_api::MailboxName;

use crate::files::unescape;

/// The folder of a mailbox below that of INBOX; empty for INBOX itself.
///
/// ```
/// use mail_transfer::maildir::folder_of;
/// use mailstore_api::MailboxName;
/// let name = MailboxName::new(["Entwürfe", "2024.05"]).unwrap();
/// assert_eq!(folder_of(&name), ".Entw&APw-rfe.2024\\2e05");
/// ```
#[must_use]
pub fn folder_of(name: &MailboxName) -> String {
    if name.is_inbox() {
        return String::new();
    }
    name.parts().iter().map(|part| format!(".{}", encode(part))).collect()
}

/// The mailbox of a Maildir++ folder; `None` when the name can be none's.
#[must_use]
pub fn name_of(folder: &str) -> Option<MailboxName> {
    if folder.is_empty() {
        return Some(MailboxName::inbox());
    }
    MailboxName::new(folder.strip_prefix('.')?.split('.').map(decode)).ok()
}

/// A part of a name as a part of a folder's name.
pub(super) fn encode(part: &str) -> String {
    let mut plain = String::with_capacity(part.len());
    for (at, c) in part.char_indices() {
        if matches!(c, '.' | '/' | '\\') || (c == '~' && at == 0) {
            plain.push_str(&format!("\\{:02x}", u32::from(c)));
        } else {
            plain.push(c);
        }
    }
    mutf7::encode(&plain).into_owned()
}

/// Names that are no modified UTF-7 are taken as they are: some servers write UTF-8.
pub(super) fn decode(part: &str) -> String {
    let text = mutf7::decode(part.as_bytes()).map_or_else(|| part.to_owned(), |text| text.into_owned());
    unescape(&text, '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_are_one_to_one() {
        for (parts, folder) in [
            (&["INBOX"][..], ""),
            (&["INBOX", "x"], ".INBOX.x"),
            (&["Sent"], ".Sent"),
            (&["a", "b", "c d"], ".a.b.c d"),
            (&["台北", "日本語"], ".&U,BTFw-.&ZeVnLIqe-"),
            (&["a&b", "~me", "x~"], ".a&-b.\\7eme.x~"),
            (&["..", "a\\2e"], ".\\2e\\2e.a\\5c2e"),
            (&["a/b"], ".a\\2fb"),
        ] {
            let name = MailboxName::new(parts.iter().copied()).unwrap();
            assert_eq!(folder_of(&name), folder);
            assert_eq!(name_of(folder), Some(name));
        }
        assert_eq!(name_of(".Entwürfe"), MailboxName::new(["Entwürfe"]).ok());
        assert_eq!(name_of(".a..b"), None);
        assert_eq!(name_of("a"), None);
    }
}
