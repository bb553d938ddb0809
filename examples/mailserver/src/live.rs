//! What may change while the server runs: read by every login, replaced whole.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use auth_sasl::{Secret, scram::Hash};
use mail_session::{
    auth::{Credential, Plaintext},
    imap, lmtp,
    policy::Policy,
    pop3, submission,
};

use crate::{
    config::{Config, Password},
    fault::Result,
    router::Rules,
    session,
    token::Verifier,
};

/// The settings in force.
#[derive(Debug)]
pub(crate) struct Live {
    now: RwLock<Arc<Settings>>,
}

/// Settings that belong together.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) plaintext: Plaintext,
    pub(crate) tokens: Option<Arc<Verifier>>,
    pub(crate) credentials: Vec<Credential>,
    /// Passwords the configuration states, for CRAM-MD5 and APOP, where these are on.
    pub(crate) secrets: HashMap<String, Secret>,
    /// Holds what sessions list, so it goes with the rest.
    pub(crate) imap: imap::Config,
    /// How long a client is waited for below the protocols.
    pub(crate) driver: mail_drive::Limits,
    pub(crate) post: Post,
}

/// How mail comes in and goes out.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) pop3: Arc<pop3::Config>,
    pub(crate) submission: Arc<submission::Config>,
    pub(crate) lmtp: Arc<lmtp::Config>,
    pub(crate) routes: Arc<Rules>,
}

impl Post {
    fn new(config: &Config) -> Self {
        Self {
            pop3: Arc::new(session::pop3(config)),
            submission: Arc::new(session::submission(config)),
            lmtp: Arc::new(crate::lmtp::config(config)),
            routes: Arc::new(Rules::new(&config.post)),
        }
    }
}

impl Live {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { now: RwLock::new(Arc::new(settings)) })
    }

    pub(crate) fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace(&self, settings: Settings) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

impl Settings {
    /// From a configuration; reads the keys of tokens.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let tokens = config.tokens.as_ref().map(|t| Verifier::new(t).map(Arc::new)).transpose()?;
        let mut secrets = HashMap::new();
        if config.cram_md5 {
            for mailbox in &config.mailboxes {
                if let Password::Clear(secret) = &mailbox.password {
                    secrets.insert(mailbox.address.to_string(), secret.clone());
                }
            }
        }
        let policy = config.policy.clone();
        let mut credentials = Vec::new();
        if config.client_ca.is_some() {
            credentials.push(Credential::Certificate);
        }
        if tokens.is_some() {
            credentials.push(Credential::Bearer);
        }
        if policy.anonymous.is_some() {
            credentials.push(Credential::Anonymous);
        }
        if !policy.security_defaults {
            credentials.push(Credential::Password);
            if config.scram {
                credentials.extend([Hash::Sha1, Hash::Sha256, Hash::Sha512].map(Credential::ScramKeys));
            }
            if !secrets.is_empty() {
                credentials.push(Credential::CramMd5);
            }
        }
        Ok(Self {
            policy,
            plaintext: config.plaintext,
            tokens,
            credentials,
            secrets,
            imap: session::imap(config),
            driver: config.timeouts.driver(),
            post: Post::new(config),
        })
    }

    /// The same with the keys of tokens as their file has them now.
    pub(crate) fn with_keys_read_again(&self, config: &Config) -> Result<Self> {
        let tokens = match &self.tokens {
            Some(tokens) => Some(Arc::new(tokens.read_again()?)),
            None => None,
        };
        Ok(Self {
            policy: self.policy.clone(),
            plaintext: self.plaintext,
            tokens,
            credentials: self.credentials.clone(),
            secrets: self.secrets.clone(),
            imap: session::imap(config),
            driver: self.driver.clone(),
            post: self.post.clone(),
        })
    }

    /// The file with the keys of tokens.
    pub(crate) fn keys_file(&self) -> Option<PathBuf> {
        self.tokens.as_ref().and_then(|t| t.keys_file()).map(Path::to_owned)
    }
}
