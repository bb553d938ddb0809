use std::time::Duration;

use imap4_proto::{
    server::{Event, Fatal, Server},
    types::{Capabilities, Code, Command, SystemFlags},
};
use mail_drive::Peer;
use mailstore_api::{Account, Flags, MailStore, StoreError};

use super::{
    append::Append, config::Config, failure, modseq::Style, search_key::wire_flags, selected::Selected,
};
use crate::{
    SessionError,
    auth::{Authority, Exchange, LoginContext},
    view::{Expunges, Updates},
};

/// Octets of unsent output beyond which nothing more is produced.
pub(super) const HIGH_WATER: usize = 64 * 1024;
/// Lines written between looks at how much waits to be sent.
pub(super) const LINES: usize = 512;

pub(super) type Answer<T = ()> = Result<T, SessionError<Fatal>>;
pub(super) type Client<'p> = Peer<'p, Server>;
pub(super) type MailboxOf<St> = <<St as MailStore>::Account as Account>::Mailbox;

/// One client's session: what its commands mean.
pub(super) struct Session<'s, St: MailStore, A> {
    pub(super) store: &'s St,
    pub(super) authority: &'s A,
    pub(super) config: &'s Config,
    pub(super) context: LoginContext,
    /// The SASL exchange, while one is under way.
    pub(super) exchange: Option<Box<Exchange>>,
    /// From login.
    pub(super) account: Option<Box<St::Account>>,
    pub(super) selected: Option<Box<Selected<MailboxOf<St>>>>,
    /// The APPEND, while one is under way.
    pub(super) append: Option<Box<Append<<St::Account as Account>::Staged>>>,
    /// During IDLE on a mailbox.
    pub(super) watching: Option<Box<Watching<<St::Account as Account>::Watch>>>,
}

/// What wakes an idle client.
pub(super) struct Watching<W> {
    pub(super) watch: W,
    /// For a store that cannot push.
    pub(super) period: Option<Duration>,
}

impl<W: mailstore_api::Watch> Watching<W> {
    pub(super) fn new(watch: W) -> Self {
        let period = watch.poll_every();
        Self { watch, period }
    }
}

impl<'s, St: MailStore, A: Authority> Session<'s, St, A> {
    pub(super) const fn new(
        store: &'s St,
        authority: &'s A,
        config: &'s Config,
        context: LoginContext,
    ) -> Self {
        Self {
            store,
            authority,
            config,
            context,
            exchange: None,
            account: None,
            selected: None,
            append: None,
            watching: None,
        }
    }

    /// What is watched for changes, and how often the store is to be asked without a hint.
    #[allow(clippy::type_complexity, reason = "said once")]
    pub(super) fn watch(&mut self) -> Option<(&mut <St::Account as Account>::Watch, Option<Duration>)> {
        self.watching.as_mut().map(|w| (&mut w.watch, w.period))
    }

    /// Answers one event.
    pub(super) async fn answer(&mut self, event: Event<'_>, peer: &mut Client<'_>) -> Answer {
        match event {
            Event::Command(command) => self.command(command, peer).await,
            Event::AppendChunk(octets) => self.append_chunk(octets, peer).await,
            Event::AppendBegin(begin) => Box::pin(self.append_begin(begin, peer)).await,
            Event::AppendNext(message) => Box::pin(self.append_next(message, peer)).await,
            Event::AppendEnd => Box::pin(self.append_end(peer)).await,
            Event::AppendAbort => {
                self.append = None;
                Ok(())
            }
            Event::IdleDone => {
                self.watching = None;
                self.done("IDLE completed", peer).await
            }
            Event::IdleAbort => {
                self.watching = None;
                Ok(())
            }
            Event::Auth { mechanism, initial } => Box::pin(self.authenticate(mechanism, initial, peer)).await,
            Event::AuthResponse(response) => Box::pin(self.auth_response(response, peer)).await,
            Event::AuthCancel => {
                self.auth_cancel();
                Ok(())
            }
            Event::Answered(answered) => {
                tracing::trace!(?answered, "answered by the machine");
                Ok(())
            }
            // What a later machine may ask.
            _ => Ok(peer.machine.bad(None, "Not supported here")?),
        }
    }

    async fn command(&mut self, command: Command<'_>, peer: &mut Client<'_>) -> Answer {
        tracing::trace!(command = command.kind().name());
        match command {
            Command::Fetch(fetch) => Box::pin(self.fetch(fetch, peer)).await,
            Command::Store(store) => Box::pin(self.store_flags(store, peer)).await,
            Command::Search(search) => Box::pin(self.search(search, peer)).await,
            Command::Noop => self.done("NOOP completed", peer).await,
            Command::Check => self.done("CHECK completed", peer).await,
            Command::Idle => Box::pin(self.idle(peer)).await,
            Command::Login { user, password } => Box::pin(self.login(&user, &password, peer)).await,
            Command::Select(select) => Box::pin(self.select(select, peer)).await,
            Command::Close => Box::pin(self.close(peer)).await,
            Command::Unselect => {
                self.selected = None;
                Ok(peer.machine.closed("UNSELECT completed")?)
            }
            Command::Expunge => Box::pin(self.expunge(None, peer)).await,
            Command::UidExpunge(set) => Box::pin(self.expunge(Some(set), peer)).await,
            Command::Copy { uid, set, mailbox } => Box::pin(self.copy(uid, set, mailbox, peer)).await,
            Command::Move { uid, set, mailbox } => Box::pin(self.relocate(uid, set, mailbox, peer)).await,
            Command::Create(create) => Box::pin(self.create(create, peer)).await,
            Command::Delete(mailbox) => Box::pin(self.delete(mailbox, peer)).await,
            Command::Rename { from, to } => Box::pin(self.rename(from, to, peer)).await,
            Command::Subscribe(mailbox) => Box::pin(self.subscribe(mailbox, true, peer)).await,
            Command::Unsubscribe(mailbox) => Box::pin(self.subscribe(mailbox, false, peer)).await,
            Command::List(list) => Box::pin(self.list(list, peer)).await,
            Command::Lsub { reference, pattern } => Box::pin(self.lsub(reference, pattern, peer)).await,
            Command::Status { mailbox, items } => Box::pin(self.status(mailbox, items, peer)).await,
            Command::Namespace => {
                peer.machine.namespace(&[("", Some(self.config.delimiter))], &[], &[])?;
                self.done("NAMESPACE completed", peer).await
            }
            Command::Id(_) => {
                let fields: Vec<(&str, Option<&str>)> =
                    self.config.id.iter().map(|(n, v)| (n.as_str(), Some(v.as_str()))).collect();
                peer.machine.id(&fields)?;
                self.done("ID completed", peer).await
            }
            Command::Enable(list) => {
                let before = peer.machine.enabled();
                peer.machine.enable(list.known())?;
                if peer.machine.enabled().without(before).contains(Capabilities::CONDSTORE) {
                    self.tell_highest_modseq(peer)?;
                }
                self.done("ENABLE completed", peer).await
            }
            Command::Logout => {
                self.selected = None;
                Ok(peer.machine.logout("Goodbye")?)
            }
            _ => Ok(peer.machine.bad(None, "Not supported here")?),
        }
    }

    /// Ends a command with tagged OK, before it what else there is to tell.
    ///
    /// Expunges too, even where a command that counts messages waits behind this one already: commands are done one after
    /// the other, and that one is in progress only when this one is answered. RFC 9051 section 5.5 makes it the client's to wait:
    /// "if the client sends any command other than FETCH, STORE, or SEARCH, it MUST wait for the completion result response
    /// before sending a command with message sequence numbers", and `FETCH + NOOP + STORE` is its example of what is invalid. To
    /// hold expunges back for what happens to be in the buffer would help such a client only as often as its packets come together,
    /// and one that polls with `NOOP` and `FETCH` together would never be told.
    pub(super) async fn done(&mut self, text: &str, peer: &mut Client<'_>) -> Answer {
        // An idle session is not to be large for it: this allocation is what a thousand waiting ones save a KiB each by.
        if self.selected.is_some() {
            Box::pin(self.tell(Expunges::Told, peer)).await?;
        }
        Ok(peer.machine.ok(None, text)?)
    }

    /// Ends a command with tagged NO for a failed store call.
    pub(super) fn fail(&self, error: &StoreError, peer: &mut Client<'_>) -> Answer {
        let (code, text) = failure::of(error);
        Ok(peer.machine.no(code, &text)?)
    }

    /// Tells the client what has changed in the selected mailbox, as far as it can follow now.
    pub(super) async fn tell(&mut self, expunges: Expunges, peer: &mut Client<'_>) -> Answer {
        let Some(selected) = self.selected.as_deref_mut() else { return Ok(()) };
        if let Err(error) = selected.sync().await {
            // The command itself is done. What was absorbed may be half of a cut: another time, then.
            tracing::warn!(%error, "changes are not known");
            return Ok(());
        }
        let updates = selected.view.drain(expunges);
        if updates.is_empty() {
            return Ok(());
        }
        selected.tell_keywords(updates.flags.iter().map(|(_, change)| &change.flags), peer)?;
        let recent = selected.view.recent().clone();
        let style = Style::of(selected, peer);
        // Mostly there is nothing: an idle session is not to be large for it.
        Box::pin(write_updates(&updates, |uid| recent.contains(uid), style, peer)).await
    }
}

async fn write_updates(
    updates: &Updates,
    is_recent: impl Fn(mailstore_api::Uid) -> bool,
    style: Style,
    peer: &mut Client<'_>,
) -> Answer {
    if style.qresync {
        peer.machine.vanished(false, updates.vanished.ranges().iter().copied())?;
    } else {
        for lines in updates.expunged.chunks(LINES) {
            for n in lines {
                peer.machine.expunge(*n)?;
            }
            peer.drain(HIGH_WATER).await?;
        }
    }
    if let Some(n) = updates.exists {
        peer.machine.exists(n)?;
    }
    if let Some(n) = updates.recent {
        peer.machine.recent(n)?;
    }
    for lines in updates.flags.chunks(LINES) {
        for (seq, change) in lines {
            let mut row = peer.machine.fetch(*seq)?;
            if style.uid {
                row.uid(change.uid.get());
            }
            row.flags(shown_flags(&change.flags, is_recent(change.uid)), &change.flags.keywords);
            if style.modseq {
                row.modseq(change.modseq.0);
            }
            row.finish();
        }
        peer.drain(HIGH_WATER).await?;
    }
    Ok(())
}

/// The system flags as the client sees them.
pub(super) fn shown_flags(flags: &Flags, is_recent: bool) -> SystemFlags {
    let flags = wire_flags(flags.system);
    if is_recent { flags | SystemFlags::RECENT } else { flags }
}

/// A message number beyond the last: the client counts wrong.
pub(super) fn no_such_message(peer: &mut Client<'_>) -> Answer {
    Ok(peer.machine.bad(None, "No such message")?)
}

/// Some messages were expunged by another session (RFC 2180 section 4.1.2, RFC 5530).
pub(super) const EXPUNGED: (Code<'static>, &str) =
    (Code::ExpungeIssued, "Some of the messages no longer exist");
