//! Codes of the extensions.

use super::extension::parenthesized_id;
use crate::grammar::{
    Fault, fault,
    keyword::{keyword, words},
    list_of::{in_parentheses, list_of},
    notify,
    number::number,
    sp,
    string::{ascii, astring, nil},
    urlauth,
};
use crate::types::{Code, Form, Progress};

words! {
    MAILBOXID = b"MAILBOXID"; NOUPDATE = b"NOUPDATE"; BADURL = b"BADURL"; URLMECH = b"URLMECH"; BADEVENT = b"BADEVENT";
    METADATA = b"METADATA"; LONGENTRIES = b"LONGENTRIES"; MAXSIZE = b"MAXSIZE"; TOOMANY = b"TOOMANY";
    NOPRIVATE = b"NOPRIVATE"; INPROGRESS = b"INPROGRESS"; UIDREQUIRED = b"UIDREQUIRED"; MESSAGELIMIT = b"MESSAGELIMIT";
}

/// `resp-text-code` of an extension; `Ok(None)` where the name is none of theirs. `rest` is what follows the name.
pub(super) fn code<'b>(
    whole: &'b [u8],
    rest: &'b [u8],
    name: u128,
) -> Result<Option<Code<'b>>, nom::Err<Fault>> {
    let argument = || sp(rest).map(|(i, ())| i);
    let (rest, code) = match name {
        // RFC 8474 section 7
        MAILBOXID => parenthesized_id(argument()?).map(|(i, id)| (i, Code::MailboxId(id)))?,
        // `"NOUPDATE" SP quoted` (RFC 5267 section 5)
        NOUPDATE => tag(argument()?).map(|(i, t)| (i, Code::NoUpdate(t)))?,
        // `"BADURL" SP url-resp-text` (RFC 4469 section 5)
        BADURL => match core::str::from_utf8(argument()?) {
            Ok(url) if !url.is_empty() => (&[][..], Code::BadUrl(url)),
            _ => return fault("A URL is missing"),
        },
        // `"URLMECH" SP "INTERNAL" *(SP mechanism ["=" base64])` (RFC 4467 section 9)
        URLMECH => list_of(argument()?, false, urlauth::url_mechanism).map(|(i, l)| (i, Code::UrlMech(l)))?,
        // `"BADEVENT" SP "(" event-name *(SP event-name) ")"` (RFC 5465 section 8)
        BADEVENT => {
            in_parentheses(argument()?, false, false, notify::event).map(|(i, l)| (i, Code::BadEvent(l)))?
        }
        // `"METADATA" SP ("LONGENTRIES" SP number / "MAXSIZE" SP number / "TOOMANY" / "NOPRIVATE")` (RFC 5464 section 5)
        METADATA => match keyword(argument()?) {
            (i, LONGENTRIES) => number(sp(i)?.0).map(|(i, n)| (i, Code::MetadataLongEntries(n)))?,
            (i, MAXSIZE) => number(sp(i)?.0).map(|(i, n)| (i, Code::MetadataMaxSize(n)))?,
            (i, TOOMANY) => (i, Code::MetadataTooMany),
            (i, NOPRIVATE) => (i, Code::MetadataNoPrivate),
            _ => return fault("Unknown code of METADATA"),
        },
        // `"INPROGRESS" [SP "(" inprogress-tag SP inprogress-state ")"]` (RFC 9585 section 5)
        INPROGRESS if rest.is_empty() => (rest, Code::InProgress(None)),
        INPROGRESS => match argument()? {
            [b'(', inner @ .., b')'] => (&[][..], Code::InProgress(Some(progress(inner)?))),
            _ => return fault("INPROGRESS has parentheses"),
        },
        UIDREQUIRED => (rest, Code::UidRequired),
        // `"MESSAGELIMIT" SP message-limit [SP uniqueid]` (RFC 9738 section 5)
        MESSAGELIMIT => {
            let (i, limit) = number(argument()?)?;
            match i {
                [b' ', i @ ..] => number(i).map(|(i, n)| (i, Code::MessageLimit { limit, uid: Some(n) }))?,
                _ => (i, Code::MessageLimit { limit, uid: None }),
            }
        }
        _ => return Ok(long(whole)),
    };
    if rest.is_empty() { Ok(Some(code)) } else { fault("Something follows the code") }
}

/// Names that are longer than a keyword.
fn long<'b>(whole: &[u8]) -> Option<Code<'b>> {
    if whole.eq_ignore_ascii_case(b"COMPRESSIONACTIVE") {
        Some(Code::CompressionActive)
    } else if whole.eq_ignore_ascii_case(b"NOTIFICATIONOVERFLOW") {
        Some(Code::NotificationOverflow)
    } else {
        None
    }
}

/// A tag in quotes.
fn tag(i: &[u8]) -> crate::grammar::Parse<'_, &str> {
    let (rest, tag) = astring(i)?;
    match tag.bytes() {
        alloc::borrow::Cow::Borrowed(text) if tag.form() != Form::Literal && text.is_ascii() => {
            Ok((rest, ascii(text)))
        }
        _ => fault("A tag is missing"),
    }
}

/// `inprogress-tag SP inprogress-state`, with `inprogress-tag = quoted / nil` and `inprogress-state = nil SP nil / number SP nil /
/// number SP nz-number` (RFC 9585 section 5)
fn progress(i: &[u8]) -> Result<Progress<'_>, nom::Err<Fault>> {
    let (i, tag) = match nil(i) {
        Some(rest) => (rest, None),
        None => tag(i).map(|(i, t)| (i, Some(t)))?,
    };
    let count = |i| match nil(i) {
        Some(rest) => Ok((rest, None)),
        None => number(i).map(|(i, n)| (i, Some(n))),
    };
    let (i, done) = count(sp(i)?.0)?;
    let (i, goal) = count(sp(i)?.0)?;
    if i.is_empty() { Ok(Progress::new(tag, done, goal)) } else { fault("INPROGRESS does not end") }
}
