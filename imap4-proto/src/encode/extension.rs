//! Commands of the extensions.

use alloc::vec::Vec;

use memchr::memchr;

use super::{
    atom,
    command::{search_arguments, search_program, search_return, sp_astring, sp_mailbox},
    list_of, number, string,
};
use crate::types::{
    CatenatePart, Command, Element, GetMetadata, ListOf, MetadataDepth, MultiSearch, Notify, PartialRange,
    Replaced, RightsChange, SeqNumber, Sort, Thread, ThreadAlgorithm,
};

/// The arguments of a command of an extension.
pub(super) fn arguments(out: &mut Vec<u8>, command: &Command<'_>) {
    match command {
        Command::Sort(s) => sort(out, s),
        Command::Thread(t) => thread(out, t),
        Command::CancelUpdate(tags) => {
            for tag in tags {
                out.push(b' ');
                string(out, &tag.bytes(), false);
            }
        }
        Command::MultiSearch(s) => multisearch(out, s),
        Command::GetQuota(root) => sp_astring(out, *root),
        Command::SetQuota { root, limits } => {
            sp_astring(out, *root);
            sp_parentheses(out, *limits);
        }
        Command::GetQuotaRoot(m) | Command::GetAcl(m) | Command::MyRights(m) => sp_mailbox(out, m),
        Command::GetMetadata(get) => getmetadata(out, get),
        Command::SetMetadata { mailbox, entries } => {
            sp_mailbox(out, mailbox);
            sp_parentheses(out, *entries);
        }
        Command::SetAcl { mailbox, identifier, change } => {
            sp_mailbox(out, mailbox);
            sp_astring(out, *identifier);
            mod_rights(out, *change);
        }
        Command::DeleteAcl { mailbox, identifier } | Command::ListRights { mailbox, identifier } => {
            sp_mailbox(out, mailbox);
            sp_astring(out, *identifier);
        }
        Command::Notify(Notify::None) => out.extend_from_slice(b" NONE"),
        Command::Notify(Notify::Set { status, groups }) => {
            out.extend_from_slice(if *status { b" SET STATUS" } else { b" SET" });
            sp_list(out, *groups);
        }
        Command::GenUrlAuth(urls) => sp_list(out, *urls),
        Command::ResetKey { mailbox: Some(mailbox), mechanisms } => {
            sp_mailbox(out, mailbox);
            sp_list(out, *mechanisms);
        }
        Command::UrlFetch(urls) => sp_list(out, *urls),
        Command::Compress => out.extend_from_slice(b" DEFLATE"),
        // The others are the base protocol's, or have no arguments.
        _ => {}
    }
}

pub(super) fn sp_list<'b, T: Element<'b>>(out: &mut Vec<u8>, list: ListOf<'b, T>) {
    if !list.is_empty() {
        out.push(b' ');
        list_of(out, list);
    }
}

fn sp_parentheses<'b, T: Element<'b>>(out: &mut Vec<u8>, list: ListOf<'b, T>) {
    out.extend_from_slice(b" (");
    list_of(out, list);
    out.push(b')');
}

/// `[search-return-opts] SP sort-criteria SP search-criteria`
fn sort(out: &mut Vec<u8>, sort: &Sort<'_>) {
    search_return(out, &sort.search);
    sp_parentheses(out, sort.criteria);
    criteria(out, &sort.search);
}

/// `SP thread-alg SP search-criteria`
fn thread(out: &mut Vec<u8>, thread: &Thread<'_>) {
    out.push(b' ');
    match thread.algorithm {
        ThreadAlgorithm::OrderedSubject => out.extend_from_slice(b"ORDEREDSUBJECT"),
        ThreadAlgorithm::References => out.extend_from_slice(b"REFERENCES"),
        ThreadAlgorithm::Other(name) => atom(out, name.as_bytes()),
    }
    criteria(out, &thread.search);
}

/// `SP charset 1*(SP search-key)`
fn criteria(out: &mut Vec<u8>, search: &crate::types::Search<'_>) {
    match search.charset {
        Some(charset) => sp_astring(out, charset),
        None => out.extend_from_slice(b" US-ASCII"),
    }
    search_program(out, &search.key);
}

/// `[SP esearch-source-opts] [SP search-return-opts] SP search-program`
fn multisearch(out: &mut Vec<u8>, search: &MultiSearch<'_>) {
    if let Some(sources) = search.sources {
        out.extend_from_slice(b" IN");
        sp_parentheses(out, sources);
    }
    search_arguments(out, &search.search);
}

/// `[SP getmetadata-options] SP mailbox SP entries`
fn getmetadata(out: &mut Vec<u8>, get: &GetMetadata<'_>) {
    let depth: &[u8] = match get.depth {
        MetadataDepth::Zero => b"",
        MetadataDepth::One => b"DEPTH 1",
        MetadataDepth::Infinity => b"DEPTH infinity",
    };
    if let Some(n) = get.max_size {
        out.extend_from_slice(b" (MAXSIZE ");
        number(out, n);
        if !depth.is_empty() {
            out.push(b' ');
            out.extend_from_slice(depth);
        }
        out.push(b')');
    } else if !depth.is_empty() {
        out.extend_from_slice(b" (");
        out.extend_from_slice(depth);
        out.push(b')');
    }
    sp_mailbox(out, &get.mailbox);
    sp_parentheses(out, get.entries);
}

/// `SP mod-rights`
fn mod_rights(out: &mut Vec<u8>, change: RightsChange) {
    out.push(b' ');
    let rights = match change {
        RightsChange::Replace(rights) => return super::rights(out, rights),
        RightsChange::Add(rights) => {
            out.push(b'+');
            rights
        }
        RightsChange::Remove(rights) => {
            out.push(b'-');
            rights
        }
    };
    out.extend(rights.letters().map(|l| u8::try_from(l).unwrap_or(b'l')));
}

/// `partial-range`
pub(super) fn partial_range(out: &mut Vec<u8>, range: PartialRange) {
    for (i, n) in [range.from, range.to].into_iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        if range.from_end {
            out.push(b'-');
        }
        number(out, n.get());
    }
}

/// `seq-number`
pub(crate) fn replaced(out: &mut Vec<u8>, replaced: Replaced) {
    match replaced.number {
        SeqNumber::Number(n) => number(out, n.get()),
        SeqNumber::Largest => out.push(b'*'),
    }
}

impl CatenatePart<'_> {
    /// Appends `cat-part *(SP cat-part)` without a space before: the line ends with the header of the text, or with the parenthesis
    /// that closes the message.
    pub fn encode(&self, out: &mut Vec<u8>) {
        list_of(out, self.urls);
        let Some(len) = self.text else { return out.push(b')') };
        if !self.urls.is_empty() {
            out.push(b' ');
        }
        out.extend_from_slice(if self.utf8 { b"UTF8 (~{" } else { b"TEXT {" });
        super::number64(out, len);
        out.extend_from_slice(if self.synchronizing { b"}\r\n" } else { b"+}\r\n" });
    }
}

/// `value = nstring / literal8` (RFC 5464 section 5)
pub(crate) fn nstring8(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        // NUL is for a literal8.
        Some(value) if memchr(0, value).is_some() => {
            out.extend_from_slice(b"~{");
            super::number64(out, u64::try_from(value.len()).unwrap_or(u64::MAX));
            out.extend_from_slice(b"}\r\n");
            out.extend_from_slice(value);
        }
        Some(value) => string(out, value, false),
        None => super::nil(out),
    }
}
