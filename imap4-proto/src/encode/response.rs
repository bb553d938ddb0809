use alloc::vec::Vec;

use super::{
    astring, code::code, extension_response, fetch::section, nil, number, number64, status_data, string,
};
use crate::{
    grammar,
    types::{
        Attribute, Attributes, BodyName, Esearch, FlagList, IdParameters, Listed, MailboxArg, Namespaces,
        Reading, Response, ResponseCode, ResponseText, Section,
    },
};

/// Why a frame is no response that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedResponse(pub(crate) &'static str);

impl<'b> Response<'b> {
    /// Reads a whole response with its CRLF and all of its literals.
    ///
    /// # Errors
    /// [`MalformedResponse`] says what is missing.
    pub fn parse(frame: &'b [u8], reading: Reading) -> Result<Self, MalformedResponse> {
        grammar::response::response(frame, reading)
    }

    /// Appends the response with its CRLF.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Tagged { tag, .. } => out.extend_from_slice(tag.as_bytes()),
            Self::Continue(_) => out.push(b'+'),
            _ => out.push(b'*'),
        }
        out.push(b' ');
        match self {
            Self::Tagged { status, text, .. } | Self::Condition { status, text } => {
                out.extend_from_slice(status.name().as_bytes());
                out.push(b' ');
                response_text(out, text);
            }
            Self::Continue(text) => response_text(out, text),
            Self::Capability(list) => listed_words(out, b"CAPABILITY", list.0),
            Self::Enabled(list) => listed_words(out, b"ENABLED", list.0),
            Self::Flags(flags) => {
                out.extend_from_slice(b"FLAGS ");
                read_flags(out, *flags);
            }
            Self::List(data) => list(out, b"LIST ", data),
            Self::Lsub(data) => list(out, b"LSUB ", data),
            Self::Status { mailbox, data } => {
                out.extend_from_slice(b"STATUS ");
                name(out, mailbox);
                out.push(b' ');
                status_data(out, data);
            }
            Self::Search { found, modseq } => super::numbers(out, b"SEARCH", found.iter(), *modseq),
            Self::Esearch(data) => esearch(out, data),
            Self::Exists(n) => numbered(out, *n, b" EXISTS"),
            Self::Recent(n) => numbered(out, *n, b" RECENT"),
            Self::Expunge(n) => numbered(out, *n, b" EXPUNGE"),
            Self::Vanished { earlier, uids } => {
                out.extend_from_slice(if *earlier { b"VANISHED (EARLIER) " } else { b"VANISHED " });
                out.extend_from_slice(uids.as_bytes());
            }
            Self::Fetch(fetched) => {
                numbered(out, fetched.number, b" FETCH (");
                fetched.items.encode(out);
                out.push(b')');
            }
            Self::Namespace { personal, other_users, shared } => {
                out.extend_from_slice(b"NAMESPACE");
                for list in [personal, other_users, shared] {
                    out.push(b' ');
                    namespaces(out, list);
                }
            }
            Self::Id(parameters) => id(out, parameters),
            Self::Sort { found, modseq } => super::numbers(out, b"SORT", found.iter(), *modseq),
            Self::UidFetch(fetched) => {
                numbered(out, fetched.number, b" UIDFETCH (");
                fetched.items.encode(out);
                out.push(b')');
            }
            other @ (Self::Thread(_)
            | Self::Quota { .. }
            | Self::QuotaRoot { .. }
            | Self::Metadata { .. }
            | Self::Acl { .. }
            | Self::ListRights { .. }
            | Self::MyRights { .. }
            | Self::GenUrlAuth(_)
            | Self::UrlFetch(_)
            | Self::JmapAccess(_)) => extension_response::data(out, other),
            Self::Other(text) => out.extend_from_slice(text),
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn numbered(out: &mut Vec<u8>, n: u32, name: &[u8]) {
    number(out, n);
    out.extend_from_slice(name);
}

fn listed_words(out: &mut Vec<u8>, name: &[u8], words: &[u8]) {
    out.extend_from_slice(name);
    if !words.is_empty() {
        out.push(b' ');
        out.extend_from_slice(words);
    }
}

/// `resp-text`
fn response_text(out: &mut Vec<u8>, text: &ResponseText<'_>) {
    if let Some(code) = &text.code {
        out.push(b'[');
        response_code(out, code);
        out.extend_from_slice(b"] ");
    }
    out.extend_from_slice(text.words);
}

/// `flag-list`, but for a flag that is a mere backslash ([`Quirks::EMPTY_FLAG`](crate::types::Quirks::EMPTY_FLAG)): it is no flag.
fn read_flags(out: &mut Vec<u8>, flags: FlagList<'_>) {
    out.push(b'(');
    for (n, flag) in flags.0.split(|b| *b == b' ').filter(|flag| *flag != b"\\").enumerate() {
        if n > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(flag);
    }
    out.push(b')');
}

/// `resp-text-code`
fn response_code(out: &mut Vec<u8>, value: &ResponseCode<'_>) {
    match value {
        ResponseCode::Plain(plain) => code(out, plain, None),
        ResponseCode::Capability(list) => listed_words(out, b"CAPABILITY", list.0),
        ResponseCode::PermanentFlags(flags) => {
            out.extend_from_slice(b"PERMANENTFLAGS ");
            read_flags(out, *flags);
        }
        ResponseCode::BadCharset(text) => {
            out.extend_from_slice(b"BADCHARSET");
            if !text.is_empty() {
                out.extend_from_slice(b" (");
                out.extend_from_slice(text);
                out.push(b')');
            }
        }
        ResponseCode::AppendUid { uid_validity, uids } => {
            out.extend_from_slice(b"APPENDUID ");
            number(out, *uid_validity);
            out.push(b' ');
            out.extend_from_slice(uids.as_bytes());
        }
        ResponseCode::CopyUid { uid_validity, from, to } => {
            out.extend_from_slice(b"COPYUID ");
            number(out, *uid_validity);
            for set in [from, to] {
                out.push(b' ');
                out.extend_from_slice(set.as_bytes());
            }
        }
        ResponseCode::Modified(set) => {
            out.extend_from_slice(b"MODIFIED ");
            out.extend_from_slice(set.as_bytes());
        }
    }
}

pub(super) fn name(out: &mut Vec<u8>, mailbox: &MailboxArg<'_>) {
    astring(out, &mailbox.bytes(), mailbox.is_utf8());
}

/// `mailbox-list`
fn list(out: &mut Vec<u8>, verb: &[u8], data: &Listed<'_>) {
    out.extend_from_slice(verb);
    out.push(b'(');
    for (i, attribute) in data.attributes.names().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(attribute.as_bytes());
    }
    out.extend_from_slice(b") ");
    super::list::delimiter(out, data.delimiter);
    out.push(b' ');
    name(out, &data.name);
    if data.child_subscribed || data.old_name.is_some() {
        out.extend_from_slice(b" (");
        if data.child_subscribed {
            out.extend_from_slice(b"\"CHILDINFO\" (\"SUBSCRIBED\")");
        }
        if let Some(old) = &data.old_name {
            out.extend_from_slice(if data.child_subscribed { b" \"OLDNAME\" (" } else { b"\"OLDNAME\" (" });
            name(out, old);
            out.push(b')');
        }
        out.push(b')');
    }
}

/// `esearch-response`
fn esearch(out: &mut Vec<u8>, data: &Esearch<'_>) {
    out.extend_from_slice(b"ESEARCH");
    let mut before: &[u8] = b" (";
    if let Some(tag) = data.tag {
        out.extend_from_slice(b" (TAG ");
        string(out, &tag.bytes(), false);
        before = b" ";
    }
    if let Some(mailbox) = &data.mailbox {
        out.extend_from_slice(before);
        out.extend_from_slice(b"MAILBOX ");
        name(out, mailbox);
        before = b" ";
    }
    if let Some(n) = data.uid_validity {
        out.extend_from_slice(before);
        out.extend_from_slice(b"UIDVALIDITY ");
        number(out, n);
        before = b" ";
    }
    if before.len() == 1 {
        out.push(b')');
    }
    if data.uid {
        out.extend_from_slice(b" UID");
    }
    for (name, value) in [(&b" MIN "[..], data.min), (b" MAX ", data.max), (b" COUNT ", data.count)] {
        if let Some(n) = value {
            out.extend_from_slice(name);
            number(out, n);
        }
    }
    if let Some(all) = data.all {
        out.extend_from_slice(b" ALL ");
        out.extend_from_slice(all.as_bytes());
    }
    if let Some(n) = data.modseq {
        out.extend_from_slice(b" MODSEQ ");
        number64(out, n);
    }
    if !data.more.is_empty() {
        out.push(b' ');
        super::list_of(out, data.more);
    }
}

/// `namespace`
fn namespaces(out: &mut Vec<u8>, list: &Namespaces<'_>) {
    for (i, (prefix, delimiter)) in list.iter().enumerate() {
        out.extend_from_slice(if i == 0 { b"((" } else { b"(" });
        string(out, &prefix.bytes(), false);
        out.push(b' ');
        super::list::delimiter(out, delimiter);
        out.push(b')');
    }
    if list.iter().next().is_none() { nil(out) } else { out.push(b')') }
}

/// `id-params-list`, with its name
fn id(out: &mut Vec<u8>, parameters: &IdParameters<'_>) {
    out.extend_from_slice(b"ID ");
    for (i, (name, value)) in parameters.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        string(out, &name.bytes(), false);
        out.push(b' ');
        super::nstring(out, value.map(|v| v.bytes()).as_deref(), false);
    }
    out.extend_from_slice(if parameters.iter().next().is_none() { b"NIL" } else { b")" });
}

impl Attributes<'_> {
    /// Appends the items with a space between them, without the parentheses round them all.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for (i, item) in self.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            item.encode(out, self.reading.utf8);
        }
    }
}

impl Attribute<'_> {
    /// Appends the item and its value. With `utf8`, non-ASCII text may stand in quotes.
    pub fn encode(&self, out: &mut Vec<u8>, utf8: bool) {
        match self {
            Self::Uid(n) => {
                out.extend_from_slice(b"UID ");
                number(out, *n);
            }
            Self::Flags(flags) => {
                out.extend_from_slice(b"FLAGS ");
                read_flags(out, *flags);
            }
            Self::InternalDate(at) => {
                out.extend_from_slice(b"INTERNALDATE ");
                super::date_time(out, *at);
            }
            Self::Rfc822Size(n) => {
                out.extend_from_slice(b"RFC822.SIZE ");
                number64(out, *n);
            }
            Self::ModSeq(n) => {
                out.extend_from_slice(b"MODSEQ (");
                number64(out, *n);
                out.push(b')');
            }
            Self::Envelope(envelope) => {
                out.extend_from_slice(b"ENVELOPE ");
                envelope.to_envelope().encode(out, utf8);
            }
            Self::Structure { extensible, body } => {
                out.extend_from_slice(if *extensible { b"BODYSTRUCTURE " } else { b"BODY " });
                body.to_structure().encode(out, *extensible, utf8);
            }
            Self::Body { name, value } => {
                name.encode(out);
                out.push(b' ');
                match value {
                    Some(value) => {
                        let binary = matches!(name, BodyName::Binary { .. });
                        super::body_string(out, &value.bytes(), utf8, binary);
                    }
                    None => nil(out),
                }
            }
            Self::BinarySize { part, octets } => {
                out.extend_from_slice(b"BINARY.SIZE");
                section(out, &Section::new(*part, None));
                out.push(b' ');
                number64(out, *octets);
            }
            Self::SaveDate(at) => {
                out.extend_from_slice(b"SAVEDATE ");
                match at {
                    Some(at) => super::date_time(out, *at),
                    None => nil(out),
                }
            }
            Self::Preview(text) => {
                out.extend_from_slice(b"PREVIEW ");
                super::nstring(out, text.map(|t| t.bytes()).as_deref(), utf8);
            }
            Self::EmailId(id) => {
                out.extend_from_slice(b"EMAILID ");
                super::object_id(out, id);
            }
            Self::ThreadId(id) => {
                out.extend_from_slice(b"THREADID ");
                match id {
                    Some(id) => super::object_id(out, id),
                    None => nil(out),
                }
            }
            Self::Other { name, value } | Self::Malformed { name, value } => {
                out.extend_from_slice(name);
                out.push(b' ');
                out.extend_from_slice(value);
            }
        }
    }
}

impl BodyName<'_> {
    /// Appends the item's name.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let offset = match self {
            Self::Section { section: s, offset } => {
                out.extend_from_slice(b"BODY");
                section(out, s);
                offset
            }
            Self::Binary { part, offset } => {
                out.extend_from_slice(b"BINARY");
                section(out, &Section::new(*part, None));
                offset
            }
            Self::Rfc822 => return out.extend_from_slice(b"RFC822"),
            Self::Rfc822Header => return out.extend_from_slice(b"RFC822.HEADER"),
            Self::Rfc822Text => return out.extend_from_slice(b"RFC822.TEXT"),
            Self::Preview => return out.extend_from_slice(b"PREVIEW"),
            Self::Other(name) => return out.extend_from_slice(name),
        };
        if let Some(n) = offset {
            out.push(b'<');
            number64(out, *n);
            out.push(b'>');
        }
    }
}
