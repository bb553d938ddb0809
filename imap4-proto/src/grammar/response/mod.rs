//! Responses. What a quirk tolerates stands beside the rule it bends.

mod body;
mod code;
mod code_extension;
mod envelope;
mod esearch;
mod extension;
mod fetched;
mod mailbox;
mod plain;
mod reader;
mod value;

pub(crate) use body::{Node, NodeKind, Read};
pub(crate) use envelope::{AddressIter, Fields, StringIter, string_at};
pub(crate) use esearch::{next_item, update};
pub(crate) use fetched::{AttributeIter, Begun, head, tail};
pub(crate) use mailbox::{Descriptions, namespaces};
pub(crate) use reader::{EMPTY, Reader};

use super::{
    Fault, Parse, fault,
    id::id_params,
    is_flag_text,
    keyword::{keyword, words},
    number::{digits, number, number64, nz_number},
    octet,
    sequence::plain_set,
    sp,
    string::{ascii, take_while},
};
use crate::types::{
    Attributes, CapabilityList, Fetched, FlagList, MalformedResponse, Numbers, Quirks, Reading, Response,
    Status,
};
pub(super) use value::sp_or_more;
use value::trimmed;

words! {
    OK = b"OK"; NO = b"NO"; BAD = b"BAD"; PREAUTH = b"PREAUTH"; BYE = b"BYE";
    CAPABILITY = b"CAPABILITY"; ENABLED = b"ENABLED"; FLAGS = b"FLAGS"; LIST = b"LIST"; LSUB = b"LSUB"; XLIST = b"XLIST";
    STATUS = b"STATUS"; SEARCH = b"SEARCH"; ESEARCH = b"ESEARCH"; VANISHED = b"VANISHED"; NAMESPACE = b"NAMESPACE";
    ID = b"ID"; EXISTS = b"EXISTS"; RECENT = b"RECENT"; EXPUNGE = b"EXPUNGE"; FETCH = b"FETCH";
    MODSEQ = b"MODSEQ"; EARLIER = b"EARLIER";
}

/// `response-data CRLF`, `continue-req` or `response-tagged`, from a whole frame
#[inline]
pub(crate) fn response(frame: &[u8], reading: Reading) -> Result<Response<'_>, MalformedResponse> {
    match plain_fetch(frame, reading) {
        Some(fetched) => Ok(Response::Fetch(fetched)),
        None => any_response(frame, reading),
    }
}

/// A FETCH response in the words of all servers: there are more of them than of all others.
#[inline]
fn plain_fetch(frame: &[u8], reading: Reading) -> Option<Fetched<'_>> {
    let (rest, n) = number(frame.strip_prefix(b"* ")?).ok()?;
    match rest.strip_prefix(b" FETCH (")? {
        [items @ .., b')', b'\r', b'\n'] => Some(Fetched::new(n, Attributes::new(items, reading))),
        _ => None,
    }
}

#[inline(never)]
fn any_response(frame: &[u8], reading: Reading) -> Result<Response<'_>, MalformedResponse> {
    let line = match frame {
        [line @ .., b'\r', b'\n'] => line,
        [line @ .., b'\n'] if reading.may(Quirks::BARE_LF) => line,
        _ => return Err(MalformedResponse("A response does not end")),
    };
    match parts(line, reading) {
        Ok(response) => Ok(response),
        Err(nom::Err::Error(f) | nom::Err::Failure(f)) => Err(MalformedResponse(f.0)),
        Err(nom::Err::Incomplete(_)) => Err(MalformedResponse("A response does not end")),
    }
}

#[inline]
fn parts(line: &[u8], reading: Reading) -> Result<Response<'_>, nom::Err<Fault>> {
    match line {
        [b'*', b' ', rest @ ..] => untagged(rest, reading),
        [b'+', b' ', rest @ ..] => Ok(Response::Continue(code::resp_text(rest, reading).1)),
        [b'+', rest @ ..] if reading.may(Quirks::BARE_CONTINUATION) => {
            Ok(Response::Continue(code::resp_text(rest, reading).1))
        }
        _ => tagged(line, reading),
    }
}

/// `response-tagged = tag SP resp-cond-state CRLF`
fn tagged(i: &[u8], reading: Reading) -> Result<Response<'_>, nom::Err<Fault>> {
    let (i, tag) = super::tag(i)?;
    let (i, ()) = sp_or_more(i, reading)?;
    let (i, name) = keyword(i);
    let status = match name {
        OK => Status::Ok,
        NO => Status::No,
        BAD => Status::Bad,
        _ => return fault("OK, NO or BAD is missing"),
    };
    let (_, text) = code::after_status(i, reading)?;
    Ok(Response::Tagged { tag: ascii(tag), status, text })
}

/// `"*" SP (resp-cond-state / resp-cond-bye / mailbox-data / message-data / capability-data / enable-data)`, after the space
#[inline]
fn untagged(i: &[u8], reading: Reading) -> Result<Response<'_>, nom::Err<Fault>> {
    if let [b'0'..=b'9', ..] = i {
        return numbered(i, reading);
    }
    let (rest, name) = keyword(i);
    let status = match name {
        OK => Status::Ok,
        NO => Status::No,
        BAD => Status::Bad,
        PREAUTH => Status::PreAuth,
        BYE => Status::Bye,
        _ => return data(i, rest, name, reading),
    };
    let (_, text) = code::after_status(rest, reading)?;
    Ok(Response::Condition { status, text })
}

/// What begins with a name.
fn data<'b>(
    whole: &'b [u8],
    i: &'b [u8],
    name: u128,
    reading: Reading,
) -> Result<Response<'b>, nom::Err<Fault>> {
    let untrimmed = i;
    let i = match name {
        // It may end with a literal, whose spaces are its own.
        LIST | XLIST | LSUB => i,
        _ => trimmed(i, reading),
    };
    let (i, response) = match name {
        CAPABILITY => (&[][..], Response::Capability(capabilities(i)?)),
        ENABLED => (&[][..], Response::Enabled(capabilities(i)?)),
        FLAGS => {
            let (i, ()) = sp_or_more(i, reading)?;
            value::flag_list(i, reading).map(|(i, f)| (i, Response::Flags(f)))?
        }
        LIST | XLIST => mailbox::list(i, reading).map(|(i, l)| (i, Response::List(l)))?,
        LSUB => mailbox::list(i, reading).map(|(i, l)| (i, Response::Lsub(l)))?,
        STATUS => mailbox::status(i, reading)?,
        SEARCH => search_data(i).map(|(i, (found, modseq))| (i, Response::Search { found, modseq }))?,
        ESEARCH => esearch::esearch(i, reading)?,
        VANISHED => vanished(i)?,
        NAMESPACE => mailbox::namespace(i)?,
        ID => id_params(sp(i)?.0).map(|(i, p)| (i, Response::Id(p)))?,
        _ => extension::data(whole, untrimmed, name, reading)?,
    };
    if trimmed(i, reading).is_empty() { Ok(response) } else { fault("Something follows the response") }
}

/// `nz-number SP ("EXPUNGE" / ("FETCH" SP msg-att))`, `number SP "EXISTS"` and `number SP "RECENT"`
#[inline]
fn numbered(whole: &[u8], reading: Reading) -> Result<Response<'_>, nom::Err<Fault>> {
    let (i, n) = number(whole)?;
    let (i, name) = keyword(sp_or_more(i, reading)?.0);
    if name == FETCH {
        let i = fetched::open(i, reading)?;
        // Its items are read where they are wanted.
        return match trimmed(i, reading) {
            [items @ .., b')'] => Ok(Response::Fetch(Fetched::new(n, Attributes::new(items, reading)))),
            _ => fault("A FETCH response does not end"),
        };
    }
    let response = match name {
        EXISTS => Response::Exists(n),
        RECENT => Response::Recent(n),
        EXPUNGE if n > 0 => Response::Expunge(n),
        _ => return extension::numbered(whole, n, i, name, reading),
    };
    if trimmed(i, reading).is_empty() { Ok(response) } else { fault("Something follows the response") }
}

/// `*(SP capability)`; every word is taken that has no control character in it.
fn capabilities(i: &[u8]) -> Result<CapabilityList<'_>, nom::Err<Fault>> {
    let list = i.strip_prefix(b" ").unwrap_or(i);
    if list.iter().all(|b| matches!(b, b' '..=b'~')) {
        Ok(CapabilityList(list))
    } else {
        fault("A capability is an atom")
    }
}

/// `*(SP nz-number) [SP search-sort-mod-seq]`, with
/// `search-sort-mod-seq = "(" "MODSEQ" SP mod-sequence-value ")"` (RFC 7162 section 7)
fn search_data(i: &[u8]) -> Parse<'_, (Numbers<'_>, Option<u64>)> {
    let list = i.strip_prefix(b" ").unwrap_or(i);
    let mut rest = list;
    let mut end = list;
    while let [b'0'..=b'9', ..] = rest {
        let (after, _) = nz_number(rest)?;
        end = after;
        rest = match after {
            [b' ', rest @ ..] => rest,
            [] => after,
            _ => return fault("A number is missing"),
        };
    }
    let found = Numbers(super::before(list, end));
    let [b'(', inner @ ..] = rest else { return Ok((rest, (found, None))) };
    let (inner, name) = keyword(inner);
    if name != MODSEQ {
        return fault("MODSEQ is missing");
    }
    let (inner, modseq) = number64(sp(inner)?.0)?;
    Ok((octet(inner, b')', "MODSEQ does not end")?, (found, Some(modseq))))
}

/// `expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` (RFC 7162 section 7)
fn vanished(i: &[u8]) -> Parse<'_, Response<'_>> {
    let (mut i, ()) = sp(i)?;
    let mut earlier = false;
    if let [b'(', inner @ ..] = i {
        let (inner, name) = keyword(inner);
        if name != EARLIER {
            return fault("EARLIER is missing");
        }
        earlier = true;
        i = sp(octet(inner, b')', "EARLIER does not end")?)?.0;
    }
    plain_set(i).map(|(i, uids)| (i, Response::Vanished { earlier, uids }))
}

/// The tag of a response, where it is a number after `prefix`.
pub(crate) fn counted_tag(tag: &str, prefix: u8) -> Option<u32> {
    match tag.as_bytes() {
        [p, number @ ..] if *p == prefix => digits(number),
        _ => None,
    }
}

/// The text of a list of flags, each of them any word: `\*`, and what servers take for keywords.
pub(crate) fn words_of(i: &[u8]) -> Option<FlagList<'_>> {
    let (rest, list) = take_while(i, is_flag_text);
    rest.is_empty().then_some(FlagList(list))
}
