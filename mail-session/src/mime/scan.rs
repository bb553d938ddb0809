use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::{ContentType, fields};

/// Entities in entities that are looked into; what lies deeper is one opaque part.
pub const MAX_DEPTH: usize = 100;
/// Parts of one message; a boundary beyond is text.
pub const MAX_PARTS: usize = 10_000;
/// Octets of one entity's header that are kept for reading; its place in the message is exact anyway.
const MAX_HEADER: usize = 256 * 1024;
/// Octets of all headers that are kept.
const MAX_HEADERS: usize = 4 * 1024 * 1024;
/// RFC 2046 section 5.1.1 allows a boundary of 70; the longest that fits a line is taken.
const MAX_BOUNDARY: usize = 990;
/// Of a line that goes over the end of a chunk, what is kept: enough for any boundary line.
const MAX_KEPT_LINE: usize = MAX_BOUNDARY + 64;

/// What an entity is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Content of its own.
    Leaf,
    /// Parts.
    Multipart,
    /// One message (message/rfc822, message/global): its only child is that message.
    Message,
    /// Would be one of the two above, but lies too deep to be looked into.
    Opaque,
}

/// One MIME entity: the message itself, a part, a message within.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is made of.
    pub kind: Kind,
    /// Its type, or the default for its place.
    pub content_type: ContentType,
    /// Its header as octets; may be cut at 256 KiB.
    pub header_octets: Vec<u8>,
    /// Where its header stands in the message, the empty line after it included.
    pub header: Range<u64>,
    /// Where its body stands.
    pub body: Range<u64>,
    /// Line ends in the body.
    pub lines: u64,
    /// Indices of its parts.
    pub children: Vec<usize>,
}

/// The tree of a message's parts. The message is the first of them.
#[derive(Clone, Debug)]
pub struct Structure {
    parts: Vec<Part>,
}

impl Structure {
    /// All parts, every parent before its children.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// About how many octets of memory it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.parts.iter().map(|p| size_of::<Part>() + 2 * p.header_octets.len()).sum()
    }

    /// One of them.
    #[must_use]
    pub fn part(&self, index: usize) -> Option<&Part> {
        self.parts.get(index)
    }
}

/// The structure of a message that is in memory.
#[must_use]
pub fn scan(message: &[u8]) -> Structure {
    let mut scanner = Scanner::new();
    scanner.feed(message);
    scanner.finish()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    Header,
    Body,
}

/// An entity whose end is not found yet.
#[derive(Debug)]
struct Open {
    part: usize,
    reading: Reading,
    /// The boundary between its parts; `None` for a leaf, and after the last part.
    boundary: Option<Boundary>,
    /// Line ends before the body.
    lines_before: u64,
}

#[derive(Debug)]
struct Boundary {
    /// The first octets and the length, so that nearly all comparisons are of one word.
    mark: (usize, u64),
    text: Vec<u8>,
}

fn mark(text: &[u8]) -> (usize, u64) {
    // The end differs more often than the start.
    let tail = text.get(text.len().saturating_sub(8)..).unwrap_or_default();
    (text.len(), tail.iter().fold(0, |m, b| (m << 8) | u64::from(*b)))
}

/// Reads the structure of a message from chunks of it, each octet once.
#[derive(Debug)]
pub struct Scanner {
    parts: Vec<Part>,
    open: Vec<Open>,
    /// How many of `open` have a boundary.
    boundaries: usize,
    /// Octets of lines done.
    at: u64,
    /// Line ends in them.
    lines: u64,
    /// Octets of the last line's end: where a boundary follows, they belong to it.
    last_end: u64,
    /// The start of a line that is not whole yet, and how long it is so far.
    partial: Vec<u8>,
    partial_len: u64,
    /// Whether what is so far ends with CR, which `partial` may no longer hold.
    partial_cr: bool,
    kept: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// At the start of a message.
    #[must_use]
    pub fn new() -> Self {
        let mut scanner = Self {
            parts: Vec::new(),
            open: Vec::new(),
            boundaries: 0,
            at: 0,
            lines: 0,
            last_end: 0,
            partial: Vec::new(),
            partial_len: 0,
            partial_cr: false,
            kept: 0,
        };
        scanner.enter(ContentType::text_plain(), 0);
        scanner
    }

    /// Takes in the next octets of the message.
    pub fn feed(&mut self, mut chunk: &[u8]) {
        while !chunk.is_empty() {
            let n = memchr(b'\n', chunk).map(|at| at + 1);
            let (line, rest) = chunk.split_at_checked(n.unwrap_or(chunk.len())).unwrap_or((chunk, &[]));
            if self.is_reading_header() {
                self.keep(line);
            }
            if n.is_some() && self.partial_len == 0 {
                let end = if line.ends_with(b"\r\n") { 2 } else { 1 };
                self.line(line, line.len() as u64, end);
            } else {
                self.partial_line(line, n.is_some());
            }
            chunk = rest;
            if self.boundaries == 0 && !self.is_reading_header() && self.partial_len == 0 {
                chunk = self.skip_lines(chunk);
            }
        }
    }

    fn is_reading_header(&self) -> bool {
        self.open.last().is_some_and(|o| o.reading == Reading::Header)
    }

    /// No boundary can come: only lines are to be counted.
    fn skip_lines<'c>(&mut self, chunk: &'c [u8]) -> &'c [u8] {
        let Some(end) = memchr::memrchr(b'\n', chunk) else { return chunk };
        let (whole, rest) = chunk.split_at_checked(end + 1).unwrap_or((chunk, &[]));
        self.lines += memchr_iter(b'\n', whole).count() as u64;
        self.at += whole.len() as u64;
        self.last_end = if whole.ends_with(b"\r\n") { 2 } else { 1 };
        rest
    }

    fn partial_line(&mut self, piece: &[u8], is_whole: bool) {
        let room = MAX_KEPT_LINE.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(piece.get(..room).unwrap_or(piece));
        self.partial_len += piece.len() as u64;
        if !is_whole {
            self.partial_cr = piece.ends_with(b"\r");
            return;
        }
        let end = match piece {
            [.., b'\r', b'\n'] => 2,
            [b'\n'] if self.partial_cr => 2,
            _ => 1,
        };
        self.end_partial(end);
    }

    fn end_partial(&mut self, end: u64) {
        let line = std::mem::take(&mut self.partial);
        let len = std::mem::take(&mut self.partial_len);
        self.partial_cr = false;
        self.line(&line, len, end);
        self.partial = line;
        self.partial.clear();
    }

    /// Keeps octets of the header that is read.
    fn keep(&mut self, bytes: &[u8]) {
        let Some(part) = self.open.last().and_then(|o| self.parts.get_mut(o.part)) else { return };
        let room = MAX_HEADER
            .saturating_sub(part.header_octets.len())
            .min(MAX_HEADERS.saturating_sub(self.kept))
            .min(bytes.len());
        self.kept += room;
        part.header_octets.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }

    /// One line is whole: `line` is it, or the start of it where it is long; `len` octets, of which the last
    /// `end` are its end.
    fn line(&mut self, line: &[u8], len: u64, end: u64) {
        let start = self.at;
        self.at += len;
        if self.boundaries > 0
            && len <= MAX_KEPT_LINE as u64
            && line.starts_with(b"--")
            && let Some((depth, is_last)) = self.find_boundary(line)
        {
            self.boundary(depth, is_last, start);
            self.lines += u64::from(end > 0);
            self.last_end = end;
            if !is_last {
                self.next_part();
            }
            return;
        }
        self.lines += u64::from(end > 0);
        self.last_end = end;
        if len == end && self.is_reading_header() {
            self.header_done();
        }
    }

    /// Which open multipart's boundary this line is, the innermost first, and whether it is the last one.
    fn find_boundary(&self, line: &[u8]) -> Option<(usize, bool)> {
        let text = line.get(2..)?.trim_ascii_end();
        let last = text.strip_suffix(b"--");
        let marks = (mark(text), last.map(mark));
        self.open.iter().enumerate().rev().find_map(|(depth, open)| {
            let boundary = open.boundary.as_ref()?;
            if boundary.mark == marks.0 && boundary.text == text {
                Some((depth, false))
            } else if Some(boundary.mark) == marks.1 && Some(boundary.text.as_slice()) == last {
                Some((depth, true))
            } else {
                None
            }
        })
    }

    /// A boundary of the multipart at `depth` starts at `start`: what is open within it ends there.
    fn boundary(&mut self, depth: usize, is_last: bool, start: u64) {
        if self.is_reading_header() {
            // The line was kept as part of a header that it ends.
            if let Some(part) = self.open.last().and_then(|o| self.parts.get_mut(o.part)) {
                let len = start.saturating_sub(part.header.start);
                part.header_octets.truncate(usize::try_from(len).unwrap_or(usize::MAX));
            }
        }
        let mut line_end = self.last_end;
        while self.open.len() > depth + 1 {
            line_end = self.close(start, line_end);
        }
        if is_last
            && let Some(open) = self.open.last_mut()
            && open.boundary.take().is_some()
        {
            self.boundaries -= 1;
        }
    }

    /// The next part of the innermost open multipart begins.
    fn next_part(&mut self) {
        let Some(parent) = self.open.last().map(|o| o.part) else { return };
        if self.parts.len() >= MAX_PARTS {
            return;
        }
        let default = match self.parts.get(parent) {
            Some(p) if p.content_type.is("multipart", "digest") => ContentType::message_rfc822(),
            _ => ContentType::text_plain(),
        };
        self.enter(default, self.at);
        self.adopt(parent);
    }

    fn enter(&mut self, default: ContentType, at: u64) {
        self.open.push(Open {
            part: self.parts.len(),
            reading: Reading::Header,
            boundary: None,
            lines_before: 0,
        });
        self.parts.push(Part {
            kind: Kind::Leaf,
            content_type: default,
            header_octets: Vec::new(),
            header: at..at,
            body: at..at,
            lines: 0,
            children: Vec::new(),
        });
    }

    /// The part entered last belongs to `parent`.
    fn adopt(&mut self, parent: usize) {
        let child = self.parts.len().saturating_sub(1);
        if let Some(parent) = self.parts.get_mut(parent) {
            parent.children.push(child);
        }
    }

    /// The innermost entity's header ends before `self.at`: what follows depends on its type.
    fn header_done(&mut self) {
        let at = self.at;
        let has_room = self.open.len() < MAX_DEPTH && self.parts.len() < MAX_PARTS;
        let Some(open) = self.open.last_mut() else { return };
        let index = open.part;
        let Some(part) = self.parts.get_mut(index) else { return };
        open.reading = Reading::Body;
        open.lines_before = self.lines;
        part.header.end = at;
        part.body = at..at;
        let given = fields(&part.header_octets).find(|f| f.is("content-type"));
        if let Some(content_type) = given.map(|f| ContentType::parse(f.value)) {
            // RFC 2045 section 5.2: what cannot be read is plain text.
            part.content_type = content_type.unwrap_or_else(ContentType::text_plain);
        }
        let content_type = &part.content_type;
        if content_type.is("multipart", "") {
            let text = content_type.parameter("boundary").unwrap_or_default().trim_ascii_end();
            if !has_room {
                part.kind = Kind::Opaque;
            } else {
                part.kind = Kind::Multipart;
                if !text.is_empty() && text.len() <= MAX_BOUNDARY {
                    open.boundary = Some(Boundary { mark: mark(text), text: text.to_vec() });
                    self.boundaries += 1;
                }
            }
        } else if content_type.is("message", "rfc822") || content_type.is("message", "global") {
            if has_room {
                part.kind = Kind::Message;
                self.enter(ContentType::text_plain(), at);
                self.adopt(index);
            } else {
                part.kind = Kind::Opaque;
            }
        }
    }

    /// The innermost entity ends at `end`, less the `line_end` octets that belong to the boundary there, unless
    /// they end its header. Returns how many octets were given to the boundary: what it lies in gives as many.
    fn close(&mut self, end: u64, mut line_end: u64) -> u64 {
        if self.is_reading_header() {
            // No empty line came. All of it is header; a message within it is an empty one.
            let at = std::mem::replace(&mut self.at, end);
            self.header_done();
            self.at = at;
            if self.is_reading_header() {
                self.close(end, 0);
            }
            line_end = 0;
        }
        let Some(open) = self.open.pop() else { return 0 };
        if open.boundary.is_some() {
            self.boundaries -= 1;
        }
        if let Some(part) = self.parts.get_mut(open.part) {
            // An empty body has no line end to give away.
            if part.body.start + line_end > end {
                line_end = 0;
            }
            part.body.end = end - line_end;
            part.lines = self.lines.saturating_sub(open.lines_before).saturating_sub(u64::from(line_end > 0));
            if part.kind == Kind::Multipart && part.children.is_empty() {
                self.only_part(open.part);
            }
        }
        line_end
    }

    /// No boundary was found in this multipart. It must have a part (RFC 9051 section 9, `body-type-mpart`), and what stands
    /// in it is nothing that a reader should not see: it is the text of its only part.
    fn only_part(&mut self, index: usize) {
        let child = self.parts.len();
        let Some(part) = self.parts.get_mut(index) else { return };
        part.children.push(child);
        let only = Part {
            kind: Kind::Leaf,
            content_type: ContentType::text_plain(),
            header_octets: Vec::new(),
            header: part.body.start..part.body.start,
            body: part.body.clone(),
            lines: part.lines,
            children: Vec::new(),
        };
        self.parts.push(only);
    }

    /// The message ends here.
    #[must_use]
    pub fn finish(mut self) -> Structure {
        if self.partial_len > 0 {
            self.end_partial(0);
        }
        let mut line_end = self.last_end;
        while !self.open.is_empty() {
            // A boundary that never came would stand here: the last line end is taken for its own, as if it had come.
            let cut_off = self.open.iter().rev().skip(1).any(|o| o.boundary.is_some());
            line_end = self.close(self.at, if cut_off { line_end } else { 0 });
        }
        Structure { parts: self.parts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kind start..end lines` of every part, indented by depth.
    fn show(message: &str) -> String {
        let structure = scan(message.as_bytes());
        let mut out = String::new();
        let mut stack = vec![(0, 0)];
        while let Some((index, depth)) = stack.pop() {
            let part = structure.part(index).unwrap();
            let body = usize::try_from(part.body.start).unwrap()..usize::try_from(part.body.end).unwrap();
            let sub = String::from_utf8_lossy(&part.content_type.sub);
            out += &format!("{}{sub} {:?} {}\n", "  ".repeat(depth), &message[body], part.lines);
            stack.extend(part.children.iter().rev().map(|c| (*c, depth + 1)));
        }
        out
    }

    #[test]
    fn parts_end_before_the_line_end_of_their_boundary() {
        let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\ntwo\r\n--b  \r\n\
                       Content-Type: text/html\r\n\r\n--b\r\nX: no body\r\n--b\r\n\r\n\r\n--b--\r\nepilogue\r\n--b\r\nnot a part";
        assert_eq!(
            show(message),
            format!(
                "mixed {:?} 16\n  plain \"one\\r\\ntwo\" 1\n  html \"\" 0\n  plain \"\" 0\n  plain \"\" 0\n",
                message.split_once("\r\n\r\n").unwrap().1
            )
        );
    }

    #[test]
    fn messages_within_and_outer_boundaries() {
        let message = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\nSubject: in\n\
                       Content-Type: multipart/mixed; boundary=aa\n\n--aa\n\nx\n--a\n\ny\n--a--\n";
        let got = show(message);
        let lines: Vec<&str> = got.lines().map(|l| l.split(" \"").next().unwrap()).collect();
        assert_eq!(lines, ["mixed", "  rfc822", "    mixed", "      plain", "  plain"]);
        assert!(got.contains("plain \"x\" 0") && got.contains("plain \"y\" 0"), "{got}");
    }

    #[test]
    fn what_has_no_empty_line_is_all_header() {
        let structure = scan(b"Subject: x\r\nContent-Type: message/rfc822\r\n");
        assert_eq!(structure.parts().len(), 2);
        assert_eq!(structure.part(0).unwrap().header, 0..42);
        assert_eq!(structure.part(1).unwrap().body, 42..42);
        assert_eq!(scan(b"").parts().len(), 1);
        assert_eq!(scan(b"\r\nbody").part(0).unwrap().body, 2..6);
        assert_eq!(scan(b"\nbody\n").part(0).unwrap().lines, 1);
    }

    #[test]
    fn a_last_boundary_that_is_missing_is_thought_of() {
        let message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n";
        let got = show(message);
        assert!(got.contains("plain \"one\" 0") && got.contains("plain \"two\" 0"), "{got}");
        assert!(show("Subject: x\r\n\r\nbody\r\n").contains("plain \"body\\r\\n\" 1"));
    }

    #[test]
    fn a_digest_holds_messages() {
        let message = "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: 1\n\nb1\n--d\nContent-Type: text/plain\n\nb2\n--d--";
        let structure = scan(message.as_bytes());
        let kinds: Vec<Kind> = structure.parts().iter().map(|p| p.kind).collect();
        assert_eq!(kinds, [Kind::Multipart, Kind::Message, Kind::Leaf, Kind::Leaf]);
    }

    #[test]
    fn depth_and_number_of_parts_are_bounded() {
        let deep: String = (0..500)
            .map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"))
            .collect();
        let structure = scan(deep.as_bytes());
        assert_eq!(structure.parts().len(), MAX_DEPTH);
        assert_eq!(structure.parts().last().unwrap().kind, Kind::Opaque);
        let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(5000);
        assert_eq!(scan(nested.as_bytes()).parts().len(), MAX_DEPTH);
        let wide = format!("Content-Type: multipart/mixed; boundary=b\n\n{}", "--b\n\n".repeat(50_000));
        assert_eq!(scan(wide.as_bytes()).parts().len(), MAX_PARTS);
    }

    #[test]
    fn any_split_into_chunks_gives_the_same_structure() {
        let message = "From: x\r\nContent-Type: multipart/mixed;\r\n boundary=\"bo und\"\r\n\r\npre\r\n--bo und\r\nContent-Type: message/rfc822\r\n\r\n\
                       Subject: y\r\n\r\nbody\r\n--bo und\r\nA: b\r\n--bo und\r\n\r\nlast\r\n\r\n--bo und--\r\nepilogue";
        let whole = format!("{:?}", scan(message.as_bytes()));
        for size in 1..message.len() {
            let mut scanner = Scanner::new();
            for chunk in message.as_bytes().chunks(size) {
                scanner.feed(chunk);
            }
            assert_eq!(format!("{:?}", scanner.finish()), whole, "chunks of {size}");
        }
    }

    #[test]
    fn a_long_line_over_many_chunks_is_no_boundary_and_kept_short() {
        let mut scanner = Scanner::new();
        scanner.feed(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b");
        for _ in 0..1000 {
            scanner.feed(&[b' '; 4096]);
            assert!(scanner.partial.len() <= MAX_KEPT_LINE);
        }
        scanner.feed(b"\r\n--b--\r\n");
        let structure = scanner.finish();
        assert_eq!(structure.parts().len(), 2);
        assert_eq!(
            structure.part(1).unwrap().body.end - structure.part(1).unwrap().body.start,
            3 + 4096 * 1000
        );
    }
}
