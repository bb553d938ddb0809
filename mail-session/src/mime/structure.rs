use std::borrow::Cow;

use imap4_proto::types as wire;

use super::{
    Address, ContentType, Disposition, Envelope, Kind, Part, Structure,
    content::{parse_token, parse_tokens},
    fields, unfold,
};

type Text = Cow<'static, [u8]>;

fn text(octets: Vec<u8>) -> Text {
    Cow::Owned(octets)
}

impl From<Address> for wire::Address<'static> {
    fn from(address: Address) -> Self {
        let mut out = Self::default();
        out.name = address.name.map(text);
        out.route = address.route.map(text);
        out.mailbox = address.mailbox.map(text);
        out.host = address.host.map(text);
        out
    }
}

impl From<Envelope> for wire::Envelope<'static> {
    fn from(envelope: Envelope) -> Self {
        let list = |list: Vec<Address>| list.into_iter().map(Into::into).collect();
        let mut out = Self::default();
        out.date = envelope.date.map(text);
        out.subject = envelope.subject.map(text);
        out.from = list(envelope.from);
        out.sender = list(envelope.sender);
        out.reply_to = list(envelope.reply_to);
        out.to = list(envelope.to);
        out.cc = list(envelope.cc);
        out.bcc = list(envelope.bcc);
        out.in_reply_to = envelope.in_reply_to.map(text);
        out.message_id = envelope.message_id.map(text);
        out
    }
}

/// The fields of a part's header that BODYSTRUCTURE shows.
#[derive(Default)]
struct Shown {
    id: Option<Text>,
    description: Option<Text>,
    encoding: Option<Text>,
    md5: Option<Text>,
    disposition: Option<wire::Disposition<'static>>,
    language: Vec<Text>,
    location: Option<Text>,
}

impl Shown {
    fn of(part: &Part) -> Self {
        let mut shown = Self::default();
        for field in fields(&part.header_octets) {
            let mut name = [0_u8; 25];
            let Some(folded) = name.get_mut(..field.name.len()) else { continue };
            folded.copy_from_slice(field.name);
            folded.make_ascii_lowercase();
            let value = || Some(unfold(field.value).into_owned()).filter(|v| !v.is_empty()).map(text);
            match &*folded {
                b"content-id" if shown.id.is_none() => shown.id = value(),
                b"content-description" if shown.description.is_none() => shown.description = value(),
                b"content-transfer-encoding" if shown.encoding.is_none() => {
                    shown.encoding = parse_token(field.value).map(text);
                }
                b"content-md5" if shown.md5.is_none() => shown.md5 = value(),
                b"content-disposition" if shown.disposition.is_none() => {
                    shown.disposition = Disposition::parse(field.value)
                        .map(|d| wire::Disposition::new(text(d.kind), parameters(d.parameters)));
                }
                b"content-language" if shown.language.is_empty() => {
                    shown.language = parse_tokens(field.value).into_iter().map(text).collect();
                }
                b"content-location" if shown.location.is_none() => shown.location = value(),
                _ => {}
            }
        }
        shown
    }
}

fn parameters(list: Vec<(Vec<u8>, Vec<u8>)>) -> wire::Parameters<'static> {
    list.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

impl Structure {
    /// What BODYSTRUCTURE says of the message (RFC 9051 section 7.5.2). Octets and lines are those of the
    /// encoded content; lines are counted by their ends.
    #[must_use]
    pub fn body_structure(&self) -> wire::BodyStructure<'static> {
        // Children come after their parents: from the end, all of a part's children are there before it.
        let mut built: Vec<Option<wire::BodyStructure<'static>>> = Vec::new();
        built.resize_with(self.parts().len(), || None);
        for (index, part) in self.parts().iter().enumerate().rev() {
            let children: Vec<_> =
                part.children.iter().filter_map(|c| built.get_mut(*c).and_then(Option::take)).collect();
            let structure = match part.kind {
                Kind::Multipart => multipart(part, children),
                _ => self.single(part, children.into_iter().next()),
            };
            if let Some(place) = built.get_mut(index) {
                *place = Some(structure);
            }
        }
        match built.into_iter().next().flatten() {
            Some(structure) => structure,
            // There is always a first part.
            None => wire::BodyStructure::Multi(wire::Multipart::new(text(b"mixed".to_vec()), Vec::new())),
        }
    }

    fn single(
        &self,
        part: &Part,
        child: Option<wire::BodyStructure<'static>>,
    ) -> wire::BodyStructure<'static> {
        let shown = Shown::of(part);
        let mut content_type = part.content_type.clone();
        if content_type.is("text", "") && content_type.parameter("charset").is_none() {
            // RFC 2045 section 5.2, RFC 6657: what it means when it is absent.
            content_type.parameters.push((b"charset".to_vec(), b"us-ascii".to_vec()));
        }
        let inner = part.children.first().and_then(|c| self.part(*c));
        let kind = match (part.kind, child, inner) {
            (Kind::Message, Some(body), Some(inner)) => wire::BodyKind::Message {
                envelope: Box::new(Envelope::from_header(&inner.header_octets).into()),
                body: Box::new(body),
                lines: part.lines,
            },
            (Kind::Leaf, ..) if content_type.is("text", "") => wire::BodyKind::Text(part.lines),
            (Kind::Leaf, ..) => wire::BodyKind::Basic,
            // Not looked into, and so not to be called by the name of what can be.
            _ => {
                content_type = ContentType::octet_stream();
                wire::BodyKind::Basic
            }
        };
        let mut single = wire::SinglePart::new(
            text(content_type.main),
            text(content_type.sub),
            shown.encoding.unwrap_or(Cow::Borrowed(b"7bit")),
            part.body.end.saturating_sub(part.body.start),
            kind,
        );
        single.parameters = parameters(content_type.parameters);
        single.id = shown.id;
        single.description = shown.description;
        single.md5 = shown.md5;
        single.disposition = shown.disposition;
        single.language = shown.language;
        single.location = shown.location;
        wire::BodyStructure::Single(single)
    }
}

fn multipart(part: &Part, children: Vec<wire::BodyStructure<'static>>) -> wire::BodyStructure<'static> {
    let shown = Shown::of(part);
    let mut multipart = wire::Multipart::new(text(part.content_type.sub.clone()), children);
    multipart.parameters = parameters(part.content_type.parameters.clone());
    multipart.disposition = shown.disposition;
    multipart.language = shown.language;
    multipart.location = shown.location;
    wire::BodyStructure::Multi(multipart)
}
