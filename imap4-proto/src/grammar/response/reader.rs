//! Reads the large values of FETCH responses, ENVELOPE and BODYSTRUCTURE: hundreds of small elements, one after the other.
//!
//! It differs from the rest of the grammar in its form, for speed: the place in the text is a field and not passed from hand
//! to hand, values are written where they belong, and what a function returns fits two registers. The same functions check a value
//! when its line is read and take a part of it out when it is asked for.

use super::value::{skip, string};
use crate::{
    grammar::{Fault, number::number64, unquoted},
    types::{AString, Form, NString, Quirks, Reading},
};

pub(super) type Step = Result<(), Fault>;

pub(crate) struct Reader<'b> {
    pub(super) text: &'b [u8],
    /// Up to here it is read.
    pub(super) at: usize,
    pub(super) reading: Reading,
}

impl<'b> Reader<'b> {
    #[inline]
    pub(crate) const fn new(text: &'b [u8], reading: Reading) -> Self {
        Self::starting(text, 0, reading)
    }

    /// Begins in the middle of a text.
    #[inline]
    pub(super) const fn starting(text: &'b [u8], at: usize, reading: Reading) -> Self {
        Self { text, at, reading }
    }

    /// What is not read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'b [u8] {
        self.text.get(self.at..).unwrap_or(&[])
    }

    /// What is read, from `start` on.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        self.text.get(start..self.at).unwrap_or(&[])
    }

    #[inline]
    pub(super) const fn may(&self, quirk: Quirks) -> bool {
        self.reading.may(quirk)
    }

    /// The octet that comes next; NUL, with which nothing begins, at the end.
    #[inline]
    pub(super) fn next(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Passes over this octet, where it comes next.
    #[inline]
    pub(super) fn eat(&mut self, octet: u8) -> bool {
        let is = self.next() == octet;
        self.at += usize::from(is);
        is
    }

    /// One octet.
    #[inline]
    pub(super) fn octet(&mut self, wanted: u8, why: &'static str) -> Step {
        if self.eat(wanted) { Ok(()) } else { Err(Fault(why)) }
    }

    /// Spaces that are tolerated.
    #[inline]
    pub(super) fn extra_spaces(&mut self) {
        if self.next() == b' ' && self.may(Quirks::EXTRA_SPACE) {
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

    /// Whether `nil` comes next, which is then passed over. Something always follows: nothing read here ends with it.
    #[inline]
    pub(super) fn nil(&mut self) -> bool {
        const NIL: u32 = u32::from_le_bytes(*b"NIL\0");
        const UPPER: u32 = u32::from_le_bytes([0xdf, 0xdf, 0xdf, 0]);
        let is = self.rest().first_chunk().is_some_and(|octets| u32::from_le_bytes(*octets) & UPPER == NIL);
        self.at += if is { 3 } else { 0 };
        is
    }

    /// A quoted string in which every octet means itself, as nearly all of them are, after its first quote.
    #[inline]
    fn plain(&mut self) -> Option<&'b [u8]> {
        let inner = self.text.get(self.at + 1..)?;
        match inner.split_at_checked(unquoted(inner))? {
            // Another quote is a quirk, and has its rule.
            (_, [b'"', b'"', ..]) => None,
            (text, [b'"', ..]) => {
                self.at += text.len() + 2;
                Some(text)
            }
            _ => None,
        }
    }

    /// Any string.
    #[cold]
    #[inline(never)]
    fn any_string(&mut self, to: &mut AString<'b>) -> Step {
        let (rest, s) = string(self.rest(), self.reading).map_err(reason)?;
        self.at = self.text.len() - rest.len();
        *to = s;
        Ok(())
    }

    /// `string`
    #[inline(never)]
    pub(super) fn string(&mut self, to: &mut AString<'b>) -> Step {
        if self.next() == b'"'
            && let Some(text) = self.plain()
        {
            *to = AString::from_wire(text, Form::Quoted);
            return Ok(());
        }
        self.any_string(to)
    }

    /// `nstring`
    #[inline]
    pub(super) fn nstring(&mut self, to: &mut NString<'b>) -> Step {
        if self.next() != b'"' && self.nil() {
            *to = None;
            return Ok(());
        }
        self.string(to.insert(EMPTY))
    }

    /// Passes over what one of [`plain`](super::plain)'s functions takes.
    #[inline]
    pub(super) fn passes(&mut self, plain: impl Fn(&'b [u8]) -> Option<&'b [u8]>) -> bool {
        let rest = plain(self.rest());
        if let Some(rest) = rest {
            self.at = self.text.len() - rest.len();
        }
        rest.is_some()
    }

    /// `number64`
    #[inline]
    pub(super) fn number(&mut self, to: &mut u64) -> Step {
        let (mut n, mut len) = (0, 0);
        // So many digits always fit.
        for b in self.rest().iter().take(18) {
            let digit = b.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            n = n * 10 + u64::from(digit);
            len += 1;
        }
        if len == 0 || len == 18 {
            return self.any_number(to);
        }
        self.at += len;
        *to = n;
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn any_number(&mut self, to: &mut u64) -> Step {
        *to = 0;
        if self.may(Quirks::NIL_STRING) && self.nil() {
            return Ok(());
        }
        let negative = self.may(Quirks::NEGATIVE_NUMBER) && self.eat(b'-');
        let (rest, n) = number64(self.rest()).map_err(reason)?;
        self.at = self.text.len() - rest.len();
        if !negative {
            *to = n;
        }
        Ok(())
    }

    /// Any value, unread.
    pub(super) fn skip(&mut self) -> Step {
        let rest = skip(self.rest()).map_err(reason)?;
        self.at = self.text.len() - rest.len();
        Ok(())
    }
}

/// A string before it is read.
pub(crate) const EMPTY: AString<'_> = AString::from_wire(&[], Form::Quoted);

/// The fault within.
fn reason(e: nom::Err<Fault>) -> Fault {
    match e {
        nom::Err::Error(f) | nom::Err::Failure(f) => f,
        nom::Err::Incomplete(_) => Fault("A value is cut short"),
    }
}
