//! The pieces of SCRAM messages (RFC 5802 section 7) both sides read, and the GS2 header they begin
//! with (section 7; RFC 5801 section 4), which OAUTHBEARER has too.

use alloc::{
    borrow::{Cow, ToOwned as _},
    string::String,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// `gs2-cbind-flag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag<'a> {
    /// `n`: the client cannot bind.
    No,
    /// `y`: it can, and thinks the server cannot.
    ServerLacks,
    /// `p=`: it binds by this type.
    Binds(&'a str),
}

/// `gs2-header`: the flag, the authorization identity, the header's own octets, and what follows it.
pub(crate) struct Gs2<'a> {
    pub(crate) flag: Flag<'a>,
    pub(crate) authzid: Option<String>,
    pub(crate) octets: &'a str,
    pub(crate) rest: &'a str,
}

/// Reads the header at the start of `text`.
pub(crate) fn gs2(text: &str) -> Option<Gs2<'_>> {
    let (flag, after) = text.split_once(',')?;
    let flag = match flag {
        "n" => Flag::No,
        "y" => Flag::ServerLacks,
        _ => Flag::Binds(flag.strip_prefix("p=").filter(|name| !name.is_empty())?),
    };
    let (authzid, rest) = after.split_once(',')?;
    let authzid = match authzid {
        "" => None,
        _ => Some(unescape(authzid.strip_prefix("a=")?)?),
    };
    let octets = text.get(..text.len() - rest.len())?;
    Some(Gs2 { flag, authzid, octets, rest })
}

/// `saslname`, read: `=2C` is a comma, `=3D` an equals sign, and no other `=` may stand in it.
pub(crate) fn unescape(name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['\0', ',']) {
        return None;
    }
    let mut parts = name.split('=');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (c, rest) = match part.split_at_checked(2)? {
            ("2C", rest) => (',', rest),
            ("3D", rest) => ('=', rest),
            _ => return None,
        };
        out.push(c);
        out.push_str(rest);
    }
    Some(out)
}

/// `saslname`, written.
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['=', ',']) {
        Cow::Owned(name.replace('=', "=3D").replace(',', "=2C"))
    } else {
        Cow::Borrowed(name)
    }
}

/// The value of the attribute `letter` if `field` is one: `letter "=" value`.
pub(super) fn value(field: Option<&str>, letter: char) -> Option<&str> {
    field?.strip_prefix(letter)?.strip_prefix('=')
}

/// Whether all that is left are `extensions`, which are passed over: `ALPHA "=" 1*value-char`. (A
/// mandatory one, `m=`, stands first, where another attribute is expected.)
pub(super) fn extensions<'a>(mut fields: impl Iterator<Item = &'a str>) -> bool {
    fields.all(|field| {
        let mut chars = field.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && chars.next() == Some('=')
            && !chars.as_str().is_empty()
            && !field.contains('\0')
    })
}

/// `nonce`: printable ASCII without a comma, in bounds.
pub(super) fn is_nonce(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
}

/// `posit-number`.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    match digits {
        [b'1'..=b'9', rest @ ..] if rest.len() < 10 && rest.iter().all(u8::is_ascii_digit) => {
            core::str::from_utf8(digits).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// A nonce of random octets: 24 characters of 18 octets, the least both sides take; up to 32 octets.
pub(super) fn nonce(random: &[u8]) -> Option<String> {
    (random.len() >= MIN_RANDOM).then(|| STANDARD.encode(random.get(..32).unwrap_or(random)))
}

/// Random octets an exchange needs, at least.
pub const MIN_RANDOM: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_or_refused() {
        for (text, expected) in [
            ("n,,n=a", Some((Flag::No, None, "n,,", "n=a"))),
            ("y,,", Some((Flag::ServerLacks, None, "y,,", ""))),
            (
                "p=tls-exporter,a=x=2Cy=3D,r",
                Some((Flag::Binds("tls-exporter"), Some("x,y="), "p=tls-exporter,a=x=2Cy=3D,", "r")),
            ),
            ("", None),
            ("n", None),
            ("n,", None),
            ("N,,", None),
            ("p=,,", None),
            ("p,,", None),
            ("n,a=,", None),
            ("n,x=a,", None),
            ("n,a=a=2c,", None),
            ("n,a=a=,", None),
        ] {
            let read = gs2(text);
            let read = read.as_ref().map(|g| (g.flag, g.authzid.as_deref(), g.octets, g.rest));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn names_survive_escaping() {
        for name in ["a", "=,=,", "j\u{f6}rg", "=2C"] {
            assert_eq!(unescape(&escape(name)).as_deref(), Some(name));
        }
    }

    #[test]
    fn numbers_are_positive_and_plain() {
        for (digits, n) in [
            ("1", Some(1)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("0", None),
            ("01", None),
            ("+1", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(number(digits.as_bytes()), n, "{digits}");
        }
    }
}
