//! A look at a message's octets as they stand, which tells of most that what is looked for is not in their text.

use memchr::memmem::Finder;

use super::needle::Needle;

/// A message of nothing but ASCII, of which no part is written in an encoding or charset that would make other text of it: its text
/// is its octets.
#[derive(Debug)]
pub(super) struct Plain {
    /// The octets without case, as long as they are looked at.
    lower: Vec<u8>,
    encoding: Finder<'static>,
    charset: Finder<'static>,
    word: Finder<'static>,
    message: Finder<'static>,
    digest: Finder<'static>,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self {
            lower: Vec::new(),
            encoding: Finder::new("content-transfer-encoding"),
            charset: Finder::new("charset"),
            word: Finder::new("=?"),
            message: Finder::new("message/"),
            digest: Finder::new("digest"),
        }
    }

    /// Looks at a message. Whether its text is its octets.
    pub(super) fn look(&mut self, message: &[u8]) -> bool {
        if !message.is_ascii() {
            return false;
        }
        self.lower.clear();
        self.lower.extend_from_slice(message);
        self.lower.make_ascii_lowercase();
        let text = self.lower.as_slice();
        let after =
            |at: usize, finder: &Finder<'_>| text.get(at + finder.needle().len()..).unwrap_or_default();
        self.word.find(text).is_none()
            && self.encoding.find_iter(text).all(|at| is_identity(after(at, &self.encoding)))
            && self.charset.find_iter(text).all(|at| is_ascii_based(after(at, &self.charset)))
    }

    /// Whether the message looked at has it in no text (and in no header, where that counts): `false` where this look cannot tell.
    pub(super) fn lacks(&self, needle: &Needle, in_header: bool) -> bool {
        let Some(octets) = needle.ascii() else {
            // Text of ASCII alone has nothing else.
            return true;
        };
        if needle.spans_words() {
            // A header's text is joined from its lines.
            let inner =
                || self.message.find(&self.lower).is_some() || self.digest.find(&self.lower).is_some();
            if in_header || inner() {
                return false;
            }
        }
        octets.find(&self.lower).is_none()
    }

    /// Gives back memory that a large message took.
    pub(super) fn rest(&mut self) {
        self.lower.shrink_to(64 * 1024);
    }
}

/// Behind the name of the field: an encoding that is none.
fn is_identity(after: &[u8]) -> bool {
    let Some(value) = after.trim_ascii_start().strip_prefix(b":") else { return false };
    let value = value.trim_ascii_start();
    [&b"7bit"[..], b"8bit", b"binary"].iter().any(|name| is_word(value, name))
}

/// Behind the name of the parameter: a charset in which octets of ASCII are ASCII.
fn is_ascii_based(after: &[u8]) -> bool {
    let Some(value) = after.trim_ascii_start().strip_prefix(b"=") else { return false };
    let value = value.trim_ascii_start();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    [&b"us-ascii"[..], b"utf-8"].iter().any(|name| is_word(value, name))
        || [&b"iso-8859-"[..], b"windows-125"].iter().any(|name| value.starts_with(name))
}

fn is_word(text: &[u8], word: &[u8]) -> bool {
    let rest = text.strip_prefix(word);
    rest.is_some_and(|rest| !rest.first().is_some_and(|b| b.is_ascii_alphanumeric() || b"-_*'".contains(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Subject: Spring\r\n cleaning\r\nContent-Type: text/plain; charset=UTF-8\r\n\
                        Content-Transfer-Encoding: 7bit\r\n\r\n";

    fn lacks(message: &str, needle: &str, in_header: bool) -> Option<bool> {
        let mut plain = Plain::new();
        plain.look(message.as_bytes()).then(|| plain.lacks(&Needle::new(needle), in_header))
    }

    #[test]
    fn of_plain_messages_it_tells_what_they_lack() {
        let message = format!("{HEAD}The Lawn is green.\r\n");
        assert_eq!(lacks(&message, "lawn", false), Some(false));
        assert_eq!(lacks(&message, "hedge", false), Some(true));
        assert_eq!(lacks(&message, "lawn is", false), Some(false));
        assert_eq!(lacks(&message, "hedge is", false), Some(true));
        assert_eq!(lacks(&message, "spring cleaning", true), Some(false), "it stands on two lines");
        assert_eq!(lacks(&message, "h\u{e4}user", true), Some(true));
        assert_eq!(lacks(&format!("{message}=?"), "hedge", false), None);
        assert_eq!(lacks("\u{e4}", "hedge", false), None);
        assert_eq!(lacks("Content-Type: multipart/digest\r\n\r\n", "a b", false), Some(false));
        assert_eq!(lacks("Content-Type: message/rfc822\r\n\r\n", "a b", false), Some(false));
    }

    #[test]
    fn whatever_is_written_otherwise_is_left_to_be_decoded() {
        for line in [
            "Content-Transfer-Encoding: base64",
            "CONTENT-TRANSFER-ENCODING:\r\n quoted-printable",
            "Content-Transfer-Encoding: 7bitx",
            "Content-Transfer-Encoding (7bit): base64",
            "Content-Type: text/plain; charset=utf-16",
            "Content-Type: text/plain; charset=\"iso-2022-jp\"",
            "Content-Type: text/plain; charset=utf-8-mac",
            "Content-Type: text/plain; charset*0=utf-; charset*1=16",
            "Content-Type: text/plain; charset=(x)us-ascii",
            "Subject: =?utf-8?q?x?=",
        ] {
            assert_eq!(lacks(&format!("{line}\r\n\r\nx\r\n"), "needle", false), None, "{line}");
        }
        for line in [
            "Content-Type: text/plain; charset = \"US-ASCII\"",
            "Content-Type: text/plain; charset=iso-8859-15",
            "Content-Transfer-Encoding: 8BIT",
            "Content-Transfer-Encoding:\r\n\tbinary",
        ] {
            assert_eq!(lacks(&format!("{line}\r\n\r\nx\r\n"), "needle", false), Some(true), "{line}");
        }
    }
}
