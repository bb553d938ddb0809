//! Responses of the extensions.

use alloc::vec::Vec;

use super::{astring, extension::sp_list, list_of, response::name, rights, string};
use crate::types::{MailboxArg, MetadataData, Response};

/// `mailbox-data` of an extension, without `* ` and CRLF
pub(super) fn data(out: &mut Vec<u8>, response: &Response<'_>) {
    match response {
        Response::Thread(threads) => {
            out.extend_from_slice(b"THREAD");
            if !threads.as_bytes().is_empty() {
                out.push(b' ');
                out.extend_from_slice(threads.as_bytes());
            }
        }
        Response::Quota { root, resources } => {
            out.extend_from_slice(b"QUOTA ");
            astring(out, &root.bytes(), false);
            out.extend_from_slice(b" (");
            list_of(out, *resources);
            out.push(b')');
        }
        Response::QuotaRoot { mailbox, roots } => {
            named(out, b"QUOTAROOT ", mailbox);
            sp_list(out, *roots);
        }
        Response::Metadata { mailbox, data } => {
            named(out, b"METADATA ", mailbox);
            match data {
                MetadataData::Values(values) => {
                    out.extend_from_slice(b" (");
                    list_of(out, *values);
                    out.push(b')');
                }
                MetadataData::Changed(names) => sp_list(out, *names),
            }
        }
        Response::Acl { mailbox, entries } => {
            named(out, b"ACL ", mailbox);
            sp_list(out, *entries);
        }
        Response::ListRights { mailbox, identifier, required, optional } => {
            named(out, b"LISTRIGHTS ", mailbox);
            out.push(b' ');
            astring(out, &identifier.bytes(), false);
            out.push(b' ');
            rights(out, *required);
            sp_list(out, *optional);
        }
        Response::MyRights { mailbox, rights: mine } => {
            named(out, b"MYRIGHTS ", mailbox);
            out.push(b' ');
            rights(out, *mine);
        }
        Response::GenUrlAuth(urls) => {
            out.extend_from_slice(b"GENURLAUTH");
            sp_list(out, *urls);
        }
        Response::UrlFetch(urls) => {
            out.extend_from_slice(b"URLFETCH");
            sp_list(out, *urls);
        }
        Response::JmapAccess(url) => {
            out.extend_from_slice(b"JMAPACCESS ");
            string(out, &url.bytes(), false);
        }
        // The others are the base protocol's.
        _ => {}
    }
}

fn named(out: &mut Vec<u8>, verb: &[u8], mailbox: &MailboxArg<'_>) {
    out.extend_from_slice(verb);
    name(out, mailbox);
}
