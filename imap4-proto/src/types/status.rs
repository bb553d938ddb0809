use super::bits;

bits! {
    /// Figures a STATUS command asks for (RFC 9051 section 6.3.11).
    StatusItems(u16) {
        /// `MESSAGES`
        MESSAGES = 1;
        /// `RECENT` (RFC 3501 only)
        RECENT = 2;
        /// `UIDNEXT`
        UIDNEXT = 4;
        /// `UIDVALIDITY`
        UIDVALIDITY = 8;
        /// `UNSEEN`
        UNSEEN = 16;
        /// `DELETED` (IMAP4rev2)
        DELETED = 32;
        /// `SIZE` (RFC 8438, IMAP4rev2)
        SIZE = 64;
        /// `HIGHESTMODSEQ` (RFC 7162 section 3.1.7)
        HIGHESTMODSEQ = 128;
        /// `APPENDLIMIT` (RFC 7889)
        APPENDLIMIT = 256;
        /// `MAILBOXID` (RFC 8474 section 4.3)
        MAILBOXID = 512;
        /// `DELETED-STORAGE` (RFC 9208 section 4.1.4)
        DELETED_STORAGE = 1024;
    }
}

/// What a STATUS response says: the fields that are `Some`, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusData<'b> {
    /// Messages.
    pub messages: Option<u32>,
    /// Messages with `\Recent`.
    pub recent: Option<u32>,
    /// The next UID.
    pub uid_next: Option<u32>,
    /// The mailbox's incarnation.
    pub uid_validity: Option<u32>,
    /// Messages without `\Seen`.
    pub unseen: Option<u32>,
    /// Messages with `\Deleted`.
    pub deleted: Option<u32>,
    /// Octets of all messages.
    pub size: Option<u64>,
    /// The greatest modseq.
    pub highest_modseq: Option<u64>,
    /// The greatest message that can be appended, in octets; `Some(None)` is NIL: no limit.
    pub append_limit: Option<Option<u64>>,
    /// Octets of the messages with `\Deleted`, in units of 1024 (RFC 9208 section 4.1.4).
    pub deleted_storage: Option<u64>,
    /// The mailbox's identifier (RFC 8474 section 4).
    pub mailbox_id: Option<&'b str>,
}
