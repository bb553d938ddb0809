//! The file itself: TOML into a [`Config`], each fault with its line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use mail_session::auth::Plaintext;
use serde::Deserialize;

use super::{Config, DEFAULT_DATA, DEFAULT_HOSTNAME, Limits, Mailbox, Password, Service};
use crate::{
    address::Address,
    fault::{Fault, Result},
    password,
};

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

pub(super) fn parse(text: &str, file: &Path) -> Result<Config> {
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
    Ok(Config {
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
