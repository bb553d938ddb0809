//! Quota, access lists and annotations.

use std::collections::BTreeMap;

use super::{AccountData, MemoryAccount, MemoryStore, Step, folder::NewMessage};
use crate::{
    Acl, Annotation, BoxFuture, ErrorKind, MailboxId, Metadata, MetadataLimits, Quota, QuotaLimits,
    QuotaUsage, QuotaUse, Result, Rights, annotation_matches, check_annotation, check_identifier,
};

/// Entries of an access list, at most.
const IDENTIFIERS: usize = 1_000;

impl MemoryStore {
    /// Sets what an account may keep.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_quota(&self, account: &str, limits: QuotaLimits) -> Result<()> {
        self.data().account(account)?.limits = limits;
        Ok(())
    }

    /// What an account may keep, and what it keeps.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn quota(&self, account: &str) -> Result<(QuotaLimits, QuotaUsage)> {
        let mut data = self.data();
        let account = data.account(account)?;
        Ok((account.limits, account.usage()))
    }
}

pub(super) fn usage_of(messages: &[NewMessage]) -> QuotaUsage {
    let octets = messages.iter().map(|m| m.size).sum();
    QuotaUsage { octets, messages: messages.len() as u64, mailboxes: 0 }
}

impl AccountData {
    fn usage(&self) -> QuotaUsage {
        let mut used = QuotaUsage { mailboxes: self.mailboxes.iter().len() as u64, ..QuotaUsage::default() };
        for (_, folder) in self.mailboxes.iter() {
            let (messages, octets) = folder.totals();
            used.messages += messages;
            used.octets += octets;
        }
        used
    }

    /// Refuses what would exceed a limit. Counting all anew is dear, and only done where there are limits.
    pub(super) fn check_quota(&self, more: &QuotaUsage) -> Result<()> {
        match self.limits == QuotaLimits::default() {
            true => Ok(()),
            false => self.limits.check(&self.usage(), more),
        }
    }
}

impl Quota for MemoryAccount {
    fn roots<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        self.at_once(|s| {
            let account = s.account()?;
            account.folder(id, ErrorKind::NotFound)?;
            Ok(account.limits.uses(&account.usage()))
        })
    }

    fn root<'a>(&'a self, root: &'a str) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        self.at_once(move |s| match root {
            QuotaLimits::ROOT => s.account().map(|account| account.limits.uses(&account.usage())),
            _ => Err(ErrorKind::NotFound.into()),
        })
    }

    fn set<'a>(&'a self, _: &'a str, _: &'a [(String, u64)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(ErrorKind::NoPerm.into()) })
    }
}

impl Acl for MemoryAccount {
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>> {
        self.at_once(|s| {
            let mut list = vec![(s.who.to_owned(), Rights::OWNER)];
            let folder = s.account()?.folder(id, ErrorKind::NotFound)?;
            list.extend(folder.acl.iter().map(|(who, rights)| (who.clone(), *rights)));
            Ok(list)
        })
    }

    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>> {
        self.at_once(move |s| {
            check_identifier(who, s.who)?;
            let list = &mut s.account()?.folder(id, ErrorKind::NotFound)?.acl;
            match rights.filter(|r| !r.is_empty()) {
                None => _ = list.remove(who),
                Some(_) if list.len() >= IDENTIFIERS && !list.contains_key(who) => {
                    return Err(ErrorKind::Limit.into());
                }
                Some(rights) => _ = list.insert(who.to_owned(), rights),
            }
            Ok(())
        })
    }

    fn mine<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Rights>> {
        self.at_once(|s| s.account()?.folder(id, ErrorKind::NotFound).map(|_| Rights::OWNER))
    }
}

impl Metadata for MemoryAccount {
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>> {
        self.at_once(move |s| {
            let wanted = |name: &str| entries.iter().any(|entry| annotation_matches(name, entry, depth));
            let all = annotations(s, id)?.iter().filter(|(name, _)| wanted(name));
            Ok(all.map(|(name, value)| (name.clone(), value.clone())).collect())
        })
    }

    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>> {
        let limits = Metadata::limits(self);
        self.at_once(move |s| {
            let kept = annotations(s, id)?;
            let mut new = kept.clone();
            for (name, value) in entries {
                let name = check_annotation(name, value.as_deref(), &limits)?;
                match value {
                    Some(value) => _ = new.insert(name, value.clone()),
                    None => _ = new.remove(&name),
                }
            }
            // Who has too many since the limit was lowered may still change and remove them.
            if new.len() > kept.len() && new.len() as u64 > limits.entries {
                return Err(ErrorKind::Limit.into());
            }
            *kept = new;
            Ok(())
        })
    }

    fn limits(&self) -> MetadataLimits {
        self.store.shared.options.metadata
    }
}

fn annotations<'s>(s: &'s mut Step<'_>, id: Option<&MailboxId>) -> Result<&'s mut BTreeMap<String, Vec<u8>>> {
    let account = s.account()?;
    match id {
        Some(id) => Ok(&mut account.folder(id, ErrorKind::NotFound)?.annotations),
        None => Ok(&mut account.annotations),
    }
}

impl MemoryAccount {
    fn at_once<'a, T: Send + 'a>(
        &'a self,
        step: impl FnOnce(&mut Step<'_>) -> Result<T> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move { self.step(step) })
    }
}
