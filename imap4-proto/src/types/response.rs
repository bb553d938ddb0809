use core::fmt;

use super::{
    AString, AclEntry, CapabilityList, Code, EsearchItem, Fetched, FlagList, IdParameters, ListOf, Listed,
    MailboxArg, MetadataData, Namespaces, Numbers, QuotaResource, Rights, SequenceSet, StatusData, Threads,
    UrlData,
};

/// One response of a server (RFC 9051 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response<'b> {
    /// `tag OK`, `NO` or `BAD`: a command is complete.
    Tagged {
        /// The command's tag.
        tag: &'b str,
        /// How it went.
        status: Status,
        /// Code and words.
        text: ResponseText<'b>,
    },
    /// `+`: the server waits for more of a command. The words may be a SASL challenge in base64.
    Continue(ResponseText<'b>),
    /// `* OK`, `NO`, `BAD`, `PREAUTH` or `BYE`
    Condition {
        /// Which of them.
        status: Status,
        /// Code and words.
        text: ResponseText<'b>,
    },
    /// `* CAPABILITY`
    Capability(CapabilityList<'b>),
    /// `* ENABLED` (RFC 5161)
    Enabled(CapabilityList<'b>),
    /// `* FLAGS`
    Flags(FlagList<'b>),
    /// `* LIST`
    List(Listed<'b>),
    /// `* LSUB`
    Lsub(Listed<'b>),
    /// `* STATUS`
    Status {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Its figures.
        data: StatusData<'b>,
    },
    /// `* SEARCH`
    Search {
        /// What was found.
        found: Numbers<'b>,
        /// The greatest modseq among it (RFC 7162 section 3.1.6).
        modseq: Option<u64>,
    },
    /// `* ESEARCH`
    Esearch(Esearch<'b>),
    /// `* n EXISTS`
    Exists(u32),
    /// `* n RECENT` (RFC 3501)
    Recent(u32),
    /// `* n EXPUNGE`
    Expunge(u32),
    /// `* VANISHED` (RFC 7162 section 3.2.10)
    Vanished {
        /// `(EARLIER)`: it answers a question, and is no news.
        earlier: bool,
        /// Which UIDs.
        uids: SequenceSet<'b>,
    },
    /// `* n FETCH`
    Fetch(Fetched<'b>),
    /// `* NAMESPACE` (RFC 2342)
    Namespace {
        /// The user's own.
        personal: Namespaces<'b>,
        /// Other users'.
        other_users: Namespaces<'b>,
        /// Shared ones.
        shared: Namespaces<'b>,
    },
    /// `* ID` (RFC 2971)
    Id(IdParameters<'b>),
    /// `* n UIDFETCH` (RFC 9586 section 3.3): FETCH, with a UID for the message's number.
    UidFetch(Fetched<'b>),
    /// `* SORT` (RFC 5256 section 4)
    Sort {
        /// What was found, in the order asked for.
        found: Numbers<'b>,
        /// The greatest modseq among it (RFC 7162 section 3.1.6).
        modseq: Option<u64>,
    },
    /// `* THREAD` (RFC 5256 section 4)
    Thread(Threads<'b>),
    /// `* QUOTA` (RFC 9208 section 4.2.1)
    Quota {
        /// The quota root.
        root: AString<'b>,
        /// Its resources; there may be none (RFC 2087).
        resources: ListOf<'b, QuotaResource<'b>>,
    },
    /// `* QUOTAROOT` (RFC 9208 section 4.2.2)
    QuotaRoot {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Its quota roots.
        roots: ListOf<'b, AString<'b>>,
    },
    /// `* METADATA` (RFC 5464 section 4.4)
    Metadata {
        /// Whose; the empty name is the server.
        mailbox: MailboxArg<'b>,
        /// Entries with their values, or names of those that have changed.
        data: MetadataData<'b>,
    },
    /// `* ACL` (RFC 4314 section 3.6)
    Acl {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Its access list.
        entries: ListOf<'b, AclEntry<'b>>,
    },
    /// `* LISTRIGHTS` (RFC 4314 section 3.7)
    ListRights {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Whose rights.
        identifier: AString<'b>,
        /// Those it always has.
        required: Rights,
        /// Those it can be given: the rights of each group only together.
        optional: ListOf<'b, Rights>,
    },
    /// `* MYRIGHTS` (RFC 4314 section 3.8)
    MyRights {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// The user's rights.
        rights: Rights,
    },
    /// `* GENURLAUTH` (RFC 4467 section 8): the URLs, authorized.
    GenUrlAuth(ListOf<'b, AString<'b>>),
    /// `* URLFETCH` (RFC 4467 section 8): URLs and their octets.
    UrlFetch(ListOf<'b, UrlData<'b>>),
    /// `* JMAPACCESS` (RFC 9698 section 4): the JMAP session's URL.
    JmapAccess(AString<'b>),
    /// An untagged response this crate has no type for: its text after `* `.
    Other(&'b [u8]),
}

/// How a command went, or what the server says of its own (RFC 9051 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Success, or information.
    Ok,
    /// Failure, or a warning.
    No,
    /// It was no command, or has no place.
    Bad,
    /// A greeting: the client is authenticated already.
    PreAuth,
    /// The server closes the connection.
    Bye,
}

impl Status {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::PreAuth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }
}

/// `resp-text` (RFC 9051 section 9): a code for programs, words for people.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseText<'b> {
    /// The code in brackets.
    pub code: Option<ResponseCode<'b>>,
    /// The words, as they came: mostly ASCII, UTF-8 where that was negotiated.
    pub words: &'b [u8],
}

impl<'b> ResponseText<'b> {
    /// Words, with or without a code.
    #[must_use]
    pub const fn new(code: Option<ResponseCode<'b>>, words: &'b [u8]) -> Self {
        Self { code, words }
    }
}

impl fmt::Debug for ResponseText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "[{code:?}] {}", self.words.escape_ascii()),
            None => write!(f, "{}", self.words.escape_ascii()),
        }
    }
}

/// A response code as a client reads it. What is a list borrows the frame as validated text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseCode<'b> {
    /// A code without a list: those of [`Code`] with no or one argument, and unknown ones.
    Plain(Code<'b>),
    /// `CAPABILITY`
    Capability(CapabilityList<'b>),
    /// `PERMANENTFLAGS`; `\*` is in it as an extension of this name.
    PermanentFlags(FlagList<'b>),
    /// `BADCHARSET`: the charsets the server has, in their text.
    BadCharset(&'b [u8]),
    /// `APPENDUID` (RFC 4315)
    AppendUid {
        /// The target's incarnation.
        uid_validity: u32,
        /// The new UIDs, in the order of the messages.
        uids: SequenceSet<'b>,
    },
    /// `COPYUID` (RFC 4315)
    CopyUid {
        /// The target's incarnation.
        uid_validity: u32,
        /// UIDs in the source.
        from: SequenceSet<'b>,
        /// UIDs in the target.
        to: SequenceSet<'b>,
    },
    /// `MODIFIED` (RFC 7162)
    Modified(SequenceSet<'b>),
}

/// `esearch-response` (RFC 9051 section 7.3.4)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Esearch<'b> {
    /// The tag of the command it answers.
    pub tag: Option<AString<'b>>,
    /// Where it was found (RFC 7377).
    pub mailbox: Option<MailboxArg<'b>>,
    /// That mailbox's incarnation.
    pub uid_validity: Option<u32>,
    /// Whether the numbers are UIDs.
    pub uid: bool,
    /// `MIN`
    pub min: Option<u32>,
    /// `MAX`
    pub max: Option<u32>,
    /// `COUNT`
    pub count: Option<u32>,
    /// `ALL`
    pub all: Option<SequenceSet<'b>>,
    /// `MODSEQ` (RFC 7162 section 3.1.10)
    pub modseq: Option<u64>,
    /// Return data of other extensions, in the order they were written.
    pub more: ListOf<'b, EsearchItem<'b>>,
}
