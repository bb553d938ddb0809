use super::SystemFlags;

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
    /// Any other: an atom, and its arguments where it has some. Characters that would end it are left out.
    Other(&'a str, Option<&'a str>),
}
