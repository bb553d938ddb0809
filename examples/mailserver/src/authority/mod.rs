//! Who may enter: what the mechanisms ask, answered from the store, the settings in force and the tables of wrong
//! logins.
//!
//! Every login takes the same way: whose mailbox is it, is it held back, what does the policy say, is the credential
//! right. A password or proof that will be refused anyway is checked against nobody's, so that it takes as long; one that is
//! held back waits as long as others and is not looked at. All that fail are answered at a whole number of periods after they came.

mod certificate;
mod pace;
mod passwords;
#[cfg(test)]
mod tests;
mod turns;

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use auth_sasl::{
    Secret,
    scram::{DEFAULT_ITERATIONS, Decoy, Hash, StoredKeys},
};
use mail_session::{
    auth::{AuthError, AuthErrorKind, Authority, Credential, Identity, LoginContext, Mechanism},
    policy::{Attempt, Decision, Proof},
};
use mailstore_sqlite::AccountInfo;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use self::{
    pace::Pace,
    passwords::{Known, Passwords},
    turns::Source,
};
use crate::{
    accounts::Accounts,
    address,
    fault::Result,
    live::{Live, Settings},
    password,
    present::Present,
    stored::Stored,
    throttle::{Held, Limit, Throttle},
    token,
};

/// Within this, a name is looked up, whether it is known or not.
const CHALLENGE: Duration = Duration::from_millis(10);

type Login<T> = std::result::Result<T, AuthError>;

/// The mailboxes of the store, and who may open them.
#[derive(Debug)]
pub(crate) struct Gate {
    accounts: Arc<Accounts>,
    live: Arc<Live>,
    present: Arc<Present>,
    passwords: Passwords,
    throttle: Throttle,
    pace: Pace,
    /// When SCRAM's first challenge is sent: not as soon as the name is looked up, which takes longer for some.
    challenges: Pace,
    /// Of what unknown users' salts are made.
    decoy: Zeroizing<Vec<u8>>,
    host: String,
}

/// Whom a login name means, and what stands against his login before any credential is looked at.
struct Visitor {
    account: Option<AccountInfo>,
    /// The mailbox to open, where it is another's; by the name that was asked for.
    other: Option<(String, Option<AccountInfo>)>,
    /// His proof can be guessed, so that attempts are limited.
    guessed: bool,
    held: Option<Held>,
    decision: Option<Decision>,
    attempt: Option<Attempt>,
    settings: Arc<Settings>,
}

impl Gate {
    pub(crate) fn new(
        accounts: Arc<Accounts>,
        live: Arc<Live>,
        present: Arc<Present>,
        limits: crate::config::Limits,
        decoy: Zeroizing<Vec<u8>>,
        host: &str,
    ) -> Result<Self> {
        let limit = |free| Limit { free, ..Limit::USUAL };
        Ok(Self {
            accounts,
            live,
            present,
            passwords: Passwords::new()?,
            throttle: Throttle::new(
                limit(limits.failed_logins_per_mailbox),
                limit(limits.failed_logins_per_address),
            ),
            pace: Pace::new(Duration::from_millis(limits.wrong_login_ms.into())),
            challenges: Pace::new(CHALLENGE),
            decoy,
            host: host.to_owned(),
        })
    }

    async fn look_up(&self, name: &str) -> Login<Option<AccountInfo>> {
        // Mostly so short that another thread would cost more than it does.
        let found = match self.accounts.by_login_soon(name) {
            Some(found) => found,
            None => {
                let (accounts, name) = (Arc::clone(&self.accounts), name.to_owned());
                spawn_blocking(move || accounts.by_login(&name))
                    .await
                    .map_err(|e| AuthError::new(AuthErrorKind::Unavailable, e.to_string()))?
            }
        };
        found.map_err(unavailable)
    }

    fn decoy_keys(&self) -> Decoy<'_> {
        Decoy { key: &self.decoy, iterations: DEFAULT_ITERATIONS }
    }

    /// Whom a name that means nobody might have meant. All spellings of a known name have one salt, so those of an
    /// unknown one do.
    fn stand_in(&self, user: &str) -> Login<(String, Option<AccountInfo>)> {
        let pick = |local: &str| {
            let keys = self.decoy_keys().keys(Hash::Sha256, local);
            keys.salt().iter().take(4).fold(0, |number, octet| number << 8 | usize::from(*octet))
        };
        self.accounts.stand_in(user, pick).map_err(unavailable)
    }

    /// Whom the name means, and whether he may enter by this proof.
    async fn visitor(
        &self,
        context: &LoginContext,
        user: &str,
        opens: Option<&str>,
        proof: Proof,
    ) -> Login<Visitor> {
        let guessed = proof.is_basic();
        let settings = self.live.now();
        let account = self.look_up(user).await?;
        let other = match opens {
            Some(name) => Some((name.to_owned(), self.look_up(name).await?)),
            None => None,
        };
        let held = if guessed {
            let name = account.as_ref().map_or(user, |a| &a.name);
            self.throttle.held(name, source_address(context), Instant::now())
        } else {
            None
        };
        let attempt = account.as_ref().map(|account| {
            let attempt = Attempt::new(context.protocol, &account.name, proof, token::now())
                .with_password_allowed(context.password_allowed());
            match &other {
                // Another spelling of the own name is the own mailbox, and a name nobody has is not shared.
                Some((name, found)) => attempt.opening(found.as_ref().map_or(name, |a| &a.name)),
                None => attempt,
            }
        });
        let decision = attempt.as_ref().map(|attempt| settings.policy.decide(attempt));
        Ok(Visitor { account, other, guessed, held, decision, attempt, settings })
    }

    async fn by_password(
        &self,
        context: &LoginContext,
        user: &str,
        opens: Option<&str>,
        password: &[u8],
    ) -> Login<Identity> {
        let mut visitor = self.visitor(context, user, opens, Proof::Password).await?;
        if visitor.held.is_some() {
            // Not looked at; but those who are wait for their turn.
            tokio::time::sleep(self.passwords.waiting()).await;
            return self.settle(context, user, visitor, false);
        }
        let (name, from) = (visitor.name(user).to_owned(), source_address(context));
        let known = self.throttle.is_known(&name, from);
        let source = Source::new(from, &name);
        let (right, turn) = match self.passwords.look(visitor.checked(), password, source, known).await? {
            Known::Right => (true, None),
            Known::Not(due) => {
                // Others may have been wrong meanwhile: many at once are no more guesses than one after the other.
                visitor.held = self.throttle.held(&name, from, Instant::now());
                if visitor.held.is_some() {
                    return self.settle(context, user, visitor, false);
                }
                let (right, turn) = due.verify(password).await?;
                (right, Some(turn))
            }
        };
        let settled = self.settle(context, user, visitor, right);
        // Only now, so that what was wrong is counted before the next one is looked at.
        drop(turn);
        settled
    }

    /// Whether the password a configuration states is still the account's.
    async fn is_current(
        &self,
        context: &LoginContext,
        account: &AccountInfo,
        password: &[u8],
    ) -> Login<bool> {
        let source = Source::new(source_address(context), &account.name);
        match self.passwords.look(Some(account), password, source, true).await? {
            Known::Right => Ok(true),
            Known::Not(due) => due.verify(password).await.map(|(right, _)| right),
        }
    }

    /// The end of a login: `right` says whether the credential is.
    fn settle(&self, context: &LoginContext, user: &str, visitor: Visitor, right: bool) -> Login<Identity> {
        let Visitor { account, other, guessed, held, decision, attempt, settings } = visitor;
        // Who is held back is not counted: or else guesses would hold a mailbox for ever.
        let count = guessed && held.is_none();
        let (Some(account), Some(decision), Some(attempt)) = (account, decision, attempt) else {
            self.wrong(context, user, count);
            // A name nobody has is not repeated: it may be a password in the wrong field.
            return Err(AuthError::new(AuthErrorKind::Wrong, "nobody has this name"));
        };
        if let Some(held) = held {
            return Err(AuthError::new(AuthErrorKind::Throttled, format!("{}: {held}", account.name)));
        }
        if !decision.permitted && !decision.rule.is_of_sharing() {
            // Counted, since a client cannot tell: he would learn by the waits what the password is.
            self.wrong(context, &account.name, count);
            return Err(decision.refusal(attempt.proof));
        }
        if !right {
            self.wrong(context, &account.name, count);
            let detail = format!("not the credential of {}", account.name);
            return Err(AuthError::new(AuthErrorKind::Wrong, detail));
        }
        if !decision.permitted {
            return Err(decision.refusal(attempt.proof));
        }
        self.throttle.succeeded(&account.name, source_address(context), Instant::now());
        let rule = &decision.rule;
        tracing::debug!(session = context.session, login = account.name, %rule, "permitted");
        let identity = match other {
            Some((asked, found)) => {
                let opened = found.map_or_else(|| account.name.clone(), |a| a.name);
                Identity::acting(account.name, opened, asked)
            }
            None => Identity::new(account.name),
        };
        self.present.entered(&context.session, attempt);
        let now = self.live.now();
        if !Arc::ptr_eq(&now, &settings) {
            // The policy changed meanwhile, and its review may have come too early for this session.
            self.present.review(&now.policy);
        }
        Ok(identity)
    }

    fn wrong(&self, context: &LoginContext, mailbox: &str, count: bool) {
        if count {
            self.throttle.failed(mailbox, source_address(context), Instant::now());
        }
    }
}

impl Visitor {
    /// What its mailbox is called; where there is none, as it was called.
    fn name<'n>(&'n self, user: &'n str) -> &'n str {
        self.account.as_ref().map_or(user, |a| &a.name)
    }

    /// The account whose credential is to be checked; `None` where it would not help.
    fn checked(&self) -> Option<&AccountInfo> {
        let decision = self.decision.as_ref()?;
        let helps = self.held.is_none() && (decision.permitted || decision.rule.is_of_sharing());
        self.account.as_ref().filter(|_| helps)
    }
}

fn unavailable(e: mailstore_api::StoreError) -> AuthError {
    AuthError::new(AuthErrorKind::Unavailable, format!("the store: {e}"))
}

fn source_address(context: &LoginContext) -> Option<IpAddr> {
    context.peer.parse::<SocketAddr>().ok().map(|peer| peer.ip())
}

impl Authority for Gate {
    async fn password(
        &self,
        context: &LoginContext,
        user: &str,
        authzid: Option<&str>,
        password: &[u8],
    ) -> Login<Identity> {
        let begun = tokio::time::Instant::now();
        let entered = self.by_password(context, user, authzid, password).await;
        if entered.is_err() {
            self.pace.wait(begun).await;
        }
        entered
    }

    async fn bearer(&self, context: &LoginContext, user: Option<&str>, given: &[u8]) -> Login<Identity> {
        let Some(tokens) = self.live.now().tokens.clone() else {
            return Err(AuthErrorKind::Unsupported.into());
        };
        let protocol = context.protocol;
        if given.is_empty() {
            // RFC 7628 section 4.3: the client asks what it needs.
            let told = tokens.told("401", protocol);
            return Err(AuthError::new(AuthErrorKind::Wrong, "asked for the scope").with_bearer(told));
        }
        let from = source_address(context);
        if let Some(held) = self.throttle.held_from(from, Instant::now()) {
            let refusal = AuthError::new(AuthErrorKind::Throttled, held.to_string());
            return Err(refusal.with_bearer(tokens.told("401", protocol)));
        }
        let bearer = match tokens.verify(given, protocol).await {
            Ok(bearer) => bearer,
            Err(why) => {
                if !matches!(why, token::Refused::Unavailable(_)) {
                    self.throttle.failed_from(from, Instant::now());
                }
                return Err(tokens.refusal(why, protocol));
            }
        };
        if !address::is_prepared(&bearer.mailbox) {
            self.throttle.failed_from(from, Instant::now());
            let refusal =
                AuthError::new(AuthErrorKind::Wrong, "the token names a mailbox in another spelling");
            return Err(refusal.with_bearer(tokens.told("401", protocol)));
        }
        let proof = Proof::Bearer { issued_at: bearer.issued_at };
        let visitor = self.visitor(context, &bearer.mailbox, user, proof).await?;
        self.settle(context, &bearer.mailbox, visitor, true).map_err(|error| {
            let status = if error.kind == AuthErrorKind::NotAllowed { "403" } else { "401" };
            error.with_bearer(tokens.told(status, protocol))
        })
    }

    async fn scram_keys(&self, context: &LoginContext, user: &str, hash: Hash) -> Login<Option<StoredKeys>> {
        let begun = tokio::time::Instant::now();
        let visitor = self.visitor(context, user, None, Proof::PasswordProof).await?;
        if let Some(held) = visitor.held {
            tracing::info!(session = context.session, "SCRAM: {held}");
        } else if let Some(decision) = visitor.decision.as_ref().filter(|d| !d.permitted) {
            tracing::info!(session = context.session, rule = %decision.rule, "SCRAM: not permitted");
        }
        let helps = visitor.checked().is_some();
        let (name, account) = match visitor.account {
            Some(account) => (account.name.clone(), Some(account)),
            None => self.stand_in(user)?,
        };
        let stored = account.as_ref().and_then(|a| a.password_hash.as_deref());
        let keys = match stored.and_then(|text| Stored::new(text).keys(hash)) {
            Some(keys) if helps => keys,
            // The salt stays, whatever stands against the login: else one would see that there is such a mailbox.
            Some(keys) => keys.barred(&self.decoy_keys()),
            None => self.decoy_keys().keys(hash, &name),
        };
        self.challenges.wait(begun).await;
        Ok(Some(keys))
    }

    async fn shared_secret(&self, context: &LoginContext, user: &str) -> Login<Option<Secret>> {
        let visitor = self.visitor(context, user, None, Proof::PasswordProof).await?;
        // Nothing is hashed here: it would tell who has a secret.
        Ok(visitor.checked().and_then(|account| visitor.settings.secrets.get(&account.name)).cloned())
    }

    async fn secret_proved(&self, context: &LoginContext, user: &str) -> Login<Identity> {
        let begun = tokio::time::Instant::now();
        let visitor = self.visitor(context, user, None, Proof::PasswordProof).await?;
        let stated = visitor.checked().and_then(|a| Some((a, visitor.settings.secrets.get(&a.name)?)));
        let right = match stated {
            // It may have been changed by `user passwd` since it was stated.
            Some((account, secret)) => self.is_current(context, account, secret.expose()).await?,
            None => false,
        };
        let entered = self.settle(context, user, visitor, right);
        if entered.is_err() {
            self.pace.wait(begun).await;
        }
        entered
    }

    async fn authorize(&self, context: &LoginContext, user: &str, authzid: Option<&str>) -> Login<Identity> {
        let visitor = self.visitor(context, user, authzid, Proof::PasswordProof).await?;
        self.settle(context, user, visitor, true)
    }

    async fn disproved(&self, context: &LoginContext, user: &str) {
        let begun = tokio::time::Instant::now();
        let name = match self.look_up(user).await {
            Ok(Some(account)) => account.name,
            _ => user.to_owned(),
        };
        let held = self.throttle.held(&name, source_address(context), Instant::now());
        self.wrong(context, &name, held.is_none());
        self.pace.wait(begun).await;
    }

    async fn certificate(
        &self,
        context: &LoginContext,
        certificate: &[u8],
        authzid: Option<&str>,
    ) -> Login<Identity> {
        let names = certificate::mailboxes(certificate);
        for name in names.into_iter().filter(|name| address::is_prepared(name)) {
            if self.look_up(&name).await?.is_some() {
                let visitor = self.visitor(context, &name, authzid, Proof::Certificate).await?;
                return self.settle(context, &name, visitor, true);
            }
        }
        Err(AuthError::new(AuthErrorKind::Wrong, "the certificate names no mailbox here"))
    }

    async fn anonymous(&self, context: &LoginContext, trace: &str) -> Login<Identity> {
        let Some(name) = self.live.now().policy.anonymous.clone() else {
            return Err(AuthErrorKind::Unsupported.into());
        };
        let trace: String = trace.chars().filter(|c| !c.is_control()).take(80).collect();
        tracing::info!(session = context.session, trace, "anonymous");
        let visitor = self.visitor(context, &name, None, Proof::Anonymous).await?;
        self.settle(context, &name, visitor, true)
    }

    fn decoy(&self) -> Option<Decoy<'_>> {
        Some(self.decoy_keys())
    }

    fn random(&self, octets: &mut [u8]) -> bool {
        password::fill(octets).is_ok()
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn mechanisms(&self, _: &LoginContext) -> &[Mechanism] {
        Mechanism::ALL
    }

    fn credentials(&self, _: &LoginContext) -> Cow<'_, [Credential]> {
        Cow::Owned(self.live.now().credentials.clone())
    }
}
