use alloc::vec::Vec;

use super::{extension::partial_range, list_of, mailbox, nil, number, number64, quoted_tag, ranges};
use crate::types::{EsearchData, EsearchExtra, EsearchItem, ThreadToken};

/// `esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`
pub(crate) fn esearch(out: &mut Vec<u8>, tag: &[u8], data: &EsearchData<'_>, utf8: bool) {
    out.extend_from_slice(b"ESEARCH (TAG ");
    quoted_tag(out, data.tag.map_or(tag, str::as_bytes));
    if let Some((name, uid_validity)) = data.mailbox {
        out.extend_from_slice(b" MAILBOX ");
        mailbox(out, name, utf8);
        out.extend_from_slice(b" UIDVALIDITY ");
        number(out, uid_validity);
    }
    out.push(b')');
    if data.uid {
        out.extend_from_slice(b" UID");
    }
    for (name, value) in [(&b" MIN "[..], data.min), (b" MAX ", data.max)] {
        if let Some(n) = value {
            out.extend_from_slice(name);
            number(out, n);
        }
    }
    if let Some(all) = data.all
        && !all.is_empty()
    {
        out.extend_from_slice(b" ALL ");
        ranges(out, all.iter().copied());
    }
    if let Some(n) = data.count {
        out.extend_from_slice(b" COUNT ");
        number(out, n);
    }
    if let Some(n) = data.modseq {
        out.extend_from_slice(b" MODSEQ ");
        number64(out, n);
    }
    extras(out, data.extra);
}

/// `*(SP search-return-data)` of the extensions. Updates of one kind that follow each other share their parentheses.
fn extras(out: &mut Vec<u8>, all: &[EsearchExtra<'_>]) {
    let mut open: Option<&[u8]> = None;
    for extra in all {
        let (name, position, set): (&[u8], _, _) = match *extra {
            EsearchExtra::AddTo(position, set) => (b" ADDTO (", position, set),
            EsearchExtra::RemoveFrom(position, set) => (b" REMOVEFROM (", position, set),
            EsearchExtra::Partial(range, set) => {
                close(out, &mut open);
                out.extend_from_slice(b" PARTIAL (");
                partial_range(out, range);
                out.push(b' ');
                if set.is_empty() {
                    nil(out)
                } else {
                    ranges(out, set.iter().copied())
                }
                out.push(b')');
                continue;
            }
            EsearchExtra::Relevancy(scores) => {
                close(out, &mut open);
                out.extend_from_slice(b" RELEVANCY (");
                for (i, score) in scores.iter().enumerate() {
                    if i > 0 {
                        out.push(b' ');
                    }
                    number(out, u32::from(*score));
                }
                out.push(b')');
                continue;
            }
        };
        if set.is_empty() {
            continue;
        }
        if open == Some(name) {
            out.push(b' ');
        } else {
            close(out, &mut open);
            out.extend_from_slice(name);
            open = Some(name);
        }
        number(out, position);
        out.push(b' ');
        ranges(out, set.iter().copied());
    }
    close(out, &mut open);
}

fn close(out: &mut Vec<u8>, open: &mut Option<&[u8]>) {
    if open.take().is_some() {
        out.push(b')');
    }
}

/// `name *(SP nz-number) [SP search-sort-mod-seq]`, with
/// `search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"` (RFC 7162 section 7)
pub(crate) fn numbers(
    out: &mut Vec<u8>,
    name: &[u8],
    found: impl IntoIterator<Item = u32>,
    modseq: Option<u64>,
) {
    out.extend_from_slice(name);
    for n in found {
        out.push(b' ');
        number(out, n);
    }
    if let Some(n) = modseq {
        out.extend_from_slice(b" (MODSEQ ");
        number64(out, n);
        out.push(b')');
    }
}

/// `thread-data = "THREAD" [SP 1*thread-list]` (RFC 5256 section 5)
pub(crate) fn thread(out: &mut Vec<u8>, tokens: impl IntoIterator<Item = ThreadToken>) {
    out.extend_from_slice(b"THREAD");
    // At the start, and between a number and what follows it but a closing parenthesis, there is a space.
    let mut space = true;
    for token in tokens {
        if space && token != ThreadToken::Close {
            out.push(b' ');
        }
        space = matches!(token, ThreadToken::Message(_));
        match token {
            ThreadToken::Open => out.push(b'('),
            ThreadToken::Close => out.push(b')'),
            ThreadToken::Message(n) => number(out, n),
        }
    }
}

/// One `search-return-data` of an extension, as a client reads it
pub(crate) fn esearch_item(out: &mut Vec<u8>, item: &EsearchItem<'_>) {
    match *item {
        EsearchItem::Partial { range, found } => {
            out.extend_from_slice(b"PARTIAL (");
            partial_range(out, range);
            out.push(b' ');
            match found {
                Some(set) => out.extend_from_slice(set.as_bytes()),
                None => nil(out),
            }
        }
        EsearchItem::AddTo(list) => {
            out.extend_from_slice(b"ADDTO (");
            list_of(out, list);
        }
        EsearchItem::RemoveFrom(list) => {
            out.extend_from_slice(b"REMOVEFROM (");
            list_of(out, list);
        }
        EsearchItem::Relevancy(scores) => {
            out.extend_from_slice(b"RELEVANCY (");
            out.extend_from_slice(scores.0);
        }
    }
    out.push(b')');
}
