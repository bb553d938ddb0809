//! A connection is handed to its protocol.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    authority::Gate,
    certificate::Tls,
    config::{Config, Service},
    fault::Result,
    limits::Place,
    live::Live,
    password,
    present::Present,
    router::Routes,
    socket::Socket,
    user,
};
use mail_drive::{Acceptor, Instant, Timer};
use mail_session::{
    Connection, Encryption,
    auth::{LoginContext, Protocol},
    imap, pop3, submission,
};
use mailstore_sqlite::SqliteStore;
use tokio::{net::TcpStream, time};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Octets a submission session may put before a message, at most.
const TRACE: u64 = 64 * 1024;

type Accepted = Connection<Socket<TcpStream>, Clock, Acceptor>;

/// What every session is served with.
pub(crate) struct Sessions {
    store: SqliteStore,
    authority: Arc<Gate>,
    router: Routes,
    live: Arc<Live>,
    present: Arc<Present>,
    acceptor: Acceptor,
    clock: Clock,
    stopping: CancellationToken,
    /// Numbers the sessions for the log, from anywhere: two runs of the server are told apart.
    next: AtomicU32,
}

/// tokio's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(time::Instant);

impl Clock {
    /// It begins now.
    pub(crate) fn new() -> Self {
        Self(time::Instant::now())
    }
}

impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        time::sleep_until(self.0 + at.since_start())
    }
}

/// The configuration of IMAP sessions.
pub(crate) fn imap(config: &Config) -> imap::Config {
    let mut imap = imap::Config::new(&config.hostname);
    imap.protocol.append_limit = Some(user::LARGEST);
    imap.eight_bit_headers = config.imap.eight_bit_headers;
    config.timeouts.apply_to_imap(&mut imap);
    imap
}

/// The configuration of POP3 sessions.
pub(crate) fn pop3(config: &Config) -> pop3::Config {
    let mut pop3 = pop3::Config::new(&config.hostname);
    config.post.apply_to_pop3(&mut pop3);
    config.timeouts.apply_to_pop3(&mut pop3);
    pop3
}

/// The configuration of submission sessions.
pub(crate) fn submission(config: &Config) -> submission::Config {
    let mut submission = submission::Config::new(&config.hostname);
    // The store counts the trace fields, too.
    submission.smtp.size_limit = Some(user::LARGEST - TRACE);
    config.post.apply(&mut submission);
    config.timeouts.apply_to_smtp(&mut submission.smtp);
    submission
}

impl Sessions {
    #[allow(clippy::too_many_arguments, reason = "the parts of a server, put together once")]
    pub(crate) fn new(
        store: SqliteStore,
        router: Routes,
        clock: Clock,
        authority: Arc<Gate>,
        tls: &Tls,
        live: Arc<Live>,
        present: Arc<Present>,
        stopping: CancellationToken,
    ) -> Result<Self> {
        let mut first = [0; 4];
        password::fill(&mut first)?;
        let mut acceptor = Acceptor::new(Arc::clone(&tls.config));
        if let Some(hash) = &tls.server_end_point {
            acceptor = acceptor.with_server_end_point(hash.clone());
        }
        Ok(Self {
            store,
            authority,
            router,
            live,
            present,
            acceptor,
            clock,
            stopping,
            next: AtomicU32::new(u32::from_be_bytes(first)),
        })
    }

    /// Serves the connection in a task of its own, which holds its place to its end.
    pub(crate) fn spawn(
        self: Arc<Self>,
        tracker: &TaskTracker,
        service: Service,
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
    ) {
        // Answers are written whole; to wait for more would only delay them.
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!(%peer, "the connection is gone already: {e}");
            return;
        }
        let id = format!("{:08x}", self.next.fetch_add(1, Ordering::Relaxed));
        let settings = self.live.now();
        let context =
            LoginContext::new(service.protocol(), peer.to_string(), id).with_plaintext(settings.plaintext);
        let encryption = if service.implicit_tls() { Encryption::Implicit } else { Encryption::OnRequest };
        let connection =
            Connection::new(Socket(stream), self.clock, self.acceptor.clone(), encryption, context)
                .with_limits(settings.driver.clone());
        tracker.spawn(async move {
            let _place = place;
            self.serve(connection, service.protocol()).await;
        });
    }

    /// Serves it to its end. Each session logs with its identifier what it did.
    async fn serve(&self, connection: Accepted, protocol: Protocol) {
        let present = self.present.add(&connection.context.session);
        let farewell = present.farewell(&self.stopping);
        match protocol {
            Protocol::Pop3 => {
                // It has logged its error itself.
                let config = Arc::clone(&self.live.now().post.pop3);
                let _ = pop3::serve(&self.store, &*self.authority, connection, &config, farewell).await;
            }
            Protocol::Imap4 => {
                // So has this.
                let settings = self.live.now();
                let _ =
                    imap::serve(&self.store, &*self.authority, connection, &settings.imap, farewell).await;
            }
            Protocol::Submission => {
                let session = connection.context.session.clone();
                let config = Arc::clone(&self.live.now().post.submission);
                let ended = submission::serve(
                    &self.store,
                    &*self.authority,
                    &self.router,
                    connection,
                    &config,
                    farewell,
                );
                if let Err(error) = ended.await {
                    tracing::info!(session, %error, "submission broken off");
                }
            }
            other => tracing::error!("nothing serves {other}"),
        }
    }
}
