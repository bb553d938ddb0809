//! The line before each message: `From sender date` (RFC 4155 appendix A).

use mailstore_api::InternalDate;

use crate::date;

/// A From_ line is not longer than this.
pub(super) const LONGEST: usize = 1_000;

/// The line, with LF.
pub(super) fn write(sender: Option<&str>, when: InternalDate) -> String {
    let sender = sender.filter(|s| {
        !s.is_empty()
            && s.len() < 500
            && s.bytes().all(|b| b.is_ascii_graphic())
            && !s.contains(['"', '<', '>'])
    });
    format!("From {} {}\n", sender.unwrap_or("MAILER-DAEMON"), date::asctime(when))
}

/// The date of a From_ line; `None`: it is none.
pub(super) fn parse(line: &[u8]) -> Option<InternalDate> {
    let text = String::from_utf8_lossy(line.strip_prefix(b"From ")?);
    // Where no sender is, too.
    date::parse(behind_sender(text.trim_start())).or_else(|| date::parse(&text))
}

/// A sender may have a quoted part with spaces.
fn behind_sender(text: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            c if c.is_ascii_whitespace() && !quoted => return text.split_at(at).1,
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_lines_are_told_from_text() {
        for (line, is_one) in [
            ("From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n", true),
            ("From - Thu Jan  1 00:00:00 1970\r\n", true),
            ("From \"a b\"@example.org Thu Jan  1 00:00:00 1970\n", true),
            ("From joe@example.org  Thu Jan  1 00:00:00 1970 +0100\n", true),
            ("From  Thu Jan  1 00:00:00 1970\n", true),
            ("From here on, it gets better.\n", false),
            ("From me to you on Thu Jan  1 00:00:00 1970\n", false),
            ("from joe Thu Jan  1 00:00:00 1970\n", false),
            ("From \n", false),
        ] {
            assert_eq!(parse(line.as_bytes()).is_some(), is_one, "{line}");
        }
        let date = InternalDate { seconds: 1_000_000_000, zone_minutes: 0 };
        for sender in [None, Some("joe@example.org"), Some("a b"), Some("a\nb")] {
            assert_eq!(parse(write(sender, date).as_bytes()), Some(date));
        }
    }
}
