//! `LineScanner` against a naive oracle, for every short string and every split of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use mail_wire::{LineEnd, LineScanner, Scan, strip_line_end};

/// What a stream of lines comes to.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Seen {
    Line(Vec<u8>, usize, bool),
    TooLong,
    /// The octets of an over-long line.
    Skipped(Vec<u8>),
}

/// The whole at once, octet by octet.
fn oracle(wire: &[u8], end: LineEnd, limit: usize) -> Vec<Seen> {
    let (mut seen, mut from) = (Vec::new(), 0);
    while from < wire.len() {
        let rest = &wire[from..];
        let stop = (0..rest.len())
            .find(|&i| rest[i] == b'\n' && (end == LineEnd::Lenient || (i > 0 && rest[i - 1] == b'\r')));
        let len = stop.map_or(rest.len(), |i| i + 1);
        if len > limit || (stop.is_none() && len == limit) {
            seen.push(Seen::TooLong);
            seen.push(Seen::Skipped(rest[..len].to_vec()));
        } else if stop.is_some() {
            let line = &rest[..len];
            let text = strip_line_end(line);
            let bare = (0..text.len()).any(|i| text[i] == b'\r' || text[i] == b'\n');
            seen.push(Seen::Line(line.to_vec(), len - text.len(), bare));
        } else {
            break;
        }
        from += len;
    }
    seen
}

/// The same through the scanner, in the pieces that `cuts` (a bit for each gap) makes.
fn scanned(wire: &[u8], cuts: u32, end: LineEnd, limit: usize) -> Vec<Seen> {
    let mut scanner = LineScanner::new(end, limit);
    let (mut seen, mut input) = (Vec::new(), Vec::new());
    for (i, octet) in wire.iter().enumerate() {
        input.push(*octet);
        if i + 1 < wire.len() && cuts & (1 << i) == 0 {
            continue;
        }
        if scanner.is_one_more(&input) {
            continue;
        }
        loop {
            match scanner.scan(&input) {
                Scan::NeedInput => break,
                Scan::TooLong => seen.push(Seen::TooLong),
                Scan::Line(line) => {
                    let octets = input.drain(..line.len).collect();
                    seen.push(Seen::Line(octets, line.end, line.bare));
                }
                Scan::Skip(n) => {
                    assert!(n > 0);
                    let octets: Vec<_> = input.drain(..n).collect();
                    match seen.last_mut() {
                        Some(Seen::Skipped(before)) => before.extend(octets),
                        _ => seen.push(Seen::Skipped(octets)),
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(scanner.looked() <= wire.len() as u64, "{wire:?}: {}", scanner.looked());
    seen
}

#[test]
fn every_short_string_and_split_gives_what_the_oracle_gives() {
    const LETTERS: [u8; 3] = *b"\r\na";
    for len in 0..=7u32 {
        for n in 0..3usize.pow(len) {
            let wire: Vec<u8> = (0..len).map(|i| LETTERS[n / 3usize.pow(i) % 3]).collect();
            for end in [LineEnd::Strict, LineEnd::Lenient] {
                for limit in [2, 3, 4, 100] {
                    let expected = oracle(&wire, end, limit);
                    for cuts in 0..1 << len.saturating_sub(1) {
                        assert_eq!(
                            scanned(&wire, cuts, end, limit),
                            expected,
                            "{wire:?} {cuts:b} {end:?} {limit}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_long_line_in_single_octets_is_looked_at_once() {
    let mut wire = vec![b'x'; 20_000];
    wire.extend(b"\r\n");
    let mut scanner = LineScanner::new(LineEnd::Strict, 100_000);
    for n in 1..wire.len() {
        assert_eq!(scanner.scan(&wire[..n]), Scan::NeedInput);
    }
    assert!(matches!(scanner.scan(&wire), Scan::Line(l) if l.len == 20_002));
    assert_eq!(scanner.looked(), 20_002);
}

#[test]
fn too_long_is_said_before_the_line_ends_and_only_once() {
    let mut scanner = LineScanner::new(LineEnd::Strict, 5);
    assert_eq!(scanner.scan(b"abcd"), Scan::NeedInput);
    assert_eq!(scanner.scan(b"abcde"), Scan::TooLong);
    assert!(scanner.is_skipping());
    assert_eq!(scanner.scan(b"abcdef\r"), Scan::Skip(7));
    assert_eq!(scanner.scan(b""), Scan::NeedInput);
    assert_eq!(scanner.scan(b"\nQUIT"), Scan::Skip(1));
    assert!(!scanner.is_skipping());
    assert_eq!(scanner.scan(b"QUIT"), Scan::NeedInput);
}
