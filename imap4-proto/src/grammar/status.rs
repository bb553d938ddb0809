use super::{
    Context, Parse, fault,
    keyword::{keyword, words},
    octet,
};
use crate::types::{Capabilities, StatusItems};

words! {
    MESSAGES = b"MESSAGES"; RECENT = b"RECENT"; UIDNEXT = b"UIDNEXT"; UIDVALIDITY = b"UIDVALIDITY"; UNSEEN = b"UNSEEN";
    DELETED = b"DELETED"; SIZE = b"SIZE"; HIGHESTMODSEQ = b"HIGHESTMODSEQ"; APPENDLIMIT = b"APPENDLIMIT";
}

/// `"(" status-att *(SP status-att) ")"`, with `status-att = "MESSAGES" / "UIDNEXT" / "UIDVALIDITY" / "UNSEEN" /
/// "DELETED" / "SIZE"`, `"RECENT"` (RFC 3501), `"HIGHESTMODSEQ"` (RFC 7162) and `"APPENDLIMIT"` (RFC 7889)
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
                context.needs(Capabilities::IMAP4REV2, "IMAP4rev2 is not on")?;
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
            _ => return fault("Unknown status item"),
        };
        match rest {
            [b' ', rest @ ..] => i = rest,
            [b')', rest @ ..] => return Ok((rest, items)),
            _ => return fault("A list of status items does not end"),
        }
    }
}
