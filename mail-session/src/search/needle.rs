use std::borrow::Cow;

use memchr::memmem::Finder;

/// Text to be found without regard to case.
#[derive(Debug)]
pub(super) struct Needle {
    finder: Finder<'static>,
}

impl Needle {
    pub(super) fn new(text: &str) -> Self {
        Self { finder: Finder::new(fold(text).as_bytes()).into_owned() }
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

/// Text in the form in which case makes no difference: lower case, letter by letter.
pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            'A'..='Z' => folded.push(c.to_ascii_lowercase()),
            '\0'..='\x7f' => folded.push(c),
            // The sigma at a word's end is the same letter.
            '\u{3c2}' => folded.push('\u{3c3}'),
            _ => folded.extend(c.to_lowercase()),
        }
    }
    Cow::Owned(folded)
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
            ("a", "\u{e4}", false),
            ("", "anything", true),
        ] {
            assert_eq!(Needle::new(needle).is_in(&fold(text)), found, "{needle} {text}");
        }
    }
}
