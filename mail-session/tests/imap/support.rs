//! A server on the memory store behind in-memory pipes, and a client that speaks octets.
use std::{sync::Arc, time::Duration};

use imap4_proto::types::Capabilities;
use mail_drive::{Instant, Timer};
use mail_session::{
    Connection,
    auth::{AuthError, AuthErrorKind, Authority, Identity, LoginContext, Plaintext, Protocol},
    imap,
};
use mailstore_api::{MailStore, MemoryOptions, MemoryStore};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf},
    sync::watch,
};
use tokio_util::compat::TokioAsyncReadCompatExt;

pub(crate) struct Everybody;
impl Authority for Everybody {
    async fn password(
        &self,
        _: &LoginContext,
        user: &str,
        _: Option<&str>,
        password: &[u8],
    ) -> Result<Identity, AuthError> {
        if password == b"secret" { Ok(Identity::new(user)) } else { Err(AuthErrorKind::Wrong.into()) }
    }
}

pub(crate) struct Clock(tokio::time::Instant);
impl Clock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}
impl Timer for Clock {
    fn now(&self) -> Instant {
        Instant::from_start(self.0.elapsed())
    }
    async fn sleep_until(&self, at: Instant) {
        tokio::time::sleep_until(self.0 + at.since_start()).await;
    }
}

pub(crate) struct Server<St = MemoryStore> {
    pub(crate) store: Arc<St>,
    config: Arc<imap::Config>,
    stop: watch::Sender<bool>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    pub(crate) fn with_options(options: MemoryOptions) -> Self {
        let store = MemoryStore::with_options(options);
        store.create_account("anna").unwrap();
        Self::on(store)
    }
}

impl<St: MailStore> Server<St> {
    pub(crate) fn on(store: St) -> Self {
        let mut config = imap::Config::new("test");
        config.id = vec![("name".to_owned(), "tests".to_owned())];
        Self { store: Arc::new(store), config: Arc::new(config), stop: watch::channel(false).0 }
    }

    #[allow(dead_code, reason = "not by every test file")]
    pub(crate) fn capabilities(mut self, capabilities: Capabilities) -> Self {
        let mut config = imap::Config::new("test");
        config.protocol.capabilities = capabilities;
        self.config = Arc::new(config);
        self
    }

    /// Headers with octets beyond ASCII want UTF8=ACCEPT.
    #[allow(dead_code, reason = "not by every test file")]
    pub(crate) fn strict_headers(mut self) -> Self {
        let mut config = imap::Config::new("test");
        config.eight_bit_headers = false;
        self.config = Arc::new(config);
        self
    }

    #[allow(dead_code, reason = "not by every test file")]
    pub(crate) fn append_limit(mut self, octets: u64) -> Self {
        let mut config = imap::Config::new("test");
        config.protocol.append_limit = Some(octets);
        self.config = Arc::new(config);
        self
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// The client's end of a connection that is served.
    pub(crate) fn pipe(&self, plaintext: Plaintext) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (store, config, mut stop) =
            (Arc::clone(&self.store), Arc::clone(&self.config), self.stop.subscribe());
        tokio::spawn(async move {
            let context = LoginContext::new(Protocol::Imap4, "pipe", "t").with_plaintext(plaintext);
            let connection = Connection::plain(far.compat(), Clock::start(), context);
            let stopped = async move {
                let _ = stop.wait_for(|s| *s).await;
            };
            let ended = imap::serve(&*store, &Everybody, connection, &config, stopped).await;
            if let Err(error) = ended {
                println!("session: {error}");
            }
        });
        near
    }

    pub(crate) async fn connect_with(&self, plaintext: Plaintext) -> Client {
        let near = self.pipe(plaintext);
        let (read, write) = tokio::io::split(near);
        let mut client = Client { read: BufReader::new(read), write, tag: 0 };
        let greeting = client.line().await;
        assert!(greeting.starts_with("* OK "), "{greeting}");
        client
    }

    /// A client that is logged in.
    pub(crate) async fn login(&self) -> Client {
        let mut client = self.connect_with(Plaintext::Always).await;
        client.ok("LOGIN anna secret").await;
        client
    }

    /// A client that has INBOX selected.
    pub(crate) async fn select(&self) -> Client {
        let mut client = self.login().await;
        client.ok("SELECT INBOX").await;
        client
    }
}

pub(crate) struct Client {
    read: BufReader<ReadHalf<DuplexStream>>,
    write: WriteHalf<DuplexStream>,
    tag: u32,
}

impl Client {
    /// One line with its literals, without its last line end; empty at the end.
    pub(crate) async fn line(&mut self) -> String {
        String::from_utf8_lossy(&self.octets().await).into_owned()
    }

    pub(crate) async fn octets(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let read = self.read.read_until(b'\n', &mut all);
            tokio::time::timeout(Duration::from_secs(60), read).await.expect("an answer").unwrap();
            let line = all.strip_suffix(b"\r\n").unwrap_or(&all);
            let literal = line.strip_suffix(b"}").and_then(|l| {
                let open = l.iter().rposition(|b| *b == b'{')?;
                std::str::from_utf8(&l[open + 1..]).ok()?.parse::<usize>().ok()
            });
            let Some(n) = literal else { break };
            let at = all.len();
            all.resize(at + n, 0);
            self.read.read_exact(&mut all[at..]).await.unwrap();
        }
        if all.ends_with(b"\r\n") {
            all.truncate(all.len() - 2);
        }
        all
    }

    /// All that comes until the connection ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.read.read_to_end(&mut all).await.unwrap();
        all
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.write.write_all(octets.as_ref()).await.unwrap();
    }

    /// The answer to a command, line by line, the tagged one last and without its tag.
    pub(crate) async fn run(&mut self, command: &str) -> Vec<String> {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.send(format!("{tag}{command}\r\n")).await;
        self.until(&tag).await
    }

    pub(crate) async fn until(&mut self, tag: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the connection ended after {lines:?}");
            if let Some(last) = line.strip_prefix(tag) {
                lines.push(last.to_owned());
                return lines;
            }
            lines.push(line);
        }
    }

    /// The untagged lines of a command that succeeds.
    pub(crate) async fn ok(&mut self, command: &str) -> Vec<String> {
        let mut lines = self.run(command).await;
        let last = lines.pop().unwrap();
        assert!(last.starts_with("OK"), "{command}: {lines:?} {last}");
        lines
    }

    /// The tagged line of a command that fails, the untagged ones before it.
    pub(crate) async fn fails(&mut self, command: &str) -> String {
        let mut lines = self.run(command).await;
        let last = lines.pop().unwrap();
        assert!(!last.starts_with("OK"), "{command}: {lines:?} {last}");
        last
    }

    /// APPEND with a non-synchronizing literal; the tagged line.
    pub(crate) async fn append(&mut self, arguments: &str, message: impl AsRef<[u8]>) -> String {
        self.append_lines(arguments, message).await.pop().unwrap()
    }

    /// The same; all lines.
    pub(crate) async fn append_lines(&mut self, arguments: &str, message: impl AsRef<[u8]>) -> Vec<String> {
        let message = message.as_ref();
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.send(format!("{tag}APPEND {arguments} {{{}+}}\r\n", message.len())).await;
        self.send(message).await;
        self.send("\r\n").await;
        self.until(&tag).await
    }

    /// The same, as a literal8 where that is wanted (RFC 3516); the tagged line.
    #[allow(dead_code, reason = "not by every test file")]
    pub(crate) async fn append_literal(&mut self, arguments: &str, message: &[u8], literal8: bool) -> String {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        let mark = if literal8 { "~" } else { "" };
        self.send(format!("{tag}APPEND {arguments} {mark}{{{}+}}\r\n", message.len())).await;
        self.send(message).await;
        self.send("\r\n").await;
        self.until(&tag).await.pop().unwrap()
    }

    /// `n` small messages into INBOX.
    pub(crate) async fn fill(&mut self, n: usize) {
        for i in 1..=n {
            let answer = self.append("INBOX", format!("Subject: {i}\r\n\r\nbody {i}\r\n")).await;
            assert!(answer.starts_with("OK [APPENDUID "), "{answer}");
        }
    }
}
