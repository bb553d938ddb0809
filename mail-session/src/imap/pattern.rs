//! Mailbox patterns of LIST and LSUB (RFC 9051 section 6.3.9): `*` is any text, `%` any text without the
//! hierarchy delimiter.

/// A pattern, ready to be held against names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern {
    items: Vec<Item>,
    delimiter: char,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Item {
    Char(char),
    /// `%`
    Level,
    /// `*`
    Any,
}

impl Pattern {
    /// The pattern with the reference before it (RFC 9051 section 6.3.9: how the two combine is the
    /// server's to say).
    pub(super) fn new(reference: &str, pattern: &str, delimiter: char) -> Self {
        let mut items: Vec<Item> = reference.chars().map(Item::Char).collect();
        for c in pattern.chars() {
            let item = match c {
                '*' => Item::Any,
                '%' => Item::Level,
                c => Item::Char(c),
            };
            // Wildcards side by side are one: the wider.
            match (items.last_mut(), item) {
                (Some(last @ (Item::Any | Item::Level)), Item::Any) => *last = Item::Any,
                (Some(Item::Any | Item::Level), Item::Level) => {}
                _ => items.push(item),
            }
        }
        Self { items, delimiter }
    }

    /// Whether the name is one the pattern means. `INBOX` as the first level is so in any case.
    ///
    /// All ways to match are followed at once, one character at a time: the time is the product of both lengths
    /// whatever the wildcards.
    pub(super) fn matches(&self, name: &str) -> bool {
        let inbox = name.strip_prefix("INBOX").is_some_and(|r| r.is_empty() || r.starts_with(self.delimiter));
        let mut here = vec![false; self.items.len() + 1];
        if let Some(start) = here.first_mut() {
            *start = true;
        }
        self.skip_wildcards(&mut here);
        let mut next = vec![false; here.len()];
        for (at, c) in name.chars().enumerate() {
            next.fill(false);
            let any_case = inbox && at < "INBOX".len();
            for (i, item) in self.items.iter().enumerate() {
                if !here.get(i).copied().unwrap_or(false) {
                    continue;
                }
                let to = match item {
                    Item::Any => i,
                    Item::Level if c != self.delimiter => i,
                    Item::Char(p) if *p == c || (any_case && p.eq_ignore_ascii_case(&c)) => i + 1,
                    _ => continue,
                };
                if let Some(place) = next.get_mut(to) {
                    *place = true;
                }
            }
            self.skip_wildcards(&mut next);
            std::mem::swap(&mut here, &mut next);
        }
        here.last().copied().unwrap_or(false)
    }

    /// A wildcard may stand for nothing.
    fn skip_wildcards(&self, at: &mut [bool]) {
        for (i, item) in self.items.iter().enumerate() {
            if matches!(item, Item::Any | Item::Level)
                && at.get(i).copied().unwrap_or(false)
                && let Some(after) = at.get_mut(i + 1)
            {
                *after = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_levels_or_anything() {
        for (reference, pattern, name, expected) in [
            ("", "*", "a/b/c", true),
            ("", "%", "a", true),
            ("", "%", "a/b", false),
            ("", "%/%", "a/b", true),
            ("", "a%", "abc", true),
            ("", "a%c", "a/c", false),
            ("", "a*c", "a/b/c", true),
            ("", "%b*", "ab/c", true),
            ("", "INBOX", "INBOX", true),
            ("", "inbox", "INBOX", true),
            ("", "InBoX/%", "INBOX/x", true),
            ("", "inb%", "INBOX", true),
            ("", "inbox/X", "INBOX/x", false),
            ("", "inboxes", "INBOXES", false),
            ("a/", "%", "a/b", true),
            ("a/", "%", "b", false),
            ("a*", "b", "axb", false),
            ("", "", "", true),
            ("", "", "a", false),
            ("", "\u{fc}%", "\u{fc}ber", true),
            ("", "*%*%", "anything/at/all", true),
        ] {
            assert_eq!(
                Pattern::new(reference, pattern, '/').matches(name),
                expected,
                "{reference:?} {pattern:?} {name:?}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_exponential_time() {
        let pattern = Pattern::new("", &"a*%a".repeat(250), '/');
        assert!(!pattern.matches(&"a".repeat(900).replace("aaab", "b")[..499]));
        assert!(pattern.matches(&"a".repeat(1000)));
    }
}
