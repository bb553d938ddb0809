//! A login by each of our client machines, as a program would do it.

use std::{sync::Arc, time::Duration};

use auth_sasl::{Channel, ClientExchange, ClientLogin, ClientMethod, ClientPolicy, Secret, choose};
use futures_rustls::TlsConnector;
use mail_drive::{Accept, Connect, Driver, Machine, NoTimer, Turn};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use smol::net::TcpStream;

use crate::server::Dovecot;

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
type Entered = Result<(), String>;

/// One login, with what it may know of its connection.
struct Sasl<'l> {
    mechanism: &'l str,
    login: &'l ClientLogin,
    exchange: Option<ClientExchange>,
}

impl Sasl<'_> {
    /// The mechanism's name and its initial response.
    fn begin(
        &mut self,
        offered: &[String],
        exporter: Option<&[u8; 32]>,
        encrypted: bool,
    ) -> Result<(&'static str, Option<Secret>), String> {
        let listed =
            offered.iter().filter(|m| m.eq_ignore_ascii_case(self.mechanism) || m.ends_with("-PLUS"));
        let mut channel = Channel::default();
        channel.random = Some(b"more than eighteen octets by chance");
        channel.tls_exporter = exporter.map(|e| &e[..]);
        let mut policy = ClientPolicy::encrypted(encrypted);
        policy.cram_md5 = true;
        let methods: Vec<_> =
            ClientMethod::BEST_FIRST.iter().filter(|m| m.name() == self.mechanism).copied().collect();
        let mut exchange = choose(&methods, listed.map(String::as_str), self.login, &channel, &policy)
            .map_err(|e| format!("{e:?}, of {offered:?}"))?;
        let initial = exchange.initial().map_err(|e| e.to_string())?;
        let name = exchange.name();
        self.exchange = Some(exchange);
        Ok((name, initial))
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret, String> {
        self.exchange.as_mut().unwrap().step(challenge).map_err(|e| e.to_string())
    }

    fn accepted(&mut self) -> Entered {
        self.exchange.as_mut().unwrap().success(None).map_err(|e| format!("not believed: {e}"))
    }

    /// A refusal; that of a token says why before it comes.
    fn refused(&self, words: &[u8]) -> Entered {
        let why = self.exchange.as_ref().and_then(ClientExchange::bearer_error);
        if self.login.token.is_some() && why.is_none() {
            return Err(format!("no reason came before {}", words.escape_ascii()));
        }
        Err(format!("refused: {} {why:?}", words.escape_ascii()))
    }
}

pub(crate) fn enter(
    dovecot: &Dovecot,
    protocol: Protocol,
    way: Way,
    mechanism: &str,
    login: &ClientLogin,
) -> Entered {
    let login = Sasl { mechanism, login, exchange: None };
    let late = async {
        smol::Timer::after(Duration::from_secs(5)).await;
        Err("no answer in 5 s".to_owned())
    };
    smol::block_on(smol::future::or(
        async {
            let port = dovecot.port(protocol, way == Way::Tls);
            let stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|e| e.to_string())?;
            let tls = connect(dovecot, mechanism == "EXTERNAL");
            match protocol {
                Protocol::Imap => {
                    let client = imap4_proto::client::Client::new(imap4_proto::client::Config::default());
                    imap(driver(client, stream, way, tls), way, login).await
                }
                Protocol::Pop3 => {
                    let mut config = pop3_proto::client::Config::default();
                    config.login_in_clear = way == Way::Plain;
                    pop3(driver(pop3_proto::client::Client::new(config), stream, way, tls), way, login).await
                }
                Protocol::Submission => {
                    let mut config = smtp_submit_proto::client::Config::new("client.example.test");
                    config.auth_in_clear = way == Way::Plain;
                    let client = smtp_submit_proto::client::Client::new(config);
                    submission(driver(client, stream, way, tls), way, login).await
                }
            }
        },
        late,
    ))
}

fn driver<M: Machine>(
    machine: M,
    stream: TcpStream,
    way: Way,
    tls: Connect,
) -> Driver<M, TcpStream, NoTimer, Connect> {
    match way {
        Way::Tls => Driver::tls(machine, stream, NoTimer, tls),
        Way::Plain | Way::StartTls => Driver::new(machine, stream, NoTimer, tls),
    }
}

fn connect(dovecot: &Dovecot, shown: bool) -> Connect {
    let mut roots = RootCertStore::empty();
    roots.add(dovecot.root.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        true => config.with_client_auth_cert(vec![dovecot.user.0.clone()], dovecot.user_key()).unwrap(),
        false => config.with_no_client_auth(),
    };
    Connect::new(TlsConnector::from(Arc::new(config)), ServerName::try_from("localhost").unwrap())
}

fn say(e: impl std::fmt::Display) -> String {
    e.to_string()
}

async fn imap<X: Accept<TcpStream>>(
    mut driver: Driver<imap4_proto::client::Client, TcpStream, NoTimer, X>,
    way: Way,
    mut sasl: Sasl<'_>,
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
            let exporter = tls.as_ref().and_then(|tls| tls.exporter.as_ref());
            let (name, initial) = sasl.begin(&offered, exporter, tls.is_some())?;
            client.authenticate(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}

async fn pop3<X: Accept<TcpStream>>(
    mut driver: Driver<pop3_proto::client::Client, TcpStream, NoTimer, X>,
    way: Way,
    mut sasl: Sasl<'_>,
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
            let exporter = tls.as_ref().and_then(|tls| tls.exporter.as_ref());
            let (name, initial) = sasl.begin(&offered, exporter, tls.is_some())?;
            client.auth(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}

async fn submission<X: Accept<TcpStream>>(
    mut driver: Driver<smtp_submit_proto::client::Client, TcpStream, NoTimer, X>,
    way: Way,
    mut sasl: Sasl<'_>,
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
            let tls = driver.tls_info();
            let exporter = tls.as_ref().and_then(|tls| tls.exporter);
            let client = driver.machine_mut();
            let encrypted = client.is_encrypted();
            let offered = client.capabilities().auth.clone();
            let (name, initial) = sasl.begin(&offered, exporter.as_ref(), encrypted)?;
            client.auth(name, initial.as_ref().map(Secret::expose)).map_err(say)?;
        }
    }
}
