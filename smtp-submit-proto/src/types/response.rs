use alloc::string::String;
use core::fmt;

use crate::{Status, grammar};

/// A whole reply of a server, perhaps of several lines (RFC 5321 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Reply<'b> {
    code: u16,
    frame: &'b [u8],
}

impl<'b> Reply<'b> {
    /// Reads all lines of a reply; `None` where a line is none, their codes differ, or lines are missing
    /// or too many.
    #[must_use]
    pub fn parse(frame: &'b [u8]) -> Option<Self> {
        let mut known = None;
        let mut ended = false;
        for line in lines_of(frame) {
            let (code, more, _) = grammar::reply_line(line)?;
            if ended || known.is_some_and(|k| k != code) {
                return None;
            }
            known = Some(code);
            ended = !more;
        }
        known.filter(|_| ended).map(|code| Self { code, frame })
    }

    /// The three-digit code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.code
    }

    /// 2yz: done.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.code / 100 == 2
    }

    /// 3yz: go on.
    #[must_use]
    pub const fn is_intermediate(self) -> bool {
        self.code / 100 == 3
    }

    /// 4yz: trying again later may work.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.code / 100 == 4
    }

    /// 5yz: trying again will not.
    #[must_use]
    pub const fn is_permanent(self) -> bool {
        self.code / 100 == 5
    }

    /// The enhanced status code, where the first line has one that agrees with the reply code
    /// (RFC 2034 section 4).
    #[must_use]
    pub fn enhanced(self) -> Option<(u16, u16, u16)> {
        let (_, _, text) = lines_of(self.frame).next().and_then(grammar::reply_line)?;
        let (code, _) = grammar::enhanced(text)?;
        (code.0 == self.code / 100).then_some(code)
    }

    /// Both codes; without an enhanced one it is `X.0.0`. `None` for 3yz, and codes that no server
    /// should send.
    #[must_use]
    pub fn status(self) -> Option<Status> {
        let (_, subject, detail) = self.enhanced().unwrap_or_default();
        Status::new(self.code, subject, detail)
    }

    /// The text of each line as the server sent it, without the reply code.
    pub fn lines(self) -> impl Iterator<Item = &'b [u8]> {
        lines_of(self.frame).filter_map(|line| grammar::reply_line(line).map(|(_, _, text)| text))
    }

    /// The text of all lines without codes, with a line feed between them. What is no UTF-8 is replaced.
    #[must_use]
    pub fn text(self) -> String {
        let coded = self.enhanced().is_some();
        let mut out = String::new();
        for (i, line) in self.lines().enumerate() {
            if i > 0 {
                out.push('\n');
            }
            let plain = grammar::enhanced(line).filter(|_| coded).map_or(line, |(_, rest)| rest);
            out.push_str(&String::from_utf8_lossy(plain));
        }
        out
    }
}

/// The lines of a frame, without their CRLF.
fn lines_of(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = frame.strip_suffix(b"\r\n").unwrap_or(frame);
    let mut rest = Some(body);
    core::iter::from_fn(move || {
        let text = rest.take()?;
        match memchr::memmem::find(text, b"\r\n") {
            None => Some(text),
            Some(at) => {
                rest = text.get(at + 2..);
                text.get(..at)
            }
        }
    })
}

impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the text of 334: it is a part of an exchange.
        if self.is_intermediate() {
            return write!(f, "{}", self.code);
        }
        write!(f, "{} {}", self.code, String::from_utf8_lossy(self.frame).escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn replies_of_one_line_and_of_many() {
        let one = Reply::parse(b"250 2.1.5 fine\r\n").unwrap();
        assert_eq!((one.code(), one.enhanced(), one.text().as_str()), (250, Some((2, 1, 5)), "fine"));
        let bare = Reply::parse(b"250\r\n").unwrap();
        assert_eq!((bare.enhanced(), bare.text().as_str()), (None, ""));
        let many = Reply::parse(b"550-5.1.1 no\r\n550-5.1.1\r\n550 5.1.1 box\r\n").unwrap();
        assert_eq!((many.text().as_str(), many.status()), ("no\n\nbox", Status::new(550, 1, 1)));
        assert_eq!(many.lines().collect::<Vec<_>>(), [&b"5.1.1 no"[..], b"5.1.1", b"5.1.1 box"]);
        // A code of another class is text.
        let odd = Reply::parse(b"250 5.1.1 what\r\n").unwrap();
        assert_eq!((odd.enhanced(), odd.text().as_str()), (None, "5.1.1 what"));
        assert_eq!(Reply::parse(b"250 1.2 hosts\r\n").unwrap().text(), "1.2 hosts");
        assert_eq!(Reply::parse(b"354 go\r\n").unwrap().status(), None);
    }

    #[test]
    fn what_is_none() {
        for bad in [
            &b""[..],
            b"\r\n",
            b"25\r\n",
            b"150 x\r\n",
            b"650 x\r\n",
            b"250x\r\n",
            b"250-a\r\n",
            b"250-a\r\n251 b\r\n",
            b"250 a\r\n250 b\r\n",
        ] {
            assert_eq!(Reply::parse(bad), None, "{}", bad.escape_ascii());
        }
    }
}
