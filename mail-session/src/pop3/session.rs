use std::fmt::{Display, Write as _};

use mail_drive::Peer;
use mailstore_api::{Account, ErrorKind, MailStore, StoreError};
use pop3_proto::{Error, Event, MessageNumber, RespCode, Server};

use super::{Config, maildrop::Maildrop};
use crate::{
    SessionError,
    ahead::Ahead,
    auth::{self, Authority, Exchange, LoginContext},
};

/// Lines of LIST and UIDL between looks at how much waits to be sent.
const LINES: usize = 512;
/// Octets of unsent output beyond which nothing is produced.
pub(super) const HIGH_WATER: usize = 64 * 1024;

pub(super) type Answer<T = ()> = Result<T, SessionError<Error>>;

/// One client's session: what its commands mean.
pub(super) struct Session<'h, St: MailStore, A> {
    pub(super) store: &'h St,
    pub(super) authority: &'h A,
    pub(super) context: LoginContext,
    pub(super) config: Config,
    /// The SASL exchange, while one is under way.
    pub(super) exchange: Option<Box<Exchange>>,
    /// Messages opened ahead, while they are fetched one after the other.
    pub(super) ahead: Option<Box<Ahead<<St::Account as Account>::Mailbox>>>,
    /// The message fetched last.
    pub(super) last: Option<MessageNumber>,
    /// From login to QUIT.
    pub(super) maildrop: Option<Box<Maildrop<<St::Account as Account>::Mailbox>>>,
    pub(super) retrieved: u32,
    /// What is removed at QUIT because it was fetched.
    pub(super) fetched: Vec<MessageNumber>,
    removed: u64,
}

impl<'h, St: MailStore, A: Authority> Session<'h, St, A> {
    pub(super) const fn new(store: &'h St, authority: &'h A, context: LoginContext, config: Config) -> Self {
        Self {
            store,
            authority,
            context,
            config,
            exchange: None,
            ahead: None,
            last: None,
            maildrop: None,
            retrieved: 0,
            fetched: Vec::new(),
            removed: 0,
        }
    }

    pub(super) fn log_end(&self, ended: &Result<(), impl Display>) {
        let (retrieved, removed) = (self.retrieved, self.removed);
        match ended {
            Ok(()) => tracing::info!(retrieved, removed, "session ended"),
            Err(error) => tracing::info!(retrieved, removed, %error, "session broken off"),
        }
    }

    /// Answers one event.
    pub(super) async fn answer(&mut self, event: Event<'_>, peer: &mut Peer<'_, Server>) -> Answer {
        if self.context.tls.is_none()
            && let Some(tls) = peer.machine.tls()
        {
            self.context.tls = Some(tls.clone());
        }
        if !matches!(event, Event::Retr(_) | Event::Dele(_) | Event::Answered(_)) {
            self.ahead = None;
        }
        match event {
            Event::Pass(password) => Box::pin(self.pass(password, peer)).await?,
            Event::Auth { mechanism, initial } => {
                let initial = initial.as_ref().map(pop3_proto::SecretBuf::expose);
                Box::pin(self.auth(mechanism, initial, peer)).await?;
            }
            Event::AuthResponse(response) => Box::pin(self.auth_response(response.expose(), peer)).await?,
            Event::AuthCancel => self.auth_cancel(),
            Event::Capa => peer.machine.capabilities(&self.mechanisms())?,
            Event::AuthList => peer.machine.mechanisms(&self.mechanisms())?,
            Event::Stat => self.stat(peer)?,
            Event::List(Some(n)) => self.list_one(n, peer)?,
            Event::Uidl(Some(n)) => self.unique_id_of_one(n, peer)?,
            Event::List(None) => self.list(peer).await?,
            Event::Uidl(None) => self.unique_ids(peer).await?,
            Event::Retr(n) => self.retrieve(n, peer).await?,
            Event::Top(n, lines) => self.top(n, lines, peer).await?,
            Event::Dele(n) => self.delete(n, peer)?,
            Event::Rset => self.reset(peer)?,
            Event::Quit => self.quit(peer).await?,
            Event::Answered(answered) => tracing::trace!(?answered, "answered by the machine"),
            Event::Apop { name, digest } => Box::pin(self.apop(name, digest, peer)).await?,
            Event::Lang(range) => language(range, peer)?,
            _ => peer.machine.err(None, "not supported here")?,
        }
        Ok(())
    }

    fn mechanisms(&self) -> Vec<&'static str> {
        auth::offered(self.authority, &self.context).collect()
    }

    fn stat(&self, peer: &mut Peer<'_, Server>) -> Answer {
        let (messages, octets) = self.maildrop.as_ref().map_or((0, 0), |m| m.left());
        Ok(peer.machine.drop_listing(messages, octets)?)
    }

    fn list_one(&self, n: MessageNumber, peer: &mut Peer<'_, Server>) -> Answer {
        let Some(message) = self.maildrop.as_ref().and_then(|m| m.message(n)) else {
            return self.no_such_message(peer);
        };
        Ok(peer.machine.scan_listing(n, message.octets())?)
    }

    fn unique_id_of_one(&self, n: MessageNumber, peer: &mut Peer<'_, Server>) -> Answer {
        let Some((maildrop, message)) = self.maildrop.as_ref().and_then(|m| Some((m, m.message(n)?))) else {
            return self.no_such_message(peer);
        };
        Ok(maildrop.unique_id(message.uid, |id| peer.machine.unique_id_listing(n, id))?)
    }

    async fn list(&mut self, peer: &mut Peer<'_, Server>) -> Answer {
        let Some(maildrop) = &self.maildrop else { return self.no_such_message(peer) };
        let (messages, octets) = maildrop.left();
        peer.machine.begin_list(&left("", messages, octets))?;
        for (line, (n, message)) in maildrop.messages().enumerate() {
            peer.machine.scan_listing(n, message.octets())?;
            if line % LINES == LINES - 1 {
                peer.drain(HIGH_WATER).await?;
            }
        }
        Ok(peer.machine.end_list()?)
    }

    async fn unique_ids(&mut self, peer: &mut Peer<'_, Server>) -> Answer {
        let Some(maildrop) = &self.maildrop else { return self.no_such_message(peer) };
        peer.machine.begin_list("unique-id listing follows")?;
        for (line, (n, message)) in maildrop.messages().enumerate() {
            maildrop.unique_id(message.uid, |id| peer.machine.unique_id_listing(n, id))?;
            if line % LINES == LINES - 1 {
                peer.drain(HIGH_WATER).await?;
            }
        }
        Ok(peer.machine.end_list()?)
    }

    fn delete(&mut self, n: MessageNumber, peer: &mut Peer<'_, Server>) -> Answer {
        if self.maildrop.as_mut().is_some_and(|maildrop| maildrop.mark(n)) {
            return Ok(peer.machine.ok("message deleted")?);
        }
        self.no_such_message(peer)
    }

    fn reset(&mut self, peer: &mut Peer<'_, Server>) -> Answer {
        let (messages, octets) = self.maildrop.as_mut().map_or((0, 0), |maildrop| {
            maildrop.unmark_all();
            maildrop.left()
        });
        Ok(peer.machine.ok(&left("maildrop has ", messages, octets))?)
    }

    /// The UPDATE state (RFC 1939 section 6): all that is marked goes, in one step; the lock goes before the
    /// answer, so that a client which comes back at once finds the maildrop free.
    async fn quit(&mut self, peer: &mut Peer<'_, Server>) -> Answer {
        let Some(mut maildrop) = self.maildrop.take() else { return Ok(peer.machine.ok("goodbye")?) };
        for n in self.fetched.drain(..) {
            maildrop.mark(n);
        }
        let removed = maildrop.remove_marked().await;
        drop(maildrop);
        match removed {
            Ok(removed) => {
                self.removed = removed;
                peer.machine.ok("goodbye")?;
            }
            Err(error) => {
                tracing::warn!(%error, "deleted messages are not removed");
                peer.machine.err(system(&error), "some deleted messages not removed")?;
            }
        }
        Ok(())
    }

    pub(super) fn no_such_message(&self, peer: &mut Peer<'_, Server>) -> Answer {
        Ok(peer.machine.err(None, "no such message")?)
    }
}

/// What there is, in words.
fn left(before: &str, messages: impl Display, octets: impl Display) -> String {
    let mut text = String::with_capacity(64);
    let _ = write!(text, "{before}{messages} messages ({octets} octets)");
    text
}

/// LANG (RFC 6856 section 3): all texts are English.
fn language(range: Option<&str>, peer: &mut Peer<'_, Server>) -> Answer {
    let Some(range) = range else {
        peer.machine.begin_list("language listing follows")?;
        peer.machine.language_listing("en", "English")?;
        return Ok(peer.machine.end_list()?);
    };
    // RFC 4647 section 3.4: `en-GB` is content with `en`.
    let primary = range.split('-').next().unwrap_or(range);
    if range == "*" || primary.eq_ignore_ascii_case("en") {
        return Ok(peer.machine.ok("en English it is")?);
    }
    Ok(peer.machine.err(None, "only English is spoken here")?)
}

/// The response code for a failed store call (RFC 3206 section 4).
pub(super) const fn system(error: &StoreError) -> Option<RespCode> {
    Some(match error.kind {
        ErrorKind::InUse
        | ErrorKind::Unavailable
        | ErrorKind::Limit
        | ErrorKind::OverQuota
        | ErrorKind::HistoryLost => RespCode::SysTemp,
        _ => RespCode::SysPerm,
    })
}
