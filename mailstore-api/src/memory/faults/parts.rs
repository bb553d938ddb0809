//! Optional parts, as small as can be: so that their cases run, and fail where they should.

use super::{Fault, store::FaultyAccount};
use crate::{
    Account, Acl, Annotation, BoxFuture, ErrorKind, Mailbox, MailboxId, MetaItems, Metadata, OpenMode, Quota,
    QuotaUse, Result, Rights, StatusItems, UidSet,
};

impl FaultyAccount {
    async fn used(&self) -> Result<u64> {
        let ids: Vec<MailboxId> = self.inner.list().await?.into_iter().filter_map(|m| m.id).collect();
        Ok(self.inner.status(&ids, StatusItems::SIZE).await?.iter().map(|s| s.size).sum())
    }

    pub(super) async fn room_for(&self, octets: u64) -> Result<()> {
        let limit = self.broken.shared.limits.lock().unwrap().get(&*self.inner.who).copied();
        match limit {
            Some(limit) if self.used().await? + octets > limit * 1024 => Err(ErrorKind::OverQuota.into()),
            _ => Ok(()),
        }
    }

    pub(super) async fn room_for_copies(&self, from: &MailboxId, uids: &UidSet) -> Result<()> {
        let (_, source) = self.inner.open(from, OpenMode::Examine).await.map_err(|_| ErrorKind::Gone)?;
        let all = source.meta(uids, MetaItems::SIZE, None, usize::MAX).await?.items;
        self.room_for(all.iter().map(|m| m.size).sum()).await
    }
}

impl Quota for FaultyAccount {
    fn roots<'a>(&'a self, _: &'a MailboxId) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        self.root(&self.inner.who)
    }
    fn root<'a>(&'a self, root: &'a str) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        Box::pin(async move {
            let used = self.used().await?.div_ceil(1024);
            let limit = self.broken.shared.limits.lock().unwrap().get(root).copied().unwrap_or(u64::MAX);
            Ok(vec![QuotaUse { root: root.to_owned(), resource: "STORAGE".into(), used, limit }])
        })
    }
    fn set<'a>(&'a self, root: &'a str, limits: &'a [(String, u64)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for (_, limit) in limits {
                self.broken.shared.limits.lock().unwrap().insert(root.to_owned(), *limit);
            }
            Ok(())
        })
    }
}

impl Acl for FaultyAccount {
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>> {
        Box::pin(async move {
            let lists = self.broken.shared.rights.lock().unwrap();
            let own = lists.iter().filter(|((mailbox, _), _)| mailbox == id);
            Ok(own.map(|((_, who), rights)| (who.clone(), *rights)).collect())
        })
    }
    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut lists = self.broken.shared.rights.lock().unwrap();
            let key = (id.clone(), who.to_owned());
            match rights {
                Some(rights) => _ = lists.insert(key, rights),
                None if self.is(Fault::RightsStay) => {}
                None => _ = lists.remove(&key),
            }
            Ok(())
        })
    }
    fn mine<'a>(&'a self, _: &'a MailboxId) -> BoxFuture<'a, Result<Rights>> {
        Box::pin(async { Ok(Rights::OWNER) })
    }
}

impl Metadata for FaultyAccount {
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>> {
        Box::pin(async move {
            let all = self.broken.shared.annotations.lock().unwrap();
            let wanted = |name: &str| {
                entries.iter().any(|entry| {
                    let Some(below) = name.strip_prefix(entry.as_str()) else { return false };
                    let levels = below.matches('/').count();
                    let apart = below.is_empty() || below.starts_with('/');
                    (apart || self.is(Fault::LooseEntries)) && levels <= usize::from(depth)
                })
            };
            let own = all.iter().filter(|((mailbox, name), _)| mailbox.as_ref() == id && wanted(name));
            Ok(own.map(|((_, name), value)| (name.clone(), value.clone())).collect())
        })
    }
    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut all = self.broken.shared.annotations.lock().unwrap();
            for (name, value) in entries {
                let key = (id.cloned(), name.clone());
                match value {
                    Some(value) => _ = all.insert(key, value.clone()),
                    None => _ = all.remove(&key),
                }
            }
            Ok(())
        })
    }
}
