use core::net::IpAddr;

use super::Xtext;

/// `RET=`: how much of the message a failure report is to hold (RFC 3461 section 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ret {
    /// `FULL`: the whole message.
    Full,
    /// `HDRS`: its header alone.
    Headers,
}

impl Ret {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Headers => "HDRS",
        }
    }
}

/// `NOTIFY=`: when a report is wanted (RFC 3461 section 4.1). None of the three is `NEVER`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Notify {
    /// The message was delivered.
    pub success: bool,
    /// It could not be.
    pub failure: bool,
    /// It is late.
    pub delay: bool,
}

impl Notify {
    /// `NEVER`
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
}

/// `ORCPT=`: to whom the sender sent it first (RFC 3461 section 4.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OriginalRecipient<'b> {
    pub(crate) kind: &'b str,
    pub(crate) address: &'b str,
}

impl<'b> OriginalRecipient<'b> {
    /// An address of a kind (`rfc822`); the address is xtext. `None` where the kind is no atom, the
    /// address no xtext, or both together longer than 500 octets.
    #[must_use]
    pub fn new(kind: &'b str, address: Xtext<'b>) -> Option<Self> {
        let made = Self { kind, address: address.as_str() };
        crate::grammar::is_addr_type(kind.as_bytes()).then_some(made).filter(Self::fits)
    }

    /// RFC 3461 section 4.2: "MUST NOT exceed 500 characters".
    pub(crate) const fn fits(&self) -> bool {
        self.kind.len() + 1 + self.address.len() <= 500
    }

    /// What kind of address it is: `rfc822`, or `utf-8` (RFC 6533 section 3).
    #[must_use]
    pub const fn kind(self) -> &'b str {
        self.kind
    }

    /// The address as it stands on the wire: xtext, or with the kind `utf-8` and SMTPUTF8 perhaps UTF-8
    /// (RFC 6533 section 3).
    #[must_use]
    pub const fn encoded(self) -> &'b str {
        self.address
    }

    /// The address in xtext; `None` where it is written in UTF-8.
    #[must_use]
    pub fn address(self) -> Option<Xtext<'b>> {
        Xtext::new(self.address)
    }
}

/// `BY=`: by when the message is to be delivered (RFC 2852 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DeliverBy {
    pub(crate) seconds: i32,
    pub(crate) mode: ByMode,
    pub(crate) trace: bool,
}

/// What happens when the time has passed (RFC 2852 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ByMode {
    /// `N`: the sender is told, and delivery is tried further.
    Notify,
    /// `R`: the message is returned.
    Return,
}

impl DeliverBy {
    /// So many seconds from now; `None` beyond 9 digits, and where [`ByMode::Return`] goes with a time
    /// that is not positive.
    #[must_use]
    pub const fn new(seconds: i32, mode: ByMode, trace: bool) -> Option<Self> {
        let in_range = seconds >= -999_999_999 && seconds <= 999_999_999;
        if in_range && (seconds > 0 || matches!(mode, ByMode::Notify)) {
            Some(Self { seconds, mode, trace })
        } else {
            None
        }
    }

    /// Seconds from now.
    #[must_use]
    pub const fn seconds(self) -> i32 {
        self.seconds
    }

    /// What happens then.
    #[must_use]
    pub const fn mode(self) -> ByMode {
        self.mode
    }

    /// `T`: relays that do not know the extension are to be reported.
    #[must_use]
    pub const fn trace(self) -> bool {
        self.trace
    }
}

/// `HOLDFOR=` or `HOLDUNTIL=`: when the message is to be released (RFC 4865 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Hold<'b> {
    /// After so many seconds, at least 1 and of up to 9 digits.
    For(u32),
    /// At this time.
    Until(DateTime<'b>),
}

/// `Internet-style-date-time-UTC` (RFC 4865 section 4): `2007-04-12T15:46:17Z`, checked.
///
/// Times of equal length are ordered as their texts are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DateTime<'b>(pub(crate) &'b str);

impl<'b> DateTime<'b> {
    /// Reads one; `None` where it is none.
    #[must_use]
    pub fn parse(text: &'b str) -> Option<Self> {
        crate::grammar::is_date_time(text.as_bytes()).then_some(Self(text))
    }

    /// As it was written.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        self.0
    }
}

/// `MT-PRIORITY=`: -9 to 9 (RFC 6710 section 5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Priority(pub(crate) i8);

impl Priority {
    /// A priority; `None` outside of -9 to 9.
    #[must_use]
    pub const fn new(n: i8) -> Option<Self> {
        if n >= -9 && n <= 9 { Some(Self(n)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i8 {
        self.0
    }
}

/// The attributes of XCLIENT, checked: what a front end says of the client it speaks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Xclient<'b>(pub(crate) &'b str);

impl<'b> Xclient<'b> {
    /// Reads `NAME=VALUE` pairs with spaces between; `None` where they are none, or a name comes twice.
    #[must_use]
    pub fn parse(text: &'b str) -> Option<Self> {
        crate::grammar::is_xclient(text).then_some(Self(text))
    }

    /// As it was written.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        self.0
    }

    /// The attributes, in their order.
    pub fn attributes(self) -> impl Iterator<Item = XclientAttribute<'b>> {
        self.0.split(' ').filter_map(crate::grammar::xclient_attribute)
    }
}

/// One attribute of XCLIENT.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum XclientAttribute<'b> {
    /// The client's host name.
    Name(Reported<Xtext<'b>>),
    /// The client's address.
    Addr(Reported<IpAddr>),
    /// The client's port.
    Port(Reported<u16>),
    /// Whether the client said EHLO: `ESMTP`, not `SMTP`.
    Extended(bool),
    /// What the client said in EHLO or HELO.
    Helo(Reported<Xtext<'b>>),
    /// Who the client is, by SASL.
    Login(Reported<Xtext<'b>>),
    /// The address the client connected to.
    DestAddr(Reported<IpAddr>),
    /// The port the client connected to.
    DestPort(Reported<u16>),
}

/// A value, or why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reported<T> {
    /// It is this.
    Known(T),
    /// `[UNAVAILABLE]`
    Unavailable,
    /// `[TEMPUNAVAIL]`: not now.
    TemporarilyUnavailable,
}
