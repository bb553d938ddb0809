use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

use super::{
    AString, CapabilityList, CommandKind, Create, Fetch, GetMetadata, IdParameters, List, ListOf, MailboxArg,
    MechanismName, MetadataEntry, MultiSearch, Notify, QuotaLimit, RightsChange, Search, Select, SequenceSet,
    Sort, StatusItems, Store, Thread, UrlRump,
};

/// A command without its tag (RFC 9051 section 6 and the extensions). APPEND and REPLACE come in parts of their own.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'b> {
    /// `CAPABILITY`
    Capability,
    /// `NOOP`
    Noop,
    /// `LOGOUT`
    Logout,
    /// `STARTTLS`
    StartTls,
    /// `AUTHENTICATE mechanism [initial-response]`
    Authenticate {
        /// The mechanism's name as written.
        mechanism: &'b str,
        /// The initial response in base64 (RFC 4959), or `=` for an empty one.
        initial: Option<&'b [u8]>,
    },
    /// `LOGIN user password`
    Login {
        /// The user.
        user: AString<'b>,
        /// The password. This type's `Debug` does not show it.
        password: AString<'b>,
    },
    /// `ENABLE` (RFC 5161)
    Enable(CapabilityList<'b>),
    /// `SELECT` or `EXAMINE`
    Select(Select<'b>),
    /// `CREATE`
    Create(Create<'b>),
    /// `DELETE`
    Delete(MailboxArg<'b>),
    /// `RENAME`
    Rename {
        /// The mailbox's name.
        from: MailboxArg<'b>,
        /// Its new name.
        to: MailboxArg<'b>,
    },
    /// `SUBSCRIBE`
    Subscribe(MailboxArg<'b>),
    /// `UNSUBSCRIBE`
    Unsubscribe(MailboxArg<'b>),
    /// `LIST`
    List(List<'b>),
    /// `LSUB` (RFC 3501 section 6.3.9)
    Lsub {
        /// The reference name.
        reference: MailboxArg<'b>,
        /// The pattern.
        pattern: MailboxArg<'b>,
    },
    /// `NAMESPACE`
    Namespace,
    /// `STATUS`
    Status {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// What of it.
        items: StatusItems,
    },
    /// `IDLE` (RFC 2177)
    Idle,
    /// `ID` (RFC 2971)
    Id(IdParameters<'b>),
    /// `CHECK` (RFC 3501 section 6.4.1)
    Check,
    /// `CLOSE`
    Close,
    /// `UNSELECT`
    Unselect,
    /// `EXPUNGE`
    Expunge,
    /// `UID EXPUNGE` (RFC 4315 section 2.1)
    UidExpunge(SequenceSet<'b>),
    /// `SEARCH` or `UID SEARCH`
    Search(Search<'b>),
    /// `FETCH` or `UID FETCH`
    Fetch(Fetch<'b>),
    /// `STORE` or `UID STORE`
    Store(Store<'b>),
    /// `COPY` or `UID COPY`
    Copy {
        /// Whether `set` is of UIDs.
        uid: bool,
        /// Which messages.
        set: SequenceSet<'b>,
        /// Where to.
        mailbox: MailboxArg<'b>,
    },
    /// `MOVE` or `UID MOVE` (RFC 6851)
    Move {
        /// Whether `set` is of UIDs.
        uid: bool,
        /// Which messages.
        set: SequenceSet<'b>,
        /// Where to.
        mailbox: MailboxArg<'b>,
    },
    /// `SORT` or `UID SORT` (RFC 5256)
    Sort(Box<Sort<'b>>),
    /// `THREAD` or `UID THREAD` (RFC 5256)
    Thread(Box<Thread<'b>>),
    /// `CANCELUPDATE` (RFC 5267 section 4.3.5): the tags of the searches.
    CancelUpdate(ListOf<'b, AString<'b>>),
    /// `ESEARCH` (RFC 7377)
    MultiSearch(Box<MultiSearch<'b>>),
    /// `GETQUOTA` (RFC 9208 section 4.1.1): the quota root.
    GetQuota(AString<'b>),
    /// `GETQUOTAROOT` (RFC 9208 section 4.1.2)
    GetQuotaRoot(MailboxArg<'b>),
    /// `SETQUOTA` (RFC 9208 section 4.1.3)
    SetQuota {
        /// The quota root.
        root: AString<'b>,
        /// Its limits from now on; resources that are not listed have none.
        limits: ListOf<'b, QuotaLimit<'b>>,
    },
    /// `GETMETADATA` (RFC 5464 section 4.2)
    GetMetadata(GetMetadata<'b>),
    /// `SETMETADATA` (RFC 5464 section 4.3)
    SetMetadata {
        /// Whose; the empty name is the server.
        mailbox: MailboxArg<'b>,
        /// The entries and their new values; all of them are set, or none.
        entries: ListOf<'b, MetadataEntry<'b>>,
    },
    /// `SETACL` (RFC 4314 section 3.1)
    SetAcl {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Whose rights.
        identifier: AString<'b>,
        /// What becomes of them.
        change: RightsChange,
    },
    /// `DELETEACL` (RFC 4314 section 3.2)
    DeleteAcl {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Whose entry goes.
        identifier: AString<'b>,
    },
    /// `GETACL` (RFC 4314 section 3.3)
    GetAcl(MailboxArg<'b>),
    /// `LISTRIGHTS` (RFC 4314 section 3.4)
    ListRights {
        /// Which mailbox.
        mailbox: MailboxArg<'b>,
        /// Whose rights.
        identifier: AString<'b>,
    },
    /// `MYRIGHTS` (RFC 4314 section 3.5)
    MyRights(MailboxArg<'b>),
    /// `NOTIFY` (RFC 5465)
    Notify(Notify<'b>),
    /// `GENURLAUTH` (RFC 4467 section 7)
    GenUrlAuth(ListOf<'b, UrlRump<'b>>),
    /// `RESETKEY` (RFC 4467 section 7)
    ResetKey {
        /// Which mailbox; `None`: all of the user's.
        mailbox: Option<MailboxArg<'b>>,
        /// Whose keys; none: of all mechanisms.
        mechanisms: ListOf<'b, MechanismName<'b>>,
    },
    /// `URLFETCH` (RFC 4467 section 7)
    UrlFetch(ListOf<'b, AString<'b>>),
    /// `GETJMAPACCESS` (RFC 9698)
    GetJmapAccess,
    /// `COMPRESS DEFLATE` (RFC 4978)
    Compress,
    /// `UNAUTHENTICATE` (RFC 8437)
    Unauthenticate,
}

impl fmt::Debug for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A password is never shown.
            Self::Login { user, .. } => f.debug_struct("Login").field("user", user).finish_non_exhaustive(),
            Self::Authenticate { mechanism, .. } => {
                f.debug_struct("Authenticate").field("mechanism", mechanism).finish_non_exhaustive()
            }
            Self::Enable(list) => f.debug_tuple("Enable").field(list).finish(),
            Self::Select(select) => select.fmt(f),
            Self::Create(create) => create.fmt(f),
            Self::Delete(m) => f.debug_tuple("Delete").field(m).finish(),
            Self::Rename { from, to } => f.debug_tuple("Rename").field(from).field(to).finish(),
            Self::Subscribe(m) => f.debug_tuple("Subscribe").field(m).finish(),
            Self::Unsubscribe(m) => f.debug_tuple("Unsubscribe").field(m).finish(),
            Self::List(list) => list.fmt(f),
            Self::Lsub { reference, pattern } => {
                f.debug_tuple("Lsub").field(reference).field(pattern).finish()
            }
            Self::Status { mailbox, items } => f.debug_tuple("Status").field(mailbox).field(items).finish(),
            Self::Id(id) => f.debug_tuple("Id").field(id).finish(),
            Self::UidExpunge(set) => f.debug_tuple("UidExpunge").field(set).finish(),
            Self::Search(search) => search.fmt(f),
            Self::Fetch(fetch) => fetch.fmt(f),
            Self::Store(store) => store.fmt(f),
            Self::Copy { uid, set, mailbox } => {
                f.debug_tuple("Copy").field(uid).field(set).field(mailbox).finish()
            }
            Self::Move { uid, set, mailbox } => {
                f.debug_tuple("Move").field(uid).field(set).field(mailbox).finish()
            }
            Self::Sort(sort) => sort.fmt(f),
            Self::Thread(thread) => thread.fmt(f),
            Self::CancelUpdate(tags) => f.debug_tuple("CancelUpdate").field(tags).finish(),
            Self::MultiSearch(search) => search.fmt(f),
            Self::GetQuota(root) => f.debug_tuple("GetQuota").field(root).finish(),
            Self::GetQuotaRoot(m) => f.debug_tuple("GetQuotaRoot").field(m).finish(),
            Self::SetQuota { root, limits } => f.debug_tuple("SetQuota").field(root).field(limits).finish(),
            Self::GetMetadata(get) => get.fmt(f),
            Self::SetMetadata { mailbox, entries } => {
                f.debug_tuple("SetMetadata").field(mailbox).field(entries).finish()
            }
            Self::SetAcl { mailbox, identifier, change } => {
                f.debug_tuple("SetAcl").field(mailbox).field(identifier).field(change).finish()
            }
            Self::DeleteAcl { mailbox, identifier } => {
                f.debug_tuple("DeleteAcl").field(mailbox).field(identifier).finish()
            }
            Self::GetAcl(m) => f.debug_tuple("GetAcl").field(m).finish(),
            Self::ListRights { mailbox, identifier } => {
                f.debug_tuple("ListRights").field(mailbox).field(identifier).finish()
            }
            Self::MyRights(m) => f.debug_tuple("MyRights").field(m).finish(),
            Self::Notify(notify) => f.debug_tuple("Notify").field(notify).finish(),
            Self::GenUrlAuth(urls) => f.debug_tuple("GenUrlAuth").field(urls).finish(),
            Self::ResetKey { mailbox, mechanisms } => {
                f.debug_tuple("ResetKey").field(mailbox).field(mechanisms).finish()
            }
            Self::UrlFetch(urls) => f.debug_tuple("UrlFetch").field(urls).finish(),
            other => f.write_str(other.kind().name()),
        }
    }
}

impl Command<'_> {
    /// Which command it is.
    #[must_use]
    #[inline]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::Capability => CommandKind::Capability,
            Self::Noop => CommandKind::Noop,
            Self::Logout => CommandKind::Logout,
            Self::StartTls => CommandKind::StartTls,
            Self::Authenticate { .. } => CommandKind::Authenticate,
            Self::Login { .. } => CommandKind::Login,
            Self::Enable(_) => CommandKind::Enable,
            Self::Select(s) if s.read_only => CommandKind::Examine,
            Self::Select(_) => CommandKind::Select,
            Self::Create(_) => CommandKind::Create,
            Self::Delete(_) => CommandKind::Delete,
            Self::Rename { .. } => CommandKind::Rename,
            Self::Subscribe(_) => CommandKind::Subscribe,
            Self::Unsubscribe(_) => CommandKind::Unsubscribe,
            Self::List(_) => CommandKind::List,
            Self::Lsub { .. } => CommandKind::Lsub,
            Self::Namespace => CommandKind::Namespace,
            Self::Status { .. } => CommandKind::Status,
            Self::Idle => CommandKind::Idle,
            Self::Id(_) => CommandKind::Id,
            Self::Check => CommandKind::Check,
            Self::Close => CommandKind::Close,
            Self::Unselect => CommandKind::Unselect,
            Self::Expunge => CommandKind::Expunge,
            Self::UidExpunge(_) => CommandKind::UidExpunge,
            Self::Search(s) if s.uid => CommandKind::UidSearch,
            Self::Search(_) => CommandKind::Search,
            Self::Fetch(s) if s.uid => CommandKind::UidFetch,
            Self::Fetch(_) => CommandKind::Fetch,
            Self::Store(s) if s.uid => CommandKind::UidStore,
            Self::Store(_) => CommandKind::Store,
            Self::Copy { uid: true, .. } => CommandKind::UidCopy,
            Self::Copy { .. } => CommandKind::Copy,
            Self::Move { uid: true, .. } => CommandKind::UidMove,
            Self::Move { .. } => CommandKind::Move,
            Self::Sort(s) if s.search.uid => CommandKind::UidSort,
            Self::Sort(_) => CommandKind::Sort,
            Self::Thread(t) if t.search.uid => CommandKind::UidThread,
            Self::Thread(_) => CommandKind::Thread,
            Self::CancelUpdate(_) => CommandKind::CancelUpdate,
            Self::MultiSearch(_) => CommandKind::MultiSearch,
            Self::GetQuota(_) => CommandKind::GetQuota,
            Self::GetQuotaRoot(_) => CommandKind::GetQuotaRoot,
            Self::SetQuota { .. } => CommandKind::SetQuota,
            Self::GetMetadata(_) => CommandKind::GetMetadata,
            Self::SetMetadata { .. } => CommandKind::SetMetadata,
            Self::SetAcl { .. } => CommandKind::SetAcl,
            Self::DeleteAcl { .. } => CommandKind::DeleteAcl,
            Self::GetAcl(_) => CommandKind::GetAcl,
            Self::ListRights { .. } => CommandKind::ListRights,
            Self::MyRights(_) => CommandKind::MyRights,
            Self::Notify(_) => CommandKind::Notify,
            Self::GenUrlAuth(_) => CommandKind::GenUrlAuth,
            Self::ResetKey { .. } => CommandKind::ResetKey,
            Self::UrlFetch(_) => CommandKind::UrlFetch,
            Self::GetJmapAccess => CommandKind::GetJmapAccess,
            Self::Compress => CommandKind::Compress,
            Self::Unauthenticate => CommandKind::Unauthenticate,
        }
    }

    /// A copy that outlives the frame; it is wiped when dropped.
    #[must_use]
    pub fn into_owned(self) -> OwnedCommand {
        let mut wire = Vec::new();
        self.encode(&mut wire);
        OwnedCommand { wire: Zeroizing::new(wire), utf8: self.uses_utf8() }
    }

    /// Whether its mailbox names are in UTF-8; `false` where it has none.
    fn uses_utf8(&self) -> bool {
        let mailbox = match self {
            Self::Select(s) => s.mailbox,
            Self::Create(c) => c.mailbox,
            Self::Delete(m) | Self::Subscribe(m) | Self::Unsubscribe(m) => *m,
            Self::Rename { from: m, .. }
            | Self::Lsub { reference: m, .. }
            | Self::Status { mailbox: m, .. }
            | Self::Copy { mailbox: m, .. }
            | Self::Move { mailbox: m, .. }
            | Self::GetQuotaRoot(m)
            | Self::SetMetadata { mailbox: m, .. }
            | Self::SetAcl { mailbox: m, .. }
            | Self::DeleteAcl { mailbox: m, .. }
            | Self::GetAcl(m)
            | Self::ListRights { mailbox: m, .. }
            | Self::MyRights(m)
            | Self::ResetKey { mailbox: Some(m), .. } => *m,
            Self::List(l) => l.reference,
            Self::GetMetadata(g) => g.mailbox,
            Self::Notify(Notify::Set { groups, .. }) => return groups.iter().any(|g| g.filter.uses_utf8()),
            Self::MultiSearch(s) => {
                return s.sources.is_some_and(|all| all.iter().any(|filter| filter.uses_utf8()));
            }
            _ => return false,
        };
        mailbox.is_utf8()
    }
}

/// A [`Command`] that owns its octets; they are wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedCommand {
    wire: Zeroizing<Vec<u8>>,
    utf8: bool,
}

impl OwnedCommand {
    /// The command. It is read from the kept octets at each call.
    #[must_use]
    pub fn get(&self) -> Option<Command<'_>> {
        Command::parse(&self.wire, self.utf8)
    }
}

impl fmt::Debug for OwnedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
