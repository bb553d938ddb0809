use mail_wire::Misuse;
use mailstore_api::MailStore;
use smtp_submit_proto::{Mechanism, SaslData, Server, Status, status};
use tracing::info;

use super::{Router, serve::Session};
use crate::auth::{self, AuthError, AuthErrorKind, Authority, Exchange, LoginContext, Outcome};

/// What AUTH lists.
pub(super) fn mechanisms<A: Authority>(authority: &A, context: &LoginContext) -> Vec<Mechanism> {
    auth::listed(authority, context)
        .into_iter()
        .map(|m| Mechanism::new(m.name, m.needs_tls).with_certificate(m.needs_certificate))
        .collect()
}

impl<St: MailStore, A: Authority, R: Router> Session<'_, St, A, R> {
    pub(super) fn auth_cancelled(&mut self) {
        if let Some(mut exchange) = self.exchange.take() {
            info!(mechanism = exchange.mechanism(), error = %exchange.cancel(), "login failed");
        }
    }

    pub(super) async fn auth(
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

    pub(super) async fn auth_response(
        &mut self,
        data: SaslData<'_>,
        machine: &mut Server,
    ) -> Result<(), Misuse> {
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
}

fn login_failed(error: &AuthError, mechanism: &str, machine: &mut Server) -> Result<(), Misuse> {
    info!(mechanism, %error, "login failed");
    let refusal = error.smtp();
    let (_, subject, detail) = refusal.enhanced;
    let known = Status::new(refusal.code, subject.into(), detail.into());
    machine.refuse(known.unwrap_or(status::BAD_CREDENTIALS), error.text())
}
