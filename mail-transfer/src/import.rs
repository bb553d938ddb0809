use std::collections::HashMap;

use mailstore_api::{
    Account, Annotation, AppendSpec, ErrorKind, Mailbox, MailboxId, MailboxName, MetaItems, OpenMode, Part,
    Staged, StoreError, Uid, UidSet,
};
use sha2::{Digest as _, Sha256};

use crate::{
    Progress, Report, Result, TransferError, TransferErrorKind,
    format::{AccessList, Digest, Entry, IncomingMailbox, IncomingMessage, Source},
    names::Patterns,
};

/// Messages of one commit, at most.
pub(crate) const GROUP: usize = 100;
/// Octets of one commit that are held in memory, about.
pub(crate) const GROUP_OCTETS: u64 = 8 << 20;
/// A message counts for at most this much of them: stores keep what is bigger in files.
pub(crate) const HELD: u64 = 128 * 1024;
/// Messages looked at in one step, when a mailbox is compared.
const LOOK: usize = 1_000;

/// How an [`import`] is done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// Which mailboxes, by the names the source gives them.
    pub mailboxes: Patterns,
    /// The mailbox everything goes into, in place of those the source names.
    pub into: Option<MailboxName>,
    /// Leave out a message whose octets are those of a message that was in its mailbox before the import: as many as
    /// there are. Flags and dates are not compared. So an import that was cut short goes on, and one that
    /// was complete does nothing when it is repeated.
    pub resume: bool,
    /// Read and check everything, and change nothing.
    pub dry_run: bool,
}

/// Adds what `source` has to an account's mailboxes, with new UIDs. Mailboxes that are missing are made, with their
/// special use, if no other mailbox has that use.
///
/// Messages are committed in groups of up to 100: each is there wholly or not at all, also when the process is
/// killed. A message the store finds too big is left out and counted in [`Report::left_out`]. Blocks on the
/// source's files, so it belongs on a thread of its own.
///
/// Memory: one group (some 8 MiB); with [`ImportOptions::resume`], some 60 octets for each message that
/// is there.
///
/// # Errors
/// When the source is malformed, or the store refuses ([`ErrorKind::OverQuota`] ...). What was committed before
/// stays; the same call with [`ImportOptions::resume`] goes on.
pub async fn import<A: Account>(
    account: &A,
    source: &mut dyn Source,
    options: &ImportOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Report> {
    let mut run = Run { account, options, report: Report::default(), target: None };
    while let Some(entry) = source.next()? {
        run.report.add_notes(source.take_notes());
        match entry {
            Entry::Mailbox(mailbox) => run.enter(mailbox).await?,
            Entry::Message(message) => run.message(message, source, progress).await?,
            Entry::Subscriptions(names) => run.subscribe(&names).await?,
            Entry::Annotations(entries) => run.annotate(None, &entries).await?,
        }
    }
    run.flush().await?;
    run.report.add_notes(source.take_notes());
    Ok(run.report)
}

struct Run<'a, A: Account> {
    account: &'a A,
    options: &'a ImportOptions,
    report: Report,
    target: Option<Target<A>>,
}

/// The mailbox messages go into at present.
struct Target<A: Account> {
    name: MailboxName,
    /// `None`: nothing is written.
    id: Option<MailboxId>,
    /// For [`ImportOptions::resume`].
    present: Option<Present<A::Mailbox>>,
    /// Where the first of them was found.
    at: String,
    group: Vec<A::Staged>,
    held: u64,
}

impl<A: Account> Run<'_, A> {
    async fn enter(&mut self, mailbox: IncomingMailbox) -> Result<()> {
        if !self.options.mailboxes.matches(&mailbox.name) {
            self.flush().await?;
            self.target = None;
            return Ok(());
        }
        self.report.mailboxes += 1;
        let name = self.options.into.as_ref().unwrap_or(&mailbox.name);
        // All into one: what was found to be there stays known.
        if self.target.as_ref().is_some_and(|t| t.name == *name) {
            return Ok(());
        }
        self.flush().await?;
        let fault = |e: StoreError| TransferError::store(format!("mailbox {name}"), &e);
        let found = self.account.find(name).await.map_err(fault)?.and_then(|m| m.id);
        let (mut id, mut present) = (found, None);
        if let (Some(id), true) = (&id, self.options.resume) {
            present = Some(Present::new(self.account, id).await.map_err(fault)?);
        }
        if self.options.dry_run {
            id = None;
        } else {
            if id.is_none() {
                let made = self.create(&mailbox, name).await.map_err(fault)?;
                // Where there was a mailbox, its own list stands: who may read it does not change unasked.
                if self.options.into.is_none() {
                    self.report.add_notes(grant(self.account, &made, &mailbox.acl).await?);
                }
                id = Some(made);
            }
            if self.options.into.is_none() {
                self.annotate(id.as_ref(), &mailbox.annotations).await?;
            }
        }
        let at = mailbox.at;
        self.target = Some(Target { name: name.clone(), id, present, at, group: Vec::new(), held: 0 });
        Ok(())
    }

    async fn create(
        &mut self,
        mailbox: &IncomingMailbox,
        name: &MailboxName,
    ) -> mailstore_api::Result<MailboxId> {
        let mut uses = mailbox.special_use;
        if self.options.into.is_some() {
            uses = mailstore_api::SpecialUse::NONE;
        }
        if !uses.is_empty() {
            let taken = self.account.list().await?.iter().fold(0, |all, m| all | m.special_use.bits());
            uses = uses.without(mailstore_api::SpecialUse::from_bits(taken));
        }
        match self.account.create(name, uses).await {
            Err(e) if e.kind == ErrorKind::Unsupported => {
                self.account.create(name, mailstore_api::SpecialUse::NONE).await
            }
            other => other,
        }
    }

    async fn message(
        &mut self,
        message: IncomingMessage,
        source: &mut dyn Source,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<()> {
        let Some(target) = &mut self.target else { return Ok(()) };
        let fault = |e: StoreError| TransferError::store(&message.at, &e);
        let spec =
            AppendSpec { flags: message.flags, internal_date: message.internal_date, declared_len: None };
        let mut staged = match &target.id {
            Some(id) => Some(self.account.stage(id, spec).await.map_err(fault)?),
            None => None,
        };
        let (mut hash, mut octets) = (target.present.as_ref().map(|_| Sha256::new()), 0_u64);
        let mut refused = None;
        loop {
            let chunk = match source.octets() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(e) if e.kind == TransferErrorKind::Damaged => {
                    self.report.leave_out(format!("{e}; left out"));
                    return Ok(());
                }
                Err(e) => return Err(e),
            };
            octets += chunk.len() as u64;
            if let Some(hash) = &mut hash {
                hash.update(chunk);
            }
            if refused.is_none()
                && let Some(staged) = &mut staged
                && let Err(e) = staged.write(chunk).await
            {
                refused = Some(e);
            }
        }
        if let (None, Some(staged)) = (&refused, &mut staged)
            && let Err(e) = staged.finish().await
        {
            refused = Some(e);
        }
        match refused {
            Some(e) if e.kind == ErrorKind::TooBig => {
                self.report.leave_out(format!("{}: left out: {e}; it has {octets}", message.at));
                return Ok(());
            }
            Some(e) => return Err(fault(e)),
            None => {}
        }
        let present = match (&mut target.present, hash) {
            (Some(present), Some(hash)) => {
                present.take(octets, hash.finalize().into()).await.map_err(fault)?
            }
            _ => false,
        };
        if present {
            self.report.present += 1;
        } else {
            if target.group.is_empty() {
                target.at.clone_from(&message.at);
            }
            target.group.extend(staged);
            target.held += octets.min(HELD);
            self.report.messages += 1;
            self.report.octets += octets;
        }
        self.report.tell(&target.name, source.position(), progress);
        if target.group.len() >= GROUP || target.held >= GROUP_OCTETS {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let Some(target) = &mut self.target else { return Ok(()) };
        target.held = 0;
        let group = std::mem::take(&mut target.group);
        if let Some(id) = target.id.as_ref().filter(|_| !group.is_empty()) {
            let count = group.len();
            self.account.commit(id, group, None).await.map_err(|e| {
                let at = format!("mailbox {}, {count} messages from {}", target.name, target.at);
                TransferError::store(at, &e)
            })?;
        }
        Ok(())
    }

    async fn subscribe(&mut self, names: &[MailboxName]) -> Result<()> {
        let wanted = names.iter().filter(|n| self.options.mailboxes.matches(n));
        if self.options.dry_run || self.options.into.is_some() {
            return Ok(());
        }
        for name in wanted {
            let done = self.account.subscribe(name, true).await;
            done.map_err(|e| TransferError::store(format!("subscription to {name}"), &e))?;
        }
        Ok(())
    }

    async fn annotate(&mut self, id: Option<&MailboxId>, entries: &[Annotation]) -> Result<()> {
        if entries.is_empty() || self.options.dry_run {
            return Ok(());
        }
        let notes = annotate(self.account, id, entries).await?;
        self.report.add_notes(notes);
        Ok(())
    }
}

/// Sets annotations, where the store keeps any; else says so.
pub(crate) async fn annotate<A: Account>(
    account: &A,
    id: Option<&MailboxId>,
    entries: &[Annotation],
) -> Result<Option<String>> {
    if entries.is_empty() {
        return Ok(None);
    }
    let Some(metadata) = account.metadata() else {
        return Ok(Some(format!("{} annotations are lost: this store keeps none", entries.len())));
    };
    let entries: Vec<_> = entries.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    metadata.set(id, &entries).await.map_err(|e| TransferError::store("annotations", &e))?;
    Ok(None)
}

/// Sets an access list, where the store keeps any; else says so.
pub(crate) async fn grant<A: Account>(
    account: &A,
    id: &MailboxId,
    list: &AccessList,
) -> Result<Option<String>> {
    if list.is_empty() {
        return Ok(None);
    }
    let Some(acl) = account.acl() else {
        return Ok(Some(format!("{} entries of access lists are lost: this store keeps none", list.len())));
    };
    for (who, rights) in list {
        let set = acl.set(id, who, Some(*rights)).await;
        set.map_err(|e| TransferError::store(format!("the rights of {who}"), &e))?;
    }
    Ok(None)
}

/// The messages that were in a mailbox before, by what they hold. Only those as long as one that comes are
/// ever read.
struct Present<M> {
    mailbox: M,
    unread: HashMap<u64, Vec<Uid>>,
    read: HashMap<Digest, u32>,
}

impl<M: Mailbox> Present<M> {
    async fn new<A: Account<Mailbox = M>>(account: &A, id: &MailboxId) -> mailstore_api::Result<Self> {
        let (snapshot, mailbox) = account.open(id, OpenMode::Examine).await?;
        let mut unread: HashMap<u64, Vec<Uid>> = HashMap::new();
        let mut from = 1;
        while from < snapshot.uid_next {
            let uids = UidSet::from_ranges([(from, snapshot.uid_next - 1)]);
            let batch = mailbox.meta(&uids, MetaItems::SIZE, None, LOOK).await?;
            for m in batch.items {
                unread.entry(m.size).or_default().push(m.uid);
            }
            let Some(last) = batch.resume_after else { break };
            from = last.get().saturating_add(1);
        }
        Ok(Self { mailbox, unread, read: HashMap::new() })
    }

    /// Whether there is a message of these octets that stands for no other; it stands for this one then.
    async fn take(&mut self, octets: u64, digest: Digest) -> mailstore_api::Result<bool> {
        for uid in self.unread.remove(&octets).unwrap_or_default() {
            match self.mailbox.body(uid, Part::Whole).await {
                Ok(mut body) => {
                    *self.read.entry(crate::export::digest(&mut body).await?).or_default() += 1;
                }
                Err(e) if matches!(e.kind, ErrorKind::Gone | ErrorKind::Corrupt) => {}
                Err(e) => return Err(e),
            }
        }
        match self.read.get_mut(&digest) {
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
