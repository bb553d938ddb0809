//! Responses of the extensions that few servers send: off the way of the others.

use super::{
    fetched,
    mailbox::mailbox,
    value::{nstring, sp_or_more, trimmed},
};
use crate::grammar::{
    Fault, Parse, acl, before,
    date::date_time,
    fault,
    fetch_extension::objectid,
    keyword::words,
    list_of::{in_parentheses, list_of},
    metadata, octet, quota, sp,
    string::{astring, nil},
    thread, urlauth,
};
use crate::types::{
    Attribute, Attributes, BodyName, Fetched, ListOf, MetadataData, Reading, Response, Threads,
};

words! {
    SORT = b"SORT"; THREAD = b"THREAD"; QUOTA = b"QUOTA"; QUOTAROOT = b"QUOTAROOT"; METADATA = b"METADATA"; ACL = b"ACL";
    LISTRIGHTS = b"LISTRIGHTS"; MYRIGHTS = b"MYRIGHTS"; GENURLAUTH = b"GENURLAUTH"; URLFETCH = b"URLFETCH";
    JMAPACCESS = b"JMAPACCESS"; UIDFETCH = b"UIDFETCH";
}

/// `mailbox-data` of the extensions; `i` is what follows the name. What has no type here is handed on whole.
pub(super) fn data<'b>(
    whole: &'b [u8],
    i: &'b [u8],
    name: u128,
    reading: Reading,
) -> Parse<'b, Response<'b>> {
    match name {
        // `sort-data = "SORT" *(SP nz-number)` (RFC 5256 section 5), `[SP search-sort-mod-seq]` (RFC 7162 section 7)
        SORT => {
            let (i, (found, modseq)) = super::search_data(trimmed(i, reading))?;
            Ok((i, Response::Sort { found, modseq }))
        }
        // `thread-data = "THREAD" [SP 1*thread-list]` (RFC 5256 section 5)
        THREAD => match trimmed(i, reading) {
            [] => Ok((&[], Response::Thread(Threads::default()))),
            i => thread::threads(sp(i)?.0).map(|(i, t)| (i, Response::Thread(t))),
        },
        // `quota-response = "QUOTA" SP quota-root-name SP quota-list` (RFC 9208 section 7); the list may be empty (RFC 2087).
        QUOTA => {
            let (i, root) = astring(sp_or_more(i, reading)?.0)?;
            let (i, resources) =
                in_parentheses(sp_or_more(i, reading)?.0, false, true, |i| quota::resource(i, reading))?;
            Ok((i, Response::Quota { root, resources }))
        }
        // `quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)` (RFC 9208 section 7)
        QUOTAROOT => {
            let (i, mailbox) = mailbox(sp_or_more(i, reading)?.0, reading)?;
            let (i, roots) = optional(i, astring)?;
            Ok((i, Response::QuotaRoot { mailbox, roots }))
        }
        // `metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)` (RFC 5464 section 5)
        METADATA => {
            let (i, mailbox) = mailbox(sp_or_more(i, reading)?.0, reading)?;
            let (i, ()) = sp_or_more(i, reading)?;
            let (i, data) = if i.first() == Some(&b'(') {
                in_parentheses(i, false, false, metadata::entry_value)
                    .map(|(i, values)| (i, MetadataData::Values(values)))?
            } else {
                metadata::entry_list(i).map(|(i, names)| (i, MetadataData::Changed(names)))?
            };
            Ok((i, Response::Metadata { mailbox, data }))
        }
        ACL | LISTRIGHTS | MYRIGHTS => rights(i, name, reading),
        // `genurlauth-data = "*" SP "GENURLAUTH" 1*(SP url-full)` (RFC 4467 section 9)
        GENURLAUTH => list_of(sp(i)?.0, false, astring).map(|(i, l)| (i, Response::GenUrlAuth(l))),
        // `urlfetch-data = "*" SP "URLFETCH" 1*(SP url-full SP nstring)` (RFC 4467 section 9)
        URLFETCH => list_of(sp(i)?.0, false, urlauth::url_data).map(|(i, l)| (i, Response::UrlFetch(l))),
        // `resp-jmapaccess = "JMAPACCESS" SP quoted` (RFC 9698 section 4)
        JMAPACCESS => astring(sp(i)?.0).map(|(i, url)| (i, Response::JmapAccess(url))),
        _ => Ok((&[], Response::Other(whole))),
    }
}

/// `acl-data = "ACL" SP mailbox *(SP identifier SP rights)`, `listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights
/// *(SP rights)` and `myrights-data = "MYRIGHTS" SP mailbox SP rights` (RFC 4314 section 7)
fn rights(i: &[u8], name: u128, reading: Reading) -> Parse<'_, Response<'_>> {
    let (i, mailbox) = mailbox(sp_or_more(i, reading)?.0, reading)?;
    match name {
        ACL => optional(i, acl::entry).map(|(i, entries)| (i, Response::Acl { mailbox, entries })),
        MYRIGHTS => acl::rights(sp_or_more(i, reading)?.0)
            .map(|(i, rights)| (i, Response::MyRights { mailbox, rights })),
        _ => {
            let (i, identifier) = astring(sp(i)?.0)?;
            let (i, required) = acl::rights(sp(i)?.0)?;
            let (i, optional) = optional(i, acl::rights)?;
            Ok((i, Response::ListRights { mailbox, identifier, required, optional }))
        }
    }
}

/// `*(SP element)` up to the end, where spaces may stand
fn optional<'b, T>(i: &'b [u8], element: impl FnMut(&'b [u8]) -> Parse<'b, T>) -> Parse<'b, ListOf<'b, T>> {
    match i {
        [b' ', rest @ ..] if rest.iter().any(|b| *b != b' ') => list_of(rest, false, element),
        _ => Ok((i, ListOf::EMPTY)),
    }
}

/// `uidfetch-resp = uniqueid SP "UIDFETCH" SP msg-att` (RFC 9586 section 4): what stands behind a number that no base response has.
pub(super) fn numbered<'b>(
    whole: &'b [u8],
    n: u32,
    i: &'b [u8],
    name: u128,
    reading: Reading,
) -> Result<Response<'b>, nom::Err<Fault>> {
    if name != UIDFETCH {
        return Ok(Response::Other(whole));
    }
    let items = fetched::open(i, reading)?;
    match trimmed(items, reading) {
        [items @ .., b')'] => Ok(Response::UidFetch(Fetched::new(n, Attributes::new(items, reading)))),
        _ => fault("A UIDFETCH response does not end"),
    }
}

/// An item of FETCH of this name, where it belongs to an extension: `"SAVEDATE" SP (date-time / nil)` (RFC 8514 section 5), `"PREVIEW"
/// SP nstring` (RFC 8970 section 6), `"EMAILID" SP "(" objectid ")"` and `"THREADID" SP ("(" objectid ")" / nil)` (RFC 8474 section 7)
pub(super) fn attribute<'b>(
    name: &[u8],
    value: &'b [u8],
    reading: Reading,
) -> Option<Parse<'b, Attribute<'b>>> {
    let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
    Some(if is(b"SAVEDATE") {
        match nil(value) {
            Some(rest) => Ok((rest, Attribute::SaveDate(None))),
            None => date_time(value).map(|(rest, d)| (rest, Attribute::SaveDate(Some(d)))),
        }
    } else if is(b"PREVIEW") {
        nstring(value, reading).map(|(rest, text)| (rest, Attribute::Preview(text)))
    } else if is(b"EMAILID") {
        parenthesized_id(value).map(|(rest, id)| (rest, Attribute::EmailId(id)))
    } else if is(b"THREADID") {
        match nil(value) {
            Some(rest) => Ok((rest, Attribute::ThreadId(None))),
            None => parenthesized_id(value).map(|(rest, id)| (rest, Attribute::ThreadId(Some(id)))),
        }
    } else {
        return None;
    })
}

/// `"(" objectid ")"` (RFC 8474 section 7)
pub(super) fn parenthesized_id(i: &[u8]) -> Parse<'_, &str> {
    let (i, id) = objectid(octet(i, b'(', "An identifier has parentheses")?)?;
    Ok((octet(i, b')', "An identifier does not end")?, id))
}

/// The name of an item whose value is a literal, where it is none of the base protocol's.
pub(super) fn body_name<'b>(whole: &'b [u8], after: &[u8]) -> BodyName<'b> {
    let name = before(whole, after);
    if name.eq_ignore_ascii_case(b"PREVIEW") { BodyName::Preview } else { BodyName::Other(name) }
}
