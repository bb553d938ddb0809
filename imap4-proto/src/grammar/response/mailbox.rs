use super::value::{any, skip, sp_or_more};
use crate::grammar::{
    Parse, before, fault,
    keyword::{keyword, words},
    number::{number, number64},
    octet, sp,
    string::{astring, nil, string, take_while},
};
use crate::types::{
    AString, Form, Listed, MailboxArg, MailboxAttributes, Namespaces, Reading, Response, StatusData,
};

words! {
    MESSAGES = b"MESSAGES"; RECENT = b"RECENT"; UIDNEXT = b"UIDNEXT"; UIDVALIDITY = b"UIDVALIDITY"; UNSEEN = b"UNSEEN";
    MAILBOXID = b"MAILBOXID"; DELETED_STORAGE = b"DELETED-STORAGE"; DELETED = b"DELETED"; SIZE = b"SIZE"; HIGHESTMODSEQ = b"HIGHESTMODSEQ"; APPENDLIMIT = b"APPENDLIMIT";
}

/// `mailbox = "INBOX" / astring`. Atoms take every octet that ends none: servers send names in UTF-8, and bare `%`.
pub(super) fn mailbox(i: &[u8], reading: Reading) -> Parse<'_, MailboxArg<'_>> {
    let (rest, taken) =
        take_while(i, |b| b > b' ' && b != 0x7f && !matches!(b, b'(' | b')' | b'{' | b'"' | b'\\'));
    let (rest, name) =
        if taken.is_empty() { astring(i)? } else { (rest, AString::from_wire(taken, Form::Atom)) };
    Ok((rest, MailboxArg::new(name, reading.utf8)))
}

/// `SP mailbox-list`, with `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox
/// [SP mbox-list-extended]`
pub(super) fn list(i: &[u8], reading: Reading) -> Parse<'_, Listed<'_>> {
    let (i, ()) = sp_or_more(i, reading)?;
    let (i, attributes) = attributes(i, reading)?;
    let (i, delimiter) = delimiter(sp_or_more(i, reading)?.0)?;
    let (mut i, name) = mailbox(sp_or_more(i, reading)?.0, reading)?;
    let mut listed = Listed::new(attributes, delimiter, name);
    // `mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"`
    if let [b' ', b'(', rest @ ..] = i {
        let mut rest = rest;
        while !matches!(rest, [b')', ..]) {
            let (after, tag) = astring(rest)?;
            let (after, ()) = sp(after)?;
            let (after, value) = any(after)?;
            if tag.eq_ignore_ascii_case(b"CHILDINFO") {
                listed.child_subscribed |= childinfo(value);
            } else if tag.eq_ignore_ascii_case(b"OLDNAME")
                && let Some(old) = value.strip_prefix(b"(")
            {
                listed.old_name = Some(mailbox(old, reading)?.1);
            }
            rest = after.strip_prefix(b" ").unwrap_or(after);
        }
        i = octet(rest, b')', "Extended data does not end")?;
    }
    Ok((i, listed))
}

/// `"(" list-select-base-opt-quoted *(SP list-select-base-opt-quoted) ")"`: whether SUBSCRIBED is among them.
fn childinfo(value: &[u8]) -> bool {
    let mut rest = value.strip_prefix(b"(").unwrap_or(value);
    while let Ok((after, s)) = astring(rest) {
        if s.eq_ignore_ascii_case(b"SUBSCRIBED") {
            return true;
        }
        rest = after.strip_prefix(b" ").unwrap_or(after);
    }
    false
}

/// `"(" [mbx-list-flags] ")"`
fn attributes(i: &[u8], reading: Reading) -> Parse<'_, MailboxAttributes> {
    let (i, flags) = super::value::flag_list(i, reading)?;
    let all = flags.0.split(|b| *b == b' ').filter_map(MailboxAttributes::by_name);
    Ok((i, all.fold(MailboxAttributes::NONE, |all, a| all | a)))
}

/// `DQUOTE QUOTED-CHAR DQUOTE / nil`; the empty string is taken for NIL.
fn delimiter(i: &[u8]) -> Parse<'_, Option<char>> {
    if let Some(rest) = nil(i) {
        return Ok((rest, None));
    }
    let (rest, s) = string(i)?;
    let mut octets = s.octets();
    match (octets.next(), octets.next()) {
        (None, _) => Ok((rest, None)),
        (Some(d), None) if d.is_ascii() => Ok((rest, Some(char::from(d)))),
        _ => fault("A delimiter is one character"),
    }
}

/// `SP mailbox SP "(" [status-att-list] ")"`
pub(super) fn status(i: &[u8], reading: Reading) -> Parse<'_, Response<'_>> {
    let (i, mailbox) = mailbox(sp_or_more(i, reading)?.0, reading)?;
    let mut i = octet(sp_or_more(i, reading)?.0, b'(', "A list of figures is missing")?;
    let mut data = StatusData::default();
    loop {
        if let [b')', rest @ ..] = i {
            return Ok((rest, Response::Status { mailbox, data }));
        }
        let (rest, name) = keyword(i);
        let (rest, ()) = sp_or_more(rest, reading)?;
        let small = |slot: &mut Option<u32>| number(rest).map(|(i, n)| (*slot = Some(n), i).1);
        let large = |slot: &mut Option<u64>| number64(rest).map(|(i, n)| (*slot = Some(n), i).1);
        i = match name {
            MESSAGES => small(&mut data.messages)?,
            RECENT => small(&mut data.recent)?,
            UIDNEXT => small(&mut data.uid_next)?,
            UIDVALIDITY => small(&mut data.uid_validity)?,
            UNSEEN => small(&mut data.unseen)?,
            DELETED => small(&mut data.deleted)?,
            SIZE => large(&mut data.size)?,
            HIGHESTMODSEQ => large(&mut data.highest_modseq)?,
            APPENDLIMIT => match nil(rest) {
                Some(rest) => {
                    data.append_limit = Some(None);
                    rest
                }
                None => number64(rest).map(|(i, n)| (data.append_limit = Some(Some(n)), i).1)?,
            },
            DELETED_STORAGE => large(&mut data.deleted_storage)?,
            MAILBOXID => {
                super::extension::parenthesized_id(rest).map(|(i, id)| (data.mailbox_id = Some(id), i).1)?
            }
            0 => return fault("A list of figures does not end"),
            _ => skip(rest)?,
        };
        if let [b' ', ..] = i {
            i = sp_or_more(i, reading)?.0;
        } else if !matches!(i, [b')', ..]) {
            return fault("A list of figures does not end");
        }
    }
}

/// `SP namespace SP namespace SP namespace`
pub(super) fn namespace(i: &[u8]) -> Parse<'_, Response<'_>> {
    let (i, personal) = namespaces(sp(i)?.0)?;
    let (i, other_users) = namespaces(sp(i)?.0)?;
    let (i, shared) = namespaces(sp(i)?.0)?;
    Ok((i, Response::Namespace { personal, other_users, shared }))
}

/// `namespace = nil / "(" 1*namespace-descr ")"`
pub(crate) fn namespaces(i: &[u8]) -> Parse<'_, Namespaces<'_>> {
    if let Some(rest) = nil(i) {
        return Ok((rest, Namespaces(&[])));
    }
    let inner = octet(i, b'(', "A namespace is missing")?;
    let mut rest = inner;
    while let [b'(', ..] = rest {
        rest = description(rest)?.0;
        rest = rest.strip_prefix(b" ").unwrap_or(rest);
    }
    let list = before(inner, rest);
    Ok((octet(rest, b')', "A namespace does not end")?, Namespaces(list)))
}

/// `namespace-descr = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [namespace-response-extensions] ")"`
fn description(i: &[u8]) -> Parse<'_, (AString<'_>, Option<char>)> {
    let (i, prefix) = string(octet(i, b'(', "A namespace is missing")?)?;
    let (mut i, delimiter) = delimiter(sp(i)?.0)?;
    while let [b' ', rest @ ..] = i {
        i = skip(rest)?;
    }
    Ok((octet(i, b')', "A namespace does not end")?, (prefix, delimiter)))
}

/// Reads again what [`namespaces`] read.
#[derive(Clone)]
pub(crate) struct Descriptions<'b>(pub(crate) &'b [u8]);

impl<'b> Iterator for Descriptions<'b> {
    type Item = (AString<'b>, Option<char>);
    fn next(&mut self) -> Option<Self::Item> {
        let i = self.0.strip_prefix(b" ").unwrap_or(self.0);
        let (rest, description) = description(i).ok()?;
        self.0 = rest;
        Some(description)
    }
}
