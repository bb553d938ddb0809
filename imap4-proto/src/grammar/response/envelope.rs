use alloc::{borrow::Cow, vec::Vec};

use super::value::{nstring, sp_or_more};
use crate::grammar::{Fault, Parse, fault, octet, string::nil};
use crate::types::{Address, Envelope, Quirks, Reading};

/// `nstring`, as octets
#[inline]
pub(super) fn text(i: &[u8], reading: Reading) -> Parse<'_, Option<Cow<'_, [u8]>>> {
    nstring(i, reading).map(|(i, s)| (i, s.map(|s| s.bytes())))
}

/// What follows a field: the next one, where there is one.
#[inline]
fn more(i: &[u8], reading: Reading) -> Result<Option<&[u8]>, nom::Err<Fault>> {
    let short = reading.may(Quirks::SHORT_ENVELOPE);
    match i {
        [b')', ..] if short => Ok(None),
        [b' ', ..] => match sp_or_more(i, reading)?.0 {
            [b')', ..] if short => Ok(None),
            i => Ok(Some(i)),
        },
        _ => fault("A field of the envelope is missing"),
    }
}

/// `envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
/// env-in-reply-to SP env-message-id ")"`
pub(super) fn envelope(i: &[u8], reading: Reading) -> Parse<'_, Envelope<'_>> {
    let mut e = Envelope::default();
    let i = octet(i, b'(', "An envelope is missing")?;
    let (mut i, date) = text(i, reading)?;
    e.date = date;
    // The fields in their order: those that are missing stay empty.
    'fields: {
        let Some(next) = more(i, reading)? else { break 'fields };
        (i, e.subject) = text(next, reading)?;
        for list in [&mut e.from, &mut e.sender, &mut e.reply_to, &mut e.to, &mut e.cc, &mut e.bcc] {
            let Some(next) = more(i, reading)? else { break 'fields };
            // Where Bcc is left out, what comes is In-Reply-To.
            if matches!(next, [b'"' | b'{', ..]) && reading.may(Quirks::SHORT_ENVELOPE) {
                (i, e.in_reply_to) = text(next, reading)?;
                let Some(next) = more(i, reading)? else { break 'fields };
                (i, e.message_id) = text(next, reading)?;
                break 'fields;
            }
            (i, *list) = addresses(next, reading)?;
        }
        let Some(next) = more(i, reading)? else { break 'fields };
        (i, e.in_reply_to) = text(next, reading)?;
        let Some(next) = more(i, reading)? else { break 'fields };
        (i, e.message_id) = text(next, reading)?;
    }
    if reading.may(Quirks::EXTRA_SPACE) {
        while let [b' ', rest @ ..] = i {
            i = rest;
        }
    }
    Ok((octet(i, b')', "An envelope does not end")?, e))
}

/// `"(" 1*address ")" / nil`
#[inline]
fn addresses(i: &[u8], reading: Reading) -> Parse<'_, Vec<Address<'_>>> {
    let mut all = Vec::new();
    if let Some(rest) = nil(i) {
        return Ok((rest, all));
    }
    let mut i = octet(i, b'(', "A list of addresses is missing")?;
    loop {
        i = match i {
            [b'(', ..] => {
                let (rest, address) = address(i, reading)?;
                all.push(address);
                rest
            }
            [b')', rest @ ..] if !all.is_empty() || reading.may(Quirks::EMPTY_LIST) => {
                return Ok((rest, all));
            }
            [b' ', rest @ ..] if reading.may(Quirks::EXTRA_SPACE) => rest,
            _ if reading.may(Quirks::NIL_ADDRESS) => match nil(i) {
                // A list of nothing else is an empty one.
                Some([b')', rest @ ..]) => return Ok((rest, all)),
                Some(rest) => rest,
                None => return fault("An address is missing"),
            },
            _ => return fault("An address is missing"),
        };
    }
}

/// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`
#[inline]
fn address(i: &[u8], reading: Reading) -> Parse<'_, Address<'_>> {
    let (i, name) = text(octet(i, b'(', "An address is missing")?, reading)?;
    let (i, route) = text(sp_or_more(i, reading)?.0, reading)?;
    let (i, mailbox) = text(sp_or_more(i, reading)?.0, reading)?;
    let (i, host) = text(sp_or_more(i, reading)?.0, reading)?;
    Ok((octet(i, b')', "An address does not end")?, Address { name, route, mailbox, host }))
}
