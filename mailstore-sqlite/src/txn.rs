//! One write transaction of a shard, which carries a group of requests.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use mailstore_api::{ErrorKind, QuotaLimits, QuotaUsage, Result};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bits::Keywords,
    error::{Fault, Res, closed},
    files::TempFile,
    index::{Effect, MailboxRow, read_keywords},
    oneshot::Sender,
    ops::quota,
    shard::Shard,
};

/// Who is told of a change after the commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Notice {
    Mailbox {
        account: i64,
        id: i64,
    },
    Hierarchy {
        account: i64,
    },
    /// An entry of the queue is new, or due at another time.
    Queue,
}

/// What a commit has to be followed by.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    pub(crate) effects: Vec<Arc<Effect>>,
    pub(crate) notices: Vec<Notice>,
    /// Files below `bodies/` whose last reference is gone.
    pub(crate) unlinks: Vec<String>,
    /// Something was deleted that goes in small steps.
    pub(crate) reap: bool,
}

#[derive(Clone, Copy)]
struct Cached {
    /// `None`: deleted in this transaction.
    row: Option<MailboxRow>,
    changed: bool,
}

/// Numbers for bodies that the database has given to this process: each is used once, by whatever process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BodyNumbers {
    next: i64,
    end: i64,
}

/// Taken at once: most commits then need not write that they were taken.
const BODY_NUMBERS: i64 = 1024;
/// What changes of an account's use in this transaction.
#[derive(Clone, Copy, Default)]
struct Delta {
    octets: i64,
    messages: i64,
    mailboxes: i64,
}

fn difference(new: u64, old: u64) -> i64 {
    i64::try_from(i128::from(new) - i128::from(old)).unwrap_or(0)
}

pub(crate) struct Txn<'c> {
    pub(crate) conn: &'c Connection,
    pub(crate) shard: &'c Shard,
    /// Mailboxes read in this transaction: never trusted beyond it, since another process may write between.
    mailboxes: HashMap<i64, Cached>,
    undo: Vec<(i64, Option<Cached>)>,
    /// What accounts may keep and kept when this transaction began; those without a row have no limits.
    quotas: HashMap<i64, (QuotaLimits, QuotaUsage)>,
    deltas: HashMap<i64, Delta>,
    undo_deltas: Vec<(i64, Option<Delta>)>,
    keywords: HashMap<i64, Arc<Keywords>>,
    /// As they are if this commits.
    pub(crate) numbers: BodyNumbers,
    more_numbers: bool,
    pub(crate) after: Aftermath,
    /// Body files that became visible by this transaction, and the directories to sync before its commit. Their first
    /// names are held until it is over: by them the files are found again when the process dies before.
    placed: Vec<(PathBuf, Arc<TempFile>)>,
    dirs: BTreeSet<PathBuf>,
}

impl<'c> Txn<'c> {
    pub(crate) fn new(conn: &'c Connection, shard: &'c Shard, numbers: BodyNumbers) -> Self {
        Self {
            conn,
            shard,
            mailboxes: HashMap::new(),
            undo: Vec::new(),
            quotas: HashMap::new(),
            deltas: HashMap::new(),
            undo_deltas: Vec::new(),
            keywords: HashMap::new(),
            numbers,
            more_numbers: false,
            after: Aftermath::default(),
            placed: Vec::new(),
            dirs: BTreeSet::new(),
        }
    }

    /// Does one request wholly or not at all; others in the group are not touched by its failure.
    pub(crate) fn step<T>(&mut self, op: impl FnOnce(&mut Self) -> Res<T>) -> Res<T> {
        self.execute("SAVEPOINT request")?;
        let (effects, notices) = (self.after.effects.len(), self.after.notices.len());
        let (unlinks, placed) = (self.after.unlinks.len(), self.placed.len());
        self.undo.clear();
        self.undo_deltas.clear();
        match op(self) {
            Ok(value) => {
                self.execute("RELEASE request")?;
                Ok(value)
            }
            Err(fault) => {
                while let Some((id, old)) = self.undo.pop() {
                    match old {
                        Some(old) => self.mailboxes.insert(id, old),
                        None => self.mailboxes.remove(&id),
                    };
                }
                while let Some((account, old)) = self.undo_deltas.pop() {
                    match old {
                        Some(old) => self.deltas.insert(account, old),
                        None => self.deltas.remove(&account),
                    };
                }
                // It may have set limits, or made the account.
                self.quotas.clear();
                self.keywords.clear();
                self.after.effects.truncate(effects);
                self.after.notices.truncate(notices);
                self.after.unlinks.truncate(unlinks);
                self.unplace(placed);
                // A full disk may have ended the whole transaction already; the writer looks after that.
                if !self.conn.is_autocommit() {
                    self.execute("ROLLBACK TO request")?;
                    self.execute("RELEASE request")?;
                }
                Err(fault)
            }
        }
    }

    fn execute(&self, sql: &str) -> Res<()> {
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// The mailbox of an account.
    pub(crate) fn mailbox(&mut self, account: i64, id: i64, otherwise: ErrorKind) -> Res<MailboxRow> {
        let cached = match self.mailboxes.get(&id) {
            Some(cached) => *cached,
            None => {
                let mut read = self.conn.prepare_cached(MailboxRow::SELECT)?;
                let row = read.query_row([id], MailboxRow::from_row).optional()?;
                let cached = Cached { row, changed: false };
                self.mailboxes.insert(id, cached);
                cached
            }
        };
        match cached.row {
            Some(row) if row.account == account => Ok(row),
            _ => Err(otherwise.into()),
        }
    }

    fn set(&mut self, id: i64, row: Option<MailboxRow>) {
        let known = self.mailboxes.get(&id).and_then(|cached| cached.row);
        if let Some(of) = known.or(row) {
            let figures =
                |row: Option<MailboxRow>| row.map_or((0, 0, 0), |r| (r.octets, u64::from(r.messages), 1));
            let (new, old) = (figures(row), figures(known.or(row)));
            self.adjust(
                of.account,
                Delta {
                    octets: difference(new.0, old.0),
                    messages: difference(new.1, old.1),
                    mailboxes: difference(new.2, old.2),
                },
            );
        }
        let old = self.mailboxes.insert(id, Cached { row, changed: true });
        self.undo.push((id, old));
    }

    fn adjust(&mut self, account: i64, by: Delta) {
        let old = self.deltas.get(&account).copied();
        self.undo_deltas.push((account, old));
        let old = old.unwrap_or_default();
        let new = Delta {
            octets: old.octets.saturating_add(by.octets),
            messages: old.messages.saturating_add(by.messages),
            mailboxes: old.mailboxes.saturating_add(by.mailboxes),
        };
        self.deltas.insert(account, new);
    }

    /// An account has a mailbox more.
    pub(crate) fn count_mailbox(&mut self, account: i64) {
        self.adjust(account, Delta { mailboxes: 1, ..Delta::default() });
    }

    /// An account's limits were changed.
    pub(crate) fn forget_limits(&mut self, account: i64) {
        self.quotas.remove(&account);
    }

    /// An account's row is gone, or about to be made anew.
    pub(crate) fn forget_account(&mut self, account: i64) {
        self.quotas.remove(&account);
        self.undo_deltas.push((account, self.deltas.remove(&account)));
    }

    /// Refuses what would exceed a limit of the account, with all that this transaction did before.
    pub(crate) fn check_quota(&mut self, account: i64, more: &QuotaUsage) -> Res<()> {
        let (limits, mut used) = match self.quotas.get(&account) {
            Some(known) => *known,
            None => {
                let read = quota::read(self.conn, account)?.unwrap_or_default();
                self.quotas.insert(account, read);
                read
            }
        };
        if let Some(delta) = self.deltas.get(&account) {
            used.octets = used.octets.saturating_add_signed(delta.octets);
            used.messages = used.messages.saturating_add_signed(delta.messages);
            used.mailboxes = used.mailboxes.saturating_add_signed(delta.mailboxes);
        }
        Ok(limits.check(&used, more)?)
    }

    /// Takes over a finished change of a mailbox.
    pub(crate) fn change(&mut self, effect: Effect) {
        if effect.row.modseq == effect.before {
            return;
        }
        let (account, id) = (effect.row.account, effect.row.id);
        self.set(id, Some(effect.row));
        self.after.effects.push(Arc::new(effect));
        self.after.notices.push(Notice::Mailbox { account, id });
    }

    /// Takes over the figures of a mailbox that nobody can see or have open.
    pub(crate) fn change_unseen(&mut self, row: MailboxRow) {
        self.set(row.id, Some(row));
    }

    /// A mailbox is deleted.
    pub(crate) fn forget(&mut self, row: MailboxRow) {
        self.set(row.id, None);
        self.after.effects.push(Arc::new(Effect { deleted: true, ..Effect::new(row) }));
        self.after.notices.push(Notice::Mailbox { account: row.account, id: row.id });
        self.after.reap = true;
    }

    pub(crate) fn keywords(&mut self, mailbox: i64) -> Res<Arc<Keywords>> {
        if let Some(known) = self.keywords.get(&mailbox) {
            return Ok(known.clone());
        }
        let known = Arc::new(read_keywords(self.conn, mailbox)?);
        self.keywords.insert(mailbox, known.clone());
        Ok(known)
    }

    pub(crate) fn set_keywords(&mut self, mailbox: i64, keywords: Arc<Keywords>) {
        self.keywords.insert(mailbox, keywords);
    }

    /// A body's number, never used before.
    pub(crate) fn new_body(&mut self) -> Res<i64> {
        if self.numbers.next >= self.numbers.end {
            // Taken in this transaction already: then those that follow are this process's as well.
            if !self.more_numbers {
                let mut read = self.conn.prepare_cached("SELECT value FROM meta WHERE key = 'next_body'")?;
                self.numbers.next = read.query_row([], |r| r.get(0)).optional()?.unwrap_or(1);
            }
            self.numbers.end = self.numbers.next + BODY_NUMBERS;
            self.more_numbers = true;
        }
        let number = self.numbers.next;
        self.numbers.next += 1;
        Ok(number)
    }

    /// Gives a body's file its place, and sees to it that the place is durable with the commit.
    pub(crate) fn place(&mut self, temp: &Arc<TempFile>, body: i64) -> Res<String> {
        let placed = self.shard.files.place(temp, self.shard.number, body)?;
        self.dirs.extend(placed.full.parent().map(PathBuf::from));
        self.placed.push((placed.full, temp.clone()));
        Ok(placed.path)
    }

    fn unplace(&mut self, keep: usize) {
        for (path, _) in self.placed.drain(keep.min(self.placed.len())..) {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Writes what was collected. The commit is next.
    pub(crate) fn finish(&mut self) -> Res<()> {
        for (id, cached) in &self.mailboxes {
            let Cached { row: Some(row), changed: true } = cached else { continue };
            self.conn
                .prepare_cached(
                    "UPDATE mailbox SET uidnext = ?2, modseq = ?3, expunged_floor = ?4, messages = ?5, \
                     unseen = ?6, deleted = ?7, octets = ?8, tombstones = ?9, changed_floor = ?10 WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    row.uidnext,
                    row.modseq,
                    row.floor,
                    row.messages,
                    row.unseen,
                    row.deleted,
                    row.octets,
                    row.tombstones,
                    row.changed_floor
                ])?;
        }
        for (account, delta) in &self.deltas {
            quota::count(self.conn, *account, [delta.octets, delta.messages, delta.mailboxes])?;
        }
        if self.more_numbers {
            self.conn
                .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('next_body', ?1)")?
                .execute([self.numbers.end])?;
        }
        for dir in &self.dirs {
            crate::schema::sync_dir(dir)?;
        }
        Ok(())
    }

    /// The commit failed, and may have happened all the same: its files are kept, for the next process to look at.
    pub(crate) fn doubt(&self) {
        for (_, temp) in &self.placed {
            self.shard.files.keep(temp);
        }
    }

    /// The transaction is rolled back: files that were placed for it go. Not after a failed commit.
    pub(crate) fn abandon(&mut self) {
        self.unplace(0);
    }
}

/// A request to a writer thread.
pub(crate) trait Job: Send {
    fn run(&mut self, txn: &mut Txn<'_>);
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// A request with the place its answer goes to.
pub(crate) struct Request<T, F> {
    pub(crate) op: Option<F>,
    pub(crate) outcome: Option<Res<T>>,
    pub(crate) to: Sender<Result<T>>,
}

impl<T, F> Job for Request<T, F>
where
    T: Send,
    F: FnOnce(&mut Txn<'_>) -> Res<T> + Send,
{
    fn run(&mut self, txn: &mut Txn<'_>) {
        if let Some(op) = self.op.take() {
            self.outcome = Some(txn.step(op));
        }
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        self.to.send(match (self.outcome, committed) {
            // A refusal by the contract stands, whatever became of the others.
            (Some(Err(Fault::Refused(e))), _) | (_, Err(e)) => Err(e),
            (Some(Err(fault)), Ok(())) => Err(fault.into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(closed()),
        });
    }
}
