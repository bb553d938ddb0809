use alloc::vec::Vec;

use super::reader::{Reader, Step};
use crate::grammar::Fault;
use crate::types::{Address, Envelope, Quirks};

impl<'b> Reader<'b> {
    /// `envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
    /// env-in-reply-to SP env-message-id ")"`
    pub(super) fn envelope(&mut self, e: &mut Envelope<'b>) -> Step {
        self.octet(b'(', "An envelope is missing")?;
        self.nstring(&mut e.date)?;
        // The fields in their order: those that are missing stay empty.
        'fields: {
            if !self.another_field()? {
                break 'fields;
            }
            self.nstring(&mut e.subject)?;
            for list in [&mut e.from, &mut e.sender, &mut e.reply_to, &mut e.to, &mut e.cc, &mut e.bcc] {
                if !self.another_field()? {
                    break 'fields;
                }
                // Where Bcc is left out, what comes is In-Reply-To.
                if matches!(self.rest, [b'"' | b'{', ..]) && self.may(Quirks::SHORT_ENVELOPE) {
                    self.nstring(&mut e.in_reply_to)?;
                    if self.another_field()? {
                        self.nstring(&mut e.message_id)?;
                    }
                    break 'fields;
                }
                self.addresses(list)?;
            }
            for field in [&mut e.in_reply_to, &mut e.message_id] {
                if !self.another_field()? {
                    break 'fields;
                }
                self.nstring(field)?;
            }
        }
        self.close("An envelope does not end")
    }

    /// Whether a field follows.
    #[inline]
    fn another_field(&mut self) -> Result<bool, Fault> {
        if self.eat(b' ') {
            self.extra_spaces();
        } else if !matches!(self.rest, [b')', ..]) {
            return Err(Fault("A field of the envelope is missing"));
        }
        match self.rest {
            [b')', ..] if self.may(Quirks::SHORT_ENVELOPE) => Ok(false),
            _ => Ok(true),
        }
    }

    /// `"(" 1*address ")" / nil`
    fn addresses(&mut self, all: &mut Vec<Address<'b>>) -> Step {
        if self.nil() {
            return Ok(());
        }
        self.octet(b'(', "A list of addresses is missing")?;
        loop {
            match self.rest {
                [b'(', rest @ ..] => {
                    self.rest = rest;
                    if all.is_empty() {
                        // Mostly there is one.
                        all.reserve_exact(1);
                    }
                    let mut one = Address::default();
                    self.address(&mut one)?;
                    all.push(one);
                }
                [b')', rest @ ..] if !all.is_empty() || self.may(Quirks::EMPTY_LIST) => {
                    self.rest = rest;
                    return Ok(());
                }
                [b' ', rest @ ..] if self.may(Quirks::EXTRA_SPACE) => self.rest = rest,
                _ => {
                    if !self.may(Quirks::NIL_ADDRESS) || !self.nil() {
                        return Err(Fault("An address is missing"));
                    }
                    // A list of nothing else is an empty one.
                    if self.eat(b')') {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`, after its parenthesis
    #[inline]
    fn address(&mut self, to: &mut Address<'b>) -> Step {
        self.nstring(&mut to.name)?;
        self.sp()?;
        self.nstring(&mut to.route)?;
        self.sp()?;
        self.nstring(&mut to.mailbox)?;
        self.sp()?;
        self.nstring(&mut to.host)?;
        self.octet(b')', "An address does not end")
    }
}
