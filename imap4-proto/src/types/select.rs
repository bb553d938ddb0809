use super::{MailboxArg, SequenceSet};

/// SELECT or EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Select<'b> {
    /// Which mailbox.
    pub mailbox: MailboxArg<'b>,
    /// Whether it is EXAMINE.
    pub read_only: bool,
    /// `(CONDSTORE)` (RFC 7162 section 3.1.8).
    pub condstore: bool,
    /// `(QRESYNC (...))` (RFC 7162 section 3.2.5).
    pub qresync: Option<QResync<'b>>,
}

impl<'b> Select<'b> {
    /// SELECT without parameters.
    #[must_use]
    pub const fn new(mailbox: MailboxArg<'b>, read_only: bool) -> Self {
        Self { mailbox, read_only, condstore: false, qresync: None }
    }
}

/// What the client still knows of the mailbox (RFC 7162 section 3.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QResync<'b> {
    /// The last known UIDVALIDITY.
    pub uid_validity: u32,
    /// The last known modseq.
    pub modseq: u64,
    /// The UIDs the client knows.
    pub known_uids: Option<SequenceSet<'b>>,
    /// Message numbers and the UIDs they stood for, of equal length.
    pub sequence_match: Option<(SequenceSet<'b>, SequenceSet<'b>)>,
}

impl QResync<'_> {
    /// With the two required arguments.
    #[must_use]
    pub const fn new(uid_validity: u32, modseq: u64) -> Self {
        Self { uid_validity, modseq, known_uids: None, sequence_match: None }
    }
}
