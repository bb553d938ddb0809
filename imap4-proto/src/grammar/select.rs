use super::{
    Context, Parse, fault,
    keyword::{keyword, word},
    list::mailbox,
    number::{nz_number, nz_number64},
    octet,
    sequence::plain_set,
    sp,
};
use crate::types::{Capabilities, QResync, Select};

/// `select = "SELECT" SP mailbox`, then `[SP "(" select-param *(SP select-param) ")"]` (RFC 4466 section 2.1) with
/// `condstore-param = "CONDSTORE"` and `"QRESYNC" SP "(" ... ")"` (RFC 7162 section 7); after the name.
pub(super) fn select(i: &[u8], read_only: bool, context: Context) -> Parse<'_, Select<'_>> {
    let (i, mailbox) = mailbox(sp(i)?.0, context)?;
    let mut select = Select::new(mailbox, read_only);
    let [b' ', b'(', i @ ..] = i else { return Ok((i, select)) };
    let mut i = i;
    loop {
        let (rest, name) = keyword(i);
        let rest = match name {
            n if n == word(b"CONDSTORE") => {
                context.needs(Capabilities::CONDSTORE, "CONDSTORE is not on")?;
                select.condstore = true;
                rest
            }
            n if n == word(b"QRESYNC") => {
                context.needs(Capabilities::QRESYNC, "QRESYNC is not on")?;
                let (rest, known) = qresync(sp(rest)?.0)?;
                select.qresync = Some(known);
                rest
            }
            _ => return fault("Unknown select parameter"),
        };
        match rest {
            [b' ', rest @ ..] => i = rest,
            [b')', rest @ ..] => return Ok((rest, select)),
            _ => return fault("Select parameters do not end"),
        }
    }
}

/// `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`, with
/// `seq-match-data = "(" known-sequence-set SP known-uid-set ")"` (RFC 7162 section 7)
fn qresync(i: &[u8]) -> Parse<'_, QResync<'_>> {
    let i = octet(i, b'(', "QRESYNC's arguments are missing")?;
    let (i, uid_validity) = nz_number(i)?;
    let (mut i, modseq) = nz_number64(sp(i)?.0)?;
    let mut known = QResync::new(uid_validity.get(), modseq.get());
    if let [b' ', rest @ ..] = i
        && rest.first() != Some(&b'(')
    {
        let (rest, set) = plain_set(rest)?;
        known.known_uids = Some(set);
        i = rest;
    }
    if let [b' ', b'(', rest @ ..] = i {
        let (rest, numbers) = plain_set(rest)?;
        let (rest, uids) = plain_set(sp(rest)?.0)?;
        known.sequence_match = Some((numbers, uids));
        i = octet(rest, b')', "QRESYNC's match data do not end")?;
    }
    Ok((octet(i, b')', "QRESYNC's arguments do not end")?, known))
}
