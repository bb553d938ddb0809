//! Reads the large values of FETCH responses, ENVELOPE and BODYSTRUCTURE: hundreds of small elements, one after the other.
//!
//! It differs from the rest of the grammar in its form, for speed: what is left of the input is a field and not passed from hand
//! to hand, values are written where they belong, and what a function returns fits two registers.

use alloc::borrow::Cow;

use super::value::{skip, string};
use crate::{
    grammar::{Fault, number::number64, unquoted},
    types::{Quirks, Reading},
};

pub(super) type Step = Result<(), Fault>;

pub(super) struct Reader<'b> {
    /// What is not read yet.
    pub(super) rest: &'b [u8],
    pub(super) reading: Reading,
}

impl<'b> Reader<'b> {
    #[inline]
    pub(super) const fn may(&self, quirk: Quirks) -> bool {
        self.reading.may(quirk)
    }

    /// Passes over this octet, where it comes next.
    #[inline]
    pub(super) fn eat(&mut self, octet: u8) -> bool {
        match self.rest {
            [b, rest @ ..] if *b == octet => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// One octet.
    #[inline]
    pub(super) fn octet(&mut self, wanted: u8, why: &'static str) -> Step {
        if self.eat(wanted) { Ok(()) } else { Err(Fault(why)) }
    }

    /// Spaces that are tolerated.
    #[inline]
    pub(super) fn extra_spaces(&mut self) {
        if let [b' ', ..] = self.rest
            && self.may(Quirks::EXTRA_SPACE)
        {
            while self.eat(b' ') {}
        }
    }

    /// `SP`, or more of them
    #[inline]
    pub(super) fn sp(&mut self) -> Step {
        self.octet(b' ', "A space is missing")?;
        self.extra_spaces();
        Ok(())
    }

    /// `")"`
    #[inline]
    pub(super) fn close(&mut self, why: &'static str) -> Step {
        self.extra_spaces();
        self.octet(b')', why)
    }

    /// Whether `nil` comes next, which is then passed over.
    #[inline]
    pub(super) fn nil(&mut self) -> bool {
        match self.rest {
            [b'N' | b'n', b'I' | b'i', b'L' | b'l', rest @ ..] => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// A quoted string in which every octet means itself, as nearly all of them are.
    #[inline]
    fn plain(&mut self) -> Option<&'b [u8]> {
        let [b'"', inner @ ..] = self.rest else { return None };
        match inner.split_at_checked(unquoted(inner))? {
            // Another quote is a quirk, and has its rule.
            (_, [b'"', b'"', ..]) => None,
            (text, [b'"', rest @ ..]) => {
                self.rest = rest;
                Some(text)
            }
            _ => None,
        }
    }

    /// Any string.
    #[cold]
    fn any_string(&mut self) -> Result<Cow<'b, [u8]>, Fault> {
        let (rest, s) = string(self.rest, self.reading).map_err(reason)?;
        self.rest = rest;
        Ok(s.bytes())
    }

    /// `string`
    pub(super) fn string(&mut self, to: &mut Cow<'b, [u8]>) -> Step {
        *to = match self.plain() {
            Some(text) => Cow::Borrowed(text),
            None => self.any_string()?,
        };
        Ok(())
    }

    /// `nstring`, into what is `None`
    #[inline]
    pub(super) fn nstring(&mut self, to: &mut Option<Cow<'b, [u8]>>) -> Step {
        if self.nil() { Ok(()) } else { self.some_string(to) }
    }

    fn some_string(&mut self, to: &mut Option<Cow<'b, [u8]>>) -> Step {
        *to = Some(match self.plain() {
            Some(text) => Cow::Borrowed(text),
            None => self.any_string()?,
        });
        Ok(())
    }

    /// `number64`
    #[inline]
    pub(super) fn number(&mut self, to: &mut u64) -> Step {
        if self.may(Quirks::NIL_STRING) && self.nil() {
            return Ok(());
        }
        let negative = matches!(self.rest, [b'-', ..]) && self.may(Quirks::NEGATIVE_NUMBER) && self.eat(b'-');
        let (rest, n) = number64(self.rest).map_err(reason)?;
        self.rest = rest;
        *to = if negative { 0 } else { n };
        Ok(())
    }

    /// Any value, unread.
    pub(super) fn skip(&mut self) -> Step {
        self.rest = skip(self.rest).map_err(reason)?;
        Ok(())
    }
}

/// The fault within.
fn reason(e: nom::Err<Fault>) -> Fault {
    match e {
        nom::Err::Error(f) | nom::Err::Failure(f) => f,
        nom::Err::Incomplete(_) => Fault("A value is cut short"),
    }
}
