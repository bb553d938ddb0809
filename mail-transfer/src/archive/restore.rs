use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
};

use mailstore_api::{
    Account, AppendSpec, ErrorKind, MailboxId, MailboxName, Staged, StatusItems, StoreError, Uid,
};
use mailstore_sqlite::{Restore, RestoredFrom, RestoredMailbox, RestoredMessage, SqliteAccount, Unfinished};
use sha2::{Digest as _, Sha256};

use super::{ArchiveEntry, ArchiveReader, ArchivedMailbox, ArchivedMessage};
use crate::{
    Progress, Report, Result, TransferError, TransferErrorKind,
    format::Source as _,
    import::{GROUP, GROUP_OCTETS, HELD, annotate, grant},
    names::Patterns,
};

/// How a [`restore`] is done.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RestoreOptions {
    /// Which mailboxes.
    pub mailboxes: Patterns,
    /// Go on where a restoration of the same archive was cut short. Otherwise what it left is given up.
    pub resume: bool,
    /// Read and check everything, and change nothing.
    pub dry_run: bool,
}

/// Brings an archive's mailboxes back into an account that has no mail, with UIDVALIDITY, UIDs, modseqs and all else as
/// they were. Nothing of it is seen before all is there; then all of it is, in one step. What arrives meanwhile
/// stays, and gets UIDs above those of the archive.
///
/// A mailbox of the account that has the same name is replaced: if it never held a message, or is the same
/// incarnation. Others stay. Copies of one message within the archive are stored once. Quota limits are not set, since they are
/// no owner's to set: [`Manifest::quota`](super::Manifest::quota) has them.
///
/// Memory: one group of messages (some 8 MiB), and some 50 octets for each message of the archive. Blocks on
/// the archive, so it belongs on a thread of its own.
///
/// # Errors
/// [`TransferErrorKind::Refused`] when the account has mail; when the archive is malformed, or the store refuses. Then nothing
/// is seen, and what was read is kept for [`RestoreOptions::resume`].
pub async fn restore<R: Read>(
    account: &SqliteAccount,
    archive: &mut ArchiveReader<R>,
    options: &RestoreOptions,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<Report> {
    let manifest = archive.manifest().clone();
    let fault = |e: StoreError| TransferError::store("the account", &e);
    let there = mailboxes_there(account, options.resume).await?;
    let handle = account.restore(&manifest.id).map_err(fault)?;
    let mut unfinished = if options.resume { handle.unfinished().await.map_err(fault)? } else { Vec::new() };
    if unfinished.is_empty() && !options.dry_run && account.has_unfinished_restore().await.map_err(fault)? {
        account.abandon_restores().await.map_err(fault)?;
    }
    let unfinished = unfinished.drain(..).map(|u| (u.name.clone(), u)).collect();
    let mut run = Run {
        handle,
        options,
        there,
        unfinished,
        report: Report::default(),
        target: None,
        known: HashMap::new(),
    };
    while let Some(entry) = archive.next_entry()? {
        run.report.add_notes(archive.take_notes());
        match entry {
            ArchiveEntry::Mailbox(mailbox) => run.enter(account, mailbox).await?,
            ArchiveEntry::Message(message) => run.message(*message, archive, progress).await?,
        }
    }
    run.flush().await?;
    run.report.add_notes(archive.take_notes());
    if !options.dry_run {
        for name in manifest.subscriptions.iter().filter(|n| options.mailboxes.matches(n)) {
            account.subscribe(name, true).await.map_err(fault)?;
        }
        let note = annotate(account, None, &manifest.annotations).await?;
        run.report.add_notes(note);
        run.handle.publish().await.map_err(fault)?;
    }
    Ok(run.report)
}

/// UIDVALIDITY and UIDNEXT of the account's mailboxes, none of which has a message.
async fn mailboxes_there(account: &SqliteAccount, resume: bool) -> Result<BTreeMap<MailboxName, (u32, u32)>> {
    let fault = |e: StoreError| TransferError::store("the account", &e);
    let mut found = BTreeMap::new();
    for info in account.list().await.map_err(fault)? {
        let Some(id) = info.id else { continue };
        for status in account.status(&[id], StatusItems::MESSAGES).await.map_err(fault)? {
            if status.messages > 0 {
                let done = if resume { " (or this archive's import is complete already)" } else { "" };
                return Err(TransferError::refused(format!(
                    "the account has mail in {}: its UIDs and those of the archive cannot both stay{done}; import into a new \
                     account, or merge, which gives new UIDs",
                    info.name
                )));
            }
            found.insert(info.name.clone(), (status.uid_validity.get(), status.uid_next));
        }
    }
    Ok(found)
}

struct Run<'a> {
    handle: Restore,
    options: &'a RestoreOptions,
    there: BTreeMap<MailboxName, (u32, u32)>,
    unfinished: HashMap<MailboxName, Unfinished>,
    report: Report,
    target: Option<Target>,
    /// Messages restored by this run, by a hash of octets and EMAILID: copies share what is stored.
    known: HashMap<u128, (MailboxId, Uid)>,
}

/// The mailbox that is restored at present.
struct Target {
    name: MailboxName,
    id: Option<MailboxId>,
    /// Messages up to this one are there.
    last: Option<Uid>,
    group: Vec<RestoredMessage>,
    held: u64,
}

impl Run<'_> {
    async fn enter(&mut self, account: &SqliteAccount, mailbox: ArchivedMailbox) -> Result<()> {
        self.flush().await?;
        self.target = None;
        if !self.options.mailboxes.matches(&mailbox.name) {
            return Ok(());
        }
        self.report.mailboxes += 1;
        let name = mailbox.name.clone();
        let validity = mailbox.uid_validity.get();
        if let Some((there, uid_next)) = self.there.get(&name)
            && *uid_next > 1
            && *there != validity
        {
            return Err(TransferError::refused(format!(
                "mailbox {name} of the account held messages before: with the archive's UIDVALIDITY, clients could \
                 take its messages for others; import into a new account, or merge"
            )));
        }
        let (mut id, mut last) = (None, None);
        match self.unfinished.remove(&name) {
            Some(begun) if begun.uid_validity == validity => {
                id = Some(begun.id);
                last = begun.last;
            }
            _ if self.options.dry_run => {}
            _ => {
                let restored = RestoredMailbox {
                    name: name.clone(),
                    special_use: mailbox.special_use,
                    uid_validity: mailbox.uid_validity,
                    uid_next: mailbox.uid_next,
                    highest_modseq: mailbox.highest_modseq,
                };
                let fault = |e| TransferError::store(format!("mailbox {name}"), &e);
                let made = self.handle.mailbox(&restored).await.map_err(fault)?;
                let note = annotate(account, Some(&made), &mailbox.annotations).await?;
                self.report.add_notes(note);
                self.report.add_notes(grant(account, &made, &mailbox.acl).await?);
                id = Some(made);
            }
        }
        if self.options.dry_run {
            id = None;
        }
        self.target = Some(Target { name, id, last, group: Vec::new(), held: 0 });
        Ok(())
    }

    async fn message<R: Read>(
        &mut self,
        message: ArchivedMessage,
        archive: &mut ArchiveReader<R>,
        progress: &mut dyn FnMut(&Progress<'_>),
    ) -> Result<()> {
        let Some(target) = &mut self.target else { return Ok(()) };
        let fault = |e: StoreError| TransferError::store(&message.at, &e);
        let key = key_of(&message);
        if target.last.is_some_and(|last| message.uid <= last) {
            self.report.present += 1;
            if let Some(id) = &target.id {
                self.known.extend(key.map(|key| (key, (id.clone(), message.uid))));
            }
        } else {
            let copy = key.and_then(|key| self.known.get(&key).cloned());
            let mut staged = None;
            if copy.is_none() && target.id.is_some() {
                let spec = AppendSpec {
                    flags: message.flags.clone(),
                    internal_date: Some(message.internal_date),
                    declared_len: Some(message.size),
                };
                match self.handle.stage(spec) {
                    Err(e) if e.kind == ErrorKind::TooBig => {
                        self.report.leave_out(format!("{}: left out: {e}", message.at));
                        return Ok(());
                    }
                    other => staged = Some(other.map_err(fault)?),
                }
            }
            loop {
                match archive.octets() {
                    Ok(Some(chunk)) => {
                        if let Some(staged) = &mut staged {
                            staged.write(chunk).await.map_err(fault)?;
                        }
                    }
                    Ok(None) => break,
                    Err(e) if e.kind == TransferErrorKind::Damaged => {
                        self.report.leave_out(format!("{e}; left out"));
                        return Ok(());
                    }
                    Err(e) => return Err(e),
                }
            }
            if let Some(staged) = &mut staged {
                staged.finish().await.map_err(fault)?;
                target.held += message.size.min(HELD);
            }
            self.report.messages += 1;
            self.report.octets += message.size;
            if let Some(id) = &target.id {
                if copy.is_none() {
                    self.known.extend(key.map(|key| (key, (id.clone(), message.uid))));
                }
                let from = match (copy, staged) {
                    (Some((mailbox, uid)), _) => RestoredFrom::CopyOf {
                        mailbox,
                        uid,
                        flags: message.flags,
                        internal_date: message.internal_date,
                    },
                    (None, Some(staged)) => RestoredFrom::Staged(Box::new(staged)),
                    (None, None) => return Ok(()),
                };
                target.group.push(RestoredMessage {
                    uid: message.uid,
                    modseq: message.modseq,
                    save_date: message.save_date,
                    pop3_uidl: message.pop3_uidl,
                    thread_id: message.thread_id,
                    from,
                });
            }
        }
        self.report.tell(&target.name, archive.position(), progress);
        if target.group.len() >= GROUP || target.held >= GROUP_OCTETS {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let Some(target) = &mut self.target else { return Ok(()) };
        target.held = 0;
        let group = std::mem::take(&mut target.group);
        if let (Some(id), Some(first)) = (&target.id, group.first()) {
            let at = format!("mailbox {}, {} messages from UID {}", target.name, group.len(), first.uid);
            self.handle.put(id, group).await.map_err(|e| TransferError::store(at, &e))?;
        }
        Ok(())
    }
}

/// What copies of one message have in common. Messages of the same octets that came apart are no copies.
fn key_of(message: &ArchivedMessage) -> Option<u128> {
    let mut hash = Sha256::new();
    hash.update(message.digest);
    hash.update(message.email_id.as_ref()?);
    let (half, _) = hash.finalize().split_first_chunk::<16>().map(|(half, rest)| (*half, rest.len()))?;
    Some(u128::from_le_bytes(half))
}
