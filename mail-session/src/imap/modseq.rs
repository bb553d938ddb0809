//! CONDSTORE and QRESYNC (RFC 7162): who is shown modseqs, and what a client that comes back has missed.

use imap4_proto::types::{Capabilities, Code, QResync};
use mailstore_api::{
    ErrorKind, MailStore, Mailbox, MetaItems, ModSeq, Result as StoreResult, StoreError, UidSet,
};

use super::{
    search_key::bounds,
    selected::{Selected, after_uid, is_gone},
    session::{Answer, Client, HIGH_WATER, LINES, Session, shown_flags},
};
use crate::auth::Authority;

/// Messages asked for at once.
const ROWS: usize = 1000;

/// How this client is told of changes in this mailbox.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Style {
    /// It has enabled CONDSTORE: MODSEQ wherever flags are (RFC 7162 section 3.1).
    pub(super) modseq: bool,
    /// It has enabled QRESYNC: VANISHED instead of EXPUNGE (RFC 7162 section 3.2.10).
    pub(super) qresync: bool,
    /// UIDs in all FETCH responses that nobody asked for: from a server of QRESYNC to whoever enabled CONDSTORE (RFC 7162
    /// section 3.2.4).
    pub(super) uid: bool,
}

impl Style {
    pub(super) fn of<M>(selected: &Selected<M>, peer: &Client<'_>) -> Self {
        let enabled = peer.machine.enabled();
        let modseq = selected.keeps_modseqs && enabled.contains(Capabilities::CONDSTORE);
        Self {
            modseq,
            qresync: selected.keeps_modseqs && enabled.contains(Capabilities::QRESYNC),
            uid: modseq && peer.machine.config().capabilities.contains(Capabilities::QRESYNC),
        }
    }
}

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    /// A CONDSTORE-enabling command was given (RFC 7162 section 3.1). The first one, where a mailbox is selected, is told
    /// its HIGHESTMODSEQ.
    pub(super) fn enable_modseqs(&self, peer: &mut Client<'_>) -> Answer {
        if peer.machine.enabled().contains(Capabilities::CONDSTORE) {
            return Ok(());
        }
        peer.machine.set_enabled(Capabilities::CONDSTORE);
        self.tell_highest_modseq(peer)
    }

    pub(super) fn tell_highest_modseq(&self, peer: &mut Client<'_>) -> Answer {
        if let Some(selected) = self.selected.as_deref().filter(|s| s.keeps_modseqs) {
            let code = Code::HighestModSeq(selected.view.settled().0);
            peer.machine.untagged_ok(Some(code), "Highest modseq")?;
        }
        Ok(())
    }

    /// Ends a command that may have expunged messages: after ENABLE QRESYNC, the tagged OK tells HIGHESTMODSEQ
    /// (RFC 7162 section 3.2.7).
    pub(super) async fn done_expunging(
        &mut self,
        expunged: bool,
        text: &str,
        peer: &mut Client<'_>,
    ) -> Answer {
        self.tell(crate::view::Expunges::Told, peer).await?;
        let selected = self.selected.as_deref().filter(|s| expunged && Style::of(s, peer).qresync);
        let code = selected.map(|s| Code::HighestModSeq(s.view.settled().0));
        Ok(peer.machine.ok(code, text)?)
    }
}

/// What a mailbox without lasting modseqs refuses (RFC 7162 section 3.1.2.2).
pub(super) fn no_modseqs(peer: &mut Client<'_>) -> Answer {
    Ok(peer.machine.bad(None, "This mailbox keeps no modseqs")?)
}

/// Those of `known` that are gone, and were expunged after `since`, as well as the store remembers. A message the
/// client counts is never one of them: it is told of that one otherwise.
pub(super) async fn missed<M: Mailbox>(
    selected: &Selected<M>,
    since: ModSeq,
    known: &UidSet,
) -> StoreResult<UidSet> {
    let known = known.intersection(&UidSet::from_ranges([(1, selected.view.told_upto())]));
    let there: UidSet = selected.view.uids().iter().copied().collect();
    if selected.view.told_upto() == 0 || known.is_empty() {
        return Ok(UidSet::new());
    }
    match selected.mailbox.vanished_since(since, &known).await {
        Ok(gone) => Ok(gone.intersection(&known).difference(&there)),
        Err(error) if error.kind == ErrorKind::HistoryLost => Ok(known.difference(&there)),
        Err(error) => Err(error),
    }
}

/// SELECT (QRESYNC ...): VANISHED (EARLIER), and the flags that changed (RFC 7162 section 3.2.5).
pub(super) async fn resync<M: Mailbox>(
    selected: &mut Selected<M>,
    known: QResync<'_>,
    peer: &mut Client<'_>,
) -> Answer<Result<(), StoreError>> {
    if !selected.keeps_modseqs || selected.view.uid_validity().get() != known.uid_validity {
        return Ok(Ok(()));
    }
    let since = ModSeq(known.modseq);
    let uids = match &known.known_uids {
        Some(set) => selected.view.uid_ranges(bounds(set)),
        None => UidSet::all(),
    };
    let asked = match &known.sequence_match {
        Some((numbers, uids_then)) => {
            let same = matched(selected, pairs(numbers, uids_then));
            uids.difference(&UidSet::from_ranges((same > 0).then_some((1, same))))
        }
        None => uids.clone(),
    };
    match missed(selected, since, &asked).await {
        Ok(gone) => peer.machine.vanished(true, gone.ranges().iter().copied())?,
        Err(error) => return Ok(Err(error)),
    }
    let there: UidSet = selected.view.uids().iter().copied().collect();
    let mut left = uids.intersection(&there);
    while !left.is_empty() {
        let batch = match selected.mailbox.meta(&left, MetaItems::FLAGS, Some(since), ROWS).await {
            Ok(batch) => batch,
            Err(error) if is_gone(&error) => break,
            Err(error) => return Ok(Err(error)),
        };
        selected.tell_keywords(batch.items.iter().map(|m| &m.flags), peer)?;
        for lines in batch.items.chunks(LINES) {
            for meta in lines {
                let Some(seq) = selected.view.seq_of(meta.uid) else { continue };
                let shown = shown_flags(&meta.flags, selected.view.is_recent(meta.uid));
                let mut row = peer.machine.fetch(seq)?;
                row.uid(meta.uid.get());
                row.flags(shown, &meta.flags.keywords);
                row.modseq(meta.modseq.0);
                row.finish();
            }
            peer.drain(HIGH_WATER).await?;
        }
        selected.view.told_flags(batch.items.iter().map(|m| (m.uid, m.modseq)));
        match batch.resume_after {
            Some(after) => left = after_uid(&left, after),
            None => break,
        }
    }
    Box::pin(tell_gone(selected, &uids, peer)).await
}

/// What was expunged since EXISTS was told is counted until the next command tells that it is gone; and where the client did not know it, no
/// row above gave its UID, and its flags are nobody's any more: a client that puts the view together from what it knows would be off by one.
async fn tell_gone<M: Mailbox>(
    selected: &mut Selected<M>,
    uids: &UidSet,
    peer: &mut Client<'_>,
) -> Answer<Result<(), StoreError>> {
    if let Err(error) = Box::pin(selected.sync()).await {
        return Ok(Err(error));
    }
    if !selected.view.withholds() {
        return Ok(Ok(()));
    }
    for (at, uid) in selected.view.uids().iter().enumerate() {
        if !selected.view.is_gone(*uid) || !uids.contains(*uid) {
            continue;
        }
        let Some(seq) = selected.view.seq_of(*uid) else { continue };
        let mut row = peer.machine.fetch(seq)?;
        row.uid(uid.get());
        row.finish();
        if at % LINES == LINES - 1 {
            peer.drain(HIGH_WATER).await?;
        }
    }
    Ok(Ok(()))
}

/// The pairs of message number and UID that a client gives, in order. The ranges are never expanded as a whole: who counts
/// to four thousand million stops at the first pair that does not match.
fn pairs<'b>(
    numbers: &imap4_proto::types::SequenceSet<'b>,
    uids: &imap4_proto::types::SequenceSet<'b>,
) -> impl Iterator<Item = (u32, u32)> + 'b {
    numbers.resolve(0).flat_map(|(a, b)| a..=b).zip(uids.resolve(0).flat_map(|(a, b)| a..=b))
}

/// The greatest UID up to which the client has missed no expunge (RFC 7162 section 3.2.5.2); 0 for none.
fn matched<M>(selected: &Selected<M>, pairs: impl Iterator<Item = (u32, u32)>) -> u32 {
    pairs
        .take_while(|(seq, uid)| selected.view.uid_at(*seq).is_some_and(|there| there.get() == *uid))
        .last()
        .map_or(0, |(_, uid)| uid)
}
