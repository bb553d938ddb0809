//! Messages opened ahead of their turn, where many are read one after the other.

use std::collections::VecDeque;

use mailstore_api::{Mailbox, Part, Result, Uid};

/// Messages asked for ahead, at most.
const MOST: usize = 64;

/// One part of messages that are read in ascending order, opened several at a time.
pub(crate) struct Ahead<M: Mailbox> {
    part: Part,
    opened: VecDeque<(Uid, M::Body)>,
}

impl<M: Mailbox> Ahead<M> {
    pub(crate) const fn new(part: Part) -> Self {
        Self { part, opened: VecDeque::new() }
    }

    /// Which part it opens.
    pub(crate) const fn part(&self) -> Part {
        self.part
    }

    /// Opens the message, and with it some of `coming`, which ascend: the messages that will be asked for next.
    pub(crate) async fn open(
        &mut self,
        mailbox: &M,
        uid: Uid,
        coming: impl Iterator<Item = Uid>,
    ) -> Result<M::Body> {
        while self.opened.front().is_some_and(|(first, _)| *first < uid) {
            self.opened.pop_front();
        }
        if self.opened.is_empty() {
            let uids: Vec<Uid> = std::iter::once(uid).chain(coming).take(MOST).collect();
            if uids.len() > 1 {
                self.opened = mailbox.bodies(&uids, self.part).await?.into();
            }
        }
        match self.opened.pop_front() {
            Some((first, body)) if first == uid => Ok(body),
            other => {
                // Not opened ahead: gone, damaged, or the store opens one at a time.
                if let Some(later) = other {
                    self.opened.push_front(later);
                }
                mailbox.body(uid, self.part).await
            }
        }
    }
}
