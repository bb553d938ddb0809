use alloc::{borrow::Cow, vec::Vec};

/// ENVELOPE (RFC 9051 section 7.5.2): a message's header, as values that can be built, changed and written. `None` is NIL. What a client reads
/// is a [`WireEnvelope`](super::WireEnvelope), which can become one.
///
/// Strings are octets of the header: unfolded, not decoded (RFC 2047 words stay as they are).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope<'a> {
    /// `Date:`
    pub date: Option<Cow<'a, [u8]>>,
    /// `Subject:`
    pub subject: Option<Cow<'a, [u8]>>,
    /// `From:`; empty is NIL.
    pub from: Vec<Address<'a>>,
    /// `Sender:`; where the header has none, the server puts `from` here.
    pub sender: Vec<Address<'a>>,
    /// `Reply-To:`; where the header has none, the server puts `from` here.
    pub reply_to: Vec<Address<'a>>,
    /// `To:`
    pub to: Vec<Address<'a>>,
    /// `Cc:`
    pub cc: Vec<Address<'a>>,
    /// `Bcc:`
    pub bcc: Vec<Address<'a>>,
    /// `In-Reply-To:`
    pub in_reply_to: Option<Cow<'a, [u8]>>,
    /// `Message-ID:`
    pub message_id: Option<Cow<'a, [u8]>>,
}

/// One address of an envelope. A group starts with an address of a `mailbox` (its name) without `host`, and ends with
/// one that has neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address<'a> {
    /// The phrase.
    pub name: Option<Cow<'a, [u8]>>,
    /// The source route.
    pub route: Option<Cow<'a, [u8]>>,
    /// The local part.
    pub mailbox: Option<Cow<'a, [u8]>>,
    /// The domain.
    pub host: Option<Cow<'a, [u8]>>,
}
