//! BODY and BODYSTRUCTURE, with the structures that are open on a stack of their own.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};

use super::reader::{Reader, Step};
use crate::grammar::Fault;
use crate::types::{
    BodyKind, BodyStructure, Disposition, Envelope, Multipart, Parameters, Quirks, SinglePart,
};

/// How deep parts may nest.
const MAX_DEPTH: usize = 128;

/// A structure whose inner structure is being read.
enum Open<'b> {
    Multi(Vec<BodyStructure<'b>>),
    Message(Box<SinglePart<'b>>, Box<Envelope<'b>>),
}

/// What [`Reader::single`] has read.
enum Begun<'b> {
    /// All of the part.
    Single,
    /// A multipart without parts.
    Empty(Box<Multipart<'b>>),
    /// A message to its envelope: its structure comes next.
    Message(Box<Envelope<'b>>),
}

/// What a part is before it is read.
const EMPTY: SinglePart<'_> =
    SinglePart::new(Cow::Borrowed(&[]), Cow::Borrowed(&[]), Cow::Borrowed(&[]), 0, BodyKind::Basic);

impl<'b> Reader<'b> {
    /// `body = "(" (body-type-1part / body-type-mpart) ")"`
    pub(super) fn body(&mut self) -> Result<Box<BodyStructure<'b>>, Fault> {
        let mut open = Vec::new();
        loop {
            if open.len() >= MAX_DEPTH {
                return Err(Fault("A body structure nests too deep"));
            }
            // One body begins.
            self.octet(b'(', "A body structure is missing")?;
            if let [b'(', ..] = self.rest {
                open.push(Open::Multi(Vec::new()));
                continue;
            }
            let mut part = EMPTY;
            let mut done = match self.single(&mut part)? {
                Begun::Single => BodyStructure::Single(part),
                Begun::Empty(multi) => BodyStructure::Multi(*multi),
                Begun::Message(envelope) => {
                    open.push(Open::Message(Box::new(part), envelope));
                    continue;
                }
            };
            // One body is whole; perhaps those round it are, too.
            loop {
                done = match open.pop() {
                    None => return Ok(Box::new(done)),
                    Some(Open::Multi(mut parts)) => {
                        parts.push(done);
                        if let [b' ', b'(', ..] = self.rest {
                            self.eat(b' ');
                        }
                        if let [b'(', ..] = self.rest {
                            open.push(Open::Multi(parts));
                            break;
                        }
                        self.multi_end(parts)?
                    }
                    Some(Open::Message(part, envelope)) => self.message_end(part, envelope, done)?,
                }
            }
        }
    }

    /// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`, after its parenthesis
    fn single(&mut self, part: &mut SinglePart<'b>) -> Result<Begun<'b>, Fault> {
        let named = matches!(self.rest, [b'"' | b'{' | b'~', ..]);
        self.string(&mut part.media_type)?;
        let extension = self.rest;
        self.sp()?;
        if named && matches!(self.rest, [b'(' | b'N' | b'n', ..]) && self.may(Quirks::EMPTY_MULTIPART) {
            // Its subtype came first.
            self.rest = extension;
            let mut multi = Box::new(Multipart::new(part.media_type.clone(), Vec::new()));
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
        match self.rest {
            // `body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines`
            [b' ', b'(', ..] => {
                let mut message = Box::default();
                self.sp()?;
                self.envelope(&mut message)?;
                self.sp()?;
                return Ok(Begun::Message(message));
            }
            // `body-type-text = media-text SP body-fields SP body-fld-lines`
            [b' ', b'0'..=b'9' | b'-', ..] => {
                let mut lines = 0;
                self.sp()?;
                self.number(&mut lines)?;
                part.kind = BodyKind::Text(lines);
            }
            // A text without its lines is as basic as the rest.
            _ => {}
        }
        self.single_end(part)?;
        Ok(Begun::Single)
    }

    /// `SP body-fld-lines [SP body-ext-1part] ")"`, after the inner structure
    fn message_end(
        &mut self,
        mut part: Box<SinglePart<'b>>,
        envelope: Box<Envelope<'b>>,
        body: BodyStructure<'b>,
    ) -> Result<BodyStructure<'b>, Fault> {
        let mut lines = 0;
        if !matches!(self.rest, [b')', ..]) || !self.may(Quirks::SHORT_STRUCTURE) {
            self.sp()?;
            self.number(&mut lines)?;
        }
        part.kind = BodyKind::Message { envelope, body: Box::new(body), lines };
        self.single_end(&mut part)?;
        Ok(BodyStructure::Single(*part))
    }

    /// Whether a field follows; else it is the end.
    #[inline]
    fn another(&mut self) -> Result<bool, Fault> {
        if let [b')', ..] = self.rest {
            return Ok(false);
        }
        self.sp()?;
        Ok(!matches!(self.rest, [b')', ..]) || !self.may(Quirks::EXTRA_SPACE))
    }

    /// The end of a structure, or of a list in it.
    #[inline]
    fn body_close(&mut self) -> Step {
        self.close("A body structure does not end")
    }

    /// `[SP body-ext-1part] ")"`, with
    /// `body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    fn single_end(&mut self, part: &mut SinglePart<'b>) -> Step {
        if self.another()? {
            self.nstring(&mut part.md5)?;
            self.extension(&mut part.disposition, &mut part.language, &mut part.location)?;
        }
        self.body_close()
    }

    /// `SP media-subtype [SP body-ext-mpart] ")"`, after the parts
    fn multi_end(&mut self, parts: Vec<BodyStructure<'b>>) -> Result<BodyStructure<'b>, Fault> {
        let mut multi = Multipart::new(Cow::Borrowed(&[]), parts);
        self.sp()?;
        self.string(&mut multi.media_subtype)?;
        self.multi_extension(&mut multi)?;
        Ok(BodyStructure::Multi(multi))
    }

    /// `[SP body-ext-mpart] ")"`, with
    /// `body-ext-mpart = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    fn multi_extension(&mut self, multi: &mut Multipart<'b>) -> Step {
        if self.another()? {
            self.parameters(&mut multi.parameters)?;
            self.extension(&mut multi.disposition, &mut multi.language, &mut multi.location)?;
        }
        self.body_close()
    }

    /// `[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
    fn extension(
        &mut self,
        disposition: &mut Option<Disposition<'b>>,
        language: &mut Vec<Cow<'b, [u8]>>,
        location: &mut Option<Cow<'b, [u8]>>,
    ) -> Step {
        // What nearly every part has.
        if let Some(rest) = self.rest.strip_prefix(b" NIL NIL NIL")
            && let [b')', ..] = rest
        {
            self.rest = rest;
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
    #[inline]
    fn disposition(&mut self, to: &mut Option<Disposition<'b>>) -> Step {
        if self.nil() {
            return Ok(());
        }
        let disposition = to.insert(Disposition::new(Cow::Borrowed(&[]), Vec::new()));
        if self.eat(b'(') {
            self.string(&mut disposition.kind)?;
            if !matches!(self.rest, [b')', ..]) || !self.may(Quirks::SHORT_STRUCTURE) {
                self.sp()?;
                self.parameters(&mut disposition.parameters)?;
            }
            self.body_close()
        } else if matches!(self.rest, [b'"' | b'{', ..]) && self.may(Quirks::DISPOSITION_STRING) {
            self.string(&mut disposition.kind)
        } else {
            Err(Fault("A disposition is missing"))
        }
    }

    /// `body-fld-lang = nstring / "(" string *(SP string) ")"`
    #[inline]
    fn language(&mut self, all: &mut Vec<Cow<'b, [u8]>>) -> Step {
        if !self.eat(b'(') {
            let mut one = None;
            self.nstring(&mut one)?;
            all.extend(one);
            return Ok(());
        }
        if self.may(Quirks::EMPTY_LIST) && self.eat(b')') {
            return Ok(());
        }
        loop {
            let mut one = Cow::Borrowed(&[][..]);
            self.string(&mut one)?;
            all.push(one);
            if !self.another()? {
                return self.body_close();
            }
        }
    }

    /// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
    fn parameters(&mut self, all: &mut Parameters<'b>) -> Step {
        if self.nil() {
            return Ok(());
        }
        self.octet(b'(', "Parameters are missing")?;
        if self.may(Quirks::EMPTY_LIST) && self.eat(b')') {
            return Ok(());
        }
        // Mostly there is one, or two.
        all.reserve_exact(2);
        loop {
            let (mut name, mut value) = (Cow::Borrowed(&[][..]), Cow::Borrowed(&[][..]));
            self.string(&mut name)?;
            self.sp()?;
            if !self.nil() {
                self.string(&mut value)?;
            } else if !self.may(Quirks::NIL_PARAMETER) {
                return Err(Fault("The value of a parameter is missing"));
            }
            all.push((name, value));
            if !self.another()? {
                return self.body_close();
            }
        }
    }
}
