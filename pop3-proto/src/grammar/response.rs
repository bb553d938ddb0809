//! What a server says.

use crate::types::{LoginDelay, MessageNumber, RespCode, Retention};

/// The first line of a response (RFC 1939 section 3, RFC 5034 section 5), without its CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status<'a> {
    /// `+OK` and its text.
    Ok(&'a [u8]),
    /// `-ERR`, its response code where it is a known one, and the text after it.
    Err(Option<RespCode>, &'a [u8]),
    /// `+` and base64: a challenge.
    Continue(&'a [u8]),
}

/// ```abnf
/// single-line  = status [SP text] CRLF
/// status       = "+OK" / "-ERR"
/// continue-req = "+" SP [base64] CRLF
/// ```
/// The space after a lone `+` may be missing.
pub(crate) fn status(line: &[u8]) -> Option<Status<'_>> {
    let text = |rest: &'_ [u8]| rest.is_empty() || rest.starts_with(b" ");
    if let Some(rest) = line.strip_prefix(b"+OK").filter(|r| text(r)) {
        return Some(Status::Ok(rest.strip_prefix(b" ").unwrap_or(rest)));
    }
    if let Some(rest) = line.strip_prefix(b"-ERR").filter(|r| text(r)) {
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let (code, rest) = resp_code(rest);
        return Some(Status::Err(code, rest));
    }
    let rest = line.strip_prefix(b"+")?;
    if rest.is_empty() { Some(Status::Continue(rest)) } else { rest.strip_prefix(b" ").map(Status::Continue) }
}

/// `resp-code = "[" resp-level *("/" resp-level) "]"` (RFC 2449 section 3). One that is not known is text.
fn resp_code(text: &[u8]) -> (Option<RespCode>, &[u8]) {
    let inner = text.strip_prefix(b"[").and_then(|t| t.split_at_checked(memchr::memchr(b']', t)?));
    let Some((name, rest)) = inner else { return (None, text) };
    match str::from_utf8(name).ok().and_then(RespCode::from_name) {
        Some(code) => {
            let rest = rest.strip_prefix(b"]").unwrap_or(rest);
            (Some(code), rest.strip_prefix(b" ").unwrap_or(rest))
        }
        None => (None, text),
    }
}

/// The timestamp of a greeting: a `msg-id` (RFC 1939 section 7), with its angle brackets.
pub(crate) fn timestamp(text: &[u8]) -> Option<&str> {
    let from = memchr::memchr(b'<', text)?;
    let rest = text.get(from..)?;
    let found = rest.get(..=memchr::memchr(b'>', rest)?)?;
    let inner = found.get(1..found.len() - 1)?;
    let fits = inner.contains(&b'@') && inner.iter().all(|c| c.is_ascii_graphic() && *c != b'<');
    str::from_utf8(found).ok().filter(|_| fits)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|c| *c == b' ').filter(|w| !w.is_empty())
}

fn number<T: core::str::FromStr>(word: &[u8]) -> Option<T> {
    str::from_utf8(word).ok().filter(|w| w.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()
}

/// A drop listing: `nn SP mm`, and what may follow (RFC 1939 section 5, STAT).
pub(crate) fn drop_listing(text: &[u8]) -> Option<(u32, u64)> {
    let mut words = words(text);
    Some((number(words.next()?)?, number(words.next()?)?))
}

/// A scan listing: a message-number and its size, and what may follow (RFC 1939 section 5, LIST).
pub(crate) fn scan_listing(line: &[u8]) -> Option<(MessageNumber, u64)> {
    let mut words = words(line);
    let n = MessageNumber::new(number(words.next()?)?)?;
    Some((n, number(words.next()?)?))
}

/// A unique-id listing: a message-number and "one to 70 characters in the range 0x21 to 0x7E"
/// (RFC 1939 section 7, UIDL). Longer ones are seen, and taken.
pub(crate) fn unique_id_listing(line: &[u8]) -> Option<(MessageNumber, &str)> {
    let mut words = words(line);
    let n = MessageNumber::new(number(words.next()?)?)?;
    let id = words.next().filter(|id| id.iter().all(u8::is_ascii_graphic))?;
    Some((n, str::from_utf8(id).ok()?))
}

/// `EXPIRE`: `NEVER` or days, and perhaps `USER` (RFC 2449 section 6.7).
pub(crate) fn expire(params: &str) -> Option<(Retention, bool)> {
    let (value, user) = with_user(params)?;
    if value.eq_ignore_ascii_case("NEVER") {
        return Some((Retention::Never, user));
    }
    number(value.as_bytes()).map(|days| (Retention::Days(days), user))
}

/// `LOGIN-DELAY`: seconds, and perhaps `USER` (RFC 2449 section 6.5).
pub(crate) fn login_delay(params: &str) -> Option<(LoginDelay, bool)> {
    let (value, user) = with_user(params)?;
    number(value.as_bytes()).map(|seconds| (LoginDelay(seconds), user))
}

fn with_user(params: &str) -> Option<(&str, bool)> {
    let mut words = params.split_ascii_whitespace();
    let value = words.next()?;
    Some((value, words.next().is_some_and(|w| w.eq_ignore_ascii_case("USER"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        for (wire, value) in [
            ("+OK", Some(Status::Ok(b""))),
            ("+OK 2 320", Some(Status::Ok(b"2 320"))),
            ("+OKAY", None),
            ("-ERR", Some(Status::Err(None, b""))),
            (
                "-ERR [IN-USE] Do you have another?",
                Some(Status::Err(Some(RespCode::InUse), b"Do you have another?")),
            ),
            ("-ERR [sys/temp]", Some(Status::Err(Some(RespCode::SysTemp), b""))),
            ("-ERR [X] y", Some(Status::Err(None, b"[X] y"))),
            ("-ERR [X", Some(Status::Err(None, b"[X"))),
            ("+ dGVzdA==", Some(Status::Continue(b"dGVzdA=="))),
            ("+ ", Some(Status::Continue(b""))),
            ("+", Some(Status::Continue(b""))),
            ("+x", None),
            ("hello", None),
            ("", None),
        ] {
            assert_eq!(status(wire.as_bytes()), value, "{wire}");
        }
    }

    #[test]
    fn timestamps_of_greetings() {
        for (wire, value) in [
            (
                "POP3 server ready <1896.697170952@dbc.mtview.ca.us>",
                Some("<1896.697170952@dbc.mtview.ca.us>"),
            ),
            ("<a@b> x", Some("<a@b>")),
            ("ready <ab>", None),
            ("ready <a@b", None),
            ("ready <a @b>", None),
            ("ready", None),
            (">a@b<", None),
        ] {
            assert_eq!(timestamp(wire.as_bytes()), value, "{wire}");
        }
    }

    #[test]
    fn listings() {
        let one = MessageNumber::new(1).unwrap();
        assert_eq!(drop_listing(b"2 320"), Some((2, 320)));
        assert_eq!(drop_listing(b"0 0 x"), Some((0, 0)));
        assert_eq!(scan_listing(b"1 120"), Some((one, 120)));
        assert_eq!(unique_id_listing(b"1 whqtswO00WBw418f9t5JxYwZ"), Some((one, "whqtswO00WBw418f9t5JxYwZ")));
        for bad in [&b""[..], b"1", b"0 1", b"-1 1", b"x 1", b"99999999999 1"] {
            assert_eq!((scan_listing(bad), unique_id_listing(bad)), (None, None), "{}", bad.escape_ascii());
        }
        assert_eq!(drop_listing(b"+1 2"), None);
        assert_eq!(expire("30 USER"), Some((Retention::Days(30), true)));
        assert_eq!(expire("never"), Some((Retention::Never, false)));
        assert_eq!(login_delay("900"), Some((LoginDelay(900), false)));
        assert_eq!((expire(""), login_delay("x")), (None, None));
    }
}
