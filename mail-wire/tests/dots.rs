//! Dot decoding and encoding against naive oracles, for every short string and every split of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use bytes::Bytes;
use mail_wire::{Dot, DotDecoder, DotEncoder, OutputQueue, Stuffing, every_split};
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

/// A decoder, what it has not taken yet, and what came of it.
#[derive(Clone, PartialEq, Default)]
struct Decoding {
    decoder: DotDecoder,
    input: Vec<u8>,
    content: Vec<u8>,
    /// Octets used up to the end.
    ended: Option<usize>,
    used: usize,
}

impl Decoding {
    fn feed(&mut self, piece: &[u8]) {
        if self.ended.is_some() {
            return;
        }
        self.input.extend_from_slice(piece);
        loop {
            let n = match self.decoder.step(&self.input) {
                Dot::Payload(n) => {
                    self.content.extend_from_slice(&self.input[..n]);
                    n
                }
                Dot::Skip(n) => n,
                Dot::End(n) => {
                    self.used += n;
                    self.ended = Some(self.used);
                    self.input.clear();
                    return;
                }
                _ => return,
            };
            self.input.drain(..n);
            self.used += n;
        }
    }
}

#[test]
fn every_short_string_and_split_decodes_as_the_oracle_says() {
    every_split(Decoding::default(), b"\r\n.a", 8, Decoding::feed, |wire, got| {
        let got = (got.content.clone(), got.ended, got.decoder.saw_bare());
        assert_eq!(got, oracle(wire), "{:?}", wire.escape_ascii().to_string());
    });
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
    let start = [Stuffing::AfterCrlf, Stuffing::AfterAnyLf].map(|s| (DotEncoder::new(s), Vec::new()));
    let put = |both: &mut [(DotEncoder, Vec<u8>); 2], piece: &[u8]| {
        for (encoder, wire) in both {
            let mut out = OutputQueue::new();
            encoder.put(Bytes::copy_from_slice(piece), &mut out);
            wire.extend(out.segments().flatten());
        }
    };
    every_split(start, b"\r\n.a", 8, put, |content, both| {
        let [exact, guarded] = both.clone().map(|(mut encoder, mut wire)| {
            let mut out = OutputQueue::new();
            encoder.finish(&mut out);
            wire.extend(out.segments().flatten());
            wire
        });
        let mut whole = content.to_vec();
        if !content.is_empty() && !content.ends_with(b"\r\n") {
            whole.extend(b"\r\n");
        }
        let bare = bare(&whole);
        assert_eq!(decode(&exact, |_| false), (whole, Some(exact.len()), bare));
        // A reader that splits at LF sees the end at the end only, and no less than the content.
        let mut lines = guarded.split_inclusive(|b| *b == b'\n').map(|l| l.strip_suffix(b"\n").unwrap_or(l));
        assert!(lines.by_ref().any(|l| l.strip_suffix(b"\r").unwrap_or(l) == b"."));
        assert_eq!(lines.next(), None, "{:?}", content.escape_ascii().to_string());
    });
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
