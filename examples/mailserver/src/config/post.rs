//! How mail goes out and comes in: `[submission]`, `[relay]`, `[lmtp]`, `[pop3]`.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use mail_session::{
    Network,
    submission::{HeaderFrom, OverQuota},
};
use serde::Deserialize;
use toml::Spanned;

use super::file::At;
use crate::{address::Address, fault::Result};

/// How mail goes out and comes in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Post {
    pub(crate) header_from: HeaderFrom,
    pub(crate) strip_bcc: bool,
    pub(crate) vrfy: bool,
    pub(crate) keep_bare_newlines: bool,
    pub(crate) front_ends: Vec<Network>,
    pub(crate) recipients: Option<u32>,
    /// By mailbox: other addresses it may send as; `@domain` for all of a domain.
    pub(crate) send_as: BTreeMap<String, Vec<String>>,
    pub(crate) relay: Option<Relay>,
    pub(crate) lmtp: Lmtp,
    /// A POP3 login to the same mailbox is refused so long after the last.
    pub(crate) login_delay: Option<Duration>,
    pub(crate) expire: Option<Expire>,
}

impl Post {
    /// What submission sessions are to do.
    pub(crate) fn apply(&self, to: &mut mail_session::submission::Config) {
        to.header_from = self.header_from;
        to.repairs.strip_bcc = self.strip_bcc;
        to.smtp.ask_vrfy = self.vrfy;
        if self.keep_bare_newlines {
            to.smtp.bare_newlines = smtp_submit_proto::BareNewlines::Keep;
        }
        to.front_ends.clone_from(&self.front_ends);
        to.smtp.limits.recipients = self.recipients.unwrap_or(to.smtp.limits.recipients);
        to.smtp.mt_priority = Some("".into());
        if let Some(relay) = &self.relay {
            to.retention = relay.expires;
        }
    }

    /// What POP3 sessions are to do.
    pub(crate) fn apply_to_pop3(&self, to: &mut mail_session::pop3::Config) {
        if let Some(delay) = self.login_delay {
            to.set_login_delay(delay);
        }
        if let Some(Expire { days }) = self.expire {
            to.set_expire_days(days);
        }
    }
}

/// How long messages stay that POP3 clients leave here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expire {
    pub(crate) days: u32,
}

/// The smart host, and how it is used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Relay {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    /// Whose certificates are good; `None`: whom this system trusts.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) username: Option<String>,
    pub(crate) secret: Secret,
    pub(crate) concurrency: usize,
    pub(crate) retry_first: Duration,
    pub(crate) retry_longest: Duration,
    pub(crate) expires: Duration,
    pub(crate) delay_notice: Duration,
}

/// When TLS begins with the smart host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    #[default]
    StartTls,
    Implicit,
    None,
}

/// What logs in at the smart host.
#[derive(Clone, PartialEq)]
pub(crate) enum Secret {
    None,
    Password(auth_sasl::Secret),
    /// A password that is read at each login.
    PasswordFrom(Place),
    /// An OAuth 2 token that is read at each login, since it does not last.
    TokenFrom(Place),
}

/// Where a secret is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    /// What this program prints; it and its arguments.
    Command(Vec<String>),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Mail from an MTA.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lmtp {
    pub(crate) listen: Vec<LmtpAddress>,
    /// `None`: loopback.
    pub(crate) peers: Option<Vec<Network>>,
    pub(crate) over_quota: OverQuota,
    /// What stands between user and detail: `+`.
    pub(crate) detail: Option<char>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LmtpAddress {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SubmissionEntry {
    header_from: FromKey,
    strip_bcc: bool,
    vrfy: bool,
    bare_newlines: NewlinesKey,
    front_ends: Vec<Spanned<String>>,
    recipients: Option<u32>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum FromKey {
    #[default]
    NameSender,
    Any,
    Refuse,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum NewlinesKey {
    #[default]
    Refuse,
    Keep,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RelayEntry {
    host: String,
    port: Option<u16>,
    #[serde(default)]
    tls: Security,
    ca: Option<PathBuf>,
    username: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    token_file: Option<PathBuf>,
    token_command: Option<Vec<String>>,
    concurrency: Option<usize>,
    retry_first_seconds: Option<u64>,
    retry_longest_seconds: Option<u64>,
    expires_hours: Option<u64>,
    delay_notice_hours: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LmtpEntry {
    listen: Vec<Spanned<String>>,
    peers: Option<Vec<Spanned<String>>>,
    over_quota: QuotaKey,
    plus_addressing: bool,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum QuotaKey {
    #[default]
    Temporary,
    Permanent,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Pop3Entry {
    login_delay_seconds: Option<u32>,
    expire_days: Option<u32>,
}

pub(super) fn read(
    submission: SubmissionEntry,
    relay: Option<Spanned<RelayEntry>>,
    lmtp: LmtpEntry,
    pop3: Pop3Entry,
    at: &At<'_>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<Post> {
    let networks = |texts: Vec<Spanned<String>>| -> Result<Vec<Network>> {
        let one = |text: Spanned<String>| {
            text.get_ref().parse().map_err(|_| {
                at.fault(&text.span(), &format!("{:?} is no network like 192.0.2.0/24", text.get_ref()))
            })
        };
        texts.into_iter().map(one).collect()
    };
    let listen = |text: Spanned<String>| match text.get_ref().strip_prefix("unix:") {
        Some(path) => Ok(LmtpAddress::Unix(beside(path.into()))),
        None => text.get_ref().parse().map(LmtpAddress::Tcp).map_err(|_| {
            at.fault(
                &text.span(),
                "lmtp.listen wants addresses like \"127.0.0.1:2424\" or \"unix:lmtp.sock\"",
            )
        }),
    };
    Ok(Post {
        header_from: match submission.header_from {
            FromKey::NameSender => HeaderFrom::NameSender,
            FromKey::Any => HeaderFrom::Any,
            FromKey::Refuse => HeaderFrom::Refuse,
        },
        strip_bcc: submission.strip_bcc,
        vrfy: submission.vrfy,
        keep_bare_newlines: submission.bare_newlines == NewlinesKey::Keep,
        front_ends: networks(submission.front_ends)?,
        recipients: submission.recipients,
        send_as: BTreeMap::new(),
        relay: relay.map(|entry| smart_host(entry, at, &beside)).transpose()?,
        lmtp: Lmtp {
            listen: lmtp.listen.into_iter().map(listen).collect::<Result<_>>()?,
            peers: lmtp.peers.map(networks).transpose()?,
            over_quota: match lmtp.over_quota {
                QuotaKey::Temporary => OverQuota::Temporary,
                QuotaKey::Permanent => OverQuota::Permanent,
            },
            detail: lmtp.plus_addressing.then_some('+'),
        },
        login_delay: pop3.login_delay_seconds.filter(|n| *n > 0).map(|n| Duration::from_secs(n.into())),
        expire: pop3.expire_days.map(|days| Expire { days }),
    })
}

const SECRETS: &str = "password, password_file, password_command, token_file, token_command";

fn smart_host(
    entry: Spanned<RelayEntry>,
    at: &At<'_>,
    beside: &impl Fn(PathBuf) -> PathBuf,
) -> Result<Relay> {
    let (span, entry) = (entry.span(), entry.into_inner());
    let file = |file: Option<PathBuf>| file.map(|f| Place::File(beside(f)));
    let given = [
        entry.password.map(|password| Secret::Password(auth_sasl::Secret::from(password.into_bytes()))),
        file(entry.password_file).map(Secret::PasswordFrom),
        entry.password_command.map(Place::Command).map(Secret::PasswordFrom),
        file(entry.token_file).map(Secret::TokenFrom),
        entry.token_command.map(Place::Command).map(Secret::TokenFrom),
    ];
    let mut given = given.into_iter().flatten();
    let secret = given.next().unwrap_or(Secret::None);
    if given.next().is_some() {
        return Err(at.fault(&span, &format!("[relay] has several of {SECRETS}; keep one")));
    }
    if let Secret::PasswordFrom(Place::Command(words)) | Secret::TokenFrom(Place::Command(words)) = &secret
        && words.is_empty()
    {
        return Err(at.fault(
            &span,
            "[relay] has a command without a program; write it as [\"program\", \"argument\"]",
        ));
    }
    if entry.username.is_some() == matches!(secret, Secret::None) {
        return Err(at.fault(&span, &format!("[relay] wants username together with one of {SECRETS}")));
    }
    if entry.tls == Security::None && !matches!(secret, Secret::None) && !is_here(&entry.host) {
        return Err(at.fault(
            &span,
            "[relay] would show a password without TLS; set tls = \"starttls\" or \"implicit\"",
        ));
    }
    let standard = match entry.tls {
        Security::Implicit => 465,
        Security::StartTls => 587,
        Security::None => 25,
    };
    let time = |given: Option<u64>, unit: u64, usual: u64| {
        Duration::from_secs(given.map_or(usual, |n| n.saturating_mul(unit)))
    };
    Ok(Relay {
        host: entry.host,
        port: entry.port.unwrap_or(standard),
        security: entry.tls,
        ca: entry.ca.map(beside),
        username: entry.username,
        secret,
        concurrency: entry.concurrency.unwrap_or(4).clamp(1, 100),
        retry_first: time(entry.retry_first_seconds, 1, 300),
        retry_longest: time(entry.retry_longest_seconds, 1, 7200),
        expires: time(entry.expires_hours, 3600, 5 * 86_400),
        delay_notice: time(entry.delay_notice_hours, 3600, 4 * 3600),
    })
}

/// On this machine nobody listens.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Addresses, and `@domain`s, in lower case.
pub(super) fn send_as(texts: &[String]) -> std::result::Result<Vec<String>, String> {
    let one = |text: &String| match text.strip_prefix('@') {
        Some(domain) => {
            let fault = || format!("{text:?} is no domain; write one like \"@example.org\"");
            Address::domain(domain).map(|domain| format!("@{domain}")).ok_or_else(fault)
        }
        None => Address::parse(text).map(|address| address.to_string()),
    };
    texts.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, file};

    fn parse(text: &str) -> Result<Config> {
        file::parse(text, Path::new("/etc/m/mail.toml"))
    }

    #[test]
    fn every_key_is_read() {
        let post = parse(
            r#"
            [submission]
            header_from = "refuse"
            strip_bcc = true
            vrfy = true
            bare_newlines = "keep"
            recipients = 5
            front_ends = ["192.0.2.0/28", "::1"]
            [relay]
            host = "smtp.example.test"
            tls = "implicit"
            ca = "ca.pem"
            username = "us"
            token_file = "token"
            concurrency = 7
            retry_first_seconds = 1
            retry_longest_seconds = 9
            expires_hours = 2
            delay_notice_hours = 1
            [lmtp]
            listen = ["127.0.0.1:2424", "unix:lmtp.sock"]
            peers = ["10.0.0.0/8"]
            over_quota = "permanent"
            plus_addressing = true
            [pop3]
            login_delay_seconds = 60
            expire_days = 0
            [[mailbox]]
            address = "a@b.test"
            send_as = ["Sales@b.test", "@C.test"]
            "#,
        )
        .unwrap()
        .post;
        assert_eq!((post.header_from, post.strip_bcc, post.vrfy), (HeaderFrom::Refuse, true, true));
        assert_eq!((post.keep_bare_newlines, post.recipients, post.front_ends.len()), (true, Some(5), 2));
        assert_eq!(post.send_as["a@b.test"], ["sales@b.test", "@c.test"]);
        let relay = post.relay.unwrap();
        assert_eq!((relay.port, relay.security, relay.concurrency), (465, Security::Implicit, 7));
        assert!(relay.secret == Secret::TokenFrom(Place::File("/etc/m/token".into())));
        assert_eq!((relay.ca, relay.expires), (Some("/etc/m/ca.pem".into()), Duration::from_secs(7200)));
        assert_eq!(post.lmtp.listen[1], LmtpAddress::Unix("/etc/m/lmtp.sock".into()));
        assert_eq!((post.lmtp.over_quota, post.lmtp.detail), (OverQuota::Permanent, Some('+')));
        assert_eq!(
            (post.login_delay, post.expire),
            (Some(Duration::from_secs(60)), Some(Expire { days: 0 }))
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, parts) in [
            ("[relay]\nport = 1\n", &["line 1", "host"][..]),
            ("[relay]\nhost = \"h\"\nusername = \"u\"\n", &["username together with"]),
            (
                "[relay]\nhost = \"h\"\nusername = \"u\"\ntoken_command = []\n",
                &["line 1", "without a program"],
            ),
            (
                "[relay]\nhost = \"h\"\nusername = \"u\"\npassword = \"p\"\ntoken_file = \"t\"\n",
                &["keep one"],
            ),
            ("[relay]\nhost = \"h\"\ntls = \"none\"\nusername = \"u\"\npassword = \"p\"\n", &["without TLS"]),
            ("[lmtp]\nlisten = [\"here\"]\n", &["line 2", "unix:"]),
            ("[submission]\nfront_ends = [\"1.2.3.4/40\"]\n", &["line 2", "no network"]),
            ("[[mailbox]]\naddress = \"a@b\"\nsend_as = [\"x\"]\n", &["line 1", "\"x\""]),
        ] {
            let line = parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(line.contains(part), "{part:?} in {line:?}");
            }
        }
    }
}
