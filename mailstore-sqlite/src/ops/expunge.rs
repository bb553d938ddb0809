use mailstore_api::{ErrorKind, ExpungeOutcome, ModSeq, UidSet};
use rusqlite::params;

use super::{Leaving, remove};
use crate::{bits, error::Res, index::Effect, txn::Txn};

/// Expunges the messages of a set, of it only those with `\Deleted` if so asked.
pub(crate) fn expunge(
    txn: &mut Txn<'_>,
    account: i64,
    mailbox: i64,
    uids: &UidSet,
    only_deleted: bool,
) -> Res<ExpungeOutcome> {
    let row = txn.mailbox(account, mailbox, ErrorKind::Gone)?;
    if only_deleted && row.deleted == 0 {
        return Ok(ExpungeOutcome { vanished: UidSet::new(), at: ModSeq(row.modseq) });
    }
    let mut leaving = Vec::new();
    {
        let mut read = txn.conn.prepare_cached(
            "SELECT uid, flags, size, body FROM msg WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
        )?;
        for (first, last) in uids.ranges() {
            let mut rows = read.query(params![mailbox, first, last])?;
            while let Some(r) = rows.next()? {
                let m = Leaving { uid: r.get(0)?, bits: r.get(1)?, size: r.get(2)?, body: Some(r.get(3)?) };
                if !only_deleted || m.bits & bits::DELETED != 0 {
                    leaving.push(m);
                }
            }
        }
    }
    let mut effect = Effect::new(row);
    let vanished = remove(txn, &mut effect, &leaving)?;
    let at = ModSeq(effect.row.modseq);
    txn.change(effect);
    Ok(ExpungeOutcome { vanished, at })
}
