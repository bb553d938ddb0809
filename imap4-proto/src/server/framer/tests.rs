use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use super::*;

const BOUNDS: Bounds = Bounds { line: 100, literals: 40, dropped: 300, unasked: Some(u64::MAX) };

/// What the framer makes of `wire` when it comes in the pieces that `cuts` make; chunks of one payload are joined. A
/// synchronizing literal is there whatever the framer says, as a careless client would have it.
fn run(wire: &[u8], cuts: &[usize], refuse: bool, bounds: Bounds) -> (Vec<String>, u64) {
    let mut f = Framer::new(bounds);
    let (mut out, mut buf, mut chunk, mut unseen) = (vec![], Vec::new(), Vec::new(), 0u64);
    let mut last = 0;
    for cut in cuts.iter().copied().chain([wire.len()]) {
        buf.extend_from_slice(&wire[last..cut]);
        last = cut;
        loop {
            let part = f.poll(&buf);
            if !matches!(part, Part::Chunk(_) | Part::Need(_)) && !chunk.is_empty() {
                out.push(format!("chunk {}", core::mem::take(&mut chunk).escape_ascii()));
            }
            let shown = |n: usize| buf[..n].escape_ascii().to_string();
            let n = match part {
                Part::Need(_) => break,
                Part::Line(n) => {
                    out.push(format!("line {}", shown(n)));
                    n
                }
                Part::Closed(n) => {
                    out.push(format!("closed {}", shown(n)));
                    n
                }
                Part::Head(n) => {
                    out.push(format!("head {}", shown(n)));
                    if refuse {
                        f.refuse();
                    }
                    n
                }
                Part::Chunk(n) => {
                    chunk.extend_from_slice(&buf[..n]);
                    unseen += n as u64;
                    n
                }
                Part::GoAhead => {
                    out.push("+".to_string());
                    0
                }
                // Where a line over the limit is cut depends on how it came.
                Part::Refuse(n, why) => {
                    out.push(format!("refuse {why:?} {}", shown(n.min(8))));
                    n
                }
                Part::Skip(n) => n,
                Part::Fatal => {
                    out.push("fatal".to_string());
                    return (out, f.looked + unseen);
                }
            };
            buf.drain(..n);
        }
    }
    if !chunk.is_empty() {
        out.push(format!("chunk {}", chunk.escape_ascii()));
    }
    if !buf.is_empty() {
        out.push(format!("left {}", buf.escape_ascii()));
    }
    (out, f.looked + unseen)
}

fn long(n: usize) -> String {
    "x".repeat(n)
}

/// Each wire with what it is to become.
fn wires() -> Vec<(String, &'static [&'static str])> {
    let z = |s: &str| s.replace('|', "\r\n");
    vec![
        (z("a1 NOOP|a2 LOGOUT|"), &["line", "line"]),
        (z("a LOGIN {4}|user {4+}|pass|"), &["+", "line"]),
        (z("a APPEND INBOX {5}|hello|b NOOP|"), &["head", "chunk", "line", "line"]),
        (z("a APPEND {5}|INBOX {5+}|he{3}|b NOOP|"), &["+", "head", "chunk", "line", "line"]),
        (
            z("a APPEND \"a {b\\\"(\" (\\Seen $X) \"01-Jan-2024 12:00:00 +0100\" {5+}|hello|"),
            &["head", "chunk", "line"],
        ),
        (
            z("a append x {3+}|abc (\\Seen) {4}|defg \"01-Jan-2024 12:00:00 +0100\" ~{2+}|zz|b NOOP|"),
            &["head", "chunk", "head", "chunk", "head", "chunk", "line", "line"],
        ),
        (z("a APPEND x ~{3+}|a\0b|"), &["head", "chunk", "line"]),
        (z("a APPEND x UTF8 (~{3+}|abc)|b NOOP|"), &["head", "chunk", "line", "line"]),
        (
            z("a APPEND x CATENATE (URL {3+}|u/1 TEXT {4+}|text URL \"/TEXT\" TEXT {1+}|y) {2+}|zz|b NOOP|"),
            &["head", "chunk", "head", "chunk", "head", "chunk", "line", "line"],
        ),
        (z("a APPEND URL {3+}|abc|"), &["head", "chunk", "line"]),
        (
            z("a REPLACE 4 {5+}|INBOX (\\Seen) {3+}|abc|b UID REPLACE 4 x {1}|y|"),
            &["head", "chunk", "line", "head", "chunk", "line"],
        ),
        (z("a APPEND x {0+}||b APPEND {0}| {1}|x|"), &["head", "line", "+", "head", "chunk", "line"]),
        (z("a UID FETCH 1:* (FLAGS BODY[HEADER.FIELDS ({4+}|From {2}|To)])|"), &["+", "line"]),
        (
            format!(
                "a LOGIN {{50+}}\r\n{} {{5+}}\r\nxx\r\nx\r\nb NOOP\r\n",
                &"y\r\nz LOGOUT\r\n".repeat(5)[..50]
            ),
            &["refuse", "line"],
        ),
        (z("a LOGIN {50}|b NOOP|"), &["refuse", "line"]),
        (format!("a NOOP {}\r\nb NOOP\r\n", long(300)), &["refuse", "line"]),
        (format!("a NOOP {} {{6+}}\r\nz A\r\nq\r\nb NOOP\r\n", long(300)), &["refuse", "line"]),
        (z("a LOGIN {301+}|xxxx"), &["refuse", "fatal"]),
        (z("a APPENDX {3+}|abc|a UID SEARCH {1+}|x|{3}|abc|"), &["line", "line", "+", "line"]),
        (
            z("a SEARCH TEXT {x}|b SEARCH TEXT {3|c X {|d X }|e X {+}|{}|f NOOP|"),
            &["line", "line", "line", "line", "line", "line", "line"],
        ),
    ]
}

#[test]
fn every_split_gives_the_same_parts_and_no_octet_is_seen_twice() {
    let mut splits = 0;
    for (i, (wire, kinds)) in wires().iter().enumerate() {
        let wire = wire.as_bytes();
        let (whole, looked) = run(wire, &[], false, BOUNDS);
        let got: Vec<&str> =
            whole.iter().map(|s| s.split(' ').next().unwrap()).filter(|k| *k != "left").collect();
        assert_eq!(&got, kinds, "{i} {whole:#?}");
        assert!(looked <= wire.len() as u64, "{i}: looked at {looked} of {}", wire.len());
        let mut check = |cuts: &[usize]| {
            let (parts, looked) = run(wire, cuts, false, BOUNDS);
            assert_eq!(parts, whole, "{i} {cuts:?}");
            assert!(looked <= wire.len() as u64, "{i} {cuts:?}: looked at {looked}");
            splits += 1;
        };
        let step = wire.len() / 100 + 1;
        for a in 0..=wire.len() {
            check(&[a]);
            for b in (a..=wire.len()).step_by(step) {
                check(&[a, b]);
            }
        }
        check(&(1..wire.len()).collect::<Vec<_>>());
    }
    assert!(splits > 50_000, "{splits}");
}

#[test]
fn a_refused_payload_never_becomes_commands() {
    let (parts, _) =
        run(b"a APPEND x {9+}\r\nz LOGOUT\r (\\Seen) {4+}\r\nq Q\r\r\nb NOOP\r\n", &[], true, BOUNDS);
    assert_eq!(parts.len(), 2, "{parts:?}");
    // It waits for the plus, so it sends nothing.
    let (parts, _) = run(b"a APPEND x {9}\r\nb NOOP\r\n", &[], true, BOUNDS);
    assert_eq!(parts.len(), 2, "{parts:?}");
    let (parts, _) = run(b"a APPEND x {301+}\r\nb NOOP\r\n", &[], true, BOUNDS);
    assert_eq!(parts[1], "fatal");
}

#[test]
fn a_payload_can_be_given_up_half_way() {
    let mut f = Framer::new(BOUNDS);
    let wire = b"a APPEND x {500}\r\n";
    assert_eq!(f.poll(wire), Part::Head(wire.len()));
    assert_eq!(f.poll(b"0123456789"), Part::Chunk(10));
    f.discard();
    // It was accepted, so all of it is read, beyond what is dropped of refused ones.
    let rest = [b'x'; 490];
    assert_eq!(f.poll(&rest), Part::Skip(490));
    assert_eq!(f.poll(b" (\\Seen) {3}\r\n"), Part::Skip(14));
    assert_eq!(f.poll(b"b NOOP\r\n"), Part::Line(8));
    // Between two payloads.
    let wire = b"a APPEND x {2+}\r\nab {3+}\r\nabc\r\nb NOOP\r\n";
    assert_eq!(f.poll(wire), Part::Head(17));
    assert_eq!(f.poll(&wire[17..]), Part::Chunk(2));
    f.discard();
    assert_eq!(f.poll(&wire[19..]), Part::Skip(7));
    assert_eq!(f.poll(&wire[26..]), Part::Skip(3));
    assert_eq!(f.poll(&wire[29..]), Part::Skip(2));
    assert_eq!(f.poll(&wire[31..]), Part::Line(8));
}

#[test]
fn unasked_literals_are_taken_as_far_as_is_configured() {
    for (unasked, wire, kinds) in [
        (None, "a LOGIN {1+}\r\nx\r\nb NOOP\r\n", &["refuse", "line"][..]),
        (None, "a APPEND x {1+}\r\nx\r\nb NOOP\r\n", &["refuse", "line"]),
        (Some(4), "a APPEND x {4+}\r\nabcd\r\nb NOOP\r\n", &["head", "chunk", "line", "line"]),
        (Some(4), "a APPEND x {5+}\r\nabcde\r\nb NOOP\r\n", &["refuse", "line"]),
        (Some(4), "a APPEND x {5}\r\nabcde\r\nb NOOP\r\n", &["head", "chunk", "line", "line"]),
    ] {
        let (parts, _) = run(wire.as_bytes(), &[], false, Bounds { unasked, ..BOUNDS });
        let got: Vec<&str> = parts.iter().map(|s| s.split(' ').next().unwrap()).collect();
        assert_eq!(got, kinds, "{wire}");
    }
}

#[test]
fn a_raw_line_has_no_literals() {
    for cut in 0..=12 {
        let wire = b"abc {5+}\r\nb NOOP\r\n";
        let mut f = Framer::new(BOUNDS);
        f.raw_line();
        if f.poll(&wire[..cut]) != Part::Line(10) {
            assert_eq!(f.poll(wire), Part::Line(10), "{cut}");
        }
        assert_eq!(f.poll(&wire[10..]), Part::Line(8));
    }
    let mut f = Framer::new(BOUNDS);
    f.raw_line();
    let wire = [b'x'; 101];
    assert!(matches!(f.poll(&wire), Part::Refuse(101, Refusal::LineTooLong)));
    assert_eq!(f.poll(b"xyz\r\n"), Part::Skip(5));
    assert_eq!(f.poll(b"b NOOP\r\n"), Part::Line(8));
}

#[test]
fn the_state_is_small() {
    assert!(size_of::<Framer>() <= 176, "{}", size_of::<Framer>());
}
