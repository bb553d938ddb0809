use core::fmt;

use super::bits;
use crate::grammar;

/// The set of capabilities with, for each, the name CAPABILITY shows.
macro_rules! capabilities {
    ($($(#[$doc:meta])* $const:ident = $bit:literal, $name:literal;)*) => {
        bits! {
            /// Capabilities without a value. `AUTH=` and `APPENDLIMIT=` come from the configuration beside.
            Capabilities(u128) {
                $($(#[$doc])* $const = 1u128 << $bit;)*
            }
        }
        impl Capabilities {
            /// Every capability this crate has a name for, in the order CAPABILITY shows them.
            pub(crate) const NAMES: &'static [(Self, &'static str)] = &[$((Self::$const, $name)),*];
        }
    };
}

capabilities! {
    /// RFC 3501
    IMAP4REV1 = 0, "IMAP4rev1";
    /// RFC 9051
    IMAP4REV2 = 1, "IMAP4rev2";
    /// RFC 4959: initial response to AUTHENTICATE.
    SASL_IR = 2, "SASL-IR";
    /// RFC 7888: non-synchronizing literals of any length.
    LITERAL_PLUS = 3, "LITERAL+";
    /// RFC 7888: non-synchronizing literals up to 4096 octets.
    LITERAL_MINUS = 4, "LITERAL-";
    /// RFC 2971
    ID = 5, "ID";
    /// RFC 5161
    ENABLE = 6, "ENABLE";
    /// RFC 2177
    IDLE = 7, "IDLE";
    /// RFC 2342
    NAMESPACE = 8, "NAMESPACE";
    /// RFC 3691
    UNSELECT = 9, "UNSELECT";
    /// RFC 4315
    UIDPLUS = 10, "UIDPLUS";
    /// RFC 6851
    MOVE = 11, "MOVE";
    /// RFC 3348
    CHILDREN = 12, "CHILDREN";
    /// RFC 6154
    SPECIAL_USE = 13, "SPECIAL-USE";
    /// RFC 6154 section 3
    CREATE_SPECIAL_USE = 14, "CREATE-SPECIAL-USE";
    /// RFC 5258
    LIST_EXTENDED = 15, "LIST-EXTENDED";
    /// RFC 5819
    LIST_STATUS = 16, "LIST-STATUS";
    /// RFC 8438
    STATUS_SIZE = 17, "STATUS=SIZE";
    /// RFC 4731
    ESEARCH = 18, "ESEARCH";
    /// RFC 5182
    SEARCHRES = 19, "SEARCHRES";
    /// RFC 3516
    BINARY = 20, "BINARY";
    /// RFC 3502
    MULTIAPPEND = 21, "MULTIAPPEND";
    /// RFC 7162 section 3.1
    CONDSTORE = 22, "CONDSTORE";
    /// RFC 7162 section 3.2
    QRESYNC = 23, "QRESYNC";
    /// RFC 6855
    UTF8_ACCEPT = 24, "UTF8=ACCEPT";
    /// RFC 7889; shown with the configured limit.
    APPENDLIMIT = 25, "APPENDLIMIT";
    /// RFC 5032: OLDER and YOUNGER.
    WITHIN = 26, "WITHIN";
    /// RFC 5256
    SORT = 27, "SORT";
    /// RFC 5957
    SORT_DISPLAY = 28, "SORT=DISPLAY";
    /// RFC 5256: THREAD by base subject.
    THREAD_ORDEREDSUBJECT = 29, "THREAD=ORDEREDSUBJECT";
    /// RFC 5256: THREAD by References.
    THREAD_REFERENCES = 30, "THREAD=REFERENCES";
    /// RFC 5267 section 3
    ESORT = 31, "ESORT";
    /// RFC 5267 section 4
    CONTEXT_SEARCH = 32, "CONTEXT=SEARCH";
    /// RFC 5267 section 4
    CONTEXT_SORT = 33, "CONTEXT=SORT";
    /// RFC 9394
    PARTIAL = 34, "PARTIAL";
    /// RFC 8514
    SAVEDATE = 35, "SAVEDATE";
    /// RFC 8970
    PREVIEW = 36, "PREVIEW";
    /// RFC 8474
    OBJECTID = 37, "OBJECTID";
    /// RFC 8508
    REPLACE = 38, "REPLACE";
    /// RFC 9208, RFC 2087
    QUOTA = 39, "QUOTA";
    /// RFC 9208: SETQUOTA.
    QUOTASET = 40, "QUOTASET";
    /// RFC 9208 section 5.1
    QUOTA_STORAGE = 41, "QUOTA=RES-STORAGE";
    /// RFC 9208 section 5.2
    QUOTA_MESSAGE = 42, "QUOTA=RES-MESSAGE";
    /// RFC 9208 section 5.3
    QUOTA_MAILBOX = 43, "QUOTA=RES-MAILBOX";
    /// RFC 9208 section 5.4
    QUOTA_ANNOTATION_STORAGE = 44, "QUOTA=RES-ANNOTATION-STORAGE";
    /// RFC 5464: metadata of mailboxes and of the server.
    METADATA = 45, "METADATA";
    /// RFC 5464: metadata of the server alone.
    METADATA_SERVER = 46, "METADATA-SERVER";
    /// RFC 4314; `RIGHTS=texk` is shown with it.
    ACL = 47, "ACL";
    /// RFC 4978
    COMPRESS_DEFLATE = 48, "COMPRESS=DEFLATE";
    /// RFC 8437
    UNAUTHENTICATE = 49, "UNAUTHENTICATE";
    /// RFC 5465
    NOTIFY = 50, "NOTIFY";
    /// RFC 9585
    INPROGRESS = 51, "INPROGRESS";
    /// RFC 9586
    UIDONLY = 52, "UIDONLY";
    /// RFC 9738; shown where a limit is configured, with it.
    MESSAGELIMIT = 53, "MESSAGELIMIT";
    /// RFC 9738; shown where a limit is configured, with it.
    SAVELIMIT = 54, "SAVELIMIT";
    /// RFC 4469
    CATENATE = 55, "CATENATE";
    /// RFC 4467
    URLAUTH = 56, "URLAUTH";
    /// RFC 7377
    MULTISEARCH = 57, "MULTISEARCH";
    /// RFC 9590
    LIST_METADATA = 58, "LIST-METADATA";
    /// RFC 8440
    LIST_MYRIGHTS = 59, "LIST-MYRIGHTS";
    /// RFC 6203
    SEARCH_FUZZY = 60, "SEARCH=FUZZY";
    /// RFC 9698
    JMAPACCESS = 61, "JMAPACCESS";
}

impl Capabilities {
    /// What one of IMAP4rev2's base protocol parts is without its own capability (RFC 9051 appendix E).
    pub const REV2_BASE: Self = Self::NAMESPACE
        .and(Self::UNSELECT)
        .and(Self::UIDPLUS)
        .and(Self::ESEARCH)
        .and(Self::SEARCHRES)
        .and(Self::ENABLE)
        .and(Self::IDLE)
        .and(Self::SASL_IR)
        .and(Self::LIST_EXTENDED)
        .and(Self::LIST_STATUS)
        .and(Self::MOVE)
        .and(Self::LITERAL_MINUS)
        .and(Self::BINARY)
        .and(Self::SPECIAL_USE)
        .and(Self::STATUS_SIZE)
        .and(Self::CHILDREN);

    /// What ENABLE can turn on (RFC 5161 section 3.1).
    pub const ENABLEABLE: Self = Self::IMAP4REV2
        .and(Self::CONDSTORE)
        .and(Self::QRESYNC)
        .and(Self::UTF8_ACCEPT)
        .and(Self::METADATA)
        .and(Self::METADATA_SERVER)
        .and(Self::UIDONLY);

    /// The capability of this name, in any case; `None` for one without a place in this set.
    #[must_use]
    pub fn by_name(name: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| n.as_bytes().eq_ignore_ascii_case(name)).map(|(c, _)| *c)
    }

    /// The names of those in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().filter(move |(c, _)| self.contains(*c)).map(|(_, n)| *n)
    }

    /// The set with all that its members bring with them: IMAP4rev2's base, CONDSTORE for QRESYNC, SORT and ESORT for CONTEXT=SORT
    /// (RFC 5267 section 4.1), ENABLE for what must be enabled.
    #[must_use]
    pub const fn implied(self) -> Self {
        let mut all = self;
        if all.contains(Self::IMAP4REV2) {
            all = all.and(Self::REV2_BASE);
        }
        if all.contains(Self::QRESYNC) {
            all = all.and(Self::CONDSTORE).and(Self::ENABLE);
        }
        if all.contains(Self::CONTEXT_SORT) {
            all = all.and(Self::SORT).and(Self::ESORT);
        }
        if all.contains(Self::UIDONLY) {
            all = all.and(Self::ENABLE);
        }
        all
    }
}

/// The arguments of ENABLE: validated text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CapabilityList<'b>(pub(crate) &'b [u8]);

impl<'b> CapabilityList<'b> {
    /// Reads atoms with one space between them; `None` where they are none.
    #[must_use]
    pub fn parse(text: &'b [u8]) -> Option<Self> {
        match grammar::capability_list(text) {
            Ok(([], list)) => Some(list),
            _ => None,
        }
    }

    /// The names as written.
    pub fn names(&self) -> impl Iterator<Item = &'b [u8]> + Clone + 'b {
        self.0.split(|b| *b == b' ')
    }

    /// Those that have a place in the set.
    #[must_use]
    pub fn known(&self) -> Capabilities {
        self.names().filter_map(Capabilities::by_name).fold(Capabilities::NONE, |all, c| all | c)
    }
}

impl fmt::Debug for CapabilityList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CapabilityList({})", self.0.escape_ascii())
    }
}
