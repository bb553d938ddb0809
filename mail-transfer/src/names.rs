//! Mailbox names, and which of them are wanted.

use mailstore_api::MailboxName;

/// Which mailboxes are transferred: those whose name, its parts joined by `/`, one of the patterns means. `*` is
/// any text, `%` any text without `/`, as in LIST (RFC 9051 section 6.3.9). Without a pattern it is all.
///
/// ```
/// use mail_transfer::Patterns;
/// use mailstore_api::MailboxName;
/// let some = Patterns::new(["INBOX", "Archive/%"]);
/// let name = |parts: &[&str]| MailboxName::new(parts.iter().copied()).unwrap();
/// assert!(some.matches(&MailboxName::inbox()) && some.matches(&name(&["Archive", "2024"])));
/// assert!(!some.matches(&name(&["Archive", "2024", "May"])));
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Patterns(Vec<Vec<char>>);

impl Patterns {
    /// These patterns; none at all means every mailbox.
    #[must_use]
    pub fn new(patterns: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(
            patterns
                .into_iter()
                .map(|p| {
                    let p = p.as_ref();
                    let is_inbox = p.eq_ignore_ascii_case("inbox");
                    if is_inbox { "INBOX".chars().collect() } else { p.chars().collect() }
                })
                .collect(),
        )
    }

    /// Whether the mailbox is wanted.
    #[must_use]
    pub fn matches(&self, name: &MailboxName) -> bool {
        let name = name.to_string();
        self.0.is_empty() || self.0.iter().any(|p| matches(p, &name))
    }
}

/// All ways to match at once, one character at a time, so that no pattern is slow.
fn matches(pattern: &[char], name: &str) -> bool {
    let mut here = vec![false; pattern.len() + 1];
    if let Some(first) = here.first_mut() {
        *first = true;
    }
    pass_wildcards(pattern, &mut here);
    for c in name.chars() {
        let mut next = vec![false; here.len()];
        for (at, p) in pattern.iter().enumerate().filter(|(at, _)| here.get(*at) == Some(&true)) {
            let to = match p {
                '*' => at,
                '%' if c != '/' => at,
                p if *p == c => at + 1,
                _ => continue,
            };
            if let Some(place) = next.get_mut(to) {
                *place = true;
            }
        }
        pass_wildcards(pattern, &mut next);
        here = next;
    }
    here.last() == Some(&true)
}

/// A wildcard may stand for nothing.
fn pass_wildcards(pattern: &[char], here: &mut [bool]) {
    for (at, p) in pattern.iter().enumerate() {
        if matches!(p, '*' | '%')
            && here.get(at) == Some(&true)
            && let Some(next) = here.get_mut(at + 1)
        {
            *next = true;
        }
    }
}

/// Whether a keyword is one a client can use: an atom (RFC 9051 section 9, `flag-keyword`) of moderate length.
pub(crate) fn is_keyword(word: &str) -> bool {
    (1..=128).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_list() {
        for (pattern, name, wanted) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%", "ab", true),
            ("a*b", "a/x/b", true),
            ("a%b", "a/x/b", false),
            ("a%/b", "axx/b", true),
            ("inbox", "INBOX", true),
            ("a", "ab", false),
            ("ab", "a", false),
            ("*%*%*b", "aaaaaaaaaaaaaaaaaaaaaaaac", false),
        ] {
            let parts: Vec<&str> = name.split('/').collect();
            let name = MailboxName::new(parts).unwrap();
            assert_eq!(Patterns::new([pattern]).matches(&name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn a_keyword_is_an_atom() {
        for good in ["$Forwarded", "NonJunk", "a.b-c", "x[1"] {
            assert!(is_keyword(good), "{good}");
        }
        for bad in ["", "\\Seen", "a b", "a\"", "ü", "a]", "a\u{7f}"] {
            assert!(!is_keyword(bad), "{bad}");
        }
    }
}
