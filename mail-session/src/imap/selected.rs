//! The selected mailbox of a session.

use std::collections::BTreeSet;

use imap4_proto::types::{SequenceSet, SystemFlags};
use mailstore_api::{
    Changes, ErrorKind, Flags, Mailbox, MailboxId, MetaItems, Result, StoreError, Uid, UidSet,
};

use super::{search_key::bounds, session::Client};
use crate::{
    mime::Structure,
    view::{Bound, NoSuchSequence, View},
};

/// Changes asked for in one call of the store.
const BATCH: usize = 1000;

pub(super) struct Selected<M> {
    pub(super) id: MailboxId,
    pub(super) mailbox: M,
    pub(super) view: View,
    /// EXAMINE, or the account may change nothing.
    pub(super) read_only: bool,
    /// The client knows `\Recent`, and the mailbox is not EXAMINEd.
    pub(super) claims_recent: bool,
    /// The parts of the long message that was read last: some clients fetch an attachment in hundreds of pieces.
    pub(super) last_read: Option<(Uid, Structure)>,
    /// Modseqs outlast the session: else the client was told NOMODSEQ (RFC 7162 section 3.1.2.2).
    pub(super) keeps_modseqs: bool,
    /// The keywords the client was told of.
    pub(super) keywords: BTreeSet<String>,
    /// What the last SEARCH with SAVE found: `$` (RFC 5182). UIDs, so that what is expunged drops out by itself.
    pub(super) saved: UidSet,
    /// The mailbox was deleted; for the client, all its messages are expunged.
    is_gone: bool,
}

impl<M: Mailbox> Selected<M> {
    pub(super) const fn new(id: MailboxId, mailbox: M, view: View, read_only: bool) -> Self {
        Self {
            id,
            mailbox,
            view,
            read_only,
            claims_recent: false,
            last_read: None,
            keeps_modseqs: false,
            keywords: BTreeSet::new(),
            saved: UidSet::new(),
            is_gone: false,
        }
    }

    /// The messages a command names: by number, by UID, or by `$`, which means the same in both.
    pub(super) fn named(
        &self,
        uid: bool,
        set: &SequenceSet<'_>,
    ) -> std::result::Result<UidSet, NoSuchSequence> {
        if set.is_saved() {
            return Ok(self.view.by_uid(ranges(&self.saved)));
        }
        if uid { Ok(self.view.by_uid(bounds(set))) } else { self.view.by_seq(bounds(set)) }
    }

    /// Tells the client the keywords in use, where among these flags is one that it was not told of (RFC 9051
    /// section 7.3.5).
    pub(super) fn tell_keywords<'f>(
        &mut self,
        flags: impl IntoIterator<Item = &'f Flags>,
        peer: &mut Client<'_>,
    ) -> std::result::Result<(), mail_wire::Misuse> {
        let mut any_new = false;
        for keyword in flags.into_iter().flat_map(|f| &f.keywords) {
            if !self.keywords.contains(keyword) {
                any_new = true;
                self.keywords.insert(keyword.clone());
            }
        }
        if any_new {
            peer.machine.flags(SystemFlags::ALL, &self.keywords)?;
        }
        Ok(())
    }

    /// Takes in all that happened in the mailbox since the last time.
    pub(super) async fn sync(&mut self) -> Result<()> {
        if self.is_gone {
            return Ok(());
        }
        loop {
            match self.mailbox.changes(self.view.cursor(), BATCH).await {
                Ok(changes) => {
                    let more = changes.more;
                    self.view.absorb(changes);
                    if !more {
                        break;
                    }
                }
                Err(error) => match error.kind {
                    ErrorKind::HistoryLost => {
                        Box::pin(self.compare()).await?;
                        break;
                    }
                    // Deleted under us: RFC 9051 leaves open what then is. To expunge all is what every client
                    // can follow.
                    ErrorKind::Gone | ErrorKind::NotFound => {
                        self.is_gone = true;
                        self.view.vanish(&UidSet::all());
                        return Ok(());
                    }
                    _ => return Err(error),
                },
            }
        }
        if self.claims_recent
            && self.view.has_new()
            && let Some(from) = self.mailbox.claim_recent().await?
        {
            self.view.add_recent(from);
        }
        Ok(())
    }

    /// The history is lost: compares a fresh snapshot with the view.
    async fn compare(&mut self) -> Result<()> {
        let snapshot = self.mailbox.snapshot().await?;
        let since = self.view.cursor();
        let mut left = UidSet::all();
        loop {
            let batch = self.mailbox.meta(&left, MetaItems::FLAGS, Some(since), BATCH).await?;
            let changed = batch
                .items
                .into_iter()
                .map(|m| mailstore_api::Change { uid: m.uid, modseq: m.modseq, flags: m.flags })
                .collect();
            self.view.absorb(Changes { changed, upto: since, ..Changes::default() });
            match batch.resume_after {
                Some(after) => left = after_uid(&left, after),
                None => break,
            }
        }
        self.view.absorb_snapshot(&snapshot);
        Ok(())
    }
}

/// The ranges of a set as the view takes them.
pub(super) fn ranges(set: &UidSet) -> impl Iterator<Item = (Bound, Bound)> + '_ {
    set.ranges().iter().map(|(a, b)| (Some(*a), Some(*b)))
}

/// What of the set lies beyond a UID.
pub(super) fn after_uid(set: &UidSet, uid: Uid) -> UidSet {
    set.difference(&UidSet::from_ranges([(1, uid.get())]))
}

/// Whether the error says that a message is not there any more.
pub(super) const fn is_gone(error: &StoreError) -> bool {
    matches!(error.kind, ErrorKind::Gone | ErrorKind::NotFound)
}
