use alloc::vec::Vec;

use super::{astring, number64};
use crate::types::{FetchItem, FetchItems, HeaderList, Section, SectionText};

/// The item's name in a FETCH response (`msg-att-static`, RFC 9051 section 9): no `.PEEK`, and of a partial the offset alone.
pub(crate) fn item_name(out: &mut Vec<u8>, item: &FetchItem<'_>) {
    write_item(out, item, false);
}

/// `"(" fetch-att *(SP fetch-att) ")"`
pub(crate) fn fetch_items(out: &mut Vec<u8>, items: FetchItems<'_>) {
    for (i, item) in items.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        fetch_att(out, &item);
    }
    out.push(b')');
}

/// `fetch-att`
fn fetch_att(out: &mut Vec<u8>, item: &FetchItem<'_>) {
    write_item(out, item, true);
}

fn write_item(out: &mut Vec<u8>, item: &FetchItem<'_>, asking: bool) {
    let name: &[u8] = match *item {
        FetchItem::Envelope => b"ENVELOPE",
        FetchItem::Flags => b"FLAGS",
        FetchItem::InternalDate => b"INTERNALDATE",
        FetchItem::Rfc822 => b"RFC822",
        FetchItem::Rfc822Header => b"RFC822.HEADER",
        FetchItem::Rfc822Text => b"RFC822.TEXT",
        FetchItem::Rfc822Size => b"RFC822.SIZE",
        FetchItem::Body => b"BODY",
        FetchItem::BodyStructure => b"BODYSTRUCTURE",
        FetchItem::Uid => b"UID",
        FetchItem::ModSeq => b"MODSEQ",
        FetchItem::BodySection { peek, .. } if peek && asking => b"BODY.PEEK",
        FetchItem::BodySection { .. } => b"BODY",
        FetchItem::Binary { peek, .. } if peek && asking => b"BINARY.PEEK",
        FetchItem::Binary { .. } => b"BINARY",
        FetchItem::BinarySize { .. } => b"BINARY.SIZE",
        FetchItem::SaveDate => b"SAVEDATE",
        FetchItem::Preview { lazy: true } if asking => b"PREVIEW (LAZY)",
        FetchItem::Preview { .. } => b"PREVIEW",
        FetchItem::EmailId => b"EMAILID",
        FetchItem::ThreadId => b"THREADID",
    };
    out.extend_from_slice(name);
    let partial = match item {
        FetchItem::BodySection { section: s, partial, .. } => {
            section(out, s);
            partial
        }
        FetchItem::Binary { part, partial, .. } => {
            section(out, &Section::new(*part, None));
            partial
        }
        FetchItem::BinarySize { part } => return section(out, &Section::new(*part, None)),
        _ => return,
    };
    if let Some(partial) = partial {
        out.push(b'<');
        number64(out, partial.offset);
        if asking {
            out.push(b'.');
            number64(out, partial.count.get());
        }
        out.push(b'>');
    }
}

/// `section = "[" [section-spec] "]"`
pub(crate) fn section(out: &mut Vec<u8>, section: &Section<'_>) {
    out.push(b'[');
    out.extend_from_slice(section.part.0);
    if let Some(text) = &section.text {
        if !section.part.is_empty() {
            out.push(b'.');
        }
        match text {
            SectionText::Header => out.extend_from_slice(b"HEADER"),
            SectionText::Text => out.extend_from_slice(b"TEXT"),
            SectionText::Mime => out.extend_from_slice(b"MIME"),
            SectionText::HeaderFields(names) => header_list(out, b"HEADER.FIELDS ", *names),
            SectionText::HeaderFieldsNot(names) => header_list(out, b"HEADER.FIELDS.NOT ", *names),
        }
    }
    out.push(b']');
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn header_list(out: &mut Vec<u8>, name: &[u8], names: HeaderList<'_>) {
    out.extend_from_slice(name);
    for (i, field) in names.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        astring(out, &field.bytes(), false);
    }
    out.push(b')');
}
