use super::{
    Context, Fault, Parse, fault,
    keyword::{keyword, word, words},
    string::{ascii, take_while},
};
use crate::types::{Capabilities, FetchItem};

words! { SAVEDATE = b"SAVEDATE"; PREVIEW = b"PREVIEW"; EMAILID = b"EMAILID"; THREADID = b"THREADID"; }

/// `fetch-att =/ "SAVEDATE"` (RFC 8514 section 5), `"EMAILID" / "THREADID"` (RFC 8474 section 7) and
/// `"PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]` with `preview-mod = "LAZY"` (RFC 8970 section 6); `rest` is what follows the name.
pub(super) fn fetch_att(rest: &[u8], name: u128) -> Parse<'_, FetchItem<'_>> {
    match name {
        SAVEDATE => Ok((rest, FetchItem::SaveDate)),
        EMAILID => Ok((rest, FetchItem::EmailId)),
        THREADID => Ok((rest, FetchItem::ThreadId)),
        PREVIEW => {
            // Other parentheses are the modifiers of FETCH.
            if let [b' ', b'(', inner @ ..] = rest
                && let (mut inner, lazy) = keyword(inner)
                && lazy == word(b"LAZY")
            {
                while let [b' ', tail @ ..] = inner {
                    let (tail, name) = keyword(tail);
                    if name != lazy {
                        return fault("Unknown modifier of PREVIEW");
                    }
                    inner = tail;
                }
                return match inner {
                    [b')', rest @ ..] => Ok((rest, FetchItem::Preview { lazy: true })),
                    _ => fault("The modifiers of PREVIEW do not end"),
                };
            }
            Ok((rest, FetchItem::Preview { lazy: false }))
        }
        _ => fault("Unknown fetch item"),
    }
}

/// An item that belongs to an extension, where it is on.
pub(super) fn check(item: &FetchItem<'_>, context: Context) -> Result<(), nom::Err<Fault>> {
    match item {
        FetchItem::SaveDate => context.needs(Capabilities::SAVEDATE, "SAVEDATE is not on"),
        FetchItem::Preview { .. } => context.needs(Capabilities::PREVIEW, "PREVIEW is not on"),
        FetchItem::EmailId | FetchItem::ThreadId => {
            context.needs(Capabilities::OBJECTID, "OBJECTID is not on")
        }
        _ => Ok(()),
    }
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` (RFC 8474 section 7)
pub(super) fn objectid(i: &[u8]) -> Parse<'_, &str> {
    let (rest, id) = take_while(i, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if (1..=255).contains(&id.len()) {
        Ok((rest, ascii(id)))
    } else {
        fault("An identifier has 1 to 255 characters")
    }
}
