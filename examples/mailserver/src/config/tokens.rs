//! `[tokens]`: which bearer tokens open a mailbox.

use std::{path::PathBuf, time::Duration};

use auth_sasl::Secret;
use mail_session::auth::Protocol;
use serde::Deserialize;
use toml::Spanned;

use super::file::At;
use crate::{fault::Result, token};

/// What is wanted of a token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tokens {
    pub(crate) issuers: Vec<String>,
    pub(crate) audiences: Vec<String>,
    pub(crate) algorithms: Vec<String>,
    /// The claim that names the mailbox.
    pub(crate) mailbox_claim: String,
    /// By how much clocks may differ.
    pub(crate) leeway: Duration,
    pub(crate) scopes: Scopes,
    /// Where its issuer is described, for clients (RFC 7628 section 3.2.2).
    pub(crate) openid_configuration: String,
    /// The key `token issue` signs with.
    pub(crate) signing_key: Option<PathBuf>,
    pub(crate) source: Source,
}

/// Who says whether a token is genuine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Its signature, by the keys in this file.
    Jwks(PathBuf),
    /// Its issuer, asked.
    Introspection(Introspection),
}

/// An introspection endpoint (RFC 7662).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Introspection {
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Secret,
    /// The certificate authority of its server, where it is none of the public ones.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// How long an answer is believed, at most.
    pub(crate) cache: Duration,
}

/// Any of these opens the protocol.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scopes {
    pop3: Vec<String>,
    imap4: Vec<String>,
    submission: Vec<String>,
}

impl Scopes {
    pub(crate) fn of(&self, protocol: Protocol) -> &[String] {
        match protocol {
            Protocol::Pop3 => &self.pop3,
            Protocol::Imap4 => &self.imap4,
            _ => &self.submission,
        }
    }
}

impl Default for Scopes {
    /// Microsoft's, by each of their names, and Google's.
    fn default() -> Self {
        let of = |name: &str| {
            vec![
                name.to_owned(),
                format!("https://outlook.office.com/{name}"),
                format!("https://outlook.office365.com/{name}"),
                "https://mail.google.com/".to_owned(),
            ]
        };
        Self {
            pop3: of("POP.AccessAsUser.All"),
            imap4: of("IMAP.AccessAsUser.All"),
            submission: of("SMTP.Send"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokensEntry {
    issuer: OneOrMore,
    audience: OneOrMore,
    algorithms: Option<Vec<Spanned<String>>>,
    mailbox_claim: Option<String>,
    #[serde(default = "leeway")]
    leeway_seconds: u32,
    #[serde(default)]
    scopes: ScopesEntry,
    #[serde(default)]
    openid_configuration: String,
    signing_key: Option<PathBuf>,
    jwks: Option<PathBuf>,
    introspection: Option<IntrospectionEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct ScopesEntry {
    pop3: Option<Vec<String>>,
    imap4: Option<Vec<String>>,
    submission: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntrospectionEntry {
    url: Spanned<String>,
    client_id: String,
    client_secret: String,
    ca: Option<PathBuf>,
    #[serde(default = "timeout")]
    timeout_seconds: u32,
    #[serde(default = "cache")]
    cache_seconds: u32,
}

const fn leeway() -> u32 {
    60
}

const fn timeout() -> u32 {
    5
}

const fn cache() -> u32 {
    60
}

impl From<OneOrMore> for Vec<String> {
    fn from(these: OneOrMore) -> Self {
        match these {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

pub(super) fn tokens(
    entry: Spanned<TokensEntry>,
    at: &At<'_>,
    beside: impl Fn(PathBuf) -> PathBuf,
) -> Result<Tokens> {
    let (span, entry) = (entry.span(), entry.into_inner());
    let introspected = entry.introspection.is_some();
    let source = match (entry.jwks, entry.introspection) {
        (Some(jwks), None) => Source::Jwks(beside(jwks)),
        (None, Some(i)) => {
            if !i.url.get_ref().starts_with("https://") {
                return Err(at.fault(&i.url.span(), "the introspection url begins with https://"));
            }
            Source::Introspection(Introspection {
                url: i.url.into_inner(),
                client_id: i.client_id,
                client_secret: Secret::from(i.client_secret.into_bytes()),
                ca: i.ca.map(&beside),
                timeout: Duration::from_secs(i.timeout_seconds.clamp(1, 60).into()),
                cache: Duration::from_secs(i.cache_seconds.into()),
            })
        }
        _ => return Err(at.fault(&span, "[tokens] wants either jwks or [tokens.introspection]")),
    };
    let (issuers, audiences): (Vec<String>, Vec<String>) = (entry.issuer.into(), entry.audience.into());
    if issuers.is_empty() || audiences.is_empty() {
        return Err(at.fault(&span, "[tokens] wants at least one issuer and one audience"));
    }
    let algorithms = match entry.algorithms {
        None => ["RS256", "ES256"].map(str::to_owned).to_vec(),
        Some(names) => {
            if let Some(bad) = names.iter().find(|name| token::algorithm(name.get_ref()).is_none()) {
                let what = format!("{:?} is none of {}", bad.get_ref(), token::algorithms().join(", "));
                return Err(at.fault(&bad.span(), &what));
            }
            names.into_iter().map(Spanned::into_inner).collect()
        }
    };
    let standard = Scopes::default();
    let claim = if introspected { "username" } else { "email" };
    Ok(Tokens {
        issuers,
        audiences,
        algorithms,
        mailbox_claim: entry.mailbox_claim.unwrap_or_else(|| claim.to_owned()),
        leeway: Duration::from_secs(entry.leeway_seconds.into()),
        scopes: Scopes {
            pop3: entry.scopes.pop3.unwrap_or(standard.pop3),
            imap4: entry.scopes.imap4.unwrap_or(standard.imap4),
            submission: entry.scopes.submission.unwrap_or(standard.submission),
        },
        openid_configuration: entry.openid_configuration,
        signing_key: entry.signing_key.map(&beside),
        source,
    })
}
