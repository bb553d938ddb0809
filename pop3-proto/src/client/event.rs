use crate::types::{CommandKind, MessageNumber, RespCode, SecretBuf};

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'b> {
    /// The greeting, with the timestamp for APOP where it has one (RFC 1939 section 7).
    Greeting {
        /// All of its text.
        text: &'b [u8],
        /// The timestamp with its angle brackets.
        timestamp: Option<&'b str>,
    },
    /// The login succeeded (PASS, APOP or AUTH): the maildrop is open.
    LoggedIn(&'b [u8]),
    /// `+OK` to a command that says no more: USER, STLS (the handshake follows), DELE, NOOP, RSET, UTF8, LANG
    /// with a language.
    Ok {
        /// The command.
        command: CommandKind,
        /// What it says to a person.
        text: &'b [u8],
    },
    /// `-ERR`.
    Err {
        /// The command; `None`: instead of a greeting, and the connection closes.
        command: Option<CommandKind>,
        /// Why, for programs.
        code: Option<RespCode>,
        /// Why, for a person.
        text: &'b [u8],
    },
    /// A challenge, decoded: [`auth_response`](super::Client::auth_response) or
    /// [`auth_cancel`](super::Client::auth_cancel) answers it. One that is no base64 is cancelled without asking.
    Challenge(SecretBuf),
    /// A challenge that the machine answered: with the initial response that was too long for the command's
    /// line, or with `*` because it was no base64.
    ChallengeAnswered,
    /// All of CAPA's answer was read: [`capabilities`](super::Client::capabilities).
    Capabilities,
    /// The answer to STAT.
    DropListing {
        /// Messages.
        count: u32,
        /// Octets.
        octets: u64,
    },
    /// The answer to LIST with a number, or one line of that without.
    ScanListing {
        /// The message.
        number: MessageNumber,
        /// Its octets.
        octets: u64,
    },
    /// The answer to UIDL with a number, or one line of that without.
    UniqueId {
        /// The message.
        number: MessageNumber,
        /// Its unique-id.
        unique_id: &'b str,
    },
    /// A list begins: LIST or UIDL without a number, LANG without a language.
    ListBegin(CommandKind),
    /// A line of a list that is no listing of its kind: a language, or what a server should not send.
    ListLine {
        /// The command.
        command: CommandKind,
        /// The line.
        line: &'b [u8],
    },
    /// The list is whole.
    ListEnd(CommandKind),
    /// A message comes (RETR, TOP).
    BodyBegin(MessageNumber),
    /// A part of it, without the stuffed dots.
    BodyChunk(&'b [u8]),
    /// The message is whole.
    BodyEnd {
        /// A CR or LF stands alone in it.
        bare_newline: bool,
    },
    /// QUIT is answered, and the connection closes. With `-ERR` some messages were not removed
    /// (RFC 1939 section 6).
    Closing {
        /// `+OK`
        ok: bool,
        /// What it says to a person.
        text: &'b [u8],
    },
}
