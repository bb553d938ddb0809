//! Where submitted mail goes: to the mailboxes of this store. Relaying there is none.

use std::sync::Arc;

use mail_session::{
    auth::Identity,
    submission::{Refusal, Route, Router},
};
use mailstore_api::{MailboxName, Recipient, StoreError};
use mailstore_sqlite::AccountInfo;
use smtp_submit_proto::{ForwardPath, Mailbox, ReversePath, status};
use tokio::task::spawn_blocking;

use crate::accounts::Accounts;

/// Delivers to the store's accounts; everybody sends as himself.
#[derive(Debug)]
pub(crate) struct LocalDelivery {
    accounts: Arc<Accounts>,
}

impl LocalDelivery {
    pub(crate) const fn new(accounts: Arc<Accounts>) -> Self {
        Self { accounts }
    }

    async fn account(&self, mailbox: Mailbox<'_>) -> Result<Option<AccountInfo>, Refusal> {
        let accounts = Arc::clone(&self.accounts);
        let address = format!("{}@{}", mailbox.local_part().unquoted(), mailbox.domain());
        match spawn_blocking(move || accounts.by_address(&address)).await {
            Ok(found) => found.map_err(|e: StoreError| Refusal::from(&e)),
            Err(_) => Err(Refusal::new(status::LOCAL_ERROR, "the recipients cannot be looked up now")),
        }
    }
}

impl Router for LocalDelivery {
    /// RFC 6409 section 6.1: the address is one of the user's own. A report (`<>`) is nobody's.
    async fn sender(&self, who: Option<&Identity>, reverse_path: ReversePath<'_>) -> Result<(), Refusal> {
        let not_yours = || Refusal::new(status::NOT_ALLOWED, "you may send only as yourself");
        let who = who.ok_or_else(not_yours)?;
        let Some(mailbox) = reverse_path.mailbox() else { return Ok(()) };
        match self.account(mailbox).await? {
            Some(account) if account.name == who.account => Ok(()),
            _ => Err(not_yours()),
        }
    }

    async fn recipient(
        &self,
        _who: Option<&Identity>,
        forward_path: ForwardPath<'_>,
    ) -> Result<Route, Refusal> {
        let account = match forward_path.mailbox() {
            Some(mailbox) => self.account(mailbox).await?,
            None => None,
        };
        let account = account.ok_or_else(|| Refusal::new(status::NO_SUCH_MAILBOX, "no such mailbox here"))?;
        Ok(Route::Local(Recipient {
            account: account.name,
            mailbox: MailboxName::inbox(),
            prefix: Vec::new(),
        }))
    }
}
