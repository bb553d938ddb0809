//! Holds a line against what is expected.

use std::collections::HashMap;

pub(crate) type Kept = HashMap<String, String>;

/// Whether the line is as expected; what `<name>` stood for is kept.
pub(crate) fn matches(pattern: &str, line: &str, kept: &mut Kept) -> bool {
    let line = sort_flags(line);
    let mut found = kept.clone();
    for (i, part) in pattern.split(" && ").enumerate() {
        let part = sort_flags(&substitute(part, &found));
        let several = pattern.contains(" && ");
        let there = if !several {
            whole(&pieces(&part), &line, &mut found)
        } else if i == 0 {
            whole(&pieces(&format!("{part}...")), &line, &mut found)
        } else {
            whole(&pieces(&format!("...{part}...")), &line, &mut found)
        };
        if !there {
            return false;
        }
    }
    *kept = found;
    true
}

/// `$name` becomes what was kept.
pub(crate) fn substitute(text: &str, kept: &Kept) -> String {
    let mut names: Vec<&String> = kept.keys().collect();
    names.sort_by_key(|n| std::cmp::Reverse(n.len()));
    names.into_iter().fold(text.to_owned(), |text, name| text.replace(&format!("${name}"), &kept[name]))
}

enum Piece {
    Text(String),
    Anything,
    Keep(String),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    let mut rest = pattern;
    let mut text = String::new();
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("...") {
            all.push(Piece::Text(std::mem::take(&mut text)));
            all.push(Piece::Anything);
            rest = after;
            continue;
        }
        if let Some((name, after)) = rest.strip_prefix('<').and_then(|r| r.split_once('>'))
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric())
        {
            all.push(Piece::Text(std::mem::take(&mut text)));
            all.push(Piece::Keep(name.to_owned()));
            rest = after;
            continue;
        }
        text.push(c);
        rest = &rest[c.len_utf8()..];
    }
    all.push(Piece::Text(text));
    all
}

fn whole(pieces: &[Piece], line: &str, kept: &mut Kept) -> bool {
    let Some((first, after)) = pieces.split_first() else { return line.is_empty() };
    match first {
        Piece::Text(text) => {
            line.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
                && whole(after, &line[text.len()..], kept)
        }
        Piece::Anything => {
            let ends = line.char_indices().map(|(i, _)| i).chain([line.len()]);
            ends.into_iter().any(|i| whole(after, &line[i..], kept))
        }
        Piece::Keep(name) => {
            let end = line.find([' ', ')', ']', '(', '\r']).unwrap_or(line.len());
            if end == 0 {
                return false;
            }
            kept.insert(name.clone(), line[..end].to_owned());
            whole(after, &line[end..], kept)
        }
    }
}

/// The order of flags means nothing.
fn sort_flags(line: &str) -> String {
    let mut sorted = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("FLAGS (") {
        let (head, tail) = rest.split_at(at + "FLAGS (".len());
        sorted.push_str(head);
        let Some(end) = tail.find(')') else {
            rest = tail;
            break;
        };
        let mut flags: Vec<&str> = tail[..end].split(' ').collect();
        flags.sort_unstable();
        sorted.push_str(&flags.join(" "));
        rest = &tail[end..];
    }
    sorted.push_str(rest);
    sorted
}

#[test]
fn patterns_match_what_they_say() {
    let mut kept = Kept::new();
    for (pattern, line, expected) in [
        ("* 3 EXISTS", "* 3 EXISTS", true),
        ("* 3 EXISTS", "* 13 EXISTS", false),
        ("OK [UIDNEXT <next>]...", "OK [UIDNEXT 17] next", true),
        ("* STATUS x (UIDNEXT $next)", "* STATUS x (UIDNEXT 17)", true),
        ("* 1 FETCH (FLAGS (\\Seen \\Answered))", "* 1 FETCH (FLAGS (\\Answered \\Seen))", true),
        ("* 1 FETCH ( && UID 4 && FLAGS (\\Seen)", "* 1 FETCH (FLAGS (\\Seen) UID 4)", true),
        ("* 1 FETCH ( && UID 4 && MODSEQ", "* 1 FETCH (FLAGS (\\Seen) UID 4)", false),
        ("a...c", "abbc", true),
        ("a...c", "abbcd", false),
    ] {
        assert_eq!(matches(pattern, line, &mut kept), expected, "{pattern:?} {line:?}");
    }
}
