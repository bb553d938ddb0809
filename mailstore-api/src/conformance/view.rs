//! A view as a session keeps one: a snapshot, moved on by changes.

use std::collections::BTreeMap;

use super::scene::Folder;
use crate::{ErrorKind, Flags, Mailbox, MetaItems, ModSeq, Result, Snapshot, Uid, UidSet};

#[derive(Debug, Default, PartialEq)]
pub(super) struct View {
    pub(super) messages: BTreeMap<Uid, (ModSeq, Flags)>,
    pub(super) cursor: ModSeq,
    /// The greatest UID ever seen: whatever is new is greater.
    greatest: u32,
}

impl View {
    /// As after SELECT and FETCH 1:* FLAGS.
    pub(super) async fn open(folder: &Folder) -> Self {
        let mut view = Self::default();
        view.reset(folder, &folder.snapshot).await.unwrap();
        view
    }

    async fn reset(&mut self, folder: &Folder, snapshot: &Snapshot) -> Result<()> {
        self.cursor = snapshot.at;
        self.greatest = snapshot.uid_next.saturating_sub(1);
        self.messages.clear();
        let batch = folder.mailbox.meta(&UidSet::all(), MetaItems::FLAGS, None, usize::MAX).await?;
        let flags: BTreeMap<Uid, (ModSeq, Flags)> =
            batch.items.into_iter().map(|m| (m.uid, (m.modseq, m.flags))).collect();
        for uid in &snapshot.uids {
            // One that was expunged since the snapshot comes out with the changes.
            self.messages.insert(*uid, flags.get(uid).cloned().unwrap_or_default());
        }
        Ok(())
    }

    /// Asks for changes and takes them in, as one cut.
    pub(super) async fn pull(&mut self, folder: &Folder, limit: usize) -> std::result::Result<(), String> {
        let mut next = self.messages.clone();
        let mut fresh = Vec::new();
        loop {
            let part = match folder.mailbox.changes(self.cursor, limit).await {
                Ok(part) => part,
                Err(e) if e.kind == ErrorKind::HistoryLost => {
                    let snapshot = folder.mailbox.snapshot().await.map_err(|e| e.to_string())?;
                    return self.reset(folder, &snapshot).await.map_err(|e| e.to_string());
                }
                Err(e) => return Err(format!("changes after {:?}: {e}", self.cursor)),
            };
            if part.upto < self.cursor || part.more && part.upto == self.cursor {
                return Err(format!("the cursor {:?} moved to {:?}", self.cursor, part.upto));
            }
            for c in part.changed {
                if part.vanished.contains(c.uid) {
                    return Err(format!("{:?} changed and vanished in one answer", c.uid));
                }
                if c.modseq <= self.cursor || c.modseq > part.upto {
                    return Err(format!(
                        "modseq {:?} outside {:?} to {:?}",
                        c.modseq, self.cursor, part.upto
                    ));
                }
                if c.uid.get() >= part.uid_next {
                    return Err(format!("{:?} is there, and the next UID is {}", c.uid, part.uid_next));
                }
                if !next.contains_key(&c.uid) {
                    fresh.push(c.uid);
                }
                next.insert(c.uid, (c.modseq, c.flags));
            }
            next.retain(|uid, _| !part.vanished.contains(*uid));
            self.cursor = part.upto;
            if !part.more {
                break;
            }
        }
        if let Some(late) = fresh.iter().find(|uid| uid.get() <= self.greatest) {
            return Err(format!("{late:?} appears after {} was seen", self.greatest));
        }
        self.greatest = fresh.iter().map(|u| u.get()).fold(self.greatest, u32::max);
        self.messages = next;
        Ok(())
    }

    /// Compares with the mailbox, which nobody changes meanwhile.
    pub(super) async fn check(&self, folder: &Folder) -> std::result::Result<(), String> {
        let mut truth = Self::default();
        let snapshot = folder.mailbox.snapshot().await.map_err(|e| e.to_string())?;
        truth.reset(folder, &snapshot).await.map_err(|e| e.to_string())?;
        if self.messages.keys().ne(truth.messages.keys()) {
            return Err(format!(
                "the view holds {:?}, the mailbox {:?}",
                self.messages.keys().map(|u| u.get()).collect::<Vec<_>>(),
                truth.messages.keys().map(|u| u.get()).collect::<Vec<_>>()
            ));
        }
        for ((uid, mine), theirs) in self.messages.iter().zip(truth.messages.values()) {
            if mine.0 != theirs.0 || !mine.1.same_as(&theirs.1) {
                return Err(format!("{uid:?} is {mine:?} in the view, {theirs:?} in the mailbox"));
            }
        }
        Ok(())
    }
}
