//! What stands after a keyword.

use nom::{IResult, Parser, bytes::complete::take_while_m_n, combinator::all_consuming};

use crate::types::{CommandKind, Digest, MessageNumber, SyntaxError, Tolerance};

/// Whether a production matches is all that is asked; which rule failed is said by [`SyntaxError`].
type Parsed<'a, T> = IResult<&'a [u8], T, ()>;
type Result<T> = core::result::Result<T, SyntaxError>;

/// `param = 1*VCHAR` (RFC 2449 section 3), and octets beyond ASCII: names may be UTF-8 (RFC 6856
/// section 2.2), and what they mean is the host's affair.
#[inline]
fn param(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let n = input.iter().position(|b| !matches!(b, b'!'..=b'~' | 0x80..)).unwrap_or(input.len());
    input.split_at_checked(n).filter(|_| n > 0)
}

/// The arguments of one command: all after the space that follows the keyword.
#[derive(Clone, Copy)]
pub(crate) struct Arguments<'a> {
    pub(crate) of: CommandKind,
    pub(crate) octets: &'a [u8],
    pub(crate) tolerance: Tolerance,
}

impl<'a> Arguments<'a> {
    fn missing<T>(self) -> Result<T> {
        Err(SyntaxError::ArgumentMissing(self.of))
    }

    /// Without the spaces that tolerance drops.
    #[inline]
    pub(crate) fn trimmed(self) -> &'a [u8] {
        if self.tolerance.extra_spaces { self.octets.trim_ascii() } else { self.octets }
    }

    /// Nothing at all.
    #[inline]
    pub(crate) fn none(self) -> Result<()> {
        if self.trimmed().is_empty() { Ok(()) } else { Err(SyntaxError::ArgumentExtra(self.of)) }
    }

    /// The first argument, and what follows it.
    #[inline]
    fn first(self) -> Result<(&'a [u8], Self)> {
        let Some((first, after)) = param(self.trimmed()) else { return self.missing() };
        let octets = match after.strip_prefix(b" ") {
            Some([]) => return Err(SyntaxError::ArgumentExtra(self.of)),
            Some(octets) => octets,
            None => after,
        };
        Ok((first, Self { octets, ..self }))
    }

    /// Exactly one argument.
    #[inline]
    pub(crate) fn one(self) -> Result<&'a [u8]> {
        let (first, others) = self.first()?;
        others.none()?;
        Ok(first)
    }

    /// One argument or none.
    #[inline]
    pub(crate) fn one_or_none(self) -> Result<Option<&'a [u8]>> {
        if self.trimmed().is_empty() { Ok(None) } else { self.one().map(Some) }
    }

    /// One argument and perhaps a second.
    pub(crate) fn one_or_two(self) -> Result<(&'a [u8], Option<&'a [u8]>)> {
        let (first, others) = self.first()?;
        Ok((first, others.one_or_none()?))
    }

    /// A name: one argument, or all of them with the spaces between where that is tolerated.
    pub(crate) fn name(self) -> Result<&'a [u8]> {
        if !self.tolerance.spaces_in_names {
            return self.one();
        }
        let name = self.trimmed();
        if name.is_empty() { self.missing() } else { Ok(name) }
    }

    /// `name SP digest` (RFC 1939 section 7, APOP).
    pub(crate) fn name_and_digest(self) -> Result<(&'a [u8], Digest)> {
        let octets = self.trimmed();
        let Some(space) = memchr::memrchr(b' ', octets) else { return self.missing() };
        let (name, hex) = octets.split_at_checked(space).unwrap_or_default();
        let name = Self { octets: name, ..self }.name()?;
        Ok((name, digest(hex.strip_prefix(b" ").unwrap_or_default())?))
    }

    /// `msg n` (RFC 1939 section 7, TOP): both are required.
    pub(crate) fn message_and_lines(self) -> Result<(MessageNumber, u64)> {
        let (Some(msg), Some(lines)) = (match self.one_or_two() {
            Ok((msg, lines)) => (Some(msg), lines),
            Err(SyntaxError::ArgumentMissing(_)) => (None, None),
            Err(e) => return Err(e),
        }) else {
            return self.missing();
        };
        Ok((message_number(msg)?, decimal(lines)?))
    }

    /// `msg`
    pub(crate) fn message(self) -> Result<MessageNumber> {
        message_number(self.one()?)
    }

    /// `[msg]`
    pub(crate) fn optional_message(self) -> Result<Option<MessageNumber>> {
        self.one_or_none()?.map(message_number).transpose()
    }
}

/// "A 16-octet value which is sent in hexadecimal format, using lower-case ASCII characters" (RFC 1939
/// section 7); upper case is the same number.
fn digest(input: &[u8]) -> Result<Digest> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let hex = take_while_m_n(32, 32, |b: u8| digit(b).is_some());
    let parsed: Parsed<'_, _> = all_consuming(hex).parse(input);
    let (_, hex) = parsed.map_err(|_| SyntaxError::Digest)?;
    let mut octets = [0; 16];
    for (octet, pair) in octets.iter_mut().zip(hex.chunks_exact(2)) {
        *octet = pair.iter().filter_map(|b| digit(*b)).fold(0, |n, d| n << 4 | d);
    }
    Ok(Digest::new(octets))
}

/// A decimal number; beyond 64 bits it is the greatest.
fn decimal(input: &[u8]) -> Result<u64> {
    if input.is_empty() || !input.iter().all(u8::is_ascii_digit) {
        return Err(SyntaxError::NotANumber);
    }
    Ok(input.iter().fold(0_u64, |n, b| n.saturating_mul(10).saturating_add(u64::from(b - b'0'))))
}

/// "the first message in the maildrop is assigned a message-number of "1"" (RFC 1939 section 4).
fn message_number(input: &[u8]) -> Result<MessageNumber> {
    let n = u32::try_from(decimal(input)?).map_err(|_| SyntaxError::TooLarge)?;
    MessageNumber::new(n).ok_or(SyntaxError::Zero)
}

/// `sasl-mech = 1*20mech-char`, of letters, digits, `-` and `_` (RFC 4422 section 3.1); "all alphabetic
/// characters are case-insensitive" (RFC 5034 section 5).
pub(crate) fn sasl_mech(input: &[u8]) -> Result<&str> {
    let mech_char = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let parsed: Parsed<'_, _> = all_consuming(take_while_m_n(1, 20, mech_char)).parse(input);
    let (_, name) = parsed.map_err(|_| SyntaxError::Mechanism)?;
    core::str::from_utf8(name).map_err(|_| SyntaxError::Mechanism)
}

/// `language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"` (RFC 4647 section 2.1).
pub(crate) fn language_range(input: &[u8]) -> Result<&str> {
    let subtags = input.split(|b| *b == b'-').enumerate().all(|(i, tag)| {
        let of_its_kind = |b: &u8| if i == 0 { b.is_ascii_alphabetic() } else { b.is_ascii_alphanumeric() };
        (1..=8).contains(&tag.len()) && tag.iter().all(of_its_kind)
    });
    if !subtags && input != b"*" {
        return Err(SyntaxError::Language);
    }
    core::str::from_utf8(input).map_err(|_| SyntaxError::Language)
}
