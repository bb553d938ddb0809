//! What nearly every server writes, passed over in one go: no escapes, no literals, one space where there must be one.
//!
//! What follows the element comes back. `None` says that there is something else: the [`Reader`](super::reader::Reader) looks at that.
//! What is passed over here it would take as well, with the same end: a test below holds the two against each other.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grammar::response::reader::Reader,
        types::{Reading, WireEnvelope, WireStructure},
    };

    const ENVELOPE: &[u8] = b"(\"Wed, 17 Jul\" \"a b\" ((\"T G\" NIL \"g\" \"c.edu\")(NIL NIL \"h\" \"d\")) NIL NIL ((NIL NIL NIL NIL)) NIL NIL NIL \"<i>\") UID 123456";
    const SINGLE: &[u8] = b"(\"TEXT\" \"PLAIN\" (\"A\" \"b\" \"C\" \"\") NIL \"d\" \"7BIT\" 1152 23 NIL (\"inline\" (\"x\" \"y\")) \"en\" NIL) UID 123456";
    const OTHER: &[u8] = b"(\"A\" \"B\" NIL \"<i>\" NIL \"BASE64\" 9 NIL NIL NIL NIL)(\"A\" \"B\" NIL NIL NIL \"7BIT\" 1) UID 123456";
    const END: &[u8] = b" \"MIXED\" (\"BOUNDARY\" \"0A1B\") (\"a\" NIL) NIL \"http\") UID 123456";

    /// Each octet of the text becomes each of those that mean something, or goes, or comes twice.
    fn each_mistake(text: &[u8], mut held: impl FnMut(&[u8])) {
        held(text);
        for at in 0..text.len() {
            for b in *b"\"\\ ()NIL0-{}~\r\n\0\xe4x" {
                let mut wrong = text.to_vec();
                wrong[at] = b;
                held(&wrong);
            }
            held(&[&text[..at], &text[at + 1..]].concat());
            held(&[&text[..=at], &text[at..]].concat());
            held(&text[..at]);
        }
    }

    /// What the reader leaves of the text, or that it takes none.
    fn left<'b, T, E>(
        text: &'b [u8],
        reading: Reading,
        read: impl FnOnce(&mut Reader<'b>) -> Result<T, E>,
    ) -> Option<&'b [u8]> {
        let mut reader = Reader::new(text, reading);
        read(&mut reader).is_ok().then(|| reader.rest())
    }

    #[test]
    fn what_is_passed_over_the_reader_takes_with_the_same_end() {
        let mut passed = [0; 4];
        for reading in [Reading::STRICT, Reading::TOLERANT] {
            each_mistake(ENVELOPE, |text| {
                if let Some((rest, fields)) = envelope(text) {
                    passed[0] += 1;
                    let mut slow = [0; 10];
                    assert_eq!(
                        left(text, reading, |r| r.fields(0, &mut slow)),
                        Some(rest),
                        "{}",
                        text.escape_ascii()
                    );
                    assert_eq!(fields, slow, "{}", text.escape_ascii());
                }
            });
            for (i, part) in [SINGLE, OTHER].into_iter().enumerate() {
                each_mistake(part, |text| {
                    if let Some(rest) = single(text) {
                        passed[1 + i] += 1;
                        assert_eq!(left(text, reading, Reader::begin), Some(rest), "{}", text.escape_ascii());
                    }
                });
            }
            each_mistake(END, |text| {
                if let Some(rest) = multi_end(text) {
                    passed[3] += 1;
                    assert_eq!(left(text, reading, |r| r.end(true)), Some(rest), "{}", text.escape_ascii());
                }
            });
        }
        // Letters within strings may be any others.
        assert!(passed.iter().all(|n| *n > 200), "{passed:?}");
    }

    #[test]
    fn fields_are_found_where_they_begin() {
        let text = &ENVELOPE[..ENVELOPE.len() - b" UID 123456".len()];
        let e = WireEnvelope::parse(text, Reading::STRICT).unwrap();
        assert!(
            e.date().unwrap() == "Wed, 17 Jul"
                && e.subject().unwrap() == "a b"
                && e.message_id().unwrap() == "<i>"
        );
        let counts =
            [e.from(), e.sender(), e.reply_to(), e.to(), e.cc(), e.bcc()].map(|list| list.iter().count());
        assert_eq!((counts, e.in_reply_to()), ([2, 0, 0, 1, 0, 0], None));
        let both =
            [b"(", &OTHER[..OTHER.len() - b" UID 123456".len()], &END[..END.len() - b" UID 123456".len()]]
                .concat();
        let s = WireStructure::parse(&both, Reading::STRICT).unwrap();
        assert_eq!(
            s.parts().map(|p| p.number()).collect::<alloc::vec::Vec<_>>(),
            [alloc::vec![], alloc::vec![1], alloc::vec![2]]
        );
    }
}
