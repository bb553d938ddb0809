use alloc::borrow::Cow;
use core::fmt;

use super::{Address, Envelope, MalformedResponse, NString, Reading};
use crate::grammar::response::{AddressIter, Fields, Reader, string_at};

/// ENVELOPE as a server wrote it (RFC 9051 section 7.5.2). Its form was checked once; a field is read where it is asked for, and
/// nothing is allocated.
///
/// ```
/// use imap4_proto::types::{Attribute, Reading, Response};
/// let line = b"* 7 FETCH (ENVELOPE (NIL \"Lunch?\" ((\"Ann\" NIL \"ann\" \"example.test\")) NIL NIL NIL NIL NIL NIL NIL))\r\n";
/// let Response::Fetch(message) = Response::parse(line, Reading::TOLERANT)? else { panic!() };
/// for item in message.items.iter() {
///     if let Attribute::Envelope(envelope) = item {
///         assert_eq!(envelope.subject().unwrap(), "Lunch?");
///         let sender = envelope.from().first().unwrap();
///         assert!(sender.mailbox.unwrap() == "ann" && sender.host.unwrap() == "example.test");
///         assert!(envelope.to().is_empty() && envelope.message_id().is_none());
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct WireEnvelope<'b> {
    text: &'b [u8],
    reading: Reading,
    fields: Fields,
}

impl<'b> WireEnvelope<'b> {
    pub(crate) const fn new(text: &'b [u8], reading: Reading, fields: Fields) -> Self {
        Self { text, reading, fields }
    }

    /// Reads the whole of a value: one that was kept, as [`as_bytes`](Self::as_bytes) gives it.
    ///
    /// # Errors
    /// [`MalformedResponse`] says what is missing.
    pub fn parse(text: &'b [u8], reading: Reading) -> Result<Self, MalformedResponse> {
        let mut reader = Reader::new(text, reading);
        match reader.envelope() {
            Ok(envelope) if reader.rest().is_empty() => Ok(envelope),
            Ok(_) => Err(MalformedResponse("Something follows the envelope")),
            Err(fault) => Err(MalformedResponse(fault.0)),
        }
    }

    /// Its text, from parenthesis to parenthesis.
    #[must_use]
    pub const fn as_bytes(&self) -> &'b [u8] {
        self.text
    }

    #[inline]
    fn string(&self, field: u32) -> NString<'b> {
        string_at(self.text, field, self.reading)
    }

    const fn addresses(&self, field: u32) -> WireAddresses<'b> {
        WireAddresses { text: self.text, field, reading: self.reading }
    }

    /// `Date:`
    #[must_use]
    pub fn date(&self) -> NString<'b> {
        let [date, ..] = self.fields;
        self.string(date)
    }

    /// `Subject:`, unfolded and not decoded (RFC 2047 words stay as they are).
    #[must_use]
    pub fn subject(&self) -> NString<'b> {
        let [_, subject, ..] = self.fields;
        self.string(subject)
    }

    /// `From:`
    #[must_use]
    pub const fn from(&self) -> WireAddresses<'b> {
        let [_, _, from, ..] = self.fields;
        self.addresses(from)
    }

    /// `Sender:`; where the header has none, the server puts `from` here.
    #[must_use]
    pub const fn sender(&self) -> WireAddresses<'b> {
        let [_, _, _, sender, ..] = self.fields;
        self.addresses(sender)
    }

    /// `Reply-To:`; where the header has none, the server puts `from` here.
    #[must_use]
    pub const fn reply_to(&self) -> WireAddresses<'b> {
        let [_, _, _, _, reply_to, ..] = self.fields;
        self.addresses(reply_to)
    }

    /// `To:`
    #[must_use]
    pub const fn to(&self) -> WireAddresses<'b> {
        let [.., to, _, _, _, _] = self.fields;
        self.addresses(to)
    }

    /// `Cc:`
    #[must_use]
    pub const fn cc(&self) -> WireAddresses<'b> {
        let [.., cc, _, _, _] = self.fields;
        self.addresses(cc)
    }

    /// `Bcc:`
    #[must_use]
    pub const fn bcc(&self) -> WireAddresses<'b> {
        let [.., bcc, _, _] = self.fields;
        self.addresses(bcc)
    }

    /// `In-Reply-To:`
    #[must_use]
    pub fn in_reply_to(&self) -> NString<'b> {
        let [.., in_reply_to, _] = self.fields;
        self.string(in_reply_to)
    }

    /// `Message-ID:`
    #[must_use]
    pub fn message_id(&self) -> NString<'b> {
        let [.., message_id] = self.fields;
        self.string(message_id)
    }

    /// All of it as values, which can be changed and written.
    #[must_use]
    pub fn to_envelope(&self) -> Envelope<'b> {
        let all = |list: WireAddresses<'b>| list.iter().map(|a| a.to_address()).collect();
        Envelope {
            date: octets(self.date()),
            subject: octets(self.subject()),
            from: all(self.from()),
            sender: all(self.sender()),
            reply_to: all(self.reply_to()),
            to: all(self.to()),
            cc: all(self.cc()),
            bcc: all(self.bcc()),
            in_reply_to: octets(self.in_reply_to()),
            message_id: octets(self.message_id()),
        }
    }
}

/// Two are equal when they mean the same.
impl PartialEq for WireEnvelope<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.reading == other.reading || self.to_envelope() == other.to_envelope()
    }
}
impl Eq for WireEnvelope<'_> {}
impl fmt::Debug for WireEnvelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_envelope().fmt(f)
    }
}

/// The addresses of one field of a [`WireEnvelope`]; NIL is none.
#[derive(Clone, Copy)]
pub struct WireAddresses<'b> {
    text: &'b [u8],
    field: u32,
    reading: Reading,
}

impl<'b> WireAddresses<'b> {
    /// The addresses, in their order.
    pub fn iter(&self) -> impl Iterator<Item = WireAddress<'b>> + Clone + 'b {
        AddressIter::new(self.text, self.field, self.reading)
    }

    /// The first of them.
    #[must_use]
    pub fn first(&self) -> Option<WireAddress<'b>> {
        self.iter().next()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first().is_none()
    }
}

impl fmt::Debug for WireAddresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One address of a [`WireEnvelope`]. A group starts with an address of a `mailbox` (its name) without `host`, and ends with one that
/// has neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WireAddress<'b> {
    /// The phrase.
    pub name: NString<'b>,
    /// The source route.
    pub route: NString<'b>,
    /// The local part.
    pub mailbox: NString<'b>,
    /// The domain.
    pub host: NString<'b>,
}

impl<'b> WireAddress<'b> {
    pub(crate) const EMPTY: Self = Self { name: None, route: None, mailbox: None, host: None };

    /// The same as a value that can be changed and written.
    #[must_use]
    pub fn to_address(&self) -> Address<'b> {
        Address {
            name: octets(self.name),
            route: octets(self.route),
            mailbox: octets(self.mailbox),
            host: octets(self.host),
        }
    }
}

/// What a string means, where there is one.
pub(super) fn octets(s: NString<'_>) -> Option<Cow<'_, [u8]>> {
    s.map(|s| s.bytes())
}
