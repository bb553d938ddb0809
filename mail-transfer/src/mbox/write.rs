use std::io::{self, Write};

use mailstore_api::{Flags, InternalDate};
use memchr::memchr;

use super::{from_line, header::HeaderFilter, status};
use crate::lines::ToLf;

/// Header octets that are looked through for a Return-Path before a message's first line is written.
const LOOK_FOR_SENDER: usize = 64 * 1024;

const FROM: &[u8] = b"From ";

/// Where in a line the quoting stands.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// Only `>` so far, and this many octets of `From `.
    Maybe(usize),
    Rest,
}

/// Writes one mbox file, message by message: [`message`](Self::message), [`octets`](Self::octets) until all are there,
/// [`end`](Self::end).
#[derive(Debug)]
pub struct MboxWriter<W: Write> {
    out: W,
    date: InternalDate,
    to_lf: ToLf,
    header: HeaderFilter,
    /// The beginning of the message, until its sender is known.
    start: Option<Vec<u8>>,
    text: Vec<u8>,
    line: Line,
    /// The last octet written of the message was not LF.
    open: bool,
}

impl<W: Write> MboxWriter<W> {
    /// Writes to `out`; nothing for no message.
    pub fn new(out: W) -> Self {
        Self {
            out,
            date: InternalDate::default(),
            to_lf: ToLf::default(),
            header: HeaderFilter::default(),
            start: None,
            text: Vec::new(),
            line: Line::Maybe(0),
            open: false,
        }
    }

    /// Begins a message.
    pub fn message(&mut self, flags: &Flags, date: InternalDate) {
        self.date = date;
        self.to_lf = ToLf::default();
        self.header = HeaderFilter::inserting(status::write(flags));
        self.start = Some(Vec::new());
        self.line = Line::Maybe(0);
        self.open = false;
    }

    /// Its next octets.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn octets(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut lf = std::mem::take(&mut self.text);
        lf.clear();
        self.to_lf.push(chunk, &mut lf);
        let done = self.filtered(&lf, false);
        self.text = lf;
        done
    }

    /// The message is complete.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        self.to_lf.finish(&mut rest);
        self.filtered(&rest, true)?;
        if let Line::Maybe(held) = self.line {
            self.out.write_all(FROM.get(..held).unwrap_or(&[]))?;
        }
        self.out.write_all(if self.open { b"\n\n" } else { b"\n" })
    }

    /// Gives `out` back.
    ///
    /// # Errors
    /// When what is left cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn filtered(&mut self, lf: &[u8], last: bool) -> io::Result<()> {
        let mut filtered = Vec::with_capacity(lf.len() + 64);
        self.header.push(lf, &mut filtered);
        if last {
            self.header.finish(&mut filtered);
        }
        let Some(start) = &mut self.start else { return self.quoted(&filtered) };
        start.append(&mut filtered);
        if last || self.header.ended || start.len() > LOOK_FOR_SENDER {
            let start = self.start.take().unwrap_or_default();
            let line = from_line::write(return_path(&start).as_deref(), self.date);
            self.out.write_all(line.as_bytes())?;
            self.quoted(&start)?;
        }
        Ok(())
    }

    /// Writes with one more `>` before what reads `>*From `. All of it are `>`, so it may as well come behind them.
    fn quoted(&mut self, text: &[u8]) -> io::Result<()> {
        let mut rest = text;
        while let Some((&first, behind)) = rest.split_first() {
            match self.line {
                Line::Maybe(0) if first == b'>' => self.out.write_all(b">")?,
                Line::Maybe(n) if FROM.get(n) == Some(&first) => {
                    self.line = Line::Maybe(n + 1);
                    if n + 1 == FROM.len() {
                        self.out.write_all(b">From ")?;
                        self.line = Line::Rest;
                    }
                }
                Line::Maybe(n) => {
                    // Not that word: what was held back, and the octet again.
                    self.out.write_all(FROM.get(..n).unwrap_or(&[]))?;
                    self.line = Line::Rest;
                    continue;
                }
                Line::Rest => {
                    let n = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                    let (piece, more) = rest.split_at(n);
                    self.out.write_all(piece)?;
                    if piece.ends_with(b"\n") {
                        self.line = Line::Maybe(0);
                    }
                    self.open = !piece.ends_with(b"\n");
                    rest = more;
                    continue;
                }
            }
            self.open = true;
            rest = behind;
        }
        Ok(())
    }
}

/// The address in the Return-Path of a header.
fn return_path(header: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"return-path:";
    let line = header
        .split(|b| *b == b'\n')
        .take_while(|l| !l.is_empty())
        .find(|l| l.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)))?;
    let value = std::str::from_utf8(line.get(NAME.len()..)?).ok()?.trim();
    Some(value.trim_start_matches('<').trim_end_matches('>').to_owned())
}
