//! One message's octets, opened as far as the items asked for need it.

use std::ops::Range;

use bytes::Bytes;
use imap4_proto::types::{PartPath, Partial, Section, SectionText};
use mailstore_api::{Body, ErrorKind, Mailbox, Part, Result, Uid};

use super::binary::Decoding;
use crate::{
    mime::{self, Item, Scanner, Structure},
    search::read_range,
};

/// Octets of one read.
pub(super) const CHUNK: usize = 64 * 1024;
/// A message up to this size is kept whole while its items are answered.
const KEPT: u64 = 128 * 1024;
/// Octets a remembered structure may take.
const MAX_KNOWN: usize = 64 * 1024;
/// Octets of a header that are looked at; a longer one is cut for ENVELOPE and HEADER.FIELDS.
const MAX_HEADER: u64 = 1024 * 1024;

pub(super) struct Message<'m, M: Mailbox> {
    mailbox: &'m M,
    uid: Uid,
    opened: [Option<M::Body>; 3],
    /// All octets of a small message.
    whole: Option<Bytes>,
    header: Option<Bytes>,
    structure: Option<Structure>,
}

/// Which of the store's three views of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    Whole,
    Header,
    Text,
}

/// What a section is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Octets {
    /// There is no such section.
    Nil,
    /// These.
    Here(Bytes),
    /// To be read piece by piece.
    There(Source, Range<u64>),
    /// A part to be read and decoded piece by piece: from where in the whole message, and which of the decoded octets.
    Decoded(Decoding, Range<u64>, Range<u64>),
}

impl Octets {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Nil => 0,
            Self::Here(octets) => octets.len() as u64,
            Self::There(_, range) | Self::Decoded(_, _, range) => range.end.saturating_sub(range.start),
        }
    }

    /// Only these octets of it; from beyond the end, none (RFC 9051 section 6.4.5).
    fn part(self, partial: Option<Partial>) -> Self {
        let Some(partial) = partial else { return self };
        match self {
            Self::Nil => Self::Nil,
            Self::Here(octets) => {
                let range = cut(&(0..octets.len() as u64), partial);
                let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(octets.len());
                Self::Here(octets.slice(at(range.start)..at(range.end)))
            }
            Self::There(source, range) => Self::There(source, cut(&range, partial)),
            Self::Decoded(decoding, from, range) => Self::Decoded(decoding, from, cut(&range, partial)),
        }
    }
}

fn cut(range: &Range<u64>, partial: Partial) -> Range<u64> {
    let start = range.start.saturating_add(partial.offset).min(range.end);
    start..start.saturating_add(partial.count.get()).min(range.end)
}

impl<'m, M: Mailbox> Message<'m, M> {
    /// A message, with its structure where that is known from before.
    pub(super) const fn new(mailbox: &'m M, uid: Uid, structure: Option<Structure>) -> Self {
        Self { mailbox, uid, opened: [None, None, None], whole: None, header: None, structure }
    }

    /// With one of its parts opened already.
    pub(super) fn with_open(mut self, part: Part, body: M::Body) -> Self {
        let [whole, header, text] = &mut self.opened;
        match part {
            Part::Whole => *whole = Some(body),
            Part::Header => *header = Some(body),
            Part::Text => *text = Some(body),
            _ => {}
        }
        self
    }

    /// The structure, where finding it again would mean to read a long message again.
    pub(super) fn into_known(self) -> Option<Structure> {
        let kept = self.whole.is_some();
        self.structure.filter(|s| !kept && s.octets() <= MAX_KNOWN)
    }

    async fn open(&mut self, source: Source) -> Result<&mut M::Body> {
        let [whole, header, text] = &mut self.opened;
        let (place, part) = match source {
            Source::Whole => (whole, Part::Whole),
            Source::Header => (header, Part::Header),
            Source::Text => (text, Part::Text),
        };
        match place {
            Some(body) => Ok(body),
            None => Ok(place.insert(self.mailbox.body(self.uid, part).await?)),
        }
    }

    /// Offers the store what was read from the message.
    pub(super) async fn remember(&mut self, derived: mailstore_api::Derived) {
        self.mailbox.remember(self.uid, derived).await;
    }

    /// The header's octets, with the empty line; of an enormous one the start.
    pub(super) async fn header(&mut self) -> Result<Bytes> {
        if let Some(header) = &self.header {
            return Ok(header.clone());
        }
        let body = self.open(Source::Header).await?;
        let len = body.len().min(MAX_HEADER);
        let header = read_range(body, 0..len).await?;
        Ok(self.header.insert(header).clone())
    }

    /// The tree of its parts.
    pub(super) async fn structure(&mut self) -> Result<&Structure> {
        if self.structure.is_none() {
            let body = self.open(Source::Whole).await?;
            let len = body.len();
            let mut scanner = Scanner::new();
            let mut kept = None;
            if len <= KEPT {
                let whole = read_range(body, 0..len).await?;
                scanner.feed(&whole);
                kept = Some(whole);
            } else {
                let mut at = 0;
                while at < len {
                    let chunk = read_some(body, at, CHUNK).await?;
                    at += chunk.len() as u64;
                    scanner.feed(&chunk);
                    crate::search::yield_now().await;
                }
            }
            self.whole = kept;
            self.structure = Some(scanner.finish());
        }
        self.structure.as_ref().ok_or_else(|| ErrorKind::Internal.into())
    }

    /// What `BODY[section]<partial>` is.
    pub(super) async fn section(
        &mut self,
        section: &Section<'_>,
        partial: Option<Partial>,
    ) -> Result<Octets> {
        let octets = if section.part.is_empty() {
            match section.text {
                None => self.all_of(Source::Whole).await?,
                Some(SectionText::Header | SectionText::Mime) => self.all_of(Source::Header).await?,
                Some(SectionText::Text) => self.all_of(Source::Text).await?,
                Some(SectionText::HeaderFields(names)) => {
                    Octets::Here(select(&self.header().await?, &names, false))
                }
                Some(SectionText::HeaderFieldsNot(names)) => {
                    Octets::Here(select(&self.header().await?, &names, true))
                }
                // No section this version knows.
                Some(_) => Octets::Nil,
            }
        } else {
            self.part_section(section).await?
        };
        Ok(octets.part(partial))
    }

    pub(super) async fn all_of(&mut self, source: Source) -> Result<Octets> {
        let len = self.open(source).await?.len();
        Ok(Octets::There(source, 0..len))
    }

    async fn part_section(&mut self, section: &Section<'_>) -> Result<Octets> {
        let numbers: Vec<u32> = section.part.iter().take(mime::MAX_DEPTH + 1).collect();
        let item = match section.text {
            None => Item::Content,
            Some(SectionText::Mime) => Item::Mime,
            Some(SectionText::Text) => Item::Text,
            Some(_) => Item::Header,
        };
        let Some(located) = self.structure().await?.locate(&numbers, item) else { return Ok(Octets::Nil) };
        let (names, not) = match section.text {
            Some(SectionText::HeaderFields(names)) => (names, false),
            Some(SectionText::HeaderFieldsNot(names)) => (names, true),
            _ => return Ok(Octets::There(Source::Whole, located.range)),
        };
        let range = located.range.start..located.range.end.min(located.range.start + MAX_HEADER);
        let header = self.read(Source::Whole, range).await?;
        Ok(Octets::Here(select(&header, &names, not)))
    }

    /// What `BINARY[part]<partial>` is (RFC 3516 section 4.2); `None` where its transfer encoding is not known.
    pub(super) async fn binary(
        &mut self,
        path: PartPath<'_>,
        partial: Option<Partial>,
    ) -> Result<Option<Octets>> {
        if path.is_empty() {
            // The whole message is never encoded.
            return Ok(Some(self.all_of(Source::Whole).await?.part(partial)));
        }
        let numbers: Vec<u32> = path.iter().take(mime::MAX_DEPTH + 1).collect();
        let structure = self.structure().await?;
        let Some(located) = structure.locate(&numbers, Item::Content) else { return Ok(Some(Octets::Nil)) };
        let octets = match structure.part(located.part).and_then(Decoding::of) {
            None => return Ok(None),
            Some(decoding) if decoding.is_none() => Octets::There(Source::Whole, located.range),
            Some(decoding) => match self.kept(Source::Whole, &located.range) {
                Some(octets) => Octets::Here(decoding.all(&octets)),
                None => {
                    // How many octets it makes must be said before the first of them.
                    let mut decoder = decoding.begin();
                    let mut len = 0;
                    let mut left = located.range.clone();
                    while left.start < left.end {
                        let chunk = self.next(Source::Whole, &left).await?;
                        left.start += chunk.len() as u64;
                        len += decoder.feed(&chunk).len() as u64;
                        crate::search::yield_now().await;
                    }
                    len += decoder.finish().len() as u64;
                    Octets::Decoded(decoding, located.range, 0..len)
                }
            },
        };
        Ok(Some(octets.part(partial)))
    }

    /// All of a range that is no longer than memory allows.
    async fn read(&mut self, source: Source, range: Range<u64>) -> Result<Bytes> {
        if let Some(octets) = self.kept(source, &range) {
            return Ok(octets);
        }
        read_range(self.open(source).await?, range).await
    }

    fn kept(&self, source: Source, range: &Range<u64>) -> Option<Bytes> {
        let whole = self.whole.as_ref().filter(|_| source == Source::Whole)?;
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        (start <= end && end <= whole.len()).then(|| whole.slice(start..end))
    }

    /// The next octets of a range, at least one.
    pub(super) async fn next(&mut self, source: Source, range: &Range<u64>) -> Result<Bytes> {
        if let Some(octets) = self.kept(source, range) {
            return Ok(octets);
        }
        let max = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(CHUNK);
        read_some(self.open(source).await?, range.start, max).await
    }
}

async fn read_some<B: Body>(body: &mut B, at: u64, max: usize) -> Result<Bytes> {
    let chunk = body.read_at(at, max).await?;
    if chunk.is_empty() {
        return Err(ErrorKind::Corrupt.into());
    }
    Ok(chunk)
}

fn select(header: &[u8], names: &imap4_proto::types::HeaderList<'_>, not: bool) -> Bytes {
    let names: Vec<_> = names.iter().map(|n| n.bytes()).collect();
    mime::select_fields(header, &names, not).into()
}
