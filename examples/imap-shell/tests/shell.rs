//! The program against the example server, and against a scripted one where tokens are wanted.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

const CONFIG: &str = r#"data = "data"
[listen]
imap = ["127.0.0.1:0"]
imaps = ["127.0.0.1:0"]
[auth]
plaintext = "always"
[[mailbox]]
address = "alice@example.test"
password = "tanstaaftanstaaf"
"#;

/// The example server's binary, which stands beside this test's; it is made where it is missing.
fn mailserver() -> PathBuf {
    let mut target = std::env::current_exe().unwrap();
    while target.file_name().is_some_and(|name| name != "deps") {
        target.pop();
    }
    target.pop();
    let binary = target.join("mailserver");
    // As a release, for the debug build would be made twice otherwise.
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "-p", "mailserver"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if target.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(binary.exists() || cargo.status().unwrap().success(), "no example server");
    binary
}

struct Server {
    child: Child,
    ports: HashMap<String, String>,
    trust: PathBuf,
}

impl Server {
    fn start(dir: &Path) -> Self {
        std::fs::write(dir.join("mail.toml"), CONFIG).unwrap();
        let mut child = Command::new(mailserver())
            .args(["--config", "mail.toml"])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ports = HashMap::new();
        let out = BufReader::new(child.stdout.take().unwrap());
        for line in out.lines() {
            let line = line.unwrap();
            let words: Vec<_> = line.split_whitespace().collect();
            if let [service @ ("imap" | "imaps"), _, port, ..] = words[..] {
                ports.insert(service.to_string(), port.to_string());
            }
            if ports.len() == 2 {
                break;
            }
        }
        Self { child, ports, trust: dir.join("data/cert.pem") }
    }

    fn shell(&self, tls: &str, args: &[&str]) -> Command {
        let mut command = shell(if tls == "implicit" { &self.ports["imaps"] } else { &self.ports["imap"] });
        command.args(["--tls", tls, "--user", "alice", "--verbose", "--ca"]).arg(&self.trust).args(args);
        command.env("IMAP_PASSWORD", "tanstaaftanstaaf");
        command
    }

    fn append(&self, subject: &str) {
        let message =
            format!("From: Bob <bob@example.test>\r\nSubject: {subject}\r\n\r\n{}", "body\r\n".repeat(5000));
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports["imap"].parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let login = "a LOGIN alice tanstaaftanstaaf\r\n";
        write!(
            stream,
            "{login}b APPEND INBOX (\\Flagged) {{{}+}}\r\n{message}\r\nc LOGOUT\r\n",
            message.len()
        )
        .unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.contains("b OK"), "{said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn shell(port: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_imap-shell"));
    command.env_remove("IMAP_TOKEN").env_remove("IMAP_PASSWORD").stdin(Stdio::null());
    command.args(["--host", "localhost", "--port", port]);
    command
}

/// What it wrote on standard output and on standard error.
#[track_caller]
fn said(mut command: Command, succeeds: bool) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(status.success(), succeeds, "{said:?}");
    said
}

#[test]
fn it_lists_and_fetches_by_every_encryption_and_mechanism() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    server.append("first");
    server.append("second");
    for (tls, mechanism) in [
        ("implicit", None),
        ("starttls", None),
        ("none", None),
        ("implicit", Some("PLAIN")),
        ("starttls", Some("plain")),
    ] {
        let more = mechanism.map_or(vec![], |m| vec!["--mechanism", m]);
        let (out, err) = said(server.shell(tls, &[&more[..], &["list"]].concat()), true);
        assert!(out.lines().any(|l| l.starts_with("INBOX\t")) && out.contains("Sent"), "{out}");
        assert!(err.starts_with("logged in by "), "{err}");
        if let Some(mechanism) = mechanism {
            assert_eq!(err.trim_end(), format!("logged in by {}", mechanism.to_ascii_uppercase()));
        }
    }

    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        let (_, err) = said(server.shell("implicit", &["--mechanism", mechanism, "list"]), true);
        assert_eq!(err, format!("logged in by {mechanism}\n"));
    }

    let (out, _) = said(server.shell("implicit", &["fetch", "INBOX", "1:*"]), true);
    let lines: Vec<_> = out.lines().filter(|l| l.contains('@')).collect();
    assert!(lines.len() == 2 && lines[1].starts_with("2\tuid 2\t"), "{out}");
    assert!(lines[1].contains("flagged") && lines[1].ends_with("bob@example.test\tsecond"), "{out}");

    // The octets and no more, compressed on the way or not.
    for compress in [&[][..], &["--compress"]] {
        let args = [compress, &["fetch", "INBOX", "1", "--body"]].concat();
        let (out, err) = said(server.shell("implicit", &args), true);
        assert!(out.starts_with("From: Bob") && out.ends_with("body\r\n"), "{}", out.len());
        assert_eq!(out.matches("body\r\n").count(), 5000);
        assert_eq!(err.contains("the connection is compressed"), !compress.is_empty(), "{err}");
    }
}

#[test]
fn it_idles_until_it_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    for args in [&["idle", "INBOX"][..], &["--compress", "idle", "INBOX"]] {
        let mut child =
            server.shell("starttls", args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.by_ref().any(|l| l.starts_with("waiting")));
        server.append("news");
        assert!(lines.by_ref().any(|l| l.ends_with(" messages")));
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(interrupt.success());
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    let mut wrong = server.shell("implicit", &["list"]);
    wrong.env("IMAP_PASSWORD", "wrong");
    assert!(said(wrong, false).1.contains("--user"));
    let mut none = server.shell("implicit", &["list"]);
    none.env_remove("IMAP_PASSWORD");
    assert!(said(none, false).1.contains("IMAP_PASSWORD"));
    let (_, err) = said(server.shell("implicit", &["fetch", "Nowhere", "1"]), false);
    assert!(err.contains("`list` shows the names"), "{err}");
    let (_, err) = said(server.shell("implicit", &["fetch", "INBOX", "x"]), false);
    assert!(err.contains("1:*"), "{err}");
    let (_, err) = said(server.shell("implicit", &["--mechanism", "CRAM-MD5", "list"]), false);
    assert!(err.contains("the server offers"), "{err}");
    let mut token = server.shell("implicit", &["list"]);
    token.env("IMAP_TOKEN", "ya29.token");
    assert!(said(token, false).1.contains("token"));
    // Nobody this program trusts has signed that certificate.
    let mut stranger = shell(&server.ports["imaps"]);
    stranger.args(["--user", "alice", "--ca", "/dev/null", "list"]).env("IMAP_PASSWORD", "tanstaaftanstaaf");
    let err = said(stranger, false).1;
    assert!(err.contains("handshake failed") && err.contains("--ca"), "{err}");
    let mut nobody = shell("1");
    nobody.args(["--user", "alice", "--tls", "none", "list"]).env("IMAP_PASSWORD", "x");
    assert!(said(nobody, false).1.contains("--port"));
}

/// Answers one client by the script: what each of its lines must be, and what to say then. `A1`, its first tag, and so on.
fn scripted(greeting: &str, script: Vec<(String, String)>) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let greeting = greeting.to_string();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(stream, "{greeting}\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        for (wanted, answer) in script {
            assert_eq!(lines.next().unwrap().unwrap(), wanted);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (port, served)
}

fn token(port: &str) -> Command {
    let mut command = shell(port);
    command
        .args(["--user", "fred@example.test", "--tls", "none", "--verbose", "list"])
        .env("IMAP_TOKEN", "ya29.tok");
    command
}

#[test]
fn a_token_opens_by_xoauth2() {
    let message = STANDARD.encode("user=fred@example.test\x01auth=Bearer ya29.tok\x01\x01");
    let script = |sasl: Vec<(String, String)>| {
        let rest = [
            ("A2 LIST \"\" \"*\"", "* LIST () \"/\" INBOX\r\nA2 OK done\r\n"),
            ("A3 LOGOUT", "* BYE\r\nA3 OK done\r\n"),
        ];
        sasl.into_iter().chain(rest.map(|(a, b)| (a.to_string(), b.to_string()))).collect()
    };
    // With the initial response, and without room for it.
    for (capability, sasl) in [
        ("SASL-IR ", vec![(format!("A1 AUTHENTICATE XOAUTH2 {message}"), "A1 OK in\r\n".to_string())]),
        (
            "",
            vec![
                ("A1 AUTHENTICATE XOAUTH2".to_string(), "+ \r\n".to_string()),
                (message.clone(), "A1 OK in\r\n".to_string()),
            ],
        ),
    ] {
        let (port, served) =
            scripted(&format!("* OK [CAPABILITY IMAP4rev1 {capability}AUTH=XOAUTH2] hi"), script(sasl));
        let (out, err) = said(token(&port), true);
        served.join().unwrap();
        assert_eq!((out.as_str(), err.as_str()), ("INBOX\t\n", "logged in by XOAUTH2\n"));
    }

    // Refused: the reason comes as a challenge, which is answered by nothing.
    let reason =
        STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"https://mail.example.test/"}"#);
    let (port, served) = scripted(
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] hi",
        vec![
            (format!("A1 AUTHENTICATE XOAUTH2 {message}"), format!("+ {reason}\r\n")),
            (String::new(), "A1 NO SASL authentication failed\r\n".to_string()),
        ],
    );
    let (_, err) = said(token(&port), false);
    served.join().unwrap();
    assert!(err.contains("token was refused") && err.contains("401") && err.contains("expired"), "{err}");
}

#[test]
fn a_server_that_claims_a_success_it_has_not_earned_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        write!(stream, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hi\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with("A1 AUTHENTICATE SCRAM-SHA-256 "));
        write!(stream, "A1 OK just come in\r\n").unwrap();
        // Nothing more is said to it.
        assert!(lines.next().is_none_or(|line| line.is_err()));
    });
    let mut command = shell(&port);
    command.args(["--user", "fred", "--tls", "none", "list"]).env("IMAP_PASSWORD", "x");
    assert!(said(command, false).1.contains("not to be trusted"));
    served.join().unwrap();
}
