use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use crate::{
    AppendOutcome, AppendSpec, Change, Changes, Derived, ErrorKind, ExpungeOutcome, FlagOp, FlagOutcome,
    Flags, InternalDate, MailboxId, Meta, MetaBatch, MetaItems, ModSeq, OpenMode, Result, Snapshot, Status,
    StoreError, SystemFlags, Uid, UidSet, UidValidity,
};

/// All that the contract says of one mailbox's messages, for a store that keeps them at hand: UIDs, modseqs, flags, and
/// what was expunged when. Each method is the call of [`Mailbox`](crate::Mailbox) or [`Account`](crate::Account) of its name, as plain
/// synchronous code under a lock of the store's. `B` is what the store finds a message's octets by: the octets, a file, a key.
///
/// [`MemoryStore`](crate::MemoryStore) is made of them, and so is the [guide](crate::guide)'s example. A store that outlives its process
/// writes what [`changes`](Self::changes) says after each call that moved [`modseq`](Self::modseq), and makes the index again
/// by [`restored`](Self::restored).
///
/// ```
/// use bytes::Bytes;
/// use mailstore_api::{AppendSpec, FlagOp, Flags, Index, IndexRow, ModSeq, SystemFlags, UidSet, UidValidity};
///
/// let mut inbox = Index::new(UidValidity(std::num::NonZeroU32::MIN));
/// let new = IndexRow::new(AppendSpec::default(), Bytes::from_static(b"Subject: hello\r\n\r\n"));
/// let at = inbox.insert(vec![new])?.at;
/// inbox.set_flags(&UidSet::all(), FlagOp::Add, &Flags::system(SystemFlags::SEEN), None)?;
/// let cut = inbox.changes(at, 100)?;
/// assert_eq!((cut.changed.len(), cut.upto), (1, ModSeq(3)));
/// # Ok::<(), mailstore_api::StoreError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Index<B> {
    limits: IndexLimits,
    pub(crate) validity: UidValidity,
    /// That of the last change. It begins at 1: HIGHESTMODSEQ is never 0 (RFC 7162 section 7).
    pub(crate) modseq: ModSeq,
    pub(crate) uid_next: u32,
    pub(crate) messages: BTreeMap<Uid, Message<B>>,
    /// The same messages by their last change: what makes `changes` cost what changed.
    pub(crate) by_modseq: BTreeSet<(ModSeq, Uid)>,
    /// What was expunged, by modseq, ascending.
    pub(crate) tombstones: VecDeque<(ModSeq, UidSet)>,
    /// The modseq of the youngest tombstone that was forgotten: before it, history is lost.
    floor: ModSeq,
    /// From here on nobody was told of the messages.
    recent_from: u32,
    /// Keywords as they were first written.
    keywords: Vec<String>,
}

/// What an [`Index`] keeps at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexLimits {
    /// Expunges remembered; a cursor before them answers [`ErrorKind::HistoryLost`].
    pub history: usize,
    /// Different keywords.
    pub keywords: usize,
}

impl Default for IndexLimits {
    fn default() -> Self {
        Self { history: 10_000, keywords: 1_000 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Message<B> {
    pub(crate) modseq: ModSeq,
    saved: InternalDate,
    new: IndexRow<B>,
}

/// A message of an [`Index`], or one on its way into it.
#[derive(Clone, Debug)]
pub struct IndexRow<B> {
    /// Its flags.
    pub flags: Flags,
    /// When it arrived.
    pub internal_date: InternalDate,
    /// Its octets.
    pub size: u64,
    /// Whether they end with CRLF.
    pub ends_with_crlf: bool,
    /// What is known of it besides.
    pub derived: Derived,
    /// What its octets are found by.
    pub body: B,
}

impl IndexRow<Bytes> {
    /// A message that is its octets.
    #[must_use]
    pub fn new(spec: AppendSpec, octets: Bytes) -> Self {
        Self {
            flags: spec.flags,
            internal_date: spec.internal_date.unwrap_or_else(InternalDate::now),
            size: octets.len() as u64,
            ends_with_crlf: octets.ends_with(b"\r\n"),
            derived: Derived::default(),
            body: octets,
        }
    }
}

impl<B: Clone> Index<B> {
    /// That of a new mailbox. The validity is greater than that of any mailbox of its name before.
    #[must_use]
    pub fn new(validity: UidValidity) -> Self {
        Self::with_limits(validity, IndexLimits::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(validity: UidValidity, limits: IndexLimits) -> Self {
        Self {
            limits,
            validity,
            modseq: ModSeq(1),
            uid_next: 1,
            messages: BTreeMap::new(),
            by_modseq: BTreeSet::new(),
            tombstones: VecDeque::new(),
            floor: ModSeq(0),
            recent_from: 1,
            keywords: Vec::new(),
        }
    }

    /// As it was: the next UID and the highest modseq, the messages with UID and modseq, and the expunges that are remembered,
    /// by modseq, ascending. `forgotten` is the modseq of the youngest that is not (0: none).
    #[must_use]
    pub fn restored(
        self,
        uid_next: u32,
        modseq: ModSeq,
        rows: impl IntoIterator<Item = (Uid, ModSeq, IndexRow<B>)>,
        expunged: impl IntoIterator<Item = (ModSeq, UidSet)>,
        forgotten: ModSeq,
    ) -> Self {
        let mut all = Self {
            uid_next,
            modseq,
            floor: forgotten,
            recent_from: uid_next,
            tombstones: expunged.into_iter().collect(),
            ..self
        };
        for (uid, modseq, mut new) in rows {
            new.flags = all.in_own_case(&new.flags);
            let saved = new.derived.save_date.unwrap_or(new.internal_date);
            all.by_modseq.insert((modseq, uid));
            all.messages.insert(uid, Message { modseq, saved, new });
        }
        all
    }

    /// The mailbox's incarnation.
    #[must_use]
    pub const fn uid_validity(&self) -> UidValidity {
        self.validity
    }

    /// That of the last change.
    #[must_use]
    pub const fn modseq(&self) -> ModSeq {
        self.modseq
    }

    /// The message's row.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<&IndexRow<B>> {
        self.messages.get(&uid).map(|m| &m.new)
    }

    /// Messages and their octets.
    pub(crate) fn totals(&self) -> (u64, u64) {
        (self.messages.len() as u64, self.octets_in_all())
    }

    fn octets_in_all(&self) -> u64 {
        self.messages.values().map(|m| m.new.size).sum()
    }

    fn next_modseq(&mut self) -> ModSeq {
        self.modseq = ModSeq(self.modseq.0 + 1);
        self.modseq
    }

    /// The messages of a set, ascending: by ranges, never by the numbers in them.
    fn select<'a>(&'a self, uids: &'a UidSet) -> impl Iterator<Item = (Uid, &'a Message<B>)> + 'a {
        (uids.ranges().iter())
            .filter_map(|(a, b)| Some((Uid::new(*a)?, Uid::new(*b)?)))
            .flat_map(|(a, b)| self.messages.range(a..=b).map(|(uid, m)| (*uid, m)))
    }

    /// The figures of the mailbox, which is called so.
    #[must_use]
    pub fn status(&self, id: &MailboxId) -> Status {
        let count = |test: &dyn Fn(&Uid, &Message<B>) -> bool| {
            u32::try_from(self.messages.iter().filter(|(u, m)| test(u, m)).count()).unwrap_or(u32::MAX)
        };
        Status {
            id: id.clone(),
            messages: count(&|_, _| true),
            unseen: count(&|_, m| !m.new.flags.system.contains(SystemFlags::SEEN)),
            deleted: count(&|_, m| m.new.flags.system.contains(SystemFlags::DELETED)),
            recent: count(&|uid, _| uid.get() >= self.recent_from),
            size: self.octets_in_all(),
            uid_next: self.uid_next,
            uid_validity: self.validity,
            highest_modseq: self.modseq,
        }
    }

    /// [`Mailbox::snapshot`](crate::Mailbox::snapshot).
    #[must_use]
    pub fn snapshot(&self, mode: OpenMode) -> Snapshot {
        let unseen = |m: &Message<B>| !m.new.flags.system.contains(SystemFlags::SEEN);
        Snapshot {
            uid_validity: self.validity,
            uid_next: self.uid_next,
            at: self.modseq,
            uids: self.messages.keys().copied().collect(),
            first_unseen: self.messages.iter().find(|(_, m)| unseen(m)).map(|(uid, _)| *uid),
            keywords: self.keywords_in_use(),
            new_keywords_ok: true,
            read_only: mode == OpenMode::Examine,
            modseq_persistent: true,
        }
    }

    fn keywords_in_use(&self) -> Vec<String> {
        let used: BTreeSet<&str> =
            self.messages.values().flat_map(|m| &m.new.flags.keywords).map(String::as_str).collect();
        used.into_iter().map(str::to_owned).collect()
    }

    /// [`Mailbox::changes`](crate::Mailbox::changes).
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`].
    pub fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        if after < self.floor {
            return Err(ErrorKind::HistoryLost.into());
        }
        let mut cut = Changes { uid_next: self.uid_next, upto: self.modseq, ..Changes::default() };
        let first = (ModSeq(after.0.saturating_add(1)), Uid(std::num::NonZeroU32::MIN));
        for (modseq, uid) in self.by_modseq.range(first..) {
            // A cursor cannot stand inside one modseq, so the cut is made between two.
            if let Some(last) = cut.changed.last()
                && cut.changed.len() >= limit
                && last.modseq != *modseq
            {
                (cut.more, cut.upto) = (true, last.modseq);
                break;
            }
            if let Some(m) = self.messages.get(uid) {
                cut.changed.push(Change { uid: *uid, modseq: *modseq, flags: m.new.flags.clone() });
            }
        }
        cut.changed.sort_unstable_by_key(|c| c.uid);
        cut.vanished = self.vanished(after, cut.upto);
        Ok(cut)
    }

    /// Expunged after one modseq and not after the other.
    fn vanished(&self, after: ModSeq, upto: ModSeq) -> UidSet {
        let from = self.tombstones.partition_point(|(at, _)| *at <= after);
        let sets = self.tombstones.range(from..).take_while(|(at, _)| *at <= upto);
        UidSet::from_ranges(sets.flat_map(|(_, set)| set.ranges()).copied())
    }

    /// [`Mailbox::vanished_since`](crate::Mailbox::vanished_since).
    ///
    /// # Errors
    /// [`ErrorKind::HistoryLost`].
    pub fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        if since < self.floor {
            return Err(ErrorKind::HistoryLost.into());
        }
        Ok(self.vanished(since, self.modseq).intersection(known))
    }

    /// [`Mailbox::meta`](crate::Mailbox::meta).
    #[must_use]
    pub fn meta(&self, uids: &UidSet, want: MetaItems, since: Option<ModSeq>, limit: usize) -> MetaBatch {
        let most = usize::try_from(uids.len()).unwrap_or(usize::MAX).min(self.messages.len()).min(limit);
        // Of messages changed since, there may be few.
        let room = if since.is_none() { most } else { 0 };
        let mut batch = MetaBatch { items: Vec::with_capacity(room), resume_after: None };
        let wanted = self.select(uids).filter(|(_, m)| since.is_none_or(|s| m.modseq > s));
        for (uid, m) in wanted {
            if batch.items.len() >= limit.max(1) {
                batch.resume_after = batch.items.last().map(|m| m.uid);
                break;
            }
            batch.items.push(Meta {
                uid,
                modseq: m.modseq,
                flags: m.new.flags.clone(),
                internal_date: m.new.internal_date,
                size: m.new.size,
                ends_with_crlf: m.new.ends_with_crlf,
                more: m.more(want),
            });
        }
        batch
    }

    /// [`Mailbox::remember`](crate::Mailbox::remember).
    pub fn remember(&mut self, uid: Uid, derived: Derived) {
        if let Some(m) = self.messages.get_mut(&uid) {
            let known = &mut m.new.derived;
            known.envelope = derived.envelope.or_else(|| known.envelope.take());
            known.body_structure = derived.body_structure.or_else(|| known.body_structure.take());
            known.preview = derived.preview.or_else(|| known.preview.take());
            known.thread_id = derived.thread_id.or_else(|| known.thread_id.take());
            known.pop3_uidl = derived.pop3_uidl.or_else(|| known.pop3_uidl.take());
        }
    }

    /// Whether the messages could be inserted: everything that can fail, before anything is done.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`].
    pub fn check_room(&mut self, messages: &[IndexRow<B>]) -> Result<()> {
        let room = u32::MAX - self.uid_next;
        if u32::try_from(messages.len()).map_or(true, |n| n >= room) {
            return Err(ErrorKind::Limit.into());
        }
        self.check_keywords(messages.iter().map(|m| &m.flags))
    }

    fn check_keywords<'a>(&mut self, flags: impl Iterator<Item = &'a Flags> + Clone) -> Result<()> {
        let most = self.limits.keywords;
        let room = |known: &[String]| {
            let mut all = Flags { keywords: known.to_vec(), ..Flags::default() };
            flags.clone().for_each(|f| _ = all.add(f));
            all.keywords.len() <= most
        };
        if !room(&self.keywords) {
            // Keywords nobody uses any more are forgotten when it gets tight.
            self.keywords = self.keywords_in_use();
            if !room(&self.keywords) {
                return Err(StoreError::new(ErrorKind::Limit, "too many keywords"));
            }
        }
        Ok(())
    }

    /// The same flags, with keywords as this mailbox first wrote them.
    fn in_own_case(&mut self, flags: &Flags) -> Flags {
        let mut own = Flags::system(flags.system);
        for keyword in &flags.keywords {
            let known = self.keywords.iter().find(|k| k.eq_ignore_ascii_case(keyword)).cloned();
            let known = known.unwrap_or_else(|| {
                self.keywords.push(keyword.clone());
                keyword.clone()
            });
            own.add(&Flags { keywords: vec![known], ..Flags::default() });
        }
        own
    }

    /// Gives the messages consecutive UIDs and one modseq: all or none.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`], as [`check_room`](Self::check_room) says it before.
    pub fn insert(&mut self, messages: Vec<IndexRow<B>>) -> Result<AppendOutcome> {
        self.check_room(&messages)?;
        let modseq = if messages.is_empty() { self.modseq } else { self.next_modseq() };
        let saved = InternalDate::now();
        let mut uids = Vec::with_capacity(messages.len());
        for mut new in messages {
            let Some(uid) = Uid::new(self.uid_next) else { break };
            self.uid_next += 1;
            new.flags = self.in_own_case(&new.flags);
            // A copy brings its own; validity and UID are unique in the store.
            new.derived.email_id.get_or_insert_with(|| format!("e{}-{uid}", self.validity.get()));
            self.messages.insert(uid, Message { modseq, saved, new });
            self.by_modseq.insert((modseq, uid));
            uids.push(uid);
        }
        Ok(AppendOutcome { uid_validity: self.validity, uids, at: modseq })
    }

    /// What copies of these messages are made of: for [`insert`](Self::insert) into another mailbox, or the same.
    #[must_use]
    pub fn copies(&self, uids: &UidSet) -> Vec<(Uid, IndexRow<B>)> {
        self.select(uids).map(|(uid, m)| (uid, m.new.clone())).collect()
    }

    /// [`Mailbox::set_flags`](crate::Mailbox::set_flags).
    ///
    /// # Errors
    /// [`ErrorKind::Limit`].
    pub fn set_flags(
        &mut self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        let flags = if op == FlagOp::Remove {
            flags.clone()
        } else {
            self.check_keywords(std::iter::once(flags))?;
            self.in_own_case(flags)
        };
        let mut outcome = FlagOutcome::default();
        let most = usize::try_from(uids.len()).unwrap_or(usize::MAX).min(self.messages.len());
        outcome.changed.reserve(most);
        // One modseq for all that this call changes, and none when nothing does.
        let next = ModSeq(self.modseq.0 + 1);
        let ranges = uids.ranges().iter().filter_map(|(a, b)| Some(Uid::new(*a)?..=Uid::new(*b)?));
        for range in ranges {
            for (&uid, m) in self.messages.range_mut(range) {
                if unchanged_since.is_some_and(|since| m.modseq > since) {
                    outcome.conflicted.insert(uid);
                    continue;
                }
                let changed = match op {
                    FlagOp::Add => m.new.flags.add(&flags),
                    FlagOp::Remove => m.new.flags.remove(&flags),
                    FlagOp::Replace if m.new.flags.same_as(&flags) => false,
                    FlagOp::Replace => {
                        m.new.flags = flags.clone();
                        true
                    }
                };
                if changed {
                    self.by_modseq.remove(&(m.modseq, uid));
                    self.by_modseq.insert((next, uid));
                    (m.modseq, self.modseq) = (next, next);
                }
                outcome.changed.push(Change { uid, modseq: m.modseq, flags: m.new.flags.clone() });
            }
        }
        outcome.at = self.modseq;
        Ok(outcome)
    }

    /// [`Mailbox::expunge`](crate::Mailbox::expunge).
    pub fn expunge(&mut self, uids: &UidSet, only_deleted: bool) -> ExpungeOutcome {
        let goes = |m: &Message<B>| !only_deleted || m.new.flags.system.contains(SystemFlags::DELETED);
        let vanished: UidSet = self.select(uids).filter(|(_, m)| goes(m)).map(|(uid, _)| uid).collect();
        if !vanished.is_empty() {
            let modseq = self.next_modseq();
            let gone: Vec<(Uid, ModSeq)> = self.select(&vanished).map(|(uid, m)| (uid, m.modseq)).collect();
            for (uid, old) in gone {
                self.messages.remove(&uid);
                self.by_modseq.remove(&(old, uid));
            }
            self.tombstones.push_back((modseq, vanished.clone()));
            while self.tombstones.len() > self.limits.history {
                if let Some((forgotten, _)) = self.tombstones.pop_front() {
                    self.floor = forgotten;
                }
            }
        }
        ExpungeOutcome { vanished, at: self.modseq }
    }

    /// Where the messages begin that nobody was told of; the mark moves if the caller may move it.
    pub fn claim_recent(&mut self, moves: bool) -> Option<Uid> {
        let first = Uid::new(self.recent_from)?;
        let any = self.messages.range(first..).next().is_some();
        if moves {
            self.recent_from = self.uid_next;
        }
        any.then_some(first)
    }
}

impl<B> Message<B> {
    fn more(&self, want: MetaItems) -> Option<Box<Derived>> {
        let (has, d) = (|item| want.contains(item), &self.new.derived);
        // What is not wanted is not copied first.
        let more = Derived {
            envelope: d.envelope.as_ref().filter(|_| has(MetaItems::ENVELOPE)).cloned(),
            body_structure: d.body_structure.as_ref().filter(|_| has(MetaItems::BODY_STRUCTURE)).cloned(),
            preview: d.preview.as_ref().filter(|_| has(MetaItems::PREVIEW)).cloned(),
            email_id: d.email_id.as_ref().filter(|_| has(MetaItems::OBJECT_IDS)).cloned(),
            thread_id: d.thread_id.as_ref().filter(|_| has(MetaItems::OBJECT_IDS)).cloned(),
            pop3_uidl: d.pop3_uidl.as_ref().filter(|_| has(MetaItems::POP3_UIDL)).cloned(),
            save_date: Some(self.saved).filter(|_| has(MetaItems::SAVE_DATE)),
        };
        (more != Derived::default()).then(|| Box::new(more))
    }
}
