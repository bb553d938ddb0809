//! BDAT: content in counted chunks (RFC 3030).

use alloc::boxed::Box;
use alloc::string::ToString as _;

use mail_wire::{Instant, Poll, Wait};

use crate::{Answered, BareNewlines, DataRefusal, Event, Server, Status, Verb, status};

use super::state::{Frame, Mode, Pending, Phase, is_allowed, out_of_order};

/// Finds a CR or LF that stands alone, over any split.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BareScan {
    cr: bool,
    found: bool,
}

impl BareScan {
    fn scan(&mut self, octets: &[u8]) {
        let (Some(first), Some(last)) = (octets.first(), octets.last()) else { return };
        let mut odd = u8::from(*first == b'\n') ^ u8::from(self.cr);
        // No way out before the end: so the compiler makes vector instructions of it.
        for (before, this) in octets.iter().zip(octets.get(1..).unwrap_or(&[])) {
            odd |= u8::from(*this == b'\n') ^ u8::from(*before == b'\r');
        }
        self.cr = *last == b'\r';
        self.found |= odd != 0;
    }

    /// At the end of the content, a CR that waits for its LF stands alone.
    const fn at_end(self) -> bool {
        self.found || self.cr
    }
}

/// What is known of the chunk that is coming in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Chunk {
    left: u64,
    size: u64,
    last: bool,
    /// The content comes in chunks.
    pub(super) active: bool,
    /// The chunk belongs to no content: it is dropped, and answered after its end.
    stray: bool,
    bare: BareScan,
}

impl Server {
    pub(super) fn bdat<'b>(&mut self, size: u64, last: bool) -> Event<'b> {
        // No chunk is left in the input, where it would become commands: what is too much ends the connection.
        let bound = self.config.size_limit.unwrap_or(u64::MAX).saturating_add(self.config.limits.drained);
        if size > bound {
            self.writer().reply(status::TOO_BIG, "the chunk is larger than the size limit");
            self.closing(status::TOO_MANY_ERRORS, "the chunk is too large to be read");
            return Event::Answered(Answered { command: Some(Verb::Bdat), code: status::TOO_BIG.code() });
        }
        if let Some((status, text)) = self.bdat_misplaced() {
            self.content = super::data::Content::default();
            self.content.refuse(Box::new((status, text.to_string())));
            self.chunk = Chunk { left: size, size, last, stray: true, ..Chunk::default() };
            self.mode = Mode::Chunk;
            self.skipped = 0;
            return Event::Answered(Answered { command: Some(Verb::Bdat), code: status.code() });
        }
        let first = self.phase == Phase::Rcpt;
        if first {
            self.content = super::data::Content::default();
            self.chunk = Chunk { active: true, ..Chunk::default() };
            self.phase = Phase::Chunks;
            self.skipped = 0;
        }
        self.chunk = Chunk { left: size, size, last, ..self.chunk };
        if self.config.size_limit.is_some_and(|limit| self.content.octets().saturating_add(size) > limit) {
            self.content.refuse_for(DataRefusal::TooBig);
        }
        if first && !self.content.is_refused() {
            self.pending = Pending::DataBegin;
            return Event::DataBegin;
        }
        self.mode = Mode::Chunk;
        Event::Bdat { size, last }
    }

    fn bdat_misplaced(&self) -> Option<(Status, &'static str)> {
        if self.config.auth_required && !self.authenticated {
            return Some((status::AUTH_REQUIRED, "authentication required"));
        }
        if is_allowed(Verb::Bdat, self.phase) {
            return None;
        }
        if self.phase == Phase::Mail && self.refused_recipient {
            return Some((status::NO_VALID_RECIPIENTS, "no valid recipients"));
        }
        Some((status::OUT_OF_ORDER, out_of_order(Verb::Bdat, self.phase)))
    }

    /// RFC 3030 section 2: the chunk is exactly so many octets, and whatever they are, no command.
    pub(super) fn poll_chunk(&mut self, input: &[u8], now: Instant) -> Poll {
        if self.chunk.left == 0 {
            if !self.chunk.stray {
                return self.found(Frame::EndOfChunk, 0);
            }
            self.pace.frame();
            self.mode = Mode::Command;
            self.chunk = Chunk::default();
            let _ = self.answer_refused(false);
            return self.poll_line(input, now);
        }
        if input.is_empty() {
            self.pace.wait(now, Wait::Payload);
            return Poll::NeedInput { hint: 1 };
        }
        let n = usize::try_from(self.chunk.left).map_or(input.len(), |left| left.min(input.len()));
        let count = u64::try_from(n).unwrap_or(u64::MAX);
        self.pace.payload(now, n);
        self.chunk.left = self.chunk.left.saturating_sub(count);
        self.content.count(count);
        if !self.content.is_refused() && !self.binary {
            self.chunk.bare.scan(input.get(..n).unwrap_or(input));
            if self.chunk.bare.found && self.config.bare_newlines == BareNewlines::Refuse {
                self.content.refuse_for(DataRefusal::BareNewline);
            }
        }
        if !self.content.is_refused() {
            self.frame = Frame::Chunk;
            return Poll::Frame(n);
        }
        self.skipped = self.skipped.saturating_add(count);
        if self.skipped > self.config.size_limit.unwrap_or(0).saturating_add(self.config.limits.drained) {
            let _ = self.answer_refused(false);
            self.closing(status::TOO_MANY_ERRORS, "the message does not end");
            return Poll::Close;
        }
        Poll::Skip(n)
    }

    pub(super) fn end_of_chunk<'b>(&mut self) -> Event<'b> {
        self.mode = Mode::Command;
        let Chunk { size, last, bare, .. } = self.chunk;
        if last && bare.at_end() && self.config.bare_newlines == BareNewlines::Refuse && !self.binary {
            self.content.refuse_for(DataRefusal::BareNewline);
        }
        if let Some(reason) = self.answer_refused(last) {
            return Event::DataRefused(reason);
        }
        if last {
            self.pending = Pending::DataEnd;
            return Event::DataEnd { octets: self.content.octets(), bare_newline: bare.at_end() };
        }
        self.writer().reply(status::OK, &alloc::format!("{size} octets received"));
        Event::Answered(Answered { command: Some(Verb::Bdat), code: 250 })
    }
}
