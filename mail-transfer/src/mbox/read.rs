use std::io::{self, BufRead as _, BufReader, Read, Seek, SeekFrom};

use mailstore_api::{Flags, InternalDate};
use memchr::memchr;

use super::{MboxKind, from_line, header::HeaderFilter, status};
use crate::{
    Result, TransferError,
    lines::{ToCrlf, ToLf},
};

/// Header octets in which flags are looked for.
const HEADER_MAX: usize = 1 << 20;
/// Octets of an mbox file held in memory.
const BUFFER: usize = 64 * 1024;

/// A message of an mbox file, before its octets.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MboxMessage {
    /// Its flags.
    pub flags: Flags,
    /// The From_ line's date.
    pub date: Option<InternalDate>,
    /// Where in the file its From_ line begins.
    pub offset: u64,
    /// Its number in the file, from 1.
    pub number: u64,
    /// Words among its keywords that are no keywords, and were left out.
    pub bad_keywords: usize,
}

/// Reads an mbox file, message by message, in bounded memory.
///
/// ```
/// use mail_transfer::mbox::{MboxKind, MboxReader};
///
/// let file = b"From joe Thu Jan  1 00:00:00 1970\nStatus: RO\nSubject: x\n\n>From here\n\n";
/// let mut mbox = MboxReader::new(std::io::Cursor::new(file), MboxKind::Mboxrd, "joe.mbox");
/// let first = mbox.next()?.unwrap();
/// assert_eq!(first.date.unwrap().seconds, 0);
/// let mut octets = Vec::new();
/// while let Some(more) = mbox.octets()? {
///     octets.extend_from_slice(more);
/// }
/// assert_eq!(octets, b"Subject: x\r\n\r\nFrom here\r\n");
/// # Ok::<(), mail_transfer::TransferError>(())
/// ```
#[derive(Debug)]
pub struct MboxReader<R> {
    input: BufReader<R>,
    at: String,
    kind: MboxKind,
    /// Octets of the file that were consumed.
    offset: u64,
    number: u64,
    /// From_ lines have dates one can read. Else every `From ` behind an empty line is one.
    dated: bool,
    /// The next message: its From_ line was read.
    coming: Option<(Option<InternalDate>, u64)>,
    begun: bool,
    /// The file or the present message is at its end.
    ended: bool,
    /// The present line so far, when it has to be known before it is let through.
    held: Vec<u8>,
    at_line_start: bool,
    /// An empty line that is the message's only if something follows.
    blank: Vec<u8>,
    in_header: bool,
    /// Octets of the text that are left, by its Content-Length.
    counted: Option<u64>,
    /// Behind such a text: empty lines are nobody's.
    skip_blank: bool,
    header: HeaderFilter,
    to_lf: ToLf,
    to_crlf: ToCrlf,
    raw: Vec<u8>,
    text: Vec<u8>,
    /// What is in `text` was handed out.
    given: bool,
}

impl<R: Read + Seek> MboxReader<R> {
    /// Reads `input`, from its beginning; `at` names it in errors.
    pub fn new(input: R, kind: MboxKind, at: impl Into<String>) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER, input),
            at: at.into(),
            kind,
            offset: 0,
            number: 0,
            dated: true,
            coming: None,
            begun: false,
            ended: true,
            held: Vec::new(),
            at_line_start: true,
            blank: Vec::new(),
            in_header: false,
            counted: None,
            skip_blank: false,
            header: HeaderFilter::default(),
            to_lf: ToLf::default(),
            to_crlf: ToCrlf::default(),
            raw: Vec::new(),
            text: Vec::new(),
            given: false,
        }
    }

    /// Octets of the file that were read.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next message; what was not read of the present one is passed over. `None` at the end of the file.
    ///
    /// # Errors
    /// When the file does not begin with a From_ line, or cannot be read.
    #[expect(clippy::should_implement_trait, reason = "its items are read through it")]
    pub fn next(&mut self) -> Result<Option<MboxMessage>> {
        if !self.begun {
            self.begun = true;
            self.first_line()?;
        }
        loop {
            while self.octets()?.is_some() {}
            let Some((date, offset)) = self.coming.take() else { return Ok(None) };
            self.number += 1;
            self.ended = false;
            self.in_header = true;
            self.at_line_start = true;
            self.skip_blank = false;
            self.header = HeaderFilter::default();
            (self.to_lf, self.to_crlf) = (ToLf::default(), ToCrlf::default());
            self.text.clear();
            self.given = false;
            while self.in_header && !self.ended && self.text.len() < HEADER_MAX {
                self.step()?;
            }
            if self.number == 1 && self.header.value("x-imap").is_some() {
                // Some servers keep their own data in a first message (Dovecot and UW-IMAP pass it over alike).
                continue;
            }
            if !self.in_header {
                self.count()?;
            }
            let (flags, bad_keywords) = status::read(&self.header);
            return Ok(Some(MboxMessage { flags, date, offset, number: self.number, bad_keywords }));
        }
    }

    /// The next octets of the present message, with CRLF line ends; `None` at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn octets(&mut self) -> Result<Option<&[u8]>> {
        if std::mem::take(&mut self.given) {
            self.text.clear();
        }
        while self.text.is_empty() && !self.ended {
            self.step()?;
        }
        self.given = true;
        Ok((!self.text.is_empty()).then_some(&self.text))
    }

    fn io(&self, e: &io::Error) -> TransferError {
        TransferError::io(format!("{}, offset {}", self.at, self.offset), e)
    }

    fn fill(&mut self) -> Result<&[u8]> {
        match self.input.fill_buf() {
            Ok(_) => Ok(self.input.buffer()),
            Err(e) => Err(TransferError::io(format!("{}, offset {}", self.at, self.offset), &e)),
        }
    }

    fn consume(&mut self, n: usize) {
        self.input.consume(n);
        self.offset += n as u64;
    }

    /// The file's first From_ line; empty lines may stand before it.
    fn first_line(&mut self) -> Result<()> {
        loop {
            let from = self.offset;
            self.held.clear();
            self.hold_line()?;
            let line = std::mem::take(&mut self.held);
            if line.is_empty() {
                return Ok(());
            }
            if is_blank(&line) {
                continue;
            }
            if !line.starts_with(b"From ") {
                let text = "does not begin with a From_ line (`From sender date`): it is no mbox file";
                return Err(TransferError::malformed(format!("{}, offset {from}", self.at), text));
            }
            let date = from_line::parse(&line);
            self.dated = date.is_some();
            if !line.ends_with(b"\n") {
                self.pass_line()?;
            }
            self.coming = Some((date, from));
            return Ok(());
        }
    }

    /// Adds to `held` up to the end of the line, or until it is longer than a From_ line can be.
    fn hold_line(&mut self) -> Result<()> {
        loop {
            let room = from_line::LONGEST.saturating_sub(self.held.len());
            let buffer = self.fill()?;
            if buffer.is_empty() || room == 0 {
                return Ok(());
            }
            let n = memchr(b'\n', buffer).map_or(buffer.len(), |at| at + 1).min(room);
            let piece = buffer.get(..n).unwrap_or(&[]).to_vec();
            self.consume(n);
            self.held.extend_from_slice(&piece);
            if piece.ends_with(b"\n") {
                return Ok(());
            }
        }
    }

    /// Passes over the rest of a line.
    fn pass_line(&mut self) -> Result<()> {
        loop {
            let buffer = self.fill()?;
            let end = memchr(b'\n', buffer);
            let n = end.map_or(buffer.len(), |at| at + 1);
            if n == 0 {
                return Ok(());
            }
            self.consume(n);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// Reads some of the present message into `text`, or finds its end.
    fn step(&mut self) -> Result<()> {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let done = self.read_some(&mut raw);
        self.let_through(&raw);
        self.raw = raw;
        done
    }

    /// Takes out what is not the message's, and makes all line ends alike.
    fn let_through(&mut self, raw: &[u8]) {
        let (mut lf, mut filtered) = (Vec::with_capacity(raw.len()), Vec::with_capacity(raw.len() + 64));
        self.to_lf.push(raw, &mut lf);
        if self.ended {
            self.to_lf.finish(&mut lf);
        }
        self.header.push(&lf, &mut filtered);
        if self.ended {
            self.header.finish(&mut filtered);
        }
        self.to_crlf.push(&filtered, &mut self.text);
    }

    fn read_some(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if let Some(left) = self.counted {
            let buffer = self.fill()?;
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            out.extend_from_slice(buffer.get(..n).unwrap_or(&[]));
            self.consume(n);
            self.counted = Some(left - n as u64).filter(|left| *left > 0 && n > 0);
            return Ok(());
        }
        let at_line_start = self.at_line_start;
        let buffer = self.fill()?;
        let Some(&first) = buffer.first() else {
            self.ended = true;
            self.blank.clear();
            return Ok(());
        };
        if at_line_start && matches!(first, b'F' | b'>' | b'\r' | b'\n') {
            self.held.clear();
            self.hold_line()?;
            self.known_line(out);
            return Ok(());
        }
        // Lines that can be nothing else, up to one that can.
        let mut n = 0;
        while let Some(rest) = buffer.get(n..).filter(|r| !r.is_empty()) {
            if n > 0 && matches!(rest.first(), Some(b'F' | b'>' | b'\r' | b'\n')) {
                break;
            }
            match memchr(b'\n', rest) {
                Some(at) => n += at + 1,
                None => {
                    n = buffer.len();
                    break;
                }
            }
        }
        let text = buffer.get(..n).unwrap_or(&[]);
        self.at_line_start = text.ends_with(b"\n");
        self.skip_blank = false;
        out.append(&mut self.blank);
        out.extend_from_slice(self.input.buffer().get(..n).unwrap_or(&[]));
        self.consume(n);
        Ok(())
    }

    /// Lets the line in `held` through, or takes it for what it is.
    fn known_line(&mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.held);
        self.at_line_start = line.ends_with(b"\n");
        if is_blank(&line) {
            if !self.skip_blank {
                out.append(&mut self.blank);
                self.blank = line;
                self.in_header = false;
            }
            return;
        }
        if line.starts_with(b"From ") {
            let date = from_line::parse(&line);
            if date.is_some() || (!self.dated && (!self.blank.is_empty() || self.skip_blank)) {
                self.coming = Some((date, self.offset - line.len() as u64));
                self.ended = true;
                self.blank.clear();
                return;
            }
        }
        self.skip_blank = false;
        out.append(&mut self.blank);
        out.extend_from_slice(self.unquoted(&line));
    }

    fn unquoted<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        let Some(behind) = line.strip_prefix(b">") else { return line };
        let quoted = match self.kind {
            MboxKind::Mboxrd => {
                let marks = behind.iter().take_while(|b| **b == b'>').count();
                behind.get(marks..).is_some_and(|text| text.starts_with(b"From "))
            }
            MboxKind::Mboxo | MboxKind::Mboxcl => behind.starts_with(b"From "),
            MboxKind::Mboxcl2 => false,
        };
        if quoted { behind } else { line }
    }

    /// At the end of a header: takes its Content-Length, if another message or the end of the file is where it
    /// leads.
    fn count(&mut self) -> Result<()> {
        if !matches!(self.kind, MboxKind::Mboxcl | MboxKind::Mboxcl2) {
            return Ok(());
        }
        let length = self.header.value("content-length").and_then(|v| v.trim().parse::<u64>().ok());
        let Some(end) = length.and_then(|n| self.offset.checked_add(n)) else { return Ok(()) };
        let mut next = [0; 7];
        let found = self.look_at(end, &mut next).map_err(|e| self.io(&e))?;
        let leads = match found {
            None => false,
            Some(next) => {
                let next = next.trim_ascii_start();
                next.is_empty() || b"From ".starts_with(next.get(..5).unwrap_or(next))
            }
        };
        if leads {
            let blank = std::mem::take(&mut self.blank);
            self.let_through(&blank);
            self.counted = length.filter(|n| *n > 0);
            self.skip_blank = true;
            self.at_line_start = true;
        }
        Ok(())
    }

    /// Octets at a place in the file; `None` behind its end.
    fn look_at<'b>(&mut self, at: u64, into: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        let here = self.offset;
        let len = self.input.get_mut().seek(SeekFrom::End(0))?;
        let mut n = 0;
        if at <= len {
            self.input.seek(SeekFrom::Start(at))?;
            while let Some(room) = into.get_mut(n..).filter(|r| !r.is_empty()) {
                match self.input.read(room)? {
                    0 => break,
                    more => n += more,
                }
            }
        }
        self.input.seek(SeekFrom::Start(here))?;
        Ok((at <= len).then_some(into.get(..n).unwrap_or(&[])))
    }
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}
