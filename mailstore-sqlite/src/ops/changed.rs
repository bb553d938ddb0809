//! The log of changed flags: by it, a process finds what another has changed without reading every message.
//!
//! Each change notes the ranges of its UIDs under its modseq. Messages that came are not noted: they have UIDs above all
//! that one knew. A range may hold messages that did not change, since their own modseqs tell; so ranges can be joined,
//! and one change takes few rows however scattered its messages are. What is old is forgotten, and whoever asks for what
//! came before `mailbox.changed_floor` reads all messages of the mailbox. An index by modseq would answer the same, but has an entry
//! for each message, which moves with each change.

use mailstore_api::UidSet;
use rusqlite::{Connection, params};

use crate::{
    error::Res,
    index::{Effect, MailboxRow},
    txn::Txn,
};

/// Ranges noted of one change.
const RANGES: usize = 8;

/// Modseqs that are looked back over: for a mailbox of so many messages, reading all is no more work.
const LEAST: u64 = 64;
const MOST: u64 = 4096;
const PART: u32 = 8;

/// Notes whose flags a change has changed; to be called once for it.
pub(super) fn note(txn: &Txn<'_>, effect: &mut Effect) -> Res<()> {
    let row = &mut effect.row;
    if effect.flagged.is_empty() {
        return Ok(());
    }
    let mut write = txn
        .conn
        .prepare_cached("INSERT INTO changed(mailbox, modseq, first, last) VALUES (?1, ?2, ?3, ?4)")?;
    for (first, last) in ranges(effect.flagged.iter().map(|f| f.uid)) {
        write.execute(params![row.id, row.modseq, first, last])?;
    }
    let kept = u64::from(row.messages / PART).clamp(LEAST, MOST);
    // Not with every change.
    if row.modseq.saturating_sub(row.changed_floor) > kept + kept / 4 {
        let floor = row.modseq - kept;
        txn.conn
            .prepare_cached("DELETE FROM changed WHERE mailbox = ?1 AND modseq <= ?2")?
            .execute(params![row.id, floor])?;
        row.changed_floor = floor;
    }
    Ok(())
}

/// These ascending UIDs as few ranges: the widest gaps are left out.
fn ranges(uids: impl Iterator<Item = u32> + Clone) -> Vec<(u32, u32)> {
    let gaps =
        || uids.clone().zip(uids.clone().skip(1)).map(|(a, b)| b.saturating_sub(a)).filter(|gap| *gap > 1);
    let mut widths: Vec<u32> = gaps().collect();
    let mut narrowest = 2;
    let mut of_narrowest = usize::MAX;
    if widths.len() >= RANGES {
        widths.sort_unstable_by(|a, b| b.cmp(a));
        narrowest = widths.get(RANGES - 2).copied().unwrap_or(u32::MAX);
        // Several gaps may be as wide as the last that is left out.
        of_narrowest = widths.iter().take(RANGES - 1).filter(|w| **w == narrowest).count();
    }
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        if let Some((_, last)) = ranges.last_mut() {
            let gap = uid.saturating_sub(*last);
            let is_left_out = gap > narrowest || gap == narrowest && of_narrowest > 0;
            if !is_left_out {
                *last = uid;
                continue;
            }
            of_narrowest -= usize::from(gap == narrowest);
        }
        ranges.push((uid, uid));
    }
    ranges
}

/// Among which messages, of those up to a UID, are all that changed after a modseq. Whether the log could tell, too.
pub(crate) fn since(conn: &Connection, row: &MailboxRow, modseq: u64, last: u32) -> Res<(UidSet, bool)> {
    let known = UidSet::from_ranges((last > 0).then_some((1, last)));
    if modseq < row.changed_floor {
        return Ok((known, false));
    }
    let mut read =
        conn.prepare_cached("SELECT first, last FROM changed WHERE mailbox = ?1 AND modseq > ?2")?;
    let noted: Vec<(u32, u32)> = read
        .query_map(params![row.id, modseq], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok((UidSet::from_ranges(noted).intersection(&known), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ranges_hold_all_uids_and_leave_the_widest_gaps_out() {
        for (uids, expected) in [
            (vec![], vec![]),
            (vec![7], vec![(7, 7)]),
            (vec![1, 2, 3, 9, 10], vec![(1, 3), (9, 10)]),
            ((1..=10_000).collect(), vec![(1, 10_000)]),
            ((1..=8).map(|n| n * 3).collect(), (1..=8).map(|n| (n * 3, n * 3)).collect()),
            (
                vec![1, 3, 5, 100, 200, 300, 400, 500, 600, 700],
                vec![
                    (1, 5),
                    (100, 100),
                    (200, 200),
                    (300, 300),
                    (400, 400),
                    (500, 500),
                    (600, 600),
                    (700, 700),
                ],
            ),
        ] {
            assert_eq!(ranges(uids.iter().copied()), expected, "{uids:?}");
        }
        let mut seed = 9_u64;
        for _ in 0..2_000 {
            let mut next = |n: u64| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u32::try_from((seed >> 33) % n).unwrap()
            };
            let mut uids: Vec<u32> = (0..next(60)).map(|_| 1 + next(200)).collect();
            uids.sort_unstable();
            uids.dedup();
            let found = ranges(uids.iter().copied());
            assert!(found.len() <= RANGES, "{uids:?}: {found:?}");
            assert!(found.is_sorted_by(|a, b| a.1 < b.0), "{found:?}");
            assert!(
                uids.iter().all(|u| found.iter().any(|(a, b)| (a..=b).contains(&u))),
                "{uids:?}: {found:?}"
            );
        }
    }
}
