use bytes::Bytes;

use super::{
    Changed, Data, MemoryAccount, MemoryStore,
    folder::{Folder, NewMessage},
    optional::usage_of,
    queue,
};
use crate::{
    AppendOutcome, AppendSpec, Buffered, BytesBody, Changes, Delivery, Derived, ErrorKind, ExpungeOutcome,
    FlagOp, FlagOutcome, Flags, Mailbox, MailboxId, MetaBatch, MetaItems, ModSeq, OpenMode, Part, QueueId,
    Recipient, Result, Snapshot, StoreError, Submission, Submitted, Uid, UidSet,
};

/// An open mailbox of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct MemoryMailbox {
    pub(super) account: MemoryAccount,
    pub(super) id: MailboxId,
    pub(super) mode: OpenMode,
}

impl MemoryMailbox {
    fn read<T>(&self, read: impl FnOnce(&mut Folder) -> Result<T>) -> Result<T> {
        self.account.step(|s| read(s.account()?.folder(&self.id, ErrorKind::Gone)?))
    }

    /// A change: refused through a handle that only examines, and told when it changed something.
    fn write<T>(&self, write: impl FnOnce(&mut Folder) -> Result<T>) -> Result<T> {
        if self.mode == OpenMode::Examine {
            return Err(StoreError::new(ErrorKind::NoPerm, "the mailbox is open for reading only"));
        }
        self.account.step(|s| {
            let folder = s.account()?.folder(&self.id, ErrorKind::Gone)?;
            let before = folder.modseq;
            let answer = write(folder)?;
            if folder.modseq != before {
                s.changed.mailboxes.push(self.id.clone());
            }
            Ok(answer)
        })
    }
}

impl Mailbox for MemoryMailbox {
    type Body = MemoryBody;

    async fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        self.read(|f| f.changes(after, limit))
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let persistent = self.account.store.shared.options.modseq_persistent;
        self.read(|f| Ok(f.snapshot(self.mode, persistent)))
    }

    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.read(|f| f.vanished_since(since, known))
    }

    async fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        self.read(|f| Ok(f.meta(uids, want, changed_since, limit)))
    }

    async fn body(&self, uid: Uid, part: Part) -> Result<MemoryBody> {
        let octets = self.read(|f| f.octets(uid).ok_or_else(|| ErrorKind::Gone.into()))?;
        // The octets are shared, so the lock is free while the header's end is looked for.
        Ok(BytesBody::new(octets, part))
    }

    async fn remember(&self, uid: Uid, derived: Derived) {
        // A store may forget, and this one does when message or mailbox are gone.
        let _ = self.read(|f| {
            f.remember(uid, derived);
            Ok(())
        });
    }

    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        self.write(|f| f.set_flags(uids, op, flags, unchanged_since))
    }

    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        let all = UidSet::all();
        self.write(|f| Ok(f.expunge(uids.unwrap_or(&all), only_deleted)))
    }

    async fn claim_recent(&self) -> Result<Option<Uid>> {
        self.read(|f| Ok(f.claim_recent(self.mode == OpenMode::Select)))
    }
}

/// An open message of a [`MemoryStore`].
pub type MemoryBody = BytesBody;

/// A message written to a [`MemoryStore`] and not committed.
pub type MemoryStaged = Buffered;

/// A message on its way into several accounts of a [`MemoryStore`].
#[derive(Debug)]
pub struct MemoryDelivery {
    store: MemoryStore,
    spec: AppendSpec,
    octets: Vec<u8>,
}

/// Octets there is room for from the start, where no length is declared; and the most that a declaration gets.
const ROOM: (usize, usize) = (16 * 1024, 256 * 1024);

impl MemoryDelivery {
    pub(super) fn new(store: MemoryStore, spec: AppendSpec) -> Self {
        let (usual, most) = ROOM;
        // What the session adds comes besides.
        let declared = spec.declared_len.map(|n| usize::try_from(n).unwrap_or(most).saturating_add(1024));
        let room = declared.unwrap_or(usual).min(most);
        Self { store, spec, octets: Vec::with_capacity(room) }
    }

    /// The octets, without the room that was not needed.
    fn take(&mut self) -> Bytes {
        std::mem::take(&mut self.octets).into_boxed_slice().into()
    }

    fn deliver(&self, data: &mut Data, to: &Recipient, octets: &Bytes) -> Result<(AppendOutcome, Changed)> {
        self.store.check_size((to.prefix.len() + octets.len()) as u64)?;
        // Octets are shared by all recipients that have no lines of their own.
        let octets = match to.prefix.is_empty() {
            true => octets.clone(),
            false => [&to.prefix, octets.as_ref()].concat().into(),
        };
        let message = NewMessage::new(self.spec.clone(), octets);
        self.store.ensure_account(data, &to.account)?;
        let account = data.account(&to.account)?;
        let id = account
            .mailboxes
            .find(&to.mailbox)
            .cloned()
            .ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
        account.check_quota(&usage_of(std::slice::from_ref(&message)))?;
        let folder = account.folder(&id, ErrorKind::NotFound)?;
        let outcome = folder.insert(vec![message])?;
        Ok((outcome, Changed { mailboxes: vec![id], hierarchy: false }))
    }

    fn deliver_all(&self, data: &mut Data, to: &[Recipient], octets: &Bytes) -> Delivered {
        to.iter().map(|recipient| self.deliver(data, recipient, octets)).collect()
    }

    /// All of a submission under one lock.
    fn submit_all(
        &self,
        to: &[Recipient],
        octets: Bytes,
        what: Submission,
    ) -> Result<(Delivered, Option<QueueId>)> {
        let data = &mut *self.store.data();
        // The one thing that undoes all the others is looked at before them.
        if let Some(settle) = &what.settle {
            data.queue.check(settle)?;
        }
        let delivered = self.deliver_all(data, to, &octets);
        let id = what.entry.and_then(|new| data.queue.add(new, octets, &delivered));
        if let Some(settle) = &what.settle {
            data.queue.settle(settle)?;
        }
        Ok((delivered, id))
    }

    fn tell(&self, to: &[Recipient], delivered: Delivered) -> Vec<Result<AppendOutcome>> {
        let answers = to.iter().zip(delivered).map(|(recipient, answer)| {
            let (outcome, changed) = answer?;
            self.store.tell(&recipient.account, &changed);
            Ok(outcome)
        });
        answers.collect()
    }
}

/// For each recipient what is answered, and what is told to those who watch.
type Delivered = Vec<Result<(AppendOutcome, Changed)>>;

impl Delivery for MemoryDelivery {
    async fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.store.check_size((self.octets.len() + chunk.len()) as u64)?;
        self.octets.extend_from_slice(chunk);
        Ok(())
    }

    async fn commit(mut self, to: &[Recipient]) -> Vec<Result<AppendOutcome>> {
        let octets = self.take();
        let delivered = self.deliver_all(&mut self.store.data(), to, &octets);
        self.tell(to, delivered)
    }

    async fn submit(mut self, to: &[Recipient], what: Submission) -> Submitted {
        let octets = self.take();
        match self.submit_all(to, octets, what) {
            Ok((delivered, id)) => {
                let local = self.tell(to, delivered);
                queue::tell(&self.store.shared.queue_hub);
                Submitted { local, queued: Ok(id) }
            }
            Err(e) => Submitted { local: to.iter().map(|_| Err(e.clone())).collect(), queued: Err(e) },
        }
    }
}
