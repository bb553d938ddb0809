//! The MIME reader over real and broken messages: it answers for all of them, and its answers hold together.

use std::fs;

use imap4_proto::types::Envelope as WireEnvelope;
use mail_session::mime::{Envelope, Item, Kind, Scanner, Structure, scan, text_of_part};
use mailstore_api::HeaderScan;

/// Every section that can be named is within its parent, and BODYSTRUCTURE can be written.
fn holds_together(message: &[u8], structure: &Structure) {
    let len = message.len() as u64;
    for (index, part) in structure.parts().iter().enumerate() {
        assert!(part.header.start <= part.header.end, "{part:?}");
        assert_eq!(part.header.end, part.body.start, "{part:?}");
        assert!(part.body.start <= part.body.end && part.body.end <= len, "{part:?}");
        let lines = &message[part.body.start as usize..part.body.end as usize];
        assert_eq!(part.lines, lines.iter().filter(|b| **b == b'\n').count() as u64, "{part:?}");
        let mut from = part.body.start;
        for child in &part.children {
            assert!(*child > index, "parents first");
            let child = structure.part(*child).unwrap();
            assert!(child.header.start >= from && child.body.end <= part.body.end, "{part:?} {child:?}");
            from = child.body.end;
        }
        if part.kind == Kind::Leaf {
            let _ = text_of_part(part, lines);
        }
    }
    let mut out = Vec::new();
    structure.body_structure().encode(&mut out, true, false);
    assert!(out.starts_with(b"(") && out.ends_with(b")"));
    let root = structure.part(0).unwrap();
    WireEnvelope::from(Envelope::from_header(&root.header_octets)).encode(&mut out, false);
    assert_eq!(structure.locate(&[], Item::Content).unwrap().range, 0..len);
    assert!(structure.locate(&[1], Item::Content).is_some() || root.kind == Kind::Multipart);
}

fn read(message: &[u8]) {
    let structure = scan(message);
    holds_together(message, &structure);
    // The header ends where every store ends it.
    assert_eq!(structure.part(0).unwrap().header.end, HeaderScan::split(message) as u64);
    let mut scanner = Scanner::new();
    for chunk in message.chunks(777) {
        scanner.feed(chunk);
    }
    assert_eq!(format!("{:?}", scanner.finish()), format!("{structure:?}"));
}

#[test]
fn every_message_of_the_corpus_is_read() {
    for file in crate::hard().into_iter().chain(crate::corpus()) {
        let message = fs::read(&file).unwrap();
        if message.len() < 2_000_000 {
            println!("{}", file.display());
            read(&message);
        }
    }
}

#[test]
fn damaged_messages_are_read() {
    let mut seed = 1_u32;
    let mut next = |n: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % n
    };
    let start = b"From: a@b (x\r\nTo: g: <@r:c@d>, \"e\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n\
        Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/x; boundary=c\r\n\r\n--c\r\n\r\n=?utf-8?q?=\r\n--c--\r\n--b\r\n\
        Content-Type: text/plain; charset=\"utf-7\r\nContent-Transfer-Encoding: base64\r\n\r\n====\r\n--b--\r\n";
    for _ in 0..3000 {
        let mut message = start.to_vec();
        for _ in 0..next(12) {
            let at = next(message.len().max(1));
            match next(4) {
                0 => {
                    message.truncate(message.len().saturating_sub(1));
                }
                1 => message.insert(at.min(message.len()), b"\r\n-:;\"()<>@= \0\xff"[next(15)]),
                2 => message.truncate(at),
                _ => {
                    let end = (at + next(60)).min(message.len());
                    let piece = message[at.min(end)..end].to_vec();
                    let at = at.min(message.len());
                    message.splice(at..at, piece);
                }
            }
        }
        read(&message);
    }
}
