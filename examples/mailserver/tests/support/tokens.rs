//! Tokens, good and bad, and somebody to ask about them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
};
use serde_json::{Value, json};

use super::binary;

pub(crate) const TOKENS: &str = "[tokens]\nissuer = \"https://issuer.test\"\naudience = \"mail\"\njwks = \"jwks.json\"\n\
                                 signing_key = \"token-key.pem\"\n";

/// `mailserver token ...`: what it printed.
pub(crate) fn token(config: &Path, args: &[&str]) -> String {
    let out = binary().arg("token").args(args).arg("--config").arg(config).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// What a good token of alice's says.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://issuer.test", "aud": "mail", "iat": now(), "nbf": now(), "exp": now() + 600,
        "email": "alice@example.test",
        "scope": "openid IMAP.AccessAsUser.All POP.AccessAsUser.All SMTP.Send",
    })
}

/// Signs with the key of this file, whatever it says.
pub(crate) fn signed(header: &Value, claims: &Value, key: &Path) -> String {
    signed_text(&header.to_string(), &claims.to_string(), key)
}

/// The same of what no [`Value`] can say.
pub(crate) fn signed_text(header: &str, claims: &str, key: &Path) -> String {
    let message = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text)).join(".");
    let der = PrivatePkcs8KeyDer::from_pem_file(key).unwrap();
    let random = SystemRandom::new();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &random).unwrap();
    let signature = pair.sign(&random, message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// An introspection endpoint over HTTPS (RFC 7662), with a certificate of its own.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: PathBuf,
    /// How often it was asked.
    pub(crate) asked: Arc<AtomicU32>,
}

impl Endpoint {
    /// Answers as `answer` says to the token it is given: status and body. It wants `client` and `a secret`.
    pub(crate) fn start(dir: &Path, answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = dir.join("endpoint.pem");
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = BufReader::new(StreamOwned::new(tls, stream.unwrap()));
                let (mut length, mut authorized, mut line) = (0, false, String::new());
                while stream.read_line(&mut line).is_ok() && line != "\r\n" && !line.is_empty() {
                    let lower = line.to_lowercase();
                    if let Some(n) = lower.strip_prefix("content-length:") {
                        length = n.trim().parse().unwrap();
                    }
                    // client:a%20secret
                    authorized |= line.trim_end().ends_with("Basic Y2xpZW50OmElMjBzZWNyZXQ=");
                    line.clear();
                }
                if line != "\r\n" {
                    continue; // no request: the client hung up
                }
                let mut body = vec![0; length];
                if stream.read_exact(&mut body).is_err() {
                    continue;
                }
                let body = String::from_utf8(body).unwrap();
                let given = body.strip_prefix("token=").and_then(|b| b.split('&').next()).unwrap_or("");
                count.fetch_add(1, Ordering::SeqCst);
                let (status, text) = if authorized { answer(given) } else { (401, "{}".to_owned()) };
                let reply = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
                let mut stream = stream.into_inner();
                let _ = stream.write_all(reply.as_bytes());
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self { address, certificate, asked }
    }
}
