//! The configuration file: its keys, its defaults, and what is wrong with it in one line.

mod access;
mod file;
mod post;
mod timeouts;
mod tokens;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use mail_session::{
    auth::{Plaintext, Protocol},
    policy::Policy,
};
use serde::Deserialize;

pub(crate) use self::post::{LmtpAddress, Place, Post, Relay, Secret, Security};
pub(crate) use self::timeouts::Timeouts;
#[cfg(test)]
pub(crate) use self::tokens::Scopes;
pub(crate) use self::tokens::{Introspection, Source, Tokens};
use crate::{
    address::Address,
    fault::{Fault, Result},
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
    /// Whose certificates clients may log in with (EXTERNAL).
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) plaintext: Plaintext,
    /// Whether passwords are kept for SCRAM too, and SCRAM is offered.
    pub(crate) scram: bool,
    /// Whether CRAM-MD5 and APOP are offered, for mailboxes whose password the file states.
    pub(crate) cram_md5: bool,
    pub(crate) policy: Policy,
    /// `None`: no bearer tokens.
    pub(crate) tokens: Option<Tokens>,
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) imap: Imap,
    /// How mail goes out and comes in.
    pub(crate) post: Post,
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// From everybody together.
    pub(crate) connections: u32,
    /// From one address (an IPv6 /64); loopback is exempt.
    pub(crate) connections_per_address: u32,
    /// Wrong logins without a consequence, to one mailbox; then comes a growing wait.
    pub(crate) failed_logins_per_mailbox: u32,
    /// The same from one address; loopback is exempt.
    pub(crate) failed_logins_per_address: u32,
    /// Milliseconds after which a failed login is answered, or a multiple of them.
    pub(crate) wrong_login_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 50,
            failed_logins_per_mailbox: 10,
            failed_logins_per_address: 30,
            wrong_login_ms: 500,
        }
    }
}

/// What IMAP sessions do beyond the protocol's own word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Imap {
    /// Whether messages with 8-bit headers are taken from clients that have not enabled UTF8=ACCEPT.
    pub(crate) eight_bit_headers: bool,
}

impl Default for Imap {
    fn default() -> Self {
        Self { eight_bit_headers: true }
    }
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
                file::parse(&text, file)?
            }
            None => Self {
                file: None,
                hostname: DEFAULT_HOSTNAME.to_owned(),
                data: DEFAULT_DATA.into(),
                listen: DEFAULT_PORTS.map(|(s, port)| (s, SocketAddr::from(([127, 0, 0, 1], port)))).to_vec(),
                tls: None,
                client_ca: None,
                plaintext: Plaintext::TlsOnly,
                scram: true,
                cram_md5: false,
                policy: Policy::default(),
                tokens: None,
                limits: Limits::default(),
                timeouts: Timeouts::default(),
                imap: Imap::default(),
                post: Post::default(),
                mailboxes: Vec::new(),
            },
        };
        if let Some(data) = data {
            config.data = data.to_owned();
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        file::parse(text, Path::new("/etc/m/mail.toml"))
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
