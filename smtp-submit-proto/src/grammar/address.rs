use core::net::Ipv6Addr;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{take_while_m_n, take_while1},
    character::complete::{char, satisfy},
    combinator::{recognize, verify},
    multi::many0_count,
    sequence::{delimited, pair},
};

use super::class::{ATEXT, ATEXT_UTF8, Class, LDH, LDH_UNDERSCORE, LDH_UTF8, LDH_UTF8_UNDERSCORE, is, run};
use super::plain;
use crate::{ForwardPath, Mailbox, ReversePath};

/// RFC 5321 section 4.5.3.1.1, octets.
pub(super) const LOCAL_PART: usize = 64;
/// RFC 5321 section 4.5.3.1.2, octets.
const DOMAIN: usize = 255;
/// RFC 5321 section 4.5.3.1.3, octets with the angle brackets.
const PATH: usize = 256;
/// RFC 1035 section 2.3.4, octets.
pub(super) const LABEL: usize = 63;

/// Why text is no mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not follow RFC 5321 section 4.1.2.
    #[error("it is no mailbox as RFC 5321 section 4.1.2 has it")]
    Syntax,
    /// It needs SMTPUTF8 (RFC 6531), which is not in force.
    #[error("an address outside ASCII needs SMTPUTF8")]
    NonAscii,
    /// It exceeds a length of RFC 5321 section 4.5.3.1.
    #[error("the local part, the domain or the path is too long")]
    TooLong,
}

/// What an address may look like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AddressRules {
    /// RFC 6531 section 3.3.
    pub(crate) utf8: bool,
    pub(crate) underscore: bool,
}

impl AddressRules {
    const fn atext(self) -> Class {
        if self.utf8 { ATEXT_UTF8 } else { ATEXT }
    }

    /// What a label is made of.
    const fn label(self) -> Class {
        match (self.utf8, self.underscore) {
            (false, false) => LDH,
            (true, false) => LDH_UTF8,
            (false, true) => LDH_UNDERSCORE,
            (true, true) => LDH_UTF8_UNDERSCORE,
        }
    }
}

type Parsed<'b, T> = IResult<&'b [u8], T>;

/// ```abnf
/// Local-part     = Dot-string / Quoted-string
/// Dot-string     = Atom *("." Atom)
/// Quoted-string  = DQUOTE *QcontentSMTP DQUOTE
/// QcontentSMTP   = qtextSMTP / quoted-pairSMTP
/// quoted-pairSMTP = %d92 %d32-126
/// qtextSMTP      = %d32-33 / %d35-91 / %d93-126
/// ```
fn local_part(input: &[u8], rules: AddressRules) -> Option<usize> {
    let atom = || take_while1(move |c| is(c, rules.atext()));
    let qtext = take_while1(move |c| matches!(c, 32..=33 | 35..=91 | 93..=126) || (rules.utf8 && c >= 0x80));
    let quoted_pair = recognize(pair(char('\\'), satisfy(|c| matches!(c, ' '..='~'))));
    let parsed: Parsed<'_, &[u8]> = alt((
        recognize(pair(atom(), many0_count(pair(char('.'), atom())))),
        recognize(delimited(char('"'), many0_count(alt((qtext, quoted_pair))), char('"'))),
    ))
    .parse_complete(input);
    parsed.ok().map(|(_, local)| local.len())
}

/// ```abnf
/// Domain     = sub-domain *("." sub-domain)
/// sub-domain = Let-dig [Ldh-str]
/// sub-domain =/ U-label                                ; RFC 6531 section 3.3
/// ```
#[inline]
fn domain(input: &[u8], rules: AddressRules) -> Option<usize> {
    // One pass, label by label; a dot that no label follows is not the domain's.
    let of = rules.label();
    let (mut end, mut at) = (None, 0);
    while let Some(from) = input.get(at..) {
        let n = run(from, of);
        match from.get(..n) {
            Some([b'-', ..] | [.., b'-'] | []) | None => break,
            Some(label) if n > LABEL && label.is_ascii() => break,
            _ => {}
        }
        at += n;
        end = Some(at);
        match from.get(n) {
            Some(b'.') => at += 1,
            _ => break,
        }
    }
    end
}

/// ```abnf
/// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
/// IPv4-address-literal = Snum 3("." Snum)
/// IPv6-address-literal = "IPv6:" IPv6-addr
/// General-address-literal = Standardized-tag ":" 1*dcontent
/// dcontent = %d33-90 / %d94-126
/// ```
fn address_literal(input: &[u8]) -> Option<usize> {
    let [b'[', content @ ..] = input else { return None };
    let n = content.iter().take_while(|c| matches!(c, 33..=90 | 94..=126)).count();
    let (content, after) = content.split_at_checked(n)?;
    (after.first() == Some(&b']') && is_literal(content)).then_some(n + 2)
}

fn is_literal(content: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', content) else {
        return is_ipv4(content);
    };
    let (tag, address) = content.split_at(colon);
    let address = address.get(1..).unwrap_or(&[]);
    if tag.eq_ignore_ascii_case(b"IPv6") {
        return str::from_utf8(address).is_ok_and(|a| a.parse::<Ipv6Addr>().is_ok());
    }
    let ldh = tag.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-');
    ldh && tag.last().is_some_and(u8::is_ascii_alphanumeric) && !address.is_empty()
}

/// `Snum = 1*3DIGIT`, 0 through 255
fn is_ipv4(content: &[u8]) -> bool {
    let snum = || {
        verify(take_while_m_n(1, 3, |c: u8| c.is_ascii_digit()), |d: &[u8]| {
            d.iter().fold(0_u16, |n, d| n * 10 + u16::from(d - b'0')) <= 255
        })
    };
    let four: IResult<&[u8], _> =
        (snum(), char('.'), snum(), char('.'), snum(), char('.'), snum()).parse_complete(content);
    four.is_ok_and(|(rest, _)| rest.is_empty())
}

/// `Mailbox = Local-part "@" ( Domain / address-literal )`: the octets, where the `@` is, and the rest.
#[inline]
fn raw_mailbox(input: &[u8], rules: AddressRules) -> Result<(&[u8], usize, &[u8]), AddressError> {
    if let Some((at, len)) = plain::mailbox(input)
        && let Some((whole, rest @ ([] | [b'>' | b' ', ..]))) = input.split_at_checked(len)
    {
        return Ok((whole, at, rest));
    }
    any_mailbox(input, rules)
}

pub(super) fn any_mailbox(input: &[u8], rules: AddressRules) -> Result<(&[u8], usize, &[u8]), AddressError> {
    let local = local_part(input, rules).ok_or(AddressError::Syntax)?;
    let Some([b'@', at_domain @ ..]) = input.get(local..) else { return Err(AddressError::Syntax) };
    let host = match at_domain {
        [b'[', ..] => address_literal(at_domain),
        _ => domain(at_domain, rules),
    };
    let host = host.ok_or(AddressError::Syntax)?;
    if local > LOCAL_PART || host > DOMAIN {
        return Err(AddressError::TooLong);
    }
    let (whole, rest) = input.split_at_checked(local + 1 + host).ok_or(AddressError::Syntax)?;
    Ok((whole, local, rest))
}

/// A mailbox and nothing after it.
pub(crate) fn mailbox(input: &[u8], rules: AddressRules) -> Result<Mailbox<'_>, AddressError> {
    if !rules.utf8 && !input.is_ascii() {
        return Err(AddressError::NonAscii);
    }
    let (text, at, rest) = raw_mailbox(input, rules)?;
    if !rest.is_empty() {
        return Err(AddressError::Syntax);
    }
    let text = str::from_utf8(text).map_err(|_| AddressError::Syntax)?;
    Ok(Mailbox::from_checked(text, at))
}

/// Whether this is `Domain / address-literal` (RFC 5321 section 4.1.2), as EHLO's argument should be.
#[must_use]
pub fn is_domain_or_literal(name: &[u8]) -> bool {
    let whole = Some(name.len());
    name.len() <= DOMAIN && (domain(name, AddressRules::default()) == whole || address_literal(name) == whole)
}

/// ```abnf
/// A-d-l     = At-domain *( "," At-domain )
/// At-domain = "@" Domain
/// ```
/// The source route "MUST BE accepted, SHOULD NOT be generated, and SHOULD be ignored".
#[cold]
fn source_route(mut input: &[u8], rules: AddressRules) -> Option<&[u8]> {
    while let [b'@', at_domain @ ..] = input {
        match at_domain.get(domain(at_domain, rules)?..)? {
            [b',', rest @ ..] => input = rest,
            [b':', mailbox @ ..] => return Some(mailbox),
            _ => return None,
        }
    }
    None
}

/// The bracketed part of an argument: the mailbox (`None` for `<>`), and what follows the `>`.
type Bracketed<'b> = (Option<&'b [u8]>, usize, &'b [u8]);

/// `Path = "<" [ A-d-l ":" ] Mailbox ">"`, or `<>`, or `<Postmaster>`.
#[inline]
fn path(input: &[u8], rules: AddressRules) -> Result<Bracketed<'_>, AddressError> {
    let [b'<', inner @ ..] = input else { return Err(AddressError::Syntax) };
    if let [b'>', rest @ ..] = inner {
        return Ok((None, 0, rest));
    }
    let start = match inner {
        [b'@', ..] => source_route(inner, rules).ok_or(AddressError::Syntax)?,
        _ => inner,
    };
    let (text, at, rest) = raw_mailbox(start, rules)?;
    let [b'>', rest @ ..] = rest else { return Err(AddressError::Syntax) };
    if input.len() - rest.len() > PATH + (inner.len() - start.len()) {
        return Err(AddressError::TooLong);
    }
    Ok((Some(text), at, rest))
}

/// Where an address without brackets is tolerated: up to the next space.
fn bare_path(input: &[u8], rules: AddressRules) -> Result<Bracketed<'_>, AddressError> {
    let (text, at, rest) = raw_mailbox(input, rules)?;
    Ok((Some(text), at, rest))
}

/// What of the argument is the address, however malformed.
fn address_of(input: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b'>', input).unwrap_or(input.len());
    input.get(..end).unwrap_or(input)
}

#[inline]
fn any_path(input: &[u8], rules: AddressRules, bare: bool) -> Result<Bracketed<'_>, AddressError> {
    let parsed = match input {
        [b'<', ..] => path(input, rules),
        _ if bare => bare_path(input, rules),
        _ => Err(AddressError::Syntax),
    };
    let parsed = match parsed {
        Ok(parsed) => parsed,
        // 8-bit octets anywhere in an address have an answer of their own.
        Err(_) if !rules.utf8 && !address_of(input).is_ascii() => return Err(AddressError::NonAscii),
        Err(e) => return Err(e),
    };
    match parsed.2 {
        [] | [b' ', ..] => Ok(parsed),
        _ => Err(AddressError::Syntax),
    }
}

fn checked(text: &[u8], at: usize) -> Result<Mailbox<'_>, AddressError> {
    str::from_utf8(text).map(|t| Mailbox::from_checked(t, at)).map_err(|_| AddressError::Syntax)
}

/// `Reverse-path = Path / "<>"`, and what follows it.
pub(crate) fn reverse_path(
    input: &[u8],
    rules: AddressRules,
    bare: bool,
) -> Result<(ReversePath<'_>, &[u8]), AddressError> {
    let (text, at, rest) = any_path(input, rules, bare)?;
    let path = match text {
        None => ReversePath::Null,
        Some(text) => ReversePath::Mailbox(checked(text, at)?),
    };
    Ok((path, rest))
}

/// `"<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path` (RFC 5321 section 4.1.1.3), and what follows it.
pub(crate) fn forward_path(
    input: &[u8],
    rules: AddressRules,
    bare: bool,
) -> Result<(ForwardPath<'_>, &[u8]), AddressError> {
    let (text, at, rest) = match any_path(input, rules, bare) {
        Ok(parsed) => parsed,
        Err(e) => return postmaster(input).ok_or(e),
    };
    match text {
        None => Err(AddressError::Syntax),
        Some(text) => Ok((ForwardPath::Mailbox(checked(text, at)?), rest)),
    }
}

/// `<Postmaster>`, in any case, and what follows it: the one path without a domain.
#[cold]
fn postmaster(input: &[u8]) -> Option<(ForwardPath<'_>, &[u8])> {
    const POSTMASTER: &[u8] = b"<postmaster>";
    let (word, rest) = input.split_at_checked(POSTMASTER.len())?;
    (word.eq_ignore_ascii_case(POSTMASTER) && matches!(rest, [] | [b' ', ..]))
        .then_some((ForwardPath::Postmaster, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::ToString};

    const STRICT: AddressRules = AddressRules { utf8: false, underscore: false };

    #[test]
    fn mailboxes() {
        for good in [
            "a@b",
            "first.last@example.com",
            "e=mc2@example.com",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "\"\"@b",
            "\"a b\"@example.com",
            "\"a@b>c\"@example.com",
            "\"q\\\"q\\\\\"@example.com",
            "a@[127.0.0.1]",
            "a@[IPv6:2001:db8::1]",
            "a@[ipv6:::ffff:1.2.3.4]",
            "a@[x400:anything/here]",
            "a@1.2",
            "a@xn--bcher-kva.example",
        ] {
            let m = mailbox(good.as_bytes(), STRICT).unwrap_or_else(|e| panic!("{good}: {e}"));
            assert_eq!(m.to_string(), good);
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a b@c",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@b.",
            "a@.b",
            "a@b_c",
            "\"a@b",
            "\"a\"b@c",
            "\"a\\\"@b",
            "a@[1.2.3]",
            "a@[1.2.3.256]",
            "a@[1.2.3.4.5]",
            "a@[IPv6:zz]",
            "a@[1.2.3.4",
            "a@[]",
            "a@[:x]",
            "a\0@b",
            "a@b\0",
            "a\r\n@b",
            "a(c)@b",
            "<a@b>",
        ] {
            assert_eq!(mailbox(bad.as_bytes(), STRICT), Err(AddressError::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn what_any_policy_accepts_can_be_read_again() {
        // Every string of these that some rules take as a path comes back from where it was kept as the same mailbox.
        let pieces =
            ["a", "-", "_", ".", "@", "\"", "\\", " ", ">", "b_c", "[1.2.3.4]", "\u{fc}", "\r", "\0"];
        let mut accepted = 0;
        let all = (0..5_u32).flat_map(|n| (0..pieces.len().pow(n)).map(move |k| (n, k)));
        for (n, mut k) in all {
            let mut text = alloc::string::String::new();
            for _ in 0..n {
                text.push_str(pieces[k % pieces.len()]);
                k /= pieces.len();
            }
            let path = format!("<{text}>");
            for (utf8, underscore) in [(false, false), (true, false), (false, true), (true, true)] {
                let Ok((found, rest)) =
                    forward_path(path.as_bytes(), AddressRules { utf8, underscore }, false)
                else {
                    continue;
                };
                let Some(mailbox) = found.mailbox().filter(|_| rest.is_empty()) else { continue };
                accepted += 1;
                assert_eq!(
                    Mailbox::parse_accepted(mailbox.as_str()).map(Mailbox::as_str),
                    Ok(mailbox.as_str())
                );
                assert!(!mailbox.as_str().contains(['\r', '\0']));
            }
        }
        assert!(accepted > 300, "{accepted}");
    }

    #[test]
    fn eight_bit_needs_smtputf8() {
        let utf8 = AddressRules { utf8: true, ..STRICT };
        for text in ["ä@example.com", "a@bücher.example", "\"ä b\"@c"] {
            assert_eq!(mailbox(text.as_bytes(), STRICT), Err(AddressError::NonAscii));
            assert_eq!(mailbox(text.as_bytes(), utf8).map(Mailbox::as_str), Ok(text));
        }
        assert_eq!(mailbox(b"\xe4@example.com", utf8), Err(AddressError::Syntax), "Latin-1 is not UTF-8");
    }

    #[test]
    fn lengths_are_those_of_rfc_5321() {
        let local = |n| format!("{}@b", "x".repeat(n));
        assert!(mailbox(local(64).as_bytes(), STRICT).is_ok());
        assert_eq!(mailbox(local(65).as_bytes(), STRICT), Err(AddressError::TooLong));
        let host = |n: usize| {
            format!("a@{}{}", "x.".repeat((n - 1) / 2), if n.is_multiple_of(2) { "xx" } else { "x" })
        };
        assert!(mailbox(host(255).as_bytes(), STRICT).is_ok());
        assert_eq!(mailbox(host(257).as_bytes(), STRICT), Err(AddressError::TooLong));
        assert!(forward_path(format!("<{}>", host(252)).as_bytes(), STRICT, false).is_ok());
        assert_eq!(
            forward_path(format!("<{}>", host(253)).as_bytes(), STRICT, false),
            Err(AddressError::TooLong)
        );
        let label = format!("a@{}.b", "x".repeat(64));
        assert_eq!(mailbox(label.as_bytes(), STRICT), Err(AddressError::Syntax));
    }

    #[test]
    fn paths() {
        for (wire, path, rest) in [
            ("<a@b>", "<a@b>", ""),
            ("<a@b> SIZE=1", "<a@b>", " SIZE=1"),
            ("<@r1,@r2.example:a@b>", "<a@b>", ""),
            ("<\"x> y\"@b> SIZE=1", "<\"x> y\"@b>", " SIZE=1"),
        ] {
            let (f, r) = forward_path(wire.as_bytes(), STRICT, false).unwrap();
            assert_eq!((f.to_string().as_str(), r), (path, rest.as_bytes()));
            let (f, r) = reverse_path(wire.as_bytes(), STRICT, false).unwrap();
            assert_eq!((f.to_string().as_str(), r), (path, rest.as_bytes()));
        }
        assert_eq!(reverse_path(b"<>", STRICT, false), Ok((ReversePath::Null, &b""[..])));
        for word in ["<Postmaster>", "<POSTMASTER> ", "<postmaster>"] {
            let (f, _) = forward_path(word.as_bytes(), STRICT, false).unwrap();
            assert_eq!(f, ForwardPath::Postmaster);
        }
        for bad in
            ["<>", "a@b", "<a@b", "a@b>", "<a@b>x", "<a>", "< a@b>", "<a@b >", "<@r a@b>", "<@r:>", "<<a@b>>"]
        {
            assert!(forward_path(bad.as_bytes(), STRICT, false).is_err(), "{bad}");
        }
        assert!(forward_path(b"a@b", STRICT, true).is_ok());
        assert!(forward_path(b"a@b X=1", STRICT, true).is_ok());
        assert_eq!(forward_path("<ä@b>".as_bytes(), STRICT, false), Err(AddressError::NonAscii));
    }
}
