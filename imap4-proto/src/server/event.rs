use crate::types::{AppendMessage, CatenatePart, Command, CommandKind, MailboxArg, Replaced, SecretBuf};

/// What the client wants of the host.
///
/// `Command`, `Auth`, `AuthResponse`, `AppendBegin`, `AppendPart`, `AppendNext`, `AppendEnd` and `IdleDone` wait for an answer; until then
/// [`poll`](mail_wire::Machine::poll) says `Blocked`. `no` answers any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'b> {
    /// A command. Answer: any untagged responses, then `ok`, `no` or `bad`; for LOGIN `authenticated`, for SELECT
    /// `selected`, for IDLE `accept_idle`, for LOGOUT `logout`.
    Command(Command<'b>),
    /// A SASL exchange begins; the mechanism is one of those offered. Answer: `challenge`, `authenticated`.
    Auth {
        /// The mechanism's name in the client's case.
        mechanism: &'b str,
        /// The initial response, decoded.
        initial: Option<SecretBuf>,
    },
    /// The response to a challenge, decoded. Answer: `challenge`, `authenticated`.
    AuthResponse(SecretBuf),
    /// The client broke the exchange off, or its response was no base64. It is answered already.
    AuthCancel,
    /// APPEND, or REPLACE (RFC 8508), before its first message. Answer: `accept_literal` or `refuse_literal`. Where the message is put
    /// together from parts and has no text among the first of them, no octets follow: the message is whole.
    AppendBegin(AppendBegin<'b>),
    /// Octets of the message that was accepted last. No answer; `refuse_literal` ends the command here.
    AppendChunk(&'b [u8]),
    /// CATENATE (RFC 4469): the text before is whole, and these are the next parts of the same message: URLs, of which there may be none,
    /// and a text or the message's end. Answer: `accept_literal` or `refuse_literal`.
    AppendPart(CatenatePart<'b>),
    /// The message before is whole, and one more follows (RFC 3502). Answer: `accept_literal` or `refuse_literal`.
    AppendNext(AppendMessage<'b>),
    /// The command is whole: now all of its messages are to be stored, or none. Answer: `ok`, `no`.
    AppendEnd,
    /// What followed a message was no end and no next message, or there was too much of it. It is answered already;
    /// nothing of the command is to be stored.
    AppendAbort,
    /// DONE ends IDLE. Answer: `ok`.
    IdleDone,
    /// Something else than DONE came in IDLE, and ended it. It is answered already.
    IdleAbort,
    /// The machine has answered by itself. There is nothing to do; for logs and counters.
    Answered(Answered),
}

/// The start of APPEND (RFC 9051 section 6.3.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppendBegin<'b> {
    /// The target.
    pub mailbox: MailboxArg<'b>,
    /// The first message.
    pub message: AppendMessage<'b>,
    /// REPLACE: the message that goes in the same step (RFC 8508 section 3). REPLACE has one message alone.
    pub replaces: Option<Replaced>,
}

impl<'b> AppendBegin<'b> {
    pub(super) const fn new(
        mailbox: MailboxArg<'b>,
        message: AppendMessage<'b>,
        replaces: Option<Replaced>,
    ) -> Self {
        Self { mailbox, message, replaces }
    }
}

/// What the machine has answered by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answered {
    /// The command was carried out, or will be (STARTTLS, COMPRESS).
    Done(CommandKind),
    /// The frame is no command, or over a limit: BAD with this reason.
    Syntax(&'static str),
    /// The command has no place in the present state: BAD.
    OutOfPlace(CommandKind),
    /// LOGIN or AUTHENTICATE without TLS, where that is not allowed: NO.
    EncryptionRequired,
    /// AUTHENTICATE with a mechanism that is not offered: NO.
    MechanismNotOffered,
    /// APPEND of a message over the limit: NO with TOOBIG.
    TooBig,
    /// A command with message numbers after ENABLE UIDONLY: BAD with UIDREQUIRED.
    UidRequired(CommandKind),
}
