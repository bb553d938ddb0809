//! LOGIN and AUTHENTICATE (RFC 9051 section 6.2).

use imap4_proto::types::{AString, Code, SecretBuf};
use mailstore_api::{Account, MailStore};

use super::session::{Answer, Client, Session};
use crate::auth::{self, AuthError, Authority, Exchange, Identity, Outcome};

impl<St: MailStore, A: Authority> Session<'_, St, A> {
    /// What is known of TLS by now, for the authority.
    fn note_tls(&mut self, peer: &Client<'_>) {
        if self.context.tls.is_none()
            && let Some(tls) = peer.machine.tls()
        {
            self.context.tls = Some(tls.clone());
        }
    }

    pub(super) async fn login(
        &mut self,
        user: &AString<'_>,
        password: &AString<'_>,
        peer: &mut Client<'_>,
    ) -> Answer {
        self.note_tls(peer);
        let secret = zeroize::Zeroizing::new(password.bytes().into_owned());
        match auth::login(self.authority, &self.context, &user.bytes(), &secret).await {
            Ok(identity) => self.enter(identity, "LOGIN", peer).await,
            Err(error) => refuse(&error, "LOGIN", peer),
        }
    }

    pub(super) async fn authenticate(
        &mut self,
        mechanism: &str,
        initial: Option<SecretBuf>,
        peer: &mut Client<'_>,
    ) -> Answer {
        self.note_tls(peer);
        let mut exchange = match Exchange::new(self.authority, &self.context, mechanism) {
            Ok(exchange) => Box::new(exchange),
            Err(error) => return refuse(&error, "SASL", peer),
        };
        let initial = initial.as_ref().map(SecretBuf::expose);
        let outcome = exchange.start(self.authority, &self.context, initial).await;
        self.go_on(exchange, outcome, peer).await
    }

    pub(super) async fn auth_response(&mut self, response: SecretBuf, peer: &mut Client<'_>) -> Answer {
        let Some(mut exchange) = self.exchange.take() else {
            return Ok(peer.machine.bad(None, "No exchange is under way")?);
        };
        let outcome = exchange.respond(self.authority, &self.context, response.expose()).await;
        self.go_on(exchange, outcome, peer).await
    }

    /// The client broke the exchange off; the machine has answered.
    pub(super) fn auth_cancel(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            let error = exchange.cancel();
            tracing::info!(mechanism = exchange.mechanism(), %error, "login failed");
        }
    }

    async fn go_on(&mut self, exchange: Box<Exchange>, outcome: Outcome, peer: &mut Client<'_>) -> Answer {
        match outcome {
            Outcome::Challenge(challenge) => {
                self.exchange = Some(exchange);
                Ok(peer.machine.challenge(&challenge)?)
            }
            Outcome::Done(identity) => self.enter(identity, exchange.mechanism(), peer).await,
            Outcome::Failed(error) => refuse(&error, exchange.mechanism(), peer),
        }
    }

    /// Opens the account of somebody who proved to be who he says.
    async fn enter(&mut self, identity: Identity, mechanism: &str, peer: &mut Client<'_>) -> Answer {
        match self.store.open_account(&identity.account).await {
            Ok(account) => {
                tracing::info!(login = %identity.login, account = %identity.account, mechanism, "logged in");
                // RFC 7889 section 2: with a number, CAPABILITY speaks of all mailboxes.
                let most = self.config.protocol.append_limit;
                if account.append_limit(None).is_some_and(|limit| most.is_some_and(|most| limit < most)) {
                    peer.machine.append_limit_varies();
                }
                self.account = Some(Box::new(account));
                Ok(peer.machine.authenticated("Logged in")?)
            }
            Err(error) => {
                tracing::warn!(login = %identity.login, %error, "the account cannot be opened");
                self.fail(&error, peer)
            }
        }
    }
}

fn refuse(error: &AuthError, mechanism: &str, peer: &mut Client<'_>) -> Answer {
    tracing::info!(mechanism, %error, "login failed");
    let refusal = error.imap();
    let code = refusal.code.map(|name| Code::Other(name, None));
    Ok(if refusal.bad { peer.machine.bad(code, error.text()) } else { peer.machine.no(code, error.text()) }?)
}
