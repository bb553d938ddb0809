/// The commands with, for each, its name.
macro_rules! kinds {
    ($($kind:ident = $name:literal;)*) => {
        /// Which command it is, without its arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CommandKind {
            $(#[doc = concat!("`", $name, "`")] $kind,)*
            /// A command this crate has no type for: [`Client::raw`](crate::client::Client::raw). No server machine has it.
            Raw,
        }
        impl CommandKind {
            /// All of them but [`Raw`](Self::Raw), in the order of their declaration.
            pub const EACH: &'static [Self] = &[$(Self::$kind),*];

            /// The command's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                    Self::Raw => "raw",
                }
            }
        }
    };
}

kinds! {
    Capability = "CAPABILITY";
    Noop = "NOOP";
    Logout = "LOGOUT";
    Id = "ID";
    StartTls = "STARTTLS";
    Authenticate = "AUTHENTICATE";
    Login = "LOGIN";
    Enable = "ENABLE";
    Select = "SELECT";
    Examine = "EXAMINE";
    Create = "CREATE";
    Delete = "DELETE";
    Rename = "RENAME";
    Subscribe = "SUBSCRIBE";
    Unsubscribe = "UNSUBSCRIBE";
    List = "LIST";
    Lsub = "LSUB";
    Namespace = "NAMESPACE";
    Status = "STATUS";
    Append = "APPEND";
    Idle = "IDLE";
    Check = "CHECK";
    Close = "CLOSE";
    Unselect = "UNSELECT";
    Expunge = "EXPUNGE";
    UidExpunge = "UID EXPUNGE";
    Search = "SEARCH";
    UidSearch = "UID SEARCH";
    Fetch = "FETCH";
    UidFetch = "UID FETCH";
    Store = "STORE";
    UidStore = "UID STORE";
    Copy = "COPY";
    UidCopy = "UID COPY";
    Move = "MOVE";
    UidMove = "UID MOVE";
    Sort = "SORT";
    UidSort = "UID SORT";
    Thread = "THREAD";
    UidThread = "UID THREAD";
    CancelUpdate = "CANCELUPDATE";
    Replace = "REPLACE";
    UidReplace = "UID REPLACE";
    MultiSearch = "ESEARCH";
    GetQuota = "GETQUOTA";
    GetQuotaRoot = "GETQUOTAROOT";
    SetQuota = "SETQUOTA";
    GetMetadata = "GETMETADATA";
    SetMetadata = "SETMETADATA";
    SetAcl = "SETACL";
    DeleteAcl = "DELETEACL";
    GetAcl = "GETACL";
    ListRights = "LISTRIGHTS";
    MyRights = "MYRIGHTS";
    Notify = "NOTIFY";
    GenUrlAuth = "GENURLAUTH";
    ResetKey = "RESETKEY";
    UrlFetch = "URLFETCH";
    GetJmapAccess = "GETJMAPACCESS";
    Compress = "COMPRESS";
    Unauthenticate = "UNAUTHENTICATE";
}
