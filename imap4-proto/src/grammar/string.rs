use memchr::{memchr, memrchr};

use super::{
    Parse, before,
    chars::{is_list_char, unquoted},
    fault, is_astring_char, is_atom_char,
    number::number64,
};
use crate::types::{AString, Form, NString};

/// The longest start of `i` whose octets are all of the class, and what follows.
#[inline]
pub(crate) fn take_while(i: &[u8], class: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let n = i.iter().position(|b| !class(*b)).unwrap_or(i.len());
    i.split_at_checked(n).map_or((&[], i), |(taken, rest)| (rest, taken))
}

/// Text that is ASCII by its class.
#[inline]
pub(crate) fn ascii(taken: &[u8]) -> &str {
    core::str::from_utf8(taken).unwrap_or("")
}

/// `atom = 1*ATOM-CHAR`
#[inline]
pub(crate) fn atom(i: &[u8]) -> Parse<'_, &str> {
    let (rest, taken) = take_while(i, is_atom_char);
    if taken.is_empty() { fault("An atom is missing") } else { Ok((rest, ascii(taken))) }
}

/// `astring = 1*ASTRING-CHAR / string`
#[inline]
pub(crate) fn astring(i: &[u8]) -> Parse<'_, AString<'_>> {
    let (rest, taken) = take_while(i, is_astring_char);
    if taken.is_empty() { string(i) } else { Ok((rest, AString::from_wire(taken, Form::Atom))) }
}

/// `list-mailbox = 1*list-char / string`
#[inline]
pub(crate) fn list_mailbox(i: &[u8]) -> Parse<'_, AString<'_>> {
    let (rest, taken) = take_while(i, is_list_char);
    if taken.is_empty() { string(i) } else { Ok((rest, AString::from_wire(taken, Form::Atom))) }
}

/// `string = quoted / literal`
#[inline]
pub(crate) fn string(i: &[u8]) -> Parse<'_, AString<'_>> {
    match i {
        [b'"', ..] => quoted(i),
        [b'{', ..] => literal(i),
        _ => fault("A string is missing"),
    }
}

/// `nstring = string / nil`
#[inline]
pub(crate) fn nstring(i: &[u8]) -> Parse<'_, NString<'_>> {
    match nil(i) {
        Some(rest) => Ok((rest, None)),
        None => string(i).map(|(rest, s)| (rest, Some(s))),
    }
}

/// `nil = "NIL"`. What is left, where it stands there.
#[inline]
pub(crate) fn nil(i: &[u8]) -> Option<&[u8]> {
    match i {
        [a, b, c, rest @ ..] if [*a, *b, *c].eq_ignore_ascii_case(b"NIL") => Some(rest),
        _ => None,
    }
}

/// `quoted = DQUOTE *QUOTED-CHAR DQUOTE`. Octets from 0x80 are let through: passwords and names in the wild
/// have them, and what they mean is the session's to say.
pub(crate) fn quoted(i: &[u8]) -> Parse<'_, AString<'_>> {
    let [b'"', inner @ ..] = i else { return fault("A quoted string is missing") };
    let mut at = 0;
    let mut form = Form::Quoted;
    loop {
        let tail = inner.get(at..).unwrap_or(&[]);
        at += unquoted(tail);
        let Some((wire, tail)) = inner.split_at_checked(at) else {
            return fault("A quoted string does not end");
        };
        match tail {
            [b'"', rest @ ..] => return Ok((rest, AString::from_wire(wire, form))),
            [b'\\', b'"' | b'\\', ..] => {
                form = Form::Escaped;
                at += 2;
            }
            [b'\\', ..] => return fault("Only \" and \\ can be escaped in a quoted string"),
            [] | [b'\n', ..] => return fault("A quoted string does not end"),
            [0 | b'\r', ..] => return fault("A quoted string must not contain NUL or CR"),
            // Another control character.
            _ => at += 1,
        }
    }
}

/// `"{" number64 ["+"] "}" CRLF`: the length and whether the client did not wait.
#[inline]
pub(crate) fn literal_header(i: &[u8]) -> Parse<'_, (u64, bool)> {
    let [b'{', rest @ ..] = i else { return fault("A literal is missing") };
    let (rest, len) = number64(rest)?;
    let (rest, plus) = match rest {
        [b'+', rest @ ..] => (rest, true),
        _ => (rest, false),
    };
    match rest {
        [b'}', b'\r', b'\n', rest @ ..] | [b'}', b'\n', rest @ ..] => Ok((rest, (len, plus))),
        _ => fault("A literal's header does not end the line"),
    }
}

/// `literal = "{" number64 ["+"] "}" CRLF *CHAR8`
pub(crate) fn literal(i: &[u8]) -> Parse<'_, AString<'_>> {
    let (rest, (len, _)) = literal_header(i)?;
    let split = usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len));
    let Some((octets, rest)) = split else { return fault("A literal is cut short") };
    if memchr(0, octets).is_some() {
        return fault("A literal must not contain NUL");
    }
    Ok((rest, AString::from_wire(octets, Form::Literal)))
}

/// Whether all of a frame but its literals is UTF-8: after ENABLE of UTF8=ACCEPT or IMAP4rev2 a quoted string with other octets
/// is BAD (RFC 6855 section 3, RFC 9051 section 4.3).
#[inline]
pub(crate) fn quoted_is_utf8(frame: &[u8]) -> bool {
    frame.is_ascii() || lines_are_utf8(frame)
}

#[cold]
fn lines_are_utf8(mut frame: &[u8]) -> bool {
    while !frame.is_empty() {
        let end = memchr(b'\n', frame).map_or(frame.len(), |n| n + 1);
        let (line, rest) = frame.split_at_checked(end).unwrap_or((frame, &[]));
        if core::str::from_utf8(line).is_err() {
            return false;
        }
        let literal = memrchr(b'{', line).and_then(|at| literal_header(line.get(at..)?).ok());
        let len = literal.map_or(0, |(_, (len, _))| usize::try_from(len).unwrap_or(usize::MAX));
        frame = rest.get(len..).unwrap_or(&[]);
    }
    true
}

/// `1 *(SP element)`: the text of all of them, once each is read.
#[inline]
pub(crate) fn separated<'b, T>(
    i: &'b [u8],
    mut element: impl FnMut(&'b [u8]) -> Parse<'b, T>,
) -> Parse<'b, &'b [u8]> {
    let (mut rest, _) = element(i)?;
    while let [b' ', tail @ ..] = rest {
        rest = element(tail)?.0;
    }
    Ok((rest, before(i, rest)))
}

/// Reads again what [`separated`] read.
#[derive(Clone)]
pub(crate) struct AStrings<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for AStrings<'b> {
    type Item = AString<'b>;
    fn next(&mut self) -> Option<AString<'b>> {
        let i = self.0.strip_prefix(b" ").unwrap_or(self.0);
        let (rest, s) = astring(i).ok()?;
        self.0 = rest;
        Some(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_form() {
        for (wire, form, value, rest) in [
            (&b"abc] x"[..], Form::Atom, &b"abc]"[..], &b" x"[..]),
            (b"NIL", Form::Atom, b"NIL", b""),
            (b"\"\" ", Form::Quoted, b"", b" "),
            (b"\"a {5}\")", Form::Quoted, b"a {5}", b")"),
            (b"\"p\xe4ss\"", Form::Quoted, b"p\xe4ss", b""),
            (br#""a\"\\b""#, Form::Escaped, br#"a"\b"#, b""),
            (b"{0}\r\nx", Form::Literal, b"", b"x"),
            (b"{3+}\r\na\r\nb", Form::Literal, b"a\r\n", b"b"),
            (b"{3}\na\"\\b", Form::Literal, b"a\"\\", b"b"),
        ] {
            let (left, s) = astring(wire).unwrap();
            assert_eq!((s.form(), s.bytes().as_ref(), left), (form, value, rest), "{}", wire.escape_ascii());
        }
        for wire in [
            &b""[..],
            b"(",
            b"\"",
            b"\"a",
            b"\"a\\",
            b"\"a\\n\"",
            b"\"a\r\nb\"",
            b"\"a\0b\"",
            b"{3}\r\nab",
            b"{3}\r\na\0b",
            b"{3} ",
            b"{}\r\n",
            b"{+}\r\n",
            b"{-1}\r\n",
            b"{4294967296}\r\nx",
            b"{99999999999999999999}\r\n",
            b"%",
            b"{3",
            b"\x80",
        ] {
            assert!(astring(wire).is_err(), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn nil_is_not_the_string_nil_nor_the_empty_string() {
        assert_eq!(nstring(b"nil").unwrap().1, None);
        assert_eq!(nstring(b"\"NIL\"").unwrap().1, Some(AString::new(b"NIL")));
        assert_eq!(nstring(b"\"\"").unwrap().1, Some(AString::new(b"")));
        assert!(nstring(b"atom").is_err());
    }
}
