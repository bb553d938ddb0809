use crate::types::{CommandKind, Digest, MessageNumber, Secret, SecretBuf, SyntaxError};

/// What the client wants of the host.
///
/// Every event but [`AuthCancel`](Self::AuthCancel) and [`Answered`](Self::Answered) waits for an answer;
/// until then [`poll`](mail_wire::Machine::poll) says `Blocked`. `err` answers any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A password for the name of [`Server::user`](super::Server::user). Answer: `logged_in`.
    Pass(Secret<'b>),
    /// APOP: the MD5 of the greeting's timestamp and the shared secret. Answer: `logged_in`.
    Apop {
        /// The mailbox.
        name: &'b [u8],
        /// The digest.
        digest: Digest,
    },
    /// A SASL exchange begins (RFC 5034). Answer: `challenge`, `logged_in`.
    Auth {
        /// The mechanism's name in the client's case. Whether it is offered is the host's to say.
        mechanism: &'b str,
        /// The initial response, decoded.
        initial: Option<SecretBuf>,
    },
    /// The response to a challenge, decoded. Answer: `challenge`, `logged_in`.
    AuthResponse(SecretBuf),
    /// The client broke the exchange off, or its response was no base64. It is answered already.
    AuthCancel,
    /// Which mechanisms there are, as RFC 1734's time asked. Answer: `mechanisms`.
    AuthList,
    /// CAPA. Answer: `capabilities`.
    Capa,
    /// STAT. Answer: `drop_listing`.
    Stat,
    /// LIST. Answer: `scan_listing` for one message; `begin_list`, any number of `scan_listing` and
    /// `end_list` for all.
    List(Option<MessageNumber>),
    /// UIDL. Answer: as for LIST, with `unique_id_listing`.
    Uidl(Option<MessageNumber>),
    /// RETR. Answer: `begin_body`, `body`, `end_body`.
    Retr(MessageNumber),
    /// TOP: the header, the empty line after it, and so many lines of the body. Answer: as for RETR.
    Top(MessageNumber, u64),
    /// DELE: the message is to be marked as deleted. Answer: `ok`.
    Dele(MessageNumber),
    /// RSET: no message is marked as deleted any more. Answer: `ok`.
    Rset,
    /// QUIT after login: what is marked as deleted is to be removed. Answer: `ok` or `err`, and the
    /// connection ends either way. Only this event removes messages (RFC 1939 section 6).
    Quit,
    /// LANG (RFC 6856 section 3). Answer: `begin_list`, `language_listing`, `end_list` without an argument,
    /// `ok` beginning with the tag with one.
    Lang(Option<&'b str>),
    /// The machine has answered by itself. There is nothing to do; for logs and counters.
    Answered(Answered),
}

/// What the machine has answered by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answered {
    /// The command was carried out, or will be (STLS, QUIT before login).
    Done(CommandKind),
    /// The line is no command.
    Syntax(SyntaxError),
    /// The command has no place in the present state.
    OutOfPlace(CommandKind),
    /// The command belongs to an extension that is not offered.
    NotOffered(CommandKind),
    /// USER without TLS, where that is not allowed.
    EncryptionRequired,
    /// The initial response of AUTH is no base64.
    Base64,
}
