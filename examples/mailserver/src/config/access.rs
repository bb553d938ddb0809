//! The access policy in the file: `[access]`, `[[auth_policy]]`, `[[organisation]]`, and its part of `[[mailbox]]`.

use std::collections::BTreeSet;

use mail_session::policy::{self, AuthPolicy, MailboxKind, Policy, Protocols, Switch};
use serde::Deserialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use toml::Spanned;

use super::file::At;
use crate::{address::Address, fault::Result};

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Access {
    security_defaults: bool,
    auth_policy: Option<Spanned<String>>,
    anonymous: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthPolicyEntry {
    name: String,
    basic: Option<Vec<ProtocolKey>>,
    modern: Option<Vec<ProtocolKey>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganisationEntry {
    domain: Spanned<String>,
    #[serde(default)]
    pop3: SwitchKey,
    #[serde(default)]
    imap4: SwitchKey,
    #[serde(default)]
    submission: SwitchKey,
    auth_policy: Option<Spanned<String>>,
    #[serde(default)]
    security_defaults: bool,
}

/// What a `[[mailbox]]` says of access.
pub(super) struct MailboxAccess {
    pub(super) pop3: SwitchKey,
    pub(super) imap4: SwitchKey,
    pub(super) submission: SwitchKey,
    pub(super) auth_policy: Option<Spanned<String>>,
    pub(super) valid_from: Option<Spanned<toml::value::Datetime>>,
    pub(super) kind: KindKey,
    pub(super) shared_with: Vec<Spanned<String>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProtocolKey {
    Pop3,
    Imap4,
    Submission,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SwitchKey {
    On,
    Off,
    #[default]
    Inherit,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KindKey {
    #[default]
    User,
    Administrator,
    Guest,
    Anonymous,
}

impl From<SwitchKey> for Switch {
    fn from(key: SwitchKey) -> Self {
        match key {
            SwitchKey::On => Self::On,
            SwitchKey::Off => Self::Off,
            SwitchKey::Inherit => Self::Inherit,
        }
    }
}

impl From<KindKey> for MailboxKind {
    fn from(key: KindKey) -> Self {
        match key {
            KindKey::User => Self::User,
            KindKey::Administrator => Self::Administrator,
            KindKey::Guest => Self::Guest,
            KindKey::Anonymous => Self::Anonymous,
        }
    }
}

fn switches(pop3: SwitchKey, imap4: SwitchKey, submission: SwitchKey) -> Protocols<Switch> {
    Protocols { pop3: pop3.into(), imap4: imap4.into(), submission: submission.into() }
}

/// The whole policy, but for the mailboxes, which [`add_mailbox`] adds.
pub(super) fn policy(
    access: Access,
    policies: Vec<Spanned<AuthPolicyEntry>>,
    organisations: Vec<OrganisationEntry>,
    at: &At<'_>,
) -> Result<Policy> {
    let mut policy = Policy { security_defaults: access.security_defaults, ..Policy::default() };
    for entry in policies {
        let (span, entry) = (entry.span(), entry.into_inner());
        let listed = |keys: &Option<Vec<ProtocolKey>>| match keys {
            None => Protocols::all(true),
            Some(keys) => Protocols {
                pop3: keys.contains(&ProtocolKey::Pop3),
                imap4: keys.contains(&ProtocolKey::Imap4),
                submission: keys.contains(&ProtocolKey::Submission),
            },
        };
        let value = AuthPolicy { basic: listed(&entry.basic), modern: listed(&entry.modern) };
        if policy.auth_policies.insert(entry.name.clone(), value).is_some() {
            return Err(at.fault(&span, &format!("a second [[auth_policy]] {:?}; remove one", entry.name)));
        }
    }
    policy.default_auth_policy = known(access.auth_policy, &policy, at)?;
    policy.anonymous = access.anonymous.map(|a| address(&a, at)).transpose()?.map(|a| a.to_string());
    for entry in organisations {
        let span = entry.domain.span();
        let domain = entry.domain.get_ref();
        let Some(domain) = Address::domain(domain) else {
            return Err(at.fault(&span, &format!("{domain:?} is no domain; write one like \"example.org\"")));
        };
        let organisation = policy::Organisation {
            protocols: switches(entry.pop3, entry.imap4, entry.submission),
            auth_policy: known(entry.auth_policy, &policy, at)?,
            security_defaults: entry.security_defaults,
        };
        if policy.organisations.insert(domain.clone(), organisation).is_some() {
            return Err(at.fault(&span, &format!("a second [[organisation]] for {domain}; remove one")));
        }
    }
    Ok(policy)
}

/// What one `[[mailbox]]` says.
pub(super) fn add_mailbox(
    policy: &mut Policy,
    name: &Address,
    access: MailboxAccess,
    at: &At<'_>,
) -> Result<()> {
    let mailbox = policy::Mailbox {
        protocols: switches(access.pop3, access.imap4, access.submission),
        auth_policy: known(access.auth_policy, policy, at)?,
        valid_from: access.valid_from.map(|d| seconds(&d, at)).transpose()?,
        kind: access.kind.into(),
        shared_with: access
            .shared_with
            .iter()
            .map(|who| address(who, at).map(|a| a.to_string()))
            .collect::<Result<BTreeSet<_>>>()?,
    };
    policy.mailboxes.insert(name.to_string(), mailbox);
    Ok(())
}

fn known(name: Option<Spanned<String>>, policy: &Policy, at: &At<'_>) -> Result<Option<String>> {
    let Some(name) = name else { return Ok(None) };
    if policy.auth_policies.contains_key(name.get_ref()) {
        return Ok(Some(name.into_inner()));
    }
    let what = format!("there is no [[auth_policy]] named {:?}", name.get_ref());
    Err(at.fault(&name.span(), &what))
}

fn address(text: &Spanned<String>, at: &At<'_>) -> Result<Address> {
    Address::parse(text.get_ref()).map_err(|what| at.fault(&text.span(), &what))
}

/// Seconds since 1970 of a date with time and zone.
fn seconds(date: &Spanned<toml::value::Datetime>, at: &At<'_>) -> Result<u64> {
    OffsetDateTime::parse(&date.get_ref().to_string(), &Rfc3339)
        .ok()
        .and_then(|date| u64::try_from(date.unix_timestamp()).ok())
        .ok_or_else(|| {
            let what = "valid_from wants date, time and zone, like 2026-11-22T12:00:00Z, since 1970";
            at.fault(&date.span(), what)
        })
}
