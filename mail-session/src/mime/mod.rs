//! What the octets of a message say: header fields, addresses, the tree of MIME parts, text.
//!
//! The tree is read by [`Scanner`], in one pass over chunks of any size, keeping headers and offsets only:
//! a message of any size costs the memory of its headers. `mail-parser`, which reads dates here, could not
//! do that: it wants the whole message and decodes every body while it looks for the parts.
//!
//! Nothing here fails: whatever the octets, they are a message. Nothing recurses.
mod address;
mod content;
mod envelope;
mod header;
mod scan;
mod section;
mod structure;
mod text;
mod transfer;
mod words;

pub use address::{Address, parse_addresses};
pub use content::{ContentType, Disposition, Parameter};
pub use envelope::Envelope;
pub use header::{Field, Fields, fields, select_fields, unfold};
pub use scan::{Kind, MAX_DEPTH, MAX_PARTS, Part, Scanner, Structure, scan};
pub use section::{Item, Located};
pub(crate) use text::transfer_encoding_of_part;
pub use text::{day_of_date_field, decode_charset, encoding_of_part, text_of_part};
pub use transfer::{Decoder, Encoding, decode_base64, decode_quoted_printable};
pub use words::decode_words;
