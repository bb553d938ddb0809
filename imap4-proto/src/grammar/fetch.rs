use super::{
    Context, Fault, Parse, before, fault, fetch_extension,
    keyword::{keyword, words},
    number::{number64, nz_number, nz_number64},
    octet,
    search_return::partial_range,
    sequence::command_set,
    sp,
    string::{astring, separated},
};
use crate::types::{
    Capabilities, Fetch, FetchItem, FetchItems, HeaderList, PartPath, Partial, Section, SectionText,
};

words! {
    ALL = b"ALL"; FAST = b"FAST"; FULL = b"FULL";
    ENVELOPE = b"ENVELOPE"; FLAGS = b"FLAGS"; INTERNALDATE = b"INTERNALDATE"; UID = b"UID"; MODSEQ = b"MODSEQ";
    RFC822 = b"RFC822"; RFC822_HEADER = b"RFC822.HEADER"; RFC822_TEXT = b"RFC822.TEXT"; RFC822_SIZE = b"RFC822.SIZE";
    BODY = b"BODY"; BODY_PEEK = b"BODY.PEEK"; BODYSTRUCTURE = b"BODYSTRUCTURE";
    BINARY = b"BINARY"; BINARY_PEEK = b"BINARY.PEEK"; BINARY_SIZE = b"BINARY.SIZE";
    HEADER = b"HEADER"; TEXT = b"TEXT"; MIME = b"MIME";
    HEADER_FIELDS = b"HEADER.FIELDS"; HEADER_FIELDS_NO = b"HEADER.FIELDS.NO";
    CHANGEDSINCE = b"CHANGEDSINCE"; VANISHED = b"VANISHED"; PARTIAL = b"PARTIAL";
}

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")")`,
/// then `[fetch-modifiers]` (RFC 4466 section 2.4); after the name.
pub(super) fn fetch(i: &[u8], uid: bool, context: Context) -> Parse<'_, Fetch<'_>> {
    let (i, set) = command_set(sp(i)?.0, context)?;
    let (i, items) = items(sp(i)?.0, context)?;
    let fetch = Fetch::new(uid, set, items);
    match i {
        [b' ', rest @ ..] => modifiers(rest, fetch, context),
        _ => Ok((i, fetch)),
    }
}

/// `fetch-modifiers = "(" fetch-modifier *(SP fetch-modifier) ")"` (RFC 4466) with
/// `chgsince-fetch-mod = "CHANGEDSINCE" SP mod-sequence-value` and `rexpunges-fetch-mod = "VANISHED"` (RFC 7162 section 7),
/// `fetch-modifier =/ modifier-partial` (RFC 9394 section 4)
fn modifiers<'b>(i: &'b [u8], mut fetch: Fetch<'b>, context: Context) -> Parse<'b, Fetch<'b>> {
    let mut i = octet(i, b'(', "Fetch modifiers are missing")?;
    loop {
        let (rest, name) = keyword(i);
        i = match name {
            CHANGEDSINCE => {
                context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?;
                let (rest, modseq) = nz_number64(sp(rest)?.0)?;
                fetch.changed_since = Some(modseq.get());
                rest
            }
            VANISHED => {
                context.needs(Capabilities::QRESYNC, "QRESYNC is not on")?;
                fetch.vanished = true;
                rest
            }
            PARTIAL => {
                context.needs(Capabilities::PARTIAL, "PARTIAL is not on")?;
                let (rest, range) = partial_range(sp(rest)?.0)?;
                fetch.partial = Some(range);
                rest
            }
            _ => return fault("Unknown fetch modifier"),
        };
        match i {
            [b' ', rest @ ..] => i = rest,
            // RFC 7162 section 3.2.6: only in UID FETCH and together with CHANGEDSINCE.
            [b')', ..] if fetch.vanished && (!fetch.uid || fetch.changed_since.is_none()) => {
                return fault("VANISHED is for UID FETCH with CHANGEDSINCE");
            }
            // RFC 9394 section 3.3
            [b')', ..] if fetch.partial.is_some() && !fetch.uid => return fault("PARTIAL is for UID FETCH"),
            [b')', rest @ ..] => return Ok((rest, fetch)),
            _ => return fault("Fetch modifiers do not end"),
        }
    }
}

/// `"ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"`
pub(crate) fn items(i: &[u8], context: Context) -> Parse<'_, FetchItems<'_>> {
    if let [b'(', list @ ..] = i {
        let (rest, text) = separated(list, |i| item(i, context))?;
        return Ok((octet(rest, b')', "A list of items does not end")?, FetchItems(text)));
    }
    let (rest, name) = keyword(i);
    let expanded: &'static [u8] = match name {
        ALL => b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE",
        FAST => b"FLAGS INTERNALDATE RFC822.SIZE",
        FULL => b"FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY",
        _ => {
            let (rest, _) = item(i, context)?;
            return Ok((rest, FetchItems(before(i, rest))));
        }
    };
    Ok((rest, FetchItems(expanded)))
}

/// An item, for its check; most are known by their name alone.
#[inline]
fn item(i: &[u8], context: Context) -> Parse<'_, FetchItem<'_>> {
    let (rest, item) = fetch_att(i)?;
    match item {
        FetchItem::Binary { .. } | FetchItem::BinarySize { .. } => {
            context.needs(Capabilities::BINARY, "BINARY is not on")?;
        }
        FetchItem::ModSeq => context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?,
        FetchItem::SaveDate | FetchItem::Preview { .. } | FetchItem::EmailId | FetchItem::ThreadId => {
            fetch_extension::check(&item, context)?;
        }
        _ => {}
    }
    Ok((rest, item))
}

/// `fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822.SIZE" / "BODY" ["STRUCTURE"] / "UID" /
/// "BODY" section [partial] / "BODY.PEEK" section [partial] / "BINARY" [".PEEK"] section-binary [partial] /
/// "BINARY.SIZE" section-binary`, with `"RFC822" [".HEADER" / ".TEXT"]` (RFC 3501) and `"MODSEQ"` (RFC 7162)
#[inline]
pub(crate) fn fetch_att(i: &[u8]) -> Parse<'_, FetchItem<'_>> {
    let (rest, name) = keyword(i);
    let item = match name {
        FLAGS => FetchItem::Flags,
        UID => FetchItem::Uid,
        ENVELOPE => FetchItem::Envelope,
        INTERNALDATE => FetchItem::InternalDate,
        RFC822_SIZE => FetchItem::Rfc822Size,
        BODYSTRUCTURE => FetchItem::BodyStructure,
        MODSEQ => FetchItem::ModSeq,
        BODY if rest.first() != Some(&b'[') => FetchItem::Body,
        BODY | BODY_PEEK => return body_section(rest, name == BODY_PEEK),
        BINARY | BINARY_PEEK => {
            let (rest, part) = section_binary(rest)?;
            let (rest, partial) = partial(rest)?;
            return Ok((rest, FetchItem::Binary { part, peek: name == BINARY_PEEK, partial }));
        }
        BINARY_SIZE => {
            let (rest, part) = section_binary(rest)?;
            return Ok((rest, FetchItem::BinarySize { part }));
        }
        RFC822 => FetchItem::Rfc822,
        RFC822_HEADER => FetchItem::Rfc822Header,
        RFC822_TEXT => FetchItem::Rfc822Text,
        _ => return fetch_extension::fetch_att(rest, name),
    };
    Ok((rest, item))
}

/// `section [partial]`, with `section = "[" [section-spec] "]"`
fn body_section(i: &[u8], peek: bool) -> Parse<'_, FetchItem<'_>> {
    let i = octet(i, b'[', "A section is missing")?;
    let (i, section) = section_spec(i)?;
    let (i, partial) = partial(octet(i, b']', "A section does not end")?)?;
    Ok((i, FetchItem::BodySection { section, peek, partial }))
}

/// `section-spec = section-msgtext / (section-part ["." section-text])`
pub(super) fn section_spec(i: &[u8]) -> Parse<'_, Section<'_>> {
    match i {
        [b']', ..] => Ok((i, Section::new(PartPath(&[]), None))),
        [b'0'..=b'9', ..] => {
            let (i, part) = section_part(i)?;
            let [b'.', text @ ..] = i else { return Ok((i, Section::new(part, None))) };
            let (i, text) = section_text(text)?;
            Ok((i, Section::new(part, Some(text))))
        }
        _ => match section_text(i)? {
            // `section-msgtext` has no MIME: a message has no MIME header of its own.
            (_, SectionText::Mime) => fault("MIME needs a part number"),
            (i, text) => Ok((i, Section::new(PartPath(&[]), Some(text)))),
        },
    }
}

/// `section-text = section-msgtext / "MIME"`, with
/// `section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"`
fn section_text(i: &[u8]) -> Parse<'_, SectionText<'_>> {
    let (rest, name) = keyword(i);
    match (name, rest) {
        (HEADER, _) => Ok((rest, SectionText::Header)),
        (TEXT, _) => Ok((rest, SectionText::Text)),
        (MIME, _) => Ok((rest, SectionText::Mime)),
        (HEADER_FIELDS, _) => {
            let (rest, names) = header_list(sp(rest)?.0)?;
            Ok((rest, SectionText::HeaderFields(names)))
        }
        (HEADER_FIELDS_NO, [b't' | b'T', rest @ ..]) => {
            let (rest, names) = header_list(sp(rest)?.0)?;
            Ok((rest, SectionText::HeaderFieldsNot(names)))
        }
        _ => fault("Unknown section"),
    }
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_list(i: &[u8]) -> Parse<'_, HeaderList<'_>> {
    let (rest, names) = header_names(octet(i, b'(', "A list of header fields is missing")?)?;
    Ok((octet(rest, b')', "A list of header fields does not end")?, names))
}

/// `header-fld-name *(SP header-fld-name)`, with `header-fld-name = astring`
pub(crate) fn header_names(i: &[u8]) -> Parse<'_, HeaderList<'_>> {
    separated(i, astring).map(|(rest, names)| (rest, HeaderList(names)))
}

/// `section-part = nz-number *("." nz-number)`; a dot that no number follows is left for `section-text`.
pub(crate) fn section_part(i: &[u8]) -> Parse<'_, PartPath<'_>> {
    let (mut rest, _) = nz_number(i)?;
    while let [b'.', b'0'..=b'9', ..] = rest {
        rest = nz_number(rest.get(1..).unwrap_or(&[]))?.0;
    }
    Ok((rest, PartPath(before(i, rest))))
}

/// `section-binary = "[" [section-part] "]"`
pub(super) fn section_binary(i: &[u8]) -> Parse<'_, PartPath<'_>> {
    let i = octet(i, b'[', "A section is missing")?;
    let (i, part) = match i {
        [b']', ..] => (i, PartPath(&[])),
        _ => section_part(i)?,
    };
    Ok((octet(i, b']', "A section does not end")?, part))
}

/// `partial = "<" number64 "." nz-number64 ">"`
fn partial(i: &[u8]) -> Parse<'_, Option<Partial>> {
    let [b'<', i @ ..] = i else { return Ok((i, None)) };
    let (i, offset) = number64(i)?;
    let (i, count) = nz_number64(octet(i, b'.', "A partial is <offset.count>")?)?;
    Ok((octet(i, b'>', "A partial does not end")?, Some(Partial::new(offset, count))))
}

/// Reads again what [`items`] read.
#[derive(Clone)]
pub(crate) struct Items<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for Items<'b> {
    type Item = FetchItem<'b>;
    fn next(&mut self) -> Option<FetchItem<'b>> {
        let i = self.0.strip_prefix(b" ").unwrap_or(self.0);
        let (rest, item) = fetch_att(i).ok()?;
        self.0 = rest;
        Some(item)
    }
}

// The error type is named here so that a change of it is noticed where it is built most.
const _: fn(&'static str) -> Fault = Fault;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec::Vec};

    #[test]
    fn items_are_read() {
        for (wire, shown) in [
            ("ALL", "[Flags, InternalDate, Rfc822Size, Envelope]"),
            ("fast", "[Flags, InternalDate, Rfc822Size]"),
            ("Full", "[Flags, InternalDate, Rfc822Size, Envelope, Body]"),
            ("(UID FLAGS)", "[Uid, Flags]"),
            ("BODY", "[Body]"),
            (
                "(BODYSTRUCTURE RFC822 RFC822.HEADER rfc822.text)",
                "[BodyStructure, Rfc822, Rfc822Header, Rfc822Text]",
            ),
            (
                "BODY[]<0.2048>",
                "[BodySection { section: Section { part: , text: None }, peek: false, partial: Some(Partial { offset: 0, count: 2048 }) }]",
            ),
            (
                "BODY.PEEK[1.2.MIME]",
                "[BodySection { section: Section { part: 1.2, text: Some(Mime) }, peek: true, partial: None }]",
            ),
            (
                "BODY[4.1.HEADER.FIELDS.NOT (\"From\" To)]",
                "[BodySection { section: Section { part: 4.1, text: Some(HeaderFieldsNot([Quoted(\"From\"), Atom(\"To\")])) }, peek: false, partial: None }]",
            ),
            (
                "BINARY.PEEK[1]<5.6>",
                "[Binary { part: 1, peek: true, partial: Some(Partial { offset: 5, count: 6 }) }]",
            ),
            ("(BINARY.SIZE[2.3] MODSEQ)", "[BinarySize { part: 2.3 }, ModSeq]"),
        ] {
            let items = FetchItems::parse(wire.as_bytes()).expect(wire);
            assert_eq!(format!("{items:?}"), shown, "{wire}");
        }
        for wire in [
            "",
            "()",
            "(ALL)",
            "(FLAGS",
            "(FLAGS )",
            "FLAGSX",
            "BODY[",
            "BODY[HEADER",
            "BODY[MIME]",
            "BODY[0]",
            "BODY[1.0]",
            "BODY[1.]",
            "BODY[HEADER.FIELDS]",
            "BODY[HEADER.FIELDS ()]",
            "BODY[HEADER.FIELDS.NO (a)]",
            "BODY[HEADER.FIELDS.NOTX (a)]",
            "BODY[]<0.0>",
            "BODY[]<0>",
            "BODY[]<.1>",
            "BODY.PEEK",
            "BODY.PEEK[]<1.2",
            "BODY[TEXTS]",
            "RFC822.",
            "BINARY[HEADER]",
            "BINARY[1.]",
        ] {
            assert!(FetchItems::parse(wire.as_bytes()).is_none(), "{wire}");
        }
    }

    #[test]
    fn literals_within_a_header_list_are_read_again() {
        let items =
            FetchItems::parse(b"(FLAGS BODY[HEADER.FIELDS ({4}\r\nFrom \"a\\\"b\" Cc)] UID)").unwrap();
        let all: Vec<_> = items.iter().collect();
        assert_eq!(all.len(), 3);
        let FetchItem::BodySection {
            section: Section { text: Some(SectionText::HeaderFields(names)), .. },
            ..
        } = all[1]
        else {
            panic!("{all:?}")
        };
        assert!(names.iter().eq([&b"From"[..], b"a\"b", b"Cc"].map(crate::types::AString::new)));
    }
}
