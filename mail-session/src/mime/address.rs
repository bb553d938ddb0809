use memchr::memmem;

/// Addresses read from one list, at most. A header of two-octet addresses shall not become gigabytes.
const MAX_ADDRESSES: usize = 10_000;

/// One address as ENVELOPE shows it (RFC 9051 section 7.5.2): text as it stood in the header without
/// quoting, encoded words not decoded.
///
/// The start of a group has its name in `mailbox` and no `host`; the end of a group has neither.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// The display name; where there is none, the comment after the address.
    pub name: Option<Vec<u8>>,
    /// The source route of old times, as `@a,@b`.
    pub route: Option<Vec<u8>>,
    /// The local part, or a group's name.
    pub mailbox: Option<Vec<u8>>,
    /// The domain. Empty where the address has none: `None` would make it a group.
    pub host: Option<Vec<u8>>,
}

/// The addresses of a list: `address-list` of RFC 5322 section 3.4 with all of its obsolete forms, and
/// whatever else people send.
#[must_use]
pub fn parse_addresses(value: &[u8]) -> Vec<Address> {
    let mut parser = Parser { rest: value, ..Parser::default() };
    while parser.list.len() < MAX_ADDRESSES && parser.step() {}
    parser.flush();
    if parser.in_group {
        parser.list.push(Address::default());
    }
    parser.list
}

#[derive(Default)]
struct Parser<'a> {
    rest: &'a [u8],
    list: Vec<Address>,
    in_group: bool,
    /// Words not yet known to be a phrase or a local part.
    words: Words,
    comment: Option<Vec<u8>>,
    /// The address that was read, until `,` or `;`.
    address: Option<Address>,
}

/// Words, joined both ways while they come.
#[derive(Default)]
struct Words {
    count: usize,
    /// With one space where there was white space.
    phrase: Vec<u8>,
    /// Without white space.
    local: Vec<u8>,
}

impl Words {
    fn push(&mut self, word: &[u8], space_before: bool) {
        if space_before && self.count > 0 {
            self.phrase.push(b' ');
        }
        self.count += 1;
        self.phrase.extend_from_slice(word);
        self.local.extend_from_slice(word);
    }
}

/// RFC 5322 section 3.2.3 `specials`, but for the dot, which stands in words.
const fn is_special(b: u8) -> bool {
    matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'"')
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn bump(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, tail) = self.rest.split_at_checked(n).unwrap_or((self.rest, &[]));
        self.rest = tail;
        head
    }

    /// Skips white space and comments; the last comment is remembered. Returns whether there was any.
    fn skip_cfws(&mut self) -> bool {
        let before = self.rest.len();
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0) => self.bump(),
                Some(b'(') => {
                    self.bump();
                    let text = self.delimited(b')', Some(b'('));
                    self.comment = Some(text.trim_ascii().to_vec());
                }
                _ => return self.rest.len() != before,
            }
        }
    }

    /// What stands up to `close`, backslashes taken out (`quoted-pair`); pairs of `open` and `close` within
    /// are kept.
    fn delimited(&mut self, close: u8, open: Option<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut depth = 0_usize;
        while let Some(b) = self.peek() {
            self.bump();
            if b == b'\\' {
                if let Some(next) = self.peek() {
                    self.bump();
                    out.push(next);
                }
                continue;
            }
            if b == close {
                if depth == 0 {
                    break;
                }
                depth -= 1;
            } else if Some(b) == open {
                depth += 1;
            }
            if !matches!(b, b'\r' | b'\n' | 0) {
                out.push(b);
            }
        }
        out
    }

    /// An atom with its dots, a quoted string, or nothing. An encoded word is one atom whatever it holds.
    fn word(&mut self) -> Option<Vec<u8>> {
        if self.peek()? == b'"' {
            self.bump();
            return Some(self.delimited(b'"', None));
        }
        let n = encoded_word_len(self.rest).unwrap_or_else(|| {
            self.rest
                .iter()
                .take_while(|b| !is_special(**b) && !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0))
                .count()
        });
        (n > 0).then(|| self.take(n).to_vec())
    }

    fn step(&mut self) -> bool {
        let space = self.skip_cfws();
        let Some(b) = self.peek() else { return false };
        match b {
            b',' => {
                self.bump();
                self.flush();
            }
            b';' => {
                self.bump();
                self.flush();
                if std::mem::take(&mut self.in_group) {
                    self.list.push(Address::default());
                }
            }
            b':' if self.address.is_none() && !self.in_group => {
                self.bump();
                let name = std::mem::take(&mut self.words).phrase;
                self.comment = None;
                self.list.push(Address { mailbox: Some(name), ..Address::default() });
                self.in_group = true;
            }
            b'<' => {
                self.bump();
                let words = std::mem::take(&mut self.words);
                let mut address = self.angle();
                address.name = (words.count > 0).then_some(words.phrase);
                self.next_address(address);
            }
            b'@' => {
                self.bump();
                let words = std::mem::take(&mut self.words);
                let host = self.domain();
                let address = Address { mailbox: Some(words.local), host: Some(host), ..Address::default() };
                self.next_address(address);
            }
            _ => match self.word() {
                Some(word) => self.words.push(&word, space),
                // A bracket or backslash that belongs to nothing.
                None => self.bump(),
            },
        }
        true
    }

    /// A second address without a comma between: the first is done.
    fn next_address(&mut self, address: Address) {
        if self.address.is_some() {
            let words = std::mem::take(&mut self.words);
            self.flush();
            self.words = words;
        }
        self.address = Some(address);
    }

    /// `domain`, white space and comments within taken out (`obs-domain`).
    fn domain(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let before = self.rest;
            self.skip_cfws();
            match self.peek() {
                Some(b'[') => {
                    self.bump();
                    out.push(b'[');
                    out.extend(self.delimited(b']', None));
                    out.push(b']');
                }
                Some(b) if !is_special(b) && (out.is_empty() || out.ends_with(b".") || b == b'.') => {
                    match self.word() {
                        Some(word) => out.extend(word),
                        None => return out,
                    }
                }
                _ => {
                    // White space after the domain may hold the comment that is the name.
                    if !matches!(self.peek(), None | Some(b',' | b';' | b'>' | b':')) {
                        self.rest = before;
                    }
                    return out;
                }
            }
        }
    }

    /// What stands between `<` and `>`: `[route] local-part "@" domain`.
    fn angle(&mut self) -> Address {
        let outer = self.comment.take();
        let mut address = Address::default();
        let mut local = Words::default();
        let mut route = Vec::new();
        loop {
            self.skip_cfws();
            let Some(b) = self.peek() else { break };
            match b {
                b'>' => {
                    self.bump();
                    break;
                }
                // Never closed, and the next address or the group's end is there.
                b'<' | b';' => break,
                b',' if local.count == 0 && address.host.is_none() => {
                    self.bump();
                    if !route.is_empty() {
                        route.push(b',');
                    }
                }
                b',' => break,
                b':' => {
                    self.bump();
                    if !route.is_empty() && local.count == 0 {
                        address.route = Some(std::mem::take(&mut route));
                        address.host = None;
                    }
                }
                b'@' => {
                    self.bump();
                    let domain = self.domain();
                    if local.count == 0 && address.route.is_none() {
                        // `obs-route`, unless no `:` comes.
                        route.push(b'@');
                        route.extend_from_slice(&domain);
                    } else {
                        address.host = Some(domain);
                    }
                }
                _ => match self.word() {
                    Some(word) => local.push(&word, false),
                    None => self.bump(),
                },
            }
        }
        if address.host.is_none() && !route.is_empty() {
            address.host = Some(route.get(1..).unwrap_or_default().to_vec());
        }
        address.mailbox = Some(local.local);
        address.host.get_or_insert_default();
        self.comment = outer;
        address
    }

    /// The address is done: `,`, `;` or the end was reached.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let comment = self.comment.take().filter(|c| !c.is_empty());
        if let Some(mut address) = self.address.take() {
            if address.name.is_none() {
                // `joe@example.test (Joe)` of RFC 822 times.
                address.name = comment;
            }
            self.list.push(address);
        } else if words.count == 1 {
            // `root`: a mailbox without a domain.
            self.list.push(Address {
                name: comment,
                mailbox: Some(words.local),
                host: Some(Vec::new()),
                ..Address::default()
            });
        } else if words.count > 1 {
            // A name, and the address was forgotten.
            self.list.push(Address {
                name: Some(words.phrase),
                mailbox: Some(Vec::new()),
                host: Some(Vec::new()),
                ..Address::default()
            });
        }
    }
}

/// The length of the encoded word (RFC 2047 section 2) at the start of `bytes`.
pub(super) fn encoded_word_len(bytes: &[u8]) -> Option<usize> {
    let rest = bytes.strip_prefix(b"=?")?;
    let end = rest
        .iter()
        .take(500)
        .position(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        .unwrap_or_else(|| rest.len().min(500));
    let word = rest.get(..end)?;
    let charset = memchr::memchr(b'?', word)?;
    // The encoding's one letter and its question mark.
    let text = charset + 3;
    if word.get(charset + 2) != Some(&b'?') {
        return None;
    }
    let close = memmem::find(word.get(text..)?, b"?=")?;
    Some(2 + text + close + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(a: &Address) -> String {
        let part = |p: &Option<Vec<u8>>| {
            p.as_ref().map_or_else(|| "NIL".to_owned(), |p| format!("{:?}", String::from_utf8_lossy(p)))
        };
        format!("({} {} {} {})", part(&a.name), part(&a.route), part(&a.mailbox), part(&a.host))
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for (value, expected) in [
            ("a@b.c", r#"(NIL NIL "a" "b.c")"#),
            ("<a@b.c>", r#"(NIL NIL "a" "b.c")"#),
            ("John Doe <a@b.c>", r#"("John Doe" NIL "a" "b.c")"#),
            ("John Q. Public <a.b@c.d>, x@y", r#"("John Q. Public" NIL "a.b" "c.d")(NIL NIL "x" "y")"#),
            (r#""Doe, \"J\"" <a@b>"#, r#"("Doe, \"J\"" NIL "a" "b")"#),
            (r#""john smith"@b"#, r#"(NIL NIL "john smith" "b")"#),
            ("a@b (The A)", r#"("The A" NIL "a" "b")"#),
            ("a@b (The (A) one)", r#"("The (A) one" NIL "a" "b")"#),
            (
                "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
                r#"("Pete" NIL "pete" "silly.test")"#,
            ),
            ("a . b @ c . d", r#"(NIL NIL "a.b" "c.d")"#),
            ("=?utf-8?Q?J=C3=B6rg,_x?= <j@x>", r#"("=?utf-8?Q?J=C3=B6rg,_x?=" NIL "j" "x")"#),
            ("<@r1.test,@r2.test:joe@where.test>", r#"(NIL "@r1.test,@r2.test" "joe" "where.test")"#),
            (
                "A Group:Ed <ed@x>,joe@y;",
                r#"(NIL NIL "A Group" NIL)("Ed" NIL "ed" "x")(NIL NIL "joe" "y")(NIL NIL NIL NIL)"#,
            ),
            ("undisclosed-recipients:;", r#"(NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)"#),
            ("g: a@b", r#"(NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)"#),
            ("g:; c@d", r#"(NIL NIL "g" NIL)(NIL NIL NIL NIL)(NIL NIL "c" "d")"#),
            ("root", r#"(NIL NIL "root" "")"#),
            ("John Doe", r#"("John Doe" NIL "" "")"#),
            ("<>", r#"(NIL NIL "" "")"#),
            ("", ""),
            (" , ,, ", ""),
            ("a@[1.2.3.4]", r#"(NIL NIL "a" "[1.2.3.4]")"#),
            ("\"a\" b <c@d", r#"("a b" NIL "c" "d")"#),
            ("a@b c@d", r#"(NIL NIL "a" "b")(NIL NIL "c" "d")"#),
            ("<a@b> <c@d>", r#"(NIL NIL "a" "b")(NIL NIL "c" "d")"#),
            ("<@b>", r#"(NIL NIL "" "b")"#),
            ("a\r\n <b@c>", r#"("a" NIL "b" "c")"#),
            ("J\u{f6}rg <j@\u{e4}.test>", "(\"J\u{f6}rg\" NIL \"j\" \"\u{e4}.test\")"),
            ("(only a comment)", ""),
            (">>]]\\", ""),
        ] {
            let got: String = parse_addresses(value.as_bytes()).iter().map(show).collect();
            assert_eq!(got, expected, "{value:?}");
        }
    }

    #[test]
    fn hostile_lists_are_bounded() {
        assert_eq!(parse_addresses(&b"a,".repeat(100_000)).len(), MAX_ADDRESSES);
        for hostile in ["(", "<", "\"", "[", ":", "@", "<@", "a:", "=?"] {
            let _ = parse_addresses(hostile.repeat(100_000).as_bytes());
        }
    }
}
