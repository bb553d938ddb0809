/// One line of text out of whatever a server said: control characters and line ends become spaces, and what is
/// not ASCII a `?`, where it may not stand.
pub(super) fn clean(text: &str, utf8: bool) -> String {
    let one = |c: char| match c {
        c if c.is_control() => ' ',
        c if !c.is_ascii() && !utf8 => '?',
        c => c,
    };
    let spaced: String = text.chars().map(one).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds at spaces before 76 octets, and a word that is longer than a line may be (RFC 5322 section 2.1.1) anywhere.
pub(super) fn fold(text: &str, indent: &str) -> String {
    const WIDTH: usize = 76;
    const LONGEST: usize = 900;
    let mut out = String::with_capacity(text.len() + 16);
    let mut width = 20; // the field's name
    for (i, word) in text.split(' ').enumerate() {
        let new_line = i > 0 && width + word.len() > WIDTH;
        if new_line {
            out.push_str("\r\n");
            out.push_str(indent);
            width = indent.len();
        } else if i > 0 {
            out.push(' ');
        }
        for c in word.chars() {
            if width > LONGEST {
                out.push_str("\r\n");
                out.push_str(indent);
                width = indent.len();
            }
            out.push(c);
            width += c.len_utf8();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_whole() {
        let text = "word ".repeat(100) + &"x".repeat(3000);
        let folded = fold(text.trim(), "\t");
        assert!(folded.lines().all(|l| l.len() < 998));
        assert_eq!(folded.replace("\r\n\t", "").replace(' ', ""), text.replace(' ', ""));
        assert_eq!(clean(" a\r\n\tb\0ü ", false), "a b ?");
        assert_eq!(clean("ü", true), "ü");
    }
}
