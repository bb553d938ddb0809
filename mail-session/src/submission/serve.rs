use std::{future::Future, pin::pin};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Driver, Next, Timer, Turn};
use mail_wire::Misuse;
use mailstore_api::MailStore;
use smtp_submit_proto::{Error, Event, Mechanism, SaslData, Server, Status, status};
use tracing::{Instrument as _, debug, info};

use crate::{
    Connection, Encryption, Farewell, SessionError,
    auth::{self, AuthError, AuthErrorKind, Authority, Exchange, Identity, LoginContext, Outcome},
};

use super::{Config, Refusal, Route, Router, transaction::Transaction};

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
    let Connection { stream, timer, acceptor, encryption, context, limits } = connection;
    let span = tracing::info_span!("submission", session = %context.session, peer = %context.peer);
    let mut smtp = config.smtp.clone();
    smtp.starttls = encryption == Encryption::OnRequest;
    smtp.mechanisms = mechanisms(authority, &context);
    let machine = Server::new(smtp);
    let begin =
        if encryption == Encryption::Implicit { Driver::tls_with_limits } else { Driver::with_limits };
    let driver = begin(machine, stream, timer, acceptor, limits);
    let session = Session {
        store,
        authority,
        router,
        config,
        context,
        identity: None,
        exchange: None,
        transaction: None,
    };
    session.run(driver, shutdown).instrument(span)
}

/// What AUTH lists.
fn mechanisms<A: Authority>(authority: &A, context: &LoginContext) -> Vec<Mechanism> {
    auth::listed(authority, context)
        .into_iter()
        .map(|m| Mechanism::new(m.name, m.needs_tls).with_certificate(m.needs_certificate))
        .collect()
}

struct Session<'h, St: MailStore, A, R> {
    store: &'h St,
    authority: &'h A,
    router: &'h R,
    config: &'h Config,
    context: LoginContext,
    identity: Option<Identity>,
    exchange: Option<Box<Exchange>>,
    transaction: Option<Box<Transaction<St::Delivery>>>,
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
            let Some(Turn { event, peer }) = turn else { break };
            self.handle(event, peer.machine).await?;
        }
        debug!("ended");
        Ok(())
    }

    /// Answers one event. The futures of the host are boxed: they are not to make an idle session large.
    async fn handle(&mut self, event: Event<'_>, machine: &mut Server) -> Result<(), Misuse> {
        match event {
            Event::DataChunk(octets) => {
                let Some(transaction) = &mut self.transaction else { return Ok(()) };
                if let Err(error) = Box::pin(transaction.write(octets)).await {
                    info!(%error, "the store refused the message");
                    refuse(machine, &Refusal::from(&error))?;
                }
                Ok(())
            }
            Event::Auth { mechanism, initial } => Box::pin(self.auth(mechanism, initial, machine)).await,
            Event::AuthResponse(data) => Box::pin(self.auth_response(data, machine)).await,
            Event::AuthCancelled => {
                if let Some(mut exchange) = self.exchange.take() {
                    info!(mechanism = exchange.mechanism(), error = %exchange.cancel(), "login failed");
                }
                Ok(())
            }
            Event::Mail { reverse_path, .. } => {
                match Box::pin(self.router.sender(self.identity.as_ref(), reverse_path)).await {
                    Ok(()) => {
                        self.transaction = Some(Box::new(Transaction::new(reverse_path)));
                        machine.accept_mail()
                    }
                    Err(refusal) => {
                        info!(%reverse_path, %refusal, "sender refused");
                        refuse(machine, &refusal)
                    }
                }
            }
            Event::Rcpt { forward_path, .. } => {
                match Box::pin(self.router.recipient(self.identity.as_ref(), forward_path)).await {
                    Ok(Route::Local(recipient)) => {
                        if let Some(transaction) = &mut self.transaction {
                            transaction.add(forward_path, recipient);
                        }
                        machine.accept_rcpt()
                    }
                    Err(refusal) => {
                        info!(%forward_path, %refusal, "recipient refused");
                        refuse(machine, &refusal)
                    }
                }
            }
            Event::DataBegin => Box::pin(self.data_begin(machine)).await,
            Event::DataEnd { octets, .. } => Box::pin(self.data_end(octets, machine)).await,
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
            Event::Vrfy(_) | Event::Expn(_) => machine
                .reply(status::CANNOT_VERIFY, "cannot verify, but mail will be accepted or refused at RCPT"),
            Event::Answered(answered) => {
                if answered.code >= 400 {
                    debug!(command = ?answered.command, code = answered.code, "refused");
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn auth(
        &mut self,
        mechanism: &str,
        initial: Option<SaslData<'_>>,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
        self.context.tls = machine.tls().cloned();
        let mut exchange = match Exchange::new(self.authority, &self.context, mechanism) {
            Ok(exchange) => Box::new(exchange),
            Err(error) => return login_failed(&error, mechanism, machine),
        };
        let initial = initial.map(SaslData::decode);
        let outcome = exchange
            .start(self.authority, &self.context, initial.as_ref().map(|octets| octets.as_slice()))
            .await;
        self.outcome(exchange, outcome, machine)
    }

    async fn auth_response(&mut self, data: SaslData<'_>, machine: &mut Server) -> Result<(), Misuse> {
        let Some(mut exchange) = self.exchange.take() else {
            return login_failed(&AuthErrorKind::Malformed.into(), "", machine);
        };
        let outcome = exchange.respond(self.authority, &self.context, &data.decode()).await;
        self.outcome(exchange, outcome, machine)
    }

    fn outcome(
        &mut self,
        exchange: Box<Exchange>,
        outcome: Outcome,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
        match outcome {
            Outcome::Challenge(octets) => {
                self.exchange = Some(exchange);
                machine.challenge(&octets)
            }
            Outcome::Done(identity) => {
                info!(
                    login = identity.login,
                    account = identity.account,
                    mechanism = exchange.mechanism(),
                    "logged in"
                );
                self.identity = Some(identity);
                machine.authenticated()
            }
            Outcome::Failed(error) => login_failed(&error, exchange.mechanism(), machine),
        }
    }

    async fn data_begin(&mut self, machine: &mut Server) -> Result<(), Misuse> {
        let Some(transaction) = &mut self.transaction else {
            return machine.refuse(status::TRANSACTION_FAILED, "there is no transaction");
        };
        let peer = self.config.trace_address.then_some(&*self.context.peer);
        match transaction.begin(self.store, machine, peer, self.config).await {
            Ok(()) => machine.accept_data(),
            Err(error) => {
                info!(%error, "the store takes no message");
                refuse(machine, &Refusal::from(&error))
            }
        }
    }

    async fn data_end(&mut self, octets: u64, machine: &mut Server) -> Result<(), Misuse> {
        let Some(transaction) = self.transaction.take() else {
            return machine.refuse(status::TRANSACTION_FAILED, "there is no transaction");
        };
        match transaction.commit().await {
            Ok(kept) => {
                info!(id = kept.id, recipients = kept.recipients, octets, "message accepted");
                machine.end_accepted(&format!("kept as {}", kept.id))
            }
            Err(refusal) => refuse(machine, &refusal),
        }
    }
}

fn refuse(machine: &mut Server, refusal: &Refusal) -> Result<(), Misuse> {
    machine.refuse(refusal.status, &refusal.text)
}

fn login_failed(error: &AuthError, mechanism: &str, machine: &mut Server) -> Result<(), Misuse> {
    info!(mechanism, %error, "login failed");
    let refusal = error.smtp();
    let (_, subject, detail) = refusal.enhanced;
    let known = Status::new(refusal.code, subject.into(), detail.into());
    machine.refuse(known.unwrap_or(status::BAD_CREDENTIALS), error.text())
}
