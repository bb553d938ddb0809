//! What is in memory of an open mailbox: shared by all who have it open, gone when the last of them goes.
//!
//! The writer thread brings it up to date after each commit and before it answers. So FETCH FLAGS, UID
//! SEARCH, changes and STATUS of an open mailbox touch no database, and changes become visible in the order
//! of their modseqs.

mod load;
mod pack;
mod packed;
mod search;
mod table;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak, atomic::AtomicU64},
};

use mailstore_api::{ErrorKind, InternalDate, Result, StoreError, UidSet};
use rusqlite::Connection;

pub(crate) use self::{
    load::read_keywords,
    pack::Packed,
    table::{Table, figures},
};
use crate::{
    bits::{Bits, Keywords},
    error::Res,
    oneshot::{Receiver, Sender, channel, lock},
};

/// A mailbox's row: its figures at one modseq.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MailboxRow {
    pub(crate) id: i64,
    pub(crate) account: i64,
    pub(crate) uidvalidity: u32,
    pub(crate) uidnext: u32,
    pub(crate) modseq: u64,
    pub(crate) floor: u64,
    pub(crate) messages: u32,
    pub(crate) unseen: u32,
    pub(crate) deleted: u32,
    pub(crate) octets: u64,
    pub(crate) tombstones: u64,
    pub(crate) recent: u32,
    /// See [`crate::ops::changed`].
    pub(crate) changed_floor: u64,
}

impl MailboxRow {
    /// For [`from_row`](Self::from_row); only mailboxes that are not deleted.
    pub(crate) const SELECT: &'static str = "SELECT id, account, uidvalidity, uidnext, modseq, expunged_floor, \
        messages, unseen, deleted, octets, tombstones, recent, changed_floor FROM mailbox WHERE id = ?1 AND name IS NOT NULL";

    pub(crate) fn from_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: r.get(0)?,
            account: r.get(1)?,
            uidvalidity: r.get(2)?,
            uidnext: r.get(3)?,
            modseq: r.get(4)?,
            floor: r.get(5)?,
            messages: r.get(6)?,
            unseen: r.get(7)?,
            deleted: r.get(8)?,
            octets: r.get(9)?,
            tombstones: r.get(10)?,
            recent: r.get(11)?,
            changed_floor: r.get(12)?,
        })
    }
}

/// A message that came.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) uid: u32,
    pub(crate) modseq: u64,
    pub(crate) bits: Bits,
    pub(crate) size: u64,
    pub(crate) date: InternalDate,
}

/// A message whose flags changed.
#[derive(Clone, Debug)]
pub(crate) struct Flagged {
    pub(crate) uid: u32,
    pub(crate) modseq: u64,
    pub(crate) bits: Bits,
}

/// What one request did to one mailbox: applied to its index after the commit.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The modseq this builds upon.
    pub(crate) before: u64,
    /// The mailbox after it.
    pub(crate) row: MailboxRow,
    pub(crate) removed: UidSet,
    /// Ascending by UID.
    pub(crate) flagged: Vec<Flagged>,
    /// Ascending by UID, and above all that were there.
    pub(crate) added: Vec<Added>,
    /// Where the numbers of keywords changed.
    pub(crate) keywords: Option<Arc<Keywords>>,
    pub(crate) deleted: bool,
}

impl Effect {
    pub(crate) fn new(row: MailboxRow) -> Self {
        Self {
            before: row.modseq,
            row,
            removed: UidSet::new(),
            flagged: Vec::new(),
            added: Vec::new(),
            keywords: None,
            deleted: false,
        }
    }
}

enum State {
    Loading { pending: Vec<Arc<Effect>>, waiting: Vec<Sender<()>> },
    Ready(Box<Table>),
    Gone,
    Failed(StoreError),
}

/// One open mailbox.
pub(crate) struct MailboxIndex {
    pub(crate) id: i64,
    /// See [`Shard::is_current`](crate::shard::Shard::is_current).
    pub(crate) checked: AtomicU64,
    state: RwLock<State>,
    registry: Weak<Registry>,
}

impl std::fmt::Debug for MailboxIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailboxIndex").field("id", &self.id).finish_non_exhaustive()
    }
}

/// All open mailboxes of a shard.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    open: Mutex<HashMap<i64, Weak<MailboxIndex>>>,
}

impl Registry {
    /// The index of a mailbox; the flag tells that it is new, and that the caller has to see that it is loaded.
    pub(crate) fn enter(self: &Arc<Self>, id: i64) -> (Arc<MailboxIndex>, bool) {
        let mut open = lock(&self.open);
        if let Some(index) = open.get(&id).and_then(Weak::upgrade)
            && !index.is_over()
        {
            return (index, false);
        }
        let state = RwLock::new(State::Loading { pending: Vec::new(), waiting: Vec::new() });
        let index =
            Arc::new(MailboxIndex { id, checked: AtomicU64::new(0), state, registry: Arc::downgrade(self) });
        open.insert(id, Arc::downgrade(&index));
        (index, true)
    }

    pub(crate) fn get(&self, id: i64) -> Option<Arc<MailboxIndex>> {
        // The guard goes before the index may: its drop takes the same lock.
        let weak = lock(&self.open).get(&id).cloned();
        weak?.upgrade()
    }

    pub(crate) fn all(&self) -> Vec<Arc<MailboxIndex>> {
        let weak: Vec<_> = lock(&self.open).values().cloned().collect();
        weak.iter().filter_map(Weak::upgrade).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.open).is_empty()
    }
}

impl Drop for MailboxIndex {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            let mut open = lock(&registry.open);
            // Another index may have taken the place already.
            if open.get(&self.id).is_some_and(|weak| weak.strong_count() == 0) {
                open.remove(&self.id);
            }
        }
    }
}

impl MailboxIndex {
    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        matches!(*self.read_state(), State::Gone | State::Failed(_))
    }

    /// Reads the table.
    ///
    /// # Errors
    /// [`ErrorKind::Gone`] when the mailbox is deleted.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Table) -> T) -> Result<T> {
        match &*self.read_state() {
            State::Ready(table) => Ok(read(table)),
            State::Gone => Err(ErrorKind::Gone.into()),
            State::Failed(e) => Err(e.clone()),
            State::Loading { .. } => Err(ErrorKind::Unavailable.into()),
        }
    }

    /// Reads the table if it is there.
    pub(crate) fn peek<T>(&self, read: impl FnOnce(&Table) -> T) -> Option<T> {
        match &*self.read_state() {
            State::Ready(table) => Some(read(table)),
            _ => None,
        }
    }

    /// See [`Table::claim_recent`].
    pub(crate) fn claim_recent(&self) -> Result<Option<u32>> {
        match &mut *self.write_state() {
            State::Ready(table) => Ok(table.claim_recent()),
            State::Gone => Err(ErrorKind::Gone.into()),
            State::Failed(e) => Err(e.clone()),
            State::Loading { .. } => Err(ErrorKind::Unavailable.into()),
        }
    }

    /// Something to wait for while another loads it; `None` when it is there.
    pub(crate) fn loading(&self) -> Option<Receiver<()>> {
        match &mut *self.write_state() {
            State::Loading { waiting, .. } => {
                let (tx, rx) = channel();
                waiting.push(tx);
                Some(rx)
            }
            _ => None,
        }
    }

    /// Loads it. It was [entered](Registry::enter) before, so no commit after this read's moment is missed.
    /// Answers whether it is worth [packing](Table::pack), so that it loads faster the next time.
    pub(crate) fn load(&self, conn: &Connection) -> bool {
        let loaded = Table::load(conn, self.id);
        let mut worth_packing = false;
        let mut state = self.write_state();
        let new = match loaded {
            Ok(Some((table, worth))) => {
                worth_packing = worth;
                State::Ready(Box::new(table))
            }
            Ok(None) => State::Gone,
            Err(fault) => State::Failed(fault.into()),
        };
        let State::Loading { pending, waiting } = std::mem::replace(&mut *state, new) else { return false };
        for effect in pending {
            if !apply(&mut state, &effect) {
                // Another process wrote in between. Rare: whoever waits opens it again.
                *state = State::Failed(ErrorKind::Unavailable.into());
                break;
            }
        }
        drop(state);
        waiting.into_iter().for_each(|w| w.send(()));
        worth_packing
    }

    /// Gives up a load that could not begin.
    pub(crate) fn fail(&self, error: StoreError) {
        let mut state = self.write_state();
        if let State::Loading { waiting, .. } = &mut *state {
            let waiting = std::mem::take(waiting);
            *state = State::Failed(error);
            drop(state);
            waiting.into_iter().for_each(|w| w.send(()));
        }
    }

    /// Takes over a committed change. `false`: something before it is missing here, [`sync`](Self::sync) is needed.
    pub(crate) fn apply(&self, effect: &Arc<Effect>) -> bool {
        apply(&mut self.write_state(), effect)
    }

    /// Catches up with what the database has.
    pub(crate) fn sync(&self, conn: &Connection) -> Res<bool> {
        let mut state = self.write_state();
        let State::Ready(table) = &mut *state else { return Ok(false) };
        match table.sync(conn) {
            Ok(Some(changed)) => Ok(changed),
            Ok(None) => {
                *state = State::Gone;
                Ok(true)
            }
            Err(fault) => {
                // It must not go on with what may be wrong.
                *state = State::Failed(StoreError::new(
                    ErrorKind::Unavailable,
                    "the mailbox must be opened again",
                ));
                Err(fault)
            }
        }
    }
}

fn apply(state: &mut State, effect: &Arc<Effect>) -> bool {
    match state {
        State::Loading { pending, .. } => {
            pending.push(effect.clone());
            true
        }
        State::Ready(_) if effect.deleted => {
            *state = State::Gone;
            true
        }
        State::Ready(table) => table.apply(effect),
        State::Gone | State::Failed(_) => true,
    }
}
