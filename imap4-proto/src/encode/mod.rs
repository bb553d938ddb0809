//! The mirror of the grammar: one function for each element, all of them appending to a `Vec`.

mod body;
mod code;
mod command;
mod envelope;
mod extension;
mod extension_response;
mod fetch;
mod list;
mod response;
mod search;

pub(crate) use extension::{nstring8, replaced};
pub(crate) use fetch::{fetch_items, item_name};
pub(crate) use list::{list_data, namespaces, object_id, status_data};
pub use response::MalformedResponse;
pub(crate) use search::{esearch, esearch_item, numbers, thread};

use alloc::vec::Vec;

use memchr::memchr3;

use crate::{
    grammar::{are_atom_chars, are_plain, is_astring_char, is_atom_char},
    mutf7,
    server::Listing,
    types::{Code, Date, DateTime, Element, ListOf, Rights, SystemFlags},
};

/// Appends as many octets as fit a register, and takes away what is no digit: one copy of a constant size.
#[inline]
fn digits(out: &mut Vec<u8>, text: u64, len: usize) {
    out.extend_from_slice(&text.to_le_bytes());
    out.truncate(out.len() - 8 + len);
}

/// `number`, `nz-number`
#[inline]
pub(crate) fn number(out: &mut Vec<u8>, n: u32) {
    if n >= 100_000_000 {
        return number64(out, u64::from(n));
    }
    let (text, len) = short_number(n);
    digits(out, text, len);
}

/// The digits of a number of 8 at most, the first in the lowest octet, and how many they are.
#[inline]
fn short_number(mut n: u32) -> (u64, usize) {
    if n < 10_000 {
        return four_digits(n);
    }
    // The last digits are found first and end up in the highest octets.
    let (mut text, mut len) = (0, 0);
    while n >= 10 {
        text = text << 16 | pair(n % 100);
        len += 2;
        n /= 100;
    }
    if n > 0 || len == 0 {
        text = text << 8 | u64::from(n) | 0x30;
        len += 1;
    }
    (text, len)
}

/// `"* " number name`, with the name's space before it
#[inline]
pub(crate) fn numbered(out: &mut Vec<u8>, n: u32, name: &[u8; 8]) {
    const START: u64 = u64::from_le_bytes(*b"* \0\0\0\0\0\0");
    if n >= 10_000 {
        out.extend_from_slice(b"* ");
        number(out, n);
        out.extend_from_slice(name);
        return;
    }
    // All of it fits 16 octets, 3 to 6 of them before the name: one copy of a constant size.
    let (text, digits) = four_digits(n);
    let len = 2 + digits;
    let name = u64::from_le_bytes(*name);
    let low = START | text << 16 | name << ((8 * len) & 63);
    let high = name >> ((64 - 8 * len) & 63);
    out.extend_from_slice(&(u128::from(low) | u128::from(high) << 64).to_le_bytes());
    out.truncate(out.len() - 8 + len);
}

/// The digits of a number below 10,000, the first in the lowest octet, and how many they are.
#[inline]
fn four_digits(n: u32) -> (u64, usize) {
    const ZEROS: u64 = u32::from_le_bytes(*b"0000") as u64;
    let text = pair(n / 100) | pair(n % 100) << 16;
    // The last one stands, whatever it is.
    let zeros = ((text ^ ZEROS) | 1 << 24).trailing_zeros() / 8;
    (text >> (8 * zeros), 4 - usize::try_from(zeros).unwrap_or(0))
}

/// The two digits of a number below 100, the first in the lower octet.
#[inline]
fn pair(n: u32) -> u64 {
    // Below 100, the length of the table: no check is left of it.
    usize::try_from(n).ok().and_then(|n| PAIRS.get(n)).map_or(0, |p| u64::from(*p))
}

static PAIRS: [u16; 100] = {
    let mut pairs = [0; 100];
    let mut n = 0;
    while n < 100u16 {
        #[allow(clippy::indexing_slicing, reason = "n is below the length")]
        {
            pairs[n as usize] = 0x3030 | (n / 10) | ((n % 10) << 8);
        }
        n += 1;
    }
    pairs
};

/// `number64`
pub(crate) fn number64(out: &mut Vec<u8>, n: u64) {
    const GROUP: u64 = 100_000_000;
    let mut rest = n;
    let mut groups = [0u32; 3];
    let mut count = 0;
    for group in &mut groups {
        // A remainder by 10^8 fits.
        *group = u32::try_from(rest % GROUP).unwrap_or(0);
        count += 1;
        rest /= GROUP;
        if rest == 0 {
            break;
        }
    }
    for (i, group) in groups.iter().take(count).rev().enumerate() {
        if i == 0 {
            number(out, *group);
        } else {
            let mut n = *group;
            let mut text = 0;
            for _ in 0..4 {
                text = text << 16 | pair(n % 100);
                n /= 100;
            }
            digits(out, text, 8);
        }
    }
}

/// Two digits.
fn two(out: &mut Vec<u8>, n: u32) {
    out.push(b'0' + u8::try_from(n / 10 % 10).unwrap_or(0));
    out.push(b'0' + u8::try_from(n % 10).unwrap_or(0));
}

/// `nil`
#[inline]
pub(crate) fn nil(out: &mut Vec<u8>) {
    out.extend_from_slice(b"NIL");
}

/// Whether octets can stand in quotes. In UTF-8 mode non-ASCII text can, too (RFC 6855 section 3, RFC 9051 section 4.3).
fn quotable(s: &[u8], utf8: bool) -> bool {
    // NUL, CR and LF never can.
    memchr3(0, b'\r', b'\n', s).is_none() && (s.is_ascii() || utf8 && core::str::from_utf8(s).is_ok())
}

/// `quoted`, of octets that are quotable
fn quoted(out: &mut Vec<u8>, s: &[u8]) {
    out.push(b'"');
    if s.iter().any(|b| matches!(b, b'"' | b'\\')) {
        for b in s {
            if matches!(b, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*b);
        }
    } else {
        out.extend_from_slice(s);
    }
    out.push(b'"');
}

/// A tag in quotes: what has no place in one is left out.
pub(crate) fn quoted_tag(out: &mut Vec<u8>, tag: &[u8]) {
    out.push(b'"');
    out.extend(tag.iter().copied().filter(|b| is_astring_char(*b)));
    out.push(b'"');
}

/// `literal`. NUL, which no literal can hold, becomes `?`.
fn literal(out: &mut Vec<u8>, s: &[u8]) {
    out.push(b'{');
    number64(out, u64::try_from(s.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(b"}\r\n");
    let from = out.len();
    out.extend_from_slice(s);
    for b in out.iter_mut().skip(from) {
        if *b == 0 {
            *b = b'?';
        }
    }
}

/// `string = quoted / literal`
pub(crate) fn string(out: &mut Vec<u8>, s: &[u8], utf8: bool) {
    if quotable(s, utf8) { quoted(out, s) } else { literal(out, s) }
}

/// `nstring = string / nil`
pub(crate) fn nstring(out: &mut Vec<u8>, s: Option<&[u8]>, utf8: bool) {
    match s {
        Some(s) => string(out, s, utf8),
        None => nil(out),
    }
}

/// `astring = 1*ASTRING-CHAR / string`. The atom NIL is quoted: readers have taken it for nothing.
pub(crate) fn astring(out: &mut Vec<u8>, s: &[u8], utf8: bool) {
    if !s.is_empty() && s.iter().all(|b| is_astring_char(*b)) && !s.eq_ignore_ascii_case(b"NIL") {
        out.extend_from_slice(s);
    } else {
        string(out, s, utf8);
    }
}

/// `element *(SP element)`
pub(crate) fn list_of<'b, T: Element<'b>>(out: &mut Vec<u8>, list: ListOf<'b, T>) {
    for (i, element) in list.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        element.write(out);
    }
}

/// `rights = astring` (RFC 4314 section 7)
pub(crate) fn rights(out: &mut Vec<u8>, rights: Rights) {
    if rights.is_empty() {
        out.extend_from_slice(b"\"\"");
    }
    out.extend(rights.letters().map(|l| u8::try_from(l).unwrap_or(b'l')));
}

/// `atom`: what has no place in one is left out.
#[inline]
pub(crate) fn atom(out: &mut Vec<u8>, s: &[u8]) {
    atom_and(out, s, b' ');
    out.pop();
}

/// `atom`, and one octet after it
#[inline]
fn atom_and(out: &mut Vec<u8>, s: &[u8], after: u8) {
    if let (Some(first), Some(last)) = (s.first_chunk::<8>(), s.last_chunk::<8>())
        && s.len() < 16
        && are_plain(first, last)
    {
        // All of it fits 16 octets: one copy of a constant size. The last 8 lose what the first have, and `after` comes
        // to stand behind them.
        let low = u64::from_le_bytes(*first);
        let high = (u64::from_le_bytes(*last) >> 8 | u64::from(after) << 56) >> (8 * (15 - s.len()));
        out.extend_from_slice(&(u128::from(low) | u128::from(high) << 64).to_le_bytes());
        out.truncate(out.len() - 15 + s.len());
    } else {
        any_atom(out, s);
        out.push(after);
    }
}

// Not within those who write a line: it would take the registers from what is mostly there.
#[inline(never)]
fn any_atom(out: &mut Vec<u8>, s: &[u8]) {
    if are_atom_chars(s) {
        out.extend_from_slice(s);
    } else {
        out.extend(s.iter().copied().filter(|b| is_atom_char(*b)));
    }
}

/// `mailbox`, from text: in UTF-8 or modified UTF-7.
pub(crate) fn mailbox(out: &mut Vec<u8>, name: &str, utf8: bool) {
    if utf8 {
        astring(out, name.as_bytes(), true);
    } else {
        astring(out, mutf7::encode(name).as_bytes(), false);
    }
}

/// `text`: control characters become spaces; octets that are not ASCII become `?` where the client has not said that it
/// reads UTF-8. Empty text becomes something, as the grammar wants.
pub(crate) fn text(out: &mut Vec<u8>, text: &str, utf8: bool) {
    if text.is_empty() {
        out.extend_from_slice(b"-");
    } else if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        out.extend_from_slice(text.as_bytes());
    } else {
        let mut octets = [0; 4];
        for c in text.chars() {
            match c {
                c if c.is_control() => out.push(b' '),
                c if c.is_ascii() || utf8 => out.extend_from_slice(c.encode_utf8(&mut octets).as_bytes()),
                _ => out.push(b'?'),
            }
        }
    }
}

/// `text CRLF`, where the text needs no change to be that. Whether it was written.
#[inline]
pub(crate) fn plain_text(out: &mut Vec<u8>, text: &str) -> bool {
    let plain = !text.is_empty()
        && !text.starts_with('[')
        && text.bytes().fold(true, |plain, b| plain & matches!(b, b' '..=b'~'));
    if plain {
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    plain
}

/// `resp-text = ["[" resp-text-code "]" SP] [text]`
pub(crate) fn resp_text(
    out: &mut Vec<u8>,
    code: Option<&Code<'_>>,
    words: &str,
    utf8: bool,
    capability: Option<&Listing>,
) {
    if let Some(c) = code {
        out.push(b'[');
        code::code(out, c, capability);
        out.extend_from_slice(b"] ");
    } else if words.starts_with('[') {
        // It would be read as a code.
        out.push(b' ');
    }
    text(out, words, utf8);
}

/// The value of a body section: a quoted string where it is short and plain, else a literal, for BINARY a literal8
/// (RFC 9051 section 9, `nstring / literal8`).
pub(crate) fn body_string(out: &mut Vec<u8>, s: &[u8], utf8: bool, binary: bool) {
    if s.len() <= 64 && quotable(s, utf8) {
        quoted(out, s);
    } else {
        // Bytes out are bytes in: a NUL in a stored message is sent as it is.
        out.extend_from_slice(if binary { b"~{" } else { b"{" });
        number64(out, u64::try_from(s.len()).unwrap_or(u64::MAX));
        out.extend_from_slice(b"}\r\n");
        out.extend_from_slice(s);
    }
}

/// `sequence-set` or `uid-set` of inclusive ranges, in their order
pub(crate) fn ranges(out: &mut Vec<u8>, ranges: impl IntoIterator<Item = (u32, u32)>) {
    let mut first = true;
    for (from, to) in ranges {
        if !first {
            out.push(b',');
        }
        first = false;
        number(out, from);
        if from != to {
            out.push(b':');
            number(out, to);
        }
    }
}

/// The names of the system flags, by their bits.
const SYSTEM_FLAGS: [(SystemFlags, &[u8]); 6] = [
    (SystemFlags::ANSWERED, b"\\Answered"),
    (SystemFlags::FLAGGED, b"\\Flagged"),
    (SystemFlags::DELETED, b"\\Deleted"),
    (SystemFlags::SEEN, b"\\Seen"),
    (SystemFlags::DRAFT, b"\\Draft"),
    (SystemFlags::RECENT, b"\\Recent"),
];

/// The text of every set of system flags, with `FLAGS (` before it and a space after each, and how long it is.
struct FlagText {
    text: [u8; 63],
    len: u8,
}

/// What stands before a list of flags, without its parenthesis.
const BEFORE_FLAGS: &[u8; 6] = b"FLAGS ";

#[allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "every index is below a length known here: what is wrong does not compile"
)]
const fn flag_texts() -> [FlagText; 64] {
    let mut all = [const { FlagText { text: [0; 63], len: 0 } }; 64];
    let mut set = 0;
    while set < all.len() {
        let mut at = 0;
        while at < BEFORE_FLAGS.len() {
            all[set].text[at] = BEFORE_FLAGS[at];
            at += 1;
        }
        all[set].text[at] = b'(';
        at += 1;
        let mut i = 0;
        while i < SYSTEM_FLAGS.len() {
            let (flag, name) = SYSTEM_FLAGS[i];
            if SystemFlags::from_bits(set as u8).contains(flag) {
                let mut j = 0;
                while j < name.len() {
                    all[set].text[at] = name[j];
                    at += 1;
                    j += 1;
                }
                all[set].text[at] = b' ';
                at += 1;
            }
            i += 1;
        }
        all[set].len = at as u8;
        set += 1;
    }
    all
}

static FLAG_TEXTS: [FlagText; 64] = flag_texts();

/// `flag-list = "(" [flag *(SP flag)] ")"`
#[inline]
pub(crate) fn flag_list<K: AsRef<str>>(
    out: &mut Vec<u8>,
    system: SystemFlags,
    keywords: impl IntoIterator<Item = K>,
    wildcard: bool,
) {
    if let Some(flags) = FLAG_TEXTS.get(usize::from(system.bits() & 63))
        && let Some(text) = flags.text.get(BEFORE_FLAGS.len()..usize::from(flags.len))
    {
        out.extend_from_slice(text);
    }
    for keyword in keywords {
        atom_and(out, keyword.as_ref().as_bytes(), b' ');
    }
    if wildcard {
        out.extend_from_slice(b"\\* ");
    }
    end_flags(out);
}

/// The parenthesis takes the place of the last space.
#[inline]
fn end_flags(out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last @ b' ') => *last = b')',
        _ => out.push(b')'),
    }
}

/// The same with `FLAGS ` before it.
#[inline]
pub(crate) fn flags<K: AsRef<str>>(
    out: &mut Vec<u8>,
    system: SystemFlags,
    keywords: impl IntoIterator<Item = K>,
) {
    if let Some(flags) = FLAG_TEXTS.get(usize::from(system.bits() & 63)) {
        // A copy of constant size is a few moves; what is too much of it goes.
        out.extend_from_slice(&flags.text);
        out.truncate(out.len() - flags.text.len() + usize::from(flags.len));
    }
    let mut keywords = keywords.into_iter();
    let Some(mut keyword) = keywords.next() else { return end_flags(out) };
    for next in keywords {
        atom_and(out, keyword.as_ref().as_bytes(), b' ');
        keyword = next;
    }
    atom_and(out, keyword.as_ref().as_bytes(), b')');
}

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

fn month_and_year(out: &mut Vec<u8>, date: Date) {
    out.push(b'-');
    out.extend_from_slice(MONTHS.get(usize::from(date.month).wrapping_sub(1)).map_or(b"Jan", |m| *m));
    out.push(b'-');
    two(out, u32::from(date.year / 100));
    two(out, u32::from(date.year % 100));
}

/// `date-text = date-day "-" date-month "-" date-year`
pub(crate) fn date(out: &mut Vec<u8>, date: Date) {
    number(out, u32::from(date.day));
    month_and_year(out, date);
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
pub(crate) fn date_time(out: &mut Vec<u8>, at: DateTime) {
    let (date, second, zone) = at.local();
    out.push(b'"');
    if date.day < 10 {
        out.push(b' ');
        number(out, u32::from(date.day));
    } else {
        two(out, u32::from(date.day));
    }
    month_and_year(out, date);
    out.push(b' ');
    two(out, second / 3600);
    out.push(b':');
    two(out, second / 60 % 60);
    out.push(b':');
    two(out, second % 60);
    out.extend_from_slice(if zone < 0 { b" -" } else { b" +" });
    let zone = u32::from(zone.unsigned_abs());
    two(out, zone / 60);
    two(out, zone % 60);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> alloc::string::String {
        let mut out = Vec::new();
        write(&mut out);
        alloc::format!("{}", out.escape_ascii())
    }

    #[test]
    fn strings_take_the_form_their_octets_need() {
        for (value, utf8, shown) in [
            (&b"INBOX"[..], false, "INBOX"),
            (b"a]b", false, "a]b"),
            (b"", false, r#"\"\""#),
            (b"nil", false, r#"\"nil\""#),
            (b"a b", false, r#"\"a b\""#),
            (b"a\"\\", false, r#"\"a\\\"\\\\\""#),
            (b"a*", false, r#"\"a*\""#),
            (b"a\r\nb", false, r"{4}\r\na\r\nb"),
            (b"a\0b", false, r"{3}\r\na?b"),
            ("\u{e4}".as_bytes(), false, r"{2}\r\n\xc3\xa4"),
            ("\u{e4}".as_bytes(), true, r#"\"\xc3\xa4\""#),
            (b"\xe4", true, r"{1}\r\n\xe4"),
        ] {
            assert_eq!(written(|o| astring(o, value, utf8)), shown, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn a_list_of_flags_is_its_names_whatever_their_lengths() {
        let named = |set: SystemFlags| SYSTEM_FLAGS.iter().filter(move |(flag, _)| set.contains(*flag));
        let words: Vec<_> = (1..20).map(|n| "$Keyword.of-Many_Octets".get(..n).unwrap()).collect();
        for system in (0..64).map(SystemFlags::from_bits) {
            for (i, word) in words.iter().enumerate() {
                let dirty = alloc::format!("{word}(\r\n");
                for keywords in
                    [&[][..], &[*word], &[*word, words[words.len() - 1 - i]], &[&dirty, "%", word]]
                {
                    let mut names: Vec<_> =
                        named(system).map(|(_, name)| core::str::from_utf8(name).unwrap()).collect();
                    names.extend(keywords.iter().map(|k| k.trim_end_matches("(\r\n").trim_matches('%')));
                    let names = names.join(" ");
                    for (wildcard, end) in [(false, ")"), (true, " \\*)")] {
                        let mut out = Vec::new();
                        flag_list(&mut out, system, keywords, wildcard);
                        let end = if names.is_empty() { end.trim_start() } else { end };
                        assert_eq!(out, alloc::format!("({names}{end}").as_bytes());
                    }
                    let mut out = Vec::new();
                    flags(&mut out, system, keywords);
                    assert_eq!(out, alloc::format!("FLAGS ({names})").as_bytes());
                }
                let mut out = Vec::new();
                atom(&mut out, word.as_bytes());
                assert_eq!(out, word.as_bytes());
            }
        }
    }

    #[test]
    fn small_elements() {
        for n in [0u32, 9, 10, 99, 100, 4_294_967_295] {
            assert_eq!(written(|o| number(o, n)), alloc::format!("{n}"));
        }
        assert_eq!(written(|o| number64(o, u64::MAX)), "18446744073709551615");
        assert_eq!(written(|o| ranges(o, [(1, 3), (5, 5), (7, 9)])), "1:3,5,7:9");
        assert_eq!(written(|o| flag_list(o, SystemFlags::NONE, [""; 0], false)), "()");
        assert_eq!(
            written(|o| flag_list(o, SystemFlags::ALL, ["$X", "a)b"], true)),
            r"(\\Answered \\Flagged \\Deleted \\Seen \\Draft $X ab \\*)"
        );
        assert_eq!(written(|o| text(o, "a\r\n* BAD\u{e4}", false)), "a  * BAD?");
        assert_eq!(written(|o| text(o, "", false)), "-");
        assert_eq!(written(|o| mailbox(o, "Entw\u{fc}rfe", false)), "Entw&APw-rfe");
        assert_eq!(
            written(|o| date_time(o, DateTime::new(837_596_665, -420))),
            r#"\"17-Jul-1996 02:44:25 -0700\""#
        );
        assert_eq!(written(|o| date_time(o, DateTime::new(0, 330))), r#"\" 1-Jan-1970 05:30:00 +0530\""#);
    }
}
