//! Commands of the extensions that few clients use: off the way of the others.

use alloc::boxed::Box;

use super::{
    Context, Parse, acl, append,
    command::{Head, NO_LITERAL},
    fault,
    keyword::{keyword, words},
    list::mailbox,
    metadata, multisearch, notify, quota,
    sequence::seq_number,
    sort, sp,
    string::astring,
    thread, urlauth,
};
use crate::types::{Capabilities, Command, Replaced};

words! {
    SORT = b"SORT"; THREAD = b"THREAD"; CANCELUPDATE = b"CANCELUPDATE"; REPLACE = b"REPLACE"; ESEARCH = b"ESEARCH";
    GETQUOTA = b"GETQUOTA"; GETQUOTAROOT = b"GETQUOTAROOT"; SETQUOTA = b"SETQUOTA"; GETMETADATA = b"GETMETADATA";
    SETMETADATA = b"SETMETADATA"; SETACL = b"SETACL"; DELETEACL = b"DELETEACL"; GETACL = b"GETACL";
    LISTRIGHTS = b"LISTRIGHTS"; MYRIGHTS = b"MYRIGHTS"; NOTIFY = b"NOTIFY"; GENURLAUTH = b"GENURLAUTH";
    RESETKEY = b"RESETKEY"; URLFETCH = b"URLFETCH"; GETJMAPACCESS = b"GETJMAPACCESS"; COMPRESS = b"COMPRESS";
    UNAUTHENTICATE = b"UNAUTHENTICATE"; DEFLATE = b"DEFLATE";
}

/// `command-auth` and `command-select` of the extensions; `i` is what follows the name.
pub(super) fn command(i: &[u8], name: u128, context: Context) -> Parse<'_, Command<'_>> {
    use Capabilities as C;
    let needs = |any: C| context.needs(any, "Unknown command");
    let (i, command) = match name {
        SORT => sorted(i, false, context)?,
        THREAD => threaded(i, false, context)?,
        REPLACE => return replace(i, false, context).and_then(|_| fault(NO_LITERAL)),
        CANCELUPDATE => {
            needs(C::CONTEXT_SEARCH.and(C::CONTEXT_SORT))?;
            // `"CANCELUPDATE" 1*(SP quoted)` (RFC 5267 section 5); a tag that is an atom is tolerated.
            super::list_of::list_of(sp(i)?.0, false, astring).map(|(i, t)| (i, Command::CancelUpdate(t)))?
        }
        ESEARCH => {
            needs(C::MULTISEARCH)?;
            multisearch::esearch(i, context).map(|(i, s)| (i, Command::MultiSearch(Box::new(s))))?
        }
        GETQUOTA | GETQUOTAROOT => {
            needs(C::QUOTA)?;
            quota::get(i, name == GETQUOTAROOT, context)?
        }
        SETQUOTA => {
            needs(C::QUOTASET)?;
            quota::set(i)?
        }
        GETMETADATA | SETMETADATA => {
            needs(C::METADATA.and(C::METADATA_SERVER))?;
            if name == GETMETADATA { metadata::get(i, context)? } else { metadata::set(i, context)? }
        }
        SETACL | DELETEACL | GETACL | LISTRIGHTS | MYRIGHTS => {
            needs(C::ACL)?;
            match name {
                SETACL => acl::set_acl(i, context)?,
                GETACL => mailbox(sp(i)?.0, context).map(|(i, m)| (i, Command::GetAcl(m)))?,
                MYRIGHTS => mailbox(sp(i)?.0, context).map(|(i, m)| (i, Command::MyRights(m)))?,
                _ => {
                    let (i, (mailbox, identifier)) = acl::mailbox_and_identifier(i, context)?;
                    if name == DELETEACL {
                        (i, Command::DeleteAcl { mailbox, identifier })
                    } else {
                        (i, Command::ListRights { mailbox, identifier })
                    }
                }
            }
        }
        NOTIFY => {
            needs(C::NOTIFY)?;
            notify::notify(i, context).map(|(i, n)| (i, Command::Notify(n)))?
        }
        GENURLAUTH | RESETKEY | URLFETCH => {
            needs(C::URLAUTH)?;
            match name {
                GENURLAUTH => urlauth::genurlauth(i)?,
                RESETKEY => urlauth::resetkey(i, context)?,
                _ => urlauth::urlfetch(i)?,
            }
        }
        GETJMAPACCESS => {
            needs(C::JMAPACCESS)?;
            (i, Command::GetJmapAccess)
        }
        COMPRESS => {
            needs(C::COMPRESS_DEFLATE)?;
            // `compress = "COMPRESS" SP algorithm`, with `algorithm = "DEFLATE"` (RFC 4978 section 5)
            match keyword(sp(i)?.0) {
                (i, DEFLATE) => (i, Command::Compress),
                _ => return fault("Unknown compression"),
            }
        }
        UNAUTHENTICATE => {
            needs(C::UNAUTHENTICATE)?;
            (i, Command::Unauthenticate)
        }
        _ => return fault("Unknown command"),
    };
    Ok((i, command))
}

/// `uid =/ "UID" SP (sort / thread)`; `i` is what follows the name.
pub(super) fn uid(i: &[u8], name: u128, context: Context) -> Parse<'_, Command<'_>> {
    match name {
        SORT => sorted(i, true, context),
        THREAD => threaded(i, true, context),
        _ => fault("Unknown UID command"),
    }
}

/// `uid =/ "UID" SP replace` (RFC 8508 section 5), from the space on
pub(super) fn uid_replace(i: &[u8], context: Context) -> Parse<'_, Head<'_>> {
    match keyword(sp(i)?.0) {
        (i, REPLACE) => replace(i, true, context),
        _ => fault("Unknown UID command"),
    }
}

fn sorted(i: &[u8], uid: bool, context: Context) -> Parse<'_, Command<'_>> {
    context.needs(Capabilities::SORT, if uid { "Unknown UID command" } else { "Unknown command" })?;
    sort::sort(i, uid, context).map(|(i, s)| (i, Command::Sort(Box::new(s))))
}

fn threaded(i: &[u8], uid: bool, context: Context) -> Parse<'_, Command<'_>> {
    let any = Capabilities::THREAD_ORDEREDSUBJECT.and(Capabilities::THREAD_REFERENCES);
    context.needs(any, if uid { "Unknown UID command" } else { "Unknown command" })?;
    thread::thread(i, uid, context).map(|(i, t)| (i, Command::Thread(Box::new(t))))
}

/// `replace = "REPLACE" SP seq-number SP mailbox append-message` (RFC 8508 section 5), up to the first payload; after the name.
pub(super) fn replace(i: &[u8], uid: bool, context: Context) -> Parse<'_, Head<'_>> {
    let unknown = if uid { "Unknown UID command" } else { "Unknown command" };
    context.needs(Capabilities::REPLACE, unknown)?;
    let (i, number) = seq_number(sp(i)?.0)?;
    let (i, (mailbox, message)) = append::append(i, context)?;
    Ok((i, (Some(Replaced::new(uid, number)), mailbox, message)))
}
