use std::borrow::Cow;

use memchr::memchr;

/// One header field as it stands in the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field<'a> {
    /// The name, without the colon and the space some put before it.
    pub name: &'a [u8],
    /// What follows the colon, folded as it was, without the last line's end.
    pub value: &'a [u8],
    /// The whole field with all its line ends.
    pub raw: &'a [u8],
}

impl Field<'_> {
    /// Whether the field has this name, without case (RFC 5322 section 1.2.2).
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// The fields of a header, in their order. Lines that are no field and follow none are passed over.
#[must_use]
pub const fn fields(header: &[u8]) -> Fields<'_> {
    Fields { rest: header }
}

/// See [`fields`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The octets of the first line of `bytes`, its end included.
fn line_len(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let first = line_len(self.rest);
            if first == 0 {
                return None;
            }
            let mut end = first;
            // RFC 5322 section 2.2.3: a line that starts with white space goes on with the one before.
            while let Some(b' ' | b'\t') = self.rest.get(end) {
                end += line_len(self.rest.get(end..).unwrap_or_default());
            }
            let (raw, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
            self.rest = rest;
            let line = raw.get(..first).unwrap_or(raw);
            if without_line_end(line).is_empty() {
                // The empty line: the header ends.
                self.rest = &[];
                return None;
            }
            let Some(colon) = memchr(b':', line) else { continue };
            let name = raw.get(..colon).unwrap_or_default().trim_ascii_end();
            if name.is_empty() || name.iter().any(|b| *b <= b' ' || *b == 0x7f) {
                continue;
            }
            let value = without_line_end(raw.get(colon + 1..).unwrap_or_default());
            return Some(Field { name, value, raw });
        }
    }
}

/// A field's value on one line: line ends before white space are taken out (RFC 5322 section 2.2.3), white
/// space at both ends too. Other control characters that no string may hold become spaces.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if !value.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(
        value
            .iter()
            .filter(|b| !matches!(b, b'\r' | b'\n'))
            .map(|b| if *b == 0 { b' ' } else { *b })
            .collect(),
    )
}

/// The fields of `header` whose names are in `names` (or, with `not`, are not), whole, and an empty line:
/// what `HEADER.FIELDS` and `HEADER.FIELDS.NOT` return (RFC 9051 section 6.4.5.1).
pub fn select_fields<N: AsRef<[u8]>>(header: &[u8], names: &[N], not: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for field in fields(header) {
        let named = names.iter().any(|n| n.as_ref().eq_ignore_ascii_case(field.name));
        if named != not {
            out.extend_from_slice(field.raw);
            if !field.raw.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_folding_and_order() {
        let header = b"A: 1\r\nSubject : two\r\n words\r\n\tmore\r\nno field here\r\nb:\nC:x\r\n\r\nD: body";
        let got: Vec<_> = fields(header).map(|f| (f.name, f.value)).collect();
        assert_eq!(
            got,
            [(&b"A"[..], &b" 1"[..]), (b"Subject", b" two\r\n words\r\n\tmore"), (b"b", b""), (b"C", b"x"),]
        );
        assert_eq!(fields(header).nth(1).unwrap().raw, b"Subject : two\r\n words\r\n\tmore\r\n");
    }

    #[test]
    fn unfolding_keeps_the_white_space_of_the_fold() {
        for (folded, flat) in
            [(" a\r\n b", "a b"), ("a\n\tb ", "a\tb"), ("", ""), (" x ", "x"), ("a\r\n\r\n b", "a b")]
        {
            assert_eq!(unfold(folded.as_bytes()), flat.as_bytes());
        }
    }

    #[test]
    fn header_fields_are_chosen_by_name_without_case() {
        let header = b"To: a\r\nFrom: b\r\n c\r\nTO: d\r\n\r\n";
        assert_eq!(select_fields(header, &["to"], false), b"To: a\r\nTO: d\r\n\r\n");
        assert_eq!(select_fields(header, &["to"], true), b"From: b\r\n c\r\n\r\n");
        assert_eq!(select_fields(header, &["x"], false), b"\r\n");
        assert_eq!(select_fields(b"X: no end", &["x"], false), b"X: no end\r\n\r\n");
    }
}
