use super::{
    Context, Parse, fault,
    keyword::{keyword, words},
    list_of::in_parentheses,
    metadata, octet, sp, status,
    string::{astring, list_mailbox, separated},
};
use crate::types::{
    AString, Capabilities, Create, List, ListOf, ListReturn, ListSelect, MailboxArg, MailboxAttributes,
    Patterns,
};

words! {
    SUBSCRIBED = b"SUBSCRIBED"; REMOTE = b"REMOTE"; RECURSIVEMATCH = b"RECURSIVEMATCH";
    SPECIAL_USE = b"SPECIAL-USE"; CHILDREN = b"CHILDREN"; STATUS = b"STATUS"; RETURN = b"RETURN"; METADATA = b"METADATA"; MYRIGHTS = b"MYRIGHTS"; USE = b"USE";
}

/// `mailbox = "INBOX" / astring`
#[inline]
pub(super) fn mailbox(i: &[u8], context: Context) -> Parse<'_, MailboxArg<'_>> {
    let (i, name) = astring(i)?;
    Ok((i, MailboxArg::new(name, context.utf8)))
}

/// What brings the extended syntax of LIST with it.
const EXTENDED: Capabilities = Capabilities::LIST_EXTENDED
    .and(Capabilities::SPECIAL_USE)
    .and(Capabilities::LIST_STATUS)
    .and(Capabilities::LIST_METADATA)
    .and(Capabilities::LIST_MYRIGHTS);

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`; after the name.
pub(super) fn list(i: &[u8], context: Context) -> Parse<'_, List<'_>> {
    let (mut i, ()) = sp(i)?;
    let mut select = ListSelect::NONE;
    if i.first() == Some(&b'(') {
        context.needs(EXTENDED, "LIST-EXTENDED is not on")?;
        (i, select) = list_select_opts(i, context)?;
        (i, ()) = sp(i)?;
    }
    let (i, reference) = mailbox(i, context)?;
    let (i, patterns) = patterns(sp(i)?.0, context.utf8)?;
    if patterns.in_parentheses {
        context.needs(EXTENDED, "LIST-EXTENDED is not on")?;
    }
    let mut list = List::new(reference, patterns);
    list.select = select;
    let [b' ', rest @ ..] = i else { return Ok((i, list)) };
    context.needs(EXTENDED, "LIST-EXTENDED is not on")?;
    let (rest, name) = keyword(rest);
    if name != RETURN {
        return fault("RETURN is missing");
    }
    let (i, (returns, entries)) = list_return_opts(sp(rest)?.0, context)?;
    (list.returns, list.metadata) = (returns, entries);
    Ok((i, list))
}

/// `list-select-opts = "(" [...] ")"`, any options in any order; `SPECIAL-USE` is RFC 6154's
fn list_select_opts(i: &[u8], context: Context) -> Parse<'_, ListSelect> {
    let mut i = octet(i, b'(', "Selection options are missing")?;
    let mut select = ListSelect::EXTENDED;
    if let [b')', rest @ ..] = i {
        return Ok((rest, select));
    }
    loop {
        let (rest, name) = keyword(i);
        select |= match name {
            SPECIAL_USE => {
                context.needs(Capabilities::SPECIAL_USE, "SPECIAL-USE is not on")?;
                ListSelect::SPECIAL_USE
            }
            SUBSCRIBED | REMOTE | RECURSIVEMATCH => {
                context.needs(Capabilities::LIST_EXTENDED, "LIST-EXTENDED is not on")?;
                match name {
                    SUBSCRIBED => ListSelect::SUBSCRIBED,
                    REMOTE => ListSelect::REMOTE,
                    _ => ListSelect::RECURSIVEMATCH,
                }
            }
            _ => return fault("Unknown selection option"),
        };
        match rest {
            [b' ', rest @ ..] => i = rest,
            // "If a list-select-mod-opt appears, then a list-select-base-opt must also appear."
            [b')', ..]
                if select.contains(ListSelect::RECURSIVEMATCH)
                    && !select.contains(ListSelect::SUBSCRIBED) =>
            {
                return fault("RECURSIVEMATCH needs an option to modify");
            }
            [b')', rest @ ..] => return Ok((rest, select)),
            _ => return fault("Selection options do not end"),
        }
    }
}

/// `"(" [list-return-opt *(SP list-return-opt)] ")"`, with
/// `return-option = "SUBSCRIBED" / "CHILDREN" / status-option / option-extension` and
/// `status-option = "STATUS" SP "(" status-att *(SP status-att) ")"`, `return-option =/ "METADATA" SP "(" entry *(SP entry) ")"`
/// (RFC 9590 section 5) and `return-option =/ "MYRIGHTS"` (RFC 8440 section 4)
fn list_return_opts(i: &[u8], context: Context) -> Parse<'_, (ListReturn, Option<ListOf<'_, AString<'_>>>)> {
    let mut i = octet(i, b'(', "Return options are missing")?;
    let mut returns = ListReturn { given: true, ..ListReturn::NONE };
    let mut entries = None;
    if let [b')', rest @ ..] = i {
        return Ok((rest, (returns, entries)));
    }
    loop {
        let (mut rest, name) = keyword(i);
        match name {
            SUBSCRIBED => {
                context.needs(Capabilities::LIST_EXTENDED, "LIST-EXTENDED is not on")?;
                returns.subscribed = true;
            }
            CHILDREN => {
                context
                    .needs(Capabilities::LIST_EXTENDED.and(Capabilities::CHILDREN), "CHILDREN is not on")?;
                returns.children = true;
            }
            SPECIAL_USE => {
                context.needs(Capabilities::SPECIAL_USE, "SPECIAL-USE is not on")?;
                returns.special_use = true;
            }
            STATUS => {
                context.needs(Capabilities::LIST_STATUS, "LIST-STATUS is not on")?;
                let (tail, items) = status::status_items(sp(rest)?.0, context)?;
                returns.status = Some(items);
                rest = tail;
            }
            METADATA => {
                context.needs(Capabilities::LIST_METADATA, "LIST-METADATA is not on")?;
                let (tail, list) = in_parentheses(sp(rest)?.0, false, false, metadata::entry)?;
                entries = Some(list);
                rest = tail;
            }
            MYRIGHTS => {
                context.needs(Capabilities::LIST_MYRIGHTS, "LIST-MYRIGHTS is not on")?;
                returns.my_rights = true;
            }
            _ => return fault("Unknown return option"),
        }
        match rest {
            [b' ', rest @ ..] => i = rest,
            [b')', rest @ ..] => return Ok((rest, (returns, entries))),
            _ => return fault("Return options do not end"),
        }
    }
}

/// `mbox-or-pat = list-mailbox / patterns`, with `patterns = "(" list-mailbox *(SP list-mailbox) ")"` (RFC 5258 section 6)
pub(crate) fn patterns(i: &[u8], utf8: bool) -> Parse<'_, Patterns<'_>> {
    if let [b'(', i @ ..] = i {
        let (rest, wire) = separated(i, list_mailbox)?;
        return Ok((
            octet(rest, b')', "Patterns do not end")?,
            Patterns { wire, utf8, in_parentheses: true },
        ));
    }
    let (rest, _) = list_mailbox(i)?;
    Ok((rest, Patterns { wire: super::before(i, rest), utf8, in_parentheses: false }))
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox` (RFC 3501 section 9); after the name.
pub(super) fn lsub(i: &[u8], context: Context) -> Parse<'_, (MailboxArg<'_>, MailboxArg<'_>)> {
    let (i, reference) = mailbox(sp(i)?.0, context)?;
    let (i, pattern) = list_mailbox(sp(i)?.0)?;
    Ok((i, (reference, MailboxArg::new(pattern, context.utf8))))
}

/// `create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]`
/// (RFC 4466 section 2.2, RFC 6154 section 6); after the name.
pub(super) fn create(i: &[u8], context: Context) -> Parse<'_, Create<'_>> {
    let (i, mailbox) = mailbox(sp(i)?.0, context)?;
    let mut create = Create::new(mailbox);
    let [b' ', b'(', rest @ ..] = i else { return Ok((i, create)) };
    let (rest, name) = keyword(rest);
    if name != USE {
        return fault("Unknown create parameter");
    }
    context.needs(Capabilities::CREATE_SPECIAL_USE, "CREATE-SPECIAL-USE is not on")?;
    let mut i = octet(sp(rest)?.0, b'(', "A list of special uses is missing")?;
    while !matches!(i, [b')', ..]) {
        let name = octet(i, b'\\', "A special use starts with a backslash")?;
        let (rest, _) = super::string::atom(name)?;
        match MailboxAttributes::by_name(super::before(i, rest)) {
            Some(a) if MailboxAttributes::SPECIAL_USE.contains(a) => create.special_use |= a,
            _ => create.unknown_use = true,
        }
        i = match rest {
            [b' ', rest @ ..] if rest.first() == Some(&b'\\') => rest,
            [b')', ..] => rest,
            _ => return fault("A list of special uses does not end"),
        };
    }
    let i = octet(i, b')', "A list of special uses does not end")?;
    Ok((octet(i, b')', "Create parameters do not end")?, create))
}

/// Reads again what [`patterns`] read.
#[derive(Clone)]
pub(crate) struct ListMailboxes<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for ListMailboxes<'b> {
    type Item = AString<'b>;
    fn next(&mut self) -> Option<AString<'b>> {
        let i = self.0.strip_prefix(b" ").unwrap_or(self.0);
        let (rest, s) = list_mailbox(i).ok()?;
        self.0 = rest;
        Some(s)
    }
}
