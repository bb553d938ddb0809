//! The queue of the store in memory, with its faults.

use super::{Fault, store::FaultyStore};
use crate::{
    AnyBody, AnyWatch, BoxFuture, Interest, Lease, LocalHub, MailQueue, Next, QueueEntry, QueueId,
    QueueStatus, Result, Settlement,
};

impl FaultyStore {
    fn queue(&self) -> &dyn MailQueue {
        &self.inner
    }
}

impl MailQueue for FaultyStore {
    fn take<'a>(&'a self, now: i64, until: i64, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        Box::pin(async move {
            let now = if self.broken.is(Fault::TakenEarly) { i64::MAX } else { now };
            let taken = self.queue().take(now, until, max).await?;
            if self.broken.is(Fault::TakenByMany) {
                for entry in &taken {
                    let (lease, next) = (entry.lease(), Next::At(now));
                    let free = Settlement { lease, recipients: Vec::new(), data: None, next };
                    self.queue().settle(&free).await?;
                }
            }
            Ok(taken)
        })
    }

    fn settle<'a>(&'a self, what: &'a Settlement) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut what = what.clone();
            if self.broken.is(Fault::LeaseForEver)
                && let Ok(entry) = self.queue().get(&what.lease.id).await
            {
                what.lease = Lease { attempt: entry.attempts, ..what.lease };
            }
            if self.broken.is(Fault::OutcomesLost) {
                what.recipients.clear();
            }
            self.queue().settle(&what).await
        })
    }

    fn list<'a>(&'a self, after: Option<&'a QueueId>, max: usize) -> BoxFuture<'a, Result<Vec<QueueEntry>>> {
        self.queue().list(after, max)
    }

    fn get<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<QueueEntry>> {
        self.queue().get(id)
    }

    fn body<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<AnyBody>> {
        self.queue().body(id)
    }

    fn reschedule<'a>(&'a self, id: &'a QueueId, now: i64, due: i64) -> BoxFuture<'a, Result<()>> {
        // Never too early for it.
        let now = if self.broken.is(Fault::RescheduledInUse) { i64::MAX } else { now };
        self.queue().reschedule(id, now, due)
    }

    fn remove<'a>(&'a self, id: &'a QueueId) -> BoxFuture<'a, Result<()>> {
        self.queue().remove(id)
    }

    fn next_due<'a>(&'a self) -> BoxFuture<'a, Result<Option<i64>>> {
        self.queue().next_due()
    }

    fn status<'a>(&'a self) -> BoxFuture<'a, Result<QueueStatus>> {
        self.queue().status()
    }

    fn watch<'a>(&'a self) -> BoxFuture<'a, Result<AnyWatch>> {
        match self.broken.is(Fault::SilentQueue) {
            true => Box::pin(async { Ok(AnyWatch::new(LocalHub::new().watch("nobody", Interest::Account))) }),
            false => self.queue().watch(),
        }
    }
}
