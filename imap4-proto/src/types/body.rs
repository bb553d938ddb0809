use alloc::{borrow::Cow, boxed::Box, vec::Vec};

use super::Envelope;

/// BODYSTRUCTURE (RFC 9051 section 7.5.2): a message's MIME structure, as values that can be built, changed and written. What a client reads is
/// a [`WireStructure`](super::WireStructure), which can become one.
///
/// It may nest as deep as whoever builds it lets it: encoding uses no recursion, but dropping does, so
/// some hundred levels are a sensible bound.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyStructure<'a> {
    /// A part without parts.
    Single(SinglePart<'a>),
    /// `multipart/*`
    Multi(Multipart<'a>),
}

/// Attribute and value pairs of Content-Type or Content-Disposition.
pub type Parameters<'a> = Vec<(Cow<'a, [u8]>, Cow<'a, [u8]>)>;

/// `body-type-1part` (RFC 9051 section 9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinglePart<'a> {
    /// As `TEXT`.
    pub media_type: Cow<'a, [u8]>,
    /// As `PLAIN`.
    pub media_subtype: Cow<'a, [u8]>,
    /// Parameters of Content-Type.
    pub parameters: Parameters<'a>,
    /// Content-ID
    pub id: Option<Cow<'a, [u8]>>,
    /// Content-Description
    pub description: Option<Cow<'a, [u8]>>,
    /// Content-Transfer-Encoding, as `7BIT`.
    pub encoding: Cow<'a, [u8]>,
    /// Octets of the body as encoded.
    pub octets: u64,
    /// What the type adds.
    pub kind: BodyKind<'a>,
    /// Content-MD5 (extension data).
    pub md5: Option<Cow<'a, [u8]>>,
    /// Content-Disposition (extension data).
    pub disposition: Option<Disposition<'a>>,
    /// Content-Language (extension data).
    pub language: Vec<Cow<'a, [u8]>>,
    /// Content-Location (extension data).
    pub location: Option<Cow<'a, [u8]>>,
}

impl<'a> SinglePart<'a> {
    /// A part with the fields that are always there; the rest is empty.
    #[must_use]
    pub const fn new(
        media_type: Cow<'a, [u8]>,
        media_subtype: Cow<'a, [u8]>,
        encoding: Cow<'a, [u8]>,
        octets: u64,
        kind: BodyKind<'a>,
    ) -> Self {
        Self {
            media_type,
            media_subtype,
            parameters: Vec::new(),
            id: None,
            description: None,
            encoding,
            octets,
            kind,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }
}

/// What a single part's type adds to its structure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyKind<'a> {
    /// Nothing.
    Basic,
    /// `text/*`: how many lines.
    Text(u64),
    /// `message/rfc822` and `message/global`.
    Message {
        /// The inner message's envelope.
        envelope: Box<Envelope<'a>>,
        /// The inner message's structure.
        body: Box<BodyStructure<'a>>,
        /// How many lines.
        lines: u64,
    },
}

/// `body-type-mpart` (RFC 9051 section 9).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Multipart<'a> {
    /// The parts. The grammar wants at least one; where there is none, an empty text part is written.
    pub parts: Vec<BodyStructure<'a>>,
    /// As `MIXED`.
    pub media_subtype: Cow<'a, [u8]>,
    /// Parameters of Content-Type (extension data).
    pub parameters: Parameters<'a>,
    /// Content-Disposition (extension data).
    pub disposition: Option<Disposition<'a>>,
    /// Content-Language (extension data).
    pub language: Vec<Cow<'a, [u8]>>,
    /// Content-Location (extension data).
    pub location: Option<Cow<'a, [u8]>>,
}

impl<'a> Multipart<'a> {
    /// A multipart without extension data.
    #[must_use]
    pub const fn new(media_subtype: Cow<'a, [u8]>, parts: Vec<BodyStructure<'a>>) -> Self {
        Self {
            parts,
            media_subtype,
            parameters: Vec::new(),
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }
}

/// Content-Disposition (RFC 2183).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disposition<'a> {
    /// As `attachment`.
    pub kind: Cow<'a, [u8]>,
    /// Its parameters.
    pub parameters: Parameters<'a>,
}

impl<'a> Disposition<'a> {
    /// A disposition.
    #[must_use]
    pub const fn new(kind: Cow<'a, [u8]>, parameters: Parameters<'a>) -> Self {
        Self { kind, parameters }
    }
}
