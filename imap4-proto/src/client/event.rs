use core::fmt;

use crate::types::{Attributes, BodyLiteral, CommandKind, Response, ResponseText, SecretBuf, Status};

/// A command's tag: `A` and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(pub(super) u32);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "A{}", self.0)
    }
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'b> {
    /// The connection's first response: OK, PREAUTH, or BYE, after which the connection closes. Commands have a place now.
    Greeting {
        /// Which of the three.
        status: Status,
        /// Code and words.
        text: ResponseText<'b>,
    },
    /// An untagged response: the answer to a command, or news.
    Response(Response<'b>),
    /// A FETCH response with a body literal at its top level begins.
    FetchBegin {
        /// The message's number.
        number: u32,
        /// The items before the literal.
        items: Attributes<'b>,
        /// What comes next, as [`FetchChunk`](Self::FetchChunk)s.
        literal: BodyLiteral<'b>,
    },
    /// The same for a UIDFETCH response (RFC 9586 section 3.3). It goes on as FETCH does.
    UidFetchBegin {
        /// The message's UID.
        uid: u32,
        /// The items before the literal.
        items: Attributes<'b>,
        /// What comes next.
        literal: BodyLiteral<'b>,
    },
    /// Octets of the literal that was announced last.
    FetchChunk(&'b [u8]),
    /// The literal before is whole, and one more follows in the same response.
    FetchNext {
        /// The items between the two.
        items: Attributes<'b>,
        /// What comes next.
        literal: BodyLiteral<'b>,
    },
    /// The literal before is whole, and so is the response.
    FetchEnd {
        /// The items after the last literal.
        items: Attributes<'b>,
    },
    /// A command is complete.
    Done {
        /// Its tag.
        tag: Tag,
        /// Which command it was.
        kind: CommandKind,
        /// OK, NO or BAD.
        status: Status,
        /// Code and words.
        text: ResponseText<'b>,
    },
    /// AUTHENTICATE: the server's challenge, decoded. Answer: [`respond`](super::Client::respond) or
    /// [`cancel`](super::Client::cancel).
    Challenge(SecretBuf),
    /// AUTHENTICATE: the server's challenge is no base64. The exchange is cancelled already.
    BadChallenge,
    /// APPEND: the server takes the message that was announced. Send it by [`append_chunk`](super::Client::append_chunk).
    AppendReady,
    /// IDLE has begun.
    Idling,
    /// IDLE has come to its time; it is begun anew with this tag. Nothing is to be done.
    IdleRenewed(Tag),
    /// A `+` that no command waits for.
    Continue(ResponseText<'b>),
    /// The response could not be read: it is passed over.
    Invalid {
        /// Why.
        reason: &'static str,
        /// Its octets.
        frame: &'b [u8],
    },
    /// A `+` the machine itself waited for: what was held is on its way. Nothing is to be done.
    Continued,
}
