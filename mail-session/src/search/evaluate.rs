use std::ops::Range;

use bytes::Bytes;
use mailstore_api::{Body, ErrorKind, Mailbox, Meta, Part, Query, Result, Uid, UidSet};

use super::{
    needle::fold,
    plain::Plain,
    program::{Leaf, Program, Truth, ask_meta},
    stream::TextStream,
    yield_now,
};
use crate::{
    ahead::Ahead,
    mime::{self, Kind, Scanner},
};

/// Messages asked for at once.
const BATCH: usize = 500;
/// Octets read from bodies before others get their turn.
const TURN: u64 = 256 * 1024;
/// Messages up to this size are read at once; of larger ones only the texts.
const WHOLE: u64 = 1024 * 1024;
/// Octets of one header that are searched.
const MAX_HEADER: u64 = 16 * 1024 * 1024;
/// Octets of one read.
const CHUNK: usize = 64 * 1024;

/// One search in progress.
pub(super) struct Evaluation {
    program: Program,
    known: Vec<Truth>,
    plain: Plain,
    /// Octets read in this turn.
    read: u64,
}

/// What is opened ahead of its turn.
struct Opened<M: Mailbox> {
    header: Ahead<M>,
    whole: Ahead<M>,
}

impl Evaluation {
    pub(super) fn new(query: &Query) -> Self {
        let program = Program::new(query);
        let known = vec![Truth::Open; program.leaves.len()];
        Self { program, known, plain: Plain::new(), read: 0 }
    }

    pub(super) async fn run<M: Mailbox>(mut self, mailbox: &M, within: &UidSet) -> Result<UidSet> {
        let mut found = UidSet::new();
        let mut left = within.clone();
        let mut opened = Opened { header: Ahead::new(Part::Header), whole: Ahead::new(Part::Whole) };
        while !left.is_empty() {
            let batch = mailbox.meta(&left, self.program.want, None, BATCH).await?;
            for (n, meta) in batch.items.iter().enumerate() {
                let coming = batch.items.get(n + 1..).unwrap_or(&[]);
                if self.matches(mailbox, &mut opened, meta, coming).await? {
                    found.insert(meta.uid);
                }
                if self.read >= TURN {
                    self.read = 0;
                    yield_now().await;
                }
            }
            match batch.resume_after {
                Some(after) => left = left.difference(&UidSet::from_ranges([(1, after.get())])),
                None => break,
            }
            yield_now().await;
        }
        Ok(found)
    }

    async fn matches<M: Mailbox>(
        &mut self,
        mailbox: &M,
        opened: &mut Opened<M>,
        meta: &Meta,
        coming: &[Meta],
    ) -> Result<bool> {
        for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
            *known = match leaf {
                Leaf::Meta(query) => ask_meta(query, meta).into(),
                Leaf::Unknown => Truth::No,
                _ => Truth::Open,
            };
        }
        let mut truth = self.program.run(&self.known);
        if truth == Truth::Open && self.program.asks_header() {
            let coming = coming.iter().map(|m| m.uid);
            let Some(header) = self.read_part(mailbox, &mut opened.header, meta.uid, coming).await? else {
                return Ok(false);
            };
            self.ask_header(&header);
            truth = self.program.run(&self.known);
        }
        if truth == Truth::Open {
            let coming = coming.iter().map(|m| m.uid);
            if !self.ask_body(mailbox, &mut opened.whole, meta.uid, coming).await? {
                return Ok(false);
            }
            truth = self.program.run(&self.known);
        }
        Ok(truth == Truth::Yes)
    }

    /// The start of a part, all of it where it is not enormous; `None` where the message is gone or
    /// damaged: it matches nothing, and the search goes on.
    async fn read_part<M: Mailbox>(
        &mut self,
        mailbox: &M,
        ahead: &mut Ahead<M>,
        uid: Uid,
        coming: impl Iterator<Item = Uid>,
    ) -> Result<Option<Bytes>> {
        let read = async {
            let mut body = ahead.open(mailbox, uid, coming).await?;
            let len = body.len();
            read_range(&mut body, 0..len.min(MAX_HEADER)).await
        };
        let octets = passable(read.await)?;
        self.read += octets.as_ref().map_or(0, |o| o.len() as u64).max(64);
        Ok(octets)
    }

    fn ask_header(&mut self, header: &[u8]) {
        let mut date = None;
        for field in mime::fields(header) {
            // Decoded and folded when the first question needs it.
            let mut text: Option<String> = None;
            for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
                if *known != Truth::Open {
                    continue;
                }
                let (needle, whole) = match leaf {
                    Leaf::Header(name, needle) if field.is(name) => (needle, false),
                    Leaf::Text(needle) => (needle, true),
                    Leaf::SentDay(..) if date.is_none() && field.is("date") => {
                        date = mime::day_of_date_field(field.value);
                        continue;
                    }
                    _ => continue,
                };
                let text = text.get_or_insert_with(|| fold(&mime::decode_words(field.value)).into_owned());
                // TEXT finds field names as well.
                if needle.is_in(text) || (whole && needle.is_in(&whole_field(field.name, text))) {
                    *known = Truth::Yes;
                }
            }
        }
        for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
            match leaf {
                Leaf::Header(..) if *known == Truth::Open => *known = Truth::No,
                Leaf::SentDay(from, to) => *known = date.is_some_and(|d| (*from..*to).contains(&d)).into(),
                _ => {}
            }
        }
    }

    /// Answers what is left from the whole message; `false` where it is gone or damaged.
    async fn ask_body<M: Mailbox>(
        &mut self,
        mailbox: &M,
        ahead: &mut Ahead<M>,
        uid: Uid,
        coming: impl Iterator<Item = Uid>,
    ) -> Result<bool> {
        let read = match ahead.open(mailbox, uid, coming).await {
            Ok(body) => self.ask_texts(body).await,
            Err(error) => Err(error),
        };
        if passable(read)?.is_none() {
            return Ok(false);
        }
        // Whatever was not found is not there.
        for known in &mut self.known {
            if *known == Truth::Open {
                *known = Truth::No;
            }
        }
        Ok(true)
    }

    async fn ask_texts<B: Body>(&mut self, mut body: B) -> Result<()> {
        let len = body.len();
        self.read += len;
        let whole = if len <= WHOLE { Some(read_range(&mut body, 0..len).await?) } else { None };
        if let Some(whole) = &whole {
            self.look_plainly(whole);
            if !self.is_open() {
                return Ok(());
            }
        }
        let mut scanner = Scanner::new();
        match &whole {
            Some(whole) => scanner.feed(whole),
            None => {
                let mut at = 0;
                while at < len {
                    let chunk = read_some(&mut body, at, CHUNK).await?;
                    at += chunk.len() as u64;
                    scanner.feed(&chunk);
                    yield_now().await;
                }
            }
        }
        let structure = scanner.finish();
        let messages: Vec<usize> = structure
            .parts()
            .iter()
            .filter(|p| p.kind == Kind::Message)
            .filter_map(|p| p.children.first().copied())
            .collect();
        for (index, part) in structure.parts().iter().enumerate() {
            if !self.is_open() {
                break;
            }
            if index == 0 {
                if !self.program.asks_header() {
                    self.ask_header(&part.header_octets);
                }
            } else {
                self.ask_inner_header(&part.header_octets, messages.contains(&index));
            }
            if part.kind != Kind::Leaf || !part.content_type.is("text", "") {
                continue;
            }
            let range = part.body.clone();
            let octets = match &whole {
                Some(whole) => slice(whole, &range),
                None if range.end.saturating_sub(range.start) > WHOLE => {
                    self.ask_long_text(part, &mut body, range).await?;
                    continue;
                }
                None => read_range(&mut body, range).await?,
            };
            if let Some(text) = mime::text_of_part(part, &octets) {
                self.ask_text(&text);
            }
        }
        Ok(())
    }

    /// A text that is too long to be held.
    async fn ask_long_text<B: Body>(
        &mut self,
        part: &mime::Part,
        body: &mut B,
        mut range: Range<u64>,
    ) -> Result<()> {
        let mut text = TextStream::new(part, self.program.longest());
        while range.start < range.end && self.is_open() {
            let room = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            let chunk = read_some(body, range.start, room.min(CHUNK)).await?;
            range.start += chunk.len() as u64;
            self.ask_folded(text.feed(&chunk));
            yield_now().await;
        }
        self.ask_folded(&text.finish());
        Ok(())
    }

    /// Answers what a look at the octets can answer: that something is not there.
    fn look_plainly(&mut self, whole: &[u8]) {
        if !self.plain.look(whole) {
            return;
        }
        for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
            let (needle, in_header) = match leaf {
                Leaf::Body(needle) => (needle, false),
                Leaf::Text(needle) => (needle, true),
                _ => continue,
            };
            if *known == Truth::Open && self.plain.lacks(needle, in_header) {
                *known = Truth::No;
            }
        }
        self.plain.rest();
    }

    fn is_open(&self) -> bool {
        self.program.run(&self.known) == Truth::Open
    }

    /// A part's own header is in reach of TEXT; that of a message within also of BODY.
    fn ask_inner_header(&mut self, header: &[u8], is_message: bool) {
        for field in mime::fields(header) {
            let text = fold(&mime::decode_words(field.value)).into_owned();
            let text = whole_field(field.name, &text);
            for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
                match leaf {
                    Leaf::Text(needle) if needle.is_in(&text) => *known = Truth::Yes,
                    Leaf::Body(needle) if is_message && needle.is_in(&text) => *known = Truth::Yes,
                    _ => {}
                }
            }
        }
    }

    fn ask_text(&mut self, text: &str) {
        self.ask_folded(&fold(text));
    }

    fn ask_folded(&mut self, text: &str) {
        for (leaf, known) in self.program.leaves.iter().zip(&mut self.known) {
            if let Leaf::Text(needle) | Leaf::Body(needle) = leaf
                && *known == Truth::Open
                && needle.is_in(text)
            {
                *known = Truth::Yes;
            }
        }
    }
}

fn whole_field(name: &[u8], text: &str) -> String {
    format!("{}: {text}", String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// A message that is gone or damaged must not end a search over thousands.
fn passable<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(t) => Ok(Some(t)),
        Err(e) if matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound | ErrorKind::Corrupt) => Ok(None),
        Err(e) => Err(e),
    }
}

fn slice(whole: &Bytes, range: &Range<u64>) -> Bytes {
    let at = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(whole.len());
    whole.slice(at(range.start)..at(range.end).max(at(range.start)))
}

/// At least one octet from `at`.
async fn read_some<B: Body>(body: &mut B, at: u64, max: usize) -> Result<Bytes> {
    let chunk = body.read_at(at, max).await?;
    if chunk.is_empty() {
        return Err(ErrorKind::Corrupt.into());
    }
    Ok(chunk)
}

/// These octets of the body; shared where the store gives them at once.
pub(crate) async fn read_range<B: Body>(body: &mut B, range: Range<u64>) -> Result<Bytes> {
    let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    if len == 0 {
        return Ok(Bytes::new());
    }
    let mut all = read_some(body, range.start, len).await?;
    if all.len() < len {
        let mut gathered = Vec::with_capacity(len);
        gathered.extend_from_slice(&all);
        while gathered.len() < len {
            let at = range.start + gathered.len() as u64;
            let chunk = read_some(body, at, len - gathered.len()).await?;
            gathered.extend_from_slice(&chunk);
        }
        all = gathered.into();
    }
    Ok(all)
}
