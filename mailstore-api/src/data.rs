use std::collections::BTreeSet;

use crate::{
    Flags, MailboxId, MailboxName, ModSeq, Rights, SpecialUse, Uid, UidSet, UidValidity, flags::bits,
};

/// When a message arrived (RFC 9051 section 2.3.3): the instant, and the zone it was given in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct InternalDate {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

impl InternalDate {
    /// The host's present time, in UTC.
    #[must_use]
    pub fn now() -> Self {
        let seconds = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX));
        Self { seconds, zone_minutes: 0 }
    }
}

/// One mailbox as LIST sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxInfo {
    /// Its identity; `None` for a name that is only subscribed, or only a parent of others.
    pub id: Option<MailboxId>,
    /// Its name.
    pub name: MailboxName,
    /// Whether it can be selected.
    pub selectable: bool,
    /// Whether the account subscribes to it.
    pub subscribed: bool,
    /// What it is for.
    pub special_use: SpecialUse,
    /// What the account may do with it.
    pub rights: Rights,
}

impl MailboxInfo {
    /// A mailbox of an account's own, not subscribed to.
    #[must_use]
    pub const fn owned(id: MailboxId, name: MailboxName, special_use: SpecialUse) -> Self {
        Self { id: Some(id), name, selectable: true, subscribed: false, special_use, rights: Rights::OWNER }
    }

    /// What [`Account::list`](crate::Account::list) answers, of the mailboxes there are: which of them are subscribed, and the names
    /// that are only subscribed or only a parent of others.
    #[must_use]
    pub fn complete(mut mailboxes: Vec<Self>, subscribed: &BTreeSet<MailboxName>) -> Vec<Self> {
        let mut others = subscribed.clone();
        for mailbox in &mut mailboxes {
            mailbox.subscribed = subscribed.contains(&mailbox.name);
            others.extend(mailbox.name.parents());
        }
        for mailbox in &mailboxes {
            others.remove(&mailbox.name);
        }
        mailboxes.extend(others.into_iter().map(|name| Self {
            id: None,
            selectable: false,
            subscribed: subscribed.contains(&name),
            special_use: SpecialUse::NONE,
            rights: Rights::OWNER,
            name,
        }));
        mailboxes
    }
}

bits! {
    /// Which [`Status`] fields are wanted; the others may be anything.
    StatusItems(u32) {
        /// The number of messages.
        MESSAGES = 1;
        /// The number without `\Seen`.
        UNSEEN = 2;
        /// The number with `\Deleted`.
        DELETED = 4;
        /// The sum of sizes.
        SIZE = 8;
        /// The number that is recent.
        RECENT = 16;
    }
}

/// Figures of one mailbox (RFC 9051 section 6.3.11).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// Which mailbox.
    pub id: MailboxId,
    /// Messages in it.
    pub messages: u32,
    /// Messages without `\Seen`.
    pub unseen: u32,
    /// Messages with `\Deleted`.
    pub deleted: u32,
    /// Messages no session was told of yet (RFC 3501 section 2.3.2), as well as the store knows.
    pub recent: u32,
    /// Octets of all messages.
    pub size: u64,
    /// The next UID: greater than all that were ever given.
    pub uid_next: u32,
    /// Its incarnation.
    pub uid_validity: UidValidity,
    /// The greatest modseq that is visible; 0 where modseqs do not outlast a session (RFC 7162 section 3.1.7).
    pub highest_modseq: ModSeq,
}

/// How a mailbox is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenMode {
    /// SELECT: changes are allowed as far as the rights go.
    Select,
    /// EXAMINE: nothing is changed through this handle.
    Examine,
}

/// A mailbox at one modseq.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// Its incarnation.
    pub uid_validity: UidValidity,
    /// The next UID.
    pub uid_next: u32,
    /// The modseq at which all of this is true; the first cursor for [`Mailbox::changes`](crate::Mailbox::changes).
    pub at: ModSeq,
    /// All messages, ascending.
    pub uids: Vec<Uid>,
    /// The first without `\Seen`.
    pub first_unseen: Option<Uid>,
    /// Keywords in use.
    pub keywords: Vec<String>,
    /// Whether clients may make new keywords (`\*`).
    pub new_keywords_ok: bool,
    /// Whether flags cannot be changed by this account, or the mode was [`OpenMode::Examine`].
    pub read_only: bool,
    /// Whether modseqs survive: else NOMODSEQ (RFC 7162 section 3.1.2.2).
    pub modseq_persistent: bool,
}

/// A message that is new or whose flags changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Which message.
    pub uid: Uid,
    /// The modseq of its last change.
    pub modseq: ModSeq,
    /// Its flags now.
    pub flags: Flags,
}

/// Everything after a cursor, in one consistent cut.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// New and changed messages that are there, ascending by UID.
    pub changed: Vec<Change>,
    /// UIDs that are gone; may hold UIDs that never were.
    pub vanished: UidSet,
    /// The next UID.
    pub uid_next: u32,
    /// The cursor for the next call.
    pub upto: ModSeq,
    /// There is more: call again from `upto`.
    pub more: bool,
}

bits! {
    /// Which [`Meta`] fields are wanted; the others may be anything.
    MetaItems(u32) {
        /// Flags and modseq.
        FLAGS = 1;
        /// The size, and whether the last line is ended.
        SIZE = 2;
        /// The internal date.
        INTERNAL_DATE = 4;
        /// The remembered ENVELOPE.
        ENVELOPE = 8;
        /// The remembered BODYSTRUCTURE.
        BODY_STRUCTURE = 16;
        /// The remembered PREVIEW.
        PREVIEW = 32;
        /// EMAILID and THREADID (RFC 8474).
        OBJECT_IDS = 64;
        /// The stored POP3 unique-id of a migrated message.
        POP3_UIDL = 128;
        /// When it was saved into this mailbox (RFC 8514).
        SAVE_DATE = 256;
    }
}

/// What is known of a message without reading its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meta {
    /// Which message.
    pub uid: Uid,
    /// The modseq of its last change.
    pub modseq: ModSeq,
    /// Its flags.
    pub flags: Flags,
    /// When it arrived.
    pub internal_date: InternalDate,
    /// Octets of the message.
    pub size: u64,
    /// Whether it ends with CRLF. POP3 adds the missing two octets, in LIST as in RETR.
    pub ends_with_crlf: bool,
    /// What else was asked for and is there.
    pub more: Option<Box<Derived>>,
}

/// The rarer parts of [`Meta`], and what [`Mailbox::remember`](crate::Mailbox::remember) offers for keeping.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Derived {
    /// ENVELOPE in the library's encoding; opaque to the store.
    pub envelope: Option<bytes::Bytes>,
    /// BODYSTRUCTURE in the library's encoding; opaque to the store.
    pub body_structure: Option<bytes::Bytes>,
    /// PREVIEW (RFC 8970).
    pub preview: Option<String>,
    /// EMAILID (RFC 8474): the same for every copy of a message.
    pub email_id: Option<String>,
    /// THREADID (RFC 8474).
    pub thread_id: Option<String>,
    /// The unique-id an earlier POP3 server gave.
    pub pop3_uidl: Option<String>,
    /// When it was saved into this mailbox.
    pub save_date: Option<InternalDate>,
}

/// An answer of [`Mailbox::meta`](crate::Mailbox::meta).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetaBatch {
    /// The messages, ascending by UID.
    pub items: Vec<Meta>,
    /// The limit was reached, or the store gives so many at once: ask again for those of the set beyond this UID.
    pub resume_after: Option<Uid>,
}

/// Which octets of a message [`Mailbox::body`](crate::Mailbox::body) opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Part {
    /// The whole message.
    Whole,
    /// The header with the empty line after it.
    Header,
    /// What follows the header.
    Text,
}

/// What STORE does with the given flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagOp {
    /// Add them.
    Add,
    /// Take them away.
    Remove,
    /// Make them the message's flags.
    Replace,
}

/// What a flag change did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FlagOutcome {
    /// Every message of the set that exists and did not conflict, ascending, with its flags now. Where
    /// nothing changed, the modseq is the old one.
    pub changed: Vec<Change>,
    /// Not touched: changed after `unchanged_since`.
    pub conflicted: UidSet,
    /// The mailbox's modseq after it.
    pub at: ModSeq,
}

/// What an expunge did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ExpungeOutcome {
    /// UIDs that are gone by it.
    pub vanished: UidSet,
    /// The mailbox's modseq after it.
    pub at: ModSeq,
}

/// What a copy or move did (RFC 4315 COPYUID).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopyOutcome {
    /// The target's incarnation.
    pub dest_validity: UidValidity,
    /// (source, target), ascending by source. Empty: none of the set exists any more.
    pub pairs: Vec<(Uid, Uid)>,
    /// The source's modseq after it.
    pub source_at: ModSeq,
}

/// A message about to be written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AppendSpec {
    /// Its first flags.
    pub flags: Flags,
    /// When it arrived; now, where absent.
    pub internal_date: Option<InternalDate>,
    /// Its octets, where known: the store refuses early what it would refuse late. Not given for a message that
    /// replaces another (RFC 8508): whether it fits the quota is known only in the step that removes the old one.
    pub declared_len: Option<u64>,
}

/// REPLACE (RFC 8508): the message that goes when the new one comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replaces {
    /// Its mailbox.
    pub mailbox: MailboxId,
    /// Its UID.
    pub uid: Uid,
}

/// What a commit did (RFC 4315 APPENDUID).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendOutcome {
    /// The mailbox's incarnation.
    pub uid_validity: UidValidity,
    /// The new UIDs, in the order of the staged messages.
    pub uids: Vec<Uid>,
    /// The mailbox's modseq after it.
    pub at: ModSeq,
}

/// Where a delivery goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipient {
    /// The account, as [`MailStore::open_account`](crate::MailStore::open_account) takes it.
    pub account: String,
    /// The mailbox; INBOX mostly.
    pub mailbox: MailboxName,
    /// Octets that stand before the message for this recipient alone (`Delivered-To:`); may be empty.
    pub prefix: Vec<u8>,
}

/// What a [`Watch`](crate::Watch) looks at.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Interest {
    /// Every mailbox and the hierarchy.
    Account,
    /// These mailboxes.
    Mailboxes(Vec<MailboxId>),
}

/// Something may have changed: never the truth, only a reason to ask for [`Changes`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Hint {
    /// In these mailboxes.
    Mailboxes(Vec<MailboxId>),
    /// The list of mailboxes, or subscriptions.
    Hierarchy,
    /// Anything anywhere.
    Everything,
    /// The store goes away; the session should end.
    Closed,
}
