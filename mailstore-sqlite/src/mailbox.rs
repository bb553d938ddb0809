use std::sync::Arc;

use mailstore_api::{
    Changes, Derived, ErrorKind, ExpungeOutcome, FlagOp, FlagOutcome, Flags, InternalDate, Mailbox,
    MetaBatch, MetaItems, ModSeq, OpenMode, Part, Query, Result, SearchOutcome, Snapshot, StoreError, Uid,
    UidSet,
};
use rusqlite::{Connection, params};

use crate::{
    SqliteAccount, SqliteBody, body,
    error::Res,
    index::{MailboxIndex, Table},
    ops::{
        derived::{keep_uidl, prefix_key},
        expunge, flags,
    },
    pool::Budget,
    queue::Weight,
    shard::Shard,
};

/// An open mailbox of a [`SqliteStore`](crate::SqliteStore).
#[derive(Clone, Debug)]
pub struct SqliteMailbox {
    account: SqliteAccount,
    index: Arc<MailboxIndex>,
    mode: OpenMode,
}

/// Items the index does not have.
const IN_DATABASE: MetaItems = MetaItems::ENVELOPE
    .and(MetaItems::BODY_STRUCTURE)
    .and(MetaItems::PREVIEW)
    .and(MetaItems::OBJECT_IDS)
    .and(MetaItems::POP3_UIDL)
    .and(MetaItems::SAVE_DATE);

/// Messages opened ahead, at most, and octets after which no further one is.
const AHEAD: usize = 64;
const AHEAD_OCTETS: usize = 256 * 1024;

impl SqliteMailbox {
    pub(crate) fn new(account: SqliteAccount, index: Arc<MailboxIndex>, mode: OpenMode) -> Self {
        Self { account, index, mode }
    }

    /// Octets of memory that its index takes, shared by all who have the mailbox open.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when the mailbox is deleted.
    pub fn index_octets(&self) -> Result<usize> {
        self.index.read(Table::octets)
    }

    fn may_write(&self) -> Result<()> {
        match self.mode {
            OpenMode::Select => Ok(()),
            OpenMode::Examine => {
                Err(StoreError::new(ErrorKind::NoPerm, "the mailbox is open for reading only"))
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.account.shared.pool.read(self.account.shard.number, read).await
    }

    /// A read that is short, or that keeps to its budget.
    async fn read_soon<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, Budget) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        self.account.shared.pool.read_soon(self.account.shard.number, read).await
    }

    /// What was expunged in this interval, of which the memory of the index no longer knows.
    async fn older_expunges(&self, after: ModSeq, upto: u64) -> Result<UidSet> {
        let id = self.index.id;
        self.read(move |conn| {
            let floor: u64 = conn
                .prepare_cached("SELECT expunged_floor FROM mailbox WHERE id = ?1")?
                .query_row([id], |r| r.get(0))?;
            if after.0 < floor {
                return Err(ErrorKind::HistoryLost.into());
            }
            let mut read = conn.prepare_cached(
                "SELECT first, last FROM expunged WHERE mailbox = ?1 AND modseq > ?2 AND modseq <= ?3",
            )?;
            let ranges: Vec<(u32, u32)> = read
                .query_map(params![id, after.0, upto], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(UidSet::from_ranges(ranges))
        })
        .await
    }
}

impl Mailbox for SqliteMailbox {
    type Body = SqliteBody;

    async fn changes(&self, after: ModSeq, limit: usize) -> Result<Changes> {
        self.account.refresh(&self.index).await?;
        let mut cut = self.index.read(|t| t.changes(after, limit))??;
        if let Some(upto) = cut.vanished_upto {
            let older = self.older_expunges(after, upto).await?;
            cut.changes.vanished = cut.changes.vanished.union(&older);
        }
        Ok(cut.changes)
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        self.account.refresh(&self.index).await?;
        self.index.read(|t| t.snapshot(self.mode))
    }

    async fn vanished_since(&self, since: ModSeq, known: &UidSet) -> Result<UidSet> {
        self.account.refresh(&self.index).await?;
        let (mut vanished, older) = self.index.read(|t| t.vanished_since(since))??;
        if let Some(upto) = older {
            vanished = vanished.union(&self.older_expunges(since, upto).await?);
        }
        Ok(vanished.intersection(known))
    }

    async fn meta(
        &self,
        uids: &UidSet,
        want: MetaItems,
        changed_since: Option<ModSeq>,
        limit: usize,
    ) -> Result<MetaBatch> {
        self.account.refresh(&self.index).await?;
        let mut batch = self.index.read(|t| t.meta(uids, changed_since, limit))?;
        if (want & IN_DATABASE).is_empty() || batch.items.is_empty() {
            return Ok(batch);
        }
        let (account, id, shard) = (self.account.id, self.index.id, self.account.shard.clone());
        if shard.recall(id, want, &mut batch.items) {
            return Ok(batch);
        }
        self.read_soon(move |conn, budget| {
            let mut read = conn.prepare_cached(
                "SELECT body, prefix, saved, pop3_uidl FROM msg WHERE mailbox = ?1 AND uid = ?2",
            )?;
            let mut done = 0;
            for item in &mut batch.items {
                if done > 0 && budget.is_spent() {
                    break;
                }
                done += 1;
                if item.more.is_some() {
                    continue;
                }
                let mut rows = read.query(params![id, item.uid.get()])?;
                let Some(r) = rows.next()? else { continue };
                let mut more = Derived::default();
                let body: i64 = r.get(0)?;
                if want.contains(MetaItems::SAVE_DATE) {
                    more.save_date = Some(InternalDate { seconds: r.get(2)?, zone_minutes: 0 });
                }
                if want.contains(MetaItems::POP3_UIDL) {
                    more.pop3_uidl = r.get(3)?;
                }
                let prefix = prefix_key(r.get_ref(1)?.as_blob_or_null()?);
                read_derived(conn, &shard, (body, account, prefix), want, &mut more)?;
                if let Some(new) = shard.unwritten_derived(id, item.uid.get()) {
                    overlay(&mut more, new, want);
                }
                if more != Derived::default() {
                    shard.keep_at_hand(id, item.uid.get(), &more);
                    item.more = Some(Box::new(more));
                }
            }
            if done < batch.items.len() {
                batch.items.truncate(done);
                batch.resume_after = batch.items.last().map(|m| m.uid);
            }
            Ok(batch)
        })
        .await
    }

    async fn body(&self, uid: Uid, part: Part) -> Result<SqliteBody> {
        // Also of a mailbox that is deleted, and whose rows are still there.
        self.index.read(|_| ())?;
        let (id, shared) = (self.index.id, self.account.shared.clone());
        let pool = shared.pool.clone();
        let open = move |conn: &Connection, _| body::open(conn, &shared.files, &pool, id, uid, part);
        if let Some(body) = self.read_soon(open.clone()).await? {
            return Ok(body);
        }
        // Expunged, committed and unlinked since that read began? A new one tells.
        let body = self.read_soon(open).await?;
        body.ok_or_else(|| StoreError::new(ErrorKind::Corrupt, "a message's file is missing"))
    }

    async fn bodies(&self, uids: &[Uid], part: Part) -> Result<Vec<(Uid, SqliteBody)>> {
        self.index.read(|_| ())?;
        let (id, shared) = (self.index.id, self.account.shared.clone());
        let (pool, uids) = (shared.pool.clone(), uids.iter().take(AHEAD).copied().collect::<Vec<_>>());
        self.read_soon(move |conn, budget| {
            body::open_many(conn, &shared.files, &pool, id, (&uids, part), (budget, AHEAD_OCTETS))
        })
        .await
    }

    async fn remember(&self, uid: Uid, mut derived: Derived) {
        let (id, uid) = (self.index.id, uid.get());
        // A client would fetch all mail again: this is not left for later.
        if let Some(uidl) = derived.pop3_uidl.take() {
            let keep = move |txn: &mut crate::txn::Txn<'_>| keep_uidl(txn.conn, id, uid, &uidl);
            let _ = self.account.shard.write(Weight { rows: 1, bytes: 0 }, keep).await;
        }
        // The store knows these by itself.
        (derived.email_id, derived.save_date) = (None, None);
        if derived != Derived::default() {
            self.account.shard.keep_at_hand(id, uid, &derived);
            self.account.shard.remember(id, uid, derived);
        }
    }

    async fn set_flags(
        &self,
        uids: &UidSet,
        op: FlagOp,
        flags: &Flags,
        unchanged_since: Option<ModSeq>,
    ) -> Result<FlagOutcome> {
        self.may_write()?;
        let (account, id) = (self.account.id, self.index.id);
        let (rows, uids, flags) = (self.account.rows_of(id, uids), uids.clone(), flags.clone());
        let run = move |txn: &mut crate::txn::Txn<'_>| {
            flags::set_flags(txn, account, id, &uids, op, &flags, unchanged_since)
        };
        self.account.shard.write(Weight { rows, bytes: 0 }, run).await
    }

    async fn expunge(&self, uids: Option<&UidSet>, only_deleted: bool) -> Result<ExpungeOutcome> {
        self.may_write()?;
        let (account, id) = (self.account.id, self.index.id);
        let uids = uids.cloned().unwrap_or_else(UidSet::all);
        let rows = self.account.rows_of(id, &uids);
        let run =
            move |txn: &mut crate::txn::Txn<'_>| expunge::expunge(txn, account, id, &uids, only_deleted);
        self.account.shard.write(Weight { rows, bytes: 0 }, run).await
    }

    async fn search(&self, query: &Query) -> Result<SearchOutcome> {
        self.account.refresh(&self.index).await?;
        self.index.read(|t| t.search(query))
    }

    async fn claim_recent(&self) -> Result<Option<Uid>> {
        self.account.refresh(&self.index).await?;
        // EXAMINE takes nobody's \Recent away (RFC 3501 section 6.3.2).
        let first = match self.mode {
            OpenMode::Examine => self.index.read(|t| t.first_recent())?,
            OpenMode::Select => {
                let first = self.index.claim_recent()?;
                if first.is_some() {
                    let from = self.index.read(|t| t.row.recent)?;
                    self.account.shard.claimed(self.index.id, from);
                }
                first
            }
        };
        Ok(first.and_then(Uid::new))
    }
}

fn read_derived(
    conn: &Connection,
    shard: &Shard,
    (body, account, prefix): (i64, i64, i64),
    want: MetaItems,
    more: &mut Derived,
) -> Res<()> {
    if want.contains(MetaItems::OBJECT_IDS) {
        more.email_id = Some(shard.email_id(body));
    }
    let kept = MetaItems::ENVELOPE | MetaItems::BODY_STRUCTURE | MetaItems::PREVIEW | MetaItems::OBJECT_IDS;
    if (want & kept).is_empty() {
        return Ok(());
    }
    let mut read = conn.prepare_cached(
        "SELECT thread, preview, envelope, structure FROM derived \
         WHERE body = ?1 AND account = ?2 AND prefix = ?3",
    )?;
    let mut rows = read.query(params![body, account, prefix])?;
    let Some(r) = rows.next()? else { return Ok(()) };
    if want.contains(MetaItems::OBJECT_IDS) {
        more.thread_id = r.get(0)?;
    }
    if want.contains(MetaItems::PREVIEW) {
        more.preview = r.get(1)?;
    }
    if want.contains(MetaItems::ENVELOPE) {
        more.envelope = r.get::<_, Option<Vec<u8>>>(2)?.map(Into::into);
    }
    if want.contains(MetaItems::BODY_STRUCTURE) {
        more.body_structure = r.get::<_, Option<Vec<u8>>>(3)?.map(Into::into);
    }
    Ok(())
}

/// What is newer than the database has.
fn overlay(more: &mut Derived, new: Derived, want: MetaItems) {
    if want.contains(MetaItems::ENVELOPE) && new.envelope.is_some() {
        more.envelope = new.envelope;
    }
    if want.contains(MetaItems::BODY_STRUCTURE) && new.body_structure.is_some() {
        more.body_structure = new.body_structure;
    }
    if want.contains(MetaItems::PREVIEW) && new.preview.is_some() {
        more.preview = new.preview;
    }
    if want.contains(MetaItems::OBJECT_IDS) && new.thread_id.is_some() {
        more.thread_id = new.thread_id;
    }
}
