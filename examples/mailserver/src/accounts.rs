//! Which mailboxes there are: the store's accounts, by address and by local part.

use std::{
    collections::BTreeSet,
    sync::Mutex,
    time::{Duration, Instant},
};

use mailstore_api::{ErrorKind, MailboxName, SpecialUse, StoreError};
use mailstore_sqlite::{AccountInfo, DefaultMailbox, SqliteStore};

use crate::{
    address::Address,
    config::{Config, Password},
    fault::{Fault, Result},
    password,
    stored::{self, Stored},
};

/// What every new mailbox begins with.
const FOLDERS: [(&str, SpecialUse); 6] = [
    ("INBOX", SpecialUse::NONE),
    ("Sent", SpecialUse::SENT),
    ("Drafts", SpecialUse::DRAFTS),
    ("Trash", SpecialUse::TRASH),
    ("Junk", SpecialUse::JUNK),
    ("Archive", SpecialUse::ARCHIVE),
];

/// How often, at most, an unknown name makes the list of domains be read again: another process may
/// have added one.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The accounts of the store. Its calls block for some microseconds, those that write for an fsync.
#[derive(Debug)]
pub(crate) struct Accounts {
    store: SqliteStore,
    domains: Mutex<Domains>,
}

#[derive(Debug, Default)]
struct Domains {
    names: BTreeSet<String>,
    read: Option<Instant>,
}

/// Gives accounts the names by which logins look for them ([`Address`]): earlier versions took names as they were
/// spelled. One whose name another has already, or that is no address, keeps it, and nobody can log in to it.
pub(crate) fn tidy(store: &SqliteStore) -> Result<()> {
    for account in store.accounts().map_err(|e| unreadable(&e))? {
        let Ok(address) = Address::parse(&account.name) else { continue };
        if address.as_str() == account.name {
            continue;
        }
        match store.rename_account(&account.name, address.as_str()) {
            Ok(()) => {
                tracing::info!(from = account.name, to = %address, "a mailbox is called as logins spell it")
            }
            Err(error) => tracing::warn!(
                mailbox = account.name, %error,
                "logins look for it as {address}, which it cannot be called; remove one of the two"
            ),
        }
    }
    Ok(())
}

/// Why nobody can log in to an account of this name.
pub(crate) fn unreachable(name: &str) -> Option<&'static str> {
    match Address::parse(name) {
        Ok(address) if address.as_str() == name => None,
        Ok(_) => Some("another mailbox has this name in another spelling: it cannot log in"),
        Err(_) => Some("no mail address: it cannot log in"),
    }
}

impl Accounts {
    pub(crate) const fn new(store: SqliteStore) -> Self {
        Self { store, domains: Mutex::new(Domains { names: BTreeSet::new(), read: None }) }
    }

    pub(crate) fn all(&self) -> Result<Vec<AccountInfo>> {
        self.store.accounts().map_err(|e| unreadable(&e))
    }

    /// Makes a mailbox with all its folders.
    pub(crate) fn add(&self, address: &Address, stored: Option<&str>) -> Result<()> {
        let folders = FOLDERS
            .iter()
            .map(|(name, special_use)| {
                let name = MailboxName::new([*name])
                    .map_err(|e| Fault::new(format!("cannot make the folder {name}: {e}")))?;
                Ok(DefaultMailbox { name, special_use: *special_use, subscribed: true })
            })
            .collect::<Result<Vec<_>>>()?;
        match self.store.create_account_with(address.as_str(), stored, &folders) {
            Ok(_) => Ok(()),
            Err(e) if e.kind == ErrorKind::Exists => Err(Fault::new(format!(
                "{address} exists already; change its password with `mailserver user passwd {address}`"
            ))),
            Err(e) => Err(Fault::new(format!("cannot make the mailbox {address}: {e}"))),
        }
    }

    /// Sets what verifies its password: see [`Stored`].
    pub(crate) fn set_stored(&self, address: &Address, stored: &str) -> Result<()> {
        self.store
            .set_password_hash(address.as_str(), Some(stored))
            .map_err(|e| missing(address.as_str(), &e))
    }

    /// Removes a mailbox by the name it is stored with.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        self.store.remove_account(name).map_err(|e| missing(name, &e))
    }

    /// The account a login name means: its address, or its local part where only one account has it.
    pub(crate) fn by_login(&self, login: &str) -> mailstore_api::Result<Option<AccountInfo>> {
        if login.contains('@') {
            return self.by_address(login);
        }
        let known = self.lock().names.clone();
        if let Some(found) = self.by_local_part(login, &known)? {
            return Ok(Some(found));
        }
        self.look_again()?;
        // Another login may have read the list in between: what counts is whether this one used the present list.
        let now = self.lock().names.clone();
        if now == known { Ok(None) } else { self.by_local_part(login, &now) }
    }

    /// As [`by_login`](Self::by_login), in some microseconds; `None` where it may take longer.
    pub(crate) fn by_login_soon(&self, login: &str) -> Option<mailstore_api::Result<Option<AccountInfo>>> {
        if login.contains('@') {
            return Some(self.by_address(login));
        }
        let known = self.lock().names.clone();
        match self.by_local_part(login, &known) {
            Ok(None) => None,
            found => Some(found),
        }
    }

    /// What a login name that leads to no account might have meant: an address, and the account that has it where there
    /// is one (a local part that several have). The same for all spellings of a name, as those of a known one lead to one
    /// account. `pick` chooses by the local part.
    pub(crate) fn stand_in(
        &self,
        login: &str,
        pick: impl Fn(&str) -> usize,
    ) -> mailstore_api::Result<(String, Option<AccountInfo>)> {
        if login.contains('@') {
            return Ok((Address::parse(login).map_or_else(|_| login.to_owned(), |a| a.to_string()), None));
        }
        // In any domain it is the same.
        let Ok(spelled) = Address::parse(&format!("{login}@x")) else { return Ok((login.to_owned(), None)) };
        let local = spelled.as_str().trim_end_matches("@x");
        let domains = self.lock().names.clone();
        let mut named = Vec::new();
        for domain in &domains {
            named.extend(self.by_address(&format!("{local}@{domain}"))?);
        }
        let choose = |n: usize| pick(local).checked_rem(n);
        if let Some(account) = choose(named.len()).map(|n| named.swap_remove(n)) {
            return Ok((account.name.clone(), Some(account)));
        }
        let domain = choose(domains.len()).and_then(|n| domains.iter().nth(n));
        Ok((domain.map_or_else(|| local.to_owned(), |domain| format!("{local}@{domain}")), None))
    }

    /// The account with this address, in any case.
    pub(crate) fn by_address(&self, address: &str) -> mailstore_api::Result<Option<AccountInfo>> {
        let Ok(address) = Address::parse(address) else { return Ok(None) };
        self.store.account(address.as_str())
    }

    /// Whether any account is of this domain, in lower case.
    pub(crate) fn has_domain(&self, domain: &str) -> mailstore_api::Result<bool> {
        if self.lock().names.contains(domain) {
            return Ok(true);
        }
        self.look_again()?;
        Ok(self.lock().names.contains(domain))
    }

    fn by_local_part(
        &self,
        local: &str,
        domains: &BTreeSet<String>,
    ) -> mailstore_api::Result<Option<AccountInfo>> {
        let mut found = None;
        for domain in domains {
            if let Some(account) = self.by_address(&format!("{local}@{domain}"))?
                && found.replace(account).is_some()
            {
                return Ok(None); // more than one: only the whole address says which
            }
        }
        Ok(found)
    }

    /// Reads the list of domains again unless that was done just now.
    fn look_again(&self) -> mailstore_api::Result<()> {
        if self.lock().read.is_some_and(|at| at.elapsed() < LOOK_AGAIN) {
            return Ok(());
        }
        let names = self
            .store
            .accounts()?
            .iter()
            .filter_map(|a| a.name.rsplit_once('@').map(|(_, domain)| domain.to_owned()))
            .collect();
        let mut domains = self.lock();
        domains.read = Some(Instant::now());
        domains.names = names;
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Domains> {
        self.domains.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Makes the mailboxes of the configuration that are missing; passwords it states win. A password that is there
    /// already gets SCRAM keys, where they are wanted and missing.
    pub(crate) fn apply(&self, config: &Config) -> Result<()> {
        for mailbox in &config.mailboxes {
            let address = &mailbox.address;
            let known = self.store.account(address.as_str()).map_err(|e| unreadable(&e))?;
            let old = known.as_ref().and_then(|a| a.password_hash.as_deref()).map(Stored::new);
            let new = match (&mailbox.password, &old) {
                (Password::Hash(hash), Some(old)) if old.hash() == hash => None,
                (Password::Hash(hash), _) => Some(hash.clone().into()),
                (Password::Clear(clear), Some(old))
                    if password::verify(clear.expose(), old.hash()) && (old.has_keys() || !config.scram) =>
                {
                    None
                }
                (Password::Clear(clear), _) => Some(stored::derive(clear.expose(), config.scram)?),
                (Password::Unsaid, _) => None,
            };
            match (&known, &new) {
                (None, _) => self.add(address, new.as_ref().map(|text| text.as_str()))?,
                (Some(_), Some(new)) => self.set_stored(address, new)?,
                _ => {}
            }
        }
        Ok(())
    }
}

fn unreadable(e: &StoreError) -> Fault {
    Fault::new(format!("cannot read the mailboxes in the store: {e}"))
}

fn missing(address: &str, e: &StoreError) -> Fault {
    match e.kind {
        ErrorKind::NotFound => {
            Fault::new(format!("there is no mailbox {address}; `mailserver user list` shows all"))
        }
        _ => Fault::new(format!("cannot change the mailbox {address}: {e}")),
    }
}
