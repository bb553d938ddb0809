//! Values of the grammars from a fuzzer's octets. They borrow an arena that lives as long as one run.

mod imap_command;
mod imap_response;
mod search;

pub use imap_command::command;
pub use imap_response::{fetch_attributes, response};

use arbitrary::{Result, Unstructured};
use bumpalo::Bump;
use imap4_proto::types::{AString, Date, DateTime, FlagList, MailboxArg, SequenceSet};

/// The fuzzer's octets, and where the values live.
#[derive(Debug)]
pub struct Source<'a> {
    /// The octets.
    pub u: Unstructured<'a>,
    arena: &'a Bump,
}

impl<'a> Source<'a> {
    /// Values from `octets`, kept in `arena`.
    #[must_use]
    pub fn new(octets: &'a [u8], arena: &'a Bump) -> Self {
        Self { u: Unstructured::new(octets), arena }
    }

    /// Keeps a text.
    pub fn keep(&self, text: &str) -> &'a str {
        self.arena.alloc_str(text)
    }

    /// Keeps octets.
    pub fn keep_octets(&self, octets: &[u8]) -> &'a [u8] {
        self.arena.alloc_slice_copy(octets)
    }

    /// Keeps values.
    pub fn keep_all<T: Copy>(&self, values: &[T]) -> &'a [T] {
        self.arena.alloc_slice_copy(values)
    }

    /// A coin.
    pub fn coin(&mut self) -> Result<bool> {
        self.u.arbitrary()
    }

    /// A number, often a small one or the last of its kind.
    pub fn number(&mut self) -> Result<u32> {
        Ok(match self.u.int_in_range(0..=4)? {
            0 => u32::MAX,
            1 => self.u.arbitrary()?,
            _ => u32::from(self.u.arbitrary::<u8>()?),
        })
    }

    /// A number from 1.
    pub fn nz_number(&mut self) -> Result<u32> {
        Ok(self.number()?.max(1))
    }

    /// A number of 63 bits.
    pub fn number64(&mut self) -> Result<u64> {
        Ok(if self.coin()? { self.u.arbitrary::<u64>()? >> 1 } else { self.number()?.into() })
    }

    /// `None`, or what `make` makes.
    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.coin()? { make(self).map(Some) } else { Ok(None) }
    }

    /// From `least` to `most` of them.
    pub fn several<T>(
        &mut self,
        least: usize,
        most: usize,
        mut make: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let n = self.u.int_in_range(least..=most)?;
        (0..n).map(|_| make(self)).collect()
    }

    /// From 1 to `most` characters of `alphabet`.
    pub fn word_of(&mut self, alphabet: &[u8], most: usize) -> Result<&'a str> {
        let all = self.several(1, most, |s| s.u.choose(alphabet).copied())?;
        Ok(self.keep(&String::from_utf8_lossy(&all)))
    }

    /// An atom.
    pub fn atom(&mut self) -> Result<&'a str> {
        self.word_of(b"$abcXYZ019_.-+", 8)
    }

    /// What a string may hold: any octets but NUL.
    pub fn octets(&mut self) -> Result<&'a [u8]> {
        let n = self.u.int_in_range(0..=20)?;
        let mut octets = self.u.bytes(n.min(self.u.len()))?.to_vec();
        octets.retain(|c| *c != 0);
        Ok(match self.u.int_in_range(0..=5)? {
            0 => b"NIL",
            1 => b"",
            2 => self.atom()?.as_bytes(),
            _ => self.keep_octets(&octets),
        })
    }

    /// `astring`
    pub fn astring(&mut self) -> Result<AString<'a>> {
        self.octets().map(AString::new)
    }

    /// A mailbox's name.
    pub fn mailbox(&mut self, utf8: bool) -> Result<MailboxArg<'a>> {
        Ok(MailboxArg::new(self.astring()?, utf8))
    }

    /// `sequence-set`
    pub fn set(&mut self) -> Result<SequenceSet<'a>> {
        if self.u.ratio(1, 12)? {
            return Ok(SequenceSet::parse(b"$").expect("the saved result"));
        }
        let end =
            |s: &mut Self| Ok(if s.u.ratio(1, 6)? { "*".to_owned() } else { s.nz_number()?.to_string() });
        let ranges = self.several(1, 5, |s| {
            let a = end(s)?;
            Ok(if s.coin()? { format!("{a}:{}", end(s)?) } else { a })
        })?;
        Ok(SequenceSet::parse(self.keep(&ranges.join(",")).as_bytes()).expect("a set"))
    }

    /// A set without `*` and `$`.
    pub fn uid_set(&mut self) -> Result<SequenceSet<'a>> {
        let all = self.several(1, 4, |s| Ok(s.nz_number()?.to_string()))?;
        Ok(SequenceSet::parse(self.keep(&all.join(",")).as_bytes()).expect("a set"))
    }

    /// A list of flags.
    pub fn flags(&mut self) -> Result<FlagList<'a>> {
        const SYSTEM: &[&str] =
            &["\\Seen", "\\deleted", "\\Answered", "\\FLAGGED", "\\Draft", "\\Recent", "\\Ext"];
        let all = self.several(0, 4, |s| if s.coin()? { s.u.choose(SYSTEM).copied() } else { s.atom() })?;
        Ok(match all.as_slice() {
            [] => FlagList::default(),
            all => FlagList::parse(self.keep(&all.join(" ")).as_bytes()).expect("flags"),
        })
    }

    /// A day from 1 January 0 to 31 December 9999.
    pub fn date(&mut self) -> Result<Date> {
        let day = self.u.int_in_range(-719_528..=2_932_896_i64)?;
        Ok(Date::from_days(day).expect("within four digits"))
    }

    /// A time in those years, whatever the zone.
    pub fn date_time(&mut self) -> Result<DateTime> {
        Ok(DateTime::new(
            self.u.int_in_range(-62_167_000_000..=253_402_000_000_i64)?,
            self.u.int_in_range(-800..=800_i16)?,
        ))
    }
}
