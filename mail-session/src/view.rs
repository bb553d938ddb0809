//! The view engine: what one client knows of the mailbox it selected.
//!
//! A client counts messages by sequence number, and every number shifts when a message goes. So the server may
//! tell of an expunge only where the client can follow (RFC 9051 sections 5.5 and 7.5.1), and until then all
//! sequence numbers mean what the *client* thinks they mean. A [`View`] holds that: the UIDs the client
//! knows, in order, what the store said since (absorbed from [`Changes`]), and what of it is still untold.
//!
//! It does no IO. The session asks the store for changes after [`View::cursor`], [absorbs](View::absorb)
//! them, and sends what [`View::drain`] gives.
use std::collections::{BTreeMap, BTreeSet};

use mailstore_api::{Change, Changes, ModSeq, Snapshot, Uid, UidSet, UidValidity};

/// Whether the client can follow an expunge now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expunges {
    /// No: a FETCH, STORE or SEARCH by sequence number is being answered.
    Withheld,
    /// Yes.
    Told,
}

/// What is to be sent to the client, in this order: expunges, EXISTS, RECENT, FETCH.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Updates {
    /// Sequence numbers for EXPUNGE, greatest first, so that each is right when it is sent.
    pub expunged: Vec<u32>,
    /// The same messages by UID, for VANISHED (RFC 7162 section 3.2.10).
    pub vanished: UidSet,
    /// The new number of messages.
    pub exists: Option<u32>,
    /// The new number of recent messages (RFC 3501 section 7.3.2).
    pub recent: Option<u32>,
    /// Messages whose flags changed, with their sequence numbers after the expunges, ascending.
    pub flags: Vec<(u32, Change)>,
}

impl Updates {
    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expunged.is_empty() && self.exists.is_none() && self.recent.is_none() && self.flags.is_empty()
    }
}

/// A sequence number that is greater than the number of messages, or `*` where there is none: the
/// command is BAD (RFC 9051 section 9, `seq-number`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no message has such a sequence number")]
pub struct NoSuchSequence;

/// One end of a range in a set: a number, or `*`.
pub type Bound = Option<u32>;

/// What one client knows of its selected mailbox.
///
/// *Inputs*: [`absorb`](Self::absorb), [`absorb_snapshot`](Self::absorb_snapshot), [`vanish`](Self::vanish),
/// [`own_flags`](Self::own_flags), [`told_flags`](Self::told_flags), [`add_recent`](Self::add_recent).
/// *Output*: [`drain`](Self::drain). Everything else reads.
#[derive(Clone, Debug)]
pub struct View {
    uid_validity: UidValidity,
    /// The messages the client counts, ascending.
    uids: Vec<Uid>,
    /// All up to here was absorbed.
    cursor: ModSeq,
    /// The client was told of all up to here.
    settled: ModSeq,
    /// Up to this UID the client was told of all there are: what is not in `uids` is gone for good.
    told_upto: u32,
    /// Of `uids`, those that are gone but not told.
    gone: BTreeSet<Uid>,
    /// Not told yet; ascending, all greater than the last of `uids`.
    new: Vec<Uid>,
    /// Of `uids`, those whose flags are to be told.
    changed: BTreeMap<Uid, Change>,
    /// Flags the client was told (or set itself) at modseqs the cursor has not passed; ascending by UID.
    told: Vec<(Uid, ModSeq)>,
    /// Messages that are `\Recent` in this session; may hold UIDs that are gone.
    recent: UidSet,
    recent_told: u32,
}

impl View {
    /// The view of a client that was just told of this snapshot.
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Self {
        Self {
            uid_validity: snapshot.uid_validity,
            uids: snapshot.uids.clone(),
            cursor: snapshot.at,
            settled: snapshot.at,
            told_upto: snapshot.uids.last().map_or(0, |u| u.get()).max(snapshot.uid_next.saturating_sub(1)),
            gone: BTreeSet::new(),
            new: Vec::new(),
            changed: BTreeMap::new(),
            told: Vec::new(),
            recent: UidSet::new(),
            recent_told: 0,
        }
    }

    /// The mailbox's incarnation.
    #[must_use]
    pub const fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }

    /// All changes up to here are absorbed: ask the store for those after it.
    #[must_use]
    pub const fn cursor(&self) -> ModSeq {
        self.cursor
    }

    /// The client was told of all changes up to here: what HIGHESTMODSEQ may say. Whoever comes back with it
    /// misses nothing.
    #[must_use]
    pub const fn settled(&self) -> ModSeq {
        self.settled
    }

    /// Up to this UID the client was told of all there are.
    #[must_use]
    pub const fn told_upto(&self) -> u32 {
        self.told_upto
    }

    /// How many messages the client counts, those included whose expunge it was not told.
    #[must_use]
    pub fn exists(&self) -> u32 {
        // A mailbox has no more messages than there are UIDs.
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// The messages the client counts, ascending.
    #[must_use]
    pub fn uids(&self) -> &[Uid] {
        &self.uids
    }

    /// The sequence number of a message, from 1.
    #[must_use]
    pub fn seq_of(&self, uid: Uid) -> Option<u32> {
        let at = self.uids.binary_search(&uid).ok()?;
        u32::try_from(at).ok()?.checked_add(1)
    }

    /// The message with this sequence number.
    #[must_use]
    pub fn uid_at(&self, seq: u32) -> Option<Uid> {
        let at = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.uids.get(at).copied()
    }

    /// Whether the message is gone, though the client was not told yet.
    #[must_use]
    pub fn is_gone(&self, uid: Uid) -> bool {
        self.gone.contains(&uid)
    }

    /// Whether the client counts messages that are gone: an expunge waits until it can follow.
    #[must_use]
    pub fn withholds(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Those of `set` that are not known to be gone.
    #[must_use]
    pub fn still_there(&self, set: &UidSet) -> UidSet {
        if self.gone.is_empty() {
            return set.clone();
        }
        set.difference(&self.gone.iter().copied().collect())
    }

    /// Whether a message of `set` is gone, though the client was not told yet.
    #[must_use]
    pub fn any_gone(&self, set: &UidSet) -> bool {
        // Whichever is shorter is walked.
        if self.gone.is_empty() {
            return false;
        }
        set.ranges().iter().any(|(a, b)| match (Uid::new(*a), Uid::new(*b)) {
            (Some(a), Some(b)) => self.gone.range(a..=b).next().is_some(),
            _ => false,
        })
    }

    /// The sequence numbers of those of `set` that the client counts, ascending.
    pub fn seqs_of<'a>(&'a self, set: &'a UidSet) -> impl Iterator<Item = u32> + 'a {
        set.ranges().iter().flat_map(|(a, b)| {
            let from = self.uids.partition_point(|u| u.get() < *a);
            let to = self.uids.partition_point(|u| u.get() <= *b);
            let seq = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            seq(from) + 1..seq(to) + 1
        })
    }

    /// The messages with these sequence numbers, as UIDs, `*` being the last the client knows
    /// (RFC 9051 section 9, `seq-range`: either order).
    ///
    /// A range of sequence numbers becomes one range of UIDs: whatever lies between two messages
    /// of the view and is not in it no longer exists.
    ///
    /// # Errors
    /// When a number is beyond the last message.
    pub fn by_seq(&self, ranges: impl IntoIterator<Item = (Bound, Bound)>) -> Result<UidSet, NoSuchSequence> {
        let last = self.exists();
        let mut uids = Vec::new();
        for (a, b) in ranges {
            let (a, b) = (a.unwrap_or(last), b.unwrap_or(last));
            match (self.uid_at(a.min(b)), self.uid_at(a.max(b))) {
                (Some(a), Some(b)) => uids.push((a.get(), b.get())),
                _ => return Err(NoSuchSequence),
            }
        }
        Ok(UidSet::from_ranges(uids))
    }

    /// The messages with these UIDs that the client knows of, `*` being the last (RFC 9051 section 6.4.9: a UID
    /// that does not exist is ignored). May hold UIDs that are gone.
    pub fn by_uid(&self, ranges: impl IntoIterator<Item = (Bound, Bound)>) -> UidSet {
        let Some(last) = self.uids.last().map(|u| u.get()) else { return UidSet::new() };
        let set =
            UidSet::from_ranges(ranges.into_iter().map(|(a, b)| (a.unwrap_or(last), b.unwrap_or(last))));
        // A message that came but was not told is not the client's to name: `5:4294967295` ends at
        // the last one told.
        match set.last() {
            Some(end) if end.get() > last => set.intersection(&UidSet::from_ranges([(1, last)])),
            _ => set,
        }
    }

    /// The UIDs in these ranges, whether there are such messages or not, `*` being the last the client knows.
    pub fn uid_ranges(&self, ranges: impl IntoIterator<Item = (Bound, Bound)>) -> UidSet {
        let last = self.uids.last().map_or(1, |u| u.get());
        UidSet::from_ranges(ranges.into_iter().map(|(a, b)| (a.unwrap_or(last), b.unwrap_or(last))))
    }

    /// Takes in what the store says came after [`cursor`](Self::cursor). The same or an older delta again
    /// changes nothing; the cursor never goes back. A delta in several batches ([`Changes::more`]) is
    /// absorbed wholly before the next [`drain`](Self::drain).
    pub fn absorb(&mut self, changes: Changes) {
        let mut told = std::mem::take(&mut self.told).into_iter().peekable();
        for change in changes.changed {
            if change.modseq <= self.cursor {
                continue;
            }
            if change.uid.get() > self.told_upto {
                // Not always at the end: a delta in several batches is ordered by modseq.
                if let Err(at) = self.new.binary_search(&change.uid) {
                    self.new.insert(at, change.uid);
                }
                continue;
            }
            while told.next_if(|(uid, _)| *uid < change.uid).is_some_and(|t| {
                self.told.push(t);
                true
            }) {}
            if told.peek().is_some_and(|(uid, at)| *uid == change.uid && *at >= change.modseq) {
                continue;
            }
            // Not in `uids`: it is gone. (Of a new one the client reads the flags when it is told of it.)
            if self.uids.binary_search(&change.uid).is_ok() {
                self.changed.insert(change.uid, change);
            }
        }
        self.told.extend(told);
        self.vanish(&changes.vanished);
        self.advance(changes.upto);
    }

    fn advance(&mut self, upto: ModSeq) {
        self.cursor = self.cursor.max(upto);
        let cursor = self.cursor;
        // No delta brings these again.
        self.told.retain(|(_, at)| *at > cursor);
        self.told.shrink_to(64);
    }

    /// Takes in a fresh snapshot where the history was lost: what is not in it is gone, what is beyond is new.
    /// Flags are not in a snapshot: absorb those changed since the old cursor *before*.
    pub fn absorb_snapshot(&mut self, snapshot: &Snapshot) {
        if snapshot.at < self.cursor {
            return;
        }
        let there: UidSet = snapshot.uids.iter().copied().collect();
        self.gone.extend(self.uids.iter().copied().filter(|u| !there.contains(*u)));
        let from = snapshot.uids.partition_point(|u| u.get() <= self.told_upto);
        self.new.clear();
        self.new.extend(snapshot.uids.get(from..).unwrap_or(&[]));
        self.advance(snapshot.at);
    }

    /// These messages are gone: expunged or moved by this session, or by another.
    /// `set` may hold UIDs that never were.
    pub fn vanish(&mut self, set: &UidSet) {
        if set.is_empty() {
            return;
        }
        self.gone.extend(set.select(&self.uids));
        // Came and went before it was told: never shown.
        if !self.new.is_empty() {
            self.new.retain(|u| !set.contains(*u));
        }
    }

    /// The client changed these flags and knows the result: they are not told again, unless somebody
    /// changes them later. `silent`: it was not sent the result (STORE `.SILENT`), so where somebody else's
    /// change waits to be told, that now tells the result.
    pub fn own_flags(&mut self, changed: &[Change], silent: bool) {
        for change in changed {
            if silent {
                if let Some(waiting) = self.changed.get_mut(&change.uid) {
                    *waiting = change.clone();
                }
            } else if !self.changed.is_empty() {
                self.changed.remove(&change.uid);
            }
        }
        self.remember_told(changed.iter().map(|c| (c.uid, c.modseq)));
    }

    /// The client was sent these flags, by a FETCH for instance.
    pub fn told_flags(&mut self, told: impl IntoIterator<Item = (Uid, ModSeq)>) {
        let changed = &mut self.changed;
        let mut beyond = Vec::new();
        for (uid, at) in told {
            if changed.get(&uid).is_some_and(|c| c.modseq <= at) {
                changed.remove(&uid);
            }
            if at > self.cursor {
                beyond.push((uid, at));
            }
        }
        self.remember_told(beyond);
    }

    fn remember_told(&mut self, told: impl IntoIterator<Item = (Uid, ModSeq)>) {
        let cursor = self.cursor;
        self.told.extend(told.into_iter().filter(|(_, at)| *at > cursor));
        // Two ascending runs: linear. Of one message the greatest modseq stays.
        self.told.sort_by_key(|(uid, at)| (*uid, std::cmp::Reverse(*at)));
        self.told.dedup_by_key(|(uid, _)| *uid);
    }

    /// All messages from this UID on that are known by now are recent in this session (RFC 3501
    /// section 2.3.2). Call after absorbing.
    pub fn add_recent(&mut self, from: Uid) {
        let last = self.new.last().or_else(|| self.uids.last());
        if let Some(last) = last
            && *last >= from
        {
            self.recent = self.recent.union(&UidSet::from_ranges([(from.get(), last.get())]));
        }
    }

    /// Whether a message is recent in this session.
    #[must_use]
    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.contains(uid)
    }

    /// The messages that are recent in this session; may hold UIDs that are gone.
    #[must_use]
    pub const fn recent(&self) -> &UidSet {
        &self.recent
    }

    /// How many messages the client counts that are recent in this session; from now on the client
    /// knows this number.
    pub fn tell_recent(&mut self) -> u32 {
        let n = self.recent.select(&self.uids).count();
        self.recent_told = u32::try_from(n).unwrap_or(u32::MAX);
        self.recent_told
    }

    /// Whether new messages wait to be told.
    #[must_use]
    pub const fn has_new(&self) -> bool {
        !self.new.is_empty()
    }

    /// Whether there is anything to tell, if expunges may be.
    #[must_use]
    pub fn has_updates(&self) -> bool {
        !(self.new.is_empty() && self.gone.is_empty() && self.changed.is_empty())
    }

    /// What is to be sent now. From here on the client knows it.
    pub fn drain(&mut self, expunges: Expunges) -> Updates {
        let mut updates = Updates::default();
        if expunges == Expunges::Told && !self.gone.is_empty() {
            self.drain_expunges(&mut updates);
        }
        if let Some(last) = self.new.last() {
            self.told_upto = last.get();
            self.uids.append(&mut self.new);
            self.new.shrink_to(16);
            // The client's count: withheld expunges are still in it.
            updates.exists = Some(self.exists());
        }
        if updates.exists.is_some() || !updates.expunged.is_empty() {
            let before = self.recent_told;
            let now = self.tell_recent();
            updates.recent = (now != before).then_some(now);
        }
        let mut beyond = Vec::new();
        for (uid, change) in std::mem::take(&mut self.changed) {
            if self.gone.contains(&uid) {
                continue;
            }
            // Read past the cursor, where the history was lost: the next delta brings it again.
            if change.modseq > self.cursor {
                beyond.push((uid, change.modseq));
            }
            if let Some(seq) = self.seq_of(uid) {
                updates.flags.push((seq, change));
            }
        }
        if !beyond.is_empty() {
            self.remember_told(beyond);
        }
        if self.gone.is_empty() {
            self.settled = self.cursor;
        }
        updates
    }

    fn drain_expunges(&mut self, updates: &mut Updates) {
        let gone = std::mem::take(&mut self.gone);
        let mut expunged = Vec::with_capacity(gone.len());
        let mut next = gone.iter().peekable();
        let mut seq = 0_u32;
        // Both ascend: one pass for all of them.
        self.uids.retain(|uid| {
            seq += 1;
            if next.next_if(|g| *g == uid).is_some() {
                expunged.push(seq);
                false
            } else {
                true
            }
        });
        expunged.reverse();
        if !self.changed.is_empty() {
            self.changed.retain(|uid, _| !gone.contains(uid));
        }
        updates.expunged = expunged;
        updates.vanished = gone.into_iter().collect();
    }
}

#[cfg(test)]
mod tests;
