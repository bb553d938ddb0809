use super::{
    Context, Parse, fault,
    keyword::{keyword, words},
    list_of::list_of,
    notify::filter,
    octet,
    search::search,
    sp,
};
use crate::types::{ListOf, MailboxFilter, MultiSearch, SearchReturn};

words! { IN = b"IN"; }

/// `esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program`, with `esearch-source-opts =
/// "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"` (RFC 7377 section 4); after the name. There are no scope options yet.
pub(super) fn esearch(mut i: &[u8], context: Context) -> Parse<'_, MultiSearch<'_>> {
    let mut sources = None;
    if let (rest, IN) = keyword(sp(i)?.0) {
        let (rest, list) = source_mbox(octet(sp(rest)?.0, b'(', "Sources are missing")?, context)?;
        sources = Some(list);
        i = octet(rest, b')', "Sources do not end")?;
    }
    let (i, search) = search(i, true, context)?;
    let saves = search.returns.is_some_and(|r| r.intersects(SearchReturn::SAVE | SearchReturn::UPDATE));
    // RFC 7377 section 2.2: SAVE and UPDATE are for the selected mailbox alone.
    if saves && sources.is_some_and(|all| all.iter().any(|f| f != MailboxFilter::Selected)) {
        return fault("SAVE and UPDATE are for the selected mailbox alone");
    }
    Ok((i, MultiSearch::new(sources, search)))
}

/// `source-mbox = filter-mailboxes *(SP filter-mailboxes)` (RFC 7377 section 4)
fn source_mbox(i: &[u8], context: Context) -> Parse<'_, ListOf<'_, MailboxFilter<'_>>> {
    list_of(i, context.utf8, |i| match filter(i, context.utf8)? {
        (_, MailboxFilter::SelectedDelayed) => fault("selected-delayed has no place here"),
        found => Ok(found),
    })
}
