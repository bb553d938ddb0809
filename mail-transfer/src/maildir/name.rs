//! File names of messages: what is unique, then `:2,` and the flags' letters.

use mailstore_api::{Flags, SystemFlags};

/// In the order of their letters.
const LETTERS: [(char, SystemFlags); 5] = [
    ('D', SystemFlags::DRAFT),
    ('F', SystemFlags::FLAGGED),
    ('R', SystemFlags::ANSWERED),
    ('S', SystemFlags::SEEN),
    ('T', SystemFlags::DELETED),
];
/// What the letter `P` ("passed") means.
const FORWARDED: &str = "$Forwarded";

/// The keywords of a folder: `a` is the first. As `dovecot-keywords` lists them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Keywords {
    names: Vec<Option<String>>,
}

impl Keywords {
    const MAX: usize = 26;

    /// Reads the file: on each line a number and a keyword.
    pub(super) fn parse(text: &str) -> Self {
        let mut keywords = Self::default();
        for (number, name) in text.lines().filter_map(|line| line.split_once(' ')) {
            let Some(at) = number.parse::<usize>().ok().filter(|n| *n < Self::MAX) else { continue };
            if keywords.names.len() <= at {
                keywords.names.resize(at + 1, None);
            }
            if let Some(slot) = keywords.names.get_mut(at).filter(|_| crate::names::is_keyword(name)) {
                *slot = Some(name.to_owned());
            }
        }
        keywords
    }

    pub(super) fn text(&self) -> String {
        let numbered = self.names.iter().enumerate();
        numbered.filter_map(|(n, name)| name.as_ref().map(|name| format!("{n} {name}\n"))).collect()
    }

    /// The letter of a keyword, given to it where it is new; `None` when all are given.
    fn letter(&mut self, name: &str) -> Option<char> {
        let known = self.names.iter().position(|k| k.as_ref().is_some_and(|k| k.eq_ignore_ascii_case(name)));
        let at = match known {
            Some(at) => at,
            None if self.names.len() < Self::MAX => {
                self.names.push(Some(name.to_owned()));
                self.names.len() - 1
            }
            None => return None,
        };
        u8::try_from(at).ok().map(|at| char::from(b'a' + at))
    }
}

/// The letters of flags, ascending, and how many keywords have none.
pub(super) fn letters(flags: &Flags, keywords: &mut Keywords) -> (String, usize) {
    let mut all: Vec<char> =
        LETTERS.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| *letter).collect();
    if flags.has_keyword(FORWARDED) {
        all.push('P');
    }
    let mut lost = 0;
    for name in &flags.keywords {
        match keywords.letter(name) {
            Some(letter) => all.push(letter),
            None => lost += 1,
        }
    }
    all.sort_unstable();
    (all.into_iter().collect(), lost)
}

/// What is unique in a file name, and the letters behind it. Programs on systems where `:` cannot be write `;` or `!`.
pub(super) fn split(file: &str) -> (&str, &str) {
    [":2,", ";2,", "!2,"].iter().find_map(|mark| file.rsplit_once(mark)).unwrap_or((file, ""))
}

/// The flags of letters, and how many letters mean nothing.
pub(super) fn flags(letters: &str, keywords: &Keywords) -> (Flags, usize) {
    let mut flags = Flags::default();
    let mut unknown = 0;
    for letter in letters.chars() {
        if let Some((_, flag)) = LETTERS.iter().find(|(l, _)| *l == letter) {
            flags.system |= *flag;
            continue;
        }
        let at = u32::from(letter).checked_sub(u32::from('a')).and_then(|at| usize::try_from(at).ok());
        let name = match letter {
            'P' => Some(FORWARDED),
            // A list of other things may follow the letters.
            ',' => break,
            _ => at.and_then(|at| keywords.names.get(at)?.as_deref()),
        };
        match name {
            Some(name) if !flags.has_keyword(name) => flags.keywords.push(name.to_owned()),
            Some(_) => {}
            None => unknown += 1,
        }
    }
    (flags, unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_letters_and_letters_flags() {
        let mut keywords = Keywords::default();
        let mut all = Flags::system(SystemFlags::from_bits(0x1f));
        all.keywords = vec!["$Forwarded".into(), "work".into()];
        assert_eq!(letters(&all, &mut keywords), ("DFPRSTab".into(), 0));
        assert_eq!(keywords.text(), "0 $Forwarded\n1 work\n");
        let (back, unknown) = flags("DFPRSTab", &Keywords::parse(&keywords.text()));
        assert!(back.same_as(&all) && unknown == 0);
        assert_eq!(flags("SXz", &keywords).1, 2);
        all.keywords = (0..30).map(|n| format!("k{n}")).collect();
        let (text, lost) = letters(&all, &mut keywords);
        assert_eq!((text.len(), lost), (5 + 24, 6));
    }

    #[test]
    fn file_names_are_split_at_the_last_mark() {
        for (file, parts) in [
            ("1.2.host", ("1.2.host", "")),
            ("1.2.host,S=5:2,", ("1.2.host,S=5", "")),
            ("1.2.host:2,FS", ("1.2.host", "FS")),
            ("1:2,x:2,S", ("1:2,x", "S")),
            ("1.2.host;2,S", ("1.2.host", "S")),
            ("1.2.host:1,S", ("1.2.host:1,S", "")),
        ] {
            assert_eq!(split(file), parts);
        }
    }
}
