//! COPY and MOVE (RFC 9051 sections 6.4.7 and 6.4.8), by sequence number and by UID.

use imap4_proto::types::{Code, MailboxArg, SequenceSet};
use mailstore_api::{Account, CopyOutcome, ErrorKind, MailStore, MailboxId, UidSet};

use super::{
    failure, names,
    select::read_only,
    session::{Answer, Client, EXPUNGED, Session, no_such_message},
};
use crate::{auth::Authority, view::Expunges};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn copy(
        &mut self,
        uid: bool,
        set: SequenceSet<'_>,
        mailbox: MailboxArg<'_>,
        peer: &mut Client<'_>,
    ) -> Answer {
        let Some((uids, target)) = self.source_and_target(uid, &set, &mailbox, peer).await? else {
            return Ok(());
        };
        let (Some(account), Some(selected)) = (&self.account, &self.selected) else {
            return self.fail(&ErrorKind::Internal.into(), peer);
        };
        match account.copy(&selected.id, &uids, &target).await {
            Ok(outcome) => {
                self.tell(Expunges::Told, peer).await?;
                let (from, to) = both(&outcome);
                Ok(peer.machine.ok(copy_uid(&outcome, &from, &to), "COPY completed")?)
            }
            Err(error) => refuse(&error, peer),
        }
    }

    pub(super) async fn relocate(
        &mut self,
        uid: bool,
        set: SequenceSet<'_>,
        mailbox: MailboxArg<'_>,
        peer: &mut Client<'_>,
    ) -> Answer {
        if self.selected.as_ref().is_some_and(|s| s.read_only) {
            return read_only(peer);
        }
        let Some((uids, target)) = self.source_and_target(uid, &set, &mailbox, peer).await? else {
            return Ok(());
        };
        let (Some(account), Some(selected)) = (&self.account, &mut self.selected) else {
            return self.fail(&ErrorKind::Internal.into(), peer);
        };
        match account.relocate(&selected.id, &uids, &target).await {
            Ok(outcome) => {
                let (from, to) = both(&outcome);
                selected.view.vanish(&from);
                // RFC 6851 section 4.3: COPYUID in an untagged OK, before the EXPUNGE responses.
                if let Some(code) = copy_uid(&outcome, &from, &to) {
                    peer.machine.untagged_ok(Some(code), "Moved")?;
                }
                self.done_expunging(!from.is_empty(), "MOVE completed", peer).await
            }
            Err(error) => refuse(&error, peer),
        }
    }

    /// Which messages, and the target; `None` when the command is answered already.
    async fn source_and_target(
        &mut self,
        uid: bool,
        set: &SequenceSet<'_>,
        mailbox: &MailboxArg<'_>,
        peer: &mut Client<'_>,
    ) -> Answer<Option<(UidSet, MailboxId)>> {
        let (Some(account), Some(selected)) = (&self.account, &mut self.selected) else {
            peer.machine.bad(None, "No mailbox is selected")?;
            return Ok(None);
        };
        let Ok(uids) = selected.named(uid, set) else {
            no_such_message(peer)?;
            return Ok(None);
        };
        let Ok(name) = names::parse(mailbox, self.config.delimiter) else {
            peer.machine.no(Some(Code::Cannot), "Not a mailbox name")?;
            return Ok(None);
        };
        let target = match names::target(&**account, &name).await {
            Ok(target) => target,
            Err(error) => {
                refuse(&error, peer)?;
                return Ok(None);
            }
        };
        // RFC 2180 section 4.4: who names a message by number means that all of them are copied.
        if !uid {
            if let Err(error) = selected.sync().await {
                refuse(&error, peer)?;
                return Ok(None);
            }
            if selected.view.any_gone(&uids) {
                self.tell(Expunges::Told, peer).await?;
                let (code, text) = EXPUNGED;
                peer.machine.no(Some(code), text)?;
                return Ok(None);
            }
        }
        Ok(Some((uids, target)))
    }
}

fn refuse(error: &mailstore_api::StoreError, peer: &mut Client<'_>) -> Answer {
    let (code, text) = failure::of_target(error);
    Ok(peer.machine.no(code, &text)?)
}

/// The UIDs in the source and in the target; both ascend together, so as sets they still correspond.
fn both(outcome: &CopyOutcome) -> (UidSet, UidSet) {
    (outcome.pairs.iter().map(|p| p.0).collect(), outcome.pairs.iter().map(|p| p.1).collect())
}

/// Where nothing was copied there is nothing to say (RFC 4315 section 3).
fn copy_uid<'a>(outcome: &CopyOutcome, from: &'a UidSet, to: &'a UidSet) -> Option<Code<'a>> {
    (!from.is_empty()).then(|| Code::CopyUid {
        uid_validity: outcome.dest_validity.get(),
        from: from.ranges(),
        to: to.ranges(),
    })
}
