//! The small grammars of IMAP: modified UTF-7, sequence sets, dates. Each against what a naive reading gives, and there and back.
#![no_main]
use imap4_proto::{
    mutf7,
    types::{Date, DateTime, SeqNumber, SequenceSet},
};
use libfuzzer_sys::fuzz_target;

/// Every (from, to) of a set, by the letter of `sequence-set` (RFC 9051 section 9), but for zeros before a number, which are tolerated.
fn naive_set(text: &str, largest: u32) -> Option<Vec<(u32, u32)>> {
    let end = |t: &str| match t {
        "*" => Some(largest),
        t if t.bytes().all(|c| c.is_ascii_digit()) => t.parse().ok().filter(|n| *n > 0),
        _ => None,
    };
    text.split(',')
        .map(|range| {
            let (a, b) = range.split_once(':').unwrap_or((range, range));
            let (a, b) = (end(a)?, end(b)?);
            Some((a.min(b), a.max(b)))
        })
        .collect()
}

fn sets(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        assert!(SequenceSet::parse(input).is_none());
        return;
    };
    let set = SequenceSet::parse(input);
    if text == "$" {
        assert!(set.is_some_and(|s| s.is_saved()));
        return;
    }
    // A count of 0 makes `*` 0, which the naive one has too.
    for largest in [1, 7, u32::MAX] {
        let ours: Option<Vec<_>> = set.map(|s| s.resolve(largest).collect());
        assert_eq!(ours, naive_set(text, largest), "{text}");
    }
    if let Some(set) = set {
        let stars = set.ranges().any(|r| r.from == SeqNumber::Largest || r.to == SeqNumber::Largest);
        assert_eq!(set.has_largest(), stars);
    }
}

/// Text in UTF-16 in base64 between `&` and `-`, the naive way.
fn naive_mutf7(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if !(' '..='~').contains(&c) => run.push(c),
            _ => {
                if !run.is_empty() {
                    let bits: String = run.encode_utf16().map(|u| format!("{u:016b}")).collect();
                    out.push('&');
                    for six in bits.as_bytes().chunks(6) {
                        let six = format!("{:0<6}", str::from_utf8(six).expect("digits"));
                        out.push(char::from(ALPHABET[usize::from_str_radix(&six, 2).expect("six bits")]));
                    }
                    out.push('-');
                    run.clear();
                }
                match c {
                    Some('&') => out.push_str("&-"),
                    Some(c) => out.push(c),
                    None => {}
                }
            }
        }
    }
    out
}

fn names(input: &[u8]) {
    if let Some(text) = mutf7::decode(input) {
        let again = mutf7::encode(&text);
        assert_eq!(mutf7::decode(again.as_bytes()).as_deref(), Some(&*text));
    }
    if let Ok(text) = str::from_utf8(input) {
        let wire = mutf7::encode(text);
        assert_eq!(wire, naive_mutf7(text));
        // NUL can stand in no name.
        let back = mutf7::decode(wire.as_bytes());
        assert_eq!(back.as_deref(), (!text.contains('\0')).then_some(text));
    }
}

fn dates(input: &[u8]) {
    let Some(number) = input.first_chunk::<8>().map(|b| i64::from_le_bytes(*b)) else { return };
    let days = number % 4_000_000;
    if let Some(date) = Date::from_days(days) {
        assert_eq!(date.days(), days);
        assert!((1..=31).contains(&date.day) && (1..=12).contains(&date.month), "{date:?}");
        // The day after is the next day of the month, or the first.
        if let Some(next) = Date::from_days(days + 1) {
            assert!(next.day == date.day + 1 || (next.day == 1 && date.day >= 28), "{date:?} {next:?}");
        }
    }
    let zone = i16::from_le_bytes([input[0], input[7]]) % 1440;
    let _ = format!("{:?}", DateTime::new(number % 300_000_000_000, zone));
}

fuzz_target!(|input: &[u8]| {
    match input.split_first() {
        Some((0, rest)) => dates(rest),
        Some((1, rest)) => sets(rest),
        Some((_, rest)) => names(rest),
        None => {}
    }
});
