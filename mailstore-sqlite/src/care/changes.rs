use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;

use crate::error::Res;

/// What a log of changes says of one mailbox.
#[derive(Default)]
struct Log {
    modseq: u64,
    floor: u64,
    /// By modseq.
    noted: HashMap<u64, Vec<(u32, u32)>>,
    /// Rows that no change can have left.
    is_odd: bool,
}

impl Log {
    fn holds(&self, modseq: u64, uid: u32) -> bool {
        let ranges = self.noted.get(&modseq).map_or(&[][..], |r| r);
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&uid))
    }
}

/// Mailboxes whose log of changes is not what [`crate::ops::changed`] leaves.
///
/// A message with a modseq above the floor must be noted under it, or have come with it. One that came with it has no lower modseq above
/// itself: messages come in the order of their UIDs.
pub(super) fn wrong_changes(conn: &Connection) -> Res<Vec<i64>> {
    let mut logs: BTreeMap<i64, Log> = BTreeMap::new();
    let mut read = conn.prepare("SELECT id, modseq, changed_floor FROM mailbox WHERE name IS NOT NULL")?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let (modseq, floor) = (r.get(1)?, r.get(2)?);
        logs.insert(r.get(0)?, Log { modseq, floor, is_odd: floor > modseq, ..Log::default() });
    }
    let mut read = conn.prepare("SELECT mailbox, modseq, first, last FROM changed")?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let Some(log) = logs.get_mut(&r.get(0)?) else { continue };
        let (modseq, first, last) = (r.get(1)?, r.get(2)?, r.get(3)?);
        log.is_odd |= modseq > log.modseq || modseq <= log.floor || first > last;
        log.noted.entry(modseq).or_default().push((first, last));
    }
    let (mut mailbox, mut least) = (0, u64::MAX);
    let mut read = conn.prepare("SELECT mailbox, uid, modseq FROM msg ORDER BY mailbox DESC, uid DESC")?;
    let mut rows = read.query([])?;
    while let Some(r) = rows.next()? {
        let (id, uid, modseq): (i64, u32, u64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        if id != mailbox {
            (mailbox, least) = (id, u64::MAX);
        }
        let Some(log) = logs.get_mut(&id) else { continue };
        if modseq > log.floor && modseq > least && !log.holds(modseq, uid) {
            log.is_odd = true;
        }
        least = least.min(modseq);
    }
    Ok(logs.into_iter().filter(|(_, log)| log.is_odd).map(|(id, _)| id).collect())
}
