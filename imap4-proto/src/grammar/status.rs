use super::{
    Context, Parse, fault,
    keyword::{keyword, words},
    octet,
};
use crate::types::{Capabilities, StatusItems};

words! {
    MESSAGES = b"MESSAGES"; RECENT = b"RECENT"; UIDNEXT = b"UIDNEXT"; UIDVALIDITY = b"UIDVALIDITY"; UNSEEN = b"UNSEEN";
    MAILBOXID = b"MAILBOXID"; DELETED_STORAGE = b"DELETED-STORAGE"; DELETED = b"DELETED"; SIZE = b"SIZE"; HIGHESTMODSEQ = b"HIGHESTMODSEQ"; APPENDLIMIT = b"APPENDLIMIT";
}

/// `"(" status-att *(SP status-att) ")"`, with `status-att = "MESSAGES" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" /
/// "DELETED" / "SIZE"`, `"RECENT"` (RFC 3501), `"HIGHESTMODSEQ"` (RFC 7162), `"APPENDLIMIT"` (RFC 7889),
/// `"MAILBOXID"` (RFC 8474) and `"DELETED-STORAGE"` (RFC 9208)
pub(super) fn status_items(i: &[u8], context: Context) -> Parse<'_, StatusItems> {
    let mut i = octet(i, b'(', "A list of status items is missing")?;
    let mut items = StatusItems::NONE;
    loop {
        let (rest, name) = keyword(i);
        items |= match name {
            MESSAGES => StatusItems::MESSAGES,
            RECENT => StatusItems::RECENT,
            UIDNEXT => StatusItems::UIDNEXT,
            UIDVALIDITY => StatusItems::UIDVALIDITY,
            UNSEEN => StatusItems::UNSEEN,
            DELETED => {
                let any = Capabilities::IMAP4REV2.and(Capabilities::QUOTA_MESSAGE);
                context.needs(any, "IMAP4rev2 is not on")?;
                StatusItems::DELETED
            }
            SIZE => {
                context.needs(Capabilities::STATUS_SIZE, "STATUS=SIZE is not on")?;
                StatusItems::SIZE
            }
            HIGHESTMODSEQ => {
                context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?;
                StatusItems::HIGHESTMODSEQ
            }
            APPENDLIMIT => {
                context.needs(Capabilities::APPENDLIMIT, "APPENDLIMIT is not on")?;
                StatusItems::APPENDLIMIT
            }
            MAILBOXID => {
                context.needs(Capabilities::OBJECTID, "OBJECTID is not on")?;
                StatusItems::MAILBOXID
            }
            DELETED_STORAGE => {
                context.needs(Capabilities::QUOTA_STORAGE, "QUOTA=RES-STORAGE is not on")?;
                StatusItems::DELETED_STORAGE
            }
            _ => return fault("Unknown status item"),
        };
        match rest {
            [b' ', rest @ ..] => i = rest,
            [b')', rest @ ..] => return Ok((rest, items)),
            _ => return fault("A list of status items does not end"),
        }
    }
}
