use super::{
    Context, Parse, before, fault,
    keyword::{keyword, words},
    sp,
    string::{astring, literal_header},
};
use crate::types::{Capabilities, CatenatePart, CatenateUrl, ListOf};

words! { URL = b"URL"; TEXT = b"TEXT"; UTF8 = b"UTF8"; }

/// `cat-part *(SP cat-part) ")"` up to the payload of a text or the end, with `cat-part = text-literal / url` and
/// `text-literal = "TEXT" SP literal` (RFC 4469 section 5), `cat-part =/ utf8-literal` (RFC 6855 section 4)
pub(super) fn parts(whole: &[u8], context: Context) -> Parse<'_, CatenatePart<'_>> {
    let mut i = whole;
    // Where the URLs end.
    let mut end = whole;
    loop {
        let (rest, name) = keyword(i);
        let part = |text, plus: bool| {
            let mut part = CatenatePart::new(ListOf::from_wire(before(whole, end), false), text);
            part.synchronizing = !plus;
            part
        };
        match name {
            URL => {
                (end, _) = astring(sp(rest)?.0)?;
                match end {
                    [b' ', rest @ ..] => i = rest,
                    [b')', rest @ ..] => {
                        let urls = ListOf::from_wire(before(whole, end), false);
                        return Ok((rest, CatenatePart::new(urls, None)));
                    }
                    _ => return fault("The parts of a message do not end"),
                }
            }
            TEXT => {
                let (rest, (len, plus)) = literal_header(sp(rest)?.0)?;
                return Ok((rest, part(Some(len), plus)));
            }
            UTF8 => {
                context.needs(Capabilities::UTF8_ACCEPT, "UTF8=ACCEPT is not on")?;
                let [b' ', b'(', b'~', literal @ ..] = rest else { return fault("A text is missing") };
                let (rest, (len, plus)) = literal_header(literal)?;
                let mut part = part(Some(len), plus);
                part.utf8 = true;
                return Ok((rest, part));
            }
            _ => return fault("A part of a message is TEXT or URL"),
        }
    }
}

/// What follows the text of a part: `*(SP cat-part) ")"`. A mere parenthesis ends the message without any more parts.
pub(crate) fn more_parts(i: &[u8], context: Context) -> Parse<'_, CatenatePart<'_>> {
    match i {
        [b')', rest @ ..] => Ok((rest, CatenatePart::new(ListOf::EMPTY, None))),
        [b' ', rest @ ..] => parts(rest, context),
        _ => fault("The parts of a message do not end"),
    }
}

/// `url = "URL" SP astring` (RFC 4469 section 5)
pub(crate) fn url(i: &[u8]) -> Parse<'_, CatenateUrl<'_>> {
    match keyword(i) {
        (rest, URL) => astring(sp(rest)?.0).map(|(rest, url)| (rest, CatenateUrl(url))),
        _ => fault("URL is missing"),
    }
}
