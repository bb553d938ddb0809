//! BODY and BODYSTRUCTURE, with the structures that are open on a stack of their own.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};

use super::{
    envelope::{envelope, text},
    value::{skip, sp_or_more, string},
};
use crate::grammar::{Fault, Parse, fault, number::number64, octet, string::nil};
use crate::types::{
    BodyKind, BodyStructure, Disposition, Envelope, Multipart, Parameters, Quirks, Reading, SinglePart,
};

/// How deep parts may nest.
const MAX_DEPTH: usize = 128;

/// A structure whose inner structure is being read.
enum Open<'b> {
    Multi(Vec<BodyStructure<'b>>),
    Message(Box<SinglePart<'b>>, Box<Envelope<'b>>),
}

/// `body = "(" (body-type-1part / body-type-mpart) ")"`
pub(super) fn body(whole: &[u8], reading: Reading) -> Parse<'_, BodyStructure<'_>> {
    let mut open = Vec::new();
    let mut i = whole;
    loop {
        if open.len() >= MAX_DEPTH {
            return fault("A body structure nests too deep");
        }
        // One body begins.
        i = octet(i, b'(', "A body structure is missing")?;
        let mut done;
        match i {
            [b'(', ..] => {
                open.push(Open::Multi(Vec::new()));
                continue;
            }
            _ => match single(i, reading)? {
                (rest, Begun::Message(part, envelope)) => {
                    open.push(Open::Message(Box::new(part), envelope));
                    i = rest;
                    continue;
                }
                (rest, Begun::Whole(body)) => (i, done) = (rest, body),
            },
        }
        // One body is whole; perhaps those round it are, too.
        loop {
            (i, done) = match open.pop() {
                None => return Ok((i, done)),
                Some(Open::Multi(mut parts)) => {
                    parts.push(done);
                    let next = match i {
                        [b' ', b'(', ..] => i.get(1..).unwrap_or(&[]),
                        _ => i,
                    };
                    if let [b'(', ..] = next {
                        open.push(Open::Multi(parts));
                        i = next;
                        break;
                    }
                    multi_end(i, parts, reading)?
                }
                Some(Open::Message(part, envelope)) => message_end(i, part, envelope, done, reading)?,
            }
        }
    }
}

enum Begun<'b> {
    Whole(BodyStructure<'b>),
    /// The inner message's structure comes next.
    Message(SinglePart<'b>, Box<Envelope<'b>>),
}

/// `string`, as octets
#[inline]
fn octets(i: &[u8], reading: Reading) -> Parse<'_, Cow<'_, [u8]>> {
    string(i, reading).map(|(i, s)| (i, s.bytes()))
}

/// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`, after its parenthesis
#[inline]
fn single(i: &[u8], reading: Reading) -> Parse<'_, Begun<'_>> {
    let named = nil(i).is_none();
    let (i, media_type) = octets(i, reading)?;
    let (after, ()) = sp_or_more(i, reading)?;
    if named && reading.may(Quirks::EMPTY_MULTIPART) && (nil(after).is_some() || after.first() == Some(&b'('))
    {
        // A multipart without parts: its subtype came first.
        let (i, multi) = multi_extension(i, Multipart::new(media_type, Vec::new()), reading)?;
        return Ok((i, Begun::Whole(BodyStructure::Multi(multi))));
    }
    let (i, media_subtype) = octets(after, reading)?;
    let (i, parameters) = parameters(sp_or_more(i, reading)?.0, reading)?;
    let (i, id) = text(sp_or_more(i, reading)?.0, reading)?;
    let (i, description) = text(sp_or_more(i, reading)?.0, reading)?;
    let (i, encoding) = octets(sp_or_more(i, reading)?.0, reading)?;
    let (i, size) = number(sp_or_more(i, reading)?.0, reading)?;
    let mut part = SinglePart::new(media_type, media_subtype, encoding, size, BodyKind::Basic);
    (part.parameters, part.id, part.description) = (parameters, id, description);
    match i {
        // `body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines`
        [b' ', b'(', ..] => {
            let (i, envelope) = envelope(i.get(1..).unwrap_or(&[]), reading)?;
            let (i, ()) = sp_or_more(i, reading)?;
            Ok((i, Begun::Message(part, Box::new(envelope))))
        }
        // `body-type-text = media-text SP body-fields SP body-fld-lines`
        [b' ', b'0'..=b'9' | b'-', ..] => {
            let (i, lines) = number(i.get(1..).unwrap_or(&[]), reading)?;
            part.kind = BodyKind::Text(lines);
            single_end(i, part, reading).map(|(i, body)| (i, Begun::Whole(body)))
        }
        // A text without its lines is as basic as the rest.
        _ => single_end(i, part, reading).map(|(i, body)| (i, Begun::Whole(body))),
    }
}

/// `number64`
#[inline]
fn number(i: &[u8], reading: Reading) -> Parse<'_, u64> {
    match i {
        [b'-', digits @ ..] if reading.may(Quirks::NEGATIVE_NUMBER) => number64(digits).map(|(i, _)| (i, 0)),
        _ => match nil(i) {
            Some(rest) if reading.may(Quirks::NIL_STRING) => Ok((rest, 0)),
            _ => number64(i),
        },
    }
}

/// `SP body-fld-lines`, after the inner structure
fn message_end<'b>(
    i: &'b [u8],
    mut part: Box<SinglePart<'b>>,
    envelope: Box<Envelope<'b>>,
    body: BodyStructure<'b>,
    reading: Reading,
) -> Parse<'b, BodyStructure<'b>> {
    let (i, lines) = match i {
        [b')', ..] if reading.may(Quirks::SHORT_STRUCTURE) => (i, 0),
        _ => number(sp_or_more(i, reading)?.0, reading)?,
    };
    part.kind = BodyKind::Message { envelope, body: Box::new(body), lines };
    single_end(i, *part, reading)
}

/// What stands after a field: the next one, or the end.
#[inline]
fn next(i: &[u8], reading: Reading) -> Result<Option<&[u8]>, nom::Err<Fault>> {
    match i {
        [b')', ..] => Ok(None),
        _ => match sp_or_more(i, reading)?.0 {
            [b')', ..] if reading.may(Quirks::EXTRA_SPACE) => Ok(None),
            i => Ok(Some(i)),
        },
    }
}

/// `[SP body-ext-1part] ")"`, with
/// `body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
#[inline]
fn single_end<'b>(
    mut i: &'b [u8],
    mut part: SinglePart<'b>,
    reading: Reading,
) -> Parse<'b, BodyStructure<'b>> {
    if let Some(rest) = next(i, reading)? {
        (i, part.md5) = text(rest, reading)?;
        (i, (part.disposition, part.language, part.location)) = extension(i, reading)?;
    }
    Ok((close(i, reading)?, BodyStructure::Single(part)))
}

/// `SP media-subtype [SP body-ext-mpart] ")"`, after the parts
fn multi_end<'b>(
    i: &'b [u8],
    parts: Vec<BodyStructure<'b>>,
    reading: Reading,
) -> Parse<'b, BodyStructure<'b>> {
    let (i, subtype) = octets(sp_or_more(i, reading)?.0, reading)?;
    let (i, multi) = multi_extension(i, Multipart::new(subtype, parts), reading)?;
    Ok((i, BodyStructure::Multi(multi)))
}

/// `[SP body-ext-mpart] ")"`, with
/// `body-ext-mpart = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
fn multi_extension<'b>(
    mut i: &'b [u8],
    mut multi: Multipart<'b>,
    reading: Reading,
) -> Parse<'b, Multipart<'b>> {
    if let Some(rest) = next(i, reading)? {
        (i, multi.parameters) = parameters(rest, reading)?;
        (i, (multi.disposition, multi.language, multi.location)) = extension(i, reading)?;
    }
    Ok((close(i, reading)?, multi))
}

/// `")"`
#[inline]
fn close(mut i: &[u8], reading: Reading) -> Result<&[u8], nom::Err<Fault>> {
    if reading.may(Quirks::EXTRA_SPACE) {
        while let [b' ', rest @ ..] = i {
            i = rest;
        }
    }
    octet(i, b')', "A body structure does not end")
}

type Extension<'b> = (Option<Disposition<'b>>, Vec<Cow<'b, [u8]>>, Option<Cow<'b, [u8]>>);

/// `[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
#[inline]
fn extension(i: &[u8], reading: Reading) -> Parse<'_, Extension<'_>> {
    let mut all = (None, Vec::new(), None);
    let Some(rest) = next(i, reading)? else { return Ok((i, all)) };
    let (i, disposition) = disposition(rest, reading)?;
    all.0 = disposition;
    let Some(rest) = next(i, reading)? else { return Ok((i, all)) };
    let (i, language) = language(rest, reading)?;
    all.1 = language;
    let Some(rest) = next(i, reading)? else { return Ok((i, all)) };
    let (mut i, location) = text(rest, reading)?;
    all.2 = location;
    // `body-extension = nstring / number / number64 / "(" body-extension *(SP body-extension) ")"`
    while let Some(rest) = next(i, reading)? {
        i = skip(rest)?;
    }
    Ok((i, all))
}

/// `body-fld-dsp = "(" string SP body-fld-param ")" / nil`
#[inline]
fn disposition(i: &[u8], reading: Reading) -> Parse<'_, Option<Disposition<'_>>> {
    match i {
        [b'(', rest @ ..] => {
            let (i, kind) = octets(rest, reading)?;
            let (i, parameters) = match i {
                [b')', ..] if reading.may(Quirks::SHORT_STRUCTURE) => (i, Vec::new()),
                _ => parameters(sp_or_more(i, reading)?.0, reading)?,
            };
            Ok((close(i, reading)?, Some(Disposition { kind, parameters })))
        }
        [b'"' | b'{', ..] if reading.may(Quirks::DISPOSITION_STRING) => {
            let (i, kind) = octets(i, reading)?;
            Ok((i, Some(Disposition { kind, parameters: Vec::new() })))
        }
        _ => match nil(i) {
            Some(rest) => Ok((rest, None)),
            None => fault("A disposition is missing"),
        },
    }
}

/// `body-fld-lang = nstring / "(" string *(SP string) ")"`
#[inline]
fn language(i: &[u8], reading: Reading) -> Parse<'_, Vec<Cow<'_, [u8]>>> {
    let mut all = Vec::new();
    let [b'(', i @ ..] = i else {
        let (i, one) = text(i, reading)?;
        all.extend(one);
        return Ok((i, all));
    };
    if let [b')', rest @ ..] = i
        && reading.may(Quirks::EMPTY_LIST)
    {
        return Ok((rest, all));
    }
    let (mut i, one) = octets(i, reading)?;
    all.push(one);
    while let Some(rest) = next(i, reading)? {
        let (after, one) = octets(rest, reading)?;
        all.push(one);
        i = after;
    }
    Ok((close(i, reading)?, all))
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
#[inline]
fn parameters(i: &[u8], reading: Reading) -> Parse<'_, Parameters<'_>> {
    let mut all = Vec::new();
    if let Some(rest) = nil(i) {
        return Ok((rest, all));
    }
    let mut i = octet(i, b'(', "Parameters are missing")?;
    if let [b')', rest @ ..] = i
        && reading.may(Quirks::EMPTY_LIST)
    {
        return Ok((rest, all));
    }
    loop {
        let (rest, name) = octets(i, reading)?;
        let (rest, ()) = sp_or_more(rest, reading)?;
        let (rest, value) = match nil(rest) {
            Some(rest) if reading.may(Quirks::NIL_PARAMETER) => (rest, Cow::Borrowed(&[][..])),
            Some(_) => return fault("The value of a parameter is missing"),
            None => octets(rest, reading)?,
        };
        all.push((name, value));
        match next(rest, reading)? {
            Some(rest) => i = rest,
            None => return Ok((close(rest, reading)?, all)),
        }
    }
}
