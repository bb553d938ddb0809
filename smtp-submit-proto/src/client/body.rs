use alloc::format;

use bytes::Bytes;
use mail_wire::{DotEncoder, Misuse, Stuffing};

use crate::Verb;

use super::{Client, Event, Expect, Mode, Phase};

impl Client {
    /// Asks for the content to be taken: DATA, or where CHUNKING is used, nothing that is seen on the wire.
    /// [`BodyWanted`](Event::BodyWanted), [`DataRefused`](Event::DataRefused) or
    /// [`NoRecipient`](Event::NoRecipient) follows.
    ///
    /// # Errors
    /// [`Misuse`] before RCPT.
    pub fn data(&mut self) -> Result<(), Misuse> {
        if self.mode != Mode::Open || self.phase != Phase::Rcpt {
            return self.misuse("data");
        }
        self.phase = Phase::DataAsked;
        if !self.chunked {
            self.send(Expect::Data, |client| client.out.put(b"DATA\r\n"));
        }
        Ok(())
    }

    /// A part of the content, after [`BodyWanted`](Event::BodyWanted). With DATA dots are stuffed; with
    /// CHUNKING each part is a chunk, so they had better be large. Lines end with CRLF.
    ///
    /// Once a chunk was refused, what comes is dropped.
    ///
    /// # Errors
    /// [`Misuse`] outside of the content.
    pub fn body(&mut self, content: Bytes) -> Result<(), Misuse> {
        if self.mode != Mode::Open || self.phase != Phase::Body {
            return self.misuse("body");
        }
        if content.is_empty() || self.failed {
            return Ok(());
        }
        if self.chunked {
            self.send(Expect::Chunk, |client| {
                client.out.put(format!("BDAT {}\r\n", content.len()).as_bytes());
                client.out.put_shared(content);
            });
        } else {
            self.dots.put(content, &mut self.out);
        }
        Ok(())
    }

    /// The content is whole. [`Sent`](Event::Sent) follows, with LMTP once for each accepted recipient.
    ///
    /// # Errors
    /// [`Misuse`] outside of the content.
    pub fn end_body(&mut self) -> Result<(), Misuse> {
        if self.mode != Mode::Open || self.phase != Phase::Body {
            return self.misuse("end_body");
        }
        if self.failed {
            self.reset_by_itself();
            return Ok(());
        }
        self.phase = Phase::Ending;
        let all = Expect::End { recipient: None, last: true };
        if self.chunked {
            self.send(all, |client| client.out.put(b"BDAT 0 LAST\r\n"));
        } else if self.config.lmtp {
            self.dots.finish(&mut self.out);
            let accepted = core::mem::take(&mut self.accepted_indices);
            for (i, index) in accepted.iter().enumerate() {
                let last = i + 1 == accepted.len();
                self.await_more(Expect::End { recipient: Some(*index), last });
            }
        } else {
            self.dots.finish(&mut self.out);
            self.await_more(all);
        }
        Ok(())
    }

    /// A reply to what was written already.
    fn await_more(&mut self, what: Expect) {
        self.pending.push_back(super::Awaited { what, stopped: false });
    }

    /// 354 was read, or the last RCPT was answered.
    pub(super) fn go<'b>(&mut self) -> Event<'b> {
        if self.accepted > 0 {
            self.phase = Phase::Body;
            self.dots = DotEncoder::new(Stuffing::AfterCrlf);
            return Event::BodyWanted;
        }
        if self.chunked {
            self.reset_by_itself();
        } else {
            // RFC 2920 section 3.1: DATA was accepted without a recipient; nothing is sent to nobody. With
            // LMTP no reply follows (RFC 2033 section 4.2).
            self.out.put(b".\r\n");
            self.phase = Phase::Ready;
            if !self.config.lmtp {
                self.await_more(Expect::Other(Verb::Data));
            }
        }
        Event::NoRecipient
    }

    /// RFC 3030 section 2: after a refused chunk "the receiver-SMTP's state is indeterminate" until RSET.
    pub(super) fn reset_by_itself(&mut self) {
        self.phase = Phase::Ready;
        self.send(Expect::Other(Verb::Rset), |client| client.out.put(b"RSET\r\n"));
    }
}
