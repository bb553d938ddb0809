use std::{future::Future, net::IpAddr, pin::pin, sync::Arc};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Driver, Next, Timer, Turn};
use mail_wire::Misuse;
use mailstore_api::MailStore;
use smtp_submit_proto::{DeliverByOffer, Error, Event, FutureReleaseOffer, Server, Status, status};
use tracing::{Instrument as _, debug, info};

use super::{
    Config, Refusal, Router, front_end::FrontEnd, login::mechanisms, trace, trace::peer_address,
    transaction::Transaction,
};
use crate::{
    Connection, Encryption, Farewell, SessionError,
    auth::{Authority, Exchange, Identity, LoginContext},
};

/// Serves one submission connection to its end.
///
/// When `shutdown` completes, the client is told 421 and the connection closes; a message that was not
/// acknowledged is not kept.
///
/// # Errors
/// When the connection failed before QUIT. Whatever was acknowledged is kept all the same.
pub fn serve<'h, St, A, R, S, T, X>(
    store: &'h St,
    authority: &'h A,
    router: &'h R,
    connection: Connection<S, T, X>,
    config: &'h Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> impl Future<Output = Result<(), SessionError<Error>>> + Send
where
    St: MailStore,
    A: Authority,
    R: Router,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    let context = &connection.context;
    let span = tracing::info_span!("submission", session = %context.session, peer = %context.peer);
    let mut smtp = config.smtp.clone();
    smtp.mechanisms = mechanisms(authority, context);
    // What only a queue can do is offered only with one.
    let has_queue = store.queue().is_some();
    smtp.deliver_by =
        config.deliver_by_least.filter(|_| has_queue).map(|least| DeliverByOffer { least: Some(least) });
    smtp.future_release = config.hold_limit.filter(|_| has_queue).map(|longest| FutureReleaseOffer {
        longest,
        latest: trace::utc(trace::seconds().saturating_add(longest.into())),
    });
    if !has_queue {
        smtp.mt_priority = None;
    }
    run(store, authority, router, connection, config, smtp, shutdown).instrument(span)
}

/// What submission and LMTP have in common: all but the greeting's offers.
pub(crate) fn run<'h, St, A, R, S, T, X>(
    store: &'h St,
    authority: &'h A,
    router: &'h R,
    connection: Connection<S, T, X>,
    config: &'h Config,
    mut smtp: smtp_submit_proto::Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> impl Future<Output = Result<(), SessionError<Error>>> + Send
where
    St: MailStore,
    A: Authority,
    R: Router,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    smtp.starttls = connection.encryption == Encryption::OnRequest;
    let lmtp = smtp.lmtp;
    let mut machine = Server::new(Arc::new(smtp));
    let peer = peer_address(&connection.context.peer);
    if peer.is_some_and(|ip: IpAddr| config.front_ends.iter().any(|n| n.contains(ip))) {
        machine.trust_front_end();
    }
    if config.closed_door {
        info!("not served from there");
        // RFC 5321 section 3.1: 554 in place of the greeting.
        let status = Status::new(554, 7, 1).unwrap_or(status::TRANSACTION_FAILED);
        let _ = machine.close(status, "no service for you");
    }
    let (driver, context) = connection.drive(machine);
    let session = Session {
        store,
        authority,
        router,
        config,
        context,
        lmtp,
        front_end: None,
        identity: None,
        exchange: None,
        transaction: None,
    };
    session.run(driver, shutdown)
}

pub(super) struct Session<'h, St: MailStore, A, R> {
    pub(super) store: &'h St,
    pub(super) authority: &'h A,
    pub(super) router: &'h R,
    pub(super) config: &'h Config,
    pub(super) context: LoginContext,
    pub(super) lmtp: bool,
    /// For whom a front end speaks.
    pub(super) front_end: Option<Box<FrontEnd>>,
    pub(super) identity: Option<Identity>,
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) transaction: Option<Box<Transaction<St::Delivery>>>,
}

impl<St: MailStore, A: Authority, R: Router> Session<'_, St, A, R> {
    async fn run<S, T, X>(
        mut self,
        mut driver: Driver<Server, S, T, X>,
        shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
    ) -> Result<(), SessionError<Error>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: Timer,
        X: Accept<S>,
    {
        debug!("connected");
        let mut shutdown = pin!(shutdown);
        let mut stopping = false;
        loop {
            let turn = if stopping {
                driver.next().await?
            } else {
                match driver.next_or(&mut shutdown).await? {
                    Next::Turn(turn) => Some(turn),
                    Next::End => None,
                    Next::Other(farewell, peer) => {
                        let (code, text) = match farewell.into() {
                            Farewell::Stopping => (status::SHUTTING_DOWN, &*self.config.goodbye),
                            other => (status::NO_LONGER_PERMITTED, other.text()),
                        };
                        info!(text, "ending");
                        stopping = true;
                        if peer.machine.close(code, text).is_err() {
                            // In the handshake nothing can be said.
                            return Ok(());
                        }
                        continue;
                    }
                }
            };
            let Some(Turn { event, mut peer }) = turn else { break };
            if may_wait(&event) {
                peer.push().await?;
            }
            self.handle(event, peer.machine).await?;
        }
        debug!("ended");
        Ok(())
    }

    /// Answers one event. The futures of the host are boxed: they are not to make an idle session large.
    async fn handle(&mut self, event: Event<'_>, machine: &mut Server) -> Result<(), Misuse> {
        match event {
            Event::DataChunk(octets) => self.data_chunk(octets, machine).await,
            Event::Auth { mechanism, initial } => Box::pin(self.auth(mechanism, initial, machine)).await,
            Event::AuthResponse(data) => Box::pin(self.auth_response(data, machine)).await,
            Event::AuthCancelled => {
                self.auth_cancelled();
                Ok(())
            }
            Event::Mail { reverse_path, params } => Box::pin(self.mail(reverse_path, &params, machine)).await,
            Event::Rcpt { forward_path, params } => Box::pin(self.rcpt(forward_path, &params, machine)).await,
            Event::DataBegin => Box::pin(self.data_begin(machine)).await,
            Event::DataEnd { octets, bare_newline } => {
                Box::pin(self.data_end(octets, bare_newline, machine)).await
            }
            Event::DataRefused(reason) => {
                info!(?reason, "message refused");
                self.transaction = None;
                Ok(())
            }
            Event::Reset => {
                self.transaction = None;
                Ok(())
            }
            Event::StartTls => {
                self.transaction = None;
                self.exchange = None;
                self.identity = None;
                // Before EHLO is answered under TLS, when an authority may know other mechanisms.
                machine.set_mechanisms(mechanisms(self.authority, &self.context));
                Ok(())
            }
            Event::Xclient(attributes) => self.xclient(attributes, machine),
            Event::Vrfy(text) => Box::pin(self.vrfy(text, machine)).await,
            Event::Expn(text) => match Box::pin(self.router.expand(self.identity.as_ref(), text)).await {
                Ok(members) => machine.reply(status::OK, &members),
                Err(refusal) => refuse(machine, &refusal),
            },
            Event::Answered(answered) => {
                if answered.code >= 400 {
                    debug!(command = ?answered.command, code = answered.code, "refused");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn vrfy(&mut self, text: &str, machine: &mut Server) -> Result<(), Misuse> {
        match self.router.verify(self.identity.as_ref(), text).await {
            Ok(Some(mailboxes)) => machine.reply(status::OK, &mailboxes),
            Ok(None) => machine
                .reply(status::CANNOT_VERIFY, "cannot verify, but mail will be accepted or refused at RCPT"),
            Err(refusal) => refuse(machine, &refusal),
        }
    }
}

/// Whether the answer may take its time: what waits to be sent does not wait for it.
const fn may_wait(event: &Event<'_>) -> bool {
    !matches!(event, Event::Mail { .. } | Event::Rcpt { .. } | Event::DataBegin | Event::Answered(_))
}

pub(super) fn refuse(machine: &mut Server, refusal: &Refusal) -> Result<(), Misuse> {
    machine.refuse(refusal.status, &refusal.text)
}
