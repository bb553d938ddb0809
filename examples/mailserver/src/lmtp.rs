//! Mail from an MTA, by TCP and Unix sockets.

use std::{fs, io, os::unix::fs::FileTypeExt as _, path::Path, sync::Arc, time::Duration};

use mail_session::{
    Connection,
    auth::{LoginContext, Protocol},
    lmtp,
};
use mailstore_sqlite::SqliteStore;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{Config, LmtpAddress},
    fault::{Fault, Result},
    live::Live,
    router::Routes,
    session::Clock,
    user,
};

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The listeners, bound before anything is made.
pub(crate) struct Listeners(Vec<Socket>);

impl Listeners {
    /// Also says where they are bound.
    pub(crate) fn bind(wanted: &[LmtpAddress]) -> Result<(Self, Vec<String>)> {
        let mut names = Vec::new();
        let mut bound = Vec::new();
        for address in wanted {
            let (socket, name) = match address {
                LmtpAddress::Tcp(at) => open(*at)
                    .and_then(|s| Ok((s.local_addr()?.to_string(), Socket::Tcp(s))))
                    .map(|(name, s)| (s, name))
                    .map_err(|e| Fault::new(format!("cannot listen on {at}: {e} (lmtp.listen)")))?,
                LmtpAddress::Unix(path) => {
                    (Socket::Unix(open_unix(path)?), format!("unix:{}", path.display()))
                }
            };
            bound.push(socket);
            names.push(name);
        }
        Ok((Self(bound), names))
    }

    pub(crate) fn start(self, service: &Arc<Service>, tracker: &TaskTracker, stopping: &CancellationToken) {
        for socket in self.0 {
            let (service, tracker_, stopping) = (Arc::clone(service), tracker.clone(), stopping.clone());
            tracker.spawn(async move { service.listen(socket, tracker_, stopping).await });
        }
    }
}

fn open(at: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = std::net::TcpListener::bind(at)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// A socket left by a server that was killed is taken over; one that is listened to, and any other file, is not.
fn open_unix(path: &Path) -> Result<UnixListener> {
    let fault = |e: &dyn std::fmt::Display| {
        Fault::new(format!("cannot listen on unix:{}: {e} (lmtp.listen)", path.display()))
    };
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(fault(&"there is a file of that name"));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(fault(&"another program listens there"));
        }
        fs::remove_file(path).map_err(|e| fault(&e))?;
    }
    UnixListener::bind(path).map_err(|e| fault(&e))
}

/// The configuration of LMTP sessions.
pub(crate) fn config(config: &Config) -> lmtp::Config {
    let mut lmtp = lmtp::Config::new(&config.hostname);
    lmtp.smtp.size_limit = Some(user::LARGEST - 64 * 1024);
    config.timeouts.apply_to_smtp(&mut lmtp.smtp);
    lmtp.over_quota = config.post.lmtp.over_quota;
    if let Some(peers) = &config.post.lmtp.peers {
        lmtp.peers.clone_from(peers);
    }
    lmtp
}

/// What every LMTP session is served with.
pub(crate) struct Service {
    store: SqliteStore,
    routes: Routes,
    live: Arc<Live>,
    clock: Clock,
    next: std::sync::atomic::AtomicU32,
}

impl Service {
    pub(crate) fn new(live: Arc<Live>, store: SqliteStore, routes: Routes, clock: Clock) -> Arc<Self> {
        Arc::new(Self { store, routes, live, clock, next: 0.into() })
    }

    async fn listen(self: Arc<Self>, socket: Socket, tracker: TaskTracker, stopping: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => return,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (service, stopping) = (Arc::clone(&self), stopping.clone());
                    tracker.spawn(async move { service.serve(stream, peer, stopping).await });
                }
                Err(e) => {
                    tracing::error!("cannot accept LMTP connections for now: {e}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    async fn serve(&self, stream: Box<dyn Stream>, peer: String, stopping: CancellationToken) {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let session = format!("lmtp-{number}");
        let context = LoginContext::new(Protocol::Submission, peer, session.clone());
        let settings = self.live.now();
        let connection = Connection::plain(crate::socket::Socket(stream), self.clock, context)
            .with_limits(settings.driver.clone());
        let config = Arc::clone(&settings.post.lmtp);
        drop(settings);
        let ended = lmtp::serve(&self.store, &self.routes, connection, &config, stopping.cancelled()).await;
        if let Err(error) = ended {
            tracing::info!(session, %error, "LMTP broken off");
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Socket {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, String)> {
        Ok(match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                stream.set_nodelay(true)?;
                (Box::new(stream), peer.to_string())
            }
            Self::Unix(socket) => (Box::new(socket.accept().await?.0), "unix".to_owned()),
        })
    }
}
