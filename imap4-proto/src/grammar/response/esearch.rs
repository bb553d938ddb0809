use super::{mailbox::mailbox, value};
use crate::grammar::{
    Parse, before, fault,
    keyword::{keyword, words},
    list_of::in_parentheses,
    number::{number, number64},
    octet,
    search_return::partial_range,
    sequence::sequence_set,
    sp,
    string::{astring, nil},
};
use crate::types::{ContextUpdate, Esearch, EsearchItem, ListOf, Numbers, Reading, Response};

words! {
    TAG = b"TAG"; MAILBOX = b"MAILBOX"; UIDVALIDITY = b"UIDVALIDITY"; UID = b"UID"; MIN = b"MIN"; MAX = b"MAX"; ALL = b"ALL";
    COUNT = b"COUNT"; MODSEQ = b"MODSEQ"; PARTIAL = b"PARTIAL"; ADDTO = b"ADDTO"; REMOVEFROM = b"REMOVEFROM";
    RELEVANCY = b"RELEVANCY";
}

/// `"ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)`, with
/// `search-correlator = SP "(" one-correlator *(SP one-correlator) ")"` (RFC 7377 section 4)
pub(super) fn esearch(mut i: &[u8], reading: Reading) -> Parse<'_, Response<'_>> {
    let mut data = Esearch::default();
    if let [b' ', b'(', inner @ ..] = i {
        i = correlator(inner, &mut data, reading)?.0;
    }
    // Where the data of extensions begin, and how many there are.
    let mut extra = None;
    while let [b' ', rest @ ..] = i {
        let (after, name) = keyword(rest);
        if name == UID {
            data.uid = true;
            i = after;
            continue;
        }
        let (value, ()) = sp(after)?;
        i = match name {
            MIN => number(value).map(|(i, n)| (i, data.min = Some(n)))?.0,
            MAX => number(value).map(|(i, n)| (i, data.max = Some(n)))?.0,
            COUNT => number(value).map(|(i, n)| (i, data.count = Some(n)))?.0,
            ALL => sequence_set(value).map(|(i, s)| (i, data.all = Some(s)))?.0,
            MODSEQ => number64(value).map(|(i, n)| (i, data.modseq = Some(n)))?.0,
            PARTIAL | ADDTO | REMOVEFROM | RELEVANCY => {
                extra.get_or_insert(rest);
                item(name, value)?.0
            }
            // `search-return-data =/ search-ret-data-ext`
            _ => value::skip(value)?,
        };
    }
    if let Some(from) = extra {
        data.more = ListOf::from_wire(before(from, i), false);
    }
    Ok((i, Response::Esearch(data)))
}

/// `one-correlator = ("TAG" SP tag-string) / ("MAILBOX" SP astring) / ("UIDVALIDITY" SP nz-number)` (RFC 7377 section 4)
fn correlator<'b>(mut i: &'b [u8], data: &mut Esearch<'b>, reading: Reading) -> Parse<'b, ()> {
    loop {
        let (rest, name) = keyword(i);
        let (value, ()) = sp(rest)?;
        i = match name {
            TAG => astring(value).map(|(i, tag)| (i, data.tag = Some(tag)))?.0,
            MAILBOX => mailbox(value, reading).map(|(i, m)| (i, data.mailbox = Some(m)))?.0,
            UIDVALIDITY => number(value).map(|(i, n)| (i, data.uid_validity = Some(n)))?.0,
            _ => return fault("TAG is missing"),
        };
        match i {
            [b' ', rest @ ..] => i = rest,
            _ => return Ok((octet(i, b')', "TAG does not end")?, ())),
        }
    }
}

/// The value of one `search-return-data` of an extension: `ret-data-partial`, `ret-data-addto`, `ret-data-removefrom` (RFC 5267
/// section 5) or `"RELEVANCY" SP score-list` (RFC 6203 section 7)
fn item(name: u128, i: &[u8]) -> Parse<'_, EsearchItem<'_>> {
    match name {
        // `"PARTIAL" SP "(" partial-range SP partial-results ")"`, with `partial-results = sequence-set / "NIL"`
        PARTIAL => {
            let (i, range) = partial_range(octet(i, b'(', "PARTIAL has parentheses")?)?;
            let (i, ()) = sp(i)?;
            let (i, found) = match nil(i) {
                Some(rest) => (rest, None),
                None => sequence_set(i).map(|(i, set)| (i, Some(set)))?,
            };
            Ok((octet(i, b')', "PARTIAL does not end")?, EsearchItem::Partial { range, found }))
        }
        ADDTO => in_parentheses(i, false, false, update).map(|(i, l)| (i, EsearchItem::AddTo(l))),
        REMOVEFROM => in_parentheses(i, false, false, update).map(|(i, l)| (i, EsearchItem::RemoveFrom(l))),
        // `score-list = "(" [score *(SP score)] ")"`
        _ => {
            let inner = octet(i, b'(', "RELEVANCY has parentheses")?;
            let mut rest = inner;
            while let [b'0'..=b'9', ..] = rest {
                rest = number(rest)?.0;
                match rest {
                    [b' ', tail @ ..] if matches!(tail, [b'0'..=b'9', ..]) => rest = tail,
                    _ => break,
                }
            }
            let scores = Numbers(before(inner, rest));
            Ok((octet(rest, b')', "RELEVANCY does not end")?, EsearchItem::Relevancy(scores)))
        }
    }
}

/// `context-position SP sequence-set` (RFC 5267 section 5)
pub(crate) fn update(i: &[u8]) -> Parse<'_, ContextUpdate<'_>> {
    let (i, position) = number(i)?;
    let (i, set) = sequence_set(sp(i)?.0)?;
    Ok((i, ContextUpdate::new(position, set)))
}

/// The next of the data of extensions; others between them are passed over.
pub(crate) fn next_item(mut i: &[u8]) -> Parse<'_, EsearchItem<'_>> {
    loop {
        i = i.strip_prefix(b" ").unwrap_or(i);
        let (rest, name) = keyword(i);
        i = match name {
            UID => rest,
            PARTIAL | ADDTO | REMOVEFROM | RELEVANCY => return item(name, sp(rest)?.0),
            _ => value::skip(sp(rest)?.0)?,
        };
    }
}
