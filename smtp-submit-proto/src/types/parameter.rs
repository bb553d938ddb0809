use core::marker::PhantomData;

use alloc::{borrow::Cow, string::String};

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
}

/// RCPT's parameters (RFC 5321 section 4.1.2, `Rcpt-parameters`). No extension offered so far has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct RcptParams<'b> {
    frame: PhantomData<&'b [u8]>,
}

/// What the content may hold, as `BODY=` declares it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BodyType {
    /// `7BIT`: lines of ASCII.
    SevenBit,
    /// `8BITMIME`: lines of any octets (RFC 6152).
    EightBitMime,
}

impl BodyType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
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
