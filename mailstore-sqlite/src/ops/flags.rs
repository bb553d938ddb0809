use mailstore_api::{Change, ErrorKind, FlagOp, FlagOutcome, Flags, ModSeq, Uid, UidSet};
use rusqlite::params;

use super::{changed, ensure_keywords, modseq_of};
use crate::{
    bits::{self, Bits, from_blob, to_blob},
    error::{Res, damaged},
    index::{Effect, Flagged, MailboxRow},
    txn::Txn,
};

/// So many changed messages and more are written by ranges.
const MANY: usize = 8;

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
    let mut found = find(txn, &row, uids)?;
    if let Some(since) = unchanged_since {
        let changed_later = |f: &Found| f.modseq > since.0;
        outcome.conflicted = found.iter().filter(|f| changed_later(f)).map(|f| f.uid).collect();
        found.retain(|f| !changed_later(f));
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
    outcome.changed.reserve(found.len());
    // Keywords beyond the bits are written row by row.
    let mut beyond_bits = false;
    for Found { uid, bits: old, modseq: old_modseq } in found {
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
        beyond_bits |= new.more != old.more;
        let modseq = modseq_of(&mut effect);
        let row = &mut effect.row;
        let count = |n: &mut u32, was: bool, is: bool| {
            *n = n.saturating_sub(u32::from(was)).saturating_add(u32::from(is));
        };
        count(&mut row.unseen, old.bits & bits::SEEN == 0, new.bits & bits::SEEN == 0);
        count(&mut row.deleted, old.bits & bits::DELETED != 0, new.bits & bits::DELETED != 0);
        outcome.changed.push(Change { uid, modseq: ModSeq(modseq), flags });
        effect.flagged.push(Flagged { uid: uid.get(), modseq, bits: new });
    }
    if beyond_bits || effect.flagged.len() < MANY {
        write_rows(txn, mailbox, &effect.flagged)?;
    } else {
        write_ranges(txn, uids, &effect, op.mask(given.bits), unchanged_since)?;
    }
    changed::note(txn, &mut effect)?;
    outcome.at = ModSeq(effect.row.modseq);
    txn.change(effect);
    Ok(outcome)
}

/// A message of the set, as it was.
struct Found {
    uid: Uid,
    bits: Bits,
    modseq: u64,
}

/// The messages of the set: of an open mailbox, memory knows.
fn find(txn: &Txn<'_>, row: &MailboxRow, uids: &UidSet) -> Res<Vec<Found>> {
    let known = txn.shard.registry.get(row.id).and_then(|index| {
        // Only if it is what this transaction sees: with what others in it, or another process, did before.
        index.peek(|t| (t.row.modseq == row.modseq).then(|| t.bits_of(uids))).flatten()
    });
    if let Some(known) = known {
        return Ok(known.into_iter().map(|(uid, bits, modseq)| Found { uid, bits, modseq }).collect());
    }
    let mut found = Vec::new();
    let mut read = txn.conn.prepare_cached(
        "SELECT uid, flags, modseq, keywords FROM msg WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
    )?;
    for (first, last) in uids.ranges() {
        let mut rows = read.query(params![row.id, first, last])?;
        while let Some(r) = rows.next()? {
            let Some(uid) = Uid::new(r.get(0)?) else { continue };
            let more = from_blob(r.get_ref(3)?.as_blob_or_null()?);
            found.push(Found { uid, bits: Bits { bits: r.get(1)?, more }, modseq: r.get(2)? });
        }
    }
    Ok(found)
}

fn write_rows(txn: &Txn<'_>, mailbox: i64, flagged: &[Flagged]) -> Res<()> {
    let mut write = txn.conn.prepare_cached(
        "UPDATE msg SET flags = ?3, modseq = ?4, keywords = ?5 WHERE mailbox = ?1 AND uid = ?2",
    )?;
    for f in flagged {
        write.execute(params![mailbox, f.uid, f.bits.bits, f.modseq, to_blob(f.bits.more.as_deref())])?;
    }
    Ok(())
}

/// Changes the bits of all messages of the set by one statement for each range: `mask` is what stays of them, and what is added.
fn write_ranges(
    txn: &Txn<'_>,
    uids: &UidSet,
    effect: &Effect,
    (stays, added): (u32, u32),
    unchanged_since: Option<ModSeq>,
) -> Res<()> {
    let mut write = txn.conn.prepare_cached(
        "UPDATE msg SET flags = (flags & ?4) | ?5, modseq = ?6 WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3 \
         AND flags <> ((flags & ?4) | ?5) AND +modseq <= ?7",
    )?;
    let since = unchanged_since.map_or(i64::MAX, |since| i64::try_from(since.0).unwrap_or(i64::MAX));
    let mut written = 0;
    for (first, last) in uids.ranges() {
        written +=
            write.execute(params![effect.row.id, first, last, stays, added, effect.row.modseq, since])?;
    }
    if written == effect.flagged.len() {
        return Ok(());
    }
    Err(damaged("the messages in the database are not those in memory"))
}

/// As bits: what stays, and what is added.
trait Mask {
    fn mask(self, given: u32) -> (u32, u32);
}

impl Mask for FlagOp {
    fn mask(self, given: u32) -> (u32, u32) {
        let given = given & !bits::CRLF;
        match self {
            Self::Add => (u32::MAX, given),
            Self::Remove => (!given | bits::MORE, 0),
            Self::Replace => (bits::CRLF, given),
        }
    }
}
