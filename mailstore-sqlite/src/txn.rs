//! One write transaction of a shard, which carries a group of requests.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use mailstore_api::{ErrorKind, Result};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bits::Keywords,
    error::{Fault, Res, closed},
    index::{Effect, MailboxRow, read_keywords},
    oneshot::Sender,
    shard::Shard,
};

/// Who is told of a change after the commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Notice {
    Mailbox { account: i64, id: i64 },
    Hierarchy { account: i64 },
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

pub(crate) struct Txn<'c> {
    pub(crate) conn: &'c Connection,
    pub(crate) shard: &'c Shard,
    /// Mailboxes read in this transaction: never trusted beyond it, since another process may write between.
    mailboxes: HashMap<i64, Cached>,
    undo: Vec<(i64, Option<Cached>)>,
    keywords: HashMap<i64, Arc<Keywords>>,
    /// As they are if this commits.
    pub(crate) numbers: BodyNumbers,
    more_numbers: bool,
    pub(crate) after: Aftermath,
    /// Body files that became visible by this transaction, and the directories to sync before its commit.
    placed: Vec<PathBuf>,
    dirs: BTreeSet<PathBuf>,
}

impl<'c> Txn<'c> {
    pub(crate) fn new(conn: &'c Connection, shard: &'c Shard, numbers: BodyNumbers) -> Self {
        Self {
            conn,
            shard,
            mailboxes: HashMap::new(),
            undo: Vec::new(),
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
        let old = self.mailboxes.insert(id, Cached { row, changed: true });
        self.undo.push((id, old));
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
    pub(crate) fn place(&mut self, temp: &crate::files::TempFile, body: i64) -> Res<String> {
        let placed = self.shard.files.place(temp, self.shard.number, body)?;
        self.dirs.extend(placed.full.parent().map(PathBuf::from));
        self.placed.push(placed.full);
        Ok(placed.path)
    }

    fn unplace(&mut self, keep: usize) {
        for path in self.placed.drain(keep.min(self.placed.len())..) {
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
                     unseen = ?6, deleted = ?7, octets = ?8, tombstones = ?9 WHERE id = ?1",
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
                    row.tombstones
                ])?;
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

    /// The transaction is rolled back: files that were placed for it go. Not after a failed commit, which may
    /// have happened all the same.
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
