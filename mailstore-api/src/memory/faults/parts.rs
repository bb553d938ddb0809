//! Optional parts: those of the store in memory, with their faults.

use super::{
    Fault,
    store::{FaultyAccount, pause},
};
use crate::{
    Account, Acl, Annotation, BoxFuture, ErrorKind, Mailbox, MailboxId, MetaItems, Metadata, MetadataLimits,
    OpenMode, QuotaLimits, QuotaUsage, Result, Rights, UidSet,
};

impl FaultyAccount {
    /// Asks for room in a step of its own.
    pub(super) fn room_for(&self, octets: u64, messages: u64) -> Result<()> {
        let (limits, used) = self.inner.store.quota(&self.inner.who)?;
        limits.check(&used, &QuotaUsage { octets, messages, mailboxes: 0 })
    }

    pub(super) async fn room_for_copies(&self, from: &MailboxId, uids: &UidSet) -> Result<()> {
        let (_, source) = self.inner.open(from, OpenMode::Examine).await.map_err(|_| ErrorKind::Gone)?;
        let all = source.meta(uids, MetaItems::SIZE, None, usize::MAX).await?.items;
        self.room_for(all.iter().map(|m| m.size).sum(), all.len() as u64)
    }

    /// Does what it is given as if there were no limits.
    pub(super) async fn without_limits<T>(&self, work: impl Future<Output = T>) -> T {
        let (store, who) = (&self.inner.store, &*self.inner.who);
        let limits = store.quota(who).map(|(limits, _)| limits).unwrap_or_default();
        store.set_quota(who, QuotaLimits::default()).unwrap();
        let done = work.await;
        if !self.is(Fault::QuotaBeforeTheStep) {
            store.set_quota(who, limits).unwrap();
        }
        done
    }

    pub(super) async fn commit_by_message(
        &self,
        messages: u64,
        largest: u64,
        commit: impl Future<Output = Result<crate::AppendOutcome>>,
    ) -> Result<crate::AppendOutcome> {
        self.room_for(largest, messages)?;
        self.without_limits(commit).await
    }

    pub(super) async fn commit_late(
        &self,
        octets: u64,
        messages: u64,
        commit: impl Future<Output = Result<crate::AppendOutcome>>,
    ) -> Result<crate::AppendOutcome> {
        let (limits, used) = {
            let mut kept = self.broken.shared.limits.lock().unwrap();
            let (limits, used) = self.inner.store.quota(&self.inner.who)?;
            // Once lifted, the store's own check is out of the way.
            if limits != QuotaLimits::default() {
                *kept = limits;
            }
            (*kept, used)
        };
        limits.check(&used, &QuotaUsage { octets, messages, mailboxes: 0 })?;
        pause();
        self.without_limits(commit).await
    }

    fn acl(&self) -> &dyn Acl {
        &self.inner
    }

    fn metadata(&self) -> &dyn Metadata {
        &self.inner
    }
}

impl Acl for FaultyAccount {
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>> {
        self.acl().get(id)
    }
    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>> {
        match rights {
            None if self.is(Fault::RightsStay) => Box::pin(async { Ok(()) }),
            // A minus means nothing to it.
            _ if self.is(Fault::NegativeRights) => {
                self.acl().set(id, who.strip_prefix('-').unwrap_or(who), rights)
            }
            _ => self.acl().set(id, who, rights),
        }
    }
    fn mine<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Rights>> {
        self.acl().mine(id)
    }
}

impl Metadata for FaultyAccount {
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>> {
        if !self.is(Fault::LooseEntries) {
            return self.metadata().get(id, entries, depth);
        }
        Box::pin(async move {
            let all = self.metadata().get(id, &[String::new()], u8::MAX).await?;
            let wanted = |name: &str| {
                entries.iter().any(|entry| {
                    let below = name.strip_prefix(entry.as_str());
                    below.is_some_and(|b| b.matches('/').count() <= usize::from(depth))
                })
            };
            Ok(all.into_iter().filter(|(name, _)| wanted(name)).collect())
        })
    }
    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match self.broken.fault {
                Fault::SplitAnnotations => {
                    for entry in entries {
                        self.metadata().set(id, std::slice::from_ref(entry)).await?;
                    }
                    Ok(())
                }
                Fault::EmptyIsNone => {
                    let full = |(name, value): &(String, Option<Vec<u8>>)| {
                        (name.clone(), value.clone().filter(|v| !v.is_empty()))
                    };
                    let entries: Vec<_> = entries.iter().map(full).collect();
                    self.metadata().set(id, &entries).await
                }
                _ => self.metadata().set(id, entries).await,
            }
        })
    }
    fn limits(&self) -> MetadataLimits {
        match self.is(Fault::BoundlessAnnotations) {
            // What it says is not what it keeps to.
            true => MetadataLimits::new(1024, 10),
            false => self.metadata().limits(),
        }
    }
}
