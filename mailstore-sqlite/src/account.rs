use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use mailstore_api::{
    Account, Acl, AppendOutcome, AppendSpec, CopyOutcome, ErrorKind, Hint, Interest, LocalWatch, MailboxId,
    MailboxInfo, MailboxName, MaildropLock, Metadata, OpenMode, Quota, QuotaUsage, Replaces, Result, Rights,
    Snapshot, SpecialUse, Status, StatusItems, StoreError, UidSet, Watch,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    SqliteMailbox, SqliteStaged,
    control::Place,
    error::Res,
    index::{MailboxIndex, MailboxRow, Table, figures},
    ops::{
        append, copy,
        hierarchy::{self, Made, Validities, read_name, stored_name},
    },
    queue::Weight,
    shard::Shard,
    store::Shared,
};

/// An account of a [`SqliteStore`](crate::SqliteStore).
#[derive(Clone, Debug)]
pub struct SqliteAccount {
    pub(crate) shared: Arc<Shared>,
    pub(crate) shard: Arc<Shard>,
    pub(crate) id: i64,
}

/// A mailbox of fewer messages is loaded on the caller's thread.
const SOON: u32 = 500;
/// So many mailboxes are looked at there for their figures.
const FEW: usize = 32;

/// How often a mailbox is loaded anew when other processes write meanwhile.
const TRIES: usize = 8;

impl SqliteAccount {
    pub(crate) fn new(shared: Arc<Shared>, place: Place) -> Res<Self> {
        let shard = shared.shard(place.shard)?.clone();
        Ok(Self { shared, shard, id: place.id })
    }

    pub(crate) fn number(&self, id: &MailboxId, otherwise: ErrorKind) -> Result<i64> {
        self.shard.mailbox_number(id).ok_or_else(|| otherwise.into())
    }

    /// The index of a mailbox of this account, loaded.
    pub(crate) async fn index(&self, id: i64) -> Result<Arc<MailboxIndex>> {
        for _ in 0..TRIES {
            let (index, new) = self.shard.registry.enter(id);
            if new {
                let loading = Loading(index.clone());
                // Few rows are read here, many on another thread.
                let load = move |conn: &Connection, _| match read_messages(conn, id)? {
                    ..SOON => Ok(Ok(loading.0.load(conn))),
                    _ => Ok(Err(loading)),
                };
                let worth_packing = match self.shared.pool.read_soon(self.shard.number, load).await? {
                    Ok(worth_packing) => worth_packing,
                    Err(loading) => {
                        let load = move |conn: &Connection| Ok(loading.0.load(conn));
                        self.shared.pool.read(self.shard.number, load).await?
                    }
                };
                if worth_packing {
                    // Begun and not waited for.
                    let (shard, index) = (self.shard.clone(), index.clone());
                    drop(self.shared.pool.start_files(move || {
                        if let Some(packed) = index.peek(Table::pack) {
                            shard.pack(index.id, packed);
                        }
                        Ok(())
                    }));
                }
            } else if let Some(loaded) = index.loading() {
                loaded.await?;
            }
            match index.peek(|t| t.row.account) {
                Some(account) if account == self.id => return Ok(index),
                Some(_) => return Err(ErrorKind::NotFound.into()),
                None => match index.read(|_| ()) {
                    // Another process wrote while it was loaded: once more.
                    Err(e) if e.kind == ErrorKind::Unavailable => {}
                    Err(e) if e.kind == ErrorKind::Gone => return Err(ErrorKind::NotFound.into()),
                    Err(e) => return Err(e),
                    Ok(()) => {}
                },
            }
        }
        Err(StoreError::new(ErrorKind::Unavailable, "the mailbox could not be read"))
    }

    /// Sees to it that an index has all that is committed, by whatever process.
    pub(crate) async fn refresh(&self, index: &Arc<MailboxIndex>) -> Result<()> {
        index.read(|_| ())?;
        if !self.shard.is_current(index)? {
            let index = index.clone();
            self.shared.pool.read_by_itself(self.shard.number, move |conn| index.sync(conn)).await?;
        }
        Ok(())
    }

    /// How many rows a request on a set will touch, as well as is known.
    pub(crate) fn rows_of(&self, mailbox: i64, uids: &UidSet) -> u64 {
        let known = self.shard.registry.get(mailbox).and_then(|index| index.peek(|t| t.count(uids)));
        known.unwrap_or_else(|| uids.len())
    }

    /// Makes a request with UIDVALIDITY values, again with new ones if others were faster.
    async fn with_validities<T: Send + 'static>(
        &self,
        name: &MailboxName,
        op: impl Fn(&mut crate::txn::Txn<'_>, Validities) -> Res<Made<T>> + Clone + Send + 'static,
    ) -> Result<T> {
        let needed = u32::try_from(name.parts().len()).unwrap_or(u32::MAX - 1);
        for _ in 0..1_000 {
            let shared = self.shared.clone();
            let first = self.shared.pool.files(move || shared.control.validities(needed)).await?;
            let op = op.clone();
            let weight = Weight { rows: u64::from(needed), bytes: 0 };
            if let Made::Done(done) =
                self.shard.write(weight, move |txn| op(txn, Validities { first })).await?
            {
                return Ok(done);
            }
        }
        Err(StoreError::new(ErrorKind::Unavailable, "too many mailboxes are made at once"))
    }
}

impl Account for SqliteAccount {
    type Mailbox = SqliteMailbox;
    type Watch = SqliteWatch;
    type Staged = SqliteStaged;

    async fn list(&self) -> Result<Vec<MailboxInfo>> {
        let (id, shard) = (self.id, self.shard.clone());
        self.shared.pool.read(self.shard.number, move |conn| list(conn, &shard, id)).await
    }

    async fn find(&self, name: &MailboxName) -> Result<Option<MailboxInfo>> {
        let (id, shard, name) = (self.id, self.shard.clone(), name.clone());
        self.shared.pool.read_soon(self.shard.number, move |conn, _| find(conn, &shard, id, name)).await
    }

    async fn create(&self, name: &MailboxName, special_use: SpecialUse) -> Result<MailboxId> {
        let (account, new) = (self.id, name.clone());
        let op = move |txn: &mut crate::txn::Txn<'_>, given| {
            hierarchy::create(txn, account, &new, special_use, given)
        };
        Ok(self.shard.mailbox_id(self.with_validities(name, op).await?))
    }

    async fn delete(&self, id: &MailboxId) -> Result<()> {
        let (account, id) = (self.id, self.number(id, ErrorKind::NotFound)?);
        let op = move |txn: &mut crate::txn::Txn<'_>| hierarchy::delete(txn, account, id);
        self.shard.write(Weight { rows: 1, bytes: 0 }, op).await
    }

    async fn rename(&self, id: &MailboxId, to: &MailboxName) -> Result<()> {
        let (account, id, new) = (self.id, self.number(id, ErrorKind::NotFound)?, to.clone());
        let op = move |txn: &mut crate::txn::Txn<'_>, given| hierarchy::rename(txn, account, id, &new, given);
        self.with_validities(to, op).await
    }

    async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<()> {
        let (account, name) = (self.id, name.clone());
        let op = move |txn: &mut crate::txn::Txn<'_>| hierarchy::subscribe(txn, account, &name, on);
        self.shard.write(Weight { rows: 1, bytes: 0 }, op).await
    }

    async fn set_special_use(&self, id: &MailboxId, uses: SpecialUse) -> Result<()> {
        let (account, id) = (self.id, self.number(id, ErrorKind::NotFound)?);
        let op = move |txn: &mut crate::txn::Txn<'_>| hierarchy::set_special_use(txn, account, id, uses);
        self.shard.write(Weight { rows: 1, bytes: 0 }, op).await
    }

    async fn status(&self, ids: &[MailboxId], items: StatusItems) -> Result<Vec<Status>> {
        let numbers: Vec<(usize, i64)> = ids
            .iter()
            .enumerate()
            .filter_map(|(at, id)| Some((at, self.shard.mailbox_number(id)?)))
            .collect();
        let mut found: Vec<Option<Status>> = ids.iter().map(|_| None).collect();
        let mut ask = Vec::new();
        for (at, number) in numbers {
            // Of an open mailbox, memory knows.
            let mut known = None;
            if let Some(index) = self.shard.registry.get(number)
                && self.refresh(&index).await.is_ok()
            {
                let id = self.shard.mailbox_id(number);
                known = index.peek(|t| (t.row.account == self.id).then(|| t.status(id)));
            }
            match known {
                Some(status) => {
                    if let Some(slot) = found.get_mut(at) {
                        *slot = status;
                    }
                }
                None => ask.push((at, number)),
            }
        }
        if !ask.is_empty() {
            let (account, shard) = (self.id, self.shard.clone());
            let want_recent = items.contains(StatusItems::RECENT);
            let ask_few = ask.len() <= FEW && !want_recent;
            let read = move |conn: &Connection| {
                let mut answers = Vec::with_capacity(ask.len());
                for (at, number) in ask {
                    answers.push((at, read_status(conn, &shard, account, number, want_recent)?));
                }
                Ok(answers)
            };
            // Few and without counting they are short.
            let (pool, shard) = (&self.shared.pool, self.shard.number);
            let answers = if ask_few {
                pool.read_soon(shard, move |conn, _| read(conn)).await?
            } else {
                pool.read(shard, read).await?
            };
            for (at, status) in answers {
                if let Some(slot) = found.get_mut(at) {
                    *slot = status;
                }
            }
        }
        Ok(found.into_iter().flatten().collect())
    }

    async fn open(&self, id: &MailboxId, mode: OpenMode) -> Result<(Snapshot, SqliteMailbox)> {
        let index = self.index(self.number(id, ErrorKind::NotFound)?).await?;
        let snapshot = match self.refresh(&index).await {
            Ok(()) => index.read(|t| t.snapshot(mode)),
            Err(e) => Err(e),
        };
        // Deleted meanwhile.
        let snapshot =
            snapshot.map_err(|e| if e.kind == ErrorKind::Gone { ErrorKind::NotFound.into() } else { e })?;
        Ok((snapshot, SqliteMailbox::new(self.clone(), index, mode)))
    }

    fn append_limit(&self, _: Option<&MailboxId>) -> Option<u64> {
        self.shared.options.append_limit
    }

    async fn stage(&self, id: &MailboxId, spec: AppendSpec) -> Result<SqliteStaged> {
        self.shared.check_size(spec.declared_len.unwrap_or(0))?;
        self.shared.files.reserve.admit()?;
        let (account, number) = (self.id, self.number(id, ErrorKind::NotFound)?);
        let exists = self.shard.has_mailbox(account, number)?;
        if !exists {
            return Err(ErrorKind::NotFound.into());
        }
        if let Some(octets) = spec.declared_len {
            let (limits, used) = self.shard.quota(account)?;
            limits.check(&used, &QuotaUsage { octets, messages: 1, mailboxes: 0 })?;
        }
        Ok(SqliteStaged::new(self.shared.clone(), spec))
    }

    async fn commit(
        &self,
        id: &MailboxId,
        staged: Vec<SqliteStaged>,
        replaces: Option<Replaces>,
    ) -> Result<AppendOutcome> {
        let (account, number) = (self.id, self.number(id, ErrorKind::NotFound)?);
        self.shared.files.reserve.admit()?;
        let messages = staged.into_iter().map(SqliteStaged::into_message).collect::<Result<Vec<_>>>()?;
        let replaces = match replaces {
            Some(r) => Some((self.number(&r.mailbox, ErrorKind::Gone)?, r.uid)),
            None => None,
        };
        let weight = Weight {
            rows: messages.len() as u64,
            bytes: messages.iter().map(append::NewMessage::weight).sum(),
        };
        let op =
            move |txn: &mut crate::txn::Txn<'_>| append::append(txn, account, number, &messages, replaces);
        self.shard.write(weight, op).await
    }

    async fn copy(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.transfer(from, uids, to, false).await
    }

    async fn relocate(&self, from: &MailboxId, uids: &UidSet, to: &MailboxId) -> Result<CopyOutcome> {
        self.transfer(from, uids, to, true).await
    }

    async fn watch(&self, what: Interest) -> Result<SqliteWatch> {
        Ok(SqliteWatch::new(&self.shared, &self.id.to_string(), what))
    }

    fn quota(&self) -> Option<&dyn Quota> {
        Some(self)
    }
    fn acl(&self) -> Option<&dyn Acl> {
        Some(self)
    }
    fn metadata(&self) -> Option<&dyn Metadata> {
        Some(self)
    }
    fn maildrop(&self) -> Option<&dyn MaildropLock> {
        Some(self)
    }
}

impl SqliteAccount {
    async fn transfer(
        &self,
        from: &MailboxId,
        uids: &UidSet,
        to: &MailboxId,
        and_remove: bool,
    ) -> Result<CopyOutcome> {
        if !and_remove {
            self.shared.files.reserve.admit()?;
        }
        let (account, from, to) =
            (self.id, self.number(from, ErrorKind::Gone)?, self.number(to, ErrorKind::NotFound)?);
        let (rows, uids) = (self.rows_of(from, uids), uids.clone());
        let op = move |txn: &mut crate::txn::Txn<'_>| copy::copy(txn, account, from, &uids, to, and_remove);
        self.shard.write(Weight { rows, bytes: 0 }, op).await
    }
}

/// Sees to it that nobody waits for ever for a load that was not carried out.
struct Loading(Arc<MailboxIndex>);

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.fail(ErrorKind::Unavailable.into());
    }
}

/// How many messages a mailbox has; 0 without one.
fn read_messages(conn: &Connection, number: i64) -> Res<u32> {
    let mut read = conn.prepare_cached("SELECT messages FROM mailbox WHERE id = ?1")?;
    Ok(read.query_row([number], |r| r.get(0)).optional()?.unwrap_or(0))
}

fn read_row(conn: &Connection, account: i64, number: i64) -> Res<Option<MailboxRow>> {
    let row =
        conn.prepare_cached(MailboxRow::SELECT)?.query_row([number], MailboxRow::from_row).optional()?;
    Ok(row.filter(|row| row.account == account))
}

fn read_status(
    conn: &Connection,
    shard: &Shard,
    account: i64,
    number: i64,
    want_recent: bool,
) -> Res<Option<Status>> {
    let Some(row) = read_row(conn, account, number)? else { return Ok(None) };
    let mut status = figures(&row, shard.mailbox_id(number));
    if want_recent {
        let from = shard.unwritten_claim(number).unwrap_or(0).max(row.recent);
        status.recent = conn
            .prepare_cached("SELECT count(*) FROM msg WHERE mailbox = ?1 AND uid >= ?2")?
            .query_row(params![number, from], |r| r.get(0))?;
    }
    Ok(Some(status))
}

fn real(shard: &Shard, id: i64, name: MailboxName, uses: u16, subscribed: bool) -> MailboxInfo {
    MailboxInfo {
        id: Some(shard.mailbox_id(id)),
        name,
        selectable: true,
        subscribed,
        special_use: SpecialUse::from_bits(uses),
        rights: Rights::OWNER,
    }
}

fn unreal(name: MailboxName, subscribed: bool) -> MailboxInfo {
    MailboxInfo {
        id: None,
        name,
        selectable: false,
        subscribed,
        special_use: SpecialUse::NONE,
        rights: Rights::OWNER,
    }
}

fn list(conn: &Connection, shard: &Shard, account: i64) -> Res<Vec<MailboxInfo>> {
    let mut subscribed = BTreeSet::new();
    let mut read = conn.prepare_cached("SELECT name FROM subscription WHERE account = ?1")?;
    let mut rows = read.query([account])?;
    while let Some(r) = rows.next()? {
        subscribed.extend(read_name(r.get_ref(0)?.as_str()?));
    }
    let mut all = Vec::new();
    let mut read =
        conn.prepare_cached("SELECT id, name, uses FROM mailbox WHERE account = ?1 AND name IS NOT NULL")?;
    let mut rows = read.query([account])?;
    while let Some(r) = rows.next()? {
        if let Some(name) = read_name(r.get_ref(1)?.as_str()?) {
            let is_subscribed = subscribed.contains(&name);
            all.push(real(shard, r.get(0)?, name, r.get(2)?, is_subscribed));
        }
    }
    // Names without a mailbox: parents whose mailbox was deleted, and mere subscriptions.
    let there: BTreeSet<MailboxName> = all.iter().map(|m| m.name.clone()).collect();
    let mut others = subscribed.clone();
    others.extend(there.iter().flat_map(|name| std::iter::successors(name.parent(), MailboxName::parent)));
    all.extend(others.into_iter().filter(|name| !there.contains(name)).map(|name| {
        let is_subscribed = subscribed.contains(&name);
        unreal(name, is_subscribed)
    }));
    Ok(all)
}

fn find(conn: &Connection, shard: &Shard, account: i64, name: MailboxName) -> Res<Option<MailboxInfo>> {
    let stored = stored_name(&name);
    let subscribed = conn
        .prepare_cached("SELECT 1 FROM subscription WHERE account = ?1 AND name = ?2")?
        .exists(params![account, stored])?;
    let found: Option<(i64, u16)> = conn
        .prepare_cached("SELECT id, uses FROM mailbox WHERE account = ?1 AND name = ?2")?
        .query_row(params![account, stored], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    if let Some((id, uses)) = found {
        return Ok(Some(real(shard, id, name, uses, subscribed)));
    }
    // Those below it begin with its name and the separator, U+001F, which U+0020 follows.
    let is_parent = conn
        .prepare_cached("SELECT 1 FROM mailbox WHERE account = ?1 AND name > ?2 AND name < ?3 LIMIT 1")?
        .exists(params![account, format!("{stored}\u{1f}"), format!("{stored}\u{20}")])?;
    Ok((subscribed || is_parent).then(|| unreal(name, subscribed)))
}

/// Hints for an account of a [`SqliteStore`](crate::SqliteStore).
#[derive(Debug)]
pub struct SqliteWatch {
    inner: LocalWatch,
    count: Arc<AtomicUsize>,
}

impl SqliteWatch {
    pub(crate) fn new(shared: &Shared, account: &str, what: Interest) -> Self {
        shared.watches.fetch_add(1, Ordering::Relaxed);
        Self { inner: shared.hub.watch(account, what), count: shared.watches.clone() }
    }
}

impl Watch for SqliteWatch {
    async fn changed(&mut self) -> Result<Hint> {
        self.inner.changed().await
    }
}

impl Drop for SqliteWatch {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
