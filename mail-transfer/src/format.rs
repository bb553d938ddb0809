//! What a format is to the engines: a [`Sink`] that mail is written to, a [`Source`] that it is read from.

use mailstore_api::{
    Annotation, Flags, InternalDate, MailboxId, MailboxName, Meta, ModSeq, Rights, SpecialUse, UidValidity,
};

use crate::Result;

/// The SHA-256 of a message's octets.
pub type Digest = [u8; 32];

/// The account, as an export begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountHead {
    /// Its name.
    pub name: String,
    /// Its annotations (RFC 5464).
    pub annotations: Vec<Annotation>,
    /// Names that are subscribed, whether there are mailboxes of them or not.
    pub subscriptions: Vec<MailboxName>,
    /// What it may keep, as the store names it.
    pub quota: Vec<QuotaLimit>,
}

/// A limit of a quota root (RFC 9208).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaLimit {
    /// The root's name.
    pub root: String,
    /// `STORAGE` (units of 1,024 octets), `MESSAGE`, `MAILBOX`.
    pub resource: String,
    /// Units allowed.
    pub limit: u64,
}

/// Who but the owner may do what with a mailbox (RFC 4314): identifiers and their rights.
pub type AccessList = Vec<(String, Rights)>;

/// A mailbox that is exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxHead {
    /// Its name.
    pub name: MailboxName,
    /// Its identity.
    pub id: MailboxId,
    /// Its incarnation.
    pub uid_validity: UidValidity,
    /// The next UID.
    pub uid_next: u32,
    /// Its highest modseq.
    pub highest_modseq: ModSeq,
    /// What it is for.
    pub special_use: SpecialUse,
    /// Whether it is subscribed.
    pub subscribed: bool,
    /// Its keywords.
    pub keywords: Vec<String>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its access list.
    pub acl: AccessList,
}

/// A message about to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageHead {
    /// What the store knows of it.
    pub meta: Meta,
    /// Its octets, exactly.
    pub octets: u64,
    /// The hash of its octets, where [`Sink::wants_digests`].
    pub digest: Option<Digest>,
}

/// Where an export writes. Called in this order: `account`; for each mailbox `mailbox`, then some times `batch` and, for each
/// message of the batch, `message`, `octets` until all are there, `message_end`; then `mailbox_end`; at last `finish`.
/// Calls block on files.
pub trait Sink {
    /// The account.
    ///
    /// # Errors
    /// When it cannot be written; as in every call.
    fn account(&mut self, head: &AccountHead) -> Result<()>;
    /// The next mailbox.
    fn mailbox(&mut self, head: &MailboxHead) -> Result<()>;
    /// Whether [`MessageHead::digest`] is wanted: every message is then read twice.
    fn wants_digests(&self) -> bool {
        false
    }
    /// The next messages, some dozens: those that are written now.
    fn batch(&mut self, messages: &[MessageHead]) -> Result<()> {
        let _ = messages;
        Ok(())
    }
    /// The next message of the batch.
    fn message(&mut self, head: &MessageHead) -> Result<()>;
    /// Its octets, as the store has them.
    fn octets(&mut self, chunk: &[u8]) -> Result<()>;
    /// It is complete.
    fn message_end(&mut self) -> Result<()>;
    /// The mailbox is complete.
    fn mailbox_end(&mut self) -> Result<()>;
    /// All is written. A single file is on the disk then; a file for each message is left to the operating
    /// system.
    fn finish(&mut self) -> Result<()>;
    /// What could not be kept, in words.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// A mailbox that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncomingMailbox {
    /// Its name.
    pub name: MailboxName,
    /// What it is for.
    pub special_use: SpecialUse,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its access list; a mailbox that is there already keeps its own.
    pub acl: AccessList,
    /// Where it was found, for errors.
    pub at: String,
}

/// A message that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IncomingMessage {
    /// Its flags.
    pub flags: Flags,
    /// When it arrived, if that is known.
    pub internal_date: Option<InternalDate>,
    /// Where it was found, for errors: a file, an offset.
    pub at: String,
}

/// What a [`Source`] comes upon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A mailbox; the messages after it are of it.
    Mailbox(IncomingMailbox),
    /// A message: [`Source::octets`] reads it.
    Message(IncomingMessage),
    /// Names that are subscribed.
    Subscriptions(Vec<MailboxName>),
    /// Annotations of the account.
    Annotations(Vec<Annotation>),
}

/// Where an import reads. Calls block on files.
pub trait Source {
    /// The next entry; what was not read of a message is passed over (and checked all the same).
    ///
    /// # Errors
    /// When it is malformed or cut off: nothing can be read after it.
    fn next(&mut self) -> Result<Option<Entry>>;
    /// The next octets of the present message, with CRLF line ends; `None` at its end.
    ///
    /// # Errors
    /// As [`next`](Self::next); also when a checksum is wrong, and then the message must not be kept.
    fn octets(&mut self) -> Result<Option<&[u8]>>;
    /// How far it is, and how far it goes where that is known; in units of its own.
    fn position(&self) -> (u64, Option<u64>);
    /// What was passed over or could not be understood, in words.
    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }
}
