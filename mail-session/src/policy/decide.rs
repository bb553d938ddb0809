use super::{AuthPolicy, Decision, Level, Mailbox, MailboxKind, Policy, Rule, Switch};
use crate::auth::Protocol;

/// By what somebody proves to be who he says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Proof {
    /// A password that is shown: PLAIN, LOGIN, USER and PASS.
    Password,
    /// A password that is not shown: SCRAM, CRAM-MD5, APOP.
    PasswordProof,
    /// An access token.
    Bearer {
        /// When it was issued, in seconds since 1970; `None` where it does not say.
        issued_at: Option<u64>,
    },
    /// A client certificate.
    Certificate,
    /// None: ANONYMOUS.
    Anonymous,
}

impl Proof {
    /// Whether it is a password ("basic" authentication).
    #[must_use]
    pub const fn is_basic(self) -> bool {
        matches!(self, Self::Password | Self::PasswordProof)
    }
}

/// A login to decide on, or one that was made and is looked at again.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// By what protocol.
    pub protocol: Protocol,
    /// Who logs in: the name of his own mailbox.
    pub login: String,
    /// The mailbox to open, where it is another's.
    pub opens: Option<String>,
    /// By what he proves to be who he says.
    pub proof: Proof,
    /// Whether passwords may travel on the connection
    /// ([`LoginContext::password_allowed`](crate::auth::LoginContext::password_allowed)).
    pub password_allowed: bool,
    /// When the login is, or was: seconds since 1970.
    pub at: u64,
}

impl Attempt {
    /// A login to the own mailbox, on a connection that passwords may travel on.
    pub fn new(protocol: Protocol, login: impl Into<String>, proof: Proof, at: u64) -> Self {
        Self { protocol, login: login.into(), opens: None, proof, password_allowed: true, at }
    }

    /// The same to open another's mailbox.
    #[must_use]
    pub fn opening(self, mailbox: impl Into<String>) -> Self {
        Self { opens: Some(mailbox.into()), ..self }
    }

    /// The same on this connection.
    #[must_use]
    pub fn with_password_allowed(self, password_allowed: bool) -> Self {
        Self { password_allowed, ..self }
    }
}

impl Policy {
    /// Decides.
    ///
    /// Whether the credential itself is right is another question, and the host's. A host that verifies passwords
    /// asks first, and lets a refused login take the time of a wrong one.
    pub fn decide(&self, attempt: &Attempt) -> Decision {
        let refused = self
            .closed(&attempt.login, attempt.protocol)
            .or_else(|| self.unfit(attempt))
            .or_else(|| self.outdated(attempt))
            .or_else(|| self.nobody(attempt));
        if let Some(rule) = refused {
            return Decision::of(false, rule);
        }
        match &attempt.opens {
            Some(other) if *other != attempt.login => self.share(attempt, other),
            _ => Decision::of(true, Rule::Permitted),
        }
    }

    /// Whether the mailbox is closed for the protocol, by its kind or by a switch.
    fn closed(&self, mailbox: &str, protocol: Protocol) -> Option<Rule> {
        let (kind, own) =
            self.mailboxes.get(mailbox).map_or_else(Default::default, |m| (m.kind, m.protocols));
        if kind != MailboxKind::User && protocol != Protocol::Submission {
            return Some(Rule::Kind(mailbox.to_owned(), kind, protocol));
        }
        match own.of(protocol) {
            Switch::On => None,
            Switch::Off => Some(Rule::Off(Level::Mailbox(mailbox.to_owned()), protocol)),
            Switch::Inherit => {
                let (domain, organisation) = self.organisation_of(mailbox)?;
                (organisation.protocols.of(protocol) == Switch::Off)
                    .then(|| Rule::Off(Level::Organisation(domain.to_owned()), protocol))
            }
        }
    }

    /// Whether the proof is not of a kind that opens this mailbox.
    fn unfit(&self, attempt: &Attempt) -> Option<Rule> {
        let basic = attempt.proof.is_basic();
        if attempt.proof == Proof::Password && !attempt.password_allowed {
            return Some(Rule::Unencrypted);
        }
        let organisation = self.organisation_of(&attempt.login);
        if basic && self.security_defaults {
            return Some(Rule::SecurityDefaults(Level::Server));
        }
        if let Some((domain, _)) = organisation.filter(|(_, o)| basic && o.security_defaults) {
            return Some(Rule::SecurityDefaults(Level::Organisation(domain.to_owned())));
        }
        if attempt.proof == Proof::Anonymous {
            return None;
        }
        let own = self.mailboxes.get(&attempt.login).and_then(|m| m.auth_policy.as_ref());
        let (name, of) = own
            .map(|name| (name, Level::Mailbox(attempt.login.clone())))
            .or_else(|| {
                let (domain, o) = organisation?;
                Some((o.auth_policy.as_ref()?, Level::Organisation(domain.to_owned())))
            })
            .or_else(|| Some((self.default_auth_policy.as_ref()?, Level::Server)))?;
        let Some(AuthPolicy { basic: by_password, modern }) = self.auth_policies.get(name) else {
            return Some(Rule::NoSuchAuthPolicy(name.clone()));
        };
        let allowed = if basic { by_password } else { modern }.of(attempt.protocol);
        (!allowed).then(|| Rule::AuthPolicy { name: name.clone(), of, protocol: attempt.protocol, basic })
    }

    /// Whether the token, or the session, is of before the mailbox's valid-from.
    fn outdated(&self, attempt: &Attempt) -> Option<Rule> {
        let from = self.mailboxes.get(&attempt.login)?.valid_from?;
        let refuse = |at| Some(Rule::ValidFrom(attempt.login.clone(), from, at));
        match attempt.proof {
            Proof::Bearer { issued_at: None } => refuse(None),
            Proof::Bearer { issued_at: Some(at) } if at < from => refuse(Some(at)),
            _ if attempt.at < from => refuse(Some(attempt.at)),
            _ => None,
        }
    }

    fn nobody(&self, attempt: &Attempt) -> Option<Rule> {
        let open = self.anonymous.as_ref() == Some(&attempt.login)
            && attempt.opens.as_ref().is_none_or(|opens| *opens == attempt.login)
            && attempt.protocol != Protocol::Submission;
        (attempt.proof == Proof::Anonymous && !open).then_some(Rule::NoAnonymous)
    }

    /// Another's mailbox: it must be granted, and be open for the protocol itself; a session ends with its
    /// valid-from, too.
    fn share(&self, attempt: &Attempt, mailbox: &str) -> Decision {
        let target: Option<&Mailbox> = self.mailboxes.get(mailbox);
        if !target.is_some_and(|m| m.shared_with.contains(&attempt.login)) {
            let rule = Rule::NotShared(mailbox.to_owned(), attempt.login.clone());
            return Decision::of(false, rule);
        }
        let outdated = target
            .and_then(|m| m.valid_from)
            .filter(|from| attempt.at < *from)
            .map(|from| Rule::ValidFrom(mailbox.to_owned(), from, Some(attempt.at)));
        match self.closed(mailbox, attempt.protocol).or(outdated) {
            Some(rule) => Decision::of(false, rule),
            None => Decision::of(true, Rule::Shared(mailbox.to_owned())),
        }
    }
}
