use std::collections::HashMap;

use mailstore_api::{CopyOutcome, ErrorKind, Flags, InternalDate, ModSeq, QuotaUsage, Uid, UidSet};
use rusqlite::params;

use super::{Incoming, Leaving, check_uids, ensure_keywords, insert, remove, share};
use crate::{
    bits::{self, Bits, from_blob, keyword_bits},
    date::from_stored,
    error::Res,
    index::Effect,
    txn::Txn,
};

struct Source {
    uid: u32,
    bits: Bits,
    size: u64,
    date: InternalDate,
    body: i64,
    prefix: Option<Vec<u8>>,
    pop3_uidl: Option<String>,
}

/// Copies messages within an account: the octets are shared. With `and_remove`, the sources go in the same step.
pub(crate) fn copy(
    txn: &mut Txn<'_>,
    account: i64,
    from: i64,
    uids: &UidSet,
    to: i64,
    and_remove: bool,
) -> Res<CopyOutcome> {
    let source_row = txn.mailbox(account, from, ErrorKind::Gone)?;
    let target_row = txn.mailbox(account, to, ErrorKind::NotFound)?;
    let mut outcome = CopyOutcome {
        dest_validity: target_row.validity(),
        pairs: Vec::new(),
        source_at: ModSeq(source_row.modseq),
    };
    let sources = read(txn, from, uids)?;
    if sources.is_empty() {
        return Ok(outcome);
    }
    check_uids(&target_row, sources.len())?;
    if !and_remove {
        let octets = sources.iter().map(|m| m.size).sum();
        txn.check_quota(account, &QuotaUsage { octets, messages: sources.len() as u64, mailboxes: 0 })?;
    }
    let mut target = Effect::new(target_row);
    let mut translate = Translate::new(txn, from, &sources, &mut target)?;
    for m in &sources {
        let bits = translate.bits(&m.bits);
        // What moves brings its reference along.
        if !and_remove {
            share(txn.conn, m.body)?;
        }
        let incoming = Incoming {
            bits,
            size: m.size,
            date: m.date,
            body: m.body,
            prefix: m.prefix.as_deref(),
            pop3_uidl: m.pop3_uidl.as_deref(),
        };
        let uid = insert(txn.conn, &mut target, incoming)?;
        outcome.pairs.extend(Uid::new(m.uid).zip(Uid::new(uid)));
    }
    if and_remove {
        let leaving: Vec<Leaving> = (sources.iter())
            .map(|m| Leaving { uid: m.uid, bits: m.bits.bits, size: m.size, body: None })
            .collect();
        if from == to {
            remove(txn, &mut target, &leaving)?;
        } else {
            let mut source = Effect::new(source_row);
            remove(txn, &mut source, &leaving)?;
            outcome.source_at = ModSeq(source.row.modseq);
            txn.change(source);
        }
    }
    if from == to {
        outcome.source_at = ModSeq(target.row.modseq);
    }
    txn.change(target);
    Ok(outcome)
}

fn read(txn: &Txn<'_>, mailbox: i64, uids: &UidSet) -> Res<Vec<Source>> {
    let mut found = Vec::new();
    let mut read = txn.conn.prepare_cached(
        "SELECT uid, flags, keywords, size, arrived, body, prefix, pop3_uidl FROM msg \
         WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
    )?;
    for (first, last) in uids.ranges() {
        let mut rows = read.query(params![mailbox, first, last])?;
        while let Some(r) = rows.next()? {
            found.push(Source {
                uid: r.get(0)?,
                bits: Bits { bits: r.get(1)?, more: from_blob(r.get_ref(2)?.as_blob_or_null()?) },
                size: r.get(3)?,
                date: from_stored(r.get(4)?),
                body: r.get(5)?,
                prefix: r.get(6)?,
                pop3_uidl: r.get(7)?,
            });
        }
    }
    Ok(found)
}

/// From one mailbox's keyword numbers to another's.
struct Translate {
    /// `None`: the same mailbox.
    numbers: Option<HashMap<u16, u16>>,
}

impl Translate {
    fn new(txn: &mut Txn<'_>, from: i64, sources: &[Source], target: &mut Effect) -> Res<Self> {
        if from == target.row.id {
            return Ok(Self { numbers: None });
        }
        let all = sources.iter().fold(0, |all, m| all | m.bits.bits);
        let mut used: Vec<u16> = keyword_bits(all).collect();
        used.extend(sources.iter().filter_map(|m| m.bits.more.as_deref()).flatten());
        used.sort_unstable();
        used.dedup();
        if used.is_empty() {
            return Ok(Self { numbers: Some(HashMap::new()) });
        }
        let theirs = txn.keywords(from)?;
        let names = used.iter().filter_map(|n| theirs.name(*n)).map(str::to_owned).collect();
        let ours = ensure_keywords(txn, target, &[&Flags { keywords: names, ..Flags::default() }])?;
        let pair = |n: &u16| Some((*n, ours.number(theirs.name(*n)?)?));
        Ok(Self { numbers: Some(used.iter().filter_map(pair).collect()) })
    }

    fn bits(&mut self, theirs: &Bits) -> Bits {
        let Some(numbers) = &self.numbers else { return theirs.clone() };
        let mut bits = theirs.bits & (bits::SYSTEM | bits::CRLF);
        let mut more = Vec::new();
        for theirs in keyword_bits(theirs.bits).chain(theirs.more.iter().flat_map(|m| m.iter().copied())) {
            match numbers.get(&theirs) {
                Some(n) if bits::bit(*n) != 0 => bits |= bits::bit(*n),
                Some(n) => more.push(*n),
                None => {}
            }
        }
        more.sort_unstable();
        Bits::new(bits, more)
    }
}
