use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroU32,
    sync::Arc,
};

use mailstore_api::{
    Change, Changes, ErrorKind, Flags, MailboxId, Meta, MetaBatch, ModSeq, OpenMode, Snapshot, Status, Uid,
    UidSet, UidValidity,
};

use super::{
    Added, Effect, MailboxRow,
    packed::{PackedModSeq, SizeAndDate},
};
use crate::{
    bits::{self, Bits, Keywords, keyword_bits},
    error::{Res, damaged},
};

/// Messages whose greatest modseq is kept, so that `changes` looks only where something changed.
const BLOCK: usize = 512;

/// Expunges kept in memory while the mailbox is open.
const LOG: usize = 4096;

/// A range of UIDs that was expunged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Gone {
    pub(super) modseq: u64,
    pub(super) first: u32,
    pub(super) last: u32,
}

/// A mailbox's messages as columns, ascending by UID.
pub(crate) struct Table {
    pub(crate) row: MailboxRow,
    pub(super) keywords: Arc<Keywords>,
    pub(super) uids: Vec<Uid>,
    pub(super) bits: Vec<u32>,
    pub(super) modseqs: Vec<PackedModSeq>,
    pub(super) sizes: Vec<SizeAndDate>,
    /// Keywords beyond the bits.
    pub(super) more: HashMap<u32, Arc<[u16]>>,
    blocks: Vec<u64>,
    log: VecDeque<Gone>,
    /// All that was expunged after this is in the log.
    log_from: u64,
}

/// What [`Table::changes`] found.
pub(crate) struct Cut {
    pub(crate) changes: Changes,
    /// Up to this modseq, what vanished has to be read from the database.
    pub(crate) vanished_upto: Option<u64>,
}

impl Table {
    pub(super) fn empty(row: MailboxRow, keywords: Arc<Keywords>) -> Self {
        Self {
            row,
            keywords,
            uids: Vec::new(),
            bits: Vec::new(),
            modseqs: Vec::new(),
            sizes: Vec::new(),
            more: HashMap::new(),
            blocks: Vec::new(),
            log: VecDeque::new(),
            log_from: row.modseq,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.uids.len()
    }

    pub(super) fn last_uid(&self) -> Option<Uid> {
        self.uids.last().copied()
    }

    pub(super) fn set_log(&mut self, log: VecDeque<Gone>, complete_from: u64) {
        (self.log, self.log_from) = (log, complete_from);
    }

    /// Octets of memory of the columns: what one message costs.
    pub(crate) fn octets(&self) -> usize {
        self.uids.capacity() * 4
            + self.bits.capacity() * 4
            + self.modseqs.capacity() * size_of::<PackedModSeq>()
            + self.sizes.capacity() * size_of::<SizeAndDate>()
            + self.blocks.capacity() * 8
    }

    /// Room for `n` more: a little beyond, not double, since most mailboxes grow slowly and stay open long.
    pub(super) fn reserve(&mut self, n: usize) {
        fn grow<T>(column: &mut Vec<T>, n: usize) {
            if column.capacity() - column.len() < n {
                column.reserve_exact(n.max(column.len() / 32));
            }
        }
        grow(&mut self.uids, n);
        grow(&mut self.bits, n);
        grow(&mut self.modseqs, n);
        grow(&mut self.sizes, n);
    }

    pub(super) fn push(&mut self, m: &Added) -> Res<()> {
        let uid = Uid::new(m.uid).filter(|uid| self.last_uid().is_none_or(|last| last < *uid));
        let Some(uid) = uid else { return Err(damaged("UIDs out of order")) };
        self.reserve(1);
        self.uids.push(uid);
        self.bits.push(m.bits.bits);
        self.modseqs.push(PackedModSeq::new(m.modseq));
        self.sizes.push(SizeAndDate::new(m.size, m.date));
        if let Some(more) = &m.bits.more {
            self.more.insert(m.uid, more.clone());
        }
        Ok(())
    }

    /// Computes the greatest modseq of each block from the one that holds this message on.
    pub(super) fn block_maxima(&mut self, from: usize) {
        let first = from / BLOCK;
        self.blocks.truncate(first);
        let rest = self.modseqs.get(first * BLOCK..).unwrap_or(&[]);
        self.blocks.extend(rest.chunks(BLOCK).map(|c| c.iter().map(|m| m.get()).max().unwrap_or(0)));
    }

    fn position(&self, uid: u32) -> Option<usize> {
        let at = self.uids.partition_point(|u| u.get() < uid);
        self.uids.get(at).is_some_and(|u| u.get() == uid).then_some(at)
    }

    /// Positions of the messages of a range.
    pub(super) fn span(&self, (first, last): (u32, u32)) -> std::ops::Range<usize> {
        let from = self.uids.partition_point(|u| u.get() < first);
        let rest = self.uids.get(from..).unwrap_or(&[]);
        from..from + rest.partition_point(|u| u.get() <= last)
    }

    /// How many messages of a set there are.
    pub(crate) fn count(&self, uids: &UidSet) -> u64 {
        uids.ranges().iter().map(|r| self.span(*r).len() as u64).sum()
    }

    /// Flags and modseqs of the messages of a set.
    pub(crate) fn bits_of(&self, uids: &UidSet) -> Vec<(Uid, Bits, u64)> {
        let spans = uids.ranges().iter().map(|r| self.span(*r));
        let rows = spans.flat_map(|span| {
            let columns = self.uids.get(span.clone()).unwrap_or(&[]).iter();
            columns.zip(self.bits.get(span.clone()).unwrap_or(&[])).zip(self.modseqs.get(span).unwrap_or(&[]))
        });
        rows.map(|((uid, bits), modseq)| {
            let more = if bits & bits::MORE == 0 { None } else { self.more.get(&uid.get()).cloned() };
            (*uid, Bits { bits: *bits, more }, modseq.get())
        })
        .collect()
    }

    fn flags(&self, uid: u32, bits: u32) -> Flags {
        if bits & !(bits::SYSTEM | bits::CRLF) == 0 {
            return Flags::system(bits::system(bits));
        }
        let more = if bits & bits::MORE == 0 { None } else { self.more.get(&uid) };
        self.keywords.flags(bits, more.map(|m| &**m))
    }

    // Reading

    pub(crate) fn snapshot(&self, mode: OpenMode) -> Snapshot {
        let unseen = self.bits.iter().position(|b| b & bits::SEEN == 0);
        Snapshot {
            uid_validity: validity(&self.row),
            uid_next: self.row.uidnext,
            at: ModSeq(self.row.modseq),
            uids: self.uids.clone(),
            first_unseen: unseen.and_then(|at| self.uids.get(at)).copied(),
            keywords: self.keywords_in_use(),
            new_keywords_ok: true,
            read_only: mode == OpenMode::Examine,
            modseq_persistent: true,
        }
    }

    fn keywords_in_use(&self) -> Vec<String> {
        let all = self.bits.iter().fold(0, |all, b| all | b);
        let mut numbers: Vec<u16> =
            keyword_bits(all).chain(self.more.values().flat_map(|m| m.iter().copied())).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.iter().filter_map(|n| self.keywords.name(*n)).map(str::to_owned).collect()
    }

    pub(crate) fn status(&self, id: MailboxId) -> Status {
        let recent = self.uids.len() - self.uids.partition_point(|u| u.get() < self.row.recent);
        Status { recent: u32::try_from(recent).unwrap_or(u32::MAX), ..figures(&self.row, id) }
    }

    /// All that came after a modseq, in one cut.
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`].
    pub(crate) fn changes(&self, after: ModSeq, limit: usize) -> Result<Cut, ErrorKind> {
        if after.0 < self.row.floor {
            return Err(ErrorKind::HistoryLost);
        }
        let mut found: Vec<(u64, usize)> = Vec::new();
        for (n, _) in self.blocks.iter().enumerate().filter(|(_, max)| **max > after.0) {
            let block = self.modseqs.iter().enumerate().skip(n * BLOCK).take(BLOCK);
            found.extend(block.map(|(at, m)| (m.get(), at)).filter(|(m, _)| *m > after.0));
        }
        let mut upto = self.row.modseq;
        let mut more = false;
        if found.len() > limit.max(1) {
            found.sort_unstable();
            // A cursor cannot stand inside one modseq, so the cut is made between two.
            let last = found.get(limit.max(1) - 1).map_or(upto, |f| f.0);
            let keep = found.partition_point(|f| f.0 <= last);
            if keep < found.len() {
                (upto, more) = (last, true);
                found.truncate(keep);
            }
            found.sort_unstable_by_key(|f| f.1);
        }
        let changed = found.iter().filter_map(|(modseq, at)| {
            let (uid, bits) = (*self.uids.get(*at)?, *self.bits.get(*at)?);
            Some(Change { uid, modseq: ModSeq(*modseq), flags: self.flags(uid.get(), bits) })
        });
        let changes = Changes {
            changed: changed.collect(),
            vanished: self.vanished(after.0, upto),
            uid_next: self.row.uidnext,
            upto: ModSeq(upto),
            more,
        };
        Ok(Cut { changes, vanished_upto: self.beyond_log(after.0, upto) })
    }

    /// What vanished after a modseq, as far as the log knows.
    fn vanished(&self, after: u64, upto: u64) -> UidSet {
        let from = self.log.partition_point(|g| g.modseq <= after);
        let gone = self.log.range(from..).take_while(|g| g.modseq <= upto);
        UidSet::from_ranges(gone.map(|g| (g.first, g.last)))
    }

    fn beyond_log(&self, after: u64, upto: u64) -> Option<u64> {
        (after < self.log_from).then(|| self.log_from.min(upto))
    }

    /// As [`changes`](Self::changes), of the expunged alone.
    pub(crate) fn vanished_since(&self, since: ModSeq) -> Result<(UidSet, Option<u64>), ErrorKind> {
        if since.0 < self.row.floor {
            return Err(ErrorKind::HistoryLost);
        }
        let upto = self.row.modseq;
        Ok((self.vanished(since.0, upto), self.beyond_log(since.0, upto)))
    }

    /// At most `limit` messages of a set.
    pub(crate) fn meta(&self, uids: &UidSet, since: Option<ModSeq>, limit: usize) -> MetaBatch {
        let limit = limit.max(1);
        let mut batch = MetaBatch::default();
        let since = since.unwrap_or_default().0;
        for range in uids.ranges() {
            let span = self.span(*range);
            let columns = (self.uids.get(span.clone()).unwrap_or(&[]).iter())
                .zip(self.bits.get(span.clone()).unwrap_or(&[]))
                .zip(self.modseqs.get(span.clone()).unwrap_or(&[]))
                .zip(self.sizes.get(span).unwrap_or(&[]));
            if batch.items.is_empty() {
                batch.items.reserve(columns.len().min(limit));
            }
            for (((uid, bits), modseq), size) in columns {
                let modseq = modseq.modseq();
                if modseq.0 <= since {
                    continue;
                }
                if batch.items.len() >= limit {
                    batch.resume_after = batch.items.last().map(|m| m.uid);
                    return batch;
                }
                batch.items.push(Meta {
                    uid: *uid,
                    modseq,
                    flags: self.flags(uid.get(), *bits),
                    internal_date: size.date(),
                    size: u64::from(size.size()),
                    ends_with_crlf: bits & bits::CRLF != 0,
                    more: None,
                });
            }
        }
        batch
    }

    /// The first UID nobody was told of, when there is such a message; the mark moves behind the last.
    pub(crate) fn claim_recent(&mut self) -> Option<u32> {
        let first = self.first_recent();
        self.row.recent = self.row.uidnext;
        first
    }

    pub(crate) fn first_recent(&self) -> Option<u32> {
        let first = self.row.recent;
        self.last_uid().is_some_and(|last| last.get() >= first).then_some(first)
    }

    // Changing

    /// Takes over what one request did; `false` when something before it is missing.
    pub(super) fn apply(&mut self, effect: &Effect) -> bool {
        if effect.row.modseq <= self.row.modseq {
            return true;
        }
        if effect.before != self.row.modseq {
            return false;
        }
        let modseq = effect.row.modseq;
        let gone =
            effect.removed.ranges().iter().map(|(first, last)| Gone { modseq, first: *first, last: *last });
        self.change(effect, gone.collect());
        true
    }

    pub(super) fn change(&mut self, effect: &Effect, gone: Vec<Gone>) {
        if let Some(keywords) = &effect.keywords {
            self.keywords = keywords.clone();
        }
        if !effect.removed.is_empty() {
            self.remove(&effect.removed);
        }
        for f in &effect.flagged {
            let Some(at) = self.position(f.uid) else { continue };
            if let (Some(bits), Some(modseq)) = (self.bits.get_mut(at), self.modseqs.get_mut(at)) {
                if *bits & bits::MORE != 0 {
                    self.more.remove(&f.uid);
                }
                (*bits, *modseq) = (f.bits.bits, PackedModSeq::new(f.modseq));
            }
            if let Some(more) = &f.bits.more {
                self.more.insert(f.uid, more.clone());
            }
            if let Some(block) = self.blocks.get_mut(at / BLOCK) {
                *block = f.modseq.max(*block);
            }
        }
        if !effect.added.is_empty() {
            let before = self.len();
            self.reserve(effect.added.len());
            for m in &effect.added {
                // The order of UIDs is the database's; a message that breaks it is not shown.
                let _ = self.push(m);
            }
            self.block_maxima(before);
        }
        for g in gone {
            if self.log.len() >= LOG
                && let Some(oldest) = self.log.pop_front()
            {
                self.log_from = self.log_from.max(oldest.modseq);
            }
            self.log.push_back(g);
        }
        let recent = self.row.recent.max(effect.row.recent);
        self.row = MailboxRow { recent, ..effect.row };
    }

    fn remove(&mut self, set: &UidSet) {
        let spans: Vec<_> = set.ranges().iter().map(|r| self.span(*r)).filter(|s| !s.is_empty()).collect();
        let Some(first) = spans.first().map(|s| s.start) else { return };
        for uid in spans.iter().flat_map(|s| self.uids.get(s.clone()).unwrap_or(&[])) {
            self.more.remove(&uid.get());
        }
        close_gaps(&mut self.uids, &spans);
        close_gaps(&mut self.bits, &spans);
        close_gaps(&mut self.modseqs, &spans);
        close_gaps(&mut self.sizes, &spans);
        self.block_maxima(first);
    }
}

/// Removes ascending spans of a column in one pass.
fn close_gaps<T: Copy>(column: &mut Vec<T>, spans: &[std::ops::Range<usize>]) {
    let Some(first) = spans.first() else { return };
    let mut to = first.start;
    for (n, span) in spans.iter().enumerate() {
        let end = spans.get(n + 1).map_or(column.len(), |next| next.start);
        if span.end <= end && end <= column.len() {
            column.copy_within(span.end..end, to);
            to += end - span.end;
        }
    }
    column.truncate(to);
}

fn validity(row: &MailboxRow) -> UidValidity {
    UidValidity(NonZeroU32::new(row.uidvalidity).unwrap_or(NonZeroU32::MIN))
}

/// What a mailbox's row says; `recent` is left to the caller.
pub(crate) fn figures(row: &MailboxRow, id: MailboxId) -> Status {
    Status {
        id,
        messages: row.messages,
        unseen: row.unseen,
        deleted: row.deleted,
        recent: 0,
        size: row.octets,
        uid_next: row.uidnext,
        uid_validity: validity(row),
        highest_modseq: ModSeq(row.modseq),
    }
}

impl MailboxRow {
    pub(crate) fn validity(&self) -> UidValidity {
        validity(self)
    }
}

#[cfg(test)]
mod tests {
    use mailstore_api::InternalDate;

    use super::*;

    fn row(modseq: u64) -> MailboxRow {
        MailboxRow {
            id: 1,
            account: 1,
            uidvalidity: 1,
            uidnext: 1,
            modseq,
            floor: 0,
            messages: 0,
            unseen: 0,
            deleted: 0,
            octets: 0,
            tombstones: 0,
            recent: 1,
            changed_floor: 0,
        }
    }

    fn added(uid: u32, modseq: u64) -> Added {
        Added { uid, modseq, bits: Bits::default(), size: 1, date: InternalDate::default() }
    }

    fn table(messages: u32) -> Table {
        let mut table = Table::empty(row(1), Arc::default());
        table.reserve(messages as usize);
        (1..=messages).for_each(|uid| table.push(&added(uid, 1)).unwrap());
        table.block_maxima(0);
        table
    }

    #[test]
    fn a_message_costs_at_most_26_octets_also_while_the_mailbox_grows() {
        assert!(table(100_000).octets() <= 26 * 100_000);
        let mut table = table(100_000);
        for n in 0..5_000_u32 {
            let mut effect = Effect::new(row(1 + u64::from(n)));
            effect.row.modseq += 1;
            effect.added.push(added(100_001 + n, effect.row.modseq));
            assert!(table.apply(&effect));
        }
        assert!(table.octets() <= 26 * 105_000, "{}", table.octets());
    }

    /// Against a plain model: every cut from every cursor, after appends, flags and expunges in any order.
    #[test]
    fn cuts_agree_with_a_plain_list() {
        let mut seed = 5_u64;
        let mut next = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let mut table = table(0);
        let mut model: std::collections::BTreeMap<u32, u64> = std::collections::BTreeMap::new();
        let mut gone: Vec<(u64, u32)> = Vec::new();
        let mut last = 0;
        for modseq in 2..1_500_u64 {
            let mut effect = Effect::new(row(modseq - 1));
            effect.row.modseq = modseq;
            let some: Vec<u32> = model.keys().copied().filter(|_| next(9) == 0).collect();
            match next(4) {
                0 if !some.is_empty() => {
                    effect.removed = some.iter().filter_map(|u| Uid::new(*u)).collect();
                    for uid in some {
                        model.remove(&uid);
                        gone.push((modseq, uid));
                    }
                }
                1 if !some.is_empty() => {
                    for uid in some {
                        model.insert(uid, modseq);
                        let bits = Bits { bits: bits::SEEN, more: None };
                        effect.flagged.push(crate::index::Flagged { uid, modseq, bits });
                    }
                }
                _ => {
                    for _ in 0..=next(3) {
                        last += 1;
                        model.insert(last, modseq);
                        effect.added.push(added(last, modseq));
                    }
                }
            }
            assert!(table.apply(&effect));
            assert!(table.apply(&effect), "taken over twice, it changes nothing");
            let after = next(modseq + 2);
            let limit = usize::try_from(1 + next(40)).unwrap();
            let cut = table.changes(ModSeq(after), limit).unwrap();
            let upto = cut.changes.upto.0;
            let expected: Vec<(u32, u64)> =
                model.iter().filter(|(_, m)| **m > after && **m <= upto).map(|(u, m)| (*u, *m)).collect();
            let found: Vec<(u32, u64)> =
                cut.changes.changed.iter().map(|c| (c.uid.get(), c.modseq.0)).collect();
            assert_eq!(found, expected);
            assert!(!cut.changes.more || upto > after && found.len() >= limit);
            assert!(cut.changes.more || upto == modseq);
            let vanished: UidSet = gone
                .iter()
                .filter(|(m, _)| *m > after && *m <= upto)
                .filter_map(|(_, u)| Uid::new(*u))
                .collect();
            if cut.vanished_upto.is_none() {
                assert_eq!(cut.changes.vanished, vanished);
            }
            assert_eq!(
                table.uids.iter().map(|u| u.get()).collect::<Vec<_>>(),
                model.keys().copied().collect::<Vec<_>>()
            );
        }
        assert!(!table.apply(&Effect { before: 9_999, ..Effect::new(row(10_000)) }), "a gap is noticed");
    }
}
