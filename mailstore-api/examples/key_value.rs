//! A mail store over maps with transactions, as GUIDE.md walks through it. `tests/guide.rs` runs the conformance suite on it.
#![allow(missing_docs, reason = "an example")]

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use mailstore_api::{
    Account, AppendOutcome, AppendSpec, Buffered, BytesBody, Changes, CopyOutcome, Delivery, ErrorKind,
    ExpungeOutcome, FlagOp, FlagOutcome, Flags, Index, IndexRow, Interest, LocalHub, LocalWatch, MailStore,
    Mailbox, MailboxId, MailboxInfo, MailboxName, MetaBatch, MetaItems, ModSeq, OpenMode, Part, Recipient,
    Replaces, Result, Snapshot, SpecialUse, Staged, Status, StatusItems, StoreError, Uid, UidSet,
    UidValidity,
};

// 1. What is stored: maps from keys to values, and a number that only grows.

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
    index: Index<Bytes>,
}

impl Maps {
    fn of<'a>(&'a self, who: &'a str) -> impl Iterator<Item = (&'a MailboxId, &'a Folder)> {
        self.folders.iter().filter(move |((w, _), _)| w == who).map(|((_, id), folder)| (id, &**folder))
    }

    fn folder(&mut self, who: &str, id: &MailboxId, otherwise: ErrorKind) -> Result<&mut Folder> {
        let folder = self.folders.get_mut(&(who.to_owned(), id.clone()));
        folder.map(Arc::make_mut).ok_or_else(|| otherwise.into())
    }

    fn named(&self, who: &str, name: &MailboxName) -> Option<MailboxId> {
        self.of(who).find(|(_, f)| f.name == *name).map(|(id, _)| id.clone())
    }

    /// Makes a mailbox. The number is its UIDVALIDITY and, never given twice, its id.
    fn create(&mut self, who: &str, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        self.last += 1;
        let validity = NonZeroU32::new(self.last).ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
        let id = MailboxId(format!("f{validity}"));
        let folder = Folder { name: name.clone(), uses, index: Index::new(UidValidity(validity)) };
        self.folders.insert((who.to_owned(), id.clone()), Arc::new(folder));
        Ok(id)
    }

    fn create_parents(&mut self, who: &str, name: &MailboxName) -> Result<()> {
        for parent in name.parents() {
            if self.named(who, &parent).is_none() {
                self.create(who, &parent, SpecialUse::NONE)?;
            }
        }
        Ok(())
    }

    fn copy(&mut self, who: &str, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        let source = self.folder(who, from, ErrorKind::Gone)?.index.copies(uids);
        let (sources, copies): (Vec<Uid>, Vec<_>) = source.into_iter().unzip();
        let made = self.folder(who, to, ErrorKind::NotFound)?.index.insert(copies)?;
        let source_at = self.folder(who, from, ErrorKind::Gone)?.index.modseq();
        let pairs = sources.into_iter().zip(made.uids).collect();
        Ok(CopyOutcome { dest_validity: made.uid_validity, pairs, source_at })
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
        for (key @ (who, id), folder) in &before.folders {
            if after.folders.get(key).is_none_or(|now| now.index.modseq() != folder.index.modseq()) {
                self.store.hub.notify(who, id);
            }
        }
        Ok(answer)
    }
}

// 3. The traits: each call is one transaction, and what it does to one mailbox the index knows.

impl MailStore for KvStore {
    type Account = KvAccount;
    type Delivery = KvDelivery;

    async fn open_account(&self, who: &str) -> Result<KvAccount> {
        let account = KvAccount { store: self.clone(), who: who.to_owned() };
        account.run(|_, _| Ok(account.clone()))
    }
    async fn deliver(&self, spec: AppendSpec) -> Result<KvDelivery> {
        Ok(KvDelivery { store: self.clone(), spec, octets: Vec::new() })
    }
}

impl Account for KvAccount {
    type Mailbox = KvMailbox;
    type Watch = LocalWatch;
    type Staged = Buffered;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.run(|maps, who| {
            let own = maps.of(who).map(|(id, f)| MailboxInfo::owned(id.clone(), f.name.clone(), f.uses));
            let subscribed = maps.accounts.get(who).cloned().unwrap_or_default();
            Ok(MailboxInfo::complete(own.collect(), &subscribed))
        })
    }

    async fn create(&self, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        self.run(|maps, who| {
            if maps.named(who, name).is_some() {
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
            if moved.iter().any(|(_, name)| maps.named(who, name).is_some()) {
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
        let status =
            |maps: &mut Maps, id| Some(maps.folder(&self.who, id, ErrorKind::Gone).ok()?.index.status(id));
        self.run(|maps, _| Ok(ids.iter().filter_map(|id| status(maps, id)).collect()))
    }

    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, KvMailbox)> {
        let snapshot =
            self.run(|maps, who| Ok(maps.folder(who, id, ErrorKind::NotFound)?.index.snapshot(mode)))?;
        Ok((snapshot, KvMailbox { account: self.clone(), id: id.clone(), mode }))
    }

    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<Buffered> {
        self.run(|maps, who| maps.folder(who, id, ErrorKind::NotFound).map(|_| Buffered::new(spec, None)))
    }

    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<Buffered>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.run(|maps, who| {
            let new = staged.into_iter().map(Buffered::into_row).collect::<Result<_>>()?;
            let mut outcome = maps.folder(who, id, ErrorKind::NotFound)?.index.insert(new)?;
            if let Some(Replaces { mailbox, uid }) = replaces {
                let gone = maps.folder(who, &mailbox, ErrorKind::Gone)?.index.expunge(&uid.into(), false);
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
            let source_at = maps.folder(who, from, ErrorKind::Gone)?.index.expunge(&moved, false).at;
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
    fn read<T>(&self, read: impl FnOnce(&mut Index<Bytes>) -> Result<T>) -> Result<T> {
        self.account.run(|maps, who| read(&mut maps.folder(who, &self.id, ErrorKind::Gone)?.index))
    }
    fn write<T>(&self, write: impl FnOnce(&mut Index<Bytes>) -> Result<T>) -> Result<T> {
        if self.mode == OpenMode::Examine { Err(ErrorKind::NoPerm.into()) } else { self.read(write) }
    }
}

impl Mailbox for KvMailbox {
    type Body = BytesBody;

    async fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        self.read(|index| index.changes(after, limit))
    }
    async fn snapshot(&self) -> Result<Snapshot> {
        self.read(|index| Ok(index.snapshot(self.mode)))
    }
    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.read(|index| index.vanished_since(since, known))
    }
    async fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        self.read(|index| Ok(index.meta(uids, want, since, limit)))
    }
    async fn body(&self, uid: Uid, part: Part) -> Result<BytesBody> {
        let octets = self.read(|index| Ok(index.get(uid).map(|row| row.body.clone())))?;
        octets.map(|octets| BytesBody::new(octets, part)).ok_or_else(|| ErrorKind::Gone.into())
    }
    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        self.write(|index| index.set_flags(uids, op, flags, since))
    }
    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        let all = UidSet::all();
        self.write(|index| Ok(index.expunge(uids.unwrap_or(&all), only_deleted)))
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
            let octets = [r.prefix.as_slice(), &self.octets].concat();
            account.run(|maps, who| {
                let id = maps.named(who, &r.mailbox).ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
                let message = IndexRow::new(self.spec.clone(), octets.into());
                maps.folder(who, &id, ErrorKind::NotFound)?.index.insert(vec![message])
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
