//! A mail store over maps with transactions, as GUIDE.md walks through it. `tests/guide.rs` runs the conformance suite on it.
#![allow(missing_docs, reason = "an example")]

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU32, atomic::Ordering},
};

use bytes::Bytes;
use mailstore_api::*;

// 1. What is stored: for each account its mailboxes, by id and by name; for each mailbox its messages.

type Folders = Hierarchy<Arc<Index<Bytes>>>;

#[derive(Clone, Default, Debug)]
pub struct KvStore {
    accounts: Arc<Mutex<BTreeMap<String, Folders>>>,
    last: Arc<AtomicU32>,
    hub: LocalHub,
}

impl KvStore {
    pub fn create_account(&self, who: &str) -> Result<()> {
        let mut folders = Folders::new();
        folders.create(&MailboxName::inbox(), SpecialUse::NONE, || self.fresh())?;
        self.accounts().insert(who.to_owned(), folders);
        Ok(())
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<String, Folders>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty mailbox. The number is its UIDVALIDITY and, never given twice, its id.
    fn fresh(&self) -> Result<(MailboxId, Arc<Index<Bytes>>)> {
        let number = self.last.fetch_add(1, Ordering::Relaxed).checked_add(1).and_then(NonZeroU32::new);
        let number = number.ok_or_else(|| StoreError::from(ErrorKind::Limit))?;
        Ok((MailboxId(format!("f{number}")), Arc::new(Index::new(UidValidity(number)))))
    }
}

// 2. Transactions, and hints from what they changed.

#[derive(Clone, Debug)]
pub struct KvAccount {
    store: KvStore,
    who: String,
}

impl KvAccount {
    /// One transaction: everything that `run` did when it answers `Ok`, else nothing.
    fn run<T>(&self, run: impl FnOnce(&mut Folders) -> Result<T>) -> Result<T> {
        let (before, after, answer) = {
            let mut accounts = self.store.accounts();
            let now = accounts.get_mut(&self.who).ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
            let mut next = now.clone();
            let answer = run(&mut next)?;
            (std::mem::replace(now, next.clone()), next, answer)
        };
        // Hints go out when the change can be seen. To compare is slow, and forgets none.
        if before.list() != after.list() {
            self.store.hub.hierarchy(&self.who);
        }
        for (id, index) in before.iter() {
            if after.get(id, ErrorKind::Gone).is_ok_and(|now| now.modseq() == index.modseq()) {
                continue;
            }
            self.store.hub.notify(&self.who, id);
        }
        Ok(answer)
    }
}

fn index<'a>(folders: &'a mut Folders, id: &MailboxId, otherwise: ErrorKind) -> Result<&'a mut Index<Bytes>> {
    folders.get_mut(id, otherwise).map(Arc::make_mut)
}

fn copy(folders: &mut Folders, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
    let source = index(folders, from, ErrorKind::Gone)?.copies(uids);
    let (sources, copies): (Vec<Uid>, Vec<_>) = source.into_iter().unzip();
    let made = index(folders, to, ErrorKind::NotFound)?.insert(copies)?;
    let source_at = index(folders, from, ErrorKind::Gone)?.modseq();
    let pairs = sources.into_iter().zip(made.uids).collect();
    Ok(CopyOutcome { dest_validity: made.uid_validity, pairs, source_at })
}

// 3. The traits: each call is one transaction. What it does to names the hierarchy knows, what it does to one mailbox the index.

impl MailStore for KvStore {
    type Account = KvAccount;
    type Delivery = BufferedDelivery<Self>;

    async fn open_account(&self, who: &str) -> Result<KvAccount> {
        let account = KvAccount { store: self.clone(), who: who.to_owned() };
        account.run(|_| Ok(account.clone()))
    }
    async fn deliver(&self, spec: AppendSpec) -> Result<BufferedDelivery<Self>> {
        Ok(BufferedDelivery::new(self.clone(), spec, None))
    }
}

impl Account for KvAccount {
    type Mailbox = KvMailbox;
    type Watch = LocalWatch;
    type Staged = Buffered;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        self.run(|folders| Ok(folders.list()))
    }
    async fn create(&self, name: &MailboxName, uses: SpecialUse) -> Result<MailboxId> {
        self.run(|folders| folders.create(name, uses, || self.store.fresh()))
    }
    async fn delete(&self, id: &MailboxId) -> Result<()> {
        self.run(|folders| folders.delete(id).map(|_| ()))
    }
    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        self.run(|folders| folders.rename(id, to, || self.store.fresh()))
    }
    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        self.run(|folders| Ok(_ = folders.subscribe(name, on)))
    }
    async fn status(&self, ids: &[MailboxId], _: StatusItems) -> Result<Vec<Status>> {
        let status = |folders: &Folders, id| Some(folders.get(id, ErrorKind::Gone).ok()?.status(id));
        self.run(|folders| Ok(ids.iter().filter_map(|id| status(folders, id)).collect()))
    }
    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, KvMailbox)> {
        let snapshot = self.run(|folders| Ok(folders.get(id, ErrorKind::NotFound)?.snapshot(mode)))?;
        Ok((snapshot, KvMailbox { account: self.clone(), id: id.clone(), mode }))
    }
    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<Buffered> {
        self.run(|folders| folders.get(id, ErrorKind::NotFound).map(|_| Buffered::new(spec, None)))
    }
    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<Buffered>,
        old: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        self.run(|folders| {
            let new = staged.into_iter().map(Buffered::into_row).collect::<Result<_>>()?;
            let mut outcome = index(folders, id, ErrorKind::NotFound)?.insert(new)?;
            if let Some(Replaces { mailbox, uid }) = old {
                let gone = index(folders, &mailbox, ErrorKind::Gone)?.expunge(&uid.into(), false);
                if gone.vanished.is_empty() {
                    return Err(ErrorKind::Gone.into()); // and what was inserted never was
                }
                outcome.at = if mailbox == *id { gone.at } else { outcome.at };
            }
            Ok(outcome)
        })
    }
    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.run(|folders| copy(folders, from, uids, to))
    }
    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.run(|folders| {
            let outcome = copy(folders, from, uids, to)?;
            let moved = outcome.pairs.iter().map(|(source, _)| *source).collect();
            let source_at = index(folders, from, ErrorKind::Gone)?.expunge(&moved, false).at;
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
    fn read<T>(&self, read: impl FnOnce(&Index<Bytes>) -> Result<T>) -> Result<T> {
        self.account.run(|folders| read(folders.get(&self.id, ErrorKind::Gone)?))
    }
    fn write<T>(&self, write: impl FnOnce(&mut Index<Bytes>) -> Result<T>) -> Result<T> {
        if self.mode == OpenMode::Examine {
            return Err(ErrorKind::NoPerm.into());
        }
        self.account.run(|folders| write(index(folders, &self.id, ErrorKind::Gone)?))
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

/// Keeps one message, as a session does.
fn main() -> Result<()> {
    let store = KvStore::default();
    store.create_account("anna")?;
    conformance::block_on(async {
        let anna = store.open_account("anna").await?;
        let inbox = anna.find(&MailboxName::inbox()).await?.and_then(|m| m.id).ok_or(ErrorKind::NotFound)?;
        let mut staged = anna.stage(&inbox, AppendSpec::default()).await?;
        staged.write(b"Subject: hello\r\n\r\nworld\r\n").await?;
        staged.finish().await?;
        println!("stored as {:?}", anna.commit(&inbox, vec![staged], None).await?.uids);
        Ok(())
    })
}
