use crate::{Reply, SaslData, Verb};

/// What a server answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event<'b> {
    /// The greeting. Where it is not 220, QUIT was sent, and the connection closes.
    Greeting(Reply<'b>),
    /// EHLO, LHLO or HELO was accepted: [`capabilities`](super::Client::capabilities) tell what is offered.
    Ready(Reply<'b>),
    /// EHLO was refused for good, and HELO was sent instead (RFC 5321 section 3.2).
    Fallback(Reply<'b>),
    /// EHLO, LHLO or HELO was refused.
    HelloRefused(Reply<'b>),
    /// STARTTLS was answered: with 220 the handshake follows, and then [`hello`](super::Client::hello).
    StartTls(Reply<'b>),
    /// A challenge, to be answered with [`auth_response`](super::Client::auth_response) or
    /// [`auth_cancel`](super::Client::auth_cancel). One that is no base64 is cancelled without asking.
    Challenge(SaslData<'b>),
    /// AUTH succeeded. Whether the server has proved who it is, is the mechanism's to say.
    Authenticated(Reply<'b>),
    /// AUTH failed, or was cancelled.
    AuthFailed(Reply<'b>),
    /// MAIL was answered.
    Mail(Reply<'b>),
    /// RCPT was answered.
    Rcpt {
        /// Which recipient of the transaction, from 0.
        index: u32,
        /// Its reply.
        reply: Reply<'b>,
    },
    /// The content may be sent: [`body`](super::Client::body), [`end_body`](super::Client::end_body).
    BodyWanted,
    /// DATA was refused; the transaction is open still: [`rset`](super::Client::rset) ends it.
    DataRefused(Reply<'b>),
    /// There is nobody to send the content to; the transaction is over.
    NoRecipient,
    /// A chunk was taken (RFC 3030).
    Chunk(Reply<'b>),
    /// What became of the message.
    Sent {
        /// Whom it is about: with LMTP an accepted recipient, by its index; all of them otherwise.
        recipient: Option<u32>,
        /// No other reply about this message follows.
        last: bool,
        /// The reply. From 250 on the server is responsible.
        reply: Reply<'b>,
    },
    /// Another command was answered, or a part of a transaction that is void.
    Reply {
        /// The command.
        command: Verb,
        /// Its reply.
        reply: Reply<'b>,
    },
    /// 221 to QUIT, or 421 at any time: the connection closes. What was not answered before will not be.
    Closing(Reply<'b>),
}
