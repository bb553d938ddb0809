//! A mail store over key-value maps with transactions, as GUIDE.md walks through it. `tests/guide.rs` runs the
//! conformance suite on it.
#![allow(missing_docs, reason = "an example")]

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use mailstore_api::{
    Account, AppendOutcome, AppendSpec, Body, Change, Changes, CopyOutcome, Delivery, ErrorKind,
    ExpungeOutcome, FlagOp, FlagOutcome, Flags, HeaderScan, Interest, InternalDate, LocalHub, LocalWatch,
    MailStore, Mailbox, MailboxId, MailboxInfo, MailboxName, Meta, MetaBatch, MetaItems, ModSeq, OpenMode,
    Part, Recipient, Replaces, Result, Rights, Snapshot, SpecialUse, Staged, Status, StatusItems, StoreError,
    SystemFlags, Uid, UidSet, UidValidity,
};

// 1. What is stored.

/// The database: maps from keys to values, and a number that only grows.
#[derive(Clone, Default, Debug)]
struct Maps {
    last: u32,
    /// Accounts, with the names they subscribe to.
    accounts: BTreeMap<String, BTreeSet<MailboxName>>,
    /// Mailboxes by account and id.
    folders: BTreeMap<(String, MailboxId), Arc<Folder>>,
}

#[derive(Clone, Debug)]
struct Folder {
    name: MailboxName,
    uses: SpecialUse,
    validity: UidValidity,
    uid_next: u32,
    modseq: ModSeq,
    recent_from: u32,
    messages: BTreeMap<Uid, Message>,
    gone: Vec<(ModSeq, UidSet)>,
}

#[derive(Clone, Debug)]
struct Message {
    modseq: ModSeq,
    flags: Flags,
    date: InternalDate,
    octets: Bytes,
}

impl Message {
    fn new(spec: &AppendSpec, octets: Bytes) -> Self {
        let date = spec.internal_date.unwrap_or_else(InternalDate::now);
        Self { modseq: ModSeq(0), flags: spec.flags.clone(), date, octets }
    }
    fn is(&self, flag: SystemFlags) -> bool {
        self.flags.system.contains(flag)
    }
}

// 2. Transactions, and hints from what they changed.

#[derive(Clone, Default, Debug)]
pub struct KvStore {
    maps: Arc<Mutex<Maps>>,
    hub: LocalHub,
}

#[derive(Clone, Debug)]
pub struct KvAccount {
    store: KvStore,
    who: String,
}

impl KvStore {
    pub fn create_account(&self, who: &str) -> Result<()> {
        let mut maps = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        maps.accounts.insert(who.to_owned(), BTreeSet::new());
        maps.create(who, &MailboxName::inbox(), SpecialUse::NONE).map(|_| ())
    }
}

impl KvAccount {
    /// One transaction: everything that `run` did when it answers `Ok`, else nothing.
    fn run<T>(&self, run: impl FnOnce(&mut Maps, &str) -> Result<T>) -> Result<T> {
        let (before, after, answer) = {
            let mut maps = self.store.maps.lock().unwrap_or_else(PoisonError::into_inner);
            maps.accounts.get(&self.who).ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
            let mut next = maps.clone();
            let answer = run(&mut next, &self.who)?;
            (std::mem::replace(&mut *maps, next.clone()), next, answer)
        };
        // Hints go out when the change can be seen. To compare is slow, and forgets none.
        let list = |maps: &Maps| -> Vec<_> {
            maps.of(&self.who).map(|(id, f)| (id.clone(), f.name.clone(), f.uses)).collect()
        };
        if list(&before) != list(&after) || before.accounts != after.accounts {
            self.store.hub.hierarchy(&self.who);
        }
        for ((who, id), folder) in &before.folders {
            let now = after.folders.get(&(who.clone(), id.clone()));
            if now.is_none_or(|now| now.modseq != folder.modseq) {
                self.store.hub.notify(who, id);
            }
        }
        Ok(answer)
    }
}

// 3. What a mail store does, on the maps.

impl Maps {
    fn of<'a>(&'a self, who: &'a str) -> impl Iterator<Item = (&'a MailboxId, &'a Folder)> {
        self.folders.iter().filter(move |((w, _), _)| w == who).map(|((_, id), folder)| (id, &**folder))
    }

    fn folder(&mut self, who: &str, id: &MailboxId, otherwise: ErrorKind) -> Result<&mut Folder> {
        let folder = self.folders.get_mut(&(who.to_owned(), id.clone()));
        folder.map(Arc::make_mut).ok_or_else(|| otherwise.into())
    }

    fn taken(&self, who: &str, name: &MailboxName) -> bool {
        self.of(who).any(|(_, f)| f.name == *name)
    }

    /// Makes a mailbox. The number is its UIDVALIDITY and, never given twice, its id.
    fn create(&mut self, who: &str, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        self.last = self.last.checked_add(1).ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
        let id = MailboxId(format!("f{}", self.last));
        let folder = Folder {
            name: name.clone(),
            uses,
            validity: UidValidity(NonZeroU32::new(self.last).unwrap_or(NonZeroU32::MIN)),
            uid_next: 1,
            modseq: ModSeq(1),
            recent_from: 1,
            messages: BTreeMap::new(),
            gone: Vec::new(),
        };
        self.folders.insert((who.to_owned(), id.clone()), Arc::new(folder));
        Ok(id)
    }

    fn create_parents(&mut self, who: &str, name: &MailboxName) -> Result<()> {
        for parent in std::iter::successors(name.parent(), MailboxName::parent) {
            if !self.taken(who, &parent) {
                self.create(who, &parent, SpecialUse::NONE)?;
            }
        }
        Ok(())
    }

    fn copy(&mut self, who: &str, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        let source = self.folder(who, from, ErrorKind::Gone)?;
        let sources = source.select(uids);
        let copies = sources.iter().filter_map(|uid| source.messages.get(uid)).cloned().collect();
        let made = self.folder(who, to, ErrorKind::NotFound)?.insert(copies)?;
        let source_at = self.folder(who, from, ErrorKind::Gone)?.modseq;
        let pairs = sources.into_iter().zip(made.uids).collect();
        Ok(CopyOutcome { dest_validity: made.uid_validity, pairs, source_at })
    }
}

impl Folder {
    /// The messages of a set that are there: by ranges, since a set may be `1:4294967295`.
    fn select(&self, uids: &UidSet) -> Vec<Uid> {
        let ranges = uids.ranges().iter().filter_map(|(a, b)| Some(Uid::new(*a)?..=Uid::new(*b)?));
        ranges.flat_map(|range| self.messages.range(range).map(|(uid, _)| *uid)).collect()
    }

    /// Adds messages: consecutive UIDs, one modseq.
    fn insert(&mut self, messages: Vec<Message>) -> Result<AppendOutcome> {
        let mut uids = Vec::new();
        self.modseq.0 += u64::from(!messages.is_empty());
        for message in messages {
            let uid = Uid::new(self.uid_next).ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
            self.uid_next = self.uid_next.checked_add(1).ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
            self.messages.insert(uid, Message { modseq: self.modseq, ..message });
            uids.push(uid);
        }
        Ok(AppendOutcome { uid_validity: self.validity, uids, at: self.modseq })
    }

    fn expunge(&mut self, uids: &UidSet, only_deleted: bool) -> ExpungeOutcome {
        let goes = |m: &Message| !only_deleted || m.is(SystemFlags::DELETED);
        let chosen = self.select(uids).into_iter().filter(|uid| self.messages.get(uid).is_some_and(goes));
        let vanished: UidSet = chosen.collect();
        if !vanished.is_empty() {
            self.modseq.0 += 1;
            self.gone.push((self.modseq, vanished.clone()));
            self.messages.retain(|uid, _| !vanished.contains(*uid));
        }
        ExpungeOutcome { vanished, at: self.modseq }
    }

    fn vanished(&self, after: ModSeq) -> UidSet {
        let later = self.gone.iter().filter(|(at, _)| *at > after);
        UidSet::from_ranges(later.flat_map(|(_, set)| set.ranges()).copied())
    }

    fn snapshot(&self, mode: OpenMode) -> Snapshot {
        let mut used = Flags::default();
        self.messages.values().for_each(|m| _ = used.add(&m.flags));
        Snapshot {
            uid_validity: self.validity,
            uid_next: self.uid_next,
            at: self.modseq,
            uids: self.messages.keys().copied().collect(),
            first_unseen: self.messages.iter().find(|(_, m)| !m.is(SystemFlags::SEEN)).map(|(uid, _)| *uid),
            keywords: used.keywords,
            new_keywords_ok: true,
            read_only: mode == OpenMode::Examine,
            modseq_persistent: true,
        }
    }
}

// 4. The traits: each call is one transaction.

impl MailStore for KvStore {
    type Account = KvAccount;
    type Delivery = KvDelivery;

    async fn open_account(&self, who: &str) -> Result<KvAccount> {
        let account = KvAccount { store: self.clone(), who: who.to_owned() };
        account.run(|_, _| Ok(()))?;
        Ok(account)
    }
    async fn deliver(&self, spec: AppendSpec) -> Result<KvDelivery> {
        Ok(KvDelivery { store: self.clone(), spec, octets: Vec::new() })
    }
}

impl Account for KvAccount {
    type Mailbox = KvMailbox;
    type Watch = LocalWatch;
    type Staged = KvStaged;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.run(|maps, who| {
            let subscribed = maps.accounts.get(who).cloned().unwrap_or_default();
            let mut all: BTreeMap<MailboxName, Option<(MailboxId, SpecialUse)>> = BTreeMap::new();
            all.extend(subscribed.iter().map(|name| (name.clone(), None)));
            for (_, f) in maps.of(who) {
                all.extend(std::iter::successors(f.name.parent(), MailboxName::parent).map(|p| (p, None)));
            }
            all.extend(maps.of(who).map(|(id, f)| (f.name.clone(), Some((id.clone(), f.uses)))));
            let info = |(name, real): (MailboxName, Option<(MailboxId, SpecialUse)>)| MailboxInfo {
                selectable: real.is_some(),
                subscribed: subscribed.contains(&name),
                special_use: real.as_ref().map_or(SpecialUse::NONE, |(_, uses)| *uses),
                id: real.map(|(id, _)| id),
                rights: Rights::OWNER,
                name,
            };
            Ok(all.into_iter().map(info).collect())
        })
    }

    async fn create(&self, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        self.run(|maps, who| {
            if maps.taken(who, name) {
                return Err(ErrorKind::Exists.into());
            }
            maps.create_parents(who, name)?;
            maps.create(who, name, uses)
        })
    }

    async fn delete(&self, id: &MailboxId) -> Result<()> {
        self.run(|maps, who| {
            if maps.folder(who, id, ErrorKind::NotFound)?.name.is_inbox() {
                return Err(ErrorKind::Cannot.into());
            }
            maps.folders.remove(&(who.to_owned(), id.clone()));
            Ok(())
        })
    }

    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        self.run(|maps, who| {
            let from = maps.folder(who, id, ErrorKind::NotFound)?.name.clone();
            if from.is_inbox() || to.is_below(&from) {
                return Err(ErrorKind::Cannot.into());
            }
            let moved = |(id, f): (&MailboxId, &Folder)| Some((id.clone(), f.name.moved(&from, to)?));
            let moved: Vec<_> = maps.of(who).filter_map(moved).collect();
            if maps.taken(who, to) || moved.iter().any(|(_, name)| maps.taken(who, name)) {
                return Err(ErrorKind::Exists.into());
            }
            maps.create_parents(who, to)?;
            for (id, name) in moved {
                maps.folder(who, &id, ErrorKind::Internal)?.name = name;
            }
            Ok(())
        })
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.run(|maps, who| {
            let names = maps.accounts.entry(who.to_owned()).or_default();
            _ = if on { names.insert(name.clone()) } else { names.remove(name) };
            Ok(())
        })
    }

    async fn status(&self, ids: &[MailboxId], _: StatusItems) -> Result<Vec<Status>> {
        self.run(|maps, who| {
            let status = |id: &MailboxId| {
                let f = maps.folder(who, id, ErrorKind::NotFound).ok()?;
                let count = |test: &dyn Fn(&Uid, &Message) -> bool| {
                    f.messages.iter().filter(|(uid, m)| test(uid, m)).map(|_| 1).sum()
                };
                Some(Status {
                    id: id.clone(),
                    messages: count(&|_, _| true),
                    unseen: count(&|_, m| !m.is(SystemFlags::SEEN)),
                    deleted: count(&|_, m| m.is(SystemFlags::DELETED)),
                    recent: count(&|uid, _| uid.get() >= f.recent_from),
                    size: f.messages.values().map(|m| m.octets.len() as u64).sum(),
                    uid_next: f.uid_next,
                    uid_validity: f.validity,
                    highest_modseq: f.modseq,
                })
            };
            Ok(ids.iter().filter_map(status).collect())
        })
    }

    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, KvMailbox)> {
        let mailbox = KvMailbox { account: self.clone(), id: id.clone(), mode };
        let snapshot = self.run(|maps, who| Ok(maps.folder(who, id, ErrorKind::NotFound)?.snapshot(mode)))?;
        Ok((snapshot, mailbox))
    }

    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<KvStaged> {
        self.run(|maps, who| maps.folder(who, id, ErrorKind::NotFound).map(|_| ()))?;
        Ok(KvStaged { spec, octets: Vec::new() })
    }

    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<KvStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.run(|maps, who| {
            let new = staged.into_iter().map(|s| Message::new(&s.spec, s.octets.into())).collect();
            let mut outcome = maps.folder(who, id, ErrorKind::NotFound)?.insert(new)?;
            if let Some(Replaces { mailbox, uid }) = replaces {
                let gone = maps.folder(who, &mailbox, ErrorKind::Gone)?.expunge(&uid.into(), false);
                if gone.vanished.is_empty() {
                    return Err(ErrorKind::Gone.into()); // and what was inserted never was
                }
                outcome.at = if mailbox == *id { gone.at } else { outcome.at };
            }
            Ok(outcome)
        })
    }

    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.run(|maps, who| maps.copy(who, from, uids, to))
    }

    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.run(|maps, who| {
            let outcome = maps.copy(who, from, uids, to)?;
            let moved = outcome.pairs.iter().map(|(source, _)| *source).collect();
            let source_at = maps.folder(who, from, ErrorKind::Gone)?.expunge(&moved, false).at;
            Ok(CopyOutcome { source_at, ..outcome })
        })
    }

    async fn watch(&self, what: Interest) -> Result<LocalWatch> {
        Ok(self.store.hub.watch(&self.who, what))
    }
}

#[derive(Clone, Debug)]
pub struct KvMailbox {
    account: KvAccount,
    id: MailboxId,
    mode: OpenMode,
}

impl KvMailbox {
    fn read<T>(&self, read: impl FnOnce(&mut Folder) -> Result<T>) -> Result<T> {
        self.account.run(|maps, who| read(maps.folder(who, &self.id, ErrorKind::Gone)?))
    }
    fn write<T>(&self, write: impl FnOnce(&mut Folder) -> Result<T>) -> Result<T> {
        if self.mode == OpenMode::Examine { Err(ErrorKind::NoPerm.into()) } else { self.read(write) }
    }
}

impl Mailbox for KvMailbox {
    type Body = KvBody;

    async fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        self.read(|f| {
            let mut later: Vec<_> = f.messages.iter().filter(|(_, m)| m.modseq > after).collect();
            later.sort_by_key(|(_, m)| m.modseq);
            // A cursor cannot stand inside one modseq, so a batch ends between two.
            let last = later.get(limit.max(1) - 1).map_or(f.modseq, |(_, m)| m.modseq);
            let more = later.last().is_some_and(|(_, m)| m.modseq > last);
            later.retain(|(_, m)| m.modseq <= last);
            later.sort_by_key(|(uid, _)| **uid);
            let change =
                |(uid, m): (&Uid, &Message)| Change { uid: *uid, modseq: m.modseq, flags: m.flags.clone() };
            Ok(Changes {
                changed: later.into_iter().map(change).collect(),
                vanished: f.vanished(after), // those after `last` too: they are gone, and it may be said early
                uid_next: f.uid_next,
                upto: if more { last } else { f.modseq },
                more,
            })
        })
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        self.read(|f| Ok(f.snapshot(self.mode)))
    }

    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.read(|f| Ok(f.vanished(since).intersection(known)))
    }

    async fn meta(
        &self,
        uids: &UidSet,
        _: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        self.read(|f| {
            let chosen = f.select(uids).into_iter().filter_map(|uid| Some((uid, f.messages.get(&uid)?)));
            let mut chosen = chosen.filter(|(_, m)| changed_since.is_none_or(|since| m.modseq > since));
            let item = |(uid, m): (Uid, &Message)| Meta {
                uid,
                modseq: m.modseq,
                flags: m.flags.clone(),
                internal_date: m.date,
                size: m.octets.len() as u64,
                ends_with_crlf: m.octets.ends_with(b"\r\n"),
                more: None,
            };
            let items: Vec<Meta> = chosen.by_ref().take(limit.max(1)).map(item).collect();
            let resume_after = chosen.next().and_then(|_| items.last()).map(|m| m.uid);
            Ok(MetaBatch { items, resume_after })
        })
    }

    async fn body(&self, uid: Uid, part: Part) -> Result<KvBody> {
        let octets = self.read(|f| Ok(f.messages.get(&uid).map(|m| m.octets.clone())))?;
        let mut octets = octets.ok_or_else(|| StoreError::from(ErrorKind::Gone))?;
        match part {
            Part::Header => octets.truncate(HeaderScan::split(&octets)),
            Part::Text => octets = octets.split_off(HeaderScan::split(&octets)),
            _ => {}
        }
        Ok(KvBody { octets })
    }

    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        self.write(|f| {
            let (mut outcome, next) = (FlagOutcome::default(), ModSeq(f.modseq.0 + 1));
            for uid in f.select(uids) {
                let Some(m) = f.messages.get_mut(&uid) else { continue };
                if unchanged_since.is_some_and(|since| m.modseq > since) {
                    outcome.conflicted.insert(uid);
                    continue;
                }
                let before = m.flags.clone();
                match op {
                    FlagOp::Add => _ = m.flags.add(flags),
                    FlagOp::Remove => _ = m.flags.remove(flags),
                    FlagOp::Replace => m.flags = flags.clone(),
                }
                if !m.flags.same_as(&before) {
                    (m.modseq, f.modseq) = (next, next);
                }
                outcome.changed.push(Change { uid, modseq: m.modseq, flags: m.flags.clone() });
            }
            outcome.at = f.modseq;
            Ok(outcome)
        })
    }

    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        let all = UidSet::all();
        self.write(|f| Ok(f.expunge(uids.unwrap_or(&all), only_deleted)))
    }
}

#[derive(Debug)]
pub struct KvBody {
    octets: Bytes,
}

impl Body for KvBody {
    fn len(&self) -> u64 {
        self.octets.len() as u64
    }
    async fn read_at(&mut self, offset: u64, max: usize) -> Result<Bytes> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.octets.len());
        Ok(self.octets.slice(from..from.saturating_add(max).min(self.octets.len())))
    }
}

#[derive(Debug)]
pub struct KvStaged {
    spec: AppendSpec,
    octets: Vec<u8>,
}

impl Staged for KvStaged {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.octets.extend_from_slice(chunk);
        Ok(())
    }
    async fn finish(&mut self) -> Result<u64> {
        Ok(self.octets.len() as u64)
    }
}

#[derive(Debug)]
pub struct KvDelivery {
    store: KvStore,
    spec: AppendSpec,
    octets: Vec<u8>,
}

impl Delivery for KvDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.octets.extend_from_slice(chunk);
        Ok(())
    }
    async fn commit(self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        let deliver = |r: &Recipient| {
            let account = KvAccount { store: self.store.clone(), who: r.account.clone() };
            let message = Message::new(&self.spec, [r.prefix.as_slice(), &self.octets].concat().into());
            account.run(|maps, who| {
                let id = maps.of(who).find(|(_, f)| f.name == r.mailbox).map(|(id, _)| id.clone());
                let id = id.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
                maps.folder(who, &id, ErrorKind::NotFound)?.insert(vec![message])
            })
        };
        to.iter().map(deliver).collect()
    }
}

fn main() -> Result<()> {
    let store = KvStore::default();
    store.create_account("anna")?;
    mailstore_api::conformance::block_on(async {
        let anna = store.open_account("anna").await?;
        let inbox = anna.find(&MailboxName::inbox()).await?.and_then(|m| m.id).ok_or(ErrorKind::NotFound)?;
        let mut staged = anna.stage(&inbox, AppendSpec::default()).await?;
        staged.write(b"Subject: hello\r\n\r\nworld\r\n").await?;
        staged.finish().await?;
        let outcome = anna.commit(&inbox, vec![staged], None).await?;
        println!("stored as {:?}", outcome.uids);
        Ok(())
    })
}
