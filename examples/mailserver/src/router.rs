//! Where submitted mail goes: to the mailboxes of this store, and by the smart host, where there is one, to all
//! others.

use std::{collections::BTreeMap, sync::Arc};

use mail_session::{
    auth::Identity,
    submission::{Refusal, Route, Router},
};
use mailstore_api::{MailboxName, Recipient, StoreError};
use mailstore_sqlite::AccountInfo;
use smtp_submit_proto::{ForwardPath, Mailbox, ReversePath, status};
use tokio::task::spawn_blocking;

use crate::{accounts::Accounts, config::Post, live::Live};

/// Delivers to the store's accounts, relays the rest; everybody sends as himself, and as whom his mailbox may.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    accounts: Arc<Accounts>,
    live: Arc<Live>,
}

/// What the configuration says of routes.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    send_as: BTreeMap<String, Vec<String>>,
    /// There is a way to other servers.
    relays: bool,
    /// `user+detail` is `user`'s.
    detail: Option<char>,
}

impl Rules {
    pub(crate) fn new(post: &Post) -> Self {
        Self { send_as: post.send_as.clone(), relays: post.relay.is_some(), detail: post.lmtp.detail }
    }
}

impl Routes {
    pub(crate) const fn new(accounts: Arc<Accounts>, live: Arc<Live>) -> Self {
        Self { accounts, live }
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.live.now().post.routes)
    }

    fn account(&self, mailbox: Mailbox<'_>) -> Result<Option<AccountInfo>, Refusal> {
        let local = mailbox.local_part().unquoted().into_owned();
        let whole = format!("{local}@{}", mailbox.domain());
        // The mailbox that is called so in full comes before the detail of another.
        let user = self.rules().detail.and_then(|sign| local.split_once(sign)).map(|(user, _)| user);
        let short = user.filter(|u| !u.is_empty()).map(|user| format!("{user}@{}", mailbox.domain()));
        // Some microseconds: another thread would cost more.
        let found = match (self.accounts.by_address(&whole), short) {
            (Ok(None), Some(short)) => self.accounts.by_address(&short),
            (found, _) => found,
        };
        found.map_err(|e: StoreError| Refusal::from(&e))
    }

    /// Whether this server has mailboxes of the domain: then all of its mail is for here.
    async fn is_ours(&self, mailbox: Mailbox<'_>) -> Result<bool, Refusal> {
        let (accounts, domain) = (Arc::clone(&self.accounts), mailbox.domain().to_lowercase());
        match spawn_blocking(move || accounts.has_domain(&domain)).await {
            Ok(found) => found.map_err(|e: StoreError| Refusal::from(&e)),
            Err(_) => Err(Refusal::new(status::LOCAL_ERROR, "the recipients cannot be looked up now")),
        }
    }

    async fn find(&self, path: ForwardPath<'_>, relays: bool) -> Result<Route, Refusal> {
        let none = || Refusal::new(status::NO_SUCH_MAILBOX, "no such mailbox here");
        let Some(mailbox) = path.mailbox() else { return Err(none()) };
        if let Some(account) = self.account(mailbox)? {
            return Ok(Route::Local(Recipient {
                account: account.name,
                mailbox: MailboxName::inbox(),
                prefix: Vec::new(),
            }));
        }
        if relays && !self.is_ours(mailbox).await? { Ok(Route::Elsewhere) } else { Err(none()) }
    }
}

impl Router for Routes {
    /// RFC 6409 section 6.1: the address is one of the user's own. A report (`<>`) is nobody's.
    async fn sender(&self, who: Option<&Identity>, reverse_path: ReversePath<'_>) -> Result<(), Refusal> {
        let not_yours = || Refusal::new(status::NOT_ALLOWED, "you may send only as yourself");
        let who = who.ok_or_else(not_yours)?;
        let Some(mailbox) = reverse_path.mailbox() else { return Ok(()) };
        let address = mailbox.as_str().to_lowercase();
        let domain = format!("@{}", mailbox.domain().to_lowercase());
        if self
            .rules()
            .send_as
            .get(&who.account)
            .is_some_and(|list| list.iter().any(|a| *a == address || *a == domain))
        {
            return Ok(());
        }
        match self.account(mailbox)? {
            Some(account) if account.name == who.account => Ok(()),
            _ => Err(not_yours()),
        }
    }

    /// Only who has logged in sends elsewhere.
    async fn recipient(
        &self,
        who: Option<&Identity>,
        forward_path: ForwardPath<'_>,
    ) -> Result<Route, Refusal> {
        self.find(forward_path, self.rules().relays && who.is_some()).await
    }

    async fn route(&self, forward_path: ForwardPath<'_>) -> Result<Route, Refusal> {
        self.find(forward_path, self.rules().relays).await
    }

    async fn verify(&self, who: Option<&Identity>, text: &str) -> Result<Option<String>, Refusal> {
        let text = text.trim_matches(['<', '>']);
        let Ok(mailbox) = Mailbox::parse_utf8(text) else { return Ok(None) };
        match self.find(ForwardPath::Mailbox(mailbox), who.is_some()).await? {
            Route::Local(recipient) => Ok(Some(format!("<{}>", recipient.account))),
            _ => Ok(None),
        }
    }
}
