use super::{
    Context, Parse,
    chars::is_keyword_char,
    fault,
    list::mailbox,
    list_of::list_of,
    sp,
    string::{ascii, astring, nstring, take_while},
};
use crate::types::{Command, ListOf, MechanismName, UrlData, UrlMechanism, UrlRump};

/// `genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)` (RFC 4467 section 9); after the name.
pub(super) fn genurlauth(i: &[u8]) -> Parse<'_, Command<'_>> {
    list_of(sp(i)?.0, false, url_rump).map(|(i, urls)| (i, Command::GenUrlAuth(urls)))
}

/// `resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]` (RFC 4467 section 9); after the name.
pub(super) fn resetkey(i: &[u8], context: Context) -> Parse<'_, Command<'_>> {
    let [b' ', rest @ ..] = i else {
        return Ok((i, Command::ResetKey { mailbox: None, mechanisms: ListOf::EMPTY }));
    };
    let (i, name) = mailbox(rest, context)?;
    let (i, mechanisms) = match i {
        [b' ', rest @ ..] => list_of(rest, false, |i| mechanism(i).map(|(i, m)| (i, MechanismName(m))))?,
        _ => (i, ListOf::EMPTY),
    };
    Ok((i, Command::ResetKey { mailbox: Some(name), mechanisms }))
}

/// `urlfetch = "URLFETCH" 1*(SP url-full)`, with `url-full = astring` (RFC 4467 section 9); after the name.
pub(super) fn urlfetch(i: &[u8]) -> Parse<'_, Command<'_>> {
    list_of(sp(i)?.0, false, astring).map(|(i, urls)| (i, Command::UrlFetch(urls)))
}

/// `url-rump SP mechanism`, with `url-rump = astring` (RFC 4467 section 9)
pub(crate) fn url_rump(i: &[u8]) -> Parse<'_, UrlRump<'_>> {
    let (i, url) = astring(i)?;
    let (i, mechanism) = mechanism(sp(i)?.0)?;
    Ok((i, UrlRump::new(url, mechanism)))
}

/// `mechanism = "INTERNAL" / 1*(ALPHA / DIGIT / "-" / ".")` (RFC 4467 section 9)
pub(crate) fn mechanism(i: &[u8]) -> Parse<'_, &str> {
    let (rest, name) = take_while(i, is_keyword_char);
    if name.is_empty() { fault("A mechanism is missing") } else { Ok((rest, ascii(name))) }
}

/// `url-full SP nstring` (RFC 4467 section 9)
pub(crate) fn url_data(i: &[u8]) -> Parse<'_, UrlData<'_>> {
    let (i, url) = astring(i)?;
    let (i, data) = nstring(sp(i)?.0)?;
    Ok((i, UrlData::new(url, data)))
}

/// `mechanism ["=" base64]` (RFC 4467 section 9)
pub(crate) fn url_mechanism(i: &[u8]) -> Parse<'_, UrlMechanism<'_>> {
    let (i, name) = mechanism(i)?;
    let [b'=', rest @ ..] = i else { return Ok((i, UrlMechanism::new(name, None))) };
    let (rest, data) = take_while(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    Ok((rest, UrlMechanism::new(name, Some(ascii(data)))))
}
