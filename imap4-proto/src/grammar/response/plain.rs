//! What nearly every server writes, passed over in one go: no escapes, no literals, one space where there must be one.
//!
//! What follows the element comes back. `None` says that there is something else: the [`Reader`](super::reader::Reader) looks at that.
//! What is passed over here it would take as well; `tests/structures.rs` holds both against each other.

use super::envelope::Fields;
use crate::grammar::{after_quote, digits_of};

/// `string`, and the octet before it. It is inlined where several are read in a loop.
#[inline]
fn string(i: &[u8], before: u8) -> Option<&[u8]> {
    match i {
        [b, b'"', text @ ..] if *b == before => after_quote(text),
        _ => None,
    }
}

/// `nstring`, and the octet before it; the same.
#[inline]
fn any_nstring(i: &[u8], before: u8) -> Option<&[u8]> {
    match i {
        [b, b'"', text @ ..] if *b == before => after_quote(text),
        [b, b'N', b'I', b'L', rest @ ..] if *b == before => Some(rest),
        _ => None,
    }
}

/// `nstring`, and the octet before it
#[inline(never)]
fn nstring(i: &[u8], before: u8) -> Option<&[u8]> {
    any_nstring(i, before)
}

/// `")"`
#[inline]
const fn close(i: &[u8]) -> Option<&[u8]> {
    match i {
        [b')', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// `envelope`, and where its fields begin
pub(super) fn envelope(text: &[u8]) -> Option<(&[u8], Fields)> {
    let mut fields = [0; 10];
    let [date, subject, lists @ .., in_reply_to, message_id] = &mut fields;
    // Behind the octet that comes next.
    let place = |rest: &[u8]| u32::try_from(text.len() - rest.len() + 1).ok();
    *date = place(text)?;
    let mut i = nstring(text, b'(')?;
    *subject = place(i)?;
    i = nstring(i, b' ')?;
    for list in lists {
        *list = place(i)?;
        i = addresses(i)?;
    }
    *in_reply_to = place(i)?;
    i = nstring(i, b' ')?;
    *message_id = place(i)?;
    i = nstring(i, b' ')?;
    Some((close(i)?, fields))
}

/// `SP "(" 1*address ")"` or `SP nil`
#[inline]
fn addresses(i: &[u8]) -> Option<&[u8]> {
    match i {
        [b' ', b'(', list @ ..] => {
            let mut i = address(list)?;
            while let [b'(', ..] = i {
                i = address(i)?;
            }
            close(i)
        }
        [b' ', b'N', b'I', b'L', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`
fn address(mut i: &[u8]) -> Option<&[u8]> {
    for before in *b"(   " {
        i = any_nstring(i, before)?;
    }
    close(i)
}

/// `SP number64` of less than eight digits
#[inline]
fn number(i: &[u8]) -> Option<&[u8]> {
    let [b' ', digits @ ..] = i else { return None };
    match digits_of(digits.first_chunk()?) {
        n @ 1..8 => digits.get(n..),
        _ => None,
    }
}

/// `SP body-fld-param`, with `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn parameters(i: &[u8]) -> Option<&[u8]> {
    match i {
        [b' ', b'N', b'I', b'L', rest @ ..] => Some(rest),
        [b' ', list @ ..] => {
            let (mut i, mut before, mut is_value) = (list, b'(', false);
            loop {
                i = string(i, before)?;
                match i {
                    [b')', rest @ ..] if is_value => return Some(rest),
                    _ => (before, is_value) = (b' ', !is_value),
                }
            }
        }
        _ => None,
    }
}

/// `body-type-1part` that is no message
pub(super) fn single(mut i: &[u8]) -> Option<&[u8]> {
    for before in *b"( " {
        i = string(i, before)?;
    }
    i = parameters(i)?;
    i = nstring(i, b' ')?;
    i = nstring(i, b' ')?;
    i = string(i, b' ')?;
    i = number(i)?;
    if let [b' ', b'0'..=b'9', ..] = i {
        i = number(i)?;
    }
    match i {
        [b')', rest @ ..] => Some(rest),
        _ => extension(nstring(i, b' ')?),
    }
}

/// `SP media-subtype [SP body-ext-mpart] ")"`, behind the parts of a multipart
pub(super) fn multi_end(i: &[u8]) -> Option<&[u8]> {
    match string(i, b' ')? {
        [b')', rest @ ..] => Some(rest),
        i => extension(parameters(i)?),
    }
}

/// `[SP body-fld-dsp SP body-fld-lang SP body-fld-loc] ")"`
#[inline]
fn extension(i: &[u8]) -> Option<&[u8]> {
    match i.strip_prefix(b" NIL NIL NIL)") {
        Some(rest) => Some(rest),
        None => some_extension(i),
    }
}

fn some_extension(i: &[u8]) -> Option<&[u8]> {
    let i = match i {
        [b')', rest @ ..] => return Some(rest),
        [b' ', b'N', b'I', b'L', rest @ ..] => rest,
        [b' ', disposition @ ..] => close(parameters(string(disposition, b'(')?)?)?,
        _ => return None,
    };
    let i = nstring(i, b' ')?;
    close(nstring(i, b' ')?)
}
