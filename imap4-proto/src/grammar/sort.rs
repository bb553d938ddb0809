use super::{
    Context, Parse, fault,
    keyword::{keyword, word, words},
    list_of::in_parentheses,
    search::search_keys,
    search_return::search_return_opts,
    sp,
    string::astring,
};
use crate::types::{Capabilities, Search, SearchKey, Sort, SortCriterion, SortKey};

words! { REVERSE = b"REVERSE"; RETURN = b"RETURN"; }

/// `sort = ["UID" SP] "SORT" SP sort-criteria SP search-criteria` (RFC 5256 section 5) and
/// `extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP search-criteria` (RFC 5267 section 5); after the name.
pub(super) fn sort(i: &[u8], uid: bool, context: Context) -> Parse<'_, Sort<'_>> {
    let (mut i, ()) = sp(i)?;
    let mut search = Search::new(uid, SearchKey::All);
    if let (rest, RETURN) = keyword(i) {
        context.needs(Capabilities::ESORT.and(Capabilities::CONTEXT_SORT), "ESORT is not on")?;
        let (rest, (returns, window)) = search_return_opts(sp(rest)?.0, Capabilities::CONTEXT_SORT, context)?;
        (search.returns, search.window) = (Some(returns), window);
        (i, ()) = sp(rest)?;
    }
    // `sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"`
    let (i, criteria) = in_parentheses(i, false, false, |i| {
        let (rest, criterion) = sort_criterion(i)?;
        match criterion.key {
            SortKey::DisplayFrom | SortKey::DisplayTo => {
                context.needs(Capabilities::SORT_DISPLAY, "SORT=DISPLAY is not on")?;
            }
            SortKey::Relevancy => context.needs(Capabilities::SEARCH_FUZZY, "SEARCH=FUZZY is not on")?,
            _ => {}
        }
        Ok((rest, criterion))
    })?;
    let (i, charset) = search_criteria(i, &mut search, context)?;
    Ok((i, Sort::new(criteria, charset, search)))
}

/// `SP search-criteria`, with `search-criteria = charset 1*(SP search-key)` (RFC 5256 section 5)
pub(super) fn search_criteria<'b>(
    i: &'b [u8],
    search: &mut Search<'b>,
    context: Context,
) -> Parse<'b, crate::types::AString<'b>> {
    let (i, charset) = astring(sp(i)?.0)?;
    let (i, key) = search_keys(sp(i)?.0, context)?;
    search.key = key;
    Ok((i, charset))
}

/// `sort-criterion = ["REVERSE" SP] sort-key` (RFC 5256 section 5), with `sort-key =/ "DISPLAYFROM" / "DISPLAYTO"` (RFC 5957
/// section 5) and `sort-key =/ "RELEVANCY"` (RFC 6203 section 7)
pub(crate) fn sort_criterion(i: &[u8]) -> Parse<'_, SortCriterion> {
    let (mut rest, mut name) = keyword(i);
    let reverse = name == REVERSE;
    if reverse {
        (rest, name) = keyword(sp(rest)?.0);
    }
    match SortKey::EACH.iter().find(|k| word(k.name().as_bytes()) == name) {
        Some(key) => Ok((rest, SortCriterion::new(*key, reverse))),
        None => fault("Unknown sort key"),
    }
}
