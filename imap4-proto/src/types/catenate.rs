use alloc::vec::Vec;

use super::{AString, Element, ListOf, SeqNumber};
use crate::{encode, grammar::catenate};

/// One step of CATENATE (RFC 4469 section 5): URL parts, and what comes after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatenatePart<'b> {
    /// URLs whose octets come next in the message, in this order. There may be none.
    pub urls: ListOf<'b, CatenateUrl<'b>>,
    /// `TEXT {n}`: then come so many octets, which stream. `None`: the message is whole after the URLs.
    pub text: Option<u64>,
    /// The text is a literal8 in `UTF8 (~{n}` (RFC 6855 section 4).
    pub utf8: bool,
    /// Whether the client waits for `+` before it sends the text.
    pub synchronizing: bool,
}

impl<'b> CatenatePart<'b> {
    /// URLs, and a text of so many octets, or the message's end.
    #[must_use]
    pub const fn new(urls: ListOf<'b, CatenateUrl<'b>>, text: Option<u64>) -> Self {
        Self { urls, text, utf8: false, synchronizing: true }
    }
}

/// `url = "URL" SP astring` (RFC 4469 section 5): where octets of the message are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatenateUrl<'b>(
    /// The URL (RFC 5092), mostly relative: `/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER`.
    pub AString<'b>,
);

impl<'b> Element<'b> for CatenateUrl<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        catenate::url(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"URL ");
        encode::string(out, &self.0.bytes(), false);
    }
}

/// The message that REPLACE replaces (RFC 8508 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replaced {
    /// `UID REPLACE`: the number is a UID.
    pub uid: bool,
    /// Which message of the selected mailbox.
    pub number: SeqNumber,
}

impl Replaced {
    /// The message of this number, or UID.
    #[must_use]
    pub const fn new(uid: bool, number: SeqNumber) -> Self {
        Self { uid, number }
    }
}
