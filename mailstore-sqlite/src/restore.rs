//! Bringing mailboxes back with their UIDVALIDITY, UIDs and modseqs.

use mailstore_api::{
    AppendSpec, ErrorKind, Flags, InternalDate, MailboxId, MailboxName, ModSeq, Result, SpecialUse,
    StoreError, Uid, UidValidity,
};
use rusqlite::Connection;

use crate::{
    SqliteAccount, SqliteStaged,
    ops::restore::{self, From, Hidden, Placed, Spec},
    queue::Weight,
    txn::Txn,
};

/// A mailbox as [`Restore::mailbox`] makes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RestoredMailbox {
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: SpecialUse,
    /// The UIDVALIDITY it has; at most a year beyond the clock.
    pub uid_validity: UidValidity,
    /// The UID of the first message that comes after the restoration: above all that are restored.
    pub uid_next: u32,
    /// Its highest modseq.
    pub highest_modseq: ModSeq,
}

/// Where the octets of a [`RestoredMessage`] come from.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "some dozens at once, and most are the large one")]
pub enum RestoredFrom {
    /// They were written by [`Restore::stage`], which was told flags and date, and finished.
    Staged(Box<SqliteStaged>),
    /// They are those of a message restored before, and are shared with it, as COPY does.
    CopyOf {
        /// Its mailbox.
        mailbox: MailboxId,
        /// Its UID.
        uid: Uid,
        /// The flags of this message.
        flags: Flags,
        /// The internal date of this message.
        internal_date: InternalDate,
    },
}

/// A message as [`Restore::put`] takes it.
#[derive(Debug)]
pub struct RestoredMessage {
    /// Its UID.
    pub uid: Uid,
    /// The modseq of its last change.
    pub modseq: ModSeq,
    /// When it was saved into its mailbox (RFC 8514); now, where absent.
    pub save_date: Option<InternalDate>,
    /// The unique-id an earlier POP3 server gave it.
    pub pop3_uidl: Option<String>,
    /// Its THREADID (RFC 8474).
    pub thread_id: Option<String>,
    /// Its octets.
    pub from: RestoredFrom,
}

/// A mailbox that an earlier restoration of the same key began.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Unfinished {
    /// Its identity.
    pub id: MailboxId,
    /// The name it is going to have.
    pub name: MailboxName,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The last message that is there.
    pub last: Option<Uid>,
}

/// Mailboxes on their way back into an account. Nobody sees any of them before [`publish`](Self::publish), which shows
/// all in one step; until then every step is durable, and a later process can go on under the same key.
#[derive(Clone, Debug)]
pub struct Restore {
    account: SqliteAccount,
    key: String,
}

impl SqliteAccount {
    /// Begins or goes on with a restoration. The key tells one from another: 1 to 100 ASCII letters and digits.
    ///
    /// # Errors
    /// [`ErrorKind::Cannot`] for another key.
    pub fn restore(&self, key: &str) -> Result<Restore> {
        if key.is_empty() || key.len() > 100 || !key.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(StoreError::new(ErrorKind::Cannot, "no key for a restoration"));
        }
        Ok(Restore { account: self.clone(), key: key.to_owned() })
    }

    /// Whether a restoration of any key was begun and not finished.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_unfinished_restore(&self) -> Result<bool> {
        Ok(!self.hidden(None).await?.is_empty())
    }

    /// Gives up all restorations of this account that are not published.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn abandon_restores(&self) -> Result<()> {
        let account = self.id;
        self.shard
            .write(Weight { rows: 1, bytes: 0 }, move |txn: &mut Txn<'_>| restore::abandon(txn, account))
            .await
    }

    async fn hidden(&self, key: Option<String>) -> Result<Vec<Hidden>> {
        let account = self.id;
        let read = move |conn: &Connection| restore::hidden(conn, account, key.as_deref());
        self.shared.pool.read(self.shard.number, read).await
    }
}

impl Restore {
    /// What is there under this key: begun by this process or an earlier one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let found = self.account.hidden(Some(self.key.clone())).await?;
        Ok(found
            .into_iter()
            .map(|h| Unfinished {
                id: self.account.shard.mailbox_id(h.id),
                name: h.name,
                uid_validity: h.uidvalidity,
                last: h.last.and_then(Uid::new),
            })
            .collect())
    }

    /// Makes a mailbox that nobody sees yet. UIDVALIDITY values the store gives later are greater than its.
    ///
    /// # Errors
    /// [`ErrorKind::Exists`] when this restoration has it already, [`ErrorKind::OverQuota`], [`ErrorKind::Limit`] for a UIDVALIDITY far in the
    /// future, [`ErrorKind::Cannot`] for a UIDNEXT or modseq of 0, [`ErrorKind::NotFound`] without the account.
    pub async fn mailbox(&self, mailbox: &RestoredMailbox) -> Result<MailboxId> {
        let (shared, validity) = (self.account.shared.clone(), mailbox.uid_validity.get());
        self.account.shared.pool.files(move || shared.control.raise_validity(validity)).await?;
        let spec = Spec {
            name: mailbox.name.clone(),
            uses: mailbox.special_use.bits(),
            uidvalidity: validity,
            uidnext: mailbox.uid_next,
            modseq: mailbox.highest_modseq.0,
        };
        let (account, key) = (self.account.id, self.key.clone());
        let op = move |txn: &mut Txn<'_>| restore::begin(txn, account, &key, &spec);
        let id = self.account.shard.write(Weight { rows: 1, bytes: 0 }, op).await?;
        Ok(self.account.shard.mailbox_id(id))
    }

    /// A message to be written. It is of no mailbox until [`put`](Self::put).
    ///
    /// # Errors
    /// [`ErrorKind::TooBig`] by the declared length.
    pub fn stage(&self, spec: AppendSpec) -> Result<SqliteStaged> {
        self.account.shared.check_size(spec.declared_len.unwrap_or(0))?;
        self.account.shared.files.reserve.admit()?;
        Ok(SqliteStaged::new(self.account.shared.clone(), spec))
    }

    /// Puts messages into a mailbox of this restoration, all or none, durably; some dozens at once, so that they
    /// share an fsync. They are ascending by UID, above those that are there and below the mailbox's UIDNEXT.
    ///
    /// # Errors
    /// [`ErrorKind::Cannot`] for a UID out of place, a modseq of 0, or a mailbox that is not being restored,
    /// [`ErrorKind::NotFound`] for one that does not exist or a copy of what does not, [`ErrorKind::Limit`] for too many
    /// keywords, [`ErrorKind::OverQuota`]: what is not published counts.
    pub async fn put(&self, mailbox: &MailboxId, messages: Vec<RestoredMessage>) -> Result<()> {
        let shard = &self.account.shard;
        let number =
            |id: &MailboxId| shard.mailbox_number(id).ok_or_else(|| StoreError::from(ErrorKind::NotFound));
        let mailbox = number(mailbox)?;
        let mut weight = Weight { rows: messages.len() as u64, bytes: 0 };
        let mut placed = Vec::with_capacity(messages.len());
        for m in messages {
            let from = match m.from {
                RestoredFrom::Staged(staged) => From::New(staged.into_message()?),
                RestoredFrom::CopyOf { mailbox, uid, flags, internal_date } => {
                    From::Copy { mailbox: number(&mailbox)?, uid: uid.get(), flags, date: internal_date }
                }
            };
            if let From::New(new) = &from {
                weight.bytes += new.weight();
            }
            placed.push(Placed {
                uid: m.uid.get(),
                modseq: m.modseq.0,
                saved: m.save_date.unwrap_or_else(InternalDate::now).seconds,
                pop3_uidl: m.pop3_uidl,
                thread_id: m.thread_id,
                from,
            });
        }
        let (account, key) = (self.account.id, self.key.clone());
        let op = move |txn: &mut Txn<'_>| restore::put(txn, account, &key, mailbox, &placed);
        shard.write(weight, op).await
    }

    /// Shows all mailboxes of this restoration, in one step. A mailbox that has the name of one of them is
    /// replaced: sessions that have it open see it go, and messages that are in it are moved into the restored one
    /// with new UIDs. Without any mailbox to show, nothing happens.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is shown, and it can be called again.
    pub async fn publish(&self) -> Result<()> {
        let (account, key) = (self.account.id, self.key.clone());
        let op = move |txn: &mut Txn<'_>| restore::publish(txn, account, &key);
        // It may move many rows: on its own.
        self.account.shard.write(Weight { rows: 1_000, bytes: 0 }, op).await
    }
}
