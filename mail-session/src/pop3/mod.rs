//! POP3 on a store: the maildrop is a frozen view of INBOX.
//!
//! ```no_run
//! use mail_drive::Timer;
//! use mail_session::{Connection, auth::{Authority, LoginContext, Protocol}, pop3};
//! use mailstore_api::MailStore;
//!
//! # async fn f<S>(stream: S, timer: impl Timer, store: &impl MailStore, authority: &impl Authority)
//! # where S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static {
//! let config = pop3::Config::new("mail.example.test"); // one for all connections
//! let context = LoginContext::new(Protocol::Pop3, "192.0.2.1:12345", "p1");
//! let connection = Connection::plain(stream, timer, context);
//! let shutdown = std::future::pending::<()>();
//! let ended = pop3::serve(store, authority, connection, &config, shutdown).await;
//! # }
//! ```
//!
//! # What a command means
//! - Login locks the maildrop where the store has a lock ([`MaildropLock`](mailstore_api::MaildropLock)), and notes UID and
//!   size of every message of INBOX. What comes later is seen at the next login.
//! - The sizes of STAT and LIST are the octets that RETR sends, without the doubled dots: the message, and
//!   CRLF where its last line has none.
//! - UIDL gives what the store remembers of an earlier server, else UIDVALIDITY and UID, each as 8
//!   hexadecimal digits.
//! - DELE marks in the session alone. QUIT is one [`expunge`](mailstore_api::Mailbox::expunge); any other end removes
//!   nothing.
//! - No command changes a flag.

mod delay;
mod login;
mod maildrop;
mod message;
mod session;

pub use delay::LoginDelays;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Next, Timer, Turn};
use mailstore_api::MailStore;
use pop3_proto::{Error, Event, Passwords, Server, Timestamp};
use tracing::Instrument as _;

use self::session::Session;
use crate::{
    Connection, Encryption, Farewell, SessionError,
    auth::{self, Authority, Credential, Plaintext},
};

/// What holds for every session of a POP3 service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol's part: greeting, capabilities, limits, times. STLS is offered
    /// only on connections that can have it. `passwords` is not looked at: the login context and the authority decide.
    pub protocol: Arc<pop3_proto::Config>,
    /// Keeps users from logging in too often; see [`set_login_delay`](Self::set_login_delay).
    pub login_delays: Option<Arc<LoginDelays>>,
    /// What was fetched by RETR is removed at QUIT (EXPIRE 0, RFC 2449 section 6.7). Off by default.
    pub remove_retrieved: bool,
    /// What becomes of a message with UTF-8 in its header, where the client has not said UTF8.
    pub internationalised: Internationalised,
}

/// What becomes of a message with UTF-8 in its header, when a client fetches it that has not said UTF8 (RFC 6856
/// section 2.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Internationalised {
    /// It is sent as it is. RFC 6856 forbids it, but clients know such headers from before, and one that is
    /// refused a message asks for it for ever.
    #[default]
    AsIs,
    /// It is refused with the code UTF8 (RFC 6856 section 5).
    Refuse,
}

impl Config {
    /// The usual, for the host of this name.
    #[must_use]
    pub fn new(hostname: &str) -> Self {
        let mut protocol = pop3_proto::Config::default();
        protocol.greeting = format!("{hostname} POP3 server ready").into();
        protocol.expire = Some((pop3_proto::Retention::Never, false));
        protocol.utf8 = Some(true);
        protocol.lang = true;
        Self {
            protocol: Arc::new(protocol),
            login_delays: None,
            remove_retrieved: false,
            internationalised: Internationalised::default(),
        }
    }

    /// LOGIN-DELAY (RFC 2449 section 6.5): between two logins to an account, at least so long passes. It holds for
    /// all sessions with this configuration and its clones.
    pub fn set_login_delay(&mut self, delay: Duration) {
        let seconds = u32::try_from(delay.as_secs()).unwrap_or(u32::MAX);
        Arc::make_mut(&mut self.protocol).login_delay = Some((pop3_proto::LoginDelay(seconds), false));
        self.login_delays = Some(Arc::new(LoginDelays::new(delay)));
    }

    /// EXPIRE (RFC 2449 section 6.7): messages stay at least so many days. With 0, what was fetched is removed at QUIT.
    /// To remove what is older is not the session's.
    pub fn set_expire_days(&mut self, days: u32) {
        Arc::make_mut(&mut self.protocol).expire = Some((pop3_proto::Retention::Days(days), false));
        self.remove_retrieved = days == 0;
    }
}

/// Serves one client until it says goodbye, disconnects or misbehaves, or until `shutdown` completes:
/// then the present command is finished, and the client told.
///
/// # Errors
/// For the log: see [`SessionError`].
pub fn serve<St, A, S, T, X>(
    store: &St,
    authority: &A,
    connection: Connection<S, T, X>,
    config: &Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> impl Future<Output = Result<(), SessionError<Error>>> + Send
where
    St: MailStore,
    A: Authority,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    let context = &connection.context;
    let span = tracing::info_span!("pop3", session = %context.session, peer = %context.peer);
    run(store, authority, connection, config, shutdown).instrument(span)
}

async fn run<St, A, S, T, X>(
    store: &St,
    authority: &A,
    mut connection: Connection<S, T, X>,
    config: &Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> Result<(), SessionError<Error>>
where
    St: MailStore,
    A: Authority,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    // The longest frame, and what a pipelining client has sent meanwhile.
    let frame = config.protocol.limits.auth_line.max(config.protocol.limits.line);
    connection.limits.input = connection.limits.input.max(frame + 32 * 1024);
    let mut protocol = Arc::clone(&config.protocol);
    if connection.encryption == Encryption::None && protocol.stls {
        Arc::make_mut(&mut protocol).stls = false;
    }
    let context = &connection.context;
    let mut machine = Server::new(protocol);
    machine.set_passwords(match context.plaintext {
        _ if !authority.credentials(context).contains(&Credential::Password) => Passwords::Never,
        Plaintext::TlsOnly => Passwords::TlsOnly,
        Plaintext::Always => Passwords::Always,
    });
    if let Some(timestamp) = auth::apop_timestamp(authority, context).and_then(Timestamp::new) {
        machine = machine.with_apop(timestamp);
    }
    let (mut driver, context) = connection.drive(machine);
    let mut session = Session::new(store, authority, context, config.clone());
    let mut shutdown = pin!(shutdown);
    tracing::debug!("connected");
    let ended = loop {
        match driver.next_or(shutdown.as_mut()).await {
            Ok(Next::Turn(Turn { event, mut peer })) => {
                if may_wait(&event)
                    && let Err(error) = peer.push().await
                {
                    break Err(error.into());
                }
                if let Err(error) = session.answer(event, &mut peer).await {
                    // The answers before are whole.
                    let _ = peer.push().await;
                    break Err(error);
                }
            }
            Ok(Next::Other(farewell, peer)) => {
                peer.machine.shutdown(farewell.into().text());
                break driver.shutdown().await.map_err(SessionError::from);
            }
            Ok(Next::End) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    session.log_end(&ended);
    ended
}

/// Whether the answer may take its time: what waits to be sent does not wait for it.
const fn may_wait(event: &Event<'_>) -> bool {
    !matches!(
        event,
        Event::Stat
            | Event::List(_)
            | Event::Uidl(_)
            | Event::Retr(_)
            | Event::Top(..)
            | Event::Dele(_)
            | Event::Rset
            | Event::Capa
            | Event::Answered(_)
    )
}
