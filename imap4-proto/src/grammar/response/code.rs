use memchr::memchr;

use super::{
    capabilities, code_extension,
    value::{sp_or_more, trimmed},
    words_of,
};
use crate::grammar::{
    Fault, Parse, fault, is_atom_char,
    keyword::{keyword, words},
    number::{number, number64},
    sequence::sequence_set,
    sp,
    string::ascii,
};
use crate::types::{Code, Quirks, Reading, ResponseCode, ResponseText};

words! {
    ALERT = b"ALERT"; BADCHARSET = b"BADCHARSET"; CAPABILITY = b"CAPABILITY"; PARSE = b"PARSE";
    PERMANENTFLAGS = b"PERMANENTFLAGS"; READ_ONLY = b"READ-ONLY"; READ_WRITE = b"READ-WRITE"; TRYCREATE = b"TRYCREATE";
    UIDNEXT = b"UIDNEXT"; UIDVALIDITY = b"UIDVALIDITY"; UNSEEN = b"UNSEEN"; APPENDUID = b"APPENDUID";
    COPYUID = b"COPYUID"; UIDNOTSTICKY = b"UIDNOTSTICKY"; HIGHESTMODSEQ = b"HIGHESTMODSEQ"; NOMODSEQ = b"NOMODSEQ";
    MODIFIED = b"MODIFIED"; CLOSED = b"CLOSED"; UNAVAILABLE = b"UNAVAILABLE"; EXPIRED = b"EXPIRED";
    PRIVACYREQUIRED = b"PRIVACYREQUIRED"; CONTACTADMIN = b"CONTACTADMIN"; NOPERM = b"NOPERM"; INUSE = b"INUSE";
    EXPUNGEISSUED = b"EXPUNGEISSUED"; CORRUPTION = b"CORRUPTION"; SERVERBUG = b"SERVERBUG"; CLIENTBUG = b"CLIENTBUG";
    CANNOT = b"CANNOT"; LIMIT = b"LIMIT"; OVERQUOTA = b"OVERQUOTA"; ALREADYEXISTS = b"ALREADYEXISTS";
    NONEXISTENT = b"NONEXISTENT"; NOTSAVED = b"NOTSAVED"; HASCHILDREN = b"HASCHILDREN"; UNKNOWN_CTE = b"UNKNOWN-CTE";
    TOOBIG = b"TOOBIG"; USEATTR = b"USEATTR";
}

/// `SP resp-text`, after a status
pub(super) fn after_status(i: &[u8], reading: Reading) -> Parse<'_, ResponseText<'_>> {
    if i.is_empty() && reading.may(Quirks::NO_TEXT) {
        return Ok((i, ResponseText::default()));
    }
    let (i, ()) = sp_or_more(i, reading)?;
    Ok(resp_text(i, reading))
}

/// `resp-text = ["[" resp-text-code "]" SP] [text]`. What begins like a code and is none is text.
pub(super) fn resp_text(i: &[u8], reading: Reading) -> (&[u8], ResponseText<'_>) {
    let i = trimmed(i, reading);
    if let [b'[', inner @ ..] = i
        && let Some(end) = end_of_code(inner)
        && let Some((code, [_, words @ ..])) = inner.split_at_checked(end)
        && let Ok(code) = resp_text_code(code)
    {
        let words = words.strip_prefix(b" ").unwrap_or(words);
        return (&[], ResponseText::new(Some(code), words));
    }
    (&[], ResponseText::new(None, i))
}

/// Where `]` ends the code: a flag of PERMANENTFLAGS may have one in it, and a tag of INPROGRESS.
fn end_of_code(inner: &[u8]) -> Option<usize> {
    let first = memchr(b']', inner)?;
    // The parentheses of a URL are none of the grammar's (RFC 4469 section 5).
    if inner.get(..6).is_some_and(|name| name.eq_ignore_ascii_case(b"BADURL")) {
        return Some(first);
    }
    match inner.get(..first).and_then(|code| memchr(b'(', code)) {
        // In parentheses up to their end; where they have none, they are text of a code that is not known.
        Some(open) => Some(after_list(inner, open).map_or(first, |end| end.max(first))),
        None => Some(first),
    }
}

/// The `]` after the parenthesis that opens here.
fn after_list(inner: &[u8], open: usize) -> Option<usize> {
    let close = open + memchr(b')', inner.get(open..)?)?;
    Some(close + memchr(b']', inner.get(close..)?)?)
}

/// `resp-text-code`, of the text between the brackets
fn resp_text_code(i: &[u8]) -> Result<ResponseCode<'_>, nom::Err<Fault>> {
    let (rest, name) = keyword(i);
    let argument = || sp(rest).map(|(i, ())| i);
    let plain = match name {
        ALERT => Code::Alert,
        PARSE => Code::Parse,
        READ_ONLY => Code::ReadOnly,
        READ_WRITE => Code::ReadWrite,
        TRYCREATE => Code::TryCreate,
        UIDNOTSTICKY => Code::UidNotSticky,
        NOMODSEQ => Code::NoModSeq,
        CLOSED => Code::Closed,
        UNAVAILABLE => Code::Unavailable,
        EXPIRED => Code::Expired,
        PRIVACYREQUIRED => Code::PrivacyRequired,
        CONTACTADMIN => Code::ContactAdmin,
        NOPERM => Code::NoPerm,
        INUSE => Code::InUse,
        EXPUNGEISSUED => Code::ExpungeIssued,
        CORRUPTION => Code::Corruption,
        SERVERBUG => Code::ServerBug,
        CLIENTBUG => Code::ClientBug,
        CANNOT => Code::Cannot,
        LIMIT => Code::Limit,
        OVERQUOTA => Code::OverQuota,
        ALREADYEXISTS => Code::AlreadyExists,
        NONEXISTENT => Code::NonExistent,
        NOTSAVED => Code::NotSaved,
        HASCHILDREN => Code::HasChildren,
        UNKNOWN_CTE => Code::UnknownCte,
        TOOBIG => Code::TooBig,
        USEATTR => Code::UseAttr,
        UIDNEXT => return whole(number(argument()?)?, Code::UidNext),
        UIDVALIDITY => return whole(number(argument()?)?, Code::UidValidity),
        UNSEEN => return whole(number(argument()?)?, Code::Unseen),
        HIGHESTMODSEQ => return whole(number64(argument()?)?, Code::HighestModSeq),
        CAPABILITY => return capabilities(rest).map(ResponseCode::Capability),
        PERMANENTFLAGS => {
            let list = argument()?.strip_prefix(b"(").and_then(|l| l.strip_suffix(b")"));
            return match list.and_then(words_of) {
                Some(flags) => Ok(ResponseCode::PermanentFlags(flags)),
                None => fault("A list of flags is missing"),
            };
        }
        BADCHARSET => {
            let list = rest.strip_prefix(b" (").and_then(|l| l.strip_suffix(b")"));
            return Ok(ResponseCode::BadCharset(list.unwrap_or(&[])));
        }
        APPENDUID => {
            let (i, uid_validity) = number(argument()?)?;
            let (i, uids) = sequence_set(sp(i)?.0)?;
            return end(i, ResponseCode::AppendUid { uid_validity, uids });
        }
        COPYUID => {
            let (i, uid_validity) = number(argument()?)?;
            let (i, from) = sequence_set(sp(i)?.0)?;
            let (i, to) = sequence_set(sp(i)?.0)?;
            return end(i, ResponseCode::CopyUid { uid_validity, from, to });
        }
        MODIFIED => {
            let (i, set) = sequence_set(argument()?)?;
            return end(i, ResponseCode::Modified(set));
        }
        _ => {
            return match code_extension::code(i, rest, name) {
                Ok(Some(code)) => Ok(ResponseCode::Plain(code)),
                _ => other(i),
            };
        }
    };
    end(rest, ResponseCode::Plain(plain)).or_else(|_| other(i))
}

/// `atom [SP 1*<any TEXT-CHAR except "]">]`
fn other(i: &[u8]) -> Result<ResponseCode<'_>, nom::Err<Fault>> {
    let (name, arguments) = match memchr(b' ', i).and_then(|at| i.split_at_checked(at)) {
        Some((name, [_, arguments @ ..])) => (name, Some(arguments)),
        _ => (i, None),
    };
    // The two names that are longer than a keyword.
    if arguments.is_none() && name.eq_ignore_ascii_case(b"AUTHENTICATIONFAILED") {
        return Ok(ResponseCode::Plain(Code::AuthenticationFailed));
    }
    if arguments.is_none() && name.eq_ignore_ascii_case(b"AUTHORIZATIONFAILED") {
        return Ok(ResponseCode::Plain(Code::AuthorizationFailed));
    }
    let printable = |text: &[u8]| !text.is_empty() && text.iter().all(|b| matches!(b, b' '..=b'~'));
    if name.is_empty() || !name.iter().all(|b| is_atom_char(*b)) || arguments.is_some_and(|a| !printable(a)) {
        return fault("A response code is an atom");
    }
    Ok(ResponseCode::Plain(Code::Other(ascii(name), arguments.map(ascii))))
}

fn whole<'b, N>(
    (rest, n): (&'b [u8], N),
    code: fn(N) -> Code<'b>,
) -> Result<ResponseCode<'b>, nom::Err<Fault>> {
    end(rest, ResponseCode::Plain(code(n)))
}

const fn end<'b>(rest: &[u8], code: ResponseCode<'b>) -> Result<ResponseCode<'b>, nom::Err<Fault>> {
    if rest.is_empty() { Ok(code) } else { fault("Something follows the code") }
}
