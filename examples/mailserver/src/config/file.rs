//! The file itself: TOML into a [`Config`], each fault with its line.

use std::{
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use mail_session::auth::Plaintext;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Config, DEFAULT_DATA, DEFAULT_HOSTNAME, Imap, Limits, Mailbox, Password, Service, Timeouts,
    access::{self, Access, AuthPolicyEntry, KindKey, MailboxAccess, OrganisationEntry, SwitchKey},
    post::{self, LmtpEntry, Pop3Entry, RelayEntry, SubmissionEntry},
    tokens::{self, TokensEntry},
};
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
    timeouts: Timeouts,
    #[serde(default)]
    access: Access,
    #[serde(default)]
    auth_policy: Vec<Spanned<AuthPolicyEntry>>,
    #[serde(default)]
    organisation: Vec<OrganisationEntry>,
    tokens: Option<Spanned<TokensEntry>>,
    #[serde(default)]
    submission: SubmissionEntry,
    relay: Option<Spanned<RelayEntry>>,
    #[serde(default)]
    lmtp: LmtpEntry,
    #[serde(default)]
    pop3: Pop3Entry,
    #[serde(default)]
    imap: Imap,
    #[serde(default)]
    mailbox: Vec<Spanned<Entry>>,
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
    client_ca: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Auth {
    plaintext: PlaintextKey,
    scram: bool,
    cram_md5: bool,
}

impl Default for Auth {
    fn default() -> Self {
        Self { plaintext: PlaintextKey::default(), scram: true, cram_md5: false }
    }
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
    #[serde(default)]
    pop3: SwitchKey,
    #[serde(default)]
    imap4: SwitchKey,
    #[serde(default)]
    submission: SwitchKey,
    auth_policy: Option<Spanned<String>>,
    valid_from: Option<Spanned<toml::value::Datetime>>,
    #[serde(default)]
    kind: KindKey,
    #[serde(default)]
    shared_with: Vec<Spanned<String>>,
    #[serde(default)]
    send_as: Vec<String>,
}

/// Where in the file something is.
pub(super) struct At<'f> {
    text: &'f str,
    file: &'f Path,
}

impl At<'_> {
    /// A fault in these octets.
    pub(super) fn fault(&self, span: &Range<usize>, what: &str) -> Fault {
        let Self { text, file } = self;
        let line = text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
        Fault::new(format!("{} line {line}: {what}", file.display()))
    }

    /// A fault of the whole.
    fn whole(&self, what: &str) -> Fault {
        Fault::new(format!("{}: {what}", self.file.display()))
    }
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Config> {
    let at = At { text, file };
    let f: File = toml::from_str(text).map_err(|e| match e.span() {
        Some(span) => at.fault(&span, e.message()),
        None => at.whole(e.message()),
    })?;
    // What the file names lies beside the file, wherever the server is started.
    let beside = |path: PathBuf| file.parent().map_or_else(|| path.clone(), |dir| dir.join(&path));
    let hostname = f.hostname.unwrap_or_else(|| DEFAULT_HOSTNAME.to_owned());
    if !is_hostname(&hostname) {
        let what = format!("hostname = {hostname:?} is no host name; write one like \"mail.example.org\"");
        return Err(at.whole(&what));
    }
    let tls = match (f.tls.certificate, f.tls.key) {
        (Some(certificate), Some(key)) => Some((beside(certificate), beside(key))),
        (None, None) => None,
        _ => {
            return Err(at.whole(
                "[tls] names a certificate or a key but not both; name both, or neither for a self-signed one",
            ));
        }
    };
    let mut policy = access::policy(f.access, f.auth_policy, f.organisation, &at)?;
    let tokens = f.tokens.map(|entry| tokens::tokens(entry, &at, beside)).transpose()?;
    let mut post = post::read(f.submission, f.relay, f.lmtp, f.pop3, &at, beside)?;
    let mut mailboxes: Vec<Mailbox> = Vec::with_capacity(f.mailbox.len());
    for entry in f.mailbox {
        let (span, entry) = (entry.span(), entry.into_inner());
        let send_as = post::send_as(&entry.send_as).map_err(|what| at.fault(&span, &what))?;
        let (mailbox, access) = mailbox(entry).map_err(|what| at.fault(&span, &what))?;
        if policy.mailboxes.contains_key(mailbox.address.as_str()) {
            let what = format!("a second [[mailbox]] for {}; remove one", mailbox.address);
            return Err(at.fault(&span, &what));
        }
        access::add_mailbox(&mut policy, &mailbox.address, access, &at)?;
        post.send_as.insert(mailbox.address.to_string(), send_as);
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
        scram: f.auth.scram,
        cram_md5: f.auth.cram_md5,
        client_ca: f.tls.client_ca.map(beside),
        policy,
        tokens,
        limits: f.limits,
        timeouts: f.timeouts,
        imap: f.imap,
        post,
        mailboxes,
    })
}

fn mailbox(entry: Entry) -> std::result::Result<(Mailbox, MailboxAccess), String> {
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
    let access = MailboxAccess {
        pop3: entry.pop3,
        imap4: entry.imap4,
        submission: entry.submission,
        auth_policy: entry.auth_policy,
        valid_from: entry.valid_from,
        kind: entry.kind,
        shared_with: entry.shared_with,
    };
    Ok((Mailbox { address, password }, access))
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
