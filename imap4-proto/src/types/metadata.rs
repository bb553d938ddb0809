use alloc::vec::Vec;

use super::{AString, Element, ListOf, MailboxArg, NString};
use crate::{encode, grammar::metadata};

/// GETMETADATA (RFC 5464 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetMetadata<'b> {
    /// `MAXSIZE`: values of more octets are not wanted.
    pub max_size: Option<u32>,
    /// `DEPTH`: which entries below those named are wanted, too.
    pub depth: MetadataDepth,
    /// Whose entries; the empty name is the server.
    pub mailbox: MailboxArg<'b>,
    /// The entries' names, at least one.
    pub entries: ListOf<'b, AString<'b>>,
}

impl<'b> GetMetadata<'b> {
    /// GETMETADATA without options.
    #[must_use]
    pub const fn new(mailbox: MailboxArg<'b>, entries: ListOf<'b, AString<'b>>) -> Self {
        Self { max_size: None, depth: MetadataDepth::Zero, mailbox, entries }
    }
}

/// `DEPTH` of GETMETADATA (RFC 5464 section 4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetadataDepth {
    /// `0`: the entry itself, the same as no option.
    #[default]
    Zero,
    /// `1`: its children, too.
    One,
    /// `infinity`: all that is below it, too.
    Infinity,
}

/// An entry and its value; NIL is no value: in SETMETADATA it removes the entry (RFC 5464 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataEntry<'b> {
    /// The entry's name, as `/private/comment`.
    pub name: AString<'b>,
    /// Its value. It may hold any octet: one with NUL is written as a literal8.
    pub value: NString<'b>,
}

impl<'b> MetadataEntry<'b> {
    /// An entry of this value.
    #[must_use]
    pub const fn new(name: AString<'b>, value: NString<'b>) -> Self {
        Self { name, value }
    }
}

impl<'b> Element<'b> for MetadataEntry<'b> {
    fn read(i: &'b [u8], _utf8: bool) -> Option<(&'b [u8], Self)> {
        metadata::entry_value(i).ok()
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.name.write(out);
        out.push(b' ');
        encode::nstring8(out, self.value.map(|v| v.bytes()).as_deref());
    }
}

/// What a METADATA response says (RFC 5464 section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataData<'b> {
    /// Entries and their values: the answer to GETMETADATA.
    Values(ListOf<'b, MetadataEntry<'b>>),
    /// Entries that have changed: news, without their values.
    Changed(ListOf<'b, AString<'b>>),
}
