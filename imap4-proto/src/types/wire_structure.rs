use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use super::{
    AString, BodyKind, BodyStructure, Disposition, MalformedResponse, Multipart, NString, Parameters,
    Reading, SinglePart, WireEnvelope, wire_envelope::octets,
};
use crate::grammar::response::{EMPTY, Node, NodeKind, Read, Reader, StringIter};

/// BODY or BODYSTRUCTURE as a server wrote it (RFC 9051 section 7.5.2). Its form was checked once, and where its parts begin was
/// noted: walking over them costs no more than a step each, however deep they nest. What a part says is read where it is asked for.
///
/// ```
/// use imap4_proto::types::{Reading, WireBody, WireStructure};
/// let text = br#"(("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 12 1)("IMAGE" "PNG" NIL NIL NIL "BASE64" 900) "MIXED")"#;
/// let structure = WireStructure::parse(text, Reading::TOLERANT)?;
/// let mut found = Vec::new();
/// for part in structure.parts() {
///     if let WireBody::Single(single) = part.read() && single.media_type.eq_ignore_ascii_case(b"text") {
///         found.push((part.number(), single.octets));
///     }
/// }
/// assert_eq!(found, [(vec![1], 12)]);
/// assert_eq!(structure.root().parts().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct WireStructure<'b> {
    text: &'b [u8],
    reading: Reading,
    /// The whole is the first of them.
    nodes: Vec<Node>,
}

impl<'b> WireStructure<'b> {
    pub(crate) const fn new(text: &'b [u8], reading: Reading, nodes: Vec<Node>) -> Self {
        Self { text, reading, nodes }
    }

    /// Reads the whole of a value: one that was kept, as [`as_bytes`](Self::as_bytes) gives it.
    ///
    /// # Errors
    /// [`MalformedResponse`] says what is missing.
    pub fn parse(text: &'b [u8], reading: Reading) -> Result<Self, MalformedResponse> {
        let mut reader = Reader::new(text, reading);
        match reader.body() {
            Ok(nodes) if reader.rest().is_empty() => Ok(Self::new(text, reading, nodes)),
            Ok(_) => Err(MalformedResponse("Something follows the body structure")),
            Err(fault) => Err(MalformedResponse(fault.0)),
        }
    }

    /// Its text, from parenthesis to parenthesis.
    #[must_use]
    pub const fn as_bytes(&self) -> &'b [u8] {
        self.text
    }

    /// The message itself.
    #[must_use]
    pub const fn root(&self) -> WirePart<'_, 'b> {
        WirePart { of: self, at: 0 }
    }

    /// The message itself and all parts in it, each before those within it.
    pub fn parts(&self) -> impl Iterator<Item = WirePart<'_, 'b>> + Clone {
        (0..self.nodes.len()).map(|at| WirePart { of: self, at })
    }

    /// All of it as values, which can be changed and written.
    #[must_use]
    pub fn to_structure(&self) -> BodyStructure<'b> {
        let mut done: Vec<BodyStructure<'b>> = Vec::new();
        // From the end: what is within a part is there before it, the first on top.
        for at in (0..self.nodes.len()).rev() {
            let part = WirePart { of: self, at };
            let body = match part.read() {
                WireBody::Single(single) => BodyStructure::Single(single.to_part(&mut done)),
                WireBody::Multi(multi) => {
                    let parts = part.parts().filter_map(|_| done.pop()).collect();
                    BodyStructure::Multi(multi.to_multipart(parts))
                }
            };
            done.push(body);
        }
        done.pop().unwrap_or_else(|| BodyStructure::Multi(WireMulti::EMPTY.to_multipart(Vec::new())))
    }
}

/// Two are equal when they mean the same.
impl PartialEq for WireStructure<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.reading == other.reading
            || self.to_structure() == other.to_structure()
    }
}
impl Eq for WireStructure<'_> {}
impl fmt::Debug for WireStructure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_structure().fmt(f)
    }
}

/// One part of a [`WireStructure`].
#[derive(Clone, Copy)]
pub struct WirePart<'s, 'b> {
    of: &'s WireStructure<'b>,
    at: usize,
}

impl<'s, 'b> WirePart<'s, 'b> {
    fn node(&self) -> Option<&'s Node> {
        self.of.nodes.get(self.at)
    }

    /// The first part that is not within this one.
    fn end(&self) -> usize {
        self.node().and_then(|n| usize::try_from(n.end).ok()).unwrap_or(usize::MAX)
    }

    /// Whether it is a multipart with parts.
    #[must_use]
    pub fn is_multi(&self) -> bool {
        self.node().is_some_and(|n| n.kind == NodeKind::Multi)
    }

    /// The parts right within it: those of a multipart, or the structure of a message.
    pub fn parts(&self) -> impl Iterator<Item = Self> + Clone + use<'s, 'b> {
        let (of, end) = (self.of, self.end());
        let mut at = self.at + 1;
        core::iter::from_fn(move || {
            let part = WirePart { of, at };
            (at < end).then(|| {
                at = part.end();
                part
            })
        })
    }

    /// Its number, as FETCH takes it (RFC 9051 section 6.4.5.1): `[2, 1]` is `BODY[2.1]`. The parts of a message that is the part `2` are
    /// numbered from `2.1`. There is none for a multipart that is a whole message; its text is `BODY[TEXT]`, or `BODY[2.TEXT]`.
    #[must_use]
    pub fn number(&self) -> Vec<u32> {
        let mut number = Vec::new();
        let mut part = self.of.root();
        // A message, whose structure comes next: one that has no parts is the part 1.
        let mut whole = true;
        loop {
            if whole && !part.is_multi() {
                number.push(1);
            }
            if part.at >= self.at {
                break;
            }
            let is_multi = part.is_multi();
            let within = part.parts().zip(1..).find(|(inner, _)| self.at < inner.end());
            let Some((inner, n)) = within else { break };
            if is_multi {
                number.push(n);
            }
            (part, whole) = (inner, !is_multi);
        }
        if whole && self.is_multi() {
            number.clear();
        }
        number
    }

    /// What it says.
    #[must_use]
    pub fn read(&self) -> WireBody<'b> {
        let mut reader = Reader::new(self.of.text, self.of.reading);
        match self.node().map(|node| reader.node(node)) {
            Some(Read::Single(single)) => WireBody::Single(single),
            Some(Read::Multi(multi)) => WireBody::Multi(multi),
            None => WireBody::Multi(WireMulti::EMPTY),
        }
    }
}

impl fmt::Debug for WirePart<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}

/// What a part says.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum WireBody<'b> {
    /// A part without parts, or a message.
    Single(WireSingle<'b>),
    /// `multipart/*`
    Multi(WireMulti<'b>),
}

/// `body-type-1part` (RFC 9051 section 9).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WireSingle<'b> {
    /// As `TEXT`.
    pub media_type: AString<'b>,
    /// As `PLAIN`.
    pub media_subtype: AString<'b>,
    /// Parameters of Content-Type: names, each followed by its value.
    pub parameters: WireStrings<'b>,
    /// Content-ID
    pub id: NString<'b>,
    /// Content-Description
    pub description: NString<'b>,
    /// Content-Transfer-Encoding, as `7BIT`.
    pub encoding: AString<'b>,
    /// Octets of the body as encoded.
    pub octets: u64,
    /// What the type adds.
    pub kind: WireKind<'b>,
    /// Content-MD5 (extension data).
    pub md5: NString<'b>,
    /// Content-Disposition (extension data).
    pub disposition: Option<WireDisposition<'b>>,
    /// Content-Language (extension data).
    pub language: WireStrings<'b>,
    /// Content-Location (extension data).
    pub location: NString<'b>,
}

/// What a single part's type adds to its structure.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum WireKind<'b> {
    /// Nothing.
    Basic,
    /// `text/*`: how many lines.
    Text(u64),
    /// `message/rfc822` and `message/global`. The inner message's structure is the one part within.
    Message {
        /// The inner message's envelope.
        envelope: WireEnvelope<'b>,
        /// How many lines.
        lines: u64,
    },
}

/// `body-type-mpart` (RFC 9051 section 9), without its parts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WireMulti<'b> {
    /// As `MIXED`.
    pub media_subtype: AString<'b>,
    /// Parameters of Content-Type (extension data): names, each followed by its value.
    pub parameters: WireStrings<'b>,
    /// Content-Disposition (extension data).
    pub disposition: Option<WireDisposition<'b>>,
    /// Content-Language (extension data).
    pub language: WireStrings<'b>,
    /// Content-Location (extension data).
    pub location: NString<'b>,
}

/// Content-Disposition (RFC 2183).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WireDisposition<'b> {
    /// As `attachment`.
    pub kind: AString<'b>,
    /// Its parameters: names, each followed by its value.
    pub parameters: WireStrings<'b>,
}

impl WireDisposition<'_> {
    pub(crate) const EMPTY: Self = Self { kind: EMPTY, parameters: WireStrings::EMPTY };
}

impl<'b> WireMulti<'b> {
    pub(crate) const EMPTY: Self = Self {
        media_subtype: EMPTY,
        parameters: WireStrings::EMPTY,
        disposition: None,
        language: WireStrings::EMPTY,
        location: None,
    };

    fn to_multipart(self, parts: Vec<BodyStructure<'b>>) -> Multipart<'b> {
        Multipart {
            parts,
            media_subtype: self.media_subtype.bytes(),
            parameters: self.parameters.to_parameters(),
            disposition: self.disposition.map(WireDisposition::to_disposition),
            language: self.language.iter().map(|s| s.bytes()).collect(),
            location: octets(self.location),
        }
    }
}

impl<'b> WireDisposition<'b> {
    fn to_disposition(self) -> Disposition<'b> {
        Disposition { kind: self.kind.bytes(), parameters: self.parameters.to_parameters() }
    }
}

impl<'b> WireSingle<'b> {
    pub(crate) const EMPTY: Self = Self {
        media_type: EMPTY,
        media_subtype: EMPTY,
        parameters: WireStrings::EMPTY,
        id: None,
        description: None,
        encoding: EMPTY,
        octets: 0,
        kind: WireKind::Basic,
        md5: None,
        disposition: None,
        language: WireStrings::EMPTY,
        location: None,
    };

    /// Takes the structure of a message from the end of `inner`.
    fn to_part(self, inner: &mut Vec<BodyStructure<'b>>) -> SinglePart<'b> {
        let kind = match self.kind {
            WireKind::Basic => BodyKind::Basic,
            WireKind::Text(lines) => BodyKind::Text(lines),
            WireKind::Message { envelope, lines } => match inner.pop() {
                Some(body) => BodyKind::Message {
                    envelope: Box::new(envelope.to_envelope()),
                    body: Box::new(body),
                    lines,
                },
                None => BodyKind::Basic,
            },
        };
        SinglePart {
            media_type: self.media_type.bytes(),
            media_subtype: self.media_subtype.bytes(),
            parameters: self.parameters.to_parameters(),
            id: octets(self.id),
            description: octets(self.description),
            encoding: self.encoding.bytes(),
            octets: self.octets,
            kind,
            md5: octets(self.md5),
            disposition: self.disposition.map(WireDisposition::to_disposition),
            language: self.language.iter().map(|s| s.bytes()).collect(),
            location: octets(self.location),
        }
    }
}

/// A list of strings in a [`WireStructure`]; NIL is an empty one.
#[derive(Clone, Copy)]
pub struct WireStrings<'b> {
    text: &'b [u8],
    reading: Reading,
}

impl<'b> WireStrings<'b> {
    pub(crate) const EMPTY: Self = Self { text: &[], reading: Reading::STRICT };

    pub(crate) const fn new(text: &'b [u8], reading: Reading) -> Self {
        Self { text, reading }
    }

    /// The strings, in their order.
    pub fn iter(&self) -> impl Iterator<Item = AString<'b>> + Clone + 'b {
        StringIter::new(self.text, self.reading)
    }

    /// By twos: names and values of parameters.
    pub fn pairs(&self) -> impl Iterator<Item = (AString<'b>, AString<'b>)> + Clone + 'b {
        let mut all = StringIter::new(self.text, self.reading);
        core::iter::from_fn(move || all.next().zip(all.next()))
    }

    /// The value of the parameter of this name, in any case (RFC 2231 forms such as `name*0` are other names).
    #[must_use]
    pub fn value_of(&self, name: &[u8]) -> NString<'b> {
        self.pairs().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn to_parameters(self) -> Parameters<'b> {
        self.pairs().map(|(name, value)| (name.bytes(), value.bytes())).collect()
    }
}

impl fmt::Debug for WireStrings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
