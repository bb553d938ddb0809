//! Dot-stuffed data against a naive oracle, for any split, both ways.
#![no_main]
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_wire::{Dot, DotDecoder};

/// The content and the length of what ends with CRLF `.` CRLF, the start counting as after CRLF.
fn oracle(data: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut with_start = b"\r\n".to_vec();
    with_start.extend_from_slice(data);
    let end = with_start.windows(5).position(|w| w == b"\r\n.\r\n")?;
    let (mut content, mut i) = (Vec::new(), 0);
    let body = &with_start[..end + 2];
    while i < body.len() {
        content.push(body[i]);
        i += 1;
        if content.ends_with(b"\r\n") && i >= 2 && &body[i - 2..i] == b"\r\n" && body.get(i) == Some(&b'.') {
            i += 1;
        }
    }
    Some((content.split_off(2), end + 5 - 2))
}

/// Content and end, as the decoder finds them in these pieces.
fn decode(data: &[u8], pieces: impl Iterator<Item = usize>) -> (Vec<u8>, Option<usize>) {
    let (mut decoder, mut buffer, mut content, mut used, mut at) =
        (DotDecoder::new(), Vec::new(), Vec::new(), 0, 0);
    for piece in pieces {
        buffer.extend_from_slice(&data[at..at + piece]);
        at += piece;
        loop {
            let n = match decoder.step(&buffer) {
                Dot::Payload(n) => {
                    content.extend_from_slice(&buffer[..n]);
                    n
                }
                Dot::Skip(n) => n,
                Dot::End(n) => return (content, Some(used + n)),
                _ => break,
            };
            used += n;
            buffer.drain(..n);
        }
    }
    (content, None)
}

/// The naive way to stuff: a dot before each that begins a line, and the end after a line end.
fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (i, c) in content.iter().enumerate() {
        if *c == b'.' && (i == 0 || content[..i].ends_with(b"\r\n")) {
            out.push(b'.');
        }
        out.push(*c);
    }
    if !content.is_empty() && !content.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let (content, end) = decode(tape.wire, tape.pieces(tape.wire.len()));
    match oracle(tape.wire) {
        Some((want, at)) => assert_eq!((content, end), (want, Some(at))),
        None => assert_eq!(end, None),
    }
    // What is stuffed comes back, with a line end at its end.
    let wire = stuffed(tape.wire);
    let (back, end) = decode(&wire, tape.pieces(wire.len()));
    assert_eq!(end, Some(wire.len()));
    assert!(back.starts_with(tape.wire) && matches!(&back[tape.wire.len()..], b"" | b"\r\n"));
    // The encoder writes what the naive one does.
    assert_eq!(mail_fuzz::stuff(tape.wire, tape.pieces(tape.wire.len())), wire);
});
