use auth_sasl::{Channel, ClientExchange, ClientLogin, ClientMethod, ClientPolicy, choose};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, DriveError, Driver, Timer, Turn};
use mail_wire::Misuse;
use mailstore_api::StoreError;
use smtp_submit_proto::{
    Capabilities, Reply,
    client::{self, Client, Event},
};

use crate::Encryption;

/// A connection to another server, ready for messages: TLS is up where it is wanted, and we are logged in.
///
/// It speaks SMTP, or LMTP where the configuration of its client says so, and serves for any number of messages.
pub struct Link<S, T, X>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    pub(super) driver: Driver<Client, S, T, X>,
    /// How many messages it has carried.
    pub(super) carried: u32,
    pub(super) lmtp: bool,
}

impl<S, T, X> std::fmt::Debug for Link<S, T, X>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("carried", &self.carried).finish_non_exhaustive()
    }
}

/// How a [`Link`] is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkConfig {
    /// The protocol machine's part: our name, LMTP or not, times.
    pub client: client::Config,
    /// When TLS begins. It is never done without where it is wanted here: a server that does not offer STARTTLS is
    /// not used (RFC 8314 section 3).
    pub encryption: Encryption,
    /// With what password, token or certificate; and that it may be shown without TLS, where
    /// [`auth_in_clear`](client::Config::auth_in_clear) is set.
    pub login: Option<ClientLogin>,
    /// Random octets for SCRAM, at least 18; used once.
    pub random: Vec<u8>,
}

impl LinkConfig {
    /// Of this name, with TLS or not, and without a login.
    pub fn new(name: impl Into<String>, encryption: Encryption) -> Self {
        Self { client: client::Config::new(name), encryption, login: None, random: Vec::new() }
    }
}

/// Why a link cannot be opened, or is of no use any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    /// The connection failed.
    #[error(transparent)]
    Drive(#[from] DriveError<client::Error>),
    /// The server refused to serve us: its greeting, EHLO, STARTTLS or AUTH.
    #[error("{stage}: {reply}")]
    Refused {
        /// What it refused.
        stage: &'static str,
        /// Its reply.
        reply: String,
    },
    /// The server does not offer what the configuration wants of it.
    #[error("the server does not offer {0}")]
    Lacks(&'static str),
    /// It closed the connection; with these words, where it had any.
    #[error("the server closed the connection: {0}")]
    Closed(String),
    /// The message could not be read any further.
    #[error("the message cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The client machine was called out of order: a fault of this library.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// A reply on one line, as logs and reports have it.
pub(super) fn words(reply: Reply<'_>) -> String {
    let mut out = reply.code().to_string();
    for line in reply.lines() {
        out.push(' ');
        out.push_str(&String::from_utf8_lossy(line));
    }
    out
}

fn refused(stage: &'static str, reply: Reply<'_>) -> LinkError {
    LinkError::Refused { stage, reply: words(reply) }
}

impl<S, T, X> Link<S, T, X>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    /// Greets, begins TLS, logs in.
    ///
    /// # Errors
    /// When it cannot be made as the configuration wants it.
    pub async fn open(stream: S, timer: T, tls: X, config: &LinkConfig) -> Result<Self, LinkError> {
        let client = Client::new(config.client.clone());
        let mut driver = match config.encryption {
            Encryption::Implicit => Driver::tls(client, stream, timer, tls),
            Encryption::None | Encryption::OnRequest => Driver::new(client, stream, timer, tls),
        };
        driver.machine_mut().hello()?;
        let mut exchange: Option<ClientExchange> = None;
        loop {
            let mut ready = false;
            let Some(Turn { event, peer }) = driver.next().await? else {
                return Err(LinkError::Closed("before it was ready".to_owned()));
            };
            match event {
                Event::Greeting(reply) if reply.code() == 220 => {}
                Event::Greeting(reply) => return Err(refused("greeting", reply)),
                Event::HelloRefused(reply) => return Err(refused("EHLO", reply)),
                Event::Ready(_)
                    if config.encryption == Encryption::OnRequest && !peer.machine.is_encrypted() =>
                {
                    if !peer.machine.capabilities().starttls {
                        return Err(LinkError::Lacks("STARTTLS"));
                    }
                    peer.machine.start_tls()?;
                }
                Event::Ready(_) => ready = true,
                Event::StartTls(reply) if reply.code() == 220 => peer.machine.hello()?,
                Event::StartTls(reply) => return Err(refused("STARTTLS", reply)),
                Event::Challenge(data) => {
                    let step = exchange.as_mut().map(|exchange| exchange.step(&data.decode()));
                    match step {
                        Some(Ok(response)) => peer.machine.auth_response(response.expose())?,
                        _ => peer.machine.auth_cancel()?,
                    }
                }
                Event::Authenticated(_) => {
                    let proven = exchange.as_mut().map(|exchange| exchange.success(None));
                    if !matches!(proven, Some(Ok(()))) {
                        return Err(LinkError::Lacks("a proof that it knows our password"));
                    }
                    break;
                }
                Event::AuthFailed(reply) => return Err(refused("AUTH", reply)),
                Event::Closing(reply) => return Err(LinkError::Closed(words(reply))),
                _ => {}
            }
            if ready {
                let Some(login) = &config.login else { break };
                let exporter = driver.tls_info().and_then(|info| info.exporter);
                exchange = Some(begin_auth(driver.machine_mut(), config, login, exporter.as_ref())?);
            }
        }
        Ok(Self { driver, carried: 0, lmtp: config.client.lmtp })
    }

    /// What the server offers.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        self.driver.machine().capabilities()
    }

    /// Whether TLS is up.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.driver.machine().is_encrypted()
    }

    /// Says goodbye. That it is not answered is no fault.
    pub async fn quit(mut self) {
        if self.driver.machine_mut().quit().is_ok() {
            while let Ok(Some(Turn { event, .. })) = self.driver.next().await {
                if matches!(event, Event::Closing(_)) {
                    break;
                }
            }
        }
        let _ = self.driver.shutdown().await;
    }
}

fn begin_auth(
    client: &mut Client,
    config: &LinkConfig,
    login: &ClientLogin,
    exporter: Option<&[u8; 32]>,
) -> Result<ClientExchange, LinkError> {
    let mut channel = Channel::default();
    channel.random = (!config.random.is_empty()).then_some(&*config.random);
    channel.tls_exporter = exporter.map(<[u8; 32]>::as_slice);
    let policy = ClientPolicy::encrypted(client.is_encrypted() || config.client.auth_in_clear);
    let offered = client.capabilities().auth.clone();
    let mut exchange =
        choose(ClientMethod::BEST_FIRST, offered.iter().map(String::as_str), login, &channel, &policy)
            .map_err(|_| LinkError::Lacks("a way to log in that is safe here"))?;
    let initial = exchange.initial().map_err(|_| LinkError::Lacks("a way to log in"))?;
    client.auth(exchange.name(), initial.as_ref().map(auth_sasl::Secret::expose))?;
    Ok(exchange)
}
