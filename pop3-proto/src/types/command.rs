use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{Digest, MessageNumber, Secret};

/// A command as the client sent it.
///
/// RFC 1939 sections 5 to 7; CAPA of RFC 2449, STLS of RFC 2595, AUTH of RFC 5034, UTF8 and LANG of
/// RFC 6856. It borrows the line it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command<'a> {
    /// `USER name`
    User(&'a [u8]),
    /// `PASS string`: all after the one space, with every space in it.
    Pass(Secret<'a>),
    /// `APOP name digest`: the MD5 of timestamp and shared secret.
    Apop {
        /// The mailbox.
        name: &'a [u8],
        /// The 16 octets which stand there in hexadecimal.
        digest: Digest,
    },
    /// `AUTH mechanism [initial-response]` (RFC 5034 section 4).
    Auth {
        /// The SASL mechanism's name in the case the client wrote it.
        mechanism: &'a str,
        /// The initial response as it stands there: base64, or `=` for an empty one.
        initial: Option<Secret<'a>>,
    },
    /// `AUTH` alone: older servers (RFC 1734) list their mechanisms for it.
    AuthList,
    /// `CAPA`
    Capa,
    /// `STLS`
    Stls,
    /// `STAT`
    Stat,
    /// `LIST [msg]`
    List(Option<MessageNumber>),
    /// `UIDL [msg]`
    Uidl(Option<MessageNumber>),
    /// `RETR msg`
    Retr(MessageNumber),
    /// `TOP msg n`: the header and `n` lines of the body. A number beyond 64 bits counts as the greatest.
    Top(MessageNumber, u64),
    /// `DELE msg`
    Dele(MessageNumber),
    /// `NOOP`
    Noop,
    /// `RSET`
    Rset,
    /// `QUIT`
    Quit,
    /// `UTF8` (RFC 6856 section 2.1)
    Utf8,
    /// `LANG [range]`: a language range, or `*` (RFC 6856 section 3).
    Lang(Option<&'a str>),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $keyword:literal,)*) => {
        /// Which command it is, without its arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CommandKind { $($(#[$doc])* #[doc = concat!("`", $keyword, "`")] $name,)* }

        impl CommandKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The keyword, in upper case.
            #[must_use]
            pub const fn keyword(self) -> &'static str {
                match self { $(Self::$name => $keyword,)* }
            }
        }
    };
}
kinds! {
    User = "USER", Pass = "PASS", Apop = "APOP", Auth = "AUTH", Capa = "CAPA", Stls = "STLS",
    Stat = "STAT", List = "LIST", Uidl = "UIDL", Retr = "RETR", Top = "TOP", Dele = "DELE",
    Noop = "NOOP", Rset = "RSET", Quit = "QUIT", Utf8 = "UTF8", Lang = "LANG",
}

impl<'a> Command<'a> {
    /// Reads a line, with or without its line end (RFC 1939 section 3, RFC 2449 section 3).
    ///
    /// # Errors
    /// Why it is no command.
    pub fn parse(line: &'a [u8], tolerance: Tolerance) -> Result<Self, SyntaxError> {
        crate::grammar::command(mail_wire::strip_line_end(line), tolerance)
    }

    /// Which command it is.
    #[must_use]
    pub const fn kind(&self) -> CommandKind {
        match self {
            Self::User(_) => CommandKind::User,
            Self::Pass(_) => CommandKind::Pass,
            Self::Apop { .. } => CommandKind::Apop,
            Self::Auth { .. } | Self::AuthList => CommandKind::Auth,
            Self::Capa => CommandKind::Capa,
            Self::Stls => CommandKind::Stls,
            Self::Stat => CommandKind::Stat,
            Self::List(_) => CommandKind::List,
            Self::Uidl(_) => CommandKind::Uidl,
            Self::Retr(_) => CommandKind::Retr,
            Self::Top(..) => CommandKind::Top,
            Self::Dele(_) => CommandKind::Dele,
            Self::Noop => CommandKind::Noop,
            Self::Rset => CommandKind::Rset,
            Self::Quit => CommandKind::Quit,
            Self::Utf8 => CommandKind::Utf8,
            Self::Lang(_) => CommandKind::Lang,
        }
    }

    /// The same command, owning its octets.
    #[must_use]
    pub fn into_owned(self) -> OwnedCommand {
        let (shape, first, second): (Command<'static>, &[u8], &[u8]) = match self {
            Command::User(name) => (Command::User(b""), name, b""),
            Command::Pass(p) => (Command::Pass(Secret::new(b"")), p.expose(), b""),
            Command::Apop { name, digest } => (Command::Apop { name: b"", digest }, name, b""),
            Command::Auth { mechanism, initial: None } => {
                (Command::Auth { mechanism: "", initial: None }, mechanism.as_bytes(), b"")
            }
            Command::Auth { mechanism, initial: Some(i) } => (
                Command::Auth { mechanism: "", initial: Some(Secret::new(b"")) },
                mechanism.as_bytes(),
                i.expose(),
            ),
            Command::Lang(Some(range)) => (Command::Lang(Some("")), range.as_bytes(), b""),
            Command::AuthList => (Command::AuthList, b"", b""),
            Command::Capa => (Command::Capa, b"", b""),
            Command::Stls => (Command::Stls, b"", b""),
            Command::Stat => (Command::Stat, b"", b""),
            Command::List(n) => (Command::List(n), b"", b""),
            Command::Uidl(n) => (Command::Uidl(n), b"", b""),
            Command::Retr(n) => (Command::Retr(n), b"", b""),
            Command::Top(n, lines) => (Command::Top(n, lines), b"", b""),
            Command::Dele(n) => (Command::Dele(n), b"", b""),
            Command::Noop => (Command::Noop, b"", b""),
            Command::Rset => (Command::Rset, b"", b""),
            Command::Quit => (Command::Quit, b"", b""),
            Command::Utf8 => (Command::Utf8, b"", b""),
            Command::Lang(None) => (Command::Lang(None), b"", b""),
        };
        let mut octets = Zeroizing::new(Vec::with_capacity(first.len() + second.len()));
        octets.extend_from_slice(first);
        octets.extend_from_slice(second);
        OwnedCommand { shape, octets, first: first.len() }
    }
}

/// A [`Command`] that owns its octets, and wipes them when dropped.
#[derive(Clone)]
pub struct OwnedCommand {
    /// The command with its texts left out.
    shape: Command<'static>,
    /// The texts, one after the other.
    octets: Zeroizing<Vec<u8>>,
    /// Where the first one ends.
    first: usize,
}

impl OwnedCommand {
    /// The command, borrowed.
    #[must_use]
    pub fn as_command(&self) -> Command<'_> {
        let (first, second) = self.octets.split_at_checked(self.first).unwrap_or_default();
        // Both come from a `&str`.
        let text = core::str::from_utf8(first).unwrap_or_default();
        match self.shape {
            Command::User(_) => Command::User(first),
            Command::Pass(_) => Command::Pass(Secret::new(first)),
            Command::Apop { digest, .. } => Command::Apop { name: first, digest },
            Command::Auth { initial, .. } => {
                Command::Auth { mechanism: text, initial: initial.map(|_| Secret::new(second)) }
            }
            Command::Lang(Some(_)) => Command::Lang(Some(text)),
            other => other,
        }
    }
}

impl core::fmt::Debug for OwnedCommand {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_command().fmt(f)
    }
}

impl PartialEq for OwnedCommand {
    fn eq(&self, other: &Self) -> bool {
        self.as_command() == other.as_command()
    }
}

impl Eq for OwnedCommand {}

/// Why a line is no command. The `Display` is what `-ERR` says to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// No keyword of this protocol.
    #[error("unknown command")]
    Unknown,
    /// An argument that must be there is not.
    #[error("{} needs an argument", .0.keyword())]
    ArgumentMissing(CommandKind),
    /// More arguments than the command has.
    #[error("too many arguments to {}", .0.keyword())]
    ArgumentExtra(CommandKind),
    /// A message-number or a number of lines that is no number.
    #[error("not a number")]
    NotANumber,
    /// Message-number 0: they begin at 1 (RFC 1939 section 4).
    #[error("message numbers begin at 1")]
    Zero,
    /// A message-number beyond 32 bits.
    #[error("no such message: the number is too large")]
    TooLarge,
    /// The digest of APOP is not 32 hexadecimal digits.
    #[error("the digest is not 32 hexadecimal digits")]
    Digest,
    /// No name that a SASL mechanism can have (RFC 4422 section 3.1).
    #[error("not the name of an authentication mechanism")]
    Mechanism,
    /// A NUL or another control character where none may be.
    #[error("a control character in the command")]
    Control,
    /// A language range with characters that none has (RFC 4647 section 2.1).
    #[error("not a language range")]
    Language,
}

/// What is taken that the RFCs do not allow, because mail programs send it. Chosen when the server
/// runs, not when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tolerance {
    /// LF without CR ends a line.
    pub bare_lf: bool,
    /// Spaces at the end of a command are dropped and several between arguments count as one. Not
    /// in PASS, where every space is the password's.
    pub extra_spaces: bool,
    /// A name may hold spaces (`USER Anne Other`).
    pub spaces_in_names: bool,
    /// AUTH without a mechanism lists the mechanisms, as with RFC 1734; it is refused otherwise.
    pub auth_list: bool,
    /// Other commands may stand between USER and PASS, and USER may be given again. RFC 1939 section
    /// 7 wants PASS immediately after USER.
    pub loose_order: bool,
    /// UTF8 may be given after login: Outlook does, and gives up when it is refused. RFC 6856
    /// section 2 has it before.
    pub late_utf8: bool,
}

impl Tolerance {
    /// Nothing beyond the RFCs.
    pub const STRICT: Self = Self {
        bare_lf: false,
        extra_spaces: false,
        spaces_in_names: false,
        auth_list: false,
        loose_order: false,
        late_utf8: false,
    };
    /// All of it.
    pub const TOLERANT: Self = Self {
        bare_lf: true,
        extra_spaces: true,
        spaces_in_names: true,
        auth_list: true,
        loose_order: true,
        late_utf8: true,
    };
}

impl Default for Tolerance {
    /// [`TOLERANT`](Self::TOLERANT).
    fn default() -> Self {
        Self::TOLERANT
    }
}
