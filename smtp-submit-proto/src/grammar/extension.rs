//! The values of the extensions' parameters. Each function gets the value, or `None` where the
//! parameter stands without one.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::types::{
    ByMode, DateTime, DeliverBy, Hold, Notify, OriginalRecipient, Priority, Reported, Ret, XclientAttribute,
    Xtext,
};

type Value<'b> = Option<&'b [u8]>;

fn is(value: &[u8], word: &[u8]) -> bool {
    value.eq_ignore_ascii_case(word)
}

/// `ret-value = "FULL" / "HDRS"` (RFC 3461 section 4.3)
pub(super) fn ret(value: Value<'_>) -> Option<Ret> {
    let value = value?;
    if is(value, b"FULL") { Some(Ret::Full) } else { is(value, b"HDRS").then_some(Ret::Headers) }
}

/// `envid-parameter = "ENVID=" xtext`, up to 100 characters (RFC 3461 section 4.4), which decode to
/// printable ASCII.
pub(super) fn envid(value: Value<'_>) -> Option<Xtext<'_>> {
    let text = str::from_utf8(value?).ok().filter(|t| t.len() <= 100)?;
    let printable = |x: &Xtext<'_>| x.decoded().is_some_and(|d| d.bytes().all(|c| matches!(c, b' '..=b'~')));
    Xtext::new(text).filter(printable)
}

/// ```abnf
/// notify-esmtp-value  = "NEVER" / (notify-list-element *( "," notify-list-element))
/// notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"        ; RFC 3461 section 4.1
/// ```
pub(super) fn notify(value: Value<'_>) -> Option<Notify> {
    let value = value?;
    if is(value, b"NEVER") {
        return Some(Notify::NEVER);
    }
    let mut wanted = Notify::NEVER;
    for word in value.split(|c| *c == b',') {
        let slot = match word.len() {
            7 if is(word, b"SUCCESS") => &mut wanted.success,
            7 if is(word, b"FAILURE") => &mut wanted.failure,
            5 if is(word, b"DELAY") => &mut wanted.delay,
            _ => return None,
        };
        *slot = true;
    }
    Some(wanted)
}

/// `addr-type = atom` (RFC 3461 section 4.2)
pub(crate) fn is_addr_type(kind: &[u8]) -> bool {
    !kind.is_empty() && kind.iter().all(|c| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(c))
}

/// `original-recipient-address = addr-type ";" xtext` (RFC 3461 section 4.2); with the type `utf-8` and
/// SMTPUTF8 in force also UTF-8 (RFC 6533 section 3).
pub(super) fn orcpt(value: Value<'_>, utf8: bool) -> Option<OriginalRecipient<'_>> {
    let (kind, address) = str::from_utf8(value?).ok()?.split_once(';')?;
    let in_utf8 = utf8 && kind.eq_ignore_ascii_case("utf-8");
    let address_fits = if in_utf8 {
        address.bytes().all(|c| matches!(c, b'!'..=b'~' | 0x80..)) && !address.contains('=')
    } else {
        Xtext::new(address).is_some()
    };
    let fits = is_addr_type(kind.as_bytes()) && address_fits && !address.is_empty();
    fits.then_some(OriginalRecipient { kind, address }).filter(OriginalRecipient::fits)
}

/// So many digits at most, one at least.
fn digits(text: &[u8], most: usize) -> Option<u32> {
    let fits = (1..=most).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| fits)?.parse().ok()
}

/// ```abnf
/// by-value = by-time ";" by-mode [by-trace]
/// by-time  = ["-" / "+"] 1*9digit           ; zero or negative not with "R"
/// by-mode  = "N" / "R"
/// by-trace = "T"                            ; RFC 2852 section 4
/// ```
pub(super) fn deliver_by(value: Value<'_>) -> Option<DeliverBy> {
    let value = value?;
    let (time, mode) = value.split_at_checked(memchr::memchr(b';', value)?)?;
    let (negative, time) = match time {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, time),
    };
    let seconds = i32::try_from(digits(time, 9)?).ok()?;
    let (mode, trace) = match mode {
        [b';', mode] => (mode, false),
        [b';', mode, b'T' | b't'] => (mode, true),
        _ => return None,
    };
    let mode = match mode.to_ascii_uppercase() {
        b'N' => ByMode::Notify,
        b'R' => ByMode::Return,
        _ => return None,
    };
    DeliverBy::new(if negative { -seconds } else { seconds }, mode, trace)
}

/// `future-release-integer = %x31-39 *8DIGIT` (RFC 4865 section 4)
pub(super) fn hold_for(value: Value<'_>) -> Option<Hold<'_>> {
    digits(value?, 9).filter(|_| value.is_some_and(|v| v.first() != Some(&b'0'))).map(Hold::For)
}

pub(super) fn hold_until(value: Value<'_>) -> Option<Hold<'_>> {
    DateTime::parse(str::from_utf8(value?).ok()?).map(Hold::Until)
}

/// `date-time` of RFC 3339 section 5.6 in UTC, with `Z` and in upper case (RFC 4865 section 4).
pub(crate) fn is_date_time(text: &[u8]) -> bool {
    let Some((head, tail)) = text.split_at_checked(19) else { return false };
    let shape = head.iter().zip(b"dddd-dd-ddTdd:dd:dd").all(|(c, wanted)| match wanted {
        b'd' => c.is_ascii_digit(),
        _ => c == wanted,
    });
    let fraction = match tail {
        b"Z" => true,
        [b'.', fraction @ .., b'Z'] => {
            (1..=9).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    let number = |from: usize| head.get(from..from + 2).and_then(|d| digits(d, 2)).unwrap_or(99);
    let (month, day) = (number(5), number(8));
    let leap = {
        let year = number(0) * 100 + number(2);
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    };
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => 31,
    };
    shape
        && fraction
        && (1..=12).contains(&month)
        && (1..=days).contains(&day)
        && number(11) < 24
        && number(14) < 60
        && number(17) <= 60
}

/// `priority-value = (["-"] NZDIGIT) / "0"` (RFC 6710 section 7)
pub(super) fn priority(value: Value<'_>) -> Option<Priority> {
    let (sign, digit) = match value? {
        [b'-', digit @ b'1'..=b'9'] => (-1, digit),
        [digit @ b'0'..=b'9'] => (1, digit),
        _ => return None,
    };
    i8::try_from(digit - b'0').ok().and_then(|n| Priority::new(sign * n))
}

/// One `attribute-name "=" attribute-value` of XCLIENT. Values are xtext; some front ends send them
/// without encoding, which for what they hold is mostly the same.
pub(crate) fn xclient_attribute(word: &str) -> Option<XclientAttribute<'_>> {
    let (name, value) = word.split_once('=').filter(|(_, value)| !value.is_empty())?;
    let name_is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
    if name_is("NAME") {
        reported(value, host).map(XclientAttribute::Name)
    } else if name_is("ADDR") {
        reported(value, ip).map(XclientAttribute::Addr)
    } else if name_is("PORT") {
        reported(value, port).map(XclientAttribute::Port)
    } else if name_is("PROTO") {
        let extended = value.eq_ignore_ascii_case("ESMTP");
        (extended || value.eq_ignore_ascii_case("SMTP")).then_some(XclientAttribute::Extended(extended))
    } else if name_is("HELO") {
        reported(value, host).map(XclientAttribute::Helo)
    } else if name_is("LOGIN") {
        reported(value, Xtext::new).map(XclientAttribute::Login)
    } else if name_is("DESTADDR") {
        reported(value, ip).map(XclientAttribute::DestAddr)
    } else if name_is("DESTPORT") {
        reported(value, port).map(XclientAttribute::DestPort)
    } else {
        None
    }
}

fn reported<'b, T>(value: &'b str, known: impl FnOnce(&'b str) -> Option<T>) -> Option<Reported<T>> {
    if value.eq_ignore_ascii_case("[UNAVAILABLE]") {
        Some(Reported::Unavailable)
    } else if value.eq_ignore_ascii_case("[TEMPUNAVAIL]") {
        Some(Reported::TemporarilyUnavailable)
    } else {
        known(value).map(Reported::Known)
    }
}

fn host(value: &str) -> Option<Xtext<'_>> {
    Xtext::new(value).filter(|x| x.decoded().is_some_and(|d| d.len() <= 255))
}

fn ip(value: &str) -> Option<IpAddr> {
    match value.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("IPV6:") => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => value.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    }
}

fn port(value: &str) -> Option<u16> {
    digits(value.as_bytes(), 5).and_then(|n| u16::try_from(n).ok())
}

/// All words are attributes, and none comes twice.
pub(crate) fn is_xclient(text: &str) -> bool {
    let mut seen = 0_u8;
    let mut any = false;
    for word in text.split(' ') {
        let Some(attribute) = xclient_attribute(word) else { return false };
        let bit = 1
            << match attribute {
                XclientAttribute::Name(_) => 0,
                XclientAttribute::Addr(_) => 1,
                XclientAttribute::Port(_) => 2,
                XclientAttribute::Extended(_) => 3,
                XclientAttribute::Helo(_) => 4,
                XclientAttribute::Login(_) => 5,
                XclientAttribute::DestAddr(_) => 6,
                XclientAttribute::DestPort(_) => 7,
            };
        if seen & bit != 0 {
            return false;
        }
        seen |= bit;
        any = true;
    }
    any
}

/// ```abnf
/// bdat-cmd   = "BDAT" SP chunk-size [ SP end-marker ] CRLF
/// chunk-size = 1*DIGIT
/// end-marker = "LAST"                                       ; RFC 3030 section 2
/// ```
pub(super) fn bdat(argument: &[u8]) -> Option<(u64, bool)> {
    let mut words = argument.split(|c| *c == b' ').filter(|w| !w.is_empty());
    let size = words.next().filter(|w| w.len() <= 20 && w.iter().all(u8::is_ascii_digit))?;
    let size = str::from_utf8(size).ok()?.parse().ok()?;
    last(words).map(|last| (size, last))
}

/// `burl-cmd = "BURL" SP absolute-URI [SP end-marker] CRLF` (RFC 4468 section 3.4), where
/// `absolute-URI` is a scheme and at least one octet after the colon (RFC 3986 section 4.3).
pub(super) fn burl(argument: &[u8]) -> Option<(&str, bool)> {
    let mut words = argument.split(|c| *c == b' ').filter(|w| !w.is_empty());
    let url = words.next().filter(|w| w.iter().all(u8::is_ascii_graphic))?;
    let url = str::from_utf8(url).ok().filter(|u| !u.contains(['#', '<', '>', '"']))?;
    let (scheme, rest) = url.split_once(':')?;
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    if !scheme_fits || rest.is_empty() {
        return None;
    }
    last(words).map(|last| (url, last))
}

fn last<'b>(mut words: impl Iterator<Item = &'b [u8]>) -> Option<bool> {
    match (words.next(), words.next()) {
        (None, _) => Some(false),
        (Some(word), None) if is(word, b"LAST") => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_checked() {
        for good in ["2007-04-12T15:46:17Z", "2024-02-29T23:59:60Z", "2007-04-12T15:46:17.5Z"] {
            assert!(is_date_time(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "2007-04-12",
            "2007-04-12t15:46:17Z",
            "2007-04-12T15:46:17",
            "2007-04-12T15:46:17+01:00",
            "2023-02-29T00:00:00Z",
            "2007-13-12T15:46:17Z",
            "2007-04-31T15:46:17Z",
            "2007-04-12T24:46:17Z",
            "2007-04-12T15:46:17.Z",
        ] {
            assert!(!is_date_time(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn deliver_by_values() {
        for (wire, value) in [
            ("120;R", DeliverBy::new(120, ByMode::Return, false)),
            ("+5;NT", DeliverBy::new(5, ByMode::Notify, true)),
            ("-240;n", DeliverBy::new(-240, ByMode::Notify, false)),
            ("0;N", DeliverBy::new(0, ByMode::Notify, false)),
            ("0;R", None),
            ("-1;R", None),
            ("1234567890;N", None),
            ("5", None),
            ("5;", None),
            (";N", None),
            ("5;X", None),
            ("5;NTT", None),
        ] {
            assert_eq!(deliver_by(Some(wire.as_bytes())), value, "{wire}");
        }
    }

    #[test]
    fn small_values() {
        let both = Some(Notify { success: true, failure: true, delay: false });
        assert_eq!(notify(Some(b"SUCCESS,failure")), both);
        for bad in [&b"NEVER,DELAY"[..], b"", b"SUCCESS,", b"X"] {
            assert_eq!(notify(Some(bad)), None);
        }
        assert_eq!(priority(Some(b"-9")), Priority::new(-9));
        for bad in [&b"10"[..], b"+1", b"-0", b"", b"x"] {
            assert_eq!(priority(Some(bad)), None);
        }
        assert_eq!(hold_for(Some(b"86400")), Some(Hold::For(86_400)));
        for bad in [&b"0"[..], b"01", b"1234567890", b""] {
            assert_eq!(hold_for(Some(bad)), None);
        }
        assert!(envid(Some(b"QQ314159")).is_some());
        assert!(envid(Some(&[b'x'; 101])).is_none());
        assert!(envid(Some(b"a+0A")).is_none());
        assert_eq!(orcpt(Some(b"rfc822;Bob@Big-Bucks.com"), false).unwrap().kind(), "rfc822");
        for bad in [&b"rfc822"[..], b";x", b"rfc822;", b"rfc822;a=b", "utf-8;ä".as_bytes()] {
            assert_eq!(orcpt(Some(bad), false), None);
        }
        assert!(orcpt(Some("utf-8;ä@b".as_bytes()), true).is_some());
    }

    #[test]
    fn attributes_of_a_front_end() {
        let v6 = xclient_attribute("addr=ipv6:::1");
        assert_eq!(v6, Some(XclientAttribute::Addr(Reported::Known(Ipv6Addr::LOCALHOST.into()))));
        assert_eq!(
            xclient_attribute("NAME=[tempunavail]"),
            Some(XclientAttribute::Name(Reported::TemporarilyUnavailable))
        );
        assert_eq!(xclient_attribute("PROTO=ESMTP"), Some(XclientAttribute::Extended(true)));
        for bad in ["", "NAME", "NAME=", "ADDR=::1", "PORT=65536", "PROTO=LMTP", "X=1", "NAME=a=b"] {
            assert_eq!(xclient_attribute(bad), None, "{bad}");
        }
        assert!(
            is_xclient("PORT=25 NAME=x ADDR=1.2.3.4") && !is_xclient("PORT=25 PORT=26") && !is_xclient("")
        );
    }

    #[test]
    fn chunks_and_urls() {
        assert_eq!(bdat(b"86 LAST"), Some((86, true)));
        assert_eq!(bdat(b"0  last"), Some((0, true)));
        for bad in [&b""[..], b"x", b"-1", b"1 2", b"1 LAST x", b"99999999999999999999999"] {
            assert_eq!(bdat(bad), None);
        }
        assert_eq!(burl(b"imap://h/x LAST"), Some(("imap://h/x", true)));
        for bad in [&b""[..], b"x", b"1:x", b"imap:", b"imap://h/x LOST"] {
            assert_eq!(burl(bad), None);
        }
    }
}
