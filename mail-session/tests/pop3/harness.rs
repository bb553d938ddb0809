//! A store with one account, sessions on it, and a client that speaks lines.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use mail_drive::{Accept, Instant, Timer};
use mail_session::{
    Connection, Encryption, SessionError,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Mechanism, Plaintext, Protocol},
    pop3::{self, Config},
};
use mail_wire::TlsInfo;
use mailstore_api::{
    Account, AppendSpec, MailStore, Mailbox, MailboxName, MemoryStore, OpenMode, Snapshot, Staged,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::watch,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// Lets in alice with "secret", and bob, whose password has spaces and is no UTF-8.
pub struct Door;

impl Authority for Door {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        match (user, password) {
            ("alice" | "alice@example.test", b"secret") => Ok(Identity::new("alice")),
            ("bob", b"  two\xff  ") => Ok(Identity::new("alice")),
            ("noaccount", b"secret") => Ok(Identity::new("noaccount")),
            ("down", _) => Err(AuthErrorKind::Unavailable.into()),
            _ => Err(AuthErrorKind::Wrong.into()),
        }
    }

    fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
        &[Mechanism::PLAIN, Mechanism::LOGIN, Mechanism::XOAUTH2]
    }
}

/// A handshake that changes nothing on the wire.
#[derive(Clone)]
pub struct SeeminglyTls;

impl Accept<Compat<DuplexStream>> for SeeminglyTls {
    type Tls = Compat<DuplexStream>;
    async fn accept(self, stream: Compat<DuplexStream>) -> io::Result<(Self::Tls, TlsInfo)> {
        Ok((stream, TlsInfo::default()))
    }
}

/// The real clock, which a test may put forward.
pub struct Clock {
    begun: std::time::Instant,
    ahead: watch::Receiver<Duration>,
}

impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_start(self.begun.elapsed() + *self.ahead.borrow())
    }
    async fn sleep_until(&self, at: Instant) {
        let mut ahead = self.ahead.clone();
        loop {
            let left = at.saturating_since(self.now());
            if left.is_zero() {
                return;
            }
            let waited = async { _ = smol::Timer::after(left).await };
            let put_forward = async { _ = ahead.changed().await };
            smol::future::or(waited, put_forward).await;
        }
    }
}

#[derive(Clone)]
pub struct Harness {
    pub store: Arc<MemoryStore>,
    stop: watch::Sender<bool>,
    ahead: watch::Sender<Duration>,
    sessions: Arc<Mutex<Vec<tokio::task::JoinHandle<()>>>>,
    ended: Arc<Mutex<Vec<String>>>,
}

/// Runs a test on a store whose INBOX holds these messages, with one connection.
pub fn on<F: Future<Output = ()>>(messages: &[&[u8]], test: impl FnOnce(Harness, Client) -> F) {
    let h = Harness::new(messages);
    h.clone().run(async {
        let client = h.connect();
        test(h, client).await;
    });
}

impl Harness {
    pub fn new(messages: &[&[u8]]) -> Self {
        let store = Arc::new(MemoryStore::new());
        store.create_account("alice").unwrap();
        let h = Self {
            store,
            stop: watch::Sender::new(false),
            ahead: watch::Sender::new(Duration::ZERO),
            sessions: Arc::default(),
            ended: Arc::default(),
        };
        smol::block_on(async {
            for message in messages {
                h.append(message).await;
            }
        });
        h
    }

    pub fn run(self, test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    pub async fn append(&self, message: &[u8]) {
        let account = self.store.open_account("alice").await.unwrap();
        let inbox = account.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap();
        let mut staged = account.stage(&inbox, AppendSpec::default()).await.unwrap();
        staged.write(message).await.unwrap();
        staged.finish().await.unwrap();
        account.commit(&inbox, vec![staged], None).await.unwrap();
    }

    pub async fn inbox(&self, mode: OpenMode) -> (Snapshot, impl Mailbox) {
        let account = self.store.open_account("alice").await.unwrap();
        let inbox = account.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap();
        account.open(&inbox, mode).await.unwrap()
    }

    pub async fn count(&self) -> usize {
        self.inbox(OpenMode::Examine).await.0.uids.len()
    }

    /// A session without TLS where passwords are allowed, and its client.
    pub fn session(
        &self,
        change: impl FnOnce(&mut Config),
    ) -> (impl Future<Output = Result<(), SessionError<pop3_proto::Error>>> + Send + 'static, Client) {
        self.session_as(Plaintext::Always, false, change)
    }

    pub fn session_as(
        &self,
        plaintext: Plaintext,
        implicit_tls: bool,
        change: impl FnOnce(&mut Config),
    ) -> (impl Future<Output = Result<(), SessionError<pop3_proto::Error>>> + Send + 'static, Client) {
        let (near, far) = tokio::io::duplex(4096);
        let mut config = Config::new("mail.example.test");
        change(&mut config);
        let context = LoginContext::new(Protocol::Pop3, "192.0.2.1:1", "p1").with_plaintext(plaintext);
        let encryption = if implicit_tls { Encryption::Implicit } else { Encryption::OnRequest };
        let clock = Clock { begun: std::time::Instant::now(), ahead: self.ahead.subscribe() };
        let connection = Connection::new(far.compat(), clock, SeeminglyTls, encryption, context);
        let mut stop = self.stop.subscribe();
        let shutdown = Box::pin(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        });
        let store = Arc::clone(&self.store);
        let session = async move { pop3::serve(&*store, &Door, connection, &config, shutdown).await };
        (session, Client { stream: near, received: vec![], taken: 0 })
    }

    pub fn connect(&self) -> Client {
        self.connect_with(|_| ())
    }

    pub fn connect_with(&self, change: impl FnOnce(&mut Config)) -> Client {
        self.connect_as(Plaintext::Always, false, change)
    }

    pub fn connect_as(
        &self,
        plaintext: Plaintext,
        implicit_tls: bool,
        change: impl FnOnce(&mut Config),
    ) -> Client {
        let (session, client) = self.session_as(plaintext, implicit_tls, change);
        let ended = Arc::clone(&self.ended);
        let session = tokio::spawn(async move {
            if let Err(error) = session.await {
                ended.lock().unwrap().push(error.to_string());
            }
        });
        self.sessions.lock().unwrap().push(session);
        client
    }

    /// Waits until every session is over.
    pub async fn all_ended(&self) {
        let sessions = std::mem::take(&mut *self.sessions.lock().unwrap());
        for session in sessions {
            session.await.unwrap();
        }
    }

    /// The errors that sessions ended with.
    pub fn ended(&self) -> Vec<String> {
        self.ended.lock().unwrap().clone()
    }

    /// So much time passes for the sessions.
    pub fn pass(&self, time: Duration) {
        self.ahead.send_modify(|ahead| *ahead += time);
    }

    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

pub struct Client {
    pub stream: DuplexStream,
    received: Vec<u8>,
    /// So many octets of it are taken.
    taken: usize,
}

impl Client {
    pub async fn send(&mut self, text: &str) {
        self.octets(text.as_bytes()).await;
    }

    pub async fn octets(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        self.received.drain(..std::mem::take(&mut self.taken));
        let mut part = [0; 8192];
        let n = self.stream.read(&mut part).await.unwrap();
        self.received.extend_from_slice(&part[..n]);
        n > 0
    }

    /// The next line, without CRLF.
    pub async fn line(&mut self) -> Vec<u8> {
        loop {
            let rest = &self.received[self.taken..];
            if let Some(end) = rest.windows(2).position(|w| w == b"\r\n") {
                let line = rest[..end].to_vec();
                self.taken += end + 2;
                return line;
            }
            assert!(self.more().await, "closed after {}", self.received.escape_ascii());
        }
    }

    async fn answer(&mut self, command: &str, status: &str) -> String {
        if !command.is_empty() {
            self.send(&format!("{command}\r\n")).await;
        }
        let line = String::from_utf8(self.line().await).unwrap();
        assert!(line.starts_with(status), "{command}: {line}");
        line
    }

    /// Sends a command (or nothing) and takes a line that begins with `+OK`.
    pub async fn ok(&mut self, command: &str) -> String {
        self.answer(command, "+OK").await
    }

    pub async fn err(&mut self, command: &str) -> String {
        self.answer(command, "-ERR").await
    }

    pub async fn login(&mut self) {
        self.ok("").await;
        self.ok("USER alice").await;
        self.ok("PASS secret").await;
    }

    /// A multi-line answer up to its end, with the doubled dots taken back.
    pub async fn body(&mut self) -> Vec<u8> {
        let mut body = vec![];
        loop {
            let line = self.line().await;
            match line.strip_prefix(b".") {
                Some(b"") => return body,
                Some(rest) => body.extend_from_slice(rest),
                None => body.extend_from_slice(&line),
            }
            body.extend_from_slice(b"\r\n");
        }
    }

    pub async fn lines(&mut self) -> Vec<String> {
        let body = String::from_utf8(self.body().await).unwrap();
        body.lines().map(str::to_owned).collect()
    }

    /// All up to the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        self.taken = 0;
        std::mem::take(&mut self.received)
    }
}
