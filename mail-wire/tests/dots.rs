//! Dot decoding and encoding against naive oracles, for every short string and every split of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use bytes::Bytes;
use mail_wire::{Dot, DotDecoder, DotEncoder, OutputQueue, Stuffing};
use proptest::prelude::*;

/// Content, whether the end was found and how much of the wire was used then, bare CR or LF seen.
type Decoded = (Vec<u8>, Option<usize>, bool);

/// RFC 5321 section 4.5.2, read line by line, where a line ends in CRLF.
fn oracle(wire: &[u8]) -> Decoded {
    let (mut content, mut rest) = (Vec::new(), wire);
    while !rest.is_empty() {
        let len = rest.windows(2).position(|w| w == b"\r\n").map_or(rest.len(), |at| at + 2);
        let (mut line, after) = rest.split_at(len);
        let whole = line.ends_with(b"\r\n");
        if line == b".\r\n" {
            return (content.clone(), Some(wire.len() - after.len()), bare(&content));
        }
        if line.first() == Some(&b'.') {
            line = &line[1..];
        }
        if !whole && rest.starts_with(b".") && line == b"\r" {
            break; // undecided
        }
        content.extend_from_slice(line);
        rest = after;
    }
    let bare = bare(content.strip_suffix(b"\r").unwrap_or(&content));
    (content, None, bare)
}

fn bare(content: &[u8]) -> bool {
    (0..content.len()).any(|i| match content[i] {
        b'\r' => content.get(i + 1) != Some(&b'\n'),
        b'\n' => i == 0 || content[i - 1] != b'\r',
        _ => false,
    })
}

fn decode(wire: &[u8], cut: impl Fn(usize) -> bool) -> Decoded {
    let mut decoder = DotDecoder::new();
    let (mut content, mut from) = (Vec::new(), 0);
    for to in 1..=wire.len() {
        if to < wire.len() && !cut(to) {
            continue;
        }
        loop {
            let input = &wire[from..to];
            match decoder.step(input) {
                Dot::Payload(n) => {
                    assert!(n > 0);
                    content.extend_from_slice(&input[..n]);
                    from += n;
                }
                Dot::Skip(n) => {
                    assert_eq!(&input[..n], b".");
                    from += n;
                }
                Dot::End(n) => return (content, Some(from + n), decoder.saw_bare()),
                Dot::Need => {
                    assert!(input.len() <= 1);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(decoder.looked() <= wire.len() as u64);
    (content, None, decoder.saw_bare())
}

fn strings(letters: &'static [u8], up_to: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..=up_to).flat_map(move |len| {
        let base = letters.len();
        (0..base.pow(len)).map(move |n| (0..len).map(|i| letters[n / base.pow(i) % base]).collect())
    })
}

#[test]
fn every_short_string_and_split_decodes_as_the_oracle_says() {
    for wire in strings(b"\r\n.a", 8) {
        let expected = oracle(&wire);
        for cuts in 0..1u32 << wire.len().saturating_sub(1) {
            let got = decode(&wire, |at| cuts & (1 << (at - 1)) != 0);
            assert_eq!(got, expected, "{:?} cut at {cuts:b}", wire.escape_ascii().to_string());
        }
    }
}

/// Long plain text is looked at in blocks: every string at every place in and between them.
#[test]
fn every_short_string_anywhere_in_long_text_decodes_and_comes_back() {
    // The decoder's blocks are of 256 octets, and begin after a line; the encoder's of 64.
    let places = || (0..4).chain(58..70).chain(250..262).chain(506..516);
    for (odd, at) in strings(b"\r\n.a", 4).flat_map(|odd| places().map(move |at| (odd.clone(), at))) {
        for line in [&b""[..], b"a line\r\n"] {
            let content = [line, &b"x".repeat(at), &odd[..], &b"y".repeat(300)].concat();
            let mut decoded = oracle(&content);
            assert_eq!(decode(&content, |_| false), decoded, "{at} {:?}", odd.escape_ascii().to_string());
            let wire = encode(&content, Stuffing::AfterCrlf, |n| n == 1);
            decoded = oracle(&wire);
            assert_eq!(decode(&wire, |n| n == 2), decoded);
            assert_eq!(decoded.0, [&content[..], b"\r\n"].concat());
        }
    }
}

fn encode(content: &[u8], stuffing: Stuffing, cut: impl Fn(usize) -> bool) -> Vec<u8> {
    let (mut encoder, mut out) = (DotEncoder::new(stuffing), OutputQueue::new());
    let shared = Bytes::copy_from_slice(content);
    let mut from = 0;
    for to in 1..=content.len() {
        if to == content.len() || cut(to) {
            encoder.put(shared.slice(from..to), &mut out);
            from = to;
        }
    }
    encoder.finish(&mut out);
    out.segments().collect::<Vec<_>>().concat()
}

#[test]
fn every_short_string_and_split_comes_back_from_its_encoding() {
    let longest = std::env::var("DOTS").ok().and_then(|n| n.parse().ok()).unwrap_or(7);
    for content in strings(b"\r\n.a", longest) {
        let mut whole = content.clone();
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            whole.extend(b"\r\n");
        }
        let once = encode(&content, Stuffing::AfterCrlf, |_| false);
        assert_eq!(decode(&once, |_| false), (whole.clone(), Some(once.len()), bare(&whole)));
        let guarded = encode(&content, Stuffing::AfterAnyLf, |_| false);
        // A reader that splits at LF sees the end at the end only, and no less than the content.
        let mut lines = guarded.split_inclusive(|b| *b == b'\n').map(|l| l.strip_suffix(b"\n").unwrap_or(l));
        assert!(lines.by_ref().any(|l| l.strip_suffix(b"\r").unwrap_or(l) == b"."));
        assert_eq!(lines.next(), None, "{:?}", content.escape_ascii().to_string());
        for cuts in 0..1u32 << content.len().saturating_sub(1) {
            let cut = |at: usize| cuts & (1 << (at - 1)) != 0;
            assert_eq!(encode(&content, Stuffing::AfterCrlf, cut), once);
            assert_eq!(encode(&content, Stuffing::AfterAnyLf, cut), guarded);
        }
    }
}

#[test]
fn payload_is_shared_not_copied() {
    let content = Bytes::from([b"x".repeat(5000), b"\r\n.".to_vec(), b"y".repeat(5000)].concat());
    let (mut encoder, mut out) = (DotEncoder::default(), OutputQueue::new());
    encoder.put(content.clone(), &mut out);
    let pointers: Vec<_> = out.segments().map(<[u8]>::as_ptr).collect();
    assert_eq!(pointers[0], content.as_ptr());
    assert_eq!(pointers[2], content[5002..].as_ptr());
}

#[test]
fn a_decoder_is_ready_for_new_data_after_the_end() {
    let mut decoder = DotDecoder::new();
    assert_eq!(decoder.step(b"a\n\r\n"), Dot::Payload(4));
    assert_eq!(decoder.step(b".\r\n"), Dot::End(3));
    assert!(decoder.saw_bare());
    decoder.reset();
    assert!(!decoder.saw_bare());
    assert_eq!(decoder.step(b"."), Dot::Skip(1));
    assert_eq!(decoder.step(b"\r"), Dot::Need);
    assert_eq!(decoder.step(b"\r\n"), Dot::End(2));
    assert_eq!(decoder.step(b".\r\n"), Dot::End(3));
}

proptest! {
    #[test]
    fn long_content_comes_back(
        parts in proptest::collection::vec(prop_oneof![
            Just(b"\r\n".to_vec()), Just(b"\r\n.".to_vec()), Just(b".".to_vec()),
            Just(b"\r".to_vec()), Just(b"\n".to_vec()), "[ -~]{0,90}".prop_map(String::into_bytes),
        ], 0..60),
        cut in 1usize..400,
    ) {
        let content = parts.concat();
        let wire = encode(&content, Stuffing::AfterCrlf, |at| at % cut == 0);
        let mut whole = content;
        if !whole.is_empty() && !whole.ends_with(b"\r\n") {
            whole.extend(b"\r\n");
        }
        let bare = bare(&whole);
        prop_assert_eq!(decode(&wire, |at| at % cut == cut - 1), (whole, Some(wire.len()), bare));
    }
}
