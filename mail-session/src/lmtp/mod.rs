//! LMTP (RFC 2033): mail comes in from an MTA, and each recipient is answered for himself.
//!
//! [`serve`] runs one connection, over a Unix socket or loopback: LMTP knows no login here, so who may connect is
//! all the protection there is ([`Config::peers`]). Where a recipient's mail goes is the
//! [`Router`]'s to say, asked for nobody; only [`Route::Local`](crate::submission::Route) is delivered. The message goes into
//! the store while it comes in, with `Return-Path:` and `Received:` before it; its octets are kept as they are. There is
//! no queue in it: who cannot be served is refused, and the MTA keeps his copy.
//!
//! ```no_run
//! use mail_drive::NoTimer;
//! use mail_session::{Connection, auth::{LoginContext, Protocol}, lmtp, submission::Router};
//! use mailstore_api::MailStore;
//!
//! # async fn f<S>(stream: S, store: impl MailStore, router: impl Router)
//! # where S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send + 'static {
//! let config = lmtp::Config::new("mail.example.test");
//! let context = LoginContext::new(Protocol::Submission, "unix", "s1");
//! let connection = Connection::plain(stream, NoTimer, context);
//! let ended = lmtp::serve(&store, &router, connection, &config, std::future::pending::<()>()).await;
//! # }
//! ```

use std::{borrow::Cow, future::Future};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Timer};
use mailstore_api::MailStore;
use smtp_submit_proto::{self as smtp, Error};
use tracing::Instrument as _;

use crate::{
    Connection, Farewell, Network, SessionError,
    auth::{AuthError, AuthErrorKind, Authority, Credential, Identity, LoginContext, Mechanism},
    submission::{self, HeaderFrom, OverQuota, Router, trace::peer_address},
};

/// How LMTP sessions behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The protocol machine's part; it speaks LMTP, and wants no authentication, whatever is said here.
    pub smtp: smtp::Config,
    /// Who may connect by TCP: loopback, unless it is said otherwise. A peer without an address (a Unix socket) may.
    pub peers: Vec<Network>,
    /// How a mailbox that is full refuses.
    pub over_quota: OverQuota,
    /// A message with more `Received:` fields than so many goes round in circles, and is refused with 554 5.4.6
    /// (RFC 5321 section 6.3: "normally at least 100"). 100.
    pub hops: usize,
    /// What the client reads when the server stops.
    pub goodbye: Cow<'static, str>,
}

impl Config {
    /// A server of this name.
    pub fn new(hostname: impl Into<String>) -> Self {
        let mut smtp = smtp::Config::new(hostname);
        smtp.greeting = Cow::Borrowed("LMTP");
        smtp.chunking = true;
        smtp.binary_mime = true;
        smtp.smtp_utf8 = true;
        Self {
            smtp,
            peers: ["127.0.0.0/8", "::1/128"].iter().filter_map(|n| n.parse().ok()).collect(),
            over_quota: OverQuota::default(),
            hops: 100,
            goodbye: Cow::Borrowed("shutting down"),
        }
    }
}

/// Serves one LMTP connection to its end.
///
/// When `shutdown` completes, the client is told 421 and the connection closes; a message that was not
/// acknowledged is not kept.
///
/// # Errors
/// When the connection failed before QUIT. Whatever was acknowledged is kept all the same.
pub fn serve<St, R, S, T, X>(
    store: &St,
    router: &R,
    connection: Connection<S, T, X>,
    config: &Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> impl Future<Output = Result<(), SessionError<Error>>> + Send
where
    St: MailStore,
    R: Router,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    let context = &connection.context;
    let span = tracing::info_span!("lmtp", session = %context.session, peer = %context.peer);
    let mut inner = submission::Config::new("");
    inner.smtp = config.smtp.clone();
    inner.smtp.lmtp = true;
    inner.smtp.auth_required = false;
    inner.header_from = HeaderFrom::Any;
    inner.over_quota = config.over_quota;
    inner.hops = config.hops;
    inner.goodbye = config.goodbye.clone();
    inner.closed_door =
        peer_address(&context.peer).is_some_and(|ip| !config.peers.iter().any(|n| n.contains(ip)));
    async move {
        submission::run(store, &NoLogins, router, connection, &inner, inner.smtp.clone(), shutdown).await
    }
    .instrument(span)
}

/// Nobody logs in.
struct NoLogins;

impl Authority for NoLogins {
    async fn password(
        &self,
        _: &LoginContext,
        _: &str,
        _: Option<&str>,
        _: &[u8],
    ) -> Result<Identity, AuthError> {
        Err(AuthErrorKind::Unsupported.into())
    }

    fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
        &[]
    }

    fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
        Cow::Borrowed(&[])
    }
}
