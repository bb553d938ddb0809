//! SELECT, EXAMINE, CLOSE, EXPUNGE (RFC 9051 sections 6.3.2, 6.3.3, 6.4.1 to 6.4.3).

use imap4_proto::types::{Capabilities, Code, ListData, Select, SequenceSet, SystemFlags};
use mailstore_api::{
    Account, ErrorKind, MailStore, Mailbox, MailboxName, OpenMode, Snapshot, SpecialUse, StoreError,
};

use super::{
    hierarchy,
    modseq::resync,
    names,
    selected::{Selected, is_gone},
    session::{Answer, Client, Session, no_such_message},
};
use crate::{auth::Authority, view::View};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    pub(super) async fn select(&mut self, select: Select<'_>, peer: &mut Client<'_>) -> Answer {
        // RFC 7162 section 3.2.5
        if select.qresync.is_some() && !peer.machine.enabled().contains(Capabilities::QRESYNC) {
            self.selected = None;
            return Ok(peer.machine.bad(None, "QRESYNC is not enabled")?);
        }
        if select.condstore {
            peer.machine.set_enabled(Capabilities::CONDSTORE);
        }
        // RFC 9051 section 6.3.2: what was selected no longer is, whatever becomes of this.
        self.selected = None;
        let Ok(name) = names::parse(&select.mailbox, self.config.delimiter) else {
            return Ok(peer.machine.no(Some(Code::NonExistent), "Not a mailbox name")?);
        };
        let opened = match self.account.as_deref() {
            Some(account) => open(account, &name, select.read_only).await,
            None => Err(ErrorKind::NoPerm.into()),
        };
        match opened {
            Ok((snapshot, mut selected, uses)) => {
                // IMAP4rev2 has no `\Recent` (RFC 9051 appendix E): who does not see it must not take it from others.
                selected.claims_recent = !peer.machine.enabled().contains(Capabilities::IMAP4REV2);
                if selected.claims_recent {
                    match selected.mailbox.claim_recent().await {
                        Ok(recent) => recent.into_iter().for_each(|from| selected.view.add_recent(from)),
                        Err(error) => return self.fail(&error, peer),
                    }
                }
                describe(&snapshot, &mut selected, peer)?;
                // RFC 9051 section 6.3.2
                if peer.machine.enabled().contains(Capabilities::IMAP4REV2)
                    && let Some(name) = names::to_text(&name, self.config.delimiter)
                {
                    let attributes = hierarchy::special_use(uses);
                    peer.machine.list(&ListData::new(attributes, Some(self.config.delimiter), &name))?;
                }
                if let Some(known) = select.qresync
                    && let Err(error) = resync(&mut selected, known, peer).await?
                {
                    return self.fail(&error, peer);
                }
                let read_only = selected.read_only;
                self.selected = Some(selected);
                let text = if select.read_only { "EXAMINE completed" } else { "SELECT completed" };
                Ok(peer.machine.selected(read_only, text)?)
            }
            Err(error) => self.fail(&error, peer),
        }
    }

    /// CLOSE: what has `\Deleted` goes without a word, unless the mailbox is read-only.
    pub(super) async fn close(&mut self, peer: &mut Client<'_>) -> Answer {
        if let Some(selected) = self.selected.as_deref_mut()
            && !selected.read_only
            && let Err(error) = selected.mailbox.expunge(None, true).await
            && error.kind != ErrorKind::NoPerm
            && !is_gone(&error)
        {
            return self.fail(&error, peer);
        }
        self.selected = None;
        Ok(peer.machine.closed("CLOSE completed")?)
    }

    /// EXPUNGE and UID EXPUNGE (RFC 4315 section 2.1).
    pub(super) async fn expunge(&mut self, set: Option<SequenceSet<'_>>, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else {
            return Ok(peer.machine.bad(None, "No mailbox is selected")?);
        };
        if selected.read_only {
            return read_only(peer);
        }
        let Ok(uids) = set.map(|set| selected.named(true, &set)).transpose() else {
            return no_such_message(peer);
        };
        let mut expunged = false;
        match selected.mailbox.expunge(uids.as_ref(), true).await {
            Ok(outcome) => {
                expunged = !outcome.vanished.is_empty();
                selected.view.vanish(&outcome.vanished);
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return self.fail(&error, peer),
        }
        self.done_expunging(expunged, "EXPUNGE completed", peer).await
    }
}

async fn open<Ac: Account>(
    account: &Ac,
    name: &MailboxName,
    examine: bool,
) -> Result<(Snapshot, Box<Selected<Ac::Mailbox>>, SpecialUse), StoreError> {
    let found = names::find(account, name).await?.ok_or(ErrorKind::NotFound)?;
    let id = found.id.ok_or(ErrorKind::NotFound)?;
    if !found.selectable {
        return Err(StoreError::new(ErrorKind::Cannot, "the mailbox cannot be selected"));
    }
    let mode = if examine { OpenMode::Examine } else { OpenMode::Select };
    let (snapshot, mailbox) = account.open(&id, mode).await?;
    let view = View::new(&snapshot);
    let mut selected = Box::new(Selected::new(id, mailbox, view, examine || snapshot.read_only));
    selected.keeps_modseqs = snapshot.modseq_persistent;
    Ok((snapshot, selected, found.special_use))
}

/// A change in a mailbox that was EXAMINEd, or that the account may only read.
pub(super) fn read_only(peer: &mut Client<'_>) -> Answer {
    Ok(peer.machine.no(Some(Code::NoPerm), "The mailbox is read-only")?)
}

/// The untagged responses of SELECT.
fn describe<M: Mailbox>(
    snapshot: &Snapshot,
    selected: &mut Selected<M>,
    peer: &mut Client<'_>,
) -> Result<(), mail_wire::Misuse> {
    selected.keywords = snapshot.keywords.iter().cloned().collect();
    let machine = &mut *peer.machine;
    let keywords: Vec<&str> = snapshot.keywords.iter().map(String::as_str).collect();
    machine.flags(SystemFlags::ALL, &keywords)?;
    machine.exists(selected.view.exists())?;
    machine.recent(selected.view.tell_recent())?;
    // IMAP4rev2 has no UNSEEN (RFC 9051 appendix E).
    let rev2 = machine.enabled().contains(Capabilities::IMAP4REV2);
    if !rev2 && let Some(seq) = snapshot.first_unseen.and_then(|uid| selected.view.seq_of(uid)) {
        machine.untagged_ok(Some(Code::Unseen(seq)), "First unseen message")?;
    }
    let permanent = if selected.read_only {
        Code::PermanentFlags { system: SystemFlags::NONE, keywords: &[], new_keywords: false }
    } else {
        let new_keywords = snapshot.new_keywords_ok;
        Code::PermanentFlags { system: SystemFlags::ALL, keywords: &keywords, new_keywords }
    };
    let text = if selected.read_only { "No flags can be changed" } else { "Flags that can be changed" };
    machine.untagged_ok(Some(permanent), text)?;
    machine.untagged_ok(Some(Code::UidValidity(snapshot.uid_validity.get())), "UIDs are valid")?;
    machine.untagged_ok(Some(Code::UidNext(snapshot.uid_next)), "The next UID")?;
    if !machine.config().capabilities.intersects(Capabilities::CONDSTORE | Capabilities::QRESYNC) {
        Ok(())
    } else if selected.keeps_modseqs {
        machine.untagged_ok(Some(Code::HighestModSeq(snapshot.at.0)), "Highest modseq")
    } else {
        machine.untagged_ok(Some(Code::NoModSeq), "No modseqs are kept")
    }
}
