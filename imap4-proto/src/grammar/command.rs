use super::{
    Context, Parse, append, extension, fault, fetch, id, is_astring_char,
    keyword::{keyword, words},
    list, search, select, sequence, sp, status, store,
    string::{ascii, astring, atom, separated, take_while},
};
use crate::types::{AppendMessage, Capabilities, CapabilityList, Command, MailboxArg, Replaced};

words! {
    APPEND = b"APPEND"; AUTHENTICATE = b"AUTHENTICATE"; CAPABILITY = b"CAPABILITY"; CHECK = b"CHECK"; CLOSE = b"CLOSE";
    COPY = b"COPY"; CREATE = b"CREATE"; DELETE = b"DELETE"; ENABLE = b"ENABLE"; EXAMINE = b"EXAMINE"; EXPUNGE = b"EXPUNGE";
    FETCH = b"FETCH"; ID = b"ID"; IDLE = b"IDLE"; LIST = b"LIST"; LOGIN = b"LOGIN"; LOGOUT = b"LOGOUT"; LSUB = b"LSUB";
    MOVE = b"MOVE"; NAMESPACE = b"NAMESPACE"; NOOP = b"NOOP"; RENAME = b"RENAME"; REPLACE = b"REPLACE"; SEARCH = b"SEARCH"; SELECT = b"SELECT";
    STARTTLS = b"STARTTLS"; STATUS = b"STATUS"; STORE = b"STORE"; SUBSCRIBE = b"SUBSCRIBE"; UID = b"UID";
    UNSELECT = b"UNSELECT"; UNSUBSCRIBE = b"UNSUBSCRIBE";
}

/// APPEND, or REPLACE of a message, up to its first payload.
pub(crate) type Head<'b> = (Option<Replaced>, MailboxArg<'b>, AppendMessage<'b>);

/// `tag = 1*<any ASTRING-CHAR except "+">`
#[inline]
pub(crate) fn tag(i: &[u8]) -> Parse<'_, &[u8]> {
    let (rest, tag) = take_while(i, |b| is_astring_char(b) && b != b'+');
    if tag.is_empty() { fault("A tag is missing") } else { Ok((rest, tag)) }
}

/// `CRLF`. A bare LF is taken for it: here it separates nothing that CRLF does not.
#[inline]
pub(crate) const fn line_end(i: &[u8]) -> Parse<'_, ()> {
    match i {
        [b'\r', b'\n'] | [b'\n'] => Ok((&[], ())),
        _ => fault("Something follows the command"),
    }
}

/// `1*(SP capability)` but for its first space, with `capability = ("AUTH=" auth-type) / atom`
pub(crate) fn capability_list(i: &[u8]) -> Parse<'_, CapabilityList<'_>> {
    separated(i, atom).map(|(rest, list)| (rest, CapabilityList(list)))
}

/// A command whose frame ends with a payload's header, or where a message ends that has none; what is no such command is a fault.
pub(crate) fn head(i: &[u8], context: Context) -> Parse<'_, Head<'_>> {
    let (rest, name) = keyword(i);
    match name {
        APPEND => append::append(rest, context).map(|(i, (mailbox, m))| (i, (None, mailbox, m))),
        REPLACE => extension::replace(rest, false, context),
        UID if matches!(rest, [b' ', b'R' | b'r', ..]) => extension::uid_replace(rest, context),
        _ => command(i, context).and_then(|_| fault(NO_LITERAL)),
    }
}

pub(super) const NO_LITERAL: &str = "A literal has no place here";

/// `command-any / command-auth / command-nonauth / command-select`, without tag and CRLF. What follows it is left.
#[inline]
pub(crate) fn command(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (i, name) = keyword(i);
    // Each arm gives the result: a command is large, and is not moved.
    match name {
        FETCH => fetch::fetch(i, false, context).map(|(i, f)| (i, Command::Fetch(f))),
        UID => uid(i, context),
        NOOP => Ok((i, Command::Noop)),
        STORE => store::store(i, false, context).map(|(i, s)| (i, Command::Store(s))),
        SELECT | EXAMINE => select::select(i, name == EXAMINE, context).map(|(i, s)| (i, Command::Select(s))),
        IDLE => {
            context.needs(Capabilities::IDLE, "IDLE is not on")?;
            Ok((i, Command::Idle))
        }
        STATUS => {
            let (i, mailbox) = list::mailbox(sp(i)?.0, context)?;
            let (i, items) = status::status_items(sp(i)?.0, context)?;
            Ok((i, Command::Status { mailbox, items }))
        }
        SEARCH => search::search(i, false, context).map(|(i, s)| (i, Command::Search(s))),
        LIST => list::list(i, context).map(|(i, l)| (i, Command::List(l))),
        LSUB => {
            let (i, (reference, pattern)) = list::lsub(i, context)?;
            Ok((i, Command::Lsub { reference, pattern }))
        }
        APPEND => append::append(i, context).and_then(|_| fault(NO_LITERAL)),
        COPY => copy(i, false, context),
        MOVE => move_(i, false, context),
        EXPUNGE => Ok((i, Command::Expunge)),
        CLOSE => Ok((i, Command::Close)),
        UNSELECT => {
            context.needs(Capabilities::UNSELECT, "UNSELECT is not on")?;
            Ok((i, Command::Unselect))
        }
        CAPABILITY => Ok((i, Command::Capability)),
        LOGIN => {
            let (i, user) = astring(sp(i)?.0)?;
            let (i, password) = astring(sp(i)?.0)?;
            Ok((i, Command::Login { user, password }))
        }
        AUTHENTICATE => authenticate(i, context),
        STARTTLS => Ok((i, Command::StartTls)),
        LOGOUT => Ok((i, Command::Logout)),
        ENABLE => {
            context.needs(Capabilities::ENABLE, "ENABLE is not on")?;
            capability_list(sp(i)?.0).map(|(i, l)| (i, Command::Enable(l)))
        }
        ID => {
            context.needs(Capabilities::ID, "ID is not on")?;
            id::id(i).map(|(i, p)| (i, Command::Id(p)))
        }
        NAMESPACE => {
            context.needs(Capabilities::NAMESPACE, "NAMESPACE is not on")?;
            Ok((i, Command::Namespace))
        }
        CREATE => list::create(i, context).map(|(i, c)| (i, Command::Create(c))),
        DELETE => list::mailbox(sp(i)?.0, context).map(|(i, m)| (i, Command::Delete(m))),
        RENAME => {
            let (i, from) = list::mailbox(sp(i)?.0, context)?;
            let (i, to) = list::mailbox(sp(i)?.0, context)?;
            Ok((i, Command::Rename { from, to }))
        }
        SUBSCRIBE => list::mailbox(sp(i)?.0, context).map(|(i, m)| (i, Command::Subscribe(m))),
        UNSUBSCRIBE => list::mailbox(sp(i)?.0, context).map(|(i, m)| (i, Command::Unsubscribe(m))),
        CHECK => Ok((i, Command::Check)),
        _ => extension::command(i, name, context),
    }
}

/// `uid = "UID" SP (copy / move / fetch / search / store / uid-expunge)`; after `UID`.
fn uid(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (i, name) = keyword(sp(i)?.0);
    match name {
        FETCH => fetch::fetch(i, true, context).map(|(i, f)| (i, Command::Fetch(f))),
        STORE => store::store(i, true, context).map(|(i, s)| (i, Command::Store(s))),
        SEARCH => search::search(i, true, context).map(|(i, s)| (i, Command::Search(s))),
        COPY => copy(i, true, context),
        MOVE => move_(i, true, context),
        EXPUNGE => {
            context.needs(Capabilities::UIDPLUS, "UIDPLUS is not on")?;
            sequence::command_set(sp(i)?.0, context).map(|(i, s)| (i, Command::UidExpunge(s)))
        }
        REPLACE => extension::replace(i, true, context).and_then(|_| fault(NO_LITERAL)),
        _ => extension::uid(i, name, context),
    }
}

/// `copy = "COPY" SP sequence-set SP mailbox`; after the name.
fn copy(i: &[u8], uid: bool, context: Context) -> Parse<'_, Command<'_>> {
    let (i, set) = sequence::command_set(sp(i)?.0, context)?;
    let (i, mailbox) = list::mailbox(sp(i)?.0, context)?;
    Ok((i, Command::Copy { uid, set, mailbox }))
}

/// `move = "MOVE" SP sequence-set SP mailbox`; after the name.
fn move_(i: &[u8], uid: bool, context: Context) -> Parse<'_, Command<'_>> {
    context.needs(Capabilities::MOVE, "MOVE is not on")?;
    let (i, set) = sequence::command_set(sp(i)?.0, context)?;
    let (i, mailbox) = list::mailbox(sp(i)?.0, context)?;
    Ok((i, Command::Move { uid, set, mailbox }))
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]`, with `initial-resp = (base64 / "=")`; after the name.
/// Whether the base64 is valid is seen when it is decoded.
fn authenticate(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let (i, mechanism) = atom(sp(i)?.0)?;
    let [b' ', rest @ ..] = i else { return Ok((i, Command::Authenticate { mechanism, initial: None })) };
    context.needs(Capabilities::SASL_IR, "SASL-IR is not on")?;
    let (rest, initial) = take_while(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    if initial.is_empty() {
        return fault("The initial response is missing");
    }
    Ok((rest, Command::Authenticate { mechanism: ascii(mechanism.as_bytes()), initial: Some(initial) }))
}
