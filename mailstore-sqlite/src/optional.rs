//! Quota, access lists and annotations of an account.

use mailstore_api::{
    Acl, Annotation, BoxFuture, ErrorKind, MailboxId, Metadata, MetadataLimits, Quota, QuotaLimits, QuotaUse,
    Result, Rights, StoreError, check_identifier,
};
use rusqlite::Connection;

use crate::{
    SqliteAccount,
    error::Res,
    ops::{notes, quota},
    queue::Weight,
    txn::Txn,
};

impl SqliteAccount {
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection, i64) -> Res<T> + Send + 'static,
    ) -> Result<T> {
        let account = self.id;
        self.shared.pool.read(self.shard.number, move |conn| look(conn, account)).await
    }

    async fn note(&self, op: impl FnOnce(&mut Txn<'_>, i64) -> Res<()> + Send + 'static) -> Result<()> {
        let account = self.id;
        self.shard.write(Weight { rows: 1, bytes: 0 }, move |txn| op(txn, account)).await
    }

    async fn uses(&self) -> Result<Vec<QuotaUse>> {
        let found = self.look(quota::read).await?;
        let (limits, used) = found.ok_or_else(|| StoreError::from(ErrorKind::NotFound))?;
        Ok(limits.uses(&used))
    }

    /// The account's name.
    async fn owner(&self) -> Result<String> {
        let (shared, id) = (self.shared.clone(), self.id);
        let name = self.shared.pool.files(move || shared.control.name(id)).await?;
        name.ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Quota for SqliteAccount {
    fn roots<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        Box::pin(async move {
            match self.shard.has_mailbox(self.id, self.number(id, ErrorKind::NotFound)?)? {
                true => self.uses().await,
                false => Err(ErrorKind::NotFound.into()),
            }
        })
    }

    fn root<'a>(&'a self, root: &'a str) -> BoxFuture<'a, Result<Vec<QuotaUse>>> {
        Box::pin(async move {
            match root {
                QuotaLimits::ROOT => self.uses().await,
                _ => Err(ErrorKind::NotFound.into()),
            }
        })
    }

    fn set<'a>(&'a self, _: &'a str, _: &'a [(String, u64)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(StoreError::new(ErrorKind::NoPerm, "the administrator sets limits")) })
    }
}

impl Acl for SqliteAccount {
    fn get<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Vec<(String, Rights)>>> {
        Box::pin(async move {
            let mailbox = self.number(id, ErrorKind::NotFound)?;
            let mut list = self.look(move |conn, account| notes::access_list(conn, account, mailbox)).await?;
            list.insert(0, (self.owner().await?, Rights::OWNER));
            Ok(list)
        })
    }

    fn set<'a>(
        &'a self,
        id: &'a MailboxId,
        who: &'a str,
        rights: Option<Rights>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mailbox = self.number(id, ErrorKind::NotFound)?;
            check_identifier(who, &self.owner().await?)?;
            let who = who.to_owned();
            self.note(move |txn, account| notes::set_access(txn, account, mailbox, &who, rights)).await
        })
    }

    fn mine<'a>(&'a self, id: &'a MailboxId) -> BoxFuture<'a, Result<Rights>> {
        Box::pin(async move {
            match self.shard.has_mailbox(self.id, self.number(id, ErrorKind::NotFound)?)? {
                true => Ok(Rights::OWNER),
                false => Err(ErrorKind::NotFound.into()),
            }
        })
    }
}

impl Metadata for SqliteAccount {
    fn get<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [String],
        depth: u8,
    ) -> BoxFuture<'a, Result<Vec<Annotation>>> {
        Box::pin(async move {
            let mailbox = id.map(|id| self.number(id, ErrorKind::NotFound)).transpose()?;
            let entries = entries.to_vec();
            self.look(move |conn, account| notes::annotations(conn, account, mailbox, &entries, depth)).await
        })
    }

    fn set<'a>(
        &'a self,
        id: Option<&'a MailboxId>,
        entries: &'a [(String, Option<Vec<u8>>)],
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mailbox = id.map(|id| self.number(id, ErrorKind::NotFound)).transpose()?;
            let (entries, limits) = (entries.to_vec(), Metadata::limits(self));
            self.note(move |txn, account| notes::annotate(txn, account, mailbox, &entries, &limits)).await
        })
    }

    fn limits(&self) -> MetadataLimits {
        self.shared.options.metadata
    }
}
