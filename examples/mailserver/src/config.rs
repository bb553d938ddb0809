//! The configuration file: its keys, its defaults, and what is wrong with it in one line.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use mail_session::auth::{Plaintext, Protocol};
use serde::Deserialize;

use crate::{
    address::Address,
    fault::{Fault, Result},
    password,
};

/// What the server is to do.
#[derive(Debug)]
pub(crate) struct Config {
    /// The file it came from.
    pub(crate) file: Option<PathBuf>,
    pub(crate) hostname: String,
    pub(crate) data: PathBuf,
    pub(crate) listen: Vec<(Service, SocketAddr)>,
    /// Certificate and key; `None`: self-signed ones in `data`.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    pub(crate) plaintext: Plaintext,
    pub(crate) limits: Limits,
    pub(crate) mailboxes: Vec<Mailbox>,
}

/// A mailbox that shall be there, and what its password shall be.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub(crate) address: Address,
    pub(crate) password: Password,
}

pub(crate) enum Password {
    Clear(auth_sasl::Secret),
    Hash(String),
    /// Whatever the store has.
    Unsaid,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}

/// One of the six listeners' kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Service {
    Imap,
    Imaps,
    Pop3,
    Pop3s,
    Submission,
    Submissions,
}

impl Service {
    /// The key under `[listen]`.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
        }
    }

    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Imap | Self::Imaps => Protocol::Imap4,
            Self::Pop3 | Self::Pop3s => Protocol::Pop3,
            Self::Submission | Self::Submissions => Protocol::Submission,
        }
    }

    /// Whether TLS comes first (RFC 8314 section 3).
    pub(crate) const fn implicit_tls(self) -> bool {
        matches!(self, Self::Imaps | Self::Pop3s | Self::Submissions)
    }
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// From everybody together.
    pub(crate) connections: u32,
    /// From one address (an IPv6 /64); loopback is exempt.
    pub(crate) connections_per_address: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 10_000, connections_per_address: 50 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hostname: Option<String>,
    data: Option<PathBuf>,
    #[serde(default)]
    listen: Listen,
    #[serde(default)]
    tls: Tls,
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    mailbox: Vec<toml::Spanned<Entry>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Listen {
    imap: Vec<SocketAddr>,
    imaps: Vec<SocketAddr>,
    pop3: Vec<SocketAddr>,
    pop3s: Vec<SocketAddr>,
    submission: Vec<SocketAddr>,
    submissions: Vec<SocketAddr>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Tls {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Auth {
    plaintext: PlaintextKey,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum PlaintextKey {
    #[default]
    TlsOnly,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    address: String,
    password: Option<String>,
    password_hash: Option<String>,
}

/// The services and ports without a configuration file.
pub(crate) const DEFAULT_PORTS: [(Service, u16); 6] = [
    (Service::Imap, 1143),
    (Service::Imaps, 1993),
    (Service::Pop3, 1110),
    (Service::Pop3s, 1995),
    (Service::Submission, 1587),
    (Service::Submissions, 1465),
];

const DEFAULT_DATA: &str = "./mail-data";
const DEFAULT_HOSTNAME: &str = "mail.example.test";

impl Config {
    /// From the file, or the defaults where there is none; `data` overrides both.
    pub(crate) fn load(file: Option<&Path>, data: Option<&Path>) -> Result<Self> {
        let mut config = match file {
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|e| {
                    Fault::new(format!(
                        "cannot read the configuration {}: {e}; give an existing file to --config",
                        file.display()
                    ))
                })?;
                Self::parse(&text, file)?
            }
            None => Self {
                file: None,
                hostname: DEFAULT_HOSTNAME.to_owned(),
                data: DEFAULT_DATA.into(),
                listen: DEFAULT_PORTS.map(|(s, port)| (s, SocketAddr::from(([127, 0, 0, 1], port)))).to_vec(),
                tls: None,
                plaintext: Plaintext::TlsOnly,
                limits: Limits::default(),
                mailboxes: Vec::new(),
            },
        };
        if let Some(data) = data {
            config.data = data.to_owned();
        }
        Ok(config)
    }

    fn parse(text: &str, file: &Path) -> Result<Self> {
        let at = |span: Option<std::ops::Range<usize>>, what: &str| {
            let line = span.and_then(|s| text.get(..s.start)).map(|before| before.matches('\n').count() + 1);
            Fault::new(match line {
                Some(line) => format!("{} line {line}: {what}", file.display()),
                None => format!("{}: {what}", file.display()),
            })
        };
        let f: File = toml::from_str(text).map_err(|e| at(e.span(), e.message()))?;
        // What the file names lies beside the file, wherever the server is started.
        let beside = |path: PathBuf| file.parent().map_or_else(|| path.clone(), |dir| dir.join(&path));
        let hostname = f.hostname.unwrap_or_else(|| DEFAULT_HOSTNAME.to_owned());
        if !is_hostname(&hostname) {
            return Err(Fault::new(format!(
                "{}: hostname = {hostname:?} is no host name; write one like \"mail.example.org\"",
                file.display()
            )));
        }
        let tls = match (f.tls.certificate, f.tls.key) {
            (Some(certificate), Some(key)) => Some((beside(certificate), beside(key))),
            (None, None) => None,
            _ => {
                return Err(Fault::new(format!(
                    "{}: [tls] names a certificate or a key but not both; name both, or neither for a self-signed one",
                    file.display()
                )));
            }
        };
        let mut mailboxes: Vec<Mailbox> = Vec::with_capacity(f.mailbox.len());
        for entry in f.mailbox {
            let (span, entry) = (entry.span(), entry.into_inner());
            let mailbox = mailbox(entry).map_err(|what| at(Some(span.clone()), &what))?;
            if mailboxes.iter().any(|m| m.address == mailbox.address) {
                let what = format!("a second [[mailbox]] for {}; remove one", mailbox.address);
                return Err(at(Some(span), &what));
            }
            mailboxes.push(mailbox);
        }
        let l = f.listen;
        let listen: Vec<_> = [
            (Service::Imap, l.imap),
            (Service::Imaps, l.imaps),
            (Service::Pop3, l.pop3),
            (Service::Pop3s, l.pop3s),
            (Service::Submission, l.submission),
            (Service::Submissions, l.submissions),
        ]
        .into_iter()
        .flat_map(|(service, addresses)| addresses.into_iter().map(move |a| (service, a)))
        .collect();
        Ok(Self {
            file: Some(file.to_owned()),
            hostname,
            data: beside(f.data.unwrap_or_else(|| DEFAULT_DATA.into())),
            listen,
            tls,
            plaintext: match f.auth.plaintext {
                PlaintextKey::TlsOnly => Plaintext::TlsOnly,
                PlaintextKey::Always => Plaintext::Always,
            },
            limits: f.limits,
            mailboxes,
        })
    }
}

fn mailbox(entry: Entry) -> std::result::Result<Mailbox, String> {
    let address = Address::parse(&entry.address)?;
    let password = match (entry.password, entry.password_hash) {
        (Some(_), Some(_)) => {
            return Err(format!("{address} has both password and password_hash; keep one"));
        }
        (Some(clear), None) => {
            password::acceptable(clear.as_bytes()).map_err(|what| format!("{address}: {what}"))?;
            Password::Clear(auth_sasl::Secret::from(clear.into_bytes()))
        }
        (None, Some(hash)) => {
            if !password::is_hash(&hash) {
                return Err(format!(
                    "{address}: password_hash is no Argon2id hash; it begins with $argon2id$ (or give password)"
                ));
            }
            Password::Hash(hash)
        }
        (None, None) => Password::Unsaid,
    };
    Ok(Mailbox { address, password })
}

fn is_hostname(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("/etc/m/mail.toml"))
    }

    #[test]
    fn every_key_is_read() {
        let c = parse(
            r#"
            hostname = "mail.example.test"
            data = "./mail-data"
            [listen]
            imap = ["127.0.0.1:1143"]
            imaps = ["127.0.0.1:1993", "[::1]:1993"]
            pop3 = []
            [tls]
            certificate = "cert.pem"
            key = "/k/key.pem"
            [auth]
            plaintext = "always"
            [[mailbox]]
            address = "Alice@Example.TEST"
            password = "secret"
            "#,
        )
        .unwrap();
        assert_eq!(c.data, Path::new("/etc/m/./mail-data"));
        assert_eq!(c.tls, Some(("/etc/m/cert.pem".into(), "/k/key.pem".into())));
        assert_eq!(c.plaintext, Plaintext::Always);
        assert_eq!(
            c.listen.iter().map(|(s, a)| format!("{} {a}", s.key())).collect::<Vec<_>>(),
            ["imap 127.0.0.1:1143", "imaps 127.0.0.1:1993", "imaps [::1]:1993"]
        );
        assert_eq!(c.mailboxes[0].address.to_string(), "alice@example.test");
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_its_place() {
        for (text, parts) in [
            ("hostnam = \"x\"\n", &["mail.toml line 1", "unknown field", "hostnam", "hostname"][..]),
            ("[listen]\nimap = [\"127.0.0.1\"]\n", &["line 2", "socket address"]),
            ("\n\n[auth]\nplaintext = \"never\"\n", &["line 4", "tls-only"]),
            ("[tls]\ncertificate = \"c\"\n", &["not both"]),
            ("hostname = \"a b\"\n", &["no host name"]),
            ("[[mailbox]]\naddress = \"alice\"\n", &["line 1", "alice"]),
            ("[[mailbox]]\naddress = \"a@b\"\npassword = \"\"\n", &["a@b", "empty"]),
            ("[[mailbox]]\naddress = \"a@b\"\npassword_hash = \"x\"\n", &["$argon2id$"]),
            ("[[mailbox]]\naddress = \"a@b\"\n[[mailbox]]\naddress = \"A@b\"\n", &["line 3", "second"]),
            ("hostname = \n", &["line 1"]),
        ] {
            let line = parse(text).unwrap_err().to_string();
            assert!(!line.contains('\n'), "{line}");
            for part in parts {
                assert!(line.contains(part), "{part:?} in {line:?}");
            }
        }
    }

    #[test]
    fn a_service_without_addresses_is_off() {
        assert!(parse("hostname = \"x\"\n").unwrap().listen.is_empty());
        assert_eq!(Config::load(None, None).unwrap().listen.len(), 6);
    }
}
