use std::borrow::Cow;

use super::unfold;

/// Parameters read from one field, at most.
const MAX_PARAMETERS: usize = 200;

/// A parameter of a MIME field: name and value as they stand, without quoting; RFC 2231 continuations and
/// charsets are not resolved, as clients do that.
pub type Parameter = (Vec<u8>, Vec<u8>);

/// A Content-Type field (RFC 2045 section 5.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentType {
    /// The type, as `text`.
    pub main: Vec<u8>,
    /// The subtype, as `plain`.
    pub sub: Vec<u8>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

/// A Content-Disposition field (RFC 2183).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Disposition {
    /// `attachment`, `inline`, or another word.
    pub kind: Vec<u8>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
}

impl ContentType {
    fn new(main: &str, sub: &str) -> Self {
        Self { main: main.into(), sub: sub.into(), parameters: Vec::new() }
    }

    /// What a part without the field is (RFC 2045 section 5.2).
    #[must_use]
    pub fn text_plain() -> Self {
        let mut plain = Self::new("text", "plain");
        plain.parameters.push((b"charset".to_vec(), b"us-ascii".to_vec()));
        plain
    }

    /// What a part of multipart/digest without the field is (RFC 2046 section 5.1.5).
    #[must_use]
    pub fn message_rfc822() -> Self {
        Self::new("message", "rfc822")
    }

    /// What a part is that is not looked into.
    #[must_use]
    pub fn octet_stream() -> Self {
        Self::new("application", "octet-stream")
    }

    /// Reads a field's value; `None` where it is no content type.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = unfold(value);
        let mut scan = Scan { rest: &value };
        let main = scan.token()?.to_vec();
        scan.skip_cfws();
        scan.eat(b'/').then_some(())?;
        let sub = scan.token()?.to_vec();
        Some(Self { main, sub, parameters: scan.parameters() })
    }

    /// Whether this is it, without case; an empty `sub` means any.
    #[must_use]
    pub fn is(&self, main: &str, sub: &str) -> bool {
        self.main.eq_ignore_ascii_case(main.as_bytes())
            && (sub.is_empty() || self.sub.eq_ignore_ascii_case(sub.as_bytes()))
    }

    /// The first parameter of this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&[u8]> {
        self.parameters
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, v)| v.as_slice())
    }
}

impl Disposition {
    /// Reads a field's value; `None` where it has no word.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = unfold(value);
        let mut scan = Scan { rest: &value };
        let kind = scan.token()?.to_vec();
        Some(Self { kind, parameters: scan.parameters() })
    }
}

/// One word, as Content-Transfer-Encoding holds it.
pub(super) fn parse_token(value: &[u8]) -> Option<Vec<u8>> {
    let value = unfold(value);
    Scan { rest: &value }.token().map(<[u8]>::to_vec)
}

/// Words separated by commas, as Content-Language holds them (RFC 3282).
pub(super) fn parse_tokens(value: &[u8]) -> Vec<Vec<u8>> {
    let value = unfold(value);
    let mut scan = Scan { rest: &value };
    let mut out = Vec::new();
    while out.len() < MAX_PARAMETERS {
        if let Some(token) = scan.token() {
            out.push(token.to_vec());
        }
        scan.skip_cfws();
        if scan.rest.is_empty() {
            break;
        }
        scan.rest = scan.rest.get(1..).unwrap_or_default();
    }
    out
}

struct Scan<'a> {
    rest: &'a [u8],
}

/// RFC 2045 section 5.1 `tspecials`; what is 8-bit passes.
const fn is_token(b: u8) -> bool {
    b > b' '
        && b != 0x7f
        && !matches!(
            b,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}

impl<'a> Scan<'a> {
    fn eat(&mut self, b: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == b => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.rest.split_at_checked(n).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }

    fn skip_cfws(&mut self) {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if !self.eat(b'(') {
                return;
            }
            let mut depth = 1_usize;
            let mut escaped = false;
            let n = self.rest.iter().position(|b| {
                match b {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'(' => depth += 1,
                    b')' => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            self.take(n.map_or(self.rest.len(), |n| n + 1));
        }
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        self.skip_cfws();
        let n = self.rest.iter().take_while(|b| is_token(**b)).count();
        (n > 0).then(|| self.take(n))
    }

    fn quoted(&mut self) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        let mut bytes = self.rest.iter().enumerate();
        let mut end = self.rest.len();
        while let Some((at, b)) = bytes.next() {
            match b {
                b'"' => {
                    end = at + 1;
                    break;
                }
                b'\\' => out.extend(bytes.next().map(|(_, b)| *b)),
                _ => out.push(*b),
            }
        }
        self.take(end);
        Cow::Owned(out)
    }

    /// A value: quoted, or up to `;`. Many senders forget the quotes around spaces and `tspecials`.
    fn value(&mut self) -> Cow<'a, [u8]> {
        self.skip_cfws();
        if self.eat(b'"') {
            return self.quoted();
        }
        let n = memchr::memchr(b';', self.rest).unwrap_or(self.rest.len());
        let value = self.rest.get(..n).unwrap_or_default();
        // What is in a comment is no parameter, whatever it looks like.
        let comment = value.windows(2).position(|w| matches!(w, [b' ' | b'\t', b'(']));
        Cow::Borrowed(self.take(comment.unwrap_or(n)).trim_ascii_end())
    }

    fn parameters(&mut self) -> Vec<Parameter> {
        let mut out = Vec::new();
        while out.len() < MAX_PARAMETERS {
            self.skip_cfws();
            if self.rest.is_empty() {
                break;
            }
            if self.eat(b';') {
                continue;
            }
            let Some(name) = self.token() else {
                self.take(1);
                continue;
            };
            self.skip_cfws();
            if self.eat(b'=') {
                let value = self.value();
                out.push((name.to_vec(), value.into_owned()));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_with_their_parameters() {
        for (value, main, sub, parameters) in [
            ("text/plain", "text", "plain", vec![]),
            ("TEXT/Plain; charset=us-ascii (Plain text)", "TEXT", "Plain", vec![("charset", "us-ascii")]),
            (
                "multipart/mixed;\r\n boundary=\"a b;c\\\"d\"",
                "multipart",
                "mixed",
                vec![("boundary", "a b;c\"d")],
            ),
            (
                " text / html ;charset = utf-8 ;; format=flowed;",
                "text",
                "html",
                vec![("charset", "utf-8"), ("format", "flowed")],
            ),
            (
                "multipart/x; boundary=----=_Part_1?x=/y",
                "multipart",
                "x",
                vec![("boundary", "----=_Part_1?x=/y")],
            ),
            ("a/b; name=my file.txt; x=1", "a", "b", vec![("name", "my file.txt"), ("x", "1")]),
            (
                "a/b; filename*0*=utf-8''a%20; filename*1=b",
                "a",
                "b",
                vec![("filename*0*", "utf-8''a%20"), ("filename*1", "b")],
            ),
            ("a/b charset=x", "a", "b", vec![("charset", "x")]),
            ("a/b; name=\"open", "a", "b", vec![("name", "open")]),
            ("a/b; (c(d)\\)e) x=y", "a", "b", vec![("x", "y")]),
            ("a/b; x=y (z; u=v); w=1", "a", "b", vec![("x", "y"), ("w", "1")]),
        ] {
            let got = ContentType::parse(value.as_bytes()).unwrap();
            let parameters: Vec<Parameter> =
                parameters.into_iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
            assert_eq!(
                (got.main.as_slice(), got.sub.as_slice()),
                (main.as_bytes(), sub.as_bytes()),
                "{value:?}"
            );
            assert_eq!(got.parameters, parameters, "{value:?}");
        }
        for no_type in ["", "text", "/plain", ";", "text/", "(", "=?"] {
            assert_eq!(ContentType::parse(no_type.as_bytes()), None, "{no_type:?}");
        }
        assert_eq!(parse_tokens(b"de, en (x),,fr"), [b"de", b"en", b"fr"]);
    }
}
