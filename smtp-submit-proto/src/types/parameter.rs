use alloc::{borrow::Cow, string::String};

use super::{DeliverBy, Hold, Notify, OriginalRecipient, Priority, Ret};

/// MAIL's parameters (RFC 5321 section 4.1.2, `Mail-parameters`). Those of extensions the server does
/// not offer never come here: they are answered with 555.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct MailParams<'b> {
    /// `SIZE=`: the client's estimate in octets (RFC 1870 section 6).
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152 section 2).
    pub body: Option<BodyType>,
    /// `AUTH=`: who submitted it first, where the client is trusted to say so (RFC 4954 section 5).
    pub auth: Option<Submitter<'b>>,
    /// `RET=` (RFC 3461 section 4.3).
    pub ret: Option<Ret>,
    /// `ENVID=`: the sender's own name for the transaction, up to 100 octets (RFC 3461 section 4.4).
    pub envid: Option<Xtext<'b>>,
    /// `SMTPUTF8`: addresses and header fields may hold UTF-8 (RFC 6531 section 3.4).
    pub smtp_utf8: bool,
    /// `REQUIRETLS`: never in the clear, from here to the recipient (RFC 8689 section 2).
    pub require_tls: bool,
    /// `BY=` (RFC 2852 section 4).
    pub deliver_by: Option<DeliverBy>,
    /// `HOLDFOR=` or `HOLDUNTIL=` (RFC 4865 section 4).
    pub hold: Option<Hold<'b>>,
    /// `MT-PRIORITY=` (RFC 6710 section 4).
    pub priority: Option<Priority>,
}

/// RCPT's parameters (RFC 5321 section 4.1.2, `Rcpt-parameters`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RcptParams<'b> {
    /// `NOTIFY=` (RFC 3461 section 4.1).
    pub notify: Option<Notify>,
    /// `ORCPT=` (RFC 3461 section 4.2).
    pub orcpt: Option<OriginalRecipient<'b>>,
}

/// What the content may hold, as `BODY=` declares it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BodyType {
    /// `7BIT`: lines of ASCII.
    SevenBit,
    /// `8BITMIME`: lines of any octets (RFC 6152).
    EightBitMime,
    /// `BINARYMIME`: any octets, in BDAT alone (RFC 3030 section 3).
    BinaryMime,
}

impl BodyType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        }
    }
}

/// `AUTH=` of MAIL (RFC 4954 section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Submitter<'b> {
    /// `<>`: not known.
    Unknown,
    /// A mailbox, still as xtext; its decoded form was checked to be one.
    Mailbox(Xtext<'b>),
}

/// Text of which `+`, `=`, space and what is not printable ASCII is written `+XX` (RFC 3461 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Xtext<'b>(&'b str);

impl<'b> Xtext<'b> {
    /// `None` where it is not xtext.
    #[must_use]
    pub fn new(text: &'b str) -> Option<Self> {
        is_xtext(text.as_bytes()).then_some(Self(text))
    }

    /// As it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'b str {
        self.0
    }

    /// What it means; `None` where that is not UTF-8. Allocates only where there is a `+`.
    #[must_use]
    pub fn decoded(self) -> Option<Cow<'b, str>> {
        if !self.0.contains('+') {
            return Some(Cow::Borrowed(self.0));
        }
        let mut out = alloc::vec::Vec::with_capacity(self.0.len());
        let mut rest = self.0.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = match (first, tail) {
                (b'+', [high, low, tail @ ..]) => {
                    out.push((hex(*high)? << 4) | hex(*low)?);
                    tail
                }
                _ => {
                    out.push(*first);
                    tail
                }
            };
        }
        String::from_utf8(out).ok().map(Cow::Owned)
    }
}

const fn hex(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        // RFC 3461 section 4 writes upper case; lower case is seen and harmless.
        b'A'..=b'F' => Some(c - b'A' + 10),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

/// `xtext = *( xchar / hexchar )` (RFC 3461 section 4, RFC 4954 section 8).
fn is_xtext(text: &[u8]) -> bool {
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'+', [high, low, tail @ ..]) if hex(*high).is_some() && hex(*low).is_some() => tail,
            (b'+' | b'=' | ..=b' ' | 0x7f.., _) => return false,
            _ => tail,
        };
    }
    true
}

/// The parameters the grammar knows, each of an extension that can be off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parameter {
    Size,
    Body,
    Auth,
    Ret,
    Envid,
    SmtpUtf8,
    RequireTls,
    By,
    HoldFor,
    HoldUntil,
    Priority,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xtext_is_read_as_rfc_3461_writes_it() {
        for (wire, value) in [
            ("e+3Dmc2@example.com", Some("e=mc2@example.com")),
            ("john+2B@example.org", Some("john+@example.org")),
            ("", Some("")),
            ("plain", Some("plain")),
            ("+C3+A4@x", Some("ä@x")),
        ] {
            assert_eq!(Xtext::new(wire).and_then(Xtext::decoded).as_deref(), value, "{wire}");
        }
        for wire in ["+", "+4", "+ZZ", "a=b", "a b", "a\u{7f}", "ä", "\t"] {
            assert_eq!(Xtext::new(wire), None, "{wire}");
        }
        assert_eq!(Xtext::new("+FF").and_then(Xtext::decoded), None);
    }
}
