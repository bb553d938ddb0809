//! What makes ENVELOPE, BODYSTRUCTURE and sections: any octets are a message, every part lies within its parent, any split gives the same tree,
//! and what is told of it a client can read.
#![no_main]
use imap4_proto::types::{Envelope as WireEnvelope, Reading, Response};
use libfuzzer_sys::fuzz_target;
use mail_fuzz::Tape;
use mail_session::mime::{
    ContentType, Decoder, Disposition, Envelope, Item, Kind, MAX_DEPTH, Scanner, Structure,
    day_of_date_field, decode_words, encoding_of_part, fields, parse_addresses, scan, text_of_part, unfold,
};
use mailstore_api::HeaderScan;

fn holds_together(message: &[u8], structure: &Structure) {
    let len = message.len() as u64;
    for (index, part) in structure.parts().iter().enumerate() {
        assert!(part.header.start <= part.header.end && part.header.end == part.body.start, "{part:?}");
        assert!(part.body.start <= part.body.end && part.body.end <= len, "{part:?}");
        let body = &message[part.body.start as usize..part.body.end as usize];
        assert_eq!(part.lines, body.iter().filter(|b| **b == b'\n').count() as u64, "{part:?}");
        let mut from = part.body.start;
        for child in &part.children {
            assert!(*child > index, "parents first");
            let child = structure.part(*child).expect("a part");
            assert!(child.header.start >= from && child.body.end <= part.body.end, "{part:?} {child:?}");
            from = child.body.end;
        }
        if part.kind == Kind::Leaf {
            let _ = text_of_part(part, body);
            if let Some(encoding) = encoding_of_part(part) {
                // What decodes in one piece decodes in many.
                let whole = encoding.decode(body).into_owned();
                let (mut decoder, mut pieces) = (Decoder::new(encoding), Vec::new());
                for chunk in body.chunks(3) {
                    pieces.extend_from_slice(&decoder.feed(chunk));
                }
                pieces.extend_from_slice(&decoder.finish());
                assert_eq!(pieces, whole, "{encoding:?} {}", body.escape_ascii());
            }
        }
        for field in fields(&part.header_octets) {
            let value = unfold(field.value);
            let _ = (parse_addresses(&value), decode_words(&value), day_of_date_field(&value));
            let _ = (ContentType::parse(&value), Disposition::parse(&value));
        }
    }
    let root = structure.part(0).expect("the message");
    assert_eq!(structure.locate(&[], Item::Content).expect("the whole").range, 0..len);
    assert_eq!(root.header.end, HeaderScan::split(message) as u64, "where every store ends the header");
}

/// What FETCH would say is read by the client, and as it was meant.
fn is_told(structure: &Structure) {
    let mut wire = b"* 1 FETCH (ENVELOPE ".to_vec();
    WireEnvelope::from(Envelope::from_header(&structure.parts()[0].header_octets)).encode(&mut wire, false);
    for (name, extensible) in [(" BODY ", false), (" BODYSTRUCTURE ", true)] {
        wire.extend_from_slice(name.as_bytes());
        structure.body_structure().encode(&mut wire, extensible, false);
    }
    wire.extend_from_slice(b")\r\n");
    match Response::parse(&wire, Reading::STRICT) {
        Ok(Response::Fetch(fetched)) => {
            assert_eq!(fetched.items.iter().count(), 3, "{}", wire.escape_ascii())
        }
        other => panic!("{other:?} {}", wire.escape_ascii()),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(tape) = Tape::new(input) else { return };
    let message = tape.wire;
    let structure = scan(message);
    holds_together(message, &structure);
    is_told(&structure);
    let (mut scanner, mut at) = (Scanner::new(), 0);
    for piece in tape.pieces(message.len()) {
        scanner.feed(&message[at..at + piece]);
        at += piece;
    }
    assert_eq!(format!("{:?}", scanner.finish()), format!("{structure:?}"), "another split, another tree");
    let numbers: Vec<u32> = message.iter().take(5).map(|c| u32::from(*c % 3)).collect();
    for n in 0..=numbers.len().min(MAX_DEPTH) {
        for item in [Item::Content, Item::Header, Item::Text, Item::Mime] {
            if let Some(found) = structure.locate(&numbers[..n], item) {
                assert!(found.range.start <= found.range.end && found.range.end <= message.len() as u64);
            }
        }
    }
});
