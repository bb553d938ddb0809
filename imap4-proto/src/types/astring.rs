use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

/// How a string stood on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// `1*ASTRING-CHAR`: no quotes.
    Atom,
    /// In quotes, without escapes.
    Quoted,
    /// In quotes, with `\"` or `\\` in it.
    Escaped,
    /// `{n}` and n octets.
    Literal,
}

/// An `astring` or `string` (RFC 9051 section 9), with the form it had.
///
/// Two are equal when they mean the same octets, whatever their form.
#[derive(Clone, Copy)]
pub struct AString<'b> {
    wire: &'b [u8],
    form: Form,
}

/// An `nstring` (RFC 9051 section 9): `None` is NIL, which is neither `""` nor `"NIL"`.
pub type NString<'b> = Option<AString<'b>>;

impl<'b> AString<'b> {
    /// From the octets between the delimiters.
    pub(crate) const fn from_wire(wire: &'b [u8], form: Form) -> Self {
        Self { wire, form }
    }

    /// A string of these octets, to be written. The form it gets on the wire is the encoder's choice.
    #[must_use]
    pub const fn new(value: &'b [u8]) -> Self {
        Self { wire: value, form: Form::Literal }
    }

    /// How it stood on the wire; `Literal` for one made by [`new`](Self::new).
    #[must_use]
    pub const fn form(&self) -> Form {
        self.form
    }

    /// What it means: copied only where escapes had to be undone.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> Cow<'b, [u8]> {
        if self.form == Form::Escaped {
            // Room at once: it may be a password, and a buffer that grows leaves its octets behind.
            let mut octets = Vec::with_capacity(self.wire.len());
            octets.extend(self.unescaped());
            Cow::Owned(octets)
        } else {
            Cow::Borrowed(self.wire)
        }
    }

    /// What it means, where it is UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Option<Cow<'b, str>> {
        match self.bytes() {
            Cow::Borrowed(b) => core::str::from_utf8(b).ok().map(Cow::Borrowed),
            Cow::Owned(b) => alloc::string::String::from_utf8(b).ok().map(Cow::Owned),
        }
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    /// Whether it means `other`, without regard to ASCII case.
    #[must_use]
    pub fn eq_ignore_ascii_case(&self, other: &[u8]) -> bool {
        self.octets().map(|b| b.to_ascii_lowercase()).eq(other.iter().map(u8::to_ascii_lowercase))
    }

    /// `quoted-specials` stand for themselves after a backslash. The grammar has seen to it that one follows.
    fn unescaped(&self) -> impl Iterator<Item = u8> + 'b {
        let mut wire = self.wire.iter().copied();
        core::iter::from_fn(move || match wire.next() {
            Some(b'\\') => wire.next(),
            other => other,
        })
    }

    /// The octets it means, one by one.
    pub(crate) fn octets(&self) -> impl Iterator<Item = u8> + 'b {
        let escaped = self.form == Form::Escaped;
        let mut wire = self.wire.iter().copied();
        core::iter::from_fn(move || match wire.next() {
            Some(b'\\') if escaped => wire.next(),
            other => other,
        })
    }
}

impl PartialEq for AString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.octets().eq(other.octets())
    }
}
impl Eq for AString<'_> {}
impl PartialEq<[u8]> for AString<'_> {
    fn eq(&self, other: &[u8]) -> bool {
        self.octets().eq(other.iter().copied())
    }
}
impl PartialEq<str> for AString<'_> {
    fn eq(&self, other: &str) -> bool {
        *self == *other.as_bytes()
    }
}
impl PartialEq<&str> for AString<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == *other.as_bytes()
    }
}

impl fmt::Debug for AString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(\"{}\")", self.form, self.wire.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_string_means_does_not_depend_on_its_form() {
        let escaped = AString::from_wire(br#"a\"b\\c"#, Form::Escaped);
        assert_eq!(escaped.bytes().as_ref(), br#"a"b\c"#);
        assert_eq!(escaped, AString::new(br#"a"b\c"#));
        assert_eq!(AString::from_wire(b"a\\b", Form::Literal).bytes().as_ref(), b"a\\b");
        assert!(matches!(AString::from_wire(b"x", Form::Quoted).bytes(), Cow::Borrowed(_)));
        assert!(AString::new(b"InBox").eq_ignore_ascii_case(b"INBOX"));
        assert!(!AString::new(b"InBoxx").eq_ignore_ascii_case(b"INBOX"));
    }
}
