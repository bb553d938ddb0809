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

mod login;
mod maildrop;
mod message;
mod session;

use std::{future::Future, pin::pin, sync::Arc};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Driver, Next, Timer, Turn};
use mailstore_api::MailStore;
use pop3_proto::{Error, Passwords, Server};
use tracing::Instrument as _;

use self::session::Session;
use crate::{
    Connection, Encryption, Farewell, SessionError,
    auth::{Authority, Credential, Plaintext},
};

/// What holds for every session of a POP3 service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol's part: greeting, capabilities, limits, times. STLS is offered
    /// only on connections that can have it. UTF8 and LANG are to stay off, as no session serves them.
    /// `passwords` is not looked at: the login context and the authority decide.
    pub protocol: Arc<pop3_proto::Config>,
}

impl Config {
    /// The usual, for the host of this name.
    #[must_use]
    pub fn new(hostname: &str) -> Self {
        let mut protocol = pop3_proto::Config::default();
        protocol.greeting = format!("{hostname} POP3 server ready").into();
        protocol.expire = Some((pop3_proto::Retention::Never, false));
        Self { protocol: Arc::new(protocol) }
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
    connection: Connection<S, T, X>,
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
    let Connection { stream, timer, acceptor, encryption, context, mut limits } = connection;
    // The longest frame, and what a pipelining client has sent meanwhile.
    let frame = config.protocol.limits.auth_line.max(config.protocol.limits.line);
    limits.input = limits.input.max(frame + 32 * 1024);
    let mut protocol = Arc::clone(&config.protocol);
    if encryption == Encryption::None && protocol.stls {
        Arc::make_mut(&mut protocol).stls = false;
    }
    let mut machine = Server::new(protocol);
    machine.set_passwords(match context.plaintext {
        _ if !authority.credentials(&context).contains(&Credential::Password) => Passwords::Never,
        Plaintext::TlsOnly => Passwords::TlsOnly,
        Plaintext::Always => Passwords::Always,
    });
    let implicit = encryption == Encryption::Implicit;
    let begin = if implicit { Driver::tls_with_limits } else { Driver::with_limits };
    let mut driver = begin(machine, stream, timer, acceptor, limits);
    let mut session = Session::new(store, authority, context);
    let mut shutdown = pin!(shutdown);
    tracing::debug!("connected");
    let ended = loop {
        match driver.next_or(shutdown.as_mut()).await {
            Ok(Next::Turn(Turn { event, mut peer })) => {
                if let Err(error) = session.answer(event, &mut peer).await {
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
