use std::{
    collections::{BTreeSet, HashMap, HashSet},
    future::poll_fn,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::{Hint, Interest, MailboxId, Result, Watch};

/// Hints within one process, for stores of any kind: whoever commits calls [`notify`](Self::notify),
/// whoever waits holds a [`LocalWatch`].
///
/// One hub serves all accounts of a store; an account nobody watches costs nothing. A call takes one short
/// lock and wakes only the watches whose [`Interest`] names the mailbox, so the cost of a notification
/// is in the watches it wakes, not in the watches there are. Hints that were not yet fetched are merged, and a
/// watch keeps at most [`LocalHub::MAX_PENDING`] mailboxes before it says [`Hint::Everything`].
///
/// A store calls these *after* its change is visible: who is woken asks for changes at once.
#[derive(Clone, Debug, Default)]
pub struct LocalHub {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    closed: bool,
    slots: HashMap<u64, Slot>,
    accounts: HashMap<String, Watched>,
}

/// Who watches what of one account.
#[derive(Debug, Default)]
struct Watched {
    whole: HashSet<u64>,
    mailboxes: HashMap<MailboxId, HashSet<u64>>,
}

#[derive(Debug)]
struct Slot {
    account: String,
    interest: Interest,
    pending: Pending,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
struct Pending {
    everything: bool,
    hierarchy: bool,
    mailboxes: BTreeSet<MailboxId>,
}

impl LocalHub {
    /// Mailboxes a watch remembers one by one; with more, it says [`Hint::Everything`].
    pub const MAX_PENDING: usize = 64;

    /// A hub nobody watches yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to watch. Every notification from now on is seen. Dropping the watch ends it.
    #[must_use]
    pub fn watch(&self, account: &str, interest: Interest) -> LocalWatch {
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        let watched = inner.accounts.entry(account.to_owned()).or_default();
        match &interest {
            Interest::Account => {
                watched.whole.insert(id);
            }
            Interest::Mailboxes(ids) => {
                for mailbox in ids {
                    watched.mailboxes.entry(mailbox.clone()).or_default().insert(id);
                }
            }
        }
        let account = account.to_owned();
        inner.slots.insert(id, Slot { account, interest, pending: Pending::default(), waker: None });
        LocalWatch { hub: self.clone(), id }
    }

    /// Something changed in this mailbox, or it was deleted.
    pub fn notify(&self, account: &str, mailbox: &MailboxId) {
        let wake = {
            let mut inner = self.lock();
            let Some(watched) = inner.accounts.get(account) else { return };
            let ids: Vec<u64> = watched
                .whole
                .iter()
                .chain(watched.mailboxes.get(mailbox).into_iter().flatten())
                .copied()
                .collect();
            inner.mark(&ids, |p| {
                if p.everything || p.mailboxes.len() >= Self::MAX_PENDING && !p.mailboxes.contains(mailbox) {
                    p.everything = true;
                } else if !p.mailboxes.contains(mailbox) {
                    p.mailboxes.insert(mailbox.clone());
                }
            })
        };
        // Outside the lock: a waker may run anything.
        wake.into_iter().for_each(Waker::wake);
    }

    /// Mailboxes of this account came, went or were renamed, or its subscriptions changed.
    pub fn hierarchy(&self, account: &str) {
        let wake = {
            let mut inner = self.lock();
            let ids: Vec<u64> =
                inner.accounts.get(account).map(|w| w.whole.iter().copied().collect()).unwrap_or_default();
            inner.mark(&ids, |p| p.hierarchy = true)
        };
        wake.into_iter().for_each(Waker::wake);
    }

    /// Anything may have changed in any account: for a store that learnt of changes from elsewhere.
    pub fn everything(&self) {
        let wake = {
            let mut inner = self.lock();
            let ids: Vec<u64> = inner.slots.keys().copied().collect();
            inner.mark(&ids, |p| p.everything = true)
        };
        wake.into_iter().for_each(Waker::wake);
    }

    /// The store goes away: every watch answers [`Hint::Closed`] from now on.
    pub fn close(&self) {
        let wake = {
            let mut inner = self.lock();
            inner.closed = true;
            let ids: Vec<u64> = inner.slots.keys().copied().collect();
            inner.mark(&ids, |_| {})
        };
        wake.into_iter().for_each(Waker::wake);
    }

    /// Accounts that somebody watches: those a store that polls another process has to look at.
    #[must_use]
    pub fn watched_accounts(&self) -> Vec<String> {
        self.lock().accounts.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way through a change, so a poisoned lock's data is whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn mark(&mut self, ids: &[u64], mut note: impl FnMut(&mut Pending)) -> Vec<Waker> {
        let mut wake = Vec::new();
        for id in ids {
            if let Some(slot) = self.slots.get_mut(id) {
                note(&mut slot.pending);
                wake.extend(slot.waker.take());
            }
        }
        wake
    }
}

impl Pending {
    fn take(&mut self) -> Option<Hint> {
        if self.everything {
            *self = Self::default();
            Some(Hint::Everything)
        } else if self.hierarchy {
            self.hierarchy = false;
            Some(Hint::Hierarchy)
        } else if self.mailboxes.is_empty() {
            None
        } else {
            Some(Hint::Mailboxes(std::mem::take(&mut self.mailboxes).into_iter().collect()))
        }
    }
}

/// A [`Watch`] on a [`LocalHub`].
#[derive(Debug)]
pub struct LocalWatch {
    hub: LocalHub,
    id: u64,
}

impl LocalWatch {
    /// The hint that waits already, if any.
    pub fn try_changed(&mut self) -> Option<Hint> {
        let mut inner = self.hub.lock();
        if inner.closed {
            return Some(Hint::Closed);
        }
        inner.slots.get_mut(&self.id).and_then(|s| s.pending.take())
    }
}

impl Watch for LocalWatch {
    async fn changed(&mut self) -> Result<Hint> {
        poll_fn(|cx| {
            let mut inner = self.hub.lock();
            if inner.closed {
                return Poll::Ready(Ok(Hint::Closed));
            }
            let Some(slot) = inner.slots.get_mut(&self.id) else { return Poll::Ready(Ok(Hint::Closed)) };
            // A hint leaves the slot only in the poll that hands it over: a dropped future loses none.
            if let Some(hint) = slot.pending.take() {
                return Poll::Ready(Ok(hint));
            }
            match &mut slot.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for LocalWatch {
    fn drop(&mut self) {
        let mut inner = self.hub.lock();
        let Some(slot) = inner.slots.remove(&self.id) else { return };
        let Some(watched) = inner.accounts.get_mut(&slot.account) else { return };
        match &slot.interest {
            Interest::Account => {
                watched.whole.remove(&self.id);
            }
            Interest::Mailboxes(ids) => {
                ids.iter().for_each(|mailbox| forget(&mut watched.mailboxes, mailbox, self.id))
            }
        }
        if watched.whole.is_empty() && watched.mailboxes.is_empty() {
            inner.accounts.remove(&slot.account);
        }
    }
}

fn forget<K: Hash + Eq>(map: &mut HashMap<K, HashSet<u64>>, key: &K, id: u64) {
    if let Some(set) = map.get_mut(key) {
        set.remove(&id);
        if set.is_empty() {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Wake},
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    fn id(n: usize) -> MailboxId {
        MailboxId(format!("m{n}"))
    }
    fn poll(watch: &mut LocalWatch, count: &Arc<Count>) -> Poll<Result<Hint>> {
        let waker = Waker::from(count.clone());
        pin!(watch.changed()).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn only_the_watch_of_the_mailbox_wakes_among_a_thousand() {
        let hub = LocalHub::new();
        let count = Arc::new(Count::default());
        let mut all: Vec<_> =
            (0..1000).map(|n| hub.watch("anna", Interest::Mailboxes(vec![id(n)]))).collect();
        assert!(all.iter_mut().all(|w| poll(w, &count).is_pending()));
        hub.notify("anna", &id(7));
        hub.notify("bert", &id(8));
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        for (n, w) in all.iter_mut().enumerate() {
            assert_eq!(poll(w, &count).is_ready(), n == 7);
        }
        drop(all);
        assert!(hub.watched_accounts().is_empty());
        assert!(hub.lock().slots.is_empty());
    }

    #[test]
    fn hints_merge_stay_bounded_and_outlive_a_dropped_future() {
        let hub = LocalHub::new();
        let count = Arc::new(Count::default());
        let mut w = hub.watch("anna", Interest::Account);
        assert!(poll(&mut w, &count).is_pending()); // and the future is dropped
        for _ in 0..3 {
            hub.notify("anna", &id(1));
            hub.notify("anna", &id(2));
        }
        hub.hierarchy("anna");
        assert_eq!(w.try_changed(), Some(Hint::Hierarchy));
        assert_eq!(w.try_changed(), Some(Hint::Mailboxes(vec![id(1), id(2)])));
        assert_eq!(w.try_changed(), None);
        for n in 0..10_000 {
            hub.notify("anna", &id(n));
        }
        assert!(hub.lock().slots.values().all(|s| s.pending.mailboxes.len() <= LocalHub::MAX_PENDING));
        assert_eq!(w.try_changed(), Some(Hint::Everything));
        assert_eq!(w.try_changed(), None);
        hub.close();
        assert_eq!(w.try_changed(), Some(Hint::Closed));
        assert_eq!(w.try_changed(), Some(Hint::Closed));
    }
}
