//! A smart host made of our own machine: it speaks TLS at once, keeps nothing, and says what it was asked.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use mail_wire::{Machine as _, Poll, TlsInfo, Upgraded};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use smtp_submit_proto::{Config, Event, Mechanism, Server, status};

pub(crate) struct SmartHost {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    /// The token it takes.
    pub(crate) token: Arc<Mutex<String>>,
}

impl SmartHost {
    /// Its certificate is written to `ca.pem` in the folder.
    pub(crate) fn start(dir: &Path, require_tls: bool, mechanisms: &[&'static str]) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(dir.join("ca.pem"), made.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .map(Arc::new)
            .unwrap();
        let mut config = Config::new("far.test");
        config.require_tls = require_tls;
        config.mechanisms = mechanisms.iter().map(|name| Mechanism::new(*name, true)).collect();
        config.auth_required = !mechanisms.is_empty();
        let (config, seen, token) = (Arc::new(config), Arc::default(), Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self { port: listener.local_addr().unwrap().port(), seen, token };
        let (seen, token) = (Arc::clone(&host.seen), Arc::clone(&host.token));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (tls, config) = (Arc::clone(&tls), Arc::clone(&config));
                let (seen, token) = (Arc::clone(&seen), Arc::clone(&token));
                std::thread::spawn(move || {
                    let tls = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
                    serve(tls, config, &seen, &token);
                });
            }
        });
        host
    }

    /// `[relay]` that leads here.
    pub(crate) fn relay(&self, more: &str) -> String {
        format!(
            "[relay]\nhost = \"localhost\"\nport = {}\ntls = \"implicit\"\nca = \"ca.pem\"\nretry_first_seconds = 1\n\
             retry_longest_seconds = 1\n{more}",
            self.port
        )
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until it was told something with these words.
    pub(crate) fn sees(&self, words: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        while !self.seen().iter().any(|line| line.contains(words)) {
            assert!(Instant::now() < end, "{words:?} in {:?}", self.seen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn serve(
    mut stream: StreamOwned<ServerConnection, TcpStream>,
    config: Arc<Config>,
    seen: &Mutex<Vec<String>>,
    token: &Mutex<String>,
) {
    let mut machine = Server::new(config);
    machine.upgraded(Upgraded::Tls(TlsInfo::default()));
    let mut input = Vec::new();
    loop {
        match machine.poll(&input, mail_wire::Instant::ZERO) {
            Ok(Poll::Frame(n)) => {
                let frame: Vec<u8> = input.drain(..n).collect();
                if let Some(line) = answer(&mut machine, &frame, token) {
                    seen.lock().unwrap().push(line);
                }
            }
            Ok(Poll::Skip(n)) => drop(input.drain(..n)),
            polled => {
                let sent: Vec<u8> = machine.output().segments().flatten().copied().collect();
                machine.output().advance(sent.len());
                if stream.write_all(&sent).and_then(|()| stream.flush()).is_err() {
                    return;
                }
                let mut octets = [0; 4096];
                match (polled, stream.read(&mut octets)) {
                    (Ok(Poll::NeedInput { .. }), Ok(n @ 1..)) => input.extend_from_slice(&octets[..n]),
                    _ => return,
                }
            }
        }
    }
}

/// What is worth to be remembered of it.
fn answer(machine: &mut Server, frame: &[u8], token: &Mutex<String>) -> Option<String> {
    match machine.event(frame) {
        Event::Auth { mechanism, initial } => {
            let said = initial.map(|data| String::from_utf8_lossy(&data.decode()).into_owned());
            let said = said.unwrap_or_default();
            let good = said.contains(&format!("auth=Bearer {}\x01", token.lock().unwrap()));
            if good {
                machine.authenticated().unwrap();
            } else {
                machine.challenge(br#"{"status":"invalid_token","schemes":"bearer"}"#).unwrap();
            }
            return Some(format!("AUTH {mechanism} {}", if good { "good" } else { "wrong" }));
        }
        Event::AuthResponse(data) => {
            machine.refuse(status::BAD_CREDENTIALS, "no").unwrap();
            return Some(format!("response {:?}", String::from_utf8_lossy(&data.decode())));
        }
        Event::Mail { params, .. } => {
            machine.accept_mail().unwrap();
            return Some(format!("MAIL {}", if params.require_tls { "REQUIRETLS" } else { "" }));
        }
        Event::Rcpt { forward_path, .. } => {
            machine.accept_rcpt().unwrap();
            return Some(format!("RCPT {}", forward_path.as_str()));
        }
        Event::DataBegin => machine.accept_data().unwrap(),
        Event::DataEnd { octets, .. } => {
            machine.end_accepted("kept").unwrap();
            return Some(format!("content of {octets}"));
        }
        _ => {}
    }
    None
}
