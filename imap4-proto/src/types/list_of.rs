use alloc::vec::Vec;
use core::{fmt, marker::PhantomData};

use super::{AString, MailboxArg};
use crate::{encode, grammar::string::astring};

/// What a [`ListOf`] holds. The crate's types implement it; its methods are not meant to be called.
pub trait Element<'b>: Copy + PartialEq + fmt::Debug + 'b {
    #[doc(hidden)]
    fn read(i: &'b [u8], utf8: bool) -> Option<(&'b [u8], Self)>;
    #[doc(hidden)]
    fn write(&self, out: &mut Vec<u8>);
}

/// Elements with a space between them: validated text of the frame, which each iteration reads again, or values to be written.
///
/// Two are equal when their elements are.
pub struct ListOf<'b, T> {
    source: Source<'b, T>,
}

enum Source<'b, T> {
    Wire { text: &'b [u8], utf8: bool },
    Given(&'b [T]),
}

impl<'b, T> ListOf<'b, T> {
    /// Without elements.
    pub const EMPTY: Self = Self::from_wire(&[], false);

    /// Values to be written.
    #[must_use]
    pub const fn new(values: &'b [T]) -> Self {
        Self { source: Source::Given(values) }
    }

    /// Text in which each element was read.
    pub(crate) const fn from_wire(text: &'b [u8], utf8: bool) -> Self {
        Self { source: Source::Wire { text, utf8 } }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        match self.source {
            Source::Wire { text, .. } => text.is_empty(),
            Source::Given(values) => values.is_empty(),
        }
    }
}

impl<'b, T: Element<'b>> ListOf<'b, T> {
    /// The elements, in the order they were written.
    #[must_use]
    pub fn iter(&self) -> ListIter<'b, T> {
        match self.source {
            Source::Wire { text, utf8 } => ListIter { text, utf8, given: &[], of: PhantomData },
            Source::Given(given) => ListIter { text: &[], utf8: false, given, of: PhantomData },
        }
    }

    /// The first element.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.iter().next()
    }
}

/// The elements of a [`ListOf`].
#[derive(Clone, Debug)]
pub struct ListIter<'b, T> {
    text: &'b [u8],
    utf8: bool,
    given: &'b [T],
    of: PhantomData<T>,
}

impl<'b, T: Element<'b>> Iterator for ListIter<'b, T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        if let [first, rest @ ..] = self.given {
            self.given = rest;
            return Some(*first);
        }
        let i = self.text.strip_prefix(b" ").unwrap_or(self.text);
        if i.is_empty() {
            return None;
        }
        let (rest, element) = T::read(i, self.utf8)?;
        self.text = rest;
        Some(element)
    }
}

impl<T> Clone for Source<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Source<'_, T> {}
impl<T> Clone for ListOf<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for ListOf<'_, T> {}
impl<T> Default for ListOf<'_, T> {
    fn default() -> Self {
        Self::EMPTY
    }
}
impl<'b, T: Element<'b>> PartialEq for ListOf<'b, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
impl<'b, T: Element<'b>> Eq for ListOf<'b, T> {}
impl<'b, T: Element<'b>> fmt::Debug for ListOf<'b, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
impl<'b, T: Element<'b>> IntoIterator for ListOf<'b, T> {
    type Item = T;
    type IntoIter = ListIter<'b, T>;
    fn into_iter(self) -> ListIter<'b, T> {
        self.iter()
    }
}
impl<'b, T: Element<'b>> IntoIterator for &ListOf<'b, T> {
    type Item = T;
    type IntoIter = ListIter<'b, T>;
    fn into_iter(self) -> ListIter<'b, T> {
        self.iter()
    }
}

impl<'b> Element<'b> for AString<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        astring(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::astring(out, &self.bytes(), false);
    }
}

impl<'b> Element<'b> for MailboxArg<'b> {
    fn read(i: &'b [u8], utf8: bool) -> Option<(&'b [u8], Self)> {
        astring(i).ok().map(|(rest, name)| (rest, Self::new(name, utf8)))
    }
    fn write(&self, out: &mut Vec<u8>) {
        encode::astring(out, &self.bytes(), self.is_utf8());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn given_values_and_text_are_the_same_list() {
        let given = [AString::new(b"a"), AString::new(b"b c")];
        let list = ListOf::new(&given);
        let wire = ListOf::<AString<'_>>::from_wire(b"a \"b c\"", false);
        assert_eq!(list, wire);
        assert_eq!(wire.iter().count(), 2);
        assert_eq!(format!("{wire:?}"), "[Atom(\"a\"), Quoted(\"b c\")]");
        assert!(ListOf::<AString<'_>>::EMPTY.is_empty() && !list.is_empty());
        assert_eq!(list.first(), Some(AString::new(b"a")));
    }
}
