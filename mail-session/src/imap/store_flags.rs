//! STORE and UID STORE (RFC 9051 section 6.4.6).

use imap4_proto::types::{Code, Store, StoreMode};
use mailstore_api::{FlagOp, MailStore, Mailbox, ModSeq, Uid, UidSet};

use super::{
    append,
    modseq::{Style, no_modseqs},
    select::read_only,
    selected::is_gone,
    session::{Answer, Client, EXPUNGED, HIGH_WATER, LINES, Session, no_such_message, shown_flags},
};
use crate::{auth::Authority, view::Expunges};

/// Messages changed in one call of the store.
const BATCH: usize = 10_000;

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn store_flags(&mut self, store: Store<'_>, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        let Ok(set) = selected.named(store.uid, &store.set) else { return no_such_message(peer) };
        if selected.read_only {
            return read_only(peer);
        }
        let Some(flags) = append::flags(&store.flags) else {
            return Ok(peer.machine.no(Some(Code::Cannot), "No such flag can be set")?);
        };
        let unchanged_since = store.unchanged_since.map(ModSeq);
        if unchanged_since.is_some() {
            if !selected.keeps_modseqs {
                return no_modseqs(peer);
            }
            self.enable_modseqs(peer)?;
        }
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        let style = Style::of(selected, peer);
        let op = match store.mode {
            StoreMode::Replace => FlagOp::Replace,
            StoreMode::Add => FlagOp::Add,
            StoreMode::Remove => FlagOp::Remove,
        };
        if store.silent
            && let Err(error) = selected.sync().await
        {
            // Somebody else's change must be known before ours covers it: the client is told the result then.
            return self.fail(&error, peer);
        }
        let most = usize::try_from(set.len()).unwrap_or(usize::MAX).min(selected.view.uids().len());
        let mut messages: Vec<Uid> = Vec::with_capacity(most);
        messages.extend(set.select(selected.view.uids()));
        let mut changed = 0;
        let mut conflicted = UidSet::new();
        for batch in messages.chunks(BATCH) {
            let set: UidSet = batch.iter().copied().collect();
            let outcome = match selected.mailbox.set_flags(&set, op, &flags, unchanged_since).await {
                Ok(outcome) => outcome,
                Err(error) if is_gone(&error) => break,
                Err(error) => return self.fail(&error, peer),
            };
            changed += outcome.changed.len();
            conflicted = conflicted.union(&outcome.conflicted);
            selected.view.own_flags(&outcome.changed, store.silent);
            // RFC 7162 section 3.1.3: the new modseq is told even so.
            if store.silent && !style.modseq {
                continue;
            }
            if !store.silent {
                selected.tell_keywords(outcome.changed.iter().map(|c| &c.flags), peer)?;
            }
            for lines in outcome.changed.chunks(LINES) {
                for change in lines {
                    let Some(seq) = selected.view.seq_of(change.uid) else { continue };
                    let shown = shown_flags(&change.flags, selected.view.is_recent(change.uid));
                    let mut row = peer.machine.fetch(seq)?;
                    if store.uid || style.uid {
                        row.uid(change.uid.get());
                    }
                    if !store.silent {
                        row.flags(shown, &change.flags.keywords);
                    }
                    if style.modseq {
                        row.modseq(change.modseq.0);
                    }
                    row.finish();
                }
                peer.drain(HIGH_WATER).await?;
            }
        }
        // By the numbers the client knows now: in `tell` they may change.
        let modified = if store.uid || conflicted.is_empty() {
            conflicted.clone()
        } else {
            UidSet::from_ranges(selected.view.seqs_of(&conflicted).map(|n| (n, n)))
        };
        let expunges = if store.uid { Expunges::Told } else { Expunges::Withheld };
        self.tell(expunges, peer).await?;
        // RFC 2180 section 4.2: not when it is silent, nor for UIDs, which may name what is not there.
        let conflicts = usize::try_from(conflicted.len()).unwrap_or(usize::MAX);
        let some_gone = changed.saturating_add(conflicts) < messages.len();
        let modified = (!modified.is_empty()).then(|| Code::Modified(modified.ranges()));
        if some_gone && !store.uid && !store.silent {
            let (code, text) = EXPUNGED;
            return Ok(peer.machine.no(Some(modified.unwrap_or(code)), text)?);
        }
        if modified.is_some() {
            return Ok(peer.machine.ok(modified, "Conditional STORE failed")?);
        }
        Ok(peer.machine.ok(None, "STORE completed")?)
    }
}
