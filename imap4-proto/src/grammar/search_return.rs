use core::num::NonZeroU32;

use super::{
    Context, Parse, fault, fetch,
    keyword::{keyword, words},
    number::nz_number,
    octet, sp,
};
use crate::types::{Capabilities, PartialRange, SearchReturn, SearchWindow};

words! {
    MIN = b"MIN"; MAX = b"MAX"; ALL = b"ALL"; COUNT = b"COUNT"; SAVE = b"SAVE"; CONTEXT = b"CONTEXT"; UPDATE = b"UPDATE";
    PARTIAL = b"PARTIAL"; RELEVANCY = b"RELEVANCY";
}

/// `"(" [search-return-opt *(SP search-return-opt)] ")"`, with
/// `search-return-opt = "MIN" / "MAX" / "ALL" / "COUNT" / "SAVE"`, `"CONTEXT" / modifier-partial / modifier-update` (RFC 5267
/// section 5, RFC 9394 section 4) and `"RELEVANCY"` (RFC 6203 section 7). `contexts`: what brings those of RFC 5267 with it.
pub(super) fn search_return_opts(
    i: &[u8],
    contexts: Capabilities,
    context: Context,
) -> Parse<'_, (SearchReturn, SearchWindow<'_>)> {
    let mut i = octet(i, b'(', "Return options are missing")?;
    let mut window = SearchWindow::default();
    if let [b')', rest @ ..] = i {
        // RFC 4731 section 3.1: an empty list is ALL.
        return Ok((rest, (SearchReturn::ALL, window)));
    }
    let mut options = SearchReturn::NONE;
    loop {
        let (mut rest, name) = keyword(i);
        options |= match name {
            MIN => SearchReturn::MIN,
            MAX => SearchReturn::MAX,
            ALL => SearchReturn::ALL,
            COUNT => SearchReturn::COUNT,
            SAVE => {
                context.needs(Capabilities::SEARCHRES, "SEARCHRES is not on")?;
                SearchReturn::SAVE
            }
            CONTEXT => {
                context.needs(contexts, "CONTEXT is not on")?;
                SearchReturn::CONTEXT
            }
            UPDATE => {
                context.needs(contexts, "CONTEXT is not on")?;
                (rest, window.update_items) = update(rest, context)?;
                SearchReturn::UPDATE
            }
            RELEVANCY => {
                context.needs(Capabilities::SEARCH_FUZZY, "SEARCH=FUZZY is not on")?;
                SearchReturn::RELEVANCY
            }
            PARTIAL => {
                context.needs(contexts.and(Capabilities::PARTIAL), "PARTIAL is not on")?;
                let (tail, range) = partial_range(sp(rest)?.0)?;
                if range.from_end {
                    context.needs(Capabilities::PARTIAL, "PARTIAL is not on")?;
                }
                // RFC 9394 section 3.1: "a single command MUST NOT contain more than one PARTIAL or ALL".
                if window.partial.replace(range).is_some() {
                    return fault("There is one PARTIAL at most");
                }
                rest = tail;
                SearchReturn::NONE
            }
            _ => return fault("Unknown return option"),
        };
        match rest {
            [b' ', rest @ ..] => i = rest,
            [b')', ..] if window.partial.is_some() && options.contains(SearchReturn::ALL) => {
                return fault("PARTIAL and ALL exclude each other");
            }
            [b')', rest @ ..] => return Ok((rest, (options, window))),
            _ => return fault("Return options do not end"),
        }
    }
}

/// `modifier-update = "UPDATE" [ "(" fetch-att *(SP fetch-att) ")" ]` (RFC 5465 section 8), after the name. Its example has a space.
fn update(i: &[u8], context: Context) -> Parse<'_, Option<crate::types::FetchItems<'_>>> {
    let items = i.strip_prefix(b" ").unwrap_or(i);
    if items.first() != Some(&b'(') {
        return Ok((i, None));
    }
    context.needs(Capabilities::NOTIFY, "NOTIFY is not on")?;
    fetch::items(items, context).map(|(rest, items)| (rest, Some(items)))
}

/// `partial-range = partial-range-first / partial-range-last`, with `partial-range-first = nz-number ":" nz-number` and
/// `partial-range-last = MINUS nz-number ":" MINUS nz-number` (RFC 9394 section 4)
pub(super) fn partial_range(i: &[u8]) -> Parse<'_, PartialRange> {
    let from_end = i.first() == Some(&b'-');
    let place = |i: &'_ [u8]| -> Result<(usize, NonZeroU32), _> {
        let digits =
            if from_end { octet(i, b'-', "Both ends of a range count from the same side")? } else { i };
        nz_number(digits).map(|(rest, n)| (i.len() - rest.len(), n))
    };
    let (n, from) = place(i)?;
    let i = octet(i.get(n..).unwrap_or(&[]), b':', "A range is first:last")?;
    let (n, to) = place(i)?;
    Ok((i.get(n..).unwrap_or(&[]), PartialRange::new(from, to, from_end)))
}
