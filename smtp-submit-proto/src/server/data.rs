use mail_wire::{Dot, Instant, Poll, Wait};

use crate::{BareNewlines, DataRefusal, Event, Server, status};

use super::{
    Refusal,
    state::{Frame, Mode, Pending},
};

/// What is known of the content that is coming in.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, PartialEq))]
pub(super) struct Content {
    octets: u64,
    refused: Option<DataRefusal>,
    by_host: Option<Refusal>,
}

impl Content {
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused = Some(DataRefusal::Host);
        self.by_host = Some(refusal);
    }

    /// Unless it is refused already.
    pub(super) fn refuse_for(&mut self, reason: DataRefusal) {
        self.refused.get_or_insert(reason);
    }

    pub(super) const fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) const fn count(&mut self, n: u64) {
        self.octets = self.octets.saturating_add(n);
    }

    pub(super) const fn is_refused(&self) -> bool {
        self.refused.is_some()
    }
}

impl Server {
    pub(super) fn begin_content(&mut self) {
        self.content = Content::default();
        self.dots.reset();
        self.mode = Mode::Data;
    }

    /// RFC 5321 section 4.5.2: `.` after CRLF is dropped, CRLF.CRLF is the end and nothing else is.
    pub(super) fn poll_data(&mut self, input: &[u8], now: Instant) -> Poll {
        match self.dots.step(input) {
            Dot::Payload(n) => {
                self.pace.payload(now, n);
                self.content.octets =
                    self.content.octets.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
                self.judge();
                if !self.content.is_refused() {
                    self.frame = Frame::Chunk;
                    return Poll::Frame(n);
                }
                let bound = self.config.size_limit.unwrap_or(0).saturating_add(self.config.limits.drained);
                if self.content.octets > bound {
                    let _ = self.answer_refused(true);
                    self.closing(status::TOO_MANY_ERRORS, "the message does not end");
                    return Poll::Close;
                }
                Poll::Skip(n)
            }
            Dot::Skip(n) => Poll::Skip(n),
            Dot::End(n) => self.found(Frame::EndOfData, n),
            _ => {
                self.pace.wait(now, Wait::Payload);
                Poll::NeedInput { hint: 1 }
            }
        }
    }

    /// The reply cannot come before the end of the content (RFC 5321 section 4.1.1.4), so a
    /// refusal is noted and the rest dropped. What is too big is so whatever else it is: which of the two was seen first depends on how it came.
    fn judge(&mut self) {
        if !matches!(self.content.refused, None | Some(DataRefusal::BareNewline)) {
            return;
        }
        if self.config.size_limit.is_some_and(|limit| self.content.octets > limit) {
            self.content.refused = Some(DataRefusal::TooBig);
        } else if self.dots.saw_bare() && self.config.bare_newlines == BareNewlines::Refuse {
            self.content.refused = Some(DataRefusal::BareNewline);
        }
    }

    pub(super) fn end_of_data<'b>(&mut self) -> Event<'b> {
        self.mode = Mode::Command;
        let bare_newline = self.dots.saw_bare();
        self.dots.reset();
        match self.answer_refused(true) {
            Some(reason) => Event::DataRefused(reason),
            None => {
                self.pending = Pending::DataEnd;
                Event::DataEnd { octets: self.content.octets, bare_newline }
            }
        }
    }

    /// `complete`: the content has ended, and with LMTP each recipient has its reply.
    pub(super) fn answer_refused(&mut self, complete: bool) -> Option<DataRefusal> {
        let reason = self.content.refused.take()?;
        let by_host = self.content.by_host.take();
        let (status, text) = match (reason, by_host.as_deref()) {
            (_, Some((status, text))) => (*status, &**text),
            (DataRefusal::TooBig, _) => (status::TOO_BIG, "the message is larger than the size limit"),
            (_, None) => (
                status::BAD_CONTENT,
                "a CR or LF stands alone in the message; lines end with CRLF (RFC 5321 section 2.3.8)",
            ),
        };
        let replies = if complete { self.replies_due() } else { 1 };
        for _ in 0..replies {
            self.writer().reply(status, text);
        }
        self.end_transaction();
        Some(reason)
    }
}
