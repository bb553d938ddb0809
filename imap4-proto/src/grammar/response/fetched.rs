use super::{
    extension,
    reader::Reader,
    value::{any, flag_list, nstring, skip, sp_or_more, trimmed},
};
use crate::grammar::{
    Fault, Parse, before,
    date::date_time,
    fault,
    fetch::{section_binary, section_spec},
    keyword::{keyword, words},
    number::{number, number64},
    octet,
    string::{literal_header, take_while},
};
use crate::types::{Attribute, Attributes, BodyLiteral, BodyName, Quirks, Reading, WireStructure};

words! {
    ENVELOPE = b"ENVELOPE"; FLAGS = b"FLAGS"; INTERNALDATE = b"INTERNALDATE"; UID = b"UID"; MODSEQ = b"MODSEQ";
    RFC822 = b"RFC822"; RFC822_HEADER = b"RFC822.HEADER"; RFC822_TEXT = b"RFC822.TEXT"; RFC822_SIZE = b"RFC822.SIZE";
    BODY = b"BODY"; BODYSTRUCTURE = b"BODYSTRUCTURE"; BINARY = b"BINARY"; BINARY_SIZE = b"BINARY.SIZE"; FETCH = b"FETCH";
    UIDFETCH = b"UIDFETCH";
}

/// What begins a FETCH response: `* n FETCH`, or `* uid UIDFETCH` (RFC 9586 section 4).
pub(crate) struct Begun {
    /// The message's number, or its UID.
    pub(crate) number: u32,
    pub(crate) uid: bool,
}

/// `SP "("`, after FETCH
#[inline]
pub(super) fn open(i: &[u8], reading: Reading) -> Result<&[u8], nom::Err<Fault>> {
    octet(sp_or_more(i, reading)?.0, b'(', "A FETCH response has parentheses")
}

/// A part of a FETCH response that ends with the header of a body literal; the first one begins with `*`. The message's
/// number where it is the first, the items before the literal, and the literal.
pub(crate) fn head<'b>(
    frame: &'b [u8],
    reading: Reading,
) -> Parse<'b, (Option<Begun>, Attributes<'b>, BodyLiteral<'b>)> {
    let (number, items) = match frame {
        [b'*', b' ', rest @ ..] => {
            let (i, n) = number(rest)?;
            let (i, name) = keyword(sp_or_more(i, reading)?.0);
            if name != FETCH && name != UIDFETCH {
                return fault("FETCH is missing");
            }
            (Some(Begun { number: n, uid: name == UIDFETCH }), open(i, reading)?)
        }
        _ => (None, frame.strip_prefix(b" ").unwrap_or(frame)),
    };
    // The item with the literal is the last one.
    let mut i = items;
    loop {
        let (after, name) = item_name(i)?;
        let value = match after {
            [b' ', ..] => sp_or_more(after, reading)?.0,
            _ => after,
        };
        let (binary, header) = match value {
            [b'~', header @ ..] => (true, header),
            _ => (false, value),
        };
        if let Ok((rest @ [], (len, _))) = literal_header(header) {
            let name = match name {
                Name::Body(name) => name,
                _ => extension::body_name(i, after),
            };
            let items = Attributes::new(before(items, i), reading);
            return Ok((rest, (number, items, BodyLiteral { name, len, binary })));
        }
        i = step(i, reading)?;
        while let [b' ', rest @ ..] = i {
            i = rest;
        }
    }
}

/// What follows one item and its value.
fn step(i: &[u8], reading: Reading) -> Result<&[u8], nom::Err<Fault>> {
    let mut items = AttributeIter(Attributes::new(i, reading));
    match items.next() {
        Some(_) if items.0.wire.len() < i.len() => Ok(items.0.wire),
        _ => fault("An item is missing"),
    }
}

/// What follows the last body literal of a FETCH response.
pub(crate) fn tail(frame: &[u8], reading: Reading) -> Result<Attributes<'_>, Fault> {
    let line = match frame {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line,
        _ => frame,
    };
    match trimmed(line, reading) {
        [items @ .., b')'] => Ok(Attributes::new(items.strip_prefix(b" ").unwrap_or(items), reading)),
        _ => Err(Fault("A FETCH response does not end")),
    }
}

/// An item's name.
enum Name<'b> {
    Word(u128),
    Body(BodyName<'b>),
    BinarySize(crate::types::PartPath<'b>),
}

/// The name of one `msg-att`, and what follows it.
#[inline]
fn item_name(i: &[u8]) -> Parse<'_, Name<'_>> {
    let (rest, name) = keyword(i);
    Ok(match name {
        BODY if rest.first() == Some(&b'[') => {
            let (rest, section) = section_spec(rest.get(1..).unwrap_or(&[]))?;
            let (rest, offset) = offset(octet(rest, b']', "A section does not end")?)?;
            (rest, Name::Body(BodyName::Section { section, offset }))
        }
        BINARY => {
            let (rest, part) = section_binary(rest)?;
            let (rest, offset) = offset(rest)?;
            (rest, Name::Body(BodyName::Binary { part, offset }))
        }
        BINARY_SIZE => section_binary(rest).map(|(rest, part)| (rest, Name::BinarySize(part)))?,
        RFC822 => (rest, Name::Body(BodyName::Rfc822)),
        RFC822_HEADER => (rest, Name::Body(BodyName::Rfc822Header)),
        RFC822_TEXT => (rest, Name::Body(BodyName::Rfc822Text)),
        UID | FLAGS | INTERNALDATE | MODSEQ | RFC822_SIZE | ENVELOPE | BODY | BODYSTRUCTURE
            if matches!(rest.first(), Some(b' ' | b'(')) =>
        {
            (rest, Name::Word(name))
        }
        _ => {
            let (rest, taken) = take_while(i, |b| b > b' ' && !matches!(b, b'(' | b')' | b'"' | b'{'));
            if taken.is_empty() {
                return fault("An item is missing");
            }
            (rest, Name::Word(0))
        }
    })
}

/// `["<" number ">"]`; what was asked for, `<offset.count>`, is tolerated.
fn offset(i: &[u8]) -> Parse<'_, Option<u64>> {
    let [b'<', i @ ..] = i else { return Ok((i, None)) };
    let (i, n) = number64(i)?;
    let i = match i {
        [b'.', rest @ ..] => number64(rest)?.0,
        _ => i,
    };
    Ok((octet(i, b'>', "An offset does not end")?, Some(n)))
}

/// Reads items one by one.
#[derive(Clone)]
pub(crate) struct AttributeIter<'b>(pub(crate) Attributes<'b>);

impl<'b> Iterator for AttributeIter<'b> {
    type Item = Attribute<'b>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'b>> {
        let Attributes { wire, reading } = self.0;
        let i = wire.strip_prefix(b" ").unwrap_or(wire);
        if i.is_empty() {
            return None;
        }
        // What every message of a mailbox is asked for, in the words of all servers.
        if let Some(value) = i.strip_prefix(b"UID ") {
            if let Ok((rest @ ([] | [b' ', ..]), n)) = number(value) {
                self.0.wire = rest;
                return Some(Attribute::Uid(n));
            }
        } else if let Some(value) = i.strip_prefix(b"FLAGS ")
            && let Ok((rest @ ([] | [b' ', ..]), flags)) = flag_list(value, reading)
        {
            self.0.wire = rest;
            return Some(Attribute::Flags(flags));
        }
        self.any()
    }
}

impl<'b> AttributeIter<'b> {
    #[inline(never)]
    fn any(&mut self) -> Option<Attribute<'b>> {
        let Attributes { wire, reading } = self.0;
        let mut i = wire;
        while let [b' ', rest @ ..] = i {
            i = rest;
        }
        if i.is_empty() {
            return None;
        }
        // In the words of all servers.
        if let Some(value @ [b'(', ..]) = i.strip_prefix(b"ENVELOPE ") {
            let mut reader = Reader::new(value, reading);
            if let Ok(envelope) = reader.envelope()
                && let rest @ ([] | [b' ', ..]) = reader.rest()
            {
                self.0.wire = rest;
                return Some(Attribute::Envelope(envelope));
            }
        } else if let Some(value @ [b'(', ..]) = i.strip_prefix(b"BODYSTRUCTURE ") {
            let mut reader = Reader::new(value, reading);
            if let Ok(nodes) = reader.body()
                && let rest @ ([] | [b' ', ..]) = reader.rest()
            {
                self.0.wire = rest;
                let body = WireStructure::new(reader.since(0), reading, nodes);
                return Some(Attribute::Structure { extensible: true, body });
            }
        }
        let (rest, attribute) = match attribute(i, reading) {
            Ok((rest @ ([] | [b' ', ..]), attribute)) => (rest, attribute),
            _ => malformed(i),
        };
        self.0.wire = rest;
        Some(attribute)
    }
}

/// An item whose value has not the form it should have. Where it ends can mostly be told.
fn malformed(i: &[u8]) -> (&[u8], Attribute<'_>) {
    let (rest, name) = take_while(i, |b| b != b' ' && b != b'(');
    let value = rest.strip_prefix(b" ").unwrap_or(rest);
    match any(value) {
        Ok((rest @ ([] | [b' ', ..]), value)) => (rest, Attribute::Malformed { name, value }),
        _ => (&[], Attribute::Malformed { name, value }),
    }
}

/// One `msg-att-static` or `msg-att-dynamic`
#[inline]
fn attribute(i: &[u8], reading: Reading) -> Parse<'_, Attribute<'_>> {
    if let [b'(', inner @ ..] = i
        && reading.may(Quirks::ITEM_IN_PARENTHESES)
    {
        // One level and no more: the item within has none.
        let (rest, item) = bare(inner, reading)?;
        return Ok((octet(rest, b')', "An item does not end")?, item));
    }
    bare(i, reading)
}

#[inline]
fn bare(i: &[u8], reading: Reading) -> Parse<'_, Attribute<'_>> {
    let (after, name) = item_name(i)?;
    let value = match after {
        [b' ', ..] => sp_or_more(after, reading)?.0,
        // `FLAGS(\Seen)`: servers leave the space out.
        [b'(', ..] if reading.may(Quirks::EXTRA_SPACE) => after,
        _ => return missing(after, name, reading),
    };
    match name {
        Name::Word(UID) => number(value).map(|(i, n)| (i, Attribute::Uid(n))),
        Name::Word(FLAGS) => flag_list(value, reading).map(|(i, f)| (i, Attribute::Flags(f))),
        Name::Word(INTERNALDATE) => date_time(value).map(|(i, d)| (i, Attribute::InternalDate(d))),
        Name::Word(RFC822_SIZE) => match value {
            [b'-', digits @ ..] if reading.may(Quirks::NEGATIVE_NUMBER) => {
                number64(digits).map(|(i, _)| (i, Attribute::Rfc822Size(0)))
            }
            _ => number64(value).map(|(i, n)| (i, Attribute::Rfc822Size(n))),
        },
        Name::Word(MODSEQ) => {
            let (i, n) = number64(octet(value, b'(', "MODSEQ has parentheses")?)?;
            Ok((octet(i, b')', "MODSEQ does not end")?, Attribute::ModSeq(n)))
        }
        Name::Word(ENVELOPE) => envelope(value, reading),
        Name::Word(word @ (BODY | BODYSTRUCTURE)) => structure(value, word == BODYSTRUCTURE, reading),
        Name::Word(_) => {
            if let Some(parsed) = extension::attribute(before(i, after), value, reading) {
                return parsed;
            }
            let rest = skip(value)?;
            Ok((rest, Attribute::Other { name: before(i, after), value: before(value, rest) }))
        }
        Name::BinarySize(part) => {
            number64(value).map(|(i, octets)| (i, Attribute::BinarySize { part, octets }))
        }
        Name::Body(name) => match nstring(value, reading) {
            Ok((i, value)) => Ok((i, Attribute::Body { name, value })),
            Err(_) => missing(after, Name::Body(name), reading),
        },
    }
}

/// The value of ENVELOPE
fn envelope(value: &[u8], reading: Reading) -> Parse<'_, Attribute<'_>> {
    let mut reader = Reader::new(value, reading);
    match reader.envelope() {
        Ok(envelope) => Ok((reader.rest(), Attribute::Envelope(envelope))),
        Err(Fault(why)) => fault(why),
    }
}

/// The value of BODY or BODYSTRUCTURE
fn structure(value: &[u8], extensible: bool, reading: Reading) -> Parse<'_, Attribute<'_>> {
    let mut reader = Reader::new(value, reading);
    match reader.body() {
        Ok(nodes) => {
            let body = WireStructure::new(reader.since(0), reading, nodes);
            Ok((reader.rest(), Attribute::Structure { extensible, body }))
        }
        Err(Fault(why)) => fault(why),
    }
}

/// An item without its value: the end or the next item's name follows its own, which is left. What else follows is a value, of
/// another form than it should have.
fn missing<'b>(i: &'b [u8], name: Name<'b>, reading: Reading) -> Parse<'b, Attribute<'b>> {
    let next = i.iter().position(|b| *b != b' ');
    let is_missing = match next.and_then(|at| i.get(at)) {
        None => true,
        Some(b) => next != Some(0) && b.is_ascii_alphabetic(),
    };
    match name {
        Name::Body(name) if is_missing && reading.may(Quirks::MISSING_BODY) => {
            Ok((i, Attribute::Body { name, value: None }))
        }
        _ => fault("A value is missing"),
    }
}
