use super::{
    Context, Parse, catenate, date, fault, flag,
    keyword::{keyword, word},
    list::mailbox,
    sp,
    string::literal_header,
};
use crate::types::{AppendMessage, Capabilities, MailboxArg};

/// `append = "APPEND" SP mailbox 1*append-message` (RFC 3502), up to the first payload; after the name.
pub(crate) fn append(i: &[u8], context: Context) -> Parse<'_, (MailboxArg<'_>, AppendMessage<'_>)> {
    let (i, mailbox) = mailbox(sp(i)?.0, context)?;
    let (i, message) = append_message(i, context)?;
    Ok((i, (mailbox, message)))
}

/// `append-message = [SP flag-list] [SP date-time] SP append-data` (RFC 4466 section 2.7), up to the payload, with
/// `append-data = literal / literal8` (RFC 3516 section 7), `append-data =/ "UTF8" SP "(" literal8 ")"` (RFC 6855 section 4) and
/// `append-data =/ "CATENATE" SP "(" cat-part *(SP cat-part) ")"` (RFC 4469 section 5)
pub(crate) fn append_message(i: &[u8], context: Context) -> Parse<'_, AppendMessage<'_>> {
    let mut message = AppendMessage::new(0);
    let (mut i, ()) = sp(i)?;
    if i.first() == Some(&b'(') {
        (i, message.flags) = flag::flag_list(i)?;
        (i, ()) = sp(i)?;
    }
    if i.first() == Some(&b'"') {
        let (rest, date) = date::date_time(i)?;
        message.date = Some(date);
        (i, ()) = sp(rest)?;
    }
    if i.first().is_some_and(u8::is_ascii_alphabetic) {
        let (rest, name) = keyword(i);
        let [b' ', b'(', rest @ ..] = rest else { return fault("The message is missing") };
        if name == word(b"CATENATE") {
            context.needs(Capabilities::CATENATE, "CATENATE is not on")?;
            let (rest, part) = catenate::parts(rest, context)?;
            let (flags, date) = (message.flags, message.date);
            return Ok((rest, AppendMessage { flags, date, ..AppendMessage::catenate(part) }));
        }
        if name != word(b"UTF8") || rest.first() != Some(&b'~') {
            return fault("The message is missing");
        }
        context.needs(Capabilities::UTF8_ACCEPT, "UTF8=ACCEPT is not on")?;
        message.utf8 = true;
        i = rest;
    }
    if let [b'~', rest @ ..] = i {
        if !message.utf8 {
            context.needs(Capabilities::BINARY, "BINARY is not on")?;
        }
        message.binary = true;
        i = rest;
    }
    let (i, (len, plus)) = literal_header(i)?;
    message.len = len;
    message.synchronizing = !plus;
    Ok((i, message))
}
