use super::{ListOf, NotifyEvent, SystemFlags, UrlMechanism};

/// A response code (RFC 9051 section 7.1, RFC 5530, and those of the extensions).
///
/// Sets of UIDs are inclusive ranges, written in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code<'a> {
    /// The text must be shown to the user.
    Alert,
    /// SEARCH: the charsets that are supported.
    BadCharset(&'a [&'a str]),
    /// The capabilities, as the machine's state has them.
    Capability,
    /// A message's header could not be read.
    Parse,
    /// What flags can be changed for good.
    PermanentFlags {
        /// System flags.
        system: SystemFlags,
        /// Keywords.
        keywords: &'a [&'a str],
        /// `\*`: new keywords can be made.
        new_keywords: bool,
    },
    /// The mailbox is selected read-only.
    ReadOnly,
    /// The mailbox is selected read-write.
    ReadWrite,
    /// The target mailbox does not exist, but CREATE could make it.
    TryCreate,
    /// The next UID.
    UidNext(u32),
    /// The mailbox's incarnation.
    UidValidity(u32),
    /// The first message without `\Seen`, by number (RFC 3501 only).
    Unseen(u32),
    /// APPEND: the target's UIDVALIDITY and the new messages' UIDs (RFC 4315 section 3).
    AppendUid {
        /// The target's incarnation.
        uid_validity: u32,
        /// The new UIDs, in the order of the messages.
        uids: &'a [(u32, u32)],
    },
    /// COPY, MOVE: which UIDs became which (RFC 4315 section 3).
    CopyUid {
        /// The target's incarnation.
        uid_validity: u32,
        /// UIDs in the source.
        from: &'a [(u32, u32)],
        /// UIDs in the target, one for each of `from`, in the same order.
        to: &'a [(u32, u32)],
    },
    /// UIDs do not persist.
    UidNotSticky,
    /// The mailbox's greatest modseq (RFC 7162 section 3.1.2.1).
    HighestModSeq(u64),
    /// The mailbox keeps no modseqs (RFC 7162 section 3.1.2.2).
    NoModSeq,
    /// STORE UNCHANGEDSINCE: these messages had changed (RFC 7162 section 3.1.3).
    Modified(&'a [(u32, u32)]),
    /// What follows concerns the newly selected mailbox (RFC 7162 section 3.2.11).
    Closed,
    /// A subsystem is down for the moment.
    Unavailable,
    /// Wrong credentials.
    AuthenticationFailed,
    /// Right credentials, wrong authorization identity.
    AuthorizationFailed,
    /// The password has expired.
    Expired,
    /// Not without encryption.
    PrivacyRequired,
    /// The user should ask the administrator.
    ContactAdmin,
    /// The access list forbids it.
    NoPerm,
    /// Another session holds it.
    InUse,
    /// Messages were expunged by another session (RFC 2180).
    ExpungeIssued,
    /// The store is damaged.
    Corruption,
    /// The server is at fault.
    ServerBug,
    /// The client is at fault.
    ClientBug,
    /// It can never be done.
    Cannot,
    /// A limit is reached.
    Limit,
    /// The quota is or would be exceeded.
    OverQuota,
    /// CREATE, RENAME: the name is taken.
    AlreadyExists,
    /// There is no such thing.
    NonExistent,
    /// SAVE: the result was not saved (RFC 5182).
    NotSaved,
    /// DELETE: it has children.
    HasChildren,
    /// BINARY: the part's transfer encoding is unknown (RFC 3516).
    UnknownCte,
    /// APPEND: the message is too large (RFC 4469, RFC 7889).
    TooBig,
    /// CREATE: a special use cannot be given (RFC 6154 section 6).
    UseAttr,
    /// The mailbox's identifier (RFC 8474 section 4.1).
    MailboxId(&'a str),
    /// COMPRESS: another layer compresses already (RFC 4978 section 3).
    CompressionActive,
    /// The search of this tag is not kept up to date (RFC 5267 section 4.3.1).
    NoUpdate(&'a str),
    /// CATENATE: this URL cannot be had (RFC 4469 section 4).
    BadUrl(&'a str),
    /// RESETKEY: the mechanisms there are (RFC 4467 section 8).
    UrlMech(ListOf<'a, UrlMechanism<'a>>),
    /// NOTIFY: too much happens, or is asked for; nothing more is told (RFC 5465 section 5.8).
    NotificationOverflow,
    /// NOTIFY: an event is not supported; these are (RFC 5465 section 3.1).
    BadEvent(ListOf<'a, NotifyEvent<'a>>),
    /// GETMETADATA: the longest value that was over MAXSIZE, in octets (RFC 5464 section 4.2.1).
    MetadataLongEntries(u32),
    /// SETMETADATA: a value is too long; the most octets there may be (RFC 5464 section 4.3).
    MetadataMaxSize(u32),
    /// SETMETADATA: there are too many entries.
    MetadataTooMany,
    /// SETMETADATA: there are no private entries here.
    MetadataNoPrivate,
    /// A command takes long (RFC 9585).
    InProgress(Option<Progress<'a>>),
    /// Message numbers are not allowed after ENABLE UIDONLY (RFC 9586).
    UidRequired,
    /// Only so many messages were dealt with (RFC 9738 section 3.1).
    MessageLimit {
        /// How many at most.
        limit: u32,
        /// The lowest UID that was dealt with, where known.
        uid: Option<u32>,
    },
    /// Any other: an atom, and its arguments where it has some. Characters that would end it are left out.
    Other(&'a str, Option<&'a str>),
}

/// How far a command is (RFC 9585 section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// The command's tag.
    pub tag: Option<&'a str>,
    /// How much is done.
    pub done: Option<u32>,
    /// Of how much; only together with `done`.
    pub goal: Option<u32>,
}

impl<'a> Progress<'a> {
    /// So much is done of so much.
    #[must_use]
    pub const fn new(tag: Option<&'a str>, done: Option<u32>, goal: Option<u32>) -> Self {
        Self { tag, done, goal }
    }
}
