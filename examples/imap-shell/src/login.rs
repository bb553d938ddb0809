//! Logging in: by the best SASL mechanism that both sides have, else by the command LOGIN.

use auth_sasl::{Channel, ClientError, ClientExchange, ClientLogin, ClientMethod, ClientPolicy, choose};
use imap4_proto::{
    client::Client,
    types::{Command, ResponseText},
};
use zeroize::Zeroizing;

use crate::Fault;

pub(crate) struct Login {
    who: ClientLogin,
    /// The only mechanism that is allowed.
    only: Option<String>,
    exchange: Option<ClientExchange>,
    /// Why this side has broken the exchange off.
    broken: Option<ClientError>,
}

impl Login {
    pub(crate) const fn new(who: ClientLogin, only: Option<String>) -> Self {
        Self { who, only, exchange: None, broken: None }
    }

    /// Begins, once it is known what the server can do; else asks it, and is to be called again when it has answered.
    pub(crate) fn begin(&mut self, client: &mut Client) -> Result<(), Fault> {
        let Some(can) = client.capabilities() else {
            client.command(&Command::Capability)?;
            return Ok(());
        };
        let offered = can.mechanisms.iter().map(String::as_str);
        let offered: Vec<&str> =
            offered.filter(|m| self.only.as_ref().is_none_or(|only| only.eq_ignore_ascii_case(m))).collect();

        // What a mechanism may know of the connection: fresh random octets, and what binds it to this TLS connection.
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *random)?;
        let mut channel = Channel::default();
        channel.random = Some(&*random);
        // Who asks for SCRAM without -PLUS wants no binding, and says so to the server: it would else take the connection for
        // one that somebody made weaker (RFC 5802 section 6).
        let binds = self.only.as_ref().is_none_or(|only| only.to_ascii_uppercase().ends_with("-PLUS"));
        let exporter = client.tls().and_then(|tls| tls.exporter.as_ref()).filter(|_| binds);
        channel.tls_exporter = exporter.map(|e| &e[..]);
        // There is TLS by now, or the user has said that the password may be seen (`--tls none`).
        let policy = ClientPolicy::encrypted(true);

        match choose(ClientMethod::BEST_FIRST, offered.iter().copied(), &self.who, &channel, &policy) {
            Ok(mut exchange) => {
                // Sent with the command where the server has SASL-IR, else as the answer to its first challenge: the machine
                // knows which.
                let initial = exchange.initial()?;
                client.authenticate(exchange.name(), initial.as_ref().map(auth_sasl::Secret::expose))?;
                self.exchange = Some(exchange);
                Ok(())
            }
            Err(_) => self.by_command(client),
        }
    }

    /// LOGIN (RFC 9051 section 6.2.3), where no mechanism will do.
    fn by_command(&self, client: &mut Client) -> Result<(), Fault> {
        let can = client.capabilities();
        let listed = can.map_or_else(String::new, |can| can.mechanisms.join(", "));
        if let Some(only) = &self.only {
            return Err(format!("{only} cannot be used; the server offers: {listed}").into());
        }
        match &self.who.password {
            Some(_) if can.is_some_and(|can| can.login_disabled) => {
                Err(format!("the server wants no passwords here, and none of: {listed}. Is --tls right?")
                    .into())
            }
            Some(password) => {
                let password = std::str::from_utf8(password.expose())?;
                client.login(&self.who.authcid, password)?;
                Ok(())
            }
            None => Err(format!("the server takes no token; it offers: {listed}").into()),
        }
    }

    /// A challenge: the mechanism answers it, or breaks off.
    pub(crate) fn challenge(&mut self, client: &mut Client, challenge: &[u8]) -> Result<(), Fault> {
        let step = self.exchange.as_mut().map_or(Err(ClientError::Unexpected), |e| e.step(challenge));
        match step {
            Ok(response) => client.respond(response.expose())?,
            Err(error) => {
                self.broken = Some(error);
                client.cancel()?;
            }
        }
        Ok(())
    }

    /// The server says OK. By what the login went; an error where the server cannot be believed, as without its proof in SCRAM.
    pub(crate) fn accepted(&mut self) -> Result<&'static str, Fault> {
        match self.exchange.take() {
            None => Ok("the command LOGIN"),
            Some(mut exchange) => {
                exchange.success(None).map_err(|e| format!("the server is not to be trusted: {e}"))?;
                Ok(exchange.name())
            }
        }
    }

    /// The server says NO or BAD: what to tell the user.
    pub(crate) fn refused(&self, text: &ResponseText<'_>) -> Fault {
        let words = text.words.escape_ascii();
        if let Some(broken) = &self.broken {
            return format!("the login was broken off: {broken}").into();
        }
        if self.who.token.is_some() {
            let more = self.exchange.as_ref().and_then(|e| e.bearer_error()).map(|e| format!(" ({e:?})"));
            return format!("the token was refused: {words}{}. Has it expired?", more.unwrap_or_default())
                .into();
        }
        format!("the login was refused: {words}. Check --user and the password").into()
    }
}
