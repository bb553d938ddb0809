use std::borrow::Cow;

use memchr::memmem::Finder;
use unicode_normalization::char::decompose_compatible;

/// Text to be found without regard to case.
#[derive(Debug)]
pub(super) struct Needle {
    finder: Finder<'static>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self { finder: Finder::new(fold(text).as_bytes()).into_owned() }
    }

    /// Its octets, folded.
    pub(super) fn len(&self) -> usize {
        self.finder.needle().len()
    }

    /// Itself, where it is ASCII.
    pub(super) fn ascii(&self) -> Option<&Finder<'static>> {
        self.finder.needle().is_ascii().then_some(&self.finder)
    }

    /// Whether it may lie over what separates words, or a field's name and its value.
    pub(super) fn spans_words(&self) -> bool {
        self.finder.needle().iter().any(|b| *b <= b' ' || *b == b':')
    }

    /// Whether it is in `folded`, which [`fold`] gave.
    pub(super) fn is_in(&self, folded: &str) -> bool {
        self.finder.find(folded.as_bytes()).is_some()
    }
}

/// Text in the form in which case makes no difference: i;unicode-casemap (RFC 5051 section 2), but that it is small letters
/// that are left. Letters with marks become letters and marks, ligatures their letters, full width letters plain ones.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len() + text.len() / 8 + 8);
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            decompose_compatible(simple(c, char::to_uppercase), |c| {
                folded.push(simple(c, char::to_lowercase));
            });
        }
    }
    Cow::Owned(folded)
}

/// The one letter that it becomes; where it would be several, itself.
fn simple<I: Iterator<Item = char>>(c: char, map: impl Fn(char) -> I) -> char {
    let mut mapped = map(c);
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference_in_any_script() {
        for (needle, text, found) in [
            ("HeLLo", "say hello", true),
            ("hello", "SAY HELLO!", true),
            ("\u{c4}PFEL", "rote \u{e4}pfel", true),
            ("\u{3a3}", "\u{3bb}\u{3cc}\u{3b3}\u{3bf}\u{3c2}", true),
            ("\u{41f}\u{440}\u{438}", "\u{43f}\u{420}\u{418}\u{432}\u{435}\u{442}", true),
            ("k", "\u{212a}", true),
            ("\u{e9}t\u{e9}", "E\u{301}TE\u{301}", true),
            ("e\u{301}", "caf\u{c9}", true),
            ("file", "\u{fb01}le", true),
            ("abc", "\u{ff21}\u{ff22}\u{ff23}", true),
            ("\u{3bc}", "\u{b5}", true),
            ("\u{1c6}", "\u{1c5}", true),
            ("\u{1fb3}", "\u{1fbc}", true),
            ("\u{130}", "i\u{307}", true),
            ("gro\u{df}", "GRO\u{df}", true),
            ("a b", "a\u{a0}B", true),
            // RFC 5051 section 2: the letter is there, with a mark.
            ("a", "\u{e4}", true),
            ("\u{e4}", "a", false),
            ("\u{e4}", "\u{eb}", false),
            ("", "anything", true),
        ] {
            assert_eq!(Needle::new(needle).is_in(&fold(text)), found, "{needle} {text}");
        }
    }
}
