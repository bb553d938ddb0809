use std::collections::{BTreeMap, BTreeSet};

use crate::{ErrorKind, MailboxId, MailboxInfo, MailboxName, Result, SpecialUse, StoreError};

/// The mailboxes of one account by id and by name, and the names it subscribes to: all that the contract says of the calls of
/// [`Account`](crate::Account) named like the methods here, for a store that keeps them at hand. `M` is one mailbox,
/// an [`Index`](crate::Index) say.
///
/// Each method is done wholly or, when it answers an error, not at all.
///
/// ```
/// use mailstore_api::{Hierarchy, MailboxId, MailboxName, SpecialUse};
///
/// let mut last = 0;
/// let mut fresh = || {
///     last += 1;
///     Ok((MailboxId(format!("m{last}")), Vec::<String>::new()))
/// };
/// let mut tree = Hierarchy::new();
/// let work = tree.create(&MailboxName::new(["Work"])?, SpecialUse::NONE, &mut fresh)?;
/// let deep = MailboxName::new(["Archive", "2026", "Work"])?;
/// tree.rename(&work, &deep, &mut fresh)?; // makes `Archive` and `2026`
/// assert_eq!((tree.iter().len(), tree.find(&deep)), (3, Some(&work)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Hierarchy<M> {
    mailboxes: BTreeMap<MailboxId, Named<M>>,
    subscribed: BTreeSet<MailboxName>,
}

#[derive(Clone, Debug)]
struct Named<M> {
    name: MailboxName,
    uses: SpecialUse,
    mailbox: M,
}

impl<M> Default for Hierarchy<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Hierarchy<M> {
    /// Without a mailbox; the first to be created is INBOX.
    #[must_use]
    pub const fn new() -> Self {
        Self { mailboxes: BTreeMap::new(), subscribed: BTreeSet::new() }
    }

    /// The mailbox of this id.
    ///
    /// # Errors
    /// The one that the caller names, when there is none: [`ErrorKind::NotFound`] or [`ErrorKind::Gone`], as the contract has it.
    pub fn get(&self, id: &MailboxId, otherwise: ErrorKind) -> Result<&M> {
        self.mailboxes.get(id).map(|m| &m.mailbox).ok_or_else(|| otherwise.into())
    }

    /// The same, to be changed.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_mut(&mut self, id: &MailboxId, otherwise: ErrorKind) -> Result<&mut M> {
        self.named(id, otherwise).map(|m| &mut m.mailbox)
    }

    fn named(&mut self, id: &MailboxId, otherwise: ErrorKind) -> Result<&mut Named<M>> {
        self.mailboxes.get_mut(id).ok_or_else(|| otherwise.into())
    }

    /// The id of the mailbox that has this name.
    #[must_use]
    pub fn find(&self, name: &MailboxName) -> Option<&MailboxId> {
        self.mailboxes.iter().find(|(_, m)| m.name == *name).map(|(id, _)| id)
    }

    /// All mailboxes, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&MailboxId, &M)> {
        self.mailboxes.iter().map(|(id, m)| (id, &m.mailbox))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&MailboxId, &mut M)> {
        self.mailboxes.iter_mut().map(|(id, m)| (id, &mut m.mailbox))
    }

    /// [`Account::list`](crate::Account::list): the mailboxes, and names only subscribed or only a parent of others.
    #[must_use]
    pub fn list(&self) -> Vec<MailboxInfo> {
        let own = self.mailboxes.iter();
        let own = own.map(|(id, m)| MailboxInfo::owned(id.clone(), m.name.clone(), m.uses));
        MailboxInfo::complete(own.collect(), &self.subscribed)
    }

    /// [`Account::find`](crate::Account::find): what [`list`](Self::list) shows of this name.
    #[must_use]
    pub fn info(&self, name: &MailboxName) -> Option<MailboxInfo> {
        match self.mailboxes.iter().find(|(_, m)| m.name == *name) {
            Some((id, m)) => {
                let info = MailboxInfo::owned(id.clone(), m.name.clone(), m.uses);
                Some(MailboxInfo { subscribed: self.subscribed.contains(name), ..info })
            }
            // Only subscribed, or only a parent.
            None => self.list().into_iter().find(|info| info.name == *name),
        }
    }

    /// Those above a name that are missing, outermost first.
    #[must_use]
    pub fn missing_parents(&self, name: &MailboxName) -> Vec<MailboxName> {
        let mut missing: Vec<_> = name.parents().filter(|parent| self.find(parent).is_none()).collect();
        missing.sort_unstable_by_key(|parent| parent.parts().len());
        missing
    }

    /// [`Account::create`](crate::Account::create), also of what is missing above. `fresh` makes an empty mailbox and
    /// an id that was never given before.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`], and those of `fresh`.
    pub fn create(
        &mut self,
        name: &MailboxName,
        uses: SpecialUse,
        mut fresh: impl FnMut() -> Result<(MailboxId, M)>,
    ) -> Result<MailboxId> {
        if self.find(name).is_some() {
            return Err(ErrorKind::Exists.into());
        }
        let (id, mailbox) = fresh()?;
        self.create_parents(name, fresh)?;
        self.mailboxes.insert(id.clone(), Named { name: name.clone(), uses, mailbox });
        Ok(id)
    }

    fn create_parents(
        &mut self,
        name: &MailboxName,
        mut fresh: impl FnMut() -> Result<(MailboxId, M)>,
    ) -> Result<()> {
        let made = self.missing_parents(name).into_iter().map(|name| Ok((name, fresh()?)));
        for (name, (id, mailbox)) in made.collect::<Result<Vec<_>>>()? {
            self.mailboxes.insert(id, Named { name, uses: SpecialUse::NONE, mailbox });
        }
        Ok(())
    }

    /// [`Account::delete`](crate::Account::delete); those below it stay, and its subscription stays.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Cannot`] for INBOX.
    pub fn delete(&mut self, id: &MailboxId) -> Result<M> {
        if self.named(id, ErrorKind::NotFound)?.name.is_inbox() {
            return Err(StoreError::new(ErrorKind::Cannot, "INBOX stays"));
        }
        let gone = self.mailboxes.remove(id).map(|m| m.mailbox);
        gone.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// [`Account::rename`](crate::Account::rename), with all below it; `fresh` as in [`create`](Self::create).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`]; [`ErrorKind::Cannot`] for INBOX, or when the target lies below the source; [`ErrorKind::Exists`] when the target or a
    /// name below it that would be made does; those of `fresh`.
    pub fn rename(
        &mut self,
        id: &MailboxId,
        to: &MailboxName,
        fresh: impl FnMut() -> Result<(MailboxId, M)>,
    ) -> Result<()> {
        let from = self.named(id, ErrorKind::NotFound)?.name.clone();
        if from.is_inbox() || to.is_below(&from) {
            return Err(ErrorKind::Cannot.into());
        }
        let moved = |(id, m): (&MailboxId, &Named<M>)| Some((id.clone(), m.name.moved(&from, to)?));
        let moved: Vec<_> = self.mailboxes.iter().filter_map(moved).collect();
        if moved.iter().any(|(_, name)| self.find(name).is_some()) {
            return Err(ErrorKind::Exists.into());
        }
        self.create_parents(to, fresh)?;
        for (id, name) in moved {
            self.named(&id, ErrorKind::Internal)?.name = name;
        }
        Ok(())
    }

    /// What a broken store does, so that the suite can be seen to find it.
    #[cfg(all(test, feature = "conformance"))]
    pub(crate) fn rename_alone(&mut self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        self.named(id, ErrorKind::NotFound)?.name = to.clone();
        Ok(())
    }

    /// [`Account::subscribe`](crate::Account::subscribe). Whether that changed anything.
    pub fn subscribe(&mut self, name: &MailboxName, on: bool) -> bool {
        if on { self.subscribed.insert(name.clone()) } else { self.subscribed.remove(name) }
    }

    /// [`Account::set_special_use`](crate::Account::set_special_use).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`].
    pub fn set_special_use(&mut self, id: &MailboxId, uses: SpecialUse) -> Result<()> {
        self.named(id, ErrorKind::NotFound)?.uses = uses;
        Ok(())
    }
}
