//! Dot-stuffed data against a naive oracle, for any split.
#![no_main]
use libfuzzer_sys::fuzz_target;
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

fuzz_target!(|input: &[u8]| {
    let Some((piece, data)) = input.split_first() else { return };
    let (mut decoder, mut buffer, mut content, mut used, mut end) =
        (DotDecoder::new(), Vec::new(), Vec::new(), 0, None);
    'all: for chunk in data.chunks(usize::from(*piece).max(1)) {
        buffer.extend_from_slice(chunk);
        loop {
            let n = match decoder.step(&buffer) {
                Dot::Payload(n) => {
                    content.extend_from_slice(&buffer[..n]);
                    n
                }
                Dot::Skip(n) => n,
                Dot::End(n) => {
                    end = Some(used + n);
                    break 'all;
                }
                _ => break,
            };
            used += n;
            buffer.drain(..n);
        }
    }
    match oracle(data) {
        Some((want, at)) => assert_eq!((content, end), (want, Some(at))),
        None => assert_eq!(end, None),
    }
});
