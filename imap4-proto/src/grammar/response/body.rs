//! BODY and BODYSTRUCTURE. What is open while one is read stands among its nodes, not on the stack.

use alloc::vec::Vec;

use super::{
    plain,
    reader::{EMPTY, Reader, Step},
};
use crate::grammar::Fault;
use crate::types::{Quirks, WireDisposition, WireKind, WireMulti, WireSingle, WireStrings};

/// How deep parts may nest.
const MAX_DEPTH: usize = 128;
/// What has no part around it.
const NONE: u32 = u32::MAX;

/// One part of a structure, as it was found. They stand in the order in which they begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Where its parenthesis is.
    start: u32,
    /// Where it goes on after the parts within it, where it has any.
    tail: u32,
    /// The index of the first node that is not within it; while it is open, that of the one around it.
    pub(crate) end: u32,
    pub(crate) kind: NodeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// A part without parts; or a multipart without them, which has the same form.
    Leaf,
    /// A message.
    Message,
    Multi,
}

/// What [`Reader::single`] has read.
enum Begun<'b> {
    /// All of the part.
    Single,
    /// A multipart without parts.
    Empty(WireMulti<'b>),
    /// A message to its envelope: its structure comes next.
    Message,
}

/// A part of a structure that was read.
pub(crate) enum Read<'b> {
    Single(WireSingle<'b>),
    Multi(WireMulti<'b>),
}

impl<'b> Reader<'b> {
    /// `body = "(" (body-type-1part / body-type-mpart) ")"`
    pub(crate) fn body(&mut self) -> Result<Vec<Node>, Fault> {
        let begin = self.at;
        // Few messages have more parts.
        let mut nodes: Vec<Node> = Vec::with_capacity(8);
        let (mut around, mut depth) = (NONE, 0);
        loop {
            if depth >= MAX_DEPTH {
                return Err(Fault("A body structure nests too deep"));
            }
            // One body begins.
            let start = self.place(begin)?;
            let this = u32::try_from(nodes.len()).unwrap_or(NONE);
            let kind = match self.rest() {
                [b'(', b'(', ..] => {
                    self.at += 1;
                    NodeKind::Multi
                }
                _ if self.passes(plain::single) => NodeKind::Leaf,
                _ => self.begin()?,
            };
            if kind != NodeKind::Leaf {
                nodes.push(Node { start, tail: 0, end: around, kind });
                (around, depth) = (this, depth + 1);
                continue;
            }
            nodes.push(Node { start, tail: 0, end: this + 1, kind });
            // One body is whole; perhaps those round it are, too.
            loop {
                let len = u32::try_from(nodes.len()).unwrap_or(NONE);
                let Some(open) = usize::try_from(around).ok().and_then(|n| nodes.get_mut(n)) else {
                    return Ok(nodes);
                };
                if open.kind == NodeKind::Multi {
                    if let [b' ', b'(', ..] = self.rest() {
                        self.at += 1;
                    }
                    if self.next() == b'(' {
                        break;
                    }
                }
                open.tail = self.place(begin)?;
                (around, open.end) = (open.end, len);
                depth -= 1;
                let is_multi = open.kind == NodeKind::Multi;
                if !is_multi || !self.passes(plain::multi_end) {
                    self.end(is_multi)?;
                }
            }
        }
    }

    /// The start of a body that is no multipart, up to the part within it, or all of it. What it says is of no use yet.
    #[inline(never)]
    pub(super) fn begin(&mut self) -> Result<NodeKind, Fault> {
        self.octet(b'(', "A body structure is missing")?;
        match self.single(&mut { WireSingle::EMPTY })? {
            Begun::Single | Begun::Empty(_) => Ok(NodeKind::Leaf),
            Begun::Message => Ok(NodeKind::Message),
        }
    }

    /// What follows the parts of a multipart, or the structure of a message.
    #[inline(never)]
    pub(super) fn end(&mut self, is_multi: bool) -> Step {
        if is_multi {
            self.multi_end(&mut { WireMulti::EMPTY })
        } else {
            self.message_end(&mut { WireSingle::EMPTY })
        }
    }

    /// What a node of a structure that was read says, from the structure's text.
    pub(crate) fn node(&mut self, node: &Node) -> Read<'b> {
        let place = |n| usize::try_from(n).unwrap_or(usize::MAX);
        let (mut part, mut multi) = (WireSingle::EMPTY, WireMulti::EMPTY);
        let read = if node.kind == NodeKind::Multi {
            self.at = place(node.tail);
            self.multi_end(&mut multi).map(|()| true)
        } else {
            self.at = place(node.start).saturating_add(1);
            self.single(&mut part).and_then(|begun| match begun {
                Begun::Single => Ok(false),
                Begun::Empty(empty) => {
                    multi = empty;
                    Ok(true)
                }
                Begun::Message => {
                    self.at = place(node.tail);
                    self.message_end(&mut part).map(|()| false)
                }
            })
        };
        debug_assert!(read.is_ok(), "it was read before");
        if read.unwrap_or(false) { Read::Multi(multi) } else { Read::Single(part) }
    }

    /// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`, after its parenthesis
    fn single(&mut self, part: &mut WireSingle<'b>) -> Result<Begun<'b>, Fault> {
        let named = matches!(self.next(), b'"' | b'{' | b'~');
        self.string(&mut part.media_type)?;
        let extension = self.at;
        self.sp()?;
        if named && matches!(self.next(), b'(' | b'N' | b'n') && self.may(Quirks::EMPTY_MULTIPART) {
            // Its subtype came first.
            self.at = extension;
            let mut multi = WireMulti { media_subtype: part.media_type, ..WireMulti::EMPTY };
            self.multi_extension(&mut multi)?;
            return Ok(Begun::Empty(multi));
        }
        self.string(&mut part.media_subtype)?;
        self.sp()?;
        self.parameters(&mut part.parameters)?;
        self.sp()?;
        self.nstring(&mut part.id)?;
        self.sp()?;
        self.nstring(&mut part.description)?;
        self.sp()?;
        self.string(&mut part.encoding)?;
        self.sp()?;
        self.number(&mut part.octets)?;
        match self.rest() {
            // `body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines`
            [b' ', b'(', ..] => {
                self.sp()?;
                let envelope = self.envelope()?;
                part.kind = WireKind::Message { envelope, lines: 0 };
                self.sp()?;
                return Ok(Begun::Message);
            }
            // `body-type-text = media-text SP body-fields SP body-fld-lines`
            [b' ', b'0'..=b'9' | b'-', ..] => {
                let mut lines = 0;
                self.sp()?;
                self.number(&mut lines)?;
                part.kind = WireKind::Text(lines);
            }
            // A text without its lines is as basic as the rest.
            _ => part.kind = WireKind::Basic,
        }
        self.single_end(part)?;
        Ok(Begun::Single)
    }

    /// `SP body-fld-lines [SP body-ext-1part] ")"`, after the inner structure
    fn message_end(&mut self, part: &mut WireSingle<'b>) -> Step {
        let mut count = 0;
        if self.next() != b')' || !self.may(Quirks::SHORT_STRUCTURE) {
            self.sp()?;
            self.number(&mut count)?;
        }
        if let WireKind::Message { lines, .. } = &mut part.kind {
            *lines = count;
        }
        self.single_end(part)
    }

    /// Whether a field follows; else it is the end.
    #[inline]
    fn another(&mut self) -> Result<bool, Fault> {
        if self.next() == b')' {
            return Ok(false);
        }
        self.sp()?;
        Ok(self.next() != b')' || !self.may(Quirks::EXTRA_SPACE))
    }

    /// The end of a structure, or of a list in it.
    #[inline]
    fn body_close(&mut self) -> Step {
        self.close("A body structure does not end")
    }

    /// `[SP body-ext-1part] ")"`, with
    /// `body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    fn single_end(&mut self, part: &mut WireSingle<'b>) -> Step {
        if self.another()? {
            self.nstring(&mut part.md5)?;
            self.extension(&mut part.disposition, &mut part.language, &mut part.location)?;
        }
        self.body_close()
    }

    /// `SP media-subtype [SP body-ext-mpart] ")"`, after the parts
    fn multi_end(&mut self, multi: &mut WireMulti<'b>) -> Step {
        self.sp()?;
        self.string(&mut multi.media_subtype)?;
        self.multi_extension(multi)
    }

    /// `[SP body-ext-mpart] ")"`, with
    /// `body-ext-mpart = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    fn multi_extension(&mut self, multi: &mut WireMulti<'b>) -> Step {
        if self.another()? {
            self.parameters(&mut multi.parameters)?;
            self.extension(&mut multi.disposition, &mut multi.language, &mut multi.location)?;
        }
        self.body_close()
    }

    /// `[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    #[inline]
    fn extension(
        &mut self,
        disposition: &mut Option<WireDisposition<'b>>,
        language: &mut WireStrings<'b>,
        location: &mut Option<crate::types::AString<'b>>,
    ) -> Step {
        // What nearly every part has.
        const NONE: &[u8] = b" NIL NIL NIL)";
        if self.rest().starts_with(NONE) {
            self.at += NONE.len() - 1;
            return Ok(());
        }
        if !self.another()? {
            return Ok(());
        }
        self.disposition(disposition)?;
        if !self.another()? {
            return Ok(());
        }
        self.language(language)?;
        if !self.another()? {
            return Ok(());
        }
        self.nstring(location)?;
        // `body-extension = nstring / number / number64 / "(" body-extension *(SP body-extension) ")"`
        while self.another()? {
            self.skip()?;
        }
        Ok(())
    }

    /// `body-fld-dsp = "(" string SP body-fld-param ")" / nil`
    fn disposition(&mut self, to: &mut Option<WireDisposition<'b>>) -> Step {
        if self.nil() {
            return Ok(());
        }
        let disposition = to.insert(WireDisposition::EMPTY);
        if self.eat(b'(') {
            self.string(&mut disposition.kind)?;
            if self.next() != b')' || !self.may(Quirks::SHORT_STRUCTURE) {
                self.sp()?;
                self.parameters(&mut disposition.parameters)?;
            }
            self.body_close()
        } else if matches!(self.next(), b'"' | b'{') && self.may(Quirks::DISPOSITION_STRING) {
            self.string(&mut disposition.kind)
        } else {
            Err(Fault("A disposition is missing"))
        }
    }

    /// `body-fld-lang = nstring / "(" string *(SP string) ")"`
    fn language(&mut self, all: &mut WireStrings<'b>) -> Step {
        let start = self.at;
        if !self.eat(b'(') {
            let mut one = None;
            self.nstring(&mut one)?;
            if one.is_some() {
                *all = WireStrings::new(self.since(start), self.reading);
            }
            return Ok(());
        }
        if self.may(Quirks::EMPTY_LIST) && self.eat(b')') {
            return Ok(());
        }
        let mut one = EMPTY;
        loop {
            self.string(&mut one)?;
            if !self.another()? {
                self.body_close()?;
                *all = WireStrings::new(self.since(start), self.reading);
                return Ok(());
            }
        }
    }

    /// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
    fn parameters(&mut self, all: &mut WireStrings<'b>) -> Step {
        if self.nil() {
            return Ok(());
        }
        let start = self.at;
        self.octet(b'(', "Parameters are missing")?;
        if self.may(Quirks::EMPTY_LIST) && self.eat(b')') {
            return Ok(());
        }
        let mut one = EMPTY;
        loop {
            self.string(&mut one)?;
            self.sp()?;
            if !self.nil() {
                self.string(&mut one)?;
            } else if !self.may(Quirks::NIL_PARAMETER) {
                return Err(Fault("The value of a parameter is missing"));
            }
            if !self.another()? {
                self.body_close()?;
                *all = WireStrings::new(self.since(start), self.reading);
                return Ok(());
            }
        }
    }
}
