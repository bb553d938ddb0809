//! What the fuzz targets share.
//!
//! An input is a [`Tape`]: an octet that chooses where the machine stands, the cuts of the wire, and the wire. Machines are
//! [driven](drive) as a host would drive them, twice: in the pieces that the tape says, and whole. Both must say the same.
#![forbid(unsafe_code)]

use imap4_proto::types::{Attribute, Reading, Response, WireEnvelope, WireStructure};
use mail_wire::{DotEncoder, OutputQueue, Stuffing};

pub mod arb;
mod differences;
mod drive;
pub mod model;
pub mod pipe;
mod tape;

pub use differences::{IMAP, SMTP, differ};
pub use drive::{Report, drive, drive_client};
pub use tape::Tape;

/// `content` as the encoder stuffs it, in these pieces.
#[must_use]
pub fn stuff(content: &[u8], pieces: impl Iterator<Item = usize>) -> Vec<u8> {
    let (mut encoder, mut out, mut at) = (DotEncoder::new(Stuffing::AfterCrlf), OutputQueue::new(), 0);
    for piece in pieces {
        encoder.put(bytes::Bytes::copy_from_slice(&content[at..at + piece]), &mut out);
        at += piece;
    }
    encoder.finish(&mut out);
    out.segments().flatten().copied().collect()
}

/// What a response that was read in this way is written as, is read again and written as the same: also strictly, where it was read
/// tolerantly. What only a tolerance reads is malformed otherwise, and carried as it is. Read as the same it need not be: a multipart
/// without parts is written with an empty one, since `1*body` is what the grammar has.
///
/// # Panics
/// Where that is not so.
pub fn comes_back(response: &Response<'_>, reading: Reading) {
    if let Response::Fetch(fetched) = response {
        fetched.items.iter().for_each(|item| means_the_same(&item));
    }
    let mut wire = Vec::new();
    response.encode(&mut wire);
    for reading in [Reading::STRICT, reading] {
        match Response::parse(&wire, reading) {
            Ok(again) => {
                let mut rewritten = Vec::new();
                again.encode(&mut rewritten);
                assert_eq!(rewritten.escape_ascii().to_string(), wire.escape_ascii().to_string());
            }
            Err(e) => panic!("{e:?}: {}", wire.escape_ascii()),
        }
    }
}

/// An ENVELOPE or a BODYSTRUCTURE that was read lies in its text; made a value and written, it means what it meant.
fn means_the_same(item: &Attribute<'_>) {
    let mut wire = Vec::new();
    match item {
        Attribute::Envelope(read) => {
            read.to_envelope().encode(&mut wire, false);
            match WireEnvelope::parse(&wire, Reading::STRICT) {
                Ok(again) => assert_eq!(again.to_envelope(), read.to_envelope(), "{}", wire.escape_ascii()),
                Err(e) => panic!("{e:?}: {}", wire.escape_ascii()),
            }
        }
        Attribute::Structure { extensible, body } => {
            body.to_structure().encode(&mut wire, *extensible, false);
            match WireStructure::parse(&wire, Reading::STRICT) {
                Ok(again) => {
                    let mut rewritten = Vec::new();
                    again.to_structure().encode(&mut rewritten, *extensible, false);
                    assert_eq!(rewritten.escape_ascii().to_string(), wire.escape_ascii().to_string());
                }
                Err(e) => panic!("{e:?}: {}", wire.escape_ascii()),
            }
        }
        _ => {}
    }
}
