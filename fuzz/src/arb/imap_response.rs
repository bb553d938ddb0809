//! Responses of IMAP.
use std::borrow::Cow;

use arbitrary::Result;
use imap4_proto::types::{
    AString, Address, Attribute, BodyKind, BodyName, BodyStructure, CapabilityList, Code, Disposition,
    Envelope, Esearch, HeaderList, Listed, MailboxAttributes, Multipart, Numbers, PartPath, Reading,
    Response, ResponseCode, ResponseText, Section, SectionText, SinglePart, Status, StatusData, WireEnvelope,
    WireStructure,
};

use super::Source;

type Octets<'a> = Cow<'a, [u8]>;

fn cow<'a>(s: &mut Source<'a>) -> Result<Octets<'a>> {
    s.octets().map(Cow::Borrowed)
}

fn addresses<'a>(s: &mut Source<'a>) -> Result<Vec<Address<'a>>> {
    s.several(0, 2, |s| {
        let mut a = Address::default();
        (a.name, a.route) = (s.maybe(cow)?, s.maybe(cow)?);
        (a.mailbox, a.host) = (s.maybe(cow)?, s.maybe(cow)?);
        Ok(a)
    })
}

fn envelope<'a>(s: &mut Source<'a>) -> Result<Envelope<'a>> {
    let mut e = Envelope::default();
    (e.date, e.subject) = (s.maybe(cow)?, s.maybe(cow)?);
    (e.in_reply_to, e.message_id) = (s.maybe(cow)?, s.maybe(cow)?);
    (e.from, e.sender, e.reply_to) = (addresses(s)?, addresses(s)?, addresses(s)?);
    (e.to, e.cc, e.bcc) = (addresses(s)?, addresses(s)?, addresses(s)?);
    Ok(e)
}

fn parameters<'a>(s: &mut Source<'a>) -> Result<Vec<(Octets<'a>, Octets<'a>)>> {
    s.several(0, 2, |s| Ok((cow(s)?, cow(s)?)))
}

fn disposition<'a>(s: &mut Source<'a>) -> Result<Disposition<'a>> {
    Ok(Disposition::new(cow(s)?, parameters(s)?))
}

/// BODY, where `extensible` is false, says less.
fn structure<'a>(s: &mut Source<'a>, extensible: bool, depth: usize) -> Result<BodyStructure<'a>> {
    let kind = match if depth == 0 || s.u.is_empty() { 0 } else { s.u.int_in_range(0..=5)? } {
        5 => {
            let parts = s.several(1, 3, |s| structure(s, extensible, depth - 1))?;
            let mut multi = Multipart::new(cow(s)?, parts);
            if extensible {
                (multi.parameters, multi.disposition) = (parameters(s)?, s.maybe(disposition)?);
                (multi.language, multi.location) = (s.several(0, 2, cow)?, s.maybe(cow)?);
            }
            return Ok(BodyStructure::Multi(multi));
        }
        4 => BodyKind::Message {
            envelope: Box::new(envelope(s)?),
            body: Box::new(structure(s, extensible, depth - 1)?),
            lines: s.number64()?,
        },
        2 | 3 => BodyKind::Text(s.number64()?),
        _ => BodyKind::Basic,
    };
    let mut part = SinglePart::new(cow(s)?, cow(s)?, cow(s)?, s.number64()?, kind);
    (part.parameters, part.id, part.description) = (parameters(s)?, s.maybe(cow)?, s.maybe(cow)?);
    if extensible {
        (part.md5, part.disposition) = (s.maybe(cow)?, s.maybe(disposition)?);
        (part.language, part.location) = (s.several(0, 2, cow)?, s.maybe(cow)?);
    }
    Ok(BodyStructure::Single(part))
}

fn part_path<'a>(s: &mut Source<'a>) -> Result<PartPath<'a>> {
    let text = *s.u.choose(&["", "1", "2.3", "10.1.4294967295"])?;
    Ok(PartPath::parse(text.as_bytes()).expect("a path"))
}

fn body_name<'a>(s: &mut Source<'a>) -> Result<BodyName<'a>> {
    Ok(match s.u.int_in_range(0..=4)? {
        0 => BodyName::Rfc822,
        1 => BodyName::Rfc822Header,
        2 => BodyName::Binary { part: part_path(s)?, offset: s.maybe(Source::number64)? },
        _ => {
            let fields = HeaderList::parse(b"FROM X-Y").expect("names");
            let text = s.maybe(|s| {
                Ok(*s.u.choose(&[
                    SectionText::Header,
                    SectionText::Text,
                    SectionText::HeaderFields(fields),
                ])?)
            })?;
            BodyName::Section {
                section: Section::new(part_path(s)?, text),
                offset: s.maybe(Source::number64)?,
            }
        }
    })
}

fn attribute<'a>(s: &mut Source<'a>) -> Result<Attribute<'a>> {
    Ok(match s.u.int_in_range(0..=13)? {
        0 => Attribute::Uid(s.number()?),
        1 => Attribute::Flags(s.flags()?),
        2 => Attribute::InternalDate(s.date_time()?),
        3 => Attribute::Rfc822Size(s.number64()?),
        4 => Attribute::ModSeq(s.number64()?),
        5 => {
            let mut wire = Vec::new();
            let envelope = envelope(s)?;
            envelope.encode(&mut wire, false);
            let read = WireEnvelope::parse(s.keep_octets(&wire), Reading::STRICT).expect("what was written");
            assert_eq!(read.to_envelope(), envelope, "{}", wire.escape_ascii());
            Attribute::Envelope(read)
        }
        6 | 7 => {
            let extensible = s.coin()?;
            let (mut wire, body) = (Vec::new(), structure(s, extensible, 6)?);
            body.encode(&mut wire, extensible, false);
            let read = WireStructure::parse(s.keep_octets(&wire), Reading::STRICT).expect("what was written");
            assert_eq!(read.to_structure(), body, "{}", wire.escape_ascii());
            Attribute::Structure { extensible, body: read }
        }
        8 => Attribute::BinarySize { part: part_path(s)?, octets: s.number64()? },
        9 => Attribute::SaveDate(s.maybe(Source::date_time)?),
        10 => Attribute::Preview(s.maybe(Source::astring)?),
        11 => Attribute::EmailId(s.word_of(b"aZ0_-", 20)?),
        12 => Attribute::ThreadId(s.maybe(|s| s.word_of(b"aZ0_-", 20))?),
        _ => Attribute::Body { name: body_name(s)?, value: s.maybe(Source::astring)? },
    })
}

/// What a FETCH response says of a message.
///
/// # Errors
/// Where the octets do not suffice.
pub fn fetch_attributes<'a>(s: &mut Source<'a>) -> Result<Vec<Attribute<'a>>> {
    s.several(1, 4, attribute)
}

fn capabilities<'a>(s: &mut Source<'a>) -> Result<CapabilityList<'a>> {
    let names = s.several(1, 4, |s| s.word_of(b"ABX0=+-", 8))?.join(" ");
    Ok(CapabilityList::parse(s.keep(&names).as_bytes()).expect("names"))
}

fn code<'a>(s: &mut Source<'a>) -> Result<ResponseCode<'a>> {
    use ResponseCode as R;
    Ok(match s.u.int_in_range(0..=10)? {
        0 => R::Plain(Code::UidNext(s.number()?)),
        1 => R::Plain(Code::UidValidity(s.number()?)),
        2 => R::Plain(Code::HighestModSeq(s.number64()?)),
        3 => R::Capability(capabilities(s)?),
        4 => R::PermanentFlags(s.flags()?),
        5 => R::AppendUid { uid_validity: s.number()?, uids: s.uid_set()? },
        6 => R::CopyUid { uid_validity: s.number()?, from: s.uid_set()?, to: s.uid_set()? },
        7 => R::Modified(s.uid_set()?),
        8 => R::BadCharset(b"UTF-8 \"X Y\""),
        9 => {
            R::Plain(Code::Other("X-FOO", s.maybe(|s| s.word_of(b"a ()\"1", 9))?.filter(|t| t.trim() == *t)))
        }
        _ => R::Plain(*s.u.choose(&[
            Code::Alert,
            Code::Parse,
            Code::ReadOnly,
            Code::ReadWrite,
            Code::TryCreate,
            Code::NoModSeq,
            Code::Closed,
            Code::Unavailable,
            Code::AuthenticationFailed,
            Code::OverQuota,
            Code::TooBig,
            Code::HasChildren,
            Code::UnknownCte,
            Code::Limit,
            Code::UseAttr,
        ])?),
    })
}

fn text<'a>(s: &mut Source<'a>) -> Result<ResponseText<'a>> {
    let code = s.maybe(code)?;
    Ok(ResponseText::new(code, s.word_of(b"abz.!{(})", 20)?.as_bytes()))
}

/// A response but for FETCH, as it would be read.
///
/// # Errors
/// Where the octets do not suffice.
pub fn response<'a>(s: &mut Source<'a>) -> Result<Response<'a>> {
    use Response as R;
    Ok(match s.u.int_in_range(0..=14)? {
        0 => R::Tagged {
            tag: s.word_of(b"aZ0.", 8)?,
            status: *s.u.choose(&[Status::Ok, Status::No, Status::Bad])?,
            text: text(s)?,
        },
        1 => R::Continue(text(s)?),
        2 => R::Condition {
            status: *s.u.choose(&[Status::Ok, Status::No, Status::Bad, Status::Bye, Status::PreAuth])?,
            text: text(s)?,
        },
        3 => R::Capability(capabilities(s)?),
        4 => R::Enabled(capabilities(s)?),
        5 => R::Flags(s.flags()?),
        6 => {
            let delimiter = s.maybe(|s| Ok(*s.u.choose(&['/', '.', '\\', '"'])?))?;
            let mut listed =
                Listed::new(MailboxAttributes::from_bits(s.u.arbitrary()?), delimiter, s.mailbox(false)?);
            (listed.child_subscribed, listed.old_name) = (s.coin()?, s.maybe(|s| s.mailbox(false))?);
            if s.coin()? { R::List(listed) } else { R::Lsub(listed) }
        }
        7 => {
            let mut data = StatusData::default();
            (data.messages, data.recent) = (s.maybe(Source::number)?, s.maybe(Source::number)?);
            (data.uid_next, data.uid_validity) = (s.maybe(Source::number)?, s.maybe(Source::number)?);
            (data.unseen, data.deleted) = (s.maybe(Source::number)?, s.maybe(Source::number)?);
            (data.size, data.highest_modseq) = (s.maybe(Source::number64)?, s.maybe(Source::number64)?);
            data.append_limit = s.maybe(|s| s.maybe(Source::number64))?;
            R::Status { mailbox: s.mailbox(false)?, data }
        }
        8 => {
            let found = s.several(0, 5, |s| Ok(s.nz_number()?.to_string()))?.join(" ");
            let found = if found.is_empty() {
                Numbers::default()
            } else {
                Numbers::parse(s.keep(&found).as_bytes()).expect("numbers")
            };
            R::Search { found, modseq: s.maybe(Source::number64)? }
        }
        9 => {
            let mut data = Esearch::default();
            (data.tag, data.uid) = (s.maybe(Source::octets)?.map(AString::new), s.coin()?);
            (data.min, data.max) = (s.maybe(Source::number)?, s.maybe(Source::number)?);
            (data.count, data.all) = (s.maybe(Source::number)?, s.maybe(Source::uid_set)?);
            data.modseq = s.maybe(Source::number64)?;
            R::Esearch(data)
        }
        10 => R::Exists(s.number()?),
        11 => R::Recent(s.number()?),
        12 => R::Expunge(s.nz_number()?),
        13 => R::Vanished { earlier: s.coin()?, uids: s.uid_set()? },
        _ => R::Other(b"X-THING (1 2) {x}"),
    })
}
