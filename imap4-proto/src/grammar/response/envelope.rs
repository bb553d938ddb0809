use super::{
    plain,
    reader::{EMPTY, Reader, Step},
};
use crate::grammar::Fault;
use crate::types::{NString, Quirks, Reading, WireAddress, WireEnvelope};

/// Where the fields of an envelope begin, in their order; 0, where no field can begin, for those that are missing.
pub(crate) type Fields = [u32; 10];

const IN_REPLY_TO: usize = 8;
const MESSAGE_ID: usize = 9;

impl<'b> Reader<'b> {
    /// `envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
    /// env-in-reply-to SP env-message-id ")"`
    pub(crate) fn envelope(&mut self) -> Result<WireEnvelope<'b>, Fault> {
        let start = self.at;
        if let Some((rest, fields)) = plain::envelope(self.rest()) {
            self.at = self.text.len() - rest.len();
            return Ok(WireEnvelope::new(self.since(start), self.reading, fields));
        }
        let mut fields = [0; 10];
        self.fields(start, &mut fields)?;
        Ok(WireEnvelope::new(self.since(start), self.reading, fields))
    }

    #[inline(never)]
    pub(super) fn fields(&mut self, start: usize, fields: &mut Fields) -> Step {
        self.octet(b'(', "An envelope is missing")?;
        for (n, field) in fields.iter_mut().enumerate().take(2) {
            if n > 0 && !self.another_field()? {
                return self.envelope_end();
            }
            *field = self.place(start)?;
            self.nstring(&mut None)?;
        }
        for field in 2..IN_REPLY_TO {
            if !self.another_field()? {
                return self.envelope_end();
            }
            // Where Bcc is left out, what comes is In-Reply-To.
            if matches!(self.next(), b'"' | b'{') && self.may(Quirks::SHORT_ENVELOPE) {
                return self.last_fields(start, fields, true);
            }
            if let Some(to) = fields.get_mut(field) {
                *to = self.place(start)?;
            }
            self.addresses()?;
        }
        self.last_fields(start, fields, false)
    }

    /// `env-in-reply-to SP env-message-id ")"`; whether the first of them is known to come.
    #[inline]
    fn last_fields(&mut self, start: usize, fields: &mut Fields, mut comes: bool) -> Step {
        for field in [IN_REPLY_TO, MESSAGE_ID] {
            if !comes && !self.another_field()? {
                break;
            }
            comes = false;
            if let Some(to) = fields.get_mut(field) {
                *to = self.place(start)?;
            }
            self.nstring(&mut None)?;
        }
        self.envelope_end()
    }

    #[inline]
    fn envelope_end(&mut self) -> Step {
        self.close("An envelope does not end")
    }

    /// The present place, from `start` on.
    #[inline]
    pub(super) fn place(&self, start: usize) -> Result<u32, Fault> {
        u32::try_from(self.at - start).map_err(|_| Fault("A value is too long"))
    }

    /// Whether a field follows.
    #[inline]
    fn another_field(&mut self) -> Result<bool, Fault> {
        if self.eat(b' ') {
            self.extra_spaces();
        } else if self.next() != b')' {
            return Err(Fault("A field of the envelope is missing"));
        }
        Ok(self.next() != b')' || !self.may(Quirks::SHORT_ENVELOPE))
    }

    /// `"(" 1*address ")" / nil`
    fn addresses(&mut self) -> Step {
        if self.nil() {
            return Ok(());
        }
        self.octet(b'(', "A list of addresses is missing")?;
        let mut one = WireAddress::EMPTY;
        let mut empty = true;
        while self.next_address(&mut one, empty)? {
            empty = false;
        }
        Ok(())
    }

    /// One more address of a list, after its parenthesis; or the end of the list.
    #[inline]
    fn next_address(&mut self, to: &mut WireAddress<'b>, first: bool) -> Result<bool, Fault> {
        loop {
            match self.next() {
                b'(' => {
                    self.at += 1;
                    self.address(to)?;
                    return Ok(true);
                }
                b')' if !first || self.may(Quirks::EMPTY_LIST) => {
                    self.at += 1;
                    return Ok(false);
                }
                b' ' if self.may(Quirks::EXTRA_SPACE) => self.at += 1,
                _ => {
                    if !self.may(Quirks::NIL_ADDRESS) || !self.nil() {
                        return Err(Fault("An address is missing"));
                    }
                    // A list of nothing else is an empty one.
                    if self.eat(b')') {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`, after its parenthesis
    #[inline]
    fn address(&mut self, to: &mut WireAddress<'b>) -> Step {
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

/// The `nstring` at this place of an envelope that was read.
pub(crate) fn string_at(text: &[u8], at: u32, reading: Reading) -> NString<'_> {
    let mut value = None;
    if let Ok(at @ 1..) = usize::try_from(at)
        && Reader::starting(text, at, reading).nstring(&mut value).is_err()
    {
        debug_assert!(false, "it was read before");
    }
    value
}

/// Addresses of an envelope that was read, one by one.
#[derive(Clone)]
pub(crate) struct AddressIter<'b> {
    text: &'b [u8],
    /// 0 at the end.
    at: usize,
    reading: Reading,
}

impl<'b> AddressIter<'b> {
    /// Of the list that begins at this place.
    pub(crate) fn new(text: &'b [u8], at: u32, reading: Reading) -> Self {
        let at = usize::try_from(at).unwrap_or(0);
        // NIL has none; 0 is where a field is missing.
        let at = if at > 0 && text.get(at) == Some(&b'(') { at + 1 } else { 0 };
        Self { text, at, reading }
    }
}

impl<'b> Iterator for AddressIter<'b> {
    type Item = WireAddress<'b>;
    fn next(&mut self) -> Option<WireAddress<'b>> {
        if self.at == 0 {
            return None;
        }
        let mut reader = Reader::starting(self.text, self.at, self.reading);
        let mut one = WireAddress::EMPTY;
        let more = reader.next_address(&mut one, false).is_ok_and(|more| more);
        self.at = if more { reader.at } else { 0 };
        more.then_some(one)
    }
}

/// Strings in parentheses that were read, one by one: of parameters and languages. NIL is an empty one.
#[derive(Clone)]
pub(crate) struct StringIter<'b> {
    text: &'b [u8],
    at: usize,
    reading: Reading,
}

impl<'b> StringIter<'b> {
    /// Of the whole list: nothing, one string, or any number in parentheses.
    pub(crate) fn new(text: &'b [u8], reading: Reading) -> Self {
        Self { text, at: usize::from(text.first() == Some(&b'(')), reading }
    }
}

impl<'b> Iterator for StringIter<'b> {
    type Item = crate::types::AString<'b>;
    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader::starting(self.text, self.at, self.reading);
        while reader.eat(b' ') {}
        let mut one = EMPTY;
        if matches!(reader.next(), 0 | b')') || !reader.nil() && reader.string(&mut one).is_err() {
            return None;
        }
        self.at = reader.at;
        Some(one)
    }
}
