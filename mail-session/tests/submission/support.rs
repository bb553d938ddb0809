//! A server on the memory store over a pipe in memory, and a client that speaks lines.
use std::{
    future::{Future, pending},
    io,
    sync::Arc,
};

use mail_drive::{Accept, NoTimer, TlsInfo};
use mail_session::{
    Connection, Encryption, SessionError,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Plaintext, Protocol},
    lmtp,
    submission::{Config, Refusal, Route, Router, serve},
};
use mailstore_api::{
    Account, AppendOutcome, AppendSpec, Body, Delivery, ErrorKind, MailQueue, MailStore, Mailbox,
    MailboxName, MemoryStore, OpenMode, Part, QueueEntry, Recipient, Result as StoreResult, Submission,
    Submitted,
};
use smtp_submit_proto::{ForwardPath, ReversePath, status};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream},
    task::JoinHandle,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// alice and bob of example.test, password `secret`.
pub(crate) struct Users;
impl Authority for Users {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        match (user, password) {
            ("alice" | "bob", b"secret") => Ok(Identity::new(user)),
            _ => Err(AuthErrorKind::Wrong.into()),
        }
    }
}

pub(crate) struct Domain;
impl Router for Domain {
    async fn sender(&self, who: Option<&Identity>, path: ReversePath<'_>) -> Result<(), Refusal> {
        let own = who.map(|who| format!("{}@example.test", who.account));
        match path.mailbox() {
            Some(m) if Some(m.as_str()) != own.as_deref() => {
                Err(Refusal::new(status::NOT_ALLOWED, "not your address"))
            }
            _ => Ok(()),
        }
    }
    async fn recipient(&self, _: Option<&Identity>, path: ForwardPath<'_>) -> Result<Route, Refusal> {
        let account = match path.mailbox() {
            None => "alice".to_owned(),
            Some(m) if m.domain() == "example.test" => m.local_part().unquoted().into_owned(),
            Some(m) if ["far.example", "sales"].contains(&m.domain()) => return Ok(Route::Elsewhere),
            Some(_) => return Err(Refusal::new(status::NOT_ALLOWED, "relaying denied")),
        };
        if account == "nobody" {
            return Err(Refusal::new(status::NO_SUCH_MAILBOX, "no such mailbox here"));
        }
        Ok(Route::Local(Recipient {
            account,
            mailbox: MailboxName::inbox(),
            prefix: b"X-Own: 1\r\n".to_vec(),
        }))
    }

    async fn verify(&self, _: Option<&Identity>, text: &str) -> Result<Option<String>, Refusal> {
        match text {
            "bob" => Ok(Some("Bob <bob@example.test>".to_owned())),
            _ => Err(Refusal::new(status::NO_SUCH_MAILBOX, "no such mailbox here")),
        }
    }
}

/// The memory store, but for account `busy` (450), `full` (452), and content that holds `POISON`.
/// With `true`, it has a queue.
pub(crate) struct Flaky(pub(crate) MemoryStore, pub(crate) bool);
impl MailStore for Flaky {
    type Account = <MemoryStore as MailStore>::Account;
    type Delivery = FlakyDelivery;
    async fn open_account(&self, who: &str) -> StoreResult<Self::Account> {
        self.0.open_account(who).await
    }
    async fn deliver(&self, spec: AppendSpec) -> StoreResult<FlakyDelivery> {
        Ok(FlakyDelivery(self.0.deliver(spec).await?))
    }
    fn queue(&self) -> Option<&dyn MailQueue> {
        self.0.queue().filter(|_| self.1)
    }
}
pub(crate) struct FlakyDelivery(<MemoryStore as MailStore>::Delivery);
impl Delivery for FlakyDelivery {
    async fn write(&mut self, chunk: &[u8]) -> StoreResult<()> {
        if chunk.windows(6).any(|w| w == b"POISON") {
            return Err(ErrorKind::Unavailable.into());
        }
        self.0.write(chunk).await
    }
    async fn commit(self, to: &[Recipient]) -> Vec<StoreResult<AppendOutcome>> {
        let mut results = self.0.commit(to).await;
        for (recipient, result) in to.iter().zip(&mut results) {
            match &*recipient.account {
                "busy" => *result = Err(ErrorKind::InUse.into()),
                "full" => *result = Err(ErrorKind::OverQuota.into()),
                _ => {}
            }
        }
        results
    }
    async fn submit(self, to: &[Recipient], what: Submission) -> Submitted {
        self.0.submit(to, what).await
    }
}

/// A handshake that changes nothing.
#[derive(Clone)]
pub(crate) struct FakeTls;
impl Accept<Compat<DuplexStream>> for FakeTls {
    type Tls = Compat<DuplexStream>;
    async fn accept(self, stream: Compat<DuplexStream>) -> io::Result<(Self::Tls, TlsInfo)> {
        Ok((stream, TlsInfo::default()))
    }
}

pub(crate) type Ended = Result<(), SessionError<smtp_submit_proto::Error>>;

pub(crate) struct Client {
    pub(crate) stream: BufReader<DuplexStream>,
    session: JoinHandle<Ended>,
    pub(crate) store: Arc<Flaky>,
}

pub(crate) fn config() -> Config {
    let mut config = Config::new("mail.example.test");
    config.smtp.size_limit = Some(8 << 20);
    config
}

/// A client that may log in without TLS.
pub(crate) fn context() -> LoginContext {
    LoginContext::new(Protocol::Submission, "127.0.0.1:4711", "s1").with_plaintext(Plaintext::Always)
}

pub(crate) fn memory() -> Arc<Flaky> {
    let store = MemoryStore::new();
    for account in ["alice", "bob", "busy", "full"] {
        store.create_account(account).unwrap();
    }
    Arc::new(Flaky(store, false))
}

impl Client {
    /// Connects, and reads the greeting.
    pub(crate) async fn connect(
        encryption: Encryption,
        plaintext: Plaintext,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let context = context().with_plaintext(plaintext);
        let store = memory();
        Self::over(store, config(), encryption, context, shutdown).await
    }

    /// To a server of this store and configuration.
    pub(crate) async fn over(
        store: Arc<Flaky>,
        config: Config,
        encryption: Encryption,
        context: LoginContext,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let kept = store.clone();
        let session = tokio::spawn(async move {
            let connection = Connection::new(far.compat(), NoTimer, FakeTls, encryption, context);
            serve(&*kept, &Users, &Domain, connection, &config, shutdown).await
        });
        let mut client = Self { stream: BufReader::new(near), session, store };
        client.answer("220 mail.example.test").await;
        client
    }

    /// Logged in as alice, with this configuration, on a store with a queue.
    pub(crate) async fn queueing(config: Config) -> Self {
        let store = Arc::new(Flaky(Arc::into_inner(memory()).unwrap().0, true));
        let mut client = Self::over(store, config, Encryption::None, context(), pending()).await;
        client.say("EHLO client.example.test", "250").await;
        client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235 2.7.0").await;
        client
    }

    pub(crate) async fn queue(&self) -> Vec<QueueEntry> {
        self.store.0.queue().unwrap().list(None, 100).await.unwrap()
    }

    /// By LMTP.
    pub(crate) async fn lmtp(config: lmtp::Config, peer: &str) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let store = memory();
        let kept = store.clone();
        let context = LoginContext::new(Protocol::Submission, peer, "s1");
        let session = tokio::spawn(async move {
            let connection = Connection::plain(far.compat(), NoTimer, context);
            lmtp::serve(&*kept, &Domain, connection, &config, pending::<()>()).await
        });
        Self { stream: BufReader::new(near), session, store }
    }

    /// Logged in as alice.
    pub(crate) async fn alice() -> Self {
        let mut client = Self::connect(Encryption::None, Plaintext::Always, pending()).await;
        client.say("EHLO client.example.test", "250").await;
        client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235 2.7.0").await;
        client
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).await.unwrap();
    }

    pub(crate) async fn answer(&mut self, start: &str) -> String {
        let mut all = String::new();
        loop {
            let from = all.len();
            assert!(
                self.stream.read_line(&mut all).await.unwrap() > 0,
                "closed after {all:?}, not {start:?}"
            );
            if all.as_bytes().get(from + 3) == Some(&b' ') {
                break;
            }
        }
        assert!(all.starts_with(start), "{all:?} instead of {start:?}");
        all
    }

    pub(crate) async fn say(&mut self, line: &str, start: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.answer(start).await
    }

    pub(crate) async fn envelope(&mut self, recipients: &[&str]) {
        self.say("MAIL FROM:<alice@example.test>", "250").await;
        for recipient in recipients {
            self.say(&format!("RCPT TO:<{recipient}>"), "250").await;
        }
        self.say("DATA", "354").await;
    }

    /// Closed by the server, or by dropping this end.
    pub(crate) async fn end(self) -> Ended {
        drop(self.stream);
        self.session.await.unwrap()
    }

    pub(crate) async fn inbox(&self, account: &str) -> Vec<Vec<u8>> {
        inbox(&self.store.0, account).await
    }
}

pub(crate) async fn inbox(store: &MemoryStore, account: &str) -> Vec<Vec<u8>> {
    let account = store.open_account(account).await.unwrap();
    let list = account.list().await.unwrap();
    let id = list.iter().find(|m| m.name.is_inbox()).and_then(|m| m.id.clone()).unwrap();
    let (snapshot, mailbox) = account.open(&id, OpenMode::Examine).await.unwrap();
    let mut messages = vec![];
    for uid in snapshot.uids {
        let mut body = mailbox.body(uid, Part::Whole).await.unwrap();
        let mut octets = vec![];
        while (octets.len() as u64) < body.len() {
            octets.extend_from_slice(&body.read_at(octets.len() as u64, 1 << 16).await.unwrap());
        }
        messages.push(octets);
    }
    messages
}
