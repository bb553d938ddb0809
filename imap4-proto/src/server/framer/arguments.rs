/// A word as a number: up to 8 octets, folded to upper case.
pub(super) const fn word(text: &[u8]) -> u64 {
    let mut n = 0;
    let mut i = 0;
    while i < text.len() {
        #[allow(clippy::indexing_slicing, reason = "i is below the length")]
        let b = text[i];
        n = n << 8 | b as u64;
        i += 1;
    }
    n
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    Escape,
}

/// Follows the arguments of APPEND and REPLACE just far enough to know, at a literal's header, whether it is a message or
/// a name.
///
/// A message stands after the mailbox and outside of parentheses, or in parentheses after `TEXT` (CATENATE, RFC 4469
/// section 5) or `UTF8` (RFC 6855 section 4). All other literals are names, URLs and the like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments {
    /// Arguments outside of parentheses that are complete.
    number: u8,
    /// Where the mailbox is: messages come after.
    mailbox: u8,
    depth: u8,
    /// Within the parentheses of CATENATE: the message ends with them.
    catenate: bool,
    quote: Quote,
    /// The word being read, and the one before.
    current: u64,
    last: u64,
}

impl Arguments {
    pub(super) const fn new(mailbox: u8) -> Self {
        Self { number: 0, mailbox, depth: 0, catenate: false, quote: Quote::Outside, current: 0, last: 0 }
    }

    /// Takes one octet; `in_header` where it belongs to what may be a literal's header.
    #[inline]
    pub(super) fn octet(&mut self, b: u8, in_header: bool) {
        match (self.quote, b) {
            (Quote::Inside, b'\\') => self.quote = Quote::Escape,
            (Quote::Inside, b'"') => self.quote = Quote::Outside,
            (Quote::Inside, _) => {}
            (Quote::Escape, _) => self.quote = Quote::Inside,
            (Quote::Outside, b'"') => {
                self.quote = Quote::Inside;
                self.current = 0;
            }
            (Quote::Outside, b'(') => {
                const CATENATE: u64 = word(b"CATENATE");
                // A word after the mailbox, not the mailbox's name.
                self.catenate |= self.depth == 0 && self.last == CATENATE && self.number > self.mailbox;
                self.depth = self.depth.saturating_add(1);
                if self.current != 0 {
                    self.last = self.current;
                    self.current = 0;
                }
            }
            (Quote::Outside, b')') => {
                self.depth = self.depth.saturating_sub(1);
                self.current = 0;
            }
            (Quote::Outside, b' ') => {
                self.last = self.current;
                self.current = 0;
                if self.depth == 0 {
                    self.number = self.number.saturating_add(1);
                }
            }
            // `TEXT{5}`: the word does not stand before the literal but runs into it.
            (Quote::Outside, b'~' | b'{') if self.current != 0 => self.last = 0,
            (Quote::Outside, b'~') => {}
            (Quote::Outside, _) if in_header => {}
            (Quote::Outside, _) if self.current >> 56 != 0 => self.current = u64::MAX,
            (Quote::Outside, _) => self.current = self.current << 8 | u64::from(b.to_ascii_uppercase()),
        }
    }

    /// The line has ended: quotes do not go on behind a literal.
    pub(super) const fn line_end(&mut self) {
        self.quote = Quote::Outside;
    }

    /// A payload has been read.
    pub(super) const fn payload(&mut self) {
        self.current = 0;
    }

    /// Whether the parenthesis that was just read closes those of CATENATE (RFC 4469 section 5): a message ends with it.
    pub(super) fn closes_message(&mut self) -> bool {
        self.depth == 0 && core::mem::take(&mut self.catenate)
    }

    /// Whether the literal whose header ends here is a message.
    pub(super) const fn is_message(&self) -> bool {
        const TEXT: u64 = word(b"TEXT");
        const UTF8: u64 = word(b"UTF8");
        self.number >= self.mailbox && (self.depth == 0 || self.last == TEXT || self.last == UTF8)
    }
}
