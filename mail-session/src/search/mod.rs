//! SEARCH: what of a mailbox matches a [`Query`].
//!
//! The store is asked first: it may answer, narrow, or decline. What is left is evaluated here, message by
//! message, with no more read than the answer needs: flags, sizes and dates come without a body, then the
//! header, then the text. Batches are small and the task yields between them, so that a long search holds
//! up nobody.
mod evaluate;
mod needle;
mod plain;
mod program;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use mailstore_api::{Mailbox, Query, Result, SearchOutcome, UidSet};

use evaluate::Evaluation;
pub(crate) use evaluate::read_range;

/// Those of `within` that match.
///
/// # Errors
/// What the store says. A message that is gone meanwhile, or whose body the store cannot read, matches
/// nothing that would need the body.
pub async fn search<M: Mailbox>(mailbox: &M, query: &Query, within: &UidSet) -> Result<UidSet> {
    let within = narrow(query, within);
    if within.is_empty() || matches!(query, Query::All | Query::Uids(_)) {
        return Ok(within);
    }
    match mailbox.search(query).await? {
        SearchOutcome::Exact(found) => Ok(found.intersection(&within)),
        SearchOutcome::Candidates { superset, residual } => {
            let within = narrow(&residual, &within.intersection(&superset));
            Evaluation::new(&residual).run(mailbox, &within).await
        }
        _ => Evaluation::new(query).run(mailbox, &within).await,
    }
}

/// Of `within` what can match by UID alone.
fn narrow(query: &Query, within: &UidSet) -> UidSet {
    match query {
        Query::Uids(set) => within.intersection(set),
        Query::And(all) => all.iter().fold(within.clone(), |within, q| match q {
            Query::Uids(set) => within.intersection(set),
            _ => within,
        }),
        _ => within.clone(),
    }
}

/// Lets other tasks run, on any executor.
pub(crate) fn yield_now() -> impl Future<Output = ()> + Send {
    struct Yield(bool);
    impl Future for Yield {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Yield(false)
}
