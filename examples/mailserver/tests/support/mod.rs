//! The real binary on ports the system chooses, and blocking clients that speak lines.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod sasl;
pub(crate) mod smarthost;
pub(crate) mod tokens;

use std::{
    collections::HashMap,
    io::{self, BufRead as _, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use base64::Engine as _;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};

pub(crate) const SERVICES: &str = "\
[listen]
imap = [\"127.0.0.1:0\"]
imaps = [\"127.0.0.1:0\"]
pop3 = [\"127.0.0.1:0\"]
pop3s = [\"127.0.0.1:0\"]
submission = [\"127.0.0.1:0\"]
submissions = [\"127.0.0.1:0\"]
";
pub(crate) const MAILBOXES: &str = "\
[[mailbox]]
address = \"alice@example.test\"
password = \"tanstaaftanstaaf\"
[[mailbox]]
address = \"bob@example.test\"
password = \"xipj3plmq\"
";
pub(crate) const ALICE: &str = "tanstaaftanstaaf";
pub(crate) const BOB: &str = "xipj3plmq";

/// What is waited for at the most, however busy the machine; all of it comes within a moment on a quiet one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mailserver"));
    command.env_remove("RUST_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Writes `mail.toml` into the folder.
pub(crate) fn configure(dir: &Path, plaintext: &str, more: &str) -> PathBuf {
    let file = dir.join("mail.toml");
    let text = format!("data = \"data\"\n{SERVICES}[auth]\nplaintext = \"{plaintext}\"\n{more}{MAILBOXES}");
    replace(&file, &text);
    file
}

/// Writes the file in one step: a server that watches it never reads a half.
pub(crate) fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(&new, file).unwrap();
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) config: PathBuf,
    pub(crate) table: Vec<String>,
    ports: HashMap<String, u16>,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(dir: &Path, plaintext: &str, more: &str) -> Self {
        Self::start_logging(dir, plaintext, more, "trace")
    }

    pub(crate) fn start_quietly(dir: &Path, plaintext: &str, more: &str) -> Self {
        Self::start_logging(dir, plaintext, more, "warn")
    }

    pub(crate) fn start_logging(dir: &Path, plaintext: &str, more: &str, level: &str) -> Self {
        let config = configure(dir, plaintext, more);
        let mut command = binary();
        command.arg("--config").arg(&config).args(["--log", level]);
        Self::spawn(command, config).expect("the server starts")
    }

    /// Runs the command until its table has a port for every service; else what it said.
    pub(crate) fn spawn(mut command: Command, config: PathBuf) -> Result<Self, String> {
        let mut child = command.spawn().unwrap();
        let mut err = child.stderr.take().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut octets = [0; 4096];
            while let Ok(n @ 1..) = err.read(&mut octets) {
                to.lock().unwrap().push_str(&String::from_utf8_lossy(&octets[..n]));
            }
        });
        let mut server =
            Self { child, config, table: Vec::new(), ports: HashMap::new(), log, reader: Some(reader) };
        let mut out = BufReader::new(server.child.stdout.take().unwrap());
        // The table ends with the second command to try.
        loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                server.reader.take().unwrap().join().unwrap();
                return Err(server.log());
            }
            let words: Vec<_> = line.split_whitespace().collect();
            if let [service, _, port, _, _, ..] = words[..]
                && let Ok(port) = port.parse()
            {
                server.ports.insert(service.to_owned(), port);
            }
            let is_command = line.contains("curl") && line.contains("MAILINDEX");
            // With many mailboxes there is no command to try.
            let last = is_command
                || line.contains("Mailboxes and passwords")
                    && server.table.iter().any(|l| l.contains("(its address)"));
            server.table.push(line);
            if last {
                break;
            }
        }
        Ok(server)
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn port(&self, service: &str) -> u16 {
        self.ports[service]
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.config.with_file_name("data").join("cert.pem")
    }

    /// A connection: TLS at once where the service's name says so.
    pub(crate) fn connect(&self, service: &str) -> Client {
        let mut client = self.connect_plain(service);
        if service.ends_with('s') {
            client.upgrade();
        }
        client
    }

    /// A connection without TLS yet.
    pub(crate) fn connect_plain(&self, service: &str) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port(service))).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            stream: Some(Stream::Plain(stream)),
            rest: Vec::new(),
            trust: self.certificate(),
            sent: String::new(),
        }
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    }

    /// Waits until the log has these words beyond its first `from` octets.
    pub(crate) fn logged(&self, from: usize, words: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.log()[from..].contains(words) {
            assert!(Instant::now() < end, "{words:?} is not logged");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kilobytes of memory in use.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Descriptors that are open.
    pub(crate) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Sockets among them: the listeners' and those of connections.
    pub(crate) fn sockets(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .filter(|entry| {
                let to = entry.as_ref().ok().and_then(|e| std::fs::read_link(e.path()).ok());
                to.is_some_and(|to| to.to_string_lossy().starts_with("socket:"))
            })
            .count()
    }

    /// `mailserver user ...` beside the running server, with a line on standard input.
    pub(crate) fn user(&self, args: &[&str], line: &str) -> Output {
        let mut child = binary()
            .arg("user")
            .args(args)
            .arg("--config")
            .arg(&self.config)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// SIGTERM: whether it ended well, how long that took, and its log.
    pub(crate) fn stop(mut self) -> (bool, Duration, String) {
        let begun = Instant::now();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        let took = begun.elapsed();
        self.reader.take().unwrap().join().unwrap();
        (status.success(), took, self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}", self.log());
        }
    }
}

pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A client that sends and reads lines.
pub(crate) struct Client {
    stream: Option<Stream>,
    rest: Vec<u8>,
    trust: PathBuf,
    /// All that was sent.
    pub(crate) sent: String,
}

impl Client {
    /// TLS from here, with the certificate verified.
    pub(crate) fn upgrade(&mut self) {
        self.upgrade_with(None);
    }

    /// The same, showing a certificate: its file and its key's.
    pub(crate) fn upgrade_with(&mut self, shown: Option<(&Path, &Path)>) {
        assert!(self.rest.is_empty(), "nothing comes in the clear after the go-ahead");
        let Some(Stream::Plain(stream)) = self.stream.take() else { panic!("TLS already") };
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.trust).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => config
                .with_client_auth_cert(
                    vec![CertificateDer::from_pem_file(certificate).unwrap()],
                    PrivateKeyDer::from_pem_file(key).unwrap(),
                )
                .unwrap(),
        };
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        self.stream = Some(Stream::Tls(Box::new(StreamOwned::new(tls, stream))));
    }

    /// The connection beneath, while there is no TLS: whoever stands between can write to it.
    pub(crate) fn raw(&self) -> TcpStream {
        let Some(Stream::Plain(stream)) = &self.stream else { panic!("TLS already") };
        stream.try_clone().unwrap()
    }

    /// The `tls-exporter` channel binding (RFC 9266).
    pub(crate) fn exporter(&self) -> Option<[u8; 32]> {
        let Some(Stream::Tls(tls)) = &self.stream else { return None };
        let label = b"EXPORTER-Channel-Binding";
        Some(tls.conn.export_keying_material([0; 32], label, Some(&[])).unwrap())
    }

    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.sent.push_str(&String::from_utf8_lossy(octets));
        match self.stream.as_mut().unwrap() {
            Stream::Plain(s) => s.write_all(octets).unwrap(),
            Stream::Tls(s) => s.write_all(octets).and_then(|()| s.flush()).unwrap(),
        }
    }

    /// One line without its end; `None` at the end of the connection.
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|w| w == b"\r\n") {
                let line = self.rest.drain(..end + 2).collect::<Vec<_>>();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            let mut octets = [0; 4096];
            let read: io::Result<usize> = match self.stream.as_mut().unwrap() {
                Stream::Plain(s) => s.read(&mut octets),
                Stream::Tls(s) => s.read(&mut octets),
            };
            match read {
                Ok(0) => return None,
                Ok(n) => self.rest.extend_from_slice(&octets[..n]),
                Err(e)
                    if e.kind() == io::ErrorKind::UnexpectedEof
                        || e.kind() == io::ErrorKind::ConnectionReset =>
                {
                    return None;
                }
                Err(e) => panic!("{e}, after {:?}", String::from_utf8_lossy(&self.rest)),
            }
        }
    }

    /// Sends a line, reads up to the line `last` says is the last, returns all.
    pub(crate) fn ask(&mut self, line: &str, last: impl Fn(&str) -> bool) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.read_to(last)
    }

    pub(crate) fn read_to(&mut self, last: impl Fn(&str) -> bool) -> String {
        let mut all = String::new();
        loop {
            let line = self.line().unwrap_or_else(|| panic!("the connection ended after {all:?}"));
            let done = last(&line);
            all.push_str(&line);
            all.push('\n');
            if done {
                return all;
            }
        }
    }

    /// An IMAP command up to its tagged answer.
    pub(crate) fn imap(&mut self, command: &str) -> String {
        self.ask(&format!("t {command}"), |l| l.starts_with("t "))
    }

    /// An SMTP command up to the reply's last line.
    pub(crate) fn smtp(&mut self, command: &str) -> String {
        self.ask(command, last_of_reply)
    }

    /// A POP3 command with an answer of one line.
    pub(crate) fn pop3(&mut self, command: &str) -> String {
        self.ask(command, |_| true)
    }
}

pub(crate) fn last_of_reply(line: &str) -> bool {
    line.as_bytes().get(3) != Some(&b'-')
}

pub(crate) fn base64(octets: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::STANDARD.encode(octets)
}
