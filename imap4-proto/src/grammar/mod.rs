//! nom parsers over whole frames. Nothing here ever sees a part of a frame.
//!
//! Each function quotes its ABNF production; unless it says otherwise, that is RFC 9051 section 9.

pub(crate) mod acl;
pub(crate) mod append;
pub(crate) mod catenate;
mod chars;
mod command;
pub(crate) mod date;
mod extension;
pub(crate) mod fetch;
mod fetch_extension;
pub(crate) mod flag;
pub(crate) mod id;
pub(crate) mod keyword;
pub(crate) mod list;
mod list_of;
pub(crate) mod metadata;
mod multisearch;
pub(crate) mod notify;
pub(crate) mod number;
pub(crate) mod quota;
pub(crate) mod response;
pub(crate) mod search;
mod search_extension;
mod search_return;
mod select;
pub(crate) mod sequence;
pub(crate) mod sort;
mod status;
mod store;
pub(crate) mod string;
pub(crate) mod thread;
pub(crate) mod urlauth;

pub(crate) use chars::{
    after_quote, are_atom_chars, are_plain, digits_of, flag_text, is_astring_char, is_atom_char,
    is_flag_text, unquoted,
};
pub(crate) use command::{capability_list, command, head, line_end, tag};

use nom::{Err, IResult, error::ErrorKind};

use crate::types::Capabilities;

/// Why a frame is no command; the text of the BAD answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

impl nom::error::ParseError<&[u8]> for Fault {
    fn from_error_kind(_: &[u8], _: ErrorKind) -> Self {
        Self("Syntax error")
    }
    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// What a grammar function returns: what is left, and the value.
pub(crate) type Parse<'b, T> = IResult<&'b [u8], T, Fault>;

/// A fault, as nom wants it.
#[inline]
pub(crate) const fn fault<T>(why: &'static str) -> Result<T, Err<Fault>> {
    Err(Err::Error(Fault(why)))
}

/// What decides which grammar holds on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    /// The extensions that are on, with all they imply.
    pub(crate) on: Capabilities,
    /// Mailbox names are in UTF-8.
    pub(crate) utf8: bool,
}

impl Context {
    /// Every extension.
    pub(crate) const ALL: Self = Self { on: Capabilities::from_bits(u128::MAX), utf8: false };

    /// The syntax belongs to an extension: it is a fault where none of `any` is on.
    #[inline]
    pub(crate) const fn needs(self, any: Capabilities, why: &'static str) -> Result<(), Err<Fault>> {
        if self.on.intersects(any) { Ok(()) } else { fault(why) }
    }
}

/// `SP`
#[inline]
pub(crate) const fn sp(i: &[u8]) -> Parse<'_, ()> {
    match i {
        [b' ', rest @ ..] => Ok((rest, ())),
        _ => fault("A space is missing"),
    }
}

/// One octet.
#[inline]
pub(crate) const fn octet<'b>(i: &'b [u8], wanted: u8, why: &'static str) -> Result<&'b [u8], Err<Fault>> {
    match i {
        [b, rest @ ..] if *b == wanted => Ok(rest),
        _ => fault(why),
    }
}

/// The part of `whole` before `rest`, which is its end.
#[inline]
pub(crate) fn before<'b>(whole: &'b [u8], rest: &[u8]) -> &'b [u8] {
    whole.get(..whole.len().saturating_sub(rest.len())).unwrap_or(&[])
}
