use super::{
    Context, Parse, fault,
    keyword::{keyword, words},
    list::mailbox,
    list_of::{in_parentheses, list_of},
    number::number,
    octet, sp,
    string::{astring, literal_header, nstring},
};
use crate::types::{AString, Command, Form, GetMetadata, ListOf, MetadataDepth, MetadataEntry, NString};

words! { MAXSIZE = b"MAXSIZE"; DEPTH = b"DEPTH"; ZERO = b"0"; ONE = b"1"; INFINITY = b"INFINITY"; }

/// `getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries` (RFC 5464 section 5); after the name. The options may
/// stand behind the mailbox, too, as in the examples of section 4.2.
pub(super) fn get(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (mut i, ()) = sp(i)?;
    let mut options = (None, MetadataDepth::Zero);
    let given = i.first() == Some(&b'(');
    if given {
        (i, options) = getmetadata_options(i)?;
        (i, ()) = sp(i)?;
    }
    let (i, mailbox) = mailbox(i, context)?;
    let (mut i, ()) = sp(i)?;
    if let [b'(', inner @ ..] = i
        && !given
        && matches!(keyword(inner).1, MAXSIZE | DEPTH)
    {
        (i, options) = getmetadata_options(i)?;
        (i, ()) = sp(i)?;
    }
    let (i, entries) = entries(i)?;
    let mut get = GetMetadata::new(mailbox, entries);
    (get.max_size, get.depth) = options;
    Ok((i, Command::GetMetadata(get)))
}

/// `getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"`, with `maxsize-opt = "MAXSIZE" SP number` and
/// `scope-opt = "DEPTH" SP ("0" / "1" / "infinity")` (RFC 5464 section 5)
fn getmetadata_options(i: &[u8]) -> Parse<'_, (Option<u32>, MetadataDepth)> {
    let mut i = octet(i, b'(', "Options are missing")?;
    let mut options = (None, MetadataDepth::Zero);
    loop {
        let (rest, name) = keyword(i);
        let (value, ()) = sp(rest)?;
        i = match name {
            MAXSIZE => number(value).map(|(i, n)| (options.0 = Some(n), i).1)?,
            DEPTH => {
                let (i, depth) = keyword(value);
                options.1 = match depth {
                    ZERO => MetadataDepth::Zero,
                    ONE => MetadataDepth::One,
                    INFINITY => MetadataDepth::Infinity,
                    _ => return fault("DEPTH is 0, 1 or infinity"),
                };
                i
            }
            _ => return fault("Unknown option"),
        };
        match i {
            [b' ', rest @ ..] => i = rest,
            [b')', rest @ ..] => return Ok((rest, options)),
            _ => return fault("Options do not end"),
        }
    }
}

/// `entries = entry / "(" entry *(SP entry) ")"` (RFC 5464 section 5)
fn entries(i: &[u8]) -> Parse<'_, ListOf<'_, AString<'_>>> {
    if i.first() == Some(&b'(') {
        return in_parentheses(i, false, false, entry);
    }
    let (rest, _) = entry(i)?;
    Ok((rest, ListOf::from_wire(super::before(i, rest), false)))
}

/// `entry = astring ; slash-separated path to entry, MUST NOT contain "*" or "%"` (RFC 5464 section 5), and as section 3.2 wants it: it
/// begins with a slash, ends with none, has no two together, and is printable ASCII.
pub(super) fn entry(i: &[u8]) -> Parse<'_, AString<'_>> {
    let (rest, name) = astring(i)?;
    let text = name.bytes();
    let wrong = text.first() != Some(&b'/')
        || text.ends_with(b"/")
        || text.windows(2).any(|w| w == b"//")
        || text.iter().any(|b| !matches!(b, b' '..=b'~') || matches!(b, b'*' | b'%'));
    if wrong { fault("This is no name of an entry") } else { Ok((rest, name)) }
}

/// `setmetadata = "SETMETADATA" SP mailbox SP entry-values`, with `entry-values = "(" entry-value *(SP entry-value) ")"` (RFC 5464
/// section 5); after the name.
pub(super) fn set(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (i, mailbox) = mailbox(sp(i)?.0, context)?;
    let (i, entries) = in_parentheses(sp(i)?.0, false, false, |i| {
        let (rest, name) = entry(i)?;
        let (rest, value) = value(sp(rest)?.0)?;
        Ok((rest, MetadataEntry::new(name, value)))
    })?;
    Ok((i, Command::SetMetadata { mailbox, entries }))
}

/// `entry-value = entry SP value` (RFC 5464 section 5), with any name
pub(crate) fn entry_value(i: &[u8]) -> Parse<'_, MetadataEntry<'_>> {
    let (i, name) = astring(i)?;
    let (i, value) = value(sp(i)?.0)?;
    Ok((i, MetadataEntry::new(name, value)))
}

/// `entry-list = entry *(SP entry)` (RFC 5464 section 5), with any names
pub(super) fn entry_list(i: &[u8]) -> Parse<'_, ListOf<'_, AString<'_>>> {
    list_of(i, false, astring)
}

/// `value = nstring / literal8` (RFC 5464 section 5)
fn value(i: &[u8]) -> Parse<'_, NString<'_>> {
    let [b'~', literal @ ..] = i else { return nstring(i) };
    let (rest, (len, _)) = literal_header(literal)?;
    match usize::try_from(len).ok().and_then(|len| rest.split_at_checked(len)) {
        Some((octets, rest)) => Ok((rest, Some(AString::from_wire(octets, Form::Literal)))),
        None => fault("A literal is cut short"),
    }
}
