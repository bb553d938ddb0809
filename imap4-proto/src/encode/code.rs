use alloc::vec::Vec;

use super::{atom, flag_list, list_of, nil, number, number64, object_id, quoted_tag, ranges};
use crate::{server::Listing, types::Code};

/// `resp-text-code`, without its brackets.
pub(crate) fn code(out: &mut Vec<u8>, code: &Code<'_>, capability: Option<&Listing>) {
    let name: &[u8] = match *code {
        Code::BadCharset(charsets) => {
            out.extend_from_slice(b"BADCHARSET");
            for (i, charset) in charsets.iter().enumerate() {
                out.extend_from_slice(if i == 0 { b" (" } else { b" " });
                super::astring(out, charset.as_bytes(), false);
            }
            if charsets.is_empty() { b"" } else { b")" }
        }
        Code::Capability => {
            if let Some(listing) = capability {
                listing.write(out);
            }
            b""
        }
        Code::PermanentFlags { system, keywords, new_keywords } => {
            out.extend_from_slice(b"PERMANENTFLAGS ");
            flag_list(out, system, keywords, new_keywords);
            b""
        }
        Code::UidNext(n) => return numbered(out, b"UIDNEXT ", n),
        Code::UidValidity(n) => return numbered(out, b"UIDVALIDITY ", n),
        Code::Unseen(n) => return numbered(out, b"UNSEEN ", n),
        Code::AppendUid { uid_validity, uids } => {
            numbered(out, b"APPENDUID ", uid_validity);
            out.push(b' ');
            return ranges(out, uids.iter().copied());
        }
        Code::CopyUid { uid_validity, from, to } => {
            numbered(out, b"COPYUID ", uid_validity);
            out.push(b' ');
            ranges(out, from.iter().copied());
            out.push(b' ');
            return ranges(out, to.iter().copied());
        }
        Code::HighestModSeq(n) => {
            out.extend_from_slice(b"HIGHESTMODSEQ ");
            return number64(out, n);
        }
        Code::Modified(set) => {
            out.extend_from_slice(b"MODIFIED ");
            return ranges(out, set.iter().copied());
        }
        Code::MailboxId(id) => {
            out.extend_from_slice(b"MAILBOXID ");
            return object_id(out, id);
        }
        Code::NoUpdate(tag) => {
            out.extend_from_slice(b"NOUPDATE ");
            return quoted_tag(out, tag.as_bytes());
        }
        Code::BadUrl(url) => {
            out.extend_from_slice(b"BADURL ");
            // `url-resp-text`: any TEXT-CHAR but `]`
            return out.extend(url.bytes().filter(|b| !matches!(b, 0 | b'\r' | b'\n' | b']')));
        }
        Code::UrlMech(mechanisms) => {
            out.extend_from_slice(b"URLMECH ");
            return list_of(out, mechanisms);
        }
        Code::BadEvent(events) => {
            out.extend_from_slice(b"BADEVENT (");
            list_of(out, events);
            b")"
        }
        Code::MetadataLongEntries(n) => return numbered(out, b"METADATA LONGENTRIES ", n),
        Code::MetadataMaxSize(n) => return numbered(out, b"METADATA MAXSIZE ", n),
        Code::MetadataTooMany => b"METADATA TOOMANY",
        Code::MetadataNoPrivate => b"METADATA NOPRIVATE",
        Code::InProgress(None) => b"INPROGRESS",
        Code::InProgress(Some(progress)) => {
            out.extend_from_slice(b"INPROGRESS (");
            match progress.tag {
                Some(tag) => quoted_tag(out, tag.as_bytes()),
                None => nil(out),
            }
            // `number SP nz-number`, or what is known of it
            let goal = progress.goal.filter(|n| *n > 0 && progress.done.is_some());
            for count in [progress.done, goal] {
                out.push(b' ');
                match count {
                    Some(n) => number(out, n),
                    None => nil(out),
                }
            }
            b")"
        }
        Code::MessageLimit { limit, uid } => {
            numbered(out, b"MESSAGELIMIT ", limit);
            if let Some(uid) = uid {
                numbered(out, b" ", uid);
            }
            b""
        }
        Code::CompressionActive => b"COMPRESSIONACTIVE",
        Code::NotificationOverflow => b"NOTIFICATIONOVERFLOW",
        Code::UidRequired => b"UIDREQUIRED",
        Code::Other(name, arguments) => {
            atom(out, name.as_bytes());
            if let Some(arguments) = arguments {
                out.push(b' ');
                out.extend(arguments.bytes().filter(|b| matches!(b, b' '..=b'~') && *b != b']'));
            }
            b""
        }
        Code::Alert => b"ALERT",
        Code::Parse => b"PARSE",
        Code::ReadOnly => b"READ-ONLY",
        Code::ReadWrite => b"READ-WRITE",
        Code::TryCreate => b"TRYCREATE",
        Code::UidNotSticky => b"UIDNOTSTICKY",
        Code::NoModSeq => b"NOMODSEQ",
        Code::Closed => b"CLOSED",
        Code::Unavailable => b"UNAVAILABLE",
        Code::AuthenticationFailed => b"AUTHENTICATIONFAILED",
        Code::AuthorizationFailed => b"AUTHORIZATIONFAILED",
        Code::Expired => b"EXPIRED",
        Code::PrivacyRequired => b"PRIVACYREQUIRED",
        Code::ContactAdmin => b"CONTACTADMIN",
        Code::NoPerm => b"NOPERM",
        Code::InUse => b"INUSE",
        Code::ExpungeIssued => b"EXPUNGEISSUED",
        Code::Corruption => b"CORRUPTION",
        Code::ServerBug => b"SERVERBUG",
        Code::ClientBug => b"CLIENTBUG",
        Code::Cannot => b"CANNOT",
        Code::Limit => b"LIMIT",
        Code::OverQuota => b"OVERQUOTA",
        Code::AlreadyExists => b"ALREADYEXISTS",
        Code::NonExistent => b"NONEXISTENT",
        Code::NotSaved => b"NOTSAVED",
        Code::HasChildren => b"HASCHILDREN",
        Code::UnknownCte => b"UNKNOWN-CTE",
        Code::TooBig => b"TOOBIG",
        Code::UseAttr => b"USEATTR",
    };
    out.extend_from_slice(name);
}

fn numbered(out: &mut Vec<u8>, name: &[u8], n: u32) {
    out.extend_from_slice(name);
    number(out, n);
}
