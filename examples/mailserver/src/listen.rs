//! Connections come in.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use mail_session::auth::Protocol;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Service,
    fault::{Fault, Result},
    limits::{Connections, Full},
    session::Sessions,
};

/// A bound address.
pub(crate) struct Listener {
    pub(crate) service: Service,
    /// Where it is bound: with the port the system chose, where 0 was asked for.
    pub(crate) address: SocketAddr,
    socket: TcpListener,
}

/// Binds all, or says which cannot be.
pub(crate) fn bind(wanted: &[(Service, SocketAddr)]) -> Result<Vec<Listener>> {
    wanted
        .iter()
        .map(|(service, address)| {
            let fault = |e: io::Error| {
                let hint = match e.kind() {
                    io::ErrorKind::AddrInUse => "stop the program that uses it, or choose another port",
                    io::ErrorKind::PermissionDenied => {
                        "ports below 1024 want more rights: choose a higher one"
                    }
                    io::ErrorKind::AddrNotAvailable => "this machine has no such address: choose one it has",
                    _ => "choose another address",
                };
                Fault::new(format!("cannot listen on {address}: {e}; {hint} (listen.{})", service.key()))
            };
            let socket = open(*address).map_err(fault)?;
            let address = socket.local_addr().map_err(fault)?;
            Ok(Listener { service: *service, address, socket })
        })
        .collect()
}

fn open(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    // A server that is started again finds its port free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

impl Listener {
    /// Accepts until stopped. Nothing a peer or the system does ends it before.
    pub(crate) async fn run(
        self,
        sessions: Arc<Sessions>,
        connections: Arc<Connections>,
        tracker: TaskTracker,
        stopping: CancellationToken,
    ) {
        let mut pause = Duration::ZERO;
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => return,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                // Of one connection, and it is gone.
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                    ) =>
                {
                    continue;
                }
                // Out of descriptors or memory: it gets better when sessions end. Said once.
                Err(e) => {
                    if pause.is_zero() {
                        tracing::error!(
                            listener = self.service.key(),
                            "cannot accept connections for now: {e}"
                        );
                    }
                    pause = (pause * 2).clamp(Duration::from_millis(50), Duration::from_secs(1));
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            pause = Duration::ZERO;
            match connections.enter(peer.ip()) {
                Ok(place) => {
                    let sessions = Arc::clone(&sessions);
                    sessions.spawn(&tracker, self.service, stream, peer, place);
                }
                Err(full) => {
                    tracing::warn!(%peer, listener = self.service.key(), "refused: {}", match full {
                        Full::InAll => "too many connections",
                        Full::FromThisAddress => "too many connections from this address",
                    });
                    refuse(&stream, self.service);
                }
            }
        }
    }
}

/// Tells the client, if its protocol can be spoken yet and the socket takes it at once.
fn refuse(stream: &TcpStream, service: Service) {
    if service.implicit_tls() {
        return;
    }
    let line: &[u8] = match service.protocol() {
        Protocol::Imap4 => b"* BYE [UNAVAILABLE] Too many connections, try again later\r\n",
        Protocol::Pop3 => b"-ERR [SYS/TEMP] Too many connections, try again later\r\n",
        _ => b"421 4.7.0 Too many connections, try again later\r\n",
    };
    // Whether it reaches the client or not, the connection ends.
    let _ = stream.try_write(line);
}
