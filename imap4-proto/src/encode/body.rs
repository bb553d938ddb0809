use alloc::{borrow::Cow, vec::Vec};

use super::{nil, nstring, number64, string};
use crate::types::{BodyKind, BodyStructure, Disposition, Multipart, Parameters, SinglePart};

/// What is still to be written, the next at the end: nesting costs heap, not stack.
enum Todo<'s, 'a> {
    Body(&'s BodyStructure<'a>),
    /// What follows the parts of a multipart.
    MultiEnd(&'s Multipart<'a>),
    /// What follows the body of a message part.
    MessageEnd(&'s SinglePart<'a>, u64),
}

impl BodyStructure<'_> {
    /// Appends `body` (RFC 9051 section 9): with the extension data for BODYSTRUCTURE, without it for BODY. With `utf8`,
    /// non-ASCII text may stand in quotes.
    pub fn encode(&self, out: &mut Vec<u8>, extensible: bool, utf8: bool) {
        let mut todo = Vec::new();
        todo.push(Todo::Body(self));
        while let Some(next) = todo.pop() {
            match next {
                Todo::Body(BodyStructure::Single(part)) => {
                    out.push(b'(');
                    fields(out, part, utf8);
                    match &part.kind {
                        BodyKind::Basic => single_end(out, part, None, extensible, utf8),
                        BodyKind::Text(lines) => single_end(out, part, Some(*lines), extensible, utf8),
                        BodyKind::Message { envelope, body, lines } => {
                            out.push(b' ');
                            envelope.encode(out, utf8);
                            out.push(b' ');
                            todo.push(Todo::MessageEnd(part, *lines));
                            todo.push(Todo::Body(body));
                        }
                    }
                }
                Todo::Body(BodyStructure::Multi(multi)) => {
                    out.push(b'(');
                    if multi.parts.is_empty() {
                        out.extend_from_slice(br#"("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0"#);
                        out.extend_from_slice(if extensible { b" NIL NIL NIL NIL)" } else { b")" });
                    }
                    todo.push(Todo::MultiEnd(multi));
                    todo.extend(multi.parts.iter().rev().map(Todo::Body));
                }
                Todo::MessageEnd(part, lines) => single_end(out, part, Some(lines), extensible, utf8),
                Todo::MultiEnd(multi) => {
                    out.push(b' ');
                    string(out, &multi.media_subtype, utf8);
                    if extensible {
                        out.push(b' ');
                        parameters(out, &multi.parameters, utf8);
                        extension(
                            out,
                            multi.disposition.as_ref(),
                            &multi.language,
                            multi.location.as_deref(),
                            utf8,
                        );
                    }
                    out.push(b')');
                }
            }
        }
    }
}

/// `media-type SP media-subtype SP body-fields`, with
/// `body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets`
fn fields(out: &mut Vec<u8>, part: &SinglePart<'_>, utf8: bool) {
    string(out, &part.media_type, utf8);
    out.push(b' ');
    string(out, &part.media_subtype, utf8);
    out.push(b' ');
    parameters(out, &part.parameters, utf8);
    out.push(b' ');
    nstring(out, part.id.as_deref(), utf8);
    out.push(b' ');
    nstring(out, part.description.as_deref(), utf8);
    out.push(b' ');
    string(out, &part.encoding, utf8);
    out.push(b' ');
    number64(out, part.octets);
}

/// `[SP body-fld-lines] [SP body-ext-1part] ")"`
fn single_end(out: &mut Vec<u8>, part: &SinglePart<'_>, lines: Option<u64>, extensible: bool, utf8: bool) {
    if let Some(lines) = lines {
        out.push(b' ');
        number64(out, lines);
    }
    if extensible {
        out.push(b' ');
        nstring(out, part.md5.as_deref(), utf8);
        extension(out, part.disposition.as_ref(), &part.language, part.location.as_deref(), utf8);
    }
    out.push(b')');
}

/// `SP body-fld-dsp SP body-fld-lang SP body-fld-loc`
fn extension(
    out: &mut Vec<u8>,
    disposition: Option<&Disposition<'_>>,
    language: &[Cow<'_, [u8]>],
    location: Option<&[u8]>,
    utf8: bool,
) {
    out.push(b' ');
    match disposition {
        None => nil(out),
        Some(d) => {
            out.push(b'(');
            string(out, &d.kind, utf8);
            out.push(b' ');
            parameters(out, &d.parameters, utf8);
            out.push(b')');
        }
    }
    out.push(b' ');
    match language {
        [] => nil(out),
        [one] => string(out, one, utf8),
        more => {
            for (i, l) in more.iter().enumerate() {
                out.push(if i == 0 { b'(' } else { b' ' });
                string(out, l, utf8);
            }
            out.push(b')');
        }
    }
    out.push(b' ');
    nstring(out, location, utf8);
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn parameters(out: &mut Vec<u8>, list: &Parameters<'_>, utf8: bool) {
    if list.is_empty() {
        nil(out);
        return;
    }
    for (i, (name, value)) in list.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        string(out, name, utf8);
        out.push(b' ');
        string(out, value, utf8);
    }
    out.push(b')');
}
