use mailstore_api::{Change, ErrorKind, FlagOp, FlagOutcome, Flags, ModSeq, Uid, UidSet};
use rusqlite::params;

use super::{ensure_keywords, modseq_of};
use crate::{
    bits::{self, Bits, from_blob, to_blob},
    error::Res,
    index::{Effect, Flagged},
    txn::Txn,
};

/// Changes flags of the messages of a set that are there, and that no one else changed since.
pub(crate) fn set_flags(
    txn: &mut Txn<'_>,
    account: i64,
    mailbox: i64,
    uids: &UidSet,
    op: FlagOp,
    flags: &Flags,
    unchanged_since: Option<ModSeq>,
) -> Res<FlagOutcome> {
    let row = txn.mailbox(account, mailbox, ErrorKind::Gone)?;
    let mut outcome = FlagOutcome { at: ModSeq(row.modseq), ..FlagOutcome::default() };
    let mut found: Vec<(Uid, Bits, u64)> = Vec::new();
    {
        let mut read = txn.conn.prepare_cached(
            "SELECT uid, flags, modseq, keywords FROM msg WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
        )?;
        for (first, last) in uids.ranges() {
            let mut rows = read.query(params![mailbox, first, last])?;
            while let Some(r) = rows.next()? {
                let Some(uid) = Uid::new(r.get(0)?) else { continue };
                let modseq: u64 = r.get(2)?;
                if unchanged_since.is_some_and(|since| modseq > since.0) {
                    outcome.conflicted.insert(uid);
                    continue;
                }
                let more = from_blob(r.get_ref(3)?.as_blob_or_null()?);
                found.push((uid, Bits { bits: r.get(1)?, more }, modseq));
            }
        }
    }
    if found.is_empty() {
        // No keyword is made for nobody.
        return Ok(outcome);
    }
    let mut effect = Effect::new(row);
    let keywords = match op {
        FlagOp::Remove => txn.keywords(mailbox)?,
        FlagOp::Add | FlagOp::Replace => ensure_keywords(txn, &mut effect, &[flags])?,
    };
    let given = keywords.bits(flags);
    let mut write = txn.conn.prepare_cached(
        "UPDATE msg SET flags = ?3, modseq = ?4, keywords = ?5 WHERE mailbox = ?1 AND uid = ?2",
    )?;
    outcome.changed.reserve(found.len());
    for (uid, old, old_modseq) in found {
        let new = match op {
            FlagOp::Add => old.with(&given),
            FlagOp::Remove => old.without(&given),
            FlagOp::Replace => old.replaced(&given),
        };
        let flags = keywords.flags(new.bits, new.more.as_deref());
        if new == old {
            outcome.changed.push(Change { uid, modseq: ModSeq(old_modseq), flags });
            continue;
        }
        let modseq = modseq_of(&mut effect);
        write.execute(params![mailbox, uid.get(), new.bits, modseq, to_blob(new.more.as_deref())])?;
        let row = &mut effect.row;
        let count = |n: &mut u32, was: bool, is: bool| {
            *n = n.saturating_sub(u32::from(was)).saturating_add(u32::from(is));
        };
        count(&mut row.unseen, old.bits & bits::SEEN == 0, new.bits & bits::SEEN == 0);
        count(&mut row.deleted, old.bits & bits::DELETED != 0, new.bits & bits::DELETED != 0);
        outcome.changed.push(Change { uid, modseq: ModSeq(modseq), flags });
        effect.flagged.push(Flagged { uid: uid.get(), modseq, bits: new });
    }
    outcome.at = ModSeq(effect.row.modseq);
    txn.change(effect);
    Ok(outcome)
}
