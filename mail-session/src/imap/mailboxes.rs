//! Commands on the hierarchy: CREATE, DELETE, RENAME, SUBSCRIBE, LIST, LSUB, STATUS (RFC 9051 section 6.3).

use std::{borrow::Cow, collections::HashSet};

use imap4_proto::types::{
    Capabilities, Code, Create, List, ListData, ListSelect, MailboxArg, MailboxAttributes, StatusData,
    StatusItems,
};
use mailstore_api::{
    Account, ErrorKind, MailStore, MailboxId, MailboxInfo, MailboxName, Result as StoreResult, SpecialUse,
    Status, StatusItems as Figures, StoreError, UidSet,
};

use super::{
    failure,
    hierarchy::{self, Row, Wanted},
    names::{self, NewName},
    pattern::Pattern,
    session::{Answer, Client, HIGH_WATER, LINES, Session},
};
use crate::auth::Authority;

/// Mailboxes whose figures are asked for in one call.
const STATUS_BATCH: usize = 64;

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    fn account(&self) -> StoreResult<&St::Account> {
        // The machine lets no such command through before login.
        self.account.as_deref().ok_or_else(|| ErrorKind::NoPerm.into())
    }

    pub(super) async fn create(&mut self, create: Create<'_>, peer: &mut Client<'_>) -> Answer {
        let Ok(new) = names::parse_new(&create.mailbox, self.config.delimiter) else {
            return bad_name(peer);
        };
        if create.unknown_use {
            return Ok(peer.machine.no(Some(Code::UseAttr), "No such special use")?);
        }
        let uses = hierarchy::special_use_of(create.special_use);
        let created = match self.account() {
            Ok(account) => account.create(&new.name, uses).await,
            Err(error) => Err(error),
        };
        match created {
            Ok(_) => {
                self.tell_composed(&new, peer)?;
                self.done("CREATE completed", peer).await
            }
            Err(error) if error.kind == ErrorKind::Unsupported && uses != SpecialUse::NONE => {
                Ok(peer.machine.no(Some(Code::UseAttr), "This special use cannot be given")?)
            }
            Err(error) => self.fail(&error, peer),
        }
    }

    /// Tells a client that its new mailbox is called otherwise (RFC 9051 section 6.3.9.7): one that knows the item.
    fn tell_composed(&self, new: &NewName, peer: &mut Client<'_>) -> Answer {
        let delimiter = self.config.delimiter;
        if let (Some(given), Some(name)) = (&new.given, names::to_text(&new.name, delimiter))
            && peer.machine.enabled().contains(Capabilities::IMAP4REV2)
        {
            let mut data = ListData::new(MailboxAttributes::NONE, Some(delimiter), &name);
            data.old_name = Some(given);
            peer.machine.list(&data)?;
        }
        Ok(())
    }

    pub(super) async fn delete(&mut self, mailbox: MailboxArg<'_>, peer: &mut Client<'_>) -> Answer {
        let Ok(name) = names::parse(&mailbox, self.config.delimiter) else { return bad_name(peer) };
        if name.is_inbox() {
            return Ok(peer.machine.no(Some(Code::Cannot), "INBOX cannot be deleted")?);
        }
        let deleted = match self.account() {
            Ok(account) => delete(account, &name).await,
            Err(error) => Err(error),
        };
        match deleted {
            Ok(()) => self.done("DELETE completed", peer).await,
            Err(error) if error.kind == ErrorKind::Cannot => Ok(peer
                .machine
                .no(Some(Code::HasChildren), "It is no mailbox, but there are some below it")?),
            Err(error) => self.fail(&error, peer),
        }
    }

    pub(super) async fn rename(
        &mut self,
        from: MailboxArg<'_>,
        to: MailboxArg<'_>,
        peer: &mut Client<'_>,
    ) -> Answer {
        let delimiter = self.config.delimiter;
        let (Ok(from), Ok(to)) = (names::parse(&from, delimiter), names::parse_new(&to, delimiter)) else {
            return bad_name(peer);
        };
        let renamed = match self.account() {
            Ok(account) => rename(account, &from, &to.name).await,
            Err(error) => Err(error),
        };
        match renamed {
            Ok(()) => {
                self.tell_composed(&to, peer)?;
                self.done("RENAME completed", peer).await
            }
            Err(error) => self.fail(&error, peer),
        }
    }

    pub(super) async fn subscribe(
        &mut self,
        mailbox: MailboxArg<'_>,
        on: bool,
        peer: &mut Client<'_>,
    ) -> Answer {
        let Ok(name) = names::parse(&mailbox, self.config.delimiter) else { return bad_name(peer) };
        let subscribed = match self.account() {
            Ok(account) => subscribe(account, name, on).await,
            Err(error) => Err(error),
        };
        match subscribed {
            Ok(()) if on => self.done("SUBSCRIBE completed", peer).await,
            Ok(()) => self.done("UNSUBSCRIBE completed", peer).await,
            Err(error) => self.fail(&error, peer),
        }
    }

    pub(super) async fn list(&mut self, list: List<'_>, peer: &mut Client<'_>) -> Answer {
        let delimiter = self.config.delimiter;
        let Ok(reference) = list.reference.decode() else { return bad_name(peer) };
        let mut patterns = Vec::new();
        for pattern in list.patterns.iter() {
            if pattern.is_empty() && !list.is_extended() {
                // RFC 9051 section 6.3.9: what the delimiter is, and the root of the reference.
                let data = ListData::new(MailboxAttributes::NO_SELECT, Some(delimiter), "");
                peer.machine.list(&data)?;
                return self.done("LIST completed", peer).await;
            }
            if pattern.is_empty() {
                // RFC 9051 section 6.3.9: "In the extended syntax, any mailbox name arguments that are empty strings are
                // ignored."
                continue;
            }
            // What is not valid in the connection's encoding is the name of nothing.
            if let Ok(pattern) = pattern.decode() {
                let whole = format!("{reference}{pattern}");
                // What it would be called here, too.
                if let Cow::Owned(composed) = names::composed(&whole) {
                    patterns.push(Pattern::new("", &composed, delimiter));
                }
                patterns.push(Pattern::new(&reference, &pattern, delimiter));
            }
        }
        if list.returns.status.is_some_and(|items| items.contains(StatusItems::HIGHESTMODSEQ)) {
            self.enable_modseqs(peer)?;
        }
        let wanted =
            Wanted { patterns, select: list.select, show_subscribed: list.returns.subscribed, delimiter };
        let listed = match self.account() {
            Ok(account) => account.list().await,
            Err(error) => Err(error),
        };
        let mut rows = match listed {
            Ok(mailboxes) => hierarchy::list(mailboxes, &wanted),
            Err(error) => return self.fail(&error, peer),
        };
        let child_subscribed = list.select.contains(ListSelect::RECURSIVEMATCH);
        let status = list.returns.status;
        for rows in rows.chunks_mut(if status.is_some() { STATUS_BATCH } else { LINES }) {
            let figures = match (status, self.account.as_deref()) {
                (Some(items), Some(account)) => figures_of(account, rows, items).await,
                _ => Vec::new(),
            };
            let mut figures = figures.into_iter().peekable();
            for row in rows {
                let mut data = ListData::new(row.attributes, Some(delimiter), &row.name);
                data.child_subscribed = child_subscribed && row.child_subscribed;
                peer.machine.list(&data)?;
                if let Some(items) = status
                    && let Some(figures) = figures.next_if(|s| Some(&s.id) == row.id.as_ref())
                {
                    peer.machine.status(&row.name, &self.status_data(&figures, items))?;
                }
            }
            peer.drain(HIGH_WATER).await?;
        }
        self.done("LIST completed", peer).await
    }

    pub(super) async fn lsub(
        &mut self,
        reference: MailboxArg<'_>,
        pattern: MailboxArg<'_>,
        peer: &mut Client<'_>,
    ) -> Answer {
        let delimiter = self.config.delimiter;
        let (Ok(reference), Ok(pattern)) = (reference.decode(), pattern.decode()) else {
            return bad_name(peer);
        };
        if pattern.is_empty() {
            peer.machine.lsub(&ListData::new(MailboxAttributes::NO_SELECT, Some(delimiter), ""))?;
            return self.done("LSUB completed", peer).await;
        }
        let pattern = Pattern::new(&reference, &pattern, delimiter);
        let listed = match self.account() {
            Ok(account) => account.list().await,
            Err(error) => Err(error),
        };
        let rows = match listed {
            Ok(mailboxes) => hierarchy::lsub(mailboxes, &pattern, delimiter),
            Err(error) => return self.fail(&error, peer),
        };
        for rows in rows.chunks(LINES) {
            for row in rows {
                peer.machine.lsub(&ListData::new(row.attributes, Some(delimiter), &row.name))?;
            }
            peer.drain(HIGH_WATER).await?;
        }
        self.done("LSUB completed", peer).await
    }

    pub(super) async fn status(
        &mut self,
        mailbox: MailboxArg<'_>,
        items: StatusItems,
        peer: &mut Client<'_>,
    ) -> Answer {
        let Ok(name) = names::parse(&mailbox, self.config.delimiter) else { return bad_name(peer) };
        if items.contains(StatusItems::HIGHESTMODSEQ) {
            self.enable_modseqs(peer)?;
        }
        let status = match self.account() {
            Ok(account) => status(account, &name, items).await,
            Err(error) => Err(error),
        };
        match status {
            Ok(status) => {
                let data = self.status_data(&status, items);
                let shown = names::to_text(&name, self.config.delimiter).unwrap_or_default();
                peer.machine.status(&shown, &data)?;
                self.done("STATUS completed", peer).await
            }
            Err(error) => self.fail(&error, peer),
        }
    }

    fn status_data(&self, status: &Status, items: StatusItems) -> StatusData<'static> {
        let wanted = |item, n: u32| items.contains(item).then_some(n);
        let mut data = StatusData::default();
        data.messages = wanted(StatusItems::MESSAGES, status.messages);
        data.recent = wanted(StatusItems::RECENT, status.recent);
        data.uid_next = wanted(StatusItems::UIDNEXT, status.uid_next);
        data.uid_validity = wanted(StatusItems::UIDVALIDITY, status.uid_validity.get());
        data.unseen = wanted(StatusItems::UNSEEN, status.unseen);
        data.deleted = wanted(StatusItems::DELETED, status.deleted);
        data.size = items.contains(StatusItems::SIZE).then_some(status.size);
        data.highest_modseq = items.contains(StatusItems::HIGHESTMODSEQ).then_some(status.highest_modseq.0);
        if items.contains(StatusItems::APPENDLIMIT) {
            let of_store = self.account.as_ref().and_then(|a| a.append_limit(Some(&status.id)));
            let limits = [of_store, self.config.protocol.append_limit];
            data.append_limit = Some(limits.into_iter().flatten().min());
        }
        data
    }
}

/// LIST-STATUS (RFC 5819): the figures of those rows that are to have them, in their order. A mailbox that is gone by now is
/// `\Noselect` in its row: "This means the server may have to buffer the LIST reply" (section 2).
async fn figures_of<Ac: Account>(account: &Ac, rows: &mut [Row], items: StatusItems) -> Vec<Status> {
    let ids: Vec<MailboxId> = rows.iter().filter_map(|r| r.id.clone()).collect();
    match account.status(&ids, figures(items)).await {
        Ok(figures) => {
            let mut there = figures.iter().peekable();
            for row in rows.iter_mut().filter(|r| r.id.is_some()) {
                if there.next_if(|s| Some(&s.id) == row.id.as_ref()).is_none() {
                    row.attributes |= MailboxAttributes::NO_SELECT;
                }
            }
            figures
        }
        Err(error) => {
            // "it MAY drop the corresponding STATUS reply. In such a situation, the LIST command would still return a tagged OK
            // reply." (RFC 5819 section 2)
            tracing::warn!(%error, "figures for LIST are not known");
            Vec::new()
        }
    }
}

async fn subscribe<Ac: Account>(account: &Ac, name: MailboxName, on: bool) -> StoreResult<()> {
    let found = names::find(account, &name).await?;
    account.subscribe(&found.map_or(name, |m| m.name), on).await
}

async fn delete<Ac: Account>(account: &Ac, name: &MailboxName) -> StoreResult<()> {
    let found = names::find(account, name).await?.ok_or(ErrorKind::NotFound)?;
    match found.id {
        Some(id) => account.delete(&id).await,
        // RFC 9051 section 6.3.5: a name that is only a parent of others.
        None if account.list().await?.iter().any(|m| m.id.is_some() && m.name.is_below(name)) => {
            Err(ErrorKind::Cannot.into())
        }
        None => Err(ErrorKind::NotFound.into()),
    }
}

async fn rename<Ac: Account>(account: &Ac, from: &MailboxName, to: &MailboxName) -> StoreResult<()> {
    match names::find(account, from).await? {
        Some(MailboxInfo { id: Some(id), .. }) if from.is_inbox() => move_inbox(account, &id, to).await,
        Some(MailboxInfo { id: Some(id), .. }) => account.rename(&id, to).await,
        _ => rename_below(account, from, to).await,
    }
}

/// A name that is only a parent of others is renamed with them (RFC 9051 section 6.3.6, the second example).
async fn rename_below<Ac: Account>(account: &Ac, from: &MailboxName, to: &MailboxName) -> StoreResult<()> {
    let mut there: Vec<MailboxInfo> = account.list().await?.into_iter().filter(|m| m.id.is_some()).collect();
    // A mailbox comes right before those below it.
    there.sort_by(|a, b| a.name.cmp(&b.name));
    let targets: HashSet<MailboxName> = there.iter().filter_map(|m| m.name.moved(from, to)).collect();
    if targets.is_empty() {
        return Err(ErrorKind::NotFound.into());
    }
    if to == from || to.is_below(from) {
        return Err(StoreError::new(ErrorKind::Cannot, "a mailbox cannot be put below itself"));
    }
    // All of them or none: what can be foreseen is looked at before the first.
    if there.iter().any(|m| m.name == *to || targets.contains(&m.name)) {
        return Err(ErrorKind::Exists.into());
    }
    let mut last: Option<&MailboxName> = None;
    for mailbox in &there {
        // With each goes what lies below it.
        if last.is_some_and(|last| mailbox.name.is_below(last)) {
            continue;
        }
        if let (Some(id), Some(name)) = (&mailbox.id, mailbox.name.moved(from, to)) {
            account.rename(id, &name).await?;
            last = Some(&mailbox.name);
        }
    }
    Ok(())
}

async fn status<Ac: Account>(account: &Ac, name: &MailboxName, items: StatusItems) -> StoreResult<Status> {
    let found = names::find(account, name).await?.ok_or(ErrorKind::NotFound)?;
    let id = found.id.ok_or(ErrorKind::NotFound)?;
    if !found.selectable {
        return Err(StoreError::new(ErrorKind::Cannot, "the mailbox cannot be selected"));
    }
    let mut status = account.status(&[id], figures(items)).await?;
    status.pop().ok_or_else(|| ErrorKind::NotFound.into())
}

/// RFC 9051 section 6.3.6: "Renaming INBOX is permitted and does not result in a tagged BAD response", it moves
/// all messages to the new mailbox and leaves INBOX empty; what lies below INBOX stays.
async fn move_inbox<Ac: Account>(account: &Ac, inbox: &MailboxId, to: &MailboxName) -> StoreResult<()> {
    let target = account.create(to, SpecialUse::NONE).await?;
    account.relocate(inbox, &UidSet::all(), &target).await.map(|_| ())
}

/// What the store is asked for.
fn figures(items: StatusItems) -> Figures {
    [
        (StatusItems::MESSAGES, Figures::MESSAGES),
        (StatusItems::RECENT, Figures::RECENT),
        (StatusItems::UNSEEN, Figures::UNSEEN),
        (StatusItems::DELETED, Figures::DELETED),
        (StatusItems::SIZE, Figures::SIZE),
    ]
    .into_iter()
    .filter(|(item, _)| items.contains(*item))
    .fold(Figures::NONE, |all, (_, figure)| all | figure)
}

fn bad_name(peer: &mut Client<'_>) -> Answer {
    let (code, text) = failure::of(&StoreError::new(ErrorKind::Cannot, "this is not the name of a mailbox"));
    Ok(peer.machine.no(code, &text)?)
}
