//! Values whose type is not known, and strings with the tolerances they need.

use memchr::{memchr, memchr3};

use crate::grammar::{
    Fault, Parse, before, fault, flag_text,
    string::{literal_header, nil, quoted, take_while},
};
use crate::types::{AString, FlagList, Form, NString, Quirks, Reading};

/// `SP`, or more of them
#[inline]
pub(in crate::grammar) fn sp_or_more(i: &[u8], reading: Reading) -> Parse<'_, ()> {
    let [b' ', rest @ ..] = i else { return fault("A space is missing") };
    let mut rest = rest;
    if reading.may(Quirks::EXTRA_SPACE) {
        while let [b' ', tail @ ..] = rest {
            rest = tail;
        }
    }
    Ok((rest, ()))
}

/// Without the spaces at the end that are tolerated.
#[inline]
pub(super) fn trimmed(mut i: &[u8], reading: Reading) -> &[u8] {
    if reading.may(Quirks::EXTRA_SPACE) {
        while let [front @ .., b' '] = i {
            i = front;
        }
    }
    i
}

/// `string = quoted / literal`, and `literal8`. A literal may hold anything: it is the message's octets.
pub(super) fn string(i: &[u8], reading: Reading) -> Parse<'_, AString<'_>> {
    match i {
        [b'"', ..] => {
            let (rest, s) = quoted(i)?;
            match rest {
                [b'"', ..] if reading.may(Quirks::DOUBLED_QUOTE) => doubled(i),
                _ => Ok((rest, s)),
            }
        }
        [b'~', i @ ..] | i @ [b'{', ..] => octets(i),
        _ if reading.may(Quirks::NIL_STRING) => match nil(i) {
            Some(rest) => Ok((rest, AString::from_wire(&[], Form::Quoted))),
            None => fault("A string is missing"),
        },
        _ => fault("A string is missing"),
    }
}

/// `"{" number64 "}" CRLF *CHAR8`
fn octets(i: &[u8]) -> Parse<'_, AString<'_>> {
    let (rest, (len, _)) = literal_header(i)?;
    match usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len)) {
        Some((octets, rest)) => Ok((rest, AString::from_wire(octets, Form::Literal))),
        None => fault("A literal is cut short"),
    }
}

/// A quoted string with bare quotes in it: it ends at a quote that a space or a parenthesis follows.
fn doubled(i: &[u8]) -> Parse<'_, AString<'_>> {
    let inner = i.get(1..).unwrap_or(&[]);
    let mut at = 0;
    while let Some(n) = inner.get(at..).and_then(|tail| memchr(b'"', tail)) {
        let end = at + n;
        if let Some([b'"', rest @ ..]) = inner.get(end..)
            && matches!(rest, [] | [b' ' | b')', ..])
        {
            let text = inner.get(..end).unwrap_or(&[]);
            if memchr3(0, b'\r', b'\n', text).is_some() {
                break;
            }
            return Ok((rest, AString::from_wire(text, Form::Quoted)));
        }
        at = end + 1;
    }
    fault("A quoted string does not end, or holds NUL, CR or LF")
}

/// `nstring = string / nil`
#[inline]
pub(super) fn nstring(i: &[u8], reading: Reading) -> Parse<'_, NString<'_>> {
    match nil(i) {
        Some(rest) => Ok((rest, None)),
        None => string(i, reading).map(|(rest, s)| (rest, Some(s))),
    }
}

/// `flag-list`, with every word for a flag: servers have keywords that are no atoms.
#[inline]
pub(super) fn flag_list(i: &[u8], reading: Reading) -> Parse<'_, FlagList<'_>> {
    let [b'(', inner @ ..] = i else { return fault("A list of flags is missing") };
    let Some((list, [b')', rest @ ..])) = inner.split_at_checked(flag_text(inner)) else {
        return fault("A list of flags does not end");
    };
    if !reading.may(Quirks::EMPTY_FLAG) && has_empty_flag(list) {
        return fault("A flag is missing");
    }
    Ok((rest, FlagList(list)))
}

/// Whether a backslash stands alone.
pub(super) fn has_empty_flag(list: &[u8]) -> bool {
    list.ends_with(b"\\") || list.windows(2).any(|w| w == b"\\ ")
}

/// Any value: a string, an atom or the like, or a list of them in parentheses, however deep. What follows it.
pub(super) fn skip(mut i: &[u8]) -> Result<&[u8], nom::Err<Fault>> {
    let mut depth = 0u32;
    loop {
        i = match i {
            [b'(', rest @ ..] => {
                depth = depth.saturating_add(1);
                rest
            }
            [b')', rest @ ..] if depth > 0 => {
                depth -= 1;
                rest
            }
            [b' ', rest @ ..] if depth > 0 => rest,
            [b'"', ..] => quoted(i)?.0,
            [b'~', b'{', ..] => octets(i.get(1..).unwrap_or(&[]))?.0,
            [b'{', ..] => octets(i)?.0,
            _ => {
                // An atom may have a section in it.
                let (rest, taken) =
                    take_while(i, |b| !matches!(b, b' ' | b'(' | b')' | b'"' | b'{' | b'\r' | b'\n'));
                if taken.is_empty() {
                    return fault("A value is missing");
                }
                rest
            }
        };
        if depth == 0 {
            return Ok(i);
        }
    }
}

/// Any value, as its text.
pub(super) fn any(i: &[u8]) -> Parse<'_, &[u8]> {
    skip(i).map(|rest| (rest, before(i, rest)))
}
