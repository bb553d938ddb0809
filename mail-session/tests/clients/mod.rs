//! A login by each of our client machines, as a program would do it, over any stream.
#![allow(dead_code, reason = "each test uses a part of it")]

use auth_sasl::{Channel, ClientExchange, ClientLogin, ClientMethod, ClientPolicy, Secret, choose};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Driver, NoTimer, TlsInfo, Turn};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Protocol {
    Imap,
    Pop3,
    Submission,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Imap, Self::Pop3, Self::Submission];
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    Plain,
    StartTls,
    Tls,
}

/// What became of the login: `refused` by the server, or why this side would not.
pub(crate) type Entered = Result<(), String>;

/// A stream the machines are driven over.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// What a login says, and what it makes of the answers.
pub(crate) trait Sasl {
    /// The mechanism's name and its initial response.
    fn begin(
        &mut self,
        offered: &[String],
        tls: Option<&TlsInfo>,
    ) -> Result<(&'static str, Option<Secret>), String>;
    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String>;
    fn accepted(&mut self) -> Entered;
    fn refused(&mut self, words: &[u8]) -> Entered;
}

/// One login, with what it may know of its connection.
pub(crate) struct Login<'l> {
    mechanism: &'l str,
    login: &'l ClientLogin,
    methods: &'l [ClientMethod],
    exchange: Option<ClientExchange>,
}

impl<'l> Login<'l> {
    pub(crate) fn new(mechanism: &'l str, login: &'l ClientLogin) -> Self {
        Self { mechanism, login, methods: ClientMethod::BEST_FIRST, exchange: None }
    }

    /// By a mechanism that may be from outside the crate.
    pub(crate) fn with_methods(self, methods: &'l [ClientMethod]) -> Self {
        Self { methods, ..self }
    }
}

impl Sasl for Login<'_> {
    fn begin(
        &mut self,
        offered: &[String],
        tls: Option<&TlsInfo>,
    ) -> Result<(&'static str, Option<Secret>), String> {
        let listed =
            offered.iter().filter(|m| m.eq_ignore_ascii_case(self.mechanism) || m.ends_with("-PLUS"));
        let mut channel = Channel::default();
        channel.random = Some(b"more than eighteen octets by chance");
        channel.tls_exporter = tls.and_then(|tls| tls.exporter.as_ref()).map(<[u8; 32]>::as_slice);
        channel.tls_server_end_point = tls.and_then(|tls| tls.server_end_point.as_deref());
        let mut policy = ClientPolicy::encrypted(tls.is_some());
        policy.cram_md5 = true;
        let methods: Vec<_> = self.methods.iter().filter(|m| m.name() == self.mechanism).copied().collect();
        let mut exchange = choose(&methods, listed.map(String::as_str), self.login, &channel, &policy)
            .map_err(|e| format!("{e:?}, of {offered:?}"))?;
        let initial = exchange.initial().map_err(say)?;
        let name = exchange.name();
        self.exchange = Some(exchange);
        Ok((name, initial))
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
        self.exchange.as_mut().unwrap().step(challenge).map_err(say)
    }

    fn accepted(&mut self) -> Entered {
        self.exchange.as_mut().unwrap().success(None).map_err(|e| format!("not believed: {e}"))
    }

    /// A refusal; that of a token says why before it comes.
    fn refused(&mut self, words: &[u8]) -> Entered {
        let why = self.exchange.as_ref().and_then(ClientExchange::bearer_error);
        if self.login.token.is_some() && why.is_none() {
            return Err(format!("no reason came before {}", words.escape_ascii()));
        }
        Err(format!("refused: {} {why:?}", words.escape_ascii()))
    }
}

/// Logs in over `stream`, by TLS as `way` says.
pub(crate) async fn enter<S: Stream, X: Accept<S>>(
    protocol: Protocol,
    stream: S,
    way: Way,
    tls: X,
    sasl: &mut dyn Sasl,
) -> Entered {
    match protocol {
        Protocol::Imap => {
            let client = imap4_proto::client::Client::new(imap4_proto::client::Config::default());
            imap(driver(client, stream, way, tls), way, sasl).await
        }
        Protocol::Pop3 => {
            let mut config = pop3_proto::client::Config::default();
            config.login_in_clear = way == Way::Plain;
            pop3(driver(pop3_proto::client::Client::new(config), stream, way, tls), way, sasl).await
        }
        Protocol::Submission => {
            let mut config = smtp_submit_proto::client::Config::new("client.example.test");
            config.auth_in_clear = way == Way::Plain;
            let client = smtp_submit_proto::client::Client::new(config);
            submission(driver(client, stream, way, tls), way, sasl).await
        }
    }
}

fn driver<M: mail_drive::Machine, S: Stream, X: Accept<S>>(
    machine: M,
    stream: S,
    way: Way,
    tls: X,
) -> Driver<M, S, NoTimer, X> {
    match way {
        Way::Tls => Driver::tls(machine, stream, NoTimer, tls),
        Way::Plain | Way::StartTls => Driver::new(machine, stream, NoTimer, tls),
    }
}

fn say(e: impl std::fmt::Display) -> String {
    e.to_string()
}

async fn imap<S: Stream, X: Accept<S>>(
    mut driver: Driver<imap4_proto::client::Client, S, NoTimer, X>,
    way: Way,
    sasl: &mut dyn Sasl,
) -> Entered {
    use imap4_proto::{
        client::Event,
        types::{Command, CommandKind, Status},
    };
    let mut entered = false;
    loop {
        let mut begin = false;
        let Some(Turn { event, peer }) = driver.next().await.map_err(say)? else {
            return if entered { Ok(()) } else { Err("closed".to_owned()) };
        };
        let client = peer.machine;
        match event {
            Event::Greeting { .. } if way == Way::StartTls => _ = client.start_tls().map_err(say)?,
            Event::Greeting { .. } => _ = client.command(&Command::Capability).map_err(say)?,
            Event::Challenge(challenge) => match sasl.step(challenge.expose()) {
                Ok(response) => client.respond(response.expose()).map_err(say)?,
                Err(_) => client.cancel().map_err(say)?,
            },
            Event::Done { kind: CommandKind::Capability, status: Status::Ok, .. } => begin = true,
            Event::Done { kind: CommandKind::Authenticate, status: Status::Ok, .. } => {
                sasl.accepted()?;
                entered = true;
                client.command(&Command::Logout).map_err(say)?;
            }
            Event::Done { kind: CommandKind::Authenticate, text, .. } => return sasl.refused(text.words),
            _ => {}
        }
        if begin {
            let client = driver.machine_mut();
            let offered = client.capabilities().unwrap().mechanisms.clone();
            let tls = client.tls().cloned();
            let (name, initial) = sasl.begin(&offered, tls.as_ref())?;
            client.authenticate(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}

async fn pop3<S: Stream, X: Accept<S>>(
    mut driver: Driver<pop3_proto::client::Client, S, NoTimer, X>,
    way: Way,
    sasl: &mut dyn Sasl,
) -> Entered {
    use pop3_proto::{CommandKind, client::Event};
    let mut entered = false;
    loop {
        let mut begin = false;
        let Some(Turn { event, peer }) = driver.next().await.map_err(say)? else {
            return if entered { Ok(()) } else { Err("closed".to_owned()) };
        };
        let client = peer.machine;
        match event {
            Event::Greeting { .. } | Event::Ok { command: CommandKind::Stls, .. } => {
                client.capa().map_err(say)?
            }
            Event::Capabilities => begin = true,
            Event::Challenge(challenge) => match sasl.step(challenge.expose()) {
                Ok(response) => client.auth_response(response.expose()).map_err(say)?,
                Err(_) => client.auth_cancel().map_err(say)?,
            },
            Event::LoggedIn(_) => {
                sasl.accepted()?;
                entered = true;
                client.quit().map_err(say)?;
            }
            Event::Err { command: Some(CommandKind::Auth), text, .. } => return sasl.refused(text),
            Event::Err { text, .. } => return Err(text.escape_ascii().to_string()),
            _ => {}
        }
        if begin {
            let tls = driver.tls_info().cloned();
            let client = driver.machine_mut();
            if way == Way::StartTls && tls.is_none() {
                client.stls().map_err(say)?;
                continue;
            }
            let offered = client.capabilities().sasl.clone();
            let (name, initial) = sasl.begin(&offered, tls.as_ref())?;
            client.auth(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}

async fn submission<S: Stream, X: Accept<S>>(
    mut driver: Driver<smtp_submit_proto::client::Client, S, NoTimer, X>,
    way: Way,
    sasl: &mut dyn Sasl,
) -> Entered {
    use smtp_submit_proto::client::Event;
    driver.machine_mut().hello().map_err(say)?;
    loop {
        let mut begin = false;
        let Some(Turn { event, peer }) = driver.next().await.map_err(say)? else {
            return Err("closed".to_owned());
        };
        let client = peer.machine;
        match event {
            Event::Ready(_) if way == Way::StartTls && !client.is_encrypted() => {
                client.start_tls().map_err(say)?
            }
            Event::Ready(_) => begin = true,
            Event::StartTls(reply) if reply.code() == 220 => client.hello().map_err(say)?,
            Event::Challenge(challenge) => match sasl.step(&challenge.decode()) {
                Ok(response) => client.auth_response(response.expose()).map_err(say)?,
                Err(_) => client.auth_cancel().map_err(say)?,
            },
            Event::Authenticated(_) => return sasl.accepted(),
            Event::AuthFailed(reply) => {
                let words: Vec<_> = reply.lines().flatten().copied().collect();
                return sasl.refused(&words);
            }
            Event::HelloRefused(reply) | Event::StartTls(reply) | Event::Closing(reply) => {
                return Err(reply.code().to_string());
            }
            _ => {}
        }
        if begin {
            let tls = driver.tls_info().cloned();
            let client = driver.machine_mut();
            let offered = client.capabilities().auth.clone();
            let (name, initial) = sasl.begin(&offered, tls.as_ref())?;
            client.auth(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}
