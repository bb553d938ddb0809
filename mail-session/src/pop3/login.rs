use std::time::Instant;

use mail_drive::Peer;
use mailstore_api::{ErrorKind, MailStore};
use pop3_proto::{Digest, RespCode, Secret, Server};

use super::{
    maildrop::Maildrop,
    session::{Answer, Session, system},
};
use crate::auth::{self, AuthError, Authority, Exchange, Identity, Outcome};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    /// USER and PASS (RFC 1939 section 7).
    pub(super) async fn pass(&mut self, password: Secret<'_>, peer: &mut Peer<'_, Server>) -> Answer {
        let user = peer.machine.user();
        match auth::login(self.authority, &self.context, user, password.expose()).await {
            Ok(identity) => self.enter(identity, "USER", peer).await,
            Err(error) => refuse(&error, "USER", peer),
        }
    }

    /// APOP (RFC 1939 section 7).
    pub(super) async fn apop(&mut self, name: &[u8], digest: Digest, peer: &mut Peer<'_, Server>) -> Answer {
        let timestamp = peer.machine.timestamp().map(|t| t.as_str().to_owned()).unwrap_or_default();
        let proof = auth::apop(self.authority, &self.context, name, timestamp.as_bytes(), digest.expose());
        match proof.await {
            Ok(identity) => self.enter(identity, "APOP", peer).await,
            Err(error) => refuse(&error, "APOP", peer),
        }
    }

    /// AUTH (RFC 5034).
    pub(super) async fn auth(
        &mut self,
        mechanism: &str,
        initial: Option<&[u8]>,
        peer: &mut Peer<'_, Server>,
    ) -> Answer {
        let mut exchange = match Exchange::new(self.authority, &self.context, mechanism) {
            Ok(exchange) => Box::new(exchange),
            Err(error) => return refuse(&error, "SASL", peer),
        };
        let outcome = exchange.start(self.authority, &self.context, initial).await;
        self.go_on(exchange, outcome, peer).await
    }

    /// The response to a challenge.
    pub(super) async fn auth_response(&mut self, response: &[u8], peer: &mut Peer<'_, Server>) -> Answer {
        let Some(mut exchange) = self.exchange.take() else {
            return Ok(peer.machine.err(None, "no exchange is under way")?);
        };
        let outcome = exchange.respond(self.authority, &self.context, response).await;
        self.go_on(exchange, outcome, peer).await
    }

    /// The client broke the exchange off; the machine has answered.
    pub(super) fn auth_cancel(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            let error = exchange.cancel();
            tracing::info!(mechanism = exchange.mechanism(), %error, "login failed");
        }
    }

    async fn go_on(
        &mut self,
        exchange: Box<Exchange>,
        outcome: Outcome,
        peer: &mut Peer<'_, Server>,
    ) -> Answer {
        match outcome {
            Outcome::Challenge(challenge) => {
                self.exchange = Some(exchange);
                Ok(peer.machine.challenge(&challenge)?)
            }
            Outcome::Done(identity) => self.enter(identity, exchange.mechanism(), peer).await,
            Outcome::Failed(error) => refuse(&error, exchange.mechanism(), peer),
        }
    }

    /// Opens the maildrop of somebody who proved to be who he says.
    async fn enter(&mut self, identity: Identity, mechanism: &str, peer: &mut Peer<'_, Server>) -> Answer {
        let delays = self.config.login_delays.as_ref();
        if delays.is_some_and(|delays| !delays.admits(&identity.account, Instant::now())) {
            tracing::info!(login = %identity.login, mechanism, "too soon after the last login");
            let code = Some(RespCode::LoginDelay);
            return Ok(peer.machine.err(code, "too soon after your last login; wait a while")?);
        }
        let opened = match self.store.open_account(&identity.account).await {
            Ok(account) => Maildrop::open(&account).await,
            Err(error) => Err(error),
        };
        let maildrop = match opened {
            Ok(maildrop) => maildrop,
            Err(error) => {
                tracing::warn!(login = %identity.login, %error, "the maildrop cannot be opened");
                let (code, text) = match error.kind {
                    ErrorKind::InUse => (Some(RespCode::InUse), "another session has the maildrop open"),
                    _ => (system(&error), "the maildrop cannot be opened"),
                };
                return Ok(peer.machine.err(code, text)?);
            }
        };
        let (messages, octets) = maildrop.left();
        tracing::info!(login = %identity.login, account = %identity.account, mechanism, messages, octets, "logged in");
        self.maildrop = Some(Box::new(maildrop));
        Ok(peer.machine.logged_in(&format!("maildrop has {messages} messages ({octets} octets)"))?)
    }
}

fn refuse(error: &AuthError, mechanism: &str, peer: &mut Peer<'_, Server>) -> Answer {
    tracing::info!(mechanism, %error, "login failed");
    let code = error.pop3_code().and_then(RespCode::from_name);
    Ok(peer.machine.err(code, error.text())?)
}
