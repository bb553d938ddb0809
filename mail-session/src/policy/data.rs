use std::collections::{BTreeMap, BTreeSet};

use crate::auth::Protocol;

/// On, off, or what the level above says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
    /// As the organisation has it; for an organisation: on.
    #[default]
    Inherit,
}

/// One value for each protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Protocols<T> {
    /// POP3.
    pub pop3: T,
    /// IMAP4.
    pub imap4: T,
    /// Authenticated SMTP submission.
    pub submission: T,
}

impl<T: Copy> Protocols<T> {
    /// The same value for all.
    pub const fn all(value: T) -> Self {
        Self { pop3: value, imap4: value, submission: value }
    }

    /// The value for one.
    pub const fn of(&self, protocol: Protocol) -> T {
        match protocol {
            Protocol::Pop3 => self.pop3,
            Protocol::Imap4 => self.imap4,
            Protocol::Submission => self.submission,
        }
    }
}

/// By what one may prove to be somebody, by protocol; has a name in [`Policy::auth_policies`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AuthPolicy {
    /// Passwords, whether they are shown or only proved (SCRAM, CRAM-MD5, APOP).
    pub basic: Protocols<bool>,
    /// Bearer tokens and certificates.
    pub modern: Protocols<bool>,
}

impl AuthPolicy {
    /// By anything.
    pub const ALL: Self = Self { basic: Protocols::all(true), modern: Protocols::all(true) };
    /// By no password.
    pub const MODERN_ONLY: Self = Self { basic: Protocols::all(false), modern: Protocols::all(true) };
}

impl Default for AuthPolicy {
    fn default() -> Self {
        Self::ALL
    }
}

/// What a mailbox is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum MailboxKind {
    /// A person's, or shared by several.
    #[default]
    User,
    /// An administrator's: no POP3, no IMAP4.
    Administrator,
    /// A guest's: no POP3, no IMAP4.
    Guest,
    /// Nobody's: no POP3, no IMAP4.
    Anonymous,
}

/// What is said of one mailbox. One of which nothing is said is as the default.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Mailbox {
    /// Which protocols may open it.
    pub protocols: Protocols<Switch>,
    /// The name of its authentication policy.
    pub auth_policy: Option<String>,
    /// Seconds since 1970: tokens issued before are refused, sessions opened before are ended.
    pub valid_from: Option<u64>,
    /// What it is for.
    pub kind: MailboxKind,
    /// Who else may open it.
    pub shared_with: BTreeSet<String>,
}

/// What is said of all mailboxes of one domain.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Organisation {
    /// Which protocols may open them.
    pub protocols: Protocols<Switch>,
    /// The name of their authentication policy.
    pub auth_policy: Option<String>,
    /// No password opens any of them, whatever else is set.
    pub security_defaults: bool,
}

/// The whole access policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// No password opens any mailbox, whatever else is set.
    pub security_defaults: bool,
    /// The authentication policies by name. A name that is used and not here refuses everything.
    pub auth_policies: BTreeMap<String, AuthPolicy>,
    /// The name of the one for mailboxes and organisations that name none; `None`: all is allowed.
    pub default_auth_policy: Option<String>,
    /// The organisations, by domain.
    pub organisations: BTreeMap<String, Organisation>,
    /// The mailboxes, by name.
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// The mailbox that ANONYMOUS opens, if any.
    pub anonymous: Option<String>,
}

impl Policy {
    /// The organisation a mailbox belongs to: its domain's, where one is set up.
    pub fn organisation_of<'p>(&'p self, mailbox: &str) -> Option<(&'p str, &'p Organisation)> {
        let (_, domain) = mailbox.rsplit_once('@')?;
        self.organisations.get_key_value(domain).map(|(name, o)| (name.as_str(), o))
    }
}
