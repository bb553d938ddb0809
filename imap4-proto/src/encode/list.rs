use alloc::vec::Vec;

use super::{mailbox, nil, number, number64, string};
use crate::types::{ListData, StatusData};

/// `mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]`
pub(crate) fn list_data(out: &mut Vec<u8>, data: &ListData<'_>, utf8: bool) {
    out.push(b'(');
    for (i, name) in data.attributes.names().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(b") ");
    delimiter(out, data.delimiter);
    out.push(b' ');
    mailbox(out, data.name, utf8);
    if !data.child_subscribed && data.old_name.is_none() {
        return;
    }
    // `mbox-list-extended = "(" [mbox-list-extended-item *(SP mbox-list-extended-item)] ")"`
    out.extend_from_slice(b" (");
    if data.child_subscribed {
        out.extend_from_slice(b"\"CHILDINFO\" (\"SUBSCRIBED\")");
    }
    if let Some(old) = data.old_name {
        if data.child_subscribed {
            out.push(b' ');
        }
        out.extend_from_slice(b"\"OLDNAME\" (");
        mailbox(out, old, utf8);
        out.push(b')');
    }
    out.push(b')');
}

/// `DQUOTE QUOTED-CHAR DQUOTE / nil`
pub(super) fn delimiter(out: &mut Vec<u8>, delimiter: Option<char>) {
    match delimiter {
        Some(c) if c.is_ascii() && !c.is_ascii_control() => {
            string(out, c.encode_utf8(&mut [0; 4]).as_bytes(), false);
        }
        _ => nil(out),
    }
}

/// `namespace = nil / "(" 1*namespace-descr ")"`, with
/// `namespace-descr = "(" string SP (DQUOTE QUOTED-CHAR DQUOTE / nil) [...] ")"`
pub(crate) fn namespaces(out: &mut Vec<u8>, list: &[(&str, Option<char>)], utf8: bool) {
    if list.is_empty() {
        nil(out);
        return;
    }
    out.push(b'(');
    for (prefix, d) in list {
        out.push(b'(');
        if utf8 {
            string(out, prefix.as_bytes(), true);
        } else {
            string(out, crate::mutf7::encode(prefix).as_bytes(), false);
        }
        out.push(b' ');
        delimiter(out, *d);
        out.push(b')');
    }
    out.push(b')');
}

/// `"(" objectid ")"` (RFC 8474 section 7); what has no place in one is left out.
pub(crate) fn object_id(out: &mut Vec<u8>, id: &str) {
    out.push(b'(');
    out.extend(id.bytes().filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).take(255));
    out.push(b')');
}

/// `"(" [status-att-list] ")"`
pub(crate) fn status_data(out: &mut Vec<u8>, data: &StatusData<'_>) {
    let from = out.len();
    for (name, value) in [
        (&b" MESSAGES "[..], data.messages),
        (b" RECENT ", data.recent),
        (b" UIDNEXT ", data.uid_next),
        (b" UIDVALIDITY ", data.uid_validity),
        (b" UNSEEN ", data.unseen),
        (b" DELETED ", data.deleted),
    ] {
        if let Some(n) = value {
            out.extend_from_slice(name);
            number(out, n);
        }
    }
    for (name, value) in [(&b" SIZE "[..], data.size), (b" HIGHESTMODSEQ ", data.highest_modseq)] {
        if let Some(n) = value {
            out.extend_from_slice(name);
            number64(out, n);
        }
    }
    if let Some(n) = data.deleted_storage {
        out.extend_from_slice(b" DELETED-STORAGE ");
        number64(out, n);
    }
    if let Some(id) = data.mailbox_id {
        out.extend_from_slice(b" MAILBOXID ");
        object_id(out, id);
    }
    if let Some(limit) = data.append_limit {
        out.extend_from_slice(b" APPENDLIMIT ");
        match limit {
            Some(n) => number64(out, n),
            None => nil(out),
        }
    }
    // The first space becomes the parenthesis.
    match out.get_mut(from) {
        Some(space) => {
            *space = b'(';
            out.push(b')');
        }
        None => out.extend_from_slice(b"()"),
    }
}
