use crate::{ForwardPath, MailParams, RcptParams, ReversePath, SaslData, Verb};

/// What a client wants of the server's host.
///
/// The events marked *asks* want exactly one answer before the next event comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// The machine has answered this by itself; nothing is to be done.
    Answered(Answered),
    /// AUTH. *Asks*: [`challenge`](crate::Server::challenge), [`authenticated`](crate::Server::authenticated)
    /// or [`refuse`](crate::Server::refuse).
    Auth {
        /// The mechanism's name, as the configuration lists it or in another case.
        mechanism: &'b str,
        /// The initial response, where the client sent one.
        initial: Option<SaslData<'b>>,
    },
    /// The client's response to a challenge. *Asks*, as [`Auth`](Self::Auth) does.
    AuthResponse(SaslData<'b>),
    /// The exchange is over: the client cancelled, or sent a line that is too long or no base64. It
    /// is answered.
    AuthCancelled,
    /// MAIL begins a transaction. *Asks*: [`accept_mail`](crate::Server::accept_mail) or
    /// [`refuse`](crate::Server::refuse).
    Mail {
        /// The sender.
        reverse_path: ReversePath<'b>,
        /// SIZE, BODY and what else was given; a SIZE over the limit was refused already.
        params: MailParams<'b>,
    },
    /// RCPT. *Asks*: [`accept_rcpt`](crate::Server::accept_rcpt) or [`refuse`](crate::Server::refuse).
    Rcpt {
        /// The recipient.
        forward_path: ForwardPath<'b>,
        /// What else was given.
        params: RcptParams<'b>,
    },
    /// DATA, with at least one recipient accepted. *Asks*: [`accept_data`](crate::Server::accept_data) or
    /// [`refuse`](crate::Server::refuse).
    DataBegin,
    /// Content, without the stuffed dots. It may be refused at any time by
    /// [`refuse`](crate::Server::refuse): then no more of it comes, and the refusal goes out after its end.
    DataChunk(&'b [u8]),
    /// All content was given. *Asks*: [`end_accepted`](crate::Server::end_accepted) or
    /// [`refuse`](crate::Server::refuse).
    DataEnd {
        /// Octets of content.
        octets: u64,
        /// A CR or LF stands alone in it, and [`BareNewlines::Keep`](crate::BareNewlines::Keep) let it pass.
        bare_newline: bool,
    },
    /// The content has ended and is refused; that is answered. What was kept of it is to be dropped.
    DataRefused(DataRefusal),
    /// RSET, or EHLO or HELO within a transaction: the transaction is void. It is answered.
    Reset,
    /// STARTTLS: the transaction and the authenticated identity are void. The machine answers, and
    /// asks for the handshake.
    StartTls,
    /// VRFY, where the configuration wants it asked. *Asks*: [`reply`](crate::Server::reply) or
    /// [`refuse`](crate::Server::refuse).
    Vrfy(&'b str),
    /// EXPN, as VRFY.
    Expn(&'b str),
    /// QUIT. It is answered, and the connection closes.
    Quit,
}

/// What a machine answered by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Answered {
    /// The command; `None` where the line begins with none.
    pub command: Option<Verb>,
    /// The reply code.
    pub code: u16,
}

/// Why content was refused after its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DataRefusal {
    /// It is larger than the limit.
    TooBig,
    /// A CR or LF stands alone in it.
    BareNewline,
    /// The host refused it before it ended.
    Host,
}
