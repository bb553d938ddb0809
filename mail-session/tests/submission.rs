//! Submission sessions on the memory store, over a pipe in memory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may stop where they fail"
)]

use std::{
    future::{Future, pending},
    io,
    sync::Arc,
};

use mail_drive::{Accept, NoTimer, TlsInfo};
use mail_session::{
    Connection, Encryption, SessionError,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Plaintext, Protocol},
    submission::{Config, Refusal, Route, Router, serve},
};
use mailstore_api::{
    Account, AppendOutcome, AppendSpec, Body, Delivery, ErrorKind, MailStore, Mailbox, MailboxName,
    MemoryStore, OpenMode, Part, Recipient, Result as StoreResult,
};
use smtp_submit_proto::{ForwardPath, ReversePath, status};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream},
    task::JoinHandle,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// alice and bob of example.test, password `secret`.
struct Users;
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

struct Domain;
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
}

/// The memory store, but for account `busy` (450), `full` (452), and content that holds `POISON`.
struct Flaky(MemoryStore);
impl MailStore for Flaky {
    type Account = <MemoryStore as MailStore>::Account;
    type Delivery = FlakyDelivery;
    async fn open_account(&self, who: &str) -> StoreResult<Self::Account> {
        self.0.open_account(who).await
    }
    async fn deliver(&self, spec: AppendSpec) -> StoreResult<FlakyDelivery> {
        Ok(FlakyDelivery(self.0.deliver(spec).await?))
    }
}
struct FlakyDelivery(<MemoryStore as MailStore>::Delivery);
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
}

/// A handshake that changes nothing.
#[derive(Clone)]
struct FakeTls;
impl Accept<Compat<DuplexStream>> for FakeTls {
    type Tls = Compat<DuplexStream>;
    async fn accept(self, stream: Compat<DuplexStream>) -> io::Result<(Self::Tls, TlsInfo)> {
        Ok((stream, TlsInfo::default()))
    }
}

type Ended = Result<(), SessionError<smtp_submit_proto::Error>>;

struct Client {
    stream: BufReader<DuplexStream>,
    session: JoinHandle<Ended>,
    store: Arc<Flaky>,
}

fn config() -> Config {
    let mut config = Config::new("mail.example.test");
    config.smtp.size_limit = Some(8 << 20);
    config
}

fn memory() -> Arc<Flaky> {
    let store = MemoryStore::new();
    for account in ["alice", "bob", "busy", "full"] {
        store.create_account(account).unwrap();
    }
    Arc::new(Flaky(store))
}

impl Client {
    /// Connects, and reads the greeting.
    async fn connect(
        encryption: Encryption,
        plaintext: Plaintext,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let context =
            LoginContext::new(Protocol::Submission, "127.0.0.1:4711", "s1").with_plaintext(plaintext);
        let store = memory();
        let kept = store.clone();
        let session = tokio::spawn(async move {
            let connection = Connection::new(far.compat(), NoTimer, FakeTls, encryption, context);
            serve(&*kept, &Users, &Domain, connection, &config(), shutdown).await
        });
        let mut client = Self { stream: BufReader::new(near), session, store };
        client.answer("220 mail.example.test").await;
        client
    }

    /// Logged in as alice.
    async fn alice() -> Self {
        let mut client = Self::connect(Encryption::None, Plaintext::Always, pending()).await;
        client.say("EHLO client.example.test", "250").await;
        client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235 2.7.0").await;
        client
    }

    async fn send(&mut self, octets: &[u8]) {
        self.stream.get_mut().write_all(octets).await.unwrap();
    }

    async fn answer(&mut self, start: &str) -> String {
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

    async fn say(&mut self, line: &str, start: &str) -> String {
        self.send(format!("{line}\r\n").as_bytes()).await;
        self.answer(start).await
    }

    async fn envelope(&mut self, recipients: &[&str]) {
        self.say("MAIL FROM:<alice@example.test>", "250").await;
        for recipient in recipients {
            self.say(&format!("RCPT TO:<{recipient}>"), "250").await;
        }
        self.say("DATA", "354").await;
    }

    /// Closed by the server, or by dropping this end.
    async fn end(self) -> Ended {
        drop(self.stream);
        self.session.await.unwrap()
    }

    async fn inbox(&self, account: &str) -> Vec<Vec<u8>> {
        inbox(&self.store.0, account).await
    }
}

async fn inbox(store: &MemoryStore, account: &str) -> Vec<Vec<u8>> {
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

const MESSAGE: &[u8] =
    b"Date: Mon, 02 Jan 2023 03:04:05 +0100\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\n.dot\r\n\xff8bit\r\n";
const STUFFED: &[u8] =
    b"Date: Mon, 02 Jan 2023 03:04:05 +0100\r\nMessage-ID: <1@x>\r\nSubject: hi\r\n\r\n..dot\r\n\xff8bit\r\n.\r\n";

#[tokio::test]
async fn a_message_is_kept_in_each_mailbox_and_nothing_of_it_is_changed() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test", "alice@example.test", "\"bob\"@example.test"]).await;
    client.send(STUFFED).await;
    client.answer("250 2.0.0 kept as ").await;
    for account in ["alice", "bob"] {
        let messages = client.inbox(account).await;
        let [message] = &messages[..] else { panic!("{} messages of {account}", messages.len()) };
        let added = message.strip_suffix(MESSAGE).unwrap();
        let added = std::str::from_utf8(added).unwrap();
        assert!(
            added.starts_with(
                "Return-Path: <alice@example.test>\r\nX-Own: 1\r\n\
                 Received: from client.example.test ([127.0.0.1])\r\n\tby mail.example.test with ESMTPA id "
            ),
            "{added}"
        );
        assert!(!added.contains("\tfor "), "two recipients are not told of each other: {added}");
        assert_eq!(added.lines().filter(|l| !l.starts_with('\t')).count(), 3, "{added}");
    }
    client.say("QUIT", "221").await;
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn what_is_missing_is_added() {
    let mut client = Client::alice().await;
    client.envelope(&["Postmaster"]).await;
    client.send(b"Subject: x\r\n\r\nbody\r\n.\r\n").await;
    client.answer("250").await;
    let message = client.inbox("alice").await.remove(0);
    let added =
        String::from_utf8(message.strip_suffix(b"Subject: x\r\n\r\nbody\r\n").unwrap().to_vec()).unwrap();
    assert!(added.contains("\tfor <Postmaster>;\r\n"), "{added}");
    assert!(added.contains("\r\nDate: ") && added.contains("\r\nMessage-ID: <"), "{added}");
    assert!(added.ends_with("@mail.example.test>\r\n"), "{added}");
}

#[tokio::test]
async fn who_may_send_what_is_the_routers_to_say() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<bob@example.test>", "550 5.7.1 not your address").await;
    client.say("MAIL FROM:<>", "250").await;
    client.say("RSET", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "250").await;
    client.say("RCPT TO:<nobody@example.test>", "550 5.1.1").await;
    client.say("RCPT TO:<x@elsewhere.example>", "550 5.7.1 relaying denied").await;
    client.say("DATA", "554 5.5.1 no valid recipients").await;
    client.say("VRFY bob", "252").await;
}

#[tokio::test]
async fn nobody_sends_before_login() {
    let mut client = Client::connect(Encryption::None, Plaintext::Always, pending()).await;
    assert!(client.say("EHLO me", "250").await.contains("250-AUTH PLAIN LOGIN\r\n"));
    client.say("MAIL FROM:<alice@example.test>", "530 5.7.0").await;
    client.say("AUTH PLAIN AGFsaWNlAHdyb25n", "535 5.7.8").await;
    client.say("AUTH LOGIN", "334 VXNlc").await;
    client.say("*", "501 5.7.0").await;
    client.say("AUTH PLAIN AGFsaWNl", "501 5.5.2").await;
    client.say("AUTH XOAUTH2", "504 5.5.4").await;
    client.say("AUTH LOGIN", "334 ").await;
    client.say("Ym9i", "334 ").await;
    client.say("c2VjcmV0", "235").await;
    client.say("MAIL FROM:<alice@example.test>", "550").await;
    client.say("MAIL FROM:<bob@example.test>", "250").await;
}

#[tokio::test]
async fn guessing_ends_the_connection() {
    let mut client = Client::connect(Encryption::None, Plaintext::Always, pending()).await;
    client.say("EHLO me", "250").await;
    for _ in 0..5 {
        client.say("AUTH PLAIN AGFsaWNlAHdyb25n", "535 5.7.8 Authentication failed").await;
    }
    client.answer("421 4.7.0").await;
    assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn starttls_comes_first_and_forgets() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::TlsOnly, pending()).await;
    let ehlo = client.say("EHLO me", "250").await;
    assert!(ehlo.contains("250-STARTTLS\r\n") && !ehlo.contains("AUTH"), "{ehlo}");
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "538 5.7.11").await;
    client.say("MAIL FROM:<alice@example.test>", "530 5.7.0 a STARTTLS command").await;
    client.say("STARTTLS", "220 2.0.0").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "503 5.5.1").await;
    let ehlo = client.say("EHLO me", "250").await;
    assert!(!ehlo.contains("STARTTLS") && ehlo.contains("250-AUTH PLAIN LOGIN\r\n"), "{ehlo}");
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(STUFFED).await;
    client.answer("250").await;
    let message = client.inbox("bob").await.remove(0);
    let text = String::from_utf8_lossy(&message).into_owned();
    assert!(text.contains("with ESMTPSA id ") && text.contains("\tfor <bob@example.test>;"), "{text}");
}

#[tokio::test]
async fn login_is_forgotten_at_starttls() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::Always, pending()).await;
    client.say("EHLO me", "250").await;
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
    client.say("STARTTLS", "220").await;
    client.say("EHLO me", "250").await;
    client.say("MAIL FROM:<alice@example.test>", "530").await;
}

#[tokio::test]
async fn plaintext_behind_starttls_ends_the_connection() {
    let mut client = Client::connect(Encryption::OnRequest, Plaintext::TlsOnly, pending()).await;
    client.send(b"STARTTLS\r\nEHLO evil\r\n").await;
    client.answer("421 4.7.0").await;
    assert!(matches!(client.end().await, Err(SessionError::Drive(_))));
}

#[tokio::test]
async fn implicit_tls_is_tls_from_the_start() {
    let mut client = Client::connect(Encryption::Implicit, Plaintext::TlsOnly, pending()).await;
    assert!(client.say("EHLO me", "250").await.contains("250-AUTH PLAIN LOGIN\r\n"));
    client.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==", "235").await;
}

#[tokio::test]
async fn a_lost_connection_keeps_nothing() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    client.send(&STUFFED[..STUFFED.len() - 2]).await;
    let store = client.store.clone();
    let _ = client.end().await;
    assert!(inbox(&store.0, "bob").await.is_empty());
}

#[tokio::test]
async fn nothing_is_acknowledged_that_is_not_kept() {
    for (recipients, answer) in [
        (&["alice", "busy"][..], "450-4.2.1"),
        (&["full", "alice"], "452-4.2.2"),
        (&["stranger", "alice"], "550-5.1.1"),
        (&["stranger", "busy"], "450-4.2.1"),
    ] {
        let mut client = Client::alice().await;
        let addresses: Vec<String> = recipients.iter().map(|r| format!("{r}@example.test")).collect();
        client.envelope(&addresses.iter().map(String::as_str).collect::<Vec<_>>()).await;
        client.send(STUFFED).await;
        let text = client.answer(answer).await;
        assert!(recipients.iter().all(|r| text.contains(&format!("<{r}@")) == (*r != "alice")), "{text}");
        client.say("MAIL FROM:<alice@example.test>", "250").await;
    }
}

#[tokio::test]
async fn a_store_that_fails_midway_is_answered_after_the_end() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    client.send(b"Subject: x\r\n\r\nPOISON\r\n").await;
    client.send(&vec![b'x'; 100_000]).await;
    client.send(b"\r\n.\r\n").await;
    client.answer("451 4.3.0").await;
    client.envelope(&["bob@example.test"]).await;
    client.send(b"\r\n.\r\n").await;
    client.answer("250").await;
    assert_eq!(client.inbox("bob").await.len(), 1);
}

#[tokio::test]
async fn a_large_message_passes_unchanged() {
    let mut client = Client::alice().await;
    client.envelope(&["bob@example.test"]).await;
    let mut message = b"Subject: large\r\nDate: x\r\nMessage-ID: y\r\n\r\n".to_vec();
    let mut seed = 1_u32;
    while message.len() < 3 << 20 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let line: Vec<u8> =
            (0..seed >> 24).map(|i| b"abc.\t\xe4 "[(seed.wrapping_mul(i + 1) >> 16) as usize % 7]).collect();
        message.extend_from_slice(&line);
        message.extend_from_slice(b"\r\n");
    }
    let stuffed: Vec<u8> = message
        .split_inclusive(|c| *c == b'\n')
        .flat_map(|l| if l.starts_with(b".") { [b".", l].concat() } else { l.to_vec() })
        .collect();
    client.send(&stuffed).await;
    client.send(b".\r\n").await;
    client.answer("250").await;
    assert!(client.inbox("bob").await[0].ends_with(&message));
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_after_its_end() {
    let mut client = Client::alice().await;
    client.say("MAIL FROM:<alice@example.test> SIZE=99999999", "552 5.3.4").await;
    client.envelope(&["bob@example.test"]).await;
    for _ in 0..9 {
        client.send(&vec![b'x'; 1 << 20]).await;
    }
    client.send(b"\r\n.\r\n").await;
    client.answer("552 5.3.4").await;
    assert!(client.inbox("bob").await.is_empty());
}

#[tokio::test]
async fn a_server_that_stops_says_421() {
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut client = Client::connect(Encryption::None, Plaintext::Always, async {
        let _ = stopped.await;
    })
    .await;
    client.say("EHLO me", "250").await;
    stop.send(()).unwrap();
    client.answer("421 4.3.2 mail.example.test shutting down").await;
    assert_eq!(client.stream.read(&mut [0]).await.unwrap(), 0);
    assert!(client.end().await.is_ok());
}

#[tokio::test]
async fn an_over_long_line_is_answered_and_skipped() {
    let mut client = Client::alice().await;
    client.send(&[b'x'; 20_000]).await;
    client.answer("500 5.5.2").await;
    client.send(b"x\r\n").await;
    client.say("NOOP", "250").await;
}

#[tokio::test]
async fn pipelined_transactions_are_answered_in_order() {
    let mut client = Client::alice().await;
    client
        .send(
            b"MAIL FROM:<alice@example.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n\
              Subject: 1\r\n\r\n.\r\nMAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nRSET\r\nQUIT\r\n",
        )
        .await;
    for code in ["250", "550", "250", "354", "250", "250", "250", "250", "221"] {
        client.answer(code).await;
    }
    assert_eq!(client.inbox("bob").await.len(), 1);
}

#[test]
fn an_idle_session_is_small() {
    let (_, far) = tokio::io::duplex(64);
    let context = LoginContext::new(Protocol::Submission, "peer", "s1");
    let (store, config) = (memory(), config());
    let connection = Connection::plain(far.compat(), NoTimer, context);
    let session = serve(&*store, &Users, &Domain, connection, &config, pending());
    let size = size_of_val(&session);
    println!("{size} octets");
    assert!(size < 4096, "{size} octets");
}
