//! A client and a session joined by a pipe in memory, stepped by hand: nothing moves but what is let through.

use std::{
    future::{Future, pending},
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, NoTimer};
use mail_session::{
    Connection, Encryption,
    auth::{Authority, Identity, LoginContext},
    imap, pop3,
    submission::{self, Refusal, Route, Router},
};
use mail_wire::TlsInfo;
use mailstore_api::MemoryStore;
use smtp_submit_proto::{ForwardPath, ReversePath, status};

use crate::clients::Protocol;

/// One direction.
#[derive(Default)]
struct Lane {
    written: Vec<u8>,
    /// So much of it may be read.
    granted: usize,
    read: usize,
    closed: bool,
}

type Shared = Arc<Mutex<Lane>>;

fn lock(lane: &Shared) -> MutexGuard<'_, Lane> {
    lane.lock().unwrap()
}

/// One end of the pipe.
pub(crate) struct End {
    reads: Shared,
    writes: Shared,
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut lane = lock(&self.reads);
        let n = to.len().min(lane.granted - lane.read);
        if n == 0 && !(lane.closed && lane.read == lane.written.len()) {
            return Poll::Pending; // polled again whenever anything has moved
        }
        let from = lane.read;
        to[..n].copy_from_slice(&lane.written[from..from + n]);
        lane.read += n;
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.writes).written.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.writes).closed = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.writes).closed = true;
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where one direction is held up until both sides have come to rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) to_server: bool,
    pub(crate) at: usize,
}

/// What was said, in both directions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) by_client: Vec<u8>,
    pub(crate) by_server: Vec<u8>,
}

/// How octets pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Passing {
    AsTheyCome,
    Held(Cut),
    OneByOne,
}

/// Plays a client against a session until the client is done.
pub(crate) fn play<T>(
    server: impl FnOnce(End) -> Pin<Box<dyn Future<Output = ()>>>,
    client: impl AsyncFnOnce(End) -> T,
    passing: Passing,
) -> (T, Said) {
    let lanes = [Shared::default(), Shared::default()];
    let [up, down] = &lanes;
    let mut server = server(End { reads: Arc::clone(up), writes: Arc::clone(down) });
    let mut client = Box::pin(client(End { reads: Arc::clone(down), writes: Arc::clone(up) }));
    let flag = Arc::new(Flag::default());
    let waker = Arc::clone(&flag).into();
    let mut cx = Context::from_waker(&waker);
    let (mut served, mut held) = (false, true);
    let state = || {
        [up, down].map(|lane| {
            let lane = lock(lane);
            (lane.written.len(), lane.read, lane.closed)
        })
    };
    loop {
        let before = state();
        let mut moved = false;
        for (lane, to_server) in [(up, true), (down, false)] {
            let mut lane = lock(lane);
            let all = lane.written.len();
            let granted = match passing {
                Passing::Held(cut) if held && cut.to_server == to_server => all.min(cut.at),
                Passing::OneByOne => all.min(lane.read + 1),
                _ => all,
            };
            moved |= granted > lane.granted;
            lane.granted = lane.granted.max(granted);
        }
        served = served || server.as_mut().poll(&mut cx).is_ready();
        if let Poll::Ready(done) = client.as_mut().poll(&mut cx) {
            drop(client);
            let [by_client, by_server] = [up, down].map(|lane| std::mem::take(&mut lock(lane).written));
            return (done, Said { by_client, by_server });
        }
        moved |= flag.0.swap(false, Ordering::Relaxed) || before != state();
        if !moved {
            // All is at rest: what was held up goes on.
            assert!(held && matches!(passing, Passing::Held(_)), "both wait for ever");
            held = false;
        }
    }
}

/// Looks like TLS to both sides, with these bindings and this certificate of the client's.
#[derive(Clone)]
pub(crate) struct FakeTls(pub(crate) TlsInfo);

impl FakeTls {
    /// The same connection as both sides see it, with a certificate of tim's.
    pub(crate) fn good() -> Self {
        let mut tls = TlsInfo::default();
        tls.exporter = Some([9; 32]);
        tls.server_end_point = Some(bytes::Bytes::from_static(b"hash"));
        tls.peer_certificate = Some(bytes::Bytes::from_static(b"tim's"));
        Self(tls)
    }
}

impl Accept<End> for FakeTls {
    type Tls = End;
    async fn accept(self, stream: End) -> io::Result<(End, TlsInfo)> {
        Ok((stream, self.0))
    }
}

/// Nobody sends anything.
struct Shut;
impl Router for Shut {
    async fn sender(&self, _: Option<&Identity>, _: ReversePath<'_>) -> Result<(), Refusal> {
        Err(Refusal::new(status::NOT_ALLOWED, "no"))
    }
    async fn recipient(&self, _: Option<&Identity>, _: ForwardPath<'_>) -> Result<Route, Refusal> {
        Err(Refusal::new(status::NOT_ALLOWED, "no"))
    }
}

/// A session for this client, with accounts of these names, under TLS from the start.
pub(crate) fn session<A: Authority, X: Accept<End>>(
    protocol: Protocol,
    authority: Arc<A>,
    tls: X,
    stream: End,
) -> Pin<Box<dyn Future<Output = ()>>> {
    use mail_session::auth::Protocol as Kind;
    let store = MemoryStore::new();
    for name in ["tim", "shared", "anonymous"] {
        store.create_account(name).unwrap();
    }
    let kind = match protocol {
        Protocol::Imap => Kind::Imap4,
        Protocol::Pop3 => Kind::Pop3,
        Protocol::Submission => Kind::Submission,
    };
    let context = LoginContext::new(kind, "[::1]:1", "s1");
    let connection = Connection::new(stream, NoTimer, tls, Encryption::Implicit, context);
    Box::pin(async move {
        let until = pending::<()>();
        let _ = match protocol {
            Protocol::Imap => {
                let config = imap::Config::new("mail.example.test");
                imap::serve(&store, &*authority, connection, &config, until).await.is_ok()
            }
            Protocol::Pop3 => {
                let config = pop3::Config::new("mail.example.test");
                pop3::serve(&store, &*authority, connection, &config, until).await.is_ok()
            }
            Protocol::Submission => {
                let mut config = submission::Config::new("mail.example.test");
                config.hold_limit = None; // its list would tell the time
                submission::serve(&store, &*authority, &Shut, connection, &config, until).await.is_ok()
            }
        };
    })
}
